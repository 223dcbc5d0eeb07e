//! One query over several connections that share a snapshot: each reads a range of the table's blocks (semantics 6.5).

use std::marker::PhantomData;

use super::{
    Postgres, codec,
    link::Link,
    pool::{Loan, Pool},
    query::Statement,
    rows::{Output, Picked, PostgresRows, RawRows, Streaming},
    schema::literal,
    store::{PostgresStore, filter_of},
    wire::Scalar,
};
use crate::{
    error::{Error, Result},
    query::{Filter, Predicate, Runnable, Select},
    record::RecordCodec,
    store::{Limits, Split},
};

/// The most parts of a query.
const MAX_PARTS: usize = 1_024;

impl<R: RecordCodec> Split<R> for PostgresStore<R> {
    /// As many parts as were asked for, up to 1,024: where the table or the pool has fewer, the others are empty.
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Postgres, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<PostgresRows<R, P, S>>> {
        let parts = parts.min(MAX_PARTS);
        let run = || {
            let filter = filter_of(&query)?;
            let (output, _) = Picked::of(self, query.selection())?;
            let rows = |raw: RawRows| {
                let (_, picked) = Picked::of(self, query.selection())?;
                let (output, name) = (output.clone(), self.name.clone());
                Ok(PostgresRows { raw, output, picked, name, predicate: PhantomData })
            };
            let mut all = self.parts(&filter, &output, parts, limits)?;
            all.resize_with(parts, || RawRows::Ready(Vec::new().into_iter()));
            all.into_iter().map(rows).collect::<Result<Vec<_>>>()
        };
        run().map_err(|e: Error| e.in_store(&self.name))
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    /// At most so many parts, each with a connection of its own.
    fn parts(&self, filter: &Filter, output: &Output, parts: usize, limits: &Limits) -> Result<Vec<RawRows>> {
        let Link::Pool(pool) = &self.link else {
            // A transaction has one connection.
            return Ok(vec![self.link.stream(self.part(output, filter, "TRUE")?, limits)?]);
        };
        let Snapshot { loan, name, blocks } = Snapshot::take(pool, &self.table.qualified, limits)?;
        // Each part holds a connection. Who holds some must not wait for more: two who did would wait for each other.
        let more = blocks.map_or(0, |blocks| parts.min(blocks.unsigned_abs() as usize).saturating_sub(1));
        let mut loans = vec![loan];
        for mut loan in pool.spare(more) {
            loan.limit(limits)?;
            begin(&mut loan)?;
            loan.batch(&format!("SET TRANSACTION SNAPSHOT {}", literal(&name)))?;
            loans.push(loan);
        }
        let ranges = ranges(blocks, loans.len() as i64);
        let part = |(range, loan): (String, Loan)| {
            let statement = self.part(output, filter, &range)?;
            Streaming::start(loan, pool, &statement).map_err(|failed| failed.0)
        };
        ranges.into_iter().zip(loans).map(part).collect()
    }

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
        let mut loan = pool.get_fresh(limits)?;
        begin(&mut loan)?;
        let mut ask = Statement::new(
            "SELECT pg_export_snapshot(), CASE WHEN relkind = 'r' THEN \
             pg_relation_size(oid) / current_setting('block_size')::bigint END FROM pg_class WHERE oid = to_regclass(",
        );
        ask.bind(Scalar::Text.one(), |out| out.put(table.as_bytes()));
        ask.push(")");
        let rows = loan.query(&ask)?;
        let row = rows.first().ok_or_else(|| Error::configuration("the table is gone"))?;
        let name = String::from_utf8_lossy(codec::raw(row, 0)?.unwrap_or_default()).into_owned();
        let blocks = codec::raw(row, 1)?.and_then(|raw| raw.try_into().ok()).map(i64::from_be_bytes);
        Ok(Snapshot { loan, name, blocks })
    }
}

/// Conditions that part a table of so many blocks.
fn ranges(blocks: Option<i64>, parts: i64) -> Vec<String> {
    let start = |part: i64| blocks.unwrap_or(0) * part / parts;
    let range = |part: i64| match (blocks, part + 1 == parts) {
        (None, _) => "TRUE".to_owned(),
        (_, true) => format!("ctid >= '({},0)'::tid", start(part)),
        (_, false) => format!("ctid >= '({},0)'::tid AND ctid < '({},0)'::tid", start(part), start(part + 1)),
    };
    (0..parts).map(range).collect()
}

/// Begins a transaction, which ends when its rows do.
fn begin(loan: &mut Loan) -> Result<()> {
    loan.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    loan.in_transaction = true;
    Ok(())
}
