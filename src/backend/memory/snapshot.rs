//! What a query sees: the records that were there when it began. Writers go on meanwhile (semantics 6.3).

use std::{cmp::Ordering, collections::HashSet};

use rayon::prelude::*;

use super::{
    page::{PAGE, Page, Pages, Row},
    table::Table,
};
use crate::{
    capability::Engine,
    error::Result,
    id::Id,
    query::{Ordered, Predicate, Runnable, Seen, Select},
    record::{RecordCodec, Stored},
    store::Limits,
};

/// Records below which one thread is faster than asking rayon for more.
const PARALLEL_ROWS: usize = 8_192;
/// Shares of the work for each thread: enough that none waits long for another, few enough that each is large.
const SHARES: usize = 8;
/// Pages that a stream tests at once at most: it looks ahead no further.
const LOOK_AHEAD: usize = 512;
/// Pages between two looks at the limits.
const CHECK_EVERY: usize = 8;

/// The records of a table at one moment.
pub(super) struct Snapshot<R: RecordCodec> {
    /// The pages of each shard and, behind them, of a transaction.
    shards: Vec<Pages<R>>,
    /// All pages to be looked at.
    places: Vec<Place>,
    /// How many records exactly, where that is known.
    exact: Option<usize>,
    /// Ids whose records a transaction sees differently.
    hidden: HashSet<Id>,
}

/// Which page: the shard, and the number in it.
#[derive(Clone, Copy)]
struct Place {
    shard: u32,
    number: u32,
}

impl<R: RecordCodec> Snapshot<R> {
    /// The table as it is now: all shards are locked together, so a commit is seen whole or not at all.
    pub(super) fn of(table: &Table<R>) -> Snapshot<R> {
        let locked = table.lock_all();
        let shards: Vec<_> = locked.iter().map(|shard| shard.pages()).collect();
        let exact = Some(locked.iter().map(|shard| shard.records()).sum());
        drop(locked);
        let places = shards.iter().enumerate().flat_map(|(shard, pages)| Place::all(shard, pages)).collect();
        Snapshot { shards, places, exact, hidden: HashSet::new() }
    }

    /// The same with some records replaced: what a transaction sees.
    pub(super) fn overlaid(mut self, hidden: HashSet<Id>, instead: Vec<Row<R>>) -> Snapshot<R> {
        let own = Pages::of(instead.into_iter().map(Row::into_page).collect());
        self.places.extend(Place::all(self.shards.len(), &own));
        Snapshot { shards: self.shards.into_iter().chain([own]).collect(), exact: None, hidden, ..self }
    }

    /// The same records in at least one and at most so many parts of whole pages.
    pub(super) fn split(mut self, parts: usize) -> Vec<Snapshot<R>> {
        let length = self.places.len().div_ceil(parts).max(1);
        if self.places.len() <= length {
            return vec![self];
        }
        let places = std::mem::take(&mut self.places);
        let part = |places: &[Place]| {
            let (shards, hidden) = (self.shards.clone(), self.hidden.clone());
            Snapshot { shards, places: places.to_vec(), exact: None, hidden }
        };
        places.chunks(length).map(part).collect()
    }

    /// How many records at most.
    fn rows_at_most(&self) -> usize {
        self.places.len() * PAGE
    }

    fn page(&self, place: Place) -> Option<&Page<R>> {
        self.shards.get(place.shard as usize)?.list().get(place.number as usize)
    }

    /// The records of a page that are to be seen.
    #[inline]
    fn rows(&self, place: Place) -> impl Iterator<Item = Found<'_, R>> {
        // The pages of a transaction, where there are any, are the last shard's.
        let all = self.hidden.is_empty() || place.shard as usize + 1 == self.shards.len();
        let page = self.page(place).into_iter();
        let found =
            page.flat_map(|page| page.iter().enumerate().filter_map(move |(at, row)| Some((page, at, row.as_ref()?))));
        let found = found.map(|(page, at, stored)| Found { stored, page, at: at as u32 });
        found.filter(move |found| all || !self.hidden.contains(found.stored.envelope.id()))
    }

    /// The records of a page that a query admits.
    #[inline]
    fn admitted<'s, E: Engine, P: Predicate<R>, S: Select<R>>(
        &'s self,
        place: Place,
        query: &'s Runnable<E, R, P, S>,
    ) -> impl Iterator<Item = Found<'s, R>> {
        self.rows(place).filter(move |found| query.admits(found.seen()))
    }

    /// Runs `work` over the pages: on all cores where it pays, on this thread where not.
    fn over_pages<T: Send>(
        &self,
        limits: &Limits,
        work: impl Fn(&mut T, Place) + Send + Sync,
        empty: impl Fn() -> T + Send + Sync,
        merge: impl Fn(T, T) -> T + Send + Sync,
    ) -> Result<T> {
        let share = |places: &[Place]| {
            let mut all = empty();
            for places in places.chunks(CHECK_EVERY) {
                limits.check()?;
                places.iter().for_each(|place| work(&mut all, *place));
            }
            Ok(all)
        };
        if self.rows_at_most() < PARALLEL_ROWS {
            return share(&self.places);
        }
        let length = self.places.len().div_ceil(rayon::current_num_threads() * SHARES).max(1);
        let done = self.places.par_chunks(length).map(share);
        done.try_reduce(&empty, |a, b| Ok(merge(a, b)))
    }

    /// Every record to be seen, page by page, folded on all cores where it pays.
    pub(super) fn fold<T: Send>(
        &self,
        limits: &Limits,
        add: impl Fn(&mut T, Seen<'_, R>) + Send + Sync,
        empty: impl Fn() -> T + Send + Sync,
        merge: impl Fn(T, T) -> T + Send + Sync,
    ) -> Result<T> {
        self.over_pages(limits, |all, place| self.rows(place).for_each(|found| add(all, found.seen())), empty, merge)
    }

    pub(super) fn count<E: Engine, P: Predicate<R>, S: Select<R>>(
        &self,
        query: &Runnable<E, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        if let Some(limit) = query.limit() {
            return self.count_some(query, query.offset().saturating_add(limit), limits);
        }
        let count = |all: &mut u64, place: Place| *all += self.admitted(place, query).count() as u64;
        let all = self.over_pages(limits, count, || 0, |a, b| a + b)?;
        Ok(all.saturating_sub(query.offset() as u64))
    }

    /// Counts no further than it must.
    fn count_some<E: Engine, P: Predicate<R>, S: Select<R>>(
        &self,
        query: &Runnable<E, R, P, S>,
        most: usize,
        limits: &Limits,
    ) -> Result<u64> {
        let mut found = 0;
        for place in &self.places {
            limits.check()?;
            found += self.admitted(*place, query).take(most - found).count();
            if found == most {
                break;
            }
        }
        Ok(found.saturating_sub(query.offset()) as u64)
    }

    /// The records of an ordered query: all of them sorted, or only as many as are asked for.
    fn sorted<E: Engine, P: Predicate<R>, S: Select<R>>(
        &self,
        query: &Runnable<E, R, P, S>,
        limits: &Limits,
    ) -> Result<Vec<Row<R>>> {
        let order = query.order();
        let most = query.limit().map(|limit| query.offset().saturating_add(limit));
        if most == Some(0) {
            return Ok(Vec::new());
        }
        let collect =
            |best: &mut _, place: Place| self.admitted(place, query).for_each(|row| Best::add(best, row, order));
        let best = self.over_pages(limits, collect, || Best::empty(most), |a, b| a.merge(b, order))?;
        let mut rows = best.rows;
        match most {
            None if rows.len() >= PARALLEL_ROWS => rows.par_sort_unstable_by(|a, b| compare(order, a, b)),
            _ => rows.sort_unstable_by(|a, b| compare(order, a, b)),
        }
        rows.truncate(most.unwrap_or(usize::MAX));
        Ok(rows.into_iter().skip(query.offset()).map(Found::held).collect())
    }
}

impl Place {
    fn all<R>(shard: usize, pages: &Pages<R>) -> impl Iterator<Item = Place> {
        (0..pages.list().len() as u32).map(move |number| Place { shard: shard as u32, number })
    }
}

/// A record in a snapshot, and where it is: 24 bytes, as semantics 6.1 states.
struct Found<'s, R> {
    stored: &'s Stored<R>,
    page: &'s Page<R>,
    at: u32,
}

impl<'s, R> Clone for Found<'s, R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<'s, R> Copy for Found<'s, R> {}

impl<'s, R> Found<'s, R> {
    #[inline]
    fn seen(&self) -> Seen<'s, R> {
        Seen { record: &self.stored.record, envelope: &self.stored.envelope }
    }

    /// The record, held beyond the snapshot.
    fn held(self) -> Row<R> {
        Row::at(self.page, self.at as usize)
    }
}

fn compare<R: RecordCodec>(order: &Ordered<R>, a: &Found<'_, R>, b: &Found<'_, R>) -> Ordering {
    order.compare(a.seen(), b.seen())
}

/// The first so many records of an order among those that were shown to it. It keeps up to twice as many, so that it
/// sorts out the rest seldom.
struct Best<'s, R> {
    rows: Vec<Found<'s, R>>,
    most: Option<usize>,
    /// A record that is not better than this one is not among the first.
    worst: Option<Found<'s, R>>,
}

impl<'s, R: RecordCodec> Best<'s, R> {
    fn empty(most: Option<usize>) -> Self {
        Best { rows: Vec::new(), most, worst: None }
    }

    #[inline]
    fn add(&mut self, row: Found<'s, R>, order: &Ordered<R>) {
        if self.worst.is_some_and(|worst| compare(order, &row, &worst).is_ge()) {
            return;
        }
        self.rows.push(row);
        if self.most.is_some_and(|most| self.rows.len() >= most.saturating_mul(2).max(64)) {
            self.sort_out(order);
        }
    }

    fn sort_out(&mut self, order: &Ordered<R>) {
        let Some(most) = self.most.filter(|most| *most < self.rows.len()) else { return };
        // `most` is not zero: nothing is collected then.
        let (_, worst, _) = self.rows.select_nth_unstable_by(most.saturating_sub(1), |a, b| compare(order, a, b));
        self.worst = Some(*worst);
        self.rows.truncate(most);
    }

    fn merge(mut self, mut other: Self, order: &Ordered<R>) -> Self {
        if self.rows.len() < other.rows.len() {
            std::mem::swap(&mut self, &mut other);
        }
        match self.most {
            None => self.rows.append(&mut other.rows),
            Some(_) => other.rows.into_iter().for_each(|row| self.add(row, order)),
        }
        self
    }
}

/// The records of a query on memory.
pub struct MemoryRows<R: RecordCodec, P, S> {
    source: Source<R>,
    matching: Matching<R, P, S>,
    /// Asked before it looks ahead: of a million records, none may match.
    limits: Limits,
}

enum Source<R: RecordCodec> {
    /// In order, all found.
    Sorted(std::vec::IntoIter<Row<R>>),
    /// As they come: the snapshot, the next page to look at, what was found and not yet given.
    Unordered { snapshot: Snapshot<R>, next: usize, ahead: usize, found: std::vec::IntoIter<Row<R>> },
}

/// What a scan of the whole table still has to give, while nothing of it was given.
fn whole<R: RecordCodec, P: Predicate<R>>(snapshot: &Snapshot<R>, next: usize, predicate: &P) -> Option<usize> {
    snapshot.exact.filter(|_| next == 0 && predicate.is_all())
}

/// The query, without the engine that it was made for.
struct Matching<R: RecordCodec, P, S> {
    predicate: P,
    select: S,
    record: std::marker::PhantomData<fn() -> R>,
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> MemoryRows<R, P, S> {
    pub(super) fn new<E: Engine>(snapshot: Snapshot<R>, query: Runnable<E, R, P, S>, limits: &Limits) -> Result<Self> {
        limits.check()?;
        let source = match query.is_ordered() {
            true => Source::Sorted(snapshot.sorted(&query, limits)?.into_iter()),
            false => Source::Unordered { snapshot, next: 0, ahead: 1, found: Vec::new().into_iter() },
        };
        let (predicate, select) = (query.predicate().clone(), query.selection().clone());
        let matching = Matching { predicate, select, record: std::marker::PhantomData };
        Ok(MemoryRows { source, matching, limits: limits.clone() })
    }
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> Matching<R, P, S> {
    fn out(&self, row: &Stored<R>) -> Stored<S::Out> {
        Stored { envelope: row.envelope.clone(), record: self.select.pick(&row.record) }
    }

    fn matching<'s>(&'s self, snapshot: &'s Snapshot<R>, place: Place) -> impl Iterator<Item = Row<R>> + 's {
        snapshot.rows(place).filter(|found| self.predicate.matches(found.seen())).map(Found::held)
    }

    /// The next matching records, from these pages.
    fn look(&self, snapshot: &Snapshot<R>, places: &[Place]) -> Vec<Row<R>> {
        match places.len() {
            LOOK_AHEAD.. => places.par_iter().flat_map_iter(|place| self.matching(snapshot, *place)).collect(),
            _ => places.iter().flat_map(|place| self.matching(snapshot, *place)).collect(),
        }
    }
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> Iterator for MemoryRows<R, P, S> {
    type Item = Result<Stored<S::Out>>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = match &mut self.source {
            Source::Sorted(rows) => rows.next()?,
            Source::Unordered { snapshot, next, ahead, found } => loop {
                if let Some(row) = found.next() {
                    break row;
                }
                let places = snapshot.places.get(*next..)?;
                let places = places.get(..*ahead).unwrap_or(places);
                if places.is_empty() {
                    return None;
                }
                if let Err(stopped) = self.limits.check() {
                    *next = snapshot.places.len();
                    return Some(Err(stopped));
                }
                *found = self.matching.look(snapshot, places).into_iter();
                *next += places.len();
                *ahead = (*ahead * 2).min(LOOK_AHEAD);
            },
        };
        row.get().map(|row| Ok(self.matching.out(row)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let exact = match &self.source {
            Source::Sorted(rows) => Some(rows.len()),
            Source::Unordered { snapshot, next, .. } => whole(snapshot, *next, &self.matching.predicate),
        };
        (exact.unwrap_or(0), exact)
    }
}
