//! A disk that fails at each operation of a scenario in turn: the store says so, keeps what it acknowledged, and takes no
//! error for emptiness. And bytes that were changed behind its back.

use std::{collections::BTreeMap, path::Path};

use dk_data::{
    Database, Document, Draft, Error, ErrorKind, Query, Schema, Store,
    backend::{
        file::{Export, FileStore, Files, Options, disk::Disk, salvage},
        memory::Memory,
    },
    document,
};

use crate::disk::{Failing, Fault, Unsynced};

fn open<D: Disk>(disk: D, path: &Path) -> Result<FileStore<Document, D>, Error> {
    let options = Options::default().checkpoint_bytes(2_000);
    Files::open_file_on(disk, path, options)?.documents("people", Schema::open("people"))
}

/// What is known of each record: the value that was acknowledged last, and one of which the answer was an error.
type Known = BTreeMap<String, (Option<i64>, Option<Option<i64>>)>;

/// Creates, updates, deletes, checkpoints; goes on after failures, as a program might.
fn scenario<D: Disk>(store: &FileStore<Document, D>, known: &mut Known, errors: &mut usize) {
    for n in 0..14_i64 {
        let id = format!("r{}", n % 7);
        let (before, _) = known.get(&id).cloned().unwrap_or_default();
        let (value, done) = match n % 6 {
            4 => (None, store.delete(id.as_str()).map(drop)),
            _ => {
                let draft = Draft::of(document! { "n" => n, "pad" => "y".repeat(150) }).id(id.as_str()).expect("an id");
                (Some(n), store.upsert(id.as_str(), draft).map(drop))
            }
        };
        match done {
            Ok(()) => drop(known.insert(id, (value, None))),
            Err(_) => {
                *errors += 1;
                let unsure = known.get(&id).and_then(|(_, unsure)| *unsure).or(Some(value));
                known.insert(id, (before, unsure));
            }
        }
        if n == 7 && store.checkpoint().is_err() {
            *errors += 1;
        }
    }
}

fn agrees(path: &Path, known: &Known, what: &str) {
    let store = open(Unsynced, path).unwrap_or_else(|error| panic!("{what}: it does not open again: {error}"));
    let mut found = BTreeMap::new();
    for row in store.stream(Query::new()).expect("it reads") {
        let row = row.unwrap_or_else(|error| panic!("{what}: {error}"));
        found.insert(row.storage_id().to_string(), row.record["n"].as_int().map(|n| n as i64));
    }
    for (id, (acknowledged, unsure)) in known {
        let there = found.remove(id).flatten();
        assert!(
            there == *acknowledged || Some(there) == *unsure,
            "{what}: {id} is {there:?}, not {acknowledged:?} or {unsure:?}"
        );
    }
    assert!(found.is_empty(), "{what}: {found:?}");
}

#[test]
fn every_operation_may_fail_and_nothing_acknowledged_is_lost() {
    for name in ["people.csv", "people.jsonl.gz", "people.parquet"] {
        if cfg!(not(feature = "parquet")) && name.ends_with(".parquet") {
            continue;
        }
        for fault in [Fault::Refused, Fault::Short, Fault::Torn] {
            let mut nth = 0;
            loop {
                let path = crate::folder().join(name);
                let what = format!("{name}, {fault:?} at operation {nth}");
                let disk = Failing::at(nth, fault);
                let (mut known, mut errors) = (Known::new(), 0);
                match open(disk.clone(), &path) {
                    Ok(store) => scenario(&store, &mut known, &mut errors),
                    Err(_) => errors += 1,
                }
                agrees(&path, &known, &what);
                let _ = std::fs::remove_dir_all(path.parent().expect("a folder"));
                if !disk.has_failed() {
                    assert_eq!(errors, 0, "{what}");
                    assert!(nth > 50, "{what}: the scenario is one");
                    break;
                }
                nth += 1;
            }
        }
    }
}

#[test]
fn semantics_5_9_after_a_failed_sync_nothing_is_acknowledged_on_the_old_handle() {
    // Found by counting: the first write's own sync is the one that fails.
    for nth in 0..60 {
        let path = crate::folder().join("people.csv");
        let disk = Failing::at(nth, Fault::Torn);
        let Ok(store) = open(disk.clone(), &path) else { continue };
        let first = store.create(Draft::of(document! { "n" => 1 }).id("a").expect("an id"));
        let Err(error) = first else { continue };
        if !error.to_string().contains("made durable") {
            continue;
        }
        for n in 0..3 {
            let refused = store.create(document! { "n" => n }).expect_err("nothing more is acknowledged");
            assert_eq!(refused.kind(), ErrorKind::Backend);
            assert!(refused.to_string().contains("open the store again"), "{refused}");
        }
        assert!(store.count(Query::new()).is_ok(), "what was there is read");
        return;
    }
    panic!("no sync failed");
}

/// A store with records in base and journal.
fn mixed(path: &Path) -> BTreeMap<String, i64> {
    let store = open(Unsynced, path).expect("it opens");
    let mut all = BTreeMap::new();
    for n in 0..6_i64 {
        store.create(Draft::of(document! { "n" => n }).id(format!("r{n}")).expect("an id")).expect("it is created");
        all.insert(format!("r{n}"), n);
        if n == 2 {
            store.checkpoint().expect("it is put into the base");
        }
    }
    // As a killed process leaves it.
    std::mem::forget(store);
    all
}

/// Copies the files of a store to another place, where no handle of this process knows them.
fn copied(from: &Path, change: impl FnOnce(&Path)) -> std::path::PathBuf {
    let to = crate::folder().join(from.file_name().expect("a name"));
    for suffix in ["", ".journal"] {
        let with = |path: &Path| std::path::PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(with(from), with(&to)).expect("it is copied");
    }
    change(&to);
    to
}

fn journal(path: &Path) -> std::path::PathBuf {
    std::path::PathBuf::from(format!("{}.journal", path.display()))
}

fn read_all(path: &Path) -> Result<BTreeMap<String, i64>, Error> {
    let store = open(Unsynced, path)?;
    let rows = store.stream(Query::new())?;
    let rows =
        rows.map(|row| row.map(|row| (row.storage_id().to_string(), row.record["n"].as_int().unwrap_or(-1) as i64)));
    let all = rows.collect();
    std::mem::forget(store);
    all
}

/// Files with checksums of their own.
const SUMMED: &[&str] = &["people.csv.zst", "people.jsonl.gz"];

/// Records in several frames, of texts that hardly compress.
fn long(path: &Path, records: usize) {
    let memory = Memory::new().documents("people", Schema::open("people")).expect("it opens");
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let drafts = (0..records).map(|n| {
        let mut text = String::new();
        for _ in 0..12 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text.push_str(&format!("{random:016x}"));
        }
        Draft::of(document! { "n" => n as u64, "text" => text }).id(format!("{n:06}")).expect("an id")
    });
    assert!(memory.create_batch(drafts).expect("it writes").iter().all(Result::is_ok));
    Export::default().run(&memory, Query::new().limit(1_000_000), path, |_| ()).expect("it is exported");
}

#[test]
fn what_is_behind_the_damage_is_salvaged_where_frames_begin() {
    let names = SUMMED.iter().chain(&["people.json.gz", "people.csv.gz", "people.jsonl.zst"]);
    for name in names {
        let path = crate::folder().join(name);
        long(&path, 5_000);
        let bytes = std::fs::read(&path).expect("it is there");
        let ids = |saved: &[dk_data::Stored<Document>]| -> Vec<u64> {
            saved.iter().map(|row| row.record["n"].as_int().expect("a number") as u64).collect()
        };
        let whole = salvage(&path, Schema::open("people")).expect("it reads");
        assert_eq!((ids(&whole.records), whole.losses.len()), ((0..5_000).collect(), 0), "{name}");
        for (at, first) in [(bytes.len() / 2, true), (500, false), (bytes.len() * 9 / 10, true)] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 16;
            std::fs::write(&path, &bytes).expect("it is written");
            let saved = salvage(&path, Schema::open("people")).expect("it reads");
            let found = ids(&saved.records);
            // The header of CSV, which says what cells are, is in the first frame.
            let told = first || !name.contains("csv");
            let least = if told { 5_000 - 2 * 1_024 } else { 0 };
            assert!((least..5_000).contains(&found.len()), "{name}, byte {at}: {} records", found.len());
            let same = saved
                .records
                .iter()
                .all(|row| whole.records[row.record["n"].as_int().unwrap_or(0) as usize].record == row.record);
            assert!(same && found.is_sorted(), "{name}, byte {at}: none is another");
            assert!(!saved.losses.is_empty(), "{name}, byte {at}");
            let told = saved.losses.iter().all(|loss| loss.place().url.as_ref().is_some_and(|url| url.contains(name)));
            assert!(told, "{name}, byte {at}: {:?}", saved.losses);
        }
    }
}

#[test]
fn semantics_7_3_damage_anywhere_is_told_and_nothing_is_dropped_or_overwritten() {
    damaged_anywhere("people.jsonl", 1);
}

#[test]
fn semantics_7_3_damage_of_a_compressed_file_is_told_and_nothing_is_dropped_or_overwritten() {
    SUMMED.iter().for_each(|name| damaged_anywhere(name, 11));
}

/// Changes one byte in so many, and cuts.
fn damaged_anywhere(name: &str, every: usize) {
    let path = crate::folder().join(name);
    let all = mixed(&path);
    assert_eq!(read_all(&copied(&path, |_| ())).expect("a copy opens"), all);
    let length = |path: &Path| std::fs::metadata(path).expect("it is there").len();
    for target in [journal as fn(&Path) -> std::path::PathBuf, Path::to_path_buf] {
        let bytes = std::fs::read(target(&path)).expect("it is there");
        let written = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        for at in (0..written).step_by(every) {
            let damaged = copied(&path, |copy| {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << (at % 7);
                std::fs::write(target(copy), bytes).expect("it is written");
            });
            let before =
                (std::fs::read(&damaged).expect("it is there"), std::fs::read(journal(&damaged)).expect("it is there"));
            match read_all(&damaged) {
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
                    assert!(error.place().url.is_some(), "byte {at}: {error}");
                }
                Ok(found) => panic!("byte {at} of {} was changed, and {found:?} was read", target(&damaged).display()),
            }
            let after =
                (std::fs::read(&damaged).expect("it is there"), std::fs::read(journal(&damaged)).expect("it is there"));
            assert!(before == after, "byte {at}: the files are as they were");
            let _ = std::fs::remove_dir_all(damaged.parent().expect("a folder"));
        }
        for cut in (0..length(&target(&path))).step_by(61) {
            let damaged = copied(&path, |copy| {
                std::fs::OpenOptions::new()
                    .write(true)
                    .open(target(copy))
                    .and_then(|file| file.set_len(cut))
                    .expect("it is cut");
            });
            let error = read_all(&damaged).expect_err("a cut is told");
            assert_eq!(error.kind(), ErrorKind::Corrupt, "cut to {cut}: {error}");
            let _ = std::fs::remove_dir_all(damaged.parent().expect("a folder"));
        }
    }
}

#[test]
fn what_is_whole_is_salvaged_and_the_rest_is_listed() {
    let path = crate::folder().join("people.jsonl");
    let all = mixed(&path);
    let schema = || Schema::open("people");
    let whole = salvage(&path, schema()).expect("it reads");
    assert_eq!((whole.records.len(), whole.losses.len(), whole.journal_writes), (all.len(), 0, 3));
    let bytes = std::fs::read(journal(&path)).expect("it is there");
    let place = bytes.windows(7).position(|window| window == br#"{"n":4}"#).expect("the fifth record");
    let damaged = copied(&path, |copy| {
        let mut bytes = bytes.clone();
        bytes[place + 2] ^= 4;
        std::fs::write(journal(copy), bytes).expect("it is written");
    });
    assert!(read_all(&damaged).is_err());
    let saved = salvage(&damaged, schema()).expect("it reads");
    let ids: Vec<String> = saved.records.iter().map(|row| row.storage_id().to_string()).collect();
    assert_eq!(ids, ["r0", "r1", "r2", "r3", "r5"]);
    assert_eq!(saved.losses.len(), 1, "{:?}", saved.losses);
}

#[test]
fn a_file_that_changed_under_its_journal_is_neither_merged_nor_overwritten() {
    let path = crate::folder().join("people.jsonl");
    mixed(&path);
    let changed = copied(&path, |copy| std::fs::write(copy, "{\"n\":7}\n").expect("another tool writes"));
    let error = read_all(&changed).expect_err("which of them is right is not known");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("changed by something else"), "{error}");
    assert_eq!(std::fs::read_to_string(&changed).expect("it is there"), "{\"n\":7}\n");
}
