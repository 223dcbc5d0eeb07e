//! Where each id of a base file is: sixteen bytes a record, and at most 37 with the room that the table keeps.

use std::{
    hash::BuildHasher,
    sync::{Arc, Mutex},
};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::{apart::apart, base::BaseRow, core::locked};
use crate::{
    error::{Error, Result},
    id::Id,
};

/// The places of ids, by hash. Ids themselves are in the file, and whoever looks one up compares it there.
pub(super) struct Index {
    table: HashTable<Slot>,
    hasher: RandomState,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    place: u64,
}

/// An index that is made when it is first needed. Who needs it meanwhile waits.
#[derive(Default)]
pub(super) struct Once(Mutex<Option<Arc<Index>>>);

impl Once {
    /// The index.
    ///
    /// # Errors
    /// What kept it from being made; the next one tries again.
    pub(super) fn get(&self, make: impl FnOnce() -> Result<Index> + Send) -> Result<Arc<Index>> {
        let mut made = locked(&self.0);
        if let Some(index) = &*made {
            return Ok(index.clone());
        }
        let index = Arc::new(apart(make)?);
        *made = Some(index.clone());
        Ok(index)
    }
}

impl Index {
    pub(super) fn new() -> Index {
        Index { table: HashTable::new(), hasher: RandomState::default() }
    }

    /// That of all rows of a scan. `is_at` says whether the row at a place has this id, `twice` what is said of two that have the same.
    ///
    /// # Errors
    /// Those of rows, and where two have the same id.
    pub(super) fn of<R>(
        scan: impl Iterator<Item = Vec<BaseRow<R>>>,
        is_at: impl Fn(u64, &Id) -> Result<bool>,
        twice: impl Fn(u64, u64) -> Error,
    ) -> Result<Index> {
        let mut index = Index::new();
        for row in scan.flatten() {
            let id = row.stored?.envelope.id().clone();
            for place in index.add(&id, row.place) {
                if is_at(place, &id)? {
                    return Err(twice(place, row.place).at_id(&id));
                }
            }
        }
        Ok(index)
    }

    fn hash(&self, id: &Id) -> u64 {
        self.hasher.hash_one(id)
    }

    /// Adds an id; answers the places of ids that may be the same.
    pub(super) fn add(&mut self, id: &Id, place: u64) -> Vec<u64> {
        let hash = self.hash(id);
        let same = self.places_of(hash).collect();
        self.table.insert_unique(hash, Slot { hash, place }, |slot| slot.hash);
        same
    }

    /// The places where the id may be: one in nearly all cases.
    pub(super) fn places(&self, id: &Id) -> impl Iterator<Item = u64> + '_ {
        self.places_of(self.hash(id))
    }

    fn places_of(&self, hash: u64) -> impl Iterator<Item = u64> + '_ {
        self.table.iter_hash(hash).filter(move |slot| slot.hash == hash).map(|slot| slot.place)
    }

    /// How many ids there are.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// How much memory it takes, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.table.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_at_most_48_bytes() {
        let mut index = Index::new();
        for number in 0..100_000_u64 {
            assert!(index.add(&Id::from(number), number * 100).is_empty());
            let bytes = index.bytes() / index.len();
            assert!(bytes <= 48 || number < 16, "{bytes} bytes a record at {number}");
        }
        assert_eq!(index.places(&Id::from(77_777_u64)).collect::<Vec<_>>(), [7_777_700]);
    }
}
