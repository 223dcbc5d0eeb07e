//! Records out of CSV: the predicate is tested on raw cells, and only what it admits is decoded (semantics 3.12).

use std::{borrow::Cow, io::Read, sync::Arc};

use super::{
    Dialect, Layout, Quotes, RawRecord, Records,
    columns::{Columns, Level},
    decode::RowDecoder,
    layout::may_lack,
};
use crate::{
    error::{Error, Result},
    format::{
        block::{Block, Blocks, Limits},
        lowered,
        parallel::{Parsed, Parser, raised},
    },
    query::{Bound, Predicate},
    record::{Document, FieldDef, Name, Part, RecordCodec, Schema, Step, Target, Type, Typed},
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
    pub(super) strict: bool,
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
        if settings.header {
            Columns::distinct(&names)?;
        }
        let columns = Columns::settle(names, &shape)?;
        let parser = RowParser { shape, columns, dialect: settings.dialect, filter: None, strict: settings.strict };
        Ok(CsvReader(Parsed::new(blocks, first, parser)))
    }

    /// Only records of which the predicate is true. It is tested on the cells that it reads, before anything is decoded:
    /// a row is an error where one of those does not parse, and cells that nobody asks for are not looked at, unless the
    /// reader is [strict](super::Csv::strict) (semantics 3.12).
    ///
    /// # Errors
    /// `Query` where it does not fit the schema, `Unsupported` for a predicate without a data form.
    pub fn matching(mut self, predicate: impl Predicate<R>) -> Result<Self> {
        let parser = self.0.parser_mut();
        let bound = lowered(&predicate)?.bind(&parser.shape)?;
        parser.filter = Some(CellFilter::new(bound, &parser.columns, &parser.shape)?);
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
pub(crate) fn take_header(block: &mut Block, dialect: Dialect) -> Result<Vec<Name>> {
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

/// The names of columns without a header: those that the writer gives the schema, in order, then `column_1`, `column_2`,
/// … by their places.
pub(crate) fn numbered(block: &Block, dialect: Dialect, schema: &Schema) -> Result<Vec<Name>> {
    let count = match Records::new(block, dialect).next_record() {
        Some(row) => row.map_err(|e| raised(&e))?.len(),
        None => 0,
    };
    let layout = Layout::of(schema);
    // The writer puts an ordinal before what may be blank.
    let ordinal = !schema.open && layout.may_be_blank() && count == layout.width() + 1;
    let known = ordinal.then(|| "_id".to_owned()).into_iter().chain(layout.names(schema)).map(Name::Owned);
    let unknown = (1..).map(|column: usize| Name::Owned(format!("column_{column}")));
    let width = layout.width() + usize::from(ordinal);
    Ok(known.chain(unknown.skip(width)).take(count).collect())
}

struct RowParser<R: RecordCodec> {
    shape: R::Shape,
    columns: Columns,
    dialect: Dialect,
    filter: Option<CellFilter<R>>,
    /// Rows that are not asked for must read, too.
    strict: bool,
}

/// A predicate over raw cells: for each of its columns, which cell it is and how that is read.
pub(crate) struct CellFilter<R> {
    bound: Bound<R>,
    cells: Vec<CellSource>,
}

enum CellSource {
    /// A column of the file, with the steps that lead on inside a cell of JSON.
    Column { column: usize, field: Option<FieldDef>, inside: Vec<Step> },
    /// A record that is spread over several columns, which can be tested for null alone.
    Record { cells: Level, may_lack: bool },
    /// Not in the file.
    Absent,
}

impl<R: RecordCodec> CellFilter<R> {
    pub(crate) fn new(bound: Bound<R>, columns: &Columns, schema: &Schema) -> Result<Self> {
        let sources = bound.columns().iter().map(|target| CellSource::of(target, columns, schema));
        let cells = sources.collect::<Result<_>>()?;
        Ok(CellFilter { bound, cells })
    }

    /// Whether it is true of a row. All cells that it reads are parsed first; `cells` is room for them.
    pub(crate) fn admits<'b>(
        &self,
        columns: &Columns,
        row: RawRecord<'_, 'b>,
        cells: &mut Vec<ValueRef<'b>>,
    ) -> Result<bool> {
        cells.resize(self.cells.len(), ValueRef::Null);
        for (source, cell) in self.cells.iter().zip(&mut *cells) {
            source.put_cell(columns, row, cell)?;
        }
        let Ok(holds) = self.bound.test(cells.as_slice());
        Ok(holds)
    }
}

impl CellSource {
    /// Puts in the value of the cell.
    #[inline]
    fn put_cell<'b>(&self, columns: &Columns, row: RawRecord<'_, 'b>, cell: &mut ValueRef<'b>) -> Result<()> {
        match self {
            CellSource::Column { column, field, inside } => {
                RowDecoder::at(columns, row, *column).put_value(field.as_ref(), cell)?;
                if !inside.is_empty() {
                    *cell = match cell {
                        ValueRef::Record(document) => inside_of(document, inside),
                        _ => ValueRef::Null,
                    };
                }
            }
            CellSource::Record { cells, may_lack: true } if cells.is_null(row)? => *cell = ValueRef::Null,
            CellSource::Record { .. } => *cell = ValueRef::Record(Cow::Owned(Document::new())),
            CellSource::Absent => *cell = ValueRef::Null,
        }
        Ok(())
    }

    fn of(target: &Target, columns: &Columns, schema: &Schema) -> Result<CellSource> {
        let Part::Field(steps) = &target.part else { return Ok(CellSource::Absent) };
        let source = CellSource::under(steps, &columns.top, schema);
        let joined = target.path.to_string();
        let flat = |name: &Name| steps.len() > 1 && steps[0].index.is_none() && *name == joined;
        match source {
            CellSource::Absent if columns.names.iter().any(flat) => {
                let why = format!(
                    "the column `{joined}` is no record, for no schema says so: declare one, or write the name in \
                     quotes, \"{joined}\""
                );
                Err(Error::query(why).at_field(joined))
            }
            source => Ok(source.called(&joined)),
        }
    }

    fn under(steps: &[Step], level: &Level, schema: &Schema) -> CellSource {
        let Some((first, rest)) = steps.split_first() else { return CellSource::Absent };
        let entry = level.entries.iter().find(|entry| match first.index {
            Some(index) => entry.field == Some(index),
            None => entry.field.is_none() && entry.name == first.name,
        });
        let Some(entry) = entry else { return CellSource::Absent };
        let field = entry.field.and_then(|index| schema.fields.get(index));
        match (&entry.inside, field) {
            (Some(inside), Some(field)) if rest.is_empty() => {
                CellSource::Record { cells: inside.clone(), may_lack: may_lack(field) }
            }
            (Some(inside), Some(FieldDef { ty: Type::Record(schema), .. })) => CellSource::under(rest, inside, schema),
            _ => CellSource::Column { column: entry.column, field: field.cloned(), inside: rest.to_vec() },
        }
    }

    /// The same, with the path in its errors.
    fn called(mut self, path: &str) -> CellSource {
        if let CellSource::Column { field: Some(field), inside, .. } = &mut self
            && inside.is_empty()
        {
            field.name = Name::Owned(path.to_owned());
        }
        self
    }
}

impl<R: RecordCodec> RowParser<R> {
    /// Whether the row is one that is asked for.
    fn admits<'b>(&self, row: RawRecord<'_, 'b>, cells: &mut Vec<ValueRef<'b>>) -> Result<bool> {
        self.filter.as_ref().map_or(Ok(true), |filter| filter.admits(&self.columns, row, cells))
    }

    /// Whether the row has a cell for each column, without which it is not known which cell is which.
    fn fits(&self, row: RawRecord<'_, '_>) -> Result<()> {
        if row.len() == self.columns.names.len() {
            return Ok(());
        }
        let why = format!("the row has {} cells, and there are {} columns", row.len(), self.columns.names.len());
        Err(Error::corrupt(why).at_line(row.position().line, None))
    }

    #[inline]
    fn record(&self, row: RawRecord<'_, '_>) -> Result<R> {
        match R::decode(&self.shape, &mut RowDecoder::new(&self.columns, row)) {
            Err(e) if e.place().line.is_none() => Err(e.at_line(row.position().line, None)),
            record => record,
        }
    }

    /// Whether the row is whole and is asked for.
    fn wants<'b>(&self, row: RawRecord<'_, 'b>, cells: &mut Vec<ValueRef<'b>>) -> Result<bool> {
        self.fits(row)?;
        self.admits(row, cells)
    }
}

fn inside_of(document: &Document, steps: &[Step]) -> ValueRef<'static> {
    document.cell(steps).into_owned().into_ref()
}

impl<R: RecordCodec> Parser<R> for RowParser<R> {
    fn is_selective(&self) -> bool {
        self.filter.is_some()
    }
    fn parse(&self, block: &Block, from: usize, most: usize, records: &mut Vec<Result<R>>) -> Option<usize> {
        let mut cells = Vec::new();
        let mut rows = Records::starting_at(block, self.dialect, from);
        loop {
            if records.len() >= most {
                return Some(rows.consumed());
            }
            let row = rows.next_record()?;
            let wanted = match row {
                Ok(row) => self.wants(row, &mut cells).map(|wanted| (wanted, row)),
                Err(e) => Err(raised(&e)),
            };
            match wanted {
                Ok((true, row)) => records.push(self.record(row)),
                Ok((false, row)) if self.strict => records.extend(self.record(row).err().map(Err)),
                Ok((false, _)) => {}
                Err(e) => records.push(Err(e)),
            }
        }
    }
}

pub(super) fn read<R: Typed, I: Read>(input: I, settings: Settings) -> Result<CsvReader<R, I>> {
    CsvReader::new(input, R::SCHEMA, settings)
}

pub(super) fn read_documents<I: Read>(input: I, schema: Schema, settings: Settings) -> Result<CsvReader<Document, I>> {
    CsvReader::new(input, Arc::new(schema), settings)
}
