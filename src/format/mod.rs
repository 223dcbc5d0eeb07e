//! How records become bytes and bytes become records: CSV, NDJSON and JSON arrays (semantics 2.10).
//!
//! Each format has a *raw* layer, which knows bytes, fields and tokens but no record type. It is what this module holds:
//!
//! - [`block`] cuts any `Read` into blocks of whole records in bounded memory. Blocks are independent of each other,
//!   so they can be parsed on several threads; [`Framing`](block::Framing) is what a format says about its boundaries.
//! - [`csv`] and [`json`] take a block apart, and write the same text.
//!
//! Nothing here decodes a record, and nothing here opens a file.

pub(crate) mod block;
pub mod csv;
pub(crate) mod error;
pub mod json;
mod mask;
mod parallel;

#[cfg(test)]
mod testing;
