//! Blocks parsed on all cores, records given in order. Holds a few blocks at a time, whatever the input's length.

use std::{collections::VecDeque, io::Read};

use rayon::prelude::*;

use super::{
    block::{Block, Blocks, Framing},
    error::{Cause, FaultKind, RawError},
};
use crate::error::{Error, ErrorKind, Result};

/// Records that are parsed at once where no other thread helps: so few that the memory of those that were dropped, which is
/// still at hand, serves the next.
const AT_ONCE: usize = 8;

/// Takes a block apart.
pub(crate) trait Parser<R>: Sync {
    /// Appends the records of a block, and the errors of those that cannot be read, in order.
    ///
    /// It begins at a place in the block that it named itself, at first 0, and stops when there are `most` of them. The
    /// answer is the place where to go on; nothing where the block is at its end.
    fn parse(&self, block: &Block, from: usize, most: usize, records: &mut Vec<Result<R>>) -> Option<usize>;
    /// Whether only some of the records are asked for, so that looking costs more than giving.
    fn is_selective(&self) -> bool;
}

/// The records of an input.
pub(crate) struct Parsed<I, F, P, R> {
    blocks: Blocks<I, F>,
    pending: Option<Block>,
    parser: P,
    /// The block that is parsed here, a few records at a time, and where to go on in it.
    open: Option<(Block, usize)>,
    ready: std::vec::IntoIter<Vec<Result<R>>>,
    current: VecDeque<Result<R>>,
    /// Lists that were given out, for the next blocks: large memory that is given back and asked for again costs more
    /// than it seems, for the allocator then tidies up the small pieces of the records.
    spare: Vec<Vec<Result<R>>>,
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
            open: None,
            ready: Vec::new().into_iter(),
            current: VecDeque::new(),
            spare: Vec::new(),
            failure: None,
            ahead: 1,
        }
    }

    pub(crate) fn parser_mut(&mut self) -> &mut P {
        &mut self.parser
    }

    /// Whether the thread that asks for the records parses them. Records that one thread makes and another one drops keep
    /// the allocator busy: with two threads that costs more than the second one gives, unless few records are made.
    fn parses_here(&self) -> bool {
        let threads = rayon::current_num_threads();
        threads == 1 || (threads == 2 && !self.parser.is_selective())
    }

    /// Parses the next few records of a block.
    fn parse_some(&mut self, block: Block, from: usize) {
        let mut records = Vec::from(std::mem::take(&mut self.current));
        let next = self.parser.parse(&block, from, AT_ONCE, &mut records);
        self.current = records.into();
        match next {
            Some(next) => self.open = Some((block, next)),
            None => self.blocks.recycle(block),
        }
    }

    /// Takes some blocks and parses them. Says whether there was anything.
    fn refill(&mut self) -> bool {
        let ahead =
            if self.parses_here() { 1 } else { std::mem::replace(&mut self.ahead, 2 * rayon::current_num_threads()) };
        let mut batch: Vec<(Block, Vec<Result<R>>)> = Vec::with_capacity(ahead);
        while batch.len() < ahead {
            match self.pending.take().map(Ok).or_else(|| self.blocks.next()) {
                Some(Ok(block)) => batch.push((block, self.spare.pop().unwrap_or_default())),
                Some(Err(error)) => {
                    self.failure = Some(raised(&error));
                    break;
                }
                None => break,
            }
        }
        if let Some((mut block, records)) = batch.pop_if(|_| ahead == 1) {
            block.check();
            self.open = Some((block, 0));
            self.spare.push(records);
            return true;
        }
        if batch.is_empty() {
            return false;
        }
        let parser = &self.parser;
        batch.par_iter_mut().for_each(|(block, records)| {
            block.check();
            parser.parse(block, 0, usize::MAX, records);
        });
        let (blocks, parsed): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        blocks.into_iter().for_each(|block| self.blocks.recycle(block));
        self.ready = parsed.into_iter();
        true
    }
}

impl<I: Read, F: Framing, P: Parser<R>, R: Send> Iterator for Parsed<I, F, P, R> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Result<R>> {
        loop {
            if let Some(record) = self.current.pop_front() {
                return Some(record);
            }
            if let Some(next) = self.ready.next() {
                let given = std::mem::replace(&mut self.current, next.into());
                self.spare.push(given.into());
                continue;
            }
            if let Some((block, from)) = self.open.take() {
                self.parse_some(block, from);
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

#[cfg(test)]
mod tests {
    use crate::{
        Filter,
        format::{csv::Csv, json::Json},
        record::{Document, FieldDef, Schema, Type},
    };

    /// Enough for several blocks, every hundredth of them not a number.
    const ROWS: usize = 6_000;

    fn schema() -> Schema {
        Schema::new("t").field(FieldDef::new("a", Type::I64)).field(FieldDef::new("b", Type::Text))
    }

    fn cell(row: usize) -> String {
        if row % 100 == 7 { "x".to_owned() } else { row.to_string() }
    }

    fn expected(threshold: usize) -> Vec<Result<i64, u64>> {
        let all = (0..ROWS).map(|row| if row % 100 == 7 { Err(row as u64) } else { Ok(row as i64) });
        all.filter(|read| read.is_err() || read.is_ok_and(|a| a as usize >= threshold)).collect()
    }

    /// The numbers, and the rows that do not read by their places, the first of which is on this line.
    fn seen(records: impl Iterator<Item = crate::Result<Document>>, first: u64) -> Vec<Result<i64, u64>> {
        let number = |document: Document| document.get_as::<i64>("a").unwrap().unwrap();
        records.map(|read| read.map(number).map_err(|e| e.place().line.unwrap() - first)).collect()
    }

    fn on_threads(threads: usize, work: impl FnOnce() + Send) {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work);
    }

    #[test]
    fn records_and_errors_come_in_order_on_any_number_of_threads() {
        let filler = "some text ".repeat(20);
        let rows = |row: usize| format!("{},{filler}\n", cell(row));
        let csv: String = std::iter::once("a,b\n".to_owned()).chain((0..ROWS).map(rows)).collect();
        let object = |row: usize| format!("{{\"a\":{},\"b\":\"{filler}\"}}", cell(row).replace('x', "\"x\""));
        let lines: String = (0..ROWS).map(|row| object(row) + "\n").collect();
        let array = format!("[{}]", (0..ROWS).map(object).collect::<Vec<_>>().join(",\n"));
        assert!(csv.len() > 3 << 18 && lines.len() > 3 << 18);
        for threads in [1, 2, 5] {
            on_threads(threads, || {
                let of_csv = || Csv::default().read_documents(csv.as_bytes(), schema()).unwrap();
                let of_lines = || Json::default().read_documents(lines.as_bytes(), schema());
                let of_array = || Json::array().read_documents(array.as_bytes(), schema());
                assert_eq!(seen(of_csv(), 2), expected(0));
                assert_eq!(seen(of_lines(), 1), expected(0));
                assert_eq!(seen(of_array(), 1), expected(0));
                let late = || Filter::ge("a", 5_000).bind::<Document>(&schema()).unwrap();
                assert_eq!(seen(of_csv().matching(late()).unwrap(), 2), expected(5_000));
                assert_eq!(seen(of_lines().matching(late()).unwrap(), 1), expected(5_000));
                assert_eq!(seen(of_array().matching(late()).unwrap(), 1), expected(5_000));
            });
        }
    }
}
