//! A connection that is cut while a table is made, follows its type, changes its layout, or is made to tell its changes.
//!
//! Afterwards the table is as it was or as it should be, its records are what they were, nothing half made is in anybody's way, and
//! whoever asks again gets what he asked for.

use std::{sync::Arc, thread};

use dk_data::{
    Database, Document, Draft, Error, ErrorKind, FieldDef, Key, Query, Result, Schema, Store, Type,
    backend::postgres::{Layout, Postgres, PostgresIndex},
    document,
};

use crate::{cuts::Line, proxy::Cut, server::wait_until};

/// The records of the table.
const MANY: i32 = 20;

/// What the table is before.
fn old() -> Schema {
    Schema::new("people").field(FieldDef::new("name", Type::Text)).field(FieldDef::new("age", Type::I32))
}

/// What it is to be: a wider column, a new one, nulls let in, indexes of two kinds.
fn new() -> Schema {
    Schema::new("people")
        .field(FieldDef::new("name", Type::Text).searched("simple").nullable())
        .field(FieldDef::new("age", Type::I64).unique())
        .field(FieldDef::new("email", Type::Text).nullable())
}

fn by_folded_name() -> PostgresIndex {
    PostgresIndex::new("people", "by_folded_name").by_folded("name")
}

fn drop_table(line: &mut Line) {
    line.scratch.client.batch_execute("DROP TABLE IF EXISTS people, \"people~old\"").expect("the schema is ours");
}

/// Makes the table anew by a schema and fills it, past the proxy.
fn fill(line: &mut Line, layout: Layout, schema: &Schema) {
    drop_table(line);
    let direct = line.scratch.config().layout(layout).pool_size(1).connect().expect("the server answers");
    let people = direct.documents("people", schema.clone()).expect("it is made");
    let person = |n: i32| Draft::of(document! { "name" => format!("Name {n}"), "age" => n }).id(format!("{n:03}"));
    let drafts = (0..MANY).map(person).collect::<Result<Vec<_>>>().expect("ids");
    people.create_batch(drafts).expect("it writes").into_iter().for_each(|outcome| drop(outcome.expect("it is new")));
}

/// The records are all there, each as it was.
fn assert_filled(line: &Line, cut: Cut) {
    let direct = line.scratch.config().pool_size(1).connect().expect("the server answers");
    // As it lies there: in columns, or in one, which no field holds.
    let known = if direct.describe("people").is_ok() { old() } else { new() };
    let people = direct.documents("people", known).expect("it opens");
    let found = people.search(Query::new().sort(Key::asc("_id"))).expect("it reads");
    assert_eq!(found.len(), MANY.unsigned_abs() as usize, "{cut:?}");
    for (n, row) in (0..MANY).zip(found) {
        assert_eq!(row.storage_id().to_string(), format!("{n:03}"), "{cut:?}");
        assert_eq!((&row["name"], &row["age"]), (&format!("Name {n}").into(), &n.into()), "{cut:?}");
    }
}

/// Nothing of the table differs from the schema, and no index is half made.
fn assert_whole(line: &mut Line, db: &Postgres, cut: Cut) {
    assert_eq!(db.diff("people", &new()).expect("it compares"), [], "{cut:?}");
    let half = "SELECT indexrelid::regclass::text FROM pg_index \
                WHERE NOT indisvalid AND indrelid = (SELECT oid FROM pg_class WHERE relname = 'people' \
                AND relnamespace = current_schema()::regnamespace)";
    assert!(line.scratch.client.query(half, &[]).expect("it answers").is_empty(), "{cut:?}");
}

/// A cut, or that the server is still at it, which can be tried again.
fn assert_clear(cut: Cut, error: &Error) {
    let clear = error.kind() == ErrorKind::Connection || (error.is_conflict() && error.is_retryable());
    assert!(clear, "{cut:?}: a cut is no {error:?}");
}

#[test]
fn a_table_is_made_whole_or_not_at_all() {
    let mut line = Line::with(|config| config.index(by_folded_name()));
    let direct = line.scratch.config().index(by_folded_name()).connect().expect("the server answers");
    line.cut_everywhere_from(
        drop_table,
        |db, _| db.ensure_named("people", &new()),
        |line, cut, said| {
            if let Err(error) = &said {
                assert_clear(cut, error);
                let left = direct.diff("people", &new()).expect("it compares");
                let none = left.len() == 1 && left[0].what.contains("there is no table");
                assert!(left.is_empty() || none, "{cut:?}: half of it: {left:?}");
                line.db.ensure_named("people", &new()).expect("it is made now");
            }
            assert_whole(line, &direct, cut);
        },
    );
}

#[test]
fn an_index_that_ensure_makes_is_made_or_can_be() {
    let mut line = Line::with(|config| config.index(by_folded_name()));
    let direct = line.scratch.config().index(by_folded_name()).connect().expect("the server answers");
    line.cut_everywhere_from(
        |line| fill(line, Layout::Columns, &new()),
        |db, _| db.ensure_named("people", &new()),
        |line, cut, said| {
            if let Err(error) = &said {
                assert_clear(cut, error);
                line.db.ensure_named("people", &new()).expect("it is made now");
            }
            assert_whole(line, &direct, cut);
            assert_filled(line, cut);
        },
    );
}

#[test]
fn a_table_follows_its_type_or_can_be_made_to() {
    let mut line = Line::with(|config| config.index(by_folded_name()));
    let direct = line.scratch.config().index(by_folded_name()).connect().expect("the server answers");
    line.cut_everywhere_from(
        |line| fill(line, Layout::Columns, &old()),
        |db, _| db.migrate("people", &new()),
        |line, cut, said| {
            if let Err(error) = &said {
                assert_clear(cut, error);
                let left = direct.diff("people", &new()).expect("it compares");
                assert!(left.iter().all(|difference| difference.safe), "{cut:?}: {left:?}");
                line.db.migrate("people", &new()).expect("it follows now");
            }
            assert_whole(line, &direct, cut);
            assert_filled(line, cut);
        },
    );
}

/// The layout of the table, and whether one is left that was on its way out.
fn lies(line: &mut Line) -> (Layout, bool) {
    let columns = "SELECT table_name::text, column_name::text FROM information_schema.columns \
                   WHERE table_schema = current_schema() AND table_name LIKE 'people%'";
    let rows = line.scratch.client.query(columns, &[]).expect("it answers");
    let is = |table: &str, column: &str| {
        rows.iter().any(|row| row.get::<_, &str>(0) == table && (column.is_empty() || row.get::<_, &str>(1) == column))
    };
    (if is("people", "_data") { Layout::Document } else { Layout::Columns }, is("people~old", ""))
}

#[test]
fn a_table_lies_in_one_layout_or_the_other() {
    for (from, to) in [(Layout::Document, Layout::Columns), (Layout::Columns, Layout::Document)] {
        let mut line = Line::new();
        line.cut_everywhere_from(
            |line| fill(line, from, &new()),
            |db, _| db.relayout::<Document>("people", Arc::new(new()), to),
            |line, cut, said| {
                let (now, left) = lies(line);
                assert!(!left, "{cut:?}: the old table is still there");
                match said {
                    Ok(moved) => assert_eq!((moved, now), (u64::from(MANY.unsigned_abs()), to), "{cut:?}"),
                    Err(error) if error.kind() == ErrorKind::Ambiguous => {}
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Connection, "{cut:?}: a cut is no {error:?}");
                        assert_eq!(now, from, "{cut:?}: `{error}` says that nothing was done");
                    }
                }
                assert_filled(line, cut);
                let again = line.db.relayout::<Document>("people", Arc::new(new()), to);
                assert_eq!(again.expect("it can be done again"), u64::from(MANY.unsigned_abs()), "{cut:?}");
                assert_eq!(lies(line), (to, false), "{cut:?}");
                assert_filled(line, cut);
            },
        );
    }
}

#[test]
fn a_table_tells_its_changes_or_can_be_made_to() {
    let told = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'dk_watch%' AND tgrelid = 'counters'::regclass";
    let count = |line: &mut Line| line.scratch.client.query_one(told, &[]).expect("it answers").get::<_, i64>(0);
    let mut line = Line::new();
    line.cut_everywhere_from(
        |line| line.store.drop_watch().expect("nothing is armed"),
        |_, store| store.ensure_watch(),
        |line, cut, said| {
            if let Err(error) = &said {
                assert_clear(cut, error);
                assert!([0, 2].contains(&count(line)), "{cut:?}: half of it");
                line.store.ensure_watch().expect("it is made now");
            }
            assert_eq!(count(line), 2, "{cut:?}");
        },
    );
}

/// The server goes on making an index after the connection broke that asked for it; whoever asks again waits until it is made.
#[test]
fn an_index_that_grows_on_behind_a_broken_connection_is_waited_for() {
    let mut line = Line::new();
    fill(&mut line, Layout::Columns, &new());
    line.scratch.client.batch_execute("DROP INDEX \"people.age.key\"").expect("it has this name");
    // An index waits for those who write at this moment.
    let mut writer = line.scratch.connect();
    writer.batch_execute("BEGIN; UPDATE people SET name = name WHERE age = 1").expect("the table is ours");
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock' \
                   AND query LIKE 'CREATE UNIQUE INDEX CONCURRENTLY%'";
    let mut admin = line.scratch.connect();
    let name = line.scratch.name.clone();
    let (db, proxy) = (&line.db, &line.proxy);
    let said = thread::scope(|scope| {
        // Whatever fails here, the writer ends, and the index with it.
        let mut writer = writer;
        let making = scope.spawn(move || db.migrate("people", &new()));
        wait_until("the index waits for the writer", || {
            !admin.query(waiting, &[&name]).expect("it answers").is_empty()
        });
        proxy.take_log();
        proxy.cut_all();
        let looks = |sql: &String| sql.contains("pg_try_advisory_lock");
        wait_until("somebody looks whether the other one is done", || proxy.take_log().iter().any(looks));
        writer.batch_execute("COMMIT").expect("it ends");
        making.join().expect("it does not panic")
    });
    assert_eq!(said.expect("it is made in the end").len(), 1);
    let direct = line.scratch.database();
    assert_whole(&mut line, &direct, Cut::After);
    let taken = direct.documents("people", new()).expect("it opens").create(document! { "name" => "x", "age" => 1 });
    assert_eq!(taken.expect_err("it is taken").kind(), ErrorKind::AlreadyExists);
}
