//! The records of a block and the fields of a record. Bytes in, slices out: nothing is copied but a text that holds
//! doubled quotes.
//!
//! Where the framing has found out where fields end, that is taken. Otherwise one pass over 64 bytes at a time marks every
//! delimiter, quote and line end, and the parser goes from mark to mark.

use std::borrow::Cow;
use std::ops::Range;

use super::Dialect;
use crate::format::block::{Block, Places, Position, Source};
use crate::format::error::{FaultKind, RawError};
use crate::format::mask::{Bits, Class, Marks};

/// Reads the records of a block, one after the other.
///
/// A malformed record is an error item; the next call goes on with the record after it.
pub(crate) struct Records<'b> {
    block: &'b Block,
    source: Source<'b>,
    way: Way<'b>,
    dialect: Dialect,
    next: usize,
    ends: Vec<u32>,
    places: Places<'b>,
}

/// How the ends of fields are found.
enum Way<'b> {
    /// They are known.
    Ends(Bits<'b>),
    Marks(Marks<'b, Punctuation>),
}

impl<'b> Records<'b> {
    /// The records of `block`, which must have been cut by [`Quotes`](super::Quotes) of the same dialect.
    pub fn new(block: &'b Block, dialect: Dialect) -> Self {
        Self::starting_at(block, dialect, 0)
    }

    /// The records from the byte `next` on, where one begins.
    pub fn starting_at(block: &'b Block, dialect: Dialect, next: usize) -> Self {
        let way = match block.ends() {
            Some(ends) => Way::Ends(Bits::new(ends, next)),
            None => Way::Marks(Marks::new(block.bytes(), next, Punctuation::of(dialect))),
        };
        Self {
            block,
            source: Source::new(block),
            way,
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
        let Self { block, ref mut way, ref dialect, ref mut next, ref mut ends, .. } = *self;
        ends.clear();
        match way {
            Way::Ends(known) => {
                *next = split_at(known, block.bytes(), dialect.delimiter(), ends);
                Ok(())
            }
            Way::Marks(marks) => split_by(marks, block.bytes(), dialect, next, ends),
        }
    }

    fn error_at(&self, at: usize, kind: FaultKind) -> RawError {
        let field = self.ends.iter().take_while(|&&end| (end as usize) < at).count();
        RawError::fault(self.block.position(at), Some(field), kind)
    }
}

/// Notes the ends of one record's fields, which are known, and answers where the next one begins.
#[inline]
fn split_at(known: &mut Bits<'_>, bytes: &[u8], delimiter: u8, ends: &mut Vec<u32>) -> usize {
    loop {
        let Some(at) = known.next() else {
            ends.push(bytes.len() as u32);
            return bytes.len();
        };
        ends.push(at as u32);
        match bytes.get(at) {
            Some(&byte) if byte == delimiter => {}
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => {
                return known.next().map_or(bytes.len(), |feed| feed + 1);
            }
            _ => return at + 1,
        }
    }
}

/// The same from mark to mark, whatever stands between them. `next` is where the record begins, and then where the one
/// behind it does.
fn split_by(
    marks: &mut Marks<'_, Punctuation>,
    bytes: &[u8],
    dialect: &Dialect,
    next: &mut usize,
    ends: &mut Vec<u32>,
) -> Result<(), (usize, FaultKind)> {
    let delimiter = dialect.delimiter();
    let mut field = *next;
    let mut fault = None;
    *next = loop {
        let at = marks.next();
        match bytes.get(at) {
            Some(&byte) if byte == delimiter => {
                ends.push(at as u32);
                field = at + 1;
            }
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => {
                ends.push(at as u32);
                break marks.next() + 1;
            }
            Some(b'\n' | b'\r') => {
                ends.push(at as u32);
                break at + 1;
            }
            Some(&quote) if at == field => {
                fault = fault.or(close(marks, bytes, delimiter, (quote, at)).err());
            }
            Some(_) => {}
            None => {
                ends.push(bytes.len() as u32);
                break bytes.len();
            }
        }
    };
    fault.map_or(Ok(()), Err)
}

/// Goes to the quote that closes a field.
#[inline]
fn close(
    marks: &mut Marks<'_, Punctuation>,
    bytes: &[u8],
    delimiter: u8,
    (quote, opened): (u8, usize),
) -> Result<(), (usize, FaultKind)> {
    loop {
        let at = marks.next();
        match bytes.get(at) {
            None => return Err((opened, FaultKind::UnclosedQuote)),
            Some(&byte) if byte != quote => {}
            Some(_) => match bytes.get(at + 1) {
                Some(&next) if next == quote => drop(marks.next()),
                Some(&next) if next != delimiter && next != b'\n' && next != b'\r' => {
                    return Err((at + 1, FaultKind::TextAfterQuote));
                }
                _ => return Ok(()),
            },
        }
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
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => self.ends[before] as usize + 1,
            None => self.start,
        };
        Some(RawField::new(self.source, start..end, self.dialect))
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
        self.start..self.ends.last().map_or(self.start, |end| *end as usize)
    }

    /// A cell as it stands, quotes included.
    #[cfg(feature = "file")]
    pub fn cell_bytes(&self, index: usize) -> &'b [u8] {
        let Some(end) = self.ends.get(index) else { return &[] };
        let start = index.checked_sub(1).map_or(self.start, |before| self.ends[before] as usize + 1);
        self.source.bytes(start..*end as usize)
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
            Some(before) => *self.ends.get(before)? as usize + 1,
            None => self.start,
        };
        self.ends.get(index)?;
        Some(self.position().after(self.source.bytes(self.start..start)))
    }

    #[cfg(test)]
    fn end(&self) -> usize {
        self.ends.last().map_or(self.start, |end| *end as usize)
    }
}

/// One field as it stands in the text.
#[derive(Clone, Copy)]
pub(crate) struct RawField<'b> {
    source: Source<'b>,
    start: usize,
    end: usize,
    quote: Option<u8>,
    null: bool,
}

impl<'b> RawField<'b> {
    #[inline]
    fn new(source: Source<'b>, range: Range<usize>, dialect: &Dialect) -> Self {
        let Range { start, end } = range;
        let bytes = source.bytes(start..end);
        let quoted = dialect.quote().filter(|quote| bytes.first() == Some(quote));
        let inside = usize::from(quoted.is_some());
        let null = quoted.is_none() && bytes == dialect.null();
        Self { source, start: start + inside, end: end - inside, quote: quoted, null }
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
            Some(quote) => Ok(undoubled(text, quote)),
            None => Ok(Cow::Borrowed(text)),
        }
    }
}

/// `text` with one quote for every two.
fn undoubled(text: &str, quote: u8) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut marks = Marks::new(bytes, 0, Quote(quote));
    let mut next = marks.next();
    if next == bytes.len() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut from = 0;
    while next < bytes.len() {
        plain.push_str(&text[from..=next]);
        // Quotes come in twos.
        from = marks.next().min(bytes.len() - 1) + 1;
        next = marks.next();
    }
    plain.push_str(&text[from..]);
    Cow::Owned(plain)
}

/// The quote of a dialect.
#[derive(Clone, Copy)]
struct Quote(u8);

impl Class for Quote {
    #[inline(always)]
    fn holds(self, byte: u8) -> bool {
        byte == self.0
    }
}
