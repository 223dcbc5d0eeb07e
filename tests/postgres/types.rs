//! Types: each at its extremes, written alone and in bulk, read in every way, and seen by plain SQL; and tables that others made.

use dk_data::{
    Changes, Database, Document, ErrorKind, FieldDef, Filter, Key, Query, Record, Schema, Store, TextEnum, Type, Value,
    backend::postgres::PostgresStore, document,
};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::server::Scratch;

// ---- every type of a derived record

#[derive(TextEnum, Clone, Copy, Debug, PartialEq)]
enum Mood {
    Happy,
    Sad,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Inner {
    city: Option<String>,
    zip: Option<u16>,
}

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "everything")]
struct Everything {
    #[record(id)]
    id: i64,
    flag: bool,
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
    decimal: Decimal,
    mood: Mood,
    perhaps: Option<u64>,
    inner: Option<Inner>,
    tags: Vec<String>,
    numbers: Vec<u64>,
    moments: Vec<Timestamp>,
    sizes: Vec<Decimal>,
    vector: [f32; 3],
}

fn least() -> Everything {
    Everything {
        id: i64::MIN,
        flag: false,
        i8: i8::MIN,
        i16: i16::MIN,
        i32: i32::MIN,
        i64: i64::MIN,
        u8: 0,
        u16: 0,
        u32: 0,
        u64: 0,
        f32: f32::MIN,
        f64: f64::MIN,
        text: String::new(),
        bytes: Vec::new(),
        uuid: Uuid::nil(),
        at: "0001-01-01T00:00:00Z".parse().expect("a time"),
        day: jiff::civil::date(1, 1, 1),
        decimal: Decimal::MIN,
        mood: Mood::Happy,
        perhaps: None,
        inner: None,
        tags: Vec::new(),
        numbers: Vec::new(),
        moments: Vec::new(),
        sizes: Vec::new(),
        vector: [f32::MIN, 0.0, f32::MIN_POSITIVE],
    }
}

fn greatest() -> Everything {
    Everything {
        id: i64::MAX,
        flag: true,
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
        text: "\u{1}\r\n\t\\N \\x00 'quoted\" \u{10ffff}👩‍👩‍👧‍👦".to_owned(),
        bytes: (0..=255).collect(),
        uuid: Uuid::max(),
        at: "9999-12-30T22:00:00.999999Z".parse().expect("a time"),
        day: jiff::civil::date(9999, 12, 31),
        decimal: Decimal::MAX,
        mood: Mood::Sad,
        perhaps: Some(u64::MAX),
        inner: Some(Inner { city: None, zip: None }),
        tags: vec![String::new(), "NULL".to_owned(), "{a,\"b\"}".to_owned(), "\\".to_owned()],
        numbers: vec![0, u64::MAX, (1 << 53) + 1],
        moments: vec![Timestamp::UNIX_EPOCH, "9999-12-30T00:00:00Z".parse().expect("a time")],
        sizes: vec![Decimal::MAX, "0.0000000000000000000000000001".parse().expect("a decimal")],
        vector: [f32::MAX, -0.5, 16_777_217.0],
    }
}

fn between() -> Everything {
    Everything {
        id: 0,
        f32: f32::MIN_POSITIVE,
        f64: f64::MIN_POSITIVE,
        i64: (1 << 53) + 1,
        u64: (1 << 53) + 1,
        text: "   ".to_owned(),
        at: "1969-12-31T23:59:59.999999Z".parse().expect("a time"),
        decimal: "-0.0000000000000000000000000001".parse().expect("a decimal"),
        inner: Some(Inner { city: Some("Oslo".to_owned()), zip: Some(u16::MAX) }),
        tags: vec!["only".to_owned()],
        ..least()
    }
}

#[test]
fn every_type_survives_at_its_extremes_by_every_road() {
    let scratch = Scratch::new();
    let store = scratch.database().store::<Everything>().expect("the table is made");
    let all = [least(), between(), greatest()];
    let check = |road: &str| {
        let sorted = store.search(Query::new().sort(Everything::ID.asc())).expect("it answers");
        assert!(sorted.iter().map(|row| &row.record).eq(&all), "{road}: searched");
        let read = store.read_batch(all.iter().map(|record| record.id)).expect("it answers");
        assert!(read.iter().flatten().map(|row| &row.record).eq(&all), "{road}: read in a batch");
        for record in &all {
            let read = store.read(record.id).expect("it answers").expect("it is there");
            assert_eq!(&read.record, record, "{road}: read");
        }
    };
    for record in &all {
        store.create(record).expect("it is new");
    }
    check("created");
    for record in &all {
        store.update(record.id, record).expect("it is there");
        store.upsert(record.id, record).expect("it is there");
    }
    check("updated");
    assert_eq!(store.clear().ok(), Some(3));
    for batch in [store.create_batch(&all), store.update_batch(&all), store.upsert_batch(&all)] {
        batch.expect("it writes").into_iter().for_each(|outcome| drop(outcome.expect("it fits")));
        check("in a batch");
    }
}

#[test]
fn plain_sql_sees_plain_values() {
    let mut scratch = Scratch::new();
    let store = scratch.database().store::<Everything>().expect("the table is made");
    store.create(greatest()).expect("it is new");
    let row = scratch
        .client
        .query_one(
            "SELECT u64::text, u32, \"at\"::text, day::text, decimal::text, mood, tags, numbers::text[], \"inner.zip\" IS NULL \
             FROM everything, (SELECT set_config('TimeZone', 'UTC', false)) AS utc",
            &[],
        )
        .expect("the columns are what a person would make");
    assert_eq!(row.get::<_, String>(0), u64::MAX.to_string());
    assert_eq!(row.get::<_, i64>(1), i64::from(u32::MAX));
    assert_eq!(row.get::<_, String>(2), "9999-12-30 22:00:00.999999+00");
    assert_eq!(row.get::<_, String>(3), "9999-12-31");
    assert_eq!(row.get::<_, String>(4), Decimal::MAX.to_string());
    assert_eq!(row.get::<_, String>(5), "Sad");
    assert_eq!(row.get::<_, Vec<String>>(6), greatest().tags);
    assert_eq!(row.get::<_, Vec<String>>(7)[1], u64::MAX.to_string());
    assert!(row.get::<_, bool>(8));
}

#[test]
fn what_plain_sql_wrote_and_no_field_can_hold_is_refused_with_its_field() {
    let mut scratch = Scratch::new();
    let store = scratch.database().store::<Everything>().expect("the table is made");
    store.create(greatest()).expect("it is new");
    for (change, field) in [
        ("u8 = 256", "u8"),
        ("u64 = 18446744073709551616", "u64"),
        ("u64 = -1", "u64"),
        ("i8 = -129", "i8"),
        ("\"at\" = 'infinity'", "at"),
        ("day = '-infinity'", "day"),
        ("decimal = 'NaN'", "decimal"),
        ("decimal = 1e40", "decimal"),
        ("mood = 'Angry'", "mood"),
        ("tags = ARRAY['a', NULL]", "tags"),
        ("tags = ARRAY[['a'], ['b']]", "tags"),
        ("vector = ARRAY[1, 2]::real[]", "vector"),
    ] {
        scratch.client.batch_execute(&format!("BEGIN; UPDATE everything SET {change}")).expect(change);
        scratch.client.batch_execute("COMMIT").expect(change);
        let error = store.read(i64::MAX).map(drop).expect_err(change);
        assert!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Corrupt), "{change}: {error:?}");
        assert!(error.place().id.is_some(), "it says which record: {error:?}");
        assert!(error.place().field.as_deref().is_some_and(|at| at.starts_with(field)), "{change}: {error:?}");
        store.update(i64::MAX, greatest()).expect("what does not read can be replaced");
    }
}

// ---- tables that others made

/// Twenty-five types of column, as a person declares them.
const MIXED: &str = r#"
    CREATE TABLE mixed (
        id integer PRIMARY KEY, flag boolean, small smallint, whole integer, large bigint, single real, double double precision,
        exact numeric, money_like numeric(12,2), words text, limited varchar(20), raw bytea, tag uuid,
        moment timestamptz, local timestamp, day date, doc jsonb, old_doc json, whole_list integer[], word_list text[],
        flag_list boolean[], double_list double precision[], tag_list uuid[], exact_list numeric[], day_list date[],
        large_list bigint[]);
    INSERT INTO mixed VALUES
        (1, true, -32768, -2147483648, -9223372036854775808, 3.4028235e38, 5e-324, 12345678901234567890.12345678, -0.01, 'it''s',
         'twenty', '\x00ff', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '2024-02-29 12:00:00.123456+02', '2024-02-29 12:00:00',
         '0001-01-01', '{"a": [null, 1.50]}', '{"b":  1}', '{1,2}', '{"", "NULL", "a,b"}', '{t,f}', '{0.1,1e308}',
         '{00000000-0000-0000-0000-000000000000}', '{1.50,-2}', '{2024-02-29}', '{9223372036854775807}');
    INSERT INTO mixed (id) VALUES (2);
"#;

/// The table as its columns say it is.
fn described(scratch: &Scratch) -> PostgresStore<Document> {
    let db = scratch.database();
    let open =
        db.documents("mixed", Schema::open("mixed")).map(drop).expect_err("there is no place for undeclared fields");
    assert_eq!(open.kind(), ErrorKind::Unsupported, "nothing is left out in silence: {open:?}");
    db.documents("mixed", db.describe("mixed").expect("fields hold all of it")).expect("it has a key")
}

fn number(text: &str) -> Value {
    Value::Decimal(text.parse().expect("a decimal"))
}

fn first() -> Document {
    let list = |items: Vec<Value>| Value::List(items);
    let time = |text: &str| Value::from(text.parse::<Timestamp>().expect("a time"));
    document! {
        "id" => 1, "flag" => true, "small" => i16::MIN, "whole" => i32::MIN, "large" => i64::MIN,
        "single" => 3.402_823_5e38_f32, "double" => 5e-324, "exact" => number("12345678901234567890.12345678"),
        "money_like" => number("-0.01"), "words" => "it's", "limited" => "twenty",
        "raw" => Value::Bytes(vec![0, 255]), "tag" => Uuid::max(), "moment" => time("2024-02-29T10:00:00.123456Z"),
        "local" => time("2024-02-29T12:00:00Z"), "day" => jiff::civil::date(1, 1, 1),
        "doc" => serde_json::json!({ "a": [null, 1.5] }), "old_doc" => serde_json::json!({ "b": 1 }),
        "whole_list" => list(vec![1.into(), 2.into()]),
        "word_list" => list(vec!["".into(), "NULL".into(), "a,b".into()]), "flag_list" => list(vec![true.into(), false.into()]),
        "double_list" => list(vec![0.1.into(), 1e308.into()]), "tag_list" => list(vec![Uuid::nil().into()]),
        "exact_list" => list(vec![number("1.5"), number("-2")]), "day_list" => list(vec![jiff::civil::date(2024, 2, 29).into()]),
        "large_list" => list(vec![i64::MAX.into()]),
    }
}

#[test]
fn a_table_of_twenty_five_types_is_read_as_documents_without_loss() {
    let mut scratch = Scratch::new();
    scratch.client.batch_execute(MIXED).expect("the schema is ours");
    let store = described(&scratch);
    let read = store.read("1").expect("it answers").expect("it is there");
    assert_eq!(read.record, first());
    assert_eq!(
        store.read(2).expect("it answers").map(|row| row.record),
        Some(document! { "id" => 2 }),
        "nulls are missing"
    );
    for (field, value) in first().iter() {
        let kind = read.record.get(field).map(Value::kind);
        assert_eq!(kind, Some(value.kind()), "{field} comes as what it is");
    }
    // Written back, it is the same to plain SQL.
    let seen = |scratch: &mut Scratch| -> Vec<String> {
        let rows = scratch.client.query("SELECT (m.*)::text FROM mixed m ORDER BY id", &[]).expect("it answers");
        rows.iter().map(|row| row.get(0)).collect()
    };
    let before = seen(&mut scratch);
    store.update("1", &read.record).expect("it fits");
    let after = seen(&mut scratch);
    // Of JSON the blanks and closing zeros are gone, of nothing else anything.
    let plain = |row: &str| row.replace("1.50]", "1.5]").replace("  ", "");
    assert_eq!(plain(&after[0]), plain(&before[0]));
}

#[test]
fn a_table_of_others_is_asked_and_changed_like_one_of_ours() {
    let mut scratch = Scratch::new();
    scratch.client.batch_execute(MIXED).expect("the schema is ours");
    let store = described(&scratch);
    for filter in [
        Filter::eq("exact", number("12345678901234567890.12345678")),
        Filter::lt("money_like", 0),
        Filter::starts_with("limited", "twen"),
        Filter::eq("tag", Uuid::max()),
        Filter::eq("double", 5e-324),
        Filter::eq("large", i64::MIN),
        Filter::contains("word_list", "a,b"),
        Filter::contains("whole_list", 2),
        Filter::contains("exact_list", number("1.50")),
        Filter::between("day", jiff::civil::date(1, 1, 1), jiff::civil::date(1, 1, 2)),
    ] {
        let bound = filter.clone().bind::<Document>(store.schema()).expect("it fits an open schema");
        let found = store
            .search(Query::new().filter(bound).sort(Key::asc("words")))
            .unwrap_or_else(|e| panic!("{filter:?}: {e:?}"));
        assert_eq!(found.first().map(|row| row["id"].clone()), Some(1.into()), "{filter:?}");
    }
    store.patch("2", Changes::set("words", "new").and(Changes::set("small", 7))).expect("it is there");
    store.create(document! { "id" => 3, "words" => "third" }).expect("it is new");
    let taken = store.create(document! { "id" => 3 }).expect_err("the key is taken");
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    let refused = store.patch("3", Changes::set("small", 40_000)).expect_err("the column has no such value");
    assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused:?}");
    let refused =
        store.patch("3", Changes::set("limited", "longer than twenty characters")).expect_err("it is too long");
    assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused:?}");
    let rows = scratch.client.query("SELECT words, small FROM mixed ORDER BY id", &[]).expect("it answers");
    let rows: Vec<(Option<String>, Option<i16>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(rows[1], (Some("new".to_owned()), Some(7)));
    assert_eq!(rows[2], (Some("third".to_owned()), None));
}

#[test]
fn a_column_that_no_record_can_hold_is_refused_by_its_name() {
    for ty in [
        "interval",
        "time",
        "timetz",
        "inet",
        "cidr",
        "macaddr",
        "money",
        "point",
        "tsvector",
        "bit(3)",
        "xml",
        "int4range",
        "pg_lsn",
        "char(5)",
        "mood",
        "short",
        "interval[]",
    ] {
        let mut scratch = Scratch::new();
        scratch
            .client
            .batch_execute(&format!("CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN short AS text; CREATE TABLE odd (id int PRIMARY KEY, \"the odd one\" {ty})"))
            .expect(ty);
        let declared = Schema::new("odd")
            .field(FieldDef::new("id", Type::I32).id())
            .field(FieldDef::new("the odd one", Type::Text).nullable());
        let closed = scratch.database().documents("odd", declared).map(drop).expect_err(ty);
        assert!(closed.to_string().contains("the odd one"), "{ty}: {closed}");
        let error = scratch.database().describe("odd").expect_err(ty);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{ty}: {error:?}");
        assert!(error.to_string().contains("the odd one"), "{ty}: {error}");
    }
}

#[test]
fn a_typed_record_opens_over_columns_that_hold_it_and_says_of_each_that_does_not() {
    #[derive(Record, Clone, Debug, PartialEq)]
    #[record(name = "mixed")]
    struct Part {
        #[record(id)]
        id: i32,
        words: Option<String>,
        exact: Option<Decimal>,
        local: Option<Timestamp>,
    }
    #[derive(Record, Clone, Debug, PartialEq)]
    #[record(name = "mixed")]
    struct Wrong {
        #[record(id)]
        id: i32,
        words: Option<i64>,
        nowhere: Option<String>,
        tag: Option<Date>,
    }
    let mut scratch = Scratch::new();
    scratch.client.batch_execute(MIXED).expect("the schema is ours");
    let db = scratch.database();
    let store = db.store::<Part>().expect("the columns hold it");
    let first = store.read(1).expect("it answers").expect("it is there");
    assert_eq!(first.words.as_deref(), Some("it's"));
    store.patch(1, Part::WORDS.set("new")).expect("it is there");
    let kept: String =
        scratch.client.query_one("SELECT limited FROM mixed WHERE id = 1", &[]).expect("it answers").get(0);
    assert_eq!(kept, "twenty", "columns that the type does not know are left alone (semantics 5.10)");
    let error = db.store::<Wrong>().map(drop).expect_err("they do not hold it");
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    for named in ["words", "nowhere", "tag"] {
        assert!(error.to_string().contains(named), "`{named}` is not in: {error}");
    }
}

#[test]
fn what_an_existing_table_lacks_is_unsupported_and_names_the_column_to_add() {
    let mut scratch = Scratch::new();
    scratch.client.batch_execute("CREATE TABLE bare (id bigint PRIMARY KEY, n int)").expect("the schema is ours");
    let schema =
        Schema::new("bare").field(FieldDef::new("id", Type::I64).id()).field(FieldDef::new("n", Type::I32).nullable());
    let store = scratch.database().documents("bare", schema).expect("it has a key");
    store.create(document! { "id" => 1, "n" => 1 }).expect("it is new");
    let found = store.read(1).expect("it answers").expect("it is there");
    assert!(found.envelope.created_at().is_none() && found.envelope.metadata().is_empty());
    // Its version is the transaction that wrote it.
    assert!(found.envelope.version().is_some());
    store.save(found.clone()).expect("nobody else wrote it");
    assert_eq!(store.save(found).map(drop).expect_err("its version has moved on").kind(), ErrorKind::Conflict);
    let needs = [
        store.create(dk_data::Draft::of(document! { "id" => 2 }).meta("source", "csv")).map(drop),
        store.count(dk_data::meta("source").eq("csv")).map(drop),
        store.count(dk_data::created_at().ge(Timestamp::UNIX_EPOCH)).map(drop),
        store.search(Query::new().sort(dk_data::updated_at().desc())).map(drop),
    ];
    for (need, column) in needs.into_iter().zip(["_metadata", "_metadata", "_created_at", "_updated_at"]) {
        let error = need.expect_err("the table has no such column");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        assert!(error.to_string().contains(column), "{error}");
    }
}
