//! Sorting more than memory holds: sorted runs in temporary files, merged when they are read (semantics 6.1).

use std::{
    cmp::Ordering,
    fs::File,
    io::{BufReader, BufWriter, Read, Seek, Write},
};

use super::{
    journal::{Change, Entry, Found, Frame, frame_at},
    row::{decode_body, encode_body},
    rows::Row,
};
use crate::{
    error::{Error, Result},
    query::{Ordered, Seen},
    record::{RecordCodec, Stored},
};

/// Takes records in any order, in a budget of memory.
pub(super) struct Sorter<R: RecordCodec> {
    order: Ordered<R>,
    shape: R::Shape,
    /// Only the first so many are asked for.
    most: Option<usize>,
    budget: usize,
    rows: Vec<Stored<R>>,
    bytes: usize,
    runs: Vec<Run>,
    /// The first row that did not read.
    failure: Option<Error>,
}

fn seen<R>(row: &Stored<R>) -> Seen<'_, R> {
    Seen { record: &row.record, envelope: &row.envelope }
}

impl<R: RecordCodec> Sorter<R> {
    pub(super) fn new(order: Ordered<R>, shape: R::Shape, most: Option<usize>, budget: usize) -> Self {
        Sorter { order, shape, most, budget, rows: Vec::new(), bytes: 0, runs: Vec::new(), failure: None }
    }

    /// Takes a record of about so many bytes of memory. One that did not read fails the sort: no order has a place for it.
    ///
    /// # Errors
    /// `Backend` where a temporary file cannot be written.
    pub(super) fn push(&mut self, row: Result<Stored<R>>, bytes: usize) -> Result<()> {
        match row {
            Err(error) => {
                self.failure.get_or_insert(error);
                return Ok(());
            }
            Ok(row) => self.rows.push(row),
        }
        self.bytes += bytes;
        if self.most.is_some_and(|most| self.rows.len() >= most.saturating_mul(2).max(1_024)) {
            self.keep_best();
        }
        if self.bytes > self.budget { self.spill() } else { Ok(()) }
    }

    fn compare(order: &Ordered<R>, a: &Stored<R>, b: &Stored<R>) -> Ordering {
        order.compare(seen(a), seen(b))
    }

    /// Drops what cannot be among the first.
    fn keep_best(&mut self) {
        let Some(most) = self.most.filter(|most| *most < self.rows.len() && *most > 0) else { return };
        let order = &self.order;
        self.rows.select_nth_unstable_by(most - 1, |a, b| Self::compare(order, a, b));
        self.bytes = self.bytes / self.rows.len() * most;
        self.rows.truncate(most);
    }

    fn sort(&mut self) {
        self.keep_best();
        let order = &self.order;
        self.rows.sort_unstable_by(|a, b| Self::compare(order, a, b));
    }

    fn spill(&mut self) -> Result<()> {
        self.sort();
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        self.runs.push(Run::write(&rows, &self.shape)?);
        Ok(())
    }

    /// The records in order, past so many.
    ///
    /// # Errors
    /// The first row that did not read.
    pub(super) fn finish(mut self, offset: usize) -> Result<Sorted<R>> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        self.sort();
        let mut sources = vec![Source::Memory(self.rows.into_iter())];
        for run in self.runs {
            sources.push(Source::File(run));
        }
        let mut heads = Vec::with_capacity(sources.len());
        for source in &mut sources {
            heads.push(source.next(&self.shape).transpose()?);
        }
        let left = self.most.map_or(usize::MAX, |most| most.saturating_sub(offset));
        Ok(Sorted { order: self.order, shape: self.shape, sources, heads, skip: offset, left, failed: false })
    }
}

/// Records in order.
pub(super) struct Sorted<R: RecordCodec> {
    order: Ordered<R>,
    shape: R::Shape,
    sources: Vec<Source<R>>,
    /// The next record of each source.
    heads: Vec<Option<Stored<R>>>,
    skip: usize,
    left: usize,
    failed: bool,
}

impl<R: RecordCodec> Sorted<R> {
    fn take(&mut self) -> Option<Result<Stored<R>>> {
        let order = &self.order;
        let heads = self.heads.iter().enumerate().filter_map(|(at, head)| Some((at, head.as_ref()?)));
        let (at, _) = heads.min_by(|(_, a), (_, b)| Sorter::compare(order, a, b))?;
        let next = self.sources.get_mut(at).and_then(|source| source.next(&self.shape)).transpose();
        match next {
            Ok(next) => self.heads.get_mut(at).and_then(|head| std::mem::replace(head, next)).map(Ok),
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

impl<R: RecordCodec> Iterator for Sorted<R> {
    type Item = Result<Stored<R>>;

    fn next(&mut self) -> Option<Result<Stored<R>>> {
        loop {
            if self.failed || self.left == 0 {
                return None;
            }
            let row = self.take()?;
            if row.is_ok() && self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.left -= 1;
            return Some(row);
        }
    }
}

enum Source<R> {
    Memory(std::vec::IntoIter<Stored<R>>),
    File(Run),
}

impl<R: RecordCodec> Source<R> {
    fn next(&mut self, shape: &R::Shape) -> Option<Result<Stored<R>>> {
        match self {
            Source::Memory(rows) => rows.next().map(Ok),
            Source::File(run) => run.next(shape).transpose(),
        }
    }
}

/// A sorted run in a temporary file, which is gone with it.
struct Run {
    file: BufReader<File>,
    left: usize,
    read: u64,
}

fn failed(cause: std::io::Error) -> Error {
    Error::backend("a temporary file for sorting failed").caused_by(cause)
}

impl Run {
    fn write<R: RecordCodec>(rows: &[Stored<R>], shape: &R::Shape) -> Result<Run> {
        let mut file = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        let mut bytes = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            let body = encode_body(&row.record, shape, None)?;
            let change = Change::Put(Row::new(row.envelope.clone(), body));
            bytes.clear();
            Frame::Commit(vec![Entry { change, in_base: false }]).encode(number as u64, 0, &mut bytes)?;
            let length = (bytes.len() as u64).to_le_bytes();
            // The version as text goes beside: a frame holds tokens alone.
            let version = row.envelope.version().map_or(String::new(), ToString::to_string);
            let version_length = (version.len() as u64).to_le_bytes();
            for part in [&length[..], &version_length, &bytes, version.as_bytes()] {
                file.write_all(part).map_err(failed)?;
            }
        }
        let mut file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        Ok(Run { file: BufReader::new(file), left: rows.len(), read: 0 })
    }

    fn next<R: RecordCodec>(&mut self, shape: &R::Shape) -> Result<Option<Stored<R>>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut lengths = [[0; 8]; 2];
        for length in &mut lengths {
            self.file.read_exact(length).map_err(failed)?;
        }
        let [frame, version] = lengths.map(|length| usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX));
        let mut bytes = vec![0; frame];
        self.file.read_exact(&mut bytes).map_err(failed)?;
        let mut text = vec![0; version];
        self.file.read_exact(&mut text).map_err(failed)?;
        let entries = match frame_at(&bytes, 0, self.read)? {
            Found::Frame(Frame::Commit(entries), _) => entries,
            _ => Vec::new(),
        };
        self.read += 1;
        let Some(Entry { change: Change::Put(row), .. }) = entries.into_iter().next() else {
            return Err(Error::backend("a temporary file for sorting was changed"));
        };
        let version = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
        let (record, _) = decode_body(row.body(), shape)?;
        Ok(Some(Stored { envelope: row.envelope().clone().with_version(version), record }))
    }
}
