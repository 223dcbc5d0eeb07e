//! A record as one CSV row: an [`Encoder`] that writes a cell for each field of the schema, in order.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::{Quoting, Row};
use crate::{
    error::{Error, Result},
    format::json::{encode_list, encode_record, encode_vector, print_timestamp},
    record::{Encoder, FieldDef, FieldType, RecordCodec, Schema},
};

/// Writes the cells of a row. Lists, nested records, vectors and JSON are JSON text in one cell.
pub(super) struct RowEncoder<'a> {
    row: Row<'a>,
    scratch: &'a mut Vec<u8>,
}

impl<'a> RowEncoder<'a> {
    pub(super) fn new(row: Row<'a>, scratch: &'a mut Vec<u8>) -> Self {
        RowEncoder { row, scratch }
    }
    pub(super) fn end(self) -> bool {
        self.row.end()
    }
    /// Writes a cell of what is put into the scratch buffer, which is UTF-8.
    fn through_scratch(&mut self, put: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        self.scratch.clear();
        put(self.scratch)?;
        let text = std::str::from_utf8(self.scratch).map_err(|_| Error::invalid("a cell is not UTF-8"))?;
        self.row.text(text, Quoting::Needed);
        Ok(())
    }
}

impl Encoder for RowEncoder<'_> {
    #[inline]
    fn null(&mut self, _: &FieldDef) -> Result<()> {
        self.row.null();
        Ok(())
    }
    fn bool(&mut self, _: &FieldDef, value: bool) -> Result<()> {
        self.row.bool(value);
        Ok(())
    }
    #[inline]
    fn int(&mut self, _: &FieldDef, value: i64) -> Result<()> {
        self.row.int(value);
        Ok(())
    }
    fn uint(&mut self, _: &FieldDef, value: u64) -> Result<()> {
        self.row.int(value);
        Ok(())
    }
    fn float32(&mut self, _: &FieldDef, value: f32) -> Result<()> {
        self.row.float(value);
        Ok(())
    }
    #[inline]
    fn float(&mut self, _: &FieldDef, value: f64) -> Result<()> {
        self.row.float(value);
        Ok(())
    }
    fn decimal(&mut self, _: &FieldDef, value: Decimal) -> Result<()> {
        self.row.plain(&value.to_string());
        Ok(())
    }
    #[inline]
    fn text(&mut self, _: &FieldDef, value: &str) -> Result<()> {
        self.row.text(value, Quoting::Distinct);
        Ok(())
    }
    fn bytes(&mut self, field: &FieldDef, value: &[u8]) -> Result<()> {
        // No bytes are not null: the empty cell is quoted.
        match value {
            [] => self.text(field, ""),
            value => {
                self.row.plain(&BASE64_STANDARD.encode(value));
                Ok(())
            }
        }
    }
    fn uuid(&mut self, _: &FieldDef, value: Uuid) -> Result<()> {
        self.row.plain(value.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        Ok(())
    }
    fn timestamp(&mut self, _: &FieldDef, value: Timestamp) -> Result<()> {
        self.through_scratch(|out| {
            print_timestamp(value, out);
            Ok(())
        })
    }
    fn date(&mut self, _: &FieldDef, value: Date) -> Result<()> {
        self.row.plain(&value.to_string());
        Ok(())
    }
    fn vector(&mut self, _: &FieldDef, value: &[f32]) -> Result<()> {
        self.through_scratch(|out| {
            encode_vector(value, out);
            Ok(())
        })
    }
    fn json<T: Serialize>(&mut self, field: &FieldDef, value: &T) -> Result<()> {
        self.through_scratch(|out| {
            let refused = |cause: serde_json::Error| {
                Error::invalid(format!("it has no JSON form: {cause}")).at_field(field.name.clone()).caused_by(cause)
            };
            serde_json::to_writer(out, value).map_err(refused)
        })
    }
    fn list<T: FieldType>(&mut self, _: &FieldDef, item: &FieldDef, items: &[T]) -> Result<()> {
        self.through_scratch(|out| encode_list(items, item, out))
    }
    fn record<N: RecordCodec>(&mut self, _: &FieldDef, schema: &Schema, record: &N) -> Result<()> {
        self.through_scratch(|out| encode_record(record, schema, out))
    }
}
