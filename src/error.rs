//! The one error type: what can I do (`kind`), where (`place`), why (`source`). No secret ever enters it.
//!
//! Semantics 7.1: every failure has a [kind](Error::kind) to match on, a [place](Error::place) and a cause chain, and says
//! [whether trying again can help](Error::is_retryable). This module does no I/O and knows no backend.

use std::{borrow::Cow, fmt};

use crate::{
    id::{Id, InvalidId},
    like::InvalidPattern,
};

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about a failure (semantics 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such record; create it, or treat it as absent.
    NotFound,
    /// The id, or the value of a unique field, is taken.
    AlreadyExists,
    /// The record's version has moved on; read it again and decide.
    Conflict,
    /// A value that no store may hold, or that the field's type cannot hold; mend the value.
    Invalid,
    /// A declared constraint of the record type is violated; mend the value.
    Validation,
    /// The query is wrong: an unknown field, a value of another type, a damaged cursor, nesting over the limit.
    Query,
    /// The configuration, the URL or the way of opening is wrong.
    Configuration,
    /// The other side could not be reached, or the connection broke.
    Connection,
    /// Another process holds the store; wait, or tell the store to wait longer.
    Locked,
    /// The deadline passed; what was done until then is said in the message.
    Timeout,
    /// The caller's cancellation token was set.
    Cancelled,
    /// A row or byte budget was used up.
    Budget,
    /// Stored data does not read back; it was left as it is.
    Corrupt,
    /// This engine cannot do that. Nothing was sent.
    Unsupported,
    /// The outcome of a write is not known and cannot be found out (semantics 5.6).
    Ambiguous,
    /// Anything else the engine reported.
    Backend,
}

impl ErrorKind {
    fn words(self) -> &'static str {
        match self {
            ErrorKind::NotFound => "not found",
            ErrorKind::AlreadyExists => "already exists",
            ErrorKind::Conflict => "conflict",
            ErrorKind::Invalid => "invalid value",
            ErrorKind::Validation => "validation failed",
            ErrorKind::Query => "query",
            ErrorKind::Configuration => "configuration",
            ErrorKind::Connection => "connection",
            ErrorKind::Locked => "locked",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Cancelled => "cancelled",
            ErrorKind::Budget => "budget exceeded",
            ErrorKind::Corrupt => "corrupt data",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Ambiguous => "ambiguous outcome",
            ErrorKind::Backend => "backend",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// Where it happened. What is not known is `None`.
///
/// ```
/// use dk_data::{FieldDef, Filter, Schema, Type, format::{csv::Csv, json::Json}};
/// let schema = || Schema::new("people").field(FieldDef::new("name", Type::Text)).field(FieldDef::new("age", Type::U8));
/// // The second cell of the third line: of CSV the column is the cell.
/// let row = Csv::default().read_documents(&b"name,age\nAnn,40\nBo,x\n"[..], schema())?.nth(1);
/// let error = row.expect("a second row").expect_err("`x` is no number");
/// assert_eq!((error.place().line, error.place().column, error.place().value.as_deref()), (Some(3), Some(2), Some("x")));
/// // The twenty-first byte of the first line: of JSON the column counts bytes, and `ø` has two.
/// let row = Json::default().read_documents("{\"name\":\"Bø\",\"age\":\"x\"}".as_bytes(), schema()).next();
/// let error = row.expect("a row").expect_err("`x` is no number");
/// assert_eq!((error.place().line, error.place().column), (Some(1), Some(21)));
/// // The ninth character of the text.
/// let error = "age > 1 2".parse::<Filter>().expect_err("nothing follows");
/// assert_eq!((error.place().line, error.place().column), (None, Some(9)));
/// # Ok::<(), dk_data::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// Name of the store.
    pub store: Option<String>,
    /// Storage id of the record.
    pub id: Option<Id>,
    /// Path of the field, as written in a filter: `address.city`. Of a column that no schema declares, the name in the header.
    pub field: Option<String>,
    /// The offending value, in the form in which it was found: the text of a cell, of a JSON value, of a literal. Cut to 80
    /// characters and `…`. None where it would say no more than the message, as of null.
    pub value: Option<String>,
    /// Line of the text, counted from 1; `\n`, `\r\n` and a lone `\r` end one. In CSV that on which the cell begins, or the row
    /// where no cell is named; in JSON that on which the value begins. A filter as text is one line and names none; as JSON it has
    /// lines. Rows of Parquet have a number instead, which stands in the message.
    pub line: Option<u64>,
    /// Column, counted from 1. In CSV the number of the cell in its row, and in the header that of the name; where the row is no
    /// CSV, the byte of the line. In JSON the byte of the line. In a filter as text and in a path the character of the text.
    pub column: Option<u64>,
    /// The file or URL, without its secrets.
    pub url: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lead = "";
        let mut part = |f: &mut fmt::Formatter<'_>, name: &str, value: Option<&Shown<'_>>| -> fmt::Result {
            let Some(value) = value else { return Ok(()) };
            write!(f, "{lead}{name} {value}")?;
            lead = ", ";
            Ok(())
        };
        part(f, "at", self.url.as_deref().map(Shown::Text).as_ref())?;
        part(f, "in store", self.store.as_deref().map(Shown::Text).as_ref())?;
        part(f, "record", self.id.as_ref().map(Shown::Id).as_ref())?;
        part(f, "line", self.line.map(Shown::Number).as_ref())?;
        part(f, "column", self.column.map(Shown::Number).as_ref())?;
        part(f, "field", self.field.as_deref().map(Shown::Text).as_ref())?;
        part(f, "value", self.value.as_deref().map(Shown::Quoted).as_ref())
    }
}

/// The few things a place shows, as one closed type.
enum Shown<'a> {
    Text(&'a str),
    Quoted(&'a str),
    Id(&'a Id),
    Number(u64),
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Text(t) => f.write_str(t),
            Shown::Quoted(t) => write!(f, "{t:?}"),
            Shown::Id(id) => write!(f, "{:?}", id.to_string()),
            Shown::Number(n) => write!(f, "{n}"),
        }
    }
}

/// Why it happened: the causes this crate knows, and one box for backends of other crates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Cause {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Id(#[from] InvalidId),
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    #[error(transparent)]
    Time(#[from] jiff::Error),
    #[error(transparent)]
    Error(#[from] Error),
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

/// The box that drivers of other crates want their failures in.
#[cfg(feature = "postgres")]
pub(crate) type BoxedCause = Box<dyn std::error::Error + Send + Sync>;

/// Every failure of this crate; one machine word wide.
///
/// ```
/// use dk_data::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::NotFound, "no such person").in_store("people").at_field("age");
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert_eq!(error.to_string(), "not found: no such person (in store people, field age)");
/// assert!(!error.is_retryable());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    place: Place,
    cause: Option<Cause>,
    retryable: bool,
}

impl Error {
    /// An error of `kind`; the message says what is wrong and what to do. Never put a secret into it.
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let retryable = matches!(kind, ErrorKind::Connection | ErrorKind::Locked | ErrorKind::Timeout);
        Error(Box::new(Inner { kind, message: message.into(), place: Place::default(), cause: None, retryable }))
    }
    /// Why: the error of another crate, kept as the [source](std::error::Error::source).
    #[must_use]
    pub fn because(self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.caused_by(Cause::Other(cause.into()))
    }
    #[must_use]
    pub(crate) fn caused_by(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }
    /// Says whether trying again can help, where that differs from what the kind says.
    #[must_use]
    pub fn retryable(mut self, yes: bool) -> Self {
        self.0.retryable = yes;
        self
    }
    /// Adds the store's name, unless a place nearer to the failure has named one.
    #[must_use]
    pub fn in_store(mut self, name: &str) -> Self {
        self.0.place.store.get_or_insert_with(|| name.to_owned());
        self
    }
    /// Adds the record's id.
    #[must_use]
    pub fn at_id(mut self, id: &Id) -> Self {
        self.0.place.id.get_or_insert_with(|| id.clone());
        self
    }
    /// Adds the field's path, as written in a filter.
    #[must_use]
    pub fn at_field(mut self, path: impl Into<String>) -> Self {
        self.0.place.field.get_or_insert_with(|| path.into());
        self
    }
    /// Puts a path segment before the field that is named already: nested records tell their place from the inside out.
    #[must_use]
    pub(crate) fn under_field(mut self, parent: &str) -> Self {
        self.0.place.field = Some(match self.0.place.field.take() {
            Some(inner) => format!("{parent}.{inner}"),
            None => parent.to_owned(),
        });
        self
    }
    /// Adds the offending value, cut to 80 characters.
    #[must_use]
    pub fn with_value(mut self, value: &str) -> Self {
        self.0.place.value.get_or_insert_with(|| match value.char_indices().nth(80) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value.to_owned(),
        });
        self
    }
    /// Adds line and column, counted from 1.
    #[must_use]
    pub fn at_line(mut self, line: u64, column: Option<u64>) -> Self {
        self.0.place.line.get_or_insert(line);
        if let Some(column) = column {
            self.0.place.column.get_or_insert(column);
        }
        self
    }
    /// The place of what counted from the start of a part, in the whole.
    pub(crate) fn moved_to(mut self, line: u64, column: u64) -> Self {
        (self.0.place.line, self.0.place.column) = (Some(line), Some(column));
        self
    }
    /// Adds a column alone, counted from 1.
    #[must_use]
    pub fn at_column(mut self, column: u64) -> Self {
        self.0.place.column.get_or_insert(column);
        self
    }
    /// Adds the file or URL. The caller has taken the secrets out.
    #[must_use]
    pub fn at_url(mut self, url: &str) -> Self {
        self.0.place.url.get_or_insert_with(|| url.to_owned());
        self
    }

    /// Says that so many records were written before it.
    #[must_use]
    pub(crate) fn after(mut self, written: u64) -> Self {
        self.0.message = format!("{}; {written} records were written before", self.0.message).into();
        self
    }

    /// What can be done about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
    /// Where it happened.
    pub fn place(&self) -> &Place {
        &self.0.place
    }
    /// What is wrong, without kind and place.
    pub fn message(&self) -> &str {
        &self.0.message
    }
    /// Whether the same call may succeed later without any change by the caller.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }
    /// Whether the record was not there.
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }
    /// Whether a conditional write or a transaction lost.
    pub fn is_conflict(&self) -> bool {
        self.kind() == ErrorKind::Conflict
    }
}

/// Short constructors, one for each kind that this crate reports itself.
macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident),* $(,)?) => {
        impl Error { $(
            $(#[$doc])*
            #[cold]
            pub fn $name(message: impl Into<Cow<'static, str>>) -> Self { Error::new(ErrorKind::$kind, message) }
        )* }
    };
}
constructors! {
    /// [`ErrorKind::NotFound`].
    not_found => NotFound,
    /// [`ErrorKind::AlreadyExists`].
    already_exists => AlreadyExists,
    /// [`ErrorKind::Conflict`].
    conflict => Conflict,
    /// [`ErrorKind::Invalid`].
    invalid => Invalid,
    /// [`ErrorKind::Query`].
    query => Query,
    /// [`ErrorKind::Configuration`].
    configuration => Configuration,
    /// [`ErrorKind::Corrupt`].
    corrupt => Corrupt,
    /// [`ErrorKind::Unsupported`].
    unsupported => Unsupported,
    /// [`ErrorKind::Backend`].
    backend => Backend,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind, self.0.message)?;
        if self.0.place == Place::default() { Ok(()) } else { write!(f, " ({})", self.0.place) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("place", &self.0.place)
            .field("cause", &self.0.cause)
            .field("retryable", &self.0.retryable)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let cause = self.0.cause.as_ref()?;
        Some(match cause {
            Cause::Other(other) => other.as_ref(),
            known => known,
        })
    }
}

impl From<std::io::Error> for Error {
    fn from(cause: std::io::Error) -> Self {
        let retryable = matches!(cause.kind(), std::io::ErrorKind::Interrupted | std::io::ErrorKind::TimedOut);
        Error::backend("reading or writing failed").caused_by(cause).retryable(retryable)
    }
}

impl From<InvalidId> for Error {
    fn from(cause: InvalidId) -> Self {
        Error::invalid(cause.to_string()).caused_by(cause)
    }
}

impl From<InvalidPattern> for Error {
    fn from(cause: InvalidPattern) -> Self {
        Error::query(cause.to_string()).caused_by(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn nested_places_are_told_from_the_inside_out() {
        let error = Error::invalid("NaN").at_field("lat").under_field("geo").under_field("address").with_value("NaN");
        assert_eq!(error.to_string(), "invalid value: NaN (field address.geo.lat, value \"NaN\")");
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        let error = Error::invalid("too long").with_value(&"å".repeat(200));
        assert_eq!(error.place().value.as_ref().map(|v| v.chars().count()), Some(81));
    }

    #[test]
    fn causes_form_a_chain() {
        use std::error::Error as _;
        let error = Error::from(std::io::Error::other("disk"));
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("disk"));
    }
}
