//! One table: shards of an index and of chunks of records. Only pointers move under a lock.

use std::{
    collections::BTreeSet,
    hash::BuildHasher,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
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
pub(super) const CHUNK: usize = 256;
/// More than the threads that write at once on any machine this is meant for; locks are held for nanoseconds.
const SHARDS: usize = 32;

/// What threads write for themselves, on cache lines of its own; two of them, because they are fetched in pairs.
#[repr(align(128))]
struct Padded<T>(T);

pub(super) struct Table<R: RecordCodec> {
    pub(super) name: String,
    pub(super) shape: R::Shape,
    pub(super) fields: UniqueFields,
    /// Locked before any shard, and only where the schema has unique fields.
    pub(super) unique: Mutex<UniqueIndex>,
    shards: [Padded<Mutex<Shard<R>>>; SHARDS],
    hasher: RandomState,
    /// Counts every write that took effect; taken under the lock of a shard.
    versions: Padded<AtomicU64>,
    /// The numbers of the transactions that are under way. Locked behind the shards.
    pub(super) open_overlays: Mutex<BTreeSet<u64>>,
}

pub(super) struct Shard<R> {
    index: HashTable<Entry>,
    pub(super) chunks: Vec<Arc<Chunk<R>>>,
    /// Places that deletes have left.
    free: Vec<u32>,
    len: u32,
}

/// Where a record is. Half of its hash is kept, so that growing the index touches no record, nor does passing another's
/// entry. Eight bytes, because an index that is twice as large misses the cache twice as often.
#[derive(Clone, Copy)]
struct Entry {
    tag: u32,
    slot: u32,
}

impl Entry {
    fn tag_of(hash: u64) -> u32 {
        hash as u32
    }

    /// The hash that the index works with: it looks at both ends, and half a hash has to do for both.
    fn spread(tag: u32) -> u64 {
        u64::from(tag) << 32 | u64::from(tag)
    }
}

/// What an overwritten record leaves, to be dropped when the lock is free: `R::drop` is the user's code.
#[allow(dead_code, reason = "what it holds is kept to be dropped")]
pub(super) enum Replaced<R> {
    Nothing,
    /// Nobody else had it: the new one lies in its place.
    Moved(Stored<R>),
    /// Somebody still looks at it.
    Shared(Row<R>),
}

impl<R> Shard<R> {
    fn new() -> Shard<R> {
        Shard { index: HashTable::new(), chunks: Vec::new(), free: Vec::new(), len: 0 }
    }

    #[inline]
    pub(super) fn at(&self, slot: u32) -> Option<&Row<R>> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)?.as_ref()
    }

    /// Records and the places that deleted ones have left.
    pub(super) fn slots(&self) -> usize {
        self.len as usize
    }

    /// Records.
    pub(super) fn records(&self) -> usize {
        self.slots().saturating_sub(self.free.len())
    }

    /// Where the record with this id is.
    #[inline]
    pub(super) fn find(&self, hash: u64, id: &Id) -> Option<u32> {
        let tag = Entry::tag_of(hash);
        let is = |entry: &Entry| entry.tag == tag && self.at(entry.slot).is_some_and(|row| row.envelope.id() == id);
        self.index.find(Entry::spread(tag), is).map(|entry| entry.slot)
    }

    /// The record with this id.
    #[inline]
    pub(super) fn get(&self, hash: u64, id: &Id) -> Option<&Row<R>> {
        self.at(self.find(hash, id)?)
    }

    /// Makes room for so many records more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.index.reserve(more, |entry| Entry::spread(entry.tag));
    }

    /// Puts a record that is not there.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, row: Row<R>) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.put(slot, Some(row));
                slot
            }
            None => self.push(row),
        };
        let tag = Entry::tag_of(hash);
        self.index.insert_unique(Entry::spread(tag), Entry { tag, slot }, |entry| Entry::spread(entry.tag));
    }

    #[inline]
    fn push(&mut self, row: Row<R>) -> u32 {
        let slot = self.len;
        self.len += 1;
        if (slot as usize).is_multiple_of(CHUNK) {
            // The first chunk grows from nothing, so that a small table stays small.
            let room = if slot == 0 { 0 } else { CHUNK };
            self.chunks.push(Arc::new(Vec::with_capacity(room)));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            own_chunk(chunk).push(Some(row));
        }
        slot
    }

    /// The place of a slot, in a chunk that no snapshot shares.
    #[inline]
    fn place(&mut self, slot: u32) -> Option<&mut Option<Row<R>>> {
        let chunk = self.chunks.get_mut(slot as usize / CHUNK)?;
        own_chunk(chunk).get_mut(slot as usize % CHUNK)
    }

    fn put(&mut self, slot: u32, row: Option<Row<R>>) -> Option<Row<R>> {
        std::mem::replace(self.place(slot)?, row)
    }

    /// Puts a record in the place of the one in this slot, into the same memory where nobody else looks at that.
    #[inline]
    pub(super) fn overwrite(&mut self, slot: u32, stored: Stored<R>) -> Replaced<R> {
        let Some(place) = self.place(slot) else { return Replaced::Nothing };
        if let Some(old) = place.as_mut().and_then(Arc::get_mut) {
            return Replaced::Moved(std::mem::replace(old, stored));
        }
        place.replace(Arc::new(stored)).map_or(Replaced::Nothing, Replaced::Shared)
    }

    /// Puts a record in the place of the one with its id, and gives that back, to be dropped when the lock is free.
    pub(super) fn replace(&mut self, hash: u64, row: Row<R>) -> Option<Row<R>> {
        let slot = self.find(hash, row.envelope.id())?;
        self.put(slot, Some(row))
    }

    /// Takes a record out.
    pub(super) fn remove(&mut self, hash: u64, id: &Id) -> Option<Row<R>> {
        let slot = self.find(hash, id)?;
        self.remove_at(hash, slot)
    }

    /// Takes the record out of this slot.
    #[inline]
    pub(super) fn remove_at(&mut self, hash: u64, slot: u32) -> Option<Row<R>> {
        if let Ok(entry) = self.index.find_entry(Entry::spread(Entry::tag_of(hash)), |entry| entry.slot == slot) {
            entry.remove();
        }
        self.free.push(slot);
        self.put(slot, None)
    }
}

/// A chunk that no snapshot shares; copied where one does. A copy keeps the room of a whole chunk.
#[inline]
fn own_chunk<R>(chunk: &mut Arc<Chunk<R>>) -> &mut Chunk<R> {
    if Arc::get_mut(chunk).is_none() {
        copy_chunk(chunk);
    }
    Arc::make_mut(chunk)
}

#[cold]
fn copy_chunk<R>(chunk: &mut Arc<Chunk<R>>) {
    let mut copy = Vec::with_capacity(CHUNK);
    copy.extend_from_slice(chunk);
    *chunk = Arc::new(copy);
}

impl<R: RecordCodec> Table<R> {
    pub(super) fn new(name: &str, shape: R::Shape) -> Table<R> {
        Table {
            name: name.to_owned(),
            fields: UniqueFields::of(&shape),
            shape,
            unique: Mutex::default(),
            shards: std::array::from_fn(|_| Padded(Mutex::new(Shard::new()))),
            hasher: RandomState::default(),
            versions: Padded(AtomicU64::new(0)),
            open_overlays: Mutex::default(),
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
        locked(&self.shards[Self::shard_of(hash)].0)
    }

    pub(super) fn shard_at(&self, place: usize) -> MutexGuard<'_, Shard<R>> {
        locked(&self.shards[place % SHARDS].0)
    }

    pub(super) const SHARDS: usize = SHARDS;

    /// All shards, locked from the first to the last: the one order in which more than one is ever locked.
    pub(super) fn lock_all(&self) -> Vec<MutexGuard<'_, Shard<R>>> {
        self.shards.iter().map(|shard| locked(&shard.0)).collect()
    }

    #[inline]
    pub(super) fn get(&self, id: &Id) -> Option<Row<R>> {
        let hash = self.hash(id);
        self.shard(hash).get(hash, id).cloned()
    }

    /// The version of a write that is taking effect; called under the lock of its shard.
    #[inline]
    pub(super) fn next_version(&self) -> Version {
        Version::counter(self.next_number())
    }

    /// A number that no version has.
    #[inline]
    pub(super) fn next_number(&self) -> u64 {
        self.versions.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The version of the last write that took effect before all shards were locked.
    pub(super) fn last_version(&self) -> u64 {
        self.versions.0.load(Ordering::Relaxed)
    }
}
