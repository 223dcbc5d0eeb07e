//! The query test: random records, null patterns, filters, orders and pages, held against the naive evaluator. The store, the
//! bound filter and, of a derived record, what its handles say must all mean the same.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::{
    Suite,
    handles::{Chance, Static},
    naive::{self, Row},
    random::{self, Random, shrunk},
};
use crate::{
    capability::Engine,
    error::{Error, Result},
    query::{Filter, Key, Nulls, Operand, Predicate, Query, Seen},
    record::{Document, DocumentReader, Draft, FieldDef, Metadata, Path, RecordCodec, Schema, Stored, Type},
    store::{Database, Store},
    value::Value,
};

/// Queries on one set of records.
const QUERIES_OF_ONE_STORE: usize = 100;

/// Every answer of the store, and of the bound filter here, is that of the naive evaluator.
pub fn random_queries_mean_what_the_naive_evaluator_says<D: Database>(suite: &Suite<D>) -> Result<()> {
    let open = |world: &World| suite.store(world.schema.clone());
    random_queries(suite.supports.queries, World::new::<D>, open)
}

/// The same of a derived record with every type that can be filtered on, and of what its handles say, here and in the store.
pub fn random_queries_on_typed_records_mean_the_same<D: Database>(suite: &Suite<D>) -> Result<()> {
    if suite.typed::<Chance>()?.is_none() {
        return Ok(());
    }
    let open = |_: &World| suite.typed::<Chance>()?.ok_or_else(|| Error::backend("it held the types before"));
    random_queries(suite.supports.queries / 2, |_| World::typed(), open)
}

fn random_queries<R: Asked, S: Store<R>>(
    queries: usize,
    world: impl Fn(&mut Random) -> World,
    open: impl Fn(&World) -> Result<S>,
) -> Result<()> {
    let seed = random::seed();
    let mut random = Random::new(seed);
    for _ in 0..random::rounds(queries).div_ceil(QUERIES_OF_ONE_STORE) {
        let world = world(&mut random);
        let rows = world.rows(&mut random);
        let filled = |rows: &[Row]| Filled::of(open(&world)?, rows);
        let store = filled(&rows)?;
        for _ in 0..QUERIES_OF_ONE_STORE {
            let question = world.question(&mut random);
            if question.fault(&store, &rows).is_none() {
                continue;
            }
            let fails = |rows: &[Row]| filled(rows).is_ok_and(|store| question.fault(&store, rows).is_some());
            let rows = shrunk(rows, fails);
            let again = filled(&rows)?;
            let question = question.smallest(|question| question.fault(&again, &rows).is_some());
            let fault = question.fault(&again, &rows).unwrap_or_else(|| "it did not happen again".to_owned());
            panic!("DK_SEED={seed}\n{fault}\n{question:#?}\nrecords: {rows:#?}");
        }
    }
    Ok(())
}

/// The store with these records, some of which were written twice, beside others that are gone again.
fn fill<R: RecordCodec, S: Store<R>>(store: S, rows: &[Row]) -> Result<S> {
    let record = |document: &Document| R::decode(store.shape(), &mut DocumentReader::new(document));
    for (place, row) in rows.iter().enumerate() {
        if place % 5 == 0 {
            let empty = record(&Document::new())?;
            store.create(Draft::of(&empty).id(format!("gone {place}"))?)?;
            store.create(Draft::of(&empty).id(&row.id)?)?;
        }
    }
    let draft =
        |row: &Row| Ok::<_, Error>(Draft::of(record(&row.document)?).id(&row.id)?.metadata(row.metadata.clone()));
    let outcomes = store.upsert_batch(rows.iter().map(draft).collect::<Result<Vec<_>>>()?)?;
    outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))?;
    for place in (0..rows.len()).step_by(5) {
        store.delete(format!("gone {place}"))?;
    }
    Ok(store)
}

/// A store and what is in it.
struct Filled<R, S> {
    store: S,
    stored: Vec<Stored<R>>,
}

impl<R: RecordCodec, S: Store<R>> Filled<R, S> {
    fn of(store: S, rows: &[Row]) -> Result<Filled<R, S>> {
        let store = fill(store, rows)?;
        Ok(Filled { stored: store.search(Query::new())?, store })
    }
}

/// A record type that random queries are asked of.
trait Asked: RecordCodec {
    /// What is wrong with the answers to the filter as handles say it.
    fn fault_of_handles<S: Store<Self>>(
        filter: &Filter,
        filled: &Filled<Self, S>,
        expected: &[String],
    ) -> Result<Option<String>>;
}

/// Documents have no handles.
impl Asked for Document {
    fn fault_of_handles<S: Store<Self>>(_: &Filter, _: &Filled<Self, S>, _: &[String]) -> Result<Option<String>> {
        Ok(None)
    }
}

impl Asked for Chance {
    fn fault_of_handles<S: Store<Self>>(
        filter: &Filter,
        filled: &Filled<Self, S>,
        expected: &[String],
    ) -> Result<Option<String>> {
        let Some(predicate) = Static::of(filter) else { return Ok(None) };
        let here = filled.stored.iter().filter(|row| predicate.matches(Seen::of(row)));
        let here = differs("what the handles match", sorted(here), expected);
        let there = filled.store.search(Query::new().filter(predicate))?;
        Ok(here.or_else(|| differs("the store, asked by handles", sorted(&there), expected)))
    }
}

fn sorted<'r, R: 'r>(rows: impl IntoIterator<Item = &'r Stored<R>>) -> Vec<String> {
    let mut ids: Vec<_> = rows.into_iter().map(|row| row.storage_id().to_string()).collect();
    ids.sort();
    ids
}

fn differs(what: &str, found: Vec<String>, expected: &[String]) -> Option<String> {
    (found != expected).then(|| format!("{what}: {found:?} should be {expected:?}"))
}

/// A schema with values to choose from.
struct World {
    fields: Vec<(Operand, Type, Vec<Value>)>,
    schema: Schema,
}

fn texts() -> Vec<Value> {
    [
        "",
        "a",
        "A",
        "ab",
        "aB",
        "b",
        "a%b",
        "a_b",
        "a\\b",
        "é",
        "É",
        "e\u{301}",
        "\u{ffff}",
        "\u{10000}",
        "10",
        "9",
        "a\nb",
        " ",
    ]
    .map(Value::from)
    .to_vec()
}

fn values_of(ty: &Type) -> Vec<Value> {
    let two53 = 1_i64 << 53;
    let moment = |n| Value::Timestamp(jiff::Timestamp::from_microsecond(n).unwrap_or_default());
    match ty {
        Type::Bool => [true, false].map(Value::from).to_vec(),
        Type::I64 => [i64::MIN, -two53 - 1, -1, 0, 1, 2, 3, two53, two53 + 1, i64::MAX].map(Value::from).to_vec(),
        Type::I16 => [i16::MIN, -1, 0, 1, 2, i16::MAX].map(Value::from).to_vec(),
        Type::F32 => [f32::MIN, -1.5, 0.0, 0.5, 0.1, 1.0, 16_777_216.0].map(|f| Value::Float(f64::from(f))).to_vec(),
        Type::U64 => [0, 1, 2, u64::MAX - 1, u64::MAX].map(Value::from).to_vec(),
        Type::F64 => {
            [f64::MIN, -1.5, -1.0, 0.0, 0.5, 1.0, two53 as f64, 1e300, i64::MAX as f64].map(Value::from).to_vec()
        }
        Type::Decimal => [-150, 0, 110, 111, 1_000].map(|n| Value::Decimal(Decimal::new(n, 2))).to_vec(),
        Type::Bytes => [vec![], vec![0], vec![0, 1], vec![255]].map(Value::Bytes).to_vec(),
        Type::Uuid => [0, 1, 1 << 64, u128::MAX].map(|n| Value::Uuid(Uuid::from_u128(n))).to_vec(),
        Type::Timestamp => [-1_000_001, -1, 0, 1, 1_000_000].map(moment).to_vec(),
        Type::Date => [-5_000, 0, 1, 2_000]
            .map(|year| Value::Date(jiff::civil::Date::new(year.max(1), 2, 3).unwrap_or_default()))
            .to_vec(),
        _ => texts(),
    }
}

const SCALARS: [Type; 10] = [
    Type::Bool,
    Type::I64,
    Type::U64,
    Type::F64,
    Type::Decimal,
    Type::Text,
    Type::Bytes,
    Type::Uuid,
    Type::Timestamp,
    Type::Date,
];

impl World {
    fn new<D: Database>(random: &mut Random) -> World {
        let holds = |ty: &Type| ty.needs().within(<D::Engine as Engine>::HOLDS);
        let mut types: Vec<Type> = SCALARS.into_iter().filter(holds).collect();
        while types.len() > 4 {
            types.remove(random.below(types.len()));
        }
        types.extend([Type::I64, Type::Text, Type::list(Type::Text)].into_iter().filter(holds));
        let mut world = World::over(types, holds(&Type::record(Schema::new("inner"))));
        if random.percent(30) {
            // An open store of the same records means the same: the values have the types that the schema would declare.
            world.schema = Schema::open("random");
        }
        world
    }

    /// The fields of [`Chance`].
    fn typed() -> World {
        let mut types = SCALARS.to_vec();
        types.extend([Type::I16, Type::F32, Type::list(Type::Text)]);
        World::over(types, true)
    }

    /// Fields of these types, called by their places, metadata, the id, and a record inside where there is one.
    fn over(types: Vec<Type>, has_inner: bool) -> World {
        let inner = Schema::new("inner")
            .field(FieldDef::new("x", Type::I64).nullable())
            .field(FieldDef::new("t", Type::Text).nullable());
        let mut schema = Schema::new("random");
        let mut fields = Vec::new();
        for (place, ty) in types.into_iter().enumerate() {
            let name = format!("f{place}");
            let path = Path::field(name.clone());
            fields.push((Operand::Field(path.clone()), ty.clone(), values_of(&ty)));
            if matches!(ty, Type::List(_)) {
                fields.push((Operand::Len(path), Type::U64, (0..4).map(Value::Int).collect()));
            }
            schema = schema.field(FieldDef::new(name, ty).nullable());
        }
        if has_inner {
            for (name, ty) in [("x", Type::I64), ("t", Type::Text)] {
                let values = values_of(&ty);
                fields.push((Operand::Field(Path::field("inner").then(name)), ty, values));
            }
            schema = schema.field(FieldDef::new("inner", Type::record(inner)).nullable());
        }
        let metadata = [Value::Int(1), Value::Int(2), Value::from("1"), Value::from("b")];
        fields.push((Operand::Field(Path::field("_metadata").then("m")), Type::Any, metadata.to_vec()));
        fields.push((Operand::Field(Path::field("_id")), Type::Text, texts()));
        World { fields, schema }
    }

    fn rows(&self, random: &mut Random) -> Vec<Row> {
        let nulls = *random.pick(&[0, 10, 50, 90]);
        let many = *random.pick(&[0, 1, 5, 40, 80]);
        let mut rows: Vec<Row> = (0..many).map(|n| self.row(random, nulls, n)).collect();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows.dedup_by(|a, b| a.id == b.id);
        rows
    }

    fn row(&self, random: &mut Random, nulls: usize, n: usize) -> Row {
        let (mut document, mut metadata, mut inner) = (Document::new(), Metadata::new(), Document::new());
        for (operand, ty, values) in &self.fields {
            if random.percent(nulls) || matches!(operand, Operand::Len(_)) {
                continue;
            }
            let value = match ty {
                Type::List(_) => Value::List((0..random.below(4)).map(|_| random.pick(values).clone()).collect()),
                _ => random.pick(values).clone(),
            };
            match operand.path().segments() {
                [_metadata, name] if _metadata == "_metadata" => {
                    metadata.set(name.as_ref(), crate::record::stored::json_of(&value));
                }
                [_, name] => {
                    inner.set(name.clone(), value);
                }
                [name] if name == "_id" => {}
                segments => {
                    document.set(segments[0].clone(), value);
                }
            }
        }
        let has_inner = self.fields.iter().any(|(operand, ..)| operand.path().first() == "inner");
        if has_inner && !random.percent(nulls) {
            document.set("inner", inner);
        }
        let id = match random.below(3) {
            0 => format!("{n}"),
            1 => format!("a/{n}"),
            _ => format!("é{}", n % 7),
        };
        Row { id, document, metadata }
    }

    fn question(&self, random: &mut Random) -> Question {
        let keys = (0..random.below(4)).map(|_| self.key(random)).collect();
        let filter = self.filter(random, 3);
        let some = |random: &mut Random, most: usize| random.percent(50).then(|| random.below(most));
        Question {
            filter,
            keys,
            limit: some(random, 90),
            offset: some(random, 20).unwrap_or(0),
            pages: random.percent(30).then(|| 1 + random.below(9)),
        }
    }

    fn key(&self, random: &mut Random) -> Key<Document> {
        let sortable: Vec<_> = self.fields.iter().filter(|(_, ty, _)| !matches!(ty, Type::List(_))).collect();
        let operand = random.pick(&sortable).0.clone();
        let key = if random.percent(50) { Key::asc(operand) } else { Key::desc(operand) };
        if random.percent(30) { key.nulls_first() } else { key }
    }

    fn filter(&self, random: &mut Random, depth: usize) -> Filter {
        let some = |random: &mut Random| (0..random.below(4)).map(|_| self.filter(random, depth - 1)).collect();
        match random.below(if depth == 0 { 3 } else { 6 }) {
            0..3 => self.comparison(random),
            3 => Filter::and(some(random)),
            4 => Filter::or(some(random)),
            _ => self.filter(random, depth - 1).not(),
        }
    }

    fn comparison(&self, random: &mut Random) -> Filter {
        let (operand, ty, values) = random.pick(&self.fields).clone();
        if random.percent(10) && matches!(operand, Operand::Field(_)) && operand.path().first() != "_id" {
            return Filter::is_null(operand.path().clone());
        }
        match ty {
            Type::List(_) => Filter::contains(operand, random.pick(&values).clone()),
            Type::Text if random.percent(50) => text_test(random, operand),
            Type::I64 | Type::F64 | Type::I16 | Type::F32 if random.percent(20) => number_test(random, operand),
            _ => comparison(random, operand, &values),
        }
    }
}

fn comparison(random: &mut Random, operand: Operand, values: &[Value]) -> Filter {
    let ops =
        [crate::query::Op::Eq, crate::query::Op::Gt, crate::query::Op::Ge, crate::query::Op::Lt, crate::query::Op::Le];
    match random.below(7) {
        0..5 => Filter::compare(operand, *random.pick(&ops), random.pick(values).clone()),
        5 => Filter::between(operand, random.pick(values).clone(), random.pick(values).clone()),
        _ => {
            let many = *random.pick(&[0, 1, 3, 12]);
            Filter::is_in(operand, (0..many).map(|_| random.pick(values).clone()).collect::<Vec<_>>())
        }
    }
}

/// Integers against floats and the other way round.
fn number_test(random: &mut Random, operand: Operand) -> Filter {
    let mut values = values_of(&Type::I64);
    values.extend(values_of(&Type::F64));
    comparison(random, operand, &values)
}

fn text_test(random: &mut Random, operand: Operand) -> Filter {
    let part = *random.pick(&["", "a", "A", "b", "%", "_", "é", "\\", "10", "\u{10000}"]);
    let patterns = [
        "", "%", "_", "a%", "%b", "a_b", "%a%", "A%", "\\%", "a\\%b", "a\\_b", "_%", "é", "%é%", "a\\\\b", "__", "%_b",
    ];
    match random.below(4) {
        0 => Filter::starts_with(operand, part),
        1 => Filter::ends_with(operand, part),
        2 => Filter::contains(operand, part),
        _ => Filter::like(operand, *random.pick(&patterns), random.percent(50)),
    }
}

/// The same key of another record type.
fn key_of<R>(key: &Key<Document>) -> Key<R> {
    let direction = key.direction();
    let same = if direction.descending { Key::desc(key.operand().clone()) } else { Key::asc(key.operand().clone()) };
    if direction.nulls == Nulls::First { same.nulls_first() } else { same }
}

/// One query.
#[derive(Clone, Debug)]
struct Question {
    filter: Filter,
    keys: Vec<Key<Document>>,
    limit: Option<usize>,
    offset: usize,
    /// The size of the pages that it is read in as well.
    pages: Option<usize>,
}

impl Question {
    /// What is wrong with the store's answer.
    fn fault<R: Asked, S: Store<R>>(&self, filled: &Filled<R, S>, rows: &[Row]) -> Option<String> {
        match self.differs(filled, rows) {
            Ok(fault) => fault,
            Err(error) => Some(format!("an error: {error}")),
        }
    }

    fn differs<R: Asked, S: Store<R>>(&self, filled: &Filled<R, S>, rows: &[Row]) -> Result<Option<String>> {
        let store = &filled.store;
        let mut expected: Vec<&Row> = rows.iter().filter(|row| naive::holds(&self.filter, row)).collect();
        expected.sort_by(|a, b| naive::order(&self.keys, a, b));
        let bound = self.filter.clone().bind::<R>(store.schema())?;
        let ids = |rows: &[&Row]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
        let query = self.keys.iter().map(key_of::<R>).fold(Query::new(), Query::sort).filter(bound.clone());
        let page = query.clone().offset(self.offset);
        let page = self.limit.into_iter().fold(page, Query::limit);
        let ordered = !self.keys.is_empty() || self.limit.is_some() || self.offset > 0;
        let wanted: Vec<&Row> =
            expected.iter().skip(self.offset).take(self.limit.unwrap_or(usize::MAX)).copied().collect();
        let answer = store.search(&page)?;
        let (mut answer, mut wanted_ids): (Vec<_>, _) =
            (answer.iter().map(|row| row.storage_id().to_string()).collect(), ids(&wanted));
        if !ordered {
            answer.sort();
            wanted_ids.sort();
        }
        let counted = store.count(&page)?;
        let here = filled.stored.iter().filter(|row| bound.matches(Seen::of(row)));
        let mut all = ids(&expected);
        all.sort();
        Ok(differs("the answer", answer, &wanted_ids)
            .or_else(|| {
                (counted != wanted.len() as u64).then(|| format!("{counted} counted, {} expected", wanted.len()))
            })
            .or_else(|| differs("the bound filter", sorted(here), &all))
            .or(R::fault_of_handles(&self.filter, filled, &all)?)
            .or(self.paged(store, &query)?.and_then(|paged| differs("the pages", paged, &ids(&expected)))))
    }

    /// The ids of all pages, where pages are asked for.
    fn paged<R, S, P>(&self, store: &S, query: &Query<R, P>) -> Result<Option<Vec<String>>>
    where
        R: RecordCodec,
        S: Store<R>,
        P: Predicate<R> + crate::query::RunsOn<S::Engine>,
    {
        let Some(size) = self.pages else { return Ok(None) };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.page(&query.clone().limit(size), after)?;
            found.extend(page.rows.iter().map(|row| row.storage_id().to_string()));
            match page.next {
                Some(next) if found.len() < 1_000 => after = Some(next.to_string().parse()?),
                _ => return Ok(Some(found)),
            }
        }
    }

    /// The same with less of everything, as long as it fails.
    fn smallest(self, fails: impl Fn(&Question) -> bool) -> Question {
        let smaller = self.smaller().into_iter().find(&fails);
        match smaller {
            Some(smaller) => smaller.smallest(fails),
            None => self,
        }
    }

    fn smaller(&self) -> Vec<Question> {
        let parts = match self.filter.node() {
            crate::query::Node::And(list) | crate::query::Node::Or(list) => list.clone(),
            crate::query::Node::Not(inner) => vec![(**inner).clone()],
            _ => Vec::new(),
        };
        let mut all: Vec<Question> = parts.into_iter().map(|filter| Question { filter, ..self.clone() }).collect();
        if !self.filter.is_all() {
            all.push(Question { filter: Filter::all(), ..self.clone() });
        }
        all.extend((0..self.keys.len()).map(|place| {
            let mut fewer = self.clone();
            fewer.keys.remove(place);
            fewer
        }));
        if self.limit.is_some() || self.offset > 0 {
            all.push(Question { limit: None, offset: 0, ..self.clone() });
        }
        if self.pages.is_some() {
            all.push(Question { pages: None, ..self.clone() });
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_say_most_of_what_is_asked_of_derived_records() {
        let (world, mut random) = (World::typed(), Random::new(1));
        let said = (0..1_000).filter(|_| Static::of(&world.filter(&mut random, 3)).is_some()).count();
        assert!(said > 700, "{said} of 1,000");
    }
}
