//! Where fields end in well-formed CSV, found 64 bytes at a time and without a branch for each quote.
//!
//! A byte is inside quotes where an odd number of quotes stands before it, as long as every quote opens a field, closes one or
//! is doubled. That is tested on the way; text of which it is not true is left to those who go from mark to mark.

use std::mem;

use super::Dialect;
use crate::format::mask::{WIDTH, below, mask};

/// The ends of fields and records, as bits, from the first byte of a record on.
#[derive(Clone, Debug)]
pub(super) struct Structure {
    dialect: Dialect,
    /// Of whole words.
    ends: Vec<u64>,
    /// Of the bytes behind them.
    tail: u64,
    /// What stands before the tail.
    before: Before,
    regular: bool,
}

/// What is known of the byte before a word. Each is one bit, but `inside`, which is all of them.
#[derive(Clone, Copy, Debug)]
struct Before {
    inside: u64,
    may_open: u64,
    closes: u64,
}

impl Before {
    /// Nothing: a field begins.
    const START: Self = Self { inside: 0, may_open: 1, closes: 0 };

    fn standing(self) -> Standing {
        match (self.inside, self.closes) {
            (0, 0) => Standing::Outside,
            (0, _) => Standing::Closing,
            _ => Standing::Inside,
        }
    }
}

/// Where one stands behind bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Standing {
    Outside,
    Inside,
    /// Behind a quote that closes a field, unless another one follows.
    Closing,
}

impl Structure {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, ends: Vec::new(), tail: 0, before: Before::START, regular: true }
    }

    /// Whether all that was looked at since the last cut is well-formed.
    pub(super) fn is_regular(&self) -> bool {
        self.regular
    }

    /// Looks at what was not looked at of `bytes`, and says where one stands behind them; nothing where they are not well-formed.
    pub(super) fn look(&mut self, bytes: &[u8], at_end: bool) -> Option<Standing> {
        let (chunks, _) = bytes.as_chunks::<WIDTH>();
        for chunk in chunks.get(self.ends.len()..).unwrap_or_default() {
            let word = self.word(chunk);
            if word.faults != 0 {
                self.regular = false;
                return None;
            }
            self.ends.push(word.ends);
            self.before = word.before();
        }
        let rest = bytes.get(self.ends.len() * WIDTH..).unwrap_or_default();
        let mut padded = [0; WIDTH];
        padded[..rest.len()].copy_from_slice(rest);
        let word = self.word(&padded);
        self.tail = word.ends;
        let standing = match rest.len().checked_sub(1) {
            None => self.before.standing(),
            Some(last) if word.inside >> last & 1 == 1 => Standing::Inside,
            Some(last) if word.closed >> last & 1 == 1 => Standing::Closing,
            Some(_) => Standing::Outside,
        };
        self.regular = word.faults & below(rest.len()) == 0 && !(at_end && standing == Standing::Inside);
        self.regular.then_some(standing)
    }

    #[inline(always)]
    fn word(&self, bytes: &[u8; WIDTH]) -> Word {
        let delimiter = self.dialect.delimiter();
        let ends = mask(bytes, |byte| (byte == delimiter) | (byte == b'\n') | (byte == b'\r'));
        let quotes = self.dialect.quote().map_or(0, |quote| mask(bytes, |byte| byte == quote));
        let inside = odd_up_to(quotes) ^ self.before.inside;
        let (opened, closed) = (quotes & inside, quotes & !inside);
        let outside = ends & !inside;
        let may_open = (outside | closed) << 1 | self.before.may_open;
        let behind_closed = closed << 1 | self.before.closes;
        let faults = opened & !may_open | behind_closed & !(quotes | ends);
        Word { ends: outside, inside, closed, faults }
    }

    /// How many bytes were found to be well-formed, and where one stands behind them.
    pub(super) fn reached(&self) -> (usize, Standing) {
        (self.ends.len() * WIDTH, self.before.standing())
    }

    /// Behind the last line end of `bytes`, which begin where this does and were found to be well-formed.
    pub(super) fn last_line_end(&self, bytes: &[u8]) -> Option<usize> {
        for index in (0..bytes.len().div_ceil(WIDTH)).rev() {
            let word = self.ends.get(index).unwrap_or(&self.tail);
            let mut ends = word & below(bytes.len() - index * WIDTH);
            while ends != 0 {
                let bit = ends.ilog2();
                let at = index * WIDTH + bit as usize;
                if let Some(b'\n' | b'\r') = bytes.get(at) {
                    return Some(at + 1);
                }
                ends ^= 1 << bit;
            }
        }
        None
    }

    /// Begins anew behind the first `length` bytes, and answers their ends; none where they are not known.
    pub(super) fn cut(&mut self, length: usize) -> Vec<u64> {
        let room = Vec::with_capacity(self.ends.len());
        let mut ends = mem::replace(&mut self.ends, room);
        ends.push(self.tail);
        ends.truncate(length.div_ceil(WIDTH));
        let known = self.regular && ends.len() * WIDTH >= length;
        *self = Self { ends: mem::take(&mut self.ends), ..Self::new(self.dialect) };
        match ends.last_mut() {
            Some(last) if known => *last &= below((length - 1) % WIDTH + 1),
            _ => ends.clear(),
        }
        ends
    }
}

/// What the bytes of a word are.
#[derive(Clone, Copy)]
struct Word {
    /// Ends of fields and records.
    ends: u64,
    /// Quotes that open, and what stands between them and those that close.
    inside: u64,
    /// Quotes that close, or are the first of two.
    closed: u64,
    faults: u64,
}

impl Word {
    /// What it is to the next one.
    #[inline(always)]
    fn before(self) -> Before {
        let last = WIDTH - 1;
        Before {
            inside: 0_u64.wrapping_sub(self.inside >> last),
            may_open: (self.ends | self.closed) >> last,
            closes: self.closed >> last,
        }
    }
}

/// Bit `i` says whether an odd number of the bits up to it are set.
#[inline(always)]
fn odd_up_to(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |sums, step| sums ^ sums << step)
}
