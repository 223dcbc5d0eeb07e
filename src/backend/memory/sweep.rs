//! Looking through a snapshot: page by page, on all cores where it pays.
//!
//! A program has as many predicates as queries. What is compiled for each of them is a loop over the records of a page and the
//! call that hands it to other threads; which page comes next and what becomes of the records knows the record type alone.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    locked,
    page::{PAGE, Page, Row},
    snapshot::{Place, Snapshot},
};
use crate::{
    error::{Error, Result},
    query::{Arranged, Predicate, Seen},
    record::{RecordCodec, Stored},
    store::Limits,
};

/// Records below which one thread is faster than asking rayon for more.
pub(super) const PARALLEL_ROWS: usize = 8_192;
/// Shares of the work for each thread: enough that none waits long for another, few enough that each is large.
const SHARES: usize = 8;
/// Pages between two looks at the limits.
const CHECK_EVERY: usize = 8;
// A page is told as a word with a bit for each record.
const _: () = assert!(PAGE <= u32::BITS as usize);

/// What a thread does with the records that were admitted.
pub(super) trait Taker<'s, R>: Send {
    /// What all of them are made of.
    type Aim: Copy + Send + Sync;
    /// One that has taken nothing yet.
    fn new(aim: Self::Aim) -> Self;
    /// The next records are those of this share: shares are numbered in the order of their pages.
    fn begin(&mut self, _share: usize) {}
    /// Takes the records of a page.
    fn take(&mut self, found: Admitted<'s, R>);
    /// Whether it needs no more.
    fn is_full(&self) -> bool {
        false
    }
}

/// Pages of a snapshot, to be looked through once.
pub(super) struct Sweep<'s, R: RecordCodec, T: Taker<'s, R>> {
    snapshot: &'s Snapshot<R>,
    places: &'s [Place],
    /// The query, where it begins behind a cursor.
    behind: Option<&'s Arranged<R>>,
    aim: T::Aim,
    limits: &'s Limits,
    /// Pages in a share.
    length: usize,
    /// Threads beside the caller's.
    helpers: usize,
    /// The next share.
    next: AtomicUsize,
    done: Mutex<Done<T>>,
}

/// What the threads have come to.
struct Done<T> {
    takers: Vec<T>,
    stopped: Option<Error>,
}

impl<'s, R: RecordCodec, T: Taker<'s, R>> Sweep<'s, R, T> {
    /// Over these places of a snapshot. Limits that are reached already stop it before it begins.
    pub(super) fn new(snapshot: &'s Snapshot<R>, places: &'s [Place], aim: T::Aim, limits: &'s Limits) -> Self {
        let stopped = limits.check().err();
        let places = if stopped.is_some() { &[] } else { places };
        let mut sweep = Sweep {
            snapshot,
            places,
            behind: None,
            aim,
            limits,
            length: places.len().max(1),
            helpers: 0,
            next: AtomicUsize::new(0),
            done: Mutex::new(Done { takers: Vec::new(), stopped }),
        };
        if places.len() * PAGE >= PARALLEL_ROWS {
            sweep.share_out(rayon::current_num_threads());
        }
        sweep
    }

    fn share_out(&mut self, threads: usize) {
        self.length = self.places.len().div_ceil(threads * SHARES).max(1);
        self.helpers = threads - 1;
    }

    /// Only what comes behind the query's cursor, where it has one.
    pub(super) fn behind_cursor(mut self, arranged: &'s Arranged<R>) -> Self {
        self.behind = arranged.after().map(|_| arranged);
        self
    }

    /// On this thread alone, in the order of the pages: for who will need no more soon.
    pub(super) fn alone(mut self) -> Self {
        self.length = self.places.len().max(1);
        self.helpers = 0;
        self
    }

    /// Looks through all pages.
    pub(super) fn run<P: Predicate<R>>(&self, predicate: &P) {
        if self.helpers == 0 {
            return self.work(predicate);
        }
        rayon::in_place_scope(|scope| {
            for _ in 0..self.helpers {
                scope.spawn(|_| self.work(predicate));
            }
            self.work(predicate);
        });
    }

    /// What one thread does of it. Never inlined: it has three callers, and is most of what a predicate costs the compiler.
    #[inline(never)]
    fn work<P: Predicate<R>>(&self, predicate: &P) {
        let mut part = Part::of(self);
        while let Some(page) = part.next() {
            let mut admitted = 0;
            for (at, stored) in page.iter().enumerate() {
                if let Some(stored) = stored {
                    admitted |= u32::from(predicate.matches(Seen::of(stored))) << at;
                }
            }
            part.take(admitted);
        }
        part.finish();
    }

    /// What its threads took.
    pub(super) fn finish(self) -> Result<Vec<T>> {
        let Done { takers, stopped } = self.done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        stopped.map_or(Ok(takers), Err)
    }
}

/// What one thread has of a sweep: share after share.
struct Part<'w, 's, R: RecordCodec, T: Taker<'s, R>> {
    sweep: &'w Sweep<'s, R, T>,
    /// What is left of the share.
    places: &'s [Place],
    /// The page that is looked at.
    page: Option<(Place, &'s Page<R>)>,
    taker: T,
    stopped: Option<Error>,
}

impl<'w, 's, R: RecordCodec, T: Taker<'s, R>> Part<'w, 's, R, T> {
    #[inline(never)]
    fn of(sweep: &'w Sweep<'s, R, T>) -> Self {
        Part { sweep, places: &[], page: None, taker: T::new(sweep.aim), stopped: None }
    }

    /// The next page. `None` ends the part.
    #[inline(never)]
    fn next(&mut self) -> Option<&'s Page<R>> {
        if self.taker.is_full() || self.places.is_empty() && !self.next_share() {
            return None;
        }
        let (place, rest) = self.places.split_first()?;
        if rest.len().is_multiple_of(CHECK_EVERY)
            && let Err(stopped) = self.sweep.limits.check()
        {
            self.stopped = Some(stopped);
            return None;
        }
        self.places = rest;
        let page = self.sweep.snapshot.page(*place)?;
        self.page = Some((*place, page));
        Some(page)
    }

    fn next_share(&mut self) -> bool {
        let sweep = self.sweep;
        let share = sweep.next.fetch_add(1, Ordering::Relaxed);
        let Some(places) = sweep.places.chunks(sweep.length).nth(share) else { return false };
        self.places = places;
        self.taker.begin(share);
        true
    }

    /// Hands in what was taken.
    #[inline(never)]
    fn finish(self) {
        let mut done = locked(&self.sweep.done);
        done.takers.push(self.taker);
        done.stopped = done.stopped.take().or(self.stopped);
    }

    /// Takes the records of the page that were admitted: a bit for each place.
    #[inline(never)]
    fn take(&mut self, admitted: u32) {
        let Some((place, page)) = self.page else { return };
        let mut found = Admitted { page, places: admitted };
        let snapshot = self.sweep.snapshot;
        if snapshot.hides(place) {
            found = found.only(|found| !snapshot.is_hidden(found.stored));
        }
        if let Some(arranged) = self.sweep.behind {
            found = found.only(|found| arranged.is_after_cursor(found.seen()));
        }
        self.taker.take(found);
    }
}

/// Records of one page.
pub(super) struct Admitted<'s, R> {
    page: &'s Page<R>,
    /// A bit for each place.
    places: u32,
}

impl<'s, R> Admitted<'s, R> {
    fn only(self, mut keep: impl FnMut(Found<'s, R>) -> bool) -> Self {
        let Admitted { page, places } = self;
        let kept = Admitted { page, places }.filter(|found| keep(*found)).fold(0, |kept, found| kept | 1 << found.at);
        Admitted { page, places: kept }
    }
}

impl<'s, R> Iterator for Admitted<'s, R> {
    type Item = Found<'s, R>;

    #[inline]
    fn next(&mut self) -> Option<Found<'s, R>> {
        let at = self.places.trailing_zeros();
        let stored = self.page.get(at as usize)?.as_ref()?;
        self.places &= self.places - 1;
        Some(Found { stored, page: self.page, at })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let records = self.places.count_ones() as usize;
        (records, Some(records))
    }
}

impl<R> ExactSizeIterator for Admitted<'_, R> {}

/// A record in a snapshot, and where it is: 24 bytes, as semantics 6.1 states.
pub(super) struct Found<'s, R> {
    pub(super) stored: &'s Stored<R>,
    page: &'s Page<R>,
    at: u32,
}

impl<R> Clone for Found<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R> Copy for Found<'_, R> {}

impl<'s, R> Found<'s, R> {
    #[inline]
    pub(super) fn seen(&self) -> Seen<'s, R> {
        Seen::of(self.stored)
    }

    /// The record, held beyond the snapshot.
    pub(super) fn held(self) -> Row<R> {
        Row::at(self.page, self.at as usize)
    }
}
