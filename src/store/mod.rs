//! Stores and databases: the verbs users call, and the contract that engines implement.
//!
//! [`Store`] is what users hold; it is built once, on [`Driver`], so a verb means the same on every engine by construction.

pub mod aggregate;
pub mod decide;
pub mod driver;
pub(crate) mod effort;
pub mod limits;
pub(crate) mod matching;
pub mod search;
pub mod split;
pub mod stream;
pub mod transaction;
pub mod verbs;
mod with;
pub mod write;

use std::sync::Arc;

pub use self::{
    aggregate::Aggregating,
    decide::{Decision, Incoming, Mode},
    driver::Driver,
    limits::{CancelToken, Limits},
    search::{Highlight, Hit, Searching},
    split::Split,
    stream::{Page, Progress, Stream},
    transaction::Transactional,
    verbs::Store,
    with::With,
    write::{Atomicity, Effect, Loaded, Outcome, Write, Written},
};
use crate::{
    capability::Engine,
    error::{Error, Result},
    record::{Document, RecordCodec, Schema, Typed},
};

/// A place with stores in it: a cheap handle to a pool, a folder, an agent; or a transaction.
pub trait Database: Send + Sync {
    /// What runs the queries of its stores.
    type Engine: Engine;
    /// Its stores.
    type Store<R: RecordCodec>: Driver<R, Engine = Self::Engine>;

    /// Opens a store under this name, which was [checked](check_name), with this schema, which is valid. What the engine
    /// cannot hold is refused here, before any data moves (semantics 2.3).
    ///
    /// # Errors
    /// `Configuration` where a store of this name holds something else, `Unsupported` for a type it cannot hold.
    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<Self::Store<R>>;

    /// The store of a derived record type, under the type's own name.
    ///
    /// # Errors
    /// As [`open`](Database::open), and for a bad name.
    fn store<R: Typed>(&self) -> Result<Self::Store<R>> {
        self.store_named(&R::SCHEMA.name)
    }

    /// A store of a derived record type under another name.
    ///
    /// # Errors
    /// As [`open`](Database::open), and for a bad name (semantics 8.4).
    fn store_named<R: Typed>(&self, name: &str) -> Result<Self::Store<R>> {
        const {
            assert!(
                R::TYPES.within(<Self::Engine as Engine>::HOLDS),
                "the engine cannot hold a field type of this record exactly (semantics 2.3)"
            );
        }
        check_name(name)?;
        R::SCHEMA.validate()?;
        self.open(name, R::SCHEMA)
    }

    /// A store of documents with this schema, open or closed.
    ///
    /// # Errors
    /// As [`open`](Database::open), and for a bad name or schema.
    fn documents(&self, name: &str, schema: Schema) -> Result<Self::Store<Document>> {
        check_name(name)?;
        schema.validate()?;
        check_held::<Self::Engine>(&schema)?;
        self.open(name, Arc::new(schema))
    }
}

/// Refuses a field that an engine cannot hold (semantics 2.3).
pub(crate) fn check_held<E: Engine>(schema: &Schema) -> Result<()> {
    let Some(field) = schema.fields.iter().find(|field| !field.needs().within(E::HOLDS)) else { return Ok(()) };
    let why = match field.ty.needs().within(E::HOLDS) {
        true => format!("{} cannot keep the values of a unique field apart", E::NAME),
        false => format!("{} cannot hold a {} exactly", E::NAME, field.ty),
    };
    Err(Error::unsupported(why).at_field(field.name.clone()))
}

/// A reference to a database is one: generic code runs inside a transaction, which is only lent.
impl<D: Database> Database for &D {
    type Engine = D::Engine;
    type Store<R: RecordCodec> = D::Store<R>;
    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<Self::Store<R>> {
        (**self).open(name, shape)
    }
    fn documents(&self, name: &str, schema: Schema) -> Result<Self::Store<Document>> {
        (**self).documents(name, schema)
    }
}

/// Refuses a store name outside semantics 8.4: 1 to 63 bytes of `a-z 0-9 _ -`, beginning with a letter.
///
/// # Errors
/// `Configuration`.
pub fn check_name(name: &str) -> Result<()> {
    let good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'_' | b'-');
    let fine = name.len() <= 63 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(good);
    if fine {
        return Ok(());
    }
    Err(Error::configuration("a store name has 1 to 63 of `a-z 0-9 _ -` and begins with a letter").with_value(name))
}
