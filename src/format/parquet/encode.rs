//! Records into columns: an [`Encoder`] that appends one value to each column of a record, in the order of the schema.

use arrow_buffer::i256;
use jiff::{
    Timestamp,
    civil::{Date, date},
};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::{
    builder::Builder,
    schema::{is_nullable, is_tagged},
};
use crate::{
    error::{Error, Result},
    record::{
        DocumentWriter, Encoder, FieldDef, FieldType, RecordCodec, Schema,
        field_type::{holds_nul, nul_refused},
    },
    value::Value,
};

/// Appends a record to columns, one call for each column.
pub(super) struct ColumnEncoder<'a> {
    columns: &'a mut [Builder],
    place: usize,
}

impl<'a> ColumnEncoder<'a> {
    pub(super) fn new(columns: &'a mut [Builder]) -> Self {
        ColumnEncoder { columns, place: 0 }
    }

    #[inline]
    fn next(&mut self, field: &FieldDef) -> Result<&mut Builder> {
        let place = self.place;
        self.place += 1;
        match self.columns.get_mut(place) {
            Some(column) => Ok(column),
            None => Err(unplaced(field)),
        }
    }

    /// A value with its tag, in a column of JSON.
    fn tagged(&mut self, field: &FieldDef, value: &Value) -> Result<()> {
        match self.next(field)? {
            Builder::Text(text) => text.push_with(|out| write_json(field, value, out)),
            _ => Err(unfit(field, value.kind())),
        }
    }
}

#[cold]
fn unplaced(field: &FieldDef) -> Error {
    Error::invalid("the schema has no column for it").at_field(field.name.clone())
}

#[cold]
fn unfit(field: &FieldDef, kind: &str) -> Error {
    Error::invalid(format!("a {} cannot hold a {kind}", field.ty)).at_field(field.name.clone())
}

fn write_json<T: Serialize>(field: &FieldDef, value: &T, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, value).map_err(|cause| {
        Error::invalid(format!("it has no JSON form: {cause}")).at_field(field.name.clone()).caused_by(cause)
    })
}

/// Days since 1970.
pub(super) fn days(day: Date) -> i32 {
    // Every date of the calendar is within a few million days of 1970.
    (day - date(1970, 1, 1)).get_days()
}

/// A decimal as digits over a power of ten; `None` where the scale cuts digits off or the precision is exceeded.
fn scaled(value: Decimal, precision: u8, scale: i8) -> Option<i256> {
    let value = value.normalize();
    let up = i32::from(scale) - value.scale() as i32;
    let digits = i256::from_i128(value.mantissa()).checked_mul(power_of_ten(u32::try_from(up).ok()?)?)?;
    let limit = power_of_ten(precision.into())?;
    (digits < limit && digits > limit.checked_neg()?).then_some(digits)
}

pub(super) fn power_of_ten(exponent: u32) -> Option<i256> {
    i256::from_i128(10).checked_pow(exponent)
}

#[cold]
fn unscaled(field: &FieldDef, value: Decimal, precision: u8, scale: i8) -> Error {
    Error::invalid(format!("the column is a decimal({precision}, {scale}), which cannot hold it exactly"))
        .at_field(field.name.clone())
        .with_value(&value.to_string())
}

#[cold]
fn out_of_range(field: &FieldDef, value: i128) -> Error {
    Error::invalid(format!("out of the range of {}", field.ty))
        .at_field(field.name.clone())
        .with_value(&value.to_string())
}

impl Encoder for ColumnEncoder<'_> {
    #[inline]
    fn null(&mut self, field: &FieldDef) -> Result<()> {
        let column = self.next(field)?;
        if !is_nullable(field) {
            return Err(Error::invalid("null, and the field is not nullable").at_field(field.name.clone()));
        }
        column.push_null();
        Ok(())
    }
    #[inline]
    fn bool(&mut self, field: &FieldDef, value: bool) -> Result<()> {
        match self.next(field)? {
            Builder::Bool(bits) => bits.push(value),
            _ => {
                self.place -= 1;
                return self.tagged_or_unfit(field, value.into());
            }
        }
        Ok(())
    }
    #[inline]
    fn int(&mut self, field: &FieldDef, value: i64) -> Result<()> {
        let out = || out_of_range(field, value.into());
        match self.next(field)? {
            Builder::I64(v) => v.push(value),
            Builder::I32(v) => v.push(value.try_into().map_err(|_| out())?),
            Builder::I16(v) => v.push(value.try_into().map_err(|_| out())?),
            Builder::I8(v) => v.push(value.try_into().map_err(|_| out())?),
            Builder::U64(v) => v.push(value.try_into().map_err(|_| out())?),
            Builder::U32(v) => v.push(value.try_into().map_err(|_| out())?),
            Builder::U16(v) => v.push(value.try_into().map_err(|_| out())?),
            Builder::U8(v) => v.push(value.try_into().map_err(|_| out())?),
            _ => {
                self.place -= 1;
                return self.tagged_or_unfit(field, value.into());
            }
        }
        Ok(())
    }
    #[inline]
    fn uint(&mut self, field: &FieldDef, value: u64) -> Result<()> {
        match (self.next(field)?, i64::try_from(value)) {
            (Builder::U64(v), _) => v.push(value),
            (_, Ok(value)) => {
                self.place -= 1;
                return self.int(field, value);
            }
            _ => {
                self.place -= 1;
                return self.tagged_or_unfit(field, value.into());
            }
        }
        Ok(())
    }
    fn float32(&mut self, field: &FieldDef, value: f32) -> Result<()> {
        match self.next(field)? {
            Builder::F32(v) => v.push(value),
            Builder::F64(v) => v.push(value.into()),
            _ => {
                self.place -= 1;
                return self.tagged_or_unfit(field, value.into());
            }
        }
        Ok(())
    }
    #[inline]
    fn float(&mut self, field: &FieldDef, value: f64) -> Result<()> {
        match self.next(field)? {
            Builder::F64(v) => v.push(value),
            Builder::F32(v) if f64::from(value as f32) == value => v.push(value as f32),
            _ => {
                self.place -= 1;
                return self.tagged_or_unfit(field, value.into());
            }
        }
        Ok(())
    }
    fn decimal(&mut self, field: &FieldDef, value: Decimal) -> Result<()> {
        match self.next(field)? {
            Builder::Decimal256(v, precision, scale) => {
                let (precision, scale) = (*precision, *scale);
                v.push(scaled(value, precision, scale).ok_or_else(|| unscaled(field, value, precision, scale))?);
            }
            Builder::Decimal128(v, precision, scale) => {
                let (precision, scale) = (*precision, *scale);
                let digits = scaled(value, precision, scale).and_then(i256::to_i128);
                v.push(digits.ok_or_else(|| unscaled(field, value, precision, scale))?);
            }
            _ => {
                self.place -= 1;
                return self.tagged_or_unfit(field, value.into());
            }
        }
        Ok(())
    }
    #[inline]
    fn text(&mut self, field: &FieldDef, value: &str) -> Result<()> {
        match self.next(field)? {
            Builder::Text(_) if !is_tagged(&field.ty) && holds_nul(value) => Err(nul_refused(field, value)),
            Builder::Text(text) if !is_tagged(&field.ty) => text.push(value.as_bytes()),
            _ => {
                self.place -= 1;
                self.tagged_or_unfit(field, value.into())
            }
        }
    }
    fn bytes(&mut self, field: &FieldDef, value: &[u8]) -> Result<()> {
        match self.next(field)? {
            Builder::Bytes(bytes) => bytes.push(value),
            _ => {
                self.place -= 1;
                self.tagged_or_unfit(field, Value::Bytes(value.to_owned()))
            }
        }
    }
    #[inline]
    fn uuid(&mut self, field: &FieldDef, value: Uuid) -> Result<()> {
        match self.next(field)? {
            Builder::Uuid(bytes) => bytes.push(value.as_bytes()),
            _ => {
                self.place -= 1;
                self.tagged_or_unfit(field, value.into())
            }
        }
    }
    #[inline]
    fn timestamp(&mut self, field: &FieldDef, value: Timestamp) -> Result<()> {
        match self.next(field)? {
            Builder::Timestamp(v) => v.push(microseconds(value)),
            _ => {
                self.place -= 1;
                return self.tagged_or_unfit(field, value.into());
            }
        }
        Ok(())
    }
    fn date(&mut self, field: &FieldDef, value: Date) -> Result<()> {
        match self.next(field)? {
            Builder::Date(v) => v.push(days(value)),
            _ => {
                self.place -= 1;
                return self.tagged_or_unfit(field, value.into());
            }
        }
        Ok(())
    }
    fn vector(&mut self, field: &FieldDef, value: &[f32]) -> Result<()> {
        if let Builder::List(items) = self.next(field)?
            && let Builder::F32(values) = &mut items.item
        {
            value.iter().for_each(|v| values.push(*v));
            return items.end();
        }
        self.place -= 1;
        self.tagged_or_unfit(field, Value::Vector(value.to_owned()))
    }
    fn json<T: Serialize>(&mut self, field: &FieldDef, value: &T) -> Result<()> {
        match self.next(field)? {
            Builder::Text(text) if !is_tagged(&field.ty) => text.push_with(|out| write_json(field, value, out)),
            _ => {
                self.place -= 1;
                let json = serde_json::to_value(value).map_err(|cause| unfit(field, "value").because(cause))?;
                self.tagged_or_unfit(field, Value::Json(json))
            }
        }
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef, items: &[T]) -> Result<()> {
        let Builder::List(list) = self.next(field)? else {
            self.place -= 1;
            let items = items.iter().map(|item| item.cell(&[]).into_owned()).collect();
            return self.tagged_or_unfit(field, Value::List(items));
        };
        for value in items {
            let mut inside = ColumnEncoder::new(std::slice::from_mut(&mut list.item));
            value.encode(item, &mut inside).map_err(|e| e.under_field(&field.name))?;
        }
        list.end()
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema, record: &N) -> Result<()> {
        let Builder::Record(parts) = self.next(field)? else {
            self.place -= 1;
            let document = DocumentWriter::document_of(record, schema)?;
            return self.tagged_or_unfit(field, Value::Record(document));
        };
        record.encode(schema, &mut ColumnEncoder::new(&mut parts.fields)).map_err(|e| e.under_field(&field.name))?;
        parts.end();
        Ok(())
    }
}

impl ColumnEncoder<'_> {
    #[cold]
    fn tagged_or_unfit(&mut self, field: &FieldDef, value: Value) -> Result<()> {
        if is_tagged(&field.ty) { self.tagged(field, &value) } else { Err(unfit(field, value.kind())) }
    }
}

/// Whole microseconds, toward the past (semantics 2.4).
fn microseconds(moment: Timestamp) -> i64 {
    crate::record::field_type::to_microseconds(moment).as_microsecond()
}
