//! CSV against the csv crate with serde, on the same file.
//!
//! The list of tags is one cell of JSON text, as semantics 2.10 has it; the rival reads and writes the same cell. Records are
//! dropped as they come: a stream is measured, not a `Vec`.

use std::{hint::black_box, io};

use ::csv::{ReaderBuilder, WriterBuilder};
use dk_data::format::csv::{Csv, CsvReader};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use uuid::Uuid;

use crate::{
    data::Data,
    harness::{Outcome, Row},
    people::{CITIES, Person},
};

pub const ROWS: &[Row] = &[
    Row::new("csv/read", 1.0, raw_read, ours_read),
    Row::new("csv/read_filtered", 2.5, raw_read_filtered, ours_read_filtered),
    Row::new("csv/write", 1.2, raw_write, ours_write),
];

/// The city that the filtered read keeps: 5 % of the people.
pub const CITY: &str = CITIES[0];

/// A row as the rival reads it.
#[derive(Deserialize)]
pub struct OwnedRow {
    #[serde(rename = "id")]
    _id: Uuid,
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "email")]
    _email: String,
    pub age: u32,
    pub city: String,
    pub score: f64,
    #[serde(rename = "active")]
    _active: bool,
    #[serde(rename = "created_at")]
    _created_at: Timestamp,
    #[serde(rename = "tags", deserialize_with = "tags_from_text")]
    _tags: Vec<String>,
}

/// A row as the rival writes it.
#[derive(Serialize)]
struct BorrowedRow<'a> {
    id: Uuid,
    name: &'a str,
    email: &'a str,
    age: u32,
    city: &'a str,
    score: f64,
    active: bool,
    created_at: Timestamp,
    #[serde(serialize_with = "tags_to_text")]
    tags: &'a [String],
}

impl<'a> From<&'a Person> for BorrowedRow<'a> {
    fn from(person: &'a Person) -> BorrowedRow<'a> {
        BorrowedRow {
            id: person.id,
            name: &person.name,
            email: &person.email,
            age: person.age,
            city: &person.city,
            score: person.score,
            active: person.active,
            created_at: person.created_at,
            tags: &person.tags,
        }
    }
}

fn tags_from_text<'de, D: Deserializer<'de>>(cell: D) -> Result<Vec<String>, D::Error> {
    let text = <&str>::deserialize(cell)?;
    serde_json::from_str(text).map_err(D::Error::custom)
}

fn tags_to_text<S: Serializer>(tags: &[String], cell: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(tags).map_err(S::Error::custom)?;
    cell.serialize_str(&text)
}

/// The file that both sides read.
pub fn file(people: &[Person]) -> Vec<u8> {
    let mut file = Vec::new();
    write_all(people, &mut file);
    file
}

fn write_all(people: &[Person], target: impl io::Write) {
    let mut writer = WriterBuilder::new().from_writer(target);
    for person in people {
        writer.serialize(BorrowedRow::from(person)).expect("the target takes everything");
    }
    writer.flush().expect("the target takes everything");
}

pub fn read_all(file: impl io::Read) -> impl Iterator<Item = OwnedRow> {
    let reader = ReaderBuilder::new().from_reader(file);
    reader.into_deserialize().map(|row| row.expect("the file is one of ours"))
}

fn raw_read(data: &Data) -> Outcome {
    let file = data.csv();
    Outcome::of(|| read_all(file).map(|row| u64::from(black_box(row).age)).sum())
}

fn raw_read_filtered(data: &Data) -> Outcome {
    let file = data.csv();
    Outcome::of(|| read_all(file).filter(|row| row.city == CITY).map(|row| u64::from(black_box(row).age)).sum())
}

fn raw_write(data: &Data) -> Outcome {
    let people = data.people();
    Outcome::then(|| write_all(people, io::sink()), |()| people.len() as u64)
}

fn reader(file: &[u8]) -> CsvReader<Person, &[u8]> {
    Csv::default().read(file).expect("the header reads")
}

fn ages(people: CsvReader<Person, &[u8]>) -> u64 {
    people.map(|person| u64::from(black_box(person.expect("the file is one of ours")).age)).sum()
}

fn ours_read(data: &Data) -> Outcome {
    let file = data.csv();
    Outcome::of(|| ages(reader(file)))
}

fn ours_read_filtered(data: &Data) -> Outcome {
    let file = data.csv();
    Outcome::of(|| ages(reader(file).matching(Person::CITY.eq(CITY)).expect("the field is there")))
}

fn ours_write(data: &Data) -> Outcome {
    let people = data.people();
    let write_all = || {
        let mut writer = Csv::default().write::<Person, _>(io::sink()).expect("a record type is closed");
        people.iter().for_each(|person| writer.write(person).expect("the target takes everything"));
        writer.finish().expect("the target takes everything");
    };
    Outcome::then(write_all, |()| people.len() as u64)
}
