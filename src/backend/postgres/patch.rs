//! Changes of single fields of one record: a copy is changed and put in the place of what it was made from.

use super::{
    Isolation, Postgres,
    link::Link,
    query::Statement,
    schema::VersionAt,
    store::PostgresStore,
    wire::Values,
    write::{Verb, moved_on, push_id},
};
use crate::{
    error::{Error, Result},
    id::Id,
    record::{BoundChanges, Changes, Draft, RecordCodec, Stored},
    store::{
        Limits,
        decide::{missing, overtaken},
        write::Outcome,
    },
    version::Version,
};

/// How often a patch is tried while others write the same record.
const MAX_TRIES: usize = 1_000;

impl<R: RecordCodec> PostgresStore<R> {
    pub(super) fn patch(&self, id: &Id, changes: &Changes<R>, expected: Option<&Version>, limits: &Limits) -> Outcome {
        let bound = changes.bind(&self.shape)?;
        self.refuse_generated(changes)?;
        match self.table.version {
            VersionAt::Nowhere { locks } => {
                expected.map_or(Ok(()), |_| self.refuse_conditions().map_err(|e| e.at_id(id)))?;
                self.patch_locked(id, &bound, locks, limits)
            }
            _ => self.patch_version(id, &bound, expected, limits),
        }
    }

    /// As often as another writer was faster.
    fn patch_version(
        &self,
        id: &Id,
        changes: &BoundChanges<R>,
        expected: Option<&Version>,
        limits: &Limits,
    ) -> Outcome {
        for _ in 0..MAX_TRIES {
            limits.check()?;
            let old = self.read_one(id, limits)?.ok_or_else(|| missing(id))?;
            let version = old.envelope.version().cloned();
            if expected.is_some() && version.as_ref() != expected {
                return Err(moved_on(id));
            }
            let mut draft = self.changed(id, old, changes)?.expect(version);
            match self.put(Verb::Update, &mut draft, limits) {
                // In a transaction a row that another one has written stays as it was seen.
                Err(error) if error.is_conflict() && !error.is_retryable() => {}
                done => return done,
            }
        }
        Err(overtaken(id))
    }

    /// Of rows without versions: others wait until it is done.
    fn patch_locked(&self, id: &Id, changes: &BoundChanges<R>, locks: bool, limits: &Limits) -> Outcome {
        if !locks {
            let why = "its rows have no version, and cannot be locked while they are changed, because they are no rows of \
                one table: give the view a column `_version`, or update whole records";
            return Err(Error::unsupported(why).at_id(id));
        }
        let patched = |store: &Self| {
            let old = store.read_to_change(id, limits)?.ok_or_else(|| missing(id))?;
            store.put(Verb::Update, &mut store.changed(id, old, changes)?, limits)
        };
        match &self.link {
            Link::Transaction(_) => patched(self),
            // One that waited for another sees what that wrote.
            Link::Pool(pool) => Postgres::on(pool.clone())
                .transaction_at(Isolation::ReadCommitted, |link| patched(&PostgresStore { link, ..self.clone() })),
        }
    }

    /// Reads a record and keeps it from being changed by others until the transaction ends.
    fn read_to_change(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        let table = &self.table;
        let mut values = Values::default();
        push_id(id, table, &mut values);
        let template = self.statements.fetch_one(table, &self.output);
        let statement = Statement {
            sql: format!("{} FOR UPDATE", template.sql),
            kinds: template.kinds.clone(),
            values,
            template: None,
        };
        let (rows, _) = self.link.write_once(&statement, limits)?;
        rows.first().map(|row| self.output.stored(row, &self.shape)).transpose()
    }

    fn changed(&self, id: &Id, old: Stored<R>, changes: &BoundChanges<R>) -> Result<Draft<'static, R>> {
        let (mut record, mut metadata) = (old.record, old.envelope.metadata().clone());
        let before = metadata.clone();
        changes.apply(&self.shape, &mut record, &mut metadata).map_err(|e| e.at_id(id))?;
        let draft = Draft::of(record).id(id)?;
        Ok(if metadata == before { draft } else { draft.metadata(metadata) })
    }
}
