//! One search on the same people as CSV, NDJSON and Parquet, for comparison with other engines: `cargo bench --bench peers`
//! writes the files under `target/bench/peers` and times ours; `benches/peers/search.py` times DuckDB and Polars on them.
//!
//! The search keeps the people of one city in twenty and adds up their ages. What is given is whole records here and rows of
//! all columns there; each has two threads.

use std::{
    fs,
    io::BufWriter,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use dk_data::{
    Record,
    format::{csv::Csv, json::Json, parquet::Parquet},
};

#[allow(dead_code, reason = "the ratios use all of it")]
#[path = "../ratios/people.rs"]
mod people;

use people::{CITIES, Person};

const ROWS: usize = 1_000_000;
const ROUNDS: usize = 5;

/// What the search needs, and no more.
#[derive(Record, Clone, Debug)]
struct Age {
    age: u32,
    city: String,
}

fn main() {
    // Under `cargo test` only to show that it runs.
    let whole = std::env::args().any(|argument| argument == "--bench");
    let rows = if whole { ROWS } else { 1_000 };
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(if whole { "bench/peers" } else { "bench/peers-smoke" });
    // Before anything is written, which makes the pool.
    rayon::ThreadPoolBuilder::new().num_threads(2).build_global().expect("the pool is not yet made");
    let files = written(&folder, rows);
    let [csv, lines, parquet] = &files;
    let (rounds, city) = (if whole { ROUNDS } else { 1 }, CITIES[0]);
    let open = |path: &PathBuf| fs::File::open(path).expect("it was written");
    let report = |name: &str, search: &dyn Fn() -> (u64, u64)| {
        let mut best = (Duration::MAX, (0, 0));
        for _ in 0..rounds {
            let start = Instant::now();
            let answer = search();
            best = (best.0.min(start.elapsed()), answer);
        }
        let millions = rows as f64 / best.0.as_secs_f64() / 1e6;
        println!("ours {name}: {millions:.1} M rows/s, {} found, sum {}", best.1.0, best.1.1);
    };
    let summed = |ages: &mut dyn Iterator<Item = u32>| ages.fold((0, 0), |(n, sum), age| (n + 1, sum + u64::from(age)));
    report("csv, whole records", &|| {
        let found = Csv::default()
            .read::<Person, _>(open(csv))
            .and_then(|r| r.matching(Person::CITY.eq(city)))
            .expect("it reads");
        summed(&mut found.map(|person| person.expect("it reads").age))
    });
    report("csv, needed fields", &|| {
        let found =
            Csv::default().read::<Age, _>(open(csv)).and_then(|r| r.matching(Age::CITY.eq(city))).expect("it reads");
        summed(&mut found.map(|person| person.expect("it reads").age))
    });
    report("jsonl, whole records", &|| {
        let found = Json::default().read::<Person, _>(open(lines)).matching(Person::CITY.eq(city)).expect("it reads");
        summed(&mut found.map(|person| person.expect("it reads").age))
    });
    report("jsonl, needed fields", &|| {
        let found = Json::default().read::<Age, _>(open(lines)).matching(Age::CITY.eq(city)).expect("it reads");
        summed(&mut found.map(|person| person.expect("it reads").age))
    });
    report("parquet, whole records", &|| {
        let found = Parquet::open(open(parquet))
            .and_then(|f| f.read::<Person>())
            .and_then(|r| r.matching(Person::CITY.eq(city)));
        summed(&mut found.expect("it reads").map(|person| person.expect("it reads").age))
    });
    report("parquet, needed fields", &|| {
        let found =
            Parquet::open(open(parquet)).and_then(|f| f.read::<Age>()).and_then(|r| r.matching(Age::CITY.eq(city)));
        summed(&mut found.expect("it reads").map(|person| person.expect("it reads").age))
    });
}

/// The files, made where they are not there.
fn written(folder: &Path, rows: usize) -> [PathBuf; 3] {
    let paths = ["people.csv", "people.jsonl", "people.parquet"].map(|name| folder.join(name));
    if paths.iter().all(|path| path.exists()) {
        return paths;
    }
    fs::create_dir_all(folder).expect("target is ours");
    let people = people::people(rows);
    let create = |path: &PathBuf| BufWriter::new(fs::File::create(path).expect("target is ours"));
    let mut csv = Csv::default().write::<Person, _>(create(&paths[0])).expect("a record type is closed");
    let mut lines = Json::default().write::<Person, _>(create(&paths[1]));
    let mut parquet = Parquet::default().write::<Person, _>(create(&paths[2])).expect("a record type is closed");
    for person in &people {
        csv.write(person)
            .and_then(|()| lines.write(person))
            .and_then(|()| parquet.write(person))
            .expect("there is room");
    }
    csv.finish().expect("there is room");
    lines.finish().expect("there is room");
    parquet.finish().expect("there is room");
    paths
}
