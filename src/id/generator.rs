//! New ids: UUIDv7 of RFC 9562, and the random bits under them.
//!
//! Layout: 48 bits of milliseconds and 12 bits of their fraction (RFC 9562, 6.2, method 3), together one *tick* of about
//! 244 ns; then 62 bits that start at random with each tick and grow by a random step within one (method 2). So the
//! ids of one sequence always increase, and time enters only when it has moved forward.
//!
//! After a `fork` without `exec` both processes hold the same unused random bits, as they do with `rand` itself; their ids
//! then differ by time alone.

use std::{
    cell::RefCell,
    iter::FusedIterator,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rand::RngCore;
use uuid::Uuid;

use super::{Id, Repr};

/// A source of new ids for loops that make many: it reads the clock once in 64 ids.
///
/// Its ids are strictly increasing among themselves, not against [`Id::generate`]. It is an endless iterator.
///
/// ```
/// use dk_data::id::{Generator, Id};
///
/// let ids: Vec<Id> = Generator::new().take(1000).collect();
/// assert!(ids.is_sorted());
/// ```
#[derive(Debug, Default)]
pub struct Generator {
    sequence: Sequence,
    tick: u64,
    until_clock: u32,
}

impl Generator {
    const IDS_PER_CLOCK: u32 = 64;

    /// A generator that has made no ids. It owns 1 KiB of random bits, so keep it rather than make it for each id.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next id. Its time may be that of the 63 ids before it.
    #[inline]
    pub fn generate(&mut self) -> Id {
        if self.until_clock == 0 {
            self.tick = tick_now();
            self.until_clock = Self::IDS_PER_CLOCK;
        }
        self.until_clock -= 1;
        Id(Repr::of_uuid(self.sequence.next(self.tick)))
    }
}

impl Iterator for Generator {
    type Item = Id;

    #[inline]
    fn next(&mut self) -> Option<Id> {
        Some(self.generate())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl FusedIterator for Generator {}

thread_local! {
    static SEQUENCE: RefCell<Sequence> = const { RefCell::new(Sequence::new()) };
}

/// The next id of this thread.
#[inline]
pub(super) fn next_of_thread() -> Uuid {
    let tick = tick_now();
    SEQUENCE.with_borrow_mut(|sequence| sequence.next(tick))
}

/// Sixteen random bytes from the operating system's seed, for tokens that nobody else can have.
#[inline]
pub(crate) fn random_token() -> [u8; 16] {
    SEQUENCE.with_borrow_mut(|sequence| {
        let bits = [sequence.random.next(), sequence.random.next()];
        (u128::from(bits[0]) << 64 | u128::from(bits[1])).to_be_bytes()
    })
}

/// The last id of a line of ids, as the 122 bits that a UUIDv7 leaves free: 60 of the tick, 62 below it.
#[derive(Debug)]
struct Sequence {
    last: u128,
    random: RandomBlock,
}

impl Sequence {
    const LOW_BITS: u32 = 62;
    /// The top bit of the low part starts as 0, so that steps have room before they carry into the tick.
    const START_BITS: u32 = Self::LOW_BITS - 1;
    const STEP_BITS: u32 = 40;

    const fn new() -> Self {
        Sequence { last: 0, random: RandomBlock::new() }
    }

    /// The first id at `tick`, or of one after the last id if that one's time has not passed.
    #[inline]
    fn next(&mut self, tick: u64) -> Uuid {
        let random = self.random.next();
        self.last = if u128::from(tick) > self.last >> Self::LOW_BITS {
            u128::from(tick) << Self::LOW_BITS | u128::from(random >> (u64::BITS - Self::START_BITS))
        } else {
            // A carry moves the tick on by one, which is what a full tick, or a clock that went back, should do.
            self.last + 1 + u128::from(random >> (u64::BITS - Self::STEP_BITS))
        };
        uuid_v7(self.last)
    }
}

impl Default for Sequence {
    fn default() -> Self {
        Self::new()
    }
}

/// Spreads 122 bits around the version (7) and the variant (binary 10) of RFC 9562, 5.7.
#[inline]
fn uuid_v7(bits: u128) -> Uuid {
    let tick = (bits >> Sequence::LOW_BITS) as u64;
    let low = bits as u64 & (u64::MAX >> 2);
    let high = (tick >> 12) << 16 | 0x7000 | tick & 0xfff;
    Uuid::from_u64_pair(high, 1 << 63 | low)
}

/// The current time in ticks: milliseconds since 1970 and, in the low 12 bits, their fraction.
#[inline]
fn tick_now() -> u64 {
    tick_of(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// A clock before 1970 stands at 1970, one beyond the year 10889 (48 bits of milliseconds) at its end.
#[inline]
fn tick_of(since_1970: Duration) -> u64 {
    const MAX_MILLIS: u64 = (1 << 48) - 1;
    let nanos = u64::from(since_1970.subsec_nanos());
    let millis = since_1970.as_secs().saturating_mul(1000).saturating_add(nanos / 1_000_000);
    let fraction = (nanos % 1_000_000) * 4096 / 1_000_000;
    millis.min(MAX_MILLIS) << 12 | fraction
}

/// Random bits of the thread's cryptographic generator, fetched 1 KiB at a time, because each fetch has a fixed cost.
struct RandomBlock {
    words: [u64; RandomBlock::WORDS],
    used: usize,
}

impl RandomBlock {
    const WORDS: usize = 128;

    const fn new() -> Self {
        RandomBlock { words: [0; Self::WORDS], used: Self::WORDS }
    }

    #[inline]
    fn next(&mut self) -> u64 {
        if self.used >= Self::WORDS {
            self.refill();
        }
        // A word is handed out once and not kept, so that memory never holds the bits of an id that exists.
        let word = std::mem::take(&mut self.words[self.used]);
        self.used += 1;
        word
    }

    #[cold]
    fn refill(&mut self) {
        let mut bytes = [0; Self::WORDS * 8];
        rand::rng().fill_bytes(&mut bytes);
        for (word, bytes) in self.words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_ne_bytes(*bytes);
        }
        self.used = 0;
    }
}

impl std::fmt::Debug for RandomBlock {
    /// Random bits to come are secret (semantics 7.5).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RandomBlock").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use uuid::Variant;

    use super::*;

    const LAST_TICK: u64 = (1 << 60) - 1;

    fn millis(uuid: Uuid) -> u64 {
        let (secs, nanos) = uuid.get_timestamp().unwrap().to_unix();
        secs * 1000 + u64::from(nanos / 1_000_000)
    }

    fn now_millis() -> u64 {
        UNIX_EPOCH.elapsed().unwrap().as_millis() as u64
    }

    fn assert_increasing(ids: &[Uuid]) {
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    /// semantics 1.2
    #[test]
    fn a_new_id_is_a_uuid_of_version_7_with_the_time_of_now() {
        let before = now_millis();
        let uuid = Id::generate().as_uuid().unwrap();
        assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, Variant::RFC4122));
        assert!((before..=now_millis()).contains(&millis(uuid)));
    }

    #[test]
    fn ids_of_one_thread_increase_and_keep_time() {
        let ids: Vec<_> = (0..200_000).map(|_| next_of_thread()).collect();
        assert_increasing(&ids);
        assert!(millis(ids[ids.len() - 1]) <= now_millis());
    }

    #[test]
    fn ids_of_a_generator_increase_and_keep_time() {
        let ids: Vec<_> = Generator::new().take(200_000).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(millis(ids[ids.len() - 1].as_uuid().unwrap()) <= now_millis());
    }

    #[test]
    fn ids_of_many_threads_never_collide() {
        let threads: Vec<_> =
            (0..8).map(|_| thread::spawn(|| (0..100_000).map(|_| Id::generate()).collect())).collect();
        let ids: Vec<Id> = threads.into_iter().flat_map(|thread| -> Vec<Id> { thread.join().unwrap() }).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 800_000);
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_never_takes_ids_back() {
        let mut sequence = Sequence::new();
        let ticks = [5000, 5000, 4999, 5000, 0, 5001, 1, 5001, 5002];
        let ids: Vec<_> = ticks.iter().map(|tick| sequence.next(*tick)).collect();
        assert_increasing(&ids);
        assert_eq!(sequence.last >> Sequence::LOW_BITS, 5002);
    }

    #[test]
    fn a_full_tick_carries_into_the_next() {
        let mut sequence = Sequence { last: (8 << Sequence::LOW_BITS) - 1, random: RandomBlock::new() };
        let ids = [uuid_v7(sequence.last), sequence.next(7), sequence.next(7)];
        assert_increasing(&ids);
        assert_eq!(sequence.last >> Sequence::LOW_BITS, 8);
    }

    #[test]
    fn times_outside_the_format_stand_at_its_ends() {
        assert_eq!(tick_of(Duration::MAX), LAST_TICK);
        assert_eq!(tick_of(Duration::ZERO), 0);
        assert_eq!(tick_of(Duration::from_nanos(1_500_000)), 1 << 12 | 2048);
        assert_eq!(tick_of(Duration::from_nanos(999_999_999)), 999 << 12 | 4095);
        let mut sequence = Sequence::new();
        let ids: Vec<_> = (0..1000).map(|_| sequence.next(LAST_TICK)).collect();
        assert_increasing(&ids);
    }

    #[test]
    fn the_layout_is_that_of_rfc_9562() {
        let time = 0x0123_4567_89ab_u128;
        let bits = (time << 12 | 0xcde) << Sequence::LOW_BITS | 0x0fed_cba9_8765_4321;
        assert_eq!(uuid_v7(bits).to_string(), "01234567-89ab-7cde-8fed-cba987654321");
    }

    #[test]
    fn tokens_differ() {
        let tokens: HashSet<_> = (0..1000).map(|_| random_token()).collect();
        assert_eq!(tokens.len(), 1000);
    }
}
