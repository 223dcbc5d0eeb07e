//! Where a store runs its statements: any connection of a pool, or the one of a transaction.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio_postgres::Row;

use super::{
    config::PostgresConfig,
    error::{is_lost, was_stale},
    pool::{Loan, Pool, Session, refuse_in_runtime},
    query::Statement,
    rows::RawRows,
    write::ambiguous,
};
use crate::{
    error::{Error, Result},
    store::Limits,
};

/// Where statements run.
#[derive(Clone)]
pub(super) enum Link {
    Pool(Pool),
    Transaction(Arc<Transaction>),
}

/// The connection of a transaction, until it ends.
pub(super) struct Transaction {
    loan: Mutex<Option<Loan>>,
    config: Arc<PostgresConfig>,
    names: AtomicU64,
    /// The server ends statements of this connection that take too long.
    timed: bool,
}

impl Transaction {
    pub(super) fn new(loan: Loan, config: Arc<PostgresConfig>) -> Transaction {
        let timed = loan.statement_timeout_ms > 0;
        Transaction { loan: Mutex::new(Some(loan)), config, names: AtomicU64::new(0), timed }
    }
    fn lock(&self) -> MutexGuard<'_, Option<Loan>> {
        // No code of the user's runs under the lock, and a broken connection says so itself.
        self.loan.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Takes the connection back: what is left of the transaction answers with an error.
    pub(super) fn end(&self) -> Option<Loan> {
        self.lock().take()
    }
    /// A number that no other cursor or savepoint of the transaction has.
    fn next(&self) -> u64 {
        self.names.fetch_add(1, Ordering::Relaxed)
    }
    pub(super) fn run<T>(&self, limits: &Limits, work: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        refuse_in_runtime()?;
        limits.check()?;
        let mut loan = self.lock();
        let session = loan.as_mut().ok_or_else(ended)?;
        session.limit(limits)?;
        work(session)
    }
    /// Runs something that only reads. A time-out ends that alone, and nothing else of the transaction.
    pub(super) fn read<T>(&self, limits: &Limits, mut work: impl FnMut(&mut Session) -> Result<T>) -> Result<T> {
        if limits.deadline.is_none() && !self.timed {
            return self.run(limits, work);
        }
        match self.guarded(limits, &mut work) {
            // What it was prepared on has been forgotten.
            Err(error) if was_stale(&error) => self.guarded(limits, work),
            done => done,
        }
    }
    /// Runs something whose failure takes nothing else of the transaction with it.
    pub(super) fn guarded<T>(&self, limits: &Limits, work: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        self.run(limits, |session| {
            // Both marks travel with what is asked for behind them.
            session.ahead("SAVEPOINT dk_write")?;
            match work(session) {
                Ok(done) => session.ahead("RELEASE SAVEPOINT dk_write").map(|()| done),
                Err(error) if is_lost(&error) => Err(error),
                Err(error) => match session.batch("ROLLBACK TO SAVEPOINT dk_write; RELEASE SAVEPOINT dk_write") {
                    Err(lost) if is_lost(&lost) => Err(lost),
                    // Without a mark it was refused like all in a transaction that has failed before.
                    _ => Err(error),
                },
            }
        })
    }
    /// Runs something between two marks, and goes back to the first where it fails or panics.
    pub(super) fn savepoint<T, E: From<Error>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mark = Mark::set(self)?;
        match work() {
            Ok(done) => {
                mark.keep()?;
                Ok(done)
            }
            Err(error) => {
                mark.undo()?;
                Err(error)
            }
        }
    }
}

/// A mark in a transaction, to which it goes back where the mark is dropped.
struct Mark<'t> {
    transaction: &'t Transaction,
    name: String,
    passed: bool,
}

impl<'t> Mark<'t> {
    fn set(transaction: &'t Transaction) -> Result<Mark<'t>> {
        let name = format!("dk_{}", transaction.next());
        transaction.run(Limits::NONE, |session| session.batch(&format!("SAVEPOINT {name}")))?;
        Ok(Mark { transaction, name, passed: false })
    }
    fn keep(mut self) -> Result<()> {
        self.passed = true;
        self.transaction.run(Limits::NONE, |session| session.batch(&format!("RELEASE SAVEPOINT {}", self.name)))
    }
    fn undo(mut self) -> Result<()> {
        self.go_back()
    }
    fn go_back(&mut self) -> Result<()> {
        self.passed = true;
        let back = format!("ROLLBACK TO SAVEPOINT {0}; RELEASE SAVEPOINT {0}", self.name);
        self.transaction.run(Limits::NONE, |session| {
            session.batch(&back)?;
            session.time_out_unknown();
            Ok(())
        })
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        if !self.passed {
            // It cannot fail while the connection holds, and with the connection all is undone.
            let _ = self.go_back();
        }
    }
}

#[cold]
fn ended() -> Error {
    Error::unsupported("the transaction has ended; its stores and streams cannot be used any more")
}

impl Link {
    pub(super) fn config(&self) -> &PostgresConfig {
        match self {
            Link::Pool(pool) => &pool.config,
            Link::Transaction(transaction) => &transaction.config,
        }
    }

    /// Runs something that only reads.
    pub(super) fn read<T>(&self, limits: &Limits, work: impl FnMut(&mut Session) -> Result<T>) -> Result<T> {
        match self {
            Link::Pool(pool) => pool.read(limits, work),
            Link::Transaction(transaction) => transaction.read(limits, work),
        }
    }

    /// Runs a write that must not run twice and leaves nothing behind by which it could be found. Where its reply is lost,
    /// what is left of it on the server is ended, so that nothing happens after this has returned.
    pub(super) fn write_once(&self, statement: &Statement, limits: &Limits) -> Result<(Vec<Row>, u64)> {
        let pool = match self {
            Link::Transaction(transaction) => {
                return transaction.guarded(limits, |session| session.execute(statement));
            }
            Link::Pool(pool) => pool,
        };
        let mut loan = pool.get_fresh(limits)?;
        let lost = match loan.execute(statement) {
            Err(error) if is_lost(&error) => error,
            done => return done,
        };
        let backend = loan.backend;
        drop(loan);
        // Nobody may be there to be asked; the outcome is not known either way.
        let _ = pool.after_outage(limits, |session| backend.end(session));
        Err(ambiguous(lost))
    }

    /// Starts a query whose rows are read one by one. In a transaction others may run beside it, so it is a cursor there.
    pub(super) fn stream(&self, statement: Statement, limits: &Limits) -> Result<RawRows> {
        match self {
            Link::Pool(pool) => RawRows::stream(pool, &statement, limits),
            Link::Transaction(transaction) => {
                let name = format!("dk_{}", transaction.next());
                let declare =
                    Statement { sql: format!("DECLARE {name} NO SCROLL CURSOR FOR {}", statement.sql), ..statement };
                transaction.guarded(limits, |session| session.query(&declare).map(drop))?;
                Ok(RawRows::cursor(transaction.clone(), name, limits))
            }
        }
    }
}
