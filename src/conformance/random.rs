//! Chance with a seed, and shrinking by leaving things out.
//!
//! The seed comes from `DK_SEED`, else from the clock; a failure prints it. How much is tried comes from the caller and is
//! multiplied by `DK_ROUNDS`, for long runs.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use rand::{Rng, SeedableRng, rngs::StdRng};

/// Random choices that a seed repeats.
pub(super) struct Random(StdRng);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(StdRng::seed_from_u64(seed))
    }
    /// A number from 0 to one below `end`; 0 where there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.random_range(0..end) }
    }
    /// True this often in a hundred times.
    pub(super) fn percent(&mut self, often: usize) -> bool {
        self.below(100) < often
    }
    /// One of these.
    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

fn number_from(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.trim().parse().ok()
}

/// The seed of this run.
pub(super) fn seed() -> u64 {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    number_from("DK_SEED").unwrap_or_else(clock)
}

/// So many, times `DK_ROUNDS`.
pub(super) fn rounds(usual: usize) -> usize {
    usual * number_from("DK_ROUNDS").unwrap_or(1).max(1) as usize
}

/// The shortest list that still fails, found by leaving out ever smaller runs of it.
pub(super) fn shrunk<T: Clone>(mut list: Vec<T>, fails: impl Fn(&[T]) -> bool) -> Vec<T> {
    let mut run = list.len().div_ceil(2);
    while run > 0 {
        let mut from = 0;
        while from < list.len() {
            let end = (from + run).min(list.len());
            let shorter = [&list[..from], &list[end..]].concat();
            if fails(&shorter) { list = shorter } else { from = end }
        }
        run = if run == 1 { 0 } else { run.div_ceil(2) };
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_left() {
        let fails = |list: &[u32]| list.contains(&3) && list.contains(&77);
        assert_eq!(shrunk((0..100).collect(), fails), [3, 77]);
    }

    #[test]
    fn a_seed_repeats_its_choices() {
        let choices = |seed| {
            let mut random = Random::new(seed);
            [(); 20].map(|()| random.below(1_000))
        };
        assert_eq!(choices(1), choices(1));
        assert_ne!(choices(1), choices(2));
    }
}
