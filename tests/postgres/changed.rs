//! Tables that others change while a program uses them: what was prepared, and what was looked up, is made anew.

use std::{sync::Arc, time::Duration};

use dk_data::{
    Database, Document, Draft, Error, ErrorKind, FieldDef, Limits, Query, Schema, Store, Transactional, Type,
    backend::postgres::{Isolation, Layout, Postgres, PostgresStore},
    document,
};

use crate::{
    proxy::Proxy,
    server::{Scratch, address, url},
};

fn numbers(n: Type) -> Schema {
    Schema::new("numbers").field(FieldDef::new("n", n)).field(FieldDef::new("note", Type::Text).nullable())
}

fn number(id: &str, n: i32) -> Draft<'static, Document> {
    Draft::of(document! { "n" => n, "note" => "x" }).id(id).expect("an id")
}

#[test]
fn a_plan_that_went_stale_ends_one_transaction_and_no_more() {
    let mut scratch = Scratch::new();
    let db = scratch.config().pool_size(1).connect().expect("it answers");
    let read = |tx: &dk_data::backend::postgres::PostgresTransaction<'_>| {
        tx.documents("numbers", numbers(Type::I32))?.read("a").map(|found| found.is_some())
    };
    db.documents("numbers", numbers(Type::I32)).expect("it is made").create(number("a", 1)).expect("it is new");
    assert!(db.transaction(read).expect("it is prepared"));
    let mut alter = |length: u32| {
        let alter = format!("ALTER TABLE numbers ALTER COLUMN note TYPE varchar({length})");
        scratch.client.batch_execute(&alter).expect("the table is ours");
    };
    alter(40);
    let stale = db.transaction(read).expect_err("what it has seen so far cannot be kept");
    assert!(stale.kind() == ErrorKind::Conflict && stale.is_retryable(), "{stale:?}");
    assert!(db.transaction(read).expect("it is prepared anew"));
    alter(50);
    assert!(db.transaction_repeating(Isolation::ReadCommitted, 2, read).expect("the second time it goes well"));
    // What stands between savepoints is run again by itself.
    alter(60);
    let kept = db.transaction(|tx| {
        let store = tx.documents("numbers", numbers(Type::I32))?;
        store.create(number("b", 2))?;
        let soon = Limits::default().deadline_in(Duration::from_secs(60));
        assert!(store.with(soon).read("a")?.is_some());
        Ok::<_, Error>(())
    });
    kept.expect("nobody has noticed");
    assert_eq!(db.documents("numbers", numbers(Type::I32)).and_then(|store| store.count(Query::new())).ok(), Some(2));
}

#[track_caller]
fn says_open_again<T>(result: dk_data::Result<T>) {
    let error = result.err().expect("the table is another one");
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    assert!(error.to_string().contains("open it") || error.to_string().contains("open its store again"), "{error}");
}

#[test]
fn a_store_of_a_table_that_others_changed_says_so_and_is_opened_again() {
    let mut scratch = Scratch::new();
    let (here, there) = (scratch.database(), scratch.database());
    let open = |db: &Postgres| -> PostgresStore<Document> {
        db.documents("numbers", numbers(Type::I32)).expect("the table holds such records")
    };
    let old = open(&here);
    old.create(number("a", 1)).expect("it is new");
    assert!(old.read("a").expect("it reads").is_some());

    let proxy = Proxy::before(address(&url()));
    let through = scratch.config_at(&proxy.address()).connect().expect("it answers");
    let written = open(&through);

    // Widened: what is written fits all the same.
    there.migrate("numbers", &numbers(Type::I64)).expect("that is safe");
    says_open_again(old.read("a"));
    says_open_again(old.search(Query::new().limit(10)));
    says_open_again(old.stream(Query::new()).expect("it begins").collect::<Result<Vec<_>, _>>());
    let batch = (0..20).map(|n| number(&format!("n{n}"), n));
    for outcome in old.create_batch(batch).expect("the server is there") {
        outcome.expect("nothing is lost, and nothing is guessed at");
    }
    // It is looked up once for all batches.
    for from in [100, 200] {
        proxy.take_log();
        let batch = (from..from + 50).map(|n| number(&format!("n{n}"), n));
        assert!(written.create_batch(batch).expect("the server is there").iter().all(Result::is_ok));
    }
    let log = proxy.take_log();
    assert!(log.len() <= 3 && log.iter().any(|sql| sql.starts_with("COPY \"")), "as if nothing had happened: {log:?}");
    scratch.client.batch_execute("DELETE FROM numbers WHERE n >= 100").expect("the table is ours");

    let new = open(&here);
    assert_eq!(new.search(Query::new().limit(100)).expect("it reads").len(), 21);
    for outcome in new.create_batch((20..40).map(|n| number(&format!("n{n}"), n))).expect("the server is there") {
        outcome.expect("it is new");
    }

    // Laid out in another way.
    there.relayout::<Document>("numbers", Arc::new(numbers(Type::I64)), Layout::Document).expect("it moves");
    says_open_again(new.read("a"));
    let new = open(&here);
    assert_eq!(new.search(Query::new().limit(100)).expect("it reads").len(), 41);

    // Gone.
    scratch.client.batch_execute("DROP TABLE numbers").expect("it is ours");
    says_open_again(new.read("a"));
    assert_eq!(open(&here).count(Query::new()).ok(), Some(0), "it is made again");
}

#[test]
fn a_batch_into_columns_of_another_type_writes_what_it_was_given_or_nothing() {
    // COPY takes eight bytes for any type of eight, and a few for a number of any length.
    for (ty, using) in [
        ("numeric", "n"),
        ("double precision", "n"),
        ("timestamptz", "to_timestamp(n)"),
        ("text", "n"),
        ("integer", "n"),
    ] {
        for version in ["", ", _version uuid NOT NULL"] {
            let mut scratch = Scratch::new();
            let make = format!("CREATE TABLE numbers (_id text PRIMARY KEY, n bigint, note text{version})");
            scratch.client.batch_execute(&make).expect("ours");
            let db = scratch.database();
            let store = db.documents("numbers", numbers(Type::I64)).expect("the columns hold it");
            let batch = |from: i64| (from..from + 20).map(|n| number(&format!("n{n}"), n as i32));
            assert!(store.create_batch(batch(0)).expect("it writes").iter().all(Result::is_ok));
            let alter = format!("ALTER TABLE numbers ALTER COLUMN n TYPE {ty} USING {using}");
            scratch.client.batch_execute(&alter).expect("the table is ours");
            let created = store.create_batch(batch(100)).expect("the server is there");
            let put = store.upsert_batch(batch(110)).expect("the server is there");
            let mut told: Vec<String> = created.into_iter().chain(put).flatten().map(|w| w.id.to_string()).collect();
            told.sort();
            told.dedup();
            let sql =
                "SELECT _id, n::text, 'n' || n::text FROM numbers WHERE _id >= 'n1' AND length(_id) = 4 ORDER BY _id";
            let rows = scratch.client.query(sql, &[]).expect("ours");
            let there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            assert_eq!(there, told, "{ty}{version}: what was told is there");
            for row in rows {
                assert_eq!(row.get::<_, String>(0), row.get::<_, String>(2), "{ty}{version}");
            }
        }
    }
}
