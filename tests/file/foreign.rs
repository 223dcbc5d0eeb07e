//! Files that others wrote, as they are: opened, asked, changed, and given back with nothing lost that nobody changed.

use std::path::Path;

use dk_data::{
    AnyDatabase, Changes, Database, Document, Draft, ErrorKind, FieldDef, Filter, Query, Record, Schema, Split, Store,
    Type, Value,
    backend::file::{Compression, FileStore, Files, Format, Options, disk::Os},
    document,
    store::Driver,
};

use crate::disk::Unsynced;

/// A file of the shared real data; the tests are run beside it.
fn real(path: &str) -> String {
    let path = format!("{}/../shared/data/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path} must stand beside the project: {e}"))
}

fn open(path: &Path, options: Options) -> FileStore<Document, Unsynced> {
    let db = Files::open_file_on(Unsynced, path, options).expect("it opens");
    db.documents("things", Schema::open("things")).expect("it opens")
}

/// The cells of a CSV text as they stand in it, quotes and all, row by row.
fn raw_cells(text: &str) -> Vec<Vec<&str>> {
    let (mut rows, mut row, mut start, mut is_quoted) = (Vec::new(), Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b',' | b'\n' if !is_quoted => {
                row.push(&text[start..at]);
                start = at + 1;
                if byte == b'\n' {
                    rows.push(std::mem::take(&mut row));
                }
            }
            _ => {}
        }
    }
    assert!(start == text.len() && !is_quoted, "the last row has its line end");
    rows
}

#[test]
fn real_files_are_changed_where_they_were_changed_and_nowhere_else() {
    let folder = format!("{}/../shared/data/ourairports", env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder} must stand beside the project: {e}")) {
        let name = entry.expect("a file").file_name().into_string().expect("a name");
        match name.as_str() {
            "airport-frequencies.csv" => changed_where_it_was_changed(&name, "type", "ATIS"),
            "countries.csv" => changed_where_it_was_changed(&name, "continent", "EU"),
            "regions.csv" => changed_where_it_was_changed(&name, "iso_country", "US"),
            "runways.csv" => changed_where_it_was_changed(&name, "surface", "GRVL"),
            csv if csv.ends_with(".csv") => panic!("{csv}: nothing is known of its columns"),
            _ => continue,
        }
        seen += 1;
    }
    assert!(seen >= 4, "{seen} files");
}

/// Changes a column of 1,000 records, or of all where there are fewer, and holds the file against what it was.
fn changed_where_it_was_changed(name: &str, column: &'static str, value: &str) {
    let path = crate::folder().join(name);
    let original = real(&format!("ourairports/{name}"));
    std::fs::write(&path, &original).expect("it is written");
    let mut reader = csv::Reader::from_reader(original.as_bytes());
    let place = reader.headers().expect("a header").iter().position(|name| name == column).expect("the column");
    let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
    let changed: std::collections::BTreeSet<&str> =
        rows.iter().step_by((rows.len() / 1_000).max(1)).take(1_000).map(|row| &row[0]).collect();
    assert!(changed.len() >= rows.len().min(1_000), "{name}: ids are told apart");

    let store = open(&path, Options::default().id_column("id"));
    let count = |value: &str| {
        let filter = Filter::eq(column, value).bind::<Document>(store.schema()).expect("it fits");
        store.count(filter).expect("it counts")
    };
    let held = |kept: bool| {
        rows.iter().filter(|row| &row[place] == value && (kept || !changed.contains(&row[0]))).count() as u64
    };
    assert_eq!(store.count(Query::new()).expect("it counts"), rows.len() as u64, "{name}");
    assert!(held(true) > 0 && count(value) == held(true), "{name}: {value}");
    let patches = changed.iter().map(|id| (*id, Changes::set(column, "CHANGED")));
    let outcomes = store.patch_batch(patches).expect("it writes");
    assert!(outcomes.iter().all(Result::is_ok), "{name}: {:?}", outcomes.iter().find(|outcome| outcome.is_err()));
    for _ in 0..2 {
        assert_eq!((count(value), count("CHANGED")), (held(false), changed.len() as u64), "{name}");
        store.checkpoint().expect("it is put into the file");
    }

    let after = std::fs::read_to_string(&path).expect("it is there");
    let (before, after) = (raw_cells(&original), raw_cells(&after));
    assert_eq!((before.len(), rows.len() + 1), (after.len(), after.len()), "{name}");
    let (header, width) = (&before[0], before[0].len());
    assert_eq!(after[0][..width - 1], header[..width - 1], "{name}: the header is kept");
    let mut differing = 0;
    for (number, (before, after)) in before.iter().zip(&after).enumerate().skip(1) {
        let is_changed = changed.contains(&rows[number - 1][0]);
        // The last cell of a row has the `\r` of its line end.
        let (end, last) = (after.len() - 1, before.len() - 1);
        for (at, cell) in before.iter().enumerate() {
            let found = after[at];
            match at == place && is_changed {
                true => assert_eq!(found.trim_matches('"'), "CHANGED", "{name}, row {number}"),
                false => assert_eq!(found, cell.trim_end_matches('\r'), "{name}, row {number}, cell {at}"),
            }
        }
        assert_eq!(after[end].ends_with('\r'), before[last].ends_with('\r'), "{name}, row {number}: its line end");
        let added = after[width..].iter().map(|cell| cell.trim_end_matches('\r'));
        assert!(is_changed || added.into_iter().all(str::is_empty), "{name}, row {number}: {after:?}");
        differing += usize::from(after[place] == "CHANGED" || after[place] == "\"CHANGED\"");
    }
    assert_eq!(differing, changed.len(), "{name}");
}

#[test]
fn records_without_ids_get_their_row_numbers_and_keep_them() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, "name,age\r\nAnn,40\r\n\"Bo, jr\",\r\nCid,42\r\n").expect("it is written");
    let store = open(&path, Options::default());
    assert_eq!(
        store.read("0000000002").expect("it reads").map(|row| row.record["name"].clone()),
        Some("Bo, jr".into())
    );
    store.delete("0000000001").expect("it is there");
    store
        .create(Draft::of(document! { "name" => "Dan", "city" => "Oslo" }).id("dan").expect("an id"))
        .expect("it is new");
    store.checkpoint().expect("it is put into the file");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let rows: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(rows[0], "name,age,city,_id,_version,_created_at,_updated_at");
    assert_eq!(rows[1], "\"Bo, jr\",,,0000000002,,,", "as it stood, with the id that it had");
    assert!(rows[3].starts_with("Dan,,Oslo,dan,t"), "{}", rows[3]);
    assert_eq!(store.read("0000000003").expect("it reads").map(|row| row.record["name"].clone()), Some("Cid".into()));
    // Another tool adds a row without an id; it gets one that no other has.
    drop(store);
    std::fs::write(&path, format!("{text}Eve,7,,,,,\r\n")).expect("it is written");
    let store = open(&path, Options::default());
    assert_eq!(
        store.read("row-0000000004").expect("it reads").map(|row| row.record["name"].clone()),
        Some("Eve".into())
    );
}

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "people")]
struct Person {
    #[record(id)]
    email: String,
    age: Option<u8>,
}

#[test]
fn an_object_without_fields_gets_its_id_however_it_is_spaced() {
    for (name, text) in [("things.jsonl", "{ }\n{}\n{ \"n\": 1 }\n"), ("things.json", "[{\t}, {}, { \"n\": 1 }]")] {
        let path = crate::folder().join(name);
        std::fs::write(&path, text).expect("there is room");
        let store = open(&path, Options::default());
        store.create(Draft::of(document! { "n" => 2 }).id("new").expect("an id")).expect("it is written");
        store.checkpoint().expect("it is put into the file");
        drop(store);
        let base = std::fs::read_to_string(&path).expect("it is there");
        let read =
            open(&path, Options::default()).stream(Query::new()).expect("it reads").collect::<Result<Vec<_>, _>>();
        let read = read.unwrap_or_else(|error| panic!("{base}: {error}"));
        let ids: Vec<_> = read.iter().map(|row| row.storage_id().to_string()).collect();
        assert_eq!(ids, ["0000000001", "0000000002", "0000000003", "new"], "{base}");
        let numbers: Vec<_> = read.iter().map(|row| row.record["n"].as_int()).collect();
        assert_eq!(numbers, [None, None, Some(1), Some(2)], "{base}");
    }
}

#[test]
fn what_a_type_does_not_know_is_kept_when_a_record_of_it_is_updated() {
    for (name, text) in [
        ("people.csv", "city,age,email\nOslo,40,a@x\nRome,41,b@x\n"),
        (
            "people.jsonl",
            "{\"city\":\"Oslo\",\"age\":40,\"email\":\"a@x\"}\n{\"city\":\"Rome\",\"age\":41,\"email\":\"b@x\"}\n",
        ),
    ] {
        let path = crate::folder().join(name);
        std::fs::write(&path, text).expect("it is written");
        let db = Files::open_file_on(Unsynced, &path, Options::default()).expect("it opens");
        let store = db.store::<Person>().expect("it opens");
        store.update("a@x", Person { email: "a@x".into(), age: None }).expect("it is there");
        let person = Person { email: "c@x".into(), age: Some(1) };
        store.create(&person).expect("it is new");
        store.checkpoint().expect("it is put into the file");
        assert_eq!(store.read("c@x").expect("it reads").map(|row| row.record), Some(person));
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(text.contains("Oslo") && text.contains("Rome") && !text.contains("_id"), "{text}");
        if name.ends_with("csv") {
            assert!(text.starts_with("city,age,email,_version,_created_at,_updated_at\nOslo,,a@x,t"), "{text}");
            assert!(text.contains("\nRome,41,b@x,,,\n"), "untouched: {text}");
        }
    }
}

#[test]
fn damaged_rows_are_told_with_their_lines_and_never_overwritten() {
    let path = crate::folder().join("people.csv");
    let text = "name,age\nAnn,40\nBo,41,too many\nCid,42\n";
    std::fs::write(&path, text).expect("it is written");
    let store = open(&path, Options::default());
    let rows: Vec<_> = store.stream(Query::new()).expect("it starts").collect();
    let errors: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
    assert_eq!((rows.len(), errors.len(), errors[0].place().line), (3, 1, Some(3)));
    store.create(document! { "name" => "Dan" }).expect("the journal takes it");
    let refused = store.checkpoint().expect_err("what the row is is not known");
    assert_eq!((refused.kind(), refused.place().line), (ErrorKind::Corrupt, Some(3)));
    std::mem::forget(store);
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), text);
}

#[test]
fn formats_are_known_by_name_or_option_and_databases_by_url() {
    let folder = crate::folder();
    std::fs::write(folder.join("a.csv"), "x;y\n1;2\n").expect("it is written");
    let url = format!("file:{}/a.csv?delimiter=;", folder.display());
    let any = AnyDatabase::open_url(&url).expect("it opens").documents("a", Schema::open("a")).expect("it opens");
    let rows = any.search(Query::new()).expect("it reads");
    assert_eq!(rows[0].record, document! { "x" => 1, "y" => 2 });
    let any = AnyDatabase::open_url(&format!("file:{}?format=jsonl.zst", folder.display())).expect("it opens");
    let store = any.documents("b", Schema::open("b")).expect("it opens");
    store.create(document! { "x" => 1 }).expect("it is new");
    drop((store, any));
    assert!(folder.join("b.jsonl.zst").exists());
    let refused = AnyDatabase::open_url("file:a.csv?delimeter=;").map(drop).map_err(|e| e.to_string()).unwrap_err();
    assert!(refused.contains("did you mean `delimiter`?"), "{refused}");
    std::fs::write(folder.join("b.csv"), "x\n").expect("it is written");
    let two = Files::open(&folder).expect("it opens").documents("b", Schema::open("b"));
    assert_eq!(two.map(drop).map_err(|e| e.kind()), Err(ErrorKind::Configuration));
    let unknown = Files::open_file(folder.join("c.txt"), Options::default()).map(drop);
    assert_eq!(unknown.map_err(|e| e.kind()), Err(ErrorKind::Configuration));
    assert!(
        Files::open_file_on(Os, folder.join("c.txt"), Options::default().format(Format::Csv, Compression::None))
            .is_ok()
    );
}

#[test]
fn parts_of_a_stream_are_disjoint_and_complete() {
    let path = crate::folder().join("things.csv");
    let store = open(&path, Options::default());
    let pad = "z".repeat(400);
    store.create_batch((0..3_000_u64).map(|n| document! { "n" => n, "pad" => pad.as_str() })).expect("it writes");
    store.checkpoint().expect("it is put into the file");
    store.create_batch((3_000..3_200_u64).map(|n| document! { "n" => n })).expect("it writes");
    let mut all: Vec<i128> = Vec::new();
    for part in store.streams(Query::new(), 3).expect("it splits") {
        all.extend(part.map(|row| row.expect("it reads").record["n"].as_int().expect("a number")));
    }
    all.sort_unstable();
    assert_eq!(all, (0..3_200).collect::<Vec<i128>>());
}

#[test]
fn semantics_6_1_what_does_not_fit_into_memory_is_sorted_in_files() {
    let path = crate::folder().join("things.jsonl");
    let schema = || {
        Schema::new("things").field(FieldDef::new("n", Type::I64)).field(FieldDef::new("d", Type::Decimal).nullable())
    };
    let db = Files::open_file_on(Unsynced, &path, Options::default().sort_bytes(20_000)).expect("it opens");
    let store = db.documents("things", schema()).expect("it opens");
    store.create_batch((0..2_000_i64).map(|n| document! { "n" => n * 7_919 % 2_000 })).expect("it writes");
    store.checkpoint().expect("it is put into the file");
    let sorted = store.search(Query::new().sort(dk_data::Key::desc("n")).offset(3)).expect("it sorts");
    let numbers: Vec<_> = sorted.iter().filter_map(|row| row.record["n"].as_int()).collect();
    assert_eq!(numbers, (0..1_997).rev().collect::<Vec<i128>>());
    let versions = store.search(Query::new()).expect("it reads");
    let version = |rows: &[dk_data::Stored<Document>], n| {
        rows.iter().find(|row| row.record["n"].as_int() == Some(n)).map(|row| row.envelope.clone())
    };
    assert_eq!(version(&sorted, 5), version(&versions, 5), "what was in a file comes back whole");
}

/// Types that a file cannot say stand beside it; what is no schema is told with its place.
#[test]
fn a_schema_beside_the_file_declares_types() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, "code,level,note\n12,3,x\n7,2,\n").expect("it is written");
    let beside = path.with_extension("csv.schema.json");
    let declared =
        r#"{"name":"people","fields":[{"name":"code","type":"text"},{"name":"level","type":"u8","nullable":true}]}"#;
    std::fs::write(&beside, declared).expect("it is written");
    let store = open(&path, Options::default());
    let codes: Vec<_> = store.search(Query::new().sort(dk_data::Key::asc("code"))).expect("it reads");
    let codes: Vec<_> = codes.iter().map(|row| row.record["code"].clone()).collect();
    assert_eq!(codes, ["12".into(), "7".into()], "texts, in the order of texts");
    let refused = store.create(document! { "code" => "1", "level" => 300 }).expect_err("it is no u8");
    assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    store.create(document! { "code" => "007", "level" => 1, "more" => true }).expect("it fits");
    dk_data::store::Driver::close(store).expect("it closes");
    let again = open(&path, Options::default());
    assert_eq!(
        again
            .count(Filter::eq("code", "007").bind::<Document>(dk_data::store::Driver::shape(&again)).expect("it fits"))
            .expect("it counts"),
        1
    );
    drop(again);
    std::fs::write(&beside, "{\n\"name\":\"people\",\"fields\":[{\"name\":\"code\",\"type\":\"txt\"}]}")
        .expect("it is written");
    let files = Files::open_file_on(Unsynced, &path, Options::default()).expect("it opens");
    let error = files.documents("people", Schema::open("people")).map(drop).expect_err("there is no such type");
    assert_eq!((error.kind(), error.place().line), (ErrorKind::Configuration, Some(2)), "{error}");
    assert!(error.place().url.as_deref().is_some_and(|url| url.ends_with("schema.json")), "{error}");
}

/// People with homes that may be null, as all in them may.
fn homes() -> Schema {
    let home = Schema::new("home")
        .field(FieldDef::new("city", Type::Text).nullable())
        .field(FieldDef::new("zip", Type::U16).nullable());
    Schema::new("people")
        .field(FieldDef::new("name", Type::Text))
        .field(FieldDef::new("home", Type::record(home)).nullable())
}

fn open_homes(path: &Path) -> FileStore<Document, Unsynced> {
    let db = Files::open_file_on(Unsynced, path, Options::default()).expect("it opens");
    db.documents("people", homes()).expect("it opens")
}

/// A record in columns of its fields, all of which may be null, gets one more, which says whether it is there.
#[test]
fn semantics_2_2_in_columns_a_record_of_nulls_is_told_from_none() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, "name,home.city,home.zip\r\nAnn,\"Oslo\",7\r\nBob,,\r\nCid,,8\r\nDan,,\r\n")
        .expect("it is written");
    let home = |store: &FileStore<Document, Unsynced>, id: &str| {
        store.read(id).expect("it reads").expect("it is there").record["home"].clone()
    };
    let nobody = Value::Record(Document::new());
    let store = open_homes(&path);
    store.patch("0000000002", Changes::set("home", nobody.clone())).expect("it is there");
    store.patch("0000000003", Changes::set("home", Value::Null)).expect("it is there");
    let new = [("eve", nobody.clone()), ("fay", Value::Record(document! { "city" => "Rome" })), ("guy", Value::Null)];
    for (id, home) in new.clone() {
        store.create(Draft::of(document! { "name" => id, "home" => home }).id(id).expect("an id")).expect("it is new");
    }
    for round in 0..3 {
        let store = open_homes(&path);
        let null = Filter::is_null("home").bind::<Document>(store.schema()).expect("it fits");
        assert_eq!(store.count(null.clone()).expect("it counts"), 3, "{round}");
        let names: Vec<_> = store
            .search(Query::new().filter(null).limit(9))
            .expect("it reads")
            .into_iter()
            .map(|row| row.record["name"].clone())
            .collect();
        assert_eq!(names, ["Cid".into(), "Dan".into(), "guy".into()], "{round}");
        assert_eq!(home(&store, "0000000002"), nobody, "{round}");
        assert_eq!(home(&store, "0000000001"), Value::Record(document! { "city" => "Oslo", "zip" => 7 }), "{round}");
        for (id, expected) in &new {
            assert_eq!(home(&store, id), *expected, "{round}: {id}");
        }
        store.checkpoint().expect("it is put into the file");
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(text.starts_with("name,home.city,home.zip,home,_id,"), "{text}");
        let begins =
            ["Ann,\"Oslo\",7,,0000000001,,", "Bob,,,true,0000000002,", "Cid,,,,0000000003,", "Dan,,,,0000000004,,"];
        begins.iter().for_each(|row| assert!(text.contains(&format!("\r\n{row}")), "{row}: {text}"));
        // Another change, of a cell beside them.
        store.patch("0000000002", Changes::set("name", "Bob")).expect("it is there");
    }
    drop(store);
    let text = std::fs::read_to_string(&path).expect("it is there").replace(",true,", ",maybe,");
    std::fs::write(&path, text).expect("it is written");
    let wrong = open_homes(&path).search(Query::new()).expect_err("that says nothing");
    assert_eq!((wrong.kind(), wrong.place().line), (ErrorKind::Invalid, Some(3)), "{wrong}");
}

/// A record whose columns do not hold all of it cannot be written into them; the file stays as it is.
#[test]
fn a_file_that_would_lose_a_field_is_not_written() {
    let path = crate::folder().join("people.csv");
    let text = "name,home.city\nAnn,Oslo\nBob,\n";
    std::fs::write(&path, text).expect("it is written");
    let store = open_homes(&path);
    let refused = store.patch("0000000002", Changes::set("name", "Bo")).expect_err("`home.zip` has no column");
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
    store.close().expect("there is nothing to do");
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), text);
}

/// Line and byte of the file, and not of the object: with a filter that reads the field, and without.
#[test]
fn a_value_of_json_that_does_not_read_is_named_where_it_stands_in_the_file() {
    for (name, text) in [
        ("things.json", "[{\"n\":1},\n  {\"n\":2}, {\"n\":\"x\"}]\n"),
        ("things.jsonl", "{\"n\":1}\n\n {\"n\":\"x\"}\n"),
    ] {
        let path = crate::folder().join(name);
        std::fs::write(&path, text).expect("it is written");
        let schema = Schema::new("things").field(FieldDef::new("n", Type::U8));
        let things = Files::open_file_on(Unsynced, &path, Options::default()).expect("it opens");
        let things = things.documents("things", schema).expect("it opens");
        let query = Query::new().filter(Filter::gt("n", 0).bind::<Document>(things.schema()).expect("it fits"));
        let before = text.split("\"x\"").next().expect("what stands before it");
        let line = before.split('\n').count() as u64;
        let column = before.rsplit('\n').next().expect("the line").len() as u64 + 1;
        for failed in [things.search(Query::new()).map(drop), things.search(query).map(drop)] {
            let error = failed.expect_err("`x` is no number");
            assert_eq!((error.place().line, error.place().column), (Some(line), Some(column)), "{name}: {error}");
        }
    }
}
