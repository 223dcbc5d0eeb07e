//! The base file of a store, whatever its format: what a scan, a look-up and a checkpoint ask of it.
//!
//! A format is one variant of [`Base`] and one type that answers the five calls of it. Predicates come lowered and bound, so
//! that bodies are generic in the record alone. Rows have *places*: numbers that find a row again in the same file.

use std::{
    path::Path,
    sync::{Arc, mpsc::Sender},
};

use super::{
    apart::apart,
    config::{Compression, Format, Options},
    disk::Disk,
    index::Index,
    journal::Fingerprint,
    overlay::Delta,
    parquet::{ParquetBase, ParquetRows},
    progress::{Progress, Watch, Work},
    rows::Row,
    sink::Sink,
    text::{TextBase, TextRows},
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::{Bound, Filter},
    record::{Envelope, Part, RecordCodec, Schema, Step, Stored},
    store::Limits,
    value::ValueRef,
};

/// Which rows a scan is asked for.
pub(super) struct Ask<R: RecordCodec> {
    pub(super) shape: R::Shape,
    /// What must be true of a row; tested on the raw row where that is possible.
    pub(super) filter: Option<Bound<R>>,
    /// Which of how many parts of the file; together they are all of it.
    pub(super) part: (usize, usize),
    pub(super) ids: IdRule,
    /// Whether rows without an id get one that nobody has, instead of their numbers.
    pub(super) fresh_ids: bool,
    /// Whether rows may come in another order than that of the file.
    pub(super) any_order: bool,
    pub(super) limits: Limits,
    /// Who is told how far it is, and what the work is.
    pub(super) progress: Option<(Sender<Progress>, Work)>,
}

impl<R: RecordCodec> Ask<R> {
    /// All records as they are.
    pub(super) fn all(shape: R::Shape, ids: IdRule, limits: &Limits) -> Ask<R> {
        let (filter, part, fresh_ids, any_order, progress) = (None, (0, 1), false, false, None);
        Ask { shape, filter, part, ids, fresh_ids, any_order, limits: limits.clone(), progress }
    }

    /// Tells whom the options name.
    pub(super) fn told(self, options: &Options, work: Work) -> Ask<R> {
        Ask { progress: options.progress.clone().map(|to| (to, work)), ..self }
    }

    pub(super) fn watch(&self) -> Watch {
        let (to, work) = self.progress.clone().map_or((None, Work::Scan), |(to, work)| (Some(to), work));
        Watch::new(to, work)
    }
}

impl<R: RecordCodec> Clone for Ask<R> {
    fn clone(&self) -> Self {
        let Ask { shape, filter, part, ids, fresh_ids, any_order, limits, progress } = self;
        Ask {
            shape: shape.clone(),
            filter: filter.clone(),
            part: *part,
            ids: ids.clone(),
            fresh_ids: *fresh_ids,
            any_order: *any_order,
            limits: limits.clone(),
            progress: progress.clone(),
        }
    }
}

/// Where the id of a record is, beside the envelope and the record's own id field.
#[derive(Clone, Debug, Default)]
pub(super) struct IdRule(Option<Arc<[Step]>>);

impl IdRule {
    /// The column that the options name.
    ///
    /// # Errors
    /// `Configuration` where the schema has no such column.
    pub(super) fn of(options: &Options, schema: &Schema) -> Result<IdRule> {
        let Some(column) = &options.id_column else { return Ok(IdRule(None)) };
        let unknown = |cause: Error| {
            Error::configuration(format!("the id column is no field of `{}`", schema.name))
                .at_field(column.clone())
                .caused_by(cause)
        };
        let path = crate::record::Path::field(column.clone());
        match schema.resolve(&path).map_err(unknown)?.part {
            Part::Field(steps) => Ok(IdRule(Some(steps.into()))),
            _ => Ok(IdRule(None)),
        }
    }

    /// Whether no column is named.
    pub(super) fn is_plain(&self) -> bool {
        self.0.is_none()
    }

    /// Whether records bring their ids with them, so that no `_id` has to be written.
    pub(super) fn in_record(&self, schema: &Schema) -> bool {
        self.0.is_some() || schema.id_field().is_some()
    }

    /// The id that a record itself carries.
    ///
    /// # Errors
    /// `Invalid`, with the field, where it cannot be an id.
    pub(super) fn own<R: RecordCodec>(&self, record: &R, schema: &Schema) -> Result<Option<Id>> {
        let Some(steps) = &self.0 else { return record.own_id(schema) };
        let name = || steps.first().map_or(String::new(), |step| step.name.to_string());
        let id = match record.cell(steps) {
            ValueRef::Text(text) => Id::new(&text).map_err(|cause| Error::from(cause).at_field(name()))?,
            ValueRef::Int(number) => {
                Id::new(&number.to_string()).map_err(|cause| Error::from(cause).at_field(name()))?
            }
            ValueRef::Uuid(uuid) => uuid.into(),
            ValueRef::Null => return Err(Error::invalid("the id is null").at_field(name())),
            _ => return Err(Error::invalid("an id is a text, a uuid or an integer").at_field(name())),
        };
        Ok(Some(id))
    }
}

/// A row of the base file; one that does not read is an error with its place.
pub(super) struct BaseRow<R> {
    pub(super) place: u64,
    /// About how much memory it takes, in bytes.
    pub(super) bytes: usize,
    pub(super) stored: Result<Stored<R>>,
}

/// The base file of a store.
pub(super) enum Base<D: Disk> {
    /// CSV, NDJSON and JSON arrays, compressed or not.
    Text(Arc<TextBase<D>>),
    /// Parquet.
    Parquet(Arc<ParquetBase<D>>),
}

impl<D: Disk> Clone for Base<D> {
    fn clone(&self) -> Self {
        match self {
            Base::Text(text) => Base::Text(text.clone()),
            Base::Parquet(parquet) => Base::Parquet(parquet.clone()),
        }
    }
}

impl<D: Disk> Base<D> {
    /// Opens a base file. One that is not there is empty.
    ///
    /// # Errors
    /// `Corrupt`, with the line, for a header that does not read; `Backend` where the file cannot be read.
    pub(super) fn open(disk: &D, path: &Path, setup: &Setup) -> Result<Base<D>> {
        match setup.format {
            Format::Parquet => ParquetBase::open(disk, path).map(|parquet| Base::Parquet(Arc::new(parquet))),
            _ => TextBase::open(disk, path, setup).map(|text| Base::Text(Arc::new(text))),
        }
    }

    /// Opens a base file of which as much is read as does, and says what else is lost.
    ///
    /// # Errors
    /// As [`open`](Base::open), where nothing can be read.
    pub(super) fn open_damaged(disk: &D, path: &Path, setup: &Setup, losses: &mut Vec<Error>) -> Result<Base<D>> {
        match setup.format {
            Format::Parquet => {
                ParquetBase::open_damaged(disk, path, losses).map(|parquet| Base::Parquet(Arc::new(parquet)))
            }
            _ => Base::open(disk, path, setup),
        }
    }

    /// Whether there is no file, or nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.stamp().length == 0
    }

    /// How the file looked when it was opened.
    pub(super) fn stamp(&self) -> super::disk::Stamp {
        match self {
            Base::Text(text) => text.stamp(),
            Base::Parquet(parquet) => parquet.stamp(),
        }
    }

    /// The rows that are asked for, batch by batch, in the order of the file unless any will do.
    ///
    /// # Errors
    /// What keeps the scan from starting; what fails later is a row.
    pub(super) fn scan<R: RecordCodec>(&self, ask: Ask<R>) -> Result<BaseRows<R, D>> {
        match self {
            Base::Text(text) => text.scan(ask).map(|rows| BaseRows::Text(Box::new(rows))),
            Base::Parquet(parquet) => parquet.scan(ask).map(|rows| BaseRows::Parquet(Box::new(rows))),
        }
    }

    /// The record with this id, or that there is none, where the file itself leads to it without an index.
    ///
    /// # Errors
    /// `Corrupt` where it does not read.
    pub(super) fn look_up<R: RecordCodec>(&self, id: &Id, ask: &Ask<R>) -> Result<Option<Option<Stored<R>>>> {
        match self {
            Base::Text(_) => Ok(None),
            Base::Parquet(parquet) => parquet.look_up(id, ask),
        }
    }

    /// The row at a place, under the id that it was looked for.
    ///
    /// # Errors
    /// `Corrupt`, with the line, where it does not read.
    pub(super) fn read<R: RecordCodec>(&self, place: u64, id: &Id, ask: &Ask<R>) -> Result<Option<Stored<R>>> {
        match self {
            Base::Text(text) => text.read(place, id, ask),
            Base::Parquet(parquet) => parquet.read(place, id, ask),
        }
    }

    /// How many rows there are; nothing is decoded.
    ///
    /// # Errors
    /// `Corrupt` where the rows cannot be told apart.
    pub(super) fn count(&self, limits: &Limits) -> Result<u64> {
        match self {
            Base::Text(text) => text.count(limits),
            Base::Parquet(parquet) => Ok(parquet.count()),
        }
    }

    /// Reads to its end, once, a file whose damage shows only there: before an answer that may be found in front of it.
    ///
    /// # Errors
    /// `Corrupt` where it is damaged.
    pub(super) fn believe(&self, limits: &Limits) -> Result<()> {
        match self {
            Base::Text(text) if text.tells_at_its_end() => text.count(limits).map(drop),
            _ => Ok(()),
        }
    }

    /// Where each id is; made when it is first asked for.
    ///
    /// # Errors
    /// `Corrupt`, with the line, for an id that does not read or is there twice.
    pub(super) fn index(&self, setup: &Setup, limits: &Limits) -> Result<Arc<Index>> {
        match self {
            Base::Text(text) => text.index(setup, limits),
            Base::Parquet(parquet) => parquet.index(setup, limits),
        }
    }

    /// Refuses a write that no checkpoint could put into the file: of a record, or a deletion.
    ///
    /// # Errors
    /// `Unsupported` or `Invalid`, with the field.
    pub(super) fn admit(&self, row: Option<&Row>, setup: &Setup) -> Result<()> {
        match self {
            Base::Text(text) => super::rewrite::admit(text, row, setup),
            Base::Parquet(parquet) => parquet.admit(row, setup),
        }
    }

    /// Writes the file anew with changes in it. Rows that nobody changed are copied as they stand.
    ///
    /// # Errors
    /// `Corrupt`, with the line, for a row of which it is not known which record it is; `Backend` where writing failed.
    pub(super) fn rewrite(&self, delta: &Delta<'_>, setup: &Setup, out: &mut Sink<D>, watch: &mut Watch) -> Result<()> {
        apart(|| match self {
            Base::Text(text) => super::rewrite::rewrite(text, delta, setup, out, watch),
            Base::Parquet(parquet) => parquet.rewrite(delta, setup, out, watch),
        })
    }

    /// What a scan does with a filter, in words.
    pub(super) fn explain(&self, filter: Option<&Filter>, setup: &Setup) -> Vec<String> {
        match self {
            Base::Text(text) => text.explain(filter, setup),
            Base::Parquet(parquet) => parquet.explain(filter, setup),
        }
    }
}

/// The rows of a scan.
pub(super) enum BaseRows<R: RecordCodec, D: Disk> {
    Text(Box<TextRows<R, D>>),
    Parquet(Box<ParquetRows<R, D>>),
}

impl<R: RecordCodec, D: Disk> Iterator for BaseRows<R, D> {
    type Item = Vec<BaseRow<R>>;
    fn next(&mut self) -> Option<Vec<BaseRow<R>>> {
        match self {
            BaseRows::Text(rows) => rows.next(),
            BaseRows::Parquet(rows) => rows.next(),
        }
    }
}

/// What is settled when a store is opened.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) format: Format,
    pub(super) compression: Compression,
    pub(super) options: Options,
    pub(super) schema: Arc<Schema>,
    /// The same schema, opened: it keeps what a record's type does not know.
    pub(super) open: Arc<Schema>,
    pub(super) ids: IdRule,
}

impl Setup {
    pub(super) fn new(
        (format, compression): (Format, Compression),
        options: Options,
        schema: Arc<Schema>,
        ids: IdRule,
    ) -> Setup {
        let open = Arc::new(Schema { open: true, ..Schema::clone(&schema) });
        Setup { format, compression, options, schema, open, ids }
    }
}

/// What the records of a file have as versions where nothing stands in the file: the file and the place in it.
pub(super) fn version_of(fingerprint: u64, place: u64) -> crate::version::Version {
    crate::version::Version::pair(fingerprint, place)
}

/// A row with its id and version settled.
pub(super) fn settled<R>(mut envelope: Envelope, record: R, fingerprint: u64, place: u64) -> Stored<R> {
    if envelope.version().is_none() {
        envelope.set_version(version_of(fingerprint, place));
    }
    Stored { envelope, record }
}

/// The fingerprint of a file as it looks from outside.
pub(super) fn looks(stamp: super::disk::Stamp, crc: u32) -> Fingerprint {
    Fingerprint { length: stamp.length, modified_ns: stamp.modified_ns, changed_ns: stamp.changed_ns, crc }
}
