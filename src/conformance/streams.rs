//! Semantics 6: streams.

use std::collections::BTreeMap;

use super::{Suite, filled, refused};
use crate::{
    document,
    error::{ErrorKind, Result},
    query::{Filter, Key, Query},
    record::{Changes, Document, Draft, Path},
    store::{CancelToken, Database, Driver, Limits, Store},
};

const MANY: i64 = 3_000;

/// Filter, sort, limit, offset and projection, chunk by chunk.
pub fn semantics_6_2_a_stream_honours_the_whole_query<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = filled(suite, MANY)?;
    let query = Query::new()
        .filter(Filter::ne("age", 3).bind::<Document>(store.schema())?)
        .sort(Key::desc("age"))
        .sort(Key::asc("name"))
        .offset(10)
        .limit(1_500)
        .fields([Path::field("name")]);
    let mut expected: Vec<i64> = (0..MANY).filter(|n| n % 7 != 3).collect();
    expected.sort_by_key(|n| (-(n % 7), *n));
    let expected: Vec<_> =
        expected.iter().skip(10).take(1_500).map(|n| document! { "name" => format!("{n:04}") }).collect();
    for chunk in [1, 13, 1_000, 100_000] {
        let store = store.with(Limits::default().chunk(chunk));
        let mut stream = store.stream(&query)?;
        let found = stream.by_ref().map(|row| row.map(|r| r.record)).collect::<Result<Vec<_>>>()?;
        assert!(found == expected, "chunks of {chunk}");
        assert_eq!(stream.progress().done, 1_500);
        assert!(stream.next().is_none(), "a stream that ended stays at its end");
    }
    Ok(())
}

/// However others are changed, deleted and created meanwhile, ordered or not.
pub fn semantics_6_3_what_is_there_throughout_is_delivered_exactly_once<D: Database>(suite: &Suite<D>) -> Result<()> {
    let queries = [
        Query::new(),
        Query::new().sort(Key::asc("name")),
        Query::new().sort(Key::desc("age")),
        Query::new().limit(9_999),
    ];
    for query in queries {
        let store = filled(suite, MANY)?.with(Limits::default().chunk(50));
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for (turn, row) in (0..).zip(store.stream(&query)?) {
            let row = row?;
            *seen.entry(row.record["name"].as_text().unwrap_or("").to_owned()).or_default() += 1;
            // Every third record is disturbed: deleted, moved in the order, or followed by a new one.
            let victim = format!("{:04}", (turn * 3) % MANY);
            match turn % 3 {
                0 => drop(store.delete(&victim)?),
                1 if store.read(&victim)?.is_some() => drop(store.patch(&victim, Changes::set("age", turn))?),
                _ => drop(store.create(document! { "name" => format!("new {turn}"), "age" => turn % 7 })?),
            }
        }
        for n in (0..MANY).filter(|n| n % 3 > 0) {
            assert_eq!(seen.get(&format!("{n:04}")), Some(&1), "{n} with {:?}", query.keys());
        }
        assert!(seen.values().all(|times| *times == 1), "nothing comes twice");
    }
    Ok(())
}

/// And the store goes on as if nothing had been.
pub fn semantics_6_4_a_stream_can_be_dropped_early<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = filled(suite, MANY)?;
    for taken in [0, 1, 7, 1_001] {
        for _ in 0..20 {
            let stream = store.stream(Query::new())?;
            assert_eq!(stream.take(taken).filter(Result::is_ok).count(), taken);
        }
    }
    let kept = store.stream(Query::new().sort(Key::asc("age")))?;
    assert_eq!(store.clear()?, MANY as u64, "a stream in hand keeps nobody from writing");
    drop(kept);
    assert_eq!(store.count(Query::new())?, 0);
    Ok(())
}

/// Before it begins, and between chunks.
pub fn semantics_6_4_a_stream_stops_when_it_is_told_to<D: Database>(suite: &Suite<D>) -> Result<()> {
    let token = CancelToken::new();
    let store = filled(suite, MANY)?.with(Limits::default().chunk(10).cancel(&token));
    let mut stream = store.stream(Query::new())?;
    assert_eq!(stream.by_ref().take(5).filter(Result::is_ok).count(), 5);
    token.set();
    let rest: Vec<_> = stream.collect();
    assert!(rest.len() < 100, "{} more came", rest.len());
    refused(rest.into_iter().collect::<Result<Vec<_>>>(), ErrorKind::Cancelled, "a cancelled stream");
    refused(store.search(Query::new()), ErrorKind::Cancelled, "a cancelled search");
    refused(store.count(Query::new()), ErrorKind::Cancelled, "a cancelled count");
    refused(store.create(document! { "name" => "late" }), ErrorKind::Cancelled, "a cancelled write");
    let store = filled(suite, MANY)?;
    let late = store.with(Limits::default().deadline_in(std::time::Duration::ZERO));
    refused(late.read("0001"), ErrorKind::Timeout, "a read beyond its deadline");
    refused(late.create_batch([document! { "name" => "late" }]).map(drop), ErrorKind::Timeout, "a write beyond it");
    refused(late.clear(), ErrorKind::Timeout, "a clear beyond it");
    assert_eq!(store.count(Query::new())?, MANY as u64);
    Ok(())
}

/// By whatever verb it is told, and whether it is a deadline or a token that stops it.
pub fn semantics_7_1_what_was_stopped_names_its_store<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = filled(suite, MANY)?;
    let all = || Filter::all().bind::<Document>(store.schema());
    let known = store.search(Query::new().sort(Key::asc("age")).limit(1))?.remove(0);
    let late = || document! { "name" => "late" };
    let token = CancelToken::new();
    token.set();
    let cancelled = store.with(Limits::default().cancel(&token));
    let overdue = store.with(Limits::default().deadline_in(std::time::Duration::ZERO));
    for (stopped, kind) in [(cancelled, ErrorKind::Cancelled), (overdue, ErrorKind::Timeout)] {
        let rows = Query::new().limit(5);
        let failures = [
            ("create", stopped.create(late()).err()),
            ("read", stopped.read("0001").err()),
            ("read_with", stopped.read_with("0001", |_| ()).err()),
            ("update", stopped.update("0001", late()).err()),
            ("upsert", stopped.upsert("0001", late()).err()),
            ("delete", stopped.delete("0001").err()),
            ("patch", stopped.patch("0001", Changes::set("name", "late")).err()),
            ("save", known.envelope.version().and_then(|_| stopped.save(known.clone()).err())),
            ("read_or_create", stopped.read_or_create("late", late).err()),
            ("create_batch", stopped.create_batch([late()]).err()),
            ("read_batch", stopped.read_batch(["0001"]).err()),
            ("update_batch", stopped.update_batch([Draft::of(late()).id("0001")?]).err()),
            ("delete_batch", stopped.delete_batch(["0001"]).err()),
            ("patch_batch", stopped.patch_batch([("0001", Changes::set("name", "late"))]).err()),
            ("load", stopped.load([Ok(late())], drop).err()),
            ("search", stopped.search(Query::new()).err()),
            ("first", stopped.first(&rows).err()),
            ("page", stopped.page(&rows, None).err()),
            ("count", stopped.count(Query::new()).err()),
            ("exists", stopped.exists(&rows).err()),
            ("for_each", stopped.for_each(Query::new(), |_| ()).err()),
            ("update_where", stopped.update_where(all()?, Changes::set("name", "late")).err()),
            ("delete_where", stopped.delete_where(all()?).err()),
        ];
        for (verb, failure) in failures {
            if verb == "save" && known.envelope.version().is_none() {
                continue;
            }
            let place = failure.map(|error| (error.kind(), error.place().store.clone()));
            assert_eq!(place, Some((kind, Some(store.name().to_owned()))), "{verb}");
        }
    }
    let token = CancelToken::new();
    let mut stream = store.with(Limits::default().chunk(10).cancel(&token)).stream(Query::new())?;
    assert!(stream.next().is_some_and(|row| row.is_ok()));
    token.set();
    let stopped = stream.find_map(Result::err).and_then(|error| error.place().store.clone());
    assert_eq!(stopped.as_deref(), Some(store.name()), "a stream");
    Ok(())
}

/// Records done, the time, and a total that is right wherever there is one.
pub fn semantics_6_6_progress_says_how_far_a_stream_has_come<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = filled(suite, MANY)?;
    store.delete_where(Filter::eq("age", 6).bind::<Document>(store.schema())?)?;
    let some = Filter::ne("age", 3).bind::<Document>(store.schema())?;
    let queries = [
        Query::new().filter(Filter::all().bind::<Document>(store.schema())?),
        Query::new().filter(some.clone()),
        Query::new().filter(some.clone()).sort(Key::asc("age")),
        Query::new().filter(some).offset(7).limit(100),
    ];
    for query in queries {
        let mut stream = store.stream(&query)?;
        let begun = stream.progress();
        assert_eq!(begun.done, 0);
        let taken = stream.by_ref().take(40).filter(Result::is_ok).count() as u64;
        assert_eq!((taken, stream.progress().done, stream.progress().total), (40, 40, begun.total));
        assert_eq!(stream.by_ref().filter(Result::is_err).count(), 0);
        let ended = stream.progress();
        assert_eq!(ended.done, store.count(&query)?);
        assert!(
            begun.total.is_none_or(|total| total == ended.done),
            "{begun:?}, and {ended:?} with {:?}",
            query.keys()
        );
        assert!(ended.elapsed >= begun.elapsed && ended.rate() > 0.0, "{ended:?}");
    }
    Ok(())
}
