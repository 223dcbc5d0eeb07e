//! What the server gives by itself: the values of generated columns, and ids where the key of a table has a default.

use super::{
    codec, composite, key,
    query::Statement,
    rows::id_of,
    schema::{Column, Table, Takes, width},
    store::PostgresStore,
    wire::Scalar,
};
use crate::{
    error::{Error, Result},
    id::Id,
    record::{Changes, Draft, FieldDef, Part, Path, RecordCodec, Type, draft::other_id},
    store::{Limits, write::Write},
    value::Value,
};

impl Table {
    /// An id of our own for a new record that has none.
    ///
    /// # Errors
    /// `Invalid` where the key holds none of ours and has no default.
    pub(super) fn new_id(&self) -> Result<Id> {
        match self.id.kind.scalar {
            Scalar::Text | Scalar::Uuid => Ok(Id::generate()),
            scalar => {
                let why = format!("the key of its table is {} without a default: give the draft an id", scalar.sql());
                Err(Error::invalid(why).at_field(self.id.name.clone()))
            }
        }
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    /// Gives new records without an id those that the table's own default makes. They are asked for before anything is
    /// written, so that a write whose reply is lost is looked for like any other (semantics 5.6).
    #[inline]
    pub(super) fn give_ids(&self, writes: &mut [Write<'_, R>], limits: &Limits) -> Result<()> {
        match &self.table.id_default {
            Some(default) => self.give_ids_of(default, writes, limits),
            None => Ok(()),
        }
    }

    fn give_ids_of(&self, default: &str, writes: &mut [Write<'_, R>], limits: &Limits) -> Result<()> {
        let without = writes.iter_mut().filter_map(|write| match write {
            Write::Create(draft) if self.lacks_id(draft) => Some(draft),
            _ => None,
        });
        let without: Vec<_> = without.collect();
        if without.is_empty() {
            return Ok(());
        }
        let ids = self.ids_made(default, without.len(), limits)?;
        without.into_iter().zip(ids).try_for_each(|(draft, id)| self.give_id(draft, id))
    }

    fn lacks_id(&self, draft: &Draft<'_, R>) -> bool {
        let own = match self.own_id_field() {
            Some(field) => match self.shape.resolve(&Path::field(field.name.clone())) {
                Ok(target) => !draft.record().cell(target.steps()).is_null(),
                Err(_) => true,
            },
            None => false,
        };
        !own && draft.given_id().is_none()
    }

    /// The field that ids are, or follow from.
    fn own_id_field(&self) -> Option<&FieldDef> {
        if !self.table.id_follows {
            return self.shape.id_field().map(|(_, field)| field);
        }
        let mut at = 0;
        self.shape.fields.iter().find(|field| {
            let here = at;
            at += width(field);
            self.table.id_field == Some(here)
        })
    }

    /// The id that a draft asks for: that of its record, or the one it was given.
    ///
    /// # Errors
    /// As [`Draft::settle_id`].
    #[inline]
    pub(super) fn settle_id(&self, draft: &Draft<'_, R>) -> Result<Option<Id>> {
        if self.table.id_follows { self.id_that_follows(draft) } else { draft.settle_id(&self.shape) }
    }

    fn id_that_follows(&self, draft: &Draft<'_, R>) -> Result<Option<Id>> {
        let part = |field: &FieldDef| {
            let target = self.shape.resolve(&Path::field(field.name.clone()))?;
            let value = draft.record().cell(target.steps()).into_owned();
            key::text(&value).ok_or_else(|| Error::invalid("the key of its table is null").at_field(field.name.clone()))
        };
        let own = match self.table.key.as_slice() {
            [] => match self.own_id_field() {
                Some(field) => part(field)?,
                None => return Ok(draft.given_id().cloned()),
            },
            key => {
                let field = |column: &Column| self.shape.fields.iter().find(|field| *field.name == *column.name);
                let parts = key.iter().filter_map(field).map(part).collect::<Result<Vec<_>>>()?;
                composite::text(parts.into_iter())
            }
        };
        let own = Id::try_from(own).map_err(|e| Error::from(e).at_field(self.table.id.name.clone()))?;
        match draft.given_id() {
            Some(given) if *given != own => Err(other_id(&own, given)),
            _ => Ok(Some(own)),
        }
    }

    /// So many values of the key's default.
    fn ids_made(&self, default: &str, count: usize, limits: &Limits) -> Result<Vec<Id>> {
        let kind = self.table.id.kind;
        let mut statement = Statement::new(format!("SELECT ({default})::{} FROM generate_series(1, ", kind.sql()));
        statement.bind_int(i64::try_from(count).unwrap_or(i64::MAX));
        statement.push(")");
        let rows = self.link.read(limits, |session| session.query(&statement))?;
        rows.iter().map(|row| id_of(codec::raw(row, 0)?, kind)).collect()
    }

    fn give_id(&self, draft: &mut Draft<'_, R>, id: Id) -> Result<()> {
        if let Some(field) = self.own_id_field() {
            let target = self.shape.resolve(&Path::field(field.name.clone()))?;
            let value = match (&field.ty, id.as_integer(), id.as_uuid()) {
                _ if self.table.id_follows => {
                    key::value(&id.to_string(), self.table.id.kind.scalar).unwrap_or_default()
                }
                (Type::Text, ..) => Value::Text(id.to_string()),
                (_, Some(number), _) => Value::Int(number),
                (_, _, Some(uuid)) => Value::Uuid(uuid),
                _ => Value::Text(id.to_string()),
            };
            draft.record.to_mut().put(&self.shape, target.steps(), value)?;
        }
        draft.id = Some(id);
        Ok(())
    }

    /// Refuses changes of what the server alone gives, and of what the id follows from.
    ///
    /// # Errors
    /// `Unsupported`, with the field.
    pub(super) fn refuse_generated(&self, changes: &Changes<R>) -> Result<()> {
        if !self.table.restricted && !self.table.id_follows {
            return Ok(());
        }
        changes.list().iter().try_for_each(|change| {
            let target = self.shape.resolve(change.path())?;
            if !matches!(target.part, Part::Field(_)) {
                return Ok(());
            }
            let sql = self.table.cell(&self.shape, &target)?.sql;
            let refused = |why: &'static str| Err(Error::unsupported(why).at_field(target.path.to_string()));
            match self.table.columns.iter().find(|column| column.quoted == sql) {
                Some(column) if column.takes == Takes::Never => refused("the server generates its values"),
                Some(column) if self.table.id_follows && self.table.is_of_key(column) => {
                    refused("a record's id never changes; create another record")
                }
                _ => Ok(()),
            }
        })
    }
}
