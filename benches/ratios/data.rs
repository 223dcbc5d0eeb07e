//! What the sides of a row work on: made when first asked for, then kept for the area, so that no side pays for it.

use std::cell::OnceCell;

use dk_data::{
    Database, Store,
    backend::memory::{Memory, MemoryStore},
};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use uuid::Uuid;

use crate::{
    csv, json,
    people::{Dice, Flat, Person, flats, people},
};

/// The rival's store: the fastest map there is for ids, owning its records.
pub type RawMap<R> = HashMap<Uuid, R, RandomState>;

/// The data of one area.
#[derive(Default)]
pub struct Data {
    rows: usize,
    people: OnceCell<Vec<Person>>,
    flats: OnceCell<Vec<Flat>>,
    visits: OnceCell<Vec<Uuid>>,
    people_map: OnceCell<RawMap<Person>>,
    flat_map: OnceCell<RawMap<Flat>>,
    people_store: OnceCell<MemoryStore<Person>>,
    flat_store: OnceCell<MemoryStore<Flat>>,
    csv: OnceCell<Vec<u8>>,
    ndjson: OnceCell<Vec<u8>>,
    #[cfg(feature = "parquet")]
    parquet: OnceCell<&'static [u8]>,
}

impl Data {
    pub fn new(rows: usize) -> Data {
        Data { rows, ..Data::default() }
    }

    /// How many records there are of each kind.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn people(&self) -> &[Person] {
        self.people.get_or_init(|| people(self.rows))
    }

    pub fn flats(&self) -> &[Flat] {
        self.flats.get_or_init(|| flats(self.rows))
    }

    /// The ids of all records, those of people and of their flat twins, in an order without pattern.
    pub fn visits(&self) -> &[Uuid] {
        self.visits.get_or_init(|| shuffled(self.flats().iter().map(|flat| flat.id).collect()))
    }

    pub fn people_map(&self) -> &RawMap<Person> {
        self.people_map.get_or_init(|| self.people().iter().map(|person| (person.id, person.clone())).collect())
    }

    pub fn flat_map(&self) -> &RawMap<Flat> {
        self.flat_map.get_or_init(|| self.flats().iter().map(|flat| (flat.id, flat.clone())).collect())
    }

    /// The people in a store of ours.
    pub fn people_store(&self) -> &MemoryStore<Person> {
        self.people_store.get_or_init(|| {
            let store = Memory::new().store().expect("memory opens");
            self.people().iter().for_each(|person| drop(store.create(person).expect("the id is new")));
            store
        })
    }

    /// The flat records in a store of ours.
    pub fn flat_store(&self) -> &MemoryStore<Flat> {
        self.flat_store.get_or_init(|| fresh_flats(self.flats()))
    }

    /// The people as a CSV file with a header.
    pub fn csv(&self) -> &[u8] {
        self.csv.get_or_init(|| csv::file(self.people()))
    }

    /// The people as NDJSON, one to a line.
    pub fn ndjson(&self) -> &[u8] {
        self.ndjson.get_or_init(|| json::file(self.people()))
    }

    /// The people as a Parquet file, in memory that is never given back, because readers keep it.
    #[cfg(feature = "parquet")]
    pub fn parquet(&self) -> &'static [u8] {
        self.parquet.get_or_init(|| crate::parquet::file(self.people()).leak())
    }
}

/// A store that holds these, created one after the other as its user would.
pub fn fresh_flats(flats: &[Flat]) -> MemoryStore<Flat> {
    let store = Memory::new().store().expect("memory opens");
    flats.iter().for_each(|flat| drop(store.create(flat).expect("the id is new")));
    store
}

/// Fisher–Yates.
fn shuffled(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    let mut dice = Dice::new(ids.len() as u64);
    for last in (1..ids.len()).rev() {
        ids.swap(last, dice.below(last as u64 + 1) as usize);
    }
    ids
}
