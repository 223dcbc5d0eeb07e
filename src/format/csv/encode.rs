//! A record as one CSV row: an [`Encoder`] that writes a cell for each field of the schema, in order.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::{Layout, Quoting, Row, write::HoldsNul};
use crate::{
    error::{Error, Result},
    format::{
        error::finite,
        json::{encode_list, encode_record, encode_vector},
        timestamp,
    },
    record::{Encoder, FieldDef, FieldType, RecordCodec, Schema, field_type::nul_refused},
};

/// Writes the cells of a row, or those of a record inside it that is spread over several. Other nested records, lists,
/// vectors and JSON are JSON text in one cell.
pub(crate) struct RowEncoder<'e, 'o> {
    row: &'e mut Row<'o>,
    scratch: &'e mut Vec<u8>,
    layout: &'e Layout,
    /// Which field of the layout comes next.
    place: usize,
}

impl<'e, 'o> RowEncoder<'e, 'o> {
    /// Writes into this row; `scratch` is a buffer that serves again.
    pub(crate) fn new(row: &'e mut Row<'o>, layout: &'e Layout, scratch: &'e mut Vec<u8>) -> Self {
        RowEncoder { row, scratch, layout, place: 0 }
    }

    /// The row, for the cell of the next field.
    #[inline]
    fn cell(&mut self, field: &FieldDef) -> Result<&mut Row<'o>> {
        self.pass(field)?;
        Ok(self.row)
    }

    /// Goes on to the next field. A document that has more of them than its schema would be a row that does not fit the
    /// header.
    #[inline]
    fn pass(&mut self, field: &FieldDef) -> Result<()> {
        if !self.layout.has(self.place) {
            return Err(undeclared(field));
        }
        self.place += 1;
        Ok(())
    }

    /// Writes a cell of what is put into the scratch buffer, which is UTF-8.
    fn through_scratch(&mut self, field: &FieldDef, put: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        self.scratch.clear();
        put(self.scratch)?;
        let text = std::str::from_utf8(self.scratch).map_err(|_| Error::invalid("a cell is not UTF-8"))?;
        if !self.layout.has(self.place) {
            return Err(undeclared(field));
        }
        self.place += 1;
        self.row.text(text, Quoting::Needed).map_err(|HoldsNul| nul_refused(field, text))
    }
}

#[cold]
fn undeclared(field: &FieldDef) -> Error {
    Error::invalid("the schema does not declare it, so the file has no column for it").at_field(field.name.clone())
}

impl Encoder for RowEncoder<'_, '_> {
    #[inline]
    fn null(&mut self, field: &FieldDef) -> Result<()> {
        let width = self.layout.spread_at(self.place).map_or(1, Layout::width);
        let row = self.cell(field)?;
        (0..width).for_each(|_| row.null());
        Ok(())
    }
    fn bool(&mut self, field: &FieldDef, value: bool) -> Result<()> {
        self.cell(field)?.bool(value);
        Ok(())
    }
    #[inline]
    fn int(&mut self, field: &FieldDef, value: i64) -> Result<()> {
        self.cell(field)?.int(value);
        Ok(())
    }
    fn uint(&mut self, field: &FieldDef, value: u64) -> Result<()> {
        self.cell(field)?.int(value);
        Ok(())
    }
    fn float32(&mut self, field: &FieldDef, value: f32) -> Result<()> {
        finite(field, value.into())?;
        self.cell(field)?.float(value);
        Ok(())
    }
    #[inline]
    fn float(&mut self, field: &FieldDef, value: f64) -> Result<()> {
        finite(field, value)?;
        self.cell(field)?.float(value);
        Ok(())
    }
    fn decimal(&mut self, field: &FieldDef, value: Decimal) -> Result<()> {
        self.cell(field)?.plain(&value.to_string());
        Ok(())
    }
    #[inline]
    fn text(&mut self, field: &FieldDef, value: &str) -> Result<()> {
        match self.cell(field)?.text(value, Quoting::Distinct) {
            Ok(()) => Ok(()),
            Err(HoldsNul) => Err(nul_refused(field, value)),
        }
    }
    fn bytes(&mut self, field: &FieldDef, value: &[u8]) -> Result<()> {
        // No bytes are not null: the empty cell is quoted.
        match value {
            [] => self.text(field, ""),
            value => {
                self.cell(field)?.plain(&BASE64_STANDARD.encode(value));
                Ok(())
            }
        }
    }
    fn uuid(&mut self, field: &FieldDef, value: Uuid) -> Result<()> {
        self.cell(field)?.plain(value.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        Ok(())
    }
    fn timestamp(&mut self, field: &FieldDef, value: Timestamp) -> Result<()> {
        self.cell(field)?.print(|out| timestamp::print(value, out));
        Ok(())
    }
    fn date(&mut self, field: &FieldDef, value: Date) -> Result<()> {
        self.cell(field)?.plain(&value.to_string());
        Ok(())
    }
    fn vector(&mut self, field: &FieldDef, value: &[f32]) -> Result<()> {
        value.iter().try_for_each(|v| finite(field, (*v).into()))?;
        self.through_scratch(field, |out| {
            encode_vector(value, out);
            Ok(())
        })
    }
    fn json<T: Serialize>(&mut self, field: &FieldDef, value: &T) -> Result<()> {
        self.through_scratch(field, |out| {
            let refused = |cause: serde_json::Error| {
                Error::invalid(format!("it has no JSON form: {cause}")).at_field(field.name.clone()).caused_by(cause)
            };
            serde_json::to_writer(out, value).map_err(refused)
        })
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef, items: &[T]) -> Result<()> {
        let nested = |e: Error| e.under_field(&field.name);
        self.through_scratch(field, |out| encode_list(items, item, out).map_err(nested))
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema, record: &N) -> Result<()> {
        let nested = |e: Error| e.under_field(&field.name);
        let Some(layout) = self.layout.spread_at(self.place) else {
            return self.through_scratch(field, |out| encode_record(record, schema, out).map_err(nested));
        };
        self.pass(field)?;
        let mut inside = RowEncoder::new(self.row, layout, self.scratch);
        record.encode(schema, &mut inside).map_err(nested)
    }
}
