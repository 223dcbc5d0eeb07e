//! The journal as a file: opened, caught up with, appended to, dropped. What its bytes mean is said in the journal's own file.

use std::{collections::HashSet, io, sync::Arc};

use super::{
    base::looks,
    config::Durability,
    disk::{Disk, DiskFile, FileReader, Stamp, read_full},
    journal::{CHUNK, Entry, FRAME, Fingerprint, Found, Frame, HEADER, Header, RESERVE, SECTOR, frame_at, is_zero},
    lock::{Paths, shown},
};
use crate::error::{Error, Result};

/// How much the journal is grown at once, at most.
const MAX_GROWTH: u64 = 8 << 20;
/// How much is copied at once.
const COPIED: usize = 256 << 10;

/// A journal that is open.
pub(super) struct Log<D: Disk> {
    file: D::File,
    number: u64,
    pub(super) header: Header,
    /// Where the next frame goes.
    end: u64,
    length: u64,
    sequence: u64,
    /// Whether something that was never finished stands behind the last frame.
    torn: bool,
    /// Whether something else has taken it away from under its name.
    pub(super) is_gone: bool,
    /// Entries that it holds.
    pub(super) entries: u64,
    /// The tokens of the transactions over several files that it holds.
    pub(super) transactions: HashSet<[u8; 16]>,
    /// The base that holds all of this, where a checkpoint was about to be done.
    pub(super) checkpoint: Option<Fingerprint>,
}

fn failed(cause: io::Error, paths: &Paths) -> Error {
    Error::backend("the journal cannot be read").caused_by(cause).at_url(&shown(&paths.journal))
}

fn unwritten(cause: io::Error, paths: &Paths) -> Error {
    Error::backend("the journal cannot be written").caused_by(cause).at_url(&shown(&paths.journal))
}

impl<D: Disk> Log<D> {
    /// Opens the journal of a store, if there is one, and gives all entries that it holds, in order.
    ///
    /// # Errors
    /// `Corrupt`, with the byte, for damage; `Backend` where it cannot be read.
    pub(super) fn open(disk: &D, paths: &Paths) -> Result<Option<(Log<D>, Vec<Entry>)>> {
        let file = match disk.edit_existing(&paths.journal) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error, paths)),
        };
        let stamp = file.stamp().map_err(|cause| failed(cause, paths))?;
        let damaged = |why: &str| {
            Error::corrupt(format!("the journal is damaged at byte 0: {why}")).at_url(&shown(&paths.journal))
        };
        let mut head = [0; HEADER];
        read_full(&file, &mut head, 0).map_err(|cause| failed(cause, paths))?;
        let header = Header::decode(&head)
            .ok_or_else(|| damaged("its header does not fit; `salvage` recovers what is whole"))?;
        if stamp.length == 0 || stamp.length % CHUNK != 0 {
            return Err(damaged("the length of the file does not fit; it was cut"));
        }
        let (number, length) = (stamp.number, stamp.length);
        let (end, sequence, entries) = (HEADER as u64, 0, 0);
        let (transactions, torn, checkpoint) = (HashSet::new(), false, None);
        let is_gone = false;
        let mut log =
            Log { file, number, header, end, length, sequence, torn, is_gone, entries, transactions, checkpoint };
        let held = log.catch_up(paths)?;
        Ok(Some((log, held)))
    }

    /// Makes a journal for a base file, durably.
    ///
    /// # Errors
    /// `Backend` where it cannot be made.
    pub(super) fn create(disk: &D, paths: &Paths, base: Fingerprint) -> Result<Log<D>> {
        let header = Header { base, token: crate::id::random_token() };
        let make = |file: &D::File| {
            file.write_all_at(&header.encode(), 0)?;
            file.set_length(CHUNK)
        };
        let made = put(disk, paths, make).inspect_err(|_| {
            // One whose name may not survive is not the one to go on with.
            let _ = disk.remove(&paths.journal);
        });
        let (file, number) = made.map_err(|cause| unwritten(cause, paths))?;
        let (end, sequence, entries) = (HEADER as u64, 0, 0);
        let (length, transactions, torn, is_gone, checkpoint) = (CHUNK, HashSet::new(), false, false, None);
        Ok(Log { file, number, header, end, length, sequence, torn, is_gone, entries, transactions, checkpoint })
    }

    /// The same journal in a new file under its name, durably: where the name was taken from it, or what the device has of it is
    /// not known.
    ///
    /// # Errors
    /// `Backend` where it cannot be read or made.
    pub(super) fn made_anew(&self, disk: &D, paths: &Paths) -> Result<Log<D>> {
        let make = |file: &D::File| {
            let (mut place, mut buffer) = (0, vec![0; COPIED]);
            while place < self.end {
                let wanted = usize::try_from(self.end - place).unwrap_or(COPIED).min(COPIED);
                let read = read_full(&self.file, &mut buffer[..wanted], place)?;
                if read < wanted {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                file.write_all_at(&buffer[..read], place)?;
                place += read as u64;
            }
            file.set_length(self.length)
        };
        let (file, number) = put(disk, paths, make).map_err(|cause| unwritten(cause, paths))?;
        let Log { header, end, length, sequence, entries, checkpoint, .. } = *self;
        let (transactions, torn, is_gone) = (self.transactions.clone(), false, false);
        Ok(Log { file, number, header, end, length, sequence, torn, is_gone, entries, transactions, checkpoint })
    }

    /// Whether the file under the path is still this one.
    pub(super) fn is_current(&self, under_path: Option<Stamp>) -> bool {
        under_path.is_some_and(|stamp| stamp.number == self.number)
    }

    /// How long the frames are, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.end - HEADER as u64
    }

    /// What was appended by others since this was last looked at. After an error it is as it was before.
    ///
    /// # Errors
    /// `Corrupt`, with the byte, for damage, and for a frame that another process is writing at this moment.
    pub(super) fn catch_up(&mut self, paths: &Paths) -> Result<Vec<Entry>> {
        let mut next = [0; FRAME];
        let read = read_full(&self.file, &mut next, self.end).map_err(|cause| failed(cause, paths))?;
        if is_zero(&next[..read]) && self.sequence > 0 {
            return Ok(Vec::new());
        }
        self.length = self.file.stamp().map_err(|cause| failed(cause, paths))?.length;
        let mut bytes = vec![0; usize::try_from(self.length.saturating_sub(self.end)).unwrap_or(0)];
        let read = read_full(&self.file, &mut bytes, self.end).map_err(|cause| failed(cause, paths))?;
        bytes.truncate(read);
        let mut held = Vec::new();
        let (mut at, mut sequence) = (0, self.sequence);
        while at < bytes.len() {
            let place = self.end + at as u64;
            let found = frame_at(&bytes[at..], place, sequence);
            match found.map_err(|error| error.at_url(&shown(&paths.journal)))? {
                Found::End => break,
                Found::Frame(frame, length) => {
                    self.take(frame, &mut held, paths)?;
                    sequence += 1;
                    at += length;
                }
            }
        }
        self.torn = !is_zero(&bytes[at..]);
        self.end += at as u64;
        self.sequence = sequence;
        self.entries += held.len() as u64;
        Ok(held)
    }

    fn take(&mut self, frame: Frame, held: &mut Vec<Entry>, paths: &Paths) -> Result<()> {
        match frame {
            Frame::Commit(entries) => held.extend(entries),
            Frame::Transaction(token, entries) => {
                self.transactions.insert(token);
                held.extend(entries);
            }
            Frame::Checkpoint(base) => self.checkpoint = Some(base),
            Frame::Grown(length) if length > self.length => {
                let why = format!("the journal had {length} bytes and has {}: it was cut", self.length);
                return Err(Error::corrupt(why).at_url(&shown(&paths.journal)));
            }
            Frame::Grown(_) => {}
        }
        Ok(())
    }

    /// Appends frames; they are durable when this returns, if they are to be.
    ///
    /// # Errors
    /// `Backend`, and whether the journal is still in order: then nothing of the frames is in it.
    pub(super) fn append(&mut self, frame: &Frame, durability: Durability, paths: &Paths) -> Result<(), Broken> {
        let whole = |cause: Error| Broken { cause, in_order: true };
        if self.torn {
            // Nobody was told of it, and what follows would be taken for a part of it, also by the device.
            self.clear_tail().map_err(|cause| Broken { cause: unwritten(cause, paths), in_order: true })?;
            self.made_durable(durability, paths)?;
            self.torn = false;
        }
        let mut bytes = Vec::new();
        frame.encode(self.sequence, self.end, &mut bytes).map_err(whole)?;
        let mut sequence = self.sequence + 1;
        let mut length = self.length;
        if self.end + bytes.len() as u64 + RESERVE > length {
            length = self.grown(bytes.len() as u64);
            // What tells of the growth goes first, where there was room already.
            let mut told = Vec::new();
            Frame::Grown(length).encode(self.sequence, self.end, &mut told).map_err(whole)?;
            frame.encode(sequence, self.end + told.len() as u64, &mut told).map_err(whole)?;
            bytes = told;
            sequence += 1;
            if let Err(cause) = self.file.set_length(length) {
                return Err(self.undo(unwritten(cause, paths)));
            }
            // One sync behind both would write the frame first and the length then: a journal that is shorter than it says, as if
            // it had been cut, where the power fails in between. No other level promises what a power failure leaves.
            self.made_durable(durability, paths)?;
        }
        if let Err(cause) = self.file.write_all_at(&bytes, self.end) {
            return Err(self.undo(unwritten(cause, paths)));
        }
        self.made_durable(durability, paths)?;
        self.end += bytes.len() as u64;
        (self.length, self.sequence) = (length, sequence);
        match frame {
            Frame::Commit(entries) => self.entries += entries.len() as u64,
            Frame::Transaction(token, entries) => {
                self.transactions.insert(*token);
                self.entries += entries.len() as u64;
            }
            Frame::Grown(_) | Frame::Checkpoint(_) => {}
        }
        Ok(())
    }

    fn grown(&self, needed: u64) -> u64 {
        let more = (needed + 2 * RESERVE).max(self.length.min(MAX_GROWTH));
        (self.length + more).next_multiple_of(CHUNK)
    }

    /// Syncs, where writes are to be durable.
    fn made_durable(&self, durability: Durability, paths: &Paths) -> Result<(), Broken> {
        if durability != Durability::Fsync {
            return Ok(());
        }
        self.file.sync().map_err(|cause| {
            // What the device has is not known, and a second try would not tell.
            let cause =
                Error::backend("the journal cannot be made durable").caused_by(cause).at_url(&shown(&paths.journal));
            Broken { cause, in_order: false }
        })
    }

    /// Takes back what was written of a frame; what the device has of it is cleared before the next one.
    fn undo(&mut self, cause: Error) -> Broken {
        self.torn = true;
        Broken { cause, in_order: self.clear_tail().is_ok() }
    }

    /// Puts zeros in the place of what stands behind the last frame. At no moment does it look like damage to whoever comes then:
    /// the sector that the frame begins in goes last, and the file is cut when nothing tells of a greater length any more.
    fn clear_tail(&self) -> io::Result<()> {
        let behind = self.file.stamp()?.length.saturating_sub(self.end);
        let mut tail = vec![0; usize::try_from(behind).unwrap_or(0)];
        let read = read_full(&self.file, &mut tail, self.end)?;
        // Where nothing was written there may be no room for zeros either.
        let written = tail[..read].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        tail[..written].fill(0);
        let sector = usize::try_from(SECTOR - self.end % SECTOR).unwrap_or(written).min(written);
        self.file.write_all_at(&tail[sector..written], self.end + sector as u64)?;
        self.file.write_all_at(&tail[..sector], self.end)?;
        self.file.set_length(self.length)
    }

    /// Makes all of it durable.
    ///
    /// # Errors
    /// `Backend`.
    pub(super) fn sync(&self, paths: &Paths) -> Result<()> {
        self.file.sync().map_err(|cause| unwritten(cause, paths))
    }

    /// Takes the journal away.
    ///
    /// # Errors
    /// `Backend`; the base holds all of it, and the next opening takes it away.
    pub(super) fn remove(self, disk: &D, paths: &Paths) -> Result<()> {
        disk.remove(&paths.journal)
            .and_then(|()| disk.sync_folder(&paths.folder))
            .map_err(|cause| unwritten(cause, paths))
    }
}

/// Puts a new journal under its name, durably; where that fails, nothing is left of what was written of it.
fn put<D: Disk>(disk: &D, paths: &Paths, make: impl FnOnce(&D::File) -> io::Result<()>) -> io::Result<(D::File, u64)> {
    let done = disk.create(&paths.fresh, &[&paths.base]).and_then(|file| {
        make(&file)?;
        file.sync()?;
        let number = file.stamp()?.number;
        disk.rename(&paths.fresh, &paths.journal)?;
        Ok((file, number))
    });
    let named = done.inspect_err(|_| {
        let _ = disk.remove(&paths.fresh);
    })?;
    disk.sync_folder(&paths.folder)?;
    Ok(named)
}

/// Why nothing was appended.
pub(super) struct Broken {
    pub(super) cause: Error,
    /// Whether the journal is as it was before.
    pub(super) in_order: bool,
}

/// What a base file is bound to a journal by; reads all of it.
///
/// # Errors
/// `Backend` where it cannot be read.
pub(super) fn fingerprint<D: Disk>(disk: &D, paths: &Paths) -> Result<Fingerprint> {
    let read = || {
        let file = match disk.open(&paths.base) {
            Ok(file) => Arc::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Fingerprint::default()),
            Err(error) => return Err(error),
        };
        let stamp = file.stamp()?;
        let mut reader = FileReader::new(file, 0..stamp.length);
        let (mut crc, mut buffer) = (crc32fast::Hasher::new(), vec![0; 256 << 10]);
        loop {
            match io::Read::read(&mut reader, &mut buffer) {
                Ok(0) => return Ok(looks(stamp, crc.finalize())),
                Ok(read) => crc.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    };
    read().map_err(|cause| Error::backend("the file cannot be read").caused_by(cause).at_url(&shown(&paths.base)))
}

#[cfg(test)]
mod tests {
    use super::{
        super::disk::Os,
        super::{journal::Change, rows::Row},
        *,
    };
    use crate::{id::Id, record::Envelope};

    #[test]
    fn frames_of_every_length_are_read_by_others_as_they_come() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = Paths::of(&folder.path().join("people.csv"));
        let mut log = Log::create(&Os, &paths, Fingerprint::default()).expect("it is made");
        let (mut other, _) = Log::open(&Os, &paths).expect("it opens").expect("it is there");
        let mut append = |log: &mut Log<Os>, n: usize, body: usize| {
            let body = vec![b'x'; body];
            let change = Change::Put(Row::new(Envelope::of(Id::from(n as u64)), body));
            let frame = Frame::Commit(vec![Entry { change, in_base: false }]);
            let appended = log.append(&frame, Durability::Os, &paths);
            appended.unwrap_or_else(|broken| panic!("frame {n}: {}", broken.cause));
            let came = other.catch_up(&paths).expect("it is in order");
            assert_eq!(came.len(), 1, "frame {n}");
        };
        for n in 0..3_000 {
            append(&mut log, n, n * 7 % 600);
        }
        let (again, held) = Log::open(&Os, &paths).expect("it opens").expect("it is there");
        assert_eq!((held.len(), again.end, again.entries), (3_000, log.end, 3_000));
    }
}
