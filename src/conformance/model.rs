//! The model test: random operations on a store and on a map, which must agree after each of them.

use std::collections::BTreeMap;

use super::{
    Suite,
    naive::{self, Row},
    random::{self, Random, shrunk},
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::Id,
    query::{Filter, Query},
    record::{Changes, Document, Draft, FieldDef, Metadata, Path, Schema, Type},
    store::{Atomicity, Database, Driver, Effect, Limits, Outcome, Store, Write},
    value::Value,
    version::Version,
};

/// Sequences of one run; `DK_ROUNDS` multiplies.
const SEQUENCES: usize = 100;
/// Operations of one sequence.
const OPERATIONS: usize = 40;

/// After each operation the store holds what the map holds, and has said what the map says.
pub fn random_operations_do_what_a_map_does<D: Database>(suite: &Suite<D>) -> Result<()> {
    let seed = random::seed();
    let mut random = Random::new(seed);
    for _ in 0..random::rounds(SEQUENCES) {
        let operations: Vec<Operation> = (0..OPERATIONS).map(|_| operation(&mut random, suite)).collect();
        if run(suite, &operations).is_ok() {
            continue;
        }
        let operations = shrunk(operations, |operations| run(suite, operations).is_err());
        let fault = run(suite, &operations).err().unwrap_or_else(|| "it did not happen again".to_owned());
        panic!("DK_SEED={seed}\n{fault}\nafter {operations:#?}");
    }
    Ok(())
}

fn schema() -> Schema {
    Schema::new("model")
        .field(FieldDef::new("n", Type::I64).nullable())
        .field(FieldDef::new("f", Type::F64).nullable())
        .field(FieldDef::new("u", Type::Text).unique().nullable())
}

const IDS: [&str; 5] = ["a", "b", "c/d", "é", "42"];

/// One step of a sequence.
#[derive(Clone, Debug)]
enum Operation {
    One(Step),
    Batch(Vec<Step>, Atomicity),
    UpdateWhere(Filter, i64),
    DeleteWhere(Filter),
    Count(Filter),
}

/// One write of one record.
#[derive(Clone, Debug)]
enum Step {
    Create(&'static str, Content),
    Update(&'static str, Content, Expected),
    Upsert(&'static str, Content, Expected),
    /// Adds to `n`, and may set `u`.
    Patch(&'static str, i64, Option<Value>, Expected),
    Delete(&'static str, Expected),
}

/// What a write brings.
#[derive(Clone, Debug)]
struct Content {
    document: Document,
    metadata: Option<i64>,
}

/// Which version a write asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    Any,
    Current,
    Stale,
}

fn operation<D: Database>(random: &mut Random, suite: &Suite<D>) -> Operation {
    let filter = |random: &mut Random| match random.below(5) {
        0 => Filter::ge("n", random.below(4) as i64),
        1 => Filter::ne("n", random.below(4) as i64),
        2 => Filter::is_null("n"),
        3 => Filter::eq(Path::field("_metadata").then("m"), random.below(3) as i64),
        _ => Filter::eq("u", *random.pick(&["x", "y"])),
    };
    let versions = suite.supports.versions;
    match random.below(12) {
        0..6 => Operation::One(step(random, versions)),
        6 | 7 => Operation::Batch((0..random.below(6)).map(|_| step(random, versions)).collect(), Atomicity::Each),
        8 if suite.supports.atomic_batches => {
            Operation::Batch((0..random.below(4)).map(|_| step(random, versions)).collect(), Atomicity::All)
        }
        9 => Operation::UpdateWhere(filter(random), random.below(5) as i64 - 2),
        10 if random.percent(30) => Operation::DeleteWhere(filter(random)),
        _ => Operation::Count(filter(random)),
    }
}

fn step(random: &mut Random, versions: bool) -> Step {
    let id = *random.pick(&IDS);
    let content = content(random);
    let expected = match random.below(6) {
        0 | 1 if versions => Expected::Current,
        2 if versions => Expected::Stale,
        _ => Expected::Any,
    };
    match random.below(5) {
        0 => Step::Create(id, content),
        1 => Step::Update(id, content, expected),
        2 => Step::Upsert(id, content, expected),
        3 => {
            let unique = random.percent(30).then(|| content.document["u"].clone());
            Step::Patch(id, *random.pick(&[1, -1, i64::MAX]), unique, expected)
        }
        _ => Step::Delete(id, expected),
    }
}

fn content(random: &mut Random) -> Content {
    let mut document = Document::new();
    document.set("n", random.percent(70).then(|| random.below(5) as i64));
    document.set("f", random.percent(20).then(|| *random.pick(&[1.5, -0.0, f64::NAN])));
    document.set("u", random.percent(40).then(|| *random.pick(&["x", "y", "z"])));
    Content { document, metadata: random.percent(30).then(|| random.below(3) as i64) }
}

/// What the map says of one write: what it does, or for which reasons it may be refused.
type Said = Result<Effect, Vec<ErrorKind>>;

#[derive(Clone, Debug)]
struct Entry {
    document: Document,
    metadata: Option<i64>,
    version: Option<Version>,
}

#[derive(Clone, Default)]
struct Model {
    entries: BTreeMap<&'static str, Entry>,
    /// Versions that were current once, of any record.
    stale: Vec<Version>,
}

impl Model {
    fn version(&self, id: &str, expected: Expected) -> Option<Version> {
        let current = self.entries.get(id).and_then(|entry| entry.version.clone());
        let stale = || self.stale.last().cloned().unwrap_or_else(|| Version::text("never"));
        match expected {
            Expected::Any => None,
            Expected::Current => Some(current.unwrap_or_else(stale)),
            Expected::Stale => Some(stale()),
        }
    }

    fn write(&self, step: &Step) -> Result<Write<'static, Document>> {
        let draft = |id: &str, content: &Content, expected: Option<Version>| {
            let draft = Draft::of(content.document.clone()).id(id)?.expect(expected);
            Ok::<_, Error>(content.metadata.into_iter().fold(draft, |draft, m| draft.meta("m", m)))
        };
        Ok(match step {
            Step::Create(id, content) => Write::Create(draft(id, content, None)?),
            Step::Update(id, content, expected) => Write::Update(draft(id, content, self.version(id, *expected))?),
            Step::Upsert(id, content, expected) => Write::Upsert(draft(id, content, self.version(id, *expected))?),
            Step::Patch(id, amount, unique, expected) => {
                let changes = Changes::add("n", *amount);
                let changes = unique.iter().fold(changes, |all, value| all.and(Changes::set("u", value.clone())));
                Write::Patch { id: Id::new(id)?, changes, expected: self.version(id, *expected) }
            }
            Step::Delete(id, expected) => Write::Delete { id: Id::new(id)?, expected: self.version(id, *expected) },
        })
    }

    /// Does the write to the map. `asked` is the version that it was made with.
    fn apply(&mut self, step: &Step, asked: Option<&Version>) -> Said {
        let (id, content, verb) = match step {
            Step::Create(id, content) => (*id, content.clone(), "create"),
            Step::Update(id, content, _) => (*id, content.clone(), "update"),
            Step::Upsert(id, content, _) => (*id, content.clone(), "upsert"),
            Step::Delete(id, _) => return self.delete(id, asked),
            Step::Patch(id, amount, unique, _) => match self.patched(id, *amount, unique.as_ref()) {
                Ok(content) => (*id, content, "update"),
                Err(refusals) => return Err(refusals),
            },
        };
        let old = self.entries.get(id).cloned();
        let mut refusals = Vec::new();
        let bad = content.document["f"].as_float().is_some_and(f64::is_nan);
        refusals.extend(bad.then_some(ErrorKind::Invalid));
        refusals.extend((verb == "create" && old.is_some()).then_some(ErrorKind::AlreadyExists));
        refusals.extend((verb == "update" && old.is_none()).then_some(ErrorKind::NotFound));
        refusals.extend(self.lost(id, asked).then_some(ErrorKind::Conflict));
        refusals.extend(self.is_taken(id, &content.document["u"]).then_some(ErrorKind::AlreadyExists));
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let kept = old.as_ref().and_then(|entry| entry.metadata);
        self.stale.extend(old.as_ref().and_then(|entry| entry.version.clone()));
        self.entries
            .insert(id, Entry { document: content.document, metadata: content.metadata.or(kept), version: None });
        Ok(if old.is_some() { Effect::Updated } else { Effect::Created })
    }

    fn lost(&self, id: &str, asked: Option<&Version>) -> bool {
        asked.is_some() && self.entries.get(id).is_none_or(|entry| entry.version.as_ref() != asked)
    }

    fn is_taken(&self, id: &str, value: &Value) -> bool {
        !value.is_null() && self.entries.iter().any(|(other, entry)| *other != id && entry.document["u"] == *value)
    }

    fn delete(&mut self, id: &str, asked: Option<&Version>) -> Said {
        if self.lost(id, asked) {
            return Err(vec![ErrorKind::Conflict]);
        }
        match self.entries.remove(id) {
            Some(gone) => {
                self.stale.extend(gone.version);
                Ok(Effect::Deleted)
            }
            None => Ok(Effect::Absent),
        }
    }

    fn patched(&self, id: &str, amount: i64, unique: Option<&Value>) -> Result<Content, Vec<ErrorKind>> {
        let Some(old) = self.entries.get(id) else { return Err(vec![ErrorKind::NotFound, ErrorKind::Conflict]) };
        let mut document = old.document.clone();
        if let Some(n) = document["n"].as_int() {
            let sum = i64::try_from(n + i128::from(amount));
            document
                .set("n", sum.map_err(|_| vec![ErrorKind::Invalid, ErrorKind::Conflict, ErrorKind::AlreadyExists])?);
        }
        if let Some(value) = unique {
            document.set("u", value.clone());
        }
        Ok(Content { document, metadata: None })
    }

    fn rows(&self) -> Vec<Row> {
        let row = |(id, entry): (&&str, &Entry)| Row {
            id: (*id).to_owned(),
            document: entry.document.clone(),
            metadata: entry.metadata.map(|m| ("m", m)).into_iter().collect::<Metadata>(),
        };
        self.entries.iter().map(row).collect()
    }

    fn matching(&self, filter: &Filter) -> Vec<&'static str> {
        let rows = self.rows();
        self.entries.keys().zip(rows).filter(|(_, row)| naive::holds(filter, row)).map(|(id, _)| *id).collect()
    }
}

fn asked<'a>(write: &'a Write<'_, Document>) -> Option<&'a Version> {
    match write {
        Write::Create(draft) | Write::Update(draft) | Write::Upsert(draft) => draft.expected(),
        Write::Patch { expected, .. } | Write::Delete { expected, .. } => expected.as_ref(),
    }
}

/// Runs a sequence; the first disagreement ends it.
fn run<D: Database>(suite: &Suite<D>, operations: &[Operation]) -> Result<(), String> {
    let told = |error: Error| format!("an unexpected error: {error:?}");
    let store = suite.store(schema()).map_err(told)?;
    let mut model = Model::default();
    for (place, operation) in operations.iter().enumerate() {
        let disagreed = |fault: String| format!("operation {place}, {operation:?}: {fault}");
        perform(suite, &store, &mut model, operation).map_err(told)?.map_err(disagreed)?;
        compare(&store, &mut model).map_err(told)?.map_err(disagreed)?;
    }
    Ok(())
}

type Agreed = Result<(), String>;

fn perform<D: Database>(
    suite: &Suite<D>,
    store: &D::Store<Document>,
    model: &mut Model,
    operation: &Operation,
) -> Result<Agreed> {
    match operation {
        Operation::One(step) => {
            let write = model.write(step)?;
            let said = model.apply(step, asked(&write));
            Ok(agree(suite, &store.write_one(write, Limits::NONE), &said))
        }
        Operation::Batch(steps, atomicity) => batch(suite, store, model, steps, *atomicity),
        Operation::Count(filter) => {
            let found = store.count(filter.clone().bind::<Document>(store.schema())?)?;
            Ok(equal("the count", found, model.matching(filter).len() as u64))
        }
        Operation::DeleteWhere(filter) => {
            let found = store.delete_where(filter.clone().bind::<Document>(store.schema())?)?;
            let gone = model.matching(filter);
            for id in &gone {
                drop(model.delete(id, None));
            }
            Ok(equal("records deleted", found, gone.len() as u64))
        }
        Operation::UpdateWhere(filter, amount) => {
            let found =
                store.update_where(filter.clone().bind::<Document>(store.schema())?, Changes::add("n", *amount));
            let mut after = model.clone();
            let meant = model.matching(filter);
            let said: Vec<Said> =
                meant.iter().map(|id| after.apply(&Step::Patch(id, *amount, None, Expected::Any), None)).collect();
            match (found, said.iter().any(Result::is_err)) {
                (Ok(found), false) => {
                    *model = after;
                    Ok(equal("records updated", found, meant.len() as u64))
                }
                // How far it has come is the store's affair: the map takes that over.
                (Err(error), true) => {
                    model.take_over(store)?;
                    Ok(equal("the refusal", error.kind(), ErrorKind::Invalid))
                }
                (found, _) => Ok(Err(format!("{found:?} updated, where the map says {said:?}"))),
            }
        }
    }
}

impl Model {
    fn take_over<S: Store<Document>>(&mut self, store: &S) -> Result<()> {
        for (id, entry) in &mut self.entries {
            if let Some(row) = store.read(*id)? {
                entry.document = row.record;
            }
        }
        Ok(())
    }
}

fn batch<D: Database>(
    suite: &Suite<D>,
    store: &D::Store<Document>,
    model: &mut Model,
    steps: &[Step],
    atomicity: Atomicity,
) -> Result<Agreed> {
    let writes = steps.iter().map(|step| model.write(step)).collect::<Result<Vec<_>>>()?;
    let before = model.clone();
    // A version that is asked for twice in a batch was moved by the first: the map does not know the new one, but that it
    // is another one.
    let said: Vec<Said> = steps.iter().zip(&writes).map(|(step, write)| model.apply(step, asked(write))).collect();
    match (store.write(writes, atomicity, Limits::NONE), atomicity) {
        (Ok(outcomes), _) if outcomes.len() == said.len() => {
            if atomicity == Atomicity::All && said.iter().any(Result::is_err) {
                return Ok(Err("a batch with a bad write was done".to_owned()));
            }
            Ok(outcomes.iter().zip(&said).try_for_each(|(outcome, said)| agree(suite, outcome, said)))
        }
        (Err(error), Atomicity::All) => {
            *model = before;
            let first = said.iter().find_map(|said| said.as_ref().err());
            let fits = first.is_some_and(|refusals| refusals.contains(&error.kind()));
            Ok(if fits { Ok(()) } else { Err(format!("refused with {error:?}, where the map says {said:?}")) })
        }
        (done, _) => Ok(Err(format!("{done:?}, where the map says {said:?}"))),
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Agreed {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, where the map says {expected:?}")) }
}

fn agree<D: Database>(suite: &Suite<D>, outcome: &Outcome, said: &Said) -> Agreed {
    let agreed = match (outcome, said) {
        (Ok(written), Ok(effect)) => {
            let there = matches!(effect, Effect::Created | Effect::Updated) && suite.supports.versions;
            written.effect == *effect && written.version.is_some() == there
        }
        (Err(error), Err(refusals)) => refusals.contains(&error.kind()),
        _ => false,
    };
    if agreed { Ok(()) } else { Err(format!("{outcome:?}, where the map says {said:?}")) }
}

/// The whole store against the whole map; and the map learns the versions.
fn compare<S: Store<Document>>(store: &S, model: &mut Model) -> Result<Agreed> {
    let found = store.search(Query::new().limit(100))?;
    let rows = model.rows();
    let differs = found.len() != rows.len()
        || found.iter().zip(&rows).any(|(row, expected)| {
            let envelope = &row.envelope;
            envelope.id().to_string() != expected.id
                || row.record != expected.document
                || *envelope.metadata() != expected.metadata
        });
    if differs {
        return Ok(Err(format!("the store holds {found:?}, the map {rows:?}")));
    }
    for (entry, row) in model.entries.values_mut().zip(&found) {
        let version = row.envelope.version().cloned();
        if entry.version.is_some() && entry.version != version {
            model.stale.extend(entry.version.take());
        }
        if version.as_ref().is_some_and(|version| model.stale.contains(version)) {
            return Ok(Err(format!("the version {version:?} came back")));
        }
        entry.version = version;
    }
    let each = store.read_batch(IDS)?;
    let there: Vec<_> =
        IDS.iter().zip(&each).map(|(id, row)| row.is_some() == model.entries.contains_key(id)).collect();
    Ok(if there.iter().all(|same| *same) { Ok(()) } else { Err(format!("read by id: {each:?}")) })
}
