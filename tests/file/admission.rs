//! What a file cannot hold is refused at the write, before it is acknowledged; what it can hold is kept by every checkpoint.

use std::path::{Path, PathBuf};

use dk_data::{
    Changes, Database, Document, Draft, ErrorKind, FieldDef, Query, Schema, Store, Type,
    backend::file::{FileStore, Files, Options},
    document,
    store::Driver,
};

use crate::disk::Unsynced;

fn written(name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = crate::folder().join(name);
    std::fs::write(&path, text).expect("there is room");
    path
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it is there")
}

fn open(path: &Path, options: Options, schema: Schema) -> FileStore<Document, Unsynced> {
    let db = Files::open_file_on(Unsynced, path, options).expect("it opens");
    db.documents("things", schema).expect("it opens")
}

fn kind<T>(result: dk_data::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

/// Rows of a file without a header are called by their numbers, for which there is no column: nothing is written into it.
#[test]
fn a_file_without_a_header_and_without_ids_is_only_read() {
    let path = written("people.csv", "1,Ann\n2,Bob\n");
    let store = open(&path, Options::default().without_header(), Schema::open("things"));
    let create = Draft::of(document! { "column_1" => 3, "column_2" => "Cid" }).id("three").expect("an id");
    assert_eq!(kind(store.create(create)), Some(ErrorKind::Unsupported));
    assert_eq!(kind(store.patch("0000000001", Changes::set("column_2", "Eve"))), Some(ErrorKind::Unsupported));
    assert_eq!(kind(store.delete("0000000001")), Some(ErrorKind::Unsupported), "other rows would get other names");
    assert_eq!(store.count(Query::new()).expect("it counts"), 2);
    store.close().expect("there is nothing to do");
    assert_eq!(text(&path), "1,Ann\n2,Bob\n");
}

/// Where the ids are in a column it is written, by a store of documents and by one of a declared id, and nothing but the
/// columns that it has; what has no column is refused.
#[test]
fn a_file_without_a_header_gets_no_columns() {
    let fields = || {
        let id = FieldDef::new("n", Type::I64).id();
        Schema::new("things").field(id).field(FieldDef::new("name", Type::Text).nullable())
    };
    let named = Options::default().without_header();
    for (options, schema, columns) in [
        (named.clone().id_column("column_1"), Schema::open("things"), ["column_1", "column_2"]),
        (named, fields(), ["n", "name"]),
    ] {
        let path = written("people.csv", "1,Ann\n2,Bob\n");
        let record = |n: i64, name: &str| -> Document {
            [(columns[0], dk_data::Value::from(n)), (columns[1], name.into())].into_iter().collect()
        };
        for round in 0..3 {
            let store = open(&path, options.clone(), schema.clone());
            store.create(record(3 + round, "Cid")).expect("it has its columns");
            store.patch("2", Changes::set(columns[1], format!("Bob{round}"))).expect("it is there");
            if schema.open {
                let more = record(9, "Dan").into_iter().chain([("city".into(), "Oslo".into())]).collect::<Document>();
                assert_eq!(kind(store.create(more)), Some(ErrorKind::Unsupported));
            }
            let beside = Draft::of(record(9, "Dan")).meta("source", "csv");
            assert_eq!(kind(store.create(beside)), Some(ErrorKind::Unsupported), "metadata has no column");
            store.close().expect("it is put into the file");
        }
        assert_eq!(text(&path), "1,Ann\n2,Bob2\n3,Cid\n4,Cid\n5,Cid\n");
        let store = open(&path, options, schema);
        assert_eq!(store.read("5").expect("it reads").map(|row| row.record), Some(record(5, "Cid")));
    }
}

/// A new file without a header has the declared fields as its columns.
#[test]
fn a_new_file_without_a_header_has_the_declared_columns() {
    let path = crate::folder().join("people.csv");
    let schema = Schema::open("things").field(FieldDef::new("n", Type::I64).id());
    let store = open(&path, Options::default().without_header(), schema);
    store.create(document! { "n" => 1 }).expect("it has its columns");
    assert_eq!(kind(store.create(document! { "n" => 2, "name" => "Bob" })), Some(ErrorKind::Unsupported));
    store.close().expect("it is put into the file");
    assert_eq!(text(&path), "1\n");
}

/// Names that begin with `_` are kept where another tool gave them, also in records that are changed.
#[test]
fn columns_that_begin_with_an_underscore_are_kept() {
    for (name, before, after) in [
        (
            "people.csv",
            "_merge,name\nboth,Ann\nleft,Bob\n",
            ["_merge,name,_id", "both,Ann,0000000001", "left,Eve,0000000002"],
        ),
        (
            "people.jsonl",
            "{\"_merge\":\"both\",\"name\":\"Ann\"}\n{\"_merge\":\"left\",\"name\":\"Bob\"}\n",
            ["\"_merge\":\"both\"", "\"_merge\":\"left\"", "\"name\":\"Eve\""],
        ),
    ] {
        let path = written(name, before);
        for _ in 0..2 {
            let store = open(&path, Options::default(), Schema::open("things"));
            store.patch("0000000002", Changes::set("name", "Eve")).expect("it is there");
            store.patch("0000000002", Changes::set("name", "Eve")).expect("it is there");
            store.create(document! { "name" => "Cid" }).expect("it is new");
            store.checkpoint().expect("it is put into the file");
            let row = store.read("0000000002").expect("it reads").expect("it is there");
            assert_eq!(row.record, document! { "_merge" => "left", "name" => "Eve" }, "{name}");
        }
        let text = text(&path);
        after.iter().for_each(|part| assert!(text.contains(part), "{name}: {text}"));
    }
}

/// What stands in a column of the envelope and is none of it is told with the column's name.
#[test]
fn an_envelope_that_does_not_read_is_told_with_its_column() {
    for (name, text) in [
        ("things.csv", "n,_version\n1,7\n"),
        ("things.jsonl", "{\"n\":1,\"_version\":7}\n"),
        ("things.csv", "n,_created_at\n1,yesterday\n"),
        ("things.jsonl", "{\"n\":1,\"_created_at\":7}\n"),
    ] {
        let column = if text.contains("_version") { "_version" } else { "_created_at" };
        let store = open(&written(name, text), Options::default(), Schema::open("things"));
        let error = store.search(Query::new()).expect_err("it does not read");
        assert_eq!(error.place().field.as_deref(), Some(column), "{name}: {error}");
    }
}

/// What stands for something else in the first rows keeps writes away: the column would hold both.
#[test]
fn a_column_of_text_that_only_has_the_name_of_an_envelope_keeps_writes_away() {
    for (name, text, column, value) in [
        ("things.csv", "n,_version\n1,7\n", "_version", "7"),
        ("things.jsonl", "{\"n\":1}\n{\"n\":2,\"_version\":7}\n", "_version", "7"),
        ("things.json", "[{\"n\":1,\"_metadata\":[7]}]", "_metadata", "7"),
        ("things.csv", "n,_created_at\n1,yesterday\n", "_created_at", "yesterday"),
        ("things.tsv", "n\t_updated_at\n1\tyesterday\n", "_updated_at", "yesterday"),
        ("things.csv", "n,_types\n1,both\n", "_types", "both"),
    ] {
        let path = written(name, text);
        let store = open(&path, Options::default(), Schema::open("things"));
        let refused = store.create(document! { "n" => 3 }).expect_err("it has no place");
        assert_eq!(
            (refused.kind(), refused.place().field.as_deref()),
            (ErrorKind::Unsupported, Some(column)),
            "{name}"
        );
        assert!(refused.to_string().contains("rename it"), "{name}: {refused}");
        assert!(column == "_metadata" || refused.to_string().contains(value), "{name}: {refused}");
        assert!(store.delete("0000000001").is_err(), "{name}");
        drop(store);
        assert_eq!(self::text(&path), text, "{name}");
    }
    // Where it has no meaning of ours it is the user's own.
    let path = written("things.csv", "n,_extra\n1,7\n");
    let store = open(&path, Options::default(), Schema::open("things"));
    store.create(document! { "n" => 2, "_extra" => 8 }).expect_err("a name of the envelope's");
    store.create(document! { "n" => 2 }).expect("it is new");
    store.checkpoint().expect("it is put into the file");
    assert!(self::text(&path).starts_with("n,_extra,_id"), "{}", self::text(&path));
}

/// Behind the first rows it may come to light when writes have been acknowledged: they are put into the file all the same.
#[test]
fn rows_whose_envelope_does_not_read_are_copied_as_they_stand() {
    for (name, line) in [("things.csv", "9,x,,7\n"), ("things.jsonl", "{\"_id\":\"x\",\"_version\":7}\n")] {
        let rows = (0..2_000).map(|n| match name.ends_with(".csv") {
            true => format!("{n},id{n},,\n"),
            false => format!("{{\"n\":{n},\"_id\":\"id{n}\"}}\n"),
        });
        let header = if name.ends_with(".csv") { "n,_id,_created_at,_version\n" } else { "" };
        let path = written(name, header.to_owned() + &rows.collect::<String>() + line);
        let store = open(&path, Options::default(), Schema::open("things"));
        store.create(document! { "n" => 3 }).expect("it is new");
        store.checkpoint().expect("it is put into the file");
        let now = text(&path);
        assert!(now.contains(line.trim_end()), "{name}: {now}");
        let rows = store.stream(Query::new()).expect("it starts");
        let errors: Vec<_> = rows.filter_map(Result::err).collect();
        assert_eq!(errors.len(), 1, "{name}");
        assert_eq!(errors[0].place().field.as_deref(), Some("_version"), "{name}: {}", errors[0]);
    }
}
