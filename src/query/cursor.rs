//! Cursors of keyset paging: opaque text that says where in an order a page ended (semantics 4.3).
//!
//! A cursor holds the values of the sort keys and the id of the last record, the fingerprints of the store and of the order that
//! they belong to, and a checksum. It holds no secret, and grants nothing that a query does not.

use std::{fmt, hash::Hasher, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    id::Id,
    query::{
        order::{Key, Ordered},
        predicate::Seen,
    },
    record::{RecordCodec, Stored},
    value::Value,
};

/// Where in an order a page ended. Opaque: keep it as text, hand it back with [`Query::after`](crate::Query::after).
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    store: u32,
    order: u32,
    values: Vec<Value>,
    id: Id,
}

#[derive(Serialize, Deserialize)]
struct Wire(u32, u32, Vec<Value>, Id);

/// The most characters that a cursor's text may have: room for 16 keys of text at its limit.
const MAX_TEXT: usize = 1 << 20;

impl Cursor {
    /// The place of a record in an order of a store.
    pub(crate) fn of<R: RecordCodec>(store: &str, ordered: &Ordered<R>, keys: &[Key<R>], row: &Stored<R>) -> Cursor {
        let values = ordered.values(Seen { record: &row.record, envelope: &row.envelope });
        Cursor { store: fingerprint(store), order: of_order(keys), values, id: row.envelope.id().clone() }
    }

    /// Refuses a cursor that was made by a query with another order, or in another store where this one is known.
    ///
    /// # Errors
    /// `Query`.
    pub(crate) fn check<R>(&self, store: Option<&str>, keys: &[Key<R>]) -> Result<()> {
        if store.is_some_and(|store| self.store != fingerprint(store)) {
            return Err(Error::query("the cursor belongs to another store; start again without it"));
        }
        if self.order == of_order(keys) && self.values.len() == keys.len() {
            return Ok(());
        }
        Err(Error::query("the cursor belongs to a query with another order; start again without it"))
    }

    /// The values of the sort keys at which the page ended.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
    /// The id of the record at which the page ended.
    pub fn id(&self) -> &Id {
        &self.id
    }
}

/// What tells one order from another: its keys, their directions and null placements.
fn of_order<R>(keys: &[Key<R>]) -> u32 {
    fingerprint(&keys.iter().map(|key| format!("{key},")).collect::<String>())
}

/// Few bits keep cursors short, and are enough against a mistake.
fn fingerprint(text: &str) -> u32 {
    let sum = checksum(text.as_bytes());
    (sum >> 32 ^ sum) as u32
}

/// FNV-1a: stable between versions and platforms, which the standard hashers do not promise.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    struct Fnv(u64);
    impl Hasher for Fnv {
        fn finish(&self) -> u64 {
            self.0
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0 = bytes.iter().fold(self.0, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
        }
    }
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    hasher.write(bytes);
    hasher.finish()
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wire = Wire(self.store, self.order, self.values.clone(), self.id.clone());
        let mut bytes = serde_json::to_vec(&wire).map_err(|_| fmt::Error)?;
        bytes.extend(checksum(&bytes).to_le_bytes());
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    /// # Errors
    /// `Query` for anything that is not the whole text of a cursor.
    fn from_str(text: &str) -> Result<Cursor> {
        let damaged = || Error::query("the cursor is damaged; start again without it");
        if text.len() > MAX_TEXT {
            return Err(damaged());
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| damaged())?;
        let (json, sum) = bytes.split_last_chunk::<8>().ok_or_else(damaged)?;
        if checksum(json) != u64::from_le_bytes(*sum) {
            return Err(damaged());
        }
        let Wire(store, order, values, id) = serde_json::from_slice(json).map_err(|_| damaged())?;
        Ok(Cursor { store, order, values, id })
    }
}
