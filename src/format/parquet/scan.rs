//! Rows of a file that a predicate is true of: what is read is planned first, then read piece by piece on all cores.
//!
//! A piece is some rows of one row group. The columns of the predicate are read first; what it leaves is then read of the
//! other columns, and only that is decoded (semantics 3.12).

use std::{fmt, ops::Range, sync::Arc};

use arrow_array::{BooleanArray, RecordBatch, RecordBatchReader};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType;
use arrow_select::{concat::concat_batches, filter::filter_record_batch};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelectionPolicy},
    },
    basic::Encoding,
    errors::ParquetError,
};

use super::{
    batch::{Batch, Column, Rows, Unreadable},
    decode::RowDecoder,
    envelope::FoundParts,
    fault::{guarded, raised},
    index::Index,
    layout::{Layout, Opened},
    mask::{Mask, evaluate},
    prune::Answer,
    source::Source,
};
use crate::{
    error::{Error, Result},
    query::Bound,
    record::RecordCodec,
};

/// The most rows of a piece: a few pages of each column, and few enough records to hold some pieces in memory.
const PIECE_ROWS: usize = 32_768;

/// A row group without page indexes is read as one piece up to here, and beyond as a stream of batches.
const WHOLE_ROWS: usize = 4 * PIECE_ROWS;

/// Rows that are read at once of what is read as a stream: few enough for their columns to be at hand when they are decoded.
const STREAM_ROWS: usize = 8_192;

/// A row that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<R> {
    /// Its place in the file, counted from 0.
    pub ordinal: u64,
    /// What the file has of its envelope, where that was asked for and the file has anything of envelopes.
    pub parts: Option<Box<FoundParts>>,
    /// The record.
    pub record: R,
}

/// Some rows of one row group.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) group: usize,
    /// Rows of the group, ascending.
    ranges: Vec<Range<usize>>,
    /// The predicate is known to be true of all of them.
    sure: bool,
}

impl Piece {
    pub(super) fn rows(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }
}

/// What is read, and what statistics made unnecessary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruning {
    /// Row groups in the file.
    pub groups: usize,
    /// Row groups of which something is read.
    pub groups_read: usize,
    /// Rows in the file.
    pub rows: u64,
    /// Rows that are looked at.
    pub rows_read: u64,
}

impl fmt::Display for Pruning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pruning { groups, groups_read, rows, rows_read } = self;
        write!(f, "{groups_read} of {groups} row groups and {rows_read} of {rows} rows are read, by statistics")
    }
}

/// What is looked for in which file.
pub(super) struct Scan<R: RecordCodec, I> {
    pub(super) opened: Arc<Opened<I>>,
    pub(super) shape: R::Shape,
    pub(super) layout: Layout,
    pub(super) filter: Option<Bound<R>>,
    /// Whether the envelope's columns are read.
    pub(super) envelope: bool,
}

/// A row that was found, or an error with its place.
pub(super) type Item<R> = Result<Found<R>>;

/// The hits of a piece, whose columns are read. Records are decoded where they are asked for: one that another thread has made
/// costs more to drop than to make, and here the memory of the last one serves the next.
#[derive(Default)]
pub(super) struct Hits {
    batch: Option<Batch>,
    rows: Picked,
    /// Errors of rows, and that of the piece.
    errors: std::vec::IntoIter<Error>,
}

enum Picked {
    All(Range<usize>),
    Some(std::vec::IntoIter<usize>),
}

impl Default for Picked {
    fn default() -> Self {
        Picked::All(0..0)
    }
}

impl Hits {
    fn all(batch: Batch) -> Hits {
        Hits { rows: Picked::All(0..batch.len), batch: Some(batch), ..Hits::default() }
    }
    fn of(batch: Batch, hits: &BooleanBuffer) -> Hits {
        let rows: Vec<usize> = hits.set_indices().collect();
        Hits { rows: Picked::Some(rows.into_iter()), batch: Some(batch), ..Hits::default() }
    }
    fn with(self, errors: Vec<Error>) -> Hits {
        Hits { errors: errors.into_iter(), ..self }
    }
}

impl From<Error> for Hits {
    fn from(error: Error) -> Hits {
        Hits::default().with(vec![error])
    }
}

impl<R: RecordCodec, I> Clone for Scan<R, I> {
    fn clone(&self) -> Self {
        let Scan { opened, shape, layout, filter, envelope } = self;
        Scan {
            opened: opened.clone(),
            shape: shape.clone(),
            layout: layout.clone(),
            filter: filter.clone(),
            envelope: *envelope,
        }
    }
}

impl<R: RecordCodec, I: Source> Scan<R, I> {
    pub(super) fn new(opened: Arc<Opened<I>>, shape: R::Shape) -> Result<Scan<R, I>> {
        let layout = opened.layout(&shape)?;
        Ok(Scan { opened, shape, layout, filter: None, envelope: false })
    }

    /// What is to be read. Rows of which the predicate is known to be true stand in pieces of their own where the order does
    /// not matter, which is when they are counted.
    pub(super) fn plan(&self, ordered: bool) -> (Vec<Piece>, Pruning) {
        let groups = self.opened.firsts.len();
        let index = self
            .filter
            .as_ref()
            .map(|filter| (filter.tree(), Index::new(&self.opened, &self.layout, filter.columns(), &self.shape)));
        let mut pruning = Pruning { groups, rows: self.opened.rows, ..Pruning::default() };
        let mut pieces = Vec::new();
        for group in 0..groups {
            let rows = self.opened.rows_of(group);
            let answer = index.as_ref().map(|(test, index)| index.of_group(test, group));
            let before = pieces.len();
            match (&index, answer) {
                (_, Some(answer)) if answer.none => continue,
                (Some((test, index)), Some(answer)) if !answer.all => {
                    let parts = index.of_pages(test, group).unwrap_or_else(|| vec![(0..rows, answer)]);
                    self.cut_parts(group, parts, ordered, &mut pieces);
                }
                _ => self.cut(group, one(0..rows), true, &mut pieces),
            }
            let read: usize = pieces[before..].iter().map(Piece::rows).sum();
            pruning.groups_read += usize::from(read > 0);
            pruning.rows_read += read as u64;
        }
        (pieces, pruning)
    }

    /// Cuts what is left of the parts of a row group into pieces.
    fn cut_parts(&self, group: usize, parts: Vec<(Range<usize>, Answer)>, ordered: bool, pieces: &mut Vec<Piece>) {
        let kept = || parts.iter().filter(|(_, answer)| !answer.none);
        let ranges = |sure: Option<bool>| {
            merged(kept().filter(|(_, a)| sure.is_none_or(|s| s == a.all)).map(|(r, _)| r.clone()))
        };
        match ordered && kept().any(|(_, answer)| !answer.all) {
            true => self.cut(group, ranges(None), false, pieces),
            false => {
                self.cut(group, ranges(Some(true)), true, pieces);
                self.cut(group, ranges(Some(false)), false, pieces);
            }
        }
    }

    /// All rows in pieces that end where the pages of any column do.
    #[cfg(feature = "file")]
    pub(super) fn smallest(&self) -> Vec<Piece> {
        let leaves = self.opened.meta.parquet_schema().num_columns();
        let of_group = |group: usize| {
            let starts = (0..leaves).filter_map(move |leaf| self.opened.page_starts(group, leaf)).flatten();
            let parts = self.opened.parts(group, starts).into_iter();
            parts.map(move |part| Piece { group, ranges: one(part), sure: true })
        };
        (0..self.opened.firsts.len()).flat_map(of_group).collect()
    }

    /// The rows of these ordinals, ascending and each once.
    pub(super) fn pieces_of(&self, ordinals: &[u64]) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for ordinal in ordinals.iter().filter(|ordinal| **ordinal < self.opened.rows) {
            let group = self.opened.firsts.partition_point(|first| first <= ordinal) - 1;
            let row = (ordinal - self.opened.firsts[group]) as usize;
            match pieces.last_mut() {
                Some(piece) if piece.group == group && piece.rows() < PIECE_ROWS => match piece.ranges.last_mut() {
                    Some(last) if last.end == row => last.end += 1,
                    _ => piece.ranges.push(row..row + 1),
                },
                _ => pieces.push(Piece { group, ranges: one(row..row + 1), sure: true }),
            }
        }
        pieces
    }

    /// Cuts ranges of rows into pieces. Without page indexes a row group would be read from its start for each.
    fn cut(&self, group: usize, ranges: Vec<Range<usize>>, sure: bool, pieces: &mut Vec<Piece>) {
        let whole = !self.is_indexed(group);
        let mut open = Piece { group, ranges: Vec::new(), sure };
        for mut range in ranges {
            while !range.is_empty() {
                let room = if whole { range.len() } else { PIECE_ROWS - open.rows() };
                let end = range.end.min(range.start + room);
                open.ranges.push(range.start..end);
                range.start = end;
                if !whole && open.rows() >= PIECE_ROWS {
                    pieces.push(std::mem::replace(&mut open, Piece { group, ranges: Vec::new(), sure }));
                }
            }
        }
        if !open.ranges.is_empty() {
            pieces.push(open);
        }
    }

    fn is_indexed(&self, group: usize) -> bool {
        let metadata = self.opened.meta.metadata();
        let leaves = metadata.file_metadata().schema_descr().num_columns();
        metadata.page_index().is_some_and(|index| (0..leaves).all(|leaf| index.offset_index(group, leaf).is_some()))
    }

    /// Whether a piece is so long that it is read as a stream.
    pub(super) fn is_long(&self, piece: &Piece) -> bool {
        piece.rows() > WHOLE_ROWS
    }

    fn wanted(&self) -> Vec<usize> {
        self.layout.needed(&self.shape, self.envelope)
    }

    fn tested(&self) -> Vec<usize> {
        self.filter.as_ref().map_or_else(Vec::new, |filter| self.layout.read_by(filter.columns(), &self.shape))
    }

    // ---- reading

    fn reader(
        &self,
        group: usize,
        columns: &[usize],
        ranges: &[Range<usize>],
        batch: usize,
        policy: RowSelectionPolicy,
    ) -> Result<ParquetRecordBatchReader, ParquetError> {
        let rows = self.opened.rows_of(group);
        let mask = ProjectionMask::roots(self.opened.meta.parquet_schema(), columns.iter().copied());
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.opened.input.clone(), self.opened.meta.clone());
        let builder = builder.with_row_groups(vec![group]).with_projection(mask).with_batch_size(batch.max(1));
        match ranges {
            [all] if *all == (0..rows) => builder.build(),
            _ => {
                let selection = RowSelection::from_consecutive_ranges(ranges.iter().cloned(), rows);
                builder.with_row_selection(selection).with_row_selection_policy(policy).build()
            }
        }
    }

    /// Some columns of some rows, as one batch.
    fn read(&self, group: usize, columns: &[usize], ranges: &[Range<usize>]) -> Result<RecordBatch> {
        self.read_by(group, columns, ranges, RowSelectionPolicy::default())
    }

    fn read_by(
        &self,
        group: usize,
        columns: &[usize],
        ranges: &[Range<usize>],
        policy: RowSelectionPolicy,
    ) -> Result<RecordBatch> {
        let rows = ranges.iter().map(ExactSizeIterator::len).sum();
        let attempt = |columns: &[usize]| {
            let read = guarded(|| {
                let mut batches = self.reader(group, columns, ranges, rows, policy)?;
                let batch = batches.next().transpose()?;
                let batch = batch.filter(|batch| batch.num_rows() == rows);
                batch.ok_or_else(|| {
                    ParquetError::General(format!("there are not the {rows} rows that its metadata claims"))
                })
            });
            match read {
                Err(_) if self.has_deltas(group) => guarded(|| self.read_on(group, columns, ranges)),
                read => read,
            }
        };
        let blamed = |cause| self.blamed(group, ranges, columns, cause, |column| attempt(&[column]).map(drop));
        attempt(columns).map_err(blamed)
    }

    /// Whether a column of a row group holds integers as deltas.
    fn has_deltas(&self, group: usize) -> bool {
        let group = self.opened.meta.metadata().row_groups().get(group);
        group.is_some_and(|group| {
            group.columns().iter().any(|column| column.encodings().any(|e| e == Encoding::DELTA_BINARY_PACKED))
        })
    }

    /// The same without skipping: the crate beneath cannot skip in deltas between values that lie far apart.
    fn read_on(&self, group: usize, columns: &[usize], ranges: &[Range<usize>]) -> Result<RecordBatch, ParquetError> {
        let last = ranges.last().map_or(0, |range| range.end);
        let all = one(0..self.opened.rows_of(group));
        let reader = self.reader(group, columns, &all, PIECE_ROWS, RowSelectionPolicy::default())?;
        let schema = reader.schema();
        let (mut kept, mut start, mut next) = (Vec::new(), 0, 0);
        for batch in reader {
            let batch = batch?;
            let end = start + batch.num_rows();
            while let Some(range) = ranges.get(next).filter(|range| range.start < end) {
                let from = range.start.max(start);
                kept.push(batch.slice(from - start, range.end.min(end) - from));
                if range.end > end {
                    break;
                }
                next += 1;
            }
            start = end;
            if start >= last {
                break;
            }
        }
        if start < last {
            return Err(ParquetError::EOF(format!("there are {start} rows, and not {last}")));
        }
        Ok(concat_batches(&schema, &kept)?)
    }

    /// The error with the column that it is about: the first one that does not read alone.
    #[cold]
    fn blamed(
        &self,
        group: usize,
        ranges: &[Range<usize>],
        columns: &[usize],
        cause: ParquetError,
        attempt: impl Fn(usize) -> Result<(), ParquetError>,
    ) -> Error {
        let guilty = match columns {
            [only] => Some((*only, cause.to_string())),
            all => all.iter().find_map(|column| Some((*column, attempt(*column).err()?.to_string()))),
        };
        let first = self.opened.firsts.get(group).map_or(0, |first| first + 1);
        let rows = ranges.first().zip(ranges.last());
        let rows =
            rows.map(|(from, to)| format!("rows {} to {}", first + from.start as u64, first + to.end as u64 - 1));
        let error = raised(cause, &format!("{}, in row group {group}", rows.unwrap_or_default()));
        match guilty.and_then(|(column, _)| self.layout.columns.get(column)) {
            Some(column) => error.at_field(column.name.to_string()),
            None => error,
        }
    }

    fn unreadable(&self, group: usize, found: Unreadable) -> Error {
        Error::unsupported(format!("{} (in row group {group})", found.fault)).at_field(found.column)
    }

    fn batch(&self, read: &RecordBatch, columns: &[usize], group: usize, rows: Rows) -> Result<Batch> {
        Batch::of(read, &self.layout, columns, group, rows).map_err(|found| self.unreadable(group, found))
    }

    fn mask(&self, filter: &Bound<R>, batch: &Batch) -> Mask {
        evaluate(filter.tree(), filter.columns(), &self.shape, batch)
    }

    /// The rows of a piece that are hits.
    pub(super) fn hits(&self, piece: &Piece) -> Hits {
        self.try_hits(piece).unwrap_or_else(Hits::from)
    }

    /// The next of them.
    #[inline]
    pub(super) fn next_hit(&self, hits: &mut Hits) -> Option<Item<R>> {
        let row = match &mut hits.rows {
            Picked::All(rows) => rows.next(),
            Picked::Some(rows) => rows.next(),
        };
        match (row, &hits.batch) {
            (Some(row), Some(batch)) => Some(self.decode(batch, row)),
            _ => hits.errors.next().map(Err),
        }
    }

    fn try_hits(&self, piece: &Piece) -> Result<Hits> {
        let (group, wanted) = (piece.group, self.wanted());
        let all = self.ordinals(group, &piece.ranges);
        let filter = match &self.filter {
            Some(filter) if !piece.sure => filter,
            _ => {
                let read = self.read(group, &wanted, &piece.ranges)?;
                let batch = self.batch(&read, &wanted, group, all)?;
                return Ok(Hits::all(batch));
            }
        };
        let tested = self.tested();
        let first = self.read(group, &tested, &piece.ranges)?;
        let batch = self.batch(&first, &tested, group, all)?;
        let mask = self.mask(filter, &batch);
        let faults = self.faults(&mask, &batch);
        let hits = mask.hits.count_set_bits();
        if hits == 0 {
            return Ok(Hits::default().with(faults));
        }
        let rest: Vec<usize> = wanted.into_iter().filter(|column| !tested.contains(column)).collect();
        // Where many rows are hits, picking them out of the pages costs more than reading the pages as they are.
        let dense = hits * 8 >= mask.hits.len();
        let found = match dense || rest.is_empty() {
            true => Hits::of(self.beside(batch, &rest, group, &piece.ranges)?, &mask.hits),
            false => Hits::all(self.sparse(&first, &tested, &rest, piece, &mask.hits)?),
        };
        Ok(found.with(faults))
    }

    /// A batch with some more columns of the same rows. To step over texts and lists costs less than to copy them and leave them
    /// out then; with what has a fixed length it is the other way round.
    fn beside(&self, mut batch: Batch, rest: &[usize], group: usize, ranges: &[Range<usize>]) -> Result<Batch> {
        let (fixed, long): (Vec<usize>, Vec<usize>) = rest.iter().partition(|column| self.has_fixed_length(**column));
        for (columns, policy) in [(long, RowSelectionPolicy::Selectors), (fixed, RowSelectionPolicy::default())] {
            if columns.is_empty() {
                continue;
            }
            let read = self.read_by(group, &columns, ranges, policy)?;
            let more = Column::all(&read, &self.layout, &columns);
            batch.columns.extend(more.map_err(|found| self.unreadable(group, found))?);
        }
        Ok(batch)
    }

    /// Whether all values of a column have one length.
    fn has_fixed_length(&self, column: usize) -> bool {
        let Some(field) = self.opened.meta.schema().fields().get(column) else { return false };
        let ty = field.data_type();
        ty.primitive_width().is_some() || matches!(ty, DataType::Boolean | DataType::FixedSizeBinary(_))
    }

    /// The hits, with the other columns read of them alone.
    fn sparse(
        &self,
        first: &RecordBatch,
        tested: &[usize],
        rest: &[usize],
        piece: &Piece,
        hits: &BooleanBuffer,
    ) -> Result<Batch> {
        let ranges = picked(&piece.ranges, hits);
        let rows = self.ordinals(piece.group, &ranges);
        let kept = filter_record_batch(first, &BooleanArray::from(hits.clone()));
        let kept = kept.map_err(|cause| raised(cause.into(), &format!("row group {}", piece.group)))?;
        let batch = self.batch(&kept, tested, piece.group, rows)?;
        self.beside(batch, rest, piece.group, &ranges)
    }

    fn faults(&self, mask: &Mask, batch: &Batch) -> Vec<Error> {
        let error = |fault: &super::mask::RowFault| {
            let why = format!("{} ({})", fault.fault, batch.place_of(fault.row));
            Error::invalid(why).at_field(fault.column.clone())
        };
        mask.faults.iter().map(error).collect()
    }

    #[inline]
    fn decode(&self, batch: &Batch, row: usize) -> Item<R> {
        let record = R::decode(&self.shape, &mut RowDecoder::new(batch, row))?;
        let parts = if self.envelope { Some(Box::new(parts(batch, row)?)) } else { None };
        Ok(Found { ordinal: batch.ordinal(row), parts, record })
    }

    fn ordinals(&self, group: usize, ranges: &[Range<usize>]) -> Rows {
        let first = self.opened.firsts.get(group).copied().unwrap_or_default();
        match ranges {
            [one] => Rows::From(first + one.start as u64),
            many => Rows::These(many.iter().cloned().flatten().map(|row| first + row as u64).collect()),
        }
    }

    /// How many rows of a piece are hits.
    ///
    /// # Errors
    /// Where it does not read, or a row has a cell that does not.
    pub(super) fn count(&self, piece: &Piece) -> Result<u64> {
        let filter = match &self.filter {
            Some(filter) if !piece.sure => filter,
            _ => return Ok(piece.rows() as u64),
        };
        let tested = self.tested();
        let mut hits = 0;
        for ranges in batched(&piece.ranges) {
            let read = self.read(piece.group, &tested, &ranges)?;
            let batch = self.batch(&read, &tested, piece.group, self.ordinals(piece.group, &ranges))?;
            let mask = self.mask(filter, &batch);
            if let Some(error) = self.faults(&mask, &batch).into_iter().next() {
                return Err(error);
            }
            hits += mask.hits.count_set_bits() as u64;
        }
        Ok(hits)
    }

    /// A long piece as a stream of batches.
    pub(super) fn stream(&self, piece: &Piece) -> Result<Lane> {
        let mut columns = [self.wanted(), self.tested()].concat();
        columns.sort_unstable();
        columns.dedup();
        let policy = RowSelectionPolicy::default();
        let opened = guarded(|| self.reader(piece.group, &columns, &piece.ranges, STREAM_ROWS, policy));
        let reader = opened.map_err(|cause| raised(cause, &format!("row group {}", piece.group)))?;
        let Piece { group, sure, .. } = *piece;
        Ok(Lane {
            reader,
            columns,
            group,
            sure,
            left: piece.rows(),
            rows: self.ordinals(group, &piece.ranges),
            next: 0,
        })
    }

    /// The next batch of a long piece.
    pub(super) fn next_of(&self, lane: &mut Lane) -> Option<Result<Batch>> {
        if lane.left == 0 {
            return None;
        }
        let next = guarded(|| Ok(lane.reader.next().transpose()?));
        let next = next.and_then(|next| next.ok_or_else(|| ParquetError::EOF("rows are missing".to_owned())));
        Some(match next {
            Ok(read) => {
                let count = read.num_rows().min(lane.left);
                let rows = lane.rows.part(lane.next, count);
                lane.left -= count;
                lane.next += count;
                self.batch(&read, &lane.columns, lane.group, rows)
            }
            Err(cause) => {
                lane.left = 0;
                Err(raised(cause, &format!("row group {}", lane.group)))
            }
        })
    }

    /// The hits of a batch that has all columns.
    pub(super) fn hits_of(&self, batch: Batch, sure: bool) -> Hits {
        let Some(filter) = self.filter.as_ref().filter(|_| !sure) else { return Hits::all(batch) };
        let mask = self.mask(filter, &batch);
        let faults = self.faults(&mask, &batch);
        Hits::of(batch, &mask.hits).with(faults)
    }
}

fn parts(batch: &Batch, row: usize) -> Result<FoundParts> {
    FoundParts::of(batch, row)
        .map_err(|(column, fault)| Error::corrupt(format!("{fault} ({})", batch.place_of(row))).at_field(column))
}

/// A long piece that is being read.
pub(super) struct Lane {
    reader: ParquetRecordBatchReader,
    columns: Vec<usize>,
    group: usize,
    pub(super) sure: bool,
    left: usize,
    /// The ordinals of its rows, and which of them is read next.
    rows: Rows,
    next: usize,
}

fn one(range: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(range).collect()
}

/// Ranges that touch, joined.
fn merged(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => all.push(range),
        }
    }
    all
}

/// Pieces of the same row group that follow each other, joined.
pub(super) fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut all: Vec<Piece> = Vec::new();
    for piece in pieces {
        match all.last_mut() {
            Some(last) if (last.group, last.sure) == (piece.group, piece.sure) => {
                last.ranges = merged(std::mem::take(&mut last.ranges).into_iter().chain(piece.ranges));
            }
            _ => all.push(piece),
        }
    }
    all
}

/// Ranges cut into lists of at most a piece's rows each. For rows without page indexes this reads on from the start of the
/// row group for each, which counting does not mind: only the columns of the predicate are read.
fn batched(ranges: &[Range<usize>]) -> Vec<Vec<Range<usize>>> {
    let rows: usize = ranges.iter().map(ExactSizeIterator::len).sum();
    if rows <= WHOLE_ROWS {
        return vec![ranges.to_vec()];
    }
    let mut lists = Vec::new();
    for range in ranges {
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start + WHOLE_ROWS);
            lists.push(one(start..end));
            start = end;
        }
    }
    lists
}

/// The rows of ranges whose bits are set, as ranges.
fn picked(ranges: &[Range<usize>], hits: &BooleanBuffer) -> Vec<Range<usize>> {
    let mut picked: Vec<Range<usize>> = Vec::new();
    let mut before = 0;
    let mut slices = hits.set_slices().peekable();
    for range in ranges {
        let end = before + range.len();
        while let Some(&(from, to)) = slices.peek()
            && from < end
        {
            let (start, stop) = (from.max(before), to.min(end));
            picked.push(range.start + start - before..range.start + stop - before);
            if to > end {
                break;
            }
            slices.next();
        }
        before = end;
    }
    picked
}
