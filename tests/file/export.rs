//! Export and import in every format, and progress.

use std::sync::mpsc;

use dk_data::{
    Database, Document, Draft, ErrorKind, FieldDef, Filter, Id, Query, Result, Schema, Store, Type,
    backend::{
        file::{Export, Files, Import, Options, Work},
        memory::Memory,
    },
    document,
    store::Driver,
};

const NAMES: &[&str] = &[
    "people.csv",
    "people.tsv",
    "people.jsonl",
    "people.json",
    "people.csv.gz",
    "people.jsonl.zst",
    #[cfg(feature = "parquet")]
    "people.parquet",
];
const RECORDS: i64 = 5_000;

fn schema() -> Schema {
    Schema::new("people")
        .field(FieldDef::new("name", Type::Text))
        .field(FieldDef::new("age", Type::I64).nullable())
        .field(FieldDef::new("at", Type::Timestamp).nullable())
}

/// People of every kind, with metadata here and there.
fn people(schema: Schema) -> impl Store<Document> {
    let store = Memory::new().documents("people", schema).expect("memory opens");
    let person = |n: i64| {
        let name = ["Ann", "", "O'Brien, \"Bo\"", "\u{e9}\n", "42", "true"][n as usize % 6];
        let mut person = document! { "name" => name, "age" => (n % 7 != 0).then_some(n) };
        if n % 3 == 0 {
            person.set("at", dk_data::Value::Timestamp("2024-02-29T12:00:00.000001Z".parse().expect("a moment")));
        }
        let draft = Draft::of(person).id(format!("p{n:05}")).expect("an id");
        if n % 5 == 0 { draft.meta("n", n) } else { draft }
    };
    let outcomes = store.create_batch((0..RECORDS).map(person)).expect("memory takes them");
    assert!(outcomes.iter().all(Result::is_ok));
    store
}

fn all<S: Store<Document>>(store: &S) -> Vec<(Id, Document)> {
    let rows = store.search(Query::new().limit(1_000_000)).expect("it reads");
    rows.into_iter().map(|row| (row.storage_id().clone(), row.record)).collect()
}

/// Whatever the format, what comes back is what was there: through another store, and by opening the file.
#[test]
fn an_export_reads_back_as_it_was() {
    for name in NAMES {
        for schema in [schema(), Schema::open("people")] {
            let people = people(schema.clone());
            let path = crate::folder().join(name);
            let (mut told, mut last) = (0, 0);
            let export = Export::default().envelope();
            let written = export.run(&people, Query::new(), &path, |progress| {
                assert!(progress.work == Work::Export && progress.records >= last, "{progress:?}");
                (told, last) = (told + 1, progress.records);
            });
            let written = written.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((written.records, last), (RECORDS as u64, RECORDS as u64), "{name}");
            assert!(told > 0, "{name}: progress was told");
            assert_eq!(std::fs::metadata(&path).expect("it is there").len(), written.bytes, "{name}");
            let copy = Memory::new().documents("people", schema.clone()).expect("memory opens");
            let loaded = Import::default().run(&copy, &path, |outcome| drop(outcome.expect("it is new")));
            assert_eq!(loaded.unwrap_or_else(|error| panic!("{name}: {error}")).created, RECORDS as u64, "{name}");
            assert!(all(&copy) == all(&people), "{name}: records and ids");
            let opened = Files::open_file(&path, Options::default()).expect("it opens");
            let opened = opened.documents("people", schema).expect("it opens");
            let found = opened.read("p00005").expect("it reads").expect("it is there");
            let before = people.read("p00005").expect("it reads").expect("it is there");
            assert_eq!(found.envelope.metadata(), before.envelope.metadata(), "{name}");
            assert_eq!(found.envelope.created_at(), before.envelope.created_at(), "{name}");
        }
    }
}

/// A query is exported in its order, and a level makes a smaller file.
#[test]
fn a_query_is_exported_in_its_order_and_at_a_level() {
    let people = people(schema());
    let folder = crate::folder();
    let path = folder.join("old.csv");
    let old = Filter::gt("age", 4_990).bind::<Document>(people.schema()).expect("it fits");
    let query = Query::new().filter(old).sort(dk_data::Key::desc("age"));
    Export::default().run(&people, &query, &path, |_| ()).expect("it is written");
    let text = std::fs::read_to_string(&path).expect("it is text");
    let ids: Vec<_> = text.lines().skip(1).filter_map(|line| line.rsplit(',').next()).collect();
    assert!(text.starts_with("name,age,at,_id\n") && ids[0] == "p04999" && ids.last() == Some(&"p04992"), "{text}");
    let size = |level: i32| {
        let path = folder.join(format!("level{level}.jsonl.zst"));
        Export::default().level(level).run(&people, Query::new(), path, |_| ()).expect("it is written").bytes
    };
    assert!(size(19) < size(1));
    #[cfg(feature = "parquet")]
    {
        let path = folder.join("groups.parquet");
        let export = Export::default().row_group_rows(1_000).level(1);
        export.run(&people, Query::new(), &path, |_| ()).expect("it is written");
        let file = std::fs::File::open(path).expect("it is there");
        let file = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).expect("a footer");
        assert_eq!(file.metadata().num_row_groups(), 5);
    }
}

/// Nothing is overwritten by accident, options that do not fit are refused, and a failure leaves no file.
#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let people = people(schema());
    let folder = crate::folder();
    let path = folder.join("people.csv");
    let refused = |export: Export, path: &std::path::Path| {
        export.run(&people, Query::new(), path, |_| ()).map_err(|error| error.kind()).expect_err("it is refused")
    };
    std::fs::write(&path, "name\nAnn\n").expect("it is written");
    assert_eq!(refused(Export::default(), &path), ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "name\nAnn\n");
    assert_eq!(refused(Export::default().level(3), &folder.join("x.csv")), ErrorKind::Configuration);
    assert_eq!(refused(Export::default().level(10), &folder.join("x.csv.gz")), ErrorKind::Configuration);
    assert_eq!(refused(Export::default(), &folder.join("x.txt")), ErrorKind::Configuration);
    Export::default().overwrite().run(&people, Query::new(), &path, |_| ()).expect("it was asked for");
    let files = Files::open_file(&path, Options::default()).expect("it opens");
    let store = files.documents("people", schema()).expect("it opens");
    store.create(document! { "name" => "Zoe" }).expect("it is written");
    assert_eq!(refused(Export::default().overwrite(), &path), ErrorKind::Conflict, "a store with a journal");
    let import = |path: &std::path::Path| Import::default().run(&people, path, drop).map_err(|error| error.kind());
    assert_eq!(import(&path), Err(ErrorKind::Conflict));
    assert_eq!(import(&folder.join("nowhere.csv")), Err(ErrorKind::NotFound));
    store.close().expect("it closes");
    let left: Vec<_> = std::fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.iter().filter(|name| name.to_string_lossy().ends_with(".new")).count(), 0, "{left:?}");
}

/// A file of another maker: rows without ids get fresh ones, and rows that do not read are outcomes.
#[test]
fn rows_without_ids_are_imported_under_fresh_ones() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, "name,age\nAnn,40\nBob,x\nCid,42\n").expect("it is written");
    let store = Memory::new().documents("people", schema()).expect("memory opens");
    let mut failed = Vec::new();
    let loaded = Import::default().run(&store, &path, |outcome| failed.extend(outcome.err()));
    assert_eq!(loaded.map(|loaded| (loaded.created, loaded.failed)).expect("it is read"), (2, 1));
    assert_eq!(failed[0].place().line, Some(3), "{}", failed[0]);
    let again = Import::default().run(&store, &path, drop).expect("it is read");
    assert_eq!((again.created, store.count(Query::new()).expect("it counts")), (2, 4), "other ids");
}

/// Scans, the index and checkpoints say how far they are, and that they have ended.
#[test]
fn long_work_says_how_far_it_is() {
    for name in ["people.jsonl", "people.parquet"] {
        if cfg!(not(feature = "parquet")) && name.ends_with(".parquet") {
            continue;
        }
        let path = crate::folder().join(name);
        Export::default().run(&people(schema()), Query::new(), &path, |_| ()).expect("it is written");
        let (to, heard) = mpsc::channel();
        let files = Files::open_file(&path, Options::default().progress(to)).expect("it opens");
        let store = files.documents("people", schema()).expect("it opens");
        let ended = |work: Work| {
            let all: Vec<_> = heard.try_iter().filter(|progress| progress.work == work).collect();
            let last = *all.last().unwrap_or_else(|| panic!("{name}: nobody told of {work:?}"));
            assert!(last.ended && last.rate() > 0.0, "{name}: {last:?}");
            last
        };
        assert_eq!(store.stream(Query::new()).expect("it reads").count(), RECORDS as usize);
        let scan = ended(Work::Scan);
        assert_eq!((scan.records, Some(scan.bytes)), (RECORDS as u64, scan.total_bytes), "{name}");
        store.patch("p00001", dk_data::Changes::set("age", 1)).expect("it is there");
        // Of Parquet the first few are found without an index.
        (0..20).for_each(|n| drop(store.read(format!("p{n:05}")).expect("it reads")));
        assert_eq!(ended(Work::Index).records, RECORDS as u64, "{name}");
        store.checkpoint().expect("it is put into the base");
        assert_eq!(ended(Work::Checkpoint).records, RECORDS as u64, "{name}");
    }
}

/// The first reads by id from a Parquet file ask its statistics and bloom filters instead of making an index.
#[cfg(feature = "parquet")]
#[test]
fn the_first_reads_by_id_of_parquet_need_no_index() {
    let people = people(schema());
    let own =
        Schema::new("people").field(FieldDef::new("name", Type::Text)).field(FieldDef::new("key", Type::I64).id());
    let keyed = Memory::new().documents("people", own.clone()).expect("memory opens");
    let rows = (0..RECORDS).map(|n| document! { "name" => "x", "key" => n });
    keyed.create_batch(rows).expect("memory takes them");
    let folder = crate::folder();
    let export = Export::default().row_group_rows(1_000);
    // In order, so that each id can be in one row group only.
    let in_order = Query::new().sort(dk_data::query::id().asc());
    export.run(&people, in_order, folder.join("stored.parquet"), |_| ()).expect("it is written");
    export.run(&keyed, Query::new(), folder.join("keyed.parquet"), |_| ()).expect("it is written");
    for (name, schema, there, missing) in [("stored", schema(), "p01234", "p99999"), ("keyed", own, "1234", "99999")] {
        let (to, heard) = mpsc::channel();
        let path = folder.join(format!("{name}.parquet"));
        let files = Files::open_file(path, Options::default().progress(to)).expect("it opens");
        let store = files.documents("people", schema).expect("it opens");
        let indexed = || heard.try_iter().any(|progress| progress.work == Work::Index);
        let found = store.read(there).expect("it reads").expect("it is there");
        assert_eq!(*found.storage_id(), there, "{name}");
        assert!(store.read(missing).expect("it reads").is_none() && !indexed(), "{name}: no index was made");
        if name == "stored" {
            let plan = store.explain(dk_data::query::id().eq(there)).expect("it is planned").to_string();
            assert!(plan.contains("1 of 5 row groups"), "{name}: {plan}");
            let found = store.search(dk_data::query::id().eq(there)).expect("it reads");
            assert!(found.len() == 1 && *found[0].storage_id() == there, "{name}: {found:?}");
        }
        for _ in 0..20 {
            assert!(store.read(there).expect("it reads").is_some() && store.read(missing).expect("it reads").is_none());
        }
        assert!(indexed(), "{name}: then it was worth it");
    }
}
