//! Options that do not fit the file are refused, work tells of how much there is of it, and small things of other tools are kept.

use std::{path::PathBuf, sync::mpsc};

use dk_data::{
    Changes, Database, Document, ErrorKind, FieldDef, Query, Schema, Store, Type,
    backend::{
        file::{Compression, Export, FileStore, Files, Format, Import, Options, Work},
        memory::Memory,
    },
    document,
};

use crate::disk::Unsynced;

fn written(name: &str, text: &str) -> PathBuf {
    let path = crate::folder().join(name);
    std::fs::write(&path, text).expect("there is room");
    path
}

fn open(path: &PathBuf, options: Options) -> FileStore<Document, Unsynced> {
    let db = Files::open_file_on(Unsynced, path, options).expect("it opens");
    db.documents("things", Schema::open("things")).expect("it opens")
}

/// A name and an option that say different formats are two orders, of which one would be ignored.
#[test]
fn a_format_that_the_name_contradicts_is_refused() {
    let store = Memory::new().documents("things", Schema::open("things")).expect("memory opens");
    let folder = crate::folder();
    for (name, format, compression) in [
        ("a.csv", Format::JsonLines, Compression::None),
        ("a.csv", Format::Csv, Compression::Gzip),
        ("a.csv.gz", Format::Csv, Compression::None),
        ("a", Format::Parquet, Compression::Zstd),
    ] {
        let path = folder.join(name);
        let options = Options::default().format(format, compression);
        let opened = Files::open_file(&path, options.clone()).map(drop).map_err(|error| error.kind());
        assert_eq!(opened, Err(ErrorKind::Configuration), "{name}");
        let export = Export::default().options(options.clone()).run(&store, Query::new(), &path, |_| ());
        assert_eq!(export.map(drop).map_err(|error| error.kind()), Err(ErrorKind::Configuration), "{name}");
        std::fs::write(&path, "n\n").expect("there is room");
        let import = Import::default().options(options).run(&store, &path, drop);
        assert_eq!(import.map(drop).map_err(|error| error.kind()), Err(ErrorKind::Configuration), "{name}");
        std::fs::remove_file(&path).expect("it is there");
    }
    for name in ["a.parquet.gz", "a.parquet.zst"] {
        let opened = Files::open_file(folder.join(name), Options::default()).map(drop).map_err(|error| error.kind());
        assert_eq!(opened, Err(ErrorKind::Configuration), "{name}");
    }
    assert!(Files::open_file(folder.join("a.csv"), Options::default().format(Format::Csv, Compression::None)).is_ok());
}

/// What only Parquet has is no option of other formats.
#[test]
fn options_of_parquet_are_refused_for_other_formats() {
    let store = Memory::new().documents("things", Schema::open("things")).expect("memory opens");
    let path = crate::folder().join("things.csv");
    for export in [Export::default().row_group_rows(10), Export::default().decimal("price", 9, 2)] {
        let refused = export.run(&store, Query::new(), &path, |_| ()).map(drop).map_err(|error| error.kind());
        assert_eq!(refused, Err(ErrorKind::Configuration));
    }
    assert!(!path.exists());
}

/// Checkpoints and exports tell of how many records they are, where that is known or asked for.
#[test]
fn work_tells_of_how_many_records_it_is() {
    let schema = || Schema::new("things").field(FieldDef::new("n", Type::I64));
    for name in ["things.csv", "things.jsonl", "things.parquet"] {
        if cfg!(not(feature = "parquet")) && name.ends_with(".parquet") {
            continue;
        }
        let path = crate::folder().join(name);
        let (to, heard) = mpsc::channel();
        let db = Files::open_file_on(Unsynced, &path, Options::default().progress(to)).expect("it opens");
        let store = db.documents("things", schema()).expect("it opens");
        for n in 0..3_i64 {
            store.create(document! { "n" => n }).expect("it is new");
            store.count(Query::new()).expect("it counts");
            store.checkpoint().expect("it is put into the file");
        }
        let ends: Vec<_> = heard
            .try_iter()
            .filter(|told| told.work == Work::Checkpoint && told.ended)
            .map(|told| (told.records, told.total_records))
            .collect();
        assert_eq!(ends.last(), Some(&(3, Some(3))), "{name}: {ends:?}");
        for (export, total) in [(Export::default(), None), (Export::default().counted(), Some(3))] {
            let mut last = None;
            export
                .overwrite()
                .run(&store, Query::new(), path.with_file_name(format!("copy-{name}")), |told| last = Some(*told))
                .expect("it is written");
            assert_eq!(last.map(|told| (told.records, told.total_records)), Some((3, total)), "{name}");
        }
    }
}

/// A mark that a tool put before its text is there after a checkpoint, and once.
#[test]
fn a_byte_order_mark_is_kept() {
    for (name, text) in [
        ("things.csv", "\u{feff}n,m\n1,2\n"),
        ("things.jsonl", "\u{feff}{\"n\":1,\"m\":2}\n"),
        ("things.json", "\u{feff}[{\"n\":1,\"m\":2}]"),
    ] {
        let path = written(name, text);
        for n in 2..4_i64 {
            let store = open(&path, Options::default());
            store.create(document! { "n" => n, "m" => n }).expect("it is new");
            store.patch("0000000001", Changes::set("m", n)).expect("it is there");
            store.checkpoint().expect("it is put into the file");
            assert_eq!(store.count(Query::new()).expect("it counts"), n as u64, "{name}");
        }
        let text = std::fs::read_to_string(&path).expect("it is text");
        assert!(text.starts_with('\u{feff}') && text.matches('\u{feff}').count() == 1, "{name}: {text}");
        let store = open(&path, Options::default());
        (1..4).for_each(|_| drop(store.search(Query::new()).expect("it reads")));
        for row in store.search(Query::new()).expect("it reads") {
            assert!(store.delete(row.storage_id()).expect("it is there"));
        }
        store.checkpoint().expect("it is put into the file");
        drop(store);
        assert_eq!(open(&path, Options::default()).count(Query::new()).expect("it reads"), 0, "{name}");
    }
}

/// A number that no type holds is an error where it stands, and never another number.
#[test]
fn a_number_of_json_beyond_all_types_is_told() {
    let path = written("things.jsonl", "{\"n\":1}\n{\"n\":1e400}\n");
    let error = open(&path, Options::default()).search(Query::new()).expect_err("it has no counterpart");
    assert_eq!((error.kind(), error.place().line), (ErrorKind::Corrupt, Some(2)), "{error}");
}

/// A row without the id that it should have is told with its line.
#[test]
fn a_row_without_its_id_is_told_with_its_line() {
    for (name, text) in [("things.csv", "key,n\na,1\n,2\n"), ("things.jsonl", "{\"key\":\"a\"}\n{\"n\":2}\n")] {
        let path = written(name, text);
        let error = open(&path, Options::default().id_column("key")).search(Query::new()).expect_err("it has no id");
        assert_eq!(error.place().line, Some(if name.ends_with("csv") { 3 } else { 2 }), "{name}: {error}");
    }
}

/// Without keys rows come in the order of the file; where any will do, each comes once all the same.
#[test]
fn rows_come_in_the_order_of_the_file_or_in_any() {
    let names = ["things.csv", "things.jsonl.zst", "things.parquet"];
    for name in names.into_iter().filter(|name| cfg!(feature = "parquet") || !name.ends_with(".parquet")) {
        let path = crate::folder().join(name);
        let things: Vec<_> = (0..60_000_i64).map(|n| document! { "n" => n * 7_919 % 60_000 }).collect();
        let source = Memory::new().documents("things", Schema::open("things")).expect("it opens");
        source.create_batch(things.iter().cloned()).expect("they are new");
        let export = Export::default();
        let export = if name.ends_with(".parquet") { export.row_group_rows(1_000) } else { export };
        export.run(&source, Query::new().sort(dk_data::Key::asc("n")), &path, |_| ()).expect("it is written");
        let numbers = |options: Options| -> Vec<i128> {
            let rows = open(&path, options).stream(Query::new()).expect("it starts");
            rows.map(|row| row.expect("it reads").record["n"].as_int().expect("a number")).collect()
        };
        let file: Vec<i128> = (0..60_000).collect();
        assert_eq!(numbers(Options::default()), file, "{name}");
        let mut any = numbers(Options::default().any_order());
        any.sort_unstable();
        assert_eq!(any, file, "{name}");
    }
}
