//! One query over several connections that share a snapshot: each reads a range of the table's blocks (semantics 6.5).

use std::marker::PhantomData;

use super::{
    Postgres, codec,
    link::Link,
    pool::{Loan, Pool},
    query::Statement,
    rows::{Output, Picked, PostgresRows, Streaming},
    schema::literal,
    store::{PostgresStore, filter_of},
    wire::Scalar,
};
use crate::{
    error::{Error, Result},
    query::{Filter, Predicate, Runnable, Select},
    record::RecordCodec,
    store::{Driver, Limits, Split},
};

impl<R: RecordCodec> Split<R> for PostgresStore<R> {
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Postgres, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<PostgresRows<R, P, S>>> {
        let Link::Pool(pool) = &self.link else {
            // A transaction has one connection.
            return Ok(vec![self.scan(query, limits)?]);
        };
        let run = || {
            let filter = filter_of(&query)?;
            let (output, _) = Picked::of(self, query.selection())?;
            // Each part holds a connection; one is left for others.
            let most = (pool.config.pool_size as usize).saturating_sub(1).max(1);
            let snapshot = Snapshot::take(pool, &self.table.qualified, limits)?;
            let ranges = snapshot.ranges(parts.clamp(1, most));
            let (name, mut first) = (snapshot.name, Some(snapshot.loan));
            let mut loans = Vec::with_capacity(ranges.len());
            for _ in &ranges {
                loans.push(match first.take() {
                    Some(loan) => loan,
                    None => join(pool, &name, limits)?,
                });
            }
            let part = |(range, loan): (String, Loan)| {
                let statement = self.part(&output, &filter, &range)?;
                let raw = Streaming::start(loan, pool, &statement).map_err(|failed| failed.0)?;
                let (_, picked) = Picked::of(self, query.selection())?;
                Ok(PostgresRows {
                    raw,
                    output: output.clone(),
                    picked,
                    name: self.name.clone(),
                    predicate: PhantomData,
                })
            };
            ranges.into_iter().zip(loans).map(part).collect::<Result<Vec<_>>>()
        };
        run().map_err(|e: Error| e.in_store(&self.name))
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    fn part(&self, output: &Output, filter: &Filter, range: &str) -> Result<Statement> {
        let mut statement =
            Statement::new(format!("SELECT {} FROM {} WHERE {range}", output.sql, self.table.qualified));
        if !filter.is_all() {
            statement.push(" AND ");
            self.lowering().condition(filter, &mut statement)?;
        }
        Ok(statement)
    }
}

/// A moment of the database that several connections can look at.
struct Snapshot {
    loan: Loan,
    name: String,
    /// Blocks of the table; none where its rows lie elsewhere.
    blocks: Option<i64>,
}

impl Snapshot {
    fn take(pool: &Pool, table: &str, limits: &Limits) -> Result<Snapshot> {
        let mut loan = begin(pool, limits)?;
        let mut ask = Statement::new(
            "SELECT pg_export_snapshot(), CASE WHEN relkind = 'r' THEN \
             pg_relation_size(oid) / current_setting('block_size')::bigint END FROM pg_class WHERE oid = to_regclass(",
        );
        ask.bind(Scalar::Text.one(), |out| out.put(table.as_bytes()));
        ask.push(")");
        let (rows, _) = loan.query(&ask)?;
        let row = rows.first().ok_or_else(|| Error::configuration("the table is gone"))?;
        let name = String::from_utf8_lossy(codec::raw(row, 0)?.unwrap_or_default()).into_owned();
        let blocks = codec::raw(row, 1)?.and_then(|raw| raw.try_into().ok()).map(i64::from_be_bytes);
        Ok(Snapshot { loan, name, blocks })
    }

    /// Conditions that part the table: as many as asked for, but none for less than a block.
    fn ranges(&self, parts: usize) -> Vec<String> {
        let blocks = self.blocks.unwrap_or(0);
        let parts = i64::try_from(parts).unwrap_or(1).min(blocks).max(1);
        let start = |part: i64| blocks * part / parts;
        let range = |part: i64| match (self.blocks, part + 1 == parts) {
            (None, _) => "TRUE".to_owned(),
            (_, true) => format!("ctid >= '({},0)'::tid", start(part)),
            (_, false) => format!("ctid >= '({},0)'::tid AND ctid < '({},0)'::tid", start(part), start(part + 1)),
        };
        (0..parts).map(range).collect()
    }
}

/// A connection in a transaction of its own, which ends when its rows do.
fn begin(pool: &Pool, limits: &Limits) -> Result<Loan> {
    let mut loan = pool.get_fresh(limits)?;
    loan.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    loan.in_transaction = true;
    Ok(loan)
}

fn join(pool: &Pool, snapshot: &str, limits: &Limits) -> Result<Loan> {
    let mut loan = begin(pool, limits)?;
    loan.batch(&format!("SET TRANSACTION SNAPSHOT {}", literal(snapshot)))?;
    Ok(loan)
}
