//! Writes records into a buffer. Where the buffer goes is the caller's business.

use super::record::Punctuation;
use super::{Dialect, Inferred, inferred};
use crate::format::mask::{Class, any};

/// A record that is being written: its fields are appended in order, and [`end`](Row::end) closes it.
///
/// A record of one null field is a blank line, which readers skip: [`end`](Row::end) says so, and the caller gives such
/// records another column (semantics 2.10).
pub(crate) struct Row<'a> {
    out: &'a mut Vec<u8>,
    dialect: Dialect,
    start: usize,
    begun: bool,
}

/// Whether a text is quoted though its characters do not ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// Quoted where it would otherwise be read as something else than this text, by whom has no schema
    /// (semantics 2.10). For text values.
    Distinct,
    /// Quoted only where its characters need it. For values of other types in their text form, and for headers.
    Needed,
}

/// The text holds U+0000, which no store keeps (semantics 2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HoldsNul;

impl<'a> Row<'a> {
    /// Begins a record at the end of `out`.
    pub fn new(out: &'a mut Vec<u8>, dialect: Dialect) -> Self {
        let start = out.len();
        Self { out, dialect, start, begun: false }
    }

    fn separate(&mut self) -> &mut Vec<u8> {
        if self.begun {
            self.out.push(self.dialect.delimiter());
        }
        self.begun = true;
        self.out
    }

    /// A null: its spelling, without quotes.
    pub fn null(&mut self) {
        let dialect = self.dialect;
        self.separate().extend_from_slice(dialect.null());
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.separate().extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// An integer of up to 128 bits.
    pub fn int(&mut self, value: impl itoa::Integer) {
        let mut buffer = itoa::Buffer::new();
        self.separate().extend_from_slice(buffer.format(value).as_bytes());
    }

    /// A finite float in its shortest exact form, always with a point or an exponent, so that it is read as a float.
    /// The caller has refused NaN and infinities (semantics 2.5), which would be text here.
    pub fn float(&mut self, value: impl zmij::Float) {
        let mut buffer = zmij::Buffer::new();
        self.separate().extend_from_slice(buffer.format(value).as_bytes());
    }

    /// ASCII that no punctuation is in: numbers, dates, timestamps, UUIDs, base64.
    pub fn plain(&mut self, text: &str) {
        self.print(|out| out.extend_from_slice(text.as_bytes()));
    }

    /// What `print` appends: ASCII, as in [`plain`](Row::plain).
    pub fn print(&mut self, print: impl FnOnce(&mut Vec<u8>)) {
        let dialect = self.dialect;
        let out = self.separate();
        let start = out.len();
        print(out);
        // Base64 may be what null is spelled as.
        if let (true, Some(quote)) = (&out[start..] == dialect.null(), dialect.quote()) {
            out.insert(start, quote);
            out.push(quote);
        }
    }

    /// Any text.
    ///
    /// Without a quote in the dialect the text is written as it is, and it is for the caller not to choose a dialect
    /// that cannot hold it.
    ///
    /// # Errors
    ///
    /// [`HoldsNul`]; what was written of the record is then to be thrown away.
    pub fn text(&mut self, text: &str, quoting: Quoting) -> Result<(), HoldsNul> {
        let dialect = self.dialect;
        let out = self.separate();
        match dialect.quote() {
            Some(quote) if needs_quotes(text, dialect, quoting) => push_quoted(out, text, quote),
            _ => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
    }

    /// Ends the record. Says whether it is more than a blank line.
    pub fn end(self) -> bool {
        let written = self.out.len() > self.start;
        self.out.extend_from_slice(self.dialect.line_end().bytes());
        written
    }
}

fn needs_quotes(text: &str, dialect: Dialect, quoting: Quoting) -> bool {
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return true };
    let marks = Punctuation::of(dialect);
    bytes == dialect.null()
        || is_blank(first)
        || is_blank(last)
        || any(bytes, |byte| marks.holds(byte) | (byte == 0))
        // A byte order mark at the start of the first field would be taken for the file's.
        || (first >= 0x80 && text.starts_with('\u{feff}'))
        || (quoting == Quoting::Distinct && inferred(text) != Inferred::Text)
}

/// Readers of other makers trim these.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn push_quoted(out: &mut Vec<u8>, text: &str, quote: u8) -> Result<(), HoldsNul> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(HoldsNul);
    }
    out.push(quote);
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr(quote, rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(quote);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(quote);
    Ok(())
}
