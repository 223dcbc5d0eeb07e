//! The store: what the driver contract asks, on a [`Table`].

use std::sync::Arc;

use rayon::prelude::*;

use super::{
    Memory,
    page::Row,
    rows::{MemoryRows, gathered},
    snapshot::Snapshot,
    table::{Table, shard_of},
    transaction::Overlay,
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::{Plan, Predicate, Runnable, Select},
    record::{Changes, Draft, RecordCodec, Stored},
    store::{
        Driver, Incoming, Limits, Mode,
        decide::{check_version, missing, overtaken, taken},
        effort,
        write::{Atomicity, Effect, Outcome, Write, Written},
    },
    version::Version,
};

/// Writes in a batch above which cores share the work.
const PARALLEL_WRITES: usize = 2_048;
/// Writes that are prepared at once: few enough to stay in the cache until they are put into their places. Limits are looked at
/// between blocks.
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

    /// A failure is reported with the store's name.
    pub(super) fn named<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.in_store(&self.table.name))
    }
}

impl<R: RecordCodec> Clone for MemoryStore<R> {
    fn clone(&self) -> Self {
        MemoryStore { table: self.table.clone() }
    }
}

/// The writes of one record. Each is compiled once for a record type, and is handed ids by reference: words that were just put
/// together are read back at once, but a move of them has to wait until the call before is through with its cache misses.
impl<R: RecordCodec> MemoryStore<R> {
    /// Puts a record under its id. The draft is moved nowhere before that; it is dropped when the lock is free, with what was
    /// replaced.
    #[inline(never)]
    fn put(&self, mode: Mode, mut draft: Draft<'_, R>) -> Outcome {
        let table = &*self.table;
        let incoming = Incoming::new(mode, &mut draft, table.schema())?;
        let values = (!table.fields.is_empty()).then(|| table.fields.values(draft.record()));
        let id = incoming.id();
        let hash = table.hash(id);
        let (mut writing, slot) = table.writing(hash).find(hash, id);
        let shard = &mut *writing.shard;
        let old = slot.and_then(|slot| shard.at(slot));
        let effect = incoming.check(&draft, old.map(|old| &old.envelope))?;
        if slot.is_none() {
            shard.check_room(1)?;
        }
        if let (Some(unique), Some(values)) = (&mut writing.unique, values) {
            unique.check(&table.fields, &values, id)?;
            if let Some(old) = old {
                unique.release(table.fields.values(&old.record));
            }
            unique.claim(values, id);
        }
        let version = shard.next_version();
        let written = Written { id: id.clone(), version: Some(version.clone()), effect };
        match slot.and_then(|slot| shard.at_mut(slot)) {
            Some(old) => incoming.replace(&mut draft, old, version),
            None => shard.insert(hash, incoming.created(draft, version)),
        }
        Ok(written)
    }

    #[inline(never)]
    fn delete(&self, id: &Id, expected: Option<&Version>) -> Outcome {
        let table = &*self.table;
        let hash = table.hash(id);
        let (mut writing, slot) = table.writing(hash).find(hash, id);
        let shard = &mut *writing.shard;
        let old = slot.and_then(|slot| shard.at(slot));
        check_version(expected, old.map(|old| &old.envelope), id)?;
        if let (Some(unique), Some(old)) = (&mut writing.unique, old) {
            unique.release(table.fields.values(&old.record));
        }
        let effect = if slot.is_some() { Effect::Deleted } else { Effect::Absent };
        let gone = slot.and_then(|slot| {
            // A delete counts as a write, so that what comes back under the id is never taken for what went.
            shard.next_version();
            shard.remove(hash, slot)
        });
        drop(writing);
        drop(gone);
        Ok(Written { id: id.clone(), version: None, effect })
    }

    /// Changes a copy and puts it in the place of what it was made from, as often as another writer was faster.
    #[inline(never)]
    fn patch(&self, id: &Id, changes: &Changes<R>, expected: Option<&Version>) -> Outcome {
        let bound = changes.bind(self.table.schema())?;
        for _ in 0..MAX_TRIES {
            let row = self.table.get(id);
            let old = row.as_ref().and_then(Row::get).ok_or_else(|| missing(id))?;
            check_version(expected, Some(&old.envelope), id)?;
            let draft = Draft::patched(old, &bound, self.table.schema())?;
            // The page is given back first, or it would have to be copied to be written to.
            drop(row);
            match self.put(Mode::Update, draft) {
                Err(error) if error.is_conflict() => effort::repeated(),
                done => return done,
            }
        }
        Err(overtaken(id))
    }
}

impl<R: RecordCodec> MemoryStore<R> {
    /// Writes in order; blocks of creates are shared out between cores.
    fn write_blocks<'a>(&self, writes: impl Iterator<Item = Write<'a, R>>, limits: &Limits) -> Vec<Outcome>
    where
        R: 'a,
    {
        let mut writes = writes.fuse();
        let mut outcomes = Vec::with_capacity(writes.size_hint().0);
        loop {
            // The caller's iterator may use this store: no lock is held here.
            let block: Vec<_> = writes.by_ref().take(BLOCK).collect();
            if limits.check().is_err() {
                outcomes.extend(block.into_iter().chain(writes).map(|_| self.stopped(limits)));
                return outcomes;
            }
            match block.iter().all(|write| matches!(write, Write::Create(_))) {
                _ if block.is_empty() => return outcomes,
                true if block.len() >= PARALLEL_WRITES && self.table.fields.is_empty() => {
                    self.create_block(block, &mut outcomes)
                }
                _ => outcomes.extend(block.into_iter().map(|write| self.write_one(write, limits))),
            }
        }
    }

    /// The outcome of a write that was not tried any more.
    fn stopped(&self, limits: &Limits) -> Outcome {
        let why = limits.check().err().unwrap_or_else(|| Error::backend("the batch was stopped"));
        Err(why.in_store(&self.table.name))
    }

    /// Creates shared out between cores: what comes to one shard is put there in order, under one lock.
    fn create_block(&self, block: Vec<Write<'_, R>>, outcomes: &mut Vec<Outcome>) {
        let before = outcomes.len();
        let ready: Vec<Result<Ready<'_, R>>> = block.into_par_iter().map(|write| self.ready(write)).collect();
        let mut shares: Vec<Vec<(usize, Ready<'_, R>)>> = (0..Table::<R>::SHARDS).map(|_| Vec::new()).collect();
        for (place, ready) in ready.into_iter().enumerate() {
            let written = ready.map(|ready| {
                let id = ready.incoming.id().clone();
                shares[shard_of(ready.hash)].push((before + place, ready));
                Written { id, version: None, effect: Effect::Created }
            });
            outcomes.push(written.map_err(|error| error.in_store(&self.table.name)));
        }
        let shares = shares.into_par_iter().enumerate();
        let done: Vec<_> = shares.map(|(shard, share)| self.create_share(shard, share)).collect();
        for (place, done) in done.into_iter().flatten() {
            match (done, &mut outcomes[place]) {
                (Ok(version), Ok(written)) => written.version = Some(version),
                (Err(error), outcome) => *outcome = Err(error.in_store(&self.table.name)),
                _ => {}
            }
        }
    }

    /// A create that lacks nothing but its place.
    fn ready<'a>(&self, write: Write<'a, R>) -> Result<Ready<'a, R>> {
        let Write::Create(mut draft) = write else { return Err(Error::backend("only creates are shared out")) };
        let incoming = Incoming::new(Mode::Create, &mut draft, self.table.schema())?;
        incoming.check(&draft, None)?;
        Ok(Ready { hash: self.table.hash(incoming.id()), incoming, draft })
    }

    fn create_share(&self, shard: usize, share: Vec<(usize, Ready<'_, R>)>) -> Vec<(usize, Result<Version>)> {
        // What is refused is dropped when the lock is free.
        let mut refused = Vec::new();
        let mut writing = self.table.writing_at(shard);
        writing.shard.reserve(share.len());
        let mut done = Vec::with_capacity(share.len());
        for (place, Ready { hash, incoming, draft }) in share {
            let slot;
            (writing, slot) = writing.find(hash, incoming.id());
            let room = if slot.is_some() { Err(taken(incoming.id())) } else { writing.shard.check_room(1) };
            match room {
                Ok(()) => {
                    let version = writing.shard.next_version();
                    writing.shard.insert(hash, incoming.created(draft, version.clone()));
                    done.push((place, Ok(version)));
                }
                Err(error) => {
                    refused.push(draft);
                    done.push((place, Err(error)));
                }
            }
        }
        drop(writing);
        drop(refused);
        done
    }
}

/// A record that is ready to be put into its shard.
struct Ready<'a, R: RecordCodec> {
    hash: u64,
    incoming: Incoming,
    draft: Draft<'a, R>,
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
            return Overlay::write_all(&self.table, writes, limits);
        }
        let writes = writes.into_iter();
        Ok(self.write_blocks(writes, limits))
    }

    /// Inlined into the verbs, which know the write: taken apart where it is made, it is never moved.
    #[inline(always)]
    fn write_one(&self, write: Write<'_, R>, _: &Limits) -> Outcome {
        let outcome = match write {
            Write::Create(draft) => self.put(Mode::Create, draft),
            Write::Update(draft) => self.put(Mode::Update, draft),
            Write::Upsert(draft) => self.put(Mode::Upsert, draft),
            Write::Patch { id, changes, expected } => self.patch(&id, &changes, expected.as_ref()),
            Write::Delete { id, expected } => self.delete(&id, expected.as_ref()),
        };
        self.named(outcome)
    }

    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        let mut rows = Vec::with_capacity(ids.len());
        for ids in ids.chunks(BLOCK) {
            limits.check()?;
            rows.extend(ids.iter().map(|id| self.table.get(id).and_then(|row| row.get().cloned())));
        }
        Ok(rows)
    }

    fn fetch_one(&self, id: &Id, _: &Limits) -> Result<Option<Stored<R>>> {
        let row = self.table.get(id);
        Ok(row.as_ref().and_then(Row::get).cloned())
    }

    fn show<T>(&self, id: &Id, look: impl FnOnce(&Stored<R>) -> T, _: &Limits) -> Result<Option<T>> {
        // Looked at where it is: a row that is moved once more cannot be read before the move is done.
        let row = self.table.get(id);
        Ok(row.as_ref().and_then(Row::get).map(look))
    }

    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Memory, R, P, S>,
        limits: &Limits,
    ) -> Result<MemoryRows<R, P, S>> {
        self.named(MemoryRows::new(Snapshot::of(&self.table), query, limits))
    }

    fn gather<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Memory, R, P, S>,
        limits: &Limits,
    ) -> Result<Vec<Stored<S::Out>>> {
        let snapshot = Snapshot::of(&self.table);
        let found = snapshot.find(query.predicate(), query.arranged(), limits);
        self.named(gathered(found, query.selection(), limits))
    }

    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Memory, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        self.named(Snapshot::of(&self.table).count(query.predicate(), query.arranged(), limits))
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
