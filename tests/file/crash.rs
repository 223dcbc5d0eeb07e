//! A process that writes is killed at any moment: every acknowledged write is there, the others are whole or absent, and the
//! base file is valid for any reader (semantics 8.3).
//!
//! The test starts itself again as the writer, which tells over a pipe what was acknowledged.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use dk_data::{
    Database, Document, Draft, Query, Schema, Store,
    backend::file::{Durability, FileStore, Files, Options},
    document,
    store::{Atomicity, Driver, Limits, Transactional, Write as StoreWrite},
};

/// Kills of one run; `DK_KILLS` says another number.
const KILLS: usize = 300;
const NAMES: &[&str] = &[
    "people.csv",
    "people.jsonl",
    "people.json",
    "people.csv.zst",
    "people.jsonl.gz",
    #[cfg(feature = "parquet")]
    "people.parquet",
];
const CHILD: &str = "DK_CRASH_CHILD";
/// The folder of the writer of transactions.
const TRANSFERS: &str = "DK_CRASH_TRANSFERS";

fn schema() -> Schema {
    Schema::open("people")
}

fn open(path: &Path) -> FileStore<Document> {
    // Killing takes nothing from the system, so the device need not be waited for; checkpoints are many.
    let options = Options::default().durability(Durability::Os).checkpoint_bytes(3_000);
    Files::open_file(path, options).and_then(|db| db.documents("people", schema())).expect("the store opens")
}

/// What the writer does, for ever: creates, updates, deletes, pairs and batches, each told before and after.
#[test]
fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let store = open(Path::new(&path));
    let mut out = std::io::stdout().lock();
    let round = std::process::id();
    for n in 0_u64.. {
        let (id, text) =
            (format!("{}", n % 50), format!("{round}-{n} \"quoted\", \u{e9}\n{}", "x".repeat((n % 97) as usize)));
        let draft = Draft::of(document! { "text" => text.as_str(), "n" => n }).id(id.as_str()).expect("an id");
        if n % 21 == 6 {
            // So many that they go into the base at once.
            let ids: Vec<String> = (0..20).map(|k| format!("new-{k}-{round}-{n}")).collect();
            let new = |id: &String| {
                Draft::of(document! { "text" => text.as_str(), "n" => n }).id(id.as_str()).expect("an id")
            };
            ids.iter().for_each(|id| writeln!(out, "try {id} {round}-{n}").expect("the pipe is open"));
            let outcomes = store.create_batch(ids.iter().map(new)).expect("it writes them");
            assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
            ids.iter().for_each(|id| writeln!(out, "done {id} {round}-{n}").expect("the pipe is open"));
            continue;
        }
        writeln!(out, "try {id} {round}-{n}").expect("the pipe is open");
        match n % 7 {
            3 => {
                store.delete(id.as_str()).expect("it deletes");
                writeln!(out, "gone {id} {round}-{n}").expect("the pipe is open");
            }
            5 => {
                let twin =
                    Draft::of(document! { "text" => text.as_str(), "n" => n }).id(format!("twin-{id}")).expect("an id");
                let both = [StoreWrite::Upsert(draft), StoreWrite::Upsert(twin)];
                store.write(both, Atomicity::All, &Limits::default()).expect("it writes both");
                writeln!(out, "pair {id} {round}-{n}").expect("the pipe is open");
            }
            _ => {
                store.upsert(id.as_str(), draft).expect("it writes");
                writeln!(out, "done {id} {round}-{n}").expect("the pipe is open");
            }
        }
    }
}

/// What may be there of a record.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The state that was acknowledged last: the write that made it, or none.
    acknowledged: Option<String>,
    /// A write that was begun and not acknowledged, and whether it was one of a pair or a delete.
    begun: Option<String>,
}

#[test]
fn semantics_8_3_killed_at_any_moment_it_loses_nothing() {
    let kills = std::env::var("DK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for (number, name) in NAMES.iter().enumerate() {
        let path = crate::folder().join(name);
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for _ in 0..kills.div_ceil(NAMES.len()) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let lines = run_and_kill("writes_until_it_is_killed", CHILD, &path, 1, 500 + random % 40_000);
            learn(lines, &mut known);
            // As any other program finds it, before anything of ours has looked at it.
            plain_reader(&path);
            // In half of the rounds all of it is looked at elsewhere, and the next writer goes on with the journal that was left,
            // behind what was never finished.
            let looked_at = if random & 1 == 0 { path.clone() } else { copied(&path) };
            check(&looked_at, &mut known);
        }
        assert!(known.len() > 20, "{number}: the writer came to write");
    }
}

/// The files of a store in another folder.
fn copied(path: &Path) -> std::path::PathBuf {
    let to = crate::folder().join(path.file_name().expect("a name"));
    for suffix in ["", ".journal"] {
        let with = |path: &Path| std::path::PathBuf::from(format!("{}{suffix}", path.display()));
        if with(path).exists() {
            std::fs::copy(with(path), with(&to)).expect("it is copied");
        }
    }
    to
}

/// Starts a writer, kills it so many microseconds after it has begun so many writes, and gives what it said.
fn run_and_kill(writer: &str, variable: &str, path: &Path, writes: usize, after_us: u64) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args([&format!("crash::{writer}"), "--exact", "--nocapture", "--test-threads=1"])
        .env(variable, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let output = child.stdout.take().expect("a pipe");
    let (started, begun) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let heard = |line: &String| {
            if line.contains("try ") {
                // Only the first few are waited for.
                let _ = started.send(());
            }
        };
        lines.inspect(heard).collect::<Vec<_>>()
    });
    // The clock starts when it has written, however long the machine took to come to that.
    for _ in 0..writes {
        begun.recv_timeout(Duration::from_secs(120)).expect("it begins to write");
    }
    std::thread::sleep(Duration::from_micros(after_us));
    child.kill().expect("it is killed");
    let _ = child.wait();
    // The runner's own words stand before the first line.
    let lines = reader.join().expect("the reader ends").into_iter();
    lines.map(|line| line.rsplit("... ").next().unwrap_or_default().to_owned()).collect()
}

/// Takes in what the writer said.
fn learn(lines: Vec<String>, known: &mut BTreeMap<String, Known>) {
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, id, write] = words[..] else { continue };
        let mut set = |id: String, known_as: Known| drop(known.insert(id, known_as));
        let before = |known: &BTreeMap<String, Known>, id: &str| known.get(id).cloned().unwrap_or_default();
        match what {
            "try" => {
                for id in [id.to_owned(), format!("twin-{id}")] {
                    let mut now = before(known, &id);
                    now.begun = Some(write.to_owned());
                    known.insert(id, now);
                }
            }
            "gone" => set(id.to_owned(), Known::default()),
            "done" => set(id.to_owned(), Known { acknowledged: Some(write.to_owned()), begun: None }),
            "pair" => {
                for id in [id.to_owned(), format!("twin-{id}")] {
                    known.insert(id, Known { acknowledged: Some(write.to_owned()), begun: None });
                }
            }
            _ => {}
        }
    }
}

/// Opens what was left, and compares each record with what may be there.
fn check(path: &Path, known: &mut BTreeMap<String, Known>) {
    let store = open(path);
    let mut found = BTreeMap::new();
    for row in store.stream(Query::new()).expect("it reads") {
        let row = row.expect("every record is whole");
        let text = row.record["text"].as_text().expect("a text").to_owned();
        let write = text.split(' ').next().unwrap_or_default().to_owned();
        let n = row.record["n"].as_int().expect("a number") as u64;
        assert!(
            write.ends_with(&format!("-{n}")) && text.ends_with(&"x".repeat((n % 97) as usize)),
            "{text:?} is whole"
        );
        assert!(found.insert(row.storage_id().to_string(), write).is_none(), "one record of each id");
    }
    for (id, known) in known.iter_mut() {
        let there = found.remove(id);
        let begun = known.begun.take();
        let deleted = there.is_none() && begun.as_deref().is_some_and(is_delete);
        let fits = there == known.acknowledged || (there.is_some() && there == begun) || deleted;
        assert!(fits, "{}: record {id} is {there:?}, and {known:?} with {begun:?} begun", path.display());
        known.acknowledged = there;
    }
    assert!(found.is_empty(), "records that nobody wrote: {found:?}");
    // And as any other program finds it when it was closed.
    drop(store);
    plain_reader(path);
}

/// Whether a write is one that deletes.
fn is_delete(write: &str) -> bool {
    write.rsplit('-').next().and_then(|n| n.parse::<u64>().ok()).is_some_and(|n| n % 7 == 3)
}

/// Reads the base file as any other program would.
fn plain_reader(path: &Path) {
    let Ok(file) = std::fs::File::open(path) else { return };
    #[cfg(feature = "parquet")]
    if path.extension().is_some_and(|extension| extension == "parquet") {
        let rows = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).expect("a footer");
        rows.build().expect("it reads").for_each(|batch| drop(batch.expect("it is whole")));
        return;
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut text = String::new();
    let read = |reader: &mut dyn std::io::Read, text: &mut String| reader.read_to_string(text).expect("it is whole");
    match name.rsplit('.').next() {
        Some("gz") => read(&mut flate2::read::MultiGzDecoder::new(file), &mut text),
        Some("zst") => read(&mut zstd::Decoder::new(file).expect("a decoder"), &mut text),
        _ => read(&mut { file }, &mut text),
    };
    if name.contains("csv") {
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        rows.records().for_each(|row| drop(row.expect("every row has as many cells as the header")));
    } else if name.contains("jsonl") {
        text.lines().for_each(|line| drop(serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON")));
    } else {
        drop(serde_json::from_str::<Vec<serde_json::Value>>(&text).expect("one array"));
    }
}

fn open_both(folder: &Path) -> Files {
    let options = Options::default().durability(Durability::Os).checkpoint_bytes(3_000);
    Files::open_with(folder, options).expect("the folder opens")
}

/// What the writer of transactions does, for ever: the same number into two files, and a record of its own into each.
#[test]
fn transfers_until_it_is_killed() {
    let Ok(folder) = std::env::var(TRANSFERS) else { return };
    let files = open_both(Path::new(&folder));
    let first = sums(&files)[0].unwrap_or(0);
    let mut out = std::io::stdout().lock();
    for n in first + 1.. {
        writeln!(out, "try {n}").expect("the pipe is open");
        let done: dk_data::Result<()> = files.transaction(|tx| {
            for name in BOTH {
                let store = tx.documents(name, schema())?;
                store.upsert("sum", Draft::of(document! { "n" => n, "pad" => "p".repeat(50) }))?;
                store.upsert(format!("r{}", n % 20), Draft::of(document! { "n" => n }))?;
            }
            Ok(())
        });
        done.expect("it is done");
        writeln!(out, "done {n}").expect("the pipe is open");
    }
}

const BOTH: [&str; 2] = ["left", "right"];

fn sums(files: &Files) -> [Option<i64>; 2] {
    BOTH.map(|name| {
        let store = files.documents(name, schema()).expect("it opens");
        let row = store.read("sum").expect("it reads");
        row.and_then(|row| row.record["n"].as_int()).map(|n| n as i64)
    })
}

/// Neither file has a transaction that the other has not, and none that was acknowledged is missing.
#[test]
fn killed_in_a_transaction_both_files_have_it_or_neither() {
    let kills = std::env::var("DK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let folder = crate::folder();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut last = 0;
    for _ in 0..kills / 6 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let lines = run_and_kill(
            "transfers_until_it_is_killed",
            TRANSFERS,
            &folder,
            1 + random as usize % 6,
            random >> 32 & 0xfff,
        );
        let number = |word: &str| {
            let mut numbers = lines.iter().filter_map(|line| line.strip_prefix(word)?.trim().parse::<i64>().ok());
            numbers.next_back()
        };
        let acknowledged = number("done ").unwrap_or(last);
        let begun = number("try ").unwrap_or(acknowledged);
        let files = open_both(&folder);
        let [left, right] = sums(&files);
        assert_eq!(left, right, "half of a transaction");
        let there = left.unwrap_or(0);
        assert!(there == acknowledged || there == begun, "{there}, not {acknowledged} or {begun}");
        for name in BOTH {
            let store = files.documents(name, schema()).expect("it opens");
            let rows = store.search(Query::new()).expect("every record is whole");
            let newest = rows.iter().filter(|row| *row.storage_id() != "sum");
            let newest = newest.filter_map(|row| row.record["n"].as_int()).max();
            assert_eq!(newest.unwrap_or(0), i128::from(there), "{name} has all of it");
        }
        last = there;
    }
    assert!(last > 50 || kills < KILLS, "the writer came to write: {last}");
}
