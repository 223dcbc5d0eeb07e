//! What all handles of one file share in a process: the base, the overlay, the journal, the turn to write.
//!
//! Nothing here is generic in a record: writes come as entries that were made elsewhere, so a writer commits what other
//! threads have made, of whatever type.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use type_map::concurrent::TypeMap;

use super::{
    apart::apart,
    base::{Base, IdRule, Setup, looks},
    commit::Queue,
    config::{Options, format_of},
    disk::{Disk, Stamp},
    intent::Place,
    journal::{Entry, Fingerprint},
    lock::{Kept, Lock, Paths, shown},
    log::{Log, fingerprint},
    overlay::{Held, Overlay},
    unique::Unique,
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::Id,
    record::Schema,
    store::Limits,
};

/// How many links are followed to a file that is not there: as many as the system follows.
const MAX_LINKS: usize = 40;
/// How often one looks again at files that another process is changing.
const MAX_LOOKS: usize = 50;
/// For how long a writer tries at least to finish what a killed process has left.
const FINISH_FOR: Duration = Duration::from_millis(100);
/// For how long what other processes write may go unseen by a read by id.
const FRESH_FOR: Duration = Duration::from_millis(10);

/// One file, as this process sees it.
pub(super) struct Core<D: Disk> {
    pub(super) disk: D,
    pub(super) paths: Paths,
    pub(super) setup: Setup,
    pub(super) name: String,
    view: RwLock<View<D>>,
    pub(super) writer: Mutex<Writer<D>>,
    pub(super) queue: Queue,
    /// Why nothing more is written through the handles of it.
    broken: OnceLock<String>,
    /// Whether the lock is held for as long as the store is open.
    keeps_out: AtomicBool,
    /// Each store has a share of it.
    pub(super) handles: Arc<()>,
    looked: Mutex<Instant>,
}

/// What a reader sees: one state of the store.
pub(super) struct View<D: Disk> {
    pub(super) base: Base<D>,
    pub(super) overlay: Overlay,
    /// Which base it is, of those that this process has seen.
    pub(super) generation: u64,
}

impl<D: Disk> Clone for View<D> {
    fn clone(&self) -> Self {
        View { base: self.base.clone(), overlay: self.overlay.clone(), generation: self.generation }
    }
}

impl<D: Disk> View<D> {
    /// What a record is looked up in: the base, and what the overlay knows of it.
    pub(super) fn look_up(&self, id: &Id) -> (Base<D>, Option<Held>) {
        (self.base.clone(), self.overlay.get(id).cloned())
    }
}

/// What only the thread whose turn it is has in hand.
pub(super) struct Writer<D: Disk> {
    pub(super) log: Option<Log<D>>,
    /// Held for as long as the store is open, where the options say so.
    pub(super) lock: Option<Lock<D>>,
    /// The lock file of the last write.
    kept: Kept<D>,
    /// How long the journal is to be before a checkpoint is tried again, where one has failed.
    pub(super) next_try: u64,
    pub(super) unique: Unique,
}

impl<D: Disk> Core<D> {
    /// The core of a file: the one that is open, or a new one.
    ///
    /// # Errors
    /// `Configuration` where the file is open with another schema; `Corrupt` and `Backend` as the files are.
    pub(super) fn open(disk: &D, path: &Path, name: &str, options: &Options, schema: &Schema) -> Result<Arc<Core<D>>> {
        let path = canonical(path);
        let slot = slot::<D>(&path);
        let mut slot = locked(&slot);
        let open = slot.upgrade();
        if let Some(core) = &open {
            core.check_schema(schema)?;
            core.check_options(&path, options)?;
            if core.check_sound().is_ok() {
                core.keep_out()?;
                return Ok(core.clone());
            }
        }
        let core = Arc::new(match open {
            None => Core::new(disk.clone(), &path, name, options, schema)?,
            Some(broken) => broken.replaced()?,
        });
        *slot = Arc::downgrade(&core);
        Ok(core)
    }

    /// A core in the place of one that writes no more. What is read of the files may be what the system has and the device has
    /// not: it is made durable before anything is added to it.
    fn replaced(&self) -> Result<Core<D>> {
        let Setup { options, schema, .. } = &self.setup;
        let kept = self.writer().lock.take();
        let options = &Options { exclusive: false, ..options.clone() };
        let mut core = Core::new(self.disk.clone(), &self.paths.base, &self.name, options, schema)?;
        core.setup.options.exclusive = self.setup.options.exclusive;
        let mut writer = core.writer();
        writer.lock = kept;
        let lock = core.lock(&mut writer)?;
        core.catch_up(&mut writer)?;
        let folder = core.disk.sync_folder(&core.paths.folder);
        folder.map_err(|cause| Error::backend("the folder cannot be made durable").caused_by(cause))?;
        if let Some(log) = &writer.log {
            writer.log = Some(log.made_anew(&core.disk, &core.paths)?);
        }
        drop(lock);
        drop(writer);
        core.keep_out()?;
        Ok(core)
    }

    /// Keeps other processes out again, where the options say so and the lock was given back.
    ///
    /// # Errors
    /// `Locked` where another process has it.
    fn keep_out(&self) -> Result<()> {
        if !self.setup.options.exclusive || self.is_alone() {
            return Ok(());
        }
        let mut writer = self.writer();
        if writer.lock.is_none() {
            writer.lock = Some(Lock::take(&self.disk, &self.paths.lock, self.setup.options.wait)?);
        }
        self.catch_up(&mut writer)?;
        self.keeps_out.store(true, Ordering::Release);
        Ok(())
    }

    /// Gives the lock back that was held for as long as the store was open.
    pub(super) fn let_in(&self, writer: &mut Writer<D>) -> Option<Lock<D>> {
        self.keeps_out.store(false, Ordering::Release);
        writer.lock.take()
    }

    /// Whether nobody else can have written.
    fn is_alone(&self) -> bool {
        self.keeps_out.load(Ordering::Acquire)
    }

    fn new(disk: D, path: &Path, name: &str, options: &Options, schema: &Schema) -> Result<Core<D>> {
        let ids = IdRule::of(options, schema)?;
        let setup = Setup::new(format_of(path, options)?, options.clone(), Arc::new(schema.clone()), ids);
        let paths = Paths::of(path);
        Place::of(&paths.folder).finish(&disk, options.wait)?;
        let lock = match options.exclusive {
            true => Some(Lock::take(&disk, &paths.lock, options.wait)?),
            false => None,
        };
        let (view, log) = load(&disk, &paths, &setup, 0)?;
        let unique = Unique::of(schema);
        let keeps_out = AtomicBool::new(lock.is_some());
        Ok(Core {
            disk,
            paths,
            setup,
            name: name.to_owned(),
            view: RwLock::new(view),
            writer: Mutex::new(Writer { log, lock, kept: Kept::new(), next_try: 0, unique }),
            queue: Queue::new(),
            broken: OnceLock::new(),
            keeps_out,
            handles: Arc::new(()),
            looked: Mutex::new(Instant::now()),
        })
    }

    fn check_schema(&self, other: &Schema) -> Result<()> {
        let changes = self.setup.schema.diff(other);
        if changes.is_empty() && self.setup.schema.open == other.open {
            return Ok(());
        }
        let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
        let why = format!("it is open with another schema: {}", changes.join("; "));
        Err(Error::configuration(why).in_store(&self.name))
    }

    /// One of the options holds for a file, or none: two of its handles cannot each have their own.
    fn check_options(&self, path: &Path, other: &Options) -> Result<()> {
        let (format, compression) = format_of(path, other)?;
        let same_format = (format, compression) == (self.setup.format, self.setup.compression);
        match self.setup.options.difference(other).or((!same_format).then_some("format")) {
            None => Ok(()),
            Some(option) => {
                let why = format!("it is open with another `{option}`; close that one first, or open both alike");
                Err(Error::configuration(why).in_store(&self.name).at_url(&shown(path)))
            }
        }
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.setup.schema
    }

    pub(super) fn view(&self) -> RwLockReadGuard<'_, View<D>> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view_mut(&self) -> RwLockWriteGuard<'_, View<D>> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store as it is now.
    pub(super) fn snapshot(&self) -> View<D> {
        self.view().clone()
    }

    /// Nothing more is written: what the device has is not known.
    pub(super) fn give_up(&self, why: &Error) {
        // The first reason is the one.
        let _ = self.broken.set(why.message().to_owned());
    }

    /// Refuses to go on after a write of which it is not known whether it is durable.
    ///
    /// # Errors
    /// `Backend`, with what failed then.
    pub(super) fn check_sound(&self) -> Result<()> {
        let Some(why) = self.broken.get() else { return Ok(()) };
        Err(Error::backend(format!(
            "an earlier write failed, and what the device has is not known: {why}; open the store again"
        )))
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer<D>> {
        locked(&self.writer)
    }

    /// Looks whether other processes have written, if nobody has looked for a while.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub(super) fn refresh_seldom(&self) -> Result<()> {
        if self.is_alone() || locked(&self.looked).elapsed() < FRESH_FOR {
            return Ok(());
        }
        self.refresh()
    }

    /// Looks whether other processes have written, unless a thread of this one is writing, which looks itself.
    ///
    /// # Errors
    /// `Corrupt` and `Backend` as the files are.
    pub(super) fn refresh(&self) -> Result<()> {
        if self.is_alone() {
            return Ok(());
        }
        Place::of(&self.paths.folder).finish(&self.disk, self.setup.options.wait)?;
        let Ok(mut writer) = self.writer.try_lock() else { return Ok(()) };
        *locked(&self.looked) = Instant::now();
        surely(&self.disk, &self.paths, || self.catch_up(&mut writer))
    }

    /// Takes in what other processes have written.
    ///
    /// # Errors
    /// `Corrupt` and `Backend` as the files are.
    pub(super) fn catch_up(&self, writer: &mut Writer<D>) -> Result<()> {
        let journal = self.stamp(&self.paths.journal)?;
        let base = self.stamp(&self.paths.base)?;
        let seen = self.view().base.stamp();
        // No base is no empty one: where there was one it was moved away, and what is in it is not gone.
        let Some(base) = base.or((seen == Stamp::default()).then_some(seen)) else {
            let why =
                "the file is gone: it was moved or deleted while the store was open; put it back, or close the store";
            return Err(Error::backend(why).at_url(&shown(&self.paths.base)));
        };
        let same_journal = match &writer.log {
            Some(log) => log.is_current(journal),
            None => journal.is_none(),
        };
        if !same_journal && base.is_like(&seen) && !self.view().overlay.is_empty() {
            return self.keep_journal(writer, journal);
        }
        if !same_journal || base != seen {
            return self.reload(writer);
        }
        if let Some(log) = &mut writer.log {
            let entries = log.catch_up(&self.paths)?;
            self.apply(writer, entries)?;
        }
        Ok(())
    }

    /// Makes entries visible.
    pub(super) fn apply(&self, writer: &mut Writer<D>, entries: Vec<Entry>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        writer.unique.apply(&entries, &self.setup)?;
        let mut view = self.view_mut();
        entries.into_iter().for_each(|entry| view.overlay.apply(entry));
        Ok(())
    }

    /// What becomes of a journal that is not under its name any more, while the base is the one that it belongs to: no checkpoint
    /// has put it there, so something else has taken it away. This process still has it, and writes it anew with its next write.
    ///
    /// # Errors
    /// `Corrupt` where another journal stands in its place: each has writes that the other has not.
    fn keep_journal(&self, writer: &mut Writer<D>, found: Option<Stamp>) -> Result<()> {
        let Some(log) = &mut writer.log else { return self.reload(writer) };
        let token = log.header.token;
        if found.is_none() {
            log.is_gone = true;
            return Ok(());
        }
        // Another process has done so.
        match Log::open(&self.disk, &self.paths)? {
            Some((other, _)) if other.header.token == token => self.reload(writer),
            _ => {
                let why =
                    "the journal was replaced by something else while the store was open; `salvage` takes both apart";
                Err(Error::corrupt(why).at_url(&shown(&self.paths.journal)))
            }
        }
    }

    /// Refuses to go on where the base is not what it was when it was read.
    ///
    /// # Errors
    /// `Conflict` then; `Backend` where it cannot be looked at.
    pub(super) fn check_base(&self, read: Stamp) -> Result<()> {
        if self.stamp(&self.paths.base)?.unwrap_or_default() == read {
            return Ok(());
        }
        let why = "the file was changed by something else at this moment; nothing was written";
        Err(Error::conflict(why).at_url(&shown(&self.paths.base)).retryable(true))
    }

    fn stamp(&self, path: &Path) -> Result<Option<Stamp>> {
        stamp(&self.disk, path)
    }

    /// Reads base and journal anew.
    ///
    /// # Errors
    /// `Corrupt` and `Backend` as the files are.
    pub(super) fn reload(&self, writer: &mut Writer<D>) -> Result<()> {
        let generation = self.view().generation + 1;
        let (view, log) = load(&self.disk, &self.paths, &self.setup, generation)?;
        writer.log = log;
        writer.next_try = 0;
        writer.unique.forget();
        *self.view_mut() = view;
        Ok(())
    }

    /// Takes the right to write; what a transaction over several files has left to be done is done then.
    ///
    /// # Errors
    /// `Locked`, and `Backend` where the lock file cannot be made.
    pub(super) fn lock(&self, writer: &mut Writer<D>) -> Result<Option<Lock<D>>> {
        let place = Place::of(&self.paths.folder);
        let started = Instant::now();
        loop {
            let lock = self.lock_alone(writer)?;
            // Whoever is at a transaction has the locks of its files: one that names this file was left behind.
            let left = place.is_taken(&self.disk)?
                && place.read(&self.disk)?.is_some_and(|intent| intent.of(&self.paths.base).is_some());
            if !left {
                return Ok(lock);
            }
            if started.elapsed() > self.setup.options.wait.max(FINISH_FOR) {
                let why = "a transaction over several files was left unfinished, and another process has one of them";
                return Err(Error::new(ErrorKind::Locked, why).at_url(&shown(&self.paths.base)));
            }
            drop(lock);
            place.finish(&self.disk, self.setup.options.wait)?;
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// The same for whoever has the folder's lock, and so knows that nothing is left to be done.
    ///
    /// # Errors
    /// `Locked`, and `Backend` where the lock file cannot be made.
    pub(super) fn lock_alone(&self, writer: &mut Writer<D>) -> Result<Option<Lock<D>>> {
        match writer.lock {
            Some(_) => Ok(None),
            None => {
                let wait = self.setup.options.wait;
                Lock::take_again(&self.disk, &self.paths.lock, wait, &mut writer.kept).map(Some)
            }
        }
    }

    /// Fills in the unique values of all records, where there are unique fields and nobody has yet.
    ///
    /// # Errors
    /// `Corrupt` where a record does not read.
    pub(super) fn fill_unique(&self, writer: &mut Writer<D>) -> Result<()> {
        let view = self.snapshot();
        apart(|| writer.unique.fill(&view, &self.setup, &Limits::default()))
    }
}

impl<D: Disk> Drop for Core<D> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // `close` reports what this cannot.
        let _ = super::checkpoint::close(self);
    }
}

/// What is read without the lock. What looks damaged may be what another process is writing at this moment: it is damaged if it
/// is so while nobody writes.
fn surely<D: Disk, T>(disk: &D, paths: &Paths, mut read: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 0..MAX_LOOKS {
        let damaged = match read() {
            Err(error) if error.kind() == ErrorKind::Corrupt => error,
            done => return done,
        };
        match Lock::take(disk, &paths.lock, Duration::ZERO) {
            Ok(lock) => {
                let done = read();
                lock.remove_file(disk, &paths.lock);
                return done;
            }
            Err(error) if error.kind() == ErrorKind::Locked => std::thread::sleep(Duration::from_millis(1)),
            // Who may only read cannot take it.
            Err(_) => return Err(damaged),
        }
    }
    read()
}

/// Base and journal as they are; both of the same moment.
fn load<D: Disk>(disk: &D, paths: &Paths, setup: &Setup, generation: u64) -> Result<(View<D>, Option<Log<D>>)> {
    let mut looks_left = MAX_LOOKS;
    loop {
        let log = surely(disk, paths, || Log::open(disk, paths))?;
        let base = Base::open(disk, &paths.base, setup)?;
        let mut overlay = Overlay::new();
        match log {
            None => {
                // A journal that came meanwhile may belong to another base.
                let came = stamp(disk, &paths.journal)?.is_some();
                if !came || looks_left == 0 {
                    return Ok((View { base, overlay, generation }, None));
                }
            }
            Some((log, entries)) => {
                let bound = Bound::of(disk, paths, &base, &log);
                match bound {
                    Ok(Bound::ToThis) => {
                        entries.into_iter().for_each(|entry| overlay.apply(entry));
                        return Ok((View { base, overlay, generation }, Some(log)));
                    }
                    // The base holds all of it already.
                    Ok(Bound::Contained) => return Ok((View { base, overlay, generation }, Some(log))),
                    Err(error) if looks_left == 0 => return Err(error),
                    Err(_) => {}
                }
            }
        }
        looks_left -= 1;
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn stamp<D: Disk>(disk: &D, path: &Path) -> Result<Option<Stamp>> {
    let failed = |cause| Error::backend("the file cannot be looked at").caused_by(cause).at_url(&shown(path));
    disk.stamp(path).map_err(failed)
}

/// How a journal stands to a base.
enum Bound {
    /// It changes this base.
    ToThis,
    /// This base was made of it.
    Contained,
}

impl Bound {
    fn of<D: Disk>(disk: &D, paths: &Paths, base: &Base<D>, log: &Log<D>) -> Result<Bound> {
        let now = looks(base.stamp(), 0);
        let as_long = |bound: &Fingerprint| bound.length == now.length;
        let may_contain = log.checkpoint.as_ref().is_some_and(as_long);
        if !may_contain && (Fingerprint { crc: 0, ..log.header.base }) == now {
            return Ok(Bound::ToThis);
        }
        // Copied, touched, or put there by a checkpoint, whose file may look like the one before it: the content says it.
        if may_contain || as_long(&log.header.base) {
            let content = fingerprint(disk, paths)?;
            let is = |bound: &Fingerprint| (bound.length, bound.crc) == (content.length, content.crc);
            if log.checkpoint.as_ref().is_some_and(is) {
                return Ok(Bound::Contained);
            }
            if is(&log.header.base) {
                return Ok(Bound::ToThis);
            }
        }
        let why = format!(
            "the file was changed by something else while its journal {} held {} writes; put the old file back, or let \
             `salvage` take both apart",
            paths.journal.display(),
            log.entries
        );
        Err(Error::corrupt(why).at_url(&shown(&paths.base)))
    }
}

/// The path of the file itself, by which handles of this process know it, and beside which its journal is. A link leads to it,
/// whether it is there yet or not.
pub(super) fn canonical(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if let Ok(found) = path.canonicalize() {
            return found;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let Some(name) = path.file_name() else { return path };
        let here = folder.join(name);
        match here.read_link() {
            Ok(target) => path = folder.join(target),
            Err(_) => return here,
        }
    }
    path
}

/// The open files of this process, by the kind of disk that they are on. Each has a lock of its own, for opening one may have to
/// wait for another process.
struct Cores<D: Disk>(HashMap<PathBuf, Arc<Slot<D>>>);
type Slot<D> = Mutex<Weak<Core<D>>>;

/// Where the core of a file is, if it is open.
fn slot<D: Disk>(path: &Path) -> Arc<Slot<D>> {
    let mut registry = locked(registry());
    let cores = &mut registry.entry::<Cores<D>>().or_insert_with(|| Cores(HashMap::new())).0;
    let is_open = |slot: &Slot<D>| slot.try_lock().is_ok_and(|core| core.strong_count() > 0);
    cores.retain(|_, slot| Arc::strong_count(slot) > 1 || is_open(slot));
    cores.entry(path.to_owned()).or_default().clone()
}

fn registry() -> &'static Mutex<TypeMap> {
    static REGISTRY: std::sync::OnceLock<Mutex<TypeMap>> = std::sync::OnceLock::new();
    REGISTRY.get_or_init(|| Mutex::new(TypeMap::new()))
}

/// Takes a lock. No user code runs under any lock here, so a panic elsewhere has not left its data half done.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{super::disk::Os, *};

    #[test]
    fn what_looks_damaged_while_somebody_writes_is_looked_at_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = Paths::of(&folder.path().join("people.csv"));
        let looks = |writer: Option<&Lock<Os>>, until: usize| {
            let mut looks = 0;
            let read = surely(&Os, &paths, || {
                looks += 1;
                if looks < until { Err(Error::corrupt("half a frame")) } else { Ok(()) }
            });
            assert_eq!(paths.lock.exists(), writer.is_some(), "nothing is left");
            (read.is_ok(), looks)
        };
        let writer = Lock::take(&Os, &paths.lock, Duration::ZERO).expect("nobody has it");
        assert_eq!(looks(Some(&writer), 5), (true, 5));
        assert_eq!(looks(Some(&writer), usize::MAX), (false, MAX_LOOKS + 1));
        writer.remove_file(&Os, &paths.lock);
        assert_eq!(looks(None, usize::MAX), (false, 2), "nobody writes, so it is damaged");
    }
}
