//! Transactions: what is written is kept beside a state of each store, and put into the journals when the closure has returned.
//!
//! A store is seen as it was when the transaction first opened it, with what the transaction has written. A record that
//! somebody else wrote meanwhile is not overwritten: the end is a `Conflict`. Writes to one file are one frame of its
//! journal; those to several are an [`Intent`] first.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    marker::PhantomData,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use super::{
    Files,
    commit::{Group, Job, Proposal, Seen, Verdict, append_frame, begin_log, settle},
    core::{Core, View, Writer, locked},
    disk::{Disk, Os},
    intent::{Intent, Part, Place},
    journal::Frame,
    lock::Lock,
    planner::{Planned, Planner},
    query::{self, FileRows},
    store::FileStore,
    unique::Unique,
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::Id,
    query::{
        Plan, Predicate, Runnable, Select, Whole,
        aggregate::{Aggregate, GroupKeys},
    },
    record::{Document, RecordCodec, Schema, Stored},
    store::{
        Aggregating, Database, Driver, Limits, Split, Transactional,
        write::{Atomicity, Outcome, Write},
    },
    version::Version,
};

/// How often the end is tried while checkpoints put other files in the places of those that were looked at.
const MAX_TRIES: usize = 100;

/// A transaction of [`Files`]: see [the page on files](crate::docs::files).
pub struct FileTransaction<'t, D: Disk = Os> {
    files: Files<D>,
    opened: Mutex<BTreeMap<PathBuf, Arc<Mutex<Opened<D>>>>>,
    transaction: PhantomData<&'t ()>,
}

/// A store inside a transaction.
pub struct FileTransactionStore<'t, R: RecordCodec, D: Disk = Os> {
    store: FileStore<R, D>,
    opened: Arc<Mutex<Opened<D>>>,
    transaction: PhantomData<&'t ()>,
}

impl<R: RecordCodec, D: Disk> Clone for FileTransactionStore<'_, R, D> {
    fn clone(&self) -> Self {
        let FileTransactionStore { store, opened, transaction } = self;
        FileTransactionStore { store: store.clone(), opened: opened.clone(), transaction: *transaction }
    }
}

/// A file that the transaction has come to.
struct Opened<D: Disk> {
    core: Arc<Core<D>>,
    /// The store as the transaction sees it.
    view: View<D>,
    /// What it has written, in order.
    proposals: Vec<Proposal>,
    /// Of each record that it has written, the version that it has found.
    found: HashMap<Id, Option<Version>>,
    /// The unique values of what it has written.
    unique: Unique,
}

/// What an all-or-nothing batch goes back to.
struct Saved<D: Disk> {
    view: View<D>,
    proposals: usize,
}

impl<D: Disk> Opened<D> {
    fn new(core: Arc<Core<D>>) -> Opened<D> {
        let (view, unique) = (core.snapshot(), Unique::of_none(core.schema()));
        Opened { core, view, proposals: Vec::new(), found: HashMap::new(), unique }
    }

    fn write<R: RecordCodec>(&mut self, store: &FileStore<R, D>, write: Write<'_, R>) -> Outcome {
        let pending = store.pending(write, 0)?;
        let mut planner = Planner::new(store, &self.view);
        let version = match self.found.contains_key(&pending.id) || pending.fresh {
            true => None,
            false => planner.state(&pending.id)?.1,
        };
        let written = match planner.plan(pending) {
            Planned::Proposed(written, _) => written,
            Planned::Settled(outcome, _) => return outcome,
        };
        if let Some(proposal) = planner.proposals.pop() {
            self.check_unique(&proposal)?;
            self.found.entry(written.id.clone()).or_insert(version);
            self.take(proposal)?;
        }
        Ok(written)
    }

    fn take(&mut self, proposal: Proposal) -> Result<()> {
        if self.unique.is_needed() {
            self.unique.take(&proposal.entry.change, &self.core.setup)?;
        }
        self.view.overlay.apply(proposal.entry.clone());
        self.proposals.push(proposal);
        Ok(())
    }

    /// Refuses a unique value that another record has, as the transaction sees it.
    fn check_unique(&self, proposal: &Proposal) -> Result<()> {
        let setup = &self.core.setup;
        let Some(values) = self.unique.values(&proposal.entry, setup)? else { return Ok(()) };
        let id = proposal.entry.id();
        self.unique.check(&values, id)?;
        let mut writer = self.core.writer();
        self.core.fill_unique(&mut writer)?;
        writer.unique.check_others(&values, id, |owner| self.found.contains_key(owner))
    }

    fn saved(&self) -> Saved<D> {
        Saved { view: self.view.clone(), proposals: self.proposals.len() }
    }

    fn restore(&mut self, saved: Saved<D>) -> Result<()> {
        self.view = saved.view;
        self.proposals.truncate(saved.proposals);
        let left: HashSet<&Id> = self.proposals.iter().map(|proposal| proposal.entry.id()).collect();
        self.found.retain(|id, _| left.contains(id));
        self.unique = Unique::of_none(self.core.schema());
        self.proposals.iter().try_for_each(|p| self.unique.take(&p.entry.change, &self.core.setup))
    }

    fn job(&self) -> Job {
        let bytes = self.proposals.iter().map(|proposal| proposal.entry.bytes()).sum();
        Job::new(self.proposals.clone(), bytes, self.view.generation, true)
    }

    /// Binds what was written to the file that has come into the place of the one that was looked at.
    ///
    /// # Errors
    /// `Conflict` where a record is not the one that was found.
    fn rebind(&mut self) -> Result<()> {
        let store: FileStore<Document, D> = FileStore::new(self.core.clone(), self.core.setup.schema.clone());
        let view = self.core.snapshot();
        let mut planner = Planner::new(&store, &view);
        let mut done = HashSet::new();
        for proposal in &mut self.proposals {
            let id = proposal.entry.id().clone();
            let is_first = done.insert(id.clone());
            if !is_first || proposal.seen == Seen::Fresh {
                continue;
            }
            let (seen, version) = planner.state(&id)?;
            if self.found.get(&id) != Some(&version) {
                return Err(lost(&id));
            }
            proposal.entry.in_base = seen == Seen::Base;
            proposal.seen = seen;
        }
        self.view.generation = view.generation;
        Ok(())
    }

    /// What the end comes to, where the file was judged: nothing more to do, or to be tried again.
    fn ended(&self, verdicts: Vec<Verdict>) -> Result<bool> {
        for (verdict, proposal) in verdicts.into_iter().zip(&self.proposals) {
            match verdict {
                Verdict::Done => {}
                Verdict::Refused(error) => return Err(error.at_id(proposal.entry.id())),
                Verdict::Lost(_) if self.core.view().generation != self.view.generation => return Ok(false),
                Verdict::Lost(_) => return Err(lost(proposal.entry.id())),
            }
        }
        Ok(true)
    }

    fn named(&self, error: Error) -> Error {
        error.in_store(&self.core.name)
    }
}

#[cold]
fn lost(id: &Id) -> Error {
    Error::conflict("another writer was faster; run the transaction again").at_id(id).retryable(true)
}

impl<'t, D: Disk> FileTransaction<'t, D> {
    fn inside<R: RecordCodec>(&self, store: FileStore<R, D>) -> Result<FileTransactionStore<'t, R, D>> {
        store.core.refresh().map_err(|error| error.in_store(&store.core.name))?;
        let opened = self.file(&store.core);
        Ok(FileTransactionStore { store, opened, transaction: PhantomData })
    }

    fn file(&self, core: &Arc<Core<D>>) -> Arc<Mutex<Opened<D>>> {
        let mut opened = locked(&self.opened);
        let new = || Arc::new(Mutex::new(Opened::new(core.clone())));
        opened.entry(core.paths.base.clone()).or_insert_with(new).clone()
    }

    fn commit(&self) -> Result<()> {
        let files: Vec<_> = locked(&self.opened).values().cloned().collect();
        // In the order of their paths, as everybody takes them.
        let mut files: Vec<_> =
            files.iter().map(|file| locked(file)).filter(|file| !file.proposals.is_empty()).collect();
        for _ in 0..MAX_TRIES {
            let done = match files.as_mut_slice() {
                [] => true,
                [one] => commit_one(one).map_err(|error| one.named(error))?,
                many => commit_many(&many.iter().map(|file| &**file).collect::<Vec<_>>())?,
            };
            if done {
                return Ok(());
            }
            for file in &mut files {
                file.rebind().map_err(|error| file.named(error))?;
            }
        }
        Err(Error::conflict("too many checkpoints while the transaction ended").retryable(true))
    }
}

fn commit_one<D: Disk>(file: &Opened<D>) -> Result<bool> {
    file.ended(file.core.queue.write(&file.core, file.job())?)
}

/// The right to write to a file, and what only its owner has in hand.
struct Turn<'c, D: Disk> {
    writer: std::sync::MutexGuard<'c, Writer<D>>,
    lock: Option<Lock<D>>,
}

fn commit_many<D: Disk>(files: &[&Opened<D>]) -> Result<bool> {
    let Some(first) = files.first() else { return Ok(true) };
    let (disk, options) = (&first.core.disk, &first.core.setup.options);
    let place = Place::of(&first.core.paths.folder);
    // Before all others, as everybody takes them.
    let folder = Lock::take(disk, &place.lock, options.wait)?;
    place.finish_locked(disk, options.wait)?;
    let mut turns = Vec::with_capacity(files.len());
    for file in files {
        let mut writer = file.core.writer();
        let begun = file.core.check_sound().and_then(|()| file.core.lock_alone(&mut writer)).and_then(|lock| {
            settle(&file.core, &mut writer)?;
            Ok(lock)
        });
        let lock = begun.map_err(|error| file.named(error))?;
        turns.push(Turn { writer, lock });
    }
    let done = write_many(files, &mut turns, &place);
    if !matches!(done, Ok(true)) {
        // What was judged is not so, or is not yet there.
        turns.iter_mut().for_each(|turn| turn.writer.unique.forget());
    }
    if let Ok(true) = done {
        for (file, turn) in files.iter().zip(&mut turns) {
            super::checkpoint::if_due(&file.core, &mut turn.writer);
        }
    }
    turns.into_iter().for_each(|turn| drop(turn.lock));
    folder.remove_file(disk, &place.lock);
    done
}

/// Judges all, decides, and puts the entries into the journals.
fn write_many<D: Disk>(files: &[&Opened<D>], turns: &mut [Turn<'_, D>], place: &Place) -> Result<bool> {
    let token = crate::id::random_token();
    let mut intent = Intent { token, parts: Vec::with_capacity(files.len()) };
    for (file, turn) in files.iter().zip(turns.iter_mut()) {
        let mut group = Group::of(&file.core, &mut turn.writer);
        let verdicts = group.judge(file.job()).map_err(|error| file.named(error))?;
        let entries = group.entries;
        if !file.ended(verdicts).map_err(|error| file.named(error))? {
            return Ok(false);
        }
        begin_log(&file.core, &mut turn.writer).map_err(|error| file.named(error))?;
        let Some(log) = &turn.writer.log else { continue };
        let name = file.core.paths.base.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| file.named(Error::unsupported("the name of the file is not UTF-8")))?;
        let (journal, before) = (log.header.token, log.entries);
        intent.parts.push(Part { file: name.to_owned(), journal, before, entries });
    }
    let Some(first) = files.first() else { return Ok(true) };
    let disk = &first.core.disk;
    place.write(disk, &intent, first.core.setup.options.durability)?;
    // From here on it is done, whatever happens.
    let mut failed = None;
    for ((file, turn), part) in files.iter().zip(turns.iter_mut()).zip(intent.parts) {
        let frame = Frame::Transaction(token, part.entries);
        if let Err(error) = append_frame(&file.core, &mut turn.writer, frame) {
            failed = failed.or(Some(file.named(error)));
        }
    }
    match failed {
        None => place.remove(disk).map(|()| true),
        Some(error) => Err(unfinished(error)),
    }
}

#[cold]
fn unfinished(cause: Error) -> Error {
    let why = format!(
        "the transaction is decided, but not yet in all journals; whoever next opens or writes its files finishes it: {cause}"
    );
    let mut error = Error::new(ErrorKind::Ambiguous, why);
    if let Some(url) = &cause.place().url {
        error = error.at_url(url);
    }
    error
}

impl<D: Disk> Transactional for Files<D> {
    type Transaction<'t> = FileTransaction<'t, D>;

    fn transaction<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&FileTransaction<'_, D>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = FileTransaction { files: self.clone(), opened: Mutex::default(), transaction: PhantomData };
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

impl<'t, D: Disk> Database for FileTransaction<'t, D> {
    type Engine = Files<D>;
    type Store<R: RecordCodec> = FileTransactionStore<'t, R, D>;

    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<Self::Store<R>> {
        self.inside(self.files.open(name, shape)?)
    }

    fn documents(&self, name: &str, schema: Schema) -> Result<Self::Store<Document>> {
        self.inside(self.files.documents(name, schema)?)
    }
}

impl<R: RecordCodec, D: Disk> FileTransactionStore<'_, R, D> {
    fn view(&self) -> View<D> {
        locked(&self.opened).view.clone()
    }

    fn named(&self, error: Error) -> Error {
        error.in_store(&self.store.core.name)
    }
}

impl<R: RecordCodec, D: Disk> Driver<R> for FileTransactionStore<'_, R, D> {
    type Engine = Files<D>;
    type Rows<P: Predicate<R>, S: Select<R>> = FileRows<R, P, S, D>;

    fn shape(&self) -> &R::Shape {
        self.store.shape()
    }

    fn name(&self) -> &str {
        self.store.name()
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
        let mut opened = locked(&self.opened);
        if atomicity == Atomicity::Each {
            let outcomes = writes.into_iter().map(|write| opened.write(&self.store, write));
            return Ok(outcomes.map(|outcome| outcome.map_err(|error| self.named(error))).collect());
        }
        let saved = opened.saved();
        let outcomes: Result<Vec<_>> = writes.into_iter().map(|write| opened.write(&self.store, write)).collect();
        match outcomes {
            Ok(written) => Ok(written.into_iter().map(Ok).collect()),
            Err(refused) => {
                opened.restore(saved)?;
                Err(self.named(refused))
            }
        }
    }

    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        ids.iter().map(|id| self.fetch_one(id, limits)).collect()
    }

    fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        limits.check()?;
        let (base, held) = locked(&self.opened).view.look_up(id);
        self.store.get_of(&base, held, id, limits).map_err(|error| self.named(error))
    }

    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Files<D>, R, P, S>,
        limits: &Limits,
    ) -> Result<FileRows<R, P, S, D>> {
        limits.check()?;
        query::scan(&self.store, self.view(), query, limits).map_err(|error| self.named(error))
    }

    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Files<D>, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        limits.check()?;
        query::count(&self.store, self.view(), &query, limits).map_err(|error| self.named(error))
    }

    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<Files<D>, R, P, S>) -> Result<Plan> {
        Ok(query::plan(&self.store, &self.view(), query).step("with what this transaction has written"))
    }
}

impl<R: RecordCodec, D: Disk> Split<R> for FileTransactionStore<'_, R, D> {
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Files<D>, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<FileRows<R, P, S, D>>> {
        limits.check()?;
        super::split::parts_of(&self.store, &self.view(), &query, parts, limits).map_err(|error| self.named(error))
    }
}

impl<R: RecordCodec, D: Disk> Aggregating<R> for FileTransactionStore<'_, R, D> {
    fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
        &self,
        query: Runnable<Files<D>, R, P, Whole>,
        keys: &K,
        aggregates: &A,
        limits: &Limits,
    ) -> Result<Vec<(K::Row, A::Out)>> {
        limits.check()?;
        super::aggregate::folded(&self.store, self.view(), &query, keys, aggregates, limits)
            .map_err(|error| self.named(error))
    }
}
