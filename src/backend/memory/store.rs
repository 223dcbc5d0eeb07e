//! The store: what the driver contract asks, on a [`Table`].

use std::sync::Arc;

use rayon::prelude::*;

use super::{
    Memory, locked,
    snapshot::{MemoryRows, Snapshot},
    table::{Replaced, Row, Table, now},
    transaction::Overlay,
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::{Plan, Predicate, Runnable, Select},
    record::{Changes, Draft, Envelope, Metadata, RecordCodec, Stored},
    store::{
        Driver, Limits,
        write::{Atomicity, Effect, Outcome, Write, Written},
    },
    version::Version,
};

/// Writes in a batch above which cores share the work.
const PARALLEL_WRITES: usize = 2_048;
/// Writes that are prepared at once: few enough to stay in the cache until they are put into their places.
const BLOCK: usize = 8_192;
/// How often a patch is tried while others write the same record.
const MAX_TRIES: usize = 1_000;

/// A store in memory.
pub struct MemoryStore<R: RecordCodec> {
    pub(super) table: Arc<Table<R>>,
}

impl<R: RecordCodec> MemoryStore<R> {
    pub(super) fn of(table: Arc<Table<R>>) -> Self {
        MemoryStore { table }
    }
}

impl<R: RecordCodec> Clone for MemoryStore<R> {
    fn clone(&self) -> Self {
        MemoryStore { table: self.table.clone() }
    }
}

/// A draft that was checked, with the id that it will have.
pub(super) struct Sealed<'a, R: RecordCodec> {
    pub(super) id: Option<Id>,
    pub(super) draft: Draft<'a, R>,
}

/// Checks a draft and settles its id.
pub(super) fn seal<'a, R: RecordCodec>(table: &Table<R>, mut draft: Draft<'a, R>) -> Result<Sealed<'a, R>> {
    draft.seal(table.schema())?;
    let id = draft.settle_id(table.schema())?;
    Ok(Sealed { id, draft })
}

/// What a draft brings, once its id is settled.
struct Fresh<R> {
    record: R,
    metadata: Option<Metadata>,
    given: Given,
    now: i64,
}

/// Times that a copy or a restore brings: created, updated.
type Given = Option<(Option<jiff::Timestamp>, Option<jiff::Timestamp>)>;

impl<R: RecordCodec> Fresh<R> {
    /// Clones the record only where the draft borrows it.
    fn of(draft: Draft<'_, R>) -> Self {
        let given = draft.given_times();
        let Draft { record, metadata, .. } = draft;
        Fresh { record: record.into_owned(), metadata, given, now: now() }
    }

    /// The record as it will be stored. What it adds to an old one: times never go backwards, metadata stays unless
    /// given (semantics 5.3, 1.5).
    #[inline]
    fn stored(self, id: Id, old: Option<&Envelope>) -> Stored<R> {
        let (created, updated) = times(self.given, self.now, old.map(Envelope::microseconds));
        let metadata = self.metadata.or_else(|| old.map(|old| old.metadata().clone())).unwrap_or_default();
        let envelope = Envelope::of(id).with_microseconds(created, updated).with_metadata(metadata);
        Stored { envelope, record: self.record }
    }
}

/// A record as it will be stored in the place of an old one.
pub(super) fn build<R: RecordCodec>(id: Id, draft: Draft<'_, R>, old: Option<&Envelope>) -> Stored<R> {
    Fresh::of(draft).stored(id, old)
}

fn times(given: Given, now: i64, old: Option<(i64, i64)>) -> (i64, i64) {
    let (created, updated) = match old {
        Some((created, updated)) => (created, now.max(updated)),
        None => (now, now),
    };
    let micros = |moment: Option<jiff::Timestamp>| moment.map(|m| m.as_microsecond());
    match given {
        Some((c, u)) => (micros(c).unwrap_or(created), micros(u).unwrap_or(updated)),
        None => (created, updated),
    }
}

/// Refuses a write that expects another version (semantics 5.2).
pub(super) fn expect(expected: Option<&Version>, found: Option<&Envelope>, id: &Id) -> Result<()> {
    match (expected, found) {
        (None, _) => Ok(()),
        (Some(expected), Some(found)) if found.version() == Some(expected) => Ok(()),
        (Some(_), Some(_)) => Err(Error::conflict("the record's version has moved on; read it again").at_id(id)),
        (Some(_), None) => Err(Error::conflict("the record that had this version is gone").at_id(id)),
    }
}

#[cold]
pub(super) fn missing(id: &Id) -> Error {
    Error::not_found("there is no such record").at_id(id)
}

#[cold]
pub(super) fn taken(id: &Id) -> Error {
    Error::already_exists("the id is taken").at_id(id)
}

#[cold]
pub(super) fn no_id() -> Error {
    Error::invalid("the write names no record: give the draft an id")
}

/// What a write does to the place of its id.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mode {
    Create,
    Update,
    Upsert,
}

impl Mode {
    /// Refuses the write where the place is not as it must be.
    pub(super) fn check(self, expected: Option<&Version>, old: Option<&Envelope>, id: &Id) -> Result<()> {
        match (self, old) {
            (Mode::Create, Some(_)) => Err(taken(id)),
            (Mode::Update, None) => Err(missing(id)),
            _ => expect(expected, old, id),
        }
    }
    pub(super) fn effect(old: bool) -> Effect {
        if old { Effect::Updated } else { Effect::Created }
    }
}

impl<R: RecordCodec> MemoryStore<R> {
    fn put(&self, mode: Mode, draft: Draft<'_, R>) -> Outcome {
        let Sealed { id, draft } = seal(&self.table, draft)?;
        let id = match (id, mode) {
            (Some(id), _) => id,
            (None, Mode::Create) => Id::generate(),
            (None, _) => return Err(no_id()),
        };
        let expected = draft.expected.clone();
        self.place(mode, id, Fresh::of(draft), expected.as_ref())
    }

    /// Puts a record under its id.
    fn place(&self, mode: Mode, id: Id, fresh: Fresh<R>, expected: Option<&Version>) -> Outcome {
        let table = &*self.table;
        let values = (!table.fields.is_empty()).then(|| table.fields.values(&fresh.record));
        let mut unique = values.is_some().then(|| locked(&table.unique));
        let hash = table.hash(&id);
        let mut shard = table.shard(hash);
        let slot = shard.find(hash, &id);
        let old = slot.and_then(|slot| shard.at(slot)).map(|row| &**row);
        mode.check(expected, old.map(|old| &old.envelope), &id)?;
        if let (Some(unique), Some(values)) = (&mut unique, values) {
            unique.check(&table.fields, &values, &id)?;
            if let Some(old) = old {
                unique.release(table.fields.values(&old.record));
            }
            unique.claim(values, &id);
        }
        let version = table.next_version();
        let written = Written { id: id.clone(), version: Some(version.clone()), effect: Mode::effect(old.is_some()) };
        let mut stored = fresh.stored(id, old.map(|old| &old.envelope));
        stored.envelope.set_version(version);
        let replaced = match slot {
            Some(slot) => shard.overwrite(slot, stored),
            None => {
                shard.insert(hash, Arc::new(stored));
                Replaced::Nothing
            }
        };
        drop(shard);
        drop(unique);
        drop(replaced);
        Ok(written)
    }

    fn delete(&self, id: Id, expected: Option<&Version>) -> Outcome {
        let table = &*self.table;
        let mut unique = (!table.fields.is_empty()).then(|| locked(&table.unique));
        let hash = table.hash(&id);
        let mut shard = table.shard(hash);
        let slot = shard.find(hash, &id);
        expect(expected, slot.and_then(|slot| shard.at(slot)).map(|row| &row.envelope), &id)?;
        let gone = slot.and_then(|slot| shard.remove_at(hash, slot));
        if gone.is_some() {
            // A delete counts as a write, so that what comes back under the id is never taken for what went.
            table.next_version();
        }
        if let (Some(unique), Some(gone)) = (&mut unique, &gone) {
            unique.release(table.fields.values(&gone.record));
        }
        drop(shard);
        let effect = if gone.is_some() { Effect::Deleted } else { Effect::Absent };
        Ok(Written { id, version: None, effect })
    }

    /// Changes a copy and puts it in the place of what it was made from, as often as another writer was faster.
    fn patch(&self, id: Id, changes: &Changes<R>, expected: Option<&Version>) -> Outcome {
        let bound = changes.bind(self.table.schema())?;
        for _ in 0..MAX_TRIES {
            let old = self.table.get(&id).ok_or_else(|| missing(&id))?;
            expect(expected, Some(&old.envelope), &id)?;
            let draft = patched(&self.table, &old, &bound)?;
            let based_on = old.envelope.version().cloned();
            match self.put(Mode::Update, draft.expect(based_on)) {
                Err(error) if error.is_conflict() => {}
                done => return done,
            }
        }
        Err(Error::conflict("too many others write the same record").at_id(&id).retryable(true))
    }
}

/// A record with changes applied, as a draft under the same id.
pub(super) fn patched<R: RecordCodec>(
    table: &Table<R>,
    old: &Stored<R>,
    changes: &crate::record::BoundChanges<R>,
) -> Result<Draft<'static, R>> {
    let (mut record, mut metadata) = (old.record.clone(), old.envelope.metadata().clone());
    changes.apply(table.schema(), &mut record, &mut metadata).map_err(|e| e.at_id(old.envelope.id()))?;
    Draft::of(record).metadata(metadata).id(old.envelope.id())
}

impl<R: RecordCodec> MemoryStore<R> {
    /// Writes in order; blocks of creates are shared out between cores.
    fn write_blocks<'a>(&self, mut writes: impl Iterator<Item = Write<'a, R>>, limits: &Limits) -> Vec<Outcome>
    where
        R: 'a,
    {
        let mut outcomes = Vec::with_capacity(writes.size_hint().0);
        loop {
            // The caller's iterator may use this store: no lock is held here.
            let block: Vec<_> = writes.by_ref().take(BLOCK).collect();
            match block.iter().all(|write| matches!(write, Write::Create(_))) {
                _ if block.is_empty() => return outcomes,
                true if block.len() >= PARALLEL_WRITES => self.create_block(block, &mut outcomes),
                _ => outcomes.extend(block.into_iter().map(|write| self.write_one(write, limits))),
            }
        }
    }

    /// Creates shared out between cores: what comes to one shard is put there in order, under one lock.
    fn create_block(&self, block: Vec<Write<'_, R>>, outcomes: &mut Vec<Outcome>) {
        let before = outcomes.len();
        let ready: Vec<(Outcome, Option<Ready<R>>)> = block.into_par_iter().map(|write| self.ready(write)).collect();
        let mut shares: Vec<Vec<(usize, Ready<R>)>> = (0..Table::<R>::SHARDS).map(|_| Vec::new()).collect();
        for (place, (outcome, ready)) in ready.into_iter().enumerate() {
            outcomes.push(outcome);
            if let Some(ready) = ready {
                shares[Table::<R>::shard_of(ready.hash)].push((before + place, ready));
            }
        }
        let shares = shares.into_par_iter().enumerate();
        let done: Vec<_> = shares.map(|(shard, share)| self.create_share(shard, share)).collect();
        for (place, done) in done.into_iter().flatten() {
            match (done, &mut outcomes[place]) {
                (Ok(version), Ok(written)) => written.version = Some(version),
                (Err(error), outcome) => *outcome = Err(error),
                _ => {}
            }
        }
    }

    /// A create that lacks nothing but its place, and its outcome but for the version.
    fn ready(&self, write: Write<'_, R>) -> (Outcome, Option<Ready<R>>) {
        match self.try_ready(write) {
            Ok(ready) => {
                let id = ready.row.envelope.id().clone();
                (Ok(Written { id, version: None, effect: Effect::Created }), Some(ready))
            }
            Err(error) => (Err(error.in_store(&self.table.name)), None),
        }
    }

    fn try_ready(&self, write: Write<'_, R>) -> Result<Ready<R>> {
        let Write::Create(draft) = write else { return Err(Error::backend("only creates are shared out")) };
        let Sealed { id, draft } = seal(&self.table, draft)?;
        let id = id.unwrap_or_else(Id::generate);
        expect(draft.expected(), None, &id)?;
        Ok(Ready { hash: self.table.hash(&id), row: Arc::new(build(id, draft, None)) })
    }

    fn create_share(&self, shard: usize, share: Vec<(usize, Ready<R>)>) -> Vec<(usize, Result<Version>)> {
        // What is refused is dropped when the lock is free.
        let mut refused = Vec::new();
        let mut shard = self.table.shard_at(shard);
        shard.reserve(share.len());
        let create = |(place, mut ready): (usize, Ready<R>)| {
            // Nobody else has the row yet.
            let fresh = Arc::get_mut(&mut ready.row).filter(|row| shard.get(ready.hash, row.envelope.id()).is_none());
            let Some(fresh) = fresh else {
                let error = taken(ready.row.envelope.id()).in_store(&self.table.name);
                refused.push(ready.row);
                return (place, Err(error));
            };
            let version = self.table.next_version();
            fresh.envelope.set_version(version.clone());
            shard.insert(ready.hash, ready.row);
            (place, Ok(version))
        };
        let done = share.into_iter().map(create).collect();
        drop(shard);
        drop(refused);
        done
    }
}

/// A record that is ready to be put into its shard.
struct Ready<R> {
    hash: u64,
    row: Row<R>,
}

impl<R: RecordCodec> Driver<R> for MemoryStore<R> {
    type Engine = Memory;
    type Rows<P: Predicate<R>, S: Select<R>> = MemoryRows<R, P, S>;

    fn shape(&self) -> &R::Shape {
        &self.table.shape
    }

    fn name(&self) -> &str {
        &self.table.name
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
        if atomicity == Atomicity::All {
            return Overlay::write_all(&self.table, writes);
        }
        let writes = writes.into_iter();
        match self.table.fields.is_empty() {
            true => Ok(self.write_blocks(writes, limits)),
            false => Ok(writes.map(|write| self.write_one(write, limits)).collect()),
        }
    }

    fn write_one(&self, write: Write<'_, R>, _: &Limits) -> Outcome {
        let outcome = match write {
            Write::Create(draft) => self.put(Mode::Create, draft),
            Write::Update(draft) => self.put(Mode::Update, draft),
            Write::Upsert(draft) => self.put(Mode::Upsert, draft),
            Write::Patch { id, changes, expected } => self.patch(id, &changes, expected.as_ref()),
            Write::Delete { id, expected } => self.delete(id, expected.as_ref()),
        };
        outcome.map_err(|e| e.in_store(&self.table.name))
    }

    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        limits.check()?;
        Ok(ids.iter().map(|id| self.table.get(id).map(unshared)).collect())
    }

    fn fetch_one(&self, id: &Id, _: &Limits) -> Result<Option<Stored<R>>> {
        Ok(self.table.get(id).map(unshared))
    }

    fn show<T>(&self, id: &Id, look: impl FnOnce(&Stored<R>) -> T, _: &Limits) -> Result<Option<T>> {
        Ok(self.table.get(id).map(|row| look(&row)))
    }

    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Memory, R, P, S>,
        limits: &Limits,
    ) -> Result<MemoryRows<R, P, S>> {
        MemoryRows::new(Snapshot::of(&self.table), query, limits).map_err(|e| e.in_store(&self.table.name))
    }

    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Memory, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        Snapshot::of(&self.table).count(&query, limits).map_err(|e| e.in_store(&self.table.name))
    }

    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<Memory, R, P, S>) -> Result<Plan> {
        Ok(plan(query))
    }
}

/// What memory does with a query.
pub(super) fn plan<R: RecordCodec, P: Predicate<R>, S: Select<R>>(query: &Runnable<Memory, R, P, S>) -> Plan {
    let mut plan = Plan::new("memory").step("scan of a snapshot, on all cores where it is large");
    plan.pushed = query.lower();
    let keys: Vec<_> = query.order().keys().iter().map(|(key, _)| key.to_string()).collect();
    match (query.is_ordered(), query.limit()) {
        (false, _) => plan,
        (true, Some(limit)) => {
            plan.step(format!("the first {} of [{}], id", query.offset().saturating_add(limit), keys.join(", ")))
        }
        (true, None) => plan.step(format!("sort by [{}], id", keys.join(", "))),
    }
}

/// A copy, or the record itself where nobody else has it.
pub(super) fn unshared<R: RecordCodec>(row: Row<R>) -> Stored<R> {
    Arc::unwrap_or_clone(row)
}
