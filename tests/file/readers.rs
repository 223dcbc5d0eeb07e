//! pandas, pyarrow, DuckDB and Polars read what is written here: the file of a store after a checkpoint, and an export with each
//! of its options.

use std::{path::Path, process::Command};

use dk_data::{
    Changes, Database, Document, Draft, FieldDef, Query, Schema, Store, Type, Value,
    backend::{
        file::{Compression, Export, Files, Format, Options},
        memory::Memory,
    },
    document,
    store::Driver,
};

use crate::{
    disk::Unsynced,
    python::{common, python, run, scripts, wanted, with},
};

/// So many that every compressed file has several frames.
const RECORDS: usize = 1_500;

/// Types that every reader has in some form, and some that text has not.
fn schema() -> Schema {
    let more = [
        ("wide", Type::Decimal),
        ("uuid", Type::Uuid),
        ("bytes", Type::Bytes),
        ("colour", Type::Enum(vec!["red".into(), "green".into()].into())),
    ];
    let mut schema = with(common(), more);
    // All of the digits that every reader has.
    schema
        .fields
        .to_mut()
        .iter_mut()
        .filter(|field| field.name == "wide")
        .for_each(|field| field.decimal = Some((38, 10)));
    schema
}

fn thing(n: usize) -> Document {
    let signed = n as i64;
    let pad = "z".repeat(600 + n % 7);
    let text = ["åß😀, \"quoted\"\nline; 'of' text\t", "plain", "\r\n", ""][n % 4];
    let mut thing = document! {
        "flag" => (n % 5 != 1).then_some(n.is_multiple_of(2)),
        "small" => signed % 128 - (signed % 2) * 64,
        "int" => (n % 6 != 2).then_some(9_007_199_254_740_993 - 3 * signed),
        "u32" => u32::MAX - n as u32,
        "float" => (n % 7 != 3).then_some(n as f64 / 10.0 + 0.01),
        "wide" => rust_decimal::Decimal::new(1_234_567 - signed, 5),
        "uuid" => uuid::Uuid::from_u128(n as u128 * 0x1234_5678_9abc_def0_1234_5678),
        "bytes" => Value::Bytes(vec![0, 255, n as u8]),
        "colour" => n.is_multiple_of(3).then_some(if n.is_multiple_of(2) { "red" } else { "green" }),
        "list" => vec![Value::from(signed), (-2).into()],
        "text" => (n % 9 != 4).then(|| if text.is_empty() { String::new() } else { format!("{text}{pad}") }),
    };
    thing.set("at", Value::Timestamp(jiff::Timestamp::from_microsecond(signed * 86_400_000_001).expect("a moment")));
    thing.set("day", Value::Date(jiff::civil::date(1970 + (n % 100) as i16, 2, 28)));
    match n % 4 {
        0 => thing.set("home", Value::Record(document! { "city" => "Oslo", "zip" => signed })),
        1 => thing.set("home", Value::Record(document! { "zip" => 0 })),
        _ => &mut thing,
    };
    thing
}

fn id(n: usize) -> String {
    format!("t{n:05}")
}

fn draft(n: usize) -> Draft<'static, Document> {
    Draft::of(thing(n)).id(id(n)).expect("an id").meta("n", n as u64)
}

/// Lets every reader read the files of a folder, of which there are so many for each reader.
fn read_by_others(folder: &Path, dialects: &serde_json::Value) {
    let named = |n: usize| thing(n).into_iter().chain([("_id".into(), Value::from(id(n)))]).collect::<Document>();
    let schema = schema().field(FieldDef::new("_id", Type::Text));
    let mut wanted = wanted(&schema, &(0..RECORDS).map(named).collect::<Vec<_>>());
    wanted["key"] = "_id".into();
    let kinds = ["csv", "tsv", "jsonl", "json", "parquet"].map(|kind| (kind.to_owned(), wanted.clone()));
    let mut expected: serde_json::Map<String, serde_json::Value> = kinds.into_iter().collect();
    expected.insert("dialects".into(), dialects.clone());
    let expected = serde_json::Value::from(expected).to_string();
    std::fs::write(folder.join("expected.json"), expected).expect("the folder is ours");
    let report = run(Command::new(python()).arg(scripts().join("read.py")).arg(folder));
    for entry in std::fs::read_dir(folder).expect("the folder is ours") {
        let name = entry.expect("a file").file_name().into_string().expect("a name");
        let read = report.lines().filter(|line| line.starts_with(&format!("{name} by ")) && line.ends_with(": equal"));
        // Of pyarrow there is no reader of JSON arrays.
        let least = if name.contains(".json.") || name.ends_with(".json") { 3 } else { 4 };
        assert!(name == "expected.json" || read.count() >= least, "{name}:\n{report}");
    }
}

/// Frames that a checkpoint has copied, rows that it has changed, and rows that are new.
#[test]
fn a_store_after_a_checkpoint_is_read_by_others() {
    let folder = crate::folder();
    let kinds = ["csv", "tsv", "jsonl", "json"];
    let names = kinds.into_iter().flat_map(|kind| ["", ".gz", ".zst"].map(|packed| format!("ours.{kind}{packed}")));
    let mut names: Vec<String> = names.collect();
    names.extend(cfg!(feature = "parquet").then(|| "ours.parquet".to_owned()));
    for name in &names {
        let files = Files::open_file_on(Unsynced, folder.join(name), Options::default()).expect("it opens");
        let store = files.documents("t", schema()).expect("it opens");
        let early = (0..RECORDS * 2 / 3).map(|n| match n % 100 {
            0 => Draft::of(thing(n + 1)).id(id(n)).expect("an id"),
            _ => draft(n),
        });
        assert!(store.create_batch(early).expect("it writes").iter().all(Result::is_ok), "{name}");
        store.create(Draft::of(thing(0)).id("gone").expect("an id")).expect("it is new");
        store.checkpoint().expect("it is put into the base");
        for n in (0..RECORDS * 2 / 3).step_by(100) {
            store.update(id(n), thing(n)).expect("it is there");
        }
        store.patch("gone", Changes::set("text", "otherwise")).expect("it is there");
        assert!(store.delete("gone").expect("it deletes"));
        let late = (RECORDS * 2 / 3..RECORDS).map(draft);
        assert!(store.create_batch(late).expect("it writes").iter().all(Result::is_ok), "{name}");
        Driver::close(store).expect("it is put into the base");
    }
    read_by_others(&folder, &serde_json::json!({}));
}

#[test]
fn an_export_with_its_options_is_read_by_others() {
    let folder = crate::folder();
    let store = Memory::new().documents("t", schema()).expect("memory opens");
    assert!(store.create_batch((0..RECORDS).map(draft)).expect("memory takes them").iter().all(Result::is_ok));
    let punctuated = |delimiter, quote| Options::default().punctuation(delimiter, quote).expect("they differ");
    let null = |spelling: &str| Options::default().null(spelling).expect("a spelling");
    let packed = |format, compression| Options::default().format(format, compression);
    let plain = Export::default;
    let mut exports = vec![
        ("ours.csv", plain()),
        ("ours.tsv", plain().envelope()),
        ("ours.jsonl", plain().envelope()),
        ("ours.json", plain().envelope()),
        ("ours.csv.envelope.csv", plain().envelope()),
        ("ours.csv.semicolon.csv", plain().options(punctuated(b';', b'\''))),
        ("ours.csv.null.csv", plain().options(null("\\N"))),
        ("ours.csv.null.csv.zst", plain().options(null("NA"))),
        ("ours.csv.gz", plain().level(0)),
        ("ours.csv.best.csv.gz", plain().level(9).envelope()),
        ("ours.csv.zst", plain().level(1)),
        ("ours.csv.best.csv.zst", plain().level(9)),
        ("ours.jsonl.gz", plain().level(9)),
        ("ours.jsonl.zst", plain().level(6)),
        ("ours.json.gz", plain().level(1)),
        ("ours.json.zst", plain()),
        ("ours.csv.by-option", plain().options(packed(Format::Csv, Compression::None))),
    ];
    if cfg!(feature = "parquet") {
        exports.extend([
            ("ours.parquet", plain()),
            ("ours.parquet.groups.parquet", plain().row_group_rows(400).level(1).envelope()),
            ("ours.parquet.best.parquet", plain().level(9)),
        ]);
    }
    for (name, export) in exports {
        let done = export.run(&store, Query::new(), folder.join(name), |_| ());
        assert_eq!(done.unwrap_or_else(|error| panic!("{name}: {error}")).records, RECORDS as u64, "{name}");
    }
    let dialects = serde_json::json!({
        "ours.csv.semicolon.csv": { "delimiter": ";", "quote": "'" },
        "ours.csv.null.csv": { "null": "\\N" },
        "ours.csv.null.csv.zst": { "null": "NA" },
    });
    read_by_others(&folder, &dialects);
}
