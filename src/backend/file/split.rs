//! Splitting: the blocks of the base and the parts of the overlay, shared out by their numbers.

use super::{
    Files,
    core::View,
    disk::Disk,
    query::{self, FileRows},
    store::FileStore,
};
use crate::{
    error::Result,
    query::{Predicate, Runnable, Select},
    record::RecordCodec,
    store::{Limits, Split},
};

/// The most parts that are made: as many as the overlay has. A part more would only cut the file once more for nothing.
const PARTS_MAX: usize = 64;

/// Each part cuts the whole file into blocks, which is cheap, and parses its own.
impl<R: RecordCodec, D: Disk> Split<R> for FileStore<R, D> {
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Files<D>, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<FileRows<R, P, S, D>>> {
        limits.check()?;
        self.core.refresh()?;
        parts_of(self, &self.core.snapshot(), &query, parts, limits)
    }
}

/// The parts of a query on one state of a store.
pub(super) fn parts_of<R: RecordCodec, P: Predicate<R>, S: Select<R>, D: Disk>(
    store: &FileStore<R, D>,
    view: &View<D>,
    query: &Runnable<Files<D>, R, P, S>,
    parts: usize,
    limits: &Limits,
) -> Result<Vec<FileRows<R, P, S, D>>> {
    let parts = parts.clamp(1, PARTS_MAX);
    (0..parts).map(|part| query::unordered(store, view.clone(), query, (part, parts), limits)).collect()
}
