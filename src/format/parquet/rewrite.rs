//! A file written anew with changes: a row that nobody changed keeps its cells as they stand in Arrow, whether or not they have a
//! counterpart here, and of one that was changed those stay whose values are the same.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, FieldRef};
use arrow_select::concat::concat;
use parquet::{
    arrow::{
        ARROW_SCHEMA_META_KEY,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
        encode_arrow_schema, parquet_to_arrow_schema,
    },
    errors::ParquetError,
    file::metadata::KeyValue,
};

use super::{
    ParquetFile, Parts, SCHEMA_KEY, Settings,
    builder::Builder,
    cells::Cells,
    checksum::{BLOCKS_KEY, TAIL_KEY},
    encode::ColumnEncoder,
    fault::{guarded, raised},
    fit::fitted_column,
    layout::Opened,
    plan::{Column, Origin, Part, Plan, only_kept},
    schema,
    source::Source,
    writer::{Groups, encode_document, push_envelope},
};
use crate::{
    error::{Error, Result},
    id::Id,
    record::{Document, Envelope, FieldType, RecordCodec, Schema},
    value::Value,
};

/// Rows that are read at once.
const BATCH_ROWS: usize = 8_192;
/// A row group is ended early when the old rows of it hold this many bytes.
const GROUP_BYTES: usize = 256 << 20;

/// A file that is being written anew: the rows of the old one are passed one after the other.
pub(crate) struct Rewriter<I: Source, W: std::io::Write + Send> {
    old: OldRows<I>,
    columns: Vec<Column>,
    /// What changed records are encoded by.
    schema: Schema,
    copied: Vec<String>,
    /// The parts of envelopes, but for the ids.
    parts: Parts,
    extra: bool,
    /// The columns of changed records: parts of the envelope, fields, and what fits none.
    builders: Vec<Builder>,
    /// The ids of all rows, where they have a column.
    ids: Option<Builder>,
    runs: Vec<Run>,
    /// Changed records of the row group.
    changed: usize,
    rows: usize,
    most_rows: usize,
    groups: Groups<W>,
}

/// Rows of the new file that stand side by side where they come from.
enum Run {
    Old {
        batch: usize,
        start: usize,
        len: usize,
    },
    New {
        start: usize,
        len: usize,
    },
    /// A row that was changed, and for each column whether its old cell stays.
    Changed {
        batch: usize,
        row: usize,
        new: usize,
        kept: Box<[bool]>,
    },
}

impl<I: Source, W: std::io::Write + Send> Rewriter<I, W> {
    /// Begins to write a file anew, with records of which some are shown: what they have that no column holds gets columns of
    /// its own, and `more` says that there are others.
    ///
    /// # Errors
    /// `Corrupt` where the old file does not read.
    pub(super) fn new<'d>(
        file: &ParquetFile<I>,
        plan: &Plan,
        settings: &Settings,
        out: W,
        more: bool,
        shown: impl Iterator<Item = &'d Document> + Clone,
    ) -> Result<Self> {
        let opened = Arc::new(file.0.in_nanoseconds(&plan.nanoseconds)?);
        let schema = plan.schema(shown.clone());
        let extra = more || plan.extra(&schema, shown);
        let columns = plan.columns(&schema, extra, settings.parts);
        let parts = Parts { id: false, ..settings.parts };
        let field_of = |index: usize| {
            let made = |column: &Column| match column.from {
                Origin::Cells { new: Some(Part::Field(found)), .. } if found == index => {
                    Some(column.made(&schema.fields[index]))
                }
                Origin::Records(found) if found == index => Some(column.field.clone()),
                _ => None,
            };
            columns.iter().find_map(made)
        };
        let fields = (0..schema.fields.len()).filter_map(field_of);
        let made = parts.columns().into_iter().chain(fields).chain(extra.then(schema::extra));
        let most_rows = settings.row_group_rows;
        let fields: Vec<FieldRef> = columns.iter().map(|column| Arc::new(column.field.clone())).collect();
        let told = Schema { open: plan.open || extra, ..schema.clone() };
        let entries = entries(&opened, &columns);
        Ok(Rewriter {
            old: OldRows { opened, group: 0, reader: None, batches: Vec::new(), at: 0 },
            builders: made.map(|field| Builder::new(&field)).collect(),
            ids: settings.parts.id.then(|| Builder::new(&Field::new("_id", DataType::Utf8, false))),
            groups: Groups::of_arrays(out, told, fields, entries, settings),
            columns,
            schema,
            copied: plan.copied.clone(),
            parts,
            extra,
            runs: Vec::new(),
            changed: 0,
            rows: 0,
            most_rows,
        })
    }

    /// Leaves the next row out.
    ///
    /// # Errors
    /// `Corrupt` where it does not read.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.old.pass().map(drop)
    }

    /// Keeps the next row as it stands. The record has the fields that [`Plan::read_by`] names.
    ///
    /// # Errors
    /// `Corrupt` where it does not read, `Invalid` where a field does not fit its new column.
    pub(crate) fn keep(&mut self, id: &Id, record: &Document) -> Result<()> {
        let (batch, row) = self.old.pass()?;
        match self.runs.last_mut() {
            Some(Run::Old { batch: last, start, len }) if *last == batch && *start + *len == row => *len += 1,
            _ => self.runs.push(Run::Old { batch, start: row, len: 1 }),
        }
        for column in &self.columns {
            let Origin::Records(index) = column.from else { continue };
            let field = &self.schema.fields[index];
            let mut out = ColumnEncoder::new(std::slice::from_mut(&mut self.builders[self.parts.len() + index]));
            match record.get(&field.name) {
                Some(value) => value.encode(field, &mut out)?,
                None => self.builders[self.parts.len() + index].push_null(),
            }
        }
        self.ended(id)
    }

    /// Writes another record in the place of the next row.
    ///
    /// # Errors
    /// `Corrupt` where that does not read, `Invalid` where a field does not fit its column.
    pub(crate) fn replace(&mut self, envelope: &Envelope, mut record: Document) -> Result<()> {
        let (batch, row) = self.old.pass()?;
        let mut kept = vec![false; self.columns.len()].into_boxed_slice();
        for (column, kept) in self.columns.iter().zip(&mut kept) {
            let Origin::Cells { old: Some(old), new } = column.from else { continue };
            let name = column.field.name();
            *kept = match column.held {
                true => self.old.holds(batch, row, old, record.get(name))?,
                false => new.is_none(),
            };
            if *kept && new.is_none() {
                record.set(name.clone(), Value::Null);
            }
        }
        self.encode(envelope, &record)?;
        self.runs.push(Run::Changed { batch, row, new: self.changed, kept });
        self.changed += 1;
        self.ended(envelope.id())
    }

    /// Writes a new record.
    ///
    /// # Errors
    /// `Invalid` where a field does not fit its column.
    pub(crate) fn add(&mut self, envelope: &Envelope, record: &Document) -> Result<()> {
        self.encode(envelope, record)?;
        match self.runs.last_mut() {
            Some(Run::New { len, .. }) => *len += 1,
            _ => self.runs.push(Run::New { start: self.changed, len: 1 }),
        }
        self.changed += 1;
        self.ended(envelope.id())
    }

    fn encode(&mut self, envelope: &Envelope, record: &Document) -> Result<()> {
        if let Some(name) = self.copied.iter().find(|name| record.get(name).is_some()) {
            return Err(only_kept(name));
        }
        let (beside, columns) = self.builders.split_at_mut(self.parts.len());
        encode_document(record, &self.schema, self.extra, &mut ColumnEncoder::new(columns))?;
        push_envelope(self.parts, Some(envelope), beside)
    }

    fn ended(&mut self, id: &Id) -> Result<()> {
        if let Some(Builder::Text(ids)) = &mut self.ids {
            ids.push(id.to_string().as_bytes())?;
        }
        self.rows += 1;
        let looks = self.rows.is_multiple_of(BATCH_ROWS);
        match self.rows >= self.most_rows || (looks && self.bytes() >= GROUP_BYTES) {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn bytes(&self) -> usize {
        let old: usize = self.old.batches.iter().map(RecordBatch::get_array_memory_size).sum();
        old + self.builders.iter().map(Builder::bytes).sum::<usize>()
    }

    /// Writes the rows that were gathered.
    fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let failed = |cause: arrow_schema::ArrowError| raised(ParquetError::from(cause), "the columns");
        let made = self.builders.iter_mut().map(Builder::take).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let ids = self.ids.as_mut().map(Builder::take).transpose().map_err(failed)?;
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter().enumerate() {
            arrays.push(match (&column.from, &ids) {
                (Origin::Ids, Some(ids)) => ids.clone(),
                (Origin::Ids, None) => new_null_array(column.field.data_type(), self.rows),
                (Origin::Records(index), _) => made[self.parts.len() + index].clone(),
                (Origin::Cells { old, new }, _) => {
                    let new = new.map(|part| match part {
                        Part::Beside(at) => at,
                        Part::Field(index) => self.parts.len() + index,
                        Part::Extra => made.len() - 1,
                    });
                    self.gathered(at, *old, new.and_then(|new| made.get(new)))?
                }
            });
        }
        self.groups.put(arrays)?;
        self.runs.clear();
        (self.rows, self.changed) = (0, 0);
        self.old.forget();
        Ok(())
    }

    /// The cells of a column, from where each row has them.
    fn gathered(&self, at: usize, old: Option<usize>, new: Option<&ArrayRef>) -> Result<ArrayRef> {
        let column = &self.columns[at];
        let ty = column.field.data_type();
        let fit = |array: &ArrayRef| fitted_column(array, ty).ok_or_else(|| column.too_narrow());
        let olds = self.old.batches.iter().map(|batch| old.map(|old| fit(batch.column(old))).transpose());
        let olds = olds.collect::<Result<Vec<_>>>()?;
        // What stays does not have to fit.
        let new = match new {
            Some(new) if column.held => {
                let stay = self.runs.iter().filter_map(|run| match run {
                    Run::Changed { new, kept, .. } if kept[at] => Some(*new),
                    _ => None,
                });
                Some(fit(&without(new, stay))?)
            }
            new => new.map(fit).transpose()?,
        };
        let part = |array: Option<&ArrayRef>, start: usize, len: usize| match array {
            Some(array) => array.slice(start, len),
            None => new_null_array(ty, len),
        };
        let parts: Vec<ArrayRef> = self
            .runs
            .iter()
            .map(|run| match run {
                Run::Old { batch, start, len } => part(olds[*batch].as_ref(), *start, *len),
                Run::Changed { batch, row, kept, .. } if kept[at] => part(olds[*batch].as_ref(), *row, 1),
                Run::Changed { new: start, .. } => part(new.as_ref(), *start, 1),
                Run::New { start, len } => part(new.as_ref(), *start, *len),
            })
            .collect();
        match parts.as_slice() {
            [only] => Ok(only.clone()),
            many => {
                let many: Vec<_> = many.iter().map(AsRef::as_ref).collect();
                concat(&many).map_err(|cause| raised(cause.into(), column.field.name()))
            }
        }
    }

    /// Writes what is gathered and the footer, and gives the output back.
    ///
    /// # Errors
    /// `Backend` where writing failed.
    pub(crate) fn finish(mut self) -> Result<W> {
        self.flush()?;
        self.groups.finish()
    }
}

/// An array with nulls at some places.
fn without(array: &ArrayRef, places: impl Iterator<Item = usize>) -> ArrayRef {
    let mut stays = vec![true; array.len()];
    places.for_each(|place| stays[place] = false);
    if stays.iter().all(|stays| *stays) {
        return array.clone();
    }
    let nulls = NullBuffer::from(stays);
    let nulls = NullBuffer::union(Some(&nulls), array.nulls());
    array.to_data().into_builder().nulls(nulls).build().map_or_else(|_| array.clone(), arrow_array::make_array)
}

/// What else the footer of the old file says, and what its maker says of the types of columns that are what they were.
fn entries<I: Source>(opened: &Opened<I>, columns: &[Column]) -> Vec<KeyValue> {
    let metadata = opened.meta.metadata().file_metadata();
    let Some(entries) = metadata.key_value_metadata() else { return Vec::new() };
    let own = [SCHEMA_KEY, BLOCKS_KEY, TAIL_KEY, ARROW_SCHEMA_META_KEY];
    let mut kept: Vec<KeyValue> = entries.iter().filter(|entry| !own.contains(&entry.key.as_str())).cloned().collect();
    if !entries.iter().any(|entry| entry.key == ARROW_SCHEMA_META_KEY) {
        return kept;
    }
    if let Ok(told) = parquet_to_arrow_schema(metadata.schema_descr(), Some(entries)) {
        let fields = columns.iter().map(|column| match column.from {
            Origin::Cells { old: Some(old), .. }
                if opened.columns().field(old).data_type() == column.field.data_type() =>
            {
                told.fields()
                    .get(old)
                    .map_or(column.field.clone(), |told| Field::clone(told))
                    .with_nullable(column.field.is_nullable())
            }
            _ => column.field.clone(),
        });
        let told = arrow_schema::Schema::new(fields.collect::<Vec<_>>());
        kept.push(KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&told)));
    }
    kept
}

/// The rows of the old file, one after the other.
struct OldRows<I> {
    opened: Arc<Opened<I>>,
    /// The row group that is read next.
    group: usize,
    reader: Option<ParquetRecordBatchReader>,
    /// Those with rows of the row group that is being gathered; the last one has the next row.
    batches: Vec<RecordBatch>,
    /// The next row in it.
    at: usize,
}

impl<I: Source> OldRows<I> {
    /// The batch and the place in it of the next row, which is passed.
    fn pass(&mut self) -> Result<(usize, usize)> {
        while self.batches.last().is_none_or(|batch| self.at >= batch.num_rows()) {
            let batch = self.read()?;
            self.batches.push(batch);
            self.at = 0;
        }
        self.at += 1;
        Ok((self.batches.len() - 1, self.at - 1))
    }

    fn read(&mut self) -> Result<RecordBatch> {
        loop {
            let place = |group: usize| format!("row group {group}");
            if let Some(reader) = &mut self.reader {
                let next = guarded(|| Ok(reader.next().transpose()?));
                match next.map_err(|cause| raised(cause, &place(self.group - 1)))? {
                    Some(batch) => return Ok(batch),
                    None => self.reader = None,
                }
            }
            if self.group >= self.opened.firsts.len() {
                return Err(Error::corrupt("there are fewer rows than the metadata claims"));
            }
            let (input, meta) = (self.opened.input.clone(), self.opened.meta.clone());
            let reader = guarded(|| {
                let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, meta);
                builder.with_row_groups(vec![self.group]).with_batch_size(BATCH_ROWS).build()
            });
            self.reader = Some(reader.map_err(|cause| raised(cause, &place(self.group)))?);
            self.group += 1;
        }
    }

    /// Lets go of batches of which all rows have been passed.
    fn forget(&mut self) {
        let last = self.batches.pop();
        self.batches.clear();
        self.batches.extend(last.filter(|last| self.at < last.num_rows()));
    }

    /// Whether a cell holds a value; what does not read holds none.
    fn holds(&self, batch: usize, row: usize, column: usize, value: Option<&Value>) -> Result<bool> {
        let field = self.opened.columns().field(column);
        let cell = self.batches[batch].column(column).slice(row, 1);
        let hint = self.opened.own_type(field);
        let Ok(cells) = Cells::of(&cell, field, hint) else { return Ok(true) };
        let Ok(was) = cells.value(0) else { return Ok(false) };
        let mut was: Document = [(field.name().clone(), was.into_owned())].into_iter().collect();
        was.normalize(&Schema::open(""));
        Ok(was.get(field.name()) == value.filter(|value| !matches!(value, Value::Null)))
    }
}
