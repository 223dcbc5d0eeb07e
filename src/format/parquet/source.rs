//! Where a file's bytes come from: an open file or memory. Read at places, by many threads, checked against the checksums
//! that our own files carry.

use std::{
    fs::File,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use parquet::{
    errors::{ParquetError, Result},
    file::reader::{ChunkReader, Length},
};

use super::checksum::Sums;

/// Where the bytes of a file are: read at places, so that many threads share it.
pub trait Source: Clone + Send + Sync + 'static {
    /// How many bytes there are.
    ///
    /// # Errors
    /// As the system says.
    fn size(&self) -> io::Result<u64>;
    /// Exactly these bytes.
    ///
    /// # Errors
    /// As the system says; `UnexpectedEof` where there are fewer.
    fn read(&self, start: u64, len: usize) -> io::Result<Bytes>;
}

/// The bytes of a file: an open file, or memory.
///
/// A file is read at places, so that its position does not matter and does not move.
#[derive(Clone, Debug)]
pub struct Input(Repr);

#[derive(Clone, Debug)]
enum Repr {
    File(Arc<File>),
    Bytes(Bytes),
}

impl From<File> for Input {
    fn from(file: File) -> Input {
        Input(Repr::File(Arc::new(file)))
    }
}
impl From<Arc<File>> for Input {
    fn from(file: Arc<File>) -> Input {
        Input(Repr::File(file))
    }
}
impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Input {
        Input(Repr::Bytes(bytes.into()))
    }
}
impl From<&'static [u8]> for Input {
    fn from(bytes: &'static [u8]) -> Input {
        Input(Repr::Bytes(Bytes::from_static(bytes)))
    }
}

impl Source for Input {
    fn size(&self) -> io::Result<u64> {
        match &self.0 {
            Repr::File(file) => Ok(file.metadata()?.len()),
            Repr::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }

    fn read(&self, start: u64, len: usize) -> io::Result<Bytes> {
        match &self.0 {
            Repr::File(file) => {
                let mut bytes = vec![0; len];
                read_at(file, &mut bytes, start)?;
                Ok(bytes.into())
            }
            Repr::Bytes(bytes) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let end = start.checked_add(len).filter(|end| *end <= bytes.len());
                end.map(|end| bytes.slice(start..end)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, start)
}

#[cfg(windows)]
fn read_at(file: &File, mut into: &mut [u8], mut start: u64) -> io::Result<()> {
    while !into.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, into, start)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                into = &mut into[read..];
                start += read as u64;
            }
        }
    }
    Ok(())
}

/// An input with the checksums that it claims; each block is checked when it is first read.
#[derive(Clone, Debug)]
pub(super) struct Checked<I> {
    input: I,
    size: u64,
    sums: Option<Arc<(Sums, Vec<AtomicBool>)>>,
}

impl<I: Source> Checked<I> {
    pub(super) fn new(input: I, size: u64, sums: Option<Sums>) -> Checked<I> {
        let sums = sums.map(|sums| {
            let seen = (0..sums.len()).map(|_| AtomicBool::new(false)).collect();
            Arc::new((sums, seen))
        });
        Checked { input, size, sums }
    }

    fn check(&self, start: u64, len: usize) -> Result<()> {
        let Some(sums) = &self.sums else { return Ok(()) };
        let (sums, seen) = (&sums.0, &sums.1);
        for block in sums.blocks_of(start, start.saturating_add(len as u64)) {
            if seen.get(block).is_some_and(|seen| seen.load(Ordering::Relaxed)) {
                continue;
            }
            let (from, len) = sums.bytes_of(block);
            if !sums.holds(block, &self.input.read(from, len)?) {
                return Err(ParquetError::General(format!(
                    "the checksum of the bytes from {from} on does not hold: the file was damaged"
                )));
            }
            if let Some(seen) = seen.get(block) {
                seen.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

impl<I: Source> Length for Checked<I> {
    fn len(&self) -> u64 {
        self.size
    }
}

/// How much is read ahead where the length of what comes is not known: a page header and what follows it.
const AHEAD: usize = 8 << 10;

impl<I: Source> ChunkReader for Checked<I> {
    type T = Ahead<I>;

    fn get_read(&self, start: u64) -> Result<Ahead<I>> {
        Ok(Ahead { from: self.clone(), place: start, buffer: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.size) {
            return Err(ParquetError::EOF(format!("{length} bytes from {start} on are beyond the file's end")));
        }
        self.check(start, length)?;
        Ok(self.input.read(start, length)?)
    }
}

/// Reads on from a place.
#[derive(Debug)]
pub(super) struct Ahead<I> {
    from: Checked<I>,
    place: u64,
    buffer: Bytes,
}

impl<I: Source> io::Read for Ahead<I> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() {
            let rest = self.from.size.saturating_sub(self.place);
            let len = usize::try_from(rest).unwrap_or(usize::MAX).min(AHEAD.max(into.len()));
            self.buffer = self.from.get_bytes(self.place, len).map_err(io::Error::other)?;
            self.place += len as u64;
        }
        let piece = self.buffer.split_to(into.len().min(self.buffer.len()));
        into[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}
