//! Who has which value of a unique field.

use std::{cmp::Ordering, collections::BTreeMap};

use crate::{
    error::{Error, Result},
    id::Id,
    record::{RecordCodec, Schema, Target},
    value::Value,
};

/// The unique fields of a schema, other than its id.
pub(in crate::backend) struct UniqueFields(Vec<Target>);

/// The values that one record has of the unique fields, in their order; null where it has none.
pub(in crate::backend) type UniqueValues = Vec<Value>;

impl UniqueFields {
    pub(in crate::backend) fn of(schema: &Schema) -> UniqueFields {
        UniqueFields(schema.declared(|field| field.unique).into_iter().map(|(target, _)| target).collect())
    }
    pub(in crate::backend) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(in crate::backend) fn values<R: RecordCodec>(&self, record: &R) -> UniqueValues {
        self.0.iter().map(|field| record.cell(field.steps()).into_owned()).collect()
    }
    /// The error of a value that another record has.
    #[cold]
    pub(in crate::backend) fn taken(&self, place: usize) -> Error {
        let error = Error::already_exists("another record has this value of a unique field");
        match self.0.get(place) {
            Some(field) => error.at_field(field.path.to_string()),
            None => error,
        }
    }
}

/// For each unique field, which record has which value.
#[derive(Default)]
pub(in crate::backend) struct UniqueIndex(Vec<BTreeMap<ByOrder, Id>>);

/// A value in the one total order.
struct ByOrder(Value);

impl Ord for ByOrder {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_ref().order(&other.0.as_ref())
    }
}
impl PartialOrd for ByOrder {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for ByOrder {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for ByOrder {}

impl UniqueIndex {
    /// The record that has this value, if any has.
    pub(in crate::backend) fn owner(&self, place: usize, value: &Value) -> Option<&Id> {
        if value.is_null() { None } else { self.0.get(place)?.get(&ByOrder(value.clone())) }
    }

    /// Refuses values that another record has.
    pub(in crate::backend) fn check(&self, fields: &UniqueFields, values: &UniqueValues, id: &Id) -> Result<()> {
        let taken = |(place, value): (usize, &Value)| self.owner(place, value).is_some_and(|owner| owner != id);
        match values.iter().enumerate().position(taken) {
            Some(place) => Err(fields.taken(place).at_id(id)),
            None => Ok(()),
        }
    }

    /// Notes what a record has; what it had before was [released](Self::release).
    pub(in crate::backend) fn claim(&mut self, values: UniqueValues, id: &Id) {
        self.0.resize_with(self.0.len().max(values.len()), BTreeMap::new);
        let claims = self.0.iter_mut().zip(values).filter(|(_, value)| !value.is_null());
        claims.for_each(|(index, value)| drop(index.insert(ByOrder(value), id.clone())));
    }

    /// Lets go of what a record had.
    pub(in crate::backend) fn release(&mut self, values: UniqueValues) {
        let releases = self.0.iter_mut().zip(values).filter(|(_, value)| !value.is_null());
        releases.for_each(|(index, value)| drop(index.remove(&ByOrder(value))));
    }
}
