//! Group commit: all writers that wait are written in one frame, with one sync, by one of them.
//!
//! A writer brings entries and, for each, what it has seen of the record. What still is so is written; where somebody was
//! faster the writer is told, looks again and comes back. Nothing is visible before it is as durable as it is to be.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use foldhash::fast::RandomState;

use super::{
    checkpoint::{self, Failed},
    core::{Core, Writer, locked},
    disk::Disk,
    journal::{Change, Entry, Frame},
    lock::Lock,
    log::{Log, fingerprint},
};
use crate::{
    error::{Error, Result},
    id::Id,
    version::Version,
};

/// What a writer has seen of a record before it wrote.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    /// Nothing was there.
    Absent,
    /// An id that was just made: nothing can be there.
    Fresh,
    /// A record with this version, written since the last checkpoint.
    Written(Option<Version>),
    /// A record of the base file.
    Base,
}

/// An entry, and what must still be so.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    pub(super) entry: Entry,
    pub(super) seen: Seen,
}

/// Writes of one thread.
pub(super) struct Job {
    pub(super) proposals: Vec<Proposal>,
    /// Records of which other writes of the batch wait for what becomes of these.
    pub(super) awaited: HashSet<Id>,
    /// Whether no record is written twice.
    pub(super) once: bool,
    /// All or nothing.
    pub(super) atomic: bool,
    /// It is only asked what would become of it.
    pub(super) dry: bool,
    /// About how many bytes it takes in the journal.
    pub(super) bytes: u64,
    /// Which base the writer looked at.
    pub(super) generation: u64,
}

impl Job {
    /// Writes of about so many bytes.
    pub(super) fn new(proposals: Vec<Proposal>, bytes: u64, generation: u64, atomic: bool) -> Job {
        Job { proposals, awaited: HashSet::new(), once: false, atomic, dry: false, bytes, generation }
    }
}

/// What became of one proposal.
#[derive(Debug)]
pub(super) enum Verdict {
    Done,
    /// Somebody was faster: look again.
    Lost(Box<Proposal>),
    /// It is refused.
    Refused(Error),
}

/// About how many bytes of the journal are written at once.
pub(super) const MOST_BYTES: u64 = 512 << 20;

type Verdicts = Result<Vec<Verdict>>;

/// How long who leads waits at most for writers that were there a moment ago.
const LONGEST_WAIT: Duration = Duration::from_micros(200);

/// Writers that wait, and what became of those that waited.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something is done, or somebody may lead.
    turn: Condvar,
    /// As many as were expected are there.
    complete: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(u64, Job)>,
    done: HashMap<u64, Verdicts>,
    next: u64,
    leading: bool,
    /// Writers that sleep until it is their turn.
    asleep: usize,
    /// Writers that were there a moment ago: written together last, or come meanwhile.
    expected: usize,
    /// How long the last writing took.
    took: Duration,
}

impl State {
    /// The jobs that are written together: one at least, and as many as a frame has room for.
    fn take(&mut self) -> Vec<(u64, Job)> {
        let mut bytes = 0;
        let fits = |(_, job): &&(u64, Job)| {
            bytes += job.bytes;
            bytes <= MOST_BYTES
        };
        let count = self.waiting.iter().take_while(fits).count().max(1).min(self.waiting.len());
        self.waiting.drain(..count).collect()
    }
}

/// Lets others lead when the leader is done, also where it panics.
struct Leading<'q>(&'q Queue);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        let mut state = locked(&self.0.state);
        state.leading = false;
        let asleep = state.asleep;
        drop(state);
        if asleep > 0 {
            self.0.turn.notify_all();
        }
    }
}

impl Queue {
    pub(super) fn new() -> Queue {
        Queue { state: Mutex::default(), turn: Condvar::new(), complete: Condvar::new() }
    }

    /// Writes a job together with what others bring meanwhile.
    ///
    /// # Errors
    /// What kept it from being written.
    pub(super) fn write<D: Disk>(&self, core: &Core<D>, job: Job) -> Verdicts {
        let mut state = locked(&self.state);
        let ticket = state.next;
        state.next += 1;
        state.waiting.push_back((ticket, job));
        if state.leading && state.waiting.len() == state.expected {
            self.complete.notify_one();
        }
        loop {
            if let Some(done) = state.done.remove(&ticket) {
                return done;
            }
            if state.leading {
                state.asleep += 1;
                state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.asleep -= 1;
                continue;
            }
            state.leading = true;
            drop(state);
            self.lead(core);
            state = locked(&self.state);
        }
    }

    fn lead<D: Disk>(&self, core: &Core<D>) {
        let leading = Leading(self);
        let mut writer = core.writer();
        let (tickets, jobs): (Vec<u64>, Vec<Job>) = self.gather().into_iter().unzip();
        let (together, began) = (jobs.len(), Instant::now());
        let done = commit(core, &mut writer, jobs);
        drop(writer);
        let mut state = locked(&self.state);
        state.done.extend(tickets.into_iter().zip(done));
        (state.expected, state.took) = (together + state.waiting.len(), began.elapsed());
        drop(state);
        drop(leading);
    }

    /// The jobs that are written together. Whoever wrote a moment ago is likely to come again: to wait for all of them, no longer
    /// than the last writing took, is cheaper than to write once more for each half of them in turn.
    fn gather(&self) -> Vec<(u64, Job)> {
        let state = locked(&self.state);
        let longest = LONGEST_WAIT.min(state.took);
        let few = |state: &mut State| state.waiting.len() < state.expected;
        let (mut state, _) =
            self.complete.wait_timeout_while(state, longest, few).unwrap_or_else(PoisonError::into_inner);
        state.take()
    }
}

/// An error for each of several who wait for the same thing.
fn copy(error: &Error) -> Error {
    let mut copy = Error::new(error.kind(), error.message().to_owned()).retryable(error.is_retryable());
    if let Some(url) = &error.place().url {
        copy = copy.at_url(url);
    }
    match std::error::Error::source(error) {
        Some(cause) => copy.because(cause.to_string()),
        None => copy,
    }
}

/// Writes jobs in one frame.
fn commit<D: Disk>(core: &Core<D>, writer: &mut Writer<D>, jobs: Vec<Job>) -> Vec<Verdicts> {
    let ready = prepare(core, writer);
    let lock = match ready {
        Ok(lock) => lock,
        Err(error) => return jobs.iter().map(|_| Err(copy(&error))).collect(),
    };
    let mut group = Group::of(core, writer);
    let verdicts: Vec<Verdicts> = jobs.into_iter().map(|job| group.judge(job)).collect();
    let (entries, only_new) = (group.entries, group.only_new);
    let written = write(core, writer, entries, only_new);
    drop(lock);
    match written {
        Ok(()) => verdicts,
        Err(error) => verdicts.iter().map(|_| Err(copy(&error))).collect(),
    }
}

/// Writes entries durably and makes them visible: into the journal, and from there into the base when it is time. New records
/// after which it would be time at once go into the base and nowhere else.
fn write<D: Disk>(core: &Core<D>, writer: &mut Writer<D>, entries: Vec<Entry>, only_new: bool) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let at_once = only_new && checkpoint::is_due(core, writer, entries.iter().map(Entry::bytes).sum());
    if at_once {
        match checkpoint::run(core, writer, &entries) {
            Ok(()) => return Ok(()),
            Err(Failed::Done(error)) => {
                checkpoint::warn(core, &error);
                return Ok(());
            }
            Err(Failed::Before(error)) => {
                let more = entries.iter().map(Entry::bytes).sum();
                checkpoint::put_off(core, writer, more, &error);
            }
            Err(Failed::Changed(error) | Failed::After(error)) => {
                writer.unique.forget();
                return Err(error);
            }
        }
    }
    begin_log(core, writer)?;
    append_frame(core, writer, Frame::Commit(entries))?;
    if !at_once {
        checkpoint::if_due(core, writer);
    }
    Ok(())
}

/// Takes the turn to write, and looks what other processes have written.
fn prepare<D: Disk>(core: &Core<D>, writer: &mut Writer<D>) -> Result<Option<Lock<D>>> {
    core.check_sound()?;
    let lock = core.lock(writer)?;
    settle(core, writer)?;
    Ok(lock)
}

/// Takes in what others have written, for whoever has the turn.
pub(super) fn settle<D: Disk>(core: &Core<D>, writer: &mut Writer<D>) -> Result<()> {
    caught_up(core, writer)?;
    if writer.unique.is_needed() {
        core.fill_unique(writer)?;
    }
    Ok(())
}

/// Sees to it, for whoever has the turn, that base and journal are what is seen, and that the journal is there and needed.
///
/// # Errors
/// `Corrupt` and `Backend` as the files are.
pub(super) fn caught_up<D: Disk>(core: &Core<D>, writer: &mut Writer<D>) -> Result<()> {
    core.catch_up(writer)?;
    if let Some(gone) = writer.log.as_ref().filter(|log| log.is_gone) {
        writer.log = Some(gone.made_anew(&core.disk, &core.paths)?);
    }
    drop_contained(core, writer)
}

/// A journal that a checkpoint has put into the base, and did not live to take away, goes now.
fn drop_contained<D: Disk>(core: &Core<D>, writer: &mut Writer<D>) -> Result<()> {
    let Some(mut log) = writer.log.take_if(|log| log.checkpoint.is_some()) else { return Ok(()) };
    let content = fingerprint(&core.disk, &core.paths)?;
    if log.checkpoint.is_some_and(|base| (base.length, base.crc) == (content.length, content.crc)) {
        return log.remove(&core.disk, &core.paths);
    }
    // The checkpoint was never done: the journal goes on.
    log.checkpoint = None;
    let seen = log.entries == 0 || !core.view().overlay.is_empty();
    writer.log = Some(log);
    // It looked as if it had been done, and the base has changed again.
    if seen { Ok(()) } else { core.reload(writer) }
}

/// Makes a journal where there is none.
pub(super) fn begin_log<D: Disk>(core: &Core<D>, writer: &mut Writer<D>) -> Result<()> {
    if writer.log.is_none() {
        let base = fingerprint(&core.disk, &core.paths)?;
        // What is written is bound to the base that was looked at, and to no other.
        core.check_base(core.view().base.stamp())?;
        writer.log = Some(Log::create(&core.disk, &core.paths, base)?);
    }
    Ok(())
}

/// Appends entries to the journal that is there, and makes them visible.
pub(super) fn append_frame<D: Disk>(core: &Core<D>, writer: &mut Writer<D>, frame: Frame) -> Result<bool> {
    let durability = core.setup.options.durability;
    let appended = match &mut writer.log {
        Some(log) => log.append(&frame, durability, &core.paths),
        None => return Ok(false),
    };
    if let Err(broken) = appended {
        if !broken.in_order {
            core.give_up(&broken.cause);
        }
        writer.unique.forget();
        return Err(broken.cause);
    }
    if let Frame::Commit(entries) | Frame::Transaction(_, entries) = frame {
        // Unique values were taken in when they were judged.
        let mut view = core.view_mut();
        entries.into_iter().for_each(|entry| view.overlay.apply(entry));
    }
    Ok(true)
}

/// What will be written together.
pub(super) struct Group<'c, D: Disk> {
    core: &'c Core<D>,
    writer: &'c mut Writer<D>,
    generation: u64,
    /// Whether the overlay knows of no record; nobody else writes to it meanwhile.
    overlay_is_empty: bool,
    pub(super) entries: Vec<Entry>,
    /// Of each record, the last of the entries that have been looked through.
    last: HashMap<Id, usize, RandomState>,
    looked_through: usize,
    /// Whether all entries are of records that were not there before.
    pub(super) only_new: bool,
}

/// How a record stands.
enum Now {
    Absent,
    Written(Option<Version>),
    /// The overlay does not know it: what the writer saw of the base is still so.
    Untouched,
}

impl<'c, D: Disk> Group<'c, D> {
    pub(super) fn of(core: &'c Core<D>, writer: &'c mut Writer<D>) -> Self {
        let (generation, overlay_is_empty) = (core.view().generation, core.view().overlay.is_empty());
        Group {
            core,
            writer,
            generation,
            overlay_is_empty,
            entries: Vec::new(),
            last: HashMap::default(),
            looked_through: 0,
            only_new: true,
        }
    }

    fn now(&self, id: &Id) -> Now {
        if let Some(entry) = self.last.get(id).and_then(|at| self.entries.get(*at)) {
            return match &entry.change {
                Change::Put(row) => Now::Written(row.envelope().version().cloned()),
                Change::Deleted { .. } => Now::Absent,
            };
        }
        if self.overlay_is_empty {
            return Now::Untouched;
        }
        match self.core.view().overlay.get(id) {
            None => Now::Untouched,
            Some(held) if held.row.is_none() => Now::Absent,
            Some(held) => Now::Written(held.version().cloned()),
        }
    }

    fn holds(&self, proposal: &Proposal) -> bool {
        match (&proposal.seen, self.now(proposal.entry.id())) {
            (Seen::Fresh | Seen::Absent, Now::Absent | Now::Untouched) | (Seen::Base, Now::Untouched) => true,
            (Seen::Written(seen), Now::Written(now)) => *seen == now,
            _ => false,
        }
    }

    /// Looks through the entries that have come since.
    fn look_through(&mut self) {
        for (at, entry) in self.entries.iter().enumerate().skip(self.looked_through) {
            self.last.insert(entry.id().clone(), at);
        }
        self.looked_through = self.entries.len();
    }

    pub(super) fn judge(&mut self, job: Job) -> Verdicts {
        self.look_through();
        let same_base = job.generation == self.generation;
        let before = self.entries.len();
        let mut verdicts = Vec::with_capacity(job.proposals.len());
        self.entries.reserve(job.proposals.len());
        let mut overtaken = false;
        for proposal in job.proposals {
            if !job.once {
                self.look_through();
            }
            let awaited = job.awaited.contains(proposal.entry.id());
            let verdict = match !overtaken && (same_base || proposal.seen == Seen::Fresh) {
                true => self.judge_one(proposal),
                false => Verdict::Lost(Box::new(proposal)),
            };
            // A write that has to wait must not be overtaken by one behind it, which might take its unique value.
            overtaken |= match verdict {
                Verdict::Done => false,
                Verdict::Lost(_) => self.writer.unique.is_needed(),
                Verdict::Refused(_) => awaited,
            };
            let failed = job.atomic && !matches!(verdict, Verdict::Done);
            verdicts.push(verdict);
            if failed {
                self.undo(before);
                return Ok(verdicts);
            }
        }
        if job.dry {
            self.undo(before);
        }
        Ok(verdicts)
    }

    fn judge_one(&mut self, proposal: Proposal) -> Verdict {
        if !self.holds(&proposal) {
            return Verdict::Lost(Box::new(proposal));
        }
        let setup = &self.core.setup;
        if self.writer.unique.is_needed() {
            let id = proposal.entry.id();
            let checked = self.writer.unique.values(&proposal.entry, setup).and_then(|values| match values {
                Some(values) => self.writer.unique.check(&values, id),
                None => Ok(()),
            });
            if let Err(error) = checked.and_then(|()| self.writer.unique.take(&proposal.entry.change, setup)) {
                return Verdict::Refused(error);
            }
        }
        let is_new = match (&proposal.entry.change, proposal.seen) {
            (Change::Put(_), Seen::Fresh) => true,
            (Change::Put(row), Seen::Absent) => !self.last.contains_key(row.envelope().id()),
            _ => false,
        };
        self.only_new &= is_new;
        self.entries.push(proposal.entry);
        Verdict::Done
    }

    /// Takes back what a job that is all or nothing has put in.
    fn undo(&mut self, before: usize) {
        self.entries.truncate(before);
        self.last.clear();
        self.looked_through = 0;
        if self.writer.unique.is_needed() {
            // Filled in anew, with what else is in the group.
            self.writer.unique.forget();
            let refilled = self.core.fill_unique(self.writer);
            let retaken = refilled.and_then(|()| self.writer.unique.apply(&self.entries, &self.core.setup));
            if retaken.is_err() {
                self.writer.unique.forget();
            }
        }
    }
}
