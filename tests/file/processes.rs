//! Several processes on one file lose nothing, and one that keeps it for itself is respected (semantics 8.2).

use std::{path::Path, process::Command, time::Duration};

use dk_data::{
    Changes, Database, Document, Draft, ErrorKind, Schema, Store,
    backend::file::{Durability, FileStore, Files, Options},
    document,
};

const CHILD: &str = "DK_PROCESS_CHILD";
const PROCESSES: usize = 4;
const WRITES: usize = 500;

fn open(path: &Path, options: Options) -> dk_data::Result<FileStore<Document>> {
    let options = options.durability(Durability::Os).checkpoint_bytes(64 << 10);
    Files::open_file(path, options)?.documents("counters", Schema::open("counters"))
}

fn child(role: &str, path: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["processes::works_in_a_process_of_its_own", "--exact", "--test-threads=1"])
        .env(CHILD, format!("{role} {}", path.display()))
        .spawn()
        .expect("it starts")
}

/// What each process does: creates, and increments of one counter that lose when another was faster.
#[test]
fn works_in_a_process_of_its_own() {
    let Ok(job) = std::env::var(CHILD) else { return };
    let (role, path) = job.split_once(' ').expect("a role and a path");
    let store = open(Path::new(path), Options::default().wait(Duration::from_secs(60))).expect("it opens");
    for n in 0..WRITES {
        let draft = Draft::of(document! { "role" => role, "n" => n as u64 }).id(format!("{role}-{n}")).expect("an id");
        store.create(draft).expect("it is created");
        // Compare and set, by hand: read, add, write back what nobody else wrote meanwhile.
        loop {
            let counter = store.read("counter").expect("it reads").expect("it is there");
            let next = counter.record["count"].as_int().expect("a number") + 1;
            let draft = Draft::of(document! { "count" => next as i64 }).id("counter").expect("an id");
            match store.update("counter", draft.expect(counter.envelope.version().cloned())) {
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn semantics_8_2_four_processes_lose_nothing() {
    let path = crate::folder().join("counters.jsonl");
    let store = open(&path, Options::default()).expect("it opens");
    store.create(Draft::of(document! { "count" => 0 }).id("counter").expect("an id")).expect("it is created");
    let children: Vec<_> = (0..PROCESSES).map(|n| child(&format!("p{n}"), &path)).collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let counter = store.read("counter").expect("it reads").expect("it is there");
    assert_eq!(counter.record["count"].as_int(), Some((PROCESSES * WRITES) as i128));
    for process in 0..PROCESSES {
        for n in 0..WRITES {
            assert!(store.read(format!("p{process}-{n}")).expect("it reads").is_some(), "p{process}-{n}");
        }
    }
    assert_eq!(store.count(dk_data::Query::new()).expect("it counts"), (PROCESSES * WRITES + 1) as u64);
}

#[test]
fn a_second_writer_is_told_at_once_or_waits_as_long_as_it_was_told_to() {
    let path = crate::folder().join("people.csv");
    let store = open(&path, Options::default().wait(Duration::ZERO)).expect("it opens");
    store.create(document! { "name" => "Ann" }).expect("it is created");
    // The lock is the system's, so a handle of another kind stands for another process.
    let lock = std::fs::File::create(path.with_extension("csv.lock")).expect("a lock file");
    lock.lock().expect("nobody has it");
    let refused = store.create(document! { "name" => "Bo" }).expect_err("another process writes");
    assert_eq!((refused.kind(), refused.is_retryable()), (ErrorKind::Locked, true), "{refused}");
    assert_eq!(store.count(dk_data::Query::new()).expect("readers go on"), 1);
    let patient = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        lock.unlock().expect("it is ours");
    });
    drop(store);
    let store = open(&path, Options::default().wait(Duration::from_secs(30))).expect("it opens");
    store.create(document! { "name" => "Cid" }).expect("it waited");
    patient.join().expect("it ends");
    assert_eq!(store.count(dk_data::Query::new()).expect("it counts"), 2);
}

#[test]
fn a_lock_file_that_was_left_behind_locks_nothing() {
    let path = crate::folder().join("people.csv");
    std::fs::write(path.with_extension("csv.lock"), "").expect("a file");
    let store = open(&path, Options::default().wait(Duration::ZERO)).expect("it opens");
    store.create(document! { "name" => "Ann" }).expect("it is created");
    drop(store);
    assert!(!path.with_extension("csv.lock").exists(), "and nothing is left beside the file");
    assert!(!path.with_extension("csv.journal").exists());
}

#[test]
fn handles_of_one_process_share() {
    let path = crate::folder().join("people.csv");
    let (one, two) = (open(&path, Options::default()), open(&path, Options::default()));
    let (one, two) = (one.expect("it opens"), two.expect("it opens"));
    let id = one.create(document! { "name" => "Ann", "age" => 1 }).expect("it is created").id;
    two.patch(&id, Changes::add("age", 1)).expect("it is there");
    assert_eq!(one.read(&id).expect("it reads").map(|row| row.record["age"].as_int()), Some(Some(2)));
    let other = Files::open_file(&path, Options::default()).expect("it opens").documents("p", Schema::new("p"));
    assert_eq!(other.map(drop).map_err(|e| e.kind()), Err(ErrorKind::Configuration), "another schema is refused");
}

#[test]
fn handles_of_one_process_have_the_same_options() {
    let path = crate::folder().join("counters.csv");
    let first = Files::open_file(&path, Options::default()).expect("it opens");
    let store = first.documents("counters", Schema::open("counters")).expect("it opens");
    store.create(document! { "n" => 1 }).expect("it is created");
    let options = Options::default();
    let others = [
        ("durability", options.clone().durability(Durability::Os)),
        ("wait", options.clone().wait(Duration::ZERO)),
        ("exclusive", options.clone().exclusive()),
        ("id_column", options.clone().id_column("n")),
        ("punctuation", options.clone().punctuation(b';', b'"').expect("it is fine")),
        ("null", options.clone().null("NA").expect("it is fine")),
        ("without_header", options.clone().without_header()),
        ("checkpoint_bytes", options.clone().checkpoint_bytes(1)),
        ("sort_bytes", options.clone().sort_bytes(1)),
    ];
    let reopened = |options: Options| {
        Files::open_file(&path, options).and_then(|files| files.documents("counters", Schema::open("counters")))
    };
    for (option, others) in others {
        let refused = reopened(others).map(drop).expect_err("the first one has it otherwise");
        assert_eq!(refused.kind(), ErrorKind::Configuration, "{refused}");
        assert!(refused.to_string().contains(&format!("another `{option}`")), "{refused}");
    }
    let (progress, _heard) = std::sync::mpsc::channel();
    assert!(reopened(options.clone().progress(progress)).is_ok(), "who hears of it may differ");
    drop((first, store));
    assert!(reopened(options.durability(Durability::Os)).is_ok(), "it was closed");
}
