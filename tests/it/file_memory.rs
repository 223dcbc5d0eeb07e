//! Files are streamed and put into new ones in memory that does not grow with them.
//!
//! A process of its own does the work, so that the most it ever had resident is its own; what a process takes at all is known
//! from a short file. Where the compiler optimizes, the long one has 300 MiB; elsewhere it is read in seconds.

use std::{
    io::{BufWriter, Write},
    path::Path,
    process::Command,
};

use dk_data::{
    Database, FieldDef, Query, Schema, Store, Type,
    backend::file::{Durability, Files, Options},
    document,
};

const CHILD: &str = "DK_MEMORY_CHILD";
/// A short file, which is longer than what is in memory of it at once, and a long one.
const BYTES: [u64; 2] = if cfg!(debug_assertions) { [40 << 20, 64 << 20] } else { [40 << 20, 300 << 20] };
/// How much more may be resident for the long one, and how much at all.
const GROWTH_KIB: u64 = if cfg!(debug_assertions) { 5 << 10 } else { 16 << 10 };
const PEAK_KIB: u64 = 200 << 10;

fn schema() -> Schema {
    Schema::new("notes").field(FieldDef::new("n", Type::I64)).field(FieldDef::new("text", Type::Text))
}

/// Rows of about a kilobyte; each holds a line end and a quote.
fn write_file(path: &Path, least: u64) -> u64 {
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(path).expect("there is room"));
    out.write_all(b"n,text\n").expect("there is room");
    let text = format!("a \"\"quote\"\" and\na line end; {}", "more words; ".repeat(80));
    let (mut bytes, mut rows) = (0, 0_u64);
    while bytes < least {
        let row = format!("{rows},\"{text}\"\n");
        out.write_all(row.as_bytes()).expect("there is room");
        bytes += row.len() as u64;
        rows += 1;
    }
    out.flush().expect("there is room");
    rows
}

/// The most memory that this process ever had resident, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the system tells it");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

/// Streams all of it, writes one record more, and puts that into the file.
#[test]
fn streams_and_checkpoints_in_a_process_of_its_own() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let options = Options::default().durability(Durability::Os);
    let store = Files::open_file(path, options).and_then(|files| files.documents("notes", schema())).expect("it opens");
    let mut sum = 0;
    for row in store.stream(Query::new()).expect("it reads") {
        sum += row.expect("it reads").record["n"].as_int().expect("a number");
    }
    store.create(document! { "n" => 7, "text" => "new" }).expect("it is written");
    store.checkpoint().expect("it is put into the file");
    println!("sum {sum}, peak {}", peak_kib());
}

/// The most memory that a process had resident which did that with a file of at least so many bytes.
fn peak_for(least: u64) -> u64 {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = folder.path().join("notes.csv");
    let rows = write_file(&path, least);
    let before = std::fs::metadata(&path).expect("it is there").len();
    let child = "file_memory::streams_and_checkpoints_in_a_process_of_its_own";
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args([child, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, &path)
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let number = |word: &str| {
        let rest = text.split(word).nth(1).expect("it was said").trim_start();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().expect("a number")
    };
    assert_eq!(number("sum "), rows * (rows - 1) / 2);
    let after = std::fs::metadata(&path).expect("it is there").len();
    assert!(after > before, "the new record is in the file");
    println!("{rows} rows, {before} bytes, {} KiB resident at most", number("peak "));
    number("peak ")
}

#[test]
fn a_long_file_is_streamed_and_checkpointed_in_bounded_memory() {
    let [short, long] = BYTES.map(peak_for);
    let growth = long.saturating_sub(short);
    assert!(growth < GROWTH_KIB, "{long} KiB were resident, and {short} KiB for a file of a fraction of the length");
    assert!(long < PEAK_KIB, "{long} KiB were resident");
}
