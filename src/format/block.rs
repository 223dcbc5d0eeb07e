//! Cuts an input of any length into blocks of whole records, in bounded memory.
//!
//! The cutting is sequential and cheap; the blocks are independent, so that they can be parsed in parallel and put back
//! in order. Where records end is the business of a [`Framing`]: CSV counts quotes, NDJSON looks for line ends, a JSON
//! array for elements. This module reads; it does not know what a record is.

use std::cell::Cell;
use std::fmt;
use std::io::Read;
use std::mem;
use std::ops::Range;
use std::str;

use super::error::{Cause, FaultKind, RawError};

/// A place in an input, exact even where quoted fields hold line breaks.
///
/// Lines end with `\n`, `\r\n` or a lone `\r`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Bytes from the start of the input, a byte order mark included.
    pub offset: u64,
    /// The line, from 1.
    pub line: u64,
    /// The column in bytes, from 1.
    pub column: u64,
}

impl Position {
    /// Where an input begins.
    pub const START: Self = Self { offset: 0, line: 1, column: 1 };

    /// Where one stands after `text`, which begins here and does not end between `\r` and `\n`.
    pub fn after(self, text: &[u8]) -> Self {
        let offset = self.offset + text.len() as u64;
        match memchr::memrchr2(b'\n', b'\r', text) {
            Some(last) => Self { offset, line: self.line + breaks(text), column: (text.len() - last) as u64 },
            None => Self { offset, column: self.column + text.len() as u64, ..self },
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// How many line ends `text` holds.
fn breaks(text: &[u8]) -> u64 {
    let lone = |&at: &usize| text.get(at + 1) != Some(&b'\n');
    let feeds = memchr::memchr_iter(b'\n', text).count();
    let returns = memchr::memchr_iter(b'\r', text).filter(lone).count();
    (feeds + returns) as u64
}

/// Whole records, and where they lie in the input.
#[derive(Debug)]
pub(crate) struct Block {
    content: Content,
    start: Position,
    findings: Findings,
}

/// What a framing has found out about whole records, for those who take them apart.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The records' ranges, where they were found one by one (JSON arrays).
    pub items: Vec<Range<u32>>,
    /// A bit for each byte, which says whether a field or a record ends there (CSV); none where that is not known.
    pub ends: Vec<u64>,
}

#[derive(Debug)]
enum Content {
    /// Not looked at, or not text.
    Bytes(Vec<u8>),
    /// UTF-8 without U+0000.
    Text(String),
}

impl Block {
    /// A block that is the whole of an input.
    #[cfg(test)]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { content: Content::Bytes(bytes), start: Position::START, findings: Findings::default() }
    }

    /// The text of the records, with what stands between them.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Bytes(bytes) => bytes,
            Content::Text(text) => text.as_bytes(),
        }
    }

    /// Finds out whether all of it is UTF-8 without U+0000, so that no piece of it need be checked again.
    pub fn check(&mut self) {
        let Content::Bytes(bytes) = &mut self.content else { return };
        self.content = match String::from_utf8(mem::take(bytes)) {
            Ok(text) if memchr::memchr(0, text.as_bytes()).is_none() => Content::Text(text),
            Ok(text) => Content::Bytes(text.into_bytes()),
            Err(error) => Content::Bytes(error.into_bytes()),
        };
    }

    /// All of it as text, where it was [checked](Block::check) and is.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Bytes(_) => None,
            Content::Text(text) => Some(text),
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self.content {
            Content::Bytes(bytes) => bytes,
            Content::Text(text) => text.into_bytes(),
        }
    }

    /// Where it begins, in bytes from the start of the input.
    #[cfg(feature = "file")]
    pub fn offset(&self) -> u64 {
        self.start.offset
    }

    /// The place of the byte `at`.
    pub fn position(&self, at: usize) -> Position {
        self.start.after(self.bytes().get(..at).unwrap_or(self.bytes()))
    }

    /// The error that a fault at byte `at` is.
    pub fn error(&self, at: usize, kind: FaultKind) -> RawError {
        RawError::fault(self.position(at), None, kind)
    }

    /// The records' ranges, where the framing found them one by one (JSON arrays); otherwise empty.
    pub fn items(&self) -> &[Range<u32>] {
        &self.findings.items
    }

    /// A bit for each byte that says whether a field or a record ends there, where the framing knows it (CSV).
    pub fn ends(&self) -> Option<&[u64]> {
        Some(&*self.findings.ends).filter(|ends| !ends.is_empty())
    }

    /// Leaves out the first `length` bytes, such as a header that has been read.
    pub fn skip(&mut self, length: usize) {
        let length = length.min(self.bytes().len());
        self.start = self.position(length);
        self.findings.ends.clear();
        match &mut self.content {
            Content::Bytes(bytes) => drop(bytes.drain(..length)),
            Content::Text(text) => *text = text.split_off(text.floor_char_boundary(length)),
        }
    }
}

/// Finds places in a block, cheaply while they are asked for in order.
#[derive(Debug)]
pub(crate) struct Places<'b> {
    block: &'b Block,
    last: Cell<(usize, Position)>,
}

impl<'b> Places<'b> {
    /// The places of `block`.
    pub fn new(block: &'b Block) -> Self {
        Self { block, last: Cell::new((0, block.start)) }
    }

    /// The place of the byte `at`, where a record begins.
    pub fn of(&self, at: usize) -> Position {
        let (before, place) = self.last.get();
        let between = self.block.bytes().get(before..at);
        let place = between.map_or_else(|| self.block.position(at), |text| place.after(text));
        self.last.set((at, place));
        place
    }
}

/// The text of a block, checked once for all of its records where all of it is UTF-8 without U+0000.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'b> {
    /// All of it is.
    Text(&'b str),
    /// Some of it is not, and each piece is checked when it is asked for.
    Bytes(&'b [u8]),
}

impl<'b> Source<'b> {
    /// The text of `block`.
    pub fn new(block: &'b Block) -> Self {
        let bytes = match &block.content {
            Content::Text(text) => return Self::Text(text),
            Content::Bytes(bytes) => bytes,
        };
        match str::from_utf8(bytes) {
            Ok(text) if memchr::memchr(0, bytes).is_none() => Self::Text(text),
            _ => Self::Bytes(bytes),
        }
    }

    /// The bytes of a range that lies in the block.
    #[inline]
    pub fn bytes(self, range: Range<usize>) -> &'b [u8] {
        let all = match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        };
        all.get(range).unwrap_or_default()
    }

    /// The text of a range that lies in the block and begins and ends beside ASCII.
    ///
    /// # Errors
    ///
    /// [`FaultKind::InvalidUtf8`], [`FaultKind::Nul`].
    #[inline]
    pub fn text(self, range: Range<usize>) -> Result<&'b str, FaultKind> {
        match self {
            Self::Text(text) => text.get(range).ok_or(FaultKind::InvalidUtf8),
            Self::Bytes(_) => checked(self.bytes(range)),
        }
    }
}

#[cold]
fn checked(bytes: &[u8]) -> Result<&str, FaultKind> {
    let text = str::from_utf8(bytes).map_err(|_| FaultKind::InvalidUtf8)?;
    if text.contains('\0') { Err(FaultKind::Nul) } else { Ok(text) }
}

/// What bounds the memory of a reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How much is read at once, in bytes.
    pub block: usize,
    /// How long a record may be, its line end included, in bytes. A longer one is an error, and reading goes on after it.
    pub record: usize,
}

impl Limits {
    /// The longest record that can be allowed: places inside a block have 30 bits.
    pub const MAX_RECORD: usize = 1 << 30;
    const MIN_RECORD: usize = 16;

    fn clamped(self) -> Self {
        let record = self.record.clamp(Self::MIN_RECORD, Self::MAX_RECORD);
        Self { block: self.block.clamp(1, record), record }
    }
}

impl Default for Limits {
    /// Blocks of 256 KiB, which stay in a core's own cache; records of up to 64 MiB.
    fn default() -> Self {
        Self { block: 256 << 10, record: 64 << 20 }
    }
}

/// Says where records end. It sees every byte once, in order.
pub(crate) trait Framing {
    /// Looks at `view.bytes` from `view.from` on; what came before is in the state.
    fn scan(&mut self, view: View<'_>) -> Scan;

    /// The first `length` bytes that were looked at are gone, and following offsets count from there.
    ///
    /// Answers what it found out about them.
    fn cut(&mut self, length: usize) -> Findings {
        let _ = length;
        Findings::default()
    }

    /// Where in the bytes that are left the record begins that is not yet whole, behind what stands between records.
    fn begun(&self) -> usize {
        0
    }
}

/// What a [`Framing`] is shown.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// Everything that is in memory. It begins where a record begins, or inside one that is being skipped.
    pub bytes: &'a [u8],
    /// The first byte that was not looked at.
    pub from: usize,
    /// Nothing follows: what is left is a record, or a fault.
    pub at_end: bool,
    /// Whether the first end is asked for, and nothing behind it is to be looked at; otherwise the last.
    pub first: bool,
}

/// What a [`Framing`] found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    /// How far it looked. A byte whose meaning hangs on the next one is left for the next time.
    pub looked: usize,
    /// Where the first or last whole record ends, never 0.
    pub end: Option<usize>,
    /// What ends the reading, found at `looked`.
    pub fault: Option<FaultKind>,
}

/// The blocks of an input.
///
/// A record over the limit is an error item, and the next block begins behind it. After a failure of the reader, or a
/// fault that leaves no way on, there is one error and then nothing.
pub(crate) struct Blocks<R, F> {
    input: R,
    framing: F,
    limits: Limits,
    buffer: Vec<u8>,
    /// The place of the buffer's first byte.
    start: Position,
    looked: usize,
    progress: Progress,
    failure: Option<RawError>,
    spare: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Progress {
    begun: bool,
    skipping: bool,
    at_end: bool,
    done: bool,
}

impl<R: Read, F: Framing> Blocks<R, F> {
    /// Reads `input` within `limits`.
    pub fn with_limits(input: R, framing: F, limits: Limits) -> Self {
        Self {
            input,
            framing,
            limits: limits.clamped(),
            buffer: Vec::new(),
            start: Position::START,
            looked: 0,
            progress: Progress { begun: false, skipping: false, at_end: false, done: false },
            failure: None,
            spare: Vec::new(),
        }
    }

    /// Says that the input begins at a place inside a larger one, where no byte order mark is.
    #[cfg(feature = "file")]
    #[must_use]
    pub fn starting_at(mut self, start: Position) -> Self {
        self.progress.begun = start != Position::START;
        self.start = start;
        self
    }

    /// Takes back a block that is no longer needed, so that its memory serves again.
    pub fn recycle(&mut self, block: Block) {
        let mut bytes = block.into_bytes();
        bytes.clear();
        self.spare.push(bytes);
    }

    /// Reads more, at least doubling what is there, so that long records cost linear time.
    fn fill(&mut self) {
        if self.progress.at_end {
            return;
        }
        let length = self.buffer.len();
        let wanted = self.limits.block.max(length).min(self.limits.record.saturating_sub(length)) as u64;
        self.buffer.reserve(wanted as usize);
        match self.input.by_ref().take(wanted).read_to_end(&mut self.buffer) {
            Ok(read) => self.progress.at_end = (read as u64) < wanted,
            Err(error) => self.fail(Cause::Io(error), self.buffer.len()),
        }
        if !mem::replace(&mut self.progress.begun, true) {
            self.skip_byte_order_mark();
        }
    }

    fn skip_byte_order_mark(&mut self) {
        if self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.buffer.drain(..3);
            self.start.offset = 3;
        }
        if self.buffer.starts_with(b"\xff\xfe") || self.buffer.starts_with(b"\xfe\xff") {
            self.buffer.clear();
            self.fail(FaultKind::Utf16.into(), 0);
        }
    }

    fn fail(&mut self, cause: Cause, at: usize) {
        let position = self.start.after(self.buffer.get(..at).unwrap_or(&self.buffer));
        self.failure.get_or_insert(RawError { position, field: None, cause });
    }

    fn scan(&mut self) -> Scan {
        let Progress { skipping: first, at_end, .. } = self.progress;
        let scan = self.framing.scan(View { bytes: &self.buffer, from: self.looked, at_end, first });
        self.looked = scan.looked;
        if let Some(kind) = scan.fault {
            self.fail(kind.into(), scan.looked);
        }
        scan
    }

    /// Forgets the first `length` bytes, which belong to a record that is too long, but keeps `\r` and `\n` together.
    fn discard(&mut self, length: usize) {
        let torn = self.buffer[..length].ends_with(b"\r") && !self.progress.at_end;
        let length = length - usize::from(torn);
        self.framing.cut(length);
        self.start = self.start.after(&self.buffer[..length]);
        self.buffer.drain(..length);
        self.looked -= length;
    }

    /// Hands out the first `length` bytes.
    fn cut(&mut self, length: usize) -> Block {
        let mut rest = self.spare.pop().unwrap_or_default();
        rest.extend_from_slice(&self.buffer[length..]);
        let mut bytes = mem::replace(&mut self.buffer, rest);
        bytes.truncate(length);
        self.looked -= length;
        let start = self.start;
        self.start = start.after(&bytes);
        Block { content: Content::Bytes(bytes), start, findings: self.framing.cut(length) }
    }

    fn refuse_long_record(&mut self) -> RawError {
        self.progress.skipping = true;
        let position = self.start.after(self.buffer.get(..self.framing.begun()).unwrap_or_default());
        RawError::fault(position, None, FaultKind::RecordTooLong { limit: self.limits.record })
    }
}

impl<R: Read, F: Framing> Iterator for Blocks<R, F> {
    type Item = Result<Block, RawError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.progress.done {
            if let Some(error) = self.failure.take() {
                self.progress.done = true;
                return Some(Err(error));
            }
            self.fill();
            let skipping = self.progress.skipping;
            let scan = self.scan();
            match scan.end {
                Some(end) if skipping => {
                    self.progress.skipping = false;
                    self.discard(end);
                }
                Some(end) => return Some(Ok(self.cut(end))),
                None if self.failure.is_some() => {}
                None if self.progress.at_end => self.progress.done = true,
                None if skipping => self.discard(scan.looked),
                None if self.buffer.len() >= self.limits.record => return Some(Err(self.refuse_long_record())),
                None => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_however_one_gets_there() {
        let text = b"a\nb\r\ncc\rd\n\n\r\r\n\"x\ny\"";
        for cut in 0..=text.len() {
            if text[..cut].ends_with(b"\r") && text[cut..].starts_with(b"\n") {
                continue;
            }
            let there = Position::START.after(&text[..cut]).after(&text[cut..]);
            assert_eq!(there, Position { offset: text.len() as u64, line: 9, column: 3 }, "{cut}");
        }
    }
}
