//! A process that writes is killed at any moment: every acknowledged write is there, the others are whole or absent, and the
//! base file is valid for any reader (semantics 8.3).
//!
//! The test starts itself again as the writer, which tells over a pipe what was acknowledged.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use dk_data::{
    Database, Document, Draft, Query, Schema, Store,
    backend::file::{Durability, FileStore, Files, Options},
    document,
    store::{Atomicity, Driver, Limits, Write as StoreWrite},
};

/// Kills of one run; `DK_KILLS` says another number.
const KILLS: usize = 300;
const NAMES: [&str; 5] = ["people.csv", "people.jsonl", "people.json", "people.csv.zst", "people.jsonl.gz"];
const CHILD: &str = "DK_CRASH_CHILD";

fn schema() -> Schema {
    Schema::open("people")
}

fn open(path: &Path) -> FileStore<Document> {
    // Killing takes nothing from the system, so the device need not be waited for; checkpoints are many.
    let options = Options::default().durability(Durability::Os).checkpoint_bytes(3_000);
    Files::open_file(path, options).and_then(|db| db.documents("people", schema())).expect("the store opens")
}

/// What the writer does, for ever: creates, updates, deletes and batches, each told before and after.
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
fn killed_at_any_moment_it_loses_nothing() {
    let kills = std::env::var("DK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for (number, name) in NAMES.iter().enumerate() {
        let path = crate::folder().join(name);
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for _ in 0..kills.div_ceil(NAMES.len()) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            run_and_kill(&path, Duration::from_micros(500 + random % 40_000), &mut known);
            check(&path, &mut known);
        }
        assert!(known.len() > 20, "{number}: the writer came to write");
    }
}

fn run_and_kill(path: &PathBuf, after: Duration, known: &mut BTreeMap<String, Known>) {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["crash::writes_until_it_is_killed", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let output = child.stdout.take().expect("a pipe");
    let (started, begun) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let heard = |line: &String| {
            if line.contains("try ") {
                // Only the first is waited for.
                let _ = started.send(());
            }
        };
        lines.inspect(heard).collect::<Vec<_>>()
    });
    // The clock starts when it writes, however long the machine took to come to that.
    begun.recv_timeout(Duration::from_secs(120)).expect("it begins to write");
    std::thread::sleep(after);
    child.kill().expect("it is killed");
    let _ = child.wait();
    for line in reader.join().expect("the reader ends") {
        // The runner's own words stand before the first line.
        let line = line.rsplit("... ").next().unwrap_or_default();
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
    // Another tool's view: the text itself is valid at every moment.
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
