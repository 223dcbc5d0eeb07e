//! What a query sees: the records that were there when it began. Writers go on meanwhile (semantics 6.3).

use std::{cmp::Ordering, collections::HashSet, sync::Arc};

use rayon::prelude::*;

use super::{
    page::{Page, Pages, Row},
    sweep::{Admitted, Found, PARALLEL_ROWS, Sweep, Taker},
    table::Table,
};
use crate::{
    error::Result,
    id::Id,
    query::{Arranged, Ordered, Predicate},
    record::{RecordCodec, Stored},
    store::Limits,
};

/// The records of a table at one moment.
pub(super) struct Snapshot<R: RecordCodec> {
    /// Behind a count: parts share it, and to let go of it takes a query a line, not a loop over what it holds.
    records: Arc<Records<R>>,
    /// All pages to be looked at.
    places: Vec<Place>,
    /// How many records exactly, where that is known.
    exact: Option<usize>,
}

struct Records<R: RecordCodec> {
    /// The pages of each shard and, behind them, of a transaction.
    shards: Vec<Pages<R>>,
    /// Ids whose records a transaction sees differently.
    hidden: HashSet<Id>,
}

/// Which page: the shard, and the number in it.
#[derive(Clone, Copy)]
pub(super) struct Place {
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
        Snapshot { records: Arc::new(Records { shards, hidden: HashSet::new() }), places, exact }
    }

    /// The same with some records replaced: what a transaction sees.
    pub(super) fn overlaid(mut self, hidden: HashSet<Id>, instead: Vec<Row<R>>) -> Snapshot<R> {
        let own = Pages::of(instead.into_iter().map(Row::into_page).collect());
        let shards = &self.records.shards;
        self.places.extend(Place::all(shards.len(), &own));
        let shards = shards.iter().cloned().chain([own]).collect();
        Snapshot { records: Arc::new(Records { shards, hidden }), exact: None, ..self }
    }

    /// The same records in at least one and at most so many parts of whole pages.
    pub(super) fn split(self, parts: usize) -> Vec<Snapshot<R>> {
        let length = self.places.len().div_ceil(parts).max(1);
        if self.places.len() <= length {
            return vec![self];
        }
        let part = |places: &[Place]| Snapshot { records: self.records.clone(), places: places.to_vec(), exact: None };
        self.places.chunks(length).map(part).collect()
    }

    /// All its pages.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// How many records there are exactly, where that is known.
    pub(super) fn exact(&self) -> Option<usize> {
        self.exact
    }

    pub(super) fn page(&self, place: Place) -> Option<&Page<R>> {
        self.records.shards.get(place.shard as usize)?.list().get(place.number as usize)
    }

    /// Whether some records of a page may be hidden. The pages of a transaction, where there are any, are the last shard's.
    #[inline]
    pub(super) fn hides(&self, place: Place) -> bool {
        !self.records.hidden.is_empty() && place.shard as usize + 1 < self.records.shards.len()
    }

    pub(super) fn is_hidden(&self, stored: &Stored<R>) -> bool {
        self.records.hidden.contains(stored.envelope.id())
    }

    /// How many records a query has.
    pub(super) fn count<P: Predicate<R>>(&self, predicate: &P, arranged: &Arranged<R>, limits: &Limits) -> Result<u64> {
        let sweep = self.sweep(arranged, Aim::count(arranged), limits);
        sweep.run(predicate);
        counted(sweep, arranged)
    }

    /// The records of a query, in its order where it has one.
    pub(super) fn find<'s, P: Predicate<R>>(
        &'s self,
        predicate: &P,
        arranged: &'s Arranged<R>,
        limits: &'s Limits,
    ) -> Result<Vec<Found<'s, R>>> {
        let sweep = self.sweep(arranged, Aim::find(arranged), limits);
        sweep.run(predicate);
        found(sweep, arranged)
    }

    /// The records at these places of which a predicate is true, in the order of the places.
    pub(super) fn look<P: Predicate<R>>(
        &self,
        predicate: &P,
        places: &[Place],
        limits: &Limits,
    ) -> Result<Vec<Row<R>>> {
        let sweep = Sweep::new(self, places, Aim::All, limits);
        sweep.run(predicate);
        held(sweep)
    }

    fn sweep<'s>(&'s self, arranged: &'s Arranged<R>, aim: Aim<'s, R>, limits: &'s Limits) -> Search<'s, R> {
        let sweep = Sweep::new(self, &self.places, aim, limits).behind_cursor(arranged);
        // Who counts no further than it must does so page after page.
        if matches!(aim, Aim::Count { most: Some(_) }) { sweep.alone() } else { sweep }
    }
}

impl Place {
    fn all<R>(shard: usize, pages: &Pages<R>) -> impl Iterator<Item = Place> {
        (0..pages.list().len() as u32).map(move |number| Place { shard: shard as u32, number })
    }
}

type Search<'s, R> = Sweep<'s, R, Taken<'s, R>>;

/// What is wanted of the records that a query admits.
enum Aim<'s, R> {
    /// How many there are, up to a limit.
    Count { most: Option<usize> },
    /// All, in the order of their pages.
    All,
    /// The first so many of an order.
    First { most: usize, order: &'s Ordered<R> },
}

impl<R> Clone for Aim<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R> Copy for Aim<'_, R> {}

impl<'s, R: RecordCodec> Aim<'s, R> {
    fn count(arranged: &Arranged<R>) -> Self {
        Aim::Count { most: arranged.most() }
    }

    fn find(arranged: &'s Arranged<R>) -> Self {
        arranged.most().map_or(Aim::All, |most| Aim::First { most, order: arranged.order() })
    }
}

/// What was taken for an [`Aim`].
enum Taken<'s, R> {
    Count {
        found: usize,
        most: usize,
    },
    /// By the number of the share.
    All(Vec<(usize, Vec<Found<'s, R>>)>),
    First(Best<'s, R>),
}

impl<'s, R: RecordCodec> Taker<'s, R> for Taken<'s, R> {
    type Aim = Aim<'s, R>;

    fn new(aim: Aim<'s, R>) -> Self {
        match aim {
            Aim::Count { most } => Taken::Count { found: 0, most: most.unwrap_or(usize::MAX) },
            Aim::All => Taken::All(Vec::new()),
            Aim::First { most, order } => Taken::First(Best { rows: Vec::new(), most, order, worst: None }),
        }
    }

    fn begin(&mut self, share: usize) {
        if let Taken::All(shares) = self {
            shares.push((share, Vec::new()));
        }
    }

    #[inline]
    fn take(&mut self, found: Admitted<'s, R>) {
        match self {
            Taken::Count { found: all, .. } => *all += found.len(),
            Taken::All(shares) => {
                if let Some((_, rows)) = shares.last_mut() {
                    rows.extend(found);
                }
            }
            Taken::First(best) => found.for_each(|row| best.add(row)),
        }
    }

    fn is_full(&self) -> bool {
        match self {
            Taken::Count { found, most } => found >= most,
            Taken::All(_) => false,
            Taken::First(best) => best.most == 0,
        }
    }
}

#[inline(never)]
fn counted<R: RecordCodec>(sweep: Search<'_, R>, arranged: &Arranged<R>) -> Result<u64> {
    let count = |taken: &Taken<'_, R>| if let Taken::Count { found, .. } = taken { *found } else { 0 };
    let found: usize = sweep.finish()?.iter().map(count).sum();
    Ok(found.min(arranged.most().unwrap_or(usize::MAX)).saturating_sub(arranged.offset()) as u64)
}

#[inline(never)]
fn found<'s, R: RecordCodec>(sweep: Search<'s, R>, arranged: &Arranged<R>) -> Result<Vec<Found<'s, R>>> {
    let mut rows = all(sweep.finish()?);
    if !arranged.is_ordered() {
        return Ok(rows);
    }
    let order = arranged.order();
    match rows.len() {
        PARALLEL_ROWS.. => rows.par_sort_unstable_by(|a, b| compare(order, a, b)),
        _ => rows.sort_unstable_by(|a, b| compare(order, a, b)),
    }
    rows.truncate(arranged.most().unwrap_or(usize::MAX));
    rows.drain(..arranged.offset().min(rows.len()));
    Ok(rows)
}

fn held<R: RecordCodec>(sweep: Search<'_, R>) -> Result<Vec<Row<R>>> {
    Ok(all(sweep.finish()?).into_iter().map(Found::held).collect())
}

/// What all threads took, in the order of the pages where all was to be taken.
fn all<'s, R: RecordCodec>(takers: Vec<Taken<'s, R>>) -> Vec<Found<'s, R>> {
    let mut shares = Vec::new();
    for taken in takers {
        match taken {
            Taken::Count { .. } => {}
            Taken::All(more) => shares.extend(more),
            Taken::First(best) => shares.push((shares.len(), best.rows)),
        }
    }
    shares.sort_unstable_by_key(|(share, _)| *share);
    match shares.as_mut_slice() {
        [(_, rows)] => std::mem::take(rows),
        _ => shares.into_iter().map(|(_, rows)| rows).collect::<Vec<_>>().concat(),
    }
}

fn compare<R: RecordCodec>(order: &Ordered<R>, a: &Found<'_, R>, b: &Found<'_, R>) -> Ordering {
    order.compare(a.seen(), b.seen())
}

/// The first so many records of an order among those that were shown to it. It keeps up to twice as many, so that it
/// sorts out the rest seldom.
struct Best<'s, R> {
    rows: Vec<Found<'s, R>>,
    most: usize,
    order: &'s Ordered<R>,
    /// A record that is not better than this one is not among the first.
    worst: Option<Found<'s, R>>,
}

impl<'s, R: RecordCodec> Best<'s, R> {
    #[inline]
    fn add(&mut self, row: Found<'s, R>) {
        if self.worst.is_some_and(|worst| compare(self.order, &row, &worst).is_ge()) {
            return;
        }
        self.rows.push(row);
        if self.rows.len() >= self.most.saturating_mul(2).max(64) {
            self.sort_out();
        }
    }

    fn sort_out(&mut self) {
        if self.most >= self.rows.len() {
            return;
        }
        let order = self.order;
        // `most` is not zero: nothing is taken then.
        let last = self.most.saturating_sub(1);
        let (_, worst, _) = self.rows.select_nth_unstable_by(last, |a, b| compare(order, a, b));
        self.worst = Some(*worst);
        self.rows.truncate(self.most);
    }
}
