//! Runs the rows: rivals take turns, the best round of each counts, the table is printed and kept as JSON.
//!
//! Wall clock, because some rows are about cores; `--cpu` counts the time of all threads on their cores instead, which other
//! work on the machine changes little. Each side also returns an answer, and the two must agree: a side that is fast because it
//! did less is a mistake here, not a result.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use crate::data::Data;

/// One side of a row: does the work once on the data, and times only the part that counts.
pub type Run = fn(&Data) -> Outcome;

/// What one run took, and what it found: a count or a sum that the rival must find, too.
pub struct Outcome {
    pub elapsed: Duration,
    pub answer: u64,
}

impl Outcome {
    /// Times `work`, whose value is the answer.
    pub fn of(work: impl FnOnce() -> u64) -> Outcome {
        Outcome::then(work, |answer| answer)
    }

    /// Times `work`, then asks its value for the answer and drops it, both unwatched.
    pub fn then<T>(work: impl FnOnce() -> T, answer: impl FnOnce(T) -> u64) -> Outcome {
        let start = Stopwatch::start();
        let value = work();
        let elapsed = start.elapsed();
        Outcome { elapsed, answer: answer(value) }
    }
}

/// The clock that the command line asks for, set once before anything is measured.
static CLOCK: OnceLock<Clock> = OnceLock::new();

#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    Wall,
    Cpu,
}

enum Stopwatch {
    Wall(Instant),
    Cpu(Duration),
}

impl Stopwatch {
    fn start() -> Stopwatch {
        match CLOCK.get() {
            Some(Clock::Cpu) => Stopwatch::Cpu(on_cores()),
            _ => Stopwatch::Wall(Instant::now()),
        }
    }

    fn elapsed(&self) -> Duration {
        match self {
            Stopwatch::Wall(start) => start.elapsed(),
            Stopwatch::Cpu(before) => on_cores().saturating_sub(*before),
        }
    }
}

/// How long all threads that are alive have run on a core, as Linux counts it.
fn on_cores() -> Duration {
    let threads = fs::read_dir("/proc/self/task").expect("`--cpu` wants Linux");
    let of_thread = |folder: std::io::Result<fs::DirEntry>| {
        let counts = fs::read_to_string(folder.ok()?.path().join("schedstat")).ok()?;
        counts.split(' ').next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(threads.filter_map(of_thread).sum())
}

/// One row of the table.
pub struct Row {
    /// `area/operation`.
    pub name: &'static str,
    /// The ratio that we want at least.
    pub target: f64,
    pub raw: Run,
    /// Nothing where the rival still waits for us.
    pub ours: Option<Run>,
    /// How many operations a run is, for the time of one.
    pub count: fn(&Data) -> usize,
}

impl Row {
    pub const fn new(name: &'static str, target: f64, raw: Run, ours: Run) -> Row {
        Row { name, target, raw, ours: Some(ours), count: Data::rows }
    }

    /// The row whose run is another number of operations than there are records.
    pub const fn counted(mut self, count: fn(&Data) -> usize) -> Row {
        self.count = count;
        self
    }
}

/// What the command line asks for.
pub struct Settings {
    filters: Vec<String>,
    rows: usize,
    rounds: usize,
    sides: Sides,
    clock: Clock,
    file: &'static str,
}

/// Which sides run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sides {
    Both,
    Raw,
    Ours,
}

impl Settings {
    const fn of_size(rows: usize, rounds: usize, file: &'static str) -> Settings {
        Settings { filters: Vec::new(), rows, rounds, sides: Sides::Both, clock: Clock::Wall, file }
    }

    /// Reads the arguments; the message says what was wrong.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Settings, String> {
        let arguments: Vec<String> = arguments.collect();
        let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
        let mut settings = match (given("--bench"), given("--quick")) {
            // Under `cargo test`, whose arguments are not ours: only shows that everything runs.
            (false, _) => return Ok(Settings::of_size(1_000, 1, "ratios-smoke.json")),
            (true, true) => Settings::of_size(100_000, 3, "ratios-quick.json"),
            (true, false) => Settings::of_size(1_000_000, 5, "ratios.json"),
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--bench" | "--quick" => {}
                "--raw" => settings.sides = Sides::Raw,
                "--ours" => settings.sides = Sides::Ours,
                "--cpu" => (settings.clock, settings.file) = (Clock::Cpu, "ratios-cpu.json"),
                "--rows" => settings.rows = number(argument, rest.next())?,
                "--rounds" => settings.rounds = number(argument, rest.next())?,
                flag if flag.starts_with('-') => return Err(format!("unknown argument {flag}")),
                name => settings.filters.push(name.to_owned()),
            }
        }
        Ok(settings)
    }

    /// Whether any of these rows will run.
    #[cfg(feature = "postgres")]
    pub fn wants_any(&self, rows: &[Row]) -> bool {
        rows.iter().any(|row| self.wants(row))
    }

    fn wants(&self, row: &Row) -> bool {
        let named = self.filters.is_empty() || self.filters.iter().any(|prefix| row.name.starts_with(prefix.as_str()));
        named && (self.sides == Sides::Raw || row.ours.is_some())
    }
}

fn number(flag: &str, value: Option<&String>) -> Result<usize, String> {
    let parsed = value.and_then(|text| text.replace('_', "").parse().ok());
    parsed.filter(|number| *number > 0).ok_or(format!("{flag} wants a number above 0"))
}

/// Measures what the settings ask for, prints the table as it grows and writes the file.
pub fn run(areas: &[&[Row]], settings: &Settings) {
    let cores = available_parallelism().map_or(1, usize::from);
    let clock = *CLOCK.get_or_init(|| settings.clock);
    let clock = if clock == Clock::Cpu { "time on cores" } else { "wall clock" };
    println!("{} records, {cores} cores, {clock}, best of {} rounds", settings.rows, settings.rounds);
    println!("{:<32} {:>12} {:>12} {:>8} {:>8}", "nanoseconds each", "ours", "raw", "ratio", "target");
    let mut results = Map::new();
    for area in areas {
        let data = Data::new(settings.rows);
        for row in area.iter().filter(|row| settings.wants(row)) {
            match (settings.sides, row.ours) {
                (Sides::Both, Some(ours)) => {
                    results.insert(row.name.to_owned(), compare(row, ours, &data, settings.rounds));
                }
                (Sides::Ours, Some(ours)) => time_one(row, ours, &data, settings.rounds),
                _ => time_one(row, row.raw, &data, settings.rounds),
            }
        }
    }
    if settings.sides == Sides::Both {
        save(results, settings);
    }
}

/// Both sides in turns: raw, ours, raw, ours, …
fn compare(row: &Row, ours: Run, data: &Data, rounds: usize) -> Value {
    let mut best_raw = Duration::MAX;
    let mut best_ours = Duration::MAX;
    for _ in 0..rounds {
        let (raw, ours) = ((row.raw)(data), ours(data));
        assert_eq!(raw.answer, ours.answer, "{}: the two sides did not do the same work", row.name);
        best_raw = best_raw.min(raw.elapsed);
        best_ours = best_ours.min(ours.elapsed);
    }
    let ratio = best_raw.as_secs_f64() / best_ours.as_secs_f64();
    let (ours, raw) = (nanoseconds(best_ours, row, data), nanoseconds(best_raw, row, data));
    let mark = if ratio < row.target { "  below" } else { "" };
    println!("{:<32} {ours:>12.1} {raw:>12.1} {ratio:>8.2} {:>8.2}{mark}", row.name, row.target);
    json!({ "ours": ours, "raw": raw, "ratio": ratio })
}

/// One side alone.
fn time_one(row: &Row, side: Run, data: &Data, rounds: usize) {
    let best = (0..rounds).map(|_| side(data).elapsed).min().unwrap_or_default();
    println!("{:<32} {:>12.1}", row.name, nanoseconds(best, row, data));
}

fn nanoseconds(elapsed: Duration, row: &Row, data: &Data) -> f64 {
    elapsed.as_secs_f64() * 1e9 / (row.count)(data) as f64
}

/// Writes `target/bench/ratios.json`; a run of some rows replaces those and leaves the others.
fn save(mut results: Map<String, Value>, settings: &Settings) {
    let path = folder().join(settings.file);
    if !settings.filters.is_empty() {
        let mut merged = saved(&path);
        merged.extend(results);
        results = merged;
    }
    fs::create_dir_all(folder()).expect("the target folder can be written");
    fs::write(&path, format!("{:#}\n", Value::Object(results))).expect("the target folder can be written");
    println!("{}", path.display());
}

fn saved(path: &Path) -> Map<String, Value> {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// `bench` in cargo's target folder, wherever that is.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench")
}
