//! Who has which value of a unique field: filled in from the file when a record is first written.

use std::collections::HashMap;

use super::{
    base::{Ask, Setup},
    core::View,
    disk::Disk,
    journal::{Change, Entry},
    row::decode_body,
};
use crate::{
    backend::memory::unique::{UniqueFields, UniqueIndex, UniqueValues},
    error::Result,
    id::Id,
    record::{Document, Schema},
    store::Limits,
    value::Value,
};

/// The values of unique fields, and who has them.
pub(super) struct Unique {
    fields: UniqueFields,
    /// None until it is needed.
    known: Option<Known>,
}

#[derive(Default)]
struct Known {
    index: UniqueIndex,
    had: HashMap<Id, UniqueValues>,
}

impl Known {
    fn put(&mut self, id: &Id, values: UniqueValues) {
        self.remove(id);
        self.index.claim(values.clone(), id);
        self.had.insert(id.clone(), values);
    }
    fn remove(&mut self, id: &Id) {
        if let Some(values) = self.had.remove(id) {
            self.index.release(values);
        }
    }
}

impl Unique {
    pub(super) fn of(schema: &Schema) -> Unique {
        Unique { fields: UniqueFields::of(schema), known: None }
    }

    /// One that knows of no records: of those that a transaction writes.
    pub(super) fn of_none(schema: &Schema) -> Unique {
        Unique { known: Some(Known::default()), ..Unique::of(schema) }
    }

    pub(super) fn is_needed(&self) -> bool {
        !self.fields.is_empty()
    }

    /// What was known is of a file that is not there any more.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// Reads all records, unless that was done.
    pub(super) fn fill<D: Disk>(&mut self, view: &View<D>, setup: &Setup, limits: &Limits) -> Result<()> {
        if !self.is_needed() || self.known.is_some() {
            return Ok(());
        }
        let mut known = Known::default();
        let ask: Ask<Document> = Ask::all(setup.schema.clone(), setup.ids.clone(), limits);
        for rows in view.base.scan(ask)? {
            for row in rows {
                let stored = row.stored?;
                if view.overlay.get(stored.envelope.id()).is_none() {
                    known.put(stored.envelope.id(), self.fields.values(&stored.record));
                }
            }
        }
        for (id, held) in view.overlay.iter() {
            if let Some(row) = &held.row {
                let (record, _) = decode_body::<Document>(row.body(), &setup.schema)?;
                known.put(id, self.fields.values(&record));
            }
        }
        self.known = Some(known);
        Ok(())
    }

    /// Refuses values that another record has.
    ///
    /// # Errors
    /// `AlreadyExists`, with the field.
    pub(super) fn check(&self, values: &UniqueValues, id: &Id) -> Result<()> {
        self.known.as_ref().map_or(Ok(()), |known| known.index.check(&self.fields, values, id))
    }

    /// The same, of records other than those that are `passed` over.
    ///
    /// # Errors
    /// `AlreadyExists`, with the field.
    pub(super) fn check_others(&self, values: &UniqueValues, id: &Id, passed: impl Fn(&Id) -> bool) -> Result<()> {
        let Some(known) = &self.known else { return Ok(()) };
        let is_taken = |(place, value): (usize, &Value)| {
            known.index.owner(place, value).is_some_and(|owner| owner != id && !passed(owner))
        };
        match values.iter().enumerate().position(is_taken) {
            Some(place) => Err(self.fields.taken(place).at_id(id)),
            None => Ok(()),
        }
    }

    /// Takes one change in.
    pub(super) fn take(&mut self, change: &Change, setup: &Setup) -> Result<()> {
        let Some(known) = &mut self.known else { return Ok(()) };
        match change {
            Change::Deleted { id } => known.remove(id),
            Change::Put(row) => {
                let (record, _) = decode_body::<Document>(row.body(), &setup.schema)?;
                known.put(row.envelope().id(), self.fields.values(&record));
            }
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, entries: &[Entry], setup: &Setup) -> Result<()> {
        entries.iter().try_for_each(|entry| self.take(&entry.change, setup))
    }

    /// The unique values of an entry.
    ///
    /// # Errors
    /// `Corrupt` where its body does not read.
    pub(super) fn values(&self, entry: &Entry, setup: &Setup) -> Result<Option<UniqueValues>> {
        match &entry.change {
            Change::Put(row) if self.is_needed() => {
                let (record, _) = decode_body::<Document>(row.body(), &setup.schema)?;
                Ok(Some(self.fields.values(&record)))
            }
            _ => Ok(None),
        }
    }
}
