//! Loads a CSV file into PostgreSQL over several connections at once, shows how far it has come, and asks questions of it.
//!
//! `DK_POSTGRES_URL=postgres://user:password@host/database cargo run --release --features postgres --example load_postgres`
//! makes a file of its own, of a hundred thousand weather readings; another one of the same columns can be named behind `--`.
//! It works on the table `example_readings`, which it empties first.
//!
//! Three kinds of thread: one parses the file, some write batches, and this one prints a line a few times a second.

use std::{
    env,
    error::Error,
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::Path,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use dk_data::{
    Database, Query, Record, Store,
    backend::postgres::{Postgres, PostgresStore},
    format::csv::Csv,
};

/// How many connections write.
const WRITERS: usize = 4;
/// How many records travel together.
const BATCH: usize = 5_000;
/// How many readings the file has that is made when none is named.
const READINGS: u32 = 100_000;

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "example_readings")]
struct Reading {
    #[record(id)]
    number: u32,
    #[record(index)]
    station: String,
    /// Hundredths of a degree Celsius; nothing where the sensor failed.
    centidegrees: Option<i32>,
}

fn main() -> ExitCode {
    let Ok(url) = env::var("DK_POSTGRES_URL") else {
        eprintln!("set DK_POSTGRES_URL to a database that may be written to: postgres://user:password@host/database");
        eprintln!(
            "a private one for a moment: bash tests/services/with.sh postgres -- cargo run --features postgres --example load_postgres"
        );
        return ExitCode::from(2);
    };
    match run(&url, env::args().nth(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(url: &str, file: Option<String>) -> Result<(), Box<dyn Error>> {
    let readings = Postgres::connect(url)?.store::<Reading>()?;
    readings.clear()?;
    let loaded = match file {
        Some(path) => load(Path::new(&path), &readings)?,
        None => {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("readings.csv");
            make_file(&path)?;
            load(&path, &readings)?
        }
    };
    println!("{loaded} readings in the store");
    ask(&readings)
}

// ---- loading

/// How far the loading has come; looked at by the thread that prints.
#[derive(Default)]
struct Progress {
    bytes: AtomicU64,
    written: AtomicU64,
    refused: AtomicU64,
}

/// A reader that tells how much was read.
struct Counted<'p, T> {
    inner: T,
    progress: &'p Progress,
}

impl<T: Read> Read for Counted<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn load(path: &Path, readings: &PostgresStore<Reading>) -> Result<u64, Box<dyn Error>> {
    let size = path.metadata()?.len();
    let progress = Progress::default();
    let (batches, waiting) = mpsc::sync_channel(WRITERS);
    let waiting = Mutex::new(waiting);
    let started = Instant::now();
    thread::scope(|scope| -> dk_data::Result<()> {
        let parser = scope.spawn(|| parse(path, &progress, batches));
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(|| write(&waiting, readings, &progress))).collect();
        while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
            show(&progress, size, started);
            thread::sleep(Duration::from_millis(100));
        }
        for writer in writers {
            writer.join().expect("a writer does not panic")?;
        }
        parser.join().expect("the parser does not panic")
    })?;
    show(&progress, size, started);
    eprintln!();
    Ok(progress.written.into_inner())
}

/// Reads the file in batches. Ends early where nobody takes them any more: then a writer has failed, and says why.
fn parse(path: &Path, progress: &Progress, batches: SyncSender<Vec<Reading>>) -> dk_data::Result<()> {
    let file = File::open(path).map_err(|cause| dk_data::Error::invalid("the file does not open").because(cause))?;
    let mut batch = Vec::with_capacity(BATCH);
    for reading in Csv::default().read(Counted { inner: file, progress })? {
        match reading {
            Ok(reading) => batch.push(reading),
            Err(error) => refuse(&error, progress),
        }
        if batch.len() == BATCH && batches.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_err() {
            return Ok(());
        }
    }
    // The last batch is short, and may be empty.
    let _ = batches.send(batch);
    Ok(())
}

/// Writes batches until there are no more. A record that is refused is told by name, and the others are written.
fn write(
    waiting: &Mutex<Receiver<Vec<Reading>>>,
    readings: &PostgresStore<Reading>,
    progress: &Progress,
) -> dk_data::Result<()> {
    loop {
        let next = waiting.lock().expect("a writer does not panic").recv();
        let Ok(batch) = next else { return Ok(()) };
        for outcome in readings.create_batch(&batch)? {
            match outcome {
                Ok(_) => drop(progress.written.fetch_add(1, Ordering::Relaxed)),
                Err(error) => refuse(&error, progress),
            }
        }
    }
}

fn refuse(error: &dk_data::Error, progress: &Progress) {
    eprintln!("refused: {error}");
    progress.refused.fetch_add(1, Ordering::Relaxed);
}

/// One line, which a terminal overwrites.
fn show(progress: &Progress, size: u64, started: Instant) {
    if !io::stderr().is_terminal() {
        return;
    }
    let percent = progress.bytes.load(Ordering::Relaxed) * 100 / size.max(1);
    let written = progress.written.load(Ordering::Relaxed);
    let rate = written as f64 / started.elapsed().as_secs_f64();
    let bar = "#".repeat(percent as usize / 4);
    eprint!("\r[{bar:<25}] {percent:>3} % read, {written} written, {rate:.0} a second ");
    let _ = io::stderr().flush();
}

// ---- asking

fn ask(readings: &PostgresStore<Reading>) -> Result<(), Box<dyn Error>> {
    println!("\nFailed sensors:");
    for station in ["north", "south", "east", "west"] {
        let failed = readings.count(Reading::STATION.eq(station) & Reading::CENTIDEGREES.is_null())?;
        println!("  {station:<6} {failed}");
    }
    println!("\nThe coldest:");
    let coldest = Query::new().filter(Reading::CENTIDEGREES.not_null()).sort(Reading::CENTIDEGREES.asc()).limit(3);
    for reading in readings.search(&coldest)? {
        let degrees = f64::from(reading.centidegrees.unwrap_or_default()) / 100.0;
        println!("  {degrees:>7.2} °C  {} (reading {})", reading.station, reading.number);
    }
    println!("\nHow PostgreSQL is asked:\n{}", readings.explain(&coldest)?);
    Ok(())
}

// ---- a file to load

/// Readings that depend on their number alone, so that every run prints the same.
fn make_file(path: &Path) -> io::Result<()> {
    let mut file = io::BufWriter::new(File::create(path)?);
    writeln!(file, "number,station,centidegrees")?;
    for number in 0..READINGS {
        let station = ["north", "south", "east", "west"][number as usize % 4];
        let noise = number.wrapping_mul(2_654_435_761) >> 16;
        match noise % 500 {
            0 => writeln!(file, "{number},{station},")?,
            _ => writeln!(file, "{number},{station},{}", (noise % 6_000) as i32 - 2_000)?,
        }
    }
    file.flush()
}
