//! What the memory engine is beside a map that threads share, as one writes it by hand: hash maps behind locks, each record behind a
//! count, so that it can be looked at when the lock is free. It has no versions, no snapshots and no transactions.

use std::{
    hash::BuildHasher,
    sync::{Arc, Mutex, PoisonError},
};

use foldhash::fast::RandomState;
use uuid::Uuid;

use crate::{
    data::{Data, RawMap},
    harness::{Outcome, Row},
    memory::{ours_delete, ours_read_with, ours_update, visited},
    people::Flat,
};

pub const ROWS: &[Row] = &[
    Row::new("memory/shared/read_with", 0.0, raw_read_with, ours_read_with),
    Row::new("memory/shared/update", 0.0, raw_update, ours_update),
    Row::new("memory/shared/delete", 0.0, raw_delete, ours_delete),
];

/// As many as the engine has.
const SHARDS: usize = 32;

struct SharedMap {
    hasher: RandomState,
    shards: Vec<Mutex<RawMap<Arc<Flat>>>>,
}

impl SharedMap {
    fn of(records: &[Flat]) -> SharedMap {
        let hasher = RandomState::default();
        let shard = || Mutex::new(RawMap::with_hasher(hasher.clone()));
        let shards = std::iter::repeat_with(shard).take(SHARDS).collect();
        let map = SharedMap { hasher, shards };
        records
            .iter()
            .for_each(|record| drop(map.on(record.id, |shard| shard.insert(record.id, Arc::new(record.clone())))));
        map
    }

    fn on<T>(&self, id: Uuid, work: impl FnOnce(&mut RawMap<Arc<Flat>>) -> T) -> T {
        let shard = (self.hasher.hash_one(id) >> 40) as usize % SHARDS;
        work(&mut self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn get(&self, id: Uuid) -> Option<Arc<Flat>> {
        self.on(id, |shard| shard.get(&id).cloned())
    }

    fn update(&self, record: Flat) -> Option<Arc<Flat>> {
        let (id, new) = (record.id, Arc::new(record));
        self.on(id, |shard| shard.get_mut(&id).map(|old| std::mem::replace(old, new)))
    }

    fn remove(&self, id: Uuid) -> Option<Arc<Flat>> {
        self.on(id, |shard| shard.remove(&id))
    }
}

fn raw_read_with(data: &Data) -> Outcome {
    let (map, ids) = (SharedMap::of(data.flats()), data.visits());
    Outcome::of(|| ids.iter().filter_map(|id| map.get(*id)).map(|flat| u64::from(flat.age)).sum())
}

fn raw_update(data: &Data) -> Outcome {
    let (map, records) = (SharedMap::of(data.flats()), visited(data));
    Outcome::of(|| records.into_iter().filter_map(|record| map.update(record)).count() as u64)
}

fn raw_delete(data: &Data) -> Outcome {
    let (map, ids) = (SharedMap::of(data.flats()), data.visits());
    Outcome::of(|| ids.iter().filter_map(|id| map.remove(*id)).count() as u64)
}
