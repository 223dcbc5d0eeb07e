//! The memory engine against a bare hash map and loops written by hand.
//!
//! The map is hashbrown with foldhash and grows from empty, as a store does that was not told how much will come. Records are moved
//! in, not cloned; the clones that a round needs are made before the clock starts.

use std::{cmp::Ordering, hint::black_box, thread};

use dk_data::{
    Database, Query, Store, Stored,
    backend::memory::{Memory, MemoryStore},
    query::predicate::{Predicate, RunsOn, Where},
};
use rayon::ThreadPoolBuilder;

use crate::{
    data::{Data, RawMap, fresh_flats},
    harness::{Outcome, Row},
    people::{CITIES, Flat, Person},
};

pub const ROWS: &[Row] = &[
    Row::new("memory/create", 0.45, raw_create, ours_create),
    Row::new("memory/read_with", 0.45, raw_read_with, ours_read_with),
    Row::new("memory/read", 0.8, raw_read, ours_read),
    Row::new("memory/update", 0.45, raw_update, ours_update),
    Row::new("memory/delete", 0.6, raw_delete, ours_delete),
    Row::new("memory/create_batch", 1.2, raw_create, ours_create_batch),
    Row::new("memory/create, 2 threads", 1.5, ours_create, ours_create_on_two),
    Row::new("memory/count", 0.6, raw_count, ours_count),
    Row::new("memory/count, 2 cores", 1.7, ours_count, ours_count_on_two),
    Row::new("memory/search", 0.6, raw_search, ours_search),
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

// ---- our side

fn empty() -> MemoryStore<Flat> {
    Memory::new().store().expect("memory opens")
}

fn ours_create(data: &Data) -> Outcome {
    let (store, records) = (empty(), data.flats().to_vec());
    let create_all = || {
        for record in records {
            store.create(record).expect("the id is new");
        }
        store
    };
    Outcome::then(create_all, size)
}

fn size(store: MemoryStore<Flat>) -> u64 {
    store.count(Query::new()).expect("memory counts")
}

fn ours_create_on_two(data: &Data) -> Outcome {
    let (store, mut records) = (empty(), data.flats().to_vec());
    let halves = [records.split_off(records.len() / 2), records];
    let create_all = || {
        thread::scope(|scope| {
            for half in halves {
                let store = &store;
                scope.spawn(move || half.into_iter().for_each(|r| drop(store.create(r).expect("the id is new"))));
            }
        });
        store
    };
    Outcome::then(create_all, size)
}

fn ours_create_batch(data: &Data) -> Outcome {
    let (store, records) = (empty(), data.flats().to_vec());
    let create_all = || (store.create_batch(records).expect("memory writes"), store);
    Outcome::then(create_all, |(outcomes, _)| outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64)
}

pub fn ours_read_with(data: &Data) -> Outcome {
    let (store, ids) = (data.flat_store(), data.visits());
    let age = |id| store.read_with(id, |flat| u64::from(flat.age)).expect("memory reads");
    Outcome::of(|| ids.iter().filter_map(age).sum())
}

fn ours_read(data: &Data) -> Outcome {
    let (store, ids) = (data.people_store(), data.visits());
    let age_of_copy = |id| store.read(id).expect("memory reads").map(|person| u64::from(black_box(person).age));
    Outcome::of(|| ids.iter().filter_map(age_of_copy).sum())
}

pub fn ours_update(data: &Data) -> Outcome {
    let (store, records) = (fresh_flats(data.flats()), visited(data));
    let update_all =
        || records.into_iter().map(|record| store.update(record.id, record)).filter(|done| done.is_ok()).count();
    Outcome::of(|| update_all() as u64)
}

pub fn ours_delete(data: &Data) -> Outcome {
    let (store, ids) = (fresh_flats(data.flats()), data.visits());
    Outcome::of(|| ids.iter().filter(|id| store.delete(*id).expect("memory deletes")).count() as u64)
}

/// The three conditions as a typed predicate.
pub fn wanted() -> Where<impl Predicate<Person> + RunsOn<Memory>> {
    Person::AGE.ge(AGE_MIN) & Person::CITY.eq(CITY) & Person::SCORE.gt(SCORE_ABOVE)
}

/// Runs `work` where rayon has one thread.
pub fn on_one_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    on_threads(1, work)
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread starts").install(work)
}

fn count_wanted(store: &MemoryStore<Person>) -> Outcome {
    Outcome::of(|| store.count(wanted()).expect("memory counts"))
}

fn ours_count(data: &Data) -> Outcome {
    let store = data.people_store();
    on_one_thread(|| count_wanted(store))
}

fn ours_count_on_two(data: &Data) -> Outcome {
    let store = data.people_store();
    on_threads(2, || count_wanted(store))
}

fn ours_search(data: &Data) -> Outcome {
    let store = data.people_store();
    let query = Query::new().sort(Person::SCORE.desc()).limit(TOP);
    let best = || store.search(query).expect("memory searches");
    let records = |found: Vec<Stored<Person>>| found.into_iter().map(Stored::into_record).collect::<Vec<_>>();
    on_one_thread(|| Outcome::then(best, |found| fingerprint(&records(found))))
}
