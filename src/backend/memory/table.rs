//! One table: shards, each an index and the pages of its records, behind a lock that is held while no user code runs.

use std::{
    collections::{BTreeSet, HashMap},
    hash::BuildHasher,
    mem::needs_drop,
    sync::{Arc, Mutex, MutexGuard},
};

use foldhash::fast::RandomState;

use super::{
    index::Index,
    locked,
    page::{Page, Pages, Row, copied},
    unique::{UniqueFields, UniqueIndex},
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::Id,
    record::{RecordCodec, Schema, Stored},
    version::Version,
};

/// More than the threads that write at once on any machine this is meant for.
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
    /// Locked behind the shards.
    pub(super) overlays: Mutex<OpenOverlays>,
}

/// The transactions on a table.
#[derive(Default)]
pub(super) struct OpenOverlays {
    /// The number of the last one.
    pub(super) last: u64,
    /// The numbers of those that are under way.
    pub(super) open: BTreeSet<u64>,
}

pub(super) struct Shard<R> {
    index: Index,
    pages: Pages<R>,
    /// Slots that deletes have left.
    free: Vec<u32>,
    /// Slots that were ever used.
    slots: u32,
    /// Moves with every write that took effect, in steps of [`SHARDS`], so that no two shards give the same.
    version: u64,
}

impl<R> Shard<R> {
    fn new(place: usize) -> Shard<R> {
        let (index, pages) = (Index::default(), Pages::of(Vec::new()));
        Shard { index, pages, free: Vec::new(), slots: 0, version: place as u64 }
    }

    /// The pages as they are now, for a snapshot.
    pub(super) fn pages(&self) -> Pages<R> {
        self.pages.clone()
    }

    /// How many records there are.
    pub(super) fn records(&self) -> usize {
        (self.slots as usize).saturating_sub(self.free.len())
    }

    /// The version of the last write that took effect.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// The version of a write that is taking effect.
    #[inline]
    pub(super) fn next_version(&mut self) -> Version {
        self.version += SHARDS as u64;
        Version::counter(self.version)
    }

    /// Where the record with this id is.
    #[inline]
    pub(super) fn find(&self, hash: u64, id: &Id) -> Option<u32> {
        self.index.find(hash, |slot| (self.at(slot)?.envelope.id() == id).then_some(slot))
    }

    #[inline]
    pub(super) fn at(&self, slot: u32) -> Option<&Stored<R>> {
        self.pages.at(slot)
    }

    /// The record with this id, to be looked at when the lock is free.
    #[inline]
    fn hold(&self, hash: u64, id: &Id) -> Option<Row<R>> {
        self.index.find(hash, |slot| {
            let (page, place) = self.pages.page(slot)?;
            (page.get(place)?.as_ref()?.envelope.id() == id).then(|| Row::at(page, place))
        })
    }

    /// The record with this id.
    pub(super) fn get(&self, hash: u64, id: &Id) -> Option<&Stored<R>> {
        self.at(self.find(hash, id)?)
    }

    /// Makes room in the index for so many records more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.index.reserve(more);
    }

    /// Refuses so many new records where there are not enough slots for them.
    pub(super) fn check_room(&self, records: usize) -> Result<()> {
        match self.free.len() + ((Index::MAX_SLOTS - self.slots) as usize) < records {
            true => Err(Error::new(ErrorKind::Backend, "a store in memory holds about a billion records; it is full")),
            false => Ok(()),
        }
    }

    /// Puts a record that is not there, where there is [room](Self::check_room), into a [writable](Writing) page.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, stored: Stored<R>) {
        let slot = self.free.pop().unwrap_or(self.slots);
        self.slots = self.slots.max(slot + 1);
        if let Some(place) = self.pages.place(slot) {
            *place = Some(stored);
            self.index.insert(hash, slot);
        }
    }

    /// The record in this slot, to be changed, in a [writable](Writing) page.
    #[inline]
    pub(super) fn at_mut(&mut self, slot: u32) -> Option<&mut Stored<R>> {
        self.pages.place(slot)?.as_mut()
    }

    /// Takes the record out of this slot, in a [writable](Writing) page. What is to be dropped when the lock is free comes back.
    #[inline]
    pub(super) fn remove(&mut self, hash: u64, slot: u32) -> Option<Stored<R>> {
        let place = self.pages.place(slot)?;
        let gone = match needs_drop::<R>() {
            true => place.take(),
            // To be moved, it would have to come from memory whole. What drops here is none of the user's.
            false => {
                *place = None;
                None
            }
        };
        self.index.remove(hash, slot);
        self.free.push(slot);
        gone
    }

    /// The slots that the next inserts take, in their order.
    fn next_slots(&self) -> impl Iterator<Item = u32> {
        self.free.iter().rev().copied().chain(self.slots..)
    }

    /// What must be done with the lock free before a record is written: to its slot, else to the next free one.
    #[inline]
    fn unready(&mut self, slot: Option<u32>) -> Option<Unready<R>> {
        let Some(slot) = slot.or_else(|| self.next_slots().next().filter(|slot| !self.pages.lacks(*slot))) else {
            return Some(Unready { slot: self.slots, page: None });
        };
        Some(Unready { slot, page: Some(self.pages.shared(slot)?) })
    }

    /// Puts a page in its place. What is not needed any more comes back, to be dropped when the lock is free.
    fn adopt(&mut self, made: Made<R>) -> impl Iterator<Item = Page<R>> + use<R> {
        let Made { of: Unready { slot, page }, new } = made;
        self.pages.adopt(slot, page.as_ref(), new).into_iter().chain(page)
    }
}

/// A page that cannot be written to yet, named by one of its slots.
struct Unready<R> {
    slot: u32,
    /// Somebody else looks at this one; where there is none, it is still to be made.
    page: Option<Page<R>>,
}

/// The same with a page to write to: a copy, or an empty one.
struct Made<R> {
    of: Unready<R>,
    new: Page<R>,
}

impl<R: Clone> Unready<R> {
    /// Runs the user's code; and new memory, which the operating system takes its time over, keeps nobody waiting.
    fn made(self) -> Made<R> {
        let new = self.page.as_ref().map_or_else(|| Pages::fresh(self.slot), copied);
        Made { of: self, new }
    }
}

/// A shard that is written to, locked together with the unique values where there are any. Fields are dropped in order.
pub(super) struct Writing<'t, R: RecordCodec> {
    table: &'t Table<R>,
    place: usize,
    pub(super) shard: MutexGuard<'t, Shard<R>>,
    pub(super) unique: Option<MutexGuard<'t, UniqueIndex>>,
    /// What is to be dropped when the locks are free: `R::drop` is the user's code, too.
    gone: Vec<Page<R>>,
}

impl<'t, R: RecordCodec> Writing<'t, R> {
    /// Where the record with this id is, once the page that it is in or will be put into is there and the shard's alone.
    #[inline(always)]
    pub(super) fn find(mut self, hash: u64, id: &Id) -> (Self, Option<u32>) {
        let slot = self.shard.find(hash, id);
        match self.shard.unready(slot) {
            None => (self, slot),
            Some(unready) => self.find_ready(unready, hash, id),
        }
    }

    /// The same where the page is not.
    #[cold]
    fn find_ready(mut self, mut unready: Unready<R>, hash: u64, id: &Id) -> (Self, Option<u32>) {
        loop {
            self = self.prepare(unready);
            let slot = self.shard.find(hash, id);
            match self.shard.unready(slot) {
                None => return (self, slot),
                Some(again) => unready = again,
            }
        }
    }

    /// Makes a page while the locks are free.
    fn prepare(self, unready: Unready<R>) -> Self {
        let Writing { table, place, shard, unique, gone } = self;
        drop(shard);
        drop(unique);
        let made = unready.made();
        let mut writing = Writing { gone, ..table.writing_at(place) };
        let gone = writing.shard.adopt(made);
        writing.gone.extend(gone);
        writing
    }
}

/// All shards of a table that is written to, together with its unique values.
pub(super) struct WritingAll<'t, R> {
    pub(super) shards: Vec<MutexGuard<'t, Shard<R>>>,
    pub(super) unique: MutexGuard<'t, UniqueIndex>,
    /// What is to be dropped when the locks are free.
    #[allow(dead_code, reason = "what it holds is kept to be dropped")]
    gone: Vec<Page<R>>,
}

/// The pages that a write of these ids goes to and that somebody else has: by address, with the place of the shard.
fn shared_pages<R>(shards: &mut [MutexGuard<'_, Shard<R>>], ids: &[(u64, &Id)]) -> HashMap<usize, (usize, Unready<R>)> {
    let mut slots: Vec<Vec<u32>> = shards.iter().map(|_| Vec::new()).collect();
    let mut inserts = vec![0; shards.len()];
    for (hash, id) in ids {
        let place = shard_of(*hash);
        match shards[place].find(*hash, id) {
            Some(slot) => slots[place].push(slot),
            None => inserts[place] += 1,
        }
    }
    let mut shared = HashMap::new();
    for (place, mut slots) in slots.into_iter().enumerate() {
        slots.extend(shards[place].next_slots().take(inserts[place]));
        for page in slots.into_iter().filter_map(|slot| shards[place].unready(Some(slot))) {
            if let Some(address) = page.page.as_ref().map(|page| Arc::as_ptr(page).cast::<()>().addr()) {
                shared.insert(address, (place, page));
            }
        }
    }
    shared
}

/// The shard of a hash; the index uses the lower half.
#[inline]
pub(super) fn shard_of(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

impl<R: RecordCodec> Table<R> {
    pub(super) const SHARDS: usize = SHARDS;

    pub(super) fn new(name: &str, shape: R::Shape) -> Table<R> {
        Table {
            name: name.to_owned(),
            fields: UniqueFields::of(&shape),
            shape,
            unique: Mutex::default(),
            shards: std::array::from_fn(|place| Padded(Mutex::new(Shard::new(place)))),
            hasher: RandomState::default(),
            overlays: Mutex::default(),
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
        // Not the one below for all: a hasher that only may be handed to a function lives on the stack.
        match id.uuid_bits() {
            Some(bits) => self.hasher.hash_one(bits),
            None => self.hash_other(id),
        }
    }

    #[inline(never)]
    fn hash_other(&self, id: &Id) -> u64 {
        self.hasher.hash_one(id)
    }

    #[inline]
    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<R>> {
        locked(&self.shards[shard_of(hash)].0)
    }

    /// All shards, locked from the first to the last: the one order in which more than one is ever locked.
    pub(super) fn lock_all(&self) -> Vec<MutexGuard<'_, Shard<R>>> {
        self.shards.iter().map(|shard| locked(&shard.0)).collect()
    }

    /// All shards, locked once every page that a write of these ids goes to is theirs alone.
    ///
    /// Copies are kept until all are at hand, so that snapshots that come meanwhile undo no progress.
    pub(super) fn writing_all(&self, ids: &[(u64, &Id)]) -> WritingAll<'_, R> {
        let mut copies: HashMap<usize, (usize, Made<R>)> = HashMap::new();
        loop {
            let unique = locked(&self.unique);
            let mut shards = self.lock_all();
            let mut missing = shared_pages(&mut shards, ids);
            missing.retain(|address, _| !copies.contains_key(address));
            if missing.is_empty() {
                let adopted = copies.into_values().flat_map(|(place, copy)| shards[place].adopt(copy)).collect();
                return WritingAll { shards, unique, gone: adopted };
            }
            drop(shards);
            drop(unique);
            copies.extend(missing.into_iter().map(|(address, (place, page))| (address, (place, page.made()))));
        }
    }

    #[inline]
    pub(super) fn get(&self, id: &Id) -> Option<Row<R>> {
        let hash = self.hash(id);
        self.shard(hash).hold(hash, id)
    }

    /// Locks the shard of a hash to write to it.
    #[inline]
    pub(super) fn writing(&self, hash: u64) -> Writing<'_, R> {
        self.writing_at(shard_of(hash))
    }

    #[inline]
    pub(super) fn writing_at(&self, place: usize) -> Writing<'_, R> {
        let unique = (!self.fields.is_empty()).then(|| locked(&self.unique));
        let place = place % SHARDS;
        Writing { table: self, place, shard: locked(&self.shards[place].0), unique, gone: Vec::new() }
    }
}
