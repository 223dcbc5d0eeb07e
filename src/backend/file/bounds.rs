//! Where the frames of a compressed file begin, as far as the file tells: by the seek table of a `.zst` file, by the extra field that
//! each member of a `.gz` file of ours has. Files of other makers tell nothing, and what another tool has appended to one of ours
//! makes it one of those: only whether the end of ours is there is looked for then.

use std::{io, sync::Arc};

use super::{
    config::Compression,
    disk::{DiskFile, read_full},
};

/// Frames of more text, which are of other makers, are not read at once.
const MOST_FRAME_BYTES: u64 = 16 << 20;
pub(super) const SKIPPABLE: u32 = 0x184D_2A5E;
pub(super) const SEEKABLE: u32 = 0x8F92_EAB1;
/// Count, flags, number of the seek table.
pub(super) const SEEK_FOOTER: u64 = 9;
/// What stands before a seek table: the number of a frame to be skipped, and its length.
const SKIPPABLE_HEAD: u64 = 8;
/// The longest head of a frame.
const ZSTD_HEAD: usize = 18;
/// The head of a member of ours: ten bytes, and an extra field of twelve with its length.
const GZIP_HEAD: usize = 24;

/// The extra fields of members: of one with text, its own length and that of the text; of the last one, its own length and how many
/// there are before it.
pub(super) const GZIP_TEXT: &[u8; 4] = b"DK\x08\0";
pub(super) const GZIP_END: &[u8; 4] = b"DE\x08\0";
/// What a `.zst` file of ours begins with, and no other: a frame without text, that says so in as many bytes as it can.
pub(super) const ZSTD_MARK: [u8; 20] =
    [0x28, 0xb5, 0x2f, 0xfd, 0xe4, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0, 0, 0x99, 0xe9, 0xd8, 0x51];

/// What a file says of its frames.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    /// Where they begin and the last one ends; nothing where that is not known.
    pub(super) frames: Arc<[Frame]>,
    /// Whether it is one of ours, and its end is missing.
    pub(super) is_cut: bool,
}

/// Where a frame begins, in the text and in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Frame {
    pub(super) text: u64,
    pub(super) file: u64,
}

/// Where the frames begin, and where the last one ends, where the file tells, and what it tells is so.
///
/// # Errors
/// What the disk reports, here and below.
pub(super) fn find_bounds<F: DiskFile>(compression: Compression, file: &F, length: u64) -> io::Result<Bounds> {
    let (frames, is_cut) = match compression {
        Compression::None => (None, false),
        Compression::Zstd => {
            let table = seek_table(file, length)?;
            let is_cut = table.is_none() && lacks_table(file, length)?;
            (table, is_cut)
        }
        Compression::Gzip => members(file, length)?,
    };
    let is_short = |frames: &Vec<Frame>| frames.windows(2).all(|f| f[1].text - f[0].text <= MOST_FRAME_BYTES);
    Ok(Bounds { frames: frames.filter(is_short).unwrap_or_default().into(), is_cut })
}

/// The bytes at a place; `None` where the file ends before.
fn bytes<F: DiskFile, const N: usize>(file: &F, place: u64) -> io::Result<Option<[u8; N]>> {
    let mut buffer = [0; N];
    Ok((read_full(file, &mut buffer, place)? == N).then_some(buffer))
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?))
}

fn seek_table<F: DiskFile>(file: &F, length: u64) -> io::Result<Option<Vec<Frame>>> {
    let Some(entries) = seek_entries(file, length)? else { return Ok(None) };
    let mut next = Frame::default();
    let mut frames = vec![next];
    for entry in entries.chunks_exact(8) {
        let (Some(file_bytes), Some(text)) = (number(entry), number(&entry[4..])) else { return Ok(None) };
        // The table has no checksum: what it says must be what the frames say, or rows would be looked for where others are.
        if content_size(file, next.file)? != Some(u64::from(text)) {
            return Ok(None);
        }
        next.file += u64::from(file_bytes);
        next.text += u64::from(text);
        frames.push(next);
    }
    let place = length - SEEK_FOOTER - entries.len() as u64;
    Ok((next.file + SKIPPABLE_HEAD == place).then_some(frames))
}

/// The entries of the seek table that a file of this length ends with, if it does.
fn seek_entries<F: DiskFile>(file: &F, length: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(place) = length.checked_sub(SEEK_FOOTER) else { return Ok(None) };
    let Some(footer) = bytes::<F, { SEEK_FOOTER as usize }>(file, place)? else { return Ok(None) };
    let (Some(count), flags) = (number(&footer), footer[4]) else { return Ok(None) };
    let table_bytes = u64::from(count) * 8;
    let (Some(place), Ok(size)) = (place.checked_sub(table_bytes), usize::try_from(table_bytes)) else {
        return Ok(None);
    };
    if number(&footer[5..]) != Some(SEEKABLE) || flags != 0 {
        return Ok(None);
    }
    let mut table = vec![0; size];
    let read = read_full(file, &mut table, place)?;
    Ok((read == size).then_some(table))
}

/// Whether a file that does not end with the seek table of its frames begins with frames of ours that have none behind them:
/// another tool may have put frames of its own there, or another file of ours.
fn lacks_table<F: DiskFile>(file: &F, length: u64) -> io::Result<bool> {
    // Frames that no table has counted yet; nothing where they are not ours.
    let (mut place, mut open) = (0, None::<usize>);
    while place < length {
        let is_first = bytes(file, place)? == Some(ZSTD_MARK);
        let Some(end) = frame_end(file, place)?.filter(|end| *end <= length) else { break };
        open = match (open, seek_entries(file, end)?) {
            (Some(count), Some(entries)) if entries.len() == 8 * count => None,
            (Some(count), _) => Some(count + 1),
            (None, _) if is_first => Some(1),
            (None, _) => None,
        };
        place = end;
    }
    Ok(open.is_some())
}

/// Where a frame ends, by the lengths that its head and the heads of its blocks say; `None` where it is none (RFC 8878).
fn frame_end<F: DiskFile>(file: &F, place: u64) -> io::Result<Option<u64>> {
    const MAGIC: u32 = 0xFD2F_B528;
    const CHECKSUM: u64 = 4;
    let Some(head) = bytes::<F, 8>(file, place)? else { return Ok(None) };
    let magic = number(&head).unwrap_or_default();
    if magic >> 4 == SKIPPABLE >> 4 {
        return Ok(number(&head[4..]).map(|length| place + SKIPPABLE_HEAD + u64::from(length)));
    }
    if magic != MAGIC {
        return Ok(None);
    }
    let flags = head[4];
    let is_single = flags & 0x20 != 0;
    let dictionary = [0, 1, 2, 4][usize::from(flags & 3)];
    let size = [u64::from(is_single), 2, 4, 8][usize::from(flags >> 6)];
    let mut at = place + 5 + u64::from(!is_single) + dictionary + size;
    loop {
        let Some(block) = bytes::<F, 3>(file, at)? else { return Ok(None) };
        let block = u32::from_le_bytes([block[0], block[1], block[2], 0]);
        // One byte stands for a run of them.
        let length = if block >> 1 & 3 == 1 { 1 } else { u64::from(block >> 3) };
        at += 3 + length;
        if block & 1 == 1 {
            return Ok(Some(at + if flags & 4 == 0 { 0 } else { CHECKSUM }));
        }
    }
}

/// How much text a frame says that it holds.
fn content_size<F: DiskFile>(file: &F, place: u64) -> io::Result<Option<u64>> {
    let head = bytes::<F, ZSTD_HEAD>(file, place)?;
    Ok(head.and_then(|head| zstd::zstd_safe::get_frame_content_size(&head).ok()?))
}

/// The members of a file of ours, and whether the last of them is missing. Another tool may have put two such files together, or
/// members of its own behind them: of the text of those nothing is known.
fn members<F: DiskFile>(file: &F, length: u64) -> io::Result<(Option<Vec<Frame>>, bool)> {
    let mut frames = vec![Frame::default()];
    // Those that no last one has counted yet.
    let mut open: u32 = 0;
    while let Some(next) = frames.last().copied().filter(|next| next.file < length) {
        match member(file, next)? {
            Some((next, None)) => {
                open += 1;
                frames.push(next);
            }
            Some((next, Some(count))) if count == open => {
                open = 0;
                frames.push(next);
            }
            // Some are missing before it.
            Some((_, Some(_))) => return Ok((None, true)),
            None => return Ok((None, open > 0)),
        }
    }
    Ok(match open {
        0 => (Some(frames), false),
        _ => (None, true),
    })
}

/// Where a member of ours ends; of the last one, how many it says that there are.
fn member<F: DiskFile>(file: &F, start: Frame) -> io::Result<Option<(Frame, Option<u32>)>> {
    let Some(head) = bytes::<F, GZIP_HEAD>(file, start.file)? else { return Ok(None) };
    let is_end = head[12..16] == *GZIP_END;
    if head[..4] != [0x1f, 0x8b, 8, 4] || !(is_end || head[12..16] == *GZIP_TEXT) {
        return Ok(None);
    }
    let (Some(whole), Some(said)) = (number(&head[16..]), number(&head[20..])) else { return Ok(None) };
    let text = if is_end { 0 } else { said };
    let next = Frame { file: start.file + u64::from(whole).max(1), text: start.text + u64::from(text) };
    // The head has no checksum: the end of the member must say the same.
    let Some(end) = next.file.checked_sub(4) else { return Ok(None) };
    let ends = bytes(file, end)?.is_some_and(|end| u32::from_le_bytes(end) == text);
    Ok(ends.then_some((next, is_end.then_some(said))))
}
