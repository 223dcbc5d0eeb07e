//! What a query sees: the records that were there when it began. Writers go on meanwhile (semantics 6.3).

use std::{cmp::Ordering, collections::HashSet, ops::Range, sync::Arc};

use rayon::prelude::*;

use super::table::{CHUNK, Chunk, Row, Table};
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
/// Chunks that a stream tests at once at most: it looks ahead no further.
const LOOK_AHEAD: usize = 64;

/// The records of a table at one moment.
pub(super) struct Snapshot<R: RecordCodec> {
    chunks: Vec<Arc<Chunk<R>>>,
    /// How many records at most.
    rows: usize,
    /// How many records exactly, where that is known.
    exact: Option<usize>,
    /// Ids whose records a transaction sees differently.
    hidden: HashSet<Id>,
}

impl<R: RecordCodec> Snapshot<R> {
    /// The table as it is now: all shards are locked together, so a commit is seen whole or not at all.
    pub(super) fn of(table: &Table<R>) -> Snapshot<R> {
        let shards = table.lock_all();
        let chunks = shards.iter().flat_map(|shard| shard.chunks.iter().cloned()).collect();
        let rows = shards.iter().map(|shard| shard.slots()).sum();
        let exact = Some(shards.iter().map(|shard| shard.records()).sum());
        Snapshot { chunks, rows, exact, hidden: HashSet::new() }
    }

    /// The same with some records replaced: what a transaction sees.
    pub(super) fn overlaid(mut self, hidden: HashSet<Id>, instead: Vec<Row<R>>) -> Snapshot<R> {
        self.hidden = hidden;
        self.exact = None;
        self.rows += instead.len();
        self.chunks.push(Arc::new(instead.into_iter().map(Some).collect()));
        self
    }

    /// The same records in at least one and at most so many parts of whole chunks.
    pub(super) fn split(mut self, parts: usize) -> Vec<Snapshot<R>> {
        let length = self.chunks.len().div_ceil(parts).max(1);
        let mut shares = Vec::new();
        while self.chunks.len() > length {
            let mut chunks: Vec<_> = self.chunks.drain(..length).collect();
            if !self.hidden.is_empty() {
                // The last chunk is the transaction's own: here it has none.
                chunks.push(Arc::default());
            }
            shares.push(Snapshot { chunks, rows: length * CHUNK, exact: None, hidden: self.hidden.clone() });
        }
        self.exact = self.exact.filter(|_| shares.is_empty());
        shares.push(self);
        shares
    }

    /// Where the records of a chunk begin to be a transaction's own.
    fn is_own(&self, place: usize) -> bool {
        place + 1 == self.chunks.len()
    }

    /// The records of a chunk that are to be seen.
    fn rows(&self, place: usize) -> impl Iterator<Item = &Row<R>> {
        let all = self.hidden.is_empty() || self.is_own(place);
        let chunk = self.chunks.get(place).map_or(&[][..], |chunk| chunk.as_slice());
        chunk.iter().flatten().filter(move |row| all || !self.hidden.contains(row.envelope.id()))
    }

    /// The records of a chunk that a query admits.
    fn admitted<'s, E: Engine, P: Predicate<R>, S: Select<R>>(
        &'s self,
        place: usize,
        query: &'s Runnable<E, R, P, S>,
    ) -> impl Iterator<Item = &'s Row<R>> {
        self.rows(place).filter(move |row| query.admits(seen(row)))
    }

    /// Runs `work` over the chunks: on all cores where it pays, on this thread where not.
    fn over_chunks<T: Send>(
        &self,
        limits: &Limits,
        work: impl Fn(&mut T, usize) + Send + Sync,
        empty: impl Fn() -> T + Send + Sync,
        merge: impl Fn(T, T) -> T + Send + Sync,
    ) -> Result<T> {
        let share = |places: Range<usize>| {
            let mut all = empty();
            for place in places {
                limits.check()?;
                work(&mut all, place);
            }
            Ok(all)
        };
        let chunks = self.chunks.len();
        if self.rows < PARALLEL_ROWS {
            return share(0..chunks);
        }
        let length = chunks.div_ceil(rayon::current_num_threads() * SHARES).max(1);
        let shares = (0..chunks.div_ceil(length)).into_par_iter();
        let done = shares.map(|n| share(n * length..chunks.min((n + 1) * length)));
        done.try_reduce(&empty, |a, b| Ok(merge(a, b)))
    }

    /// Every record to be seen, chunk by chunk, folded on all cores where it pays.
    pub(super) fn fold<T: Send>(
        &self,
        limits: &Limits,
        add: impl Fn(&mut T, &Row<R>) + Send + Sync,
        empty: impl Fn() -> T + Send + Sync,
        merge: impl Fn(T, T) -> T + Send + Sync,
    ) -> Result<T> {
        self.over_chunks(limits, |all, place| self.rows(place).for_each(|row| add(all, row)), empty, merge)
    }

    pub(super) fn count<E: Engine, P: Predicate<R>, S: Select<R>>(
        &self,
        query: &Runnable<E, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        if let Some(limit) = query.limit() {
            return self.count_some(query, query.offset().saturating_add(limit), limits);
        }
        let count = |all: &mut u64, place: usize| *all += self.admitted(place, query).count() as u64;
        let all = self.over_chunks(limits, count, || 0, |a, b| a + b)?;
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
        for place in 0..self.chunks.len() {
            limits.check()?;
            found += self.admitted(place, query).take(most - found).count();
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
            |best: &mut _, place: usize| self.admitted(place, query).for_each(|row| Best::add(best, row, order));
        let best = self.over_chunks(limits, collect, || Best::empty(most), |a, b| a.merge(b, order))?;
        let mut rows = best.rows;
        match most {
            None if rows.len() >= PARALLEL_ROWS => rows.par_sort_unstable_by(|a, b| compare(order, a, b)),
            _ => rows.sort_unstable_by(|a, b| compare(order, a, b)),
        }
        rows.truncate(most.unwrap_or(usize::MAX));
        Ok(rows.into_iter().skip(query.offset()).cloned().collect())
    }
}

fn seen<R>(row: &Row<R>) -> Seen<'_, R> {
    Seen { record: &row.record, envelope: &row.envelope }
}

fn compare<R: RecordCodec>(order: &Ordered<R>, a: &Row<R>, b: &Row<R>) -> Ordering {
    order.compare(seen(a), seen(b))
}

/// The first so many records of an order among those that were shown to it. It keeps up to twice as many, so that it
/// sorts out the rest seldom.
struct Best<'s, R> {
    rows: Vec<&'s Row<R>>,
    most: Option<usize>,
    /// A record that is not better than this one is not among the first.
    worst: Option<&'s Row<R>>,
}

impl<'s, R: RecordCodec> Best<'s, R> {
    fn empty(most: Option<usize>) -> Self {
        Best { rows: Vec::new(), most, worst: None }
    }

    #[inline]
    fn add(&mut self, row: &'s Row<R>, order: &Ordered<R>) {
        if self.worst.is_some_and(|worst| compare(order, row, worst).is_ge()) {
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
}

enum Source<R: RecordCodec> {
    /// In order, all found.
    Sorted(std::vec::IntoIter<Row<R>>),
    /// As they come: the snapshot, the next chunk to look at, what was found and not yet given.
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
        Ok(MemoryRows { source, matching: Matching { predicate, select, record: std::marker::PhantomData } })
    }
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> Matching<R, P, S> {
    fn out(&self, row: Row<R>) -> Stored<S::Out> {
        match Arc::try_unwrap(row) {
            Ok(Stored { envelope, record }) => Stored { envelope, record: self.select.take(record) },
            Err(row) => Stored { envelope: row.envelope.clone(), record: self.select.pick(&row.record) },
        }
    }

    fn chunk(&self, snapshot: &Snapshot<R>, place: usize) -> Vec<Row<R>> {
        snapshot.rows(place).filter(|row| self.predicate.matches(seen(row))).cloned().collect()
    }

    /// The next matching records, from at most `ahead` chunks.
    fn look(&self, snapshot: &Snapshot<R>, from: usize, ahead: usize) -> Vec<Row<R>> {
        let end = from.saturating_add(ahead).min(snapshot.chunks.len());
        match ahead {
            LOOK_AHEAD.. => (from..end).into_par_iter().flat_map_iter(|place| self.chunk(snapshot, place)).collect(),
            _ => (from..end).flat_map(|place| self.chunk(snapshot, place)).collect(),
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
                if *next >= snapshot.chunks.len() {
                    return None;
                }
                *found = self.matching.look(snapshot, *next, *ahead).into_iter();
                *next += *ahead;
                *ahead = (*ahead * 2).min(LOOK_AHEAD);
            },
        };
        Some(Ok(self.matching.out(row)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let exact = match &self.source {
            Source::Sorted(rows) => Some(rows.len()),
            Source::Unordered { snapshot, next, .. } => whole(snapshot, *next, &self.matching.predicate),
        };
        (exact.unwrap_or(0), exact)
    }
}
