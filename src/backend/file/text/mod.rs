//! Base files of text: CSV, TSV, NDJSON and JSON arrays. Rows are cut off in order and parsed on all cores.

mod rows;

pub(super) use rows::TextRows;

use std::{
    io,
    path::Path,
    sync::{Arc, OnceLock},
};

use super::{
    base::{Ask, IdRule, Setup, settled},
    coding::{Coding, TextReader},
    config::{Compression, Format},
    disk::{Disk, DiskFile, Stamp},
    identity::Identity,
    index::{self, Index},
    layout::{CsvLayout, Layout, RowFraming},
    progress::Work,
    raw::{Raw, RawRow, each_line, json_row, tells},
    row::{self, Parts},
};
use crate::{
    error::{Error, Result},
    format::{
        block::{Block, Blocks, Limits as BlockLimits, Position},
        csv::{CellFilter, Records},
        error::{Cause, RawError},
        json::{Frames, Peek},
        parallel::raised,
    },
    id::Id,
    query::Filter,
    record::{Part, RecordCodec, Stored},
    store::Limits,
};

/// What is read for a header and the first row.
const HEAD_BYTES: usize = 4 << 10;
/// What is read for one row, at first: most are shorter.
const ROW_BYTES: usize = 1 << 10;
/// A byte order mark, which some tools put before UTF-8.
pub(super) const BOM: [u8; 3] = *b"\xEF\xBB\xBF";

/// A base file of text.
pub(super) struct TextBase<D: Disk> {
    file: Option<Arc<D::File>>,
    stamp: Stamp,
    coding: Coding,
    pub(super) layout: Layout,
    /// Where the rows begin, behind the header.
    start: Position,
    /// Whether the first row has an `_id`: then rows without one are those that another tool has added.
    named: bool,
    /// A column of the envelope's that stands for something else in the first rows, and what it holds there.
    pub(super) foreign: Option<(String, String)>,
    /// Whether there is no text at all.
    blank: bool,
    index: index::Once,
    count: OnceLock<u64>,
    /// Whether the text begins with a byte order mark.
    pub(super) marked: bool,
    /// Whether its columns hold what records are, where that was asked.
    takes_rows: OnceLock<bool>,
    shown: String,
}

pub(super) type TextBlocks<D> = Blocks<TextReader<<D as Disk>::File>, RowFraming>;

impl<D: Disk> TextBase<D> {
    pub(super) fn open(disk: &D, path: &Path, setup: &Setup) -> Result<TextBase<D>> {
        let shown = super::lock::shown(path);
        let failed = |cause: io::Error| Error::backend("the file cannot be read").caused_by(cause).at_url(&shown);
        let file = match disk.open(path) {
            Ok(file) => Some(Arc::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let stamp = file.as_ref().map(|file| file.stamp()).transpose().map_err(failed)?.unwrap_or_default();
        let coding = match &file {
            Some(file) => Coding::of(setup.compression, &**file, stamp.length).map_err(failed)?,
            None => Coding::of_none(setup.compression),
        };
        let layout = match setup.format {
            Format::JsonLines => Layout::Lines,
            Format::Json => Layout::Array,
            // Parquet has a base of its own.
            Format::Csv | Format::Tsv | Format::Parquet => Layout::Csv(CsvLayout::empty(setup)?),
        };
        let mut base = TextBase {
            file,
            stamp,
            coding,
            layout,
            start: Position::START,
            named: false,
            foreign: None,
            blank: false,
            index: index::Once::default(),
            count: OnceLock::new(),
            marked: false,
            takes_rows: OnceLock::new(),
            shown,
        };
        base.look(setup).map_err(|e| e.at_url(&base.shown))?;
        Ok(base)
    }

    /// Reads the header and the first row.
    fn look(&mut self, setup: &Setup) -> Result<()> {
        let limits = BlockLimits { block: HEAD_BYTES, ..BlockLimits::default() };
        let mut blocks = Blocks::with_limits(self.reader(0), self.layout.framing(), limits);
        let is_plain_rows = setup.compression == Compression::None && !matches!(self.layout, Layout::Array);
        if self.file.is_some() && self.stamp.length == 0 && !is_plain_rows {
            return Err(Error::corrupt("the file has no bytes, and even one without records has some: it was cut"));
        }
        self.look_at_begin()?;
        if self.blank {
            return Ok(());
        }
        let Some(first) = blocks.next() else { return Ok(()) };
        let mut first = match first {
            Ok(first) => first,
            // What is wrong with the rows is said where they are read.
            Err(error) if matches!(self.layout, Layout::Lines | Layout::Array) && !is_io(&error) => return Ok(()),
            Err(error) => return Err(self.raised(&error)),
        };
        if let Layout::Csv(csv) = &mut self.layout {
            csv.settle(&mut first, setup)?;
            self.start = first.position(0);
        }
        let ask: Ask<Identity> = identities(setup, &Limits::default());
        let parsed = self.parse(&first, &ask, &Raw::All);
        self.foreign = parsed.rows.iter().find_map(|row| {
            let error = row.read.as_ref().err()?;
            let column = error.place().field.as_ref().filter(|field| row::COLUMNS.contains(&field.as_str()))?;
            Some((column.clone(), error.to_string()))
        });
        self.named =
            parsed.rows.first().is_some_and(|row| row.read.as_ref().is_ok_and(|(_, parts)| parts.id.is_some()));
        Ok(())
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// What stands for the file in the versions of its rows.
    fn fingerprint(&self) -> u64 {
        self.stamp.length.rotate_left(32) ^ self.stamp.modified_ns as u64
    }

    /// Whether what is wrong with the file shows only when all of it was read.
    pub(super) fn tells_at_its_end(&self) -> bool {
        self.coding.tells_at_its_end()
    }

    fn reader(&self, from: u64) -> TextReader<D::File> {
        match &self.file {
            Some(file) => self.coding.reader(file, self.stamp.length, from),
            None => TextReader::Empty,
        }
    }

    /// How many rows there are, where that is known.
    pub(super) fn known_count(&self) -> Option<u64> {
        self.count.get().copied()
    }

    /// Whether its columns hold what records are; asked once.
    pub(super) fn takes_rows(&self, ask: impl FnOnce() -> bool) -> bool {
        *self.takes_rows.get_or_init(ask)
    }

    /// Looks whether there is any text, without which there are no rows in every format, and whether it has a byte order mark.
    fn look_at_begin(&mut self) -> Result<()> {
        let mut first = Vec::new();
        let read = io::Read::read_to_end(&mut io::Read::take(self.reader(0), BOM.len() as u64), &mut first);
        self.marked = first == BOM;
        // What does not read of plain text is told where the rows are read.
        if !self.coding.is_plain() || self.stamp.length == 0 {
            read.map_err(|cause| {
                self.raised(&RawError { position: Position::START, field: None, cause: cause.into() })
            })?;
            self.blank = first.is_empty();
        }
        Ok(())
    }

    /// The blocks of all rows.
    pub(super) fn blocks(&self) -> TextBlocks<D> {
        let reader = if self.blank { TextReader::Empty } else { self.reader(self.start.offset) };
        let framing = if self.blank { RowFraming::Json(Frames::Lines) } else { self.layout.framing() };
        let blocks = Blocks::with_limits(reader, framing, BlockLimits::default());
        blocks.starting_at(self.start)
    }

    /// A fault of the text, or of what is below it.
    pub(super) fn raised(&self, error: &RawError) -> Error {
        let fault = match &error.cause {
            Cause::Io(io)
                if matches!(
                    io.kind(),
                    io::ErrorKind::InvalidData
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::Other
                ) =>
            {
                let why = format!(
                    "the compressed data does not read behind byte {} of the text: {io}",
                    error.position.offset
                );
                Error::corrupt(why).at_line(error.position.line, None)
            }
            _ => raised(error),
        };
        fault.at_url(&self.shown)
    }

    pub(super) fn scan<R: RecordCodec>(self: &Arc<Self>, ask: Ask<R>) -> Result<TextRows<R, D>> {
        let raw = self.raw_filter(&ask)?;
        let total_bytes = self.coding.is_plain().then_some(self.stamp.length);
        let watch = ask.watch().of(self.count.get().copied(), total_bytes);
        Ok(TextRows::new(self.clone(), ask, raw, watch))
    }

    /// How a filter is tested: on cells where it reads nothing but fields.
    fn raw_filter<R: RecordCodec>(&self, ask: &Ask<R>) -> Result<Raw<R>> {
        let Some(filter) = &ask.filter else { return Ok(Raw::All) };
        match &self.layout {
            _ if filter.columns().iter().any(|target| !matches!(target.part, Part::Field(_))) => {
                Ok(Raw::Settled(filter.clone()))
            }
            Layout::Csv(csv) if !row::is_loose(&ask.shape) || csv.tells_all() => {
                Ok(Raw::Cells(CellFilter::new(filter.clone(), &csv.columns, &ask.shape)?))
            }
            Layout::Lines | Layout::Array => {
                Ok(Raw::Peeked(Peek::new(filter.clone(), &ask.shape), row::is_loose(&ask.shape)))
            }
            _ => Ok(Raw::Decoded(filter.clone())),
        }
    }

    /// The row at a place; none where another record is there.
    pub(super) fn read<R: RecordCodec>(&self, place: u64, id: &Id, ask: &Ask<R>) -> Result<Option<Stored<R>>> {
        let limits = BlockLimits { block: ROW_BYTES, ..BlockLimits::default() };
        let start = Position { offset: place, ..Position::START };
        let mut blocks = Blocks::with_limits(self.row_reader(place), self.layout.framing(), limits).starting_at(start);
        let block = match blocks.next() {
            Some(Ok(block)) => block,
            Some(Err(error)) => return Err(self.raised(&error)),
            None => return Err(Error::corrupt(format!("there is no row at byte {place} any more")).at_url(&self.shown)),
        };
        let parsed = self
            .parse_first(&block, ask)
            .ok_or_else(|| Error::corrupt(format!("there is no row at byte {place} any more")).at_url(&self.shown))?;
        let (record, parts) = parsed.map_err(|e| e.at_url(&self.shown))?;
        let own = ask.ids.own(&record, &ask.shape)?.or_else(|| parts.id.clone());
        match own {
            Some(own) if own != *id => Ok(None),
            _ => Ok(Some(settled(parts.into_envelope(id.clone()), record, self.fingerprint(), place))),
        }
    }

    fn row_reader(&self, place: u64) -> io::Chain<io::Cursor<&'static [u8]>, TextReader<D::File>> {
        // An element of an array is read as the first of another array.
        let before: &'static [u8] = if matches!(self.layout, Layout::Array) { b"[" } else { b"" };
        io::Read::chain(io::Cursor::new(before), self.reader(place))
    }

    fn parse_first<R: RecordCodec>(&self, block: &Block, ask: &Ask<R>) -> Option<Result<(R, Parts)>> {
        let mut first = None;
        self.each_row(block, |mut row| {
            first = Some(row.read(&ask.shape));
            false
        });
        first
    }

    /// Shows the rows of a block to a closure until it says no more.
    pub(super) fn each_row<'b>(&self, block: &'b Block, mut show: impl FnMut(RawRow<'_, 'b>) -> bool) {
        match &self.layout {
            Layout::Csv(csv) => {
                let mut records = Records::new(block, csv.dialect);
                while let Some(record) = records.next_record() {
                    let row = match record {
                        Ok(row) => RawRow::Csv(csv, row),
                        Err(error) => RawRow::Bad(Some(self.raised(&error))),
                    };
                    if !show(row) {
                        return;
                    }
                }
            }
            Layout::Lines => each_line(block, show),
            Layout::Array => {
                for range in block.items() {
                    if !show(json_row(block, range.start as usize..range.end as usize)) {
                        return;
                    }
                }
            }
        }
    }

    fn parse<R: RecordCodec>(&self, block: &Block, ask: &Ask<R>, raw: &Raw<R>) -> Parsed<R> {
        let mut parsed = Parsed { rows: Vec::new(), count: 0 };
        let mut cells = Vec::new();
        self.each_row(block, |mut row| {
            let number = parsed.count;
            parsed.count += 1;
            let range = row.range();
            let read = match raw {
                Raw::Cells(filter) => match row.admitted(filter, &mut cells) {
                    Ok(false) => return true,
                    Ok(true) => row.read(&ask.shape),
                    Err(error) => Err(error),
                },
                Raw::Peeked(peek, loose) => match row.peeked(peek, *loose, &mut cells) {
                    Ok(Some(false)) => return true,
                    Ok(Some(true)) => row.read(&ask.shape),
                    Ok(None) => match row.read(&ask.shape) {
                        Ok((record, _)) if !tells(peek.filter(), &record) => return true,
                        read => read,
                    },
                    Err(error) => Err(error),
                },
                Raw::All | Raw::Decoded(_) | Raw::Settled(_) => row.read(&ask.shape),
            };
            if let (Raw::Decoded(filter), Ok((record, _))) = (raw, &read)
                && !tells(filter, record)
            {
                return true;
            }
            let place = block.offset() + range.start as u64;
            parsed.rows.push(ParsedRow { number, place, bytes: range.len(), read });
            true
        });
        parsed
    }

    /// A row with its id settled; `line` says where it stands.
    fn settle<R: RecordCodec>(
        &self,
        row: ParsedRow<R>,
        ordinal: u64,
        ask: &Ask<R>,
        line: impl FnOnce() -> u64,
    ) -> Result<Stored<R>> {
        let (record, mut parts) = row.read.map_err(|e| e.at_url(&self.shown))?;
        let own = ask.ids.own(&record, &ask.shape);
        let own = own.map_err(|e| e.at_line(line(), None).at_url(&self.shown))?;
        let id = match own.or_else(|| parts.id.take()) {
            Some(id) => id,
            None if ask.fresh_ids => Id::generate(),
            None => ordinal_id(ordinal, self.named)?,
        };
        Ok(settled(parts.into_envelope(id), record, self.fingerprint(), row.place))
    }

    /// The id of a row that has none.
    pub(super) fn ordinal_id(&self, ordinal: u64) -> Result<Id> {
        ordinal_id(ordinal, self.named)
    }

    pub(super) fn count(&self, limits: &Limits) -> Result<u64> {
        if let Some(known) = self.count.get() {
            return Ok(*known);
        }
        let mut count = 0;
        for block in self.blocks() {
            limits.check()?;
            let block = block.map_err(|error| self.raised(&error))?;
            self.each_row(&block, |_| {
                count += 1;
                true
            });
        }
        Ok(*self.count.get_or_init(|| count))
    }

    pub(super) fn index(self: &Arc<Self>, setup: &Setup, limits: &Limits) -> Result<Arc<Index>> {
        self.index.get(|| self.make_index(setup, limits))
    }

    fn make_index(self: &Arc<Self>, setup: &Setup, limits: &Limits) -> Result<Index> {
        let ask = identities(setup, limits).told(&setup.options, Work::Index);
        let is_at = |place, id: &Id| Ok(self.read(place, id, &ask)?.is_some());
        let twice = |first, second| {
            let why = format!("two rows have the same id, at bytes {first} and {second} of the text");
            Error::corrupt(why).at_url(&self.shown)
        };
        let index = Index::of(self.scan(ask.clone())?, is_at, twice)?;
        let _ = self.count.set(index.len() as u64);
        Ok(index)
    }

    pub(super) fn explain(&self, filter: Option<&Filter>, setup: &Setup) -> Vec<String> {
        let rows = self.count.get().map_or(String::new(), |count| format!(" of {count} rows"));
        let scan = format!("scan of the {} file{rows}, {} bytes, on all cores", setup.format, self.stamp.length);
        let tested = match (filter, &self.layout) {
            (None, _) => return vec![scan],
            (Some(_), Layout::Csv(csv)) if !row::is_loose(&setup.schema) || csv.tells_all() => {
                "the filter is tested on raw cells; a row of which it is false is not decoded"
            }
            (Some(_), Layout::Lines | Layout::Array) => {
                "the filter is tested on the fields that it reads; of a row of which it is false no other is decoded"
            }
            (Some(_), _) => "the filter is tested on each record",
        };
        vec![scan, tested.to_owned()]
    }
}

/// The records of a file as ids alone.
pub(super) fn identities(setup: &Setup, limits: &Limits) -> Ask<Identity> {
    Ask::all(Identity::shape(setup), IdRule::default(), limits)
}

fn is_io(error: &RawError) -> bool {
    matches!(error.cause, Cause::Io(_))
}

pub(super) fn ordinal_id(ordinal: u64, named: bool) -> Result<Id> {
    let text = if named { format!("row-{ordinal:010}") } else { format!("{ordinal:010}") };
    Ok(Id::new(&text)?)
}

/// The rows of one block.
struct Parsed<R> {
    rows: Vec<ParsedRow<R>>,
    /// How many there were, those that nobody asked for included.
    count: u64,
}

struct ParsedRow<R> {
    /// Its number in the block.
    number: u64,
    place: u64,
    bytes: usize,
    read: Result<(R, Parts)>,
}
