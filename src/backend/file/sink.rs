//! Where a new base file is written: buffered, compressed in frames, summed up. The file takes its place elsewhere.

use std::path::PathBuf;

use rayon::prelude::*;

use super::{
    base::looks,
    coding::{FRAME_BYTES, compress, head, tail},
    config::Compression,
    disk::{Disk, DiskFile, Stamp},
    journal::Fingerprint,
    lock::{Paths, shown},
};
use crate::error::{Error, Result};

/// A new file that is being written.
pub(super) struct Sink<D: Disk> {
    file: D::File,
    path: PathBuf,
    compression: Compression,
    level: Option<i32>,
    /// Text that is not yet a frame.
    text: Vec<u8>,
    /// Length in the file and in the text of each frame.
    frames: Vec<(u32, u32)>,
    written: u64,
    crc: crc32fast::Hasher,
}

impl<D: Disk> Sink<D> {
    /// Begins a new base file beside the old one, which no more may read than the old one; what was under its path is gone.
    ///
    /// # Errors
    /// `Backend` where it cannot be made.
    pub(super) fn create(disk: &D, paths: &Paths, compression: Compression) -> Result<Sink<D>> {
        let path = &paths.fresh;
        let failed =
            |cause: std::io::Error| Error::backend("a new file cannot be made").caused_by(cause).at_url(&shown(path));
        let file = disk.create(path, &[&paths.base]).map_err(failed)?;
        Ok(Sink {
            file,
            path: path.to_owned(),
            compression,
            level: None,
            text: Vec::with_capacity(FRAME_BYTES + FRAME_BYTES / 4),
            frames: Vec::new(),
            written: 0,
            crc: crc32fast::Hasher::new(),
        })
    }

    /// Compresses at a level that is not the usual one.
    pub(super) fn level(self, level: Option<i32>) -> Sink<D> {
        Sink { level, ..self }
    }

    /// Room to write at the end of; [`pass`](Self::pass) is called when a row is whole.
    pub(super) fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Hands on what is enough for a frame.
    ///
    /// # Errors
    /// `Backend` where writing failed.
    pub(super) fn pass(&mut self) -> Result<()> {
        if self.text.len() >= FRAME_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        if self.compression == Compression::None {
            self.write(&text)?;
        } else {
            let frame = self.compressed(&text)?;
            self.put_frame(&frame, &text)?;
        }
        self.text = text;
        self.text.clear();
        Ok(())
    }

    /// Takes texts, each of which is enough for a frame, and compresses them on all cores.
    ///
    /// # Errors
    /// `Backend` where writing failed.
    pub(super) fn put_texts(&mut self, texts: Vec<Vec<u8>>) -> Result<()> {
        self.flush()?;
        if self.compression == Compression::None {
            return texts.iter().try_for_each(|text| self.write(text));
        }
        let frames: Vec<_> = texts.par_iter().map(|text| self.compressed(text)).collect();
        for (frame, text) in frames.into_iter().zip(&texts) {
            self.put_frame(&frame?, text)?;
        }
        Ok(())
    }

    fn compressed(&self, text: &[u8]) -> Result<Vec<u8>> {
        let mut frame = Vec::with_capacity(text.len() / 2);
        compress(self.compression, self.level, text, &mut frame).map_err(|cause| self.failed(cause))?;
        Ok(frame)
    }

    fn put_frame(&mut self, frame: &[u8], text: &[u8]) -> Result<()> {
        self.begin()?;
        self.write(frame)?;
        self.frames.push((length(frame.len()), length(text.len())));
        Ok(())
    }

    /// Puts what stands before the first frame.
    fn begin(&mut self) -> Result<()> {
        let head = head(self.compression);
        if self.frames.is_empty() && !head.is_empty() {
            self.write(head)?;
            self.frames.push((length(head.len()), 0));
        }
        Ok(())
    }

    /// How many bytes the file has, so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all_at(bytes, self.written).map_err(|cause| self.failed(cause))?;
        self.written += bytes.len() as u64;
        self.crc.update(bytes);
        Ok(())
    }

    fn failed(&self, cause: std::io::Error) -> Error {
        Error::backend("a new file cannot be written").caused_by(cause).at_url(&shown(&self.path))
    }

    /// Makes the file durable, and says how it looks.
    ///
    /// # Errors
    /// `Backend` where it could not be made durable.
    pub(super) fn finish(mut self) -> Result<(Fingerprint, Stamp)> {
        self.flush()?;
        self.begin()?;
        let mut end = Vec::new();
        tail(self.compression, &self.frames, &mut end).map_err(|cause| self.failed(cause))?;
        self.write(&end)?;
        self.file.sync().map_err(|cause| self.failed(cause))?;
        let stamp = self.file.stamp().map_err(|cause| self.failed(cause))?;
        Ok((looks(stamp, self.crc.finalize()), stamp))
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
