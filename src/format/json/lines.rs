//! NDJSON, one object a line, and arrays of objects: read and written in bounded memory.

use std::{
    io::{Read, Write},
    ops::Range,
    str,
    sync::Arc,
};

use super::{
    array::Elements,
    decode::{JsonDecoder, decode_record},
    encode::encode_record,
    peek::Peek,
};
use crate::{
    error::{Error, Result},
    format::{
        block::{Block, Blocks, Findings, Framing, Limits, Scan, View},
        error::FaultKind,
        lowered,
        parallel::{Parsed, Parser, raised},
    },
    query::Predicate,
    record::{Decoder, Document, RecordCodec, Schema, Typed},
    value::ValueRef,
};

/// Where records end.
pub(crate) enum Frames {
    /// At `\n`; a `\r` before it is white space.
    Lines,
    /// With the elements of an array.
    Array(Elements),
}

impl Frames {
    /// Those of an array.
    #[cfg(feature = "file")]
    pub(crate) fn array() -> Frames {
        Frames::Array(Elements::default())
    }
}

impl Framing for Frames {
    fn scan(&mut self, view: View<'_>) -> Scan {
        match self {
            Frames::Lines => scan_lines(view),
            Frames::Array(elements) => elements.scan(view),
        }
    }
    fn cut(&mut self, length: usize) -> Findings {
        match self {
            Frames::Lines => Findings::default(),
            Frames::Array(elements) => elements.cut(length),
        }
    }
    fn begun(&self) -> usize {
        match self {
            Frames::Lines => 0,
            Frames::Array(elements) => elements.begun(),
        }
    }
}

fn scan_lines(view: View<'_>) -> Scan {
    let fresh = view.bytes.get(view.from..).unwrap_or_default();
    let found = if view.first { memchr::memchr(b'\n', fresh) } else { memchr::memrchr(b'\n', fresh) };
    let end = found.map(|at| view.from + at + 1);
    let rest = (view.at_end && !(view.first && end.is_some()) && !view.bytes.is_empty()).then_some(view.bytes.len());
    let looked = match end {
        Some(end) if view.first => end,
        _ => view.bytes.len(),
    };
    Scan { looked, end: rest.or(end), fault: None }
}

/// How JSON is read and written; see the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct Json {
    max_record_bytes: usize,
    array: bool,
    strict: bool,
}

impl Default for Json {
    /// One object a line, of up to 64 MiB.
    fn default() -> Self {
        Json { max_record_bytes: Limits::default().record, array: false, strict: false }
    }
}

impl Json {
    /// One array of objects instead of one object a line.
    pub fn array() -> Json {
        Json { array: true, ..Json::default() }
    }
    /// How long a record may be, in bytes; a longer one is an error item, and reading goes on after it. At most 1 GiB.
    #[must_use]
    pub fn max_record_bytes(mut self, bytes: usize) -> Json {
        self.max_record_bytes = bytes;
        self
    }
    /// Every record must read, also those that a filter passes over: one that does not is an error item (semantics 3.12). Without
    /// this, of a record that is passed over only the fields that the filter reads must fit their types; all of it must be JSON.
    ///
    /// ```
    /// use dk_data::{Document, FieldDef, Filter, Schema, Type, format::json::Json};
    /// let schema = Schema::new("people").field(FieldDef::new("name", Type::Text)).field(FieldDef::new("age", Type::U8));
    /// let rows = |json: Json| {
    ///     let ann = Filter::eq("name", "Ann").bind::<Document>(&schema)?;
    ///     let lines = &b"{\"name\":\"Ann\",\"age\":40}\n{\"name\":\"Bob\",\"age\":\"old\"}\n"[..];
    ///     Ok::<_, dk_data::Error>(json.read_documents(lines, schema.clone()).matching(ann)?.count())
    /// };
    /// assert_eq!((rows(Json::default())?, rows(Json::default().strict())?), (1, 2));
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    #[must_use]
    pub fn strict(mut self) -> Json {
        self.strict = true;
        self
    }
    /// Reads records of a derived type. A line that does not read is an error item with line, column, field and value,
    /// and the reader goes on. Blank lines are passed over.
    pub fn read<R: Typed, I: Read>(&self, input: I) -> JsonReader<R, I> {
        self.read_shaped(input, R::SCHEMA)
    }
    /// Reads documents of this schema, open or closed.
    pub fn read_documents<I: Read>(&self, input: I, schema: Schema) -> JsonReader<Document, I> {
        self.read_shaped(input, Arc::new(schema))
    }
    fn read_shaped<R: RecordCodec, I: Read>(&self, input: I, shape: R::Shape) -> JsonReader<R, I> {
        let limits = Limits { record: self.max_record_bytes, ..Limits::default() };
        let frames = if self.array { Frames::Array(Elements::default()) } else { Frames::Lines };
        let parser = ObjectParser { shape, filter: None, array: self.array, strict: self.strict };
        JsonReader(Parsed::new(Blocks::with_limits(input, frames, limits), None, parser))
    }
    /// Writes records of a derived type.
    pub fn write<R: Typed, W: Write>(&self, out: W) -> JsonWriter<R, W> {
        JsonWriter::new(out, R::SCHEMA, self.array)
    }
    /// Writes documents of this schema, open or closed.
    pub fn write_documents<W: Write>(&self, out: W, schema: Schema) -> JsonWriter<Document, W> {
        JsonWriter::new(out, Arc::new(schema), self.array)
    }
}

/// The records of a JSON input; parsed on rayon, given in order.
pub struct JsonReader<R: RecordCodec, I>(Parsed<I, Frames, ObjectParser<R>, R>);

impl<R: RecordCodec, I: Read> JsonReader<R, I> {
    /// Only records of which the predicate is true. It is tested on the fields that it reads, before anything is decoded: a
    /// record is an error where one of those does not read or where it is no JSON, and whether the other fields fit their types
    /// is not looked at, unless the reader is [strict](Json::strict) (semantics 3.12). It sees an empty envelope.
    ///
    /// # Errors
    /// `Query` where it does not fit the schema, `Unsupported` for a predicate without a data form.
    pub fn matching(mut self, predicate: impl Predicate<R>) -> Result<Self> {
        let parser = self.0.parser_mut();
        let bound = lowered(&predicate)?.bind(&parser.shape)?;
        parser.filter = Some(Peek::new(bound, &parser.shape));
        Ok(self)
    }
}

impl<R: RecordCodec, I: Read> Iterator for JsonReader<R, I> {
    type Item = Result<R>;
    fn next(&mut self) -> Option<Result<R>> {
        self.0.next()
    }
}

struct ObjectParser<R: RecordCodec> {
    shape: R::Shape,
    filter: Option<Peek<R>>,
    array: bool,
    /// Records that are not asked for must read, too.
    strict: bool,
}

impl<R: RecordCodec> ObjectParser<R> {
    /// The record of an object, if it is asked for.
    fn wanted<'b>(&self, text: &'b str, cells: &mut Vec<ValueRef<'b>>) -> Result<Option<R>> {
        let admits = match &self.filter {
            Some(filter) => filter.admits(text, cells, JsonDecoder::skip)?,
            None => true,
        };
        if !admits && !self.strict {
            return Ok(None);
        }
        let record = decode_record(text, &self.shape)?;
        Ok(admits.then_some(record))
    }

    /// The object that stands in a range of the block; `None` for a blank line, and for one that is not asked for.
    fn object<'b>(&self, block: &'b Block, range: Range<usize>, cells: &mut Vec<ValueRef<'b>>) -> Option<Result<R>> {
        let start = range.start;
        let text = match block.text() {
            Some(text) => text.get(range).ok_or(FaultKind::InvalidUtf8),
            None => str::from_utf8(block.bytes().get(range).unwrap_or_default()).map_err(|_| FaultKind::InvalidUtf8),
        };
        match text {
            Ok(blank) if blank.trim_ascii().is_empty() => None,
            Ok(text) => self.wanted(text, cells).map_err(|error| placed(error, block, start)).transpose(),
            Err(kind) => Some(Err(raised(&block.error(start, kind)))),
        }
    }
}

/// An error inside an object, with its place in the input: the object's text counts from its own start.
#[cold]
pub(crate) fn placed(error: Error, block: &Block, start: usize) -> Error {
    match error.place().column {
        Some(inside) => {
            let at = block.position(start + inside.saturating_sub(1) as usize);
            error.moved_to(at.line, at.column)
        }
        None => error.at_line(block.position(start).line, None),
    }
}

impl<R: RecordCodec> Parser<R> for ObjectParser<R> {
    fn is_selective(&self) -> bool {
        self.filter.is_some()
    }
    /// The places are numbers of elements in an array, and bytes elsewhere.
    fn parse(&self, block: &Block, from: usize, most: usize, records: &mut Vec<Result<R>>) -> Option<usize> {
        let mut cells = Vec::new();
        let mut place = from;
        while records.len() < most {
            let range = if self.array {
                let range = block.items().get(place)?;
                place += 1;
                range.start as usize..range.end as usize
            } else {
                let line = block.bytes().get(place..).filter(|rest| !rest.is_empty())?;
                let length = memchr::memchr(b'\n', line).unwrap_or(line.len());
                let start = place;
                place = start + length + 1;
                start..start + length
            };
            records.extend(self.object(block, range, &mut cells));
        }
        Some(place)
    }
}

/// Bytes that are gathered before they are handed on.
const BUFFER: usize = 64 << 10;

/// Writes records as JSON. [`finish`](JsonWriter::finish) hands on what is gathered and reports what dropping cannot.
pub struct JsonWriter<R: RecordCodec, W: Write> {
    out: W,
    shape: R::Shape,
    buffer: Vec<u8>,
    array: bool,
    begun: bool,
}

impl<R: RecordCodec, W: Write> JsonWriter<R, W> {
    fn new(out: W, shape: R::Shape, array: bool) -> Self {
        JsonWriter { out, shape, buffer: Vec::with_capacity(BUFFER + BUFFER / 4), array, begun: false }
    }
    /// Writes one record. A record that is refused leaves nothing behind.
    ///
    /// # Errors
    /// `Invalid` for what cannot be stored (semantics 2.5, 2.6), with the field; `Backend` where writing failed.
    pub fn write(&mut self, record: &R) -> Result<()> {
        let before = self.buffer.len();
        if self.array {
            self.buffer.extend_from_slice(if self.begun { b",\n" } else { b"[\n" });
        }
        let written = encode_record(record, &self.shape, &mut self.buffer);
        if let Err(refused) = written {
            self.buffer.truncate(before);
            return Err(refused);
        }
        self.begun = true;
        if !self.array {
            self.buffer.push(b'\n');
        }
        if self.buffer.len() >= BUFFER { self.flush_buffer() } else { Ok(()) }
    }
    fn flush_buffer(&mut self) -> Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
    /// Writes what is gathered, flushes, and gives the output back.
    ///
    /// # Errors
    /// `Backend` where writing failed.
    pub fn finish(mut self) -> Result<W> {
        if self.array {
            self.buffer.extend_from_slice(if self.begun { b"\n]\n" } else { b"[]\n" });
        }
        self.flush_buffer()?;
        self.out.flush()?;
        Ok(self.out)
    }
}
