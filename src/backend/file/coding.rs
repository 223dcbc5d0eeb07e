//! Compression in frames: a row is read by decompressing the one frame that it lies in.
//!
//! A `.zst` file is a run of frames with a seek table behind them, a `.gz` file a run of members each of which says its
//! length in an extra field; every tool reads both. No text is handed out before the checksum of its frame was seen. A file that was
//! cut off where a frame ends is told by what is missing: the seek table behind frames that begin with a mark, the member that
//! says how many there are. Files of other makers are mostly one frame, and are read from the front: what is wrong with it shows
//! at its end.

use std::{
    io::{self, BufReader, Read, Write},
    ops::Range,
    sync::Arc,
};

use flate2::read::MultiGzDecoder;

use super::{
    bounds::{Bounds, Frame, GZIP_END, GZIP_TEXT, SEEK_FOOTER, SEEKABLE, SKIPPABLE, ZSTD_MARK, find_bounds},
    config::Compression,
    disk::{DiskFile, FileReader, read_full},
};

/// Bytes of text in a frame: enough to compress well, few enough to be read for one row.
pub(super) const FRAME_BYTES: usize = 256 << 10;
const ZSTD_LEVEL: i32 = 3;
/// How a file is compressed, and where its frames begin.
pub(super) struct Coding {
    compression: Compression,
    bounds: Bounds,
}

impl Coding {
    /// That of a file of this length; where its frames begin is looked for here.
    ///
    /// # Errors
    /// What the disk reports: a file that does not read is not taken for one of another maker.
    pub(super) fn of<F: DiskFile>(compression: Compression, file: &F, length: u64) -> io::Result<Coding> {
        Ok(Coding { compression, bounds: find_bounds(compression, file, length)? })
    }

    /// That of a file that is not there.
    pub(super) fn of_none(compression: Compression) -> Coding {
        Coding { compression, bounds: Bounds::default() }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.compression == Compression::None
    }

    /// Whether what is wrong with the file shows only when all of it was read, as of those of other makers.
    pub(super) fn tells_at_its_end(&self) -> bool {
        !self.is_plain() && self.bounds.frames.is_empty()
    }

    /// The text from a place on. What cannot be decompressed is an error of the reader.
    pub(super) fn reader<F: DiskFile>(&self, file: &Arc<F>, length: u64, from: u64) -> TextReader<F> {
        if self.is_plain() {
            return TextReader::Plain(FileReader::new(file.clone(), from..length));
        }
        let Bounds { frames: bounds, is_cut } = &self.bounds;
        let is_cut = *is_cut;
        if let Some(next) = bounds.partition_point(|frame| frame.text <= from).checked_sub(1) {
            let (file, compression, bounds) = (file.clone(), self.compression, bounds.clone());
            let inner = Frames { file, compression, bounds, next, text: Vec::new(), read: 0 };
            let skip = from - inner.bounds[next].text;
            return TextReader::Frames(Skipping { inner, skip, is_cut });
        }
        let input = FileReader::new(file.clone(), 0..length);
        match self.compression {
            Compression::Gzip => {
                let inner = MultiGzDecoder::new(BufReader::new(input));
                TextReader::Gzip(Box::new(Skipping { inner, skip: from, is_cut }))
            }
            // Only memory can be short here.
            _ => match zstd::Decoder::new(input) {
                Ok(inner) => TextReader::Zstd(Skipping { inner, skip: from, is_cut }),
                Err(_) => TextReader::Empty,
            },
        }
    }

    /// The text of a damaged file, with line ends for the frames that do not read, and where those are. `None` where it is not
    /// known where frames begin.
    ///
    /// # Errors
    /// What the disk reports.
    pub(super) fn intact<F: DiskFile>(&self, file: &F) -> io::Result<Option<Intact>> {
        let bounds = &self.bounds.frames;
        if bounds.is_empty() {
            return Ok(None);
        }
        let mut intact = Intact::default();
        // What has no text has nothing to lose.
        for frame in bounds.windows(2).filter(|frame| frame[0].text < frame[1].text) {
            let (start, end) = (frame[0], frame[1]);
            let from = intact.text.len();
            match frame_text(file, self.compression, start, end, &mut intact.text) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let text = from..from + (end.text - start.text) as usize;
                    intact.text.truncate(from);
                    intact.text.resize(text.end, b'\n');
                    intact.lost.push(Lost { file: start.file..end.file, text });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some(intact))
    }
}

/// Appends the text of one frame, which is as long as it should be and has the checksum that stands behind it.
///
/// # Errors
/// `InvalidData` where it is damaged; what the disk reports.
fn frame_text<F: DiskFile>(
    file: &F,
    compression: Compression,
    start: Frame,
    end: Frame,
    text: &mut Vec<u8>,
) -> io::Result<()> {
    let damaged = |why: String| {
        let place = format!("the frame of {} bytes at byte {} of the file", end.file - start.file, start.file);
        io::Error::new(io::ErrorKind::InvalidData, format!("{place} is damaged: {why}"))
    };
    let mut frame = vec![0; usize::try_from(end.file - start.file).map_err(io::Error::other)?];
    let read = read_full(file, &mut frame, start.file)?;
    frame.truncate(read);
    let before = text.len() as u64;
    // One byte more than there should be: a longer text is told from the right one.
    let most = end.text - start.text + 1;
    let result = match compression {
        Compression::Zstd => zstd::Decoder::with_buffer(&*frame).and_then(|inner| inner.take(most).read_to_end(text)),
        _ => MultiGzDecoder::new(&*frame).take(most).read_to_end(text),
    };
    result.map_err(|error| damaged(error.to_string()))?;
    match text.len() as u64 - before + 1 == most {
        true => Ok(()),
        false => Err(damaged("it holds another length of text than it says".to_owned())),
    }
}

/// The text of a file whose frames are known, frame by frame.
pub(super) struct Frames<F> {
    file: Arc<F>,
    compression: Compression,
    bounds: Arc<[Frame]>,
    /// The frame that is read next.
    next: usize,
    /// The text of the one before it, and how much of it was read.
    text: Vec<u8>,
    read: usize,
}

impl<F: DiskFile> Read for Frames<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.text.len() {
            let (Some(start), Some(end)) = (self.bounds.get(self.next), self.bounds.get(self.next + 1)) else {
                return Ok(0);
            };
            self.text.clear();
            self.read = 0;
            if let Err(error) = frame_text(&*self.file, self.compression, *start, *end, &mut self.text) {
                self.text.clear();
                return Err(error);
            }
            self.next += 1;
        }
        let rest = &self.text[self.read..];
        let bytes = rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&rest[..bytes]);
        self.read += bytes;
        Ok(bytes)
    }
}

/// What is whole of a file.
#[derive(Default)]
pub(super) struct Intact {
    pub(super) text: Vec<u8>,
    pub(super) lost: Vec<Lost>,
}

/// A frame that does not read.
pub(super) struct Lost {
    pub(super) file: Range<u64>,
    pub(super) text: Range<usize>,
}

/// Compresses one frame onto the end of `out`, at a level of the compression's own.
pub(super) fn compress(compression: Compression, level: Option<i32>, text: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    match compression {
        Compression::None => out.extend_from_slice(text),
        Compression::Zstd => {
            let mut compressor = zstd::bulk::Compressor::new(level.unwrap_or(ZSTD_LEVEL))?;
            // A damaged frame is an error then, and never another text.
            compressor.include_checksum(true)?;
            out.extend_from_slice(&compressor.compress(text)?);
        }
        Compression::Gzip => {
            let level = level.and_then(|level| u32::try_from(level).ok());
            let level = level.map_or_else(flate2::Compression::default, flate2::Compression::new);
            compress_member(level, GZIP_TEXT, None, text, out)?;
        }
    }
    Ok(())
}

/// A member; the last one says how many there are before it.
fn compress_member(
    level: flate2::Compression,
    extra: &[u8; 4],
    count: Option<u32>,
    text: &[u8],
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 12, 0]);
    out.extend_from_slice(extra);
    out.extend_from_slice(&[0; 8]);
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), level);
    deflated.write_all(text)?;
    out.extend_from_slice(&deflated.finish()?);
    let long = |_| io::Error::other("a frame of more than 4 GiB");
    let length = u32::try_from(text.len()).map_err(long)?;
    out.extend_from_slice(&super::journal::crc(text).to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    let whole = u32::try_from(out.len() - start).map_err(long)?;
    out[start + 16..start + 20].copy_from_slice(&whole.to_le_bytes());
    out[start + 20..start + 24].copy_from_slice(&count.unwrap_or(length).to_le_bytes());
    Ok(())
}

/// What stands before the first frame.
pub(super) fn head(compression: Compression) -> &'static [u8] {
    if compression == Compression::Zstd { &ZSTD_MARK } else { b"" }
}

/// What stands behind the last frame: the seek table of a `.zst` file, the last member of a `.gz` file.
pub(super) fn tail(compression: Compression, frames: &[(u32, u32)], out: &mut Vec<u8>) -> io::Result<()> {
    match compression {
        Compression::None => {}
        Compression::Gzip => {
            let count = u32::try_from(frames.len()).map_err(|_| io::Error::other("too many frames"))?;
            compress_member(flate2::Compression::default(), GZIP_END, Some(count), b"", out)?;
        }
        Compression::Zstd => {
            let count = u32::try_from(frames.len()).map_err(|_| io::Error::other("too many frames"))?;
            out.extend_from_slice(&SKIPPABLE.to_le_bytes());
            out.extend_from_slice(&(count * 8 + SEEK_FOOTER as u32).to_le_bytes());
            for (file, text) in frames {
                out.extend_from_slice(&file.to_le_bytes());
                out.extend_from_slice(&text.to_le_bytes());
            }
            out.extend_from_slice(&count.to_le_bytes());
            out.push(0);
            out.extend_from_slice(&SEEKABLE.to_le_bytes());
        }
    }
    Ok(())
}

/// A reader that passes over what stands before a place.
pub(super) struct Skipping<I> {
    inner: I,
    skip: u64,
    /// Whether more is missing behind what is there.
    is_cut: bool,
}

impl<I: Read> Read for Skipping<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.skip > 0 {
            let passed = io::copy(&mut self.inner.by_ref().take(self.skip), &mut io::sink())?;
            if passed == 0 {
                return self.ended();
            }
            self.skip -= passed;
        }
        match self.inner.read(buffer)? {
            0 if !buffer.is_empty() => self.ended(),
            bytes => Ok(bytes),
        }
    }
}

impl<I> Skipping<I> {
    fn ended(&self) -> io::Result<usize> {
        match self.is_cut {
            false => Ok(0),
            true => Err(io::Error::new(io::ErrorKind::InvalidData, "the file was cut off: its end is missing")),
        }
    }
}

/// The text of a base file.
pub(super) enum TextReader<F: DiskFile> {
    /// There is no file.
    Empty,
    Plain(FileReader<F>),
    Frames(Skipping<Frames<F>>),
    /// Of another maker.
    Gzip(Box<Skipping<MultiGzDecoder<BufReader<FileReader<F>>>>>),
    Zstd(Skipping<zstd::Decoder<'static, BufReader<FileReader<F>>>>),
}

impl<F: DiskFile> Read for TextReader<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            TextReader::Empty => Ok(0),
            TextReader::Plain(reader) => reader.read(buffer),
            TextReader::Frames(reader) => reader.read(buffer),
            TextReader::Gzip(reader) => reader.read(buffer),
            TextReader::Zstd(reader) => reader.read(buffer),
        }
    }
}
