//! A disk that fails at each operation of a scenario in turn: the store says so, keeps what it acknowledged, and takes no
//! error for emptiness.

use std::{collections::BTreeMap, path::Path};

use dk_data::{
    Database, Document, Draft, Error, ErrorKind, Query, Schema, Store, Stored,
    backend::file::{Durability, FileStore, Files, Options, disk::Disk},
    document,
};

use crate::disk::{Failing, Fault, Unsynced};

pub fn open<D: Disk>(disk: D, path: &Path) -> Result<FileStore<Document, D>, Error> {
    let options = Options::default().checkpoint_bytes(2_000);
    Files::open_file_on(disk, path, options)?.documents("people", Schema::open("people"))
}

/// What is known of each record: the value that was acknowledged last, and one of which the answer was an error.
type Known = BTreeMap<String, (Option<i64>, Option<Option<i64>>)>;

/// New records that are too many for the journal: they go into the base at once.
fn batch<D: Disk>(store: &FileStore<Document, D>, n: i64, known: &mut Known) -> bool {
    let ids: Vec<String> = (0..15).map(|k| format!("b{n}-{k}")).collect();
    let draft =
        |id: &String| Draft::of(document! { "n" => n, "pad" => "z".repeat(150) }).id(id.as_str()).expect("an id");
    let outcomes = store.create_batch(ids.iter().map(draft));
    let is_done = |k: usize| outcomes.as_ref().is_ok_and(|outcomes| outcomes[k].is_ok());
    for (k, id) in ids.into_iter().enumerate() {
        known.insert(id, if is_done(k) { (Some(n), None) } else { (None, Some(Some(n))) });
    }
    outcomes.is_ok_and(|outcomes| outcomes.iter().all(Result::is_ok))
}

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
        if n == 9 && !batch(store, n, known) {
            *errors += 1;
        }
        if n == 7 && store.checkpoint().is_err() {
            *errors += 1;
        }
    }
}

/// Reads all that is known, one by one and together; every answer is an error, or what is known.
fn looks<D: Disk>(store: &FileStore<Document, D>, known: &Known, what: &str) -> usize {
    let mut errors = 0;
    let number = |row: &Stored<Document>| row.record["n"].as_int().map(|n| n as i64);
    let fits = |id: &str, there: Option<i64>| {
        let (acknowledged, unsure) = known[id];
        assert!(
            there == acknowledged || Some(there) == unsure,
            "{what}: {id} is {there:?}, not {acknowledged:?} or {unsure:?}"
        );
    };
    for id in known.keys() {
        match store.read(id.as_str()) {
            Ok(row) => fits(id, row.as_ref().and_then(number)),
            Err(_) => errors += 1,
        }
    }
    match store.search(Query::new().limit(1_000)) {
        Ok(rows) => {
            let there: BTreeMap<_, _> = rows.iter().map(|row| (row.storage_id().to_string(), number(row))).collect();
            known.keys().for_each(|id| fits(id, there.get(id).copied().flatten()));
        }
        Err(_) => errors += 1,
    }
    let all = known.values().filter(|(acknowledged, _)| acknowledged.is_some()).count();
    let sure = known.values().all(|(_, unsure)| unsure.is_none());
    match store.count(Query::new()) {
        Ok(count) => assert!(!sure || count == all as u64, "{what}: {count} records, and {all} are known"),
        Err(_) => errors += 1,
    }
    errors
}

/// Nothing is done behind the caller's back here, so each failure is one of something that was asked for.
#[test]
fn semantics_7_2_every_failure_is_told_and_none_is_taken_for_emptiness() {
    let names = [("people.csv", 1), ("people.jsonl.gz", 7), ("people.parquet", 7)];
    for (name, step) in names {
        if cfg!(not(feature = "parquet")) && name.ends_with(".parquet") {
            continue;
        }
        for lasting in [false, true] {
            for nth in (0..).step_by(step) {
                let path = crate::folder().join(name);
                let what = format!("{name}, operation {nth}, lasting: {lasting}");
                let disk = if lasting { Failing::from(nth) } else { Failing::at(nth, Fault::Refused) };
                let options = Options::default().checkpoint_bytes(1 << 30);
                let files = Files::open_file_on(disk.clone(), &path, options).expect("nothing is opened yet");
                let Ok(store) = files.documents("people", Schema::open("people")) else {
                    assert!(disk.has_failed(), "{what}");
                    continue;
                };
                let (mut known, mut errors) = (Known::new(), 0);
                scenario(&store, &mut known, &mut errors);
                errors += looks(&store, &known, &what);
                errors += usize::from(store.checkpoint().is_err());
                errors += looks(&store, &known, &what);
                let failed = disk.has_failed();
                assert!(errors > 0 || !failed || disk.has_failed_in_reading(), "{what}: nobody was told");
                drop((store, files));
                agrees(&path, &known, &what);
                let _ = std::fs::remove_dir_all(path.parent().expect("a folder"));
                if !failed {
                    assert!(nth > 50, "{what}: the scenario is one");
                    break;
                }
            }
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
    for name in ["people.csv", "people.csv.zst", "people.json", "people.jsonl", "people.jsonl.gz", "people.parquet"] {
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

/// Where writes wait for no device, it is `sync` that fails, and is not asked a second time.
#[test]
fn semantics_5_9_after_a_failed_sync_on_demand_nothing_is_acknowledged_either() {
    let mut seen = 0;
    for nth in 0..120 {
        let path = crate::folder().join("people.csv");
        let disk = Failing::at(nth, Fault::Refused);
        let files = Files::open_file_on(disk.clone(), &path, Options::default().durability(Durability::Os));
        let Ok(store) = files.and_then(|files| files.documents("people", Schema::open("people"))) else { continue };
        if store.create(document! { "n" => 1 }).is_err() {
            continue;
        }
        let Err(first) = store.sync() else { continue };
        seen += 1;
        let refused = [
            store.sync().map_err(|error| error.to_string()),
            store.create(document! { "n" => 2 }).map(drop).map_err(|error| error.to_string()),
            store.sync().map_err(|error| error.to_string()),
            store.checkpoint().map_err(|error| error.to_string()),
        ];
        for refused in refused {
            assert!(refused.as_ref().is_err_and(|why| why.contains("open the store again")), "{first}: {refused:?}");
        }
        assert!(store.count(Query::new()).is_ok(), "what was there is read");
    }
    assert!(seen > 0, "no sync failed");
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

/// Records that are long enough for the journal to grow every few of them; how many were acknowledged.
fn grows(disk: &Failing, path: &Path) -> Vec<String> {
    let options = Options::default().checkpoint_bytes(1 << 30);
    let files = Files::open_file_on(disk.clone(), path, options).expect("nothing is opened yet");
    let Ok(store) = files.documents("people", Schema::open("people")) else { return Vec::new() };
    let created = (0..12).map(|n| store.create(document! { "n" => n, "pad" => "p".repeat(20_000) }));
    created.map_while(Result::ok).map(|written| written.id.to_string()).collect()
}

fn holds(path: &Path, acknowledged: &[String], what: &str) {
    let store = open(Unsynced, path).unwrap_or_else(|error| panic!("{what}: it does not open again: {error}"));
    for id in acknowledged {
        let read = store.read(id.as_str()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(read.is_some(), "{what}: {id} is lost");
    }
}

/// The device may have a frame of the journal, and not the length of the file that it needs.
#[test]
fn semantics_5_9_where_the_power_fails_while_the_journal_grows_it_is_not_taken_for_cut() {
    for nth in 0.. {
        let (disk, path) = (Failing::from(nth), crate::folder().join("people.csv"));
        let acknowledged = grows(&disk, &path);
        disk.power_fails();
        holds(&path, &acknowledged, &format!("operation {nth}"));
        if !disk.has_failed() {
            assert_eq!(acknowledged.len(), 12, "the scenario is one");
            break;
        }
    }
}

fn copied(path: &Path) -> std::path::PathBuf {
    let folder = crate::folder();
    for entry in path.parent().expect("a folder").read_dir().expect("it is there") {
        let entry = entry.expect("it is listed");
        std::fs::copy(entry.path(), folder.join(entry.file_name())).expect("there is room");
    }
    folder.join(path.file_name().expect("a name"))
}

/// Half a frame is left behind, and whoever clears it away is killed, too.
#[test]
fn semantics_8_3_killed_while_half_a_frame_is_cleared_away_loses_nothing() {
    let mut cleared = 0;
    for nth in (20..).step_by(3) {
        let (disk, path) = (Failing::torn_from(nth), crate::folder().join("people.csv"));
        let acknowledged = grows(&disk, &path);
        if !disk.has_failed() {
            break;
        }
        for later in 0.. {
            let (disk, path) = (Failing::from(later), copied(&path));
            let more = grows(&disk, &path);
            let what = format!("operation {later} behind operation {nth}");
            holds(&path, &[&acknowledged[..], &more].concat(), &what);
            if !more.is_empty() || !disk.has_failed() {
                cleared += 1;
                break;
            }
        }
    }
    assert!(cleared > 5, "the scenario is one");
}

/// Where a compressed file cannot be read for a moment, it is not taken for one of another maker.
#[test]
fn a_compressed_file_that_cannot_be_looked_at_is_not_opened() {
    for name in ["people.csv.gz", "people.jsonl.zst"] {
        let path = crate::folder().join(name);
        let store = open(Unsynced, &path).expect("it is new");
        store.create_batch((0..3_000).map(|n| document! { "n" => n, "pad" => "p".repeat(300) })).expect("it writes");
        store.checkpoint().expect("it is put into the file");
        let mut unseen = 0;
        for nth in 0.. {
            let disk = Failing::at(nth, Fault::Refused);
            let opened = open(disk.clone(), &path).map(drop).map_err(|error| error.kind());
            if !disk.has_failed() {
                assert!(nth > 8, "{name}: its frames are looked at");
                break;
            }
            assert!(matches!(opened, Ok(()) | Err(ErrorKind::Backend)), "{name}, {nth}: {opened:?}");
            unseen += u64::from(disk.has_failed_in_reading() && opened.is_ok());
        }
        // What is read ahead of the first rows is nobody's business.
        assert!(unseen <= 1, "{name}: {unseen} failures are not told");
    }
}
