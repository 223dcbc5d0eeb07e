//! Files that pandas, pyarrow, DuckDB and Polars write are read here, and files that are written here are read by them.

use std::{fs, path::Path, process::Command};

use dk_data::{
    Document, Schema, Type, Value, document,
    format::{
        csv::Csv,
        json::Json,
        parquet::{Compression, Parquet},
    },
};
use jiff::{Timestamp, civil::date};
use rust_decimal::Decimal;

use crate::python::{common, python, run, scripts, wanted, with};

fn expected(path: &Path) -> Vec<Document> {
    let text = fs::read_to_string(path).expect("it was written beside the file");
    let row = |line: &str| match serde_json::from_str::<Value>(&format!("{{\"$record\":{line}}}")) {
        Ok(Value::Record(document)) => document,
        other => panic!("{line}: {other:?}"),
    };
    text.lines().map(row).collect()
}

/// The records of a file, by its name.
fn read(path: &Path) -> Result<Vec<Document>, dk_data::Error> {
    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
    let file = || fs::File::open(path).expect("it is there");
    match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("parquet") => {
            let file = Parquet::open(file())?;
            let schema = file.schema("t")?;
            let closed: Vec<_> = file.documents(schema)?.collect::<Result<_, _>>()?;
            let open: Vec<_> = file.documents(Schema::open("t"))?.collect::<Result<_, _>>()?;
            assert_eq!(loose(&closed), loose(&open), "{name}: with the file's schema and without one");
            Ok(closed)
        }
        Some("csv") => Csv::default().read_documents(file(), Schema::open("t"))?.collect(),
        Some("jsonl") => Json::default().read_documents(file(), Schema::open("t")).collect(),
        _ => Json::array().read_documents(file(), Schema::open("t")).collect(),
    }
}

/// Lists of lists are that to an open schema, and JSON to the schema of the file.
fn loose(rows: &[Document]) -> Vec<Document> {
    let alike = |(name, value): (&str, &Value)| (name != "lists").then(|| (name.to_owned(), value.clone()));
    rows.iter().map(|row| row.iter().filter_map(alike).collect()).collect()
}

/// What a text format does not tell apart: an empty text and null, an integer and a float of the same value.
fn same(kind: &str, wanted: &Document, found: &Document) -> bool {
    let names = wanted.names().chain(found.names());
    names.into_iter().all(|name| match (&wanted[name], &found[name]) {
        (a, b) if a == b => true,
        (Value::Text(text), Value::Null) => kind == "csv" && text.is_empty(),
        (Value::Text(text), Value::Decimal(n)) => kind == "csv" && *text == n.to_string(),
        _ => false,
    })
}

#[test]
fn files_of_other_makers_hold_what_they_say() {
    let folder = tempfile::tempdir().expect("a folder");
    run(Command::new(python()).arg(scripts().join("write.py")).arg(folder.path()));
    let mut files: Vec<_> =
        fs::read_dir(folder.path()).expect("the folder").map(|f| f.expect("a file").path()).collect();
    files.retain(|path| path.extension().is_none_or(|kind| kind != "expected"));
    files.sort();
    assert!(files.len() > 40, "only {} files were written", files.len());
    let mut wrong = Vec::new();
    for path in &files {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
        let wanted = expected(&folder.path().join(format!("{name}.expected")));
        match read(path) {
            Err(error) => wrong.push(format!("{name}: {error}")),
            Ok(found) if found.len() != wanted.len() => {
                wrong.push(format!("{name}: {} rows of {}", found.len(), wanted.len()))
            }
            Ok(found) => {
                let unlike = wanted.iter().zip(&found).position(|(wanted, found)| !same(kind, wanted, found));
                wrong.extend(
                    unlike.map(|at| format!("{name}, row {at}:\n  wanted {:?}\n  found  {:?}", wanted[at], found[at])),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

/// The columns that every format and every reader has in some form.
fn ours() -> (Schema, Vec<Document>) {
    let moment = |text: &str| text.parse::<Timestamp>().expect("a moment");
    let rows = vec![
        document! {
            "flag" => true, "small" => -128, "int" => 9_007_199_254_740_993_i64, "u32" => u32::MAX, "float" => 0.1, "text" => "åß😀, \"quoted\"\nline",
            "at" => moment("2026-01-31T10:00:00.000001Z"), "day" => date(2026, 1, 31), "list" => vec![Value::from(1), 2.into()],
            "home" => document! { "city" => "Oslo", "zip" => 150 },
        },
        document! {
            "flag" => false, "small" => 127, "int" => -5, "u32" => 0, "float" => -1e300, "text" => "plain",
            "at" => moment("1970-01-01T00:00:00Z"), "day" => date(1970, 1, 1), "list" => vec![Value::from(-3)], "home" => document! { "zip" => 0 },
        },
        document! { "flag" => true, "text" => "only", "float" => 2.5 },
    ];
    (common(), rows)
}

/// What only Parquet has types for, beside them.
fn typed() -> (Schema, Vec<Document>) {
    let (schema, rows) = ours();
    let fields = [
        ("u64", Type::U64),
        ("u8", Type::U8),
        ("single", Type::F32),
        ("price", Type::Decimal),
        ("wide", Type::Decimal),
        ("bytes", Type::Bytes),
        ("id", Type::Uuid),
        ("colour", Type::Enum(vec!["red".into(), "green".into()].into())),
        ("texts", Type::list(Type::Text)),
        ("json", Type::Json),
        ("vector", Type::Vector(2)),
    ];
    let mut schema = with(schema, fields);
    // All of the digits that every reader has.
    schema
        .fields
        .to_mut()
        .iter_mut()
        .filter(|field| field.name == "wide")
        .for_each(|field| field.decimal = Some((38, 10)));
    let more = [
        document! {
            "u64" => u64::MAX, "u8" => 255, "single" => 0.1_f32, "price" => Decimal::new(110, 2), "wide" => Decimal::new(1234567, 5), "bytes" => Value::Bytes(vec![0, 255]),
            "id" => uuid::Uuid::max(), "colour" => "green", "texts" => vec![Value::from(""), "x".into()], "json" => serde_json::json!({ "a": [1, "x"] }),
            "vector" => Value::Vector(vec![1.5, -2.5]),
        },
        document! { "u64" => 0, "texts" => Vec::<Value>::new(), "bytes" => Value::Bytes(Vec::new()), "price" => Decimal::new(-5, 2) },
        Document::new(),
    ];
    let rows = rows.into_iter().zip(more).map(|(row, more)| row.into_iter().chain(more).collect()).collect();
    (schema, rows)
}

fn zipped(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(text).and_then(|()| out.finish()).expect("memory takes it")
}

#[test]
fn other_readers_find_what_was_written_here() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("the folder is ours");
    let (schema, rows) = ours();
    let mut csv = Csv::default().write_documents(Vec::new(), schema.clone()).expect("it is closed");
    let mut lines = Json::default().write_documents(Vec::new(), schema.clone());
    let mut array = Json::array().write_documents(Vec::new(), schema.clone());
    for row in &rows {
        csv.write(row).and_then(|()| lines.write(row)).and_then(|()| array.write(row)).expect("they can be written");
    }
    for (kind, text) in [("csv", csv.finish()), ("jsonl", lines.finish()), ("json", array.finish())] {
        let text = text.expect("memory takes it");
        put(&format!("ours.{kind}"), &text);
        if kind != "json" {
            put(&format!("ours.{kind}.gz"), &zipped(&text));
        }
    }
    let (all, full) = typed();
    let codecs = [
        ("none", Compression::None),
        ("snappy", Compression::Snappy),
        ("lz4", Compression::Lz4),
        ("gzip", Compression::Gzip(6)),
        ("brotli", Compression::Brotli(3)),
        ("zstd", Compression::Zstd(3)),
    ];
    for (name, codec) in codecs {
        let parquet = Parquet::default().compression(codec).decimal("price", 18, 4).bloom("text");
        let mut out = parquet.write_documents(Vec::new(), all.clone()).expect("the options fit");
        full.iter().for_each(|row| out.write(row).expect("it can be written"));
        put(&format!("ours.parquet.{name}.parquet"), &out.finish().expect("memory takes it"));
    }
    let expected = serde_json::json!({
        "csv": wanted(&schema, &rows),
        "jsonl": wanted(&schema, &rows),
        "json": wanted(&schema, &rows),
        "parquet": wanted(&all, &full),
    });
    put("expected.json", expected.to_string().as_bytes());
    let report = run(Command::new(python()).arg(scripts().join("read.py")).arg(folder.path()));
    assert!(report.lines().filter(|line| line.ends_with(": equal")).count() > 40, "{report}");
}
