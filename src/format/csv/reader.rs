//! Records out of CSV: the predicate is tested on raw cells, and only what it admits is decoded (semantics 3.12).

use std::{borrow::Cow, io::Read, sync::Arc};

use super::{
    Dialect, Quotes, RawRecord, Records,
    decode::{Columns, RowDecoder},
};
use crate::{
    error::{Error, Result},
    format::{
        block::{Block, Blocks, Limits},
        parallel::{Parsed, Parser, raised},
    },
    query::{Bound, Predicate},
    record::{Document, Name, Part, RecordCodec, Schema, Step, Target, Typed},
    value::ValueRef,
};

/// The records of a CSV input; blocks are parsed on rayon, records given in order.
pub struct CsvReader<R: RecordCodec, I>(Parsed<I, Quotes, RowParser<R>, R>);

/// What a reader is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) dialect: Dialect,
    pub(super) header: bool,
    pub(super) max_record_bytes: usize,
}

impl<R: RecordCodec, I: Read> CsvReader<R, I> {
    pub(super) fn new(input: I, shape: R::Shape, settings: Settings) -> Result<Self> {
        let limits = Limits { record: settings.max_record_bytes, ..Limits::default() };
        let mut blocks = Blocks::with_limits(input, Quotes::new(settings.dialect), limits);
        let mut first = blocks.next().transpose().map_err(|e| raised(&e))?;
        let names = match &mut first {
            Some(block) if settings.header => take_header(block, settings.dialect)?,
            Some(block) => numbered(block, settings.dialect, &shape)?,
            None => Vec::new(),
        };
        let columns = settle(names, &shape, settings.header)?;
        let parser = RowParser { shape, columns, dialect: settings.dialect, filter: None };
        Ok(CsvReader(Parsed::new(blocks, first, parser)))
    }

    /// Only records of which the predicate is true. It is tested on the cells that it reads, before anything is decoded:
    /// a row is an error where one of those does not parse, and cells that nobody asks for are not looked at.
    ///
    /// # Errors
    /// `Query` where it does not fit the schema, `Unsupported` for a predicate without a data form.
    pub fn filter(mut self, predicate: impl Predicate<R>) -> Result<Self> {
        predicate.check()?;
        let own = || Error::unsupported("a predicate of one's own code has no form as data; filter the iterator");
        let parser = self.0.parser_mut();
        let bound = predicate.lower().ok_or_else(own)?.bind(&parser.shape)?;
        parser.filter = Some(CellFilter::new(bound, &parser.columns));
        Ok(self)
    }
}

impl<R: RecordCodec, I: Read> Iterator for CsvReader<R, I> {
    type Item = Result<R>;
    fn next(&mut self) -> Option<Result<R>> {
        self.0.next()
    }
}

/// The names of the first record, which is taken out of the block.
fn take_header(block: &mut Block, dialect: Dialect) -> Result<Vec<Name>> {
    let mut records = Records::new(block, dialect);
    let names = match records.next_record() {
        None => Vec::new(),
        Some(Err(error)) => return Err(raised(&error)),
        Some(Ok(header)) => {
            let name = |(column, cell): (usize, super::RawField<'_>)| {
                let text = cell.text().map_err(|kind| raised(&header.error(column, kind)))?;
                Ok(Cow::Owned(text.into_owned()))
            };
            header.fields().enumerate().map(name).collect::<Result<_>>()?
        }
    };
    let read = records.consumed();
    block.skip(read);
    Ok(names)
}

/// The names of columns without a header: those of the schema in order, then `column_1`, `column_2`, …
fn numbered(block: &Block, dialect: Dialect, schema: &Schema) -> Result<Vec<Name>> {
    let count = match Records::new(block, dialect).next_record() {
        Some(row) => row.map_err(|e| raised(&e))?.len(),
        None => 0,
    };
    let name = |column: usize| {
        let declared = schema.fields.get(column).map(|field| field.name.clone());
        declared.unwrap_or_else(|| format!("column_{}", column + 1).into())
    };
    Ok((0..count).map(name).collect())
}

/// Which column is which field. Columns of the envelope are passed over.
fn settle(names: Vec<Name>, schema: &Schema, header: bool) -> Result<Columns> {
    let repeated = |(place, name): (usize, &Name)| names[..place].contains(name);
    if header && let Some(place) = names.iter().enumerate().position(repeated) {
        let why = format!("two columns of the header are called `{}`; rename one", names[place]);
        return Err(Error::corrupt(why).at_line(1, Some(place as u64 + 1)));
    }
    let fields: Vec<_> = names.iter().map(|name| schema.find(name).map(|(index, _)| index)).collect();
    let twice = |(place, field): (usize, &Option<usize>)| field.is_some() && fields[..place].contains(field);
    match fields.iter().enumerate().position(twice) {
        Some(place) => {
            let why = format!("the column `{}` is another name of a field that is there already", names[place]);
            Err(Error::corrupt(why).at_line(1, Some(place as u64 + 1)))
        }
        None => Ok(Columns { names, fields }),
    }
}

struct RowParser<R: RecordCodec> {
    shape: R::Shape,
    columns: Columns,
    dialect: Dialect,
    filter: Option<CellFilter<R>>,
}

/// A predicate over raw cells: for each of its columns, which cell it is and how that is read.
struct CellFilter<R> {
    bound: Bound<R>,
    cells: Vec<CellSource>,
}

enum CellSource {
    /// A column of the file, with the steps that lead on inside a cell of JSON.
    Column { column: usize, inside: Vec<Step> },
    /// Not in the file.
    Absent,
}

impl<R: RecordCodec> CellFilter<R> {
    fn new(bound: Bound<R>, columns: &Columns) -> Self {
        let cells = bound.columns().iter().map(|target| CellSource::of(target, columns)).collect();
        CellFilter { bound, cells }
    }
}

impl CellSource {
    fn of(target: &Target, columns: &Columns) -> CellSource {
        let (Part::Field(_), Some((first, inside))) = (&target.part, target.steps().split_first()) else {
            return CellSource::Absent;
        };
        let column = match first.index {
            Some(index) => columns.of_field(index),
            None => columns.names.iter().position(|name| *name == first.name),
        };
        match column {
            Some(column) => CellSource::Column { column, inside: inside.to_vec() },
            None => CellSource::Absent,
        }
    }
}

impl<R: RecordCodec> RowParser<R> {
    /// Whether the row is one that is asked for.
    fn admits<'b>(&self, row: RawRecord<'_, 'b>, cells: &mut Vec<ValueRef<'b>>) -> Result<bool> {
        let Some(filter) = &self.filter else { return Ok(true) };
        cells.clear();
        for source in &filter.cells {
            cells.push(self.cell(source, row)?);
        }
        let Ok(holds) = filter.bound.test(cells.as_slice());
        Ok(holds)
    }

    fn cell<'b>(&self, source: &CellSource, row: RawRecord<'_, 'b>) -> Result<ValueRef<'b>> {
        let CellSource::Column { column, inside } = source else { return Ok(ValueRef::Null) };
        let field = self.columns.fields.get(*column).copied().flatten().and_then(|index| self.shape.fields.get(index));
        let value = RowDecoder::at(&self.columns, row, *column).value(field)?;
        match value {
            ValueRef::Record(document) if !inside.is_empty() => Ok(inside_of(&document, inside)),
            value if inside.is_empty() => Ok(value),
            _ => Ok(ValueRef::Null),
        }
    }

    fn record(&self, row: RawRecord<'_, '_>) -> Result<R> {
        if row.len() != self.columns.names.len() {
            let why = format!("the row has {} cells, and there are {} columns", row.len(), self.columns.names.len());
            return Err(Error::corrupt(why).at_line(row.position().line, None));
        }
        R::decode(&self.shape, &mut RowDecoder::new(&self.columns, row)).map_err(|e| match e.place().line {
            Some(_) => e,
            None => e.at_line(row.position().line, None),
        })
    }
}

fn inside_of(document: &Document, steps: &[Step]) -> ValueRef<'static> {
    let value = document.cell(steps).into_owned();
    super::decode::owned(value)
}

impl<R: RecordCodec> Parser<R> for RowParser<R> {
    fn parse(&self, block: &Block) -> Vec<Result<R>> {
        let mut records = Vec::new();
        let mut cells = Vec::new();
        let mut rows = Records::new(block, self.dialect);
        while let Some(row) = rows.next_record() {
            match row.map_err(|e| raised(&e)).and_then(|row| Ok((self.admits(row, &mut cells)?, row))) {
                Ok((true, row)) => records.push(self.record(row)),
                Ok((false, _)) => {}
                Err(error) => records.push(Err(error)),
            }
        }
        records
    }
}

pub(super) fn read<R: Typed, I: Read>(input: I, settings: Settings) -> Result<CsvReader<R, I>> {
    CsvReader::new(input, R::SCHEMA, settings)
}

pub(super) fn read_documents<I: Read>(input: I, schema: Schema, settings: Settings) -> Result<CsvReader<Document, I>> {
    CsvReader::new(input, Arc::new(schema), settings)
}
