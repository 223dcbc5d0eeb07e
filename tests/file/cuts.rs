//! Compressed files of ours that end where one of their frames does: nothing in what is there is damaged, and something is missing.

use std::path::Path;

use dk_data::{
    Database, Document, Query, Schema, Store,
    backend::file::{FileStore, Files, Options, salvage},
    document,
};

use crate::disk::Unsynced;

fn open(path: &Path) -> FileStore<Document, Unsynced> {
    let db = Files::open_file_on(Unsynced, path, Options::default()).expect("it opens");
    db.documents("things", Schema::open("things")).expect("it opens")
}

#[test]
fn a_file_that_ends_with_a_frame_and_not_with_its_end_is_damaged() {
    for (name, magic) in [("things.csv.gz", &[0x1f, 0x8b, 8, 4][..]), ("things.csv.zst", &[0x28, 0xb5, 0x2f, 0xfd])] {
        let path = crate::folder().join(name);
        let store = open(&path);
        let pad = "z".repeat(700);
        store.create_batch((0..2_000_i64).map(|n| document! { "n" => n, "pad" => pad.as_str() })).expect("it writes");
        store.checkpoint().expect("it is put into the file");
        drop(store);
        let whole = std::fs::read(&path).expect("it is there");
        assert_eq!(open(&path).count(Query::new()).expect("it is whole"), 2_000);
        let borders = whole.windows(magic.len()).enumerate().filter(|(_, bytes)| *bytes == magic).map(|(at, _)| at);
        let mut borders: Vec<usize> = borders.skip(1).collect();
        assert!(borders.len() >= 5, "{name}: {borders:?}");
        if name.ends_with(".zst") {
            // Where the seek table begins.
            borders.push(whole.len() - (9 + 8 * (borders.len() + 1) + 8));
        }
        for border in borders {
            let path = crate::folder().join(name);
            std::fs::write(&path, &whole[..border]).expect("there is room");
            let db = Files::open_file_on(Unsynced, &path, Options::default()).expect("it opens");
            let counted = db.documents("things", Schema::open("things")).and_then(|store| store.count(Query::new()));
            let error = counted.expect_err("something is missing");
            assert_eq!(error.kind(), dk_data::ErrorKind::Corrupt, "{name}, {border}: {error}");
            let rows = salvage(&path, Schema::open("things")).map(|found| found.losses.len());
            assert!(rows.is_err() || rows.is_ok_and(|losses| losses > 0), "{name}, {border}: it is told");
        }
        // What another tool puts behind it does not hide it.
        if name.ends_with(".gz") {
            let path = crate::folder().join(name);
            std::fs::write(&path, [&whole[..], &whole].concat()).expect("there is room");
            // The header of the second is a row of the first.
            assert_eq!(open(&path).count(Query::new()).expect("both are whole"), 4_001);
        }
    }
}
