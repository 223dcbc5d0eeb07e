//! Records as a Parquet file: gathered row group by row group, columns encoded on all cores while the next is gathered.

use std::{cmp::Reverse, io::Write, sync::Arc};

use arrow_array::{ArrayRef, new_empty_array};
use arrow_schema::{DataType, FieldRef};
use parquet::{
    arrow::{
        ArrowSchemaConverter,
        arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves},
    },
    errors::ParquetError,
    file::{metadata::KeyValue, writer::SerializedFileWriter},
};
use rayon::prelude::*;

use super::{
    Parts, SCHEMA_KEY, Settings,
    builder::Builder,
    checksum::{BLOCKS_KEY, Blocks, TAIL_KEY, TAIL_UNKNOWN, seal},
    encode::ColumnEncoder,
    fault::raised,
    properties, schema,
};
use crate::{
    error::{Error, Result},
    format::beside::Beside,
    record::{Document, DocumentWriter, Encoder, Envelope, FieldType, RecordCodec, Schema},
    value::Value,
};

/// A row group is ended early when it holds this many bytes, whatever its rows.
const GROUP_BYTES: usize = 256 << 20;

/// How many rows are looked at between two sums of their bytes.
const LOOK_EVERY: usize = 1_024;

/// Writes records as a Parquet file. Without [`finish`](ParquetWriter::finish) there is no footer, and no file.
pub struct ParquetWriter<R: RecordCodec, W: Write + Send> {
    shape: R::Shape,
    settings: Settings,
    state: State<W>,
}

enum State<W: Write + Send> {
    /// The columns are settled when the first row group is whole: an open schema by the values that it holds.
    Open { out: W, waiting: Vec<(Option<Box<Envelope>>, Document)> },
    /// The columns are settled.
    Settled(Box<Groups<W>>),
    /// A write failed, and what was written is no file.
    Failed,
}

/// A row group whose columns are being encoded.
type Encoding = Beside<Result<Vec<ArrowColumnChunk>, ParquetError>>;

/// The output, and the row group that is being gathered.
pub(super) struct Groups<W: Write + Send> {
    schema: Schema,
    /// Whether there is a column for what no column was made for.
    extra: bool,
    parts: Parts,
    settings: Settings,
    fields: Vec<FieldRef>,
    columns: Vec<Builder>,
    rows: usize,
    /// What the footer says beside the schema.
    entries: Vec<KeyValue>,
    /// The row group before it, whose columns are being encoded.
    group: Option<Encoding>,
    target: Target<W>,
}

/// The file is begun when the first row group is whole, because how columns are encoded depends on their values.
enum Target<W: Write + Send> {
    Unbegun(W),
    Begun(Box<SerializedFileWriter<Output<W>>>, ArrowRowGroupWriterFactory, usize),
    Gone,
}

/// Counts checksums of what passes through, and holds the tail back until its own checksum is known.
pub(super) struct Output<W> {
    out: W,
    sums: Blocks,
    tail: Option<Vec<u8>>,
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.tail {
            Some(tail) => tail.extend_from_slice(bytes),
            None => {
                self.out.write_all(bytes)?;
                self.sums.update(bytes);
            }
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl<R: RecordCodec, W: Write + Send> ParquetWriter<R, W> {
    pub(super) fn new(out: W, shape: R::Shape, settings: Settings) -> Result<Self> {
        settings.check(&shape)?;
        let state = match shape.open {
            true => State::Open { out, waiting: Vec::new() },
            false => State::Settled(Box::new(Groups::new(out, Schema::clone(&shape), false, &settings))),
        };
        Ok(ParquetWriter { shape, settings, state })
    }

    /// Writes one record. A record that is refused leaves nothing behind.
    ///
    /// # Errors
    /// `Invalid` for what cannot be written, with the field; `Configuration` where the options ask for the columns of an
    /// envelope; `Backend` where writing failed, after which nothing more can be written.
    pub fn write(&mut self, record: &R) -> Result<()> {
        if self.settings.parts != Parts::default() {
            return Err(Error::configuration("columns of the envelope are asked for: use `write_with`"));
        }
        self.put(None, record)
    }

    /// Writes one record with what the options ask for of its envelope.
    ///
    /// # Errors
    /// As [`write`](ParquetWriter::write).
    pub fn write_with(&mut self, envelope: &Envelope, record: &R) -> Result<()> {
        self.put(Some(envelope), record)
    }

    fn put(&mut self, envelope: Option<&Envelope>, record: &R) -> Result<()> {
        let full = match &mut self.state {
            State::Failed => return Err(Error::backend("an earlier write failed, and the file was given up")),
            State::Settled(groups) => groups.push(envelope, record, &self.shape)?,
            State::Open { waiting, .. } => {
                let document = DocumentWriter::document_of(record, &self.shape)?;
                waiting.push((envelope.map(|envelope| Box::new(envelope.clone())), document));
                waiting.len() >= self.settings.row_group_rows
            }
        };
        if full { self.flush(false) } else { Ok(()) }
    }

    /// Ends the row group that is being gathered.
    fn flush(&mut self, last: bool) -> Result<()> {
        let done = self.try_flush(last);
        if done.is_err() {
            self.state = State::Failed;
        }
        done
    }

    fn try_flush(&mut self, last: bool) -> Result<()> {
        if let State::Open { .. } = &self.state {
            self.settle(last)?;
        }
        match &mut self.state {
            State::Settled(groups) => groups.flush(),
            _ => Err(Error::backend("an earlier write failed, and the file was given up")),
        }
    }

    /// Settles the columns of an open schema by the records that wait. A column for what fits none of them is left out only
    /// where it is known that there is nothing of that kind.
    fn settle(&mut self, last: bool) -> Result<()> {
        let State::Open { out, waiting } = std::mem::replace(&mut self.state, State::Failed) else { return Ok(()) };
        let schema = super::infer::columns(&self.shape, waiting.iter().map(|(_, document)| document));
        let extra = !last || waiting.iter().any(|(_, document)| super::infer::leaves_extra(document, &schema));
        let mut groups = Box::new(Groups::new(out, schema, extra, &self.settings));
        let written = waiting
            .iter()
            .try_for_each(|(envelope, document)| groups.push_document(envelope.as_deref(), document).map(drop));
        self.state = State::Settled(groups);
        written
    }

    /// Writes what is gathered and the footer, and gives the output back.
    ///
    /// # Errors
    /// `Backend` where writing failed, `Invalid` where records that were gathered cannot be written.
    pub fn finish(mut self) -> Result<W> {
        self.flush(true)?;
        match self.state {
            State::Settled(groups) => groups.finish(),
            _ => Err(Error::backend("an earlier write failed, and the file was given up")),
        }
    }
}

impl<W: Write + Send> Groups<W> {
    fn new(out: W, schema: Schema, extra: bool, settings: &Settings) -> Groups<W> {
        let mut fields = settings.parts.columns();
        fields.extend(schema::columns(&schema, &settings.decimals));
        if extra {
            fields.push(schema::extra());
        }
        Groups {
            extra,
            parts: settings.parts,
            settings: settings.clone(),
            columns: fields.iter().map(Builder::new).collect(),
            fields: fields.into_iter().map(Arc::new).collect(),
            schema,
            rows: 0,
            entries: Vec::new(),
            group: None,
            target: Target::Unbegun(out),
        }
    }

    /// Of row groups that come as arrays of these fields.
    #[cfg(feature = "file")]
    pub(super) fn of_arrays(
        out: W,
        schema: Schema,
        fields: Vec<FieldRef>,
        entries: Vec<KeyValue>,
        settings: &Settings,
    ) -> Groups<W> {
        let (parts, settings, target) = (settings.parts, settings.clone(), Target::Unbegun(out));
        let (extra, columns, rows, group) = (false, Vec::new(), 0, None);
        Groups { schema, extra, parts, settings, fields, columns, rows, entries, group, target }
    }

    /// Appends a record; says whether the row group is full.
    #[inline]
    fn push<R: RecordCodec>(&mut self, envelope: Option<&Envelope>, record: &R, shape: &Schema) -> Result<bool> {
        if self.extra || shape.open {
            return self.push_document(envelope, &DocumentWriter::document_of(record, shape)?);
        }
        let (beside, columns) = self.columns.split_at_mut(self.parts.len());
        let pushed = record.encode(shape, &mut ColumnEncoder::new(columns));
        let pushed = pushed.and_then(|()| push_envelope(self.parts, envelope, beside));
        self.pushed(pushed)
    }

    fn push_document(&mut self, envelope: Option<&Envelope>, document: &Document) -> Result<bool> {
        let (beside, columns) = self.columns.split_at_mut(self.parts.len());
        let mut out = ColumnEncoder::new(columns);
        let pushed = encode_document(document, &self.schema, self.extra, &mut out);
        let pushed = pushed.and_then(|()| push_envelope(self.parts, envelope, beside));
        self.pushed(pushed)
    }

    #[inline]
    fn pushed(&mut self, pushed: Result<()>) -> Result<bool> {
        if let Err(refused) = pushed {
            self.columns.iter_mut().for_each(|column| column.truncate(self.rows));
            return Err(refused);
        }
        self.rows += 1;
        let looks = self.rows.is_multiple_of(LOOK_EVERY);
        Ok(self.rows >= self.settings.row_group_rows || (looks && self.bytes() >= GROUP_BYTES))
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(Builder::bytes).sum()
    }

    fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let arrays = self.columns.iter_mut().map(Builder::take).collect::<Result<Vec<_>, _>>();
        self.put(arrays.map_err(|cause| refused(cause.into()))?)
    }

    /// Writes a row group.
    pub(super) fn put(&mut self, arrays: Vec<ArrayRef>) -> Result<()> {
        self.begin(&arrays)?;
        self.append()?;
        self.group = Some(self.encode(&arrays).map_err(refused)?);
        Ok(())
    }

    fn begin(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let Target::Unbegun(_) = &self.target else { return Ok(()) };
        let Target::Unbegun(out) = std::mem::replace(&mut self.target, Target::Gone) else { return Ok(()) };
        let arrow = Arc::new(arrow_schema::Schema::new(self.fields.clone()));
        let begun = || {
            let columns = ArrowSchemaConverter::new().schema_root("schema").convert(&arrow)?;
            let properties = properties::of(&self.settings, &self.schema, &self.fields, arrays, &columns);
            let own = serde_json::to_string(&self.schema).map_err(|cause| ParquetError::External(Box::new(cause)))?;
            let output = Output { out, sums: Blocks::default(), tail: None };
            let mut file = SerializedFileWriter::new(output, columns.root_schema_ptr(), Arc::new(properties))?;
            file.append_key_value_metadata(KeyValue::new(SCHEMA_KEY.to_owned(), own));
            std::mem::take(&mut self.entries).into_iter().for_each(|entry| file.append_key_value_metadata(entry));
            let factory = ArrowRowGroupWriterFactory::new(&file, arrow.clone());
            Ok(Target::Begun(Box::new(file), factory, 0))
        };
        self.target = begun().map_err(refused)?;
        Ok(())
    }

    /// Has the columns of a row group encoded, while the next is gathered.
    fn encode(&mut self, arrays: &[ArrayRef]) -> Result<Encoding, ParquetError> {
        let Target::Begun(_, factory, number) = &mut self.target else {
            return Err(ParquetError::General("the file was given up".to_owned()));
        };
        let mut writers = factory.create_column_writers(*number)?.into_iter();
        *number += 1;
        let columns = self.fields.iter().cloned().zip(arrays.iter().cloned());
        let columns: Vec<_> = columns
            .map(|(field, array)| {
                let writers = writers.by_ref().take(leaves(field.data_type())).collect();
                Column { field, array, writers }
            })
            .collect();
        Ok(Beside::start(|| encoded(columns)))
    }

    /// Appends the row group that was encoded last.
    fn append(&mut self) -> Result<()> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let Target::Begun(file, ..) = &mut self.target else {
            return Err(Error::backend("an earlier write failed, and the file was given up"));
        };
        let gone = || Err(ParquetError::General("the thread that encoded a row group is gone".to_owned()));
        let chunks = group.get().unwrap_or_else(gone).map_err(refused)?;
        let append = || {
            let mut group = file.next_row_group()?;
            chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut group))?;
            group.close().map(drop)
        };
        append().map_err(refused)
    }

    pub(super) fn finish(mut self) -> Result<W> {
        // A file of no records still has its columns.
        let empty: Vec<ArrayRef> = self.fields.iter().map(|field| new_empty_array(field.data_type())).collect();
        self.begin(&empty)?;
        self.append()?;
        let Target::Begun(mut file, ..) = self.target else {
            return Err(Error::backend("an earlier write failed, and the file was given up"));
        };
        file.flush()?;
        let output = file.inner_mut();
        let sums = output.sums.entry();
        output.tail = Some(Vec::new());
        file.append_key_value_metadata(KeyValue::new(BLOCKS_KEY.to_owned(), sums));
        file.append_key_value_metadata(KeyValue::new(TAIL_KEY.to_owned(), TAIL_UNKNOWN.to_owned()));
        let mut output = file.into_inner().map_err(refused)?;
        let mut tail = output.tail.take().unwrap_or_default();
        seal(&mut tail);
        output.out.write_all(&tail)?;
        output.out.flush()?;
        Ok(output.out)
    }
}

pub(super) fn push_envelope(parts: Parts, envelope: Option<&Envelope>, columns: &mut [Builder]) -> Result<()> {
    match envelope {
        Some(envelope) => parts.push(envelope, columns),
        None => Ok(()),
    }
}

/// A document in settled columns: what fits its column goes there, everything else into the column of the rest.
pub(super) fn encode_document(
    document: &Document,
    schema: &Schema,
    extra: bool,
    out: &mut ColumnEncoder<'_>,
) -> Result<()> {
    for field in schema.fields.iter() {
        match document.get(&field.name) {
            Some(value) if value.check(field).is_ok() => value.encode(field, out)?,
            // Only inferred columns give way.
            Some(value) if !(extra && field.nullable) => value.encode(field, out)?,
            _ => out.null(field)?,
        }
    }
    if extra {
        let rest = super::infer::rest_of(document, schema);
        let field = super::infer::extra_field();
        match rest.is_empty() {
            true => out.null(&field)?,
            false => Value::Record(rest).encode(&field, out)?,
        }
    }
    Ok(())
}

/// One top-level column of a row group, and those that Parquet makes of it.
struct Column {
    field: FieldRef,
    array: ArrayRef,
    writers: Vec<ArrowColumnWriter>,
}

impl Column {
    fn encoded(mut self) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
        for (leaf, writer) in compute_leaves(&self.field, &self.array)?.iter().zip(&mut self.writers) {
            writer.write(leaf)?;
        }
        self.writers.into_iter().map(ArrowColumnWriter::close).collect()
    }
}

/// Columns encoded and compressed, on all cores: first those whose values have lengths or are handled one by one, and of them
/// the largest, so that no core is long alone with the last.
fn encoded(columns: Vec<Column>) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    let mut columns: Vec<_> = columns.into_iter().enumerate().collect();
    let dear = |array: &ArrayRef| (!array.data_type().is_primitive(), array.get_array_memory_size());
    columns.sort_by_key(|(_, column)| Reverse(dear(&column.array)));
    // A bridge hands them out one by one in this order, where a slice would be cut into halves.
    let encode = |(place, column): (usize, Column)| Ok((place, column.encoded()?));
    let mut chunks = columns.into_iter().par_bridge().map(encode).collect::<Result<Vec<_>, ParquetError>>()?;
    chunks.sort_by_key(|(place, _)| *place);
    Ok(chunks.into_iter().flat_map(|(_, chunks)| chunks).collect())
}

/// How many columns Parquet makes of one.
fn leaves(ty: &DataType) -> usize {
    match ty {
        DataType::List(item) | DataType::Map(item, _) => leaves(item.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
        _ => 1,
    }
}

#[cold]
fn refused(cause: ParquetError) -> Error {
    match cause {
        ParquetError::External(inner) if inner.is::<std::io::Error>() => match inner.downcast::<std::io::Error>() {
            Ok(io) => Error::from(*io),
            Err(other) => Error::backend("writing failed").because(other),
        },
        other => Error::backend(raised(other, "").message().to_owned()),
    }
}
