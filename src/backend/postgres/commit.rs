//! The end of a transaction. Where the reply to it is lost, the server is asked what became of it (semantics 5.6).

use std::time::Duration;

use super::{
    codec,
    error::is_lost,
    pool::{Backend, Loan, Pool},
    query::Statement,
    wire::Scalar,
    write::ambiguous,
};
use crate::{
    error::{Error, ErrorKind, Result},
    store::Limits,
};

impl Pool {
    /// Commits what was done over a connection of this pool.
    ///
    /// # Errors
    /// `Connection` where the transaction was undone, `Ambiguous` where nobody can say; what the server refuses at the end.
    pub(super) fn commit(&self, loan: &mut Loan) -> Result<()> {
        let xid = loan.query(&Statement::new("SELECT pg_current_xact_id_if_assigned()::text::bigint"))?;
        let xid = xid.first().map(|row| codec::raw(row, 0)).transpose()?.flatten();
        let xid = xid.and_then(|raw| raw.try_into().ok()).map(i64::from_be_bytes);
        match (loan.batch("COMMIT"), xid) {
            // It has written nothing.
            (Err(error), None) if is_lost(&error) => Ok(()),
            (Err(error), Some(xid)) if is_lost(&error) => self.became(xid, loan.backend, error),
            (done, _) => done,
        }
    }

    /// What became of a transaction, once the server's side of its connection is known to be gone.
    #[cold]
    fn became(&self, xid: i64, backend: Backend, lost: Error) -> Result<()> {
        let mut statement = Statement::new("SELECT pg_xact_status((");
        statement.bind(Scalar::Int8.one(), |out| out.i64(xid));
        statement.push("::text)::xid8)");
        for attempt in 1..=100 {
            let rows = self.after_outage(Limits::NONE, |session| {
                backend.end(session)?;
                session.query(&statement)
            });
            let status = rows.as_ref().ok().and_then(|rows| rows.first());
            match status.and_then(|row| codec::raw(row, 0).ok().flatten()) {
                Some(b"committed") => return Ok(()),
                Some(b"aborted") => {
                    let undone = "the connection broke, and the transaction was undone";
                    return Err(Error::new(ErrorKind::Connection, undone).because(lost));
                }
                Some(b"in progress") => std::thread::sleep(pause(attempt)),
                _ => break,
            }
        }
        Err(ambiguous(lost))
    }
}

/// A pause that grows with each attempt and differs from thread to thread.
pub(super) fn pause(attempt: u32) -> Duration {
    let step = 1_u64 << attempt.min(6);
    let chance = u64::from(crate::id::random_token()[0]);
    Duration::from_micros(200 * step + chance * step)
}
