//! How much memory it takes what was written since the last checkpoint: as a multiple of the journal, in a process of its own.

use std::{path::Path, process::Command};

use dk_data::{
    Database, Query, Schema, Store,
    backend::file::{Durability, Files, Options},
    document,
};

const CHILD: &str = "DK_OVERLAY_CHILD";
const RECORDS: usize = 200_000;
const BATCH: usize = 1_000;

/// Bytes of memory that the process has.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("the system tells");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number") * 4_096
}

#[test]
fn writes_in_a_process_of_its_own() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let options = Options::default().durability(Durability::Os).checkpoint_bytes(1 << 40);
    let db = Files::open_file(&path, options).expect("it opens");
    let people = db.documents("people", Schema::open("people")).expect("it opens");
    let before = resident();
    for start in (0..RECORDS).step_by(BATCH) {
        let person = |n: usize| {
            let (name, email) = (format!("Person {n}"), format!("p{n}@example.org"));
            document! { "name" => name, "email" => email, "age" => (n % 90) as u64, "city" => "Oslo" }
        };
        people.create_batch((start..start + BATCH).map(person)).expect("it is written");
    }
    let (taken, journal) = (resident() - before, std::fs::metadata(path + ".journal").expect("it is there").len());
    assert_eq!(people.count(Query::new()).expect("it counts"), RECORDS as u64);
    println!("{taken} bytes of memory, {journal} of the journal");
    assert!(taken * 10 < journal * 22, "{taken} bytes of memory for {journal} bytes of the journal");
    std::mem::forget(people);
}

#[test]
fn what_was_written_takes_little_more_memory_than_its_journal() {
    let path = crate::folder().join("people.csv");
    let run = Command::new(std::env::current_exe().expect("this test"))
        .args(["overlay::writes_in_a_process_of_its_own", "--exact", "--test-threads=1", "--nocapture"])
        .env(CHILD, Path::new(&path))
        .output()
        .expect("it starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}
