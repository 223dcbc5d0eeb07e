//! Export and import: a query of any store as a file, and a file's records into any store.
//!
//! An export is what a checkpoint would write of an empty file, so every format says the same of a record. Rows are encoded
//! and compressed on all cores, and the file takes its place whole.

use std::{path::Path, sync::Arc};

use rayon::prelude::*;

use super::{
    base::{Ask, Base, IdRule, Setup},
    checkpoint::in_place,
    config::{Compression, Format, Options, format_of_one},
    core::canonical,
    disk::{Disk, Os},
    layout::CsvLayout,
    lock::{Lock, Paths, shown},
    parquet,
    progress::{Progress, Watch, Work},
    rewrite::{Needs, Objects, Table},
    row::{encode_body, is_loose},
    rows::Row,
    sink::Sink,
};
use crate::{
    error::{Error, Result},
    query::{AsQuery, RunsOn, Whole},
    record::{Envelope, RecordCodec, Stored},
    store::{Limits, Loaded, Outcome, Store},
};

/// Rows that are encoded together.
const ROWS: usize = 1_024;

/// How a query is written into a file.
///
/// ```
/// use dk_data::{Database, Query, Schema, Store, backend::{file::{Export, Import}, memory::Memory}, document};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("people.jsonl.zst");
/// let people = Memory::new().documents("people", Schema::open("people"))?;
/// people.create_batch((0..100).map(|n| document! { "n" => n }))?;
/// let written = Export::default().level(9).run(&people, Query::new(), &path, |_| ())?;
/// assert_eq!(written.records, 100);
/// let copy = Memory::new().documents("people", Schema::open("people"))?;
/// assert_eq!(Import::default().run(&copy, &path, |_| ())?.created, 100);
/// # Ok::<(), dk_data::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Export {
    options: Options,
    level: Option<i32>,
    row_group_rows: Option<usize>,
    decimals: Vec<(String, u8, u8)>,
    envelope: bool,
    overwrite: bool,
    counted: bool,
}

impl Export {
    /// Format and dialect, where the file's name does not say them.
    #[must_use]
    pub fn options(mut self, options: Options) -> Export {
        self.options = options;
        self
    }
    /// The level of the compression: of gzip from 0 to 9, of zstd (Parquet's, too) from 1 to 22.
    #[must_use]
    pub fn level(mut self, level: i32) -> Export {
        self.level = Some(level);
        self
    }
    /// Rows of a row group of Parquet; other formats have none.
    #[must_use]
    pub fn row_group_rows(mut self, rows: usize) -> Export {
        self.row_group_rows = Some(rows);
        self
    }
    /// Precision and scale of a decimal field's column in Parquet, where the [field](crate::FieldDef::decimal) says none or
    /// others; other formats have none. A value that does not fit is refused.
    #[must_use]
    pub fn decimal(mut self, field: impl Into<String>, precision: u8, scale: u8) -> Export {
        self.decimals.push((field.into(), precision, scale));
        self
    }
    /// Counts the records before they are written, so that progress tells of how many.
    #[must_use]
    pub fn counted(mut self) -> Export {
        self.counted = true;
        self
    }
    /// Writes versions, times and metadata, too. Ids are written in any case, where records do not hold their own, but not
    /// into CSV without a header.
    #[must_use]
    pub fn envelope(mut self) -> Export {
        self.envelope = true;
        self
    }
    /// Puts the file in the place of one that is there.
    #[must_use]
    pub fn overwrite(mut self) -> Export {
        self.overwrite = true;
        self
    }

    /// Writes the records of a query, in its order. CSV of an open schema takes two passes: the first finds the columns, and
    /// counts the records.
    ///
    /// # Errors
    /// `AlreadyExists` where the file is there, `Conflict` where it is a store with a journal, and where a record came between
    /// two passes that needs another column; `Configuration` for a format that is not known, and for an option that it has
    /// not; what the store and the disk report. Where it fails, no file is there.
    pub fn run<R, S, Q>(
        &self,
        store: &S,
        query: Q,
        path: impl AsRef<Path>,
        mut on_progress: impl FnMut(&Progress),
    ) -> Result<Exported>
    where
        R: RecordCodec,
        S: Store<R>,
        Q: AsQuery<R, Select = Whole> + Clone,
        Q::Predicate: RunsOn<S::Engine>,
    {
        let path = &canonical(path.as_ref());
        let schema = Arc::new((**store.shape()).clone());
        let ids = IdRule::of(&self.options, &schema)?;
        let setup = Setup::new(format_of_one(path, &self.options)?, self.options.clone(), schema, ids);
        self.check_options(&setup)?;
        let paths = Paths::of(path);
        let lock = Lock::take(&Os, &paths.lock, self.options.wait)?;
        let done = self.check_target(&paths).and_then(|()| {
            let sink = Sink::create(&Os, &paths, setup.compression)?.level(self.level);
            let done = self.write(store, query, &setup, sink, &mut on_progress);
            match done.and_then(|done| in_place(&Os, &paths).map(|()| done)) {
                Ok(done) => Ok(done),
                Err(error) => {
                    let _ = Os.remove(&paths.fresh);
                    Err(error)
                }
            }
        });
        lock.remove_file(&Os, &paths.lock);
        done
    }

    fn check_options(&self, setup: &Setup) -> Result<()> {
        let of_parquet = self.row_group_rows.is_some() || !self.decimals.is_empty();
        if of_parquet && setup.format != Format::Parquet {
            let why = format!("row groups and the types of columns are Parquet's, and this is {}", setup.format);
            return Err(Error::configuration(why));
        }
        let levels = match (setup.format, setup.compression) {
            (Format::Parquet, _) | (_, Compression::Zstd) => 1..=22,
            (_, Compression::Gzip) => 0..=9,
            (_, Compression::None) if self.level.is_none() => return Ok(()),
            (_, Compression::None) => return Err(Error::configuration("a file that is not compressed has no level")),
        };
        match self.level {
            Some(level) if !levels.contains(&level) => {
                Err(Error::configuration(format!("the level is from {} to {}", levels.start(), levels.end())))
            }
            _ => Ok(()),
        }
    }

    fn check_target(&self, paths: &Paths) -> Result<()> {
        let there = |path: &Path| {
            let failed = |cause: std::io::Error| Error::backend("the file cannot be looked at").caused_by(cause);
            Os.stamp(path).map(|stamp| stamp.is_some()).map_err(|cause| failed(cause).at_url(&shown(path)))
        };
        if there(&paths.journal)? {
            return Err(
                Error::conflict("the file is a store with a journal: close it first").at_url(&shown(&paths.base))
            );
        }
        if !self.overwrite && there(&paths.base)? {
            return Err(Error::already_exists("the file is there; `overwrite` replaces it").at_url(&shown(&paths.base)));
        }
        Ok(())
    }

    fn write<R, S, Q>(
        &self,
        store: &S,
        query: Q,
        setup: &Setup,
        mut sink: Sink<Os>,
        on_progress: &mut impl FnMut(&Progress),
    ) -> Result<Exported>
    where
        R: RecordCodec,
        S: Store<R>,
        Q: AsQuery<R, Select = Whole> + Clone,
        Q::Predicate: RunsOn<S::Engine>,
    {
        let mut counted = match self.counted {
            true => Some(store.count(query.clone())?),
            false => None,
        };
        let needs = match setup.format {
            Format::Csv | Format::Tsv => self.needs(store, query.clone(), setup, &mut counted)?,
            _ => Needs::default(),
        };
        let mut watch = Watch::new(None, Work::Export).of(counted, None);
        let mut told = |records: u64, bytes: u64| {
            watch.at(records, bytes);
            on_progress(&watch.state());
        };
        let shape = store.shape();
        let records = match setup.format {
            Format::Parquet => {
                let parts = (!setup.ids.in_record(&setup.schema), self.envelope);
                let rows = store.stream(query)?;
                parquet::export(rows, shape, parts, self.parquet(), &mut sink, &mut told)?
            }
            Format::Json | Format::JsonLines => {
                let objects = Objects::of_new(setup);
                let is_array = setup.format == Format::Json;
                let mut encoded = Encoded { export: self, sink: &mut sink, records: 0 };
                let mut first = true;
                let before: &[u8] = if is_array { b",\n" } else { b"" };
                let put = |row: &Row, out: &mut Vec<u8>| objects.put_new(row, before, out);
                let begin = |block: &mut [u8]| match block.first_mut() {
                    // The comma before the first of all.
                    Some(comma) if is_array && std::mem::take(&mut first) => *comma = b'[',
                    _ => {}
                };
                encoded.rows(store.stream(query)?, shape, &mut told, put, begin)?;
                let records = encoded.records;
                if is_array {
                    sink.text().extend_from_slice(if records > 0 { b"\n]\n" } else { b"[]\n" });
                }
                records
            }
            Format::Csv | Format::Tsv => {
                let layout = CsvLayout::empty(setup)?;
                let table = Table::of_new(&layout, needs, self.envelope, setup)?;
                table.put_header(sink.text());
                let mut encoded = Encoded { export: self, sink: &mut sink, records: 0 };
                let put = |row: &Row, out: &mut Vec<u8>| table.put_new(row, out);
                encoded.rows(store.stream(query)?, shape, &mut told, put, |_| ())?;
                encoded.records
            }
        };
        let (looks, _) = sink.finish()?;
        watch.at(records, looks.length);
        watch.end();
        on_progress(&watch.state());
        Ok(Exported { records, bytes: looks.length })
    }

    /// What is said of Parquet alone.
    fn parquet(&self) -> parquet::Said<'_> {
        (self.level, self.row_group_rows, &self.decimals)
    }

    /// The columns that records bring beside the declared ones, and how many records there are where that is seen.
    fn needs<R, S, Q>(&self, store: &S, query: Q, setup: &Setup, counted: &mut Option<u64>) -> Result<Needs>
    where
        R: RecordCodec,
        S: Store<R>,
        Q: AsQuery<R, Select = Whole>,
        Q::Predicate: RunsOn<S::Engine>,
    {
        let mut needs = Needs::default();
        if is_loose(&setup.schema) {
            let mut seen = 0;
            for row in store.stream(query)? {
                needs.add(&self.row(&row?, store.shape())?, setup)?;
                seen += 1;
            }
            *counted = Some(seen);
        }
        Ok(needs)
    }

    fn row<R: RecordCodec>(&self, stored: &Stored<R>, shape: &R::Shape) -> Result<Row> {
        let Stored { record, envelope } = stored;
        let body = encode_body(record, shape, None).map_err(|error| error.at_id(envelope.id()))?;
        let envelope = if self.envelope { envelope.clone() } else { Envelope::of(envelope.id().clone()) };
        Ok(Row::new(envelope, body))
    }
}

/// Rows on their way into a file of text.
struct Encoded<'e> {
    export: &'e Export,
    sink: &'e mut Sink<Os>,
    records: u64,
}

impl Encoded<'_> {
    fn rows<R: RecordCodec>(
        &mut self,
        mut rows: impl Iterator<Item = Result<Stored<R>>>,
        shape: &R::Shape,
        told: &mut impl FnMut(u64, u64),
        put: impl Fn(&Row, &mut Vec<u8>) -> Result<()> + Sync,
        mut mend: impl FnMut(&mut [u8]),
    ) -> Result<()> {
        let blocks = 2 * rayon::current_num_threads();
        let export = self.export;
        loop {
            let mut taken: Vec<Vec<Stored<R>>> = Vec::with_capacity(blocks);
            while taken.len() < blocks {
                let block = rows.by_ref().take(ROWS).collect::<Result<Vec<_>>>()?;
                if block.is_empty() {
                    break;
                }
                self.records += block.len() as u64;
                taken.push(block);
            }
            let encode = |block: &Vec<Stored<R>>| {
                let mut text = Vec::with_capacity(block.len() * 128);
                block.iter().try_for_each(|stored| put(&export.row(stored, shape)?, &mut text))?;
                Ok(text)
            };
            let mut texts: Vec<Vec<u8>> = taken.par_iter().map(encode).collect::<Result<_>>()?;
            if let Some(first) = texts.first_mut() {
                mend(first);
            }
            self.sink.put_texts(texts)?;
            told(self.records, self.sink.written());
            if taken.len() < blocks {
                return Ok(());
            }
        }
    }
}

/// What an export has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Records in the file.
    pub records: u64,
    /// The file's length in bytes.
    pub bytes: u64,
}

/// How a file is read into a store.
#[derive(Clone, Debug, Default)]
pub struct Import {
    options: Options,
}

impl Import {
    /// Format, dialect and id column, where the file's name and its header do not say them.
    #[must_use]
    pub fn options(mut self, options: Options) -> Import {
        self.options = options;
        self
    }

    /// Stores the records of a file as new ones, as [`Store::load`] does. What the file has of ids, times and metadata is
    /// kept; records without an id get fresh ones.
    ///
    /// # Errors
    /// `Configuration` for a format that is not known, `NotFound` where there is no file, `Conflict` where it is a store
    /// with a journal: copy from the store itself; what keeps a chunk from being written.
    pub fn run<R: RecordCodec, S: Store<R>>(
        &self,
        store: &S,
        path: impl AsRef<Path>,
        on_outcome: impl FnMut(Outcome),
    ) -> Result<Loaded> {
        let path = &canonical(path.as_ref());
        let schema = Arc::new((**store.shape()).clone());
        let ids = IdRule::of(&self.options, &schema)?;
        let setup = Setup::new(format_of_one(path, &self.options)?, self.options.clone(), schema, ids);
        let paths = Paths::of(path);
        let failed = |cause: std::io::Error| Error::backend("the file cannot be looked at").caused_by(cause);
        let there = |path: &Path| Os.stamp(path).map(|stamp| stamp.is_some()).map_err(failed);
        if there(&paths.journal)? {
            return Err(Error::conflict("the file is a store with a journal: close it first").at_url(&shown(path)));
        }
        if !there(path)? {
            return Err(Error::not_found("there is no such file").at_url(&shown(path)));
        }
        let base = Base::open(&Os, path, &setup)?;
        let ask: Ask<R> = Ask {
            shape: store.shape().clone(),
            filter: None,
            part: (0, 1),
            ids: setup.ids.clone(),
            fresh_ids: true,
            any_order: false,
            limits: Limits::default(),
            progress: self.options.progress.clone().map(|to| (to, Work::Scan)),
        };
        let rows = base.scan(ask)?.flatten().map(|row| row.stored);
        store.load(rows, on_outcome)
    }
}
