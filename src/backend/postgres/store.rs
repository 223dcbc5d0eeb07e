//! The store: what the driver contract asks, on one table. What is generic over predicates lowers first; the rest is
//! generic over the record alone.

use std::{marker::PhantomData, sync::Arc};

use foldhash::fast::RandomState;
use hashbrown::{HashMap, hash_map::Entry};

use super::{
    Postgres, codec,
    link::Link,
    live::Opened,
    order::PageOf,
    query::{Lowering, Statement},
    rows::{Output, Picked, PostgresRows, RawRows},
    schema::Table,
    statement::{self, Statements, Template},
    wire::Values,
    write::{push_id, push_item},
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::{AsQuery, Filter, Plan, Predicate, Runnable, RunsOn, Select, Whole},
    record::{Changes, RecordCodec, Stored},
    store::{
        Driver, Limits,
        driver::one_by_one,
        write::{Atomicity, Outcome, Write},
    },
};

/// A store in PostgreSQL: one table.
pub struct PostgresStore<R: RecordCodec> {
    pub(super) link: Link,
    pub(super) name: Arc<str>,
    pub(super) shape: R::Shape,
    pub(super) table: Arc<Table>,
    pub(super) statements: Arc<Statements>,
    pub(super) output: Arc<Output>,
}

impl<R: RecordCodec> Clone for PostgresStore<R> {
    fn clone(&self) -> Self {
        PostgresStore {
            link: self.link.clone(),
            name: self.name.clone(),
            shape: self.shape.clone(),
            table: self.table.clone(),
            statements: self.statements.clone(),
            output: self.output.clone(),
        }
    }
}

/// The filter of a query, as data.
pub(super) fn filter_of<R: RecordCodec, P: Predicate<R>, S: Select<R>>(
    query: &Runnable<Postgres, R, P, S>,
) -> Result<Filter> {
    query.lower().ok_or_else(|| Error::unsupported("a predicate of one's own code has no form as data"))
}

/// The order and the page of a query.
pub(super) fn page_of<R: RecordCodec, P: Predicate<R>, S: Select<R>>(
    query: &Runnable<Postgres, R, P, S>,
) -> PageOf<'_, R> {
    PageOf {
        keys: query.order().keys(),
        ids_descending: query.order().ids_descending(),
        ordered: query.is_ordered(),
        limit: query.limit(),
        offset: query.offset(),
        after: query.after(),
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    pub(super) fn new(link: Link, opened: &Opened, shape: R::Shape) -> Self {
        PostgresStore {
            link,
            name: opened.table.name.as_str().into(),
            shape,
            table: opened.table.clone(),
            statements: opened.statements.clone(),
            output: opened.output.clone(),
        }
    }

    pub(super) fn lowering(&self) -> Lowering<'_> {
        Lowering { table: &self.table, schema: &self.shape }
    }

    /// The statement that a query comes to.
    pub(super) fn select(&self, output: &Output, filter: &Filter, page: &PageOf<'_, R>) -> Result<Statement> {
        if let Some(statement) = self.lowering().two_ranges(&output.sql, filter, page)? {
            return Ok(statement);
        }
        let mut statement = Statement::new(format!("SELECT {} FROM {}", output.sql, self.table.qualified));
        self.lowering().clauses(filter, page, &mut statement)?;
        Ok(statement)
    }

    /// The statement of a query, and how its rows are read.
    fn asked<P: Predicate<R>, S: Select<R>>(
        &self,
        query: &Runnable<Postgres, R, P, S>,
    ) -> Result<(Statement, Arc<Output>, Picked<R, S>)> {
        let filter = filter_of(query)?;
        let (output, picked) = Picked::of(self, query.selection())?;
        Ok((self.select(&output, &filter, &page_of(query))?, output, picked))
    }

    /// The statement that counts what a query comes to.
    fn count_statement(&self, filter: &Filter, page: &PageOf<'_, R>) -> Result<Statement> {
        // Without a page nobody pays for an order, and a count needs none in any case (semantics 4.7).
        let paged = page.limit.is_some() || page.offset > 0;
        let head = if paged { "SELECT count(*) FROM (SELECT 1 FROM " } else { "SELECT count(*) FROM " };
        let mut statement = Statement::new(format!("{head}{}", self.table.qualified));
        self.lowering().clauses(filter, &PageOf { ordered: false, ..*page }, &mut statement)?;
        statement.push(if paged { ") AS page" } else { "" });
        Ok(statement)
    }

    /// Runs a query whose rows are few enough to be held, or starts one whose rows are not.
    fn rows(&self, statement: Statement, limit: Option<usize>, limits: &Limits) -> Result<RawRows> {
        match limit {
            Some(limit) if limit <= limits.chunk => {
                let rows = self.link.read(limits, |session| session.query(&statement))?;
                Ok(RawRows::Ready(rows.into_iter()))
            }
            _ => self.link.stream(statement, limits),
        }
    }

    fn count_rows(&self, statement: &Statement, limits: &Limits) -> Result<u64> {
        let rows = self.link.read(limits, |session| session.query(statement))?;
        let raw = rows.first().map(|row| codec::raw(row, 0)).transpose()?.flatten();
        let count = raw.and_then(|raw| raw.try_into().ok()).map(i64::from_be_bytes);
        count
            .and_then(|count| count.try_into().ok())
            .ok_or_else(|| Error::backend("the server answered a count without one"))
    }

    pub(super) fn read_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        let mut values = Values::default();
        push_id(id, &self.table, &mut values);
        let statement = self.statements.fetch_one(&self.table, &self.output).with(values);
        let rows = self.link.read(limits, |session| session.query(&statement))?;
        rows.first().map(|row| self.output.stored(row, &self.shape)).transpose()
    }

    fn read_many(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        let mut places: HashMap<&Id, usize, RandomState> = HashMap::with_capacity_and_hasher(ids.len(), <_>::default());
        let mut repeated = Vec::new();
        let mut items = Values::default();
        for (place, id) in ids.iter().enumerate() {
            match places.entry(id) {
                Entry::Occupied(first) => repeated.push((place, *first.get())),
                Entry::Vacant(free) => {
                    free.insert(place);
                    push_item(id, &self.table, &mut items);
                }
            }
        }
        let mut values = Values::default();
        values.array(self.table.id.kind.scalar, &items);
        let statement = self.statements.fetch(&self.table, &self.output).with(values);
        let rows = self.link.read(limits, |session| session.query(&statement))?;
        let mut found: Vec<Option<Stored<R>>> = ids.iter().map(|_| None).collect();
        for row in &rows {
            let stored: Stored<R> = self.output.stored(row, &self.shape)?;
            if let Some(place) = places.get(stored.envelope.id()) {
                found[*place] = Some(stored);
            }
        }
        for (place, first) in repeated {
            found[place] = found[first].clone();
        }
        Ok(found)
    }
}

impl<R: RecordCodec> Driver<R> for PostgresStore<R> {
    type Engine = Postgres;
    type Rows<P: Predicate<R>, S: Select<R>> = PostgresRows<R, P, S>;

    fn shape(&self) -> &R::Shape {
        &self.shape
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn write<'a>(
        &self,
        writes: impl IntoIterator<Item = Write<'a, R>>,
        atomicity: Atomicity,
        limits: &Limits,
    ) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        limits.check()?;
        self.write_batch(writes.into_iter(), atomicity, limits).map_err(|e| e.in_store(&self.name))
    }
    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        limits.check()?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.read_many(ids, limits).map_err(|e| e.in_store(&self.name))
    }
    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Postgres, R, P, S>,
        limits: &Limits,
    ) -> Result<PostgresRows<R, P, S>> {
        let run = || {
            let (statement, output, picked) = self.asked(&query)?;
            let raw = self.rows(statement, query.limit(), limits)?;
            let name = self.name.clone();
            Ok(PostgresRows { raw, output, picked, name, predicate: PhantomData })
        };
        run().map_err(|e: Error| e.in_store(&self.name))
    }
    fn gather<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Postgres, R, P, S>,
        limits: &Limits,
    ) -> Result<Vec<Stored<S::Out>>> {
        if limits.cancel.is_some() {
            return one_by_one(self, query, limits);
        }
        let run = || {
            let (statement, output, picked) = self.asked(&query)?;
            let rows = self.link.read(limits, |session| session.query(&statement))?;
            let mut found = Vec::with_capacity(rows.len());
            for row in &rows {
                found.push(picked.read(&output, row)?);
            }
            Ok(found)
        };
        run().map_err(|e: Error| e.in_store(&self.name))
    }
    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Postgres, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        let statement = filter_of(&query).and_then(|filter| self.count_statement(&filter, &page_of(&query)));
        statement.and_then(|statement| self.count_rows(&statement, limits)).map_err(|e| e.in_store(&self.name))
    }
    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<Postgres, R, P, S>) -> Result<Plan> {
        let filter = filter_of(query)?;
        let (output, picked) = Picked::of(self, query.selection())?;
        let statement = self.select(&output, &filter, &page_of(query)).map_err(|e| e.in_store(&self.name))?;
        Ok(self.planned(filter, &statement, matches!(picked, Picked::There(_)), query.limit()))
    }
    fn patch_matching<P: Predicate<R>>(
        &self,
        query: Runnable<Postgres, R, P, Whole>,
        changes: &Changes<R>,
        limits: &Limits,
    ) -> Result<u64> {
        let done = match query.is_ordered() {
            true => Ok(None),
            false => self.patch_where_true(&query, changes, limits),
        };
        match done.map_err(|e| e.in_store(&self.name))? {
            Some(count) => Ok(count),
            None => crate::store::matching::patch(self, query, changes, limits),
        }
    }
    fn delete_matching<P: Predicate<R>>(&self, query: Runnable<Postgres, R, P, Whole>, limits: &Limits) -> Result<u64> {
        match query.is_ordered() {
            true => crate::store::matching::delete(self, query, limits),
            false => self.delete_where_true(&query, limits).map_err(|e| e.in_store(&self.name)),
        }
    }
    fn write_one(&self, mut write: Write<'_, R>, limits: &Limits) -> Outcome {
        self.write_single(&mut write, limits).map_err(|e| e.in_store(&self.name))
    }
    fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        self.read_one(id, limits).map_err(|e| e.in_store(&self.name))
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    fn planned(&self, filter: Filter, statement: &Statement, projected: bool, limit: Option<usize>) -> Plan {
        let mut plan = Plan::new(<Postgres as crate::capability::Engine>::NAME);
        plan.pushed = Some(filter);
        plan.native = statement.sql().to_owned();
        let parameters = statement.shown_parameters();
        if !parameters.is_empty() {
            plan.native.push('\n');
            plan.native.push_str(&parameters);
        }
        let columns = if projected { "only the columns that are selected are sent" } else { "whole rows are sent" };
        let rows = match limit {
            Some(_) => "rows are read at once",
            None => "rows are read as they are asked for, over a connection of the stream's own",
        };
        plan.step(columns).step(rows)
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    /// The server's own plan of a query, as `EXPLAIN` prints it for these parameters; nothing is run.
    ///
    /// # Errors
    /// As [`Store::search`](crate::Store::search).
    pub fn server_plan<Q: AsQuery<R>>(&self, query: Q) -> Result<String>
    where
        Q::Predicate: RunsOn<Postgres>,
    {
        let query = query.into_query().on::<Postgres>(&self.shape)?;
        let (statement, ..) = self.asked(&query)?;
        let explain = Statement { sql: format!("EXPLAIN {}", statement.sql), ..statement };
        let rows = self.link.read(Limits::NONE, |session| session.query(&explain))?;
        let line = |row| Ok(String::from_utf8_lossy(codec::raw(row, 0)?.unwrap_or_default()).into_owned());
        Ok(rows.iter().map(line).collect::<Result<Vec<_>>>()?.join("\n"))
    }
}

/// What a statement by id is made of, kept with the table.
impl Statements {
    pub(super) fn fetch_one(&self, table: &Table, output: &Output) -> &Arc<Template> {
        self.fetch_one.get_or_init(|| statement::fetch_one(table, output))
    }
    pub(super) fn fetch(&self, table: &Table, output: &Output) -> &Arc<Template> {
        self.fetch.get_or_init(|| statement::fetch(table, output))
    }
}
