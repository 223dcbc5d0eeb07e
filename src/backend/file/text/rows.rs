//! The rows of a scan of text, batch by batch: blocks are cut off in order, parsed on all cores, and their rows given ids in order.

use std::sync::Arc;

use rayon::prelude::*;

use super::super::{
    base::{Ask, BaseRow},
    disk::Disk,
    progress::Watch,
    raw::Raw,
};
use super::{Parsed, TextBase, TextBlocks};
use crate::{
    error::Error,
    format::{
        beside::{self, Beside},
        block::Block,
    },
    query::{Predicate, Seen},
    record::{RecordCodec, Stored},
};

/// About how much memory a row takes when it is decoded, for each byte of its text.
const MEMORY_PER_BYTE: usize = 4;
const MEMORY_PER_ROW: usize = 200;

/// The rows of a scan, batch by batch. A batch is parsed while the one before it is looked at.
pub(in super::super) struct TextRows<R: RecordCodec, D: Disk> {
    parsing: Arc<Parsing<R, D>>,
    /// Where the scan is, unless the next batch is on its way.
    at: Option<Cut<D>>,
    coming: Option<Beside<Batch<R, D>>>,
    watch: Watch,
    /// Whether nothing was taken yet: one block is at first, so that the first record is not waited for.
    fresh: bool,
    done: bool,
}

/// How far a file has been cut into blocks.
struct Cut<D: Disk> {
    from: TextBlocks<D>,
    /// What is parsed next, where it was read while something else was parsed.
    next: Option<Taken>,
    /// Blocks that have been passed.
    blocks: usize,
    /// Rows that have been passed.
    ordinal: u64,
}

/// Some blocks of a file.
struct Taken {
    blocks: Vec<Block>,
    /// What kept the one behind them from being read.
    failure: Option<Error>,
    /// Whether they end the file.
    last: bool,
}

impl Taken {
    fn of<D: Disk>(from: &mut TextBlocks<D>, most: usize, base: &TextBase<D>) -> Taken {
        let mut taken = Taken { blocks: Vec::with_capacity(most), failure: None, last: false };
        while taken.blocks.len() < most {
            match from.next() {
                Some(Ok(block)) => taken.blocks.push(block),
                Some(Err(error)) => {
                    taken.failure = Some(base.raised(&error));
                    break;
                }
                None => {
                    taken.last = true;
                    break;
                }
            }
        }
        taken
    }
}

/// The rows of some blocks, and where the scan is behind them.
struct Batch<R, D: Disk> {
    rows: Vec<BaseRow<R>>,
    at: Cut<D>,
    /// Bytes of the text that have been passed.
    bytes: u64,
    last: bool,
}

/// What blocks are parsed by.
struct Parsing<R: RecordCodec, D: Disk> {
    base: Arc<TextBase<D>>,
    ask: Ask<R>,
    raw: Raw<R>,
}

/// The fewest blocks that are parsed together, unless there are no more: between two batches a core waits for the other ones, and
/// with fewer that is a tenth of the time.
const LEAST_BLOCKS: usize = 32;

/// Blocks that are parsed together.
fn blocks_at_once() -> usize {
    (4 * rayon::current_num_threads()).max(LEAST_BLOCKS)
}

impl<R: RecordCodec, D: Disk> Parsing<R, D> {
    /// Takes some blocks and parses them, on all cores.
    fn batch(&self, mut at: Cut<D>, most: usize) -> Batch<R, D> {
        let taken = at.next.take().unwrap_or_else(|| Taken::of(&mut at.from, most, &self.base));
        let Taken { mut blocks, failure, last } = taken;
        let parsed = match last || blocks.len() < 2 {
            true => self.all(&mut blocks, at.blocks),
            // What comes next is read meanwhile.
            false => {
                let Cut { from, next, blocks: first, .. } = &mut at;
                let read = || *next = Some(Taken::of(from, blocks_at_once(), &self.base));
                rayon::join(|| self.all(&mut blocks, *first), read).0
            }
        };
        at.blocks += blocks.len();
        let bytes = blocks.last().map_or(0, |block| block.offset() + block.bytes().len() as u64);
        let rows = self.settled(parsed, &blocks, failure, &mut at.ordinal);
        blocks.into_iter().for_each(|block| at.from.recycle(block));
        Batch { rows, at, bytes, last }
    }

    fn all(&self, blocks: &mut [Block], first: usize) -> Vec<Parsed<R>> {
        match blocks {
            [only] => vec![self.one(first, only)],
            many => many.par_iter_mut().enumerate().map(|(number, block)| self.one(first + number, block)).collect(),
        }
    }

    fn one(&self, number: usize, block: &mut Block) -> Parsed<R> {
        block.check();
        let (part, of) = self.ask.part;
        if number % of.max(1) == part {
            return self.base.parse(block, &self.ask, &self.raw);
        }
        // Its rows are counted, because the ids of those behind may be their numbers.
        let mut count = 0;
        self.base.each_row(block, |_| {
            count += 1;
            true
        });
        Parsed { rows: Vec::new(), count }
    }

    /// Rows with their ids; those in front of them have been counted in `ordinal`.
    fn settled(
        &self,
        parsed: Vec<Parsed<R>>,
        blocks: &[Block],
        failure: Option<Error>,
        ordinal: &mut u64,
    ) -> Vec<BaseRow<R>> {
        let mut rows = Vec::with_capacity(parsed.iter().map(|block| block.rows.len()).sum());
        for (block, text) in parsed.into_iter().zip(blocks) {
            for row in block.rows {
                let (place, bytes) = (row.place, row.bytes * MEMORY_PER_BYTE + MEMORY_PER_ROW);
                let number = *ordinal + row.number + 1;
                let line = || text.position((place - text.offset()) as usize).line;
                let stored = self.base.settle(row, number, &self.ask, line);
                if let (Raw::Settled(filter), Ok(Stored { record, envelope })) = (&self.raw, &stored)
                    && !filter.matches(Seen { record, envelope })
                {
                    continue;
                }
                rows.push(BaseRow { place, bytes, stored });
            }
            *ordinal += block.count;
        }
        if let Some(failure) = failure
            && self.ask.part.0 == 0
        {
            rows.push(BaseRow { place: 0, bytes: 0, stored: Err(failure) });
        }
        rows
    }
}

impl<R: RecordCodec, D: Disk> TextRows<R, D> {
    pub(super) fn new(base: Arc<TextBase<D>>, ask: Ask<R>, raw: Raw<R>, watch: Watch) -> TextRows<R, D> {
        TextRows {
            watch,
            at: Some(Cut { from: base.blocks(), next: None, blocks: 0, ordinal: 0 }),
            parsing: Arc::new(Parsing { base, ask, raw }),
            coming: None,
            fresh: true,
            done: false,
        }
    }

    /// The next batch; nothing where the thread that parsed it is gone.
    fn batch(&mut self, is_first: bool) -> Option<Batch<R, D>> {
        match self.coming.take() {
            Some(coming) => coming.get(),
            None => Some(self.parsing.batch(self.at.take()?, if is_first { 1 } else { blocks_at_once() })),
        }
    }

    /// Goes on behind a batch: what follows is parsed while its rows are looked at, unless it may be the only one that is
    /// asked for.
    fn go_on(&mut self, at: Cut<D>, is_first: bool) {
        if is_first || !beside::is_possible() {
            self.at = Some(at);
            return;
        }
        let parsing = self.parsing.clone();
        self.coming = Some(Beside::start(move || parsing.batch(at, blocks_at_once())));
    }

    fn failed(&mut self, error: Error) -> Vec<BaseRow<R>> {
        self.done = true;
        vec![BaseRow { place: 0, bytes: 0, stored: Err(error) }]
    }
}

impl<R: RecordCodec, D: Disk> Iterator for TextRows<R, D> {
    type Item = Vec<BaseRow<R>>;

    fn next(&mut self) -> Option<Vec<BaseRow<R>>> {
        if self.done {
            return None;
        }
        if let Err(stopped) = self.parsing.ask.limits.check() {
            return Some(self.failed(stopped));
        }
        let is_first = std::mem::take(&mut self.fresh);
        let Some(Batch { rows, at, bytes, last }) = self.batch(is_first) else {
            return Some(self.failed(Error::backend("the thread that parsed the file is gone")));
        };
        self.done = last;
        if bytes > 0 {
            self.watch.at(at.ordinal, bytes);
        }
        match last {
            true => self.watch.end(),
            false => self.go_on(at, is_first),
        }
        Some(rows)
    }
}
