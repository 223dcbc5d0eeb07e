//! Checksums in our files, so that a flipped bit is an error and never another value.
//!
//! Parquet's own page checksums are not written by the crate beneath, and would not cover the footer, in which one bit of a
//! statistic hides rows. So the bytes before the tail (page indexes and footer) have a CRC-32 for each 64 KiB, kept in the
//! footer, and each half of the tail has one for itself. Other readers pass over both entries.
//!
//! The entry `dk_data.checksums` is `65536:<bytes before the tail>:<base64 of the CRCs, little endian>`; `dk_data.tail` is
//! eight hexadecimal digits for the page indexes and eight for the footer, which is computed with zeros in their place.

use base64::{Engine, prelude::BASE64_STANDARD};

/// How many bytes one checksum covers.
pub(super) const BLOCK: usize = 64 << 10;

/// The entry of the blocks' checksums.
pub(super) const BLOCKS_KEY: &str = "dk_data.checksums";
/// The entry of the tail's own checksums.
pub(super) const TAIL_KEY: &str = "dk_data.tail";
/// What stands in the place of the tail's checksums while they are computed. Long, so that it is not met by chance.
pub(super) const TAIL_UNKNOWN: &str = "tail checksums:0000000000000000";
const TAIL_LEAD: &str = "tail checksums:";
const DIGITS: usize = 16;

/// Checksums of what was written so far.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    done: Vec<u8>,
    open: crc32fast::Hasher,
    open_len: usize,
    len: u64,
}

impl Blocks {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.len += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.open_len));
            self.open.update(now);
            self.open_len += now.len();
            bytes = later;
            if self.open_len == BLOCK {
                self.close();
            }
        }
    }
    fn close(&mut self) {
        let crc = std::mem::take(&mut self.open).finalize();
        self.done.extend_from_slice(&crc.to_le_bytes());
        self.open_len = 0;
    }
    /// The entry of the footer, when all before the tail was written.
    pub(super) fn entry(&mut self) -> String {
        if self.open_len > 0 {
            self.close();
        }
        format!("{BLOCK}:{}:{}", self.len, BASE64_STANDARD.encode(&self.done))
    }
}

/// Writes the tail's checksums into it.
pub(super) fn seal(tail: &mut [u8]) {
    let Some((index, footer)) = halves(tail) else { return };
    let (Some(at), digits) = (digits_at(footer), digits_of(index, footer)) else { return };
    let at = index.len() + at;
    tail[at..at + DIGITS].copy_from_slice(digits.as_bytes());
}

/// The page indexes and the footer, which says its own length.
fn halves(tail: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = tail.len().checked_sub(8)?;
    let footer = u32::from_le_bytes(*tail.get(length..)?.first_chunk()?);
    tail.split_at_checked(length.checked_sub(footer as usize)?)
}

fn digits_of(index: &[u8], footer: &[u8]) -> String {
    format!("{:08x}{:08x}", crc32fast::hash(index), crc32fast::hash(footer))
}

/// Where the digits of a tail's checksums stand in its footer.
fn digits_at(footer: &[u8]) -> Option<usize> {
    let at = memchr::memmem::rfind(footer, TAIL_LEAD.as_bytes())? + TAIL_LEAD.len();
    footer.get(at..at + DIGITS).map(|_| at)
}

/// What a file says of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sums {
    /// How many bytes stand before the tail.
    pub(super) body: u64,
    block: usize,
    crcs: Vec<u32>,
}

impl Sums {
    /// Reads the entry; `None` where it is not what we write.
    pub(super) fn parse(entry: &str) -> Option<Sums> {
        let mut parts = entry.splitn(3, ':');
        let (block, body, crcs) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        let crcs = BASE64_STANDARD.decode(crcs).ok()?;
        let (words, []) = crcs.as_chunks::<4>() else { return None };
        let crcs: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let whole = block > 0 && crcs.len() as u64 == u64::div_ceil(body, block as u64);
        whole.then_some(Sums { body, block, crcs })
    }
    /// How many blocks there are.
    pub(super) fn len(&self) -> usize {
        self.crcs.len()
    }
    /// The blocks that hold these bytes.
    pub(super) fn blocks_of(&self, start: u64, end: u64) -> std::ops::Range<usize> {
        let block = self.block as u64;
        (start / block) as usize..(end.min(self.body).div_ceil(block) as usize).min(self.crcs.len())
    }
    /// The bytes of a block.
    pub(super) fn bytes_of(&self, block: usize) -> (u64, usize) {
        let start = (block * self.block) as u64;
        (start, (self.body.saturating_sub(start) as usize).min(self.block))
    }
    /// Whether a block is as it was written.
    pub(super) fn holds(&self, block: usize, bytes: &[u8]) -> bool {
        self.crcs.get(block) == Some(&crc32fast::hash(bytes))
    }
}

/// How much of a tail is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    Whole,
    /// All but the page indexes, which a reader can do without.
    Footer,
    Damaged,
}

impl Tail {
    pub(super) fn of(tail: &[u8]) -> Tail {
        let found = || {
            let (index, footer) = halves(tail)?;
            let at = digits_at(footer)?;
            let mut blank = footer.to_vec();
            let digits = blank.get_mut(at..at + DIGITS)?;
            let (of_index, of_footer) = (digits[..8].to_owned(), digits[8..].to_owned());
            digits.fill(b'0');
            let made = digits_of(index, &blank);
            Some((of_index == made.as_bytes()[..8], of_footer == made.as_bytes()[8..]))
        };
        match found() {
            Some((true, true)) => Tail::Whole,
            Some((false, true)) => Tail::Footer,
            _ => Tail::Damaged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_of_a_tail_is_seen_and_told_by_its_half() {
        let footer = format!("before {TAIL_UNKNOWN} after");
        let mut tail = format!("page index{footer}").into_bytes();
        tail.extend((footer.len() as u32).to_le_bytes());
        tail.extend(b"PAR1");
        seal(&mut tail);
        assert_eq!(Tail::of(&tail), Tail::Whole);
        for at in 0..tail.len() - 4 {
            tail[at] ^= 4;
            let found = Tail::of(&tail);
            assert_ne!(found, Tail::Whole, "byte {at}");
            assert!(at >= 10 || found == Tail::Footer, "byte {at}");
            tail[at] ^= 4;
        }
    }

    #[test]
    fn blocks_have_the_checksums_of_their_bytes_however_they_come() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        let mut blocks = Blocks::default();
        bytes.chunks(777).for_each(|piece| blocks.update(piece));
        let sums = Sums::parse(&blocks.entry()).expect("it is ours");
        assert_eq!((sums.len(), sums.body), (4, 200_000));
        for block in sums.blocks_of(0, 200_000) {
            let (start, len) = sums.bytes_of(block);
            assert!(sums.holds(block, &bytes[start as usize..start as usize + len]));
        }
        assert_eq!(sums.blocks_of(65_536, 65_537), 1..2);
    }
}
