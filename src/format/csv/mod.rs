//! CSV as bytes and fields (RFC 4180, semantics 2.10).
//!
//! - [`Dialect`] says which bytes separate and quote.
//! - [`Quotes`] finds where records end, for [`Blocks`](super::block::Blocks).
//! - [`Records`] gives the records and fields of a block.
//! - [`Row`] writes.
//! - [`inferred`] is what an unquoted cell is taken for where no schema says it.
//!
//! Reading takes what spreadsheets and databases write: line ends may be `\n`, `\r\n` or `\r`, mixed; blank lines are
//! skipped; a quote inside an unquoted field is an ordinary character. No field is trimmed, and the number of fields is
//! not looked at: the layer above knows how many there should be.

mod dialect;
mod infer;
mod record;
mod split;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use dialect::{Dialect, LineEnd};
pub(crate) use infer::{Inferred, inferred};
pub(crate) use record::{RawField, RawRecord, Records};
pub(crate) use split::Quotes;
pub(crate) use write::{Quoting, Row};
