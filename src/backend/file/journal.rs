//! The journal: what was written since the last checkpoint, in checksummed frames. One frame is one group of writes that stand
//! or fall together.
//!
//! ```text
//! file   = header, frame*, zeros up to a multiple of 64 KiB
//! header = "dkj2", length u32, base (length u64, modified i64, changed i64, crc u32), token [16], crc u32
//! frame  = head, payload, ".", zeros up to a place where a head has room
//! head   = payload length u32, payload crc u32, sequence u64, crc of these u32
//! ```
//!
//! A device writes sectors whole, and no head crosses from one into the next: a head is there or it is not, and where it should
//! be there are zeros only if it was never written.
//!
//! The file is grown before it is written, and says so in a frame, so that a file that is cut is told from one whose last
//! frame was never finished: what was not written is zeros, and what was acknowledged is not. This file holds the layout and
//! what can be judged of it; it does no I/O.

use std::ops::Range;

use super::rows::{Row, Rows};
use crate::{
    error::{Error, Result},
    id::{Id, IdBuffer},
    record::{Envelope, Metadata},
    version::Version,
};

/// Every length of a journal is a multiple of this.
pub(super) const CHUNK: u64 = 64 << 10;
/// The journal is grown when less than this is left, so that the frame that says so lies before what it tells of.
pub(super) const RESERVE: u64 = 8 << 10;
const MAGIC: &[u8; 4] = b"dkj2";
pub(super) const HEADER: usize = 56;
pub(super) const FRAME: usize = 20;
/// No byte of a frame that was written is the last zero.
const END: u8 = b'.';
/// What a device writes whole.
pub(super) const SECTOR: u64 = 512;
/// How much of its sector a frame has at least, where it begins: a head, and all of a frame that tells of growth, which is
/// written together with the one behind it.
const ROOM: u64 = 32;

/// How a base file looked when something was bound to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) length: u64,
    pub(super) modified_ns: i64,
    pub(super) changed_ns: i64,
    pub(super) crc: u32,
}

/// What a journal begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The base file that its entries change.
    pub(super) base: Fingerprint,
    /// No two journals have the same.
    pub(super) token: [u8; 16],
}

/// What became of one record.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// It is there, and this is it.
    Put(Row),
    /// It is gone.
    Deleted { id: Id },
}

/// A change, and whether the base file has a record of this id.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) change: Change,
    pub(super) in_base: bool,
}

impl Entry {
    pub(super) fn id(&self) -> &Id {
        match &self.change {
            Change::Put(row) => row.envelope().id(),
            Change::Deleted { id } => id,
        }
    }

    /// About how many bytes it takes in a journal.
    pub(super) fn bytes(&self) -> u64 {
        let beside = 80;
        match &self.change {
            Change::Put(row) => beside + row.body().len() as u64,
            Change::Deleted { .. } => beside,
        }
    }
}

/// What a frame says.
#[derive(Clone, Debug)]
pub(super) enum Frame {
    /// Writes that were committed together.
    Commit(Vec<Entry>),
    /// This file's writes of a transaction over several, and its token.
    Transaction([u8; 16], Vec<Entry>),
    /// The file has this length now.
    Grown(u64),
    /// A new base that holds all of this is about to take the old one's place.
    Checkpoint(Fingerprint),
}

pub(super) fn crc(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

// ---- writing

impl Fingerprint {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.modified_ns.to_le_bytes());
        out.extend_from_slice(&self.changed_ns.to_le_bytes());
        out.extend_from_slice(&self.crc.to_le_bytes());
    }
}

impl Header {
    /// The bytes of it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&(HEADER as u32).to_le_bytes());
        self.base.put(&mut out);
        out.extend_from_slice(&self.token);
        let crc = crc(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }
}

impl Frame {
    /// Appends the frame, which will stand at this place, and what lies between it and the next.
    ///
    /// # Errors
    /// `Invalid` where it is longer than 4 GiB.
    pub(super) fn encode(&self, sequence: u64, place: u64, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.resize(start + FRAME, 0);
        match self {
            Frame::Commit(entries) => {
                out.push(b'c');
                entries.iter().try_for_each(|entry| put_entry(entry, out))?;
            }
            Frame::Transaction(token, entries) => {
                out.push(b't');
                out.extend_from_slice(token);
                entries.iter().try_for_each(|entry| put_entry(entry, out))?;
            }
            Frame::Grown(length) => {
                out.push(b'g');
                out.extend_from_slice(&length.to_le_bytes());
            }
            Frame::Checkpoint(base) => {
                out.push(b'k');
                base.put(out);
            }
        }
        let payload = &out[start + FRAME..];
        let too_long = |_| Error::invalid("more than 4 GiB are written at once; use smaller batches");
        let (length, sum) = (u32::try_from(payload.len()).map_err(too_long)?, crc(payload));
        let mut head = Vec::with_capacity(FRAME);
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(&sum.to_le_bytes());
        head.extend_from_slice(&sequence.to_le_bytes());
        head.extend_from_slice(&crc(&head).to_le_bytes());
        out[start..start + FRAME].copy_from_slice(&head);
        out.push(END);
        out.resize(start + padded(out.len() - start, place), 0);
        Ok(())
    }
}

/// How long a frame of this length at this place is with the zeros behind it, up to where the next one has room.
fn padded(length: usize, place: u64) -> usize {
    let left = SECTOR - (place + length as u64) % SECTOR;
    if left < ROOM { length + left as usize } else { length }
}

pub(super) fn put_entry(entry: &Entry, out: &mut Vec<u8>) -> Result<()> {
    let in_base = u8::from(entry.in_base) << 1;
    match &entry.change {
        Change::Deleted { id } => {
            out.push(in_base);
            put_bytes(id.text(&mut IdBuffer::new()).as_bytes(), out)
        }
        Change::Put(row) => {
            let envelope = row.envelope();
            out.push(in_base | 1);
            put_bytes(envelope.id().text(&mut IdBuffer::new()).as_bytes(), out)?;
            out.extend_from_slice(&envelope.version().and_then(Version::as_token).unwrap_or_default());
            let (created, updated) = envelope.microseconds();
            out.extend_from_slice(&created.to_le_bytes());
            out.extend_from_slice(&updated.to_le_bytes());
            match envelope.metadata().is_empty() {
                true => put_bytes(b"", out)?,
                false => put_bytes(&serde_json::to_vec(envelope.metadata()).map_err(unwritable)?, out)?,
            }
            put_bytes(row.body(), out)
        }
    }
}

pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| Error::invalid("a record of more than 4 GiB"))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

fn unwritable(cause: serde_json::Error) -> Error {
    Error::invalid("the metadata has no JSON form").caused_by(cause)
}

// ---- reading

/// Takes bytes from the front; `None` where there are too few.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length as usize)
    }
    fn fingerprint(&mut self) -> Option<Fingerprint> {
        let (length, modified_ns, changed_ns) = (self.u64()?, self.u64()? as i64, self.u64()? as i64);
        Some(Fingerprint { length, modified_ns, changed_ns, crc: self.u32()? })
    }
}

impl Header {
    /// The header that these bytes are, if they are one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Header> {
        let head = bytes.get(..HEADER)?;
        let mut cursor = Cursor(head);
        let fits = cursor.take(4)? == MAGIC && cursor.u32()? as usize == HEADER;
        let header = Header { base: cursor.fingerprint()?, token: cursor.array()? };
        (fits && crc(&head[..HEADER - 4]) == cursor.u32()?).then_some(header)
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug)]
struct Head {
    length: usize,
    crc: u32,
    sequence: u64,
}

impl Head {
    fn decode(bytes: &[u8]) -> Option<Head> {
        let head = bytes.get(..FRAME)?;
        let mut cursor = Cursor(head);
        let decoded = Head { length: cursor.u32()? as usize, crc: cursor.u32()?, sequence: cursor.u64()? };
        (crc(&head[..FRAME - 4]) == cursor.u32()?).then_some(decoded)
    }
}

/// What stands at a place of a journal.
pub(super) enum Found {
    /// A whole frame, and how many bytes it is to the next.
    Frame(Frame, usize),
    /// Nothing: the end, or a frame that was never finished.
    End,
}

/// Looks at the bytes from a place on, to the end of the file.
///
/// # Errors
/// `Corrupt`, with what is wrong, for bytes that are neither a frame nor the beginning of one that was never finished.
pub(super) fn frame_at(bytes: &[u8], place: u64, sequence: u64) -> Result<Found> {
    // Where the head's sector was not written, nothing was acknowledged, whatever stands behind.
    let sector = usize::try_from(SECTOR - place % SECTOR).unwrap_or(bytes.len()).min(bytes.len());
    if is_zero(&bytes[..sector]) {
        return Ok(Found::End);
    }
    let Some(head) = Head::decode(bytes) else {
        // A head that was not finished has nothing behind it.
        let behind = bytes.get(FRAME..).unwrap_or_default();
        return match is_zero(behind) && unfinished(bytes.get(..FRAME).unwrap_or(bytes)) {
            true => Ok(Found::End),
            false => Err(damaged("the head of a frame", place)),
        };
    };
    let whole = FRAME + head.length + 1;
    let Some(frame) = bytes.get(..whole) else { return Err(damaged("the length of the file", place)) };
    let payload = &frame[FRAME..FRAME + head.length];
    if crc(payload) != head.crc {
        return match never_finished(frame, place) && is_zero(&bytes[whole..]) {
            true => Ok(Found::End),
            false => Err(damaged("a frame", place)),
        };
    }
    if head.sequence != sequence {
        return Err(damaged("the sequence of the frames", place));
    }
    // The byte at the end is not summed: it is there to be missing.
    if !matches!(frame[whole - 1], 0 | END) {
        return Err(damaged("the end of a frame", place));
    }
    let next = padded(whole, place);
    if !is_zero(bytes.get(whole..next).unwrap_or_default()) {
        return Err(damaged("what lies behind a frame", place));
    }
    let frame = decode_payload(payload).ok_or_else(|| damaged("the content of a frame", place))?;
    Ok(Found::Frame(frame, next))
}

fn damaged(what: &str, place: u64) -> Error {
    let advice = "it was changed by something else; `salvage` recovers what is whole";
    Error::corrupt(format!("the journal is damaged at byte {place}: {what} does not fit; {advice}"))
}

pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Whether a head breaks off: some bytes, then zeros.
fn unfinished(head: &[u8]) -> bool {
    head.last().is_none_or(|last| *last == 0)
}

/// Whether a part of a frame that a device writes whole is still as the file was grown.
fn never_finished(frame: &[u8], place: u64) -> bool {
    let ends_in_zero = frame.last().is_some_and(|last| *last == 0);
    let mut at = 0;
    while at < frame.len() {
        let next = usize::try_from(SECTOR - (place + at as u64) % SECTOR).unwrap_or(frame.len());
        let end = (at + next).min(frame.len());
        if end - at > 1 && is_zero(&frame[at..end]) {
            return true;
        }
        at = end;
    }
    ends_in_zero
}

fn decode_payload(payload: &[u8]) -> Option<Frame> {
    let mut cursor = Cursor(payload);
    let frame = match cursor.array::<1>()? {
        [b'c'] => return decode_entries(cursor.0).map(Frame::Commit),
        [b't'] => {
            let token = cursor.array()?;
            return decode_entries(cursor.0).map(|entries| Frame::Transaction(token, entries));
        }
        [b'g'] => Frame::Grown(cursor.u64()?),
        [b'k'] => Frame::Checkpoint(cursor.fingerprint()?),
        _ => return None,
    };
    cursor.0.is_empty().then_some(frame)
}

/// Entries that stand behind each other.
pub(super) fn decode_entries(bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut cursor = Cursor(bytes);
    let (mut rows, mut found) = (Rows::with_capacity(0), Vec::new());
    while !cursor.0.is_empty() {
        found.push(decode_entry(&mut cursor, &mut rows)?);
    }
    let row = rows.finish();
    let change = |decoded| match decoded {
        Decoded::Row(at) => Change::Put(row(at)),
        Decoded::Deleted(id) => Change::Deleted { id },
    };
    Some(found.into_iter().map(|(decoded, in_base)| Entry { change: change(decoded), in_base }).collect())
}

/// A change whose row is among others.
enum Decoded {
    Row(usize),
    Deleted(Id),
}

fn decode_entry(cursor: &mut Cursor<'_>, rows: &mut Rows) -> Option<(Decoded, bool)> {
    let [flags] = cursor.array()?;
    let id = Id::new(std::str::from_utf8(cursor.bytes()?).ok()?).ok()?;
    let in_base = flags & 2 != 0;
    if flags & 1 == 0 {
        return Some((Decoded::Deleted(id), in_base));
    }
    let version = Version::token(cursor.array()?);
    let (created, updated) = (cursor.u64()? as i64, cursor.u64()? as i64);
    let metadata = match cursor.bytes()? {
        [] => Metadata::new(),
        json => serde_json::from_slice(json).ok()?,
    };
    let body = cursor.bytes()?;
    std::str::from_utf8(body).ok()?;
    let envelope = Envelope::of(id).with_microseconds(created, updated).with_metadata(metadata).with_version(version);
    let at = rows.add(envelope, |out| {
        out.extend_from_slice(body);
        Ok(())
    });
    Some((Decoded::Row(at.ok()?), in_base))
}

/// The frames of a damaged journal that are whole, each with its place: what `salvage` takes.
pub(super) fn whole_frames(bytes: &[u8]) -> impl Iterator<Item = (Range<usize>, Frame)> + '_ {
    let mut at = HEADER.min(bytes.len());
    std::iter::from_fn(move || {
        while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() > FRAME) {
            let head = Head::decode(rest);
            let payload = head.and_then(|head| Some((head, rest.get(FRAME..FRAME + head.length)?)));
            let whole = payload.filter(|(head, payload)| crc(payload) == head.crc);
            if let Some((head, frame)) = whole.and_then(|(head, payload)| Some((head, decode_payload(payload)?))) {
                let range = at..at + FRAME + head.length + 1;
                at = range.end;
                return Some((range, frame));
            }
            at += 1;
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit() -> Frame {
        let envelope = Envelope::of(Id::from(7_u64)).with_microseconds(1, 2).with_version(Version::token([9; 16]));
        let put = Change::Put(Row::new(envelope, br#"{"name":"Ann"}"#.to_vec()));
        let gone = Change::Deleted { id: Id::from(8_u64) };
        Frame::Commit(vec![Entry { change: put, in_base: true }, Entry { change: gone, in_base: false }])
    }

    fn file(frame: &Frame) -> (Vec<u8>, usize) {
        let mut bytes = Vec::new();
        frame.encode(0, 0, &mut bytes).expect("it is short");
        let length = bytes.len();
        bytes.resize(CHUNK as usize, 0);
        (bytes, length)
    }

    #[test]
    fn a_frame_comes_back_as_it_was() {
        let (bytes, length) = file(&commit());
        let Ok(Found::Frame(Frame::Commit(entries), read)) = frame_at(&bytes, 0, 0) else { panic!("a whole frame") };
        assert_eq!((entries.len(), read), (2, length));
        assert!(entries[0].in_base && !entries[1].in_base);
        assert_eq!(entries[0].id(), &Id::from(7_u64));
    }

    #[test]
    fn a_frame_that_breaks_off_anywhere_was_never_finished() {
        let (bytes, length) = file(&commit());
        for written in 0..length - 1 {
            let mut torn = bytes.clone();
            torn[written..].fill(0);
            assert!(matches!(frame_at(&torn, 0, 0), Ok(Found::End)), "{written} of {length} bytes");
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_damage() {
        let (bytes, length) = file(&commit());
        for at in 0..length {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert!(frame_at(&damaged, 0, 0).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    /// A frame whose payload has at least so many bytes.
    fn of_length(payload: usize) -> Frame {
        let body = vec![b'x'; payload.saturating_sub(PUT)];
        let change = Change::Put(Row::new(Envelope::of(Id::from(7_u64)), body));
        Frame::Commit(vec![Entry { change, in_base: false }])
    }
    /// What is in the payload of a record that has nothing in it.
    const PUT: usize = 1 + 1 + 5 + 16 + 16 + 4 + 4;

    /// A frame that ends at a place of a sector, one behind it, and one more; and where each begins.
    fn three(place: usize, payload: usize) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut starts = Vec::new();
        let first = 2 * SECTOR as usize + place - FRAME - 1;
        for (sequence, frame) in [of_length(first), of_length(payload), commit()].iter().enumerate() {
            starts.push(bytes.len());
            frame.encode(sequence as u64, bytes.len() as u64, &mut bytes).expect("it is short");
        }
        starts.push(bytes.len());
        bytes.resize(bytes.len().next_multiple_of(SECTOR as usize) + SECTOR as usize, 0);
        (bytes, starts)
    }

    fn read(bytes: &[u8], starts: &[usize]) -> Result<usize> {
        let mut frames = 0;
        while let Found::Frame(_, length) = frame_at(&bytes[starts[frames]..], starts[frames] as u64, frames as u64)? {
            assert_eq!(starts[frames] + length, starts[frames + 1]);
            frames += 1;
        }
        Ok(frames)
    }

    #[test]
    fn a_frame_is_read_wherever_in_a_sector_the_one_before_it_ends() {
        assert_eq!(PUT, {
            let mut payload = Vec::new();
            let Frame::Commit(entries) = of_length(0) else { panic!("a commit") };
            put_entry(&entries[0], &mut payload).expect("it is short");
            payload.len() + 1
        });
        for place in 0..SECTOR as usize {
            // Among them a length whose lowest byte is zero, which would stand alone at the end of a sector.
            for payload in (PUT..600).step_by(23).chain([255, 256, 257, 512]) {
                let (bytes, starts) = three(place, payload);
                assert_eq!(read(&bytes, &starts).ok(), Some(3), "{payload} bytes behind place {place}");
                assert!(starts.iter().all(|at| SECTOR - *at as u64 % SECTOR >= ROOM), "{starts:?}");
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_damage_wherever_in_a_sector_the_frame_is() {
        for place in 0..SECTOR as usize {
            for payload in [PUT, 256] {
                let (bytes, starts) = three(place, payload);
                for at in starts[1] - 1..starts[2] {
                    let mut damaged = bytes.clone();
                    damaged[at] ^= 1 << (at % 8);
                    assert!(read(&damaged, &starts).is_err(), "byte {at} of {payload} bytes behind place {place}");
                }
            }
        }
    }

    #[test]
    fn a_sector_that_never_came_is_the_end_wherever_in_it_the_frame_is() {
        for place in 0..SECTOR as usize {
            for payload in [PUT, 256, 900] {
                let (mut bytes, starts) = three(place, payload);
                bytes[starts[2]..].fill(0);
                for sector in starts[1] / 512..=(starts[2] - 1) / 512 {
                    let lost = (sector * 512).max(starts[1])..((sector + 1) * 512).min(starts[2]);
                    // What lies behind a frame is as zero as it was.
                    if is_zero(&bytes[lost.clone()]) {
                        continue;
                    }
                    let mut torn = bytes.clone();
                    torn[lost].fill(0);
                    let frames = read(&torn, &starts).unwrap_or_else(|error| panic!("{payload} at {place}: {error}"));
                    // Of a frame of which nothing is lost but the byte at its end, nothing is lost.
                    assert!(
                        frames == 1
                            || frames == 2
                                && torn[starts[1]..].starts_with(&bytes[starts[1]..starts[1] + FRAME + payload])
                    );
                }
            }
        }
    }

    #[test]
    fn a_header_comes_back_and_a_damaged_one_does_not() {
        let base = Fingerprint { length: 1, modified_ns: -2, changed_ns: 5, crc: 3 };
        let header = Header { base, token: [4; 16] };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Some(header));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(Header::decode(&damaged), None, "byte {at}");
        }
    }

    #[test]
    fn whole_frames_are_found_behind_a_damaged_one() {
        let mut bytes = vec![0; HEADER];
        for sequence in 0..3 {
            commit().encode(sequence, bytes.len() as u64, &mut bytes).expect("it is short");
        }
        bytes[HEADER + FRAME + 3] ^= 1;
        assert_eq!(whole_frames(&bytes).count(), 2);
    }
}
