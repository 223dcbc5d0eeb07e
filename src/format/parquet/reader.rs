//! Records out of a Parquet file: the columns of pieces read on rayon, records decoded one by one and given in the order of
//! the file.

use std::sync::Arc;

use rayon::prelude::*;

use super::{
    layout::Opened,
    scan::{Found, Hits, Lane, Piece, Pruning, Scan},
    source::{Input, Source},
};
use crate::{
    error::{Error, Result},
    query::Predicate,
    record::RecordCodec,
};

/// The records of a Parquet file.
///
/// Before the first record is asked for it can be narrowed with [`filter`](ParquetReader::filter), asked what it
/// [will read](ParquetReader::pruning), or [counted](ParquetReader::count_rows) without decoding.
pub struct ParquetReader<R: RecordCodec>(Rows<R>);

/// The rows of a file with their ordinals and envelopes.
pub struct Rows<R: RecordCodec, I: Source = Input> {
    scan: Scan<R, I>,
    /// What is still to be read; planned when the first row is asked for.
    pieces: Option<std::vec::IntoIter<Piece>>,
    part: (usize, usize),
    lane: Option<Lane>,
    ready: std::vec::IntoIter<Hits>,
    current: Hits,
    /// Pieces to take next time: one at first, so that the first row is not waited for.
    ahead: usize,
}

impl<R: RecordCodec, I: Source> Rows<R, I> {
    pub(super) fn new(opened: Arc<Opened<I>>, shape: R::Shape) -> Result<Rows<R, I>> {
        Ok(Rows {
            scan: Scan::new(opened, shape)?,
            pieces: None,
            part: (0, 1),
            lane: None,
            ready: Vec::new().into_iter(),
            current: Hits::default(),
            ahead: 1,
        })
    }

    /// Only rows of which the predicate is true. Row groups and pages that statistics rule out are not read; of the others
    /// the columns of the predicate are read first, and the rest of what is left.
    ///
    /// # Errors
    /// `Query` where it does not fit the schema, `Unsupported` for a predicate without a data form.
    pub fn filter(mut self, predicate: impl Predicate<R>) -> Result<Rows<R, I>> {
        predicate.check()?;
        let own = || Error::unsupported("a predicate of one's own code has no form as data; filter the iterator");
        let filter = predicate.lower().ok_or_else(own)?;
        match &mut self.scan.filter {
            Some(bound) => bound.narrowed(filter)?,
            none => *none = Some(filter.bind(&self.scan.shape)?),
        }
        Ok(self)
    }

    /// Reads what the file has of the envelopes, too.
    #[must_use]
    pub fn with_envelope(mut self) -> Rows<R, I> {
        self.scan.envelope = true;
        self
    }

    /// Only the rows of these ordinals, which ascend. Statistics are not asked.
    #[must_use]
    pub fn only(mut self, ordinals: &[u64]) -> Rows<R, I> {
        self.pieces = Some(self.scan.pieces_of(ordinals).into_iter());
        self
    }

    /// Page by page, so that one which is damaged takes no more rows with it than it must.
    #[cfg(feature = "file")]
    pub(crate) fn by_page(mut self) -> Rows<R, I> {
        self.pieces = Some(self.scan.smallest().into_iter());
        self
    }

    /// Only one of so many parts, which together are the whole and have no row in common.
    #[must_use]
    pub fn part(mut self, part: usize, of: usize) -> Rows<R, I> {
        self.part = (part, of.max(1));
        self
    }

    /// What will be read.
    pub fn pruning(&self) -> Pruning {
        self.scan.plan(true).1
    }

    /// How many rows there are; without a predicate by metadata alone, else by the columns of the predicate.
    ///
    /// # Errors
    /// `Corrupt` where those do not read.
    pub fn count_rows(self) -> Result<u64> {
        let pieces = self.pieces.unwrap_or_else(|| planned(&self.scan, self.part, false));
        let scan = &self.scan;
        pieces.as_slice().par_iter().map(|piece| scan.count(piece)).try_reduce(|| 0, |a, b| Ok(a + b))
    }

    /// Takes some pieces and reads them. Says whether there was anything.
    fn refill(&mut self) -> bool {
        if self.lane.is_some() {
            return self.refill_from_lane();
        }
        let scan = &self.scan;
        let pieces = self.pieces.get_or_insert_with(|| planned(scan, self.part, true));
        let mut batch: Vec<Piece> = Vec::new();
        while batch.len() < self.ahead {
            match pieces.next() {
                None => break,
                Some(long) if scan.is_long(&long) && batch.is_empty() => {
                    match scan.stream(&long) {
                        Ok(lane) => self.lane = Some(lane),
                        Err(error) => self.current = error.into(),
                    }
                    return true;
                }
                // A long one waits until what is before it was given.
                Some(long) if scan.is_long(&long) => {
                    let rest: Vec<Piece> = std::iter::once(long).chain(pieces.by_ref()).collect();
                    self.pieces = Some(rest.into_iter());
                    break;
                }
                Some(piece) => batch.push(piece),
            }
        }
        self.ahead = 2 * rayon::current_num_threads();
        let read: Vec<_> = match batch.as_slice() {
            [] => return false,
            [only] => vec![scan.hits(only)],
            many => many.par_iter().map(|piece| scan.hits(piece)).collect(),
        };
        self.ready = read.into_iter();
        true
    }

    fn refill_from_lane(&mut self) -> bool {
        let Some(mut lane) = self.lane.take() else { return false };
        let mut batches = Vec::new();
        while batches.len() < 2 * rayon::current_num_threads() {
            match self.scan.next_of(&mut lane) {
                Some(batch) => batches.push(batch),
                None => break,
            }
        }
        let whole = batches.is_empty();
        let (scan, sure) = (&self.scan, lane.sure);
        let read = batches.into_par_iter().map(|batch| match batch {
            Ok(batch) => scan.hits_of(batch, sure),
            Err(error) => error.into(),
        });
        self.ready = read.collect::<Vec<_>>().into_iter();
        self.lane = (!whole).then_some(lane);
        true
    }
}

/// The pieces of one part of a scan.
fn planned<R: RecordCodec, I: Source>(
    scan: &Scan<R, I>,
    part: (usize, usize),
    ordered: bool,
) -> std::vec::IntoIter<Piece> {
    let mut pieces = scan.plan(ordered).0;
    let mut number = 0;
    pieces.retain(|_| {
        number += 1;
        (number - 1) % part.1 == part.0
    });
    pieces.into_iter()
}

impl<R: RecordCodec, I: Source> Iterator for Rows<R, I> {
    type Item = Result<Found<R>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.scan.next_hit(&mut self.current) {
                return Some(row);
            }
            if let Some(next) = self.ready.next() {
                self.current = next;
                continue;
            }
            if !self.refill() {
                return None;
            }
        }
    }
}

impl<R: RecordCodec> ParquetReader<R> {
    pub(super) fn new(opened: Arc<Opened<Input>>, shape: R::Shape) -> Result<ParquetReader<R>> {
        Ok(ParquetReader(Rows::new(opened, shape)?))
    }
    /// See [`Rows::filter`].
    ///
    /// # Errors
    /// `Query` where it does not fit the schema, `Unsupported` for a predicate without a data form.
    pub fn filter(self, predicate: impl Predicate<R>) -> Result<ParquetReader<R>> {
        Ok(ParquetReader(self.0.filter(predicate)?))
    }
    /// What will be read.
    pub fn pruning(&self) -> Pruning {
        self.0.pruning()
    }
    /// See [`Rows::count_rows`].
    ///
    /// # Errors
    /// `Corrupt` where the columns of the predicate do not read.
    pub fn count_rows(self) -> Result<u64> {
        self.0.count_rows()
    }
    /// The rows with their ordinals.
    pub fn rows(self) -> Rows<R> {
        self.0
    }
}

impl<R: RecordCodec> Iterator for ParquetReader<R> {
    type Item = Result<R>;
    fn next(&mut self) -> Option<Result<R>> {
        Some(self.0.next()?.map(|found| found.record))
    }
}
