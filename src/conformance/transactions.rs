//! Semantics 5.8: transactions. For databases that have them; the whole of what all must do is run inside one as well.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    time::Duration,
};

use super::{Suite, people, refused, texts};
use crate::{
    document,
    error::{Error, ErrorKind, Result},
    query::{Filter, Key, Query},
    record::{Changes, Document, Draft, FieldDef, Type},
    store::{CancelToken, Database, Effect, Limits, Store, Transactional},
};

fn named(name: &str) -> Document {
    document! { "name" => name }
}

fn draft(id: &str) -> Result<Draft<'static, Document>> {
    Draft::of(named(id)).id(id)
}

/// The ids of a store, in order.
fn ids<S: Store<Document>>(store: &S) -> Result<Vec<String>> {
    let mut ids: Vec<_> = store.search(Query::new())?.iter().map(|row| row.storage_id().to_string()).collect();
    ids.sort();
    Ok(ids)
}

/// Whether the suite goes on: where there are no transactions, they must be refused before the closure is run.
fn transacts<D: Transactional>(suite: &Suite<D>) -> bool {
    if !suite.supports.transactions {
        let refusal: Result<()> = suite.database.transaction(|_| panic!("it is not run"));
        refused(refusal, ErrorKind::Unsupported, "a transaction");
    }
    suite.supports.transactions
}

/// Every kind of write, in two stores: all of it when the closure returns `Ok`, nothing when it returns `Err`.
pub fn semantics_5_8_a_transaction_is_all_or_nothing<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) {
        return Ok(());
    }
    let names = [suite.fresh_name(), suite.fresh_name()];
    let outside = [suite.database.documents(&names[0], people())?, suite.database.documents(&names[1], people())?];
    for store in &outside {
        let there = ["update", "upsert", "patch", "delete"].map(draft);
        store.create_batch(there.into_iter().collect::<Result<Vec<_>>>()?)?;
    }
    let writes = |tx: &D::Transaction<'_>| -> Result<()> {
        for name in &names {
            let store = tx.documents(name, people())?;
            store.create(draft("create")?)?;
            store.update("update", named("updated"))?;
            assert_eq!(store.upsert("upsert", named("upserted"))?.effect, Effect::Updated);
            store.patch("patch", Changes::set("age", 1))?;
            assert!(store.delete("delete")?);
            store.create_batch([draft("batch 1")?, draft("batch 2")?])?;
            store.load([draft("load")], drop)?;
            assert_eq!(store.update_where(crate::query::id().eq("batch 1"), Changes::set("age", 2))?, 1);
            assert_eq!(store.delete_where(crate::query::id().eq("batch 2"))?, 1);
        }
        Ok(())
    };
    let before = outside[0].search(Query::new().sort(Key::asc("name")))?;
    let failed: Result<()> = suite.database.transaction(|tx| {
        writes(tx)?;
        Err(Error::invalid("on purpose"))
    });
    refused(failed, ErrorKind::Invalid, "what the closure returned");
    for store in &outside {
        assert_eq!(ids(store)?, ["delete", "patch", "update", "upsert"]);
    }
    assert_eq!(outside[0].search(Query::new().sort(Key::asc("name")))?, before, "envelopes and all");
    suite.database.transaction(writes)?;
    for store in &outside {
        assert_eq!(ids(store)?, ["batch 1", "create", "load", "patch", "update", "upsert"]);
        let names = texts(store, Query::new().filter(Filter::is_null("age").bind(store.schema())?), "name")?;
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(names.contains(&"updated".to_owned()) && names.contains(&"upserted".to_owned()));
    }
    Ok(())
}

/// A panic goes to the caller, nothing was written, and the database goes on.
pub fn semantics_5_8_a_panic_undoes_everything<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) {
        return Ok(());
    }
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, people())?;
    outside.create(draft("a")?)?;
    let panics = || -> Result<()> {
        suite.database.transaction(|tx| {
            let store = tx.documents(&name, people())?;
            store.delete("a")?;
            store.create(draft("b")?)?;
            panic!("on purpose")
        })
    };
    for _ in 0..3 {
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err(), "the panic goes on");
        assert_eq!(ids(&outside)?, ["a"]);
    }
    suite.database.transaction(|tx| tx.documents(&name, people())?.create(draft("b")?).map(drop))?;
    assert_eq!(ids(&outside)?, ["a", "b"]);
    Ok(())
}

/// By id, in batches, in searches in every order, in pages, counts and streams; what it deleted is gone.
pub fn semantics_5_8_it_reads_its_own_writes<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) {
        return Ok(());
    }
    let schema = || people().field(FieldDef::new("email", Type::Text).unique().nullable());
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, schema())?;
    outside.create(Draft::of(document! { "name" => "ann", "email" => "a@x" }).id("ann")?)?;
    outside.create(Draft::of(document! { "name" => "bo", "age" => 20 }).id("bo")?)?;
    suite.database.transaction(|tx| {
        let store = tx.documents(&name, schema())?;
        store.create(Draft::of(document! { "name" => "cy", "age" => 10 }).id("cy")?.meta("source", "tx"))?;
        store.patch("bo", Changes::set("age", 5))?;
        store.delete("ann")?;
        assert_eq!(
            (store.read("ann")?, store.read("cy")?.map(|row| row.record["age"].clone())),
            (None, Some(10.into()))
        );
        assert_eq!(store.read_with("bo", |row| row.record["age"].clone())?, Some(5.into()));
        assert_eq!(
            store.read_batch(["ann", "bo", "cy"])?.iter().map(Option::is_some).collect::<Vec<_>>(),
            [false, true, true]
        );
        let oldest = Query::new().sort(Key::desc("age"));
        assert_eq!(texts(&store, &oldest, "name")?, ["cy", "bo"]);
        assert_eq!(texts(&store, oldest.clone().limit(1), "name")?, ["cy"]);
        let page = store.page(&oldest.clone().limit(1), None)?;
        assert_eq!(store.page(&oldest.limit(1), page.next)?.rows[0].record["name"], "bo".into());
        let young = Filter::lt("age", 8).bind::<Document>(store.schema())?;
        assert_eq!((store.count(young.clone())?, store.count(Query::new())?, store.exists(young)?), (1, 2, true));
        assert_eq!(store.count(crate::query::meta("source").eq("tx"))?, 1);
        assert_eq!(store.stream(Query::new())?.filter(Result::is_ok).count(), 2);
        store.create(document! { "name" => "dee", "email" => "a@x" })?;
        let taken = store.create(document! { "name" => "eve", "email" => "a@x" });
        refused(taken, ErrorKind::AlreadyExists, "a unique value that the transaction wrote");
        refused(store.create(draft("cy")?), ErrorKind::AlreadyExists, "an id that the transaction wrote");
        store.delete("cy")?;
        store.create(draft("cy")?)?;
        Ok::<_, Error>(())
    })?;
    let mut names = texts(&outside, Query::new(), "name")?;
    names.sort();
    assert_eq!(names, ["bo", "cy", "dee"]);
    Ok(())
}

/// Nobody else sees any of it before the end, by id, in searches, or in counts.
pub fn semantics_5_8_nobody_sees_half_of_it<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) {
        return Ok(());
    }
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, people())?;
    outside.create_batch([draft("a")?, draft("b")?])?;
    suite.database.transaction(|tx| {
        let store = tx.documents(&name, people())?;
        store.create(draft("c")?)?;
        store.update("a", named("changed"))?;
        store.delete("b")?;
        assert_eq!(ids(&outside)?, ["a", "b"]);
        assert_eq!((outside.read("c")?, outside.count(Query::new())?), (None, 2));
        assert_eq!(outside.read("a")?.map(|row| row.record), Some(named("a")));
        Ok::<_, Error>(())
    })?;
    assert_eq!(ids(&outside)?, ["a", "c"]);
    Ok(())
}

/// A write that is refused inside changes nothing, and the transaction goes on.
pub fn semantics_5_8_a_refused_write_does_not_end_it<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) {
        return Ok(());
    }
    let schema = || people().field(FieldDef::new("email", Type::Text).unique().nullable());
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, schema())?;
    outside.create(Draft::of(document! { "name" => "a", "email" => "a@x" }).id("a")?)?;
    suite.database.transaction(|tx| {
        let store = tx.documents(&name, schema())?;
        store.create(draft("b")?)?;
        refused(store.create(draft("a")?), ErrorKind::AlreadyExists, "create");
        refused(store.update("nobody", named("x")), ErrorKind::NotFound, "update");
        refused(store.patch("b", Changes::set("email", "a@x")), ErrorKind::AlreadyExists, "patch");
        refused(store.create(document! { "name" => 7 }), ErrorKind::Invalid, "a bad value");
        let outcomes = store.create_batch([draft("b")?, draft("c")?, draft("a")?])?;
        assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, false]);
        if suite.supports.atomic_batches {
            let writes = [crate::store::Write::Create(draft("d")?), crate::store::Write::Create(draft("a")?)];
            refused(store.write_all(writes), ErrorKind::AlreadyExists, "all or nothing inside");
        }
        store.create(draft("e")?)?;
        Ok::<_, Error>(())
    })?;
    assert_eq!(ids(&outside)?, ["a", "b", "c", "e"]);
    Ok(())
}

/// What was read inside and written by somebody else since is not overwritten: the write or the end is a `Conflict`.
pub fn semantics_5_8_a_lost_update_is_a_conflict<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) || !suite.supports.versions {
        return Ok(());
    }
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, people())?;
    outside.create(draft("a")?)?;
    let lost: Result<()> = suite.database.transaction(|tx| {
        let store = tx.documents(&name, people())?;
        let Some(mut row) = store.read("a")? else { panic!("the record is there") };
        store.create(draft("b")?)?;
        outside.patch("a", Changes::set("age", 1))?;
        row.record.set("city", "Oslo");
        store.save(row).map(drop)
    });
    refused(lost, ErrorKind::Conflict, "a save of what moved on");
    let now = outside.read("a")?.map(|row| row.record);
    assert_eq!((now, ids(&outside)?), (Some(document! { "name" => "a", "age" => 1 }), vec!["a".to_owned()]));
    Ok(())
}

/// Read, add, save in transactions that are run again on a conflict: the sum is exact, whatever the threads.
pub fn semantics_5_8_retried_transactions_add_up<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) || !suite.supports.versions {
        return Ok(());
    }
    const THREADS: i64 = 4;
    const TURNS: i64 = 15;
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, people())?;
    for id in ["from", "to"] {
        outside.create(Draft::of(document! { "name" => id, "age" => 100 }).id(id)?)?;
    }
    let transfer = |tx: &D::Transaction<'_>| -> Result<()> {
        let store = tx.documents(&name, people())?;
        for (id, by) in [("from", -1), ("to", 1)] {
            let Some(mut row) = store.read(id)? else { panic!("the record is there") };
            let age: i64 = row.get_as("age")?.unwrap_or_default();
            row.record.set("age", age + by);
            store.save(row)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let run =
            || (0..TURNS).try_for_each(|_| suite.database.transaction_retrying(10_000, transfer, Error::is_conflict));
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a thread panicked"))
    })?;
    let age = |id: &str| Ok::<_, Error>(outside.read(id)?.and_then(|row| row.record["age"].as_int()));
    let moved = i128::from(THREADS * TURNS);
    assert_eq!((age("from")?, age("to")?), (Some(100 - moved), Some(100 + moved)));
    Ok(())
}

/// As often as was said, and only on errors that were named; each try begins with nothing written.
pub fn semantics_5_8_closures_are_run_again_only_when_asked<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) {
        return Ok(());
    }
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, people())?;
    let tries = |most: u32, kind: ErrorKind, succeed_at: u32| -> Result<(u32, bool)> {
        let mut runs = 0;
        let work = |tx: &D::Transaction<'_>| {
            runs += 1;
            let store = tx.documents(&name, people())?;
            assert_eq!(store.count(Query::new())?, 0, "a try sees nothing of the one before");
            store.create(draft("a")?)?;
            if runs == succeed_at { Ok(()) } else { Err(Error::new(kind, "on purpose")) }
        };
        let done = suite.database.transaction_retrying(most, work, Error::is_conflict).is_ok();
        outside.clear()?;
        Ok((runs, done))
    };
    assert_eq!(tries(3, ErrorKind::Conflict, 0)?, (3, false));
    assert_eq!(tries(3, ErrorKind::Conflict, 2)?, (2, true));
    assert_eq!(tries(3, ErrorKind::Invalid, 0)?, (1, false));
    assert_eq!(tries(1, ErrorKind::Conflict, 0)?, (1, false));
    Ok(())
}

/// A stream shows what was there when it began, while the transaction goes on writing beside it.
pub fn semantics_5_8_a_stream_inside_shows_where_it_began<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) {
        return Ok(());
    }
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, people())?;
    let many = |from: i64, to: i64| {
        let people =
            (from..to).map(|n| Draft::of(document! { "name" => format!("{n:04}"), "age" => n }).id(format!("{n:04}")));
        people.collect::<Result<Vec<_>>>()
    };
    outside.create_batch(many(0, 500)?)?;
    for query in [Query::new(), Query::new().sort(Key::desc("age"))] {
        let undone: Result<()> = suite.database.transaction(|tx| {
            let store = tx.documents(&name, people())?.with(Limits::default().chunk(30));
            store.create_batch(many(500, 600)?)?;
            let mut seen = std::collections::BTreeSet::new();
            for (turn, row) in store.stream(&query)?.enumerate() {
                let row = row?;
                assert_eq!(row.record["age"], row.storage_id().to_string().parse::<i64>().unwrap_or(-1).into());
                assert!(seen.insert(row.storage_id().clone()), "{} comes twice", row.storage_id());
                match turn % 3 {
                    0 => drop(store.delete(row.storage_id())?),
                    1 => drop(store.patch(format!("{:04}", 599 - turn), Changes::add("age", 10_000)).ok()),
                    _ => drop(store.create(document! { "name" => "new", "age" => -5 })?),
                }
            }
            assert_eq!(seen.len(), 600, "what was there when the stream began, and nothing else");
            Err(Error::invalid("undone"))
        });
        refused(undone, ErrorKind::Invalid, &query);
    }
    assert_eq!(outside.count(Query::new())?, 500);
    Ok(())
}

/// A stream that is dropped early, or stopped, leaves the transaction as it was.
pub fn semantics_5_8_a_stream_inside_can_be_dropped<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) {
        return Ok(());
    }
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, people())?;
    outside.create_batch((0..300).map(|n| named(&n.to_string())))?;
    suite.database.transaction(|tx| {
        let store = tx.documents(&name, people())?;
        let kept = store.stream(Query::new())?;
        assert_eq!(store.stream(Query::new().sort(Key::asc("name")))?.take(7).filter(Result::is_ok).count(), 7);
        let token = CancelToken::new();
        let stopped = store.with(Limits::default().chunk(10).cancel(&token));
        let mut stream = stopped.stream(Query::new())?;
        assert!(stream.next().is_some_and(|row| row.is_ok()));
        token.set();
        refused(stream.collect::<Result<Vec<_>>>().map(|rows| rows.len()), ErrorKind::Cancelled, "a stopped stream");
        store.create(draft("inside")?)?;
        assert_eq!(kept.filter(Result::is_ok).count(), 300);
        Ok::<_, Error>(())
    })?;
    assert_eq!(outside.count(Query::new())?, 301);
    Ok(())
}

/// The error of the closure is the caller's own; those of the database become it.
#[derive(Debug)]
enum Own {
    Overdrawn(i64),
    Data(Error),
}

impl From<Error> for Own {
    fn from(error: Error) -> Own {
        Own::Data(error)
    }
}

/// What is generic over databases: it knows nothing of transactions.
fn register<D: Database>(db: &D, name: &str, id: &str) -> Result<()> {
    db.documents(name, people())?.create(draft(id)?).map(drop)
}

/// Code that is generic over databases runs on one and inside of its transactions, and errors of any type come out.
pub fn semantics_5_8_generic_code_runs_inside_unchanged<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) {
        return Ok(());
    }
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, people())?;
    register(&suite.database, &name, "outside")?;
    suite.database.transaction(|tx| register(tx, &name, "inside"))?;
    let failed: Result<(), Own> = suite.database.transaction(|tx| {
        register(tx, &name, "never")?;
        Err(Own::Overdrawn(7))
    });
    assert!(matches!(failed, Err(Own::Overdrawn(7))), "{failed:?}");
    let failed: Result<(), Own> = suite.database.transaction(|tx| Ok(register(tx, &name, "outside")?));
    assert!(matches!(&failed, Err(Own::Data(error)) if error.kind() == ErrorKind::AlreadyExists), "{failed:?}");
    assert_eq!(suite.database.transaction(|_| Ok::<_, Error>(42))?, 42);
    assert_eq!(ids(&outside)?, ["inside", "outside"]);
    Ok(())
}

/// A version that was given inside is the one that is there when the transaction has ended.
pub fn semantics_5_8_versions_given_inside_hold_outside<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) || !suite.supports.versions {
        return Ok(());
    }
    let name = suite.fresh_name();
    let outside = suite.database.documents(&name, people())?;
    outside.create(draft("b")?)?;
    let (created, patched) = suite.database.transaction(|tx| {
        let store = tx.documents(&name, people())?;
        store.create(draft("a")?)?;
        let created = store.patch("a", Changes::set("age", 1))?;
        assert_eq!(store.read("a")?.and_then(|row| row.envelope.version().cloned()), created.version);
        Ok::<_, Error>((created, store.patch("b", Changes::set("age", 1))?))
    })?;
    for written in [created, patched] {
        let row = outside.read(&written.id)?;
        assert_eq!(row.as_ref().and_then(|row| row.envelope.version()), written.version.as_ref());
        let Some(version) = written.version else { panic!("a version was promised") };
        outside.update(&written.id, Draft::of(named("later")).expect(version.clone()))?;
        refused(outside.delete_if(&written.id, &version), ErrorKind::Conflict, "the version of before");
    }
    Ok(())
}

/// What another writer takes while the transaction is under way is taken once: it goes to one of the two, and the other is told.
/// An engine that locks lets the other wait until the transaction has ended.
pub fn semantics_5_8_what_must_be_unique_goes_to_one<D: Transactional>(suite: &Suite<D>) -> Result<()> {
    if !transacts(suite) {
        return Ok(());
    }
    const PATIENCE: Duration = Duration::from_millis(100);
    let schema = || people().field(FieldDef::new("email", Type::Text).unique().nullable());
    let rivals = [[("a", "same@x"), ("b", "same@x")], [("same", "a@x"), ("same", "b@x")]];
    for [inside, other] in rivals {
        let name = suite.fresh_name();
        let outside = suite.database.documents(&name, schema())?;
        let with = |(id, email)| Draft::of(document! { "name" => id, "email" => email }).id(id);
        let (committed, created) = std::thread::scope(|scope| {
            let mut rival = None;
            let committed: Result<()> = suite.database.transaction(|tx| {
                tx.documents(&name, schema())?.create(with(inside)?)?;
                let (done, wait) = mpsc::channel();
                let outside = &outside;
                rival = Some(scope.spawn(move || {
                    let created = with(other).and_then(|draft| outside.create(draft));
                    // Nobody may wait any more.
                    done.send(()).ok();
                    created
                }));
                wait.recv_timeout(PATIENCE).ok();
                Ok(())
            });
            (committed, rival.map(|rival| rival.join().expect("a thread panicked")))
        });
        let Some(created) = created else { panic!("the transaction could not create its record: {committed:?}") };
        match (committed, created) {
            (Ok(()), Err(error)) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}"),
            (Err(error), Ok(_)) => {
                assert!(matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Conflict), "{error:?}");
            }
            both => panic!("one of the two is stored and the other refused, not {both:?}"),
        }
        assert_eq!(outside.count(Query::new())?, 1);
    }
    Ok(())
}
