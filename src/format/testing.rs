//! Readers that make life hard, for the tests of this module.

use std::io::{self, Read};

/// Gives its bytes in pieces of the given lengths, over and over.
pub(crate) struct Dribble<'a> {
    bytes: &'a [u8],
    lengths: Vec<usize>,
    turn: usize,
}

impl<'a> Dribble<'a> {
    pub fn new(bytes: &'a [u8], lengths: impl Into<Vec<usize>>) -> Self {
        Self { bytes, lengths: lengths.into(), turn: 0 }
    }
}

impl Read for Dribble<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = self.lengths.get(self.turn % self.lengths.len().max(1)).copied().unwrap_or(1).max(1);
        self.turn += 1;
        let (now, later) = self.bytes.split_at(wanted.min(self.bytes.len()).min(into.len()));
        into[..now.len()].copy_from_slice(now);
        self.bytes = later;
        Ok(now.len())
    }
}

/// Gives its bytes, and then an error for ever.
pub(crate) struct Broken<'a>(pub &'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(io::Error::other("the cable was cut")),
            read => Ok(read),
        }
    }
}
