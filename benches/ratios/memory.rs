//! The memory engine against a bare hash map and loops written by hand.
//!
//! The map is hashbrown with foldhash and grows from empty, as a store does that was not told how much will come. Records are moved
//! in, not cloned; the clones that a round needs are made before the clock starts.

use std::{cmp::Ordering, hint::black_box};

use crate::{
    data::{Data, RawMap},
    harness::{Outcome, Row},
    people::{CITIES, Flat, Person},
};

/// Still to come with our side, as both of their sides are ours: `memory/create, 2 threads` against one thread (1.5), and
/// `memory/count on 2 cores` against one thread (1.7).
pub const ROWS: &[Row] = &[
    Row::pending("memory/create", 0.45, raw_create),
    Row::pending("memory/read_with", 0.45, raw_read_with),
    Row::pending("memory/read", 0.8, raw_read),
    Row::pending("memory/update", 0.45, raw_update),
    Row::pending("memory/delete", 0.6, raw_delete),
    Row::pending("memory/create_batch", 1.2, raw_create),
    Row::pending("memory/count", 0.6, raw_count),
    Row::pending("memory/search", 0.6, raw_search),
];

/// The three conditions of the counting rows.
pub const AGE_MIN: u32 = 18;
pub const CITY: &str = CITIES[0];
pub const SCORE_ABOVE: f64 = 250.0;

/// How many of the sorted people are wanted.
pub const TOP: usize = 100;

fn raw_create(data: &Data) -> Outcome {
    let records = data.flats().to_vec();
    let insert_all = || {
        let mut map = RawMap::default();
        for record in records {
            map.insert(record.id, record);
        }
        map
    };
    Outcome::then(insert_all, |map| map.len() as u64)
}

fn raw_read_with(data: &Data) -> Outcome {
    let (map, ids) = (data.flat_map(), data.visits());
    Outcome::of(|| ids.iter().filter_map(|id| map.get(id)).map(|flat| u64::from(flat.age)).sum())
}

fn raw_read(data: &Data) -> Outcome {
    let (map, ids) = (data.people_map(), data.visits());
    let age_of_clone = |person: &Person| u64::from(black_box(person.clone()).age);
    Outcome::of(|| ids.iter().filter_map(|id| map.get(id)).map(age_of_clone).sum())
}

fn raw_update(data: &Data) -> Outcome {
    let mut map = data.flat_map().clone();
    let records = visited(data);
    let update_all = || {
        let mut found = 0;
        for record in records {
            if let Some(slot) = map.get_mut(&record.id) {
                *slot = record;
                found += 1;
            }
        }
        found
    };
    Outcome::of(update_all)
}

fn raw_delete(data: &Data) -> Outcome {
    let mut map = data.flat_map().clone();
    let ids = data.visits();
    Outcome::of(|| ids.iter().filter(|id| black_box(map.remove(*id)).is_some()).count() as u64)
}

fn raw_count(data: &Data) -> Outcome {
    let people = data.people();
    let wanted = |person: &&Person| person.age >= AGE_MIN && person.city == CITY && person.score > SCORE_ABOVE;
    Outcome::of(|| people.iter().filter(wanted).count() as u64)
}

/// The best `TOP` by score and then by id, both descending: found by selection, sorted, and cloned as a search returns them.
fn raw_search(data: &Data) -> Outcome {
    let people = data.people();
    let best = || {
        let mut found: Vec<&Person> = people.iter().collect();
        if found.len() > TOP {
            found.select_nth_unstable_by(TOP - 1, |a, b| by_score_descending(a, b));
            found.truncate(TOP);
        }
        found.sort_unstable_by(|a, b| by_score_descending(a, b));
        found.into_iter().cloned().collect()
    };
    Outcome::then(best, |best: Vec<Person>| fingerprint(&best))
}

fn by_score_descending(a: &Person, b: &Person) -> Ordering {
    b.score.total_cmp(&a.score).then_with(|| b.id.cmp(&a.id))
}

/// A number that changes with the people and with their order.
pub fn fingerprint(people: &[Person]) -> u64 {
    people.iter().fold(0, |mark, person| mark.wrapping_mul(31).wrapping_add(person.id.as_u64_pair().1))
}

/// The flat records in the order of the visits: what an update writes.
pub fn visited(data: &Data) -> Vec<Flat> {
    let map = data.flat_map();
    data.visits().iter().filter_map(|id| map.get(id).cloned()).collect()
}
