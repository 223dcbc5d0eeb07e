//! Tables that others made: what their columns, keys and indexes cannot hold or keep is refused by name, and nothing that is
//! written is changed on the way.

use dk_data::{
    Changes, Database, Document, Draft, Error, ErrorKind, FieldDef, Filter, Schema, Store, Type, Value,
    backend::postgres::PostgresStore, document,
};

use crate::server::Scratch;

fn field(name: &'static str, ty: Type) -> FieldDef {
    FieldDef::new(name, ty)
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().expect("a decimal"))
}

fn moment(text: &str) -> Value {
    Value::Timestamp(text.parse().expect("a moment"))
}

/// The table as its columns say it is.
fn described(scratch: &Scratch, table: &str) -> PostgresStore<Document> {
    let db = scratch.database();
    db.documents(table, db.describe(table).expect("fields hold it")).expect("it has a key")
}

/// That an error is of this kind and names this field.
#[track_caller]
fn refused<T>(what: &str, done: Result<T, Error>, kind: ErrorKind, field: &str) {
    let error = done.map(drop).expect_err(what);
    assert_eq!(error.kind(), kind, "{what}: {error}");
    assert_eq!(error.place().field.as_deref(), Some(field), "{what}: {error}");
}

// ---- type modifiers

/// Columns whose types leave less than their fields hold, with a value each that fits and some that the server would change
/// or refuses without naming the field.
fn modified() -> Vec<(&'static str, Value, Vec<Value>)> {
    let list = |items: &[Value]| Value::List(items.to_vec());
    let (half, whole) = (moment("2024-01-01T00:00:00.5Z"), moment("2024-01-01T00:00:01Z"));
    vec![
        ("d", decimal("1.2300"), vec![decimal("1.239"), decimal("10000")]),
        ("t", whole.clone(), vec![moment("2024-01-01T00:00:00.999999Z"), moment("0001-01-01T00:00:00.5Z")]),
        ("t3", moment("2024-01-01T00:00:00.123Z"), vec![moment("2024-01-01T00:00:00.123456Z")]),
        ("v", "äöü".into(), vec!["ab    ".into(), "abcd".into()]),
        ("a", list(&[decimal("1.2")]), vec![list(&[decimal("1.2"), decimal("1.25")])]),
        ("va", list(&["ab".into()]), vec![list(&["a    ".into()])]),
        ("ts", list(&[whole.clone()]), vec![list(&[whole, half])]),
    ]
}

#[test]
fn what_a_type_modifier_would_change_is_refused_by_every_road() {
    for version in ["", ", _version uuid NOT NULL"] {
        let mut scratch = Scratch::new();
        let columns = "id text PRIMARY KEY, d numeric(6,2), t timestamptz(0), t3 timestamp(3), v varchar(3), a numeric(6,1)[], \
             va varchar(2)[], ts timestamptz(0)[]";
        scratch.client.batch_execute(&format!("CREATE TABLE l ({columns}{version})")).expect("the schema is ours");
        let store = described(&scratch, "l");
        let with = |id: &str, name: &str, value: &Value| {
            let mut record = document! { "id" => id };
            record.set(name.to_owned(), value.clone());
            record
        };
        store.create(document! { "id" => "x" }).expect("it is new");
        for (name, fits, misfits) in modified() {
            store.update("x", with("x", name, &fits)).expect(name);
            let matching = || Filter::eq("id", "x").bind::<Document>(store.schema()).expect("there is such a field");
            store.update_where(matching(), Changes::set(name, fits.clone())).expect(name);
            for value in misfits {
                let told = format!("{name} := {value:?}{version}");
                refused(&told, store.create(with("y", name, &value)), ErrorKind::Invalid, name);
                refused(&told, store.upsert("x", with("x", name, &value)), ErrorKind::Invalid, name);
                refused(&told, store.update("x", with("x", name, &value)), ErrorKind::Invalid, name);
                refused(&told, store.patch("x", Changes::set(name, value.clone())), ErrorKind::Invalid, name);
                let done = store.update_where(matching(), Changes::set(name, value.clone()));
                refused(&told, done, ErrorKind::Invalid, name);
                let batch = |ids: &str| -> Vec<_> {
                    (0..20).map(|n| with(&format!("{ids}{n}"), name, if n == 7 { &value } else { &fits })).collect()
                };
                for (verb, done) in
                    [("create", store.create_batch(batch("c"))), ("upsert", store.upsert_batch(batch("c")))]
                {
                    for (n, outcome) in done.expect("it writes").into_iter().enumerate() {
                        match n {
                            7 => refused(&format!("{verb}_batch {told}"), outcome, ErrorKind::Invalid, name),
                            _ => drop(outcome.expect("it fits")),
                        }
                    }
                }
                store.delete_batch((0..20).map(|n| format!("c{n}"))).expect("they are there");
            }
            let read = store.read("x").expect("it reads").expect("it is there");
            assert_eq!(read.record.get(name), Some(&fits), "{name}: what was written is what is read");
        }
    }
}

#[test]
fn an_id_beside_the_record_is_not_cut_either() {
    let mut scratch = Scratch::new();
    scratch.client.batch_execute("CREATE TABLE short (_id varchar(3) PRIMARY KEY, n int)").expect("the schema is ours");
    let schema = Schema::new("short").field(field("n", Type::I32).nullable());
    let store = scratch.database().documents("short", schema).expect("it has a key");
    let draft = |id: &str| Draft::of(document! { "n" => 1 }).id(id).expect("an id");
    refused("spaces", store.create(draft("ab    ")), ErrorKind::Invalid, "_id");
    store.create(draft("ab ")).expect("it fits");
    assert!(store.read("ab ").expect("it reads").is_some() && store.read("ab    ").expect("it reads").is_none());
}

#[test]
fn sums_by_query_are_not_rounded() {
    let mut scratch = Scratch::new();
    scratch
        .client
        .batch_execute("CREATE TABLE l (id text PRIMARY KEY, d numeric(6,2)); INSERT INTO l VALUES ('a', 1.25)")
        .expect("the schema is ours");
    let store = described(&scratch, "l");
    let all = || Filter::all().bind::<Document>(store.schema()).expect("it is for any schema");
    refused("add", store.update_where(all(), Changes::add("d", decimal("0.001"))), ErrorKind::Invalid, "d");
    store.update_where(all(), Changes::add("d", decimal("0.010"))).expect("it fits");
    let read = store.read("a").expect("it reads").expect("it is there");
    assert_eq!(read.record.get("d"), Some(&decimal("1.26")));
}
