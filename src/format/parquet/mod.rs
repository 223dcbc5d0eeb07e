//! Parquet as records: typed columns, read by what a predicate and a record need.
//!
//! Which field is which column is told in `schema.rs`'s table, repeated here: integers and floats are columns of the same
//! width and sign, decimals `decimal(76, 28)` unless the [field](crate::FieldDef::decimal) or an [option](Parquet::decimal) gives a precision, timestamps microseconds in
//! UTC, UUIDs 16 bytes with their logical type, enums strings, lists lists, nested records structs, vectors lists of floats,
//! JSON strings with their logical type. Fields that an open schema does not declare get columns by the values of the first
//! row group; what fits no column is kept in one more, `_extra`, as JSON with tags.
//!
//! ```
//! use dk_data::{Document, Filter, Schema, document, format::parquet::Parquet};
//! let mut out = Parquet::default().write_documents(Vec::new(), Schema::open("people"))?;
//! out.write(&document! { "name" => "Ann", "age" => 40 })?;
//! out.write(&document! { "name" => "Bo" })?;
//! let file = Parquet::open(out.finish()?)?;
//! assert_eq!(file.len(), 2);
//! let adults = Filter::ge("age", 18).bind::<Document>(&file.schema("people")?)?;
//! let found: Vec<_> = file.documents(file.schema("people")?)?.matching(adults)?.collect::<Result<_, _>>()?;
//! assert_eq!(found, [document! { "name" => "Ann", "age" => 40 }]);
//! # Ok::<(), dk_data::Error>(())
//! ```
//!
//! # What is checked
//!
//! Files of ours carry checksums over every byte, so that damage is an error and never another value; of other makers' files
//! what their pages say of themselves is checked. Row groups and pages that statistics rule out are not read, and therefore
//! not checked. NaN and infinities in a file are errors with their row (semantics 2.5).

mod batch;
mod builder;
mod cells;
mod checksum;
mod decode;
#[cfg(feature = "file")]
mod digits;
mod encode;
mod envelope;
mod fault;
#[cfg(feature = "file")]
mod fit;
mod foreign;
mod index;
mod infer;
mod int96;
mod layout;
mod mask;
#[cfg(feature = "file")]
mod nested;
#[cfg(feature = "file")]
mod plan;
mod properties;
mod prune;
mod reader;
#[cfg(feature = "file")]
mod rewrite;
mod scan;
mod schema;
mod source;
mod writer;

pub use envelope::{FoundParts, Parts};
#[cfg(feature = "file")]
pub(crate) use plan::Plan;
pub use reader::{ParquetReader, Rows};
#[cfg(feature = "file")]
pub(crate) use rewrite::Rewriter;
pub use scan::{Found, Pruning};
pub use source::{Input, Source};
pub use writer::ParquetWriter;

use std::{io::Write, sync::Arc};

use layout::Opened;
#[cfg(feature = "file")]
use parquet::file::metadata::RowGroupMetaData;

use crate::{
    error::{Error, Result},
    record::{Document, RecordCodec, Schema, Type, Typed},
};

/// The column of what fits no other.
const EXTRA: &str = "_extra";
/// The column of metadata.
const METADATA: &str = "_metadata";
/// The columns of the envelope.
const ENVELOPE: [&str; 5] = ["_id", "_version", "_created_at", "_updated_at", METADATA];
/// The entry of the footer that holds our schema.
const SCHEMA_KEY: &str = "dk_data.schema";

/// How the pages of a file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast, and half as small.
    Snappy,
    /// As fast; the newer, raw form.
    Lz4,
    /// From 0 to 9.
    Gzip(u32),
    /// From 0 to 11; slow to write.
    Brotli(u32),
    /// From 1 to 22; at 3 the smallest for its time.
    Zstd(i32),
}

/// How Parquet is written; see the [module](self).
#[derive(Clone, Debug)]
pub struct Parquet(Settings);

#[derive(Clone, Debug)]
struct Settings {
    compression: Compression,
    row_group_rows: usize,
    page_rows: usize,
    decimals: Vec<(String, u8, i8)>,
    sorted: Vec<(String, bool)>,
    blooms: Vec<String>,
    parts: Parts,
}

impl Default for Parquet {
    /// zstd at 3, row groups of 131,072 rows, bloom filters on ids, no columns of the envelope.
    fn default() -> Parquet {
        Parquet(Settings {
            compression: Compression::Zstd(3),
            row_group_rows: 131_072,
            page_rows: properties::PAGE_ROWS,
            decimals: Vec::new(),
            sorted: Vec::new(),
            blooms: Vec::new(),
            parts: Parts::default(),
        })
    }
}

impl Parquet {
    /// How pages are compressed.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Parquet {
        self.0.compression = compression;
        self
    }
    /// Rows of a row group, from 1 to 16,777,216. Smaller ones are skipped more finely, larger ones are smaller in all. A
    /// row group of 256 MiB is ended early.
    #[must_use]
    pub fn row_group_rows(mut self, rows: usize) -> Parquet {
        self.0.row_group_rows = rows;
        self
    }
    /// Rows of a page at most, 16,384 where nothing is said. Smaller pages are skipped more finely and are larger in all.
    #[must_use]
    pub fn page_rows(mut self, rows: usize) -> Parquet {
        self.0.page_rows = rows;
        self
    }
    /// Precision and scale of a decimal field's column, where the [field](crate::FieldDef::decimal) says none or others; a
    /// value that does not fit is refused. Tools whose decimals end at 38 digits read such a column exactly.
    #[must_use]
    pub fn decimal(mut self, field: &str, precision: u8, scale: i8) -> Parquet {
        self.0.decimals.push((field.to_owned(), precision, scale));
        self
    }
    /// Tells readers that the records come in the order of this field; a second call names the second key. It is not checked.
    #[must_use]
    pub fn sorted_by(mut self, field: &str, descending: bool) -> Parquet {
        self.0.sorted.push((field.to_owned(), descending));
        self
    }
    /// A bloom filter on a field, beside the one on the id: look-ups of one value then read the row groups that may hold it.
    #[must_use]
    pub fn bloom(mut self, field: &str) -> Parquet {
        self.0.blooms.push(field.to_owned());
        self
    }
    /// Columns of the envelope; records are then written with [`ParquetWriter::write_with`].
    #[must_use]
    pub fn envelope(mut self, parts: Parts) -> Parquet {
        self.0.parts = parts;
        self
    }

    /// Opens a file and reads its footer.
    ///
    /// # Errors
    /// `Corrupt` for what is no Parquet file, is cut off or damaged; `Unsupported` for an encrypted one; `Backend` where
    /// reading failed.
    pub fn open(input: impl Into<Input>) -> Result<ParquetFile> {
        ParquetFile::open(input.into())
    }
    /// Writes records of a derived type.
    ///
    /// # Errors
    /// `Configuration` for an option that does not fit the schema.
    pub fn write<R: Typed, W: Write + Send>(&self, out: W) -> Result<ParquetWriter<R, W>> {
        ParquetWriter::new(out, R::SCHEMA, self.0.clone())
    }
    /// Writes records of any type.
    ///
    /// # Errors
    /// `Configuration` for an option that does not fit the schema.
    #[cfg(feature = "file")]
    pub(crate) fn write_shaped<R: RecordCodec, W: Write + Send>(
        &self,
        out: W,
        shape: R::Shape,
    ) -> Result<ParquetWriter<R, W>> {
        ParquetWriter::new(out, shape, self.0.clone())
    }
    /// Writes a file anew; see [`Rewriter::new`].
    ///
    /// # Errors
    /// As said there.
    #[cfg(feature = "file")]
    pub(crate) fn rewrite<'d, I: Source, W: Write + Send>(
        &self,
        file: &ParquetFile<I>,
        plan: &Plan,
        out: W,
        more: bool,
        shown: impl Iterator<Item = &'d Document> + Clone,
    ) -> Result<Rewriter<I, W>> {
        Rewriter::new(file, plan, &self.0, out, more, shown)
    }
    /// Writes documents of this schema.
    ///
    /// # Errors
    /// `Configuration` for an option that does not fit the schema.
    pub fn write_documents<W: Write + Send>(&self, out: W, schema: Schema) -> Result<ParquetWriter<Document, W>> {
        ParquetWriter::new(out, Arc::new(schema), self.0.clone())
    }
}

impl Settings {
    fn check(&self, schema: &Schema) -> Result<()> {
        let rows = 1..=1 << 24;
        if !rows.contains(&self.row_group_rows) || !rows.contains(&self.page_rows) {
            return Err(Error::configuration("a row group and a page have from 1 to 16,777,216 rows"));
        }
        for (name, precision, scale) in &self.decimals {
            let declared = schema.find(name).is_some_and(|(_, field)| field.ty == Type::Decimal);
            if !declared {
                let why = "a precision is given for what is no declared decimal field";
                return Err(Error::configuration(why).at_field(name.clone()));
            }
            let sound = (1..=76).contains(precision) && *scale >= 0 && i16::from(*scale) <= i16::from(*precision);
            if !sound {
                let why = "a decimal has a precision from 1 to 76 and a scale from 0 to that";
                return Err(Error::configuration(why).at_field(name.clone()));
            }
        }
        let level = match self.compression {
            Compression::Gzip(level) => level <= 9,
            Compression::Brotli(level) => level <= 11,
            Compression::Zstd(level) => (1..=22).contains(&level),
            _ => true,
        };
        let named = self.sorted.iter().map(|(name, _)| name).chain(&self.blooms);
        let unknown =
            named.into_iter().find(|name| !schema.open && schema.find(name).is_none() && !name.starts_with('_'));
        match unknown {
            Some(name) => Err(Error::configuration("an option names a field that there is not").at_field(name.clone())),
            None if !level => Err(Error::configuration("the codec has no such level")),
            None => Ok(()),
        }
    }
}

/// An open Parquet file. Cheap to clone; read by any number of threads.
#[derive(Debug)]
pub struct ParquetFile<I: Source = Input>(Arc<Opened<I>>);

impl<I: Source> Clone for ParquetFile<I> {
    fn clone(&self) -> Self {
        ParquetFile(self.0.clone())
    }
}

impl<I: Source> ParquetFile<I> {
    /// Opens a file wherever its bytes are, and reads its footer.
    ///
    /// # Errors
    /// As [`Parquet::open`].
    pub fn open(source: I) -> Result<ParquetFile<I>> {
        Ok(ParquetFile(Arc::new(layout::open(source)?)))
    }
    /// Opens a damaged file without what it can be read without, and says what that is.
    ///
    /// # Errors
    /// As [`Parquet::open`], where the footer is damaged.
    #[cfg(feature = "file")]
    pub(crate) fn open_damaged(source: I, losses: &mut Vec<Error>) -> Result<ParquetFile<I>> {
        Ok(ParquetFile(Arc::new(layout::open_damaged(source, losses)?)))
    }
    /// How many records it holds, by its metadata.
    pub fn len(&self) -> u64 {
        self.0.rows
    }
    /// Whether it holds no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The names of its columns, in order; nested ones by their outermost.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.columns().fields().iter().map(|column| column.name().as_str())
    }
    /// Whether a column is there and null in no row, by its type or by its statistics.
    #[cfg(feature = "file")]
    pub(crate) fn is_never_null(&self, name: &str) -> bool {
        let metadata = self.0.meta.metadata();
        let columns = metadata.file_metadata().schema_descr();
        let is_it = |leaf: &usize| matches!(columns.column(*leaf).path().parts(), [only] if only == name);
        let Some(leaf) = (0..columns.num_columns()).find(is_it) else { return false };
        let nulls = |group: &RowGroupMetaData| group.column(leaf).statistics().and_then(|known| known.null_count_opt());
        columns.column(leaf).max_def_level() == 0 || metadata.row_groups().iter().all(|group| nulls(group) == Some(0))
    }
    /// Whether it has this part of an envelope.
    #[cfg(feature = "file")]
    pub(crate) fn has_part(&self, name: &str) -> bool {
        self.0.columns().fields().iter().any(|column| column.name() == name && layout::is_of_envelope(column))
    }
    /// The schema of its documents: that of our own writer where it left one, else what Parquet's types say. Columns whose
    /// names begin with `_` cannot be declared and are not in it; documents of an open schema have those that are no part of an
    /// envelope.
    ///
    /// # Errors
    /// `Unsupported`, with the column, for a type that has no counterpart here.
    pub fn schema(&self, name: &str) -> Result<Schema> {
        self.0.schema(name)
    }
    /// Its rows as records of any type, with their ordinals.
    ///
    /// # Errors
    /// `Unsupported`, with the column, where a field cannot be read from its column's type.
    pub fn rows<R: RecordCodec>(&self, shape: R::Shape) -> Result<Rows<R, I>> {
        Rows::new(self.0.clone(), shape)
    }
}

impl ParquetFile {
    /// Reads records of a derived type. Columns are found by name or alias; others are not read.
    ///
    /// # Errors
    /// `Unsupported`, with the column, where a field cannot be read from its column's type.
    pub fn read<R: Typed>(&self) -> Result<ParquetReader<R>> {
        ParquetReader::new(self.0.clone(), R::SCHEMA)
    }
    /// Reads documents of this schema; of an open one, undeclared columns with their own types.
    ///
    /// # Errors
    /// As [`read`](ParquetFile::read).
    pub fn documents(&self, schema: Schema) -> Result<ParquetReader<Document>> {
        ParquetReader::new(self.0.clone(), Arc::new(schema))
    }
}
