//! What was written since the last checkpoint, in memory: what the journal holds, by id.

use std::{
    collections::{HashMap, hash_map::Entry as Slot},
    hash::BuildHasher,
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::{
    journal::{Change, Entry},
    rows::Row,
};
use crate::{id::Id, version::Version};

/// Parts that are copied alone when a reader still looks at them.
const SHARDS: usize = 64;

type Shard = HashMap<Id, Held, RandomState>;

/// The state of one record.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// The record; `None` where it was deleted.
    pub(super) row: Option<Row>,
    /// Whether the base file has a record of this id, which is hidden.
    pub(super) in_base: bool,
}

impl Held {
    pub(super) fn version(&self) -> Option<&Version> {
        self.row.as_ref()?.envelope().version()
    }
}

/// All of them. Clones share what neither changes, so a clone is a snapshot.
#[derive(Clone, Debug)]
pub(super) struct Overlay {
    shards: Vec<Arc<Shard>>,
    hasher: RandomState,
    records: usize,
    rows: i64,
    hidden: i64,
    bytes: u64,
}

impl Overlay {
    pub(super) fn new() -> Overlay {
        let hasher = RandomState::default();
        let shards = (0..SHARDS).map(|_| Arc::new(Shard::with_hasher(RandomState::default()))).collect();
        Overlay { shards, hasher, records: 0, rows: 0, hidden: 0, bytes: 0 }
    }

    fn place(&self, id: &Id) -> usize {
        (self.hasher.hash_one(id) >> 40) as usize % SHARDS
    }

    pub(super) fn get(&self, id: &Id) -> Option<&Held> {
        if self.is_empty() {
            return None;
        }
        self.shards.get(self.place(id))?.get(id)
    }

    /// Takes a change in.
    pub(super) fn apply(&mut self, entry: Entry) {
        let (id, row) = match entry.change {
            Change::Put(row) => (row.envelope().id().clone(), Some(row)),
            Change::Deleted { id } => (id, None),
        };
        let place = self.place(&id);
        let Some(shard) = self.shards.get_mut(place).map(Arc::make_mut) else { return };
        let bytes = |row: &Option<Row>| row.as_ref().map_or(0, |row| row.body().len() as u64);
        self.bytes += bytes(&row);
        self.rows += i64::from(row.is_some());
        let held = Held { row, in_base: entry.in_base };
        match shard.entry(id) {
            Slot::Vacant(slot) => {
                self.hidden += i64::from(held.in_base);
                self.records += 1;
                slot.insert(held);
            }
            Slot::Occupied(mut slot) => {
                let old = slot.get();
                self.bytes -= bytes(&old.row);
                self.rows -= i64::from(old.row.is_some());
                let in_base = old.in_base;
                slot.insert(Held { in_base, ..held });
            }
        }
    }

    /// How many records more there are than in the base file.
    pub(super) fn more_rows(&self) -> i64 {
        self.rows - self.hidden
    }
    /// How many records of the base file are hidden.
    pub(super) fn hidden(&self) -> i64 {
        self.hidden
    }
    /// How many records of its own there are.
    pub(super) fn rows(&self) -> i64 {
        self.rows
    }
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }
    /// All states, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Id, &Held)> {
        self.shards.iter().flat_map(|shard| shard.iter())
    }
    /// The records of one of [`parts`](Self::parts).
    pub(super) fn rows_of(&self, part: usize) -> impl Iterator<Item = &Row> {
        self.shards.get(part).into_iter().flat_map(|shard| shard.values()).filter_map(|held| held.row.as_ref())
    }
    pub(super) fn parts(&self) -> usize {
        self.shards.len()
    }
}

/// What makes a new base of an old one: the overlay, and new records that are in no journal yet.
pub(super) struct Delta<'d> {
    pub(super) overlay: &'d Overlay,
    pub(super) new: &'d [Entry],
}

impl<'d> Delta<'d> {
    /// What became of a record of the base.
    pub(super) fn get(&self, id: &Id) -> Option<&'d Held> {
        self.overlay.get(id)
    }

    /// The records that the base has not, in the order in which they were created.
    pub(super) fn added(&self) -> Vec<&'d Row> {
        let held = self.overlay.iter().filter(|(_, held)| !held.in_base).filter_map(|(_, held)| held.row.as_ref());
        let mut rows: Vec<_> = held.collect();
        rows.sort_by(|a, b| key(a).cmp(&key(b)));
        rows.extend(self.created());
        rows
    }

    /// All records, in no order.
    pub(super) fn rows(&self) -> impl Iterator<Item = &'d Row> {
        self.overlay.iter().filter_map(|(_, held)| held.row.as_ref()).chain(self.created())
    }

    fn created(&self) -> impl Iterator<Item = &'d Row> + use<'d> {
        self.new.iter().filter_map(|entry| match &entry.change {
            Change::Put(row) => Some(row),
            Change::Deleted { .. } => None,
        })
    }
}

fn key(row: &Row) -> (i64, &Id) {
    (row.envelope().microseconds().0, row.envelope().id())
}
