//! Stores in files against the same work by hand on the same files.
//!
//! Searches read whole files that the system has in its cache, on all cores where the rival has one. Writes are as durable on
//! both sides. Files are made beside the build, on the disk that it is on.

use std::{
    fs::{self, File},
    hint::black_box,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use dk_data::{
    Database, Store,
    backend::file::{FileStore, Files, Options},
};
use uuid::Uuid;

use crate::{
    csv,
    data::Data,
    harness::{Outcome, Row},
    people::{CITIES, Person},
};

pub const ROWS: &[Row] = &[
    Row::new("file/csv_search", 4.0, raw_csv_search, ours_csv_search),
    Row::new("file/jsonl_search", 4.0, raw_jsonl_search, ours_jsonl_search),
    #[cfg(feature = "parquet")]
    Row::new("file/parquet_search_sorted", 20.0, raw_parquet_sorted, ours_parquet_sorted),
    #[cfg(feature = "parquet")]
    Row::new("file/parquet_search_unsorted", 3.0, raw_parquet_unsorted, ours_parquet_unsorted),
    #[cfg(feature = "parquet")]
    Row::new("file/parquet_search_unsorted_all_cores", 0.0, raw_parquet_unsorted_all_cores, ours_parquet_unsorted),
    Row::new("file/create_fsync", 0.85, raw_create, ours_create).counted(singles),
    Row::new("file/create_16_threads", 6.0, ours_create, ours_create_16).counted(singles),
    Row::new("file/create_batch", 0.8, raw_create_batch, ours_create_batch),
    Row::new("file/read_by_id", 0.7, raw_read, ours_read).counted(visits),
    // Five milliseconds beside a few microseconds.
    Row::new("file/open", 0.002, raw_open, ours_open).counted(|_| 1),
];

/// Writes of which each waits for the device.
const SINGLES: usize = 800;
const THREADS: usize = 16;
/// Reads by id.
const VISITS: usize = 20_000;

fn singles(data: &Data) -> usize {
    SINGLES.min(data.rows() / THREADS * THREADS)
}
fn visits(data: &Data) -> usize {
    VISITS.min(data.rows())
}

/// The folder of the files; what the run before has left goes first.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ratios");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the target folder can be written");
        folder
    })
}

/// A file of all people, made when it is first asked for.
fn made(name: &str, bytes: impl FnOnce() -> Vec<u8>) -> PathBuf {
    let path = folder().join(name);
    if !path.exists() {
        fs::write(&path, bytes()).expect("there is room");
    }
    path
}

fn csv_file(data: &Data) -> PathBuf {
    made("people.csv", || data.csv().to_vec())
}
fn jsonl_file(data: &Data) -> PathBuf {
    made("people.jsonl", || data.ndjson().to_vec())
}

fn open(path: &Path) -> FileStore<Person> {
    Files::open_file(path, Options::default()).and_then(|files| files.store()).expect("the file is one of ours")
}

/// A path that nobody has used.
fn fresh(name: &str) -> PathBuf {
    let folder = tempfile::tempdir_in(folder()).expect("there is room").keep();
    folder.join(name)
}

// ---- searches

const FOUR: [&str; 4] = [CITIES[0], CITIES[1], CITIES[2], CITIES[3]];

/// Three predicates that keep one in twenty.
fn is_wanted(city: &str, age: u32, score: f64) -> bool {
    FOUR.contains(&city) && age < 50 && score < 500.0
}

fn ours_search(store: &FileStore<Person>) -> Outcome {
    let wanted = Person::CITY.is_in(FOUR) & Person::AGE.lt(50) & Person::SCORE.lt(500.0);
    Outcome::of(|| {
        let found = store.stream(wanted.clone()).expect("it reads");
        found.map(|person| u64::from(black_box(person.expect("it reads")).age)).sum()
    })
}

fn raw_csv_search(data: &Data) -> Outcome {
    let path = csv_file(data);
    Outcome::of(|| {
        let rows = csv::read_all(File::open(&path).expect("it is there"));
        let wanted = rows.filter(|row| is_wanted(&row.city, row.age, row.score));
        wanted.map(|row| u64::from(black_box(row).age)).sum()
    })
}

fn ours_csv_search(data: &Data) -> Outcome {
    ours_search(&open(&csv_file(data)))
}

fn raw_jsonl_search(data: &Data) -> Outcome {
    let path = jsonl_file(data);
    Outcome::of(|| {
        let bytes = fs::read(&path).expect("it is there");
        let mut sum = 0;
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &bytes) {
            let person: Person = serde_json::from_slice(&bytes[start..end]).expect("the file is one of ours");
            if is_wanted(&person.city, person.age, person.score) {
                sum += u64::from(black_box(person).age);
            }
            start = end + 1;
        }
        sum
    })
}

fn ours_jsonl_search(data: &Data) -> Outcome {
    ours_search(&open(&jsonl_file(data)))
}

#[cfg(feature = "parquet")]
use self::columns::*;

#[cfg(feature = "parquet")]
mod columns {
    use super::*;
    use crate::parquet::{bounds, raw_sorted, raw_unsorted, raw_unsorted_on_all_cores};

    fn file(data: &Data) -> PathBuf {
        made("people.parquet", || data.parquet().to_vec())
    }

    pub fn raw_parquet_sorted(data: &Data) -> Outcome {
        let path = file(data);
        raw_sorted(data, || File::open(&path).expect("it is there"))
    }

    pub fn ours_parquet_sorted(data: &Data) -> Outcome {
        let (store, (from, to)) = (open(&file(data)), bounds(data));
        Outcome::of(|| {
            let wanted = Person::CREATED_AT.ge(from) & Person::CREATED_AT.lt(to);
            let found = store.stream(wanted.clone()).expect("it reads");
            found.map(|person| u64::from(black_box(person.expect("it reads")).age)).sum()
        })
    }

    pub fn raw_parquet_unsorted(data: &Data) -> Outcome {
        let path = file(data);
        raw_unsorted(|| File::open(&path).expect("it is there"))
    }

    pub fn raw_parquet_unsorted_all_cores(data: &Data) -> Outcome {
        let path = file(data);
        raw_unsorted_on_all_cores(|| File::open(&path).expect("it is there"))
    }

    pub fn ours_parquet_unsorted(data: &Data) -> Outcome {
        let store = open(&file(data));
        Outcome::of(|| {
            let found = store.stream(Person::AGE.lt(10)).expect("it reads");
            found.map(|person| u64::from(black_box(person.expect("it reads")).age)).sum()
        })
    }
}

// ---- writes

/// Each record as a line, and each line on the device before the next.
fn raw_create(data: &Data) -> Outcome {
    let people = &data.people()[..singles(data)];
    let mut file = File::create(fresh("lines")).expect("there is room");
    let write = || {
        for person in people {
            let mut line = serde_json::to_vec(person).expect("memory takes it");
            line.push(b'\n');
            file.write_all(&line).expect("there is room");
            file.sync_data().expect("there is room");
        }
    };
    Outcome::then(write, |()| people.len() as u64)
}

fn ours_create(data: &Data) -> Outcome {
    let people = &data.people()[..singles(data)];
    let store = open(&fresh("people.jsonl"));
    let write = || people.iter().for_each(|person| drop(store.create(person).expect("the id is new")));
    Outcome::then(write, |()| people.len() as u64)
}

fn ours_create_16(data: &Data) -> Outcome {
    let people = &data.people()[..singles(data)];
    let store = open(&fresh("people.jsonl"));
    let write = || {
        std::thread::scope(|scope| {
            for part in people.chunks(people.len().div_ceil(THREADS)) {
                let store = &store;
                scope.spawn(move || part.iter().for_each(|person| drop(store.create(person).expect("the id is new"))));
            }
        });
    };
    Outcome::then(write, |()| people.len() as u64)
}

fn raw_create_batch(data: &Data) -> Outcome {
    let people = data.people();
    let path = fresh("lines");
    let write = || {
        let mut out = BufWriter::new(File::create(&path).expect("there is room"));
        for person in people {
            serde_json::to_writer(&mut out, person).expect("there is room");
            out.write_all(b"\n").expect("there is room");
        }
        let file = out.into_inner().expect("there is room");
        file.sync_data().expect("there is room");
    };
    Outcome::then(write, |()| people.len() as u64)
}

fn ours_create_batch(data: &Data) -> Outcome {
    let people = data.people();
    let store = open(&fresh("people.jsonl"));
    let write = || store.create_batch(people).expect("there is room");
    Outcome::then(write, |outcomes| outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64)
}

// ---- reads

/// The rival knows where each row is, and reads and decodes it.
fn raw_read(data: &Data) -> Outcome {
    use std::os::unix::fs::FileExt as _;
    let path = jsonl_file(data);
    let bytes = data.ndjson();
    let mut places = hashbrown::HashMap::<Uuid, (u64, usize), foldhash::fast::RandomState>::default();
    let mut start = 0;
    for (person, end) in data.people().iter().zip(memchr::memchr_iter(b'\n', bytes)) {
        places.insert(person.id, (start as u64, end - start));
        start = end + 1;
    }
    let file = File::open(path).expect("it is there");
    let visits = &data.visits()[..visits(data)];
    let mut buffer = Vec::new();
    Outcome::of(|| {
        let mut sum = 0;
        for id in visits {
            let (place, length) = places[id];
            buffer.resize(length, 0);
            file.read_exact_at(&mut buffer, place).expect("it is there");
            let person: Person = serde_json::from_slice(&buffer).expect("the file is one of ours");
            sum += u64::from(black_box(person).age);
        }
        sum
    })
}

fn ours_read(data: &Data) -> Outcome {
    let store = open(&jsonl_file(data));
    let visits = &data.visits()[..visits(data)];
    store.read(visits[0]).expect("it reads");
    Outcome::of(|| {
        let read = |id: &Uuid| store.read(*id).expect("it reads").expect("it is there");
        visits.iter().map(|id| u64::from(black_box(read(id)).age)).sum()
    })
}

/// Looks at the file, its first and its last block.
fn raw_open(data: &Data) -> Outcome {
    use std::os::unix::fs::FileExt as _;
    let path = csv_file(data);
    Outcome::of(|| {
        let file = File::open(&path).expect("it is there");
        let length = file.metadata().expect("it is there").len();
        let mut block = vec![0; 4_096];
        file.read_at(&mut block, 0).expect("it is there");
        file.read_at(&mut block, length.saturating_sub(4_096)).expect("it is there");
        black_box(&block);
        length
    })
}

fn ours_open(data: &Data) -> Outcome {
    let path = csv_file(data);
    Outcome::then(|| open(&path), |_| fs::metadata(&path).expect("it is there").len())
}
