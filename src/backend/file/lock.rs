//! Who may write: one process at a time, by a lock of the operating system on a file beside the base.
//!
//! The lock lives in the system and dies with its process, so a lock file that was left behind locks nothing. It is taken
//! away when a store is closed; whoever got a lock on a file that is no longer there tries again.

use std::{
    io,
    path::{Path, PathBuf},
    process,
    sync::Arc,
    time::{Duration, Instant},
};

use super::disk::{Disk, DiskFile};
use crate::error::{Error, ErrorKind, Result};

/// How long one waits before one asks again, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_micros(20), Duration::from_millis(2));

/// The right to write, until it is dropped.
pub(super) struct Lock<D: Disk> {
    file: Arc<LockFile<D>>,
}

/// A lock file that is open: to keep it spares who writes again the opening.
struct LockFile<D: Disk> {
    file: D::File,
    number: u64,
    /// What opened it. A process that is forked off shares the file with its parent, and so the lock: it opens one of its own.
    process: u32,
}

/// The lock file of before, where there is one.
pub(super) struct Kept<D: Disk>(Option<Arc<LockFile<D>>>);

impl<D: Disk> Kept<D> {
    pub(super) fn new() -> Kept<D> {
        Kept(None)
    }

    fn take(&mut self) -> Option<Arc<LockFile<D>>> {
        self.0.take().filter(|kept| kept.process == process::id())
    }
}

impl<D: Disk> Lock<D> {
    /// Takes the lock, waiting at most so long.
    ///
    /// # Errors
    /// `Locked` where another process has it; `Backend` where the lock file cannot be made.
    pub(super) fn take(disk: &D, path: &Path, wait: Duration) -> Result<Lock<D>> {
        Lock::take_again(disk, path, wait, &mut Kept::new())
    }

    /// The same for who may have taken it before, and will again.
    ///
    /// # Errors
    /// The same.
    pub(super) fn take_again(disk: &D, path: &Path, wait: Duration, kept: &mut Kept<D>) -> Result<Lock<D>> {
        let started = Instant::now();
        let mut pause = PAUSE.0;
        loop {
            if let Some(lock) = Lock::attempt(disk, path, kept).map_err(|cause| unlockable(path, cause))? {
                return Ok(lock);
            }
            if started.elapsed() >= wait {
                return Err(Error::new(ErrorKind::Locked, "another process writes to the file").at_url(&shown(path)));
            }
            std::thread::sleep(pause.min(wait.saturating_sub(started.elapsed())));
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    fn attempt(disk: &D, path: &Path, kept: &mut Kept<D>) -> io::Result<Option<Lock<D>>> {
        let again = kept.take().map_or(Ok(None), |file| Lock::locked(disk, path, file))?;
        let lock = match again {
            Some(lock) => Some(lock),
            None => {
                let file = disk.edit(path)?;
                let number = file.stamp()?.number;
                Lock::locked(disk, path, Arc::new(LockFile { file, number, process: process::id() }))?
            }
        };
        kept.0 = lock.as_ref().map(|lock| lock.file.clone());
        Ok(lock)
    }

    fn locked(disk: &D, path: &Path, file: Arc<LockFile<D>>) -> io::Result<Option<Lock<D>>> {
        match file.file.try_lock() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        let lock = Lock { file };
        // The file may have been taken away meanwhile, and another put in its place.
        let is_current = disk.stamp(path)?.is_some_and(|stamp| stamp.number == lock.file.number);
        Ok(is_current.then_some(lock))
    }

    /// Takes the lock file away, so that nothing is left beside the base.
    pub(super) fn remove_file(self, disk: &D, path: &Path) {
        // Where it cannot be removed it stays, and does no harm.
        let _ = disk.remove(path);
        drop(self);
    }
}

impl<D: Disk> Drop for Lock<D> {
    fn drop(&mut self) {
        // It fails for no file that is open.
        let _ = self.file.file.unlock();
    }
}

fn unlockable(path: &Path, cause: io::Error) -> Error {
    Error::backend("the lock file cannot be opened").caused_by(cause).at_url(&shown(path))
}

/// A path as errors show it.
pub(super) fn shown(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// The files of one store.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// The base file.
    pub(super) base: PathBuf,
    pub(super) journal: PathBuf,
    pub(super) lock: PathBuf,
    /// Where a new base or journal is written before it takes its place.
    pub(super) fresh: PathBuf,
    pub(super) folder: PathBuf,
}

impl Paths {
    pub(super) fn of(base: &Path) -> Paths {
        let beside = |suffix: &str| {
            let mut name = base.file_name().unwrap_or_default().to_owned();
            name.push(suffix);
            base.with_file_name(name)
        };
        let folder = base.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Paths {
            journal: beside(".journal"),
            lock: beside(".lock"),
            fresh: beside(".new"),
            folder: folder.to_owned(),
            base: base.to_owned(),
        }
    }
}
