//! What the server gives by itself: the values of generated columns, and ids where the key of a table has a default.

use super::{
    codec,
    query::Statement,
    rows::id_of,
    schema::{Table, Takes},
    store::PostgresStore,
    wire::Scalar,
};
use crate::{
    error::{Error, Result},
    id::Id,
    record::{Changes, Draft, Part, Path, RecordCodec, Type},
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
        let own = match self.shape.id_field() {
            Some((_, field)) => match self.shape.resolve(&Path::field(field.name.clone())) {
                Ok(target) => !draft.record().cell(target.steps()).is_null(),
                Err(_) => true,
            },
            None => false,
        };
        !own && draft.given_id().is_none()
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
        if let Some((_, field)) = self.shape.id_field() {
            let target = self.shape.resolve(&Path::field(field.name.clone()))?;
            let value = match (&field.ty, id.as_integer(), id.as_uuid()) {
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

    /// Refuses changes of what the server alone gives.
    ///
    /// # Errors
    /// `Unsupported`, with the field.
    pub(super) fn refuse_generated(&self, changes: &Changes<R>) -> Result<()> {
        if !self.table.restricted {
            return Ok(());
        }
        changes.list().iter().try_for_each(|change| {
            let target = self.shape.resolve(change.path())?;
            if !matches!(target.part, Part::Field(_)) {
                return Ok(());
            }
            let sql = self.table.cell(&self.shape, &target)?.sql;
            match self.table.columns.iter().any(|column| column.takes == Takes::Never && column.quoted == sql) {
                true => Err(Error::unsupported("the server generates its values").at_field(target.path.to_string())),
                false => Ok(()),
            }
        })
    }
}
