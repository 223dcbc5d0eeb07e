//! The records of a block and the fields of a record. Bytes in, slices out: nothing is copied but a text that holds
//! doubled quotes.
//!
//! One pass over 64 bytes at a time marks every delimiter, quote and line end; the parser goes from mark to mark.

use std::borrow::Cow;
use std::ops::Range;

use super::Dialect;
use crate::format::block::{Block, Places, Position, Source};
use crate::format::error::{FaultKind, RawError};
use crate::format::mask::{Class, Marks};

/// The bit of a field's end that says that the field holds doubled quotes. Blocks are too short for it to be a place.
const ESCAPED: u32 = 1 << 31;

/// Reads the records of a block, one after the other.
///
/// A malformed record is an error item; the next call goes on with the record after it.
pub(crate) struct Records<'b> {
    block: &'b Block,
    source: Source<'b>,
    marks: Marks<'b, Punctuation>,
    dialect: Dialect,
    next: usize,
    ends: Vec<u32>,
    places: Places<'b>,
}

impl<'b> Records<'b> {
    /// The records of `block`, which must have been cut by [`Quotes`](super::Quotes) of the same dialect.
    pub fn new(block: &'b Block, dialect: Dialect) -> Self {
        Self::starting_at(block, dialect, 0)
    }

    /// The records from the byte `next` on, where one begins.
    pub fn starting_at(block: &'b Block, dialect: Dialect, next: usize) -> Self {
        Self {
            block,
            source: Source::new(block),
            marks: Marks::new(block.bytes(), next, Punctuation::of(dialect)),
            dialect,
            next,
            ends: Vec::with_capacity(16),
            places: Places::new(block),
        }
    }

    /// How many bytes of the block have been read.
    pub fn consumed(&self) -> usize {
        self.next
    }

    /// The next record that is not a blank line.
    #[inline]
    pub fn next_record(&mut self) -> Option<Result<RawRecord<'_, 'b>, RawError>> {
        loop {
            let start = self.next;
            if start >= self.block.bytes().len() {
                return None;
            }
            if let Err((at, kind)) = self.split() {
                return Some(Err(self.error_at(at, kind)));
            }
            if self.ends[..] != [start as u32] {
                return Some(Ok(self.record(start)));
            }
        }
    }

    fn record(&self, start: usize) -> RawRecord<'_, 'b> {
        let Self { source, ref dialect, ref ends, ref places, .. } = *self;
        RawRecord { source, dialect, start, ends, places }
    }

    /// Notes where the fields of the next record end, and goes behind its line end.
    #[inline]
    fn split(&mut self) -> Result<(), (usize, FaultKind)> {
        let bytes = self.block.bytes();
        let delimiter = self.dialect.delimiter();
        let mut field = self.next;
        let mut escaped = 0;
        let mut fault = None;
        self.ends.clear();
        self.next = loop {
            let at = self.marks.next();
            match bytes.get(at) {
                Some(&byte) if byte == delimiter => {
                    self.ends.push(at as u32 | escaped);
                    escaped = 0;
                    field = at + 1;
                }
                Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => {
                    self.ends.push(at as u32 | escaped);
                    break self.marks.next() + 1;
                }
                Some(b'\n' | b'\r') => {
                    self.ends.push(at as u32 | escaped);
                    break at + 1;
                }
                Some(&quote) if at == field => match self.close(quote, at) {
                    Ok(doubled) => escaped = if doubled { ESCAPED } else { 0 },
                    Err(found) => fault = fault.or(Some(found)),
                },
                Some(_) => {}
                None => {
                    self.ends.push(bytes.len() as u32 | escaped);
                    break bytes.len();
                }
            }
        };
        fault.map_or(Ok(()), Err)
    }

    /// Goes to the quote that closes a field, and says whether there were doubled quotes before it.
    #[inline]
    fn close(&mut self, quote: u8, opened: usize) -> Result<bool, (usize, FaultKind)> {
        let bytes = self.block.bytes();
        let mut doubled = false;
        loop {
            let at = self.marks.next();
            match bytes.get(at) {
                None => return Err((opened, FaultKind::UnclosedQuote)),
                Some(&byte) if byte != quote => {}
                Some(_) => match bytes.get(at + 1) {
                    Some(&next) if next == quote => doubled = self.marks.next() > at,
                    Some(&next) if next != self.dialect.delimiter() && next != b'\n' && next != b'\r' => {
                        return Err((at + 1, FaultKind::TextAfterQuote));
                    }
                    _ => return Ok(doubled),
                },
            }
        }
    }

    fn error_at(&self, at: usize, kind: FaultKind) -> RawError {
        let field = self.ends.iter().take_while(|&&end| ((end & !ESCAPED) as usize) < at).count();
        RawError::fault(self.block.position(at), Some(field), kind)
    }
}

/// The bytes that mean something in a dialect.
#[derive(Clone, Copy)]
pub(super) struct Punctuation {
    delimiter: u8,
    quote: u8,
}

impl Punctuation {
    /// Those of `dialect`; without a quote the delimiter stands in for it.
    pub fn of(dialect: Dialect) -> Self {
        let delimiter = dialect.delimiter();
        Self { delimiter, quote: dialect.quote().unwrap_or(delimiter) }
    }
}

impl Class for Punctuation {
    #[inline(always)]
    fn holds(self, byte: u8) -> bool {
        (byte == self.delimiter) | (byte == self.quote) | (byte == b'\n') | (byte == b'\r')
    }
}

/// A record as it stands in the text. Its fields have been told apart, and nothing more.
#[derive(Clone, Copy)]
pub(crate) struct RawRecord<'r, 'b> {
    source: Source<'b>,
    dialect: &'r Dialect,
    start: usize,
    ends: &'r [u32],
    places: &'r Places<'b>,
}

impl<'r, 'b> RawRecord<'r, 'b> {
    /// How many fields there are, at least one.
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field `index`, counted from 0.
    #[inline]
    pub fn field(&self, index: usize) -> Option<RawField<'b>> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => (self.ends[before] & !ESCAPED) as usize + 1,
            None => self.start,
        };
        Some(RawField::new(self.source, start..(end & !ESCAPED) as usize, self.dialect, end & ESCAPED != 0))
    }

    /// All fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = RawField<'b>> + use<'r, 'b> {
        let record = *self;
        (0..record.len()).filter_map(move |index| record.field(index))
    }

    /// The whole record without its line end, quotes included.
    #[cfg(test)]
    pub fn bytes(&self) -> &'b [u8] {
        self.source.bytes(self.start..self.end())
    }

    /// Where it lies in the block, without its line end.
    #[cfg(feature = "file")]
    pub fn range(&self) -> Range<usize> {
        self.start..self.ends.last().map_or(self.start, |end| (end & !ESCAPED) as usize)
    }

    /// A cell as it stands, quotes included.
    #[cfg(feature = "file")]
    pub fn cell_bytes(&self, index: usize) -> &'b [u8] {
        let Some(end) = self.ends.get(index) else { return &[] };
        let start = index.checked_sub(1).map_or(self.start, |before| (self.ends[before] & !ESCAPED) as usize + 1);
        self.source.bytes(start..(end & !ESCAPED) as usize)
    }

    /// Where the record begins. Cheap while it is asked of records in order.
    pub fn position(&self) -> Position {
        self.places.of(self.start)
    }

    /// The error that `kind` is in the field `index`; with an index that does not exist, in the whole record.
    pub fn error(&self, index: usize, kind: FaultKind) -> RawError {
        let place = self.field_position(index);
        RawError::fault(place.unwrap_or_else(|| self.position()), place.map(|_| index), kind)
    }

    /// Where the field `index` begins, its opening quote included.
    pub fn field_position(&self, index: usize) -> Option<Position> {
        let start = match index.checked_sub(1) {
            Some(before) => (self.ends.get(before)? & !ESCAPED) as usize + 1,
            None => self.start,
        };
        self.ends.get(index)?;
        Some(self.position().after(self.source.bytes(self.start..start)))
    }

    #[cfg(test)]
    fn end(&self) -> usize {
        self.ends.last().map_or(self.start, |end| (end & !ESCAPED) as usize)
    }
}

/// One field as it stands in the text.
#[derive(Clone, Copy)]
pub(crate) struct RawField<'b> {
    source: Source<'b>,
    start: usize,
    end: usize,
    quote: Option<u8>,
    escaped: bool,
    null: bool,
}

impl<'b> RawField<'b> {
    #[inline]
    fn new(source: Source<'b>, range: Range<usize>, dialect: &Dialect, escaped: bool) -> Self {
        let Range { start, end } = range;
        let bytes = source.bytes(start..end);
        let quoted = dialect.quote().filter(|quote| bytes.first() == Some(quote));
        let inside = usize::from(quoted.is_some());
        let null = quoted.is_none() && bytes == dialect.null();
        Self { source, start: start + inside, end: end - inside, quote: quoted, escaped, null }
    }

    /// Whether it is quoted, and so text (semantics 2.10).
    #[inline]
    pub fn is_quoted(&self) -> bool {
        self.quote.is_some()
    }

    /// Whether it is null: spelled so and not quoted (semantics 2.10).
    #[inline]
    pub fn is_null(&self) -> bool {
        self.null
    }

    /// Whether it is null, or nothing without quotes, which is no value of a type that has no empty one.
    #[inline]
    pub fn is_blank(&self) -> bool {
        self.null || (self.start == self.end && self.quote.is_none())
    }

    /// Whether it is null for a type, of which is known whether an empty cell is a value of it.
    #[inline]
    pub fn is_null_for(&self, empty_is_value: bool) -> bool {
        match empty_is_value {
            true => self.is_null(),
            false => self.is_blank(),
        }
    }

    /// What stands between the quotes, or all of it. Quotes inside are still doubled, and it may not be UTF-8.
    #[cfg(test)]
    pub fn raw(&self) -> &'b [u8] {
        self.source.bytes(self.start..self.end)
    }

    /// The text, borrowed from the block unless quotes were doubled in it.
    ///
    /// # Errors
    ///
    /// [`FaultKind::InvalidUtf8`], [`FaultKind::Nul`].
    #[inline]
    pub fn text(&self) -> Result<Cow<'b, str>, FaultKind> {
        let text = self.source.text(self.start..self.end)?;
        match self.quote {
            Some(quote) if self.escaped => Ok(Cow::Owned(undoubled(text, quote))),
            _ => Ok(Cow::Borrowed(text)),
        }
    }
}

/// `text` with one quote for every two.
fn undoubled(text: &str, quote: u8) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(quote, rest.as_bytes()) {
        plain.push_str(&rest[..=at]);
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}
