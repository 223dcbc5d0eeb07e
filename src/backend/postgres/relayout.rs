//! Moving a store to another layout: its records are read and written again in a table that takes the place of the old one.

use std::thread;

use super::{
    Isolation, Layout, Postgres, catalogue, index,
    link::Link,
    live,
    live::Live,
    migrate::{PAUSE, asked},
    name::{fitted, quoted},
    schema::{Table, qualified},
    store::PostgresStore,
    unknown, watch,
};
use crate::{
    error::{Error, Result},
    query::{Bound, Filter, Query},
    record::{Draft, RecordCodec, Schema, Stored},
    store::{Atomicity, Driver, Limits, Write},
};

/// The most of what hangs on a table that an error names.
const MOST: usize = 20;

impl Postgres {
    /// Moves a store to another layout, in one transaction: others see the old table or the new one. Records keep their
    /// ids, times and metadata; versions are new. The table keeps its owner, its grants, its comment and its watch. Gives back
    /// how many records there are.
    ///
    /// # Errors
    /// `Configuration` where there is no such table; where something hangs on the table that the new one would not have, as
    /// an index that the type does not ask for, a constraint, a view or a foreign key, which are named; and where records hold
    /// fields that the type does not know, which are named too. What a record that does not fit reports. Nothing is changed then.
    pub fn relayout<R: RecordCodec>(&self, name: &str, shape: R::Shape, to: Layout) -> Result<u64> {
        let namespace = self.pool.config.schema.as_deref();
        let new = Table::of(&shape, name, namespace, to)?;
        let old_name = fitted(format!("{name}~old"));
        // What others committed before the lock was had is seen: no statement but the last looks at an older moment.
        let moved = self.transaction_at(Isolation::ReadCommitted, |link| {
            while !link.read(Limits::NONE, |session| asked(session, "pg_try_advisory_xact_lock", &new.qualified))? {
                thread::sleep(PAUSE);
            }
            let look = || live::look(&link, &new.qualified);
            look()?.ok_or_else(|| Error::configuration(format!("there is no table {}", new.qualified)))?;
            let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", new.qualified);
            link.read(Limits::NONE, |session| session.batch(&lock))?;
            let found = look()?.ok_or_else(|| Error::configuration(format!("there is no table {}", new.qualified)))?;
            let old = live::adapt(Table::of(&shape, name, namespace, found.layout())?, &found)?;
            let own = own_indexes(&link, &old, &shape, &found)?;
            refuse_what_hangs(&link, &old, &found, &own)?;
            unknown::refuse(&link, &old, &found, &shape)?;
            let watched = watch::is_made(&link, &old)?;
            let drops = own.iter().map(|index| format!("DROP INDEX {}", qualified(namespace, index)));
            let mut sql: Vec<_> = drops.collect();
            sql.push(format!("ALTER TABLE {} RENAME TO {}", new.qualified, quoted(&old_name)));
            link.read(Limits::NONE, |session| session.batch(&sql.join("; ")))?;
            live::create(&link, &new, &shape)?;
            let old = Table { qualified: qualified(namespace, &old_name), ..old };
            let carried =
                link.read(Limits::NONE, |session| catalogue::carried(session, &old.qualified, &new.qualified))?;
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
            // At the end: it may make the table somebody else's.
            link.read(Limits::NONE, |session| session.batch(&carried.join("; ")))?;
            Ok(moved)
        });
        self.tables().remove(name);
        moved.map_err(|e| e.in_store(name))
    }
}

/// The indexes that the type and the configuration ask for, which the new table has in its own way.
fn own_indexes(link: &Link, old: &Table, schema: &Schema, found: &Live) -> Result<Vec<String>> {
    let config = link.config();
    let wanted = link.read(Limits::NONE, |session| index::wanted(session, config, old, schema))?;
    let layout = Table::of(schema, &old.name, None, old.layout)?;
    let own = |name: &String| {
        layout.indexes.iter().any(|index| index.name == *name) || wanted.iter().any(|w| name.starts_with(&w.stem))
    };
    Ok(found.indexes.iter().map(|index| index.name.clone()).filter(own).collect())
}

/// # Errors
/// `Configuration`, naming what the new table would not have.
fn refuse_what_hangs(link: &Link, old: &Table, found: &Live, own: &[String]) -> Result<()> {
    if found.relation != "r" {
        let why = format!("{} is a view, in parts, or of another server, and has no layout of its own", old.qualified);
        return Err(Error::configuration(why));
    }
    let mut attached = link.read(Limits::NONE, |session| catalogue::attached(session, &old.qualified))?;
    attached.retain(|(kind, name)| kind != "index" || !own.contains(name));
    if attached.is_empty() {
        return Ok(());
    }
    let named = attached.iter().take(MOST).map(|(kind, name)| format!("the {kind} `{name}`"));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = if attached.len() > MOST { " and others" } else { "" };
    Err(Error::configuration(format!(
        "the table that takes the place of {} would not have {named}{more}: take them away first, and make them again as they suit the other layout",
        old.qualified
    )))
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
