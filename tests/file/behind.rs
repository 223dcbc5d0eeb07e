//! What something else does to the files of a store behind its back, while it is open or before: it is told, nothing that was
//! acknowledged is lost by it, and nothing of others is overwritten.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use dk_data::{
    Changes, Database, Document, Draft, Error, ErrorKind, Query, Schema, Store,
    backend::file::{Export, FileStore, Files, Import, Options, disk::Disk, salvage},
    backend::memory::Memory,
    document,
    store::Driver,
};

use crate::disk::{Failing, Fault, Unsynced};

fn schema() -> Schema {
    Schema::open("people")
}

/// Opens a file. Each kind of disk is a process of its own.
fn open<D: Disk>(disk: D, path: &Path, options: Options) -> Result<FileStore<Document, D>, Error> {
    Files::open_file_on(disk, path, options)?.documents("people", schema())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

fn with_id(id: &str, n: i64) -> Draft<'static, Document> {
    Draft::of(document! { "n" => n }).id(id).expect("an id")
}

/// The ids that a store has for whoever opens it next.
fn ids(path: &Path) -> Vec<String> {
    let store = open(Failing::never(), path, Options::default()).expect("it opens");
    let rows = store.search(Query::new()).expect("it reads");
    let mut ids: Vec<_> = rows.iter().map(|row| row.storage_id().to_string()).collect();
    std::mem::forget(store);
    ids.sort();
    ids
}

#[test]
fn what_another_tool_writes_during_a_checkpoint_is_not_overwritten() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, "name,age\nAnn,40\n").expect("it is written");
    let disk = Failing::never();
    let store = open(disk.clone(), &path, Options::default()).expect("it opens");
    store.create(document! { "name" => "Bo", "age" => 41 }).expect("it is in the journal");
    disk.append_then(&path, "Cid,42\n");
    let refused = store.checkpoint().expect_err("the file is another");
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "name,age\nAnn,40\nCid,42\n");
    assert!(!beside(&path, ".new").exists());
    // The journal belongs to the file as it was.
    assert_eq!(store.count(Query::new()).map_err(|error| error.kind()), Err(ErrorKind::Corrupt));
}

#[test]
fn what_another_tool_writes_while_records_go_into_the_base_at_once_is_not_overwritten() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, "name,age\nAnn,40\n").expect("it is written");
    let disk = Failing::never();
    let store = open(disk.clone(), &path, Options::default().checkpoint_bytes(100)).expect("it opens");
    let new = || (0..20).map(|n| document! { "name" => "Bo", "age" => n });
    disk.append_then(&path, "Cid,42\n");
    let refused = store.create_batch(new()).expect_err("the file is another");
    assert_eq!((refused.kind(), refused.is_retryable()), (ErrorKind::Conflict, true), "{refused}");
    assert_eq!(store.count(Query::new()).expect("what is there is read"), 2);
    assert!(store.create_batch(new()).expect("now it is not").iter().all(Result::is_ok));
    assert_eq!(store.count(Query::new()).expect("it reads"), 22);
    assert!(std::fs::read_to_string(&path).expect("it is there").contains("\nCid,42"));
}

#[test]
fn a_journal_that_is_taken_away_is_written_anew() {
    for last in ["write", "checkpoint"] {
        let path = crate::folder().join("people.csv");
        let store = open(Unsynced, &path, Options::default()).expect("it opens");
        store.create(with_id("a", 1)).expect("it is created");
        store.checkpoint().expect("it is in the base");
        store.create(with_id("b", 2)).expect("it is in the journal");
        std::fs::remove_file(beside(&path, ".journal")).expect("it was there");
        assert_eq!(store.count(Query::new()).expect("it reads"), 2, "this process has it");
        match last {
            "write" => drop(store.create(with_id("c", 3)).expect("it goes on")),
            _ => store.checkpoint().expect("it has all of it"),
        }
        std::mem::forget(store);
        let all: &[&str] = if last == "write" { &["a", "b", "c"] } else { &["a", "b"] };
        assert_eq!(ids(&path), all, "{last}");
    }
}

#[test]
fn a_journal_in_the_place_of_another_is_told() {
    let path = crate::folder().join("people.csv");
    let store = open(Unsynced, &path, Options::default()).expect("it opens");
    store.create(with_id("a", 1)).expect("it is created");
    store.checkpoint().expect("it is in the base");
    store.create(with_id("b", 2)).expect("it is in the journal");
    std::fs::remove_file(beside(&path, ".journal")).expect("it was there");
    let other = open(Failing::never(), &path, Options::default()).expect("it opens");
    other.create(with_id("c", 3)).expect("it knows nothing of the first");
    for refused in [store.create(with_id("d", 4)).map(drop), store.count(Query::new()).map(drop), store.checkpoint()] {
        assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::Corrupt));
    }
    std::mem::forget((store, other));
}

#[test]
fn semantics_7_2_a_file_that_is_moved_away_is_not_an_empty_store() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, "name\nAnn\n").expect("it is written");
    let store = open(Unsynced, &path, Options::default()).expect("it opens");
    let away = beside(&path, ".away");
    std::fs::rename(&path, &away).expect("it was there");
    let gone = |done: Result<(), Error>| {
        let error = done.expect_err("it is gone");
        assert!(error.kind() == ErrorKind::Backend && error.to_string().contains("the file is gone"), "{error}");
    };
    gone(store.search(Query::new()).map(drop));
    gone(store.count(Query::new()).map(drop));
    gone(store.create(document! { "name" => "Bo" }).map(drop));
    std::thread::sleep(Duration::from_millis(15));
    gone(store.read("0000000001").map(drop));
    assert!(!path.exists(), "none is made in its place");
    std::fs::rename(&away, &path).expect("it was there");
    store.create(document! { "name" => "Bo" }).expect("it is back");
    assert_eq!(store.count(Query::new()).expect("it reads"), 2);
}

/// The file that a checkpoint has made may be as long as the one before it, and as old.
#[test]
fn semantics_8_3_an_aborted_checkpoint_loses_nothing_where_both_files_look_alike() {
    let mut alike = 0;
    for nth in (0..90).cycle().take(900) {
        let path = crate::folder().join("people.jsonl");
        let first = open(Unsynced, &path, Options::default()).expect("it opens");
        first.create(with_id("a", 1)).expect("it is created");
        drop(first);
        let store = open(Failing::at(nth, Fault::Refused), &path, Options::default());
        let Ok(store) = store else { continue };
        if store.patch("a", Changes::set("n", 2)).is_err() {
            continue;
        }
        let done = store.checkpoint();
        std::mem::forget(store);
        let Ok(new) = std::fs::metadata(beside(&path, ".new")) else { continue };
        let base = std::fs::File::options().append(true).open(&path).expect("it is there");
        if done.is_ok() || base.metadata().expect("it is there").len() != new.len() {
            continue;
        }
        alike += 1;
        base.set_modified(new.modified().expect("the system says it")).expect("it is ours");
        let store = open(Unsynced, &path, Options::default()).expect("it opens");
        let n = || store.read("a").expect("it reads").expect("it is there").record["n"].as_int();
        assert_eq!(n(), Some(2));
        store.create(with_id("b", 3)).expect("it goes on");
        store.checkpoint().expect("nothing is in the way");
        assert_eq!(n(), Some(2));
        if alike == 2 {
            return;
        }
    }
    panic!("no checkpoint was aborted before its end");
}

#[test]
fn an_edit_is_seen_whatever_time_it_says_it_was_made_at() {
    let path = crate::folder().join("people.jsonl");
    std::fs::write(&path, "{\"n\":1}\n").expect("it is written");
    let store = open(Unsynced, &path, Options::default()).expect("it opens");
    store.create(with_id("b", 3)).expect("it is in the journal");
    let then = std::fs::metadata(&path).and_then(|found| found.modified()).expect("it is there");
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(&path, "{\"n\":7}\n").expect("another tool writes");
    let file = std::fs::File::options().append(true).open(&path).expect("it is there");
    file.set_modified(then).expect("it is ours");
    let told = cfg!(unix);
    assert_eq!(store.count(Query::new()).is_err(), told);
    std::mem::forget(store);
    let again = open(Failing::never(), &path, Options::default());
    assert_eq!(again.map_err(|error| error.kind()).is_err_and(|kind| kind == ErrorKind::Corrupt), told);
}

#[test]
fn semantics_7_3_a_file_without_bytes_is_damaged_where_none_has_none() {
    for name in ["a.json", "a.csv.gz", "a.jsonl.gz", "a.json.gz", "a.csv.zst", "a.parquet"] {
        if cfg!(not(feature = "parquet")) && name.ends_with(".parquet") {
            continue;
        }
        let path = crate::folder().join(name);
        std::fs::write(&path, "").expect("it is written");
        let opened = open(Unsynced, &path, Options::default()).and_then(|store| store.count(Query::new()));
        assert_eq!(opened.map_err(|error| error.kind()), Err(ErrorKind::Corrupt), "{name}");
        assert_eq!(std::fs::metadata(&path).expect("it is there").len(), 0, "{name}");
    }
    for name in ["a.csv", "a.tsv", "a.jsonl"] {
        let path = crate::folder().join(name);
        std::fs::write(&path, "").expect("it is written");
        let store = open(Unsynced, &path, Options::default()).expect("it is a file of no records");
        assert_eq!(store.count(Query::new()).expect("it reads"), 0, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn no_more_may_read_what_is_written_than_might_before() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    for given in [0o600, 0o664, 0o640] {
        let path = crate::folder().join("people.csv");
        std::fs::write(&path, "name\nAnn\n").expect("it is written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(given)).expect("it is ours");
        // One that a killed process has left.
        std::fs::write(beside(&path, ".new"), "").expect("it is written");
        let store = open(Unsynced, &path, Options::default()).expect("it opens");
        store.create(document! { "name" => "Bo" }).expect("it is created");
        assert_eq!(mode(&beside(&path, ".journal")), given, "{given:o}");
        store.checkpoint().expect("it is put into the base");
        assert_eq!(mode(&path), given, "{given:o}");
        store.close().expect("it closes");
        let one = Memory::new().documents("people", schema()).expect("memory opens");
        one.create(document! { "name" => "Cid" }).expect("memory takes it");
        Export::default().overwrite().run(&one, Query::new(), &path, |_| ()).expect("it is written");
        assert_eq!(mode(&path), given, "{given:o}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_file_and_to_what_is_beside_it() {
    let folder = crate::folder();
    let (path, link) = (folder.join("people.jsonl"), folder.join("link.jsonl"));
    std::os::unix::fs::symlink("people.jsonl", &link).expect("the folder is ours");
    // What it leads to is not there yet.
    let store = open(Unsynced, &link, Options::default()).expect("it opens");
    store.create(with_id("a", 1)).expect("it is created");
    store.checkpoint().expect("it is put into the base");
    assert!(path.exists() && link.is_symlink());
    store.create(with_id("b", 2)).expect("it is in the journal");
    assert!(beside(&path, ".journal").exists());
    let saved = salvage(&link, schema()).expect("it reads");
    assert_eq!((saved.records.len(), saved.losses.len()), (2, 0));
    let copy = Memory::new().documents("people", schema()).expect("memory opens");
    let import = Import::default().run(&copy, &link, drop);
    assert_eq!(import.map(drop).map_err(|error| error.kind()), Err(ErrorKind::Conflict));
    let export = || Export::default().overwrite().run(&copy, Query::new(), &link, |_| ());
    assert_eq!(export().map(drop).map_err(|error| error.kind()), Err(ErrorKind::Conflict));
    store.close().expect("it closes");
    export().expect("it is nobody's");
    assert!(link.is_symlink() && std::fs::metadata(&path).expect("it is there").len() == 0);
    let declared = Schema::new("people").field(dk_data::FieldDef::new("n", dk_data::Type::Text));
    let declared = serde_json::to_string(&declared).expect("it is a schema");
    std::fs::write(beside(&path, ".schema.json"), declared).expect("it is written");
    let store = open(Failing::never(), &link, Options::default()).expect("it opens");
    assert!(store.schema().find("n").is_some(), "what is declared beside the file");
}

/// What fails is tried again, but not with every write.
#[test]
fn a_checkpoint_that_keeps_failing_costs_no_more_than_a_few_times_what_is_written() {
    let path = crate::folder().join("people.jsonl");
    let mut text = "{\"n\":1,\"text\":\"as it was\"}\n".repeat(400);
    text.push_str("{broken\n");
    std::fs::write(&path, &text).expect("it is written");
    let disk = Failing::never();
    let store = open(disk.clone(), &path, Options::default().checkpoint_bytes(1_000)).expect("it opens");
    for n in 0..400 {
        store.create(document! { "n" => n }).expect("the journal takes it");
    }
    let most = 25 * text.len() as u64;
    assert!(disk.bytes_read() < most, "{} bytes read, of a file of {}", disk.bytes_read(), text.len());
    assert!(store.checkpoint().is_err(), "who asks for it is told");
    std::mem::forget(store);
    assert!(!beside(&path, ".new").exists(), "and what was written of the new file is gone");
}

#[test]
fn where_the_device_is_full_nothing_is_left_of_the_new_file() {
    let mut seen = 0;
    for nth in 0..60 {
        let path = crate::folder().join("people.csv");
        let disk = Failing::at(nth, Fault::Short);
        let Ok(store) = open(disk, &path, Options::default()) else { continue };
        let done = store.create(document! { "n" => 1 }).map(drop).and_then(|()| store.checkpoint());
        let Err(error) = done else { continue };
        if !error.to_string().contains("place") {
            seen += 1;
            assert!(!beside(&path, ".new").exists(), "operation {nth}: {error}");
        }
        std::mem::forget(store);
    }
    assert!(seen > 10);
}

#[test]
fn semantics_5_9_after_a_failed_sync_the_store_is_opened_again_from_the_same_database() {
    let mut seen = 0;
    for nth in 0..60 {
        for options in [Options::default(), Options::default().exclusive()] {
            let path = crate::folder().join("people.csv");
            let Ok(files) = Files::open_file_on(Failing::at(nth, Fault::Refused), &path, options) else { continue };
            let Ok(store) = files.documents("people", schema()) else { continue };
            let Err(error) = store.create(with_id("a", 1)) else { continue };
            if !error.to_string().contains("made durable") {
                continue;
            }
            seen += 1;
            let again = files.documents("people", schema()).expect("it opens again");
            again.create(with_id("b", 2)).expect("and takes writes");
            assert!(store.create(with_id("c", 3)).is_err(), "the old one does not");
            std::mem::forget((files, store, again));
            let other = Files::open_file_on(Unsynced, &path, Options::default()).expect("it opens");
            let other = other.documents("people", schema()).expect("it opens");
            assert!(other.read("b").expect("it reads").is_some());
            std::mem::forget(other);
        }
    }
    assert!(seen >= 2, "no sync failed");
}

#[test]
fn who_keeps_a_file_for_itself_gives_it_back_when_it_closes_its_last_store() {
    let path = crate::folder().join("people.csv");
    let files = Files::open_file_on(Unsynced, &path, Options::default().exclusive()).expect("it opens");
    let documents = || files.documents("people", schema()).expect("it opens");
    let (one, two) = (documents(), documents());
    one.create(document! { "n" => 1 }).expect("it is created");
    let other = open(Failing::never(), &path, Options::default().wait(Duration::ZERO)).expect("who reads may");
    let write = || other.create(document! { "n" => 2 }).map(drop).map_err(|error| error.kind());
    one.close().expect("it closes");
    assert_eq!(write(), Err(ErrorKind::Locked), "the other store of it is open");
    two.close().expect("it closes");
    assert_eq!(write(), Ok(()), "the database is open, and no store of it");
    let again = documents();
    assert_eq!(write(), Err(ErrorKind::Locked));
    assert_eq!(again.count(Query::new()).expect("it reads"), 2, "what was written meanwhile is seen");
}

#[test]
fn who_waits_for_one_file_keeps_nobody_from_another() {
    let folder = crate::folder();
    let path = folder.join("people.csv");
    let lock = std::fs::File::create(beside(&path, ".lock")).expect("a lock file");
    lock.lock().expect("nobody has it");
    let waiting = std::thread::spawn(move || {
        let options = Options::default().exclusive().wait(Duration::from_secs(60));
        open(Unsynced, &path, options).map(drop).map_err(|error| error.kind())
    });
    std::thread::sleep(Duration::from_millis(100));
    let started = std::time::Instant::now();
    open(Unsynced, &folder.join("other.csv"), Options::default()).expect("it opens");
    assert!(started.elapsed() < Duration::from_secs(30), "it did not wait");
    assert!(!waiting.is_finished());
    lock.unlock().expect("it is ours");
    assert_eq!(waiting.join().expect("it ends"), Ok(()));
}

#[test]
fn a_database_stays_where_it_is_when_the_process_goes_elsewhere() {
    let files = Files::open_file("data/people.csv", Options::default()).expect("nothing is opened yet");
    let here = std::env::current_dir().expect("it is somewhere");
    assert_eq!(format!("{files:?}"), format!("Files({:?})", here.join("data/people.csv")));
}

#[test]
fn a_folder_is_made_by_the_disk() {
    let folder = crate::folder().join("of/it");
    let refused = Files::open_on(Failing::at(0, Fault::Refused), &folder, Options::default());
    assert_eq!(refused.map(drop).map_err(|error| error.kind()), Err(ErrorKind::Backend));
    Files::open(&folder).expect("it is made");
    assert!(folder.is_dir());
}
