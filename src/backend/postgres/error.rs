//! What the server and the driver report, as errors of this crate: one function for all of it. Does no I/O.

use tokio_postgres::error::{DbError, ErrorPosition, Severity, SqlState};

use crate::error::{Error, ErrorKind};

/// Any failure of the driver.
#[cold]
pub(super) fn failure(cause: tokio_postgres::Error) -> Error {
    let error = match cause.as_db_error() {
        Some(report) => reported(report),
        None => unreported(&cause),
    };
    if is_of_change(&cause) {
        super::notice_change();
    }
    error.because(cause)
}

/// What the server says of a statement.
fn reported(report: &DbError) -> Error {
    let code = report.code();
    if *code == SqlState::INVALID_REGULAR_EXPRESSION {
        // It is one: it was parsed before it was sent.
        return super::regex::too_large();
    }
    let again = if tells_of_change(report) { "; open its store again if the table was changed" } else { "" };
    let message = format!("{}{}{again}", report.message(), more(report));
    let error = Error::new(kind_of(report), message);
    let transient = [
        &SqlState::T_R_SERIALIZATION_FAILURE,
        &SqlState::T_R_DEADLOCK_DETECTED,
        &SqlState::LOCK_NOT_AVAILABLE,
        &SqlState::TOO_MANY_CONNECTIONS,
    ];
    if transient.contains(&code) || is_outdated(report) { error.retryable(true) } else { error }
}

/// Whether the statement was prepared before its table was changed. It did not run.
fn is_outdated(report: &DbError) -> bool {
    // The code alone says that something is not supported.
    report.code().code() == "0A000" && report.routine() == Some("RevalidateCachedQuery")
}

/// Whether the table may be another one than it was when its store was opened: a table or a column is gone, or what was sent
/// has another form than the column.
fn tells_of_change(report: &DbError) -> bool {
    let code = report.code().code();
    is_outdated(report) || matches!(code, "42703" | "42P01" | "22P03") || (code == "08P01" && !ends(report))
}

/// The same of the driver's own error.
pub(super) fn is_of_change(cause: &tokio_postgres::Error) -> bool {
    cause.as_db_error().is_some_and(tells_of_change)
}

/// Whether the connection ends with it.
fn ends(report: &DbError) -> bool {
    report.parsed_severity() != Some(Severity::Error)
}

/// Detail, hint and code, as far as there are some.
fn more(report: &DbError) -> String {
    let detail = report.detail().map_or(String::new(), |detail| format!(": {detail}"));
    let hint = report.hint().map_or(String::new(), |hint| format!(" ({hint})"));
    let place = match report.position() {
        Some(ErrorPosition::Original(at)) => format!(", at character {at}"),
        _ => String::new(),
    };
    format!("{detail}{hint} [SQLSTATE {}{place}]", report.code().code())
}

fn kind_of(report: &DbError) -> ErrorKind {
    match report.code().code() {
        _ if is_outdated(report) => ErrorKind::Conflict,
        "23505" | "23P01" => ErrorKind::AlreadyExists,
        "23502" | "23503" | "23514" => ErrorKind::Validation,
        "40001" | "40P01" | "55P03" => ErrorKind::Conflict,
        "57014" => ErrorKind::Timeout,
        "53300" | "57P01" | "57P02" | "57P03" | "57P05" => ErrorKind::Connection,
        "28P01" | "28000" | "3D000" | "3F000" | "42501" | "42P01" | "42703" | "42704" => ErrorKind::Configuration,
        "25006" => ErrorKind::Unsupported,
        // An error of this class that ends nothing is about the statement, or about a server behind the server.
        code if code.starts_with("08") && ends(report) => ErrorKind::Connection,
        code if code.starts_with("22") || code.starts_with("54") => ErrorKind::Invalid,
        _ => ErrorKind::Backend,
    }
}

/// What the driver says, with what lies behind it.
pub(super) fn shown(cause: &tokio_postgres::Error) -> String {
    match std::error::Error::source(cause) {
        Some(source) => format!("{cause}: {source}"),
        None => cause.to_string(),
    }
}

/// What the socket said, where it was the socket.
fn io(cause: &tokio_postgres::Error) -> Option<&std::io::Error> {
    std::error::Error::source(cause)?.downcast_ref()
}

/// The failure of a socket that was to be connected.
#[cold]
pub(super) fn unreachable(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Connection, format!("error connecting to server: {cause}")).because(cause)
}

/// What the driver said, where an error is made of that.
fn said(error: &Error) -> Option<&tokio_postgres::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

/// Whether the server was reached, and refused.
pub(super) fn is_refusal(error: &Error) -> bool {
    said(error).is_some_and(|cause| cause.as_db_error().is_some())
}

/// Whether the other side was waited for in vain.
pub(super) fn timed_out(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let socket = source.and_then(|source| source.downcast_ref()).or_else(|| io(said(error)?));
    socket.is_some_and(|error: &std::io::Error| error.kind() == std::io::ErrorKind::TimedOut)
}

/// What went wrong on the way.
fn unreported(cause: &tokio_postgres::Error) -> Error {
    let message = shown(cause);
    let kind = match io(cause) {
        _ if cause.is_closed() => ErrorKind::Connection,
        Some(_) => ErrorKind::Connection,
        None if message.contains("connecting") || message.contains("TLS") => ErrorKind::Connection,
        None if message.contains("password") || message.contains("authentication") || message.contains("config") => {
            ErrorKind::Configuration
        }
        None => ErrorKind::Backend,
    };
    Error::new(kind, message)
}

/// The name of the constraint that a write violated.
pub(super) fn constraint(cause: &tokio_postgres::Error) -> Option<&str> {
    cause.as_db_error()?.constraint()
}

/// Whether a prepared statement has to be made anew: its table was changed, or a pooler gave it to another connection.
pub(super) fn is_stale(cause: &tokio_postgres::Error) -> bool {
    cause.code().is_some_and(|code| matches!(code.code(), "0A000" | "26000" | "42P05"))
}

/// The same of an error of this crate.
pub(super) fn was_stale(error: &Error) -> bool {
    said(error).is_some_and(is_stale)
}

/// Whether the server refused a connection that it may take a moment later: it has too many, or it starts.
pub(super) fn is_passing(error: &Error) -> bool {
    said(error).and_then(tokio_postgres::Error::code).is_some_and(|code| matches!(code.code(), "53300" | "57P03"))
}

/// Whether nothing came back because the connection is gone.
pub(super) fn is_lost(error: &Error) -> bool {
    error.kind() == ErrorKind::Connection
}

/// The same of the driver's own error.
pub(super) fn is_broken(cause: &tokio_postgres::Error) -> bool {
    match cause.as_db_error() {
        Some(report) => kind_of(report) == ErrorKind::Connection,
        None => cause.is_closed() || io(cause).is_some(),
    }
}
