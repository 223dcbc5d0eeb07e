//! What is wrong with text, and where. Small on purpose: the typed layer adds the field's name, the value and the record.

use std::io;

use thiserror::Error;

use super::block::Position;
use crate::{
    error::{Error as DataError, Result},
    record::FieldDef,
};

/// A raw record that cannot be used, or an input that cannot be read on.
#[derive(Debug, Error)]
#[error("{position}: {cause}")]
pub(crate) struct RawError {
    /// Where in the input.
    pub position: Position,
    /// Which field of the record, counted from 0, where a CSV record is at fault.
    pub field: Option<usize>,
    /// What is wrong.
    #[source]
    pub cause: Cause,
}

impl RawError {
    /// A fault of the text itself.
    pub fn fault(position: Position, field: Option<usize>, kind: FaultKind) -> Self {
        Self { position, field, cause: Cause::Fault(kind) }
    }
}

/// Why: the text, or the reader it comes from.
#[derive(Debug, Error)]
pub(crate) enum Cause {
    /// The reader failed. Nothing is read after this.
    #[error("the input cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The text is not what its format allows.
    #[error(transparent)]
    Fault(#[from] FaultKind),
}

/// What a text does wrong.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum FaultKind {
    #[error("the input is UTF-16; it must be UTF-8")]
    Utf16,
    #[error("the text is not valid UTF-8")]
    InvalidUtf8,
    #[error("the text holds U+0000, which no store keeps")]
    Nul,
    #[error("a record is longer than the limit of {limit} bytes (is a quote or a bracket left open?)")]
    RecordTooLong { limit: usize },

    #[error("a quoted field is never closed")]
    UnclosedQuote,
    #[error("there is text between a closing quote and the end of the field")]
    TextAfterQuote,

    #[error("the input is not a JSON array of records")]
    NotAnArray,
    #[error("the array ends too early")]
    Truncated,
    #[error("there is more text after the end of the array")]
    Trailing,
    #[error("a comma is missing or stands alone in the array")]
    Comma,
}

/// Refuses NaN and infinities (semantics 2.5).
///
/// # Errors
/// `Invalid`, with the field.
#[inline]
pub(crate) fn finite(field: &FieldDef, value: f64) -> Result<()> {
    if value.is_finite() { Ok(()) } else { Err(not_finite(field, value)) }
}

#[cold]
fn not_finite(field: &FieldDef, value: f64) -> DataError {
    let error = DataError::invalid("NaN and infinities cannot be stored");
    error.at_field(field.name.clone()).with_value(&value.to_string())
}
