//! Transactions: writes are buffered, seen by the transaction itself, and checked when it commits (semantics 5.8).
//!
//! A commit loses with `Conflict` when a record that it writes was written by somebody else since the transaction first
//! opened the store. Stores are locked in the order of their names, so commits cannot wait for each other in a circle.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use type_map::concurrent::TypeMap;

use super::{
    Memory, locked,
    page::Row,
    rows::{MemoryRows, gathered},
    snapshot::Snapshot,
    store::plan,
    table::{Table, WritingAll, shard_of},
    unique::{UniqueIndex, UniqueValues},
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::{Plan, Predicate, Runnable, Select},
    record::{Draft, RecordCodec, Stored},
    store::{
        Database, Driver, Incoming, Limits, Mode, Transactional,
        decide::{check_version, missing},
        write::{Atomicity, Effect, Outcome, Write, Written},
    },
    value::Value,
    version::Version,
};

/// A transaction in memory: a database of its own for as long as the closure runs.
pub struct MemoryTransaction<'t> {
    memory: &'t Memory,
    /// For each record type that occurs, the stores of it that were opened.
    overlays: Mutex<TypeMap>,
    /// How to commit each store, by name.
    commits: Mutex<BTreeMap<String, Commit>>,
}

/// How to commit a store: functions, because stores of different types are committed together.
#[derive(Clone, Copy)]
struct Commit {
    /// Does ahead what cannot be done while other stores are locked.
    prepare: fn(&MemoryTransaction<'_>, &str),
    /// Commits the store and, while it is locked, the other ones.
    commit: fn(&MemoryTransaction<'_>, &str, &[Step]) -> Result<()>,
}
type Step = (String, Commit);

/// The stores of one record type that were opened, by name.
struct Overlays<R: RecordCodec>(HashMap<String, Arc<Mutex<Overlay<R>>>>);

/// What a transaction has written to one table.
pub(super) struct Overlay<R: RecordCodec> {
    table: Arc<Table<R>>,
    /// The last version of each shard before the transaction opened the table: what is newer was written by others.
    began: Vec<u64>,
    /// Its number among the transactions on the table: what it writes has the version of this number and its own count,
    /// inside and, when it has ended, outside.
    number: u64,
    writes: u64,
    /// The numbers of those that were open then: what they have written since is newer, too.
    beside: BTreeSet<u64>,
    written: HashMap<Id, Pending<R>>,
    /// Who has which unique value among what is written.
    claims: UniqueIndex,
}

/// A record that the transaction has written.
#[derive(Clone)]
struct Pending<R> {
    base: Base,
    /// What is there now, for the transaction.
    now: Option<Row<R>>,
}

/// What was there before: not the record, which would keep its page from being written to.
#[derive(Clone)]
struct Base {
    version: Option<Version>,
    unique: UniqueValues,
}

impl<R: RecordCodec> Overlay<R> {
    fn on(table: Arc<Table<R>>) -> Overlay<R> {
        let shards = table.lock_all();
        let began = shards.iter().map(|shard| shard.version()).collect();
        let mut overlays = locked(&table.overlays);
        let beside = overlays.open.clone();
        overlays.last += 1;
        let number = overlays.last;
        overlays.open.insert(number);
        drop(overlays);
        drop(shards);
        Overlay { table, began, number, writes: 0, beside, written: HashMap::new(), claims: UniqueIndex::default() }
    }

    /// A batch that is all or nothing.
    pub(super) fn write_all<'a>(
        table: &Arc<Table<R>>,
        writes: impl IntoIterator<Item = Write<'a, R>>,
        limits: &Limits,
    ) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        let mut overlay = Overlay::on(table.clone());
        let writes = writes.into_iter().enumerate();
        let written = writes.map(|(place, write)| {
            if place.is_multiple_of(limits.chunk) {
                limits.check()?;
            }
            overlay.write(write)
        });
        let written = written.collect::<Result<Vec<_>>>();
        let written = written.map_err(|e| e.in_store(&table.name))?;
        overlay.commit(|| Ok(())).map_err(|e| e.in_store(&table.name))?;
        Ok(written.into_iter().map(Ok).collect())
    }

    fn get(&self, id: &Id) -> Option<Row<R>> {
        match self.written.get(id) {
            Some(pending) => pending.now.clone(),
            None => self.table.get(id),
        }
    }

    fn write(&mut self, write: Write<'_, R>) -> Outcome {
        match write {
            Write::Create(draft) => self.put(Mode::Create, draft),
            Write::Update(draft) => self.put(Mode::Update, draft),
            Write::Upsert(draft) => self.put(Mode::Upsert, draft),
            Write::Delete { id, expected } => self.delete(id, expected.as_ref()),
            Write::Patch { id, changes, expected } => {
                let bound = changes.bind(self.table.schema())?;
                let row = self.get(&id);
                let old = row.as_ref().and_then(Row::get).ok_or_else(|| missing(&id))?;
                check_version(expected.as_ref(), Some(&old.envelope), &id)?;
                self.put(Mode::Update, Draft::patched(old, &bound, self.table.schema())?)
            }
        }
    }

    fn put(&mut self, mode: Mode, mut draft: Draft<'_, R>) -> Outcome {
        let incoming = Incoming::new(mode, &mut draft, self.table.schema())?;
        let id = incoming.id().clone();
        let row = self.get(&id);
        let old = row.as_ref().and_then(Row::get).map(|old| &old.envelope);
        let effect = incoming.check(&draft, old)?;
        self.check_unique(&id, draft.record())?;
        let mut stored = incoming.stored(draft, old);
        self.writes += 1;
        let version = Version::pair(self.number, self.writes);
        stored.envelope.set_version(version.clone());
        self.set(&id, Some(Row::of(stored)))?;
        Ok(Written { id, version: Some(version), effect })
    }

    fn delete(&mut self, id: Id, expected: Option<&Version>) -> Outcome {
        let row = self.get(&id);
        check_version(expected, row.as_ref().and_then(Row::get).map(|old| &old.envelope), &id)?;
        if row.is_none() {
            return Ok(Written { id, version: None, effect: Effect::Absent });
        }
        self.set(&id, None)?;
        Ok(Written { id, version: None, effect: Effect::Deleted })
    }

    /// Buffers a write. A record that somebody else wrote since the transaction began is refused at once.
    fn set(&mut self, id: &Id, now: Option<Row<R>>) -> Result<()> {
        let values = self.unique_of(now.as_ref());
        if let Some(pending) = self.written.get_mut(id) {
            let before = std::mem::replace(&mut pending.now, now);
            let before = self.unique_of(before.as_ref());
            self.claims.release(before);
            self.claims.claim(values, id);
            return Ok(());
        }
        let row = self.table.get(id);
        let base = row.as_ref().and_then(Row::get);
        let version = base.and_then(|base| base.envelope.version()).cloned();
        if version.as_ref().is_some_and(|version| self.is_newer(id, version)) {
            return Err(lost(id));
        }
        let unique = self.unique_of(row.as_ref());
        self.claims.claim(values, id);
        self.written.insert(id.clone(), Pending { base: Base { version, unique }, now });
        Ok(())
    }

    fn unique_of(&self, row: Option<&Row<R>>) -> UniqueValues {
        row.and_then(Row::get).map(|stored| self.table.fields.values(&stored.record)).unwrap_or_default()
    }

    /// Whether the record with this id and version was written since the transaction opened the table.
    fn is_newer(&self, id: &Id, version: &Version) -> bool {
        match (version.as_counter(), version.as_pair()) {
            (Some(count), _) => self.began.get(shard_of(self.table.hash(id))).is_some_and(|began| count > *began),
            (_, Some((overlay, _))) => overlay > self.number || self.beside.contains(&overlay),
            _ => false,
        }
    }

    /// Refuses a unique value that another record has, as the transaction sees it.
    fn check_unique(&self, id: &Id, record: &R) -> Result<()> {
        let fields = &self.table.fields;
        if fields.is_empty() {
            return Ok(());
        }
        let values = fields.values(record);
        let in_table = |place: usize, value: &Value| {
            let unique = locked(&self.table.unique);
            unique.owner(place, value).is_some_and(|owner| owner != id && !self.written.contains_key(owner))
        };
        let here = |place: usize, value: &Value| self.claims.owner(place, value).is_some_and(|owner| owner != id);
        let taken = |(place, value): (usize, &Value)| here(place, value) || in_table(place, value);
        match values.iter().enumerate().position(taken) {
            Some(place) => Err(fields.taken(place).at_id(id)),
            None => Ok(()),
        }
    }

    /// Copies what snapshots share of the pages that the commit will write to, so that it need not while it holds the
    /// locks of other stores.
    fn prepare(&self) {
        let ids: Vec<_> = self.written.keys().map(|id| (self.table.hash(id), id)).collect();
        drop(self.table.writing_all(&ids));
    }

    /// Makes the writes take effect, all of them or none. `others` commits the other stores while this one is locked.
    fn commit(&mut self, others: impl FnOnce() -> Result<()>) -> Result<()> {
        let table = self.table.clone();
        let changes: Vec<_> = self.written.drain().map(|(id, pending)| Change::of(&table, id, pending)).collect();
        let ids: Vec<_> = changes.iter().map(|change| (change.hash, &change.id)).collect();
        let mut all = table.writing_all(&ids);
        for Change { hash, id, base, .. } in &changes {
            let shard = &all.shards[shard_of(*hash)];
            // All of them may be new, and in this shard.
            shard.check_room(changes.len())?;
            let found = shard.get(*hash, id);
            if found.and_then(|found| found.envelope.version()) != base.version.as_ref() {
                return Err(lost(id));
            }
        }
        let unique = &mut all.unique;
        changes.iter().for_each(|change| unique.release(change.base.unique.clone()));
        let clash = changes.iter().find_map(|change| unique.check(&table.fields, &change.unique, &change.id).err());
        let failed = match clash {
            Some(clash) => Some(clash),
            None => others().err(),
        };
        if let Some(error) = failed {
            changes.into_iter().for_each(|change| unique.claim(change.base.unique, &change.id));
            return Err(error);
        }
        changes.iter().for_each(|change| unique.claim(change.unique.clone(), &change.id));
        let gone: Vec<_> = changes.into_iter().map(|change| change.apply(&mut all)).collect();
        locked(&table.overlays).open.remove(&self.number);
        drop(all);
        drop(gone);
        Ok(())
    }
}

impl<R: RecordCodec> Drop for Overlay<R> {
    fn drop(&mut self) {
        locked(&self.table.overlays).open.remove(&self.number);
    }
}

/// What a commit does to one record: all that runs the user's code is done.
struct Change<R> {
    hash: u64,
    id: Id,
    base: Base,
    now: Option<Stored<R>>,
    unique: UniqueValues,
}

impl<R: RecordCodec> Change<R> {
    fn of(table: &Table<R>, id: Id, Pending { base, now }: Pending<R>) -> Change<R> {
        let now = now.and_then(Row::into_stored);
        let unique = now.as_ref().map(|now| table.fields.values(&now.record)).unwrap_or_default();
        Change { hash: table.hash(&id), id, base, now, unique }
    }

    /// Gives back what is to be dropped when the locks are free.
    fn apply(self, all: &mut WritingAll<'_, R>) -> Option<Stored<R>> {
        let Change { hash, id, now, .. } = self;
        let shard = &mut all.shards[shard_of(hash)];
        match (shard.find(hash, &id), now) {
            (Some(slot), Some(now)) => shard.at_mut(slot).map(|old| std::mem::replace(old, now)),
            (Some(slot), None) => shard.remove(hash, slot),
            (None, Some(now)) => {
                shard.insert(hash, now);
                None
            }
            (None, None) => None,
        }
    }
}

#[cold]
fn lost(id: &Id) -> Error {
    Error::conflict("another writer was faster; run the transaction again").at_id(id).retryable(true)
}

impl MemoryTransaction<'_> {
    fn overlay<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<Arc<Mutex<Overlay<R>>>> {
        let table = self.memory.table::<R>(name, shape)?;
        let mut overlays = locked(&self.overlays);
        let overlays = overlays.entry::<Overlays<R>>().or_insert_with(|| Overlays(HashMap::new()));
        let overlay = overlays.0.entry(name.to_owned()).or_insert_with(|| Arc::new(Mutex::new(Overlay::on(table))));
        locked(&self.commits).insert(name.to_owned(), Commit { prepare: prepare_one::<R>, commit: commit_one::<R> });
        Ok(overlay.clone())
    }

    /// What was written to a store, if it was opened.
    fn opened<R: RecordCodec>(&self, name: &str) -> Option<Arc<Mutex<Overlay<R>>>> {
        locked(&self.overlays).get::<Overlays<R>>().and_then(|overlays| overlays.0.get(name).cloned())
    }

    fn commit(&self) -> Result<()> {
        let steps: Vec<Step> = locked(&self.commits).iter().map(|(name, commit)| (name.clone(), *commit)).collect();
        if steps.len() > 1 {
            steps.iter().for_each(|(name, step)| (step.prepare)(self, name));
        }
        commit_rest(self, &steps)
    }
}

fn commit_rest(transaction: &MemoryTransaction<'_>, steps: &[Step]) -> Result<()> {
    match steps.split_first() {
        Some(((name, step), rest)) => (step.commit)(transaction, name, rest),
        None => Ok(()),
    }
}

fn prepare_one<R: RecordCodec>(transaction: &MemoryTransaction<'_>, name: &str) {
    if let Some(overlay) = transaction.opened::<R>(name) {
        locked(&overlay).prepare();
    }
}

fn commit_one<R: RecordCodec>(transaction: &MemoryTransaction<'_>, name: &str, rest: &[Step]) -> Result<()> {
    let Some(overlay) = transaction.opened::<R>(name) else { return commit_rest(transaction, rest) };
    let mut overlay = locked(&overlay);
    if overlay.written.is_empty() {
        return commit_rest(transaction, rest);
    }
    overlay.commit(|| commit_rest(transaction, rest)).map_err(|e| e.in_store(name))
}

impl Transactional for Memory {
    type Transaction<'t> = MemoryTransaction<'t>;

    fn transaction<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&MemoryTransaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = MemoryTransaction { memory: self, overlays: Mutex::default(), commits: Mutex::default() };
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

impl<'t> Database for MemoryTransaction<'t> {
    type Engine = Memory;
    type Store<R: RecordCodec> = MemoryTransactionStore<'t, R>;

    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<Self::Store<R>> {
        Ok(MemoryTransactionStore {
            name: name.to_owned(),
            shape: shape.clone(),
            overlay: self.overlay(name, shape)?,
            transaction: PhantomData,
        })
    }
}

/// A store inside a transaction.
pub struct MemoryTransactionStore<'t, R: RecordCodec> {
    name: String,
    shape: R::Shape,
    overlay: Arc<Mutex<Overlay<R>>>,
    transaction: PhantomData<&'t ()>,
}

impl<R: RecordCodec> Clone for MemoryTransactionStore<'_, R> {
    fn clone(&self) -> Self {
        MemoryTransactionStore {
            name: self.name.clone(),
            shape: self.shape.clone(),
            overlay: self.overlay.clone(),
            transaction: PhantomData,
        }
    }
}

impl<R: RecordCodec> MemoryTransactionStore<'_, R> {
    /// The table as the transaction sees it.
    pub(super) fn snapshot(&self) -> Snapshot<R> {
        let overlay = locked(&self.overlay);
        let hidden: HashSet<Id> = overlay.written.keys().cloned().collect();
        let instead = overlay.written.values().filter_map(|pending| pending.now.clone()).collect();
        Snapshot::of(&overlay.table).overlaid(hidden, instead)
    }
}

impl<R: RecordCodec> Driver<R> for MemoryTransactionStore<'_, R> {
    type Engine = Memory;
    type Rows<P: Predicate<R>, S: Select<R>> = MemoryRows<R, P, S>;

    fn shape(&self) -> &R::Shape {
        &self.shape
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn write<'a>(
        &self,
        writes: impl IntoIterator<Item = Write<'a, R>>,
        atomicity: Atomicity,
        limits: &Limits,
    ) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        limits.check()?;
        // The caller's iterator may use this store: it runs before the lock is taken.
        let writes: Vec<_> = writes.into_iter().collect();
        let mut overlay = locked(&self.overlay);
        let before: Option<Vec<_>> = (atomicity == Atomicity::All).then(|| overlay.saved());
        let outcomes: Vec<Outcome> =
            writes.into_iter().map(|w| overlay.write(w).map_err(|e| e.in_store(&self.name))).collect();
        match before {
            Some(before) if outcomes.iter().any(Result::is_err) => {
                overlay.restore(before);
                outcomes.into_iter().collect::<Result<Vec<_>>>().map(|_| Vec::new())
            }
            _ => Ok(outcomes),
        }
    }
    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        limits.check()?;
        let overlay = locked(&self.overlay);
        let rows: Vec<_> = ids.iter().map(|id| overlay.get(id)).collect();
        drop(overlay);
        Ok(rows.into_iter().map(|row| row.and_then(|row| row.get().cloned())).collect())
    }
    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Memory, R, P, S>,
        limits: &Limits,
    ) -> Result<MemoryRows<R, P, S>> {
        MemoryRows::new(self.snapshot(), query, limits)
    }
    fn gather<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Memory, R, P, S>,
        limits: &Limits,
    ) -> Result<Vec<Stored<S::Out>>> {
        let snapshot = self.snapshot();
        gathered(snapshot.find(query.predicate(), query.arranged(), limits), query.selection(), limits)
    }
    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Memory, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        self.snapshot().count(query.predicate(), query.arranged(), limits)
    }
    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<Memory, R, P, S>) -> Result<Plan> {
        Ok(plan(query).step("with what this transaction has written"))
    }
}

impl<R: RecordCodec> Overlay<R> {
    fn saved(&self) -> Saved<R> {
        self.written.iter().map(|(id, pending)| (id.clone(), pending.clone())).collect()
    }
    fn restore(&mut self, before: Saved<R>) {
        self.claims = UniqueIndex::default();
        before.iter().for_each(|(id, pending)| self.claims.claim(self.unique_of(pending.now.as_ref()), id));
        self.written = before.into_iter().collect();
    }
}

/// What ids stood for in a transaction, to go back to.
type Saved<R> = Vec<(Id, Pending<R>)>;
