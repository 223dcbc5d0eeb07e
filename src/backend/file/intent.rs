//! What a transaction over several files of a folder is about to write, in one file beside them: once it is there the
//! transaction is done, whoever lives to put it into the journals.
//!
//! ```text
//! file = "dkt1", length of payload u32, crc of payload u32, payload
//! payload = token [16], part*
//! part = name of the base file, token [16] and entries u64 of its journal, entries
//! ```
//!
//! One transaction at a time has the folder's lock while the file is there. The lock dies with its process: whoever finds the
//! file and gets the lock finishes what was begun, before anything else is written to a file that it names.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    config::Durability,
    disk::{Disk, DiskFile, read_full},
    journal::{Cursor, Entry, Frame, crc, decode_entries, is_zero, put_bytes, put_entry},
    lock::{Lock, Paths, shown},
    log::Log,
};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: &[u8; 4] = b"dkt1";
const HEAD: usize = 12;
/// What all files of transactions are called.
const NAME: &str = "dk_data.transaction";

/// The writes of a transaction.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) token: [u8; 16],
    pub(super) parts: Vec<Part>,
}

/// What is written to one file.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The base file's name in its folder.
    pub(super) file: String,
    /// The token of the journal that takes the entries, and how many it had before.
    pub(super) journal: [u8; 16],
    pub(super) before: u64,
    pub(super) entries: Vec<Entry>,
}

/// Where the intent of a folder is.
pub(super) struct Place {
    intent: PathBuf,
    fresh: PathBuf,
    pub(super) lock: PathBuf,
    folder: PathBuf,
}

impl Place {
    pub(super) fn of(folder: &Path) -> Place {
        let beside = |suffix: &str| folder.join(format!("{NAME}{suffix}"));
        Place { intent: beside(""), fresh: beside(".new"), lock: beside(".lock"), folder: folder.to_owned() }
    }

    fn failed(&self, cause: io::Error) -> Error {
        Error::backend("the file of a transaction cannot be read").caused_by(cause).at_url(&shown(&self.intent))
    }

    fn unwritten(&self, cause: io::Error) -> Error {
        Error::backend("the file of a transaction cannot be written").caused_by(cause).at_url(&shown(&self.intent))
    }

    /// Whether there is one.
    ///
    /// # Errors
    /// `Backend` where the folder cannot be looked at.
    pub(super) fn is_taken<D: Disk>(&self, disk: &D) -> Result<bool> {
        disk.stamp(&self.intent).map(|stamp| stamp.is_some()).map_err(|cause| self.failed(cause))
    }

    /// The intent that is there, if there is one.
    ///
    /// # Errors
    /// `Corrupt` where it is damaged; `Backend` where it cannot be read.
    pub(super) fn read<D: Disk>(&self, disk: &D) -> Result<Option<Intent>> {
        let file = match disk.open(&self.intent) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let length = file.stamp().map_err(|cause| self.failed(cause))?.length;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let read = read_full(&file, &mut bytes, 0).map_err(|cause| self.failed(cause))?;
        bytes.truncate(read);
        let damaged = || {
            let why = "the file of a transaction is damaged; it was changed by something else";
            Error::corrupt(why).at_url(&shown(&self.intent))
        };
        match Intent::decode(&bytes) {
            Some(intent) => Ok(Some(intent)),
            // The name came to the device and the content did not: nobody was told that it is done.
            None if is_zero(&bytes) => Ok(Some(Intent { token: [0; 16], parts: Vec::new() })),
            None => Err(damaged()),
        }
    }

    /// Writes an intent: when this returns, the transaction is done. The folder's lock is held.
    ///
    /// # Errors
    /// `Backend`; then it is not done.
    pub(super) fn write<D: Disk>(&self, disk: &D, intent: &Intent, durability: Durability) -> Result<()> {
        let bytes = intent.encode()?;
        let durable = durability == Durability::Fsync;
        let bases: Vec<PathBuf> = intent.parts.iter().map(|part| self.folder.join(&part.file)).collect();
        let bases: Vec<&Path> = bases.iter().map(PathBuf::as_path).collect();
        let make = || {
            let file = disk.create(&self.fresh, &bases)?;
            file.write_all_at(&bytes, 0)?;
            if durable { file.sync() } else { Ok(()) }
        };
        if let Err(cause) = make().and_then(|()| disk.rename(&self.fresh, &self.intent)) {
            let _ = disk.remove(&self.fresh);
            return Err(self.unwritten(cause));
        }
        if durable && let Err(cause) = disk.sync_folder(&self.folder) {
            // Should the device have it all the same, the journals will have gone on, and it will say nothing.
            let _ = disk.remove(&self.intent);
            return Err(self.unwritten(cause));
        }
        Ok(())
    }

    /// Takes the intent away; its journals have all of it.
    ///
    /// # Errors
    /// `Backend`; whoever finds it will see that it is in the journals.
    pub(super) fn remove<D: Disk>(&self, disk: &D) -> Result<()> {
        disk.remove(&self.intent).map_err(|cause| self.unwritten(cause))
    }

    /// Finishes what a process began that did not live to. Where a living one is at it, it is left to that.
    ///
    /// # Errors
    /// `Locked` where another process writes to one of its files for longer than `wait`; `Corrupt` and `Backend` as the files
    /// are.
    pub(super) fn finish<D: Disk>(&self, disk: &D, wait: Duration) -> Result<()> {
        if !self.is_taken(disk)? {
            return Ok(());
        }
        match Lock::take(disk, &self.lock, Duration::ZERO) {
            Ok(lock) => {
                self.finish_locked(disk, wait)?;
                lock.remove_file(disk, &self.lock);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Locked => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same for whoever holds the folder's lock.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub(super) fn finish_locked<D: Disk>(&self, disk: &D, wait: Duration) -> Result<()> {
        let Some(intent) = self.read(disk)? else { return Ok(()) };
        let paths = |part: &Part| Paths::of(&self.folder.join(&part.file));
        let mut locks = Vec::with_capacity(intent.parts.len());
        for part in &intent.parts {
            locks.push(Lock::take(disk, &paths(part).lock, wait)?);
        }
        let mut waiting = Vec::new();
        let mut begun = false;
        let mut overtaken = false;
        for part in &intent.parts {
            match Log::open(disk, &paths(part))? {
                Some((log, _)) if log.header.token == part.journal => {
                    let has_it = log.transactions.contains(&intent.token);
                    begun |= has_it;
                    match log.entries == part.before {
                        true => waiting.push((log, part)),
                        false => overtaken |= !has_it,
                    }
                }
                // A checkpoint has put it into the base, and it was in the journal then.
                _ => overtaken = true,
            }
        }
        // One that was given up and came back with the power: the journals have gone on without it.
        if begun || !overtaken {
            for (mut log, part) in waiting {
                let frame = Frame::Transaction(intent.token, part.entries.clone());
                log.append(&frame, Durability::Fsync, &paths(part)).map_err(|broken| broken.cause)?;
            }
        }
        self.remove(disk)?;
        drop(locks);
        Ok(())
    }
}

impl Intent {
    fn encode(&self) -> Result<Vec<u8>> {
        let mut payload = self.token.to_vec();
        for part in &self.parts {
            put_bytes(part.file.as_bytes(), &mut payload)?;
            payload.extend_from_slice(&part.journal);
            payload.extend_from_slice(&part.before.to_le_bytes());
            let mut entries = Vec::new();
            part.entries.iter().try_for_each(|entry| put_entry(entry, &mut entries))?;
            put_bytes(&entries, &mut payload)?;
        }
        let too_long = |_| Error::invalid("more than 4 GiB are written at once; use smaller transactions");
        let length = u32::try_from(payload.len()).map_err(too_long)?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&crc(&payload).to_le_bytes());
        bytes.extend_from_slice(&payload);
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Option<Intent> {
        let mut head = Cursor(bytes.get(..HEAD)?);
        let fits = head.take(4)? == MAGIC && head.u32()? as usize == bytes.len() - HEAD;
        let payload = bytes.get(HEAD..).filter(|_| fits)?;
        if head.u32()? != crc(payload) {
            return None;
        }
        let mut cursor = Cursor(payload);
        let token = cursor.array()?;
        let mut parts = Vec::new();
        while !cursor.0.is_empty() {
            let file = std::str::from_utf8(cursor.bytes()?).ok()?.to_owned();
            let (journal, before) = (cursor.array()?, cursor.u64()?);
            parts.push(Part { file, journal, before, entries: decode_entries(cursor.bytes()?)? });
        }
        Some(Intent { token, parts })
    }

    /// What it writes to the base file of this path.
    pub(super) fn of(&self, base: &Path) -> Option<&Part> {
        let name = base.file_name()?.to_str()?;
        self.parts.iter().find(|part| part.file == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{backend::file::journal::Change, id::Id};

    #[test]
    fn it_comes_back_and_a_damaged_one_does_not() {
        let entries = vec![Entry { change: Change::Deleted { id: Id::from(8_u64) }, in_base: true }];
        let part = |file: &str| Part { file: file.to_owned(), journal: [3; 16], before: 5, entries: entries.clone() };
        let intent = Intent { token: [7; 16], parts: vec![part("a.csv"), part("b.jsonl")] };
        let bytes = intent.encode().expect("it is short");
        let read = Intent::decode(&bytes).expect("it is whole");
        assert_eq!((read.token, read.parts.len(), read.parts[1].before), ([7; 16], 2, 5));
        assert_eq!(read.of(Path::new("x/b.jsonl")).map(|part| part.entries[0].id().clone()), Some(Id::from(8_u64)));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(Intent::decode(&damaged).is_none(), "byte {at}");
            assert!(Intent::decode(&bytes[..at]).is_none(), "cut at {at}");
        }
    }
}
