//! Rows as they stand in the text, and how those that nobody asked for are told before they are decoded.

use std::ops::Range;

use super::{
    layout::CsvLayout,
    row::{self, CsvRow, Opened, Parts},
};
use crate::{
    error::{Error, Result},
    format::{
        block::Block,
        csv::{CellFilter, RawRecord},
        error::FaultKind,
        json::{Peek, placed},
        parallel::raised,
    },
    id::Id,
    query::{Bound, Predicate, Seen},
    record::{Envelope, RecordCodec, Schema},
    value::ValueRef,
};

/// How rows are told from those that nobody asked for.
pub(super) enum Raw<R> {
    All,
    /// On the cells, before anything is decoded.
    Cells(CellFilter<R>),
    /// On the fields of an object that it reads, before the others are decoded; and whether a row may say types of fields that
    /// no schema declares.
    Peeked(Peek<R>, bool),
    /// On the record.
    Decoded(Bound<R>),
    /// On the record and its envelope, when its id is known.
    Settled(Bound<R>),
}

/// Whether a filter that reads nothing but fields is true of a record.
pub(super) fn tells<R: RecordCodec>(filter: &Bound<R>, record: &R) -> bool {
    // It looks at no envelope, so that the id is of no matter.
    filter.matches(Seen { record, envelope: &Envelope::of(Id::from(0_u64)) })
}

/// A row as it stands in the text.
pub(super) enum RawRow<'r, 'b> {
    Csv(&'r CsvLayout, RawRecord<'r, 'b>),
    Json(&'b Block, &'b str, Range<usize>),
    /// One that does not read; the error is given once.
    Bad(Option<Error>),
}

impl<'b> RawRow<'_, 'b> {
    /// Where it lies in its block.
    pub(super) fn range(&self) -> Range<usize> {
        match self {
            RawRow::Csv(_, row) => row.range(),
            RawRow::Json(_, _, range) => range.clone(),
            RawRow::Bad(_) => 0..0,
        }
    }

    /// Refuses a CSV row that has not a cell for each column.
    fn fits(csv: &CsvLayout, row: RawRecord<'_, 'b>) -> Result<()> {
        let columns = csv.columns.names().len();
        if row.len() == columns {
            return Ok(());
        }
        let why = format!("the row has {} cells, and there are {columns} columns", row.len());
        Err(Error::corrupt(why).at_line(row.position().line, None))
    }

    pub(super) fn admitted<R: RecordCodec>(
        &self,
        filter: &CellFilter<R>,
        cells: &mut Vec<ValueRef<'b>>,
    ) -> Result<bool> {
        let RawRow::Csv(csv, row) = self else { return Ok(true) };
        RawRow::fits(csv, *row)?;
        filter.admits(&csv.columns, *row, cells)
    }

    /// Whether a filter is true of the fields of an object that it reads; `None` where those may have types that the row says.
    pub(super) fn peeked<R>(
        &mut self,
        peek: &Peek<R>,
        loose: bool,
        cells: &mut Vec<ValueRef<'b>>,
    ) -> Result<Option<bool>> {
        let (block, text, start) = match self {
            RawRow::Json(block, text, range) => (*block, *text, range.start),
            // The error of one that does not read is told where it is read.
            RawRow::Csv(..) | RawRow::Bad(_) => return Ok(None),
        };
        if loose && self.may_say_types() {
            return Ok(None);
        }
        let mut parts = Parts::default();
        let admits = peek.admits(text, cells, |inner| Opened { inner, parts: &mut parts, typed: true }.pass_over());
        admits.map(Some).map_err(|e| placed(e, block, start))
    }

    /// Whether the text may hold `_types`, by its name or by an escape that could spell it.
    fn may_say_types(&self) -> bool {
        let RawRow::Json(_, text, _) = self else { return false };
        memchr::memmem::find(text.as_bytes(), b"_types").is_some()
            || memchr::memmem::find(text.as_bytes(), b"\\u").is_some()
    }

    /// The record.
    pub(super) fn read<R: RecordCodec>(&mut self, schema: &Schema) -> Result<(R, Parts)> {
        self.read_parts(schema, &Parts::default())
    }

    /// The record, with as much of what stands beside its fields as is asked for.
    pub(super) fn read_parts<R: RecordCodec>(&mut self, schema: &Schema, asked: &Parts) -> Result<(R, Parts)> {
        match self {
            RawRow::Csv(csv, row) => {
                RawRow::fits(csv, *row)?;
                let read = row::decode_parts(&CsvRow { columns: &csv.columns, row: *row }, schema, asked);
                read.map_err(|e| match e.place().line {
                    Some(_) => e,
                    None => e.at_line(row.position().line, None),
                })
            }
            RawRow::Json(block, text, range) => {
                row::decode_parts(text, schema, asked).map_err(|e| placed(e, block, range.start))
            }
            RawRow::Bad(error) => Err(error.take().unwrap_or_else(|| Error::corrupt("a row that does not read"))),
        }
    }
}

pub(super) fn each_line<'b>(block: &'b Block, mut show: impl FnMut(RawRow<'_, 'b>) -> bool) {
    let bytes = block.bytes();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        let range = std::mem::replace(&mut start, end + 1).min(end)..end;
        let is_blank = bytes.get(range.clone()).is_none_or(|line| line.trim_ascii().is_empty());
        if !is_blank && !show(json_row(block, range)) {
            return;
        }
    }
}

pub(super) fn json_row<'b>(block: &'b Block, range: Range<usize>) -> RawRow<'b, 'b> {
    let text = match block.text() {
        Some(text) => text.get(range.clone()),
        None => std::str::from_utf8(block.bytes().get(range.clone()).unwrap_or_default()).ok(),
    };
    match text {
        Some(text) => RawRow::Json(block, text, range),
        None => RawRow::Bad(Some(raised(&block.error(range.start, FaultKind::InvalidUtf8)))),
    }
}
