//! Set-based writes for engines that have none: a scan, and a conditional write of each record that it finds
//! (semantics 5.10).

use crate::{
    capability::Caps,
    error::{ErrorKind, Result},
    query::{Predicate, Runnable, Seen, Whole},
    record::{Changes, RecordCodec, Stored},
    store::{
        driver::Driver,
        effort,
        limits::Limits,
        write::{Atomicity, Effect, Outcome, Write},
    },
};

/// How often a record that changes meanwhile is looked at again before giving up.
const MAX_ROUNDS: usize = 1_000;

/// Changes single fields of every record that the query admits; says of how many.
pub(crate) fn patch<R: RecordCodec, D: Driver<R>, P: Predicate<R>>(
    store: &D,
    query: Runnable<D::Engine, R, P, Whole>,
    changes: &Changes<R>,
    limits: &Limits,
) -> Result<u64> {
    let write = |stored: &Stored<R>| Write::Patch {
        id: stored.envelope.id().clone(),
        changes: changes.clone(),
        expected: stored.envelope.version().cloned(),
    };
    each(store, query, limits, write)
}

/// Deletes every record that the query admits; says how many.
pub(crate) fn delete<R: RecordCodec, D: Driver<R>, P: Predicate<R>>(
    store: &D,
    query: Runnable<D::Engine, R, P, Whole>,
    limits: &Limits,
) -> Result<u64> {
    let write = |stored: &Stored<R>| Write::Delete {
        id: stored.envelope.id().clone(),
        expected: stored.envelope.version().cloned(),
    };
    each(store, query, limits, write)
}

/// Writes every record that the query admits, each only in the version in which it was admitted.
fn each<R: RecordCodec, D: Driver<R>, P: Predicate<R>>(
    store: &D,
    query: Runnable<D::Engine, R, P, Whole>,
    limits: &Limits,
    write: impl Fn(&Stored<R>) -> Write<'static, R>,
) -> Result<u64> {
    let predicate = query.predicate().clone();
    let mut done = 0;
    let mut rows = store.scan(query, limits)?;
    let mut write_chunk = |done: &mut u64| -> Result<bool> {
        limits.check()?;
        let chunk = rows.by_ref().take(limits.chunk).collect::<Result<Vec<Stored<R>>>>()?;
        if chunk.is_empty() {
            return Ok(false);
        }
        let outcomes = store.write(chunk.iter().map(&write), Atomicity::Each, limits)?;
        // All of them were tried: what was written behind the first that was refused counts, too.
        let mut refused = Ok(true);
        for (row, outcome) in chunk.into_iter().zip(outcomes) {
            match settle(store, &predicate, limits, row, outcome, &write) {
                Ok(written) => *done += u64::from(written),
                Err(error) => refused = refused.and(Err(error)),
            }
        }
        refused
    };
    loop {
        match write_chunk(&mut done) {
            Ok(true) => {}
            Ok(false) => return Ok(done),
            Err(error) => return Err(error.after(done)),
        }
    }
}

/// Looks again at a record that lost a race, until it is written, gone or no longer meant.
fn settle<R: RecordCodec, D: Driver<R>, P: Predicate<R>>(
    store: &D,
    predicate: &P,
    limits: &Limits,
    row: Stored<R>,
    mut outcome: Outcome,
    write: &impl Fn(&Stored<R>) -> Write<'static, R>,
) -> Result<bool> {
    // What only the engine can tell is not told here: whoever lost the race is told so.
    if Caps::FULL_TEXT.within(predicate.needs()) && !matches!(&outcome, Err(e) if e.kind() == ErrorKind::NotFound) {
        return outcome.map(|written| written.effect != Effect::Absent);
    }
    for _ in 0..MAX_ROUNDS {
        match outcome {
            Ok(written) => return Ok(written.effect != Effect::Absent),
            Err(error) if !matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => return Err(error),
            Err(_) => {}
        }
        effort::repeated();
        let Some(now) = store.fetch_one(row.envelope.id(), limits)? else { return Ok(false) };
        if !predicate.matches(Seen { record: &now.record, envelope: &now.envelope }) {
            return Ok(false);
        }
        outcome = store.write_one(write(&now), limits);
    }
    outcome.map(|_| true)
}
