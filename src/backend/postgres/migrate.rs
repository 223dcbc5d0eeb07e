//! Tables that follow their schemas: made, compared, and changed where that is safe. One at a time does so with a table.

use std::{thread, time::Duration};

use super::{
    Layout, Postgres, PostgresConfig,
    build::apply,
    catalogue,
    compare::{Comparison, Difference},
    index, live, lock_of,
    pool::Session,
    schema::Table,
};
use crate::{
    error::{Error, Result},
    record::{Schema, Typed},
    store::Limits,
};

/// Between two looks whether somebody else is done with a table.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

impl Postgres {
    /// Makes the table of a record type and its indexes, where they are not there. On a table that is there it makes the
    /// indexes that fields and the [configuration](super::PostgresIndex) ask for, without holding writers up, and changes
    /// nothing else.
    ///
    /// # Errors
    /// `Configuration`, with the difference, where a table of this name holds something else. `AlreadyExists`, with the field,
    /// where rows share a value that is to be unique.
    pub fn ensure<R: Typed>(&self) -> Result<()> {
        self.ensure_named(&R::SCHEMA.name, R::SCHEMA)
    }

    /// The same under another name, or for documents.
    ///
    /// # Errors
    /// As [`ensure`](Postgres::ensure).
    pub fn ensure_named(&self, name: &str, schema: &Schema) -> Result<()> {
        let expected = self.expected(name, schema)?;
        let ensured = self.alone(&expected.qualified, |session| {
            let Some(live) = live::inspect(session, &expected.qualified)? else {
                let sql = creation(session, &self.pool.config, &expected, schema)?;
                return session.batch(&sql);
            };
            let expected = self.expected_as(name, schema, live.layout())?;
            // What is missing in indexes is made here.
            let table = live::adapt(Table { indexes: Vec::new(), ..expected.clone() }, &live)?;
            let declared = catalogue::declared(session, &expected.qualified)?;
            let namespace = self.pool.config.schema.as_deref();
            let comparison = Comparison { expected: &expected, namespace, live: &live, declared: &declared };
            let wanted = index::wanted(session, &self.pool.config, &table, schema)?;
            let mut missing = comparison.indexes();
            missing.extend(index::differences(&wanted, namespace, &live).into_iter().filter(|d| d.making.is_some()));
            missing.iter().filter(|difference| difference.safe).try_for_each(|difference| apply(session, difference))
        });
        self.tables().remove(name);
        ensured.map_err(|e| e.in_store(name))
    }

    /// Compares the table of this name with a schema; nothing is changed.
    ///
    /// # Errors
    /// What keeps the server from answering.
    pub fn diff(&self, name: &str, schema: &Schema) -> Result<Vec<Difference>> {
        let expected = self.expected(name, schema)?;
        self.link()
            .read(Limits::NONE, |session| self.compared(session, &expected, schema))
            .map_err(|e| e.in_store(name))
    }

    fn compared(&self, session: &mut Session, expected: &Table, schema: &Schema) -> Result<Vec<Difference>> {
        let config = &self.pool.config;
        let Some(live) = live::inspect(session, &expected.qualified)? else {
            let what = format!("there is no table {}", expected.qualified);
            return Ok(vec![Difference::safe(what, creation(session, config, expected, schema)?)]);
        };
        let expected = self.expected_as(&expected.name, schema, live.layout())?;
        let declared = catalogue::declared(session, &expected.qualified)?;
        let namespace = config.schema.as_deref();
        let comparison = Comparison { expected: &expected, namespace, live: &live, declared: &declared };
        let wanted = index::wanted(session, config, &comparison.settled(), schema)?;
        let stems: Vec<_> = wanted.iter().map(|wanted| wanted.stem.as_str()).collect();
        let mut all = comparison.differences(&stems);
        all.extend(index::differences(&wanted, namespace, &live));
        Ok(all)
    }

    /// Does what is safe to make the table of this name that of the schema: makes it, adds columns that may be null,
    /// widens numbers, lets nulls in, makes indexes without holding writers up. Gives back what was run. What the type can
    /// do without, [`diff`](Postgres::diff) tells and this leaves as it is: see [`Difference::needed`](field@Difference::needed).
    ///
    /// # Errors
    /// `Configuration`, with the SQL that a person would run, for every difference that is needed and not safe; nothing is run
    /// then. `AlreadyExists`, with the field, where rows share a value that is to be unique; nothing is left of its index then.
    pub fn migrate(&self, name: &str, schema: &Schema) -> Result<Vec<String>> {
        let expected = self.expected(name, schema)?;
        let mut run = Vec::new();
        let followed = self.alone(&expected.qualified, |session| {
            let differences = self.compared(session, &expected, schema)?;
            let refused: Vec<_> = differences.iter().filter(|d| d.needed && !d.safe).map(ToString::to_string).collect();
            if !refused.is_empty() {
                let all = refused.join("; ");
                let why = format!("this is left to a person, because rows may stand in its way or be lost: {all}");
                return Err(Error::configuration(why));
            }
            for difference in differences.into_iter().filter(|difference| difference.safe) {
                // Where the reply is lost, the next try finds it done.
                if !run.contains(&difference.sql) {
                    run.push(difference.sql.clone());
                }
                apply(session, &difference)?;
            }
            Ok(())
        });
        // What was run before a failure has changed the table too.
        self.tables().remove(name);
        followed.map(|()| run).map_err(|e| e.in_store(name))
    }

    /// Runs something that changes a table while nobody else does who asks as this does. It may run again, over another
    /// connection, where the first is lost, and so is the lock of it.
    ///
    /// Who waits does not wait in the server: an index that is made without holding writers up waits for every statement that runs, a
    /// waiting one too.
    fn alone<T>(&self, qualified: &str, mut work: impl FnMut(&mut Session) -> Result<T>) -> Result<T> {
        self.link().read(Limits::NONE, |session| {
            while !asked(session, "pg_try_advisory_lock", qualified)? {
                thread::sleep(PAUSE);
            }
            let done = work(session);
            // A connection that keeps the lock must not live on in the pool.
            session.in_transaction |= !asked(session, "pg_advisory_unlock", qualified).unwrap_or(false);
            done
        })
    }

    pub(super) fn expected(&self, name: &str, schema: &Schema) -> Result<Table> {
        self.expected_as(name, schema, self.pool.config.layout)
    }

    pub(super) fn expected_as(&self, name: &str, schema: &Schema, layout: Layout) -> Result<Table> {
        crate::store::check_name(name)?;
        schema.validate()?;
        Table::of(schema, name, self.pool.config.schema.as_deref(), layout)
    }
}

/// The statements that make a table and its indexes.
pub(super) fn creation(
    session: &mut Session,
    config: &PostgresConfig,
    table: &Table,
    schema: &Schema,
) -> Result<String> {
    let more = index::wanted(session, config, table, schema)?;
    let mut sql = vec![table.create()];
    sql.extend(table.indexes.iter().map(|index| table.create_index(index, false)));
    sql.extend(more.iter().map(|index| index.create(false)));
    Ok(sql.join("; "))
}

/// Asks for the lock of a table, which whoever makes it holds as well, or gives it back.
pub(super) fn asked(session: &mut Session, function: &str, qualified: &str) -> Result<bool> {
    let sql = format!("SELECT {function}({})", lock_of("$1"));
    Ok(live::ask(session, &sql, qualified, |row| live::flag(row, 0))?.first() == Some(&true))
}
