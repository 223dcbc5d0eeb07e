//! Base files of Parquet. Rows are found by their ordinals, scans by what statistics leave; a checkpoint writes the file anew.

use std::{
    collections::HashSet,
    io::{self, Write},
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::super::{
    apart::apart,
    base::{Ask, BaseRow, IdRule, Setup, settled},
    disk::{Disk, DiskFile, Stamp, read_full},
    identity::Identity,
    index::{self, Index},
    lock::shown,
    overlay::Delta,
    progress::{Watch, Work},
    row,
    rows::Row as Changed,
    sink::Sink,
    text::{identities, ordinal_id},
};
use crate::{
    error::{Error, Result},
    format::parquet::{Compression, Found, FoundParts, Parquet, ParquetFile, Parts, Plan, Rows, Source},
    id::Id,
    query::{Bound, Filter, Predicate, Seen},
    record::{Document, Envelope, Part, Path as FieldPath, RecordCodec, Schema, Stored, Type},
    store::Limits,
    value::Value,
    version::Version,
};

/// About how much memory a row takes when it is decoded.
const MEMORY_PER_ROW: usize = 400;
/// How many records are looked up without an index before it is worth making.
const LOOK_UPS: u64 = 16;
/// Rows of a batch of a scan.
const BATCH: usize = 1_024;

/// A base file of Parquet.
pub(in super::super) struct ParquetBase<D: Disk> {
    /// `None` where there is no file.
    file: Option<ParquetFile<Bytesource<D::File>>>,
    stamp: Stamp,
    /// Whether the rows have ids of their own: then those without one are rows that another tool has added.
    named: bool,
    /// Whether every row has one.
    all_named: bool,
    /// Whether it is read page by page, since some do not read.
    by_page: bool,
    index: index::Once,
    /// Records that were looked up before there was an index.
    looked_up: AtomicU64,
    /// What its columns will be; made when something is to be written.
    plan: OnceLock<Plan>,
    shown: String,
}

/// A file of the disk as a source of Parquet.
pub(in super::super) struct Bytesource<F>(Arc<F>);

impl<F> Clone for Bytesource<F> {
    fn clone(&self) -> Self {
        Bytesource(self.0.clone())
    }
}

impl<F: DiskFile> Source for Bytesource<F> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.stamp()?.length)
    }
    fn read(&self, start: u64, len: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; len];
        match read_full(&*self.0, &mut bytes, start)? == len {
            true => Ok(bytes.into()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl<D: Disk> ParquetBase<D> {
    pub(in super::super) fn open(disk: &D, path: &Path) -> Result<ParquetBase<D>> {
        ParquetBase::open_by(disk, path, ParquetFile::open)
    }

    /// Opens a file of which as much is read as does, and says what else is lost.
    pub(in super::super) fn open_damaged(disk: &D, path: &Path, losses: &mut Vec<Error>) -> Result<ParquetBase<D>> {
        let mut found = Vec::new();
        let base = ParquetBase::open_by(disk, path, |file| ParquetFile::open_damaged(file, &mut found))?;
        losses.extend(found.into_iter().map(|loss| loss.at_url(&base.shown)));
        Ok(ParquetBase { by_page: true, ..base })
    }

    fn open_by(
        disk: &D,
        path: &Path,
        open: impl FnOnce(Bytesource<D::File>) -> Result<ParquetFile<Bytesource<D::File>>>,
    ) -> Result<ParquetBase<D>> {
        let shown = shown(path);
        let failed = |cause: io::Error| Error::backend("the file cannot be opened").caused_by(cause).at_url(&shown);
        let found = match disk.open(path) {
            Ok(found) => Some(found),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => return Err(failed(cause)),
        };
        let stamp = found.as_ref().map(DiskFile::stamp).transpose().map_err(failed)?.unwrap_or_default();
        if found.is_some() && stamp.length == 0 {
            let why = "the file has no bytes, and even one without records has some: it was cut";
            return Err(Error::corrupt(why).at_url(&shown));
        }
        let found = found.map(|file| Bytesource(Arc::new(file)));
        let file = found.map(open).transpose().map_err(|e| e.at_url(&shown))?;
        let mut seen = HashSet::new();
        if let Some(twice) = file.iter().flat_map(ParquetFile::columns).find(|name| !seen.insert(*name)) {
            let why = "the file has two columns of this name";
            return Err(Error::corrupt(why).at_field(twice.to_owned()).at_url(&shown));
        }
        let named = file.as_ref().is_some_and(|file| file.has_part("_id"));
        let all_named = named && file.as_ref().is_some_and(|file| file.is_never_null("_id"));
        let (index, looked_up, plan) = (index::Once::default(), AtomicU64::new(0), OnceLock::new());
        Ok(ParquetBase { file, stamp, named, all_named, by_page: false, index, looked_up, plan, shown })
    }

    pub(in super::super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    fn fingerprint(&self) -> u64 {
        self.stamp.length.rotate_left(32) ^ self.stamp.modified_ns as u64
    }

    fn rows<R: RecordCodec>(&self, ask: &Ask<R>) -> Result<Option<Rows<R, Bytesource<D::File>>>> {
        let Some(file) = &self.file else { return Ok(None) };
        let rows = file.rows::<R>(ask.shape.clone()).map_err(|e| e.at_url(&self.shown))?;
        let rows = rows.with_envelope().part(ask.part.0, ask.part.1);
        let rows = if ask.any_order { rows.in_any_order() } else { rows };
        Ok(Some(if self.by_page { rows.by_page() } else { rows }))
    }

    pub(in super::super) fn scan<R: RecordCodec>(self: &Arc<Self>, ask: Ask<R>) -> Result<ParquetRows<R, D>> {
        let mut rows = self.rows(&ask)?;
        let mut later = None;
        if let Some(filter) = &ask.filter {
            match self.is_in_columns(filter, &ask.shape) {
                true => rows = rows.map(|rows| rows.matching(filter.clone())).transpose()?,
                false => later = Some(filter.clone()),
            }
        }
        let watch = ask.watch().of(Some(self.count()), Some(self.stamp.length));
        Ok(ParquetRows { base: self.clone(), rows, later, ask, watch, seen: 0, done: false })
    }

    pub(in super::super) fn read<R: RecordCodec>(
        &self,
        place: u64,
        id: &Id,
        ask: &Ask<R>,
    ) -> Result<Option<Stored<R>>> {
        let Some(rows) = self.rows(&Ask { part: (0, 1), ..ask.clone() })? else { return Ok(None) };
        let row = rows.only(&[place]).next().transpose().map_err(|e| e.at_url(&self.shown))?;
        let stored = row.map(|found| self.settle(found, ask)).transpose()?;
        Ok(stored.filter(|stored| stored.envelope.id() == id))
    }

    /// Whether a filter asks only for what stands in columns: ids may be the numbers of rows.
    fn is_in_columns<R>(&self, filter: &Bound<R>, schema: &Schema) -> bool {
        let told = self.all_named || schema.id_field().is_some();
        filter.columns().iter().all(|target| target.part != Part::Id || told)
    }

    fn is_never_null(&self, column: &str) -> bool {
        self.file.as_ref().is_some_and(|file| file.is_never_null(column))
    }

    /// The record with this id, found by statistics and bloom filters: for the first few that are looked up, so that they need
    /// not wait for the index. None of that where the file does not say its ids, or there is an index.
    pub(in super::super) fn look_up<R: RecordCodec>(&self, id: &Id, ask: &Ask<R>) -> Result<Option<Option<Stored<R>>>> {
        let own = ask.shape.id_field().filter(|(_, field)| self.is_never_null(&field.name));
        let own = own.and_then(|_| id_filter(id, &ask.shape));
        let told = ask.ids.is_plain() && (own.is_some() || (self.all_named && ask.shape.id_field().is_none()));
        if !told || self.looked_up.fetch_add(1, Ordering::Relaxed) >= LOOK_UPS {
            return Ok(None);
        }
        let Some(rows) = self.rows(&Ask { part: (0, 1), ..ask.clone() })? else { return Ok(Some(None)) };
        let mut rows = match own {
            Some(filter) => rows.matching(filter.bind::<R>(&ask.shape)?),
            None => rows.matching(crate::query::id().eq(id.to_string().as_str())),
        }?;
        let found = rows.next().transpose().map_err(|e| e.at_url(&self.shown))?;
        Ok(Some(found.map(|found| self.settle(found, ask)).transpose()?.filter(|stored| stored.envelope.id() == id)))
    }

    fn settle<R: RecordCodec>(&self, found: Found<R>, ask: &Ask<R>) -> Result<Stored<R>> {
        let Found { ordinal, parts, record } = found;
        let own = ask.ids.own(&record, &ask.shape).map_err(|e| e.at_url(&self.shown))?;
        let id = match (own, parts.as_ref().and_then(|parts| parts.id.as_ref())) {
            (Some(id), _) => id,
            (None, Some(id)) => Id::new(id).map_err(|cause| Error::from(cause).at_field("_id").at_url(&self.shown))?,
            (None, None) if ask.fresh_ids => Id::generate(),
            (None, None) => ordinal_id(ordinal + 1, self.named)?,
        };
        let envelope = envelope_of(id, parts).map_err(|e| e.at_url(&self.shown))?;
        Ok(settled(envelope, record, self.fingerprint(), ordinal))
    }

    pub(in super::super) fn count(&self) -> u64 {
        self.file.as_ref().map_or(0, ParquetFile::len)
    }

    pub(in super::super) fn index(self: &Arc<Self>, setup: &Setup, limits: &Limits) -> Result<Arc<Index>> {
        self.index.get(|| self.make_index(setup, limits))
    }

    fn make_index(self: &Arc<Self>, setup: &Setup, limits: &Limits) -> Result<Index> {
        let mut ask = identities(setup, limits).told(&setup.options, Work::Index);
        // Only the column of the id is read.
        let only_id = ask.shape.fields.iter().filter(|field| field.id).cloned().collect::<Vec<_>>();
        ask.shape = Arc::new(Schema { fields: only_id.into(), open: false, ..Schema::clone(&ask.shape) });
        let is_at = |place, id: &Id| Ok(self.read(place, id, &ask)?.is_some());
        let twice = |first, second| {
            let why = format!("two rows have the same id: rows {} and {}", first + 1, second + 1);
            Error::corrupt(why).at_url(&self.shown)
        };
        Index::of(self.scan(ask.clone())?, is_at, twice)
    }

    pub(in super::super) fn explain(&self, filter: Option<&Filter>, setup: &Setup) -> Vec<String> {
        let scan =
            format!("scan of the Parquet file of {} rows, {} bytes, on all cores", self.count(), self.stamp.length);
        let bound = filter.and_then(|filter| filter.clone().bind::<Document>(&setup.schema).ok());
        let pushed = bound.filter(|bound| self.is_in_columns(bound, &setup.schema));
        let rows = self.file.as_ref().and_then(|file| file.rows::<Document>(setup.schema.clone()).ok());
        match (filter, pushed, rows) {
            (Some(_), Some(bound), Some(rows)) => {
                let pruning = rows.matching(bound).map(|rows| rows.pruning().to_string());
                let tested = "the columns of the filter are read first, the others of rows of which it is true";
                std::iter::once(scan).chain(pruning).chain([tested.to_owned()]).collect()
            }
            (Some(_), ..) => vec![scan, "the filter is tested on each record".to_owned()],
            _ => vec![scan],
        }
    }

    /// Refuses a write that no checkpoint could put into the file.
    ///
    /// # Errors
    /// `Unsupported` or `Invalid`, with the column.
    pub(in super::super) fn admit(self: &Arc<Self>, row: Option<&Changed>, setup: &Setup) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let record = || row.map(|row| row::decode_body(row.body(), &setup.open).map(|(record, _)| record)).transpose();
        let old = || row.map_or(Ok(None), |row| self.by_id(row.envelope().id(), setup));
        self.plan(file, setup)?.admit(record, old)
    }

    /// The record with this id as it stands in the file.
    fn by_id(self: &Arc<Self>, id: &Id, setup: &Setup) -> Result<Option<Document>> {
        let ask: Ask<Document> = Ask::all(setup.open.clone(), setup.ids.clone(), &Limits::default());
        for place in self.index(setup, &ask.limits)?.places(id) {
            if let Some(found) = self.read(place, id, &ask)? {
                return Ok(Some(found.record));
            }
        }
        Ok(None)
    }

    fn plan(&self, file: &ParquetFile<Bytesource<D::File>>, setup: &Setup) -> Result<&Plan> {
        if let Some(made) = self.plan.get() {
            return Ok(made);
        }
        let made = apart(|| file.plan(&setup.schema)).map_err(|e| e.at_url(&self.shown))?;
        Ok(self.plan.get_or_init(|| made))
    }

    pub(in super::super) fn rewrite(
        self: &Arc<Self>,
        delta: &Delta<'_>,
        setup: &Setup,
        out: &mut Sink<D>,
        watch: &mut Watch,
    ) -> Result<()> {
        let parquet = Parquet::default().envelope(self.parts(delta, setup));
        // What a journal holds says its types by itself, whatever the columns are.
        let told = &setup.open;
        let Some(file) = &self.file else {
            let mut writer = parquet.write_documents(Passing(out), Schema::clone(&setup.schema))?;
            watch.total(delta.added().len() as u64);
            for (row, done) in delta.added().into_iter().zip(1..) {
                writer.write_with(row.envelope(), &document(row, told)?)?;
                watch.at(done, self.stamp.length);
            }
            writer.finish()?;
            return Ok(());
        };
        let plan = self.plan(file, setup)?;
        let (shown, more) = undeclared(delta, setup)?;
        let mut rewriter = parquet.rewrite(file, plan, Passing(out), more, shown.iter())?;
        drop(shown);
        let shape = Arc::new(plan.read_by(&Identity::shape(setup)));
        let ask: Ask<Document> = Ask::all(shape, IdRule::default(), &Limits::default());
        let added = delta.added();
        watch.total(self.count() + added.len() as u64);
        let (mut done, all) = (0, self.count().max(1));
        for rows in self.scan(ask)? {
            done += rows.len() as u64;
            watch.at(done, part_of(self.stamp.length, done, all));
            for row in rows {
                let Stored { envelope, record } = row.stored?;
                match delta.get(envelope.id()).map(|held| &held.row) {
                    Some(None) => rewriter.skip()?,
                    Some(Some(changed)) => rewriter.replace(changed.envelope(), document(changed, told)?)?,
                    None => rewriter.keep(envelope.id(), &record)?,
                }
            }
        }
        for row in added {
            rewriter.add(row.envelope(), &document(row, told)?)?;
            done += 1;
            watch.at(done, self.stamp.length);
        }
        rewriter.finish()?;
        Ok(())
    }

    fn parts(&self, delta: &Delta<'_>, setup: &Setup) -> Parts {
        let had = |wanted: &str| self.file.as_ref().is_some_and(|file| file.has_part(wanted));
        let any = delta.rows().next().is_some();
        Parts {
            id: !setup.ids.in_record(&setup.schema),
            version: any || had("_version"),
            times: any || had("_created_at"),
            metadata: had("_metadata") || delta.rows().any(|row| !row.envelope().metadata().is_empty()),
        }
    }
}

/// How many changed records are looked at for columns that they need.
const SHOWN: usize = 131_072;

/// Changed records that have fields beside the declared ones, in the order in which they came; and whether there are more.
fn undeclared(delta: &Delta<'_>, setup: &Setup) -> Result<(Vec<Document>, bool)> {
    let mut rows: Vec<&Changed> = delta.rows().collect();
    rows.sort_by_key(|row| row.envelope().microseconds().0);
    let mut rows = rows.into_iter();
    let mut shown = Vec::new();
    for row in rows.by_ref() {
        if setup.schema.open || row::decode_body::<Identity>(row.body(), &setup.schema)?.1.undeclared {
            shown.push(document(row, &setup.open)?);
        }
        if shown.len() == SHOWN {
            break;
        }
    }
    Ok((shown, rows.next().is_some()))
}

/// Records between two words of an export.
const TELL_EVERY: u64 = 8_192;

fn document(row: &Changed, schema: &Schema) -> Result<Document> {
    row::decode_body(row.body(), schema).map(|(document, _)| document)
}

/// The id of a record as a filter on the field that holds it.
fn id_filter(id: &Id, schema: &Schema) -> Option<Filter> {
    let (_, field) = schema.id_field()?;
    let value = match &field.ty {
        Type::Text => Value::Text(id.to_string()),
        Type::Uuid => Value::Uuid(id.as_uuid()?),
        ty if ty.integer_range().is_some() => Value::Int(id.as_integer()?),
        _ => return None,
    };
    Some(Filter::eq(FieldPath::field(field.name.clone()), value))
}

fn envelope_of(id: Id, parts: Option<Box<FoundParts>>) -> Result<Envelope> {
    let Some(parts) = parts else { return Ok(Envelope::of(id)) };
    let version = parts.version.map(|text| {
        text.parse::<Version>().map_err(|_| Error::corrupt("not a version").at_field("_version").with_value(&text))
    });
    let envelope = Envelope::of(id).with_times(parts.created_at, parts.updated_at).with_metadata(parts.metadata);
    Ok(envelope.with_version(version.transpose()?))
}

/// About how many bytes some of all rows take.
fn part_of(length: u64, rows: u64, all: u64) -> u64 {
    (length as f64 * (rows as f64 / all as f64)) as u64
}

/// What an export says of Parquet alone: a level, rows of a row group, decimal fields with precision and scale.
pub(in super::super) type Said<'e> = (Option<i32>, Option<usize>, &'e [(String, u8, u8)]);

/// Writes records into a new file; with their ids, with versions, times and metadata. Says how many.
///
/// # Errors
/// `Configuration` for an option that does not fit; the first record that does not read or cannot be written.
pub(in super::super) fn export<R: RecordCodec, D: Disk>(
    rows: impl Iterator<Item = Result<Stored<R>>>,
    shape: &R::Shape,
    (id, envelope): (bool, bool),
    (level, row_group_rows, decimals): Said<'_>,
    out: &mut Sink<D>,
    told: &mut impl FnMut(u64, u64),
) -> Result<u64> {
    let parts = Parts { id, version: envelope, times: envelope, metadata: envelope };
    let mut parquet = Parquet::default().envelope(parts);
    if let Some(level) = level {
        parquet = parquet.compression(Compression::Zstd(level));
    }
    if let Some(rows) = row_group_rows {
        parquet = parquet.row_group_rows(rows);
    }
    for (field, precision, scale) in decimals {
        let scale = i8::try_from(*scale).unwrap_or(i8::MAX);
        parquet = parquet.decimal(field, *precision, scale);
    }
    let mut records = 0;
    let bytes = AtomicU64::new(0);
    let mut writer = parquet.write_shaped::<R, _>(Counting(Passing(out), &bytes), shape.clone())?;
    for row in rows {
        let Stored { record, envelope } = row?;
        writer.write_with(&envelope, &record).map_err(|error| error.at_id(envelope.id()))?;
        records += 1;
        if records % TELL_EVERY == 0 {
            told(records, bytes.load(Ordering::Relaxed));
        }
    }
    writer.finish()?;
    Ok(records)
}

/// Hands bytes on to the sink.
struct Passing<'s, D: Disk>(&'s mut Sink<D>);

impl<D: Disk> Write for Passing<'_, D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.text().extend_from_slice(bytes);
        self.0.pass().map_err(io::Error::other)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts what it hands on.
struct Counting<'c, W>(W, &'c AtomicU64);

impl<W: Write> Write for Counting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The rows of a scan, batch by batch.
pub(in super::super) struct ParquetRows<R: RecordCodec, D: Disk> {
    base: Arc<ParquetBase<D>>,
    rows: Option<Rows<R, Bytesource<D::File>>>,
    /// What cannot be told before the id is known.
    later: Option<Bound<R>>,
    ask: Ask<R>,
    watch: Watch,
    /// Rows that came, and those before them that statistics left out.
    seen: u64,
    done: bool,
}

impl<R: RecordCodec, D: Disk> Iterator for ParquetRows<R, D> {
    type Item = Vec<BaseRow<R>>;

    fn next(&mut self) -> Option<Vec<BaseRow<R>>> {
        if self.done {
            return None;
        }
        if let Err(stopped) = self.ask.limits.check() {
            self.done = true;
            return Some(vec![BaseRow { place: 0, bytes: 0, stored: Err(stopped) }]);
        }
        let rows = self.rows.as_mut()?;
        let mut batch = Vec::with_capacity(BATCH);
        let mut taken = 0;
        for found in rows.by_ref().take(BATCH) {
            taken += 1;
            let place = found.as_ref().map_or(0, |found| found.ordinal);
            self.seen = self.seen.max(place + 1);
            let stored =
                found.map_err(|e| e.at_url(&self.base.shown)).and_then(|found| self.base.settle(found, &self.ask));
            if let (Some(filter), Ok(Stored { record, envelope })) = (&self.later, &stored)
                && !filter.matches(Seen { record, envelope })
            {
                continue;
            }
            batch.push(BaseRow { place, bytes: MEMORY_PER_ROW, stored });
        }
        self.done = taken < BATCH;
        let (all, length) = (self.base.count(), self.base.stamp.length);
        self.seen = if self.done { all } else { self.seen };
        self.watch.at(self.seen, part_of(length, self.seen, all.max(1)));
        if self.done {
            self.watch.end();
        }
        Some(batch)
    }
}
