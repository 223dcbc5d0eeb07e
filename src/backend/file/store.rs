//! The store: what the driver contract asks, on the [`Core`] that all handles of a file share.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    Files,
    base::{Ask, Base},
    checkpoint,
    commit::{Job, Proposal, Seen, Verdict},
    core::{Core, View},
    disk::{Disk, Os},
    journal::{Change, Entry},
    overlay::{Held, Row},
    progress::Work,
    query::{self, FileRows},
    row::{decode_body, encode_body},
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::{Bound, Plan, Predicate, Runnable, Select},
    record::{Changes, Document, Draft, Envelope, Metadata, RecordCodec, Schema, Stored, document::DocumentReader},
    store::{
        Driver, Limits,
        write::{Atomicity, Effect, Outcome, Write, Written},
    },
    value::Value,
    version::Version,
};

/// How often a write is tried while others write the same record.
const MAX_TRIES: usize = 1_000;
/// Writes that are committed together at most.
const BLOCK: usize = 4_096;

/// A store in a file; a cheap handle. What it promises is on [the page on files](crate::docs::files).
pub struct FileStore<R: RecordCodec, D: Disk = Os> {
    pub(super) core: Arc<Core<D>>,
    pub(super) shape: R::Shape,
}

impl<R: RecordCodec, D: Disk> Clone for FileStore<R, D> {
    fn clone(&self) -> Self {
        FileStore { core: self.core.clone(), shape: self.shape.clone() }
    }
}

/// A write whose draft was checked, with the id that it is for.
pub(super) struct Pending<'a, R: RecordCodec> {
    write: Write<'a, R>,
    pub(super) id: Id,
    /// The id was just made.
    pub(super) fresh: bool,
    /// Its place in the batch.
    at: usize,
}

/// What is there under an id.
#[derive(Clone)]
struct Current {
    seen: Seen,
    envelope: Option<Envelope>,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Nothing,
    Overlay(Row),
    Base(Document),
}

/// What a batch looks at: a state of the store, and what the batch itself has written.
pub(super) struct Planner<'p, R: RecordCodec, D: Disk> {
    store: &'p FileStore<R, D>,
    view: &'p View<D>,
    own: HashMap<Id, Current>,
}

impl<'p, R: RecordCodec, D: Disk> Planner<'p, R, D> {
    pub(super) fn new(store: &'p FileStore<R, D>, view: &'p View<D>) -> Self {
        Planner { store, view, own: HashMap::new() }
    }

    /// The schema that keeps what the record's type does not know.
    fn open(&self) -> &Arc<Schema> {
        &self.store.core.setup.open
    }

    fn schema(&self) -> &Schema {
        &self.store.shape
    }

    /// How a record stands, and its version.
    ///
    /// # Errors
    /// `Corrupt` and `Backend` as the files are.
    pub(super) fn state(&self, id: &Id) -> Result<(Seen, Option<Version>)> {
        let Current { seen, envelope, .. } = self.current(id, false)?;
        Ok((seen, envelope.and_then(|envelope| envelope.version().cloned())))
    }

    fn current(&self, id: &Id, fresh: bool) -> Result<Current> {
        let nothing = |seen| Current { seen, envelope: None, source: Source::Nothing };
        if fresh {
            return Ok(nothing(Seen::Fresh));
        }
        if let Some(own) = self.own.get(id) {
            return Ok(own.clone());
        }
        if let Some(held) = self.view.overlay.get(id) {
            return Ok(match &held.row {
                None => nothing(Seen::Absent),
                Some(row) => Current {
                    seen: Seen::Written(held.version().cloned()),
                    envelope: Some(row.envelope.clone()),
                    source: Source::Overlay(row.clone()),
                },
            });
        }
        let ask: Ask<Document> = self.store.ask_as(self.open().clone(), Limits::NONE);
        Ok(match self.store.find(&self.view.base, id, &ask)? {
            None => nothing(Seen::Absent),
            Some(Stored { envelope, record }) => {
                Current { seen: Seen::Base, envelope: Some(envelope), source: Source::Base(record) }
            }
        })
    }

    /// The record that is there, with the fields that its type does not know.
    fn document(&self, current: &Current) -> Result<Document> {
        match &current.source {
            Source::Nothing => Ok(Document::new()),
            Source::Base(document) => Ok(document.clone()),
            Source::Overlay(row) => decode_body::<Document>(&row.body, self.open()).map(|(document, _)| document),
        }
    }

    /// What the record's type does not know of the old record, and an update keeps (semantics 5.10).
    fn kept(&self, current: &Current) -> Result<Option<Document>> {
        if self.schema().open || matches!(current.source, Source::Nothing) {
            return Ok(None);
        }
        let mut document = self.document(current)?;
        for field in self.schema().fields.iter() {
            document.set(field.name.clone(), Value::Null);
        }
        Ok((!document.is_empty()).then_some(document))
    }

    /// What a write does: a proposal, where there is something to do, and what the caller is told when it is done.
    ///
    /// # Errors
    /// Why it is refused.
    pub(super) fn plan(&mut self, pending: &Pending<'_, R>) -> Result<(Option<Proposal>, Written)> {
        let current = self.current(&pending.id, pending.fresh)?;
        let (id, old) = (&pending.id, current.envelope.as_ref());
        match &pending.write {
            Write::Create(_) if old.is_some() => Err(Error::already_exists("the id is taken").at_id(id)),
            Write::Update(_) | Write::Patch { .. } if old.is_none() => {
                Err(Error::not_found("there is no such record").at_id(id))
            }
            Write::Create(draft) | Write::Update(draft) | Write::Upsert(draft) => {
                expect(draft.expected(), old, id)?;
                self.put(id, draft, current)
            }
            Write::Patch { changes, expected, .. } => {
                expect(expected.as_ref(), old, id)?;
                let draft = self.patched(id, &current, changes)?;
                self.put(id, &draft, current)
            }
            Write::Delete { expected, .. } => {
                expect(expected.as_ref(), old, id)?;
                Ok(self.delete(id, current))
            }
        }
    }

    fn patched(&self, id: &Id, current: &Current, changes: &Changes<R>) -> Result<Draft<'static, R>> {
        let bound = changes.bind(self.schema())?;
        let document = self.document(current)?;
        let mut record = R::decode(self.schema(), &mut DocumentReader::new(&document)).map_err(|e| e.at_id(id))?;
        let mut metadata = current.envelope.as_ref().map_or_else(Metadata::new, |old| old.metadata().clone());
        bound.apply(self.schema(), &mut record, &mut metadata).map_err(|e| e.at_id(id))?;
        let mut draft = Draft::of(record).metadata(metadata).id(id)?;
        draft.seal(self.schema())?;
        self.store.settle_id(&draft)?;
        Ok(draft)
    }

    fn put(&mut self, id: &Id, draft: &Draft<'_, R>, current: Current) -> Result<(Option<Proposal>, Written)> {
        let old = current.envelope.as_ref();
        let body: Arc<[u8]> = encode_body(draft.record(), self.schema(), self.kept(&current)?.as_ref())?.into();
        let (created, updated) = times(draft.given_times(), now(), old.map(Envelope::microseconds));
        let metadata = draft.given_metadata().or_else(|| old.map(Envelope::metadata)).cloned().unwrap_or_default();
        let version = Version::random();
        let envelope = Envelope::of(id.clone())
            .with_microseconds(created, updated)
            .with_metadata(metadata)
            .with_version(version.clone());
        let effect = if old.is_some() { Effect::Updated } else { Effect::Created };
        let row = Row { envelope: envelope.clone(), body: body.clone() };
        let own = Current {
            seen: Seen::Written(Some(version.clone())),
            envelope: Some(envelope.clone()),
            source: Source::Overlay(row),
        };
        let in_base = current.seen == Seen::Base;
        if current.seen != Seen::Fresh {
            self.own.insert(id.clone(), own);
        }
        let proposal =
            Proposal { entry: Entry { change: Change::Put { envelope, body }, in_base }, seen: current.seen };
        Ok((Some(proposal), Written { id: id.clone(), version: Some(version), effect }))
    }

    fn delete(&mut self, id: &Id, current: Current) -> (Option<Proposal>, Written) {
        let written = |effect| Written { id: id.clone(), version: None, effect };
        if current.envelope.is_none() {
            return (None, written(Effect::Absent));
        }
        let gone = Current { seen: Seen::Absent, envelope: None, source: Source::Nothing };
        self.own.insert(id.clone(), gone);
        let in_base = current.seen == Seen::Base;
        let entry = Entry { change: Change::Deleted { id: id.clone() }, in_base };
        (Some(Proposal { entry, seen: current.seen }), written(Effect::Deleted))
    }
}

/// Times that a copy or a restore brings: created, updated.
type Given = Option<(Option<jiff::Timestamp>, Option<jiff::Timestamp>)>;

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

/// Microseconds since 1970, now.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Refuses a write that expects another version (semantics 5.2).
fn expect(expected: Option<&Version>, found: Option<&Envelope>, id: &Id) -> Result<()> {
    match (expected, found) {
        (None, _) => Ok(()),
        (Some(expected), Some(found)) if found.version() == Some(expected) => Ok(()),
        (Some(_), Some(_)) => Err(Error::conflict("the record's version has moved on; read it again").at_id(id)),
        (Some(_), None) => Err(Error::conflict("the record that had this version is gone").at_id(id)),
    }
}

impl<R: RecordCodec, D: Disk> FileStore<R, D> {
    pub(super) fn new(core: Arc<Core<D>>, shape: R::Shape) -> Self {
        FileStore { core, shape }
    }

    /// Puts all writes into the base file, durably: from then on every other tool sees them.
    ///
    /// # Errors
    /// What kept the new file from being made; nothing is lost, the journal still has the writes.
    pub fn checkpoint(&self) -> Result<()> {
        checkpoint::now(&self.core).map_err(|e| e.in_store(&self.core.name))
    }

    /// Makes all acknowledged writes survive a power failure, whatever the level of durability.
    ///
    /// # Errors
    /// `Backend` where the device refuses.
    pub fn sync(&self) -> Result<()> {
        let writer = self.core.writer();
        writer.log.as_ref().map_or(Ok(()), |log| log.sync(&self.core.paths)).map_err(|e| e.in_store(&self.core.name))
    }

    pub(super) fn ask(&self, filter: Option<Bound<R>>, limits: &Limits) -> Ask<R> {
        Ask { filter, ..self.ask_as(self.shape.clone(), limits) }
    }

    fn ask_as<T: RecordCodec>(&self, shape: T::Shape, limits: &Limits) -> Ask<T> {
        Ask::all(shape, self.core.setup.ids.clone(), limits).told(&self.core.setup.options, Work::Scan)
    }

    /// The record of the base file with this id.
    fn find<T: RecordCodec>(&self, base: &Base<D>, id: &Id, ask: &Ask<T>) -> Result<Option<Stored<T>>> {
        if base.is_empty() {
            return Ok(None);
        }
        if let Some(found) = base.look_up(id, ask)? {
            return Ok(found);
        }
        let index = base.index(&self.core.setup, &ask.limits)?;
        for place in index.places(id) {
            if let Some(found) = base.read(place, id, ask)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The record with this id.
    fn get(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        let (base, held) = self.core.view().look_up(id);
        self.get_of(&base, held, id, limits)
    }

    /// The record with this id of a state of the store.
    pub(super) fn get_of(
        &self,
        base: &Base<D>,
        held: Option<Held>,
        id: &Id,
        limits: &Limits,
    ) -> Result<Option<Stored<R>>> {
        match held {
            None => self.find(base, id, &self.ask(None, limits)),
            Some(held) => held.row.map(|row| stored(row, &self.shape)).transpose(),
        }
    }

    /// The id to store a draft under, where the draft says it.
    fn settle_id(&self, draft: &Draft<'_, R>) -> Result<Option<Id>> {
        let given = draft.settle_id(&self.shape)?;
        match (self.core.setup.ids.own(draft.record(), &self.shape)?, given) {
            (Some(own), Some(given)) if own != given => {
                let why = format!("the record's own id is `{own}`, so it cannot be stored under `{given}`");
                Err(Error::invalid(why).at_id(&given))
            }
            (own, given) => Ok(own.or(given)),
        }
    }

    /// Checks a write and settles its id.
    pub(super) fn pending<'a>(&self, write: Write<'a, R>, at: usize) -> Result<Pending<'a, R>> {
        let (mut write, creates) = match write {
            Write::Create(draft) => (Write::Create(draft), true),
            other => (other, false),
        };
        let (id, fresh) = match &mut write {
            Write::Create(draft) | Write::Update(draft) | Write::Upsert(draft) => {
                draft.seal(&self.shape)?;
                match self.settle_id(draft)? {
                    Some(id) => (id, false),
                    None if creates => (Id::generate(), true),
                    None => return Err(Error::invalid("the write names no record: give the draft an id")),
                }
            }
            Write::Patch { id, changes, .. } => {
                changes.bind(&self.shape)?;
                (id.clone(), false)
            }
            Write::Delete { id, .. } => (id.clone(), false),
        };
        Ok(Pending { write, id, fresh, at })
    }

    /// Commits writes as they stand or fall alone, in order.
    fn write_each(&self, writes: Vec<Write<'_, R>>, more: bool, outcomes: &mut Vec<Outcome>) -> Result<()> {
        let before = outcomes.len();
        let mut waiting = Vec::with_capacity(writes.len());
        for (at, write) in writes.into_iter().enumerate() {
            match self.pending(write, at) {
                Ok(pending) => {
                    outcomes.push(Ok(Written { id: pending.id.clone(), version: None, effect: Effect::Absent }));
                    waiting.push(pending);
                }
                Err(error) => outcomes.push(Err(error.in_store(&self.core.name))),
            }
        }
        let mut tries = 0;
        while tries < MAX_TRIES {
            let left = waiting.len();
            self.write_round(&mut waiting, more, &mut outcomes[before..])?;
            if waiting.is_empty() {
                return Ok(());
            }
            tries = if waiting.len() < left { 0 } else { tries + 1 };
        }
        for pending in waiting {
            let lost = Error::conflict("too many others write the same record").at_id(&pending.id).retryable(true);
            outcomes[before + pending.at] = Err(lost.in_store(&self.core.name));
        }
        Ok(())
    }

    /// Plans and commits what waits; what lost against another writer waits again.
    fn write_round<'a>(&self, waiting: &mut Vec<Pending<'a, R>>, more: bool, outcomes: &mut [Outcome]) -> Result<()> {
        let view = self.core.snapshot();
        let mut planner = Planner::new(self, &view);
        let (mut proposals, mut told) = (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
        // What is so only if writes before it in the batch are done.
        let mut provisional: Vec<(Pending<'a, R>, Outcome)> = Vec::new();
        for pending in waiting.drain(..) {
            let depends = planner.own.contains_key(&pending.id);
            match planner.plan(&pending) {
                Ok((Some(proposal), written)) => {
                    proposals.push(proposal);
                    told.push((pending, written));
                }
                planned => {
                    let outcome = planned.map(|(_, written)| written).map_err(|e| e.in_store(&self.core.name));
                    match depends {
                        true => provisional.push((pending, outcome)),
                        false => outcomes[pending.at] = outcome,
                    }
                }
            }
        }
        if proposals.is_empty() {
            return Ok(());
        }
        let awaited = provisional.iter().map(|(pending, _)| pending.id.clone()).collect();
        let job = Job { proposals, awaited, atomic: false, dry: false, more, generation: view.generation };
        drop(planner);
        // What nobody looks at is not copied when it is written to.
        drop(view);
        // Of each record, the first write that is not done.
        let mut undone: HashMap<Id, usize> = HashMap::new();
        for (verdict, (pending, written)) in self.core.queue.write(&self.core, job)?.into_iter().zip(told) {
            match verdict {
                Verdict::Done => outcomes[pending.at] = Ok(written),
                Verdict::Lost => {
                    undone.entry(pending.id.clone()).or_insert(pending.at);
                    waiting.push(pending);
                }
                Verdict::Refused(error) => {
                    undone.entry(pending.id.clone()).or_insert(pending.at);
                    outcomes[pending.at] = Err(error.at_id(&pending.id).in_store(&self.core.name));
                }
            }
        }
        for (pending, outcome) in provisional {
            match undone.get(&pending.id).is_some_and(|first| *first < pending.at) {
                true => waiting.push(pending),
                false => outcomes[pending.at] = outcome,
            }
        }
        waiting.sort_by_key(|pending| pending.at);
        Ok(())
    }

    /// Commits writes all or nothing. The error is that of the first write that fails, in their order.
    fn write_all(&self, writes: Vec<Write<'_, R>>) -> Result<Vec<Outcome>> {
        let mut pending = Vec::with_capacity(writes.len());
        let mut refused = None;
        for (at, write) in writes.into_iter().enumerate() {
            match self.pending(write, at) {
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
                    Verdict::Lost => lost = true,
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
        let awaited = HashSet::new();
        let mut job =
            Job { proposals: Vec::new(), awaited, atomic: true, dry, more: false, generation: view.generation };
        let mut written = Vec::with_capacity(pending.len());
        for write in pending {
            match planner.plan(write) {
                Ok((proposal, told)) => {
                    job.proposals.extend(proposal);
                    written.push(told);
                }
                Err(error) => {
                    job.dry = true;
                    return (job, written, Some(error));
                }
            }
        }
        (job, written, None)
    }
}

/// A record of the overlay.
pub(super) fn stored<R: RecordCodec>(row: Row, schema: &Schema) -> Result<Stored<R>> {
    let (record, _) = decode_body(&row.body, schema).map_err(|e| e.at_id(row.envelope.id()))?;
    Ok(Stored { envelope: row.envelope, record })
}

impl<R: RecordCodec, D: Disk> Driver<R> for FileStore<R, D> {
    type Engine = Files<D>;
    type Rows<P: Predicate<R>, S: Select<R>> = FileRows<R, P, S, D>;

    fn shape(&self) -> &R::Shape {
        &self.shape
    }

    fn name(&self) -> &str {
        &self.core.name
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
        let named = |e: Error| e.in_store(&self.core.name);
        // The caller's iterator may use this store: no lock is held while it runs.
        let mut writes = writes.into_iter().peekable();
        if atomicity == Atomicity::All {
            let writes = writes.collect();
            self.core.refresh().map_err(named)?;
            return self.write_all(writes).map_err(named);
        }
        let mut outcomes = Vec::with_capacity(writes.size_hint().0);
        loop {
            let block: Vec<_> = writes.by_ref().take(BLOCK).collect();
            if block.is_empty() {
                return Ok(outcomes);
            }
            self.core.refresh().map_err(named)?;
            let more = writes.peek().is_some();
            self.write_each(block, more, &mut outcomes).map_err(named)?;
        }
    }

    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        ids.iter().map(|id| self.fetch_one(id, limits)).collect()
    }

    fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        limits.check()?;
        let found = self.core.refresh_seldom().and_then(|()| self.get(id, limits));
        found.map_err(|e| e.in_store(&self.core.name))
    }

    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Files<D>, R, P, S>,
        limits: &Limits,
    ) -> Result<FileRows<R, P, S, D>> {
        limits.check()?;
        let rows = self.core.refresh().and_then(|()| query::scan(self, self.core.snapshot(), query, limits));
        rows.map_err(|e| e.in_store(&self.core.name))
    }

    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Files<D>, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        limits.check()?;
        let count = self.core.refresh().and_then(|()| query::count(self, self.core.snapshot(), &query, limits));
        count.map_err(|e| e.in_store(&self.core.name))
    }

    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<Files<D>, R, P, S>) -> Result<Plan> {
        Ok(query::plan(self, &self.core.snapshot(), query))
    }

    /// Makes a checkpoint, so that other tools see all that was written, and says what dropping the store cannot.
    fn close(self) -> Result<()> {
        self.checkpoint()
    }
}
