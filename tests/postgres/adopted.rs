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

// ---- keys and unique values

/// A message that says all of this.
#[track_caller]
fn told<T>(done: Result<T, Error>, kind: ErrorKind, parts: &[&str]) {
    let error = done.map(drop).expect_err(parts[0]);
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn an_id_is_in_a_column_that_keeps_it_apart_or_the_store_does_not_open() {
    let mut scratch = Scratch::new();
    scratch
        .client
        .batch_execute("CREATE TABLE k (pk serial PRIMARY KEY, email text NOT NULL, n integer)")
        .expect("ours");
    let schema = Schema::new("k").field(field("email", Type::Text).id()).field(field("n", Type::I32).nullable());
    let db = scratch.database();
    let open = || db.documents("k", schema.clone());
    // None of these keeps two rows from having the same address, or not at once, or not the same bytes.
    for index in [
        "CREATE INDEX k_i ON k (email)",
        "CREATE UNIQUE INDEX k_i ON k (email) WHERE n > 5",
        "CREATE UNIQUE INDEX k_i ON k (email, n)",
        "CREATE UNIQUE INDEX k_i ON k (lower(email))",
        "ALTER TABLE k ADD CONSTRAINT k_i UNIQUE (email) DEFERRABLE",
    ] {
        told(open(), ErrorKind::Configuration, &["email", "CREATE UNIQUE INDEX", "primary key"]);
        scratch.client.batch_execute(index).expect(index);
        told(open(), ErrorKind::Configuration, &["email", "CREATE UNIQUE INDEX"]);
        let undo = "ALTER TABLE k DROP CONSTRAINT IF EXISTS k_i; DROP INDEX IF EXISTS k_i";
        scratch.client.batch_execute(undo).expect("it is ours");
    }
    scratch.client.batch_execute("CREATE UNIQUE INDEX ON k (email) INCLUDE (n)").expect("ours");
    let store = open().expect("the addresses differ");
    store.create(document! { "email" => "a", "n" => 1 }).expect("it is new");
    let again = store.create(document! { "email" => "a", "n" => 2 }).expect_err("it is taken");
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    assert_eq!(
        store.upsert("a", document! { "email" => "a", "n" => 3 }).expect("it is there").effect,
        dk_data::Effect::Updated
    );
    // Of a view the tables behind it know.
    scratch.client.batch_execute("CREATE VIEW v AS SELECT email, n FROM k").expect("ours");
    assert!(db.documents("v", schema.clone()).expect("it opens").read("a").expect("it reads").is_some());
}

#[test]
fn a_unique_that_the_table_does_not_keep_is_refused_at_opening_and_made_by_migrate() {
    let mut scratch = Scratch::new();
    scratch
        .client
        .batch_execute("CREATE TABLE u (id text PRIMARY KEY, nick text, email text, code int)")
        .expect("ours");
    scratch.client.batch_execute("CREATE UNIQUE INDEX ON u (code)").expect("ours");
    let schema = Schema::new("u")
        .field(field("id", Type::Text).id())
        .field(field("nick", Type::Text).unique().nullable())
        .field(field("email", Type::Text).unique().nullable())
        .field(field("code", Type::I32).unique().nullable());
    let db = scratch.database();
    let parts = ["`nick`, `email`", "migrate", "CREATE UNIQUE INDEX CONCURRENTLY"];
    told(db.documents("u", schema.clone()), ErrorKind::Configuration, &parts);
    told(db.ensure_named("u", &schema), ErrorKind::Configuration, &parts);
    db.migrate("u", &schema).expect("nothing stands in its way");
    let store = db.documents("u", schema.clone()).expect("the values differ");
    let record = |id: &str| document! { "id" => id, "nick" => "ann" };
    store.create(record("1")).expect("it is new");
    refused("nick", store.create(record("2")), ErrorKind::AlreadyExists, "nick");
    scratch.client.batch_execute("CREATE VIEW v AS SELECT * FROM u").expect("ours");
    told(db.documents("v", schema), ErrorKind::Unsupported, &["`nick`", "is no table"]);
}

#[test]
fn a_key_that_no_id_lies_in_is_refused_and_named() {
    let mut scratch = Scratch::new();
    let db = scratch.database();
    for (key, said) in [
        ("a int, b int, PRIMARY KEY (a, b)", "several columns, `a`, `b`"),
        ("a int", "no primary key"),
        ("a date PRIMARY KEY", "of type date"),
        ("a timestamptz PRIMARY KEY", "of type timestamp with time zone"),
        ("a numeric PRIMARY KEY", "of type numeric"),
        ("a bytea PRIMARY KEY", "of type bytea"),
        ("a boolean PRIMARY KEY", "of type boolean"),
    ] {
        scratch
            .client
            .batch_execute(&format!("DROP TABLE IF EXISTS odd; CREATE TABLE odd ({key}, v text)"))
            .expect(key);
        let schema = db.describe("odd").expect("fields hold it");
        told(db.documents("odd", schema), ErrorKind::Unsupported, &[said, "mark a field as the id"]);
    }
    scratch.client.batch_execute("CREATE TABLE one (a int, b int, PRIMARY KEY (a) INCLUDE (b))").expect("ours");
    assert!(described(&scratch, "one").create(document! { "a" => 1, "b" => 2 }).is_ok(), "its key has one column");
}

#[test]
fn an_id_is_not_another_one_by_its_collation() {
    let mut scratch = Scratch::new();
    let sql = "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
        CREATE TABLE nd (id text COLLATE loose PRIMARY KEY, v text); \
        CREATE TABLE ni (pk int PRIMARY KEY, id text NOT NULL, v text); CREATE UNIQUE INDEX ON ni (id COLLATE loose)";
    scratch.client.batch_execute(sql).expect("ours");
    let db = scratch.database();
    let schema = db.describe("nd").expect("fields hold it");
    told(db.documents("nd", schema), ErrorKind::Configuration, &["\"id\"", "collation", "COLLATE \"C\""]);
    // An index that takes more for equal would make an upsert change another record.
    let schema = Schema::new("ni").field(field("id", Type::Text).id()).field(field("v", Type::Text).nullable());
    told(db.documents("ni", schema), ErrorKind::Configuration, &["\"id\"", "CREATE UNIQUE INDEX"]);
}
