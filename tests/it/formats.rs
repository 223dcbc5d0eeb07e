//! CSV and NDJSON, on text written here, on real files, and on strings that break parsers.

use dk_data::{
    Document, ErrorKind, FieldDef, Filter, Schema, Type, Value, document,
    format::{csv::Csv, json::Json},
};

fn csv(text: &str) -> Vec<Result<Document, dk_data::Error>> {
    Csv::default().read_documents(text.as_bytes(), Schema::open("t")).map_or_else(|e| vec![Err(e)], Iterator::collect)
}

/// A file of the shared real data; the tests are run beside it.
pub fn shared(path: &str) -> Vec<u8> {
    let path = format!("{}/../shared/data/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path} must stand beside the project: {e}"))
}

#[test]
fn null_and_the_empty_text_are_told_apart() {
    let rows = csv("a,b\n,\"\"\n\"02\",02\n");
    assert_eq!(rows[0].as_ref().ok(), Some(&document! { "b" => "" }));
    assert_eq!(rows[1].as_ref().ok(), Some(&document! { "a" => "02", "b" => "02" }));
}

#[test]
fn a_bad_row_is_an_item_with_its_place_and_the_reader_goes_on() {
    let schema =
        Schema::new("t").field(FieldDef::new("name", Type::Text)).field(FieldDef::new("age", Type::U8).nullable());
    let text = "name,age\nAnn,40\n\"B\nob\",4o\nCid,300\nDan\nEve,\n";
    let rows: Vec<_> = Csv::default().read_documents(text.as_bytes(), schema).expect("the header reads").collect();
    let places: Vec<_> =
        rows.iter().map(|row| row.as_ref().err().map(|e| (e.place().line, e.place().column))).collect();
    assert_eq!(places, [None, Some((Some(4), Some(2))), Some((Some(5), Some(2))), Some((Some(6), None)), None]);
    let bad = rows[1].as_ref().err().map(|e| (e.place().field.clone(), e.place().value.clone()));
    assert_eq!(bad, Some((Some("age".to_owned()), Some("4o".to_owned()))));
}

#[test]
fn broken_csv_is_reported() {
    assert_eq!(csv("a,a\n1,2\n")[0].as_ref().err().map(|e| e.kind()), Some(ErrorKind::Corrupt));
    assert_eq!(csv("a,b\n1,\"x\n")[0].as_ref().err().map(|e| e.kind()), Some(ErrorKind::Corrupt));
    assert_eq!(csv("a\n\"x\"y\n")[0].as_ref().err().map(|e| e.place().line), Some(Some(2)));
    let invalid = Csv::default().read_documents(&b"a\n\xff\n1\n"[..], Schema::open("t")).expect("the header reads");
    let invalid: Vec<_> = invalid.map(|row| row.is_ok()).collect();
    assert_eq!(invalid, [false, true]);
    assert_eq!(csv("\u{feff}a\n1\n")[0].as_ref().ok(), Some(&document! { "a" => 1 }));
    assert!(csv("").is_empty());
}

#[test]
fn a_row_over_the_limit_is_an_error_and_the_next_one_reads() {
    let text = format!("a\n{}\n1\n", "x".repeat(5_000));
    let rows = Csv::default().max_record_bytes(1_000).read_documents(text.as_bytes(), Schema::open("t"));
    let rows: Vec<_> = rows.expect("the header reads").collect();
    assert!(rows[0].is_err());
    assert_eq!(rows.last().and_then(|row| row.as_ref().ok()), Some(&document! { "a" => 1 }));
}

#[test]
fn cells_that_nobody_asks_for_are_not_looked_at() {
    let schema = Schema::new("t").field(FieldDef::new("a", Type::U8)).field(FieldDef::new("b", Type::U8));
    let filter = Filter::gt("a", 1).bind::<Document>(&schema).expect("the field is there");
    let rows = Csv::default().read_documents("a,b\n1,x\n2,2\n".as_bytes(), schema).expect("the header reads");
    let rows: Vec<_> = rows.matching(filter).expect("the filter fits").collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].as_ref().ok(), Some(&document! { "a" => 2, "b" => 2 }));
}

fn extremes() -> (Schema, Vec<Document>) {
    let nested = Schema::new("home").field(FieldDef::new("city", Type::Text).nullable());
    let fields = [
        FieldDef::new("i", Type::I64),
        FieldDef::new("u", Type::U64),
        FieldDef::new("f", Type::F64),
        FieldDef::new("g", Type::F32),
        FieldDef::new("t", Type::Text),
        FieldDef::new("b", Type::Bytes),
        FieldDef::new("d", Type::Decimal),
        FieldDef::new("s", Type::Timestamp),
        FieldDef::new("day", Type::Date),
        FieldDef::new("id", Type::Uuid),
        FieldDef::new("list", Type::list(Type::Text)),
        FieldDef::new("home", Type::record(nested)),
        FieldDef::new("json", Type::Json),
        FieldDef::new("v", Type::Vector(2)),
    ];
    let schema = fields.into_iter().fold(Schema::new("t"), |schema, field| schema.field(field.nullable()));
    let texts = [
        "",
        "  ",
        "42",
        "true",
        "null",
        "{}",
        "\\N",
        "a\r\nb\rc\nd",
        "\"",
        "a,b",
        "åß😀",
        "02",
        "\u{feff}",
        "-",
        "1e5",
    ];
    let mut all: Vec<Document> =
        texts.into_iter().map(|t| document! { "t" => t, "list" => vec![Value::from(t)] }).collect();
    let decimal = |text: &str| Value::Decimal(text.parse().expect("a decimal"));
    all.push(document! { "i" => i64::MIN, "u" => u64::MAX, "f" => f64::MIN_POSITIVE, "g" => 0.1_f32, "d" => decimal("79228162514264337593543950335") });
    all.push(document! { "i" => (1_i64 << 53) + 1, "f" => 1e308, "d" => decimal("-0.0000000000000000000000000001"), "b" => Value::Bytes(vec![0, 255, 10]) });
    all.push(document! { "s" => "0001-01-01T00:00:00.000001Z".parse::<jiff::Timestamp>().expect("a moment"), "day" => jiff::civil::date(9999, 12, 31) });
    all.push(document! { "id" => uuid::Uuid::max(), "list" => Vec::<Value>::new(), "home" => Document::new(), "b" => Value::Bytes(vec![]) });
    all.push(document! { "home" => document! { "city" => "Oslo" }, "json" => serde_json::json!({"a": [null, 1, "x"]}), "v" => Value::Vector(vec![0.1, -2.5]) });
    all.push(Document::new());
    (schema, all)
}

#[test]
fn a_round_trip_is_the_identity() {
    let (schema, all) = extremes();
    let mut csv = Csv::default().write_documents(Vec::new(), schema.clone()).expect("it is closed");
    let mut json = Json::default().write_documents(Vec::new(), schema.clone());
    for document in &all {
        csv.write(document).expect("it can be written");
        json.write(document).expect("it can be written");
    }
    let (csv, json) = (csv.finish().expect("memory takes it"), json.finish().expect("memory takes it"));
    let from_csv = Csv::default().read_documents(&csv[..], schema.clone()).expect("the header reads");
    let from_csv: Result<Vec<_>, _> = from_csv.collect();
    assert_eq!(from_csv.expect("what was written reads"), all);
    let from_json: Result<Vec<_>, _> = Json::default().read_documents(&json[..], schema).collect();
    assert_eq!(from_json.expect("what was written reads"), all);
}

#[test]
fn naughty_strings_survive() {
    let strings: Vec<String> = serde_json::from_slice(&shared("naughty-strings.json")).expect("the file is JSON");
    let schema = Schema::new("t").field(FieldDef::new("text", Type::Text));
    let all: Vec<_> = strings.iter().filter(|s| !s.contains('\0')).map(|s| document! { "text" => s }).collect();
    let mut csv = Csv::default().write_documents(Vec::new(), schema.clone()).expect("it is closed");
    let mut json = Json::default().write_documents(Vec::new(), schema.clone());
    all.iter().for_each(|doc| csv.write(doc).and_then(|()| json.write(doc)).expect("it can be written"));
    let (csv, json) = (csv.finish().expect("memory takes it"), json.finish().expect("memory takes it"));
    // Without a schema as well: a text that would be taken for something else was quoted.
    for schema in [schema, Schema::open("t")] {
        let from_csv = Csv::default().read_documents(&csv[..], schema.clone()).expect("the header reads");
        assert_eq!(from_csv.collect::<Result<Vec<_>, _>>().expect("it reads"), all);
        assert_eq!(
            Json::default().read_documents(&json[..], schema).collect::<Result<Vec<_>, _>>().expect("it reads"),
            all
        );
    }
}

#[test]
fn real_files_read_as_an_independent_reader_reads_them() {
    for file in ["runways.csv", "airport-frequencies.csv", "countries.csv", "regions.csv"] {
        let bytes = shared(&format!("ourairports/{file}"));
        let ours: Result<Vec<Document>, _> =
            Csv::default().read_documents(&bytes[..], Schema::open("t")).expect("the header reads").collect();
        let ours = ours.expect("every row reads");
        let mut theirs = csv::Reader::from_reader(&bytes[..]);
        let names = theirs.headers().expect("a header").clone();
        let rows: Vec<_> = theirs.records().map(|row| row.expect("it reads")).collect();
        assert_eq!(ours.len(), rows.len(), "{file}");
        for (ours, theirs) in ours.iter().zip(&rows) {
            for (name, cell) in names.iter().zip(theirs) {
                let same = match &ours[name] {
                    Value::Null => cell.is_empty(),
                    Value::Text(text) => text == cell,
                    Value::Int(int) => *cell == int.to_string(),
                    Value::Float(float) => cell.parse() == Ok(*float),
                    other => panic!("{file}: {name} is {other:?}"),
                };
                assert!(same, "{file}: {name}: {cell:?} is {:?}", ours[name]);
            }
        }
    }
}

#[test]
fn a_query_on_a_real_file_agrees_with_a_plain_loop() {
    let bytes = shared("ourairports/runways.csv");
    let schema = Schema::open("runways");
    let filter =
        r#"length_ft >= 10000 and lighted = 1 and not surface like "CON%""#.parse::<Filter>().expect("it parses");
    let bound = filter.bind::<Document>(&schema).expect("it fits");
    let ours =
        Csv::default().read_documents(&bytes[..], schema).expect("a header").matching(bound).expect("it fits").count();
    let mut theirs = csv::Reader::from_reader(&bytes[..]);
    let names = theirs.headers().expect("a header").clone();
    let at = |name| names.iter().position(|n| n == name).expect("a column");
    let (length, lighted, surface) = (at("length_ft"), at("lighted"), at("surface"));
    let plain = theirs.records().map(|row| row.expect("it reads")).filter(|row| {
        row[length].parse().is_ok_and(|feet: i64| feet >= 10_000)
            && &row[lighted] == "1"
            && !row[surface].starts_with("CON")
    });
    assert_eq!(ours, plain.count());
}

#[test]
fn a_bad_value_in_an_array_is_reported_where_it_stands_in_the_input() {
    let schema = Schema::new("n").field(FieldDef::new("n", Type::U8));
    let placed = |text: &'static str| {
        let rows = Json::array().read_documents(text.as_bytes(), schema.clone());
        let errors: Vec<_> = rows.filter_map(Result::err).map(|e| (e.place().line, e.place().column)).collect();
        errors
    };
    assert_eq!(placed("[{\"n\":1},{\"n\":2},{\"n\":300}]"), [(Some(1), Some(23))]);
    assert_eq!(placed("[\n  {\n    \"n\": 1\n  },\n  {\n    \"n\": 300\n  }\n]\n"), [(Some(6), Some(10))]);
}

#[test]
fn broken_json_is_reported_by_line_and_column() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = format!("{{\"a\":1}}\n{{\"a\":}}\n{{\"a\":{deep}}}\nx\n\n{{\"a\":2}}\n{{\"a\":\"\\ud800\"}}");
    let rows: Vec<_> = Json::default().read_documents(text.as_bytes(), Schema::open("t")).collect();
    let lines: Vec<_> = rows.iter().map(|row| row.as_ref().err().and_then(|e| e.place().line)).collect();
    assert_eq!(lines, [None, Some(2), Some(3), Some(4), None, Some(7)]);
    assert_eq!(rows[1].as_ref().err().and_then(|e| e.place().column), Some(6));
}

#[test]
fn an_array_reads_as_lines_do() {
    let (schema, all) = extremes();
    let mut out = Json::array().write_documents(Vec::new(), schema.clone());
    all.iter().for_each(|doc| out.write(doc).expect("it can be written"));
    let bytes = out.finish().expect("memory takes it");
    assert!(serde_json::from_slice::<Vec<serde_json::Value>>(&bytes).is_ok_and(|list| list.len() == all.len()));
    let read: Result<Vec<_>, _> = Json::array().read_documents(&bytes[..], schema.clone()).collect();
    assert_eq!(read.expect("what was written reads"), all);
    let empty = Json::array().write_documents(Vec::new(), schema).finish().expect("memory takes it");
    assert_eq!(empty, b"[]\n");
}

#[test]
fn a_broken_array_is_reported_and_what_came_before_it_is_not_lost() {
    let read = |text: &str| -> Vec<Result<Document, dk_data::Error>> {
        Json::array().read_documents(text.as_bytes(), Schema::open("t")).collect()
    };
    let kinds = |text: &str| -> Vec<Option<ErrorKind>> {
        read(text).iter().map(|r| r.as_ref().err().map(|e| e.kind())).collect()
    };
    assert_eq!(kinds(r#" [ {"a":"]}\""} , {"a":[1,{"b":2}]} ] "#), [None, None]);
    assert_eq!(kinds("{}"), [Some(ErrorKind::Corrupt)]);
    assert_eq!(kinds(""), [Some(ErrorKind::Corrupt)]);
    assert_eq!(kinds("[]"), []);
    assert_eq!(kinds("[{}, 1, {}]"), [None, Some(ErrorKind::Corrupt), None]);
    assert_eq!(kinds(r#"[{"a":1},2]"#), [None, Some(ErrorKind::Corrupt)]);
    assert_eq!(read("[1],2]").last().and_then(|r| r.as_ref().err()).map(|e| e.message().contains("end")), Some(true));
    for text in [r#"[{"a":1},"#, r#"[{"a":1}] x"#, r#"[{"a":1},,]"#, r#"[{"a":1} {"a":2}]"#, r#"[{"a":1},]"#] {
        let read = read(text);
        assert!(read.last().is_some_and(Result::is_err), "{text}");
        assert_eq!(read.first().and_then(|r| r.as_ref().ok()), Some(&document! { "a" => 1 }), "{text}");
    }
}

/// A runway, as far as the test looks at it: headers of mixed case, nullable numbers, 0 and 1 for bools.
#[derive(dk_data::Record, Clone, Debug, PartialEq)]
struct Runway {
    #[record(id)]
    id: u64,
    airport_ident: String,
    length_ft: Option<u32>,
    surface: Option<String>,
    lighted: bool,
    #[record(rename = "le_heading_degT")]
    heading: Option<f64>,
}

#[test]
fn a_real_file_reads_into_a_record_type() {
    use dk_data::{Database, Query, Store, backend::memory::Memory};
    let bytes = shared("ourairports/runways.csv");
    let runways: Result<Vec<Runway>, _> = Csv::default().read(&bytes[..]).expect("the header reads").collect();
    let runways = runways.expect("every row reads");
    let store = Memory::new().store::<Runway>().expect("a new store");
    let loaded =
        store.load(runways.iter().map(Ok), |outcome| drop(outcome.expect("ids are unique"))).expect("memory loads");
    let long = Runway::LENGTH_FT.ge(10_000) & Runway::LIGHTED.eq(true) & !Runway::SURFACE.like("CON%");
    let filtered = Csv::default().read::<Runway, _>(&bytes[..]).expect("the header reads").matching(long.clone());
    let (mut count, mut headings, mut rows) = (0, 0.0, 0);
    let mut theirs = csv::Reader::from_reader(&bytes[..]);
    let names = theirs.headers().expect("a header").clone();
    let at = |name| names.iter().position(|n| n == name).expect("a column");
    let (length, lighted, surface, heading) = (at("length_ft"), at("lighted"), at("surface"), at("le_heading_degT"));
    for row in theirs.records().map(|row| row.expect("it reads")) {
        rows += 1;
        headings += row[heading].parse().unwrap_or(0.0);
        let feet = row[length].parse().unwrap_or(0);
        count += u64::from(feet >= 10_000 && &row[lighted] == "1" && !row[surface].starts_with("CON"));
    }
    assert_eq!((loaded.created, loaded.failed), (rows, 0));
    assert_eq!(store.count(long).ok(), Some(count));
    assert_eq!(filtered.expect("it fits").count() as u64, count);
    let sum: f64 = store.search(Query::new()).expect("memory answers").iter().filter_map(|r| r.heading).sum();
    assert!((sum - headings).abs() <= 1e-9 * headings);
}

#[test]
fn a_record_type_round_trips_through_both_formats() {
    let all: Vec<_> = (0..2_000_u64)
        .map(|id| Runway {
            id,
            airport_ident: format!("{id:04}\"\n,"),
            length_ft: (id % 3 != 0).then_some(id as u32),
            surface: (id % 5 != 0).then(String::new),
            lighted: id % 2 == 0,
            heading: (id % 7 != 0).then_some(id as f64 / 3.0),
        })
        .collect();
    let mut csv = Csv::default().write::<Runway, _>(Vec::new()).expect("a record type is closed");
    let mut json = Json::default().write::<Runway, _>(Vec::new());
    all.iter().for_each(|runway| csv.write(runway).and_then(|()| json.write(runway)).expect("it can be written"));
    let (csv, json) = (csv.finish().expect("memory takes it"), json.finish().expect("memory takes it"));
    assert_eq!(
        Csv::default().read(&csv[..]).and_then(Iterator::collect::<Result<Vec<Runway>, _>>).ok(),
        Some(all.clone())
    );
    assert_eq!(Json::default().read(&json[..]).collect::<Result<Vec<Runway>, _>>().ok(), Some(all));
}

#[test]
fn a_list_of_several_texts_stands_in_a_cell() {
    let schema = Schema::new("t").field(FieldDef::new("tags", Type::list(Type::Text)));
    let tags: Vec<Value> = ["partner", "trial", "remote"].map(Value::from).to_vec();
    let text = "tags\n\"[\"\"partner\"\",\"\"trial\"\",\"\"remote\"\"]\"\n";
    let read: Result<Vec<_>, _> =
        Csv::default().read_documents(text.as_bytes(), schema.clone()).expect("the header reads").collect();
    assert_eq!(read.expect("the row reads"), [document! { "tags" => tags.clone() }]);
    let lines = "{\"tags\":[\"partner\",\"trial\",\"remote\"]}\n";
    let read: Result<Vec<_>, _> = Json::default().read_documents(lines.as_bytes(), schema).collect();
    assert_eq!(read.expect("the line reads"), [document! { "tags" => tags }]);
}

#[test]
fn a_record_type_has_lists_in_cells() {
    #[derive(dk_data::Record, Clone, Debug, PartialEq)]
    struct Tagged {
        n: u32,
        tags: Vec<String>,
    }
    let all = [Tagged { n: 1, tags: ["partner", "trial", "remote"].map(str::to_owned).to_vec() }];
    let mut out = Csv::default().write::<Tagged, _>(Vec::new()).expect("a record type is closed");
    out.write(&all[0]).expect("it can be written");
    let bytes = out.finish().expect("memory takes it");
    assert_eq!(bytes, b"n,tags\n1,\"[\"\"partner\"\",\"\"trial\"\",\"\"remote\"\"]\"\n");
    let read: Result<Vec<Tagged>, _> = Csv::default().read(&bytes[..]).expect("the header reads").collect();
    assert_eq!(read.expect("the row reads"), all);
}

/// All cells that a predicate reads are parsed before any logic runs, and the others are not looked at: in CSV, in lines of
/// JSON and in an array of it.
#[test]
fn semantics_3_12_the_order_of_and_does_not_matter() {
    let cells = [["10", "5", "1"], ["1", "x", "1"], ["10", "x", "1"], ["1", "1", "x"], ["10", "1", "x"]];
    let csv: String = std::iter::once("a,b,c\n".to_owned()).chain(cells.map(|row| row.join(",") + "\n")).collect();
    let objects = cells.map(|[a, b, c]| format!("{{\"a\":{a},\"b\":{b},\"c\":{c}}}").replace('x', "\"x\""));
    let (lines, array) = (format!("\n{}", objects.join("\n")), format!("[\n{}]", objects.join(",\n")));
    let schema = ["a", "b", "c"].iter().fold(Schema::new("t"), |s, name| s.field(FieldDef::new(*name, Type::U8)));
    let seen = |row: Result<Document, dk_data::Error>| match row {
        Ok(row) => Ok(row["b"].as_int().expect("a number")),
        Err(error) => Err(error.place().line),
    };
    let read = |filter: &str, strict: bool| -> Vec<Result<i128, Option<u64>>> {
        let bound = || filter.parse::<Filter>().and_then(|f| f.bind::<Document>(&schema)).expect("it fits");
        let of_csv = if strict { Csv::default().strict() } else { Csv::default() };
        let of_csv = of_csv.read_documents(csv.as_bytes(), schema.clone()).and_then(|rows| rows.matching(bound()));
        let of_csv: Vec<_> = of_csv.expect("it fits").map(seen).collect();
        for (json, text) in [(Json::default(), &lines), (Json::array(), &array)] {
            let json = if strict { json.strict() } else { json };
            let rows = json.read_documents(text.as_bytes(), schema.clone()).matching(bound()).expect("it fits");
            assert_eq!(rows.map(seen).collect::<Vec<_>>(), of_csv, "{filter} on {text}");
        }
        of_csv
    };
    for filter in ["a > 9 and b > 1", "b > 1 and a > 9"] {
        assert_eq!(read(filter, false), [Ok(5), Err(Some(3)), Err(Some(4))], "{filter}");
    }
    for filter in ["a > 9 or b > 1", "b > 1 or a > 9"] {
        assert_eq!(read(filter, false), [Ok(5), Err(Some(3)), Err(Some(4)), Err(Some(6))], "{filter}");
    }
    assert_eq!(read("a < 9 and b < 9", false), [Err(Some(3)), Err(Some(4)), Err(Some(5))]);
    assert_eq!(read("a > 9 and b > 1", true), [Ok(5), Err(Some(3)), Err(Some(4)), Err(Some(5)), Err(Some(6))]);
}

#[test]
fn json_that_a_filter_passes_over_must_be_json() {
    let schema = Schema::new("t").field(FieldDef::new("a", Type::U8)).field(FieldDef::new("b", Type::Any).nullable());
    let text = "{\"a\":1,\"b\":[}\n{\"a\":1} x\n{\"a\":1,\"b\":[{}]}\n{\"a\":300}\n{\"new\":2,\"a\":2}\n";
    let filter = Filter::gt("a", 1).bind::<Document>(&schema).expect("the field is there");
    let rows = Json::default().read_documents(text.as_bytes(), schema).matching(filter).expect("it fits");
    let seen: Vec<_> =
        rows.map(|row| row.map_err(|error| (error.place().line, error.place().column, error.kind()))).collect();
    let corrupt = ErrorKind::Corrupt;
    assert_eq!(seen[0], Err((Some(1), Some(13), corrupt)));
    assert_eq!(seen[1], Err((Some(2), Some(9), corrupt)));
    assert_eq!(seen[2], Err((Some(4), Some(6), ErrorKind::Invalid)));
    assert_eq!(seen[3], Ok(document! { "a" => 2 }));
    assert_eq!(seen.len(), 4);
}

#[derive(dk_data::Record, Clone, Debug, PartialEq)]
#[record(name = "pages")]
struct Page {
    #[record(alias = "n")]
    number: u8,
    title: Option<String>,
    by: Option<Author>,
}

#[derive(dk_data::Record, Clone, Debug, PartialEq)]
struct Author {
    name: String,
}

#[test]
fn a_field_that_stands_twice_in_an_object_is_refused_where_it_stands() {
    let place = |text: &str, typed: bool| {
        let error = match typed {
            true => Json::default().read::<Page, _>(text.as_bytes()).find_map(Result::err),
            false => Json::default().read_documents(text.as_bytes(), Schema::open("t")).find_map(Result::err),
        };
        let error = error.unwrap_or_else(|| panic!("{text} has a field twice"));
        assert!(error.kind() == ErrorKind::Invalid && error.message().contains("twice"), "{error}");
        (error.place().line, error.place().column, error.place().field.clone().unwrap_or_default())
    };
    let there = |column, field: &str| (Some(1), Some(column), field.to_owned());
    for typed in [true, false] {
        assert_eq!(place(r#"{"number":1,"number":2}"#, typed), there(22, "number"));
        assert_eq!(place(r#"{"title":null,"number":1,"title":"x"}"#, typed), there(34, "title"));
        assert_eq!(place(r#"{"number":1,"title":"x","title":null}"#, typed), there(33, "title"));
        assert_eq!(place(r#"{"title":"x","by":{"name":"a"},"number":1,"title":"y"}"#, typed), there(51, "title"));
        let inside = place(r#"{"number":1,"by":{"name":"a","name":"b"}}"#, typed);
        // An open document does not say in which record it is; line and column do.
        assert_eq!(inside, there(37, if typed { "by.name" } else { "name" }));
    }
    assert_eq!(place(r#"{"n":1,"number":2}"#, true), there(17, "number"), "by two of its names");
    // What a record does not know, and one after the other in different objects, is nothing.
    let fine = "{\"new\":1,\"number\":1,\"new\":2,\"by\":{\"name\":\"a\"}}\n{\"number\":1}";
    let pages: Result<Vec<Page>, _> = Json::default().read(fine.as_bytes()).collect();
    assert_eq!(pages.map(|pages| pages.len()).ok(), Some(2));
    // Of more fields than a word has bits, and before a filter.
    let schema = (0..200).fold(Schema::new("t"), |s, n| s.field(FieldDef::new(format!("f{n}"), Type::U8)));
    for n in [0, 63, 64, 128, 199] {
        let all: Vec<_> = (0..200).chain([n]).map(|n| format!("\"f{n}\":1")).collect();
        let text = format!("{{{}}}", all.join(","));
        let rows = || Json::default().read_documents(text.as_bytes(), schema.clone());
        let none = Filter::gt("f1", 1).bind::<Document>(&schema).expect("the field is there");
        let filtered = rows().matching(none).expect("it fits").find_map(Result::err);
        for refused in [rows().find_map(Result::err), filtered] {
            assert_eq!(refused.and_then(|e| e.place().field.clone()), Some(format!("f{n}")));
        }
    }
}

/// A reader is an iterator: what is called as one of its methods is that method.
#[test]
fn filter_is_the_iterators_own() {
    let schema = Schema::new("t").field(FieldDef::new("a", Type::U8));
    let csv = Csv::default().read_documents(&b"a\n1\nx\n2\n"[..], schema.clone()).expect("the header reads");
    assert_eq!(csv.filter(Result::is_ok).count(), 2);
    let json = Json::default().read_documents(&b"{\"a\":1}\n{}x\n"[..], schema);
    assert_eq!(json.filter(|row| row.is_ok()).count(), 1);
}
