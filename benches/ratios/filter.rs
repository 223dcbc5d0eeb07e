//! A filter that is data, bound to its schema, against the same predicate as a type.
//!
//! Both sides are ours: `filter/bound` (0.2) over the people of `Data`, with the conditions of `memory/count`.

use crate::harness::Row;

pub const ROWS: &[Row] = &[];
