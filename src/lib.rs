//! One typed record API, with one meaning wherever the records live: synchronous, generic, without `dyn`.
//!
//! A [`Database`] is a place, a [`Store`] one collection of records in it. A [`Query`] says what to look for: a predicate, an
//! order, a page, a projection. What each operation means is written down clause by clause in [`docs::semantics`], and one
//! suite of tests holds every backend to it. There is the [memory backend](backend::memory), which is the reference; files
//! and PostgreSQL, each behind a feature of its name; and [`AnyDatabase`], which chooses a backend by a URL.
//!
//! ```
//! use dk_data::{Database, Record, Store, backend::memory::Memory};
//!
//! #[derive(Record, Clone, Debug)]
//! struct Person {
//!     #[record(id)]
//!     email: String,
//!     name: String,
//!     age: Option<u8>,
//! }
//!
//! let people = Memory::new().store::<Person>()?;
//! people.create(Person { email: "ann@example.org".into(), name: "Ann".into(), age: Some(40) })?;
//! people.create(Person { email: "bo@example.org".into(), name: "Bo".into(), age: None })?;
//!
//! let adults = Person::query().filter(Person::AGE.ge(18)).sort(Person::NAME.asc()).limit(100);
//! for person in people.stream(&adults)? {
//!     assert_eq!(person?.name, "Ann");
//! }
//! # Ok::<(), dk_data::Error>(())
//! ```
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | the verbs, and what each does when a record is missing | [`Store`] |
//! | records as structs | [`Record`], [`TextEnum`] |
//! | records whose fields are known at run time | [`Document`], [`document!`], [`Schema`] |
//! | queries and filters | [`Query`], [`Filter`], [`query`] |
//! | all or nothing | [`Transactional`] |
//! | what went wrong, and what to do | [`Error`], [`ErrorKind`] |
//! | a guided tour | [`docs::tutorial`] |
//! | PostgreSQL, with the feature `postgres` | the page `docs::postgres` |
//! | a backend of your own | [`docs::new_backend`] |
//! | why it is so | [`docs::design`] |
//!
//! # What it is not
//!
//! No ORM: no joins, no lazy loading, no migrations behind your back. Not async: calls block. No planner over several stores: what an engine
//! cannot do does not compile, or is refused before anything is sent.

// Lets the derives name this crate in its own tests and examples as users do.
extern crate self as dk_data;

pub mod capability;
pub mod error;
pub mod format;
pub mod id;
pub mod like;

pub mod any;
pub mod backend;
pub mod layer;
mod number;
pub mod query;
pub mod record;
pub mod store;
pub mod value;
mod value_json;
pub mod version;

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod docs;

pub use any::{AnyDatabase, AnyStore, AnyTransaction};
pub use dk_derive::{Record, TextEnum};
pub use error::{Error, ErrorKind, Result};
// The crates whose types fields have.
pub use ::{jiff, rust_decimal, uuid};
pub use id::Id;
pub use layer::{Emulate, Observe};
pub use query::{
    Bound, Cursor, Filter, Key, Nulls, Plan, Predicate, Query, RunsOn, Seen, SubsetOf, all_of, any_of, created_at,
    meta, own, updated_at,
};
pub use record::{
    Change, Changes, Document, Draft, Envelope, FieldDef, FieldType, Metadata, Path, RecordCodec, Schema, Stored,
    TextEnum, Type, Typed,
};
pub use store::{
    Aggregating, CancelToken, Database, Effect, Highlight, Hit, Limits, Outcome, Page, Searching, Split, Store,
    Transactional, Written,
};
pub use value::{Value, ValueRef};
pub use version::Version;
