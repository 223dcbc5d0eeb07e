//! Stores that are used by all threads of a pool at once, while indexes and checkpoints are made.

use std::{path::Path, sync::mpsc, time::Duration};

use dk_data::{
    Database, Document, Draft, Query, Schema, Store,
    backend::file::{Durability, FileStore, Files, Options},
    document,
    store::Driver,
};
use rayon::prelude::*;

const NAMES: [&str; 3] = ["people.csv", "people.jsonl.zst", "people.parquet"];
/// So many records that a base has many blocks.
const BASE: usize = 4_000;

fn open(path: &Path) -> FileStore<Document> {
    let options = Options::default().durability(Durability::Os).checkpoint_bytes(64 << 10);
    let files = Files::open_file(path, options).expect("it opens");
    files.documents("people", Schema::open("people")).expect("it opens")
}

/// A store whose records are all in its base.
fn filled(path: &Path) -> FileStore<Document> {
    let store = open(path);
    assert!(store.create_batch((0..BASE).map(draft)).expect("it writes").iter().all(Result::is_ok));
    store.checkpoint().expect("it is put into the base");
    store
}

fn draft(n: usize) -> Draft<'static, Document> {
    // Texts that do not compress, or a base would be one block.
    let text: String = (0..60).map(|at| format!("{:08x}", (n * 61 + at).wrapping_mul(2_654_435_761) as u32)).collect();
    Draft::of(document! { "n" => n as u64, "text" => text }).id(format!("{n:06}")).expect("an id")
}

/// Runs on a pool, and says so where that never ends.
fn on_a_pool(threads: usize, work: impl FnOnce() + Send + 'static) {
    let (done, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(work);
        let _ = done.send(());
    });
    heard.recv_timeout(Duration::from_secs(120)).expect("all threads wait for each other, or one has panicked");
}

#[test]
fn records_are_written_by_all_threads_of_a_pool() {
    for name in NAMES {
        let store = filled(&crate::folder().join(name));
        let writer = store.clone();
        on_a_pool(4, move || {
            (BASE..2 * BASE).into_par_iter().for_each(|n| drop(writer.create(draft(n)).expect("the id is new")));
        });
        assert_eq!(store.count(Query::new()).expect("it counts"), 2 * BASE as u64, "{name}");
    }
}

#[test]
fn records_are_read_by_all_threads_of_a_pool() {
    for name in NAMES {
        let path = crate::folder().join(name);
        Driver::close(filled(&path)).expect("it is put into the base");
        let store = open(&path);
        on_a_pool(4, move || {
            (0..BASE / 4).into_par_iter().for_each(|n| {
                let read = store.read(format!("{n:06}").as_str()).expect("it reads").expect("it is there");
                assert_eq!(read.record["n"].as_int(), Some(n as i128));
            });
        });
    }
}

/// Reads come while the index is made and threads are free to help: one that waits for their help must not take up a read,
/// which waits for the index.
#[test]
fn reads_come_one_by_one_while_the_index_is_made() {
    for name in NAMES {
        let path = crate::folder().join(name);
        Driver::close(filled(&path)).expect("it is put into the base");
        on_a_pool(16, move || {
            for _ in 0..10 {
                let store = open(&path);
                let read = |n| store.read(format!("{n:06}").as_str()).expect("it reads").expect("it is there");
                rayon::scope(|scope| {
                    for n in 0..60 {
                        scope.spawn(move |_| assert_eq!(read(n).record["n"].as_int(), Some(n)));
                        std::thread::sleep(Duration::from_micros(500));
                    }
                });
            }
        });
    }
}
