//! [`Stream`]: the records of a query, one after the other, with progress.

use std::{
    iter::FusedIterator,
    time::{Duration, Instant},
};

use crate::{error::Result, query::Cursor, record::Stored, store::limits::Limits};

/// The records of a query, read as they are asked for. Dropping it early frees what it holds (semantics 6.4).
#[derive(Debug)]
pub struct Stream<I> {
    rows: I,
    limits: Limits,
    /// The store's name, for errors.
    store: String,
    done: u64,
    total: Option<u64>,
    started: Instant,
    ended: bool,
}

impl<I: Iterator> Stream<I> {
    /// Rows that know their number exactly, by their size hint, give the stream its total.
    pub(crate) fn new(rows: I, limits: Limits, store: &str) -> Stream<I> {
        let total = match rows.size_hint() {
            (least, Some(most)) if least == most => Some(least as u64),
            _ => None,
        };
        Stream { rows, limits, store: store.to_owned(), done: 0, total, started: Instant::now(), ended: false }
    }
}

impl<I> Stream<I> {
    /// How far it has come (semantics 6.6).
    pub fn progress(&self) -> Progress {
        Progress { done: self.done, total: self.total, elapsed: self.started.elapsed() }
    }
}

impl<T, I: Iterator<Item = Result<T>>> Iterator for Stream<I> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if self.ended {
            return None;
        }
        // Between chunks, so that a clock is not read for every record.
        if self.done.is_multiple_of(self.limits.chunk as u64)
            && let Err(stopped) = self.limits.check()
        {
            self.ended = true;
            return Some(Err(stopped.in_store(&self.store)));
        }
        let row = self.rows.next();
        match &row {
            Some(Ok(_)) => self.done += 1,
            Some(Err(_)) => return row.map(|failed| failed.map_err(|e| e.in_store(&self.store))),
            None => self.ended = true,
        }
        row
    }
}

impl<T, I: Iterator<Item = Result<T>>> FusedIterator for Stream<I> {}

/// How far a long call has come (semantics 6.6).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Records done.
    pub done: u64,
    /// Records in all, where the engine knew it without more work when the stream began.
    pub total: Option<u64>,
    /// Time since the start.
    pub elapsed: Duration,
}

impl Progress {
    /// Records a second, so far.
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.done as f64 / seconds } else { 0.0 }
    }
}

/// One page of an ordered query (semantics 4.3).
#[derive(Clone, Debug)]
pub struct Page<R> {
    /// The records of the page.
    pub rows: Vec<Stored<R>>,
    /// Where the next page begins; `None` where this one was the last.
    pub next: Option<Cursor>,
}
