//! Tables whose key is several columns: their ids are the ids of the columns with commas between them.

use std::time::Duration;

use dk_data::{
    Changes, Database, Document, Draft, Effect, ErrorKind, FieldDef, Filter, Key, Outcome, Query, Record, Schema,
    Split, Store, Type, Value, backend::postgres::PostgresStore, document,
};

use crate::server::Scratch;

const LINES: &str = "CREATE TABLE lines (n int CHECK (n <> 13), number int, sku text, day date, PRIMARY KEY (number, sku, day)); \
    INSERT INTO lines SELECT 1, n, 'a,b%', '2024-02-29' FROM generate_series(1, 3) n";

fn described(scratch: &Scratch, table: &str) -> PostgresStore<Document> {
    let db = scratch.database();
    db.documents(table, db.describe(table).expect("fields hold it")).expect("it has a key")
}

fn opened(scratch: &mut Scratch) -> PostgresStore<Document> {
    scratch.client.batch_execute(LINES).expect("ours");
    described(scratch, "lines")
}

fn line(number: i32, sku: &str, n: i32) -> Document {
    let day = Value::Date("2024-02-29".parse().expect("a date"));
    document! { "number" => number, "sku" => sku, "day" => day, "n" => n }
}

fn found(store: &PostgresStore<Document>, query: Query<Document>, filter: Filter) -> Vec<String> {
    let filter = filter.bind::<Document>(store.schema()).expect("it fits");
    let found = store.search(query.filter(filter)).expect("it answers");
    found.iter().map(|row| row.storage_id().to_string()).collect()
}

const THERE: [&str; 3] = ["1,a%2Cb%25,2024-02-29", "2,a%2Cb%25,2024-02-29", "3,a%2Cb%25,2024-02-29"];
/// What looks like an id of such a row, and names none.
const STRANGE: [&str; 7] = [
    "1",
    "1,a%2Cb%25",
    "01,a%2Cb%25,2024-02-29",
    "1,a%2cb%25,2024-02-29",
    "1,a,b%,2024-02-29",
    "1,a%2Cb%25,2024-2-29",
    "x,a%2Cb%25,2024-02-29",
];

#[test]
fn single_records_are_found_and_written_by_it() {
    let mut scratch = Scratch::new();
    let store = opened(&mut scratch);
    for id in THERE {
        let row = store.read(id).expect("it reads").expect(id);
        assert_eq!((row.storage_id().to_string().as_str(), &row["sku"]), (id, &Value::from("a,b%")));
    }
    for id in STRANGE {
        assert!(store.read(id).expect("it reads").is_none(), "{id}");
        assert_eq!(store.patch(id, Changes::set("n", 2)).expect_err(id).kind(), ErrorKind::NotFound);
        assert!(!store.delete(id).expect("it answers"), "{id}");
    }
    assert_eq!(store.create(line(4, "", 1)).expect("it is new").id, *"4,,2024-02-29");
    assert_eq!(store.create(line(4, "", 1)).expect_err("it is taken").kind(), ErrorKind::AlreadyExists);
    assert_eq!(store.upsert("4,,2024-02-29", line(4, "", 2)).expect("it writes").effect, Effect::Updated);
    assert_eq!(store.patch("4,,2024-02-29", Changes::add("n", 5)).expect("it writes").effect, Effect::Updated);
    assert_eq!(store.read("4,,2024-02-29").expect("it reads").expect("it is there")["n"], Value::Int(7));
    // The version is that of the transaction: what another has written is not overwritten.
    let stale = store.read(THERE[0]).expect("it reads").expect("it is there");
    scratch.client.batch_execute("UPDATE lines SET n = 9 WHERE number = 1").expect("ours");
    assert_eq!(store.save(stale).expect_err("it has changed").kind(), ErrorKind::Conflict);
    // The id follows from the record, and never changes.
    let other = store.update(THERE[0], line(2, "a,b%", 1)).expect_err("it is another one");
    assert_eq!(other.kind(), ErrorKind::Invalid);
    let moved = store.patch(THERE[0], Changes::set("sku", "c")).expect_err("it would be another one");
    assert_eq!((moved.kind(), moved.place().field.as_deref()), (ErrorKind::Unsupported, Some("sku")));
    let mut lacking = line(5, "a", 1);
    lacking.set("sku", Value::Null);
    let lacking = store.create(lacking).expect_err("it has no id");
    assert_eq!((lacking.kind(), lacking.place().field.as_deref()), (ErrorKind::Invalid, Some("sku")));
    assert!(store.delete(THERE[1]).expect("it deletes") && !store.delete(THERE[1]).expect("it answers"));
}

#[test]
fn batches_have_an_outcome_for_each() {
    let mut scratch = Scratch::new();
    let store = opened(&mut scratch);
    let lines = |from: i32, n: i32| {
        (from..from + 40).map(move |number| line(number, "a,b%", if number == 20 { 13 } else { n }))
    };
    let kinds = |outcomes: Vec<Outcome>, of: ErrorKind| -> Vec<usize> {
        let is = |(_, outcome): &(usize, Outcome)| outcome.as_ref().is_err_and(|error| error.kind() == of);
        outcomes.into_iter().enumerate().filter(is).map(|(at, _)| at).collect()
    };
    // Three are taken; one is refused by the table.
    let created = store.create_batch(lines(1, 1)).expect("it writes");
    assert_eq!(created.iter().filter(|outcome| outcome.is_ok()).count(), 36);
    assert_eq!(kinds(created, ErrorKind::AlreadyExists), [0, 1, 2]);
    let put = store.upsert_batch(lines(10, 2)).expect("it writes");
    let effects = |effect| put.iter().flatten().filter(|written| written.effect == effect).count();
    assert_eq!((effects(Effect::Updated), effects(Effect::Created)), (30, 9));
    let ids: Vec<String> = (0..60).map(|number| format!("{number},a%2Cb%25,2024-02-29")).collect();
    let updated = store.update_batch(
        ids.iter().zip(0..).map(|(id, number)| Draft::of(line(number, "a,b%", 3)).id(id).expect("an id")),
    );
    let updated = updated.expect("it writes");
    assert_eq!(updated.iter().filter(|outcome| outcome.is_ok()).count(), 48);
    assert_eq!(kinds(updated, ErrorKind::NotFound).len(), 12);
    let read = store.read_batch(ids.iter().map(String::as_str).chain(STRANGE)).expect("it reads");
    assert_eq!(read.iter().flatten().count(), 48);
    assert!(read.iter().flatten().all(|row| row["n"] == Value::Int(3)));
    let gone = store.delete_batch(ids.iter().map(String::as_str).chain(STRANGE)).expect("it writes");
    assert_eq!(gone.into_iter().filter(|gone| matches!(gone, Ok(true))).count(), 48);
    assert_eq!(store.count(Query::new()).expect("it counts"), 0);
}

#[test]
fn queries_ask_for_it_and_pages_go_on_behind_it() {
    let mut scratch = Scratch::new();
    let store = opened(&mut scratch);
    let all = Query::new;
    for id in THERE {
        assert_eq!(found(&store, all(), Filter::eq("_id", id)), [id]);
        assert_eq!(found(&store, all(), Filter::starts_with("_id", &id[..3])), [id]);
    }
    assert_eq!(found(&store, all(), Filter::is_in("_id", THERE.iter().chain(&STRANGE).copied())).len(), 3);
    assert_eq!(found(&store, all(), !Filter::eq("_id", THERE[0])).len(), 2);
    assert_eq!(found(&store, all(), !Filter::is_in("_id", STRANGE)).len(), 3);
    assert_eq!(found(&store, all().sort(Key::desc("_id")), Filter::gt("_id", THERE[0])), [THERE[2], THERE[1]]);
    let (mut seen, mut query) = (Vec::new(), Some(all().limit(1)));
    while let Some(asked) = query.take() {
        let page = store.page(&asked, None).expect("a page");
        seen.extend(page.rows.iter().map(|row| row.storage_id().to_string()));
        query = page.next.map(|cursor| all().limit(1).after(cursor));
    }
    assert_eq!(seen, THERE);
    let streamed: usize = store.streams(Query::new(), 2).expect("it splits").into_iter().map(Iterator::count).sum();
    assert_eq!(streamed, 3);
}

#[test]
fn the_index_of_the_key_finds_the_row() {
    let mut scratch = Scratch::new();
    let store = opened(&mut scratch);
    let more = "INSERT INTO lines SELECT 1, n, 'x', '2024-03-01' FROM generate_series(1, 20000) n; ANALYZE lines";
    scratch.client.batch_execute(more).expect("ours");
    for filter in [Filter::eq("_id", "77,x,2024-03-01"), Filter::is_in("_id", ["77,x,2024-03-01", "78,x,2024-03-01"])] {
        let filter = filter.bind::<Document>(store.schema()).expect("it fits");
        let plan = store.server_plan(Query::new().filter(filter)).expect("the server has a plan").to_string();
        assert!(plan.contains("lines_pkey") && !plan.contains("Seq Scan"), "{plan}");
    }
}

#[test]
fn a_watch_tells_it() {
    let mut scratch = Scratch::new();
    let store = opened(&mut scratch);
    store.ensure_watch().expect("the table is ours");
    let mut watch = store.watch(Query::new()).expect("it tells");
    let mut next = || {
        let told = watch.next_within(Duration::from_secs(5)).expect("it listens").expect("a change");
        told.id().map(ToString::to_string)
    };
    store.create(line(5, "a,b", 1)).expect("it is new");
    assert_eq!(next().as_deref(), Some("5,a%2Cb,2024-02-29"));
    scratch.client.batch_execute("UPDATE lines SET sku = 'c' WHERE number = 5").expect("ours");
    assert_eq!(next().as_deref(), Some("5,a%2Cb,2024-02-29"), "it is gone");
    assert_eq!(next().as_deref(), Some("5,c,2024-02-29"), "another one is there");
}

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "lines")]
struct Line {
    number: i32,
    sku: String,
    day: dk_data::jiff::civil::Date,
    n: Option<i32>,
}

#[test]
fn a_type_that_has_its_fields_opens_it_and_one_that_has_not_is_told_which() {
    let mut scratch = Scratch::new();
    opened(&mut scratch);
    let db = scratch.database();
    let typed = db.store::<Line>().expect("it has a key");
    let row = typed.read(THERE[0]).expect("it reads").expect("it is there");
    assert_eq!((row.number, row.sku.as_str()), (1, "a,b%"));
    typed
        .save(dk_data::Stored { record: Line { n: Some(4), ..row.record.clone() }, ..row })
        .expect("nobody was faster");
    assert_eq!(typed.search(Line::N.eq(4)).expect("it answers").len(), 1);
    assert!(
        db.diff("lines", typed.schema()).expect("it compares").iter().all(|found| !found.to_string().contains("key"))
    );
    let schema = Schema::new("lines").field(FieldDef::new("number", Type::I32)).field(FieldDef::new("day", Type::Date));
    let refused = db.documents("lines", schema).map(drop).expect_err("it has no sku");
    assert_eq!((refused.kind(), refused.place().field.as_deref()), (ErrorKind::Configuration, Some("sku")));
    for (made, said) in
        [("a int GENERATED ALWAYS AS (b + 1) STORED", "generates"), ("a text COLLATE loose", "collation")]
    {
        let sql = format!(
            "DROP TABLE IF EXISTS odd; DROP COLLATION IF EXISTS loose; \
             CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
             CREATE TABLE odd ({made}, b int, PRIMARY KEY (a, b))"
        );
        scratch.client.batch_execute(&sql).expect(made);
        let refused = db.documents("odd", db.describe("odd").expect("fields hold it")).map(drop).expect_err(made);
        assert!(refused.to_string().contains(said), "{refused}");
    }
}
