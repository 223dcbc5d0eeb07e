//! CSV as records (RFC 4180, semantics 2.10).
//!
//! An unquoted empty cell is null, a quoted one the empty text; [`Csv::null`] spells null otherwise. Line ends may be `\n`, `\r\n` or `\r`, mixed; blank lines
//! are passed over; no cell is trimmed. A document's cells have the types of its schema, or, undeclared, those of the one
//! rule below. Lists, vectors and JSON are JSON text in a cell. A nested record is spread over columns called `home.city`
//! where every row can be (always, if it is not nullable; else if one of its fields is not), and JSON text elsewhere; reading
//! takes both, and beside such columns one called `home` that says `true` of a record that is there though all of it is null.
//!
//! ```
//! use dk_data::{Document, Filter, Schema, format::csv::Csv};
//! let text = "name,age\nAnn,40\n\"\",\nBob,x\n";
//! let people: Vec<_> = Csv::default().read_documents(text.as_bytes(), Schema::open("people"))?.collect();
//! assert_eq!(people[0].as_ref().map(|p| p["age"].clone()).ok(), Some(40.into()));
//! assert_eq!(people[1].as_ref().map(|p| (p["name"].clone(), p["age"].is_null())).ok(), Some(("".into(), true)));
//! # Ok::<(), dk_data::Error>(())
//! ```
//!
//! # What an undeclared cell is
//!
//! | unquoted cell | is |
//! |---|---|
//! | empty | null |
//! | `true`, `false` | bool |
//! | `-?(0\|[1-9][0-9]*)`, within `i64` or `u64` | integer |
//! | the same with a fraction or an exponent, where the shortest form of the float is the same number | float |
//! | `YYYY-MM-DD` | date |
//! | RFC 3339 with `Z` or an offset | timestamp |
//! | 36 characters of a UUID in lower case | UUID |
//! | anything else, such as `02`, `+1`, `NaN` or `True` | text |
//!
//! A quoted cell is always text, and the writer quotes a text that would be taken for something else.

mod columns;
mod decode;
mod dialect;
mod encode;
mod infer;
mod layout;
mod null;
mod reader;
mod record;
mod split;
mod structure;
mod write;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use dialect::{Dialect, LineEnd};
pub(crate) use infer::{Inferred, inferred};
pub(crate) use layout::Layout;
pub(crate) use null::NullSpelling;
pub(crate) use record::{RawField, RawRecord, Records};
pub(crate) use split::Quotes;
pub(crate) use write::{Quoting, Row};

#[cfg(feature = "file")]
pub(crate) use columns::Columns;
#[cfg(feature = "file")]
pub(crate) use decode::RowDecoder;
pub use reader::CsvReader;
#[cfg(feature = "file")]
pub(crate) use reader::{CellFilter, numbered, take_header};
pub use writer::CsvWriter;

use std::io::{Read, Write};

use reader::Settings;

use crate::{
    error::{Error, Result},
    format::block::Limits,
    record::{Document, Schema, Typed},
};

/// How CSV is read and written; see the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct Csv(Settings);

impl Default for Csv {
    /// Commas, double quotes, a header, `\n`, rows of up to 64 MiB.
    fn default() -> Self {
        Csv(Settings {
            dialect: Dialect::default(),
            header: true,
            max_record_bytes: Limits::default().record,
            strict: false,
        })
    }
}

impl Csv {
    /// Other punctuation: the byte between cells, and the one around them.
    ///
    /// # Errors
    /// `Configuration` for bytes that cannot be told from what cells hold.
    pub fn punctuation(mut self, delimiter: u8, quote: u8) -> Result<Csv> {
        self.0.dialect = self.0.dialect.with_punctuation(delimiter, quote).map_err(Error::configuration)?;
        Ok(self)
    }
    /// Another spelling of null than nothing, such as `NA` or `\N`: of 15 bytes at most, and nothing that a number, a bool, a
    /// date or a UUID is written as. A cell in quotes is the text itself, and a text like it is written in quotes.
    ///
    /// An empty cell without quotes is then the empty text where the field is text or undeclared, and no bytes where it is bytes.
    /// It is still null where the type has no empty value, such as a number.
    ///
    /// ```
    /// use dk_data::{Document, FieldDef, Schema, Type, format::csv::Csv};
    /// let schema = Schema::open("people").field(FieldDef::new("age", Type::U8).nullable());
    /// let csv = Csv::default().null("NA")?;
    /// let people = csv.read_documents(&b"name,age\nNA,NA\n\"NA\",40\n,\n"[..], schema)?;
    /// let people = people.collect::<Result<Vec<Document>, _>>()?;
    /// assert!(people[0]["name"].is_null() && people[0]["age"].is_null());
    /// assert_eq!((people[1]["name"].as_text(), people[2]["name"].as_text()), (Some("NA"), Some("")));
    /// assert!(people[2]["age"].is_null());
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Configuration` for a spelling that cannot be told from what cells hold.
    pub fn null(mut self, spelling: &str) -> Result<Csv> {
        let null = NullSpelling::new(spelling).and_then(|null| self.0.dialect.with_null(null));
        self.0.dialect = null.map_err(|why| Error::configuration(why).with_value(spelling))?;
        Ok(self)
    }
    /// Tabs between cells.
    #[must_use]
    pub fn tabs(mut self) -> Csv {
        // No spelling of null holds either.
        self.0.dialect = self.0.dialect.with_punctuation(b'\t', b'"').unwrap_or(self.0.dialect);
        self
    }
    /// No header: columns are the fields of the schema in order, then `column_1`, `column_2`, … by their places.
    #[must_use]
    pub fn without_header(mut self) -> Csv {
        self.0.header = false;
        self
    }
    /// Line ends of `\r\n` when writing.
    #[must_use]
    pub fn crlf(mut self) -> Csv {
        self.0.dialect = self.0.dialect.with_line_end(LineEnd::CrLf);
        self
    }
    /// How long a row may be, in bytes; a longer one is an error item, and reading goes on after it. At most 1 GiB.
    #[must_use]
    pub fn max_record_bytes(mut self, bytes: usize) -> Csv {
        self.0.max_record_bytes = bytes;
        self
    }
    /// Every row must read, also those that a filter passes over: one that does not is an error item (semantics 3.12). Without
    /// this, cells that nobody asks for are not looked at.
    ///
    /// ```
    /// use dk_data::{Document, FieldDef, Filter, Schema, Type, format::csv::Csv};
    /// let schema = Schema::new("people").field(FieldDef::new("name", Type::Text)).field(FieldDef::new("age", Type::U8));
    /// let rows = |csv: Csv| {
    ///     let adults = Filter::eq("name", "Ann").bind::<Document>(&schema)?;
    ///     Ok::<_, dk_data::Error>(csv.read_documents(&b"name,age\nAnn,40\nBob,old\n"[..], schema.clone())?.matching(adults)?.count())
    /// };
    /// assert_eq!((rows(Csv::default())?, rows(Csv::default().strict())?), (1, 2));
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    #[must_use]
    pub fn strict(mut self) -> Csv {
        self.0.strict = true;
        self
    }
    /// Reads records of a derived type. Columns are found by name or alias; others are passed over. A row that does not
    /// read is an error item with line, column, field and value, and the reader goes on.
    ///
    /// # Errors
    /// `Corrupt` for a header that does not read or names a column twice, `Backend` where the input does not read.
    pub fn read<R: Typed, I: Read>(&self, input: I) -> Result<CsvReader<R, I>> {
        reader::read(input, self.0)
    }
    /// Reads documents of this schema; of an open one, undeclared cells have inferred types.
    ///
    /// # Errors
    /// As [`read`](Csv::read).
    pub fn read_documents<I: Read>(&self, input: I, schema: Schema) -> Result<CsvReader<Document, I>> {
        reader::read_documents(input, schema, self.0)
    }
    /// Writes records of a derived type.
    ///
    /// # Errors
    /// None for a derived type.
    pub fn write<R: Typed, W: Write>(&self, out: W) -> Result<CsvWriter<R, W>> {
        writer::write(out, self.0.dialect, self.0.header)
    }
    /// Writes documents of this schema.
    ///
    /// # Errors
    /// `Configuration` for an open schema: a header settles the columns.
    pub fn write_documents<W: Write>(&self, out: W, schema: Schema) -> Result<CsvWriter<Document, W>> {
        writer::write_documents(out, schema, self.0.dialect, self.0.header)
    }
}
