//! dk-data.

// Lets the derives name this crate in its own tests and examples as users do.
extern crate self as dk_data;

pub mod capability;
pub mod error;
pub mod format;
pub mod id;
pub mod like;

pub mod any;
pub mod backend;
mod number;
pub mod query;
pub mod record;
pub mod store;
pub mod value;
mod value_json;
pub mod version;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use any::{AnyDatabase, AnyStore};
pub use error::{Error, ErrorKind, Result};
pub use id::Id;
pub use query::{
    Bound, Cursor, Filter, Key, Nulls, Plan, Predicate, Query, RunsOn, Seen, SubsetOf, all_of, any_of, created_at,
    meta, own, updated_at,
};
pub use record::{
    Change, Changes, Document, Draft, Envelope, FieldDef, FieldType, Metadata, Path, RecordCodec, Schema, Stored,
    TextEnum, Type, Typed,
};
pub use store::{CancelToken, Database, Effect, Limits, Outcome, Page, Store, Transactional, Written};
pub use value::{Value, ValueRef};
pub use version::Version;
