//! The store: what the driver contract asks, on a [`Table`].

use std::sync::Arc;

use rayon::prelude::*;

use super::{
    Memory, locked,
    snapshot::{MemoryRows, Snapshot},
    table::{Row, Table, now},
    transaction::Overlay,
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::{Plan, Predicate, Runnable, Select},
    record::{Changes, Draft, Envelope, RecordCodec, Stored},
    store::{
        Driver, Limits,
        write::{Atomicity, Effect, Outcome, Write, Written},
    },
    version::Version,
};

/// Writes in a batch above which cores share the work.
const PARALLEL_WRITES: usize = 4_096;
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

/// A record as it will be stored. What it adds to an old one: times never go backwards, metadata stays unless given
/// (semantics 5.3, 1.5).
pub(super) fn build<R: RecordCodec>(id: Id, draft: Draft<'_, R>, old: Option<&Envelope>) -> Stored<R> {
    let given = draft.given_times();
    let (created, updated) = times(given, old.map(Envelope::microseconds));
    let metadata = draft.given_metadata().cloned().or_else(|| old.map(|old| old.metadata().clone()));
    let envelope = Envelope::of(id).with_microseconds(created, updated).with_metadata(metadata.unwrap_or_default());
    Stored { envelope, record: draft.into_record() }
}

type Given = Option<(Option<jiff::Timestamp>, Option<jiff::Timestamp>)>;

fn times(given: Given, old: Option<(i64, i64)>) -> (i64, i64) {
    let now = now();
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
        let expected = draft.expected().cloned();
        // Built before the lock is taken; what the old record adds is filled in under it.
        let fresh = build(id.clone(), draft.by_ref(), None);
        let keeps = Keeps { metadata: draft.given_metadata().is_none(), given: draft.given_times() };
        self.place(mode, fresh, expected.as_ref(), &keeps)
    }

    /// Puts a record that was built without knowing the one that it replaces.
    fn place(&self, mode: Mode, mut fresh: Stored<R>, expected: Option<&Version>, keeps: &Keeps) -> Outcome {
        let table = &*self.table;
        let id = fresh.envelope.id().clone();
        let values = (!table.fields.is_empty()).then(|| table.fields.values(&fresh.record));
        let mut unique = values.is_some().then(|| locked(&table.unique));
        let hash = table.hash(&id);
        let mut shard = table.shard(hash);
        let old = shard.get(hash, &id).cloned();
        mode.check(expected, old.as_deref().map(|old| &old.envelope), &id)?;
        if let (Some(unique), Some(values)) = (&mut unique, values) {
            unique.check(&table.fields, &values, &id)?;
            if let Some(old) = &old {
                unique.release(table.fields.values(&old.record));
            }
            unique.claim(values, &id);
        }
        let version = table.next_version();
        fresh.envelope =
            keeps.fill(fresh.envelope, old.as_deref().map(|old| &old.envelope)).with_version(version.clone());
        let row = Arc::new(fresh);
        let replaced = match old.is_some() {
            true => shard.replace(hash, row),
            false => {
                shard.insert(hash, row);
                None
            }
        };
        drop(shard);
        drop(unique);
        drop(replaced);
        Ok(Written { id, version: Some(version), effect: Mode::effect(old.is_some()) })
    }

    fn delete(&self, id: Id, expected: Option<&Version>) -> Outcome {
        let table = &*self.table;
        let mut unique = (!table.fields.is_empty()).then(|| locked(&table.unique));
        let hash = table.hash(&id);
        let mut shard = table.shard(hash);
        expect(expected, shard.get(hash, &id).map(|row| &row.envelope), &id)?;
        let gone = shard.remove(hash, &id);
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

/// What a replaced record hands on to the one in its place.
struct Keeps {
    metadata: bool,
    given: Given,
}

impl Keeps {
    fn fill(&self, fresh: Envelope, old: Option<&Envelope>) -> Envelope {
        let Some(old) = old else { return fresh };
        let (_, written) = fresh.microseconds();
        let (created, updated) = old.microseconds();
        let (c, u) = match self.given {
            Some(_) => fresh.microseconds(),
            None => (created, written.max(updated)),
        };
        let fresh = fresh.with_microseconds(c, u);
        if self.metadata { fresh.with_metadata(old.metadata().clone()) } else { fresh }
    }
}

impl<R: RecordCodec> MemoryStore<R> {
    /// One write after the other.
    fn write_each<'a>(&self, writes: impl IntoIterator<Item = Write<'a, R>>, limits: &Limits) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        limits.check()?;
        Ok(writes.into_iter().map(|write| self.write_one(write, limits)).collect())
    }

    /// Creates shared out between cores: what comes to one shard is put there in order, under one lock.
    fn create_many(&self, writes: Vec<Write<'_, R>>) -> Vec<Outcome> {
        let ready: Vec<Result<(u64, Stored<R>)>> = writes.into_par_iter().map(|write| self.ready(write)).collect();
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(ready.len());
        let mut shares: Vec<Vec<(usize, u64, Stored<R>)>> = (0..Table::<R>::SHARDS).map(|_| Vec::new()).collect();
        for (place, ready) in ready.into_iter().enumerate() {
            match ready {
                Ok((hash, stored)) => {
                    let id = stored.envelope.id().clone();
                    outcomes.push(Ok(Written { id, version: None, effect: Effect::Created }));
                    shares[Table::<R>::shard_of(hash)].push((place, hash, stored));
                }
                Err(error) => outcomes.push(Err(error)),
            }
        }
        let shares = shares.into_par_iter().enumerate();
        let done: Vec<_> = shares.flat_map_iter(|(shard, share)| self.create_share(shard, share)).collect();
        for (place, done) in done {
            match (done, &mut outcomes[place]) {
                (Ok(version), Ok(written)) => written.version = Some(version),
                (Err(error), outcome) => *outcome = Err(error),
                _ => {}
            }
        }
        outcomes
    }

    fn ready(&self, write: Write<'_, R>) -> Result<(u64, Stored<R>)> {
        let Write::Create(draft) = write else { return Err(Error::backend("only creates are shared out")) };
        let Sealed { id, draft } = seal(&self.table, draft)?;
        let id = id.unwrap_or_else(Id::generate);
        expect(draft.expected(), None, &id)?;
        Ok((self.table.hash(&id), build(id, draft, None)))
    }

    fn create_share(&self, shard: usize, share: Vec<(usize, u64, Stored<R>)>) -> Vec<(usize, Result<Version>)> {
        let mut shard = self.table.shard_at(shard);
        let create = |(place, hash, mut stored): (usize, u64, Stored<R>)| {
            if shard.get(hash, stored.envelope.id()).is_some() {
                return (place, Err(taken(stored.envelope.id())));
            }
            let version = self.table.next_version();
            stored.envelope = stored.envelope.with_version(version.clone());
            shard.insert(hash, Arc::new(stored));
            (place, Ok(version))
        };
        share.into_iter().map(create).collect()
    }
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
        if writes.size_hint().0 < PARALLEL_WRITES || !self.table.fields.is_empty() {
            return self.write_each(writes, limits);
        }
        let writes: Vec<_> = writes.collect();
        match writes.iter().all(|write| matches!(write, Write::Create(_))) {
            true => Ok(self.create_many(writes)),
            false => self.write_each(writes, limits),
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
