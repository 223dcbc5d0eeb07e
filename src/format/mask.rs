//! Which of 64 bytes are of a kind, as the bits of a `u64`: the step on which both tokenizers stand.
//!
//! Written as plain loops that compilers turn into vector compares on every target (SSE2 and NEON included), so there
//! are no intrinsics and no `unsafe` here.

/// How many bytes one mask covers.
pub(crate) const WIDTH: usize = 64;

/// Bit `i` of the answer says whether `hit(bytes[i])`.
#[inline(always)]
pub(crate) fn mask(bytes: &[u8; WIDTH], hit: impl Fn(u8) -> bool) -> u64 {
    let mut hits = [0u8; WIDTH];
    for (slot, &byte) in hits.iter_mut().zip(bytes) {
        *slot = if hit(byte) { 0xff } else { 0 };
    }
    let (words, _) = hits.as_chunks::<8>();
    let mut bits = 0;
    for (index, word) in words.iter().enumerate() {
        bits |= gather(u64::from_le_bytes(*word)) << (index * 8);
    }
    bits
}

/// One bit for each byte of `word`, all of which are 0x00 or 0xff.
///
/// Byte `i` keeps its bit `i` only, and the multiplication adds all of them up in the highest byte.
#[inline(always)]
fn gather(word: u64) -> u64 {
    (word & 0x8040_2010_0804_0201).wrapping_mul(0x0101_0101_0101_0101) >> 56
}

/// The mask of the up to 64 bytes from `at` on. What lies beyond the end is no hit.
#[inline(always)]
fn mask_at(bytes: &[u8], at: usize, hit: impl Fn(u8) -> bool) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk::<WIDTH>() {
        Some(chunk) => mask(chunk, hit),
        None => mask_of_tail(rest, hit),
    }
}

#[inline(never)]
fn mask_of_tail(rest: &[u8], hit: impl Fn(u8) -> bool) -> u64 {
    let mut padded = [0; WIDTH];
    padded[..rest.len()].copy_from_slice(rest);
    mask(&padded, hit) & below(rest.len())
}

/// The lowest `count` bits; all of them where there are no more.
#[inline(always)]
pub(crate) fn below(count: usize) -> u64 {
    if count < WIDTH { (1 << count) - 1 } else { u64::MAX }
}

/// A kind of bytes.
pub(crate) trait Class: Copy {
    /// Whether `byte` is of the kind.
    fn holds(self, byte: u8) -> bool;
}

/// The places of all bytes of a kind, in order.
pub(crate) struct Marks<'a, C> {
    bytes: &'a [u8],
    class: C,
    base: usize,
    bits: u64,
}

impl<'a, C: Class> Marks<'a, C> {
    /// The marks of `bytes` from `from` on.
    pub fn new(bytes: &'a [u8], from: usize, class: C) -> Self {
        let bits = mask_at(bytes, from, |byte| class.holds(byte));
        Self { bytes, class, base: from, bits }
    }

    /// The next mark, or the length when there is none.
    #[inline(always)]
    pub fn next(&mut self) -> usize {
        while self.bits == 0 {
            if self.base >= self.bytes.len() {
                return self.bytes.len();
            }
            self.base += WIDTH;
            let class = self.class;
            self.bits = mask_at(self.bytes, self.base, |byte| class.holds(byte));
        }
        let at = self.base + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        at
    }
}

/// The places of bits that are set, in order.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    words: &'a [u64],
    /// The word that is looked at, and what is left of it.
    index: usize,
    bits: u64,
}

impl<'a> Bits<'a> {
    /// Those of `words` from `from` on.
    pub fn new(words: &'a [u64], from: usize) -> Self {
        let index = from / WIDTH;
        let bits = words.get(index).map_or(0, |word| word >> (from % WIDTH) << (from % WIDTH));
        Self { words, index, bits }
    }
}

impl Iterator for Bits<'_> {
    type Item = usize;
    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            self.index += 1;
            self.bits = *self.words.get(self.index)?;
        }
        let at = self.index * WIDTH + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(at)
    }
}

/// Whether any byte is a hit. For short texts, of which most have none.
#[inline(always)]
pub(crate) fn any(bytes: &[u8], hit: impl Fn(u8) -> bool) -> bool {
    match bytes.len() {
        16.. => any_in_chunks::<16>(bytes, hit),
        8.. => any_in_chunks::<8>(bytes, hit),
        _ => bytes.iter().fold(false, |found, &byte| found | hit(byte)),
    }
}

/// The last chunk overlaps the one before it, so that there is no tail.
#[inline(always)]
fn any_in_chunks<const N: usize>(bytes: &[u8], hit: impl Fn(u8) -> bool) -> bool {
    let (chunks, _) = bytes.as_chunks::<N>();
    for chunk in chunks {
        if any_in_chunk(chunk, &hit) {
            return true;
        }
    }
    bytes.last_chunk::<N>().is_some_and(|chunk| any_in_chunk(chunk, &hit))
}

/// Compares without branches and then looks at eight answers at a time, which compilers turn into a vector compare.
#[inline(always)]
fn any_in_chunk<const N: usize>(chunk: &[u8; N], hit: &impl Fn(u8) -> bool) -> bool {
    let mut hits = [0u8; N];
    for (slot, &byte) in hits.iter_mut().zip(chunk) {
        *slot = if hit(byte) { 0xff } else { 0 };
    }
    let (words, _) = hits.as_chunks::<8>();
    words.iter().fold(0, |all, word| all | u64::from_le_bytes(*word)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_says_what_its_byte_is() {
        let bytes: Vec<u8> = (0..200u8).map(|i| i.wrapping_mul(37) % 16).collect();
        for at in 0..=bytes.len() {
            let bits = mask_at(&bytes, at, |byte| byte == 3 || byte == 9);
            for i in 0..WIDTH {
                let expected = bytes.get(at + i).is_some_and(|&byte| byte == 3 || byte == 9);
                assert_eq!(bits >> i & 1 == 1, expected, "byte {i} from {at}");
            }
        }
    }
    #[test]
    fn one_hit_anywhere_is_found() {
        for length in 0..70 {
            let mut bytes = vec![b'a'; length];
            assert!(!any(&bytes, |byte| byte == b'x'));
            for at in 0..length {
                bytes[at] = b'x';
                assert!(any(&bytes, |byte| byte == b'x'), "{at} of {length}");
                bytes[at] = b'a';
            }
        }
    }
}
