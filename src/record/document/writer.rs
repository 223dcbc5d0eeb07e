//! An encoder that builds a [`Document`]: how any record becomes one.

use std::borrow::Cow;

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    record::{
        codec::{Encoder, RecordCodec},
        document::Document,
        field_type::FieldType,
        schema::{FieldDef, Schema},
    },
    value::{Value, ValueRef},
};

/// Collects the fields of a record into a [`Document`].
#[derive(Debug, Default)]
pub struct DocumentWriter {
    document: Document,
}

impl DocumentWriter {
    /// The record as a document; only the names that it has values for.
    ///
    /// # Errors
    /// `Invalid` where a `json` field has no JSON form.
    pub fn document_of<R: RecordCodec>(record: &R, schema: &Schema) -> Result<Document> {
        let mut writer = DocumentWriter::default();
        record.encode(schema, &mut writer)?;
        Ok(writer.document)
    }

    /// The same as the value of a cell. Only a `json` field can fail to encode, and a record with one was refused before.
    pub(crate) fn value_of<R: RecordCodec>(record: &R, schema: &Schema) -> ValueRef<'static> {
        Self::document_of(record, schema).map_or(ValueRef::Null, |document| ValueRef::Record(Cow::Owned(document)))
    }

    fn put(&mut self, field: &FieldDef, value: Value) -> Result<()> {
        self.document.push(field.name.clone(), value);
        Ok(())
    }
}

impl Encoder for DocumentWriter {
    fn null(&mut self, _: &FieldDef) -> Result<()> {
        Ok(())
    }
    fn bool(&mut self, field: &FieldDef, value: bool) -> Result<()> {
        self.put(field, value.into())
    }
    fn int(&mut self, field: &FieldDef, value: i64) -> Result<()> {
        self.put(field, value.into())
    }
    fn uint(&mut self, field: &FieldDef, value: u64) -> Result<()> {
        self.put(field, value.into())
    }
    fn float32(&mut self, field: &FieldDef, value: f32) -> Result<()> {
        self.put(field, value.into())
    }
    fn float(&mut self, field: &FieldDef, value: f64) -> Result<()> {
        self.put(field, value.into())
    }
    fn decimal(&mut self, field: &FieldDef, value: Decimal) -> Result<()> {
        self.put(field, value.into())
    }
    fn text(&mut self, field: &FieldDef, value: &str) -> Result<()> {
        self.put(field, value.into())
    }
    fn bytes(&mut self, field: &FieldDef, value: &[u8]) -> Result<()> {
        self.put(field, Value::Bytes(value.to_owned()))
    }
    fn uuid(&mut self, field: &FieldDef, value: Uuid) -> Result<()> {
        self.put(field, value.into())
    }
    fn timestamp(&mut self, field: &FieldDef, value: Timestamp) -> Result<()> {
        self.put(field, value.into())
    }
    fn date(&mut self, field: &FieldDef, value: Date) -> Result<()> {
        self.put(field, value.into())
    }
    fn vector(&mut self, field: &FieldDef, value: &[f32]) -> Result<()> {
        self.put(field, Value::Vector(value.to_owned()))
    }
    fn json<T: Serialize>(&mut self, field: &FieldDef, value: &T) -> Result<()> {
        let refused = |cause: serde_json::Error| {
            Error::invalid("it has no JSON form").at_field(field.name.clone()).caused_by(cause)
        };
        let json = serde_json::to_value(value).map_err(refused)?;
        self.put(field, json.into())
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, _: &FieldDef, items: &[T]) -> Result<()> {
        self.put(field, Value::List(items.iter().map(|item| item.cell(&[]).into_owned()).collect()))
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema, record: &N) -> Result<()> {
        let inside = Self::document_of(record, schema)?;
        self.put(field, Value::Record(inside))
    }
}
