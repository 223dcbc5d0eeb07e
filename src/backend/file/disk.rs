//! What the backend asks of a file system, in one trait: the real one, or one that fails when a test says so.
//!
//! Nothing here knows what the bytes mean.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// A file system. Its methods are those of the operating system, and their failures are passed on as they are.
pub trait Disk: Clone + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// As the system says; `NotFound` where there is none.
    fn open(&self, path: &Path) -> io::Result<Self::File>;
    /// Opens a file for reading and writing; makes it where there is none, and leaves what it holds.
    ///
    /// # Errors
    /// As the system says.
    fn edit(&self, path: &Path) -> io::Result<Self::File>;
    /// Opens a file for writing, with nothing in it and with the permissions that all of the others have: whoever may not read
    /// one of them cannot read it either. Where none of them is there, its permissions are the usual ones.
    ///
    /// # Errors
    /// As the system says.
    fn create(&self, path: &Path, like: &[&Path]) -> io::Result<Self::File>;
    /// Makes a folder, and those above it, where they are missing; they survive a power failure when this returns.
    ///
    /// # Errors
    /// As the system says.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Opens a file that is there for reading and writing, or for reading alone where nothing else is allowed.
    ///
    /// # Errors
    /// As the system says; `NotFound` where there is none.
    fn edit_existing(&self, path: &Path) -> io::Result<Self::File>;
    /// Puts a file in the place of another, whole or not at all.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a file away.
    ///
    /// # Errors
    /// As the system says; `NotFound` where there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes what was renamed, made or removed in a folder survive a power failure.
    ///
    /// # Errors
    /// As the system says.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// What is under a path; `None` where there is nothing.
    ///
    /// # Errors
    /// As the system says.
    fn stamp(&self, path: &Path) -> io::Result<Option<Stamp>>;
    /// The files in a folder.
    ///
    /// # Errors
    /// As the system says.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;
}

/// An open file. It is read and written at places, never at a cursor, so that threads share it.
pub trait DiskFile: Send + Sync + 'static {
    /// Reads into `buffer` from a place on; how many bytes there were.
    ///
    /// # Errors
    /// As the system says.
    fn read_at(&self, buffer: &mut [u8], place: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at a place.
    ///
    /// # Errors
    /// As the system says; some of the bytes may have been written.
    fn write_all_at(&self, bytes: &[u8], place: u64) -> io::Result<()>;
    /// Cuts the file, or fills it up with zeros.
    ///
    /// # Errors
    /// As the system says.
    fn set_length(&self, length: u64) -> io::Result<()>;
    /// Makes what was written survive a power failure.
    ///
    /// # Errors
    /// As the system says; then nothing is known of what was written before.
    fn sync(&self) -> io::Result<()>;
    /// What the file is now.
    ///
    /// # Errors
    /// As the system says.
    fn stamp(&self) -> io::Result<Stamp>;
    /// Locks the file against other handles of it that lock it; the lock goes when the file is closed.
    ///
    /// # Errors
    /// As the system says; `WouldBlock` where another handle has it.
    fn try_lock(&self) -> io::Result<()>;
    /// Lets go of the lock.
    ///
    /// # Errors
    /// As the system says.
    fn unlock(&self) -> io::Result<()>;
}

/// Which file it is, and how it looks from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Its length in bytes.
    pub length: u64,
    /// When it was last written, in nanoseconds since 1970, or when somebody says it was.
    pub modified_ns: i64,
    /// When the system has last seen it, its name or its permissions changed, in nanoseconds since 1970; zero where it does not
    /// say.
    pub changed_ns: i64,
    /// Its number on its device; zero where the system has none.
    pub number: u64,
}

impl Stamp {
    /// Whether it is the same file, with the same content as far as length and time tell, whatever became of its name and its
    /// permissions.
    pub(super) fn is_like(&self, other: &Stamp) -> bool {
        (self.number, self.length, self.modified_ns) == (other.number, other.length, other.modified_ns)
    }
}

/// The file system of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Os;

impl Disk for Os {
    type File = File;

    fn open(&self, path: &Path) -> io::Result<File> {
        File::open(path)
    }
    fn edit(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
    }
    fn create(&self, path: &Path, like: &[&Path]) -> io::Result<File> {
        system::create(path, like)
    }
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        if let Some(above) = above {
            self.create_folder(above)?;
        }
        match fs::create_dir(path) {
            // Somebody else was faster.
            Err(_) if path.is_dir() => {}
            done => done?,
        }
        self.sync_folder(above.unwrap_or(Path::new(".")))
    }
    fn edit_existing(&self, path: &Path) -> io::Result<File> {
        match OpenOptions::new().read(true).write(true).open(path) {
            // Whoever may only read, reads.
            Err(error) if is_for_reading(&error) => File::open(path),
            done => done,
        }
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        system::sync_folder(path)
    }
    fn stamp(&self, path: &Path) -> io::Result<Option<Stamp>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(stamp_of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    }
}

impl DiskFile for File {
    fn read_at(&self, buffer: &mut [u8], place: u64) -> io::Result<usize> {
        system::read_at(self, buffer, place)
    }
    fn write_all_at(&self, bytes: &[u8], place: u64) -> io::Result<()> {
        system::write_all_at(self, bytes, place)
    }
    fn set_length(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
    fn stamp(&self) -> io::Result<Stamp> {
        self.metadata().map(|metadata| stamp_of(&metadata))
    }
    fn try_lock(&self) -> io::Result<()> {
        File::try_lock(self).map_err(io::Error::from)
    }
    fn unlock(&self) -> io::Result<()> {
        File::unlock(self)
    }
}

/// Whether a file cannot be opened for writing because writing is not allowed, to this user or to anybody.
fn is_for_reading(refused: &io::Error) -> bool {
    matches!(refused.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn stamp_of(metadata: &fs::Metadata) -> Stamp {
    let modified = metadata.modified().ok().and_then(|moment| moment.duration_since(UNIX_EPOCH).ok());
    let modified_ns = modified.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0);
    let (number, changed_ns) = (system::number(metadata), system::changed_ns(metadata));
    Stamp { length: metadata.len(), modified_ns, changed_ns, number }
}

#[cfg(unix)]
mod system {
    use std::{
        fs::{File, Metadata, OpenOptions, Permissions},
        io,
        os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
        path::Path,
    };

    pub(super) fn create(path: &Path, like: &[&Path]) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let mut all = None;
        for other in like {
            match std::fs::metadata(other) {
                Ok(found) => all = Some(all.unwrap_or(0o777) & found.mode()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        // Whoever makes it writes it, and may write it again.
        let Some(mode) = all.map(|mode| mode | 0o600) else { return options.open(path) };
        let file = options.mode(mode).open(path)?;
        // One that was left behind has its own, and the system takes some from a new one.
        if file.metadata()?.mode() & 0o777 != mode {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        Ok(file)
    }

    pub(super) fn read_at(file: &File, buffer: &mut [u8], place: u64) -> io::Result<usize> {
        file.read_at(buffer, place)
    }
    pub(super) fn write_all_at(file: &File, bytes: &[u8], place: u64) -> io::Result<()> {
        file.write_all_at(bytes, place)
    }
    pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
    pub(super) fn number(metadata: &Metadata) -> u64 {
        metadata.ino()
    }
    pub(super) fn changed_ns(metadata: &Metadata) -> i64 {
        metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec())
    }
}

#[cfg(windows)]
mod system {
    use std::{
        fs::{File, Metadata, OpenOptions},
        io,
        os::windows::fs::FileExt,
        path::Path,
    };

    /// What may be done with a file is inherited from its folder here.
    pub(super) fn create(path: &Path, _: &[&Path]) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
    }

    pub(super) fn read_at(file: &File, buffer: &mut [u8], place: u64) -> io::Result<usize> {
        file.seek_read(buffer, place)
    }
    pub(super) fn write_all_at(file: &File, mut bytes: &[u8], mut place: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = file.seek_write(bytes, place)?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = &bytes[written..];
            place += written as u64;
        }
        Ok(())
    }
    /// Folders are not opened for this here; a rename is written through by the file system's own journal.
    pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }
    pub(super) fn number(_: &Metadata) -> u64 {
        0
    }
    pub(super) fn changed_ns(_: &Metadata) -> i64 {
        0
    }
}

/// Reads exactly so many bytes at a place, or as many as there are.
pub(crate) fn read_full<F: DiskFile>(file: &F, buffer: &mut [u8], place: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], place + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// A file as a stream of bytes from a place on. It owns a handle, so it can be sent and kept.
pub(crate) struct FileReader<F> {
    file: std::sync::Arc<F>,
    place: u64,
    /// Where it ends, whatever is appended meanwhile.
    end: u64,
}

impl<F: DiskFile> FileReader<F> {
    pub(crate) fn new(file: std::sync::Arc<F>, range: std::ops::Range<u64>) -> Self {
        FileReader { file, place: range.start, end: range.end }
    }
}

impl<F: DiskFile> io::Read for FileReader<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.place)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..wanted], self.place)?;
        self.place += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_only_read_a_file_reads_it() {
        for (kind, reads) in [
            (io::ErrorKind::PermissionDenied, true),
            (io::ErrorKind::ReadOnlyFilesystem, true),
            (io::ErrorKind::NotFound, false),
        ] {
            assert_eq!(is_for_reading(&kind.into()), reads, "{kind}");
        }
    }
}
