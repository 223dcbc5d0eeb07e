//! Semantics 6.5: streams in parts. For databases whose streams split.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::{Suite, filled, refused};
use crate::{
    document,
    error::{ErrorKind, Result},
    id::Id,
    query::{Cursor, Filter, Key, Query},
    record::{Changes, Document, Path, Stored},
    store::{Database, Limits, Split, Store, Stream},
};

const MANY: i64 = 2_000;

/// Reads each part in a thread of its own.
fn read<T: Send>(parts: Vec<Stream<impl Iterator<Item = Result<Stored<T>>> + Send>>) -> Result<Vec<Stored<T>>> {
    thread::scope(|scope| {
        let threads: Vec<_> = parts.into_iter().map(|part| scope.spawn(|| part.collect::<Result<Vec<_>>>())).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().expect("a thread panicked")?);
        }
        Ok(all)
    })
}

/// The records' ids, each of which must have come once.
#[track_caller]
fn once<T>(rows: &[Stored<T>]) -> BTreeSet<Id> {
    let ids: BTreeSet<Id> = rows.iter().map(|row| row.storage_id().clone()).collect();
    assert_eq!(ids.len(), rows.len(), "no record is in two parts");
    ids
}

/// Whether the suite goes on: where streams do not split, they must be refused.
fn splits<D: Database>(suite: &Suite<D>) -> Result<bool>
where
    D::Store<Document>: Split<Document>,
{
    if !suite.supports.split {
        refused(suite.people()?.streams(Query::new(), 2).map(|parts| parts.len()), ErrorKind::Unsupported, "parts");
    }
    Ok(suite.supports.split)
}

/// Whatever their number, with a filter, with a selection, of an empty store, read side by side.
pub fn semantics_6_5_parts_are_disjoint_and_together_complete<D: Database>(suite: &Suite<D>) -> Result<()>
where
    D::Store<Document>: Split<Document>,
{
    if !splits(suite)? {
        return Ok(());
    }
    let store = filled(suite, MANY)?;
    let filter = Filter::ne("age", 3).bind::<Document>(store.schema())?;
    let whole = once(&store.search(filter.clone())?);
    for parts in [1, 2, 3, 7, 100, usize::MAX] {
        let streams = store.streams(Query::new(), parts)?;
        assert!((1..=parts).contains(&streams.len()), "{} of at most {parts} parts", streams.len());
        assert_eq!(once(&read(streams)?).len(), MANY as usize, "{parts} parts");
        assert_eq!(once(&read(store.streams(filter.clone(), parts)?)?), whole, "{parts} parts of some");
    }
    let names = read(store.streams(Query::new().filter(filter).fields([Path::field("name")]), 3)?)?;
    let named = |row: &Stored<Document>| row.record == document! { "name" => row.storage_id().to_string() };
    assert!(names.len() == whole.len() && names.iter().all(named), "a selection holds in parts");
    let empty = suite.people()?.streams(Query::new(), 3)?;
    assert_eq!(read(empty)?.len(), 0);
    Ok(())
}

/// Parts have no order, so a query that asks for one is refused, and so is a query in no parts.
pub fn semantics_6_5_an_order_or_no_parts_are_refused<D: Database>(suite: &Suite<D>) -> Result<()>
where
    D::Store<Document>: Split<Document>,
{
    let store = filled(suite, MANY)?;
    let page = store.page(&Query::new().limit(5), None)?;
    let Some(cursor): Option<Cursor> = page.next else { panic!("there is a second page") };
    let ordered = [
        Query::new().sort(Key::asc("name")),
        Query::new().limit(5),
        Query::new().offset(5),
        Query::new().after(cursor),
    ];
    for query in ordered {
        refused(store.streams(&query, 2).map(|parts| parts.len()), ErrorKind::Query, query);
    }
    refused(store.streams(Query::new(), 0).map(|parts| parts.len()), ErrorKind::Query, "no parts");
    Ok(())
}

/// What is written after the split is in no part, and what is changed or deleted after it is in one as it was.
pub fn semantics_6_5_parts_show_one_moment<D: Database>(suite: &Suite<D>) -> Result<()>
where
    D::Store<Document>: Split<Document>,
{
    if !splits(suite)? {
        return Ok(());
    }
    let store = filled(suite, MANY)?;
    let before = sorted(store.search(Query::new())?);
    let parts = store.with(Limits::default().chunk(50)).streams(Query::new(), 4)?;
    store.update_where(Filter::eq("age", 1).bind::<Document>(store.schema())?, Changes::set("age", 100))?;
    store.delete_where(Filter::eq("age", 2).bind::<Document>(store.schema())?)?;
    store.create_batch((0..500).map(|n| document! { "name" => format!("new {n}") }))?;
    assert!(sorted(read(parts)?) == before, "the parts show the records as they were");
    Ok(())
}

fn sorted<T>(mut rows: Vec<Stored<T>>) -> Vec<Stored<T>> {
    rows.sort_by(|a, b| a.storage_id().cmp(b.storage_id()));
    rows
}

/// Tells threads to end, also when a check panics: they are waited for.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// While others create, change and delete: what is there throughout is in exactly one part.
pub fn semantics_6_5_parts_hold_while_others_write<D: Database>(suite: &Suite<D>) -> Result<()>
where
    D::Store<Document>: Split<Document>,
{
    if !splits(suite)? {
        return Ok(());
    }
    let store = filled(suite, MANY)?;
    let done = AtomicBool::new(false);
    let over = || done.load(Ordering::Relaxed);
    thread::scope(|scope| {
        let stop = Stop(&done);
        let writers: Vec<_> = (0..2_i64)
            .map(|writer| {
                let (store, over) = (&store, &over);
                scope.spawn(move || -> Result<()> {
                    for turn in (0..).take_while(|_| !over()) {
                        let id = format!("beside {writer} {}", turn % 50);
                        store.upsert(id.as_str(), document! { "name" => "beside", "age" => turn })?;
                        store
                            .patch(format!("{:04}", (turn * 7 + writer) % MANY), Changes::set("score", turn as f64))?;
                        store.delete(format!("beside {writer} {}", (turn + 25) % 50))?;
                    }
                    Ok(())
                })
            })
            .collect();
        let checked = (0..10).try_for_each(|_| {
            let rows = read(store.streams(Query::new(), 3)?)?;
            once(&rows);
            let stayed = rows.iter().filter(|row| row.record["name"] != "beside".into()).count();
            assert_eq!(stayed, MANY as usize, "what is there throughout is in a part");
            Ok(())
        });
        drop(stop);
        let wrote = writers.into_iter().try_for_each(|writer| writer.join().expect("a writer panicked"));
        checked.and(wrote)
    })
}
