//! What writes come to: for each, an entry of the journal and what was seen of the record, and what its caller is told.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    base::Ask,
    commit::{Job, Proposal, Seen},
    core::View,
    disk::Disk,
    journal::{Change, Entry},
    own::Own,
    row::{decode_body, encode_body},
    rows::Row,
    store::FileStore,
};
use crate::{
    error::Result,
    id::Id,
    record::{Changes, Document, Draft, Envelope, Metadata, RecordCodec, Schema, Stored, document::DocumentReader},
    store::{
        Limits,
        decide::{check_version, gone, missing, taken},
        write::{Effect, Outcome, Write, Written},
    },
    version::Version,
};

/// A write that was checked, with the id that it is for, and what became of the record of a create: a row.
#[derive(Clone)]
pub(super) struct Pending<'a, R: RecordCodec, W = Row> {
    pub(super) id: Id,
    /// The id was just made.
    pub(super) fresh: bool,
    /// Its place in the batch.
    pub(super) at: usize,
    pub(super) task: Task<'a, R, W>,
}

#[derive(Clone)]
pub(super) enum Task<'a, R: RecordCodec, W = Row> {
    /// A new record as it will be written; and whether it was to replace one of a version.
    Create { row: W, expects: bool },
    /// Anything else: what is there already has a say in it.
    Write(Arc<Write<'a, R>>),
}

impl<'a, R: RecordCodec, W> Pending<'a, R, W> {
    /// The same, with the row that a create has become.
    pub(super) fn with_row(self, row: impl FnOnce(W) -> Row) -> Pending<'a, R> {
        let Pending { id, fresh, at, task } = self;
        let task = match task {
            Task::Create { row: made, expects } => Task::Create { row: row(made), expects },
            Task::Write(write) => Task::Write(write),
        };
        Pending { id, fresh, at, task }
    }
}

/// What a write comes to.
pub(super) enum Planned<'a, R: RecordCodec> {
    /// The last of the planner's proposals is to be written, and then this is so. A write that loses against another is planned
    /// again; a create is what it has proposed.
    Proposed(Written, Option<Box<Pending<'a, R>>>),
    /// Nothing is to be written, and this is so.
    Settled(Outcome, Box<Pending<'a, R>>),
}

/// What is there under an id.
struct Current {
    seen: Seen,
    envelope: Option<Envelope>,
    source: Source,
}

enum Source {
    Nothing,
    Overlay(Row),
    Base(Document),
}

impl Current {
    fn nothing(seen: Seen) -> Current {
        Current { seen, envelope: None, source: Source::Nothing }
    }

    fn written(row: &Row) -> Current {
        let envelope = row.envelope();
        let seen = Seen::Written(envelope.version().cloned());
        Current { seen, envelope: Some(envelope.clone()), source: Source::Overlay(row.clone()) }
    }
}

/// What a batch looks at: a state of the store, and what the batch itself is about to write.
pub(super) struct Planner<'p, R: RecordCodec, D: Disk> {
    store: &'p FileStore<R, D>,
    view: &'p View<D>,
    pub(super) proposals: Vec<Proposal>,
    own: Own,
    /// Whether no record has two proposals.
    once: bool,
    /// About how many bytes the proposals come to in the journal.
    pub(super) bytes: u64,
}

impl<'p, R: RecordCodec, D: Disk> Planner<'p, R, D> {
    pub(super) fn new(store: &'p FileStore<R, D>, view: &'p View<D>) -> Self {
        Planner { store, view, proposals: Vec::new(), own: Own::new(), once: true, bytes: 0 }
    }

    /// Makes room for about so many proposals.
    pub(super) fn reserve(&mut self, proposals: usize) {
        self.proposals.reserve(proposals);
    }

    /// The job that the proposals are.
    pub(super) fn job(self, atomic: bool) -> Job {
        Job { once: self.once, ..Job::new(self.proposals, self.bytes, self.view.generation, atomic) }
    }

    /// Whether the batch has written this record.
    pub(super) fn has_written(&mut self, id: &Id) -> bool {
        self.own.get(id, &self.proposals).is_some()
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
    pub(super) fn state(&mut self, id: &Id) -> Result<(Seen, Option<Version>)> {
        let Current { seen, envelope, .. } = self.current(id, false)?;
        Ok((seen, envelope.and_then(|envelope| envelope.version().cloned())))
    }

    fn current(&mut self, id: &Id, fresh: bool) -> Result<Current> {
        if fresh {
            return Ok(Current::nothing(Seen::Fresh));
        }
        if let Some(own) = self.own.get(id, &self.proposals) {
            return Ok(match &self.proposals[own].entry.change {
                Change::Put(row) => Current::written(row),
                Change::Deleted { .. } => Current::nothing(Seen::Absent),
            });
        }
        if let Some(held) = self.view.overlay.get(id) {
            return Ok(held.row.as_ref().map_or(Current::nothing(Seen::Absent), Current::written));
        }
        let ask: Ask<Document> = self.store.ask_as(self.open().clone(), Limits::NONE);
        Ok(match self.store.find(&self.view.base, id, &ask)? {
            None => Current::nothing(Seen::Absent),
            Some(Stored { envelope, record }) => {
                Current { seen: Seen::Base, envelope: Some(envelope), source: Source::Base(record) }
            }
        })
    }

    /// What is seen of an id under which there is nothing, where that is known without a look into the file.
    fn unseen(&mut self, id: &Id, fresh: bool) -> Option<Seen> {
        match fresh {
            true => Some(Seen::Fresh),
            false if self.has_written(id) || self.view.overlay.get(id).is_some() => None,
            false => self.view.base.is_empty().then_some(Seen::Absent),
        }
    }

    /// The record that is there, with the fields that its type does not know.
    fn document(&self, current: &Current) -> Result<Document> {
        match &current.source {
            Source::Nothing => Ok(Document::new()),
            Source::Base(document) => Ok(document.clone()),
            Source::Overlay(row) => decode_body::<Document>(row.body(), self.open()).map(|(document, _)| document),
        }
    }

    /// What the record's type does not know of the old record, and an update keeps (semantics 5.10).
    fn kept(&self, current: &Current) -> Result<Option<Document>> {
        let may_keep = match &current.source {
            Source::Nothing => false,
            _ if !self.schema().open => true,
            Source::Base(document) => document.names().any(is_foreign),
            Source::Overlay(row) => memchr::memmem::find(row.body(), b"\"_").is_some(),
        };
        if !may_keep {
            return Ok(None);
        }
        let document = self.document(current)?;
        let known = |name: &str| self.schema().fields.iter().any(|field| field.name == name);
        let kept = document.into_iter().filter(|(name, _)| match self.schema().open {
            true => is_foreign(name),
            false => !known(name),
        });
        let kept: Document = kept.collect();
        Ok((!kept.is_empty()).then_some(kept))
    }

    /// What a write does, and what the caller is told when it is done.
    pub(super) fn plan<'a>(&mut self, pending: Pending<'a, R>) -> Planned<'a, R> {
        if let Task::Create { expects: false, .. } = pending.task
            && let Some(seen) = self.unseen(&pending.id, pending.fresh)
            && let Task::Create { row, .. } = pending.task
        {
            return match self.admit(Some(&row)) {
                Ok(()) => Planned::Proposed(self.put(row, seen, Effect::Created), None),
                Err(refused) => {
                    let refused = refused.at_id(&pending.id);
                    let task = Task::Create { row, expects: false };
                    Planned::Settled(Err(refused), Box::new(Pending { task, ..pending }))
                }
            };
        }
        let current = match self.current(&pending.id, pending.fresh) {
            Ok(current) => current,
            Err(error) => return Planned::Settled(Err(error), Box::new(pending)),
        };
        let Pending { id, fresh, at, task } = pending;
        let write = match task {
            Task::Create { row, expects } => {
                let error = match current.envelope {
                    Some(_) => taken(&id),
                    None if expects => gone(&id),
                    None => match self.admit(Some(&row)) {
                        Ok(()) => return Planned::Proposed(self.put(row, current.seen, Effect::Created), None),
                        Err(refused) => refused.at_id(&id),
                    },
                };
                let task = Task::Create { row, expects };
                return Planned::Settled(Err(error), Box::new(Pending { id, fresh, at, task }));
            }
            Task::Write(write) => write,
        };
        let planned = self.plan_write(&id, &write, current);
        let pending = Box::new(Pending { id, fresh, at, task: Task::Write(write) });
        match planned {
            Ok((written, true)) => Planned::Proposed(written, Some(pending)),
            Ok((written, false)) => Planned::Settled(Ok(written), pending),
            Err(error) => Planned::Settled(Err(error), pending),
        }
    }

    /// Plans a write that is no create; says whether there is something to do.
    fn plan_write(&mut self, id: &Id, write: &Write<'_, R>, current: Current) -> Result<(Written, bool)> {
        let old = current.envelope.as_ref();
        match write {
            Write::Update(_) | Write::Patch { .. } if old.is_none() => Err(missing(id)),
            Write::Create(draft) | Write::Update(draft) | Write::Upsert(draft) => {
                check_version(draft.expected(), old, id)?;
                self.replace(id, draft, current)
            }
            Write::Patch { changes, expected, .. } => {
                check_version(expected.as_ref(), old, id)?;
                let draft = self.patched(id, &current, changes)?;
                self.replace(id, &draft, current)
            }
            Write::Delete { expected, .. } => {
                check_version(expected.as_ref(), old, id)?;
                self.admit(None)?;
                Ok(self.delete(id, current))
            }
        }
    }

    fn patched(&self, id: &Id, current: &Current, changes: &Changes<R>) -> Result<Draft<'static, R>> {
        let bound = changes.bind(self.schema())?;
        let mut document = self.document(current)?;
        if document.names().any(is_foreign) {
            document = document.into_iter().filter(|(name, _)| !is_foreign(name)).collect();
        }
        let mut record = R::decode(self.schema(), &mut DocumentReader::new(&document)).map_err(|e| e.at_id(id))?;
        let mut metadata = current.envelope.as_ref().map_or_else(Metadata::new, |old| old.metadata().clone());
        bound.apply(self.schema(), &mut record, &mut metadata).map_err(|e| e.at_id(id))?;
        let mut draft = Draft::of(record).metadata(metadata).id(id)?;
        draft.seal(self.schema())?;
        self.store.settle_id(&draft)?;
        Ok(draft)
    }

    fn replace(&mut self, id: &Id, draft: &Draft<'_, R>, current: Current) -> Result<(Written, bool)> {
        let kept = self.kept(&current)?;
        let body = encode_body(draft.record(), self.schema(), kept.as_ref())?;
        let row = Row::new(envelope_of(id, draft, current.envelope.as_ref()), body);
        self.admit(Some(&row)).map_err(|error| error.at_id(id))?;
        let effect = if current.envelope.is_some() { Effect::Updated } else { Effect::Created };
        Ok((self.put(row, current.seen, effect), true))
    }

    /// Refuses what no checkpoint could put into the base.
    fn admit(&self, row: Option<&Row>) -> Result<()> {
        self.view.base.admit(row, &self.store.core.setup)
    }

    fn put(&mut self, row: Row, seen: Seen, effect: Effect) -> Written {
        let (id, version) = (row.envelope().id().clone(), row.envelope().version().cloned());
        self.propose(&id, Change::Put(row), seen);
        Written { id, version, effect }
    }

    fn delete(&mut self, id: &Id, current: Current) -> (Written, bool) {
        let written = |effect| Written { id: id.clone(), version: None, effect };
        if current.envelope.is_none() {
            return (written(Effect::Absent), false);
        }
        self.propose(id, Change::Deleted { id: id.clone() }, current.seen);
        (written(Effect::Deleted), true)
    }

    fn propose(&mut self, id: &Id, change: Change, seen: Seen) {
        let (is_fresh, in_base) = (seen == Seen::Fresh, seen == Seen::Base);
        let entry = Entry { change, in_base };
        self.bytes += entry.bytes();
        self.proposals.push(Proposal { entry, seen });
        self.once &= is_fresh || self.own.push(id, &self.proposals);
    }
}

/// Whether a field has a name that only files of other tools give: it is kept, and nobody writes it.
fn is_foreign(name: &str) -> bool {
    name.starts_with('_')
}

/// The envelope that a draft gets when it is written now, in the place of an old one.
pub(super) fn envelope_of<R: RecordCodec>(id: &Id, draft: &Draft<'_, R>, old: Option<&Envelope>) -> Envelope {
    let (created, updated) = times(draft.given_times(), now(), old.map(Envelope::microseconds));
    let metadata = draft.given_metadata().or_else(|| old.map(Envelope::metadata)).cloned().unwrap_or_default();
    Envelope::of(id.clone()).with_microseconds(created, updated).with_metadata(metadata).with_version(Version::random())
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
