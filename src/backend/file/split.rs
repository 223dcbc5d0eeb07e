//! Splitting: the blocks of the base and the parts of the overlay, shared out by their numbers.

use super::{
    Files,
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
        let (view, parts) = (self.core.snapshot(), parts.clamp(1, PARTS_MAX));
        (0..parts).map(|part| query::unordered(self, view.clone(), &query, (part, parts), limits)).collect()
    }
}
