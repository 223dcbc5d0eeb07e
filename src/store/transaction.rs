//! Transactions: a closure over a [`Database`] that stands or falls as a whole (semantics 5.8).

use crate::{
    error::{Error, Result},
    store::Database,
};

/// A database with transactions. A transaction is a [`Database`] itself, so code that is generic over databases runs
/// inside one unchanged.
pub trait Transactional: Database {
    /// The transaction.
    type Transaction<'t>: Database<Engine = Self::Engine>
    where
        Self: 't;

    /// Runs `work`; what it wrote takes effect when it returns `Ok`, all of it or nothing, and nothing when it returns
    /// `Err` or panics. It sees what it wrote itself.
    ///
    /// # Errors
    /// What `work` returned; `Conflict` where another writer was faster.
    fn transaction<T, E: From<Error>>(&self, work: impl FnOnce(&Self::Transaction<'_>) -> Result<T, E>)
    -> Result<T, E>;

    /// The same, run again up to `tries` times in all while `again` says so of the error.
    ///
    /// # Errors
    /// The last error.
    fn transaction_retrying<T, E: From<Error>>(
        &self,
        tries: u32,
        mut work: impl FnMut(&Self::Transaction<'_>) -> Result<T, E>,
        again: impl Fn(&E) -> bool,
    ) -> Result<T, E> {
        for _ in 1..tries {
            match self.transaction(&mut work) {
                Err(error) if again(&error) => {}
                done => return done,
            }
        }
        self.transaction(work)
    }
}
