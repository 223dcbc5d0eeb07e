//! Making indexes without holding writers up. What fails halfway leaves half an index behind: no query uses it, and what it
//! forbids is forbidden all the same. Here it is taken away, before a try and after one that failed.

use std::{thread, time::Duration};

use tokio_postgres::Row;

use super::{compare::Difference, error::is_lost, live::flag, pool::Session, query::Statement};
use crate::error::{Error, Result};

/// How often an index is made that others take away meanwhile.
const TRIES: usize = 3;
/// Between two looks at an index that somebody makes.
const PAUSE: Duration = Duration::from_millis(100);

/// An index that a statement makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Making {
    /// Its name, as SQL writes it.
    pub(super) name: String,
    /// What it is called in errors.
    pub(super) what: String,
    /// The field that it is of, where it is of one.
    pub(super) field: Option<String>,
}

/// How far an index has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Valid,
    /// Somebody makes it at this moment.
    Growing,
    /// Nobody does, and it is not valid.
    HalfMade,
}

impl State {
    /// Two columns that tell it of `pg_index i`.
    pub(super) const COLUMNS: &str = "i.indisvalid, \
        EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)";

    /// What the columns say, the first of which is here.
    pub(super) fn of(row: &Row, first: usize) -> Result<State> {
        Ok(match (flag(row, first)?, flag(row, first + 1)?) {
            (true, _) => State::Valid,
            (false, true) => State::Growing,
            (false, false) => State::HalfMade,
        })
    }
}

/// What is to be done about an index that is not valid or not there: half of one is taken away before it is made.
pub(super) fn missing(
    found: Option<State>,
    making: Making,
    told: String,
    sql: String,
) -> impl Iterator<Item = Difference> {
    let half = (found == Some(State::HalfMade)).then(|| {
        let told = format!("{} is not valid: it was left half made", making.what);
        Difference::safe(told, dropping(&making.name))
    });
    // Rows that share a value stand in the way of a unique one; the server says which.
    half.into_iter().chain([Difference { making: Some(making), ..Difference::safe(told, sql) }])
}

/// How far the index has come; `None` where there is none.
fn state(session: &mut Session, name: &str) -> Result<Option<State>> {
    let mut statement =
        Statement::new(format!("SELECT {} FROM pg_index i WHERE i.indexrelid = to_regclass(", State::COLUMNS));
    statement.bind_text(name);
    statement.push(")");
    let rows = session.query(&statement)?;
    rows.first().map(|row| State::of(row, 0)).transpose()
}

/// Takes half an index away.
fn clear(session: &mut Session, name: &str) -> Result<()> {
    match state(session, name)? {
        Some(State::HalfMade) => session.batch(&dropping(name)),
        _ => Ok(()),
    }
}

/// The statement that takes an index away without holding writers up.
pub(super) fn dropping(name: &str) -> String {
    format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")
}

/// Makes an index. May be run again, over another connection, when the first is lost.
fn make(session: &mut Session, name: &str, sql: &str) -> Result<()> {
    let mut last = Error::conflict("others make it, or take it away, at the same time").retryable(true);
    for _ in 0..TRIES {
        // The server goes on with one whose connection broke. To ask for it as well can make both wait for each other.
        while state(session, name)? == Some(State::Growing) {
            thread::sleep(PAUSE);
        }
        clear(session, name)?;
        match session.batch(sql) {
            Err(error) if error.is_conflict() && error.is_retryable() => last = error,
            made => made?,
        }
        // Of an index that is there already nothing is made, be it half of one.
        if state(session, name)? == Some(State::Valid) {
            return Ok(());
        }
    }
    Err(last)
}

/// Does what a difference says.
///
/// # Errors
/// What the server reports, of an index with the field that it is of; nothing of it is left then.
pub(super) fn apply(session: &mut Session, difference: &Difference) -> Result<()> {
    let Some(Making { name, what, field }) = &difference.making else {
        return session.batch(&difference.sql);
    };
    make(session, name, &difference.sql).map_err(|error| {
        if is_lost(&error) {
            return error;
        }
        // Over the same connection: to others the server tells for a moment that somebody makes it still.
        let left = match clear(session, name) {
            Ok(()) => "",
            Err(_) => "; half of it is left, and taken away by the next `migrate`",
        };
        let why = format!("{what} was not made: {}{left}", error.message());
        let told = Error::new(error.kind(), why).retryable(error.is_retryable());
        let told = field.iter().fold(told, |told, field| told.at_field(field.clone()));
        told.because(error)
    })
}
