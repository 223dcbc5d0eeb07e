//! What the crate beneath reports, as errors of ours; and its panics, which damaged files provoke, as errors, too.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::ParquetError;

use crate::error::{Error, ErrorKind};

/// Runs a step of the reader beneath. It panics on some damaged files (an index out of range in a page, a length that
/// overflows): what it worked on is thrown away, so nothing half done is seen afterwards.
///
/// # Errors
/// What the step reports, and its panic.
pub(super) fn guarded<T>(step: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let panicked = |_| Err(ParquetError::General("the decoder gave up on the data".to_owned()));
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(panicked)
}

/// An error of the crate beneath: of the disk, or of what the file says.
#[cold]
pub(super) fn raised(cause: ParquetError, place: &str) -> Error {
    let io = |cause: &ParquetError| match cause {
        ParquetError::External(inner) => inner.downcast_ref::<std::io::Error>().map(std::io::Error::kind),
        _ => None,
    };
    let (kind, message) = match io(&cause) {
        // Read on, a damaged block ends as an error of I/O; one that the disk reports has a kind of its own.
        Some(std::io::ErrorKind::Other) | None => {
            (ErrorKind::Corrupt, format!("the Parquet data does not read: {cause}"))
        }
        Some(std::io::ErrorKind::UnexpectedEof) => (ErrorKind::Corrupt, "the Parquet data ends too early".to_owned()),
        Some(_) => (ErrorKind::Backend, format!("the file cannot be read: {cause}")),
    };
    let message = if place.is_empty() { message } else { format!("{message} (in {place})") };
    Error::new(kind, message).because(cause)
}
