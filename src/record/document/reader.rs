//! A decoder that reads a [`Document`]: how a document becomes any record. Types must fit; nothing is coerced.

use std::borrow::Cow;

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    record::{
        codec::{Decoder, Next, RecordCodec},
        document::{Document, FromValue},
        field_type::FieldType,
        schema::{FieldDef, Schema},
    },
    value::Value,
};

/// Offers the fields of a [`Document`] to a record type.
#[derive(Debug)]
pub struct DocumentReader<'a> {
    document: &'a Document,
    place: usize,
    current: Option<&'a Value>,
    name: &'a str,
}

impl<'a> DocumentReader<'a> {
    /// Reads this document.
    pub fn new(document: &'a Document) -> Self {
        DocumentReader { document, place: 0, current: None, name: "" }
    }

    fn take<T: FromValue>(&mut self, field: &FieldDef) -> Result<Option<T>> {
        match self.current.take() {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::from_value(value).map(Some).map_err(|e| e.at_field(field.name.clone())),
        }
    }
}

impl Decoder for DocumentReader<'_> {
    fn next(&mut self, schema: &Schema) -> Result<Next> {
        while let (Some(name), Some(value)) =
            (self.document.names.get(self.place), self.document.values.get(self.place))
        {
            self.place += 1;
            if value.is_null() {
                continue;
            }
            (self.current, self.name) = (Some(value), name);
            return Ok(schema.find(name).map_or(Next::Undeclared, |(index, _)| Next::Field(index)));
        }
        Ok(Next::End)
    }
    fn name(&self) -> &str {
        self.name
    }
    fn skip(&mut self) -> Result<()> {
        self.current = None;
        Ok(())
    }
    fn bool(&mut self, field: &FieldDef) -> Result<Option<bool>> {
        self.take(field)
    }
    fn int(&mut self, field: &FieldDef) -> Result<Option<i64>> {
        self.take(field)
    }
    fn uint(&mut self, field: &FieldDef) -> Result<Option<u64>> {
        self.take(field)
    }
    fn float32(&mut self, field: &FieldDef) -> Result<Option<f32>> {
        self.take(field)
    }
    fn float(&mut self, field: &FieldDef) -> Result<Option<f64>> {
        self.take(field)
    }
    fn decimal(&mut self, field: &FieldDef) -> Result<Option<Decimal>> {
        self.take(field)
    }
    fn text(&mut self, field: &FieldDef) -> Result<Option<Cow<'_, str>>> {
        match self.current.take() {
            Some(Value::Text(text)) => Ok(Some(Cow::Borrowed(text))),
            None | Some(Value::Null) => Ok(None),
            Some(other) => Err(self.misfit(field, format!("a {} cannot hold a {}", field.ty, other.kind()))),
        }
    }
    fn bytes(&mut self, field: &FieldDef) -> Result<Option<Vec<u8>>> {
        self.take(field)
    }
    fn uuid(&mut self, field: &FieldDef) -> Result<Option<u128>> {
        Ok(self.take::<Uuid>(field)?.map(|uuid| uuid.as_u128()))
    }
    fn timestamp(&mut self, field: &FieldDef) -> Result<Option<Timestamp>> {
        self.take(field)
    }
    fn date(&mut self, field: &FieldDef) -> Result<Option<Date>> {
        self.take(field)
    }
    fn vector(&mut self, field: &FieldDef) -> Result<Option<Vec<f32>>> {
        self.take(field)
    }
    fn json<T: DeserializeOwned>(&mut self, field: &FieldDef) -> Result<Option<T>> {
        let Some(json) = self.take::<serde_json::Value>(field)? else { return Ok(None) };
        let refused = |cause: serde_json::Error| {
            self.misfit(field, format!("the JSON does not fit the field: {cause}")).caused_by(cause)
        };
        serde_json::from_value(json).map(Some).map_err(refused)
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef) -> Result<Option<Vec<T>>> {
        let Some(items) = self.take::<Vec<Value>>(field)? else { return Ok(None) };
        let items = items.into_iter().map(|value| T::from_value(item, value));
        items.collect::<Result<Vec<T>>>().map(Some).map_err(|e: Error| e.under_field(&field.name))
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema) -> Result<Option<N>> {
        match self.current.take() {
            Some(Value::Record(inside)) => {
                let record = N::decode(schema, &mut DocumentReader::new(inside));
                record.map(Some).map_err(|e| e.under_field(&field.name))
            }
            None | Some(Value::Null) => Ok(None),
            Some(other) => Err(self.misfit(field, format!("a record cannot be read from a {}", other.kind()))),
        }
    }
    fn any(&mut self) -> Result<Value> {
        Ok(self.current.take().cloned().unwrap_or_default())
    }
}
