//! NDJSON against serde_json with derived codecs, on the same lines.
//!
//! Records are dropped as they come, and what is written is thrown away a buffer at a time: streams are measured.

use std::hint::black_box;

use dk_data::format::json::Json;
use memchr::memchr_iter;

use crate::{
    data::Data,
    harness::{Outcome, Row},
    people::Person,
};

pub const ROWS: &[Row] =
    &[Row::new("json/read", 1.0, raw_read, ours_read), Row::new("json/write", 1.2, raw_write, ours_write)];

/// What the rival gathers before it throws the lines away; the buffer stays in the cache.
const BUFFER_BYTES: usize = 64 * 1024;

/// The lines that both sides read.
pub fn file(people: &[Person]) -> Vec<u8> {
    let mut file = Vec::new();
    for person in people {
        write_line(person, &mut file);
    }
    file
}

fn write_line(person: &Person, lines: &mut Vec<u8>) {
    serde_json::to_writer(&mut *lines, person).expect("a Vec takes everything");
    lines.push(b'\n');
}

fn raw_read(data: &Data) -> Outcome {
    let file = data.ndjson();
    let read_all = || {
        let mut start = 0;
        let mut ages = 0;
        for end in memchr_iter(b'\n', file) {
            let person: Person = serde_json::from_slice(&file[start..end]).expect("the file is one of ours");
            ages += u64::from(black_box(person).age);
            start = end + 1;
        }
        ages
    };
    Outcome::of(read_all)
}

fn raw_write(data: &Data) -> Outcome {
    let people = data.people();
    let write_all = || {
        let mut lines = Vec::with_capacity(2 * BUFFER_BYTES);
        for person in people {
            write_line(person, &mut lines);
            if lines.len() >= BUFFER_BYTES {
                black_box(&lines);
                lines.clear();
            }
        }
    };
    Outcome::then(write_all, |()| people.len() as u64)
}

fn ours_read(data: &Data) -> Outcome {
    let people = Json::default().read::<Person, _>(data.ndjson());
    Outcome::of(|| people.map(|person| u64::from(black_box(person.expect("the file is one of ours")).age)).sum())
}

fn ours_write(data: &Data) -> Outcome {
    let people = data.people();
    let write_all = || {
        let mut writer = Json::default().write::<Person, _>(std::io::sink());
        people.iter().for_each(|person| writer.write(person).expect("the target takes everything"));
        writer.finish().expect("the target takes everything");
    };
    Outcome::then(write_all, |()| people.len() as u64)
}
