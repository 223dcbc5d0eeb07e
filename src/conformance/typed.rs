//! Derived record types: what documents mean, they mean, and their handles mean what filters mean.

use std::{collections::BTreeMap, fmt::Debug};

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Suite, refused};
use crate::{
    Record, TextEnum,
    error::{Error, ErrorKind, Result},
    query::{Key, Predicate, Query, Seen, id, meta},
    record::{Draft, Path, Stored, Typed},
    store::{Database, Effect, Limits, Store},
};

#[derive(TextEnum, Clone, Copy, Debug, Default, PartialEq)]
#[record(rename_all = "kebab-case")]
enum Colour {
    #[default]
    DarkRed,
    Blue,
}

/// Every scalar type, once as it is and once as what may be unknown.
#[derive(Record, Clone, Debug, PartialEq)]
struct Scalars {
    yes: bool,
    i8: i8,
    i16: i16,
    i32: i32,
    i64: i64,
    u8: u8,
    u16: u16,
    u32: u32,
    u64: u64,
    f32: f32,
    f64: f64,
    text: String,
    bytes: Vec<u8>,
    uuid: Uuid,
    at: Timestamp,
    day: Date,
    price: Decimal,
    colour: Colour,
    maybe_yes: Option<bool>,
    maybe_i64: Option<i64>,
    maybe_u64: Option<u64>,
    maybe_f64: Option<f64>,
    maybe_text: Option<String>,
    maybe_bytes: Option<Vec<u8>>,
    maybe_uuid: Option<Uuid>,
    maybe_at: Option<Timestamp>,
    maybe_day: Option<Date>,
    maybe_price: Option<Decimal>,
    maybe_colour: Option<Colour>,
    #[record(large)]
    essay: Option<String>,
}

fn scalars() -> Scalars {
    Scalars {
        yes: false,
        i8: 0,
        i16: 0,
        i32: 0,
        i64: 0,
        u8: 0,
        u16: 0,
        u32: 0,
        u64: 0,
        f32: 0.0,
        f64: 0.0,
        text: String::new(),
        bytes: vec![],
        uuid: Uuid::nil(),
        at: Timestamp::UNIX_EPOCH,
        day: Date::constant(1_970, 1, 1),
        price: Decimal::ZERO,
        colour: Colour::DarkRed,
        maybe_yes: None,
        maybe_i64: None,
        maybe_u64: None,
        maybe_f64: None,
        maybe_text: None,
        maybe_bytes: None,
        maybe_uuid: None,
        maybe_at: None,
        maybe_day: None,
        maybe_price: None,
        maybe_colour: None,
        essay: None,
    }
}

/// The ends of what each type holds, and what is mistaken for something else elsewhere.
fn extremes() -> Vec<Scalars> {
    let least = Scalars {
        i8: i8::MIN,
        i16: i16::MIN,
        i32: i32::MIN,
        i64: i64::MIN,
        f32: f32::MIN,
        f64: f64::MIN,
        at: Timestamp::constant(-62_135_596_800, 0),
        day: Date::constant(1, 1, 1),
        price: Decimal::MIN,
        maybe_i64: Some(i64::MIN),
        maybe_f64: Some(-1e308),
        maybe_text: Some(String::new()),
        maybe_bytes: Some(vec![]),
        maybe_day: Some(Date::constant(1, 1, 1)),
        ..scalars()
    };
    let most = Scalars {
        yes: true,
        i8: i8::MAX,
        i16: i16::MAX,
        i32: i32::MAX,
        i64: i64::MAX,
        u8: u8::MAX,
        u16: u16::MAX,
        u32: u32::MAX,
        u64: u64::MAX,
        f32: f32::MAX,
        f64: f64::MAX,
        text: "  \t\r\n\"',;\\N null 1.0 true {} é 👩‍👩‍👧 ".to_owned(),
        bytes: (0..=255).collect(),
        uuid: Uuid::max(),
        at: Timestamp::constant(253_402_207_200, 999_999_000),
        day: Date::constant(9_999, 12, 31),
        price: Decimal::MAX,
        colour: Colour::Blue,
        maybe_yes: Some(false),
        maybe_i64: Some((1 << 53) + 1),
        maybe_u64: Some(u64::MAX),
        maybe_f64: Some(f64::MIN_POSITIVE),
        maybe_text: Some("null".to_owned()),
        maybe_bytes: Some(vec![0]),
        maybe_uuid: Some(Uuid::nil()),
        maybe_at: Some(Timestamp::constant(-1, 999_999_000)),
        maybe_day: Some(Date::constant(9_999, 12, 31)),
        maybe_price: Some(Decimal::new(1, 28)),
        maybe_colour: Some(Colour::DarkRed),
        essay: Some("x".repeat(100_000)),
    };
    let small = Scalars { f32: f32::MIN_POSITIVE, f64: 5e-324, price: Decimal::new(-1, 28), ..scalars() };
    vec![scalars(), least, most, small]
}

/// A record inside.
#[derive(Record, Clone, Debug, Default, PartialEq)]
struct Home {
    city: Option<String>,
    floor: Option<i32>,
    place: Option<Place>,
}

/// A record inside a record.
#[derive(Record, Clone, Debug, Default, PartialEq)]
struct Place {
    latitude: Option<f64>,
    name: Option<String>,
}

/// Lists, records inside, JSON.
#[derive(Record, Clone, Debug, Default, PartialEq)]
struct Nested {
    words: Vec<String>,
    numbers: Vec<i64>,
    maybe_words: Option<Vec<String>>,
    colours: Vec<Colour>,
    home: Home,
    maybe_home: Option<Home>,
    #[record(json)]
    json: Option<Json>,
    #[record(json)]
    counts: BTreeMap<String, u32>,
}

fn nested() -> Vec<Nested> {
    let place = Place { latitude: Some(59.9), name: Some("Løkka".to_owned()) };
    let home = Home { city: Some("Oslo".to_owned()), floor: Some(-1), place: Some(place) };
    let full = Nested {
        words: vec![String::new(), "a,b".to_owned(), "\"\n".to_owned()],
        numbers: vec![i64::MIN, 0, i64::MAX],
        maybe_words: Some(vec!["null".to_owned()]),
        colours: vec![Colour::Blue, Colour::DarkRed],
        home: home.clone(),
        maybe_home: Some(Home { place: Some(Place::default()), ..home }),
        json: Some(json!({ "a": [1, null, 1e300, "x", { "type": "vector" }], "": null })),
        counts: BTreeMap::from([("a".to_owned(), 1), (String::new(), u32::MAX)]),
    };
    let hollow = Nested {
        maybe_words: Some(vec![]),
        maybe_home: Some(Home::default()),
        json: Some(json!([])),
        ..Nested::default()
    };
    vec![Nested::default(), full, hollow]
}

/// Vectors of a fixed dimension.
#[derive(Record, Clone, Debug, PartialEq)]
struct Vectors {
    vector: [f32; 3],
    maybe_vector: Option<[f32; 2]>,
}

/// Written one by one, in a batch, by upsert and by update; read by id, in batches, in searches and in streams.
fn come_back<D: Database, R: Typed + PartialEq + Debug>(suite: &Suite<D>, records: &[R]) -> Result<()> {
    let Some(store) = suite.typed::<R>()? else { return Ok(()) };
    let back = |id: &crate::Id| Ok::<_, Error>(store.read(id)?.map(|row| row.record));
    for record in records {
        let id = store.create(record)?.id;
        assert_eq!(back(&id)?.as_ref(), Some(record));
        assert_eq!(store.read_with(&id, |row| row.record == *record)?, Some(true));
        for other in records {
            store.update(&id, other)?;
            assert_eq!(back(&id)?.as_ref(), Some(other), "in the place of {record:?}");
        }
        assert_eq!(store.upsert(&id, record)?.effect, Effect::Updated);
        let Some(row) = store.read(&id)? else { panic!("the record is there") };
        assert_eq!(row.record, *record);
        if suite.supports.versions {
            store.save(row)?;
            assert_eq!(back(&id)?.as_ref(), Some(record), "after being saved as it was read");
        }
    }
    store.clear()?;
    let outcomes = store.create_batch(records)?;
    let ids = outcomes.into_iter().map(|outcome| outcome.map(|w| w.id)).collect::<Result<Vec<_>>>()?;
    let read = |rows: Vec<Stored<R>>| rows.into_iter().map(|row| (row.envelope.id().clone(), row.record));
    let wanted: BTreeMap<_, _> = ids.iter().cloned().zip(records.iter().cloned()).collect();
    let batch = store.read_batch(&ids)?.into_iter().flatten().collect();
    assert_eq!(read(batch).collect::<BTreeMap<_, _>>(), wanted);
    for query in [Query::new(), Query::new().sort(Key::desc(Path::field("_id"))), Query::new().limit(100)] {
        assert_eq!(read(store.search(&query)?).collect::<BTreeMap<_, _>>(), wanted);
    }
    Ok(())
}

/// Every scalar type at its ends.
pub fn semantics_2_2_typed_scalars_come_back<D: Database>(suite: &Suite<D>) -> Result<()> {
    come_back(suite, &extremes())
}

/// Lists, records inside records, JSON; `Some` of all nulls is not `None`.
pub fn semantics_2_2_typed_lists_records_and_json_come_back<D: Database>(suite: &Suite<D>) -> Result<()> {
    come_back(suite, &nested())
}

/// Where the engine holds them.
pub fn semantics_2_2_typed_vectors_come_back<D: Database>(suite: &Suite<D>) -> Result<()> {
    let full = Vectors { vector: [f32::MIN_POSITIVE, -1.5, f32::MAX], maybe_vector: Some([0.1, 0.2]) };
    come_back(suite, &[full, Vectors { vector: [0.0; 3], maybe_vector: None }])
}

/// Records to ask about: each field takes its values in turns of its own.
fn various() -> Vec<Scalars> {
    let texts = ["", "a", "A", "ab", "é", "a%b", "10", "\u{10000}", "\u{ffff}", "b"];
    (0..40)
        .map(|n: usize| {
            let some = |turn: usize| !n.is_multiple_of(turn);
            let int = n as i64 - 20;
            Scalars {
                yes: n.is_multiple_of(2),
                i8: int as i8,
                i32: (int * 100_000_000) as i32,
                i64: int * (i64::MAX / 20),
                u8: n as u8,
                u64: u64::MAX / 40 * n as u64,
                f32: int as f32 / 4.0,
                f64: int as f64 / 3.0,
                text: texts[n % texts.len()].to_owned(),
                bytes: vec![n as u8; n % 3],
                uuid: Uuid::from_u128((n as u128) << 100),
                at: Timestamp::constant(int * 100_000_000, 0),
                day: Date::constant(2_000 + n as i16, 2, 28),
                price: Decimal::new(int * 25, 2),
                colour: if n < 20 { Colour::Blue } else { Colour::DarkRed },
                maybe_yes: some(3).then_some(n.is_multiple_of(2)),
                maybe_i64: some(4).then_some(int % 5),
                maybe_u64: some(5).then_some(n as u64 % 7),
                maybe_f64: some(3).then_some(int as f64 / 2.0),
                maybe_text: some(4).then(|| texts[n % 7].to_owned()),
                maybe_bytes: some(2).then(|| vec![n as u8]),
                maybe_uuid: some(5).then(|| Uuid::from_u128(n as u128)),
                maybe_at: some(3).then(|| Timestamp::constant(int, 500_000_000)),
                maybe_day: some(2).then(|| Date::constant(1_999, 1, 1 + (n % 28) as i8)),
                maybe_price: some(4).then(|| Decimal::new(int, 1)),
                maybe_colour: some(3).then_some(Colour::Blue),
                ..scalars()
            }
        })
        .collect()
}

/// The records under the ids `00`, `01` and so on.
fn numbered<D: Database, R: Typed>(suite: &Suite<D>, records: &[R]) -> Result<Option<D::Store<R>>> {
    let Some(store) = suite.typed::<R>()? else { return Ok(None) };
    let drafts = records.iter().zip(0..).map(|(record, n)| Draft::of(record).id(format!("{n:02}")));
    let outcomes = store.create_batch(drafts.collect::<Result<Vec<_>>>()?)?;
    outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))?;
    Ok(Some(store))
}

/// Holds a predicate, its complement and the filters of both against a loop. The store is asked by filters, so that not
/// every predicate makes the compiler build every query once more.
fn agrees<R: Typed, S: Store<R>>(
    store: &S,
    rows: &[Stored<R>],
    predicate: impl Predicate<R>,
    naive: impl Fn(&R) -> bool,
) -> Result<()> {
    let Some(filter) = predicate.lower() else { panic!("the predicate of a handle has a data form") };
    let wanted = ids(rows.iter().filter(|row| naive(&row.record)));
    assert_eq!(ids(rows.iter().filter(|row| predicate.matches(Seen::of(row)))), wanted, "{filter}, tested here");
    let bound = filter.clone().bind::<R>(R::SCHEMA)?;
    assert_eq!(ids(&store.search(bound.clone())?), wanted, "{filter}");
    assert_eq!(store.count(bound)?, wanted.len() as u64, "{filter}");
    let complement = filter.clone().not().bind::<R>(R::SCHEMA)?;
    assert_eq!(ids(&store.search(complement)?), ids(rows.iter().filter(|row| !naive(&row.record))), "not {filter}");
    Ok(())
}

/// The ids of rows, in order.
fn ids<'a, R: 'a>(rows: impl IntoIterator<Item = &'a Stored<R>>) -> Vec<String> {
    let mut ids: Vec<_> = rows.into_iter().map(|row| row.storage_id().to_string()).collect();
    ids.sort();
    ids
}

/// Every operator on every scalar type: the handle, the same as data, and a loop agree.
pub fn semantics_3_7_handles_mean_what_filters_and_loops_mean<D: Database>(suite: &Suite<D>) -> Result<()> {
    use Scalars as S;
    let records = various();
    let Some(store) = numbered(suite, &records)? else { return Ok(()) };
    let rows = store.search(Query::new())?;
    let noon = Timestamp::constant(0, 500_000_000);
    let ink = Decimal::new(5, 1);
    macro_rules! agree {
        ($($predicate:expr, |$r:ident| $naive:expr;)*) => { $( agrees(&store, &rows, $predicate, |$r: &S| $naive)?; )* };
    }
    agree! {
        S::YES.eq(true), |r| r.yes;
        S::I8.lt(0), |r| r.i8 < 0;
        S::I32.between(-300_000_000, 500_000_000), |r| (-300_000_000..=500_000_000).contains(&r.i32);
        S::I64.ge(0), |r| r.i64 >= 0;
        S::U8.is_in([1, 7, 39, 200]), |r| [1, 7, 39, 200].contains(&r.u8);
        S::U64.gt(i64::MAX as u64), |r| r.u64 > i64::MAX as u64;
        S::F32.le(0.25), |r| r.f32 <= 0.25;
        S::F64.ne(1.0), |r| r.f64 != 1.0;
        S::TEXT.gt("a"), |r| r.text.as_bytes() > b"a".as_slice();
        S::TEXT.like("a_b"), |r| r.text == "a%b";
        S::TEXT.ilike("A%"), |r| r.text.to_ascii_lowercase().starts_with('a');
        S::TEXT.starts_with("a").or(S::TEXT.ends_with("0")), |r| r.text.starts_with('a') || r.text.ends_with('0');
        S::TEXT.contains("%"), |r| r.text.contains('%');
        S::BYTES.ge(vec![3_u8]), |r| r.bytes >= vec![3];
        S::UUID.lt(Uuid::from_u128(9 << 100)), |r| r.uuid < Uuid::from_u128(9 << 100);
        S::AT.le(Timestamp::UNIX_EPOCH), |r| r.at <= Timestamp::UNIX_EPOCH;
        S::DAY.not_between(Date::constant(2_003, 1, 1), Date::constant(2_030, 1, 1)), |r| !(2_003..2_030).contains(&r.day.year());
        S::PRICE.gt(Decimal::ONE), |r| r.price > Decimal::ONE;
        S::COLOUR.eq(Colour::Blue), |r| r.colour == Colour::Blue;
        S::MAYBE_YES.ne(true), |r| r.maybe_yes != Some(true);
        S::MAYBE_I64.eq(2), |r| r.maybe_i64 == Some(2);
        S::MAYBE_I64.not_in([0, 1]), |r| !matches!(r.maybe_i64, Some(0 | 1));
        S::MAYBE_U64.is_in(Vec::<u64>::new()), |_r| false;
        S::MAYBE_F64.lt(0.0), |r| r.maybe_f64.is_some_and(|f| f < 0.0);
        S::MAYBE_TEXT.not_like("%a%"), |r| !r.maybe_text.as_ref().is_some_and(|t| t.contains('a'));
        S::MAYBE_TEXT.le(""), |r| r.maybe_text.as_deref() == Some("");
        S::MAYBE_BYTES.is_null(), |r| r.maybe_bytes.is_none();
        S::MAYBE_UUID.not_null(), |r| r.maybe_uuid.is_some();
        S::MAYBE_AT.ge(noon), |r| r.maybe_at.is_some_and(|at| at >= noon);
        S::MAYBE_DAY.eq(Date::constant(1_999, 1, 4)), |r| r.maybe_day == Some(Date::constant(1_999, 1, 4));
        S::MAYBE_PRICE.between(-ink, ink), |r| r.maybe_price.is_some_and(|p| -ink <= p && p <= ink);
        S::MAYBE_COLOUR.ne(Colour::Blue), |r| r.maybe_colour != Some(Colour::Blue);
        S::ESSAY.is_null(), |r| r.essay.is_none();
        S::I8.gt(3).and(S::MAYBE_I64.is_null().or(S::YES.eq(false))), |r| r.i8 > 3 && (r.maybe_i64.is_none() || !r.yes);
        id().ge("20").and(S::YES.eq(true)), |r| r.u8 >= 20 && r.yes;
    }
    // And as they are, without becoming data on the way.
    let both = S::I8.gt(3).and(S::MAYBE_I64.is_null() | !S::YES.eq(true));
    let wanted = ids(rows.iter().filter(|r| r.i8 > 3 && (r.maybe_i64.is_none() || !r.yes)));
    assert_eq!(ids(&store.search(both.clone())?), wanted);
    assert_eq!(store.count(both)?, wanted.len() as u64);
    assert_eq!(
        store.count(S::MAYBE_TEXT.not_in(["a", "é"]))?,
        ids(rows.iter().filter(|r| { !matches!(r.maybe_text.as_deref(), Some("a" | "é")) })).len() as u64
    );
    let bad = store.count(S::TEXT.like("\\"));
    refused(bad, ErrorKind::Query, "a lone escape");
    Ok(())
}

/// Paths into records, and what lists answer.
pub fn semantics_3_9_handles_lead_into_records_and_lists<D: Database>(suite: &Suite<D>) -> Result<()> {
    let records = nested();
    let Some(store) = numbered(suite, &records)? else { return Ok(()) };
    let rows = store.search(Query::new())?;
    let (city, maybe) = (Nested::HOME.at(Home::CITY), Nested::MAYBE_HOME.at(Home::PLACE));
    agrees(&store, &rows, city.eq("Oslo"), |r| r.home.city.as_deref() == Some("Oslo"))?;
    agrees(&store, &rows, city.ne("Oslo"), |r| r.home.city.as_deref() != Some("Oslo"))?;
    agrees(&store, &rows, maybe.is_null(), |r| r.maybe_home.as_ref().is_none_or(|h| h.place.is_none()))?;
    agrees(&store, &rows, Nested::MAYBE_HOME.is_null(), |r| r.maybe_home.is_none())?;
    let latitude = Nested::HOME.at(Home::PLACE).at(Place::LATITUDE);
    agrees(&store, &rows, latitude.gt(50.0), |r| r.home.place.as_ref().is_some_and(|p| p.latitude > Some(50.0)))?;
    agrees(&store, &rows, Nested::WORDS.contains("a,b"), |r| r.words.contains(&"a,b".to_owned()))?;
    agrees(&store, &rows, Nested::WORDS.is_empty(), |r| r.words.is_empty())?;
    agrees(&store, &rows, Nested::NUMBERS.contains(i64::MAX), |r| r.numbers.contains(&i64::MAX))?;
    agrees(&store, &rows, Nested::NUMBERS.len().ge(3), |r| r.numbers.len() >= 3)?;
    agrees(&store, &rows, Nested::MAYBE_WORDS.is_null(), |r| r.maybe_words.is_none())?;
    agrees(&store, &rows, Nested::MAYBE_WORDS.is_empty(), |r| r.maybe_words.as_ref().is_some_and(Vec::is_empty))?;
    agrees(&store, &rows, Nested::JSON.is_null(), |r| r.json.is_none())
}

/// Sorted by each key and by two, in one go and page by page, against a sorted list.
pub fn semantics_4_1_typed_keys_sort_and_page<D: Database>(suite: &Suite<D>) -> Result<()> {
    use std::cmp::Ordering;
    type Compare = fn(&Scalars, &Scalars) -> Ordering;
    let records = various();
    let Some(store) = numbered(suite, &records)? else { return Ok(()) };
    fn last<T: PartialOrd>(a: &Option<T>, b: &Option<T>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (a, b) => a.is_none().cmp(&b.is_none()),
        }
    }
    let orders: Vec<(Vec<Key<Scalars>>, Compare)> = vec![
        (vec![Scalars::YES.asc(), Scalars::I8.asc()], |a, b| a.yes.cmp(&b.yes).then(a.i8.cmp(&b.i8))),
        (vec![Scalars::TEXT.asc()], |a, b| a.text.cmp(&b.text)),
        (vec![Scalars::U64.asc()], |a, b| a.u64.cmp(&b.u64)),
        (vec![Scalars::F64.asc()], |a, b| a.f64.total_cmp(&b.f64)),
        (vec![Scalars::PRICE.asc()], |a, b| a.price.cmp(&b.price)),
        (vec![Scalars::BYTES.asc()], |a, b| a.bytes.cmp(&b.bytes)),
        (vec![Scalars::MAYBE_I64.asc()], |a, b| last(&a.maybe_i64, &b.maybe_i64)),
        (vec![Scalars::MAYBE_TEXT.asc()], |a, b| last(&a.maybe_text, &b.maybe_text)),
        (vec![Scalars::MAYBE_AT.asc()], |a, b| last(&a.maybe_at, &b.maybe_at)),
        (vec![Scalars::MAYBE_DAY.asc(), Scalars::MAYBE_PRICE.asc()], |a, b| {
            last(&a.maybe_day, &b.maybe_day).then(last(&a.maybe_price, &b.maybe_price))
        }),
        (vec![Scalars::COLOUR.desc(), Scalars::I64.desc()], |a, b| {
            (a.colour == Colour::Blue).cmp(&(b.colour == Colour::Blue)).then(b.i64.cmp(&a.i64))
        }),
    ];
    for (keys, compare) in orders {
        let mut wanted: Vec<usize> = (0..records.len()).collect();
        let descending = keys.last().is_some_and(|key| key.direction().descending);
        wanted.sort_by(|a, b| compare(&records[*a], &records[*b]).then(if descending { b.cmp(a) } else { a.cmp(b) }));
        let wanted: Vec<String> = wanted.iter().map(|n| format!("{n:02}")).collect();
        let query = keys.iter().cloned().fold(Scalars::query(), Query::sort);
        let ids = |rows: &[Stored<Scalars>]| rows.iter().map(|row| row.storage_id().to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&store.search(&query)?), wanted, "{keys:?}");
        assert_eq!(ids(&store.search(query.clone().offset(5).limit(7))?), wanted[5..12], "{keys:?}");
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = store.page(&query.clone().limit(7), after)?;
            paged.extend(ids(&page.rows));
            after = page.next.map(|cursor| cursor.to_string().parse()).transpose()?;
            if after.is_none() || paged.len() > wanted.len() {
                break;
            }
        }
        assert_eq!(paged, wanted, "{keys:?} in pages");
    }
    Ok(())
}

/// Some of the fields.
#[derive(Record, Clone, Debug, PartialEq)]
#[record(of = Scalars)]
struct Label {
    text: String,
    maybe_price: Option<Decimal>,
}

/// As a smaller struct and as documents, with filter, order and page.
pub fn semantics_4_5_typed_projections<D: Database>(suite: &Suite<D>) -> Result<()> {
    let records = various();
    let Some(store) = numbered(suite, &records)? else { return Ok(()) };
    let query = Scalars::query().filter(Scalars::YES.eq(true)).sort(Scalars::U8.desc()).offset(1).limit(6);
    let wanted: Vec<&Scalars> = records.iter().rev().filter(|r| r.yes).skip(1).take(6).collect();
    let labels = store.search(query.clone().select::<Label>())?;
    let label = |r: &&Scalars| Label { text: r.text.clone(), maybe_price: r.maybe_price };
    assert_eq!(
        labels.iter().map(|row| row.record.clone()).collect::<Vec<_>>(),
        wanted.iter().map(label).collect::<Vec<_>>()
    );
    assert!(labels.iter().zip(&wanted).all(|(row, r)| row.storage_id().to_string() == format!("{:02}", r.u8)));
    let documents = store.search(query.fields([Path::field("text"), Path::field("maybe_price")]))?;
    for (row, r) in documents.iter().zip(&wanted) {
        let price = row.record.get_as::<Decimal>("maybe_price")?;
        assert_eq!((row.record["text"].as_text(), price), (Some(r.text.as_str()), r.maybe_price));
        assert!(row.record.len() <= 2, "{:?}", row.record);
    }
    Ok(())
}

/// Sets, sums, nulls, lists and fields of records inside; a value that does not fit changes nothing.
pub fn semantics_5_10_typed_patches<D: Database>(suite: &Suite<D>) -> Result<()> {
    if let Some(store) = numbered(suite, &various())? {
        let now = || Ok::<_, Error>(store.read("07")?.map(|row| row.record));
        let Some(mut wanted) = now()? else { panic!("the record is there") };
        let sums = Scalars::I8
            .add(-3)
            .and(Scalars::U64.add(1))
            .and(Scalars::F64.add(0.5))
            .and(Scalars::PRICE.add(Decimal::ONE));
        store.patch("07", sums)?;
        (wanted.i8, wanted.u64, wanted.f64) = (wanted.i8 - 3, wanted.u64 + 1, wanted.f64 + 0.5);
        wanted.price += Decimal::ONE;
        assert_eq!(now()?.as_ref(), Some(&wanted));
        let sets = Scalars::TEXT.set("new").and(Scalars::MAYBE_DAY.clear()).and(Scalars::COLOUR.set(Colour::DarkRed));
        store.patch("07", sets.and(Scalars::MAYBE_BYTES.set(vec![7_u8])).and(Scalars::MAYBE_U64.set(9)))?;
        wanted.text = "new".to_owned();
        (wanted.maybe_day, wanted.colour) = (None, Colour::DarkRed);
        (wanted.maybe_bytes, wanted.maybe_u64) = (Some(vec![7]), Some(9));
        assert_eq!(now()?.as_ref(), Some(&wanted));
        refused(store.patch("07", Scalars::I8.add(i8::MAX).and(Scalars::I8.add(i8::MAX))), ErrorKind::Invalid, "a sum");
        refused(store.patch("07", Scalars::TEXT.clear()), ErrorKind::Invalid, "null where there must be a value");
        assert_eq!(now()?.as_ref(), Some(&wanted), "a refused patch changes nothing");
        let old = store.count(Scalars::U8.lt(20).and(Scalars::MAYBE_I64.not_null()))?;
        assert_eq!(
            store.update_where(Scalars::U8.lt(20).and(Scalars::MAYBE_I64.not_null()), Scalars::MAYBE_I64.set(77))?,
            old
        );
        assert_eq!(store.count(Scalars::MAYBE_I64.eq(77))?, old);
        assert_eq!(store.delete_where(Scalars::MAYBE_I64.eq(77))?, old);
    }
    if let Some(store) = numbered(suite, &nested())? {
        store.patch("01", Nested::HOME.at(Home::FLOOR).add(3).and(Nested::WORDS.set(["x", ""])))?;
        store.patch("01", Nested::MAYBE_HOME.clear().and(Nested::HOME.at(Home::PLACE).at(Place::NAME).set("there")))?;
        let Some(now) = store.read("01")? else { panic!("the record is there") };
        assert_eq!(
            (now.home.floor, now.words.clone(), now.maybe_home.clone()),
            (Some(2), vec!["x".to_owned(), String::new()], None)
        );
        assert_eq!(now.home.place.as_ref().and_then(|p| p.name.as_deref()), Some("there"));
    }
    Ok(())
}

/// Fields that are not compared are given values of their own types: large text, JSON, vectors.
pub fn semantics_5_10_what_is_not_compared_is_set<D: Database>(suite: &Suite<D>) -> Result<()> {
    if let Some(store) = numbered(suite, &[scalars(), scalars()])? {
        let essay = "long ".repeat(10_000);
        store.patch("00", Scalars::ESSAY.set(essay.clone()))?;
        assert_eq!(store.update_where(Scalars::ESSAY.is_null(), Scalars::ESSAY.set(Some("short".to_owned())))?, 1);
        let essays = store.read_batch(["00", "01"])?.into_iter().flatten().map(|row| row.record.essay);
        assert_eq!(essays.collect::<Vec<_>>(), [Some(essay), Some("short".to_owned())]);
    }
    if let Some(store) = numbered(suite, &nested())? {
        let (json, counts) = (json!({ "a": [null, 1] }), BTreeMap::from([("x".to_owned(), 7)]));
        store.patch("00", Nested::JSON.set(json.clone()).and(Nested::COUNTS.set(counts.clone())))?;
        assert_eq!(store.update_where(Nested::JSON.not_null(), Nested::COUNTS.set([("y".to_owned(), 1)]))?, 3);
        store.patch("01", Nested::JSON.set(None).and(Nested::COUNTS.set(counts.clone())))?;
        let found =
            store.read_batch(["00", "01"])?.into_iter().flatten().map(|row| (row.record.json, row.record.counts));
        let y = BTreeMap::from([("y".to_owned(), 1)]);
        assert_eq!(found.collect::<Vec<_>>(), [(Some(json), y), (None, counts)]);
    }
    if let Some(store) = numbered(suite, &[Vectors { vector: [0.0; 3], maybe_vector: None }])? {
        store.patch("00", Vectors::VECTOR.set([0.5, -1.0, 0.1]).and(Vectors::MAYBE_VECTOR.set([0.1, 0.2])))?;
        let wanted = Vectors { vector: [0.5, -1.0, 0.1], maybe_vector: Some([0.1, 0.2]) };
        assert_eq!(store.read("00")?.map(|row| row.record), Some(wanted));
        refused(store.patch("00", Vectors::VECTOR.set([f32::NAN; 3])), ErrorKind::Invalid, "NaN");
    }
    Ok(())
}

/// Metadata stands beside a typed record as beside a document.
pub fn semantics_1_5_metadata_of_typed_records<D: Database>(suite: &Suite<D>) -> Result<()> {
    let Some(store) = suite.typed::<Scalars>()? else { return Ok(()) };
    let naughty = json!({ "a": [1, "\u{fffe}", null], "": -0.5 });
    for n in 0..6_i64 {
        let record = Scalars { i64: n, ..scalars() };
        let draft = Draft::of(record).id(n.to_string())?.meta("n", n % 3).meta("json", naughty.clone());
        store.create(draft)?;
    }
    assert_eq!(store.count(meta("n").eq(1).and(Scalars::I64.gt(1)))?, 1);
    let sorted = store.search(Scalars::query().sort(meta("n").desc()).sort(Scalars::I64.asc()))?;
    assert_eq!(sorted.iter().map(|row| row.i64).collect::<Vec<_>>(), [2, 5, 1, 4, 0, 3]);
    let (_, before) =
        (store.patch("4", meta("n").set("text").and(Scalars::I64.add(10)))?, store.update("5", scalars())?);
    let metadata = |id: &str, name: &str| {
        Ok::<_, Error>(store.read(id)?.and_then(|row| row.envelope.metadata().get(name).cloned()))
    };
    assert_eq!((metadata("4", "n")?, metadata("4", "json")?), (Some(json!("text")), Some(naughty.clone())));
    assert_eq!(metadata(&before.id.to_string(), "json")?, Some(naughty), "an update that brings none keeps it");
    assert_eq!(store.read("4")?.map(|row| row.i64), Some(14));
    assert_eq!(store.update_where(meta("n").eq("text"), meta("n").set(serde_json::Value::Null))?, 1);
    assert_eq!(store.count(meta("n").is_null())?, 1);
    Ok(())
}

/// -0.0 of a field of a type is written as 0.0, too.
pub fn semantics_2_5_typed_minus_zero_is_zero<D: Database>(suite: &Suite<D>) -> Result<()> {
    let Some(store) = suite.typed::<Scalars>()? else { return Ok(()) };
    let id = store.create(Scalars { f32: -0.0, f64: -0.0, maybe_f64: Some(-0.0), ..scalars() })?.id;
    let found = store.read(&id)?.map(|row| [f64::from(row.f32), row.f64, row.maybe_f64.unwrap_or(-0.0)]);
    assert_eq!(found.map(|zeros| zeros.map(f64::to_bits)), Some([0; 3]));
    Ok(())
}

/// A record under an id of its own.
#[derive(Record, Clone, Debug, PartialEq)]
struct Account {
    #[record(id)]
    number: i64,
    #[record(unique)]
    email: Option<String>,
}

/// The id is the record's own field, wherever it is named; ids of integers go by number.
pub fn semantics_1_2_typed_ids_are_fields<D: Database>(suite: &Suite<D>) -> Result<()> {
    let Some(store) = suite.typed::<Account>()? else { return Ok(()) };
    let account = |number: i64| Account { number, email: Some(format!("{number}@x")) };
    for number in [10, 9, -1, i64::MIN, i64::MAX] {
        let written = store.create(account(number))?;
        assert_eq!(written.id.to_string(), number.to_string());
        assert_eq!(store.read(number)?.map(|row| row.record), Some(account(number)));
    }
    refused(store.create(Draft::of(account(3)).id(4)?), ErrorKind::Invalid, "another id");
    refused(store.create(account(9)), ErrorKind::AlreadyExists, "an id that is taken");
    refused(
        store.create(Account { email: Some("9@x".into()), number: 3 }),
        ErrorKind::AlreadyExists,
        "a value that is taken",
    );
    let all = store.search(Account::query().limit(10))?;
    assert_eq!(all.iter().map(|row| row.number).collect::<Vec<_>>(), [i64::MIN, -1, 9, 10, i64::MAX]);
    assert_eq!(store.count(Account::NUMBER.ge(9))?, 3);
    store.update(9, Account { number: 9, email: None })?;
    store.create(Account { number: 8, email: Some("9@x".into()) })?;
    Ok(())
}

/// A larger and a smaller type of one store, with a record inside that is larger and smaller, too.
#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "contacts")]
struct Large {
    name: String,
    phone: Option<String>,
    age: Option<i64>,
    home: Option<Home>,
}

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "contacts")]
struct Small {
    name: String,
    age: Option<i64>,
    home: Option<Town>,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Town {
    city: Option<String>,
}

/// Through update, upsert, save, patch and set-based writes. An engine that keeps one type in a store refuses the second.
pub fn semantics_5_10_a_typed_update_keeps_what_the_type_does_not_know<D: Database>(suite: &Suite<D>) -> Result<()> {
    let name = suite.fresh_name();
    let Some(large) = suite.typed_named::<Large>(&name)? else { return Ok(()) };
    let home = Home { city: Some("Oslo".into()), floor: Some(3), place: None };
    let ann = Large { name: "Ann".into(), phone: Some("123".into()), age: Some(40), home: Some(home) };
    for id in ["update", "upsert", "batch", "save", "patch", "where"] {
        large.create(Draft::of(&ann).id(id)?)?;
    }
    let small = match suite.database.open::<Small>(&name, Small::SCHEMA) {
        Ok(small) => small,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
            assert_eq!(large.read("update")?.map(|row| row.record), Some(ann), "a refused type changes nothing");
            return Ok(());
        }
    };
    let bea = Small { name: "Bea".into(), age: None, home: Some(Town { city: Some("Bergen".into()) }) };
    small.update("update", &bea)?;
    small.upsert("upsert", &bea)?;
    small.update_batch([Draft::of(&bea).id("batch")?])?.into_iter().try_for_each(|outcome| outcome.map(drop))?;
    if let Some(mut row) = small.read("save")? {
        row.record = bea.clone();
        if suite.supports.versions {
            small.save(row)?
        } else {
            small.update("save", row)?
        };
    }
    small
        .patch("patch", Small::NAME.set("Bea").and(Small::AGE.clear()).and(Small::HOME.at(Town::CITY).set("Bergen")))?;
    let changes = Small::NAME.set("Bea").and(Small::AGE.clear()).and(Small::HOME.at(Town::CITY).set("Bergen"));
    small.update_where(id().eq("where"), changes)?;
    let home = Home { city: Some("Bergen".into()), floor: Some(3), place: None };
    let kept = Large { name: "Bea".into(), phone: Some("123".into()), age: None, home: Some(home) };
    for id in ["update", "upsert", "batch", "save", "patch", "where"] {
        assert_eq!(large.read(id)?.map(|row| row.record).as_ref(), Some(&kept), "{id}");
    }
    assert_eq!(small.count(Small::NAME.eq("Bea"))?, 6);
    small.create(Draft::of(bea).id("new")?)?;
    assert_eq!(large.read("new")?.and_then(|row| row.record.phone), None, "there was nothing to keep");
    Ok(())
}

/// The store works with limits as without them.
pub fn semantics_6_2_typed_streams_honour_the_whole_query<D: Database>(suite: &Suite<D>) -> Result<()> {
    let records = various();
    let Some(store) = numbered(suite, &records)? else { return Ok(()) };
    let store = store.with(Limits::default().chunk(3));
    let query = Scalars::query().filter(Scalars::MAYBE_I64.not_null()).sort(Scalars::TEXT.desc()).offset(2).limit(20);
    let streamed = store.stream(query.clone().select::<Label>())?.collect::<Result<Vec<_>>>()?;
    let whole = store.search(&query)?;
    assert_eq!(streamed.len(), 20);
    assert!(streamed.iter().zip(&whole).all(|(a, b)| a.storage_id() == b.storage_id() && a.text == b.record.text));
    Ok(())
}
