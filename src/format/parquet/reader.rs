//! Records out of a Parquet file: the columns of pieces read on rayon while records of those before them are asked for, decoded
//! one by one and given in the order of the file.

use std::{collections::VecDeque, sync::Arc};

use rayon::prelude::*;

use super::{
    decode::Place,
    layout::Opened,
    scan::{Found, Hits, Lane, Piece, Pruning, Scan, joined},
    source::{Input, Source},
};
use crate::{
    error::{Error, Result},
    format::{
        as_done::AsDone,
        beside::{self, Beside},
        lowered,
    },
    query::Predicate,
    record::RecordCodec,
};

/// The records of a Parquet file.
///
/// Before the first record is asked for it can be narrowed with [`matching`](ParquetReader::matching), asked what it
/// [will read](ParquetReader::pruning), or [counted](ParquetReader::count_rows) without decoding.
pub struct ParquetReader<R: RecordCodec>(Rows<R>);

/// The rows of a file with their ordinals and envelopes.
pub struct Rows<R: RecordCodec, I: Source = Input> {
    scan: Arc<Scan<R, I>>,
    /// What is still to be read; planned when the first row is asked for.
    pieces: Option<std::vec::IntoIter<Piece>>,
    part: (usize, usize),
    /// A piece that is read as a stream, when what is before it was given.
    lane: Option<Lane>,
    ready: VecDeque<Beside<Hits>>,
    /// Pieces that are given as they are read, where their order is nobody's business.
    as_read: Option<AsDone<Hits>>,
    current: Hits,
    /// Whether anything was read; the first row does not wait for what is read ahead of it.
    begun: bool,
}

impl<R: RecordCodec, I: Source> Rows<R, I> {
    pub(super) fn new(opened: Arc<Opened<I>>, shape: R::Shape) -> Result<Rows<R, I>> {
        Ok(Rows {
            scan: Arc::new(Scan::new(opened, shape)?),
            pieces: None,
            part: (0, 1),
            lane: None,
            ready: VecDeque::new(),
            as_read: None,
            current: Hits::default(),
            begun: false,
        })
    }

    /// Only rows of which the predicate is true. Row groups and pages that statistics rule out are not read; of the others
    /// the columns of the predicate are read first, and the rest of what is left.
    ///
    /// # Errors
    /// `Query` where it does not fit the schema, `Unsupported` for a predicate without a data form.
    pub fn matching(mut self, predicate: impl Predicate<R>) -> Result<Rows<R, I>> {
        let filter = lowered(&predicate)?;
        let scan = Arc::make_mut(&mut self.scan);
        match &mut scan.filter {
            Some(bound) => bound.narrowed(filter)?,
            none => *none = Some(filter.bind(&scan.shape)?),
        }
        Ok(self)
    }

    /// Reads what the file has of the envelopes, too.
    #[must_use]
    pub fn with_envelope(mut self) -> Rows<R, I> {
        let scan = Arc::make_mut(&mut self.scan);
        scan.envelope = scan.layout.columns.iter().any(|column| column.place == Place::Envelope);
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

    /// Gives rows as they are read: what takes longer than others does not hold them up.
    #[must_use]
    pub fn in_any_order(mut self) -> Rows<R, I> {
        self.as_read = Some(AsDone::new());
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

    /// Goes on to the next hits. Says whether there were any left to go on to.
    fn advance(&mut self) -> bool {
        if self.ready.is_empty() && self.lane.is_some() {
            self.read_lane();
        }
        if self.lane.is_none() {
            self.read_ahead();
        }
        self.begun = true;
        let as_read = |as_read: &mut AsDone<Hits>| (as_read.coming() > 0).then(|| as_read.get().unwrap_or_else(gone));
        let ready = self.ready.pop_front().map(|ready| ready.get().unwrap_or_else(gone));
        match ready.or_else(|| self.as_read.as_mut().and_then(as_read)) {
            Some(hits) => self.current = hits,
            None => return self.lane.is_some(),
        }
        true
    }

    /// Takes some pieces and has them read. On a thread of rayon they are read before this returns: one that waits there
    /// might wait for itself.
    fn read_ahead(&mut self) {
        let scan = &self.scan;
        let pieces = self.pieces.get_or_insert_with(|| planned(scan, self.part, true));
        let is_inside = !beside::is_possible();
        // Enough to go on with while whoever takes the records waits for a core that has work of its own.
        let most = if self.begun { 4 * rayon::current_num_threads() } else { 1 };
        if is_inside && !self.ready.is_empty() {
            return;
        }
        let mut taken: Vec<Piece> = Vec::new();
        let coming = self.as_read.as_ref().map_or(0, AsDone::coming);
        while self.ready.len() + coming + taken.len() < most
            && let Some(piece) = pieces.as_slice().first()
        {
            if scan.is_long(piece) || is_streamed(scan, self.part.1) {
                match scan.stream(piece) {
                    Ok(lane) => self.lane = Some(lane),
                    Err(error) => self.ready.push_back(Beside::Done(error.into())),
                }
                pieces.next();
                break;
            }
            taken.extend(pieces.next());
        }
        if self.begun && !is_inside {
            for piece in taken {
                let scan = scan.clone();
                let read = move || scan.hits(&piece);
                match &mut self.as_read {
                    Some(as_read) => as_read.start(read),
                    None => self.ready.push_back(Beside::start(read)),
                }
            }
            return;
        }
        let read: Vec<_> = match taken.as_slice() {
            [only] => vec![scan.hits(only)],
            many => many.par_iter().map(|piece| scan.hits(piece)).collect(),
        };
        self.ready.extend(read.into_iter().map(Beside::Done));
    }

    /// Reads some batches of a long piece.
    fn read_lane(&mut self) {
        let Some(mut lane) = self.lane.take() else { return };
        let mut batches = Vec::new();
        let most = if self.part.1 > 1 { 1 } else { 2 * rayon::current_num_threads() };
        while batches.len() < most {
            match self.scan.next_of(&mut lane) {
                Some(batch) => batches.push(batch),
                None => break,
            }
        }
        let whole = batches.is_empty();
        let (scan, sure) = (&self.scan, lane.sure);
        let hits = |batch| match batch {
            Ok(batch) => scan.hits_of(batch, sure),
            Err(error) => Hits::from(error),
        };
        let read: Vec<_> = match batches.len() {
            0 | 1 => batches.into_iter().map(hits).collect(),
            _ => batches.into_par_iter().map(hits).collect(),
        };
        self.ready.extend(read.into_iter().map(Beside::Done));
        self.lane = (!whole).then_some(lane);
    }
}

#[cold]
fn gone() -> Hits {
    Error::backend("the thread that read a piece of the file is gone").into()
}

/// The pieces of one part of a scan; parts are of neighbours, which may have a page in common.
fn planned<R: RecordCodec, I: Source>(
    scan: &Scan<R, I>,
    (part, of): (usize, usize),
    ordered: bool,
) -> std::vec::IntoIter<Piece> {
    let mut pieces = scan.plan(ordered).0;
    let (start, end) = (pieces.len() * part / of, pieces.len() * (part + 1) / of);
    pieces.truncate(end);
    pieces.drain(..start.min(end));
    if is_streamed(scan, of) {
        pieces = joined(pieces);
    }
    pieces.into_iter()
}

/// Whether all pieces are read as streams: whoever reads a part has threads of their own for the others.
fn is_streamed<R: RecordCodec, I>(scan: &Scan<R, I>, of: usize) -> bool {
    of > 1 && scan.filter.is_none()
}

impl<R: RecordCodec, I: Source> Iterator for Rows<R, I> {
    type Item = Result<Found<R>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.scan.next_hit(&mut self.current) {
                return Some(row);
            }
            if !self.advance() {
                return None;
            }
        }
    }
}

impl<R: RecordCodec> ParquetReader<R> {
    pub(super) fn new(opened: Arc<Opened<Input>>, shape: R::Shape) -> Result<ParquetReader<R>> {
        Ok(ParquetReader(Rows::new(opened, shape)?))
    }
    /// See [`Rows::matching`].
    ///
    /// # Errors
    /// `Query` where it does not fit the schema, `Unsupported` for a predicate without a data form.
    pub fn matching(self, predicate: impl Predicate<R>) -> Result<ParquetReader<R>> {
        Ok(ParquetReader(self.0.matching(predicate)?))
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
