//! NDJSON: one object a line, read and written in bounded memory.

use std::{
    io::{Read, Write},
    str,
    sync::Arc,
};

use super::{decode::decode_record, encode::encode_record};
use crate::{
    error::{Error, Result},
    format::{
        block::{Block, Blocks, Framing, Limits, Scan, View},
        error::FaultKind,
        parallel::{Parsed, Parser, raised},
    },
    query::{Bound, Predicate, Seen},
    record::{Document, Envelope, RecordCodec, Schema, Typed},
};

/// Lines end with `\n`; a `\r` before it is white space.
struct Lines;

impl Framing for Lines {
    fn scan(&mut self, view: View<'_>) -> Scan {
        let fresh = view.bytes.get(view.from..).unwrap_or_default();
        let found = if view.first { memchr::memchr(b'\n', fresh) } else { memchr::memrchr(b'\n', fresh) };
        let end = found.map(|at| view.from + at + 1);
        let rest =
            (view.at_end && !(view.first && end.is_some()) && !view.bytes.is_empty()).then_some(view.bytes.len());
        let looked = match end {
            Some(end) if view.first => end,
            _ => view.bytes.len(),
        };
        Scan { looked, end: rest.or(end), fault: None }
    }
}

/// How NDJSON is read and written; see the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct Json {
    max_line_bytes: usize,
}

impl Default for Json {
    /// Lines of up to 64 MiB.
    fn default() -> Self {
        Json { max_line_bytes: Limits::default().record }
    }
}

impl Json {
    /// How long a line may be, in bytes; a longer one is an error item, and reading goes on after it. At most 1 GiB.
    #[must_use]
    pub fn max_line_bytes(mut self, bytes: usize) -> Json {
        self.max_line_bytes = bytes;
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
        let limits = Limits { record: self.max_line_bytes, ..Limits::default() };
        let blocks = Blocks::with_limits(input, Lines, limits);
        JsonReader(Parsed::new(blocks, None, LineParser { shape, filter: None }))
    }
    /// Writes records of a derived type.
    pub fn write<R: Typed, W: Write>(&self, out: W) -> JsonWriter<R, W> {
        JsonWriter::new(out, R::SCHEMA)
    }
    /// Writes documents of this schema, open or closed.
    pub fn write_documents<W: Write>(&self, out: W, schema: Schema) -> JsonWriter<Document, W> {
        JsonWriter::new(out, Arc::new(schema))
    }
}

/// The records of an NDJSON input; parsed on rayon, given in order.
pub struct JsonReader<R: RecordCodec, I>(Parsed<I, Lines, LineParser<R>, R>);

impl<R: RecordCodec, I: Read> JsonReader<R, I> {
    /// Only records of which the predicate is true. It sees an empty envelope.
    ///
    /// # Errors
    /// `Query` where it does not fit the schema, `Unsupported` for a predicate without a data form.
    pub fn filter(mut self, predicate: impl Predicate<R>) -> Result<Self> {
        predicate.check()?;
        let own = || Error::unsupported("a predicate of one's own code has no form as data; filter the iterator");
        let parser = self.0.parser_mut();
        parser.filter = Some(predicate.lower().ok_or_else(own)?.bind(&parser.shape)?);
        Ok(self)
    }
}

impl<R: RecordCodec, I: Read> Iterator for JsonReader<R, I> {
    type Item = Result<R>;
    fn next(&mut self) -> Option<Result<R>> {
        self.0.next()
    }
}

struct LineParser<R: RecordCodec> {
    shape: R::Shape,
    filter: Option<Bound<R>>,
}

impl<R: RecordCodec> LineParser<R> {
    fn admits(&self, record: &R, envelope: &Envelope) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches(Seen { record, envelope }))
    }
}

impl<R: RecordCodec> Parser<R> for LineParser<R> {
    fn parse(&self, block: &Block) -> Vec<Result<R>> {
        let envelope = Envelope::nobody();
        let mut records = Vec::new();
        let mut start = 0;
        let bytes = block.bytes();
        // One check of the whole block is faster than one for each line; only a bad block is checked line by line.
        let whole = str::from_utf8(bytes).ok();
        for end in memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]) {
            let line = match whole {
                Some(text) => text.get(start..end).ok_or(FaultKind::InvalidUtf8),
                None => str::from_utf8(&bytes[start..end]).map_err(|_| FaultKind::InvalidUtf8),
            };
            let read = match line {
                Ok(blank) if blank.trim_ascii().is_empty() => None,
                Ok(line) => {
                    Some(decode_record::<R>(line, &self.shape).map_err(|e| e.at_line(block.position(start).line, None)))
                }
                Err(kind) => Some(Err(raised(&block.error(start, kind)))),
            };
            match read {
                Some(Ok(record)) if !self.admits(&record, &envelope) => {}
                Some(read) => records.push(read),
                None => {}
            }
            start = end + 1;
        }
        records
    }
}

/// Bytes that are gathered before they are handed on.
const BUFFER: usize = 64 << 10;

/// Writes records as NDJSON. [`finish`](JsonWriter::finish) hands on what is gathered and reports what dropping cannot.
pub struct JsonWriter<R: RecordCodec, W: Write> {
    out: W,
    shape: R::Shape,
    buffer: Vec<u8>,
}

impl<R: RecordCodec, W: Write> JsonWriter<R, W> {
    fn new(out: W, shape: R::Shape) -> Self {
        JsonWriter { out, shape, buffer: Vec::with_capacity(BUFFER + BUFFER / 4) }
    }
    /// Writes one record. A record that is refused leaves nothing behind.
    ///
    /// # Errors
    /// `Invalid` for what cannot be stored (semantics 2.5, 2.6), with the field; `Backend` where writing failed.
    pub fn write(&mut self, record: &R) -> Result<()> {
        let before = self.buffer.len();
        let written = encode_record(record, &self.shape, &mut self.buffer);
        if let Err(refused) = written {
            self.buffer.truncate(before);
            return Err(refused);
        }
        self.buffer.push(b'\n');
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
        self.flush_buffer()?;
        self.out.flush()?;
        Ok(self.out)
    }
}
