//! Where in a shard a record is: an open table of words, one a record, that only needs hashes.
//!
//! A word holds a slot and seven bits of the hash, so sixteen of them share a cache line: a look-up reads one line here, and
//! of a hundred it reads a record that is another's about once. Half a hash is kept for each slot, so growing
//! touches no record. Probing is linear; what was removed leaves a mark, which the next rebuilding clears.

/// No record was ever put here: looking ends.
const EMPTY: u32 = 0;
/// A record was removed from here: looking goes on.
const GONE: u32 = 1;
/// Slots are kept beside these two.
const FIRST: u32 = 2;
const SLOT_BITS: u32 = 25;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
const LEAST_WORDS: usize = 8;

/// The slots of records by the hashes of their ids.
#[derive(Default)]
pub(super) struct Index {
    /// A power of two of them, at most three quarters in use; none at first.
    words: Vec<u32>,
    /// Words that are not empty.
    used: usize,
    /// Words that are a record's.
    live: usize,
    /// Half of the hash of the record in each slot; of no meaning where there is none.
    hashes: Vec<u32>,
}

impl Index {
    /// The slots that a word can name.
    pub(super) const MAX_SLOTS: u32 = SLOT_MASK - FIRST + 1;

    fn word(half: u32, slot: u32) -> u32 {
        half & !SLOT_MASK | (slot + FIRST)
    }

    /// What `is` says of the first slot with this hash of which it says something.
    #[inline]
    pub(super) fn find<T>(&self, hash: u64, mut is: impl FnMut(u32) -> Option<T>) -> Option<T> {
        let (half, mask) = (hash as u32, self.words.len().wrapping_sub(1));
        let mut at = half as usize;
        loop {
            let word = *self.words.get(at & mask)?;
            if word == EMPTY {
                return None;
            }
            // The mark of what is gone names a slot that is never used.
            let slot = (word & SLOT_MASK).wrapping_sub(FIRST);
            if (word ^ half) & !SLOT_MASK == 0
                && let Some(found) = is(slot)
            {
                return Some(found);
            }
            at += 1;
        }
    }

    /// Enters a slot that is not in.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, slot: u32) {
        let (half, place) = (hash as u32, slot as usize);
        if place >= self.hashes.len() {
            self.hashes.resize(place + 1, 0);
        }
        self.hashes[place] = half;
        self.reserve(1);
        self.enter(half, slot);
        self.used += 1;
        self.live += 1;
    }

    #[inline]
    fn enter(&mut self, half: u32, slot: u32) {
        let mask = self.words.len().wrapping_sub(1);
        let mut at = half as usize & mask;
        while self.words[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.words[at] = Index::word(half, slot);
    }

    /// Takes a slot out.
    #[inline]
    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        let (half, mask) = (hash as u32, self.words.len().wrapping_sub(1));
        let mut at = half as usize & mask;
        while let Some(word) = self.words.get_mut(at).filter(|word| **word != EMPTY) {
            if *word == Index::word(half, slot) {
                *word = GONE;
                self.live -= 1;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Makes room for so many slots more.
    #[inline]
    pub(super) fn reserve(&mut self, more: usize) {
        if (self.used + more) * 4 > self.words.len() * 3 {
            self.rebuild(more);
        }
    }

    /// A fresh table, at most half full.
    #[cold]
    fn rebuild(&mut self, more: usize) {
        let length = ((self.live + more) * 2).next_power_of_two().max(LEAST_WORDS);
        let old = std::mem::replace(&mut self.words, vec![EMPTY; length]);
        for slot in old.into_iter().filter(|word| *word >= FIRST).map(|word| (word & SLOT_MASK) - FIRST) {
            self.enter(self.hashes[slot as usize], slot);
        }
        self.used = self.live;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Hashes that collide often, in the low bits and in the high ones.
    fn hash(number: u64) -> u64 {
        (number % 61) | (number % 7) << 27
    }

    #[test]
    fn finds_what_was_put_in_and_nothing_that_was_taken_out() {
        let mut index = Index::default();
        let mut model = HashMap::new();
        for round in 0..20_000_u64 {
            let number = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 55;
            let slot = number as u32;
            match model.remove(&number) {
                Some(()) => index.remove(hash(number), slot),
                None => {
                    index.insert(hash(number), slot);
                    model.insert(number, ());
                }
            }
            let probe = round % 512;
            let found = index.find(hash(probe), |slot| (u64::from(slot) == probe).then_some(slot));
            assert_eq!(found.map(u64::from), model.contains_key(&probe).then_some(probe));
        }
        assert!(index.words.len() <= 4096, "marks of what is gone are cleared");
    }

    #[test]
    fn an_empty_index_finds_nothing() {
        assert_eq!(Index::default().find(7, Some), None);
        Index::default().remove(7, 0);
    }

    #[test]
    fn the_last_slot_has_a_word_of_its_own() {
        let word = Index::word(u32::MAX, Index::MAX_SLOTS - 1);
        assert_eq!((word & SLOT_MASK) - FIRST, Index::MAX_SLOTS - 1);
    }
}
