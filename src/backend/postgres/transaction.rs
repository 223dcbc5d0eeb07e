//! Transactions: one connection of the pool, held for the time of a closure (semantics 5.8).

use std::{marker::PhantomData, sync::Arc};

use super::{
    Isolation, Postgres,
    commit::pause,
    link::{Link, Transaction},
    live::{self, Opened},
    pool::Loan,
    store::PostgresStore,
};
use crate::{
    error::{Error, ErrorKind, Result},
    record::RecordCodec,
    store::{Database, Limits, Transactional},
};

/// A transaction; a database in which every store sees what the others wrote.
pub struct PostgresTransaction<'t> {
    transaction: Arc<Transaction>,
    database: &'t Postgres,
    scope: PhantomData<&'t ()>,
}

impl PostgresTransaction<'_> {
    /// Runs `work` such that what it wrote is undone where it fails, and the transaction goes on.
    ///
    /// # Errors
    /// What `work` returned, and what keeps the server from going back.
    pub fn savepoint<T, E: From<Error>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.transaction.savepoint(work)
    }
}

impl Postgres {
    /// A transaction that sees the others in a way of its own; see [`Transactional::transaction`].
    ///
    /// # Errors
    /// What `work` returned; `Conflict`, which can be tried again, where another transaction was faster; `Ambiguous` where
    /// the reply to its end was lost and the server does not know it any more.
    pub fn transaction_with<T, E: From<Error>>(
        &self,
        isolation: Isolation,
        work: impl FnOnce(&PostgresTransaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run(isolation, |transaction| {
            work(&PostgresTransaction { transaction, database: self, scope: PhantomData })
        })
    }

    /// The same for what needs no more than the link.
    pub(super) fn transaction_on<T>(&self, work: impl FnOnce(Link) -> Result<T>) -> Result<T> {
        self.transaction_at(self.pool.config.isolation, work)
    }

    /// The same in an isolation of its own.
    pub(super) fn transaction_at<T>(&self, isolation: Isolation, work: impl FnOnce(Link) -> Result<T>) -> Result<T> {
        self.run(isolation, |transaction| work(Link::Transaction(transaction)))
    }

    fn run<T, E: From<Error>>(
        &self,
        isolation: Isolation,
        work: impl FnOnce(Arc<Transaction>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut loan = self.begin(isolation)?;
        loan.in_transaction = true;
        // A panic in `work` drops the connection in the middle of its transaction, which undoes it.
        let guard = Guard(Arc::new(Transaction::new(loan, self.pool.config.clone())));
        let done = work(guard.0.clone());
        let Some(mut loan) = guard.0.end() else { return done };
        match done {
            Ok(done) => {
                self.pool.commit(&mut loan)?;
                loan.in_transaction = false;
                Ok(done)
            }
            Err(error) => {
                loan.in_transaction = loan.batch("ROLLBACK").is_err();
                Err(error)
            }
        }
    }

    /// The same, run again up to `tries` times in all where it lost to another transaction, after a pause that grows.
    ///
    /// # Errors
    /// As [`transaction_with`](Postgres::transaction_with).
    pub fn transaction_repeating<T>(
        &self,
        isolation: Isolation,
        tries: u32,
        mut work: impl FnMut(&PostgresTransaction<'_>) -> Result<T>,
    ) -> Result<T> {
        for attempt in 1..tries.max(1) {
            match self.transaction_with(isolation, &mut work) {
                Err(error) if error.is_conflict() && error.is_retryable() => std::thread::sleep(pause(attempt)),
                done => return done,
            }
        }
        self.transaction_with(isolation, work)
    }

    fn begin(&self, isolation: Isolation) -> Result<Loan> {
        let begin = format!("BEGIN ISOLATION LEVEL {}", isolation.sql());
        for _ in 0..self.pool.config.pool_size {
            let mut loan = self.pool.get(Limits::NONE)?;
            match loan.batch(&begin) {
                Err(error) if error.kind() == ErrorKind::Connection => {}
                begun => return begun.map(|()| loan),
            }
        }
        let mut loan = self.pool.get(Limits::NONE)?;
        loan.batch(&begin).map(|()| loan)
    }
}

/// Takes the connection away from what is left of a transaction, also in a panic.
struct Guard(Arc<Transaction>);

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.end());
    }
}

impl Transactional for Postgres {
    type Transaction<'t> = PostgresTransaction<'t>;

    fn transaction<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&PostgresTransaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.transaction_with(self.pool.config.isolation, work)
    }
}

impl<'t> Database for PostgresTransaction<'t> {
    type Engine = Postgres;
    type Store<R: RecordCodec> = PostgresStore<R>;

    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<PostgresStore<R>> {
        let link = Link::Transaction(self.transaction.clone());
        if let Some(opened) = self.database.known(name, &shape) {
            return Ok(PostgresStore::new(link, &opened, shape));
        }
        // What a transaction makes may go away with it, so it is not kept for others.
        let opened = Opened::new(crate::record::Schema::clone(&shape), live::open(&link, &shape, name)?);
        Ok(PostgresStore::new(link, &opened, shape))
    }
}
