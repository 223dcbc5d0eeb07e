//! Compressed files of ours that end where one of their frames does: nothing in what is there is damaged, and something is missing.

use std::path::Path;

use dk_data::{
    Changes, Database, Document, ErrorKind, Query, Schema, Store,
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
            // What another tool has appended does not hide it.
            for more in [packed(name, b"7,x,,,,\n"), Vec::new()] {
                std::fs::write(&path, [&whole[..border], &more].concat()).expect("there is room");
                let db = Files::open_file_on(Unsynced, &path, Options::default()).expect("it opens");
                let things = db.documents("things", Schema::open("things"));
                let error = things.and_then(|store| store.count(Query::new())).expect_err("something is missing");
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}, {border}: {error}");
            }
            let rows = salvage(&path, Schema::open("things")).map(|found| found.losses.len());
            assert!(rows.is_err() || rows.is_ok_and(|losses| losses > 0), "{name}, {border}: it is told");
        }
        // The header of the second is a row of the first.
        let path = crate::folder().join(name);
        std::fs::write(&path, [&whole[..], &whole].concat()).expect("there is room");
        assert_eq!(open(&path).count(Query::new()).expect("both are whole"), 4_001, "{name}");
    }
}

fn packed(name: &str, text: &[u8]) -> Vec<u8> {
    if name.ends_with(".zst") {
        return zstd::encode_all(text, 3).expect("it is short");
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, text).expect("it is short");
    packed.finish().expect("it is short")
}

/// As `cat more.zst >> things.csv.zst` does: rows of another tool's, as they would be at the end of a plain file.
#[test]
fn what_another_tool_appends_to_a_compressed_file_is_read_and_kept() {
    for name in ["things.csv.gz", "things.csv.zst"] {
        let path = crate::folder().join(name);
        let store = open(&path);
        let written = store.create(document! { "n" => 1, "t" => "ours" }).expect("it is new");
        store.checkpoint().expect("it is put into the file");
        drop(store);
        let whole = std::fs::read(&path).expect("it is there");
        let more = [packed(name, b"2,theirs,,,,\n"), packed(name, b"3,theirs,,,,\n")].concat();
        std::fs::write(&path, [&whole[..], &more].concat()).expect("there is room");
        for _ in 0..2 {
            let store = open(&path);
            assert_eq!(store.count(Query::new()).expect("it is whole"), 3, "{name}");
            let row = store.read("row-0000000003").expect("it reads").expect("it is there");
            assert_eq!(row.record, document! { "n" => 3, "t" => "theirs" }, "{name}");
            assert!(store.read(&written.id).expect("it reads").is_some(), "{name}");
            store.patch(&written.id, Changes::set("t", "ours again")).expect("it is there");
            store.checkpoint().expect("it is put into the file");
        }
    }
}
