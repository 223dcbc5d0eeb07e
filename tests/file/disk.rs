//! Disks for tests: one that never waits for the device, and one that fails when it is told to, counts what is read, and lets another
//! tool write at a moment.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use dk_data::backend::file::disk::{Disk, DiskFile, Os, Stamp};

/// The file system without syncing. The suite pulls no plug, and makes stores by the hundred.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unsynced;

/// A file of [`Unsynced`].
pub struct UnsyncedFile(File);

impl Disk for Unsynced {
    type File = UnsyncedFile;

    fn open(&self, path: &Path) -> io::Result<UnsyncedFile> {
        Os.open(path).map(UnsyncedFile)
    }
    fn edit(&self, path: &Path) -> io::Result<UnsyncedFile> {
        Os.edit(path).map(UnsyncedFile)
    }
    fn create(&self, path: &Path, like: &[&Path]) -> io::Result<UnsyncedFile> {
        Os.create(path, like).map(UnsyncedFile)
    }
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }
    fn edit_existing(&self, path: &Path) -> io::Result<UnsyncedFile> {
        Os.edit_existing(path).map(UnsyncedFile)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Os.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        Os.remove(path)
    }
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn stamp(&self, path: &Path) -> io::Result<Option<Stamp>> {
        Os.stamp(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        Os.list(folder)
    }
}

impl DiskFile for UnsyncedFile {
    fn read_at(&self, buffer: &mut [u8], place: u64) -> io::Result<usize> {
        DiskFile::read_at(&self.0, buffer, place)
    }
    fn write_all_at(&self, bytes: &[u8], place: u64) -> io::Result<()> {
        DiskFile::write_all_at(&self.0, bytes, place)
    }
    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_length(length)
    }
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
    fn stamp(&self) -> io::Result<Stamp> {
        self.0.stamp()
    }
    fn try_lock(&self) -> io::Result<()> {
        DiskFile::try_lock(&self.0)
    }
    fn unlock(&self) -> io::Result<()> {
        DiskFile::unlock(&self.0)
    }
}

/// What a [`Failing`] disk does at the operation that fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The operation fails, and does nothing.
    Refused,
    /// Half of what was to be written is, and the device is full.
    Short,
    /// It writes a sector too few, and says that all is well; the next sync fails. What a power failure does.
    Torn,
}

/// A file system of which one operation fails, and every one after it if it is told so; it counts the bytes that are read.
#[derive(Clone, Debug)]
pub struct Failing(Arc<Plan>);

#[derive(Debug)]
struct Plan {
    /// Operations until the one that fails.
    left: AtomicI64,
    fault: Fault,
    /// Whether a sync is owed a failure.
    torn: AtomicBool,
    failed: AtomicBool,
    failed_in_reading: AtomicBool,
    bytes_read: AtomicU64,
    /// Whether all operations behind it fail, too.
    lasting: bool,
    /// What another tool appends to a file when the next one is created beside it.
    appended: Mutex<Option<(PathBuf, &'static str)>>,
    /// Files that have grown since they were synced, and how long they were then.
    grown: Mutex<Vec<(File, u64)>>,
}

/// A file of [`Failing`].
pub struct FailingFile(File, Arc<Plan>);

impl Failing {
    /// A disk whose operation number `nth`, from 0, fails.
    pub fn at(nth: i64, fault: Fault) -> Failing {
        Failing::plan(nth, fault, false)
    }
    /// A disk of which every operation from number `nth` on fails.
    pub fn from(nth: i64) -> Failing {
        Failing::plan(nth, Fault::Refused, true)
    }
    fn plan(nth: i64, fault: Fault, lasting: bool) -> Failing {
        Failing(Arc::new(Plan {
            left: AtomicI64::new(nth),
            fault,
            torn: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            failed_in_reading: AtomicBool::new(false),
            bytes_read: AtomicU64::new(0),
            lasting,
            appended: Mutex::new(None),
            grown: Mutex::default(),
        }))
    }
    /// A disk that is full after half of operation number `nth`, if that writes; nothing more is done.
    pub fn torn_from(nth: i64) -> Failing {
        Failing::plan(nth, Fault::Short, true)
    }
    /// A disk that never fails.
    pub fn never() -> Failing {
        Failing::at(i64::MAX, Fault::Refused)
    }
    /// Lets another tool append to a file, when the next one is created beside it.
    pub fn append_then(&self, path: &Path, text: &'static str) {
        *self.0.appended.lock().expect("nobody panics") = Some((path.to_owned(), text));
    }
    /// The power fails: the device has all that was written, and of no file a length that was not synced.
    pub fn power_fails(&self) {
        for (file, length) in self.0.grown.lock().expect("nobody panics").drain(..) {
            file.set_len(length).expect("the file is there");
        }
    }
    /// Bytes that were read of its files until now.
    pub fn bytes_read(&self) -> u64 {
        self.0.bytes_read.load(Ordering::SeqCst)
    }
    /// Whether it has come, and was one that reads: it may have read ahead what nobody asked for.
    pub fn has_failed_in_reading(&self) -> bool {
        self.0.failed_in_reading.load(Ordering::SeqCst)
    }
    /// Whether the operation has come.
    pub fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::SeqCst)
    }
}

/// What a device says that does not read or write.
fn refused() -> io::Error {
    const EIO: i32 = 5;
    io::Error::from_raw_os_error(EIO)
}

impl Plan {
    fn is_due(&self) -> bool {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        let due = left == 0 || left < 0 && self.lasting;
        self.failed.fetch_or(due, Ordering::SeqCst);
        due
    }
    fn step(&self) -> io::Result<()> {
        if self.is_due() { Err(refused()) } else { Ok(()) }
    }
}

impl Disk for Failing {
    type File = FailingFile;

    fn open(&self, path: &Path) -> io::Result<FailingFile> {
        self.0.step()?;
        Os.open(path).map(|file| FailingFile(file, self.0.clone()))
    }
    fn edit(&self, path: &Path) -> io::Result<FailingFile> {
        self.0.step()?;
        Os.edit(path).map(|file| FailingFile(file, self.0.clone()))
    }
    fn create(&self, path: &Path, like: &[&Path]) -> io::Result<FailingFile> {
        self.0.step()?;
        if let Some((other, text)) = self.0.appended.lock().expect("nobody panics").take() {
            let mut file = File::options().append(true).open(other)?;
            io::Write::write_all(&mut file, text.as_bytes())?;
        }
        Os.create(path, like).map(|file| FailingFile(file, self.0.clone()))
    }
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.0.step()?;
        std::fs::create_dir_all(path)
    }
    fn edit_existing(&self, path: &Path) -> io::Result<FailingFile> {
        self.0.step()?;
        Os.edit_existing(path).map(|file| FailingFile(file, self.0.clone()))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.step()?;
        Os.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.step()?;
        Os.remove(path)
    }
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.0.step()
    }
    fn stamp(&self, path: &Path) -> io::Result<Option<Stamp>> {
        self.0.step()?;
        Os.stamp(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.0.step()?;
        Os.list(folder)
    }
}

impl DiskFile for FailingFile {
    fn read_at(&self, buffer: &mut [u8], place: u64) -> io::Result<usize> {
        self.1.step().inspect_err(|_| self.1.failed_in_reading.store(true, Ordering::SeqCst))?;
        let read = DiskFile::read_at(&self.0, buffer, place)?;
        self.1.bytes_read.fetch_add(read as u64, Ordering::SeqCst);
        Ok(read)
    }
    fn write_all_at(&self, bytes: &[u8], place: u64) -> io::Result<()> {
        if !self.1.is_due() {
            return DiskFile::write_all_at(&self.0, bytes, place);
        }
        match self.1.fault {
            Fault::Refused => Err(refused()),
            Fault::Short => {
                DiskFile::write_all_at(&self.0, &bytes[..bytes.len() / 2], place)?;
                Err(io::ErrorKind::StorageFull.into())
            }
            Fault::Torn => {
                // The last sector never comes.
                let end = place + bytes.len() as u64;
                let whole = (end - 1) / 512 * 512;
                let kept = usize::try_from(whole.saturating_sub(place)).unwrap_or(0);
                DiskFile::write_all_at(&self.0, &bytes[..kept], place)?;
                self.1.torn.store(true, Ordering::SeqCst);
                Ok(())
            }
        }
    }
    fn set_length(&self, length: u64) -> io::Result<()> {
        self.1.step()?;
        let (before, mut grown) = (self.0.stamp()?, self.1.grown.lock().expect("nobody panics"));
        let is_this = |(file, _): &(File, u64)| file.stamp().is_ok_and(|stamp| stamp.number == before.number);
        if length > before.length && !grown.iter().any(is_this) {
            grown.push((self.0.try_clone()?, before.length));
        }
        self.0.set_length(length)
    }
    fn sync(&self) -> io::Result<()> {
        self.1.step()?;
        if self.1.torn.load(Ordering::SeqCst) {
            return Err(io::Error::other("an earlier write did not reach the device"));
        }
        let number = self.0.stamp()?.number;
        let is_other = |(file, _): &mut (File, u64)| file.stamp().is_ok_and(|stamp| stamp.number != number);
        self.1.grown.lock().expect("nobody panics").retain_mut(is_other);
        Ok(())
    }
    fn stamp(&self) -> io::Result<Stamp> {
        self.1.step()?;
        self.0.stamp()
    }
    fn try_lock(&self) -> io::Result<()> {
        self.1.step()?;
        DiskFile::try_lock(&self.0)
    }
    fn unlock(&self) -> io::Result<()> {
        DiskFile::unlock(&self.0)
    }
}
