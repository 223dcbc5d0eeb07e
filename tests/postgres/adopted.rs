//! Tables that others made: what their columns, keys and indexes cannot hold or keep is refused by name, and nothing that is
//! written is changed on the way.

use dk_data::{
    Changes, Database, Document, Draft, Error, ErrorKind, FieldDef, Filter, Key, Outcome, Query, Schema, Store, Stored,
    Transactional, Type, Value, backend::postgres::PostgresStore, document,
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
        ("ts", list(std::slice::from_ref(&whole)), vec![list(&[whole, half])]),
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
        ("a int, b jsonb, PRIMARY KEY (a, b)", "of type jsonb"),
        ("a int", "no primary key"),
        ("a double precision PRIMARY KEY", "of type double precision"),
        ("a jsonb PRIMARY KEY", "of type jsonb"),
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

/// Columns of the key, three ids in their order, and some that are none.
const KEYS: [(&str, [&str; 3], [&str; 2]); 7] = [
    ("boolean", ["false", "true", "true"], ["t", "TRUE"]),
    ("numeric", ["-1.5", "9", "10"], ["9.0", "1e1"]),
    ("numeric(6,2)", ["-1.5", "9", "10"], ["9.00", "+10"]),
    ("bytea", ["\\x", "\\x00ff", "\\xde"], ["00ff", "\\xDE"]),
    ("date", ["0999-12-31", "2024-02-29", "9999-12-31"], ["2024-2-29", "20240229"]),
    (
        "timestamptz",
        ["-000001-06-01T00:00:00Z", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z"],
        ["2024-01-01T00:00:00.50Z", "2024-01-01T00:00:00+00:00"],
    ),
    (
        "timestamp",
        ["0000-06-01T00:00:00Z", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000001Z"],
        ["2024-01-01 00:00:00Z", "2024-01-01T00:00:00"],
    ),
];

#[test]
fn keys_of_the_servers_own_types_are_ids_by_one_text_each() {
    for (key, ids, strange) in KEYS {
        let mut scratch = Scratch::new();
        let sql = format!("CREATE TABLE k (a {key} PRIMARY KEY, n int NOT NULL)");
        scratch.client.batch_execute(&sql).expect("ours");
        // A session may show values in another way; ids are not shown by it.
        scratch.client.batch_execute("SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'").expect("settings");
        let beside = Schema::new("k").field(field("n", Type::I32));
        let store = scratch.database().documents("k", beside).expect("it has a key");
        store.ensure_watch().expect("the table is ours");
        let mut watch = store.watch(Query::new()).expect("it tells");
        let mut unlike = ids.to_vec();
        unlike.dedup();
        let drafts = unlike.iter().rev().map(|id| Draft::of(document! { "n" => 1 }).id(*id).expect("an id"));
        for outcome in store.create_batch(drafts.collect::<Vec<_>>()).expect("it writes") {
            outcome.expect(key);
        }
        for id in &unlike {
            let told = watch.next_within(std::time::Duration::from_secs(5)).expect("it listens").expect("a change");
            assert!(told.id().is_some_and(|told| unlike.iter().any(|id| told == id)), "{key} {id}: {told:?}");
            assert_eq!(store.read(*id).expect("it reads").expect(id).storage_id(), id);
            let taken = store.create(Draft::of(document! { "n" => 1 }).id(*id).expect("an id")).expect_err(id);
            assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
            store.patch(*id, Changes::add("n", 1)).expect(id);
        }
        for id in strange.into_iter().chain(["x", "7.5.1"]) {
            assert!(store.read(id).expect("it reads").is_none(), "{key} {id}");
            assert_eq!(store.update(id, document! { "n" => 1 }).expect_err(id).kind(), ErrorKind::NotFound);
            let draft = Draft::of(document! { "n" => 1 }).id(id).expect("an id");
            refused(id, store.create(draft), ErrorKind::Invalid, "a");
        }
        let found = |filter: Filter, query: Query<Document>| -> Vec<String> {
            let filter = filter.bind::<Document>(store.schema()).expect("it fits");
            store.search(query.filter(filter)).expect(key).iter().map(|row| row.storage_id().to_string()).collect()
        };
        let by = |filter: Filter| found(filter, Query::new().sort(Key::asc("_id")));
        assert_eq!(found(Filter::all(), Query::new().limit(9)), unlike, "{key}: in the order of its type");
        let page = store.page(&Query::new().limit(1), None).expect("a page");
        let behind = Query::new().limit(9).after(page.next.expect("there is more"));
        assert_eq!(found(Filter::all(), behind), unlike[1..], "{key}: behind a cursor");
        for id in &unlike {
            assert_eq!(by(Filter::eq("_id", *id)), [*id], "{key}");
            assert_eq!(by(Filter::is_in("_id", [*id, "x"])), [*id], "{key}");
            assert_eq!(by(Filter::starts_with("_id", *id)).first().map(String::as_str), Some(*id), "{key}: as text");
        }
        assert_eq!(by(Filter::gt("_id", unlike[0])), unlike[1..], "{key}");
        let gone = store.delete_batch(unlike.iter().copied().chain(strange)).expect("it writes");
        assert_eq!(gone.into_iter().filter(|gone| matches!(gone, Ok(true))).count(), unlike.len(), "{key}");
    }
}

#[test]
fn an_id_follows_from_the_field_of_such_a_key() {
    let mut scratch = Scratch::new();
    let sql = "CREATE TABLE days (day date PRIMARY KEY DEFAULT '2024-05-01', n int); INSERT INTO days VALUES ('2024-02-29', 1)";
    scratch.client.batch_execute(sql).expect("ours");
    let store = described(&scratch, "days");
    let day = |text: &str| Value::Date(text.parse().expect("a date"));
    let record = |text: &str| document! { "day" => day(text), "n" => 2 };
    assert_eq!(store.read("2024-02-29").expect("it reads").expect("it is there")["day"], day("2024-02-29"));
    assert_eq!(store.create(record("2024-03-01")).expect("it is new").id, *"2024-03-01");
    let again = store.create(record("2024-03-01")).expect_err("it is taken");
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    let other = store.update("2024-02-29", record("2024-03-01")).expect_err("it is another one");
    assert_eq!(other.kind(), ErrorKind::Invalid);
    let moved = store.update_where(dk_data::query::All, Changes::set("day", day("2024-04-01")));
    refused("a key", moved, ErrorKind::Unsupported, "day");
    let batch = (0..20).map(|n| record(&format!("2025-01-{:02}", n + 1))).collect::<Vec<_>>();
    assert!(store.upsert_batch(batch).expect("it writes").iter().all(Outcome::is_ok));
    assert_eq!(store.count(Query::new()).expect("it counts"), 22);
    let schema = Schema::new("days").field(field("n", Type::I32).nullable());
    let beside = scratch.database().documents("days", schema).expect("it has a key");
    assert_eq!(beside.create(document! { "n" => 3 }).expect("the key has a default").id, *"2024-05-01");
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

#[test]
fn text_is_compared_by_bytes_whatever_the_database_is_made_with() {
    let mut admin = crate::server::client(&crate::server::admin_url());
    let alone = std::process::id();
    for (n, locale) in [
        "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LC_COLLATE 'C' LC_CTYPE 'C'",
        "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'",
        "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("locale_{alone}_{n}");
        admin.batch_execute(&format!("CREATE DATABASE {name} OWNER app TEMPLATE template0 {locale}")).expect(locale);
        let url = crate::server::url().replace("/test", &format!("/{name}"));
        let mut client = crate::server::client(&url);
        let words = ["a", "B", "É", "é", "ab", "A", "_", "Z", "b"];
        client.batch_execute("CREATE TABLE w (id text PRIMARY KEY, t text NOT NULL)").expect("ours");
        for word in words {
            client.execute("INSERT INTO w VALUES ($1, $1)", &[&word]).expect("it is new");
        }
        {
            let db = dk_data::backend::postgres::Postgres::connect(&url).expect("the server answers");
            let store = db.documents("w", db.describe("w").expect("fields hold it")).expect("it has a key");
            let memory =
                dk_data::backend::memory::Memory::new().documents("w", store.schema().clone()).expect("it opens");
            for word in words {
                memory.create(document! { "id" => word, "t" => word }).expect("it is new");
            }
            let ids =
                |rows: Vec<Stored<Document>>| rows.iter().map(|row| row.storage_id().to_string()).collect::<Vec<_>>();
            let asked = [
                (Filter::all(), Key::asc("t")),
                (Filter::all(), Key::desc("_id")),
                (Filter::gt("t", "Z"), Key::asc("_id")),
                (Filter::between("t", "A", "Z"), Key::asc("_id")),
                (Filter::starts_with("t", "a"), Key::asc("_id")),
                (Filter::like("t", "É", true), Key::asc("_id")),
                (Filter::like("t", "B", true), Key::asc("_id")),
            ];
            for (filter, key) in asked {
                let told = format!("{locale}: {filter:?} {key:?}");
                let filter = filter.bind::<Document>(store.schema()).expect("it fits");
                let query = Query::new().filter(filter).sort(key);
                let here = ids(store.search(query.clone()).expect("it answers"));
                assert_eq!(here, ids(memory.search(query).expect("it answers")), "{told}");
            }
        }
        drop(client);
        let _ = admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }
}

// ---- what the server gives by itself

#[test]
fn generated_columns_are_read_and_never_written() {
    let mut scratch = Scratch::new();
    for more in ["", ", _version uuid NOT NULL"] {
        let sql = "id int PRIMARY KEY, v text, w text GENERATED ALWAYS AS (v || '!') STORED, \
            n int GENERATED ALWAYS AS IDENTITY, last text";
        scratch.client.batch_execute(&format!("DROP TABLE IF EXISTS g; CREATE TABLE g ({sql}{more})")).expect("ours");
        let store = described(&scratch, "g");
        let with = |id: i32, v: &str| document! { "id" => id, "v" => v, "last" => "z" };
        let is = |id: i32, v: &str| {
            let read = store.read(id).expect("it reads").expect("it is there");
            assert_eq!(read["w"].as_text(), Some(format!("{v}!").as_str()), "{read:?}");
            assert_eq!((read["v"].as_text(), read["last"].as_text()), (Some(v), Some("z")));
            assert!(!read["n"].is_null());
            read
        };
        store.create(with(1, "a")).expect("it is new");
        let read = is(1, "a");
        store.update(1, Document::clone(&read)).expect("it is there");
        store.upsert(1, with(1, "b")).expect("it is there");
        is(1, "b");
        store.patch(1, Changes::set("v", "c")).expect("it is there");
        is(1, "c");
        refused("patch", store.patch(1, Changes::set("w", "x")), ErrorKind::Unsupported, "w");
        let all = || Filter::all().bind::<Document>(store.schema()).expect("it is for any schema");
        refused("update_where", store.update_where(all(), Changes::set("n", 7)), ErrorKind::Unsupported, "n");
        let batch = |v: &'static str| (10..30).map(move |id| document! { "id" => id, "v" => v, "last" => "z" });
        let all_are = |done: Result<Vec<Outcome>, Error>, v: &str| {
            done.expect("it writes").into_iter().for_each(|outcome| drop(outcome.expect("it fits")));
            (10..30).for_each(|id| drop(is(id, v)));
        };
        all_are(store.create_batch(batch("d")), "d");
        all_are(store.upsert_batch(batch("e")), "e");
        all_are(store.update_batch(batch("f")), "f");
    }
}

#[test]
fn a_draft_without_an_id_takes_the_default_of_the_key() {
    let mut scratch = Scratch::new();
    for key in [
        "id serial PRIMARY KEY",
        "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    ] {
        scratch.client.batch_execute(&format!("DROP TABLE IF EXISTS s; CREATE TABLE s ({key}, v text)")).expect(key);
        let store = described(&scratch, "s");
        let one = store.create(document! { "v" => "a" }).expect(key);
        assert_eq!(one.id, dk_data::Id::from(1_u8), "{key}");
        let given = store.create(document! { "id" => 1_000, "v" => "b" }).expect(key);
        assert_eq!(given.id, dk_data::Id::from(1_000_u16), "{key}: an id that is given is taken");
        store.update(1_000, document! { "id" => 1_000, "v" => "c" }).expect(key);
        store.upsert(1_001, document! { "id" => 1_001, "v" => "d" }).expect(key);
        store
            .upsert_batch((2_000..2_020).map(|id| document! { "id" => id, "v" => "e" }))
            .expect(key)
            .into_iter()
            .for_each(|outcome| drop(outcome.expect(key)));
        let outcomes = store.create_batch((0..20).map(|n| document! { "v" => n.to_string() })).expect(key);
        for (n, outcome) in outcomes.into_iter().enumerate() {
            let id = outcome.expect(key).id;
            assert_eq!(
                store.read(&id).expect("it reads").expect("it is there")["v"].as_text(),
                Some(n.to_string().as_str())
            );
        }
        // Beside a record that does not know the key.
        let schema = Schema::new("s").field(field("v", Type::Text).nullable());
        let beside = scratch.database().documents("s", schema).expect("it has a key");
        let id = beside.create(document! { "v" => "x" }).expect(key).id;
        assert_eq!(store.read(&id).expect("it reads").expect("it is there")["v"].as_text(), Some("x"));
    }
    scratch.client.batch_execute("CREATE TABLE plain (id int PRIMARY KEY, v text)").expect("ours");
    let schema = Schema::new("plain").field(field("v", Type::Text).nullable());
    let beside = scratch.database().documents("plain", schema.clone()).expect("it has a key");
    refused("no default", beside.create(document! { "v" => "x" }), ErrorKind::Invalid, "id");
    // A key among the fields is the id, or the record would have two.
    let known = schema.field(field("id", Type::I32));
    told(scratch.database().documents("plain", known), ErrorKind::Configuration, &["\"id\"", "mark that as its id"]);
}

// ---- columns of another type than ours

#[test]
fn json_columns_are_asked_like_jsonb() {
    let mut scratch = Scratch::new();
    scratch.client.batch_execute("CREATE TABLE j (id int PRIMARY KEY, x json, y json, doc json)").expect("ours");
    let schema = Schema::new("j")
        .field(field("id", Type::I32).id())
        .field(field("x", Type::list(Type::list(Type::I64))).nullable())
        .field(field("y", Type::Any).nullable())
        .field(field("doc", Type::Json).nullable());
    let store = scratch.database().documents("j", schema).expect("the columns hold it");
    let lists = || Value::List(vec![Value::List(vec![1_i64.into(), 2_i64.into()])]);
    for id in 0..20 {
        let record = document! { "id" => id, "x" => lists(), "y" => id, "doc" => serde_json::json!({ "a": id }) };
        store.create(record).expect("it is new");
    }
    store.create(document! { "id" => 99 }).expect("it is new");
    let count =
        |filter: Filter| store.count(filter.bind::<Document>(store.schema()).expect("it fits")).expect("it answers");
    assert_eq!(count(Filter::gt(dk_data::query::Operand::Len(dk_data::Path::field("x")), 0)), 20);
    assert_eq!((count(Filter::eq("y", 7)), count(Filter::gt("y", 7)), count(Filter::is_null("y"))), (1, 12, 1));
    assert_eq!((count(Filter::is_null("doc")), count(Filter::is_null("x"))), (1, 1));
    let last = store.search(Query::new().sort(Key::desc("y")).limit(1)).expect("it answers");
    assert_eq!(last[0]["y"], 19.into());
    // The envelope compares its metadata, and is told at opening what does not.
    scratch
        .client
        .batch_execute("CREATE TABLE m (id int PRIMARY KEY, _metadata json, _updated_at timestamptz(0))")
        .expect("ours");
    let schema = Schema::new("m").field(field("id", Type::I32).id());
    let parts = ["`_metadata`", "`_updated_at`", "ALTER COLUMN \"_metadata\" TYPE jsonb"];
    told(scratch.database().documents("m", schema), ErrorKind::Configuration, &parts);
}

#[test]
fn whole_decimals_lie_in_columns_of_integers() {
    let mut scratch = Scratch::new();
    scratch.client.batch_execute("CREATE TABLE d (id int PRIMARY KEY, big bigint, small smallint)").expect("ours");
    let schema = Schema::new("d")
        .field(field("id", Type::I32).id())
        .field(field("big", Type::Decimal).nullable())
        .field(field("small", Type::Decimal).nullable());
    let store = scratch.database().documents("d", schema).expect("the columns hold it");
    let record = |big: &str, small: &str| document! { "id" => 1, "big" => decimal(big), "small" => decimal(small) };
    store.create(record("9223372036854775807", "-7.00")).expect("they are whole");
    let read = store.read(1).expect("it reads").expect("it is there");
    assert_eq!((&read["big"], &read["small"]), (&decimal("9223372036854775807"), &decimal("-7")));
    refused("a fraction", store.upsert(1, record("7.5", "1")), ErrorKind::Invalid, "big");
    refused("too large", store.upsert(1, record("1", "32768")), ErrorKind::Invalid, "small");
    refused("a sum", store.patch(1, Changes::add("small", decimal("0.5"))), ErrorKind::Invalid, "small");
}

#[test]
fn arrays_hold_nulls_where_the_schema_says_so() {
    let mut scratch = Scratch::new();
    let sql = "CREATE TABLE a (id int PRIMARY KEY, n int[] NOT NULL, t text[]); \
        INSERT INTO a VALUES (1, '{1,NULL,3}', '{a,NULL}'), (2, '{NULL}', NULL), (3, '{2}', '{}')";
    scratch.client.batch_execute(sql).expect("ours");
    let store = described(&scratch, "a");
    let numbers = |items: &[Option<i32>]| Value::List(items.iter().map(|item| (*item).into()).collect());
    let read = |id: i32| store.read(id).expect("it reads").expect("it is there");
    assert_eq!(read(1)["n"], numbers(&[Some(1), None, Some(3)]));
    assert_eq!(store.search(Query::new()).expect("it answers").len(), 3);
    let record =
        document! { "id" => 4, "n" => numbers(&[None, Some(2), None, Some(5)]), "t" => Value::List(vec![Value::Null]) };
    store.create(record.clone()).expect("it is new");
    assert_eq!(read(4).record, record);
    let seen: Vec<Option<i32>> =
        scratch.client.query_one("SELECT n FROM a WHERE id = 4", &[]).expect("it answers").get(0);
    assert_eq!(seen, [None, Some(2), None, Some(5)]);
    let count =
        |filter: Filter| store.count(filter.bind::<Document>(store.schema()).expect("it fits")).expect("it answers");
    assert_eq!((count(Filter::contains("n", 2)), count(Filter::contains("n", 2).not())), (2, 2));
    // A type without nulls in its lists names the row that has one.
    let strict = Schema::new("a").field(field("id", Type::I32).id()).field(field("n", Type::list(Type::I32)));
    let strict = scratch.database().documents("a", strict).expect("the columns hold it");
    refused("a null", strict.read(1), ErrorKind::Invalid, "n");
    assert!(strict.read(3).expect("it reads").is_some());
}

#[test]
fn what_describe_gives_opens_or_is_refused_by_name() {
    let mut scratch = Scratch::new();
    scratch.client.batch_execute("CREATE TABLE s (id int PRIMARY KEY, _secret text, docs jsonb[])").expect("ours");
    told(scratch.database().describe("s"), ErrorKind::Unsupported, &["_secret", "docs"]);
}

// ---- views

/// Nothing that was acknowledged gets lost, also where no version tells one state of a record from another (semantics 8.1).
#[test]
fn patches_of_a_view_are_counted_all_or_refused() {
    let mut scratch = Scratch::new();
    let sql = "CREATE TABLE t (id text PRIMARY KEY, n int); INSERT INTO t VALUES ('a', 0), ('b', 0); \
        CREATE VIEW v AS SELECT id, n FROM t; CREATE VIEW sums AS SELECT id, sum(n)::int AS n FROM t GROUP BY id; \
        CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS \
        $$ BEGIN UPDATE t SET n = NEW.n WHERE id = NEW.id; RETURN NEW; END $$; \
        CREATE TRIGGER put INSTEAD OF UPDATE ON sums FOR EACH ROW EXECUTE FUNCTION put()";
    scratch.client.batch_execute(sql).expect("ours");
    let schema = || Schema::new("v").field(field("id", Type::Text).id()).field(field("n", Type::I32));
    let db = scratch.database();
    let store = db.documents("v", schema()).expect("it opens");
    let more = || Changes::add("n", 1);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| drop(store.patch("a", more()).expect("it is there"))));
        }
    });
    let n = |id: &str| store.read(id).expect("it reads").expect("it is there")["n"].clone();
    assert_eq!(n("a"), 400.into());
    let all = || Filter::all().bind::<Document>(store.schema()).expect("it is for any schema");
    assert_eq!(store.update_where(all(), more()).expect("it writes"), 2);
    assert_eq!(store.update_where(all(), Changes::set("n", 7)).expect("it writes"), 2);
    db.transaction(|tx| tx.documents("v", schema())?.patch("b", more()).map(drop)).expect("it stands");
    assert_eq!((n("a"), n("b")), (7.into(), 8.into()));
    assert_eq!(store.patch("c", more()).expect_err("it is not there").kind(), ErrorKind::NotFound);
    // Its rows are none that could be locked; whole records are written as they are.
    let sums = db.documents("sums", schema()).expect("it opens");
    told(sums.patch("a", more()), ErrorKind::Unsupported, &["no version", "locked"]);
    sums.update("a", document! { "id" => "a", "n" => 3 }).expect("the trigger writes it");
    assert_eq!(sums.update_where(all(), Changes::set("n", 5)).expect("the trigger writes them"), 2);
    assert_eq!((n("a"), n("b")), (5.into(), 5.into()));
}
