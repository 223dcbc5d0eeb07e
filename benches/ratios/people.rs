//! The records that are measured: a nine-field person, and a twin of the same size class without heap fields.
//!
//! Everything follows from a record's number, so every run and every machine measures the same people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

/// The person: text, numbers, a time and a list; about seven heap blocks.
#[derive(dk_data::Record, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[record(name = "people")]
pub struct Person {
    #[record(id)]
    pub id: Uuid,
    pub name: String,
    pub email: String,
    pub age: u32,
    pub city: String,
    pub score: f64,
    pub active: bool,
    pub created_at: Timestamp,
    pub tags: Vec<String>,
}

/// As large as a person is without its heap blocks: what moving a record costs when nothing hangs on it.
#[derive(dk_data::Record, Clone, Debug, PartialEq)]
pub struct Flat {
    #[record(id)]
    pub id: Uuid,
    pub age: u32,
    pub city: u32,
    pub active: bool,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub score: f64,
    pub balance: f64,
    pub height: f64,
    pub weight: f64,
    pub latitude: f64,
    pub longitude: f64,
    pub visits: u64,
    pub orders: u64,
    pub refunds: u64,
    pub points: i64,
    pub streak: i64,
}

/// Twenty cities, so that one of them is 5 % of the people.
pub const CITIES: [&str; 20] = [
    "Oslo",
    "Bergen",
    "Lisbon",
    "Kyoto",
    "Nairobi",
    "Quito",
    "Tallinn",
    "Montevideo",
    "Ghent",
    "Izmir",
    "Hanoi",
    "Perth",
    "Dakar",
    "Lima",
    "Zagreb",
    "Reykjavik",
    "Tbilisi",
    "Halifax",
    "Accra",
    "Seville",
];

const FIRST_NAMES: [&str; 12] =
    ["Ada", "Björn", "Chidi", "Dolores", "Emre", "Fatima", "Grace", "Hiroshi", "Ingrid", "João", "Katya", "Linus"];

const LAST_NAMES: [&str; 12] = [
    "Andersen",
    "Baptiste",
    "Castillo",
    "Dvořák",
    "Eriksson",
    "Fernández",
    "Grünwald",
    "Haugen",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
];

const TAGS: [&str; 8] = ["early", "gold", "newsletter", "trial", "partner", "staff", "remote", "beta"];

/// 1 January 2024, in microseconds since 1970: the first person's time. The others follow a little later each.
const EPOCH_US: i64 = 1_704_067_200_000_000;

/// The people from number 0 up to `count`, in the order of their ids.
pub fn people(count: usize) -> Vec<Person> {
    (0..count as u64).map(person).collect()
}

/// The flat twins of [`people`], with the same ids.
pub fn flats(count: usize) -> Vec<Flat> {
    (0..count as u64).map(flat).collect()
}

fn person(number: u64) -> Person {
    let mut dice = Dice::new(number);
    let id = dice.id(number);
    let (first, last) = (dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES));
    Person {
        id,
        name: format!("{first} {last}"),
        email: format!("{}.{number}@example.org", last.to_lowercase()),
        age: dice.below(100) as u32,
        city: dice.pick(&CITIES).to_owned(),
        score: dice.thousandths(),
        active: dice.below(2) == 1,
        created_at: time(number),
        tags: (0..3).map(|_| dice.pick(&TAGS).to_owned()).collect(),
    }
}

fn flat(number: u64) -> Flat {
    let mut dice = Dice::new(number);
    Flat {
        id: dice.id(number),
        age: dice.below(100) as u32,
        city: dice.below(20) as u32,
        active: dice.below(2) == 1,
        created_at: time(number),
        seen_at: time(number + 1),
        score: dice.thousandths(),
        balance: dice.thousandths(),
        height: dice.thousandths(),
        weight: dice.thousandths(),
        latitude: dice.thousandths(),
        longitude: dice.thousandths(),
        visits: dice.below(1_000),
        orders: dice.below(100),
        refunds: dice.below(10),
        points: dice.below(10_000) as i64 - 5_000,
        streak: dice.below(365) as i64,
    }
}

fn microseconds(number: u64) -> i64 {
    EPOCH_US + number as i64 * 1_234
}

fn time(number: u64) -> Timestamp {
    Timestamp::from_microsecond(microseconds(number)).expect("a few years after 1970 are in range")
}

/// A small generator (SplitMix64) that starts anew with each record, so that a record does not depend on those before it.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to `limit`, without it.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// From 0 up to 1000 with three decimals, as prices and measurements come.
    fn thousandths(&mut self) -> f64 {
        self.below(1_000_000) as f64 / 1_000.0
    }

    /// A UUIDv7 of the record's time: ids ascend with the numbers.
    fn id(&mut self, number: u64) -> Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.roll().to_be_bytes());
        // The first twelve random bits order the ids of one millisecond.
        let micro = (microseconds(number) % 1_000) as u16 * 4;
        random[..2].copy_from_slice(&micro.to_be_bytes());
        Builder::from_unix_timestamp_millis(microseconds(number) as u64 / 1_000, &random).into_uuid()
    }
}
