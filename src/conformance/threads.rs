//! Semantics 8: many at once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Barrier,
    thread,
};

use super::Suite;
use crate::{
    document,
    error::{ErrorKind, Result},
    query::{Filter, Query},
    record::{Changes, Document, Draft},
    store::{Database, Effect, Store},
    value::Value,
};

const THREADS: usize = 8;
const TURNS: usize = 100;

/// Runs `work` on several threads at once, and gives what each returned.
fn on_threads<T: Send>(work: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        let (work, start) = (&work, &start);
        let run = |thread| {
            move || {
                start.wait();
                work(thread)
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(run(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread panicked")).collect()
    })
}

/// Created, one by one and in batches, through clones and through the one store.
pub fn semantics_8_1_no_acknowledged_write_is_lost<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let ids = on_threads(|thread| {
        let clone = store.clone();
        let named = |turn: usize| document! { "name" => format!("{thread}/{turn}") };
        let mut ids = Vec::new();
        for turn in 0..TURNS {
            ids.push(if turn % 2 == 0 { &store } else { &clone }.create(named(turn))?.id);
        }
        let batch = clone.create_batch((TURNS..2 * TURNS).map(named))?;
        batch.into_iter().try_for_each(|outcome| outcome.map(|written| ids.push(written.id)))?;
        Ok(ids)
    })?;
    assert_eq!(store.count(Query::new())?, (THREADS * 2 * TURNS) as u64);
    for (thread, ids) in ids.iter().enumerate() {
        for (turn, row) in store.read_batch(ids)?.into_iter().enumerate() {
            assert_eq!(row.map(|row| row.record), Some(document! { "name" => format!("{thread}/{turn}") }));
        }
    }
    Ok(())
}

/// Of those who create the same id one wins, and the others are told.
pub fn semantics_8_1_one_create_wins<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let won = on_threads(|thread| {
        let mut won = Vec::new();
        for turn in 0..TURNS {
            match store.create(Draft::of(document! { "name" => format!("{thread}") }).id(turn.to_string())?) {
                Ok(_) => won.push(turn),
                Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
            }
        }
        Ok(won)
    })?;
    assert_eq!((won.iter().map(Vec::len).sum::<usize>(), store.count(Query::new())?), (TURNS, TURNS as u64));
    for (thread, turns) in won.iter().enumerate() {
        for turn in turns {
            let winner = store.read(turn.to_string())?.map(|row| row.record);
            assert_eq!(winner, Some(document! { "name" => format!("{thread}") }), "the winner's record is there");
        }
    }
    let deleted = on_threads(|_| store.delete_batch((0..TURNS).map(|turn| turn.to_string())))?;
    assert_eq!(deleted.iter().flatten().flatten().filter(|gone| **gone).count(), TURNS, "one delete wins, too");
    Ok(())
}

/// Read, add, save if nobody else did: no sum is lost.
pub fn semantics_8_1_compare_and_set_has_one_winner<D: Database>(suite: &Suite<D>) -> Result<()> {
    if !suite.supports.versions {
        return Ok(());
    }
    let store = suite.people()?;
    store.create(Draft::of(document! { "name" => "sum", "age" => 0 }).id("sum")?)?;
    let turns = TURNS / 4;
    on_threads(|_| {
        for _ in 0..turns {
            loop {
                let Some(mut row) = store.read("sum")? else { panic!("the record is gone") };
                let sum = row.record["age"].as_int().unwrap_or_default() as i64;
                row.record.set("age", sum + 1);
                // Between reading and writing is where the others come in.
                thread::yield_now();
                match store.save(row) {
                    Ok(_) => break,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
                }
            }
        }
        Ok(())
    })?;
    let sum = store.read("sum")?.and_then(|row| row.record["age"].as_int());
    assert_eq!(sum, Some((THREADS * turns) as i128));
    Ok(())
}

/// Patches and set-based writes add up. The records are heavy, so that a patch takes long enough to be disturbed.
pub fn semantics_8_1_patches_are_atomic<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let ballast = Value::List((0..2_000).map(Value::Int).collect());
    for id in ["a", "b"] {
        store.create(Draft::of(document! { "name" => id, "age" => 0, "ballast" => ballast.clone() }).id(id)?)?;
    }
    let turns = TURNS / 4;
    on_threads(|_| {
        for _ in 0..turns {
            store.patch("a", Changes::add("age", 1))?;
            let both = Filter::ge("age", 0).bind::<Document>(store.schema())?;
            assert_eq!(store.update_where(both, Changes::add("age", 1))?, 2);
        }
        Ok(())
    })?;
    let sum = |id: &str| Ok::<_, crate::Error>(store.read(id)?.and_then(|row| row.record["age"].as_int()));
    assert_eq!((sum("a")?, sum("b")?), (Some((2 * THREADS * turns) as i128), Some((THREADS * turns) as i128)));
    Ok(())
}

/// When two race to make a record, both get the one that is there.
pub fn semantics_8_1_read_or_create_makes_one<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let seen = on_threads(|thread| {
        let one = |turn: usize| {
            let make = || document! { "name" => format!("{thread}") };
            Ok(store.read_or_create(turn.to_string(), make)?.record)
        };
        (0..TURNS).map(one).collect::<Result<Vec<_>>>()
    })?;
    assert!(seen.iter().all(|records| *records == seen[0]), "all saw the same");
    assert_eq!(store.count(Query::new())?, TURNS as u64);
    Ok(())
}

/// Two never hold the same value.
pub fn semantics_8_1_unique_values_under_threads<D: Database>(suite: &Suite<D>) -> Result<()> {
    use crate::record::{FieldDef, Type};
    let store = suite.store(super::people().field(FieldDef::new("email", Type::Text).unique().nullable()))?;
    let won = on_threads(|thread| {
        let mut won = 0;
        for turn in 0..TURNS {
            match store.create(document! { "name" => thread.to_string(), "email" => format!("{turn}@x") }) {
                Ok(_) => won += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
            }
        }
        Ok(won)
    })?;
    assert_eq!((won.iter().sum::<usize>(), store.count(Query::new())?), (TURNS, TURNS as u64));
    Ok(())
}

/// Closures, iterators and streams in hand may use the same store.
pub fn semantics_8_4_no_user_code_runs_under_a_lock<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let id = store.create(document! { "name" => "ann" })?.id;
    let inside = store.read_with(&id, |row| {
        store.patch(row.storage_id(), Changes::set("age", 1))?;
        store.create(document! { "name" => "made inside" })?;
        Ok::<_, crate::Error>((row.record.get("age").cloned(), store.count(Query::new())?))
    })?;
    assert_eq!(inside.transpose()?, Some((None, 2)), "the closure sees the record as it was");
    let mut failed = None;
    store.for_each(Query::new(), |row| failed = store.delete(row.storage_id()).err().or(failed.take()))?;
    assert_eq!((failed.map(|error| error.kind()), store.count(Query::new())?), (None, 0));
    let records = (0..10).map(|n| {
        store.create(document! { "name" => format!("beside {n}") }).expect("the iterator may write");
        document! { "name" => format!("batch {n}") }
    });
    assert!(store.create_batch(records)?.iter().all(|o| o.as_ref().is_ok_and(|w| w.effect == Effect::Created)));
    assert_eq!(store.count(Query::new())?, 20);
    store.read_or_create("late", || {
        store.create(document! { "name" => "from make" }).expect("the closure may write");
        document! { "name" => "late" }
    })?;
    assert_eq!(store.count(Query::new())?, 22);
    Ok(())
}

/// Something that panics in the midst of using a store.
type Panics<D> = fn(&<D as Database>::Store<Document>, &crate::Id);

/// A panic in a closure goes to the caller, and the store goes on.
pub fn semantics_8_4_a_panic_leaves_the_store_sound<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let id = store.create(document! { "name" => "ann" })?.id;
    let panics: [(&str, Panics<D>); 3] = [
        ("read_with", |store, id| drop(store.read_with(id, |_| -> () { panic!("on purpose") }))),
        ("for_each", |store, _| drop(store.for_each(Query::new(), |_| panic!("on purpose")))),
        ("create_batch", |store, _| {
            drop(store.create_batch((0..3).map(|n| match n {
                2 => panic!("on purpose"),
                n => document! { "name" => format!("{n}") },
            })));
        }),
    ];
    for (what, panics) in panics {
        assert!(catch_unwind(AssertUnwindSafe(|| panics(&store, &id))).is_err(), "{what} panics");
        let age = store.patch(&id, Changes::set("age", 1)).and_then(|_| store.read(&id))?;
        assert_eq!(age.and_then(|row| row.record["age"].as_int()), Some(1), "after a panic in {what}");
        let named = Filter::eq("name", "ann").bind::<Document>(store.schema())?;
        assert_eq!(store.count(named)?, 1, "after a panic in {what}");
    }
    Ok(())
}
