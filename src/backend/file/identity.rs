//! [`Identity`]: a record of which nothing is read but its id. What an index and a checkpoint need of a row.

use std::{borrow::Cow, sync::Arc};

use super::base::Setup;
use crate::{
    error::Result,
    id::Id,
    record::{Decoder, Document, Encoder, FieldDef, FieldType, Form, Next, RecordCodec, Schema, Step, Type},
    value::{Value, ValueRef},
};

/// The id field of a record, where its type names one.
#[derive(Clone, Debug)]
pub(super) struct Identity(Document);

impl Identity {
    /// The schema with the column that holds the id, where the options name one.
    pub(super) fn shape(setup: &Setup) -> Arc<Schema> {
        let Some(column) = &setup.options.id_column else { return setup.schema.clone() };
        let mut schema = Schema::clone(&setup.schema);
        let fields = schema.fields.to_mut();
        fields.iter_mut().for_each(|field| field.id = field.name == *column);
        if !fields.iter().any(|field| field.id) {
            fields.push(FieldDef { id: true, ..FieldDef::new(Cow::Owned(column.clone()), Type::Any) });
        }
        Arc::new(schema)
    }
}

impl RecordCodec for Identity {
    type Shape = Arc<Schema>;

    fn encode<E: Encoder>(&self, schema: &Schema, out: &mut E) -> Result<()> {
        self.0.encode(schema, out)
    }

    fn decode<D: Decoder>(schema: &Schema, from: &mut D) -> Result<Self> {
        let mut id = Document::new();
        loop {
            match from.next(schema)? {
                Next::End => return Ok(Identity(id)),
                Next::Field(index) => match schema.fields.get(index) {
                    Some(field) if field.id => {
                        id.set(field.name.clone(), Value::read(field, from)?.unwrap_or_default());
                    }
                    _ => from.skip()?,
                },
                // Columns were settled without the column that the options name.
                Next::Undeclared => match schema.id_field().filter(|(_, field)| field.name == from.name()) {
                    Some((_, field)) => {
                        let value = from.any()?;
                        id.set(field.name.clone(), value);
                    }
                    None => from.skip()?,
                },
            }
        }
    }

    fn cell(&self, steps: &[Step]) -> ValueRef<'_> {
        self.0.cell(steps)
    }

    fn put(&mut self, schema: &Schema, steps: &[Step], value: Value) -> Result<()> {
        self.0.put(schema, steps, value)
    }

    fn check(&self, _: &Schema) -> Result<Form> {
        Ok(Form::Stored)
    }

    fn normalize(&mut self, _: &Schema) {}

    fn own_id(&self, schema: &Schema) -> Result<Option<Id>> {
        self.0.own_id(schema)
    }
}
