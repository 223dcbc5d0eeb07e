//! Strings that break parsers, as values and inside predicates, in CSV and NDJSON (semantics 2.2, 2.10, 3.6).

use dk_data::{
    Database, Document, FieldDef, Filter, Id, Path, Record, Result, Schema, Store, Type, Typed, Value,
    backend::memory::Memory,
    format::{csv::Csv, json::Json},
};

use crate::formats::shared;

#[derive(Record, Clone, Debug, PartialEq)]
struct Line {
    n: u32,
    text: String,
    inside: Inside,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Inside {
    text: Option<String>,
}

/// All of them, but those that hold U+0000, and some that are made for these formats.
fn strings() -> Vec<String> {
    let all: Vec<String> = serde_json::from_slice(&shared("naughty-strings.json")).expect("the file is JSON");
    let more = [
        "",
        " ",
        "%",
        "_",
        "\\",
        "\\%",
        "a%b_c\\d",
        "\"",
        "\"\"",
        "'",
        "\r",
        "\n",
        "\r\n",
        ",",
        "null",
        "{\"a\":1}",
        "[]",
    ];
    let more = more.into_iter().map(str::to_owned);
    let mut all: Vec<_> = all.into_iter().filter(|text| !text.contains('\0')).chain(more).collect();
    all.sort();
    all.dedup();
    assert!(all.len() > 400);
    all
}

fn lines() -> Vec<Line> {
    let line = |(n, text): (usize, String)| Line { n: n as u32, inside: Inside { text: Some(text.clone()) }, text };
    strings().into_iter().enumerate().map(line).collect()
}

struct Files {
    csv: Vec<u8>,
    json: Vec<u8>,
}

impl Files {
    fn of(lines: &[Line]) -> Files {
        let mut csv = Csv::default().write::<Line, _>(Vec::new()).expect("a record type is closed");
        let mut json = Json::default().write::<Line, _>(Vec::new());
        lines.iter().for_each(|line| csv.write(line).and_then(|()| json.write(line)).expect("it can be written"));
        Files { csv: csv.finish().expect("memory takes it"), json: json.finish().expect("memory takes it") }
    }

    /// The numbers of the lines for which a filter is true, by raw cells and by objects; they must agree.
    fn matching(&self, filter: &Filter) -> Vec<u32> {
        let bound = || filter.clone().bind::<Line>(Line::SCHEMA).expect("it fits");
        let csv =
            Csv::default().read::<Line, _>(&self.csv[..]).and_then(|rows| rows.matching(bound())).expect("it fits");
        let json = Json::default().read::<Line, _>(&self.json[..]).matching(bound()).expect("it fits");
        let csv: Result<Vec<u32>> = csv.map(|line| line.map(|line| line.n)).collect();
        let json: Result<Vec<u32>> = json.map(|line| line.map(|line| line.n)).collect();
        let (csv, json) = (csv.expect("every row reads"), json.expect("every line reads"));
        assert_eq!(csv, json, "{filter}");
        csv
    }
}

/// What a filter asks of a text, asked plainly.
enum Test<'a> {
    Eq(&'a str),
    Ge(&'a str),
    Contains(&'a str),
    Starts(&'a str),
}

impl Test<'_> {
    fn holds(&self, text: &str) -> bool {
        match self {
            Test::Eq(wanted) => text == *wanted,
            Test::Ge(least) => text.as_bytes() >= least.as_bytes(),
            Test::Contains(part) => text.contains(part),
            Test::Starts(prefix) => text.starts_with(prefix),
        }
    }
}

/// A pattern that is like this text alone.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

#[test]
fn semantics_2_10_every_string_survives_as_a_value_and_in_nested_ones() {
    let lines = lines();
    let files = Files::of(&lines);
    assert_eq!(
        Csv::default().read(&files.csv[..]).and_then(Iterator::collect::<Result<Vec<Line>>>).ok(),
        Some(lines.clone())
    );
    assert_eq!(Json::default().read(&files.json[..]).collect::<Result<Vec<Line>>>().ok(), Some(lines));
}

#[test]
fn every_string_is_found_by_a_predicate_on_raw_cells() {
    let lines = lines();
    let files = Files::of(&lines);
    let where_text = |test: &Test<'_>| -> Vec<u32> {
        lines.iter().filter(|line| test.holds(&line.text)).map(|line| line.n).collect()
    };
    // A filter costs a pass over both files, so the unoptimized build takes every twelfth string.
    let step = if cfg!(debug_assertions) { 12 } else { 1 };
    for text in strings().iter().step_by(step) {
        let value = || Value::from(text.as_str());
        for field in ["text", "inside.text"] {
            let path = || field.parse::<Path>().expect("it is a path");
            let cases = [
                (Filter::eq(path(), value()), Test::Eq(text)),
                (Filter::like(path(), escaped(text), false), Test::Eq(text)),
                (Filter::contains(path(), value()), Test::Contains(text)),
                (Filter::is_in(path(), [value(), Value::from("no such text")]), Test::Eq(text)),
                (Filter::ge(path(), value()), Test::Ge(text)),
                (Filter::starts_with(path(), text.as_str()), Test::Starts(text)),
            ];
            for (filter, test) in cases {
                assert_eq!(files.matching(&filter), where_text(&test), "{filter}");
            }
        }
    }
}

#[test]
fn every_string_stands_in_the_text_and_in_the_json_of_a_filter() {
    for text in strings() {
        let filter = Filter::eq("text", text.as_str()).and_also(Filter::like("text", escaped(&text), true));
        let printed = filter.to_string();
        assert_eq!(printed.parse::<Filter>().ok().as_ref(), Some(&filter), "{printed}");
        let json = serde_json::to_string(&filter).expect("a filter is data");
        assert_eq!(serde_json::from_str::<Filter>(&json).ok(), Some(filter), "{json}");
    }
}

#[test]
fn every_string_is_a_name_of_a_column_and_a_field() {
    for name in strings().into_iter().filter(|name| !name.starts_with('_')) {
        let schema = Schema::new("t")
            .field(FieldDef::new(name.clone(), Type::Text))
            .field(FieldDef::new("beside the name", Type::Text));
        let mut document = Document::new();
        document.set(name.clone(), "x").set("beside the name", "y");
        let mut csv = Csv::default().write_documents(Vec::new(), schema.clone()).expect("it is closed");
        csv.write(&document).expect("it can be written");
        let csv = csv.finish().expect("memory takes it");
        let path = Path::field(name.clone());
        assert_eq!(path.to_string().parse::<Path>().ok().as_ref(), Some(&path), "{name:?}");
        for schema in [schema.clone(), Schema::open("t")] {
            let bound = Filter::eq(path.clone(), "x").bind::<Document>(&schema).expect("it fits");
            let rows = Csv::default().read_documents(&csv[..], schema).and_then(|rows| rows.matching(bound));
            let rows: Result<Vec<_>> = rows.expect("it fits").collect();
            assert_eq!(rows.ok(), Some(vec![document.clone()]), "{name:?}");
        }
    }
}

/// A record whose id is the text itself.
#[derive(Record, Clone, Debug, PartialEq)]
struct Keyed {
    #[record(id)]
    key: String,
    n: u32,
}

#[test]
fn semantics_1_1_every_string_that_can_be_an_id_survives_as_one() {
    let strings = strings().into_iter().filter(|text| Id::new(text).is_ok());
    let keyed: Vec<Keyed> = strings.enumerate().map(|(n, key)| Keyed { key, n: n as u32 }).collect();
    assert!(keyed.len() > 400);
    let mut csv = Csv::default().write::<Keyed, _>(Vec::new()).expect("a record type is closed");
    let mut json = Json::default().write::<Keyed, _>(Vec::new());
    keyed.iter().for_each(|row| csv.write(row).and_then(|()| json.write(row)).expect("it can be written"));
    let (csv, json) = (csv.finish().expect("memory takes it"), json.finish().expect("memory takes it"));
    let read_csv: Result<Vec<Keyed>> = Csv::default().read(&csv[..]).and_then(Iterator::collect);
    let read_json: Result<Vec<Keyed>> = Json::default().read(&json[..]).collect();
    assert_eq!((read_csv.expect("it reads"), read_json.expect("it reads")), (keyed.clone(), keyed.clone()));

    let store = Memory::new().store::<Keyed>().expect("memory opens");
    store.create_batch(&keyed).expect("memory writes").into_iter().for_each(|done| drop(done.expect("a fine id")));
    for row in &keyed {
        let found = store.read(row.key.as_str()).expect("memory reads").map(|found| found.record);
        assert_eq!(found.as_ref(), Some(row));
        assert_eq!(store.count(Keyed::KEY.eq(&row.key)).ok(), Some(1), "{:?}", row.key);
    }
}
