//! Tables that follow their schemas: made, compared, changed where that is safe, and moved between layouts.

use std::fmt;

use super::{
    Layout, Postgres,
    build::{self, Making, State},
    index, live,
    live::Live,
    name::quoted,
    schema::{Column, Table, VersionAt, qualified},
    store::PostgresStore,
    unknown, watch,
    wire::{Kind, Scalar},
};
use crate::{
    error::{Error, Result},
    query::{Bound, Filter, Query},
    record::{Draft, RecordCodec, Schema, Stored, Typed},
    store::{Atomicity, Driver, Limits, Write},
};

/// One difference between a table and the schema of its records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// What differs.
    pub what: String,
    /// What would mend it, in SQL.
    pub sql: String,
    /// Whether [`migrate`](Postgres::migrate) does it: nothing is lost by it, and no row can stand in its way, or where rows
    /// can, as in that of a unique index, nothing has changed then.
    pub safe: bool,
    /// The index that the statement makes.
    pub(super) making: Option<Making>,
}

impl Difference {
    pub(super) fn new(what: String, sql: String, safe: bool) -> Difference {
        Difference { what, sql, safe, making: None }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.sql)
    }
}

impl Postgres {
    /// Makes the table of a record type and its indexes, where they are not there. On a table that is there it makes those
    /// that the [configuration](super::PostgresIndex) asks for, without holding writers up.
    ///
    /// # Errors
    /// `Configuration`, with the difference, where a table of this name holds something else.
    pub fn ensure<R: Typed>(&self) -> Result<()> {
        self.ensure_named(&R::SCHEMA.name, R::SCHEMA)
    }

    /// The same under another name, or for documents.
    ///
    /// # Errors
    /// As [`ensure`](Postgres::ensure).
    pub fn ensure_named(&self, name: &str, schema: &Schema) -> Result<()> {
        let expected = self.expected(name, schema)?;
        match live::look(&self.link(), &expected.qualified)? {
            None => live::create(&self.link(), &expected, schema),
            Some(live) => {
                let table = live::adapt(self.expected_as(name, schema, live.layout())?, &live)?;
                self.make_missing(self.missing_indexes(&table, schema, &live)?, name)
            }
        }
    }

    /// Compares the table of this name with a schema; nothing is changed.
    ///
    /// # Errors
    /// What keeps the server from answering.
    pub fn diff(&self, name: &str, schema: &Schema) -> Result<Vec<Difference>> {
        let expected = self.expected(name, schema)?;
        match live::look(&self.link(), &expected.qualified)? {
            None => {
                Ok(vec![Difference::new(format!("there is no table {}", expected.qualified), expected.create(), true)])
            }
            Some(live) => {
                let expected = self.expected_as(name, schema, live.layout())?;
                let mut all = differences(&expected, self.pool.config.schema.as_deref(), &live);
                all.extend(self.missing_indexes(&expected, schema, &live)?);
                Ok(all)
            }
        }
    }

    /// What differs in the indexes that the configuration asks for.
    fn missing_indexes(&self, table: &Table, schema: &Schema, live: &Live) -> Result<Vec<Difference>> {
        let wanted = index::wanted(&self.link(), table, schema)?;
        Ok(index::differences(&wanted, self.pool.config.schema.as_deref(), live))
    }

    /// Does what is safe to make the table of this name that of the schema: makes it, adds columns that may be null,
    /// widens numbers, lets nulls in, makes indexes without holding writers up. Gives back what was run.
    ///
    /// # Errors
    /// `Configuration`, with the SQL that a person would run, for every difference that is not safe; nothing is run then.
    /// `AlreadyExists`, with the field, where rows share a value that is to be unique; nothing is left of its index then.
    pub fn migrate(&self, name: &str, schema: &Schema) -> Result<Vec<String>> {
        let differences = self.diff(name, schema)?;
        let unsafe_ones: Vec<_> = differences.iter().filter(|d| !d.safe).map(ToString::to_string).collect();
        if !unsafe_ones.is_empty() {
            let all = unsafe_ones.join("; ");
            let why = format!("this is left to a person, because rows may stand in its way or be lost: {all}");
            return Err(Error::configuration(why).in_store(name));
        }
        let mut run = Vec::new();
        let mut apply = |difference: Difference| {
            self.apply(&difference)?;
            run.push(difference.sql);
            Ok(())
        };
        let applied: Result<()> = differences.into_iter().try_for_each(&mut apply);
        // What was run before a failure has changed the table too.
        self.tables().remove(name);
        applied.map_err(|e| e.in_store(name))?;
        if run.iter().any(|sql| sql.starts_with("CREATE TABLE")) {
            run.extend(self.migrate(name, schema)?);
        }
        Ok(run)
    }

    /// Moves a store to another layout, in one transaction: others see the old table or the new one. Records keep their
    /// ids, times and metadata; versions are new. Gives back how many there are.
    ///
    /// # Errors
    /// `Configuration` where there is no such table, and where records hold fields that the type does not know, which are
    /// named; what a record that does not fit reports; nothing is changed then.
    pub fn relayout<R: RecordCodec>(&self, name: &str, shape: R::Shape, to: Layout) -> Result<u64> {
        let namespace = self.pool.config.schema.as_deref();
        let new = Table::of(&shape, name, namespace, to)?;
        let old_name = super::name::fitted(format!("{name}~old"));
        let moved = self.transaction_on(|link| {
            let look = || live::look(&link, &new.qualified);
            look()?.ok_or_else(|| Error::configuration(format!("there is no table {}", new.qualified)))?;
            let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", new.qualified);
            link.read(Limits::NONE, |session| session.batch(&lock))?;
            let found = look()?.ok_or_else(|| Error::configuration(format!("there is no table {}", new.qualified)))?;
            let old = live::adapt(Table::of(&shape, name, namespace, found.layout())?, &found)?;
            unknown::refuse(&link, &old, &found, &shape)?;
            let watched = watch::is_made(&link, &old)?;
            let drops = found.indexes.iter().map(|index| format!("DROP INDEX {}", qualified(namespace, &index.name)));
            let mut sql: Vec<_> = drops.collect();
            sql.push(format!("ALTER TABLE {} RENAME TO {}", new.qualified, quoted(&old_name)));
            link.read(Limits::NONE, |session| session.batch(&sql.join("; ")))?;
            live::create(&link, &new, &shape)?;
            let old = Table { qualified: qualified(namespace, &old_name), ..old };
            let dropped = format!("DROP TABLE {}", old.qualified);
            let store = |table: Table| {
                let opened = live::Opened::new(Schema::clone(&shape), table);
                PostgresStore::<R>::new(link.clone(), &opened, shape.clone())
            };
            let moved = copy(&store(old), &store(new.clone()))?;
            link.read(Limits::NONE, |session| session.batch(&dropped))?;
            if watched {
                link.read(Limits::NONE, |session| session.batch(&watch::make(&new)))?;
            }
            Ok(moved)
        });
        self.tables().remove(name);
        moved.map_err(|e| e.in_store(name))
    }

    fn expected(&self, name: &str, schema: &Schema) -> Result<Table> {
        self.expected_as(name, schema, self.pool.config.layout)
    }

    fn expected_as(&self, name: &str, schema: &Schema, layout: Layout) -> Result<Table> {
        crate::store::check_name(name)?;
        schema.validate()?;
        Table::of(schema, name, self.pool.config.schema.as_deref(), layout)
    }
}

/// Copies all records, with what the store keeps beside them.
fn copy<R: RecordCodec>(from: &PostgresStore<R>, to: &PostgresStore<R>) -> Result<u64> {
    let all: Bound<R> = Filter::all().bind(from.shape())?;
    let query = Query::new().filter(all).on::<Postgres>(from.shape())?;
    let mut rows = from.scan(query, Limits::NONE)?;
    let mut moved = 0;
    loop {
        let chunk = rows.by_ref().take(Limits::NONE.chunk).collect::<Result<Vec<Stored<R>>>>()?;
        if chunk.is_empty() {
            return Ok(moved);
        }
        let writes = chunk.into_iter().map(|stored| Write::Create(Draft::of(stored)));
        let outcomes = to.write(writes, Atomicity::Each, Limits::NONE)?;
        moved += outcomes.into_iter().collect::<Result<Vec<_>>>()?.len() as u64;
    }
}

/// What differs between a table and what is expected of it.
fn differences(expected: &Table, namespace: Option<&str>, live: &Live) -> Vec<Difference> {
    let columns = expected.written().filter(|column| **column != expected.id || expected.id_field.is_some());
    let mut all: Vec<_> = columns.filter_map(|column| difference(expected, column, live)).collect();
    for index in &expected.indexes {
        let alike = |found: &live::LiveIndex| {
            !index.words && found.unique == index.unique && found.column.as_ref() == Some(&index.column)
        };
        let there = |found: &live::LiveIndex| found.state == State::Valid && (found.name == index.name || alike(found));
        if live.indexes.iter().any(there) {
            continue;
        }
        let (what, missing) = match (index.words, index.unique) {
            (true, _) => ("the index of the words of", "no index of its words"),
            (_, true) => ("the unique index of", "no unique index"),
            _ => ("the index of", "no index"),
        };
        let field = &index.field;
        let making = Making {
            name: qualified(namespace, &index.name),
            what: format!("{what} `{field}`"),
            field: Some(field.clone()),
        };
        let found = live.indexes.iter().find(|found| found.name == index.name).map(|found| found.state);
        let told = format!("`{field}` has {missing}");
        all.extend(build::missing(found, making, told, expected.create_index(index, true)));
    }
    all
}

fn difference(expected: &Table, column: &Column, live: &Live) -> Option<Difference> {
    let alter = format!("ALTER TABLE {}", expected.qualified);
    let Some(found) = live.find(&column.name) else {
        let envelope = column.name.starts_with('_') && column.name != "_data";
        let default = match (&expected.version, column.name.as_str()) {
            (VersionAt::Token(_), "_version") => " DEFAULT gen_random_uuid()",
            (_, "_created_at" | "_updated_at") => " DEFAULT now()",
            _ => "",
        };
        return Some(Difference::new(
            format!("`{}` is missing", column.name),
            // Run again where its reply was lost, it finds its own work done.
            format!("{alter} ADD COLUMN IF NOT EXISTS {}{default}", expected.declaration(column)),
            column.nullable || (envelope && !default.is_empty()),
        ));
    };
    if found.kind != Some(column.kind) {
        return Some(Difference::new(
            format!("`{}` is {}, not {}", column.name, found.type_name, column.kind.sql()),
            format!("{alter} ALTER COLUMN {} TYPE {}", column.quoted, column.kind.sql()),
            found.kind.is_some_and(|kind| widens(kind, column.kind)),
        ));
    }
    match (found.not_null, column.nullable) {
        (true, true) => Some(Difference::new(
            format!("`{}` may be null", column.name),
            format!("{alter} ALTER COLUMN {} DROP NOT NULL", column.quoted),
            !found.primary,
        )),
        (false, false) => Some(Difference::new(
            format!("`{}` is never null", column.name),
            format!("{alter} ALTER COLUMN {} SET NOT NULL", column.quoted),
            false,
        )),
        _ => None,
    }
}

/// Whether every value of one kind is one of the other.
fn widens(from: Kind, to: Kind) -> bool {
    let rank = |scalar: Scalar| match scalar {
        Scalar::Int2 => Some((0, 0)),
        Scalar::Int4 => Some((0, 1)),
        Scalar::Int8 => Some((0, 2)),
        Scalar::Numeric => Some((0, 3)),
        Scalar::Float4 => Some((1, 0)),
        Scalar::Float8 => Some((1, 1)),
        _ => None,
    };
    let wider = rank(from.scalar).zip(rank(to.scalar)).is_some_and(|(a, b)| a.0 == b.0 && a.1 < b.1);
    from.array == to.array && (wider || from == to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::postgres::{live::LiveColumn, schema::Takes},
        record::{FieldDef, Type},
    };

    fn live(column: &str, kind: Kind, not_null: bool) -> Live {
        let column = LiveColumn {
            name: column.to_owned(),
            kind: Some(kind),
            type_name: kind.sql(),
            not_null,
            by_bytes: true,
            primary: false,
            modifier: None,
            deterministic: true,
            takes: Takes::Always,
            default: None,
        };
        Live { relation: "r".to_owned(), columns: vec![column], indexes: Vec::new() }
    }

    fn found(ty: Type, nullable: bool, kind: Kind, not_null: bool) -> Option<Difference> {
        let field = FieldDef { nullable, ..FieldDef::new("a", ty) };
        let expected = Table::of(&Schema::new("t").field(field), "t", None, Layout::Columns).expect("it fits");
        difference(&expected, &expected.columns[0], &live("a", kind, not_null))
    }

    #[test]
    fn numbers_are_widened_and_never_narrowed() {
        let wide = found(Type::I64, false, Scalar::Int4.one(), true).expect("they differ");
        assert!(wide.safe);
        assert_eq!(wide.sql, "ALTER TABLE \"t\" ALTER COLUMN \"a\" TYPE bigint");
        assert!(!found(Type::I32, false, Scalar::Int8.one(), true).expect("they differ").safe);
        assert!(!found(Type::Text, false, Scalar::Int8.one(), true).expect("they differ").safe);
    }

    #[test]
    fn nulls_are_let_in_and_never_shut_out() {
        assert!(found(Type::I64, true, Scalar::Int8.one(), true).expect("they differ").safe);
        assert!(!found(Type::I64, false, Scalar::Int8.one(), false).expect("they differ").safe);
        assert_eq!(found(Type::I64, false, Scalar::Int8.one(), true), None);
    }
}
