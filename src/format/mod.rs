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

#[cfg(test)]
mod testing;
