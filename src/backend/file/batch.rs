//! Batches: planned block by block, committed together, and planned again where another writer was faster.

use std::{collections::HashMap, sync::Arc};

use rayon::prelude::*;

use super::{
    commit::{Job, MOST_BYTES, Proposal, Seen, Verdict},
    core::View,
    disk::Disk,
    journal::Change,
    planner::{Pending, Planned, Planner, Task, envelope_of},
    row::{encode_body, encode_body_into},
    rows::{Row, Rows},
    store::FileStore,
};
use crate::{
    error::{Error, Result},
    id::Id,
    record::{Draft, RecordCodec},
    store::{
        decide::overtaken,
        write::{Effect, Outcome, Write, Written},
    },
};

/// How often a write is tried while others write the same record.
const MAX_TRIES: usize = 1_000;
/// Writes that one thread makes ready together.
const PART: usize = 256;
/// Parts that are taken from the caller together.
const PARTS: usize = 16;
/// For how many writes there is room from the start, where so many are to come.
const MOST_RESERVED: usize = 1 << 20;

/// A write that was proposed.
struct Told<'a, R: RecordCodec> {
    at: usize,
    /// How it is planned again; a create comes back as what was proposed.
    again: Option<Box<Pending<'a, R>>>,
}

/// Writes on their way through one commit.
struct Round<'p, 'a, R: RecordCodec, D: Disk> {
    planner: Planner<'p, R, D>,
    told: Vec<Told<'a, R>>,
    /// What is so only if writes before it in the batch are done.
    provisional: Vec<(Box<Pending<'a, R>>, Outcome)>,
    store: &'p FileStore<R, D>,
}

impl<'p, 'a, R: RecordCodec, D: Disk> Round<'p, 'a, R, D> {
    fn new(store: &'p FileStore<R, D>, view: &'p View<D>) -> Self {
        Round { planner: Planner::new(store, view), told: Vec::new(), provisional: Vec::new(), store }
    }

    /// Makes room for about so many writes.
    fn reserve(&mut self, writes: usize) {
        let writes = writes.min(MOST_RESERVED);
        self.planner.reserve(writes);
        self.told.reserve(writes);
    }

    /// Plans a write; its outcome is what it will be where nobody is faster.
    fn plan(&mut self, pending: Pending<'a, R>) -> Outcome {
        let at = pending.at;
        match self.planner.plan(pending) {
            Planned::Proposed(written, again) => {
                self.told.push(Told { at, again });
                Ok(written)
            }
            Planned::Settled(outcome, pending) => {
                let outcome = outcome.map_err(|e| e.in_store(&self.store.core.name));
                if !self.planner.has_written(&pending.id) {
                    return outcome;
                }
                let meanwhile = Written { id: pending.id.clone(), version: None, effect: Effect::Absent };
                self.provisional.push((pending, outcome));
                Ok(meanwhile)
            }
        }
    }

    /// Plans writes that were made ready, behind those that have outcomes.
    fn plan_all(&mut self, ready: Vec<Ready<'a, R>>, outcomes: &mut Vec<Outcome>) {
        for pending in ready.into_iter().flatten() {
            outcomes.push(match pending {
                Ok(pending) => self.plan(pending),
                Err(error) => Err(error.in_store(&self.store.core.name)),
            });
        }
    }

    fn into_parts(self) -> (Option<Job>, Planning<'a, R>) {
        let Round { planner, told, provisional, .. } = self;
        let job = (!planner.proposals.is_empty()).then(|| Job {
            awaited: provisional.iter().map(|(pending, _)| pending.id.clone()).collect(),
            ..planner.job(false)
        });
        (job, Planning { told, provisional })
    }
}

/// What waits for the verdicts of a commit.
struct Planning<'a, R: RecordCodec> {
    told: Vec<Told<'a, R>>,
    provisional: Vec<(Box<Pending<'a, R>>, Outcome)>,
}

impl<'a, R: RecordCodec> Planning<'a, R> {
    /// Settles the outcomes; what has to be planned again is left, in order.
    fn settle(self, verdicts: Vec<Verdict>, store: &str, outcomes: &mut [Outcome]) -> Vec<Pending<'a, R>> {
        // Of each record, the first write that is not done.
        let mut undone: HashMap<Id, usize> = HashMap::new();
        let mut waiting = Vec::new();
        for (verdict, Told { at, again }) in verdicts.into_iter().zip(self.told) {
            match verdict {
                Verdict::Done => {}
                Verdict::Lost(proposal) => {
                    undone.entry(proposal.entry.id().clone()).or_insert(at);
                    waiting.extend(again.map_or_else(|| create_again(*proposal, at), |pending| Some(*pending)));
                }
                Verdict::Refused(error) => {
                    if let Ok(Written { id, .. }) = &outcomes[at] {
                        undone.entry(id.clone()).or_insert(at);
                        outcomes[at] = Err(error.at_id(id).in_store(store));
                    }
                }
            }
        }
        for (pending, outcome) in self.provisional {
            match undone.get(&pending.id).is_some_and(|first| *first < pending.at) {
                true => waiting.push(*pending),
                false => outcomes[pending.at] = outcome,
            }
        }
        waiting.sort_by_key(|pending| pending.at);
        waiting
    }
}

/// A create that was proposed, as it was before.
fn create_again<'a, R: RecordCodec>(proposal: Proposal, at: usize) -> Option<Pending<'a, R>> {
    let fresh = proposal.seen == Seen::Fresh;
    match proposal.entry.change {
        Change::Put(row) => {
            Some(Pending { id: row.envelope().id().clone(), fresh, at, task: Task::Create { row, expects: false } })
        }
        Change::Deleted { .. } => None,
    }
}

/// Writes of one part that were made ready.
type Ready<'a, R> = Vec<Result<Pending<'a, R>>>;

/// The next writes of a caller, in parts.
fn taken<W>(writes: &mut impl Iterator<Item = W>) -> Vec<Vec<W>> {
    let part = || writes.by_ref().take(PART).collect();
    std::iter::repeat_with(part).take(PARTS).take_while(|part: &Vec<W>| !part.is_empty()).collect()
}

impl<R: RecordCodec, D: Disk> FileStore<R, D> {
    /// Checks a write, settles its id, and makes the record ready where it is a new one.
    ///
    /// # Errors
    /// Why it can never be done, whatever is there.
    pub(super) fn pending<'a>(&self, write: Write<'a, R>, at: usize) -> Result<Pending<'a, R>> {
        let mut write = write;
        self.pending_with(&mut write, at, |id, draft| {
            Ok(Row::new(envelope_of(id, draft, None), encode_body(draft.record(), &self.shape, None)?))
        })
    }

    /// The same, where `make` makes the record ready. The write is not moved for that; what is left of another is of no use.
    fn pending_with<'a, W>(
        &self,
        write: &mut Write<'a, R>,
        at: usize,
        make: impl FnOnce(&Id, &Draft<'a, R>) -> Result<W>,
    ) -> Result<Pending<'a, R, W>> {
        let sealed = |draft: &mut Draft<'a, R>| {
            draft.seal(&self.shape)?;
            self.settle_id(draft)
        };
        let id = match write {
            Write::Create(draft) => {
                let given = sealed(draft)?;
                let fresh = given.is_none();
                let id = given.unwrap_or_else(Id::generate);
                let task = Task::Create { row: make(&id, draft)?, expects: draft.expected().is_some() };
                return Ok(Pending { id, fresh, at, task });
            }
            Write::Update(draft) | Write::Upsert(draft) => {
                let nameless = || Error::invalid("the write names no record: give the draft an id");
                sealed(draft)?.ok_or_else(nameless)?
            }
            Write::Patch { id, changes, .. } => {
                changes.bind(&self.shape)?;
                id.clone()
            }
            Write::Delete { id, .. } => id.clone(),
        };
        let write = std::mem::replace(write, Write::Delete { id: id.clone(), expected: None });
        Ok(Pending { id, fresh: false, at, task: Task::Write(Arc::new(write)) })
    }

    /// The same of some, the first of which is at a place of the batch. Their new records lie together.
    fn part_pending<'a>(&self, mut writes: Vec<Write<'a, R>>, first: usize) -> Ready<'a, R> {
        let mut rows = Rows::with_capacity(writes.len());
        let mut add = |id: &Id, draft: &Draft<'a, R>| {
            let envelope = envelope_of(id, draft, None);
            rows.add(envelope, |out| encode_body_into(draft.record(), &self.shape, None, out))
        };
        let made = writes.iter_mut().zip(first..).map(|(write, at)| self.pending_with(write, at, &mut add));
        let made: Vec<_> = made.collect();
        let row = rows.finish();
        made.into_iter().map(|pending| pending.map(|pending| pending.with_row(&row))).collect()
    }

    /// The same of many, on all cores.
    fn all_pending<'a>(&self, parts: Vec<Vec<Write<'a, R>>>, first: usize) -> Vec<Ready<'a, R>> {
        // All parts but the last are whole.
        let ready = |(number, part)| self.part_pending(part, first + number * PART);
        match parts.len() {
            0 | 1 => parts.into_iter().enumerate().map(ready).collect(),
            _ => parts.into_par_iter().enumerate().map(ready).collect(),
        }
    }

    /// Commits a write. It is planned on what is known; whether that is still so the commit sees, under the lock. What would be
    /// refused, or has nothing to do, is planned again on what others have written meanwhile.
    ///
    /// # Errors
    /// As in its outcome.
    pub(super) fn write_single(&self, write: Write<'_, R>) -> Outcome {
        let mut pending = self.pending(write, 0)?;
        let mut is_late = false;
        for _ in 0..MAX_TRIES {
            let view = self.core.snapshot();
            let mut planner = Planner::new(self, &view);
            let (written, again) = match planner.plan(pending) {
                Planned::Proposed(written, again) => (written, again),
                Planned::Settled(outcome, _) if is_late => return outcome,
                Planned::Settled(_, again) => {
                    self.core.refresh()?;
                    is_late = true;
                    pending = *again;
                    continue;
                }
            };
            let job = planner.job(false);
            // What nobody looks at is not copied when it is written to.
            drop(view);
            match self.core.queue.write(&self.core, job)?.pop() {
                Some(Verdict::Refused(error)) => return Err(error.at_id(&written.id)),
                Some(Verdict::Lost(proposal)) => {
                    is_late = true;
                    let again = again.map_or_else(|| create_again(*proposal, 0), |pending| Some(*pending));
                    pending = again.ok_or_else(|| overtaken(&written.id))?;
                }
                Some(Verdict::Done) | None => return Ok(written),
            }
        }
        Err(overtaken(&pending.id))
    }

    /// Commits writes that stand or fall alone, in order.
    ///
    /// # Errors
    /// What kept a part of them from being written.
    pub(super) fn write_each<'a>(&self, writes: impl Iterator<Item = Write<'a, R>>) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        let mut outcomes = Vec::with_capacity(writes.size_hint().0);
        // The caller's iterator may use this store: no lock is held while it runs.
        let mut writes = writes.fuse();
        loop {
            let mut block = taken(&mut writes);
            if block.is_empty() {
                return Ok(outcomes);
            }
            self.core.refresh()?;
            let view = self.core.snapshot();
            let mut round = Round::new(self, &view);
            round.reserve(PART.saturating_mul(block.len()).saturating_add(writes.size_hint().0));
            let mut ready = Vec::new();
            let mut first = outcomes.len();
            while !block.is_empty() {
                let mut next = Vec::new();
                let count = block.iter().map(Vec::len).sum::<usize>();
                match block.len() < 2 {
                    true => {
                        round.plan_all(ready, &mut outcomes);
                        next = self.all_pending(block, first);
                    }
                    // What is ready is planned while the next is made ready.
                    false => rayon::in_place_scope(|scope| {
                        scope.spawn(|_| next = self.all_pending(block, first));
                        round.plan_all(ready, &mut outcomes);
                    }),
                }
                ready = next;
                first += count;
                block = if round.planner.bytes < MOST_BYTES { taken(&mut writes) } else { Vec::new() };
            }
            round.plan_all(ready, &mut outcomes);
            let (job, planning) = round.into_parts();
            // What nobody looks at is not copied when it is written to.
            drop(view);
            let waiting = self.commit(job, planning, &mut outcomes)?;
            self.write_again(waiting, &mut outcomes)?;
        }
    }

    /// Plans and commits what has lost against another writer, until it is done.
    fn write_again<'a>(&self, mut waiting: Vec<Pending<'a, R>>, outcomes: &mut [Outcome]) -> Result<()> {
        let mut tries = 0;
        while tries < MAX_TRIES && !waiting.is_empty() {
            let left = waiting.len();
            let view = self.core.snapshot();
            let mut round = Round::new(self, &view);
            for pending in waiting {
                let at = pending.at;
                outcomes[at] = round.plan(pending);
            }
            let (job, planning) = round.into_parts();
            drop(view);
            waiting = self.commit(job, planning, outcomes)?;
            tries = if waiting.len() < left { 0 } else { tries + 1 };
        }
        for pending in waiting {
            outcomes[pending.at] = Err(overtaken(&pending.id).in_store(&self.core.name));
        }
        Ok(())
    }

    fn commit<'a>(
        &self,
        job: Option<Job>,
        planning: Planning<'a, R>,
        outcomes: &mut [Outcome],
    ) -> Result<Vec<Pending<'a, R>>> {
        let verdicts = job.map_or(Ok(Vec::new()), |job| self.core.queue.write(&self.core, job))?;
        Ok(planning.settle(verdicts, &self.core.name, outcomes))
    }

    /// Commits writes all or nothing. The error is that of the first write that fails, in their order.
    ///
    /// # Errors
    /// As said.
    pub(super) fn write_all<'a>(&self, writes: impl Iterator<Item = Write<'a, R>>) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        let mut writes = writes.fuse();
        let parts = std::iter::repeat_with(|| taken(&mut writes)).take_while(|parts| !parts.is_empty());
        let parts: Vec<Vec<_>> = parts.flatten().collect();
        self.core.refresh()?;
        let mut pending = Vec::with_capacity(PART * parts.len());
        let mut refused = None;
        for ready in self.all_pending(parts, 0).into_iter().flatten() {
            match ready {
                Ok(write) => pending.push(write),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        for _ in 0..MAX_TRIES {
            let (job, written, failed) = self.planned(&pending, refused.is_some());
            let is_dry = job.dry;
            let ids: Vec<Id> = job.proposals.iter().map(|proposal| proposal.entry.id().clone()).collect();
            let verdicts = if ids.is_empty() { Vec::new() } else { self.core.queue.write(&self.core, job)? };
            let mut lost = false;
            for (verdict, id) in verdicts.into_iter().zip(ids) {
                match verdict {
                    Verdict::Done => {}
                    Verdict::Lost(_) => lost = true,
                    Verdict::Refused(error) => return Err(error.at_id(&id)),
                }
            }
            match failed.or_else(|| refused.take_if(|_| !lost)) {
                _ if lost => {}
                Some(error) => return Err(error),
                None if is_dry => {}
                None => return Ok(written.into_iter().map(Ok).collect()),
            }
        }
        Err(Error::conflict("too many others write the same records").retryable(true))
    }

    /// The job that writes are, up to the first that is refused; dry where one is.
    fn planned(&self, pending: &[Pending<'_, R>], dry: bool) -> (Job, Vec<Written>, Option<Error>) {
        let view = self.core.snapshot();
        let mut planner = Planner::new(self, &view);
        let mut told = Vec::with_capacity(pending.len());
        let mut refused = None;
        for write in pending {
            match planner.plan(write.clone()) {
                Planned::Proposed(written, _) | Planned::Settled(Ok(written), _) => told.push(written),
                Planned::Settled(Err(error), _) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        (Job { dry: dry || refused.is_some(), ..planner.job(true) }, told, refused)
    }
}
