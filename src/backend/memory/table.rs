//! One table: shards of an index and of chunks of records. Only pointers move under a lock.

use std::{
    hash::BuildHasher,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::{
    locked,
    unique::{UniqueFields, UniqueIndex},
};
use crate::{
    error::{Error, Result},
    id::Id,
    record::{RecordCodec, Schema, Stored},
    version::Version,
};

/// A record, shared with the snapshots that hold it.
pub(super) type Row<R> = Arc<Stored<R>>;
/// Records in the order in which they came; `None` where one was deleted.
pub(super) type Chunk<R> = Vec<Option<Row<R>>>;

/// Records in a chunk: what a writer copies at most when a snapshot shares the chunk.
const CHUNK: usize = 256;
/// More than the threads that write at once on any machine this is meant for; locks are held for nanoseconds.
const SHARDS: usize = 16;

pub(super) struct Table<R: RecordCodec> {
    pub(super) name: String,
    pub(super) shape: R::Shape,
    pub(super) fields: UniqueFields,
    /// Locked before any shard, and only where the schema has unique fields.
    pub(super) unique: Mutex<UniqueIndex>,
    shards: [Mutex<Shard<R>>; SHARDS],
    hasher: RandomState,
    /// Counts every write that took effect; taken under the lock of a shard.
    versions: AtomicU64,
}

pub(super) struct Shard<R> {
    index: HashTable<Entry>,
    pub(super) chunks: Vec<Arc<Chunk<R>>>,
    /// Places that deletes have left.
    free: Vec<u32>,
    len: u32,
}

/// Where a record is. The hash is kept so that growing the index touches no record.
#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    slot: u32,
}

impl<R> Shard<R> {
    fn new() -> Shard<R> {
        Shard { index: HashTable::new(), chunks: Vec::new(), free: Vec::new(), len: 0 }
    }

    fn at(&self, slot: u32) -> Option<&Row<R>> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)?.as_ref()
    }

    fn is(&self, entry: &Entry, hash: u64, id: &Id) -> bool {
        entry.hash == hash && self.at(entry.slot).is_some_and(|row| row.envelope.id() == id)
    }

    /// The record with this id.
    #[inline]
    pub(super) fn get(&self, hash: u64, id: &Id) -> Option<&Row<R>> {
        let entry = self.index.find(hash, |entry| self.is(entry, hash, id))?;
        self.at(entry.slot)
    }

    /// Puts a record that is not there.
    pub(super) fn insert(&mut self, hash: u64, row: Row<R>) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.put(slot, Some(row));
                slot
            }
            None => self.push(row),
        };
        self.index.insert_unique(hash, Entry { hash, slot }, |entry| entry.hash);
    }

    fn push(&mut self, row: Row<R>) -> u32 {
        let slot = self.len;
        self.len += 1;
        if (slot as usize).is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            own_chunk(chunk).push(Some(row));
        }
        slot
    }

    fn put(&mut self, slot: u32, row: Option<Row<R>>) -> Option<Row<R>> {
        let chunk = self.chunks.get_mut(slot as usize / CHUNK)?;
        std::mem::replace(own_chunk(chunk).get_mut(slot as usize % CHUNK)?, row)
    }

    /// Puts a record in the place of the one with its id, and gives that back, to be dropped when the lock is free.
    pub(super) fn replace(&mut self, hash: u64, row: Row<R>) -> Option<Row<R>> {
        let entry = *self.index.find(hash, |entry| self.is(entry, hash, row.envelope.id()))?;
        self.put(entry.slot, Some(row))
    }

    /// Takes a record out.
    pub(super) fn remove(&mut self, hash: u64, id: &Id) -> Option<Row<R>> {
        let slot = self.index.find(hash, |entry| self.is(entry, hash, id))?.slot;
        if let Ok(entry) = self.index.find_entry(hash, |entry| entry.slot == slot) {
            entry.remove();
        }
        self.free.push(slot);
        self.put(slot, None)
    }
}

/// A chunk that no snapshot shares; copied where one does. A copy keeps the room of a whole chunk.
fn own_chunk<R>(chunk: &mut Arc<Chunk<R>>) -> &mut Chunk<R> {
    if Arc::get_mut(chunk).is_none() {
        let mut copy = Vec::with_capacity(CHUNK);
        copy.extend_from_slice(chunk);
        *chunk = Arc::new(copy);
    }
    Arc::make_mut(chunk)
}

impl<R: RecordCodec> Table<R> {
    pub(super) fn new(name: &str, shape: R::Shape) -> Table<R> {
        Table {
            name: name.to_owned(),
            fields: UniqueFields::of(&shape),
            shape,
            unique: Mutex::default(),
            shards: std::array::from_fn(|_| Mutex::new(Shard::new())),
            hasher: RandomState::default(),
            versions: AtomicU64::new(0),
        }
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.shape
    }

    /// Refuses another schema than the one that the table was made with.
    pub(super) fn check_shape(&self, other: &Schema) -> Result<()> {
        let changes = self.schema().diff(other);
        if changes.is_empty() && self.schema().open == other.open {
            return Ok(());
        }
        let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
        Err(Error::configuration(format!("it is open with another schema: {}", changes.join("; ")))
            .in_store(&self.name))
    }

    #[inline]
    pub(super) fn hash(&self, id: &Id) -> u64 {
        self.hasher.hash_one(id)
    }

    /// The shard of a hash. Its middle bits choose, because the index uses both ends.
    #[inline]
    pub(super) fn shard_of(hash: u64) -> usize {
        (hash >> 40) as usize % SHARDS
    }

    #[inline]
    pub(super) fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<R>> {
        locked(&self.shards[Self::shard_of(hash)])
    }

    pub(super) fn shard_at(&self, place: usize) -> MutexGuard<'_, Shard<R>> {
        locked(&self.shards[place % SHARDS])
    }

    pub(super) const SHARDS: usize = SHARDS;

    /// All shards, locked from the first to the last: the one order in which more than one is ever locked.
    pub(super) fn lock_all(&self) -> Vec<MutexGuard<'_, Shard<R>>> {
        self.shards.iter().map(locked).collect()
    }

    #[inline]
    pub(super) fn get(&self, id: &Id) -> Option<Row<R>> {
        let hash = self.hash(id);
        self.shard(hash).get(hash, id).cloned()
    }

    /// The version of a write that is taking effect; called under the lock of its shard.
    #[inline]
    pub(super) fn next_version(&self) -> Version {
        Version::counter(self.versions.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The version of the last write that took effect before all shards were locked.
    pub(super) fn last_version(&self) -> u64 {
        self.versions.load(Ordering::Relaxed)
    }
}

/// Microseconds since 1970, now.
#[inline]
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
