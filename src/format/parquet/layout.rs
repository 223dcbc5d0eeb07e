//! A file that was opened: its metadata, checked, and what each of its columns is to a schema.

use std::{collections::HashMap, ops::Range, sync::Arc};

use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
    errors::ParquetError,
    file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader},
};

use super::{
    EXTRA, METADATA, SCHEMA_KEY,
    checksum::{BLOCKS_KEY, Sums, TAIL_KEY, Tail},
    decode::Place,
    fault::{guarded, raised},
    foreign, int96,
    schema::data_type,
    source::{Checked, Source as Bytes},
};
use crate::{
    error::{Error, Result},
    record::{FieldDef, Name, Part, Schema, Step, Target, Type},
};

/// An open file.
#[derive(Clone, Debug)]
pub(super) struct Opened<I> {
    pub(super) input: Checked<I>,
    pub(super) meta: ArrowReaderMetadata,
    /// The schema that our own writer left in the file.
    pub(super) own: Option<Schema>,
    /// The ordinal of the first row of each row group.
    pub(super) firsts: Vec<u64>,
    pub(super) rows: u64,
}

/// What each column of a file is, in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) columns: Vec<Source>,
}

/// One column of a file.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) name: Name,
    pub(super) place: Place,
    /// The type that Parquet's own types do not tell.
    pub(super) hint: Option<Type>,
}

/// The name that other formats keep for the types of values.
const TYPES: &str = "_types";
/// The two ends of every file.
const MAGIC: &[u8; 4] = b"PAR1";

/// Opens a file: reads its footer and page indexes.
///
/// # Errors
/// `Corrupt` for what is no Parquet file, is cut off or damaged; `Unsupported` for an encrypted one; `Backend` where reading
/// failed.
pub(super) fn open<I: Bytes>(input: I) -> Result<Opened<I>> {
    open_but(input, Err)
}

/// Opens a file, damaged or not, without the parts of its frame that do not read and that rows can be read without.
///
/// # Errors
/// As [`open`], where rows cannot be read without what is damaged.
#[cfg(feature = "file")]
pub(super) fn open_damaged<I: Bytes>(input: I, losses: &mut Vec<Error>) -> Result<Opened<I>> {
    open_but(input, |loss| {
        losses.push(loss);
        Ok(())
    })
}

/// Opens a file; `lost` says whether it is opened without what is damaged.
fn open_but<I: Bytes>(input: I, mut lost: impl FnMut(Error) -> Result<()>) -> Result<Opened<I>> {
    let size = input.size()?;
    let metadata = footer(&input, size)?;
    if *input.read(0, 4)? != *MAGIC {
        lost(cut("it does not begin with `PAR1`"))?;
    }
    let (sums, tail) = own_sums(&input, size, &metadata)?;
    let mut policy = PageIndexPolicy::Optional;
    if tail != Tail::Whole {
        lost(Error::corrupt("the checksum of the page indexes does not hold: the file was damaged"))?;
        policy = PageIndexPolicy::Skip;
    }
    let input = Checked::new(input, size, sums);
    let indexed = guarded(|| {
        let mut reader = ParquetMetaDataReader::new_with_metadata(metadata).with_page_index_policy(policy);
        reader.read_page_indexes(&input)?;
        reader.finish()
    });
    let metadata = indexed.map_err(|cause| raised(cause, "the page index"))?;
    let own = entry(&metadata, SCHEMA_KEY).and_then(|json| serde_json::from_str(json).ok());
    let meta = guarded(|| arrow_metadata(metadata)).map_err(|cause| raised(cause, "the schema"))?;
    let (firsts, rows) = counted(meta.metadata())?;
    Ok(Opened { input, meta, own, firsts, rows })
}

#[cold]
fn cut(why: &str) -> Error {
    Error::corrupt(format!("this is no whole Parquet file: {why}"))
}

fn footer<I: Bytes>(input: &I, size: u64) -> Result<ParquetMetaData> {
    if size < 12 {
        return Err(cut("it is shorter than the shortest one"));
    }
    let end = input.read(size - 8, 8)?;
    let (length, magic) = end.split_at(4);
    match magic {
        b"PAR1" => {}
        b"PARE" => return Err(Error::unsupported("the footer of the Parquet file is encrypted")),
        _ => return Err(cut("it does not end with `PAR1`; was it cut off while it was written?")),
    }
    let length = length.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let start = (size - 8).checked_sub(length.into()).filter(|start| *start >= 4);
    let start = start.ok_or_else(|| cut("its footer claims to be longer than the file"))?;
    let bytes = input.read(start, length as usize)?;
    guarded(|| ParquetMetaDataReader::decode_metadata(&bytes)).map_err(|cause| raised(cause, "the footer"))
}

fn entry<'m>(metadata: &'m ParquetMetaData, key: &str) -> Option<&'m str> {
    let entries = metadata.file_metadata().key_value_metadata()?;
    entries.iter().find(|entry| entry.key == key)?.value.as_deref()
}

/// The checksums of a file of ours, and how much of its tail is whole: at least the footer.
fn own_sums<I: Bytes>(input: &I, size: u64, metadata: &ParquetMetaData) -> Result<(Option<Sums>, Tail)> {
    let (blocks, tail) = (entry(metadata, BLOCKS_KEY), entry(metadata, TAIL_KEY));
    let damaged = || Error::corrupt("the checksum of the footer does not hold: the file was damaged");
    let sums = match (blocks, tail) {
        (None, None) => return Ok((None, Tail::Whole)),
        (Some(blocks), Some(_)) => Sums::parse(blocks).filter(|sums| sums.body < size).ok_or_else(damaged)?,
        _ => return Err(damaged()),
    };
    let tail = input.read(sums.body, usize::try_from(size - sums.body).map_err(|_| damaged())?)?;
    match Tail::of(&tail) {
        Tail::Damaged => Err(damaged()),
        tail => Ok((Some(sums), tail)),
    }
}

/// Types come from Parquet's schema alone, not from what a writer says of its own memory.
fn arrow_metadata(metadata: ParquetMetaData) -> Result<ArrowReaderMetadata, ParquetError> {
    let metadata = Arc::new(metadata);
    let plain =
        ArrowReaderMetadata::try_new(metadata.clone(), ArrowReaderOptions::new().with_skip_arrow_metadata(true))?;
    let int96 = int96::columns(plain.schema(), &metadata);
    if int96.is_empty() {
        return Ok(plain);
    }
    let schema = int96::in_unit(plain.schema(), &int96, TimeUnit::Microsecond);
    ArrowReaderMetadata::try_new(metadata, ArrowReaderOptions::new().with_schema(schema))
}

fn counted(metadata: &ParquetMetaData) -> Result<(Vec<u64>, u64)> {
    let mut firsts = Vec::with_capacity(metadata.num_row_groups());
    let mut rows = 0_u64;
    for group in metadata.row_groups() {
        firsts.push(rows);
        let count = u64::try_from(group.num_rows()).ok();
        let sum = count.and_then(|count| rows.checked_add(count)).filter(|sum| *sum < 1 << 48);
        rows = sum.ok_or_else(|| Error::corrupt("a row group has a number of rows that cannot be"))?;
    }
    Ok((firsts, rows))
}

impl<I> Opened<I> {
    pub(super) fn columns(&self) -> &SchemaRef {
        self.meta.schema()
    }

    /// How many rows a row group has.
    pub(super) fn rows_of(&self, group: usize) -> usize {
        let end = self.firsts.get(group + 1).copied().unwrap_or(self.rows);
        (end - self.firsts.get(group).copied().unwrap_or(end)) as usize
    }

    /// The row with which each page of a column begins; `None` where the file does not say it, or says what cannot be.
    pub(super) fn page_starts(&self, group: usize, leaf: usize) -> Option<Vec<usize>> {
        let pages = self.meta.metadata().page_index()?.page_locations(group, leaf)?;
        let starts = pages.iter().map(|page| usize::try_from(page.first_row_index).ok());
        let starts: Vec<usize> = starts.collect::<Option<_>>()?;
        let rows = self.rows_of(group);
        let sound = starts.first() == Some(&0) && starts.is_sorted() && starts.last().is_some_and(|last| *last <= rows);
        sound.then_some(starts)
    }

    /// The rows of a row group, in parts that end where others begin.
    pub(super) fn parts(&self, group: usize, starts: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
        let mut ends: Vec<usize> = starts.chain([0, self.rows_of(group)]).collect();
        ends.sort_unstable();
        ends.dedup();
        ends.windows(2).map(|ends| ends[0]..ends[1]).collect()
    }

    /// The type that our own writer gave a column, where the column still is what it was.
    pub(super) fn own_type(&self, column: &Field) -> Option<&Type> {
        let (_, field) = self.own.as_ref()?.find(column.name())?;
        let decimal = matches!(column.data_type(), DataType::Decimal128(..) | DataType::Decimal256(..));
        let same = alike(&data_type(field), column.data_type()) || (field.ty == Type::Decimal && decimal);
        same.then_some(&field.ty)
    }

    /// The schema of the file's documents: what our own writer left, or what Parquet's types say.
    ///
    /// # Errors
    /// `Unsupported`, with the column, for a type that has no counterpart.
    pub(super) fn schema(&self, name: &str) -> Result<Schema> {
        let mut schema = Schema::new(Name::Owned(name.to_owned()));
        schema.open = self.own.as_ref().is_some_and(|own| own.open);
        for column in self.columns().fields().iter().filter(|column| !column.name().starts_with('_')) {
            schema = schema.field(self.field_of(column)?);
        }
        Ok(schema)
    }

    /// The field that a column is: what our own writer left, or what Parquet's types say.
    ///
    /// # Errors
    /// `Unsupported`, with the column, for a type that has no counterpart.
    pub(super) fn field_of(&self, column: &Field) -> Result<FieldDef> {
        let refused = |fault| Error::unsupported(fault).at_field(column.name().clone());
        let field = foreign::field_of(column).map_err(refused)?;
        let own = self.own.as_ref().and_then(|own| own.find(column.name()));
        Ok(match (own, self.own_type(column)) {
            (Some((_, own)), Some(ty)) => FieldDef { ty: ty.clone(), decimal: field.decimal, ..own.clone() },
            _ => field,
        })
    }

    /// Whether a column is the one in which our own writer keeps what fits no other.
    pub(super) fn is_extra(&self, column: &Field) -> bool {
        column.name() == EXTRA && self.own.is_some() && *column.data_type() == DataType::Utf8
    }

    /// What each column is to a schema.
    ///
    /// # Errors
    /// `Corrupt` where two columns are one field, `Unsupported` where a declared field cannot be read from its column, and
    /// for a column of a type without counterpart that an open schema would read.
    pub(super) fn layout(&self, schema: &Schema) -> Result<Layout> {
        let mut columns: Vec<Source> = Vec::new();
        for column in self.columns().fields() {
            let source = self.source(column, schema)?;
            if matches!(source.place, Place::Field(_)) && columns.iter().any(|other| other.place == source.place) {
                let why = "the column is another name of a field that is there already";
                return Err(Error::corrupt(why).at_field(column.name().clone()));
            }
            columns.push(source);
        }
        Ok(Layout { columns })
    }

    fn source(&self, column: &Field, schema: &Schema) -> Result<Source> {
        let name = column.name();
        let found = schema.find(name);
        let place = match found {
            Some((index, _)) => Place::Field(index),
            None if self.is_extra(column) => Place::Extra,
            None if is_of_envelope(column) => Place::Envelope,
            None if is_reserved(name) => Place::Unread,
            None => Place::Undeclared,
        };
        let own = self.own_type(column).cloned();
        let hint = match found {
            _ if place == Place::Extra => Some(Type::Any),
            Some((_, field)) if own.is_none() && matches!(field.ty, Type::Vector(_)) => Some(field.ty.clone()),
            _ => own,
        };
        if let Some(fault) = found.and_then(|(_, field)| foreign::obstacle(field, column)) {
            return Err(Error::unsupported(fault).at_field(name.clone()));
        }
        if place == Place::Undeclared && schema.open {
            foreign::field_of(column).map_err(|fault| Error::unsupported(fault).at_field(name.clone()))?;
        }
        Ok(Source { name: Name::Owned(name.clone()), place, hint })
    }
}

/// Whether a column of this name stands beside the fields of a record.
pub(super) fn is_reserved(name: &str) -> bool {
    super::ENVELOPE.contains(&name) || name == EXTRA || name == TYPES
}

/// Whether a column is a part of an envelope: by its name, and by a type that such a part can have.
pub(super) fn is_of_envelope(column: &Field) -> bool {
    let ty = column.data_type();
    match column.name().as_str() {
        "_id" => ty.is_integer() || matches!(ty, DataType::Utf8 | DataType::FixedSizeBinary(16)),
        "_created_at" | "_updated_at" => matches!(ty, DataType::Timestamp(..)),
        "_version" | METADATA => *ty == DataType::Utf8,
        _ => false,
    }
}

/// Whether a column is of the type that our own writer made, names of list items aside.
pub(super) fn alike(made: &DataType, found: &DataType) -> bool {
    match (made, found) {
        (DataType::List(made), DataType::List(found)) => alike(made.data_type(), found.data_type()),
        (DataType::Struct(made), DataType::Struct(found)) => {
            let found: HashMap<_, _> = found.iter().map(|field| (field.name(), field.data_type())).collect();
            made.len() == found.len()
                && made.iter().all(|field| found.get(field.name()).is_some_and(|found| alike(field.data_type(), found)))
        }
        (made, found) => made == found,
    }
}

impl Layout {
    /// The columns that a record of this schema needs, by their places in the file.
    pub(super) fn needed(&self, schema: &Schema, envelope: bool) -> Vec<usize> {
        let wanted = |source: &Source| match source.place {
            Place::Field(_) => true,
            Place::Undeclared | Place::Extra => schema.open,
            Place::Envelope => envelope,
            Place::Unread => false,
        };
        (0..self.columns.len()).filter(|at| wanted(&self.columns[*at])).collect()
    }

    /// The columns that a predicate reads, by their places in the file.
    pub(super) fn read_by(&self, targets: &[Target], schema: &Schema) -> Vec<usize> {
        let named = |name: &str| self.columns.iter().position(|source| source.name == name);
        let of = |target: &Target| match &target.part {
            Part::Metadata(_) => named(super::METADATA),
            _ => self.column_of(target, schema).map(|(at, _)| at),
        };
        let mut columns: Vec<usize> = targets.iter().filter_map(of).collect();
        if targets.iter().any(|target| self.is_doubtful(target)) {
            columns.extend(self.columns.iter().position(|source| source.place == Place::Extra));
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Whether a target may lie in the column of undeclared fields.
    pub(super) fn is_doubtful(&self, target: &Target) -> bool {
        target.steps().first().is_some_and(|step| step.index.is_none())
            && self.columns.iter().any(|source| source.place == Place::Extra)
    }

    /// The column of a target, and the steps that lead on inside it.
    pub(super) fn column_of<'t>(&self, target: &'t Target, schema: &Schema) -> Option<(usize, &'t [Step])> {
        column_of(target, schema, self.columns.iter().map(|source| (source.place, source.name.as_ref())))
    }
}

/// The column of a target among columns, and the steps that lead on inside it. Metadata lies inside a column of JSON and has
/// none of its own.
pub(super) fn column_of<'t, 'c>(
    target: &'t Target,
    schema: &Schema,
    columns: impl Iterator<Item = (Place, &'c str)>,
) -> Option<(usize, &'t [Step])> {
    let mut columns = columns;
    let mut at = |place: Place, name: Option<&str>| {
        columns.position(|(found, called)| found == place && name.is_none_or(|name| name == called))
    };
    match &target.part {
        Part::Field(steps) => {
            let (first, inside) = steps.split_first()?;
            let column = match first.index {
                Some(index) => at(Place::Field(index), None),
                None => at(Place::Undeclared, Some(&first.name)),
            };
            Some((column?, inside))
        }
        // A record that carries its id is stored under it.
        Part::Id => match schema.id_field() {
            Some((index, _)) => Some((at(Place::Field(index), None)?, &[])),
            None => Some((at(Place::Envelope, Some("_id"))?, &[])),
        },
        Part::CreatedAt => Some((at(Place::Envelope, Some("_created_at"))?, &[])),
        Part::UpdatedAt => Some((at(Place::Envelope, Some("_updated_at"))?, &[])),
        Part::Metadata(_) => None,
    }
}
