//! How records become bytes and bytes become records: CSV, NDJSON and JSON arrays (semantics 2.10).
//!
//! - [`csv`] reads and writes CSV, [`json`] NDJSON and JSON arrays; both over any `Read` and `Write`, in bounded memory.
//! - A reader cuts its input into blocks of whole records, which are parsed on rayon and given in order. A record that does
//!   not read is an item with its place, and the reader goes on behind it.
//!
//! Nothing here opens a file, and nothing here is a store.

#[cfg(feature = "parquet")]
mod as_done;
#[cfg(any(feature = "file", feature = "parquet"))]
pub(crate) mod beside;
pub(crate) mod block;
pub mod csv;
pub(crate) mod error;
pub mod json;
mod mask;
pub(crate) mod parallel;
#[cfg(feature = "parquet")]
pub mod parquet;
pub(crate) mod timestamp;

use crate::{
    error::{Error, Result},
    query::{Filter, Predicate},
};

/// A predicate as a reader needs it, as data.
///
/// # Errors
/// `Query` where it is none, `Unsupported` where it has no data form.
fn lowered<R>(predicate: &impl Predicate<R>) -> Result<Filter> {
    predicate.check()?;
    let own = "a predicate of one's own code has no form as data; use the `filter` of the iterator";
    predicate.lower().ok_or_else(|| Error::unsupported(own))
}

#[cfg(test)]
mod testing;
