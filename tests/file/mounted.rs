//! A file system that is mounted for reading alone, by the operating system itself: in a mount namespace that a child process has
//! for itself, so that nothing else sees it and nothing of it is left.

use std::{path::Path, process::Command};

use dk_data::{
    Database, Document, Draft, ErrorKind, Filter, Query, Schema, Store,
    backend::file::{FileStore, Files, Options},
    document,
};

const CHILD: &str = "DK_MOUNTED_CHILD";
const NAMES: [&str; 3] = ["people.csv", "people.jsonl.gz", "people.json"];

fn open(path: &Path, options: Options) -> dk_data::Result<FileStore<Document>> {
    Files::open_file(path, options)?.documents("people", Schema::open("people"))
}

/// What is done in the child: everything that reads works, and everything that writes is told.
#[test]
fn reads_where_nothing_can_be_written() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let folder = Path::new(&folder);
    std::fs::write(folder.join("x"), "").expect_err("it is mounted for reading alone");
    for name in NAMES {
        let store = open(&folder.join(name), Options::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The last of them is in the journal.
        assert_eq!(store.count(Query::new()).expect("it counts"), 4, "{name}");
        let late = Filter::ge("n", 2).bind::<Document>(store.schema()).expect("it fits");
        let found = store.search(Query::new().filter(late).limit(9)).expect("it searches");
        assert_eq!(found.len(), 2, "{name}");
        for n in 0..4_i64 {
            let row = store.read(format!("r{n}")).expect("it reads").expect("it is there");
            assert_eq!(row.record, document! { "n" => n }, "{name}");
        }
        let refused = store.create(document! { "n" => 9 }).expect_err("it has no place");
        assert_eq!(refused.kind(), ErrorKind::Backend, "{name}: {refused}");
        assert_eq!(store.checkpoint().map_err(|error| error.kind()), Err(ErrorKind::Backend), "{name}");
        assert_eq!(store.count(Query::new()).expect("it goes on"), 4, "{name}");
        let kept = open(&folder.join(name), Options::default().exclusive()).map(drop);
        assert!(kept.is_err(), "{name}: nobody can be kept out where there is no lock");
    }
    let missing = open(&folder.join("none.csv"), Options::default()).expect("it is empty");
    assert_eq!(missing.count(Query::new()).expect("it counts"), 0);
    missing.create(document! { "n" => 9 }).expect_err("it has no place");
}

#[test]
fn what_is_mounted_for_reading_alone_is_read() {
    let folder = crate::folder();
    for name in NAMES {
        let store = open(&folder.join(name), Options::default()).expect("it is new");
        for n in 0..4_i64 {
            store.create(Draft::of(document! { "n" => n }).id(format!("r{n}")).expect("an id")).expect("it is new");
            if n == 2 {
                store.checkpoint().expect("it is put into the file");
            }
        }
        // As if it had been killed: the journal stays.
        std::mem::forget(store);
    }
    let script = r#"mkdir "$1/mounted" && mount -t tmpfs none "$1/mounted" && cp "$1"/people.* "$1/mounted" &&
        mount -o remount,ro "$1/mounted" &&
        exec "$2" mounted::reads_where_nothing_can_be_written --exact --test-threads=1"#;
    let run = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh"])
        .arg(&folder)
        .arg(std::env::current_exe().expect("this test"))
        .env(CHILD, folder.join("mounted"))
        .output()
        .expect("`unshare` of util-linux is there");
    let (out, errors) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && out.contains("1 passed"), "{}: {out}{errors}", run.status);
}
