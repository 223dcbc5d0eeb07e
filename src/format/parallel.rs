//! Blocks parsed on all cores, records given in order. Holds a few blocks at a time, whatever the input's length.

use std::io::Read;

use rayon::prelude::*;

use super::{
    block::{Block, Blocks, Framing},
    error::{Cause, FaultKind, RawError},
};
use crate::error::{Error, ErrorKind, Result};

/// Takes a block apart.
pub(crate) trait Parser<R>: Sync {
    /// The records of a block, and the errors of those that cannot be read, in order.
    fn parse(&self, block: &Block) -> Vec<Result<R>>;
}

/// The records of an input.
pub(crate) struct Parsed<I, F, P, R> {
    blocks: Blocks<I, F>,
    pending: Option<Block>,
    parser: P,
    ready: std::vec::IntoIter<Vec<Result<R>>>,
    current: std::vec::IntoIter<Result<R>>,
    /// What ended the reading; told once, after what came before it.
    failure: Option<Error>,
    /// Blocks to take next time: one at first, so that the first record is not waited for.
    ahead: usize,
}

impl<I: Read, F: Framing, P: Parser<R>, R: Send> Parsed<I, F, P, R> {
    /// `pending` is a block that was read already.
    pub(crate) fn new(blocks: Blocks<I, F>, pending: Option<Block>, parser: P) -> Self {
        Parsed {
            blocks,
            pending,
            parser,
            ready: Vec::new().into_iter(),
            current: Vec::new().into_iter(),
            failure: None,
            ahead: 1,
        }
    }

    pub(crate) fn parser_mut(&mut self) -> &mut P {
        &mut self.parser
    }

    /// Takes some blocks and parses them. Says whether there was anything.
    fn refill(&mut self) -> bool {
        let mut batch: Vec<Block> = self.pending.take().into_iter().collect();
        while batch.len() < self.ahead {
            match self.blocks.next() {
                Some(Ok(block)) => batch.push(block),
                Some(Err(error)) => {
                    self.failure = Some(raised(&error));
                    break;
                }
                None => break,
            }
        }
        self.ahead = 2 * rayon::current_num_threads();
        let parser = &self.parser;
        let parsed: Vec<_> = match batch.len() {
            0 => return false,
            1 => batch.iter().map(|block| parser.parse(block)).collect(),
            _ => batch.par_iter().map(|block| parser.parse(block)).collect(),
        };
        batch.into_iter().for_each(|block| self.blocks.recycle(block));
        self.ready = parsed.into_iter();
        true
    }
}

impl<I: Read, F: Framing, P: Parser<R>, R: Send> Iterator for Parsed<I, F, P, R> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Result<R>> {
        loop {
            if let Some(record) = self.current.next() {
                return Some(record);
            }
            if let Some(next) = self.ready.next() {
                self.current = next.into_iter();
                continue;
            }
            // A record over the limit is one error, and reading goes on behind it.
            if let Some(failure) = self.failure.take() {
                return Some(Err(failure));
            }
            if !self.refill() && self.failure.is_none() {
                return None;
            }
        }
    }
}

/// A fault of the text as an error of the crate.
pub(crate) fn raised(error: &RawError) -> Error {
    let column = error.field.map_or(error.position.column, |field| field as u64 + 1);
    let kind = match &error.cause {
        Cause::Io(_) => ErrorKind::Backend,
        Cause::Fault(FaultKind::Utf16) => ErrorKind::Configuration,
        Cause::Fault(_) => ErrorKind::Corrupt,
    };
    let retryable = matches!(&error.cause, Cause::Io(io) if io.kind() == std::io::ErrorKind::TimedOut);
    Error::new(kind, error.cause.to_string()).at_line(error.position.line, Some(column)).retryable(retryable)
}
