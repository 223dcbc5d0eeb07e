//! Writes as data, and their outcomes: one for each record, in input order (semantics 5.4).

use crate::{
    error::Result,
    id::Id,
    record::{Changes, Draft, RecordCodec},
    version::Version,
};

/// One write of one record.
#[derive(Debug)]
#[non_exhaustive]
pub enum Write<'a, R: RecordCodec> {
    /// Stores a new record; `AlreadyExists` when the id is taken.
    Create(Draft<'a, R>),
    /// Replaces a record; `NotFound` when it is not there.
    Update(Draft<'a, R>),
    /// Replaces a record or stores a new one.
    Upsert(Draft<'a, R>),
    /// Changes single fields, atomically; `NotFound` when the record is not there.
    Patch {
        /// Which record.
        id: Id,
        /// What to change, in order.
        changes: Changes<R>,
        /// The version that the record must have.
        expected: Option<Version>,
    },
    /// Deletes a record, if it is there.
    Delete {
        /// Which record.
        id: Id,
        /// The version that the record must have.
        expected: Option<Version>,
    },
}

/// What became of one write.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The record's id.
    pub id: Id,
    /// Its version now; `None` where it is gone or its store has no versions.
    pub version: Option<Version>,
    /// What was done.
    pub effect: Effect,
}

/// What a write did.
// A word: what is stored as a byte is moved on, with what stands beside it, only after a wait.
#[repr(u64)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A record is there that was not.
    Created,
    /// A record was replaced or changed.
    Updated,
    /// A record is gone.
    Deleted,
    /// There was nothing to delete.
    Absent,
}

/// The outcome of one write of a batch.
pub type Outcome = Result<Written>;

/// Whether the writes of a batch stand or fall alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Atomicity {
    /// A bad record never takes its neighbours with it.
    #[default]
    Each,
    /// All or nothing; engines that cannot are not asked (semantics 5.4).
    All,
}

/// What [`load`](crate::Store::load) did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// Records that are there now.
    pub created: u64,
    /// Records that were refused, and items that did not read.
    pub failed: u64,
    /// From first to last.
    pub elapsed: std::time::Duration,
}
