//! The splitter and the parser together, against the `csv` crate and by hand.

use proptest::prelude::*;

use super::{write::HoldsNul, *};
use crate::format::block::{Block, Blocks, Limits};
use crate::format::error::{Cause, FaultKind, RawError};
use crate::format::testing::{Broken, Dribble};
use crate::record::{Document, FieldDef, Schema, Type};
use crate::value::Value;

/// A field, and whether it was quoted.
type Cell = (String, bool);

#[derive(Debug, PartialEq)]
enum Seen {
    Record { line: u64, offset: u64, cells: Vec<Cell> },
    Fault { line: u64, column: u64, field: Option<usize>, kind: FaultKind },
    Io,
}

fn seen_error(error: RawError) -> Seen {
    let RawError { position, field, cause } = error;
    match cause {
        Cause::Fault(kind) => Seen::Fault { line: position.line, column: position.column, field, kind },
        Cause::Io(_) => Seen::Io,
    }
}

fn seen_record(record: RawRecord<'_, '_>) -> Seen {
    let cells: Result<Vec<Cell>, FaultKind> =
        record.fields().map(|field| Ok((field.text()?.into_owned(), field.is_quoted()))).collect();
    match cells {
        Ok(cells) => Seen::Record { line: record.position().line, offset: record.position().offset, cells },
        Err(kind) => {
            let bad = record.fields().position(|field| field.text().is_err());
            seen_error(record.error(bad.unwrap_or(usize::MAX), kind))
        }
    }
}

fn read_with(input: impl std::io::Read, dialect: Dialect, limits: Limits) -> Vec<Seen> {
    let mut all = Vec::new();
    for block in Blocks::with_limits(input, Quotes::new(dialect), limits) {
        match block {
            Err(error) => all.push(seen_error(error)),
            Ok(block) => {
                let mut records = Records::new(&block, dialect);
                while let Some(record) = records.next_record() {
                    all.push(record.map_or_else(seen_error, seen_record));
                }
            }
        }
    }
    all
}

/// What is seen of bytes whose framing has told nothing.
fn read_by_marks(bytes: &[u8], dialect: Dialect) -> Vec<Seen> {
    let block = Block::new(bytes.to_vec());
    let mut records = Records::new(&block, dialect);
    let mut all = Vec::new();
    while let Some(record) = records.next_record() {
        all.push(record.map_or_else(seen_error, seen_record));
    }
    all
}

fn read(text: &str) -> Vec<Seen> {
    read_with(text.as_bytes(), Dialect::default(), Limits::default())
}

fn cells(seen: &[Seen]) -> Vec<Vec<Cell>> {
    let only_records = |seen: &Seen| match seen {
        Seen::Record { cells, .. } => Some(cells.clone()),
        _ => None,
    };
    seen.iter().filter_map(only_records).collect()
}

fn texts(text: &str) -> Vec<Vec<String>> {
    let text_only = |cells: Vec<Cell>| cells.into_iter().map(|(text, _)| text).collect();
    cells(&read(text)).into_iter().map(text_only).collect()
}

fn by_the_csv_crate(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn null_and_the_empty_text_differ() {
    let mut block = crate::format::block::Block::new(b"a,,\"\",\" \"\n".to_vec());
    block.skip(0);
    let mut records = Records::new(&block, Dialect::default());
    let record = records.next_record().unwrap().unwrap();
    let nulls: Vec<bool> = record.fields().map(|field| field.is_null()).collect();
    assert_eq!(nulls, [false, true, false, false]);
    assert_eq!(record.bytes(), b"a,,\"\",\" \"");
    assert_eq!(record.field(3).unwrap().raw(), b" ");
    assert!(record.field(4).is_none());
    assert_eq!(records.consumed(), 10);
}

#[test]
fn every_line_end_ends_a_line_and_blank_lines_are_none() {
    let lines: Vec<u64> = read("a\n\nb\r\n\r\nc\rd\r\r\n\"\"\ne")
        .iter()
        .map(|seen| if let Seen::Record { line, .. } = seen { *line } else { 0 })
        .collect();
    assert_eq!(lines, [1, 3, 5, 6, 8, 9]);
    assert_eq!(texts("a,b\r\n\r\n1,2"), [["a", "b"], ["1", "2"]]);
    assert!(read("").is_empty());
    assert!(read("\n\r\n\r\r").is_empty());
}

#[test]
fn text_is_copied_only_where_quotes_are_doubled() {
    use std::borrow::Cow;
    let block = crate::format::block::Block::new("\"a,\nü\",\"say \"\"hi\"\"\",\"\"\"\"".into());
    let mut records = Records::new(&block, Dialect::default());
    let record = records.next_record().unwrap().unwrap();
    assert!(matches!(record.field(0).unwrap().text(), Ok(Cow::Borrowed("a,\nü"))));
    assert!(matches!(record.field(1).unwrap().text(), Ok(Cow::Owned(text)) if text == "say \"hi\""));
    assert_eq!(record.field(2).unwrap().text().unwrap(), "\"");
}

#[test]
fn a_bad_record_is_an_item_and_reading_goes_on() {
    let seen = read("x,\"a\nb\"c\",d\"\ny,2\n");
    let fault = Seen::Fault { line: 2, column: 3, field: Some(1), kind: FaultKind::TextAfterQuote };
    let good = Seen::Record { line: 3, offset: 13, cells: vec![("y".into(), false), ("2".into(), false)] };
    assert_eq!(seen, [fault, good]);
}

#[test]
fn an_unclosed_quote_is_reported_where_it_opens() {
    let seen = read("a,b\n\"c\nd\",\"e\nf\n");
    assert_eq!(cells(&seen[..1]).len(), 1);
    assert_eq!(seen[1], Seen::Fault { line: 3, column: 4, field: Some(1), kind: FaultKind::UnclosedQuote });
    assert_eq!(seen.len(), 2);
}

#[test]
fn a_quote_inside_an_unquoted_field_is_a_character() {
    assert_eq!(texts("5\" pipe,6\" pipe\n7,8\n"), [["5\" pipe", "6\" pipe"], ["7", "8"]]);
}

#[test]
fn bytes_that_are_no_utf8_spoil_their_field_only() {
    let seen = read_with(&b"ok,1\nb\xff,2\nfine\xc3\xa9,3\n"[..], Dialect::default(), Limits::default());
    assert_eq!(seen[1], Seen::Fault { line: 2, column: 1, field: Some(0), kind: FaultKind::InvalidUtf8 });
    assert_eq!(cells(&seen)[1][0].0, "fineé");
}

#[test]
fn byte_order_marks_are_skipped_or_refused() {
    assert_eq!(texts("\u{feff}\"a\",b\n"), [["a", "b"]]);
    assert_eq!(texts("\u{feff}"), Vec::<Vec<String>>::new());
    for utf16 in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a"] {
        let seen = read_with(utf16, Dialect::default(), Limits::default());
        assert_eq!(seen, [Seen::Fault { line: 1, column: 1, field: None, kind: FaultKind::Utf16 }]);
    }
}

#[test]
fn other_delimiters_and_no_quotes() {
    let tabs = Dialect::new(b'\t', None).unwrap();
    let seen = read_with(&b"a\t\"b\nc\"\td\n"[..], tabs, Limits::default());
    let expected =
        [vec![("a".to_owned(), false), ("\"b".to_owned(), false)], vec![("c\"".into(), false), ("d".into(), false)]];
    assert_eq!(cells(&seen), expected);
    let semicolons = Dialect::new(b';', Some(b'\'')).unwrap();
    let seen = read_with(&b"'it''s';\"b\"\n"[..], semicolons, Limits::default());
    assert_eq!(cells(&seen), [[("it's".to_owned(), true), ("\"b\"".to_owned(), false)]]);
}

#[test]
fn a_record_over_the_limit_is_an_error_and_the_next_one_is_read() {
    let limits = Limits { block: 8, record: 32 };
    let long = format!("a,1\n\"{}\n\",x\nb,2\nc,3\n", "long\n".repeat(40));
    for turn in 1..40 {
        let seen = read_with(Dribble::new(long.as_bytes(), [turn]), Dialect::default(), limits);
        assert_eq!(
            seen[1],
            Seen::Fault { line: 2, column: 1, field: None, kind: FaultKind::RecordTooLong { limit: 32 } }
        );
        let Seen::Record { line, offset, .. } = seen[2] else { panic!("{seen:?}") };
        assert_eq!((line, offset), (44, 4 + 1 + 200 + 1 + 4));
        assert_eq!(seen.len(), 4);
    }
}

#[test]
fn the_limit_is_the_same_wherever_a_record_lies() {
    for record in 20..40 {
        for before in 0..20 {
            let text = format!("{}{}\nz\n", "a\n".repeat(before), "x".repeat(record));
            let seen = read_with(text.as_bytes(), Dialect::default(), Limits { block: 10, record: 32 });
            assert_eq!(cells(&seen).len(), before + 1 + usize::from(record < 32), "{record} {before}");
        }
    }
}

#[test]
fn a_field_over_the_limit_is_one_item() {
    use std::io::Read;
    let endless = std::io::repeat(b'x').take(1 << 28);
    let input = (&b"a,1\nb,\""[..]).chain(endless);
    let limits = Limits { record: 1 << 20, ..Limits::default() };
    let seen = read_with(input, Dialect::default(), limits);
    assert_eq!(
        seen[1],
        Seen::Fault { line: 2, column: 1, field: None, kind: FaultKind::RecordTooLong { limit: 1 << 20 } }
    );
    assert_eq!(seen.len(), 2);
}

#[test]
fn a_reader_that_fails_is_one_error_after_the_records_it_gave() {
    let seen = read_with(Broken(b"a,1\nb,2\nc"), Dialect::default(), Limits::default());
    assert_eq!(cells(&seen).len(), 2);
    assert_eq!(seen[2..], [Seen::Io]);
}

#[test]
fn a_block_goes_on_behind_its_header() {
    let mut blocks =
        Blocks::with_limits(&b"name,age\r\nann,1\r\n"[..], Quotes::new(Dialect::default()), Limits::default());
    let mut block = blocks.next().unwrap().unwrap();
    let mut records = Records::new(&block, Dialect::default());
    records.next_record().unwrap().unwrap();
    let header = records.consumed();
    block.skip(header);
    let mut records = Records::new(&block, Dialect::default());
    let record = records.next_record().unwrap().unwrap();
    assert_eq!((record.position().line, record.position().offset, record.len()), (2, 10, 2));
    assert_eq!(record.field_position(1).unwrap().column, 5);
    blocks.recycle(block);
    assert!(blocks.next().is_none());
}

/// Text made of the characters that matter, and some others.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("\""), 4 => Just(","), 3 => Just("\n"), 2 => Just("\r"), 2 => Just("\r\n"), 2 => Just("\"\""),
        3 => Just("a"), 1 => Just("é"), 1 => Just("雪"), 1 => Just(" "), 1 => Just("some longer text that goes on, and on"),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A value of each kind that an unquoted cell is taken for, and texts that look like them.
fn undeclared() -> impl Strategy<Value = Value> {
    let moment = || (-62_135_596_800i64..jiff::Timestamp::MAX.as_second(), 0..1_000_000i32);
    let moment = move || moment().prop_map(|(s, us)| jiff::Timestamp::new(s, us * 1_000).unwrap());
    let texts = ["", "02", "true", "1.5", "1e5", "2024-02-29", "2024-02-29T00:00:00Z", " ", "-", "\u{feff}", "null"];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Value::from),
        moment().prop_map(Value::from),
        moment().prop_map(|moment| Value::Date(moment.to_zoned(jiff::tz::TimeZone::UTC).date())),
        any::<u128>().prop_map(|bits| Value::Uuid(uuid::Uuid::from_u128(bits))),
        any::<u128>().prop_map(|bits| Value::Text(uuid::Uuid::from_u128(bits).to_string())),
        hostile().prop_map(Value::Text),
        prop::sample::select(texts.to_vec()).prop_map(|text| Value::Text(text.to_owned())),
    ]
}

proptest! {
    #[test]
    fn what_no_schema_declares_is_read_as_what_it_was(
        rows in prop::collection::vec([undeclared(), undeclared()], 0..6),
        null in prop::sample::select(vec!["", "null", "-", "a", "02"]),
    ) {
        let schema = Schema::new("t").field(FieldDef::new("a", Type::Any)).field(FieldDef::new("b", Type::Any));
        let csv = Csv::default().null(null).unwrap();
        let mut writer = csv.write_documents(Vec::new(), schema).unwrap();
        let rows: Vec<Document> =
            rows.into_iter().map(|[a, b]| Document::from_iter([("a", a), ("b", b)])).collect();
        rows.iter().for_each(|row| writer.write(row).unwrap());
        let text = writer.finish().unwrap();
        let read = csv.read_documents(&text[..], Schema::open("t")).unwrap();
        let read: Vec<Document> = read.collect::<crate::Result<_>>().unwrap();
        prop_assert_eq!(&read, &rows);
        // Values of unlike kinds may be equal; the kinds are to be the same, too.
        let kinds = |rows: &[Document]| rows.iter().map(|row| ["a", "b"].map(|name| row[name].kind())).collect::<Vec<_>>();
        prop_assert_eq!(kinds(&read), kinds(&rows));
    }

    #[test]
    fn what_the_csv_crate_reads_is_what_is_read(text in hostile()) {
        let ours = read(&text);
        prop_assume!(ours.iter().all(|seen| matches!(seen, Seen::Record { .. })));
        prop_assert_eq!(texts(&text), by_the_csv_crate(&text));
    }

    #[test]
    fn blocks_may_be_cut_anywhere(text in hostile(), lengths in prop::collection::vec(1usize..9, 1..5), block in 1usize..40) {
        let whole = read(&text);
        let dribble = Dribble::new(text.as_bytes(), lengths);
        prop_assert_eq!(read_with(dribble, Dialect::default(), Limits { block, record: 1 << 20 }), whole);
    }

    #[test]
    fn ends_that_are_known_are_those_that_are_found(
        texts in prop::collection::vec(hostile(), 1..6),
        quoted: bool,
        block in 1usize..200,
    ) {
        let text = texts.concat();
        let dialect = Dialect::new(b',', quoted.then_some(b'"')).unwrap();
        let limits = Limits { block, record: 1 << 20 };
        prop_assert_eq!(read_with(text.as_bytes(), dialect, limits), read_by_marks(text.as_bytes(), dialect));
    }

    #[test]
    fn well_formed_text_is_known(rows in prop::collection::vec([hostile(), hostile()], 1..9), block in 1usize..200) {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let text: String = rows.iter().map(|[a, b]| format!("{},1,{}\r\n", quoted(a), quoted(b))).collect();
        let blocks = Blocks::with_limits(text.as_bytes(), Quotes::new(Dialect::default()), Limits { block, record: 1 << 20 });
        for block in blocks {
            let block = block.unwrap();
            prop_assert!(block.ends().is_some() || block.bytes().is_empty());
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_hang(bytes: Vec<u8>, block in 1usize..40, record in 1usize..60) {
        read_with(&bytes[..], Dialect::default(), Limits { block, record });
    }

    #[test]
    fn what_is_written_is_what_is_read(
        rows in prop::collection::vec(prop::collection::vec(prop_oneof![hostile(), any::<String>().prop_map(|text| text.replace('\0', "")), "[0-9.e-]{0,5}"], 2..5), 0..5),
        crlf: bool,
    ) {
        let dialect = Dialect::default().with_line_end(if crlf { LineEnd::CrLf } else { LineEnd::Lf });
        let mut out = Vec::new();
        for row in &rows {
            let mut line = Row::new(&mut out, dialect);
            row.iter().for_each(|text| line.text(text, Quoting::Distinct).unwrap());
            prop_assert!(line.end());
        }
        let seen = read_with(&out[..], dialect, Limits::default());
        let read: Vec<Vec<String>> = cells(&seen).into_iter().map(|row| row.into_iter().map(|cell| cell.0).collect()).collect();
        prop_assert_eq!(&read, &rows);
        for (text, quoted) in cells(&seen).into_iter().flatten() {
            prop_assert!(quoted || inferred(&text) == Inferred::Text);
        }
        prop_assert_eq!(by_the_csv_crate(std::str::from_utf8(&out).unwrap()), rows);
    }
}

#[test]
fn quotes_stand_only_where_they_are_needed() {
    let mut out = Vec::new();
    let mut row = Row::new(&mut out, Dialect::default());
    for text in [
        "plain",
        "two words",
        "",
        " x",
        "x ",
        "a,b",
        "a\"b",
        "a\nb",
        "a\rb",
        "02",
        "12",
        "true",
        "1.5",
        "NaN",
        "\u{feff}",
    ] {
        row.text(text, Quoting::Distinct).unwrap();
    }
    row.text("12", Quoting::Needed).unwrap();
    assert_eq!(Row::new(&mut Vec::new(), Dialect::default()).text("a\0b", Quoting::Needed), Err(HoldsNul));
    row.null();
    row.int(-5);
    row.int(u64::MAX);
    row.float(1.0);
    row.float(0.1f32);
    row.float(1e300);
    row.bool(true);
    row.plain("2024-01-01");
    assert!(row.end());
    let expected = "plain,two words,\"\",\" x\",\"x \",\"a,b\",\"a\"\"b\",\"a\nb\",\"a\rb\",02,\"12\",\"true\",\"1.5\",NaN,\"\u{feff}\",\
                    12,,-5,18446744073709551615,1.0,0.1,1e+300,true,2024-01-01\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn what_is_written_like_null_is_quoted() {
    let mut out = Vec::new();
    let dialect = Dialect::default().with_null(NullSpelling::new("null").unwrap()).unwrap();
    let mut row = Row::new(&mut out, dialect);
    row.null();
    row.text("null", Quoting::Distinct).unwrap();
    row.text("null", Quoting::Needed).unwrap();
    row.plain("null");
    row.print(|out| out.extend_from_slice(b"null"));
    row.text("", Quoting::Needed).unwrap();
    row.plain("nulls");
    assert!(row.end());
    assert_eq!(String::from_utf8(out).unwrap(), "null,\"null\",\"null\",\"null\",\"null\",\"\",nulls\n");
}

#[test]
fn a_blank_line_is_noticed_by_who_writes_it() {
    let mut out = Vec::new();
    let mut row = Row::new(&mut out, Dialect::default());
    row.null();
    assert!(!row.end());
}
