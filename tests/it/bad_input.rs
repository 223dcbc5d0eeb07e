//! Bad input of real size: it is an error with its place, the reader goes on behind it, and memory stays bounded
//! (semantics 7.1, 7.4).

use std::io::{self, Read};

use dk_data::{
    Document, ErrorKind, FieldDef, Filter, Id, Query, Record, Result, Schema, Store, Type, document,
    format::{csv::Csv, json::Json},
};

/// Gives a text, then a byte many times, then another text: a file that nobody has to hold.
struct Long {
    before: &'static [u8],
    byte: u8,
    times: u64,
    after: &'static [u8],
}

impl Read for Long {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.before.is_empty() {
            return self.before.read(into);
        }
        if self.times == 0 {
            return self.after.read(into);
        }
        let length = usize::try_from(self.times).unwrap_or(usize::MAX).min(into.len());
        into[..length].fill(self.byte);
        self.times -= length as u64;
        Ok(length)
    }
}

fn long(before: &'static str, times: u64, after: &'static str) -> Long {
    Long { before: before.as_bytes(), byte: b'x', times, after: after.as_bytes() }
}

fn csv(input: impl Read, schema: Schema) -> Vec<Result<Document>> {
    Csv::default().read_documents(input, schema).map_or_else(|e| vec![Err(e)], Iterator::collect)
}

fn lines(input: impl Read) -> Vec<Result<Document>> {
    Json::default().read_documents(input, Schema::open("t")).collect()
}

fn array(input: impl Read) -> Vec<Result<Document>> {
    Json::array().read_documents(input, Schema::open("t")).collect()
}

fn seen(rows: &[Result<Document>]) -> Vec<Result<&Document, (ErrorKind, Option<u64>)>> {
    rows.iter().map(|row| row.as_ref().map_err(|e| (e.kind(), e.place().line))).collect()
}

/// The most memory that this process has held, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the line is there");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") >> 10
}

/// Runs the test of this name alone, in a process of its own, and says how much memory that took in MiB.
fn peak_of(name: &str) -> u64 {
    let program = std::env::current_exe().expect("the program has a path");
    let run = std::process::Command::new(program).args(["--exact", name, "--nocapture"]).env("PEAK_OF", name).output();
    let run = run.expect("the program runs again");
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    let peak = said.lines().find_map(|line| line.split_once("peak: ")).expect("it says so").1;
    peak.trim().parse().expect("a number")
}

/// Runs `work` in a process of its own and asserts how many MiB it takes at most.
fn within(mebibytes: u64, name: &str, work: impl FnOnce()) {
    if std::env::var("PEAK_OF").is_ok_and(|wanted| wanted == name) {
        work();
        eprintln!("\npeak: {}", peak());
        return;
    }
    let peak = peak_of(name);
    assert!(peak <= mebibytes, "{peak} MiB");
}

/// Over the greatest limit of a record, and so over any.
const GIBIBYTE: u64 = (1 << 30) + 5;

#[test]
fn a_field_of_a_gibibyte_is_an_error_in_bounded_memory_and_the_reader_goes_on() {
    within(320, "bad_input::a_field_of_a_gibibyte_is_an_error_in_bounded_memory_and_the_reader_goes_on", || {
        let one = document! { "a" => 1, "b" => 2 };
        let rows = csv(long("a,b\n1,2\n1,\"", GIBIBYTE, "\"\n1,2\n"), Schema::open("t"));
        assert_eq!(seen(&rows), [Ok(&one), Err((ErrorKind::Corrupt, Some(3))), Ok(&one)]);
        let rows = lines(long("{\"a\":1,\"b\":2}\n{\"a\":\"", GIBIBYTE, "\"}\n{\"a\":1,\"b\":2}"));
        assert_eq!(seen(&rows), [Ok(&one), Err((ErrorKind::Corrupt, Some(2))), Ok(&one)]);
    });
}

#[test]
fn a_quote_that_is_never_closed_is_an_error_in_bounded_memory() {
    within(100, "bad_input::a_quote_that_is_never_closed_is_an_error_in_bounded_memory", || {
        let small = 1 << 20;
        let input = long("a,b\n1,2\n1,\"", GIBIBYTE / 4, "");
        let rows = Csv::default().max_record_bytes(small).read_documents(input, Schema::open("t"));
        let rows: Vec<_> = rows.expect("the header reads").collect();
        assert_eq!(seen(&rows), [Ok(&document! { "a" => 1, "b" => 2 }), Err((ErrorKind::Corrupt, Some(3)))]);
        let message = rows[1].as_ref().err().map(ToString::to_string).unwrap_or_default();
        assert!(message.contains("1048576 bytes") && message.contains("quote"), "{message}");
        let input = long("[{\"a\":1},\n{\"a\":\"", GIBIBYTE / 16, "");
        let rows: Vec<_> = Json::array().max_record_bytes(small).read_documents(input, Schema::open("t")).collect();
        assert_eq!(seen(&rows)[..2], [Ok(&document! { "a" => 1 }), Err((ErrorKind::Corrupt, Some(2)))]);
        assert!(rows[2..].iter().all(Result::is_err) && rows.len() <= 3, "{rows:?}");
    });
}

#[test]
fn a_header_over_the_limit_is_an_error_and_not_an_empty_file() {
    let refused =
        Csv::default().max_record_bytes(1 << 20).read_documents(long("", 1 << 26, "\n1\n"), Schema::open("t"));
    assert_eq!(refused.map(|_| ()).map_err(|e| e.kind()), Err(ErrorKind::Corrupt));
}

#[test]
fn an_element_over_the_limit_takes_no_other_with_it() {
    let array = |text: &str| -> Vec<Result<Document>> {
        Json::array().max_record_bytes(40).read_documents(text.as_bytes(), Schema::open("t")).collect()
    };
    let long = "1".repeat(500);
    let texts = [
        format!("[{{\"a\":0}},{long},{{\"a\":1}},{{\"a\":2}}]"),
        format!("[{{\"a\":0}},{long} , {{\"a\":1}},{{\"a\":2}}]"),
        format!("[{{\"a\":0}},\"{long}\",{{\"a\":1}},{{\"a\":2}}]"),
        format!("[{{\"a\":0}},[{long}],{{\"a\":1}},{{\"a\":2}}]"),
        format!("[{{\"a\":0}},{{\"b\":{long}}},{{\"a\":1}},{{\"a\":2}}]"),
    ];
    let [zero, one, two] = [0, 1, 2].map(|a| document! { "a" => a });
    for text in texts {
        let rows = array(&text);
        assert_eq!(seen(&rows), [Ok(&zero), Err((ErrorKind::Corrupt, Some(1))), Ok(&one), Ok(&two)], "{text}");
    }
    assert_eq!(seen(&array(&format!("[{{\"a\":0}},{long}]"))), [Ok(&zero), Err((ErrorKind::Corrupt, Some(1)))]);
    assert_eq!(seen(&array(&format!("[{long},{long},{{\"a\":0}}]")))[2], Ok(&zero));
}

#[test]
fn utf_16_is_named() {
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let order = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(order).collect()
    };
    for big in [false, true] {
        for rows in [
            csv(&utf16("a,b\n1,2\n", big)[..], Schema::open("t")),
            lines(&utf16("{\"a\":1}\n", big)[..]),
            array(&utf16("[{\"a\":1}]", big)[..]),
        ] {
            let message = rows.first().and_then(|row| row.as_ref().err()).map(ToString::to_string).unwrap_or_default();
            assert!(rows.len() == 1 && message.contains("UTF-16") && message.contains("UTF-8"), "{rows:?}");
        }
    }
    // Without a mark it is text that holds U+0000.
    let plain: Vec<u8> = "a\n1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(csv(&plain[..], Schema::open("t")).first().map(Result::is_err), Some(true));
}

#[test]
fn a_byte_order_mark_is_passed_over_once() {
    let one = document! { "a" => 1 };
    assert_eq!(seen(&csv("\u{feff}a\n1\n".as_bytes(), Schema::open("t"))), [Ok(&one)]);
    assert_eq!(seen(&csv("\u{feff}\"a\"\n1\n".as_bytes(), Schema::open("t"))), [Ok(&one)]);
    assert_eq!(seen(&lines("\u{feff}{\"a\":1}".as_bytes())), [Ok(&one)]);
    assert_eq!(seen(&array("\u{feff}[{\"a\":1}]".as_bytes())), [Ok(&one)]);
    assert!(csv("\u{feff}".as_bytes(), Schema::open("t")).is_empty());
    let twice = csv("\u{feff}\u{feff}a\n1\n".as_bytes(), Schema::open("t"));
    assert_eq!(twice[0].as_ref().ok().map(|row| row.names().collect::<Vec<_>>()), Some(vec!["\u{feff}a"]));
}

#[test]
fn text_that_is_not_utf_8_is_an_item_with_its_place() {
    let rows = csv(&b"a,b\n1,2\n\"x\ny\",\xff\n1,2\n\xed\xa0\x80,3\n"[..], Schema::open("t"));
    let places: Vec<_> =
        rows.iter().map(|row| row.as_ref().err().map(|e| (e.place().line, e.place().column))).collect();
    assert_eq!(places, [None, Some((Some(4), Some(2))), None, Some((Some(6), Some(1)))]);
    let rows = lines(&b"{\"a\":1}\n{\"a\":\"\xc0\xaf\"}\n{\"a\":1}"[..]);
    let one = document! { "a" => 1 };
    assert_eq!(seen(&rows), [Ok(&one), Err((ErrorKind::Corrupt, Some(2))), Ok(&one)]);
    let rows = array(&b"[{\"a\":1},\n{\"a\":\"\xff\"},{\"a\":1}]"[..]);
    assert_eq!(seen(&rows), [Ok(&one), Err((ErrorKind::Corrupt, Some(2))), Ok(&one)]);
}

#[test]
fn nul_is_an_item_with_its_place_when_read_and_refused_when_written() {
    let place = |row: &Result<Document>| row.as_ref().err().map(|e| (e.kind(), e.place().line, e.place().column));
    let rows = csv(&b"a,b\n1,2\n1,x\0y\n1,\"\0\"\n1,2\n"[..], Schema::open("t"));
    let places: Vec<_> = rows.iter().map(place).collect();
    let corrupt = |line| Some((ErrorKind::Corrupt, Some(line), Some(2)));
    assert_eq!(places, [None, corrupt(3), corrupt(4), None]);
    let rows = lines(&b"{\"a\":\"x\\u0000\"}\n{\"a\":\"x\0\"}\n{\"a\":1}"[..]);
    assert_eq!(
        rows.iter().map(|row| row.as_ref().err().map(|e| e.kind())).collect::<Vec<_>>(),
        [Some(ErrorKind::Corrupt), Some(ErrorKind::Corrupt), None]
    );
    let schema = || {
        Schema::new("t")
            .field(FieldDef::new("a", Type::Any))
            .field(FieldDef::new("l", Type::list(Type::Text)).nullable())
    };
    let mut out = Csv::default().write_documents(Vec::new(), schema()).expect("it is closed");
    let mut json = Json::default().write_documents(Vec::new(), schema());
    let nul = || dk_data::Value::from("x\0y");
    for (document, field) in [
        (document! { "a" => nul() }, "a"),
        (document! { "a" => f64::NAN }, "a"),
        (document! { "a" => f64::NEG_INFINITY }, "a"),
        (document! { "a" => 1, "l" => vec![nul()] }, "l.item"),
    ] {
        for refused in [out.write(&document), json.write(&document)] {
            let refused = refused.map_err(|e| (e.kind(), e.place().field.clone()));
            assert_eq!(refused, Err((ErrorKind::Invalid, Some(field.to_owned()))), "{document:?}");
        }
    }
    assert_eq!(out.finish().expect("memory takes it"), b"a,l\n");
    assert_eq!(json.finish().expect("memory takes it"), b"");
}

#[test]
fn rows_of_another_length_are_items_also_when_nobody_asks_for_them() {
    let schema = || Schema::new("t").field(FieldDef::new("a", Type::Any)).field(FieldDef::new("b", Type::Any));
    let text = "a,b\n1,2\n1\n1,2,3\n1,2\n";
    let lines: Vec<_> =
        csv(text.as_bytes(), schema()).iter().map(|r| r.as_ref().err().and_then(|e| e.place().line)).collect();
    assert_eq!(lines, [None, Some(3), Some(4), None]);
    let never = Filter::eq("b", 7).bind::<Document>(&schema()).expect("it fits");
    let rows = Csv::default().read_documents(text.as_bytes(), schema()).and_then(|rows| rows.matching(never));
    let lines: Vec<_> = rows.expect("it fits").map(|r| r.err().and_then(|e| e.place().line)).collect();
    assert_eq!(lines, [Some(3), Some(4)]);
}

#[test]
fn a_header_that_names_a_column_twice_is_refused_with_the_column() {
    for text in ["a,b,a\n1,2,3\n", "a,b,\"a\"\n", ",b,\n"] {
        let refused = csv(text.as_bytes(), Schema::open("t"));
        let place = refused[0].as_ref().err().map(|e| (e.kind(), e.place().line, e.place().column));
        assert_eq!(place, Some((ErrorKind::Corrupt, Some(1), Some(3))), "{text}");
    }
    let schema =
        Schema::new("t").field(FieldDef { aliases: vec!["old".into()].into(), ..FieldDef::new("a", Type::Any) });
    assert!(csv("a,old\n1,2\n".as_bytes(), schema)[0].is_err());
}

#[test]
fn a_header_of_a_hundred_thousand_columns_is_read_at_once() {
    let names: Vec<String> = (0..100_000).map(|n| format!("c{n}.x")).collect();
    let text = format!("{}\n{}\n", names.join(","), vec!["1"; names.len()].join(","));
    let inside = Type::record(Schema::new("c").field(FieldDef::new("x", Type::U8)));
    let schema = Schema::new("t").field(FieldDef::new("c7", inside));
    let rows = csv(text.as_bytes(), schema);
    assert_eq!(seen(&rows), [Ok(&document! { "c7" => document! { "x" => 1 } })]);
    let dots = format!("{}\n1\n", "c7.".repeat(100_000));
    let schema = Schema::new("t").field(FieldDef::new("x", Type::Any));
    assert_eq!(csv(dots.as_bytes(), schema).len(), 1);
}

#[test]
fn a_hundred_thousand_levels_are_an_error_wherever_they_stand() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let (lists, objects) = (deep("[", "]"), deep("{\"a\":", "}").replace("\"a\":}", "\"a\":1}"));
    let home = Type::record(Schema::open("home"));
    for (ty, name) in [(Type::Json, "json"), (Type::Any, "any"), (home, "home"), (Type::list(Type::Any), "list")] {
        let schema = || Schema::new("t").field(FieldDef::new("a", ty.clone()).nullable());
        for value in [&lists, &objects] {
            let text = format!("{{\"a\":{value}}}\n{{}}\n{{\"b\":{value}}}\n{{}}");
            let rows: Vec<_> = Json::default().read_documents(text.as_bytes(), schema()).collect();
            let ok: Vec<_> = rows.iter().map(Result::is_ok).collect();
            assert_eq!(ok, [false, true, false, true], "{name}");
            let cell = format!("a,b\n\"{}\",1\n,1\n", value.replace('"', "\"\""));
            let rows: Vec<_> = Csv::default().read_documents(cell.as_bytes(), schema()).expect("a header").collect();
            assert!(rows.len() == 2 && rows[1].is_ok(), "{name}");
            assert_eq!(rows[0].is_ok(), name == "any", "{name}");
        }
    }
    let rows = array(format!("[{{\"a\":1}},{lists},{{\"a\":1}}]").as_bytes());
    assert_eq!(rows.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    // Brackets that are never closed.
    assert!(lines("[".repeat(100_000).as_bytes())[0].is_err());
    assert!(array("[".repeat(100_000).as_bytes())[0].is_err());
}

#[test]
fn filters_of_any_depth_are_refused_and_let_go_of() {
    let text = format!("{}a = 1{}", "not (".repeat(10_000), ")".repeat(10_000));
    assert_eq!(text.parse::<Filter>().map(|_| ()).map_err(|e| e.kind()), Err(ErrorKind::Query));
    let text = format!("{}a = 1{}", "(".repeat(300_000), ")".repeat(300_000));
    assert!(text.parse::<Filter>().is_err());
    let json = format!("{}{{\"eq\":[\"a\",1]}}{}", "{\"not\":".repeat(10_000), "}".repeat(10_000));
    assert_eq!(Filter::from_json(&json).map(|_| ()).map_err(|e| e.kind()), Err(ErrorKind::Query));
    // Turn about, so that flattening does not make it shallow.
    let built = (0..10_000).fold(Filter::eq("a", 1), |inner, level| match level % 2 {
        0 => inner.and_also(Filter::eq("b", 2)),
        _ => inner.or_else(Filter::eq("c", 3)),
    });
    let refused = built.bind::<Document>(&Schema::open("t")).map(|_| ()).map_err(|e| e.kind());
    assert_eq!(refused, Err(ErrorKind::Query));
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Note {
    text: String,
    score: Option<f64>,
}

fn note(text: &str) -> Note {
    Note { text: text.to_owned(), score: None }
}

#[test]
fn a_cursor_of_another_query_or_a_damaged_one_is_refused() {
    use dk_data::{Database, backend::memory::Memory};
    let notes = Memory::new().store::<Note>().expect("a new store");
    ["a", "b", "c"].into_iter().for_each(|text| drop(notes.create(note(text)).expect("it is new")));
    let by_text = || Note::query().sort(Note::TEXT.asc()).limit(1);
    let page = notes.page(&by_text(), None).expect("memory answers");
    let cursor = page.next.expect("there is more").to_string();
    let after = |query: Query<Note>, cursor: &str| {
        let cursor = cursor.parse::<dk_data::Cursor>().map_err(|e: dk_data::Error| e.kind())?;
        let rows = notes.search(query.after(cursor)).map_err(|e| e.kind())?;
        Ok::<_, ErrorKind>(rows.into_iter().map(|row| row.text.clone()).collect::<Vec<_>>())
    };
    assert_eq!(after(Note::query().sort(Note::TEXT.asc()), &cursor), Ok(vec!["b".to_owned(), "c".to_owned()]));
    assert!(after(Note::query().sort(Note::TEXT.desc()), &cursor).is_err());
    assert!(after(Note::query().sort(Note::SCORE.asc()), &cursor).is_err());
    assert!(after(Note::query(), &cursor).is_err());
    for place in 0..cursor.len() {
        let mut damaged = cursor.clone().into_bytes();
        damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
        let damaged = String::from_utf8(damaged).expect("it is ASCII");
        assert!(after(by_text(), &damaged).is_err(), "{place}");
        assert!(after(by_text(), &cursor[..place]).is_err(), "{place}");
    }
    for nonsense in ["", "x", "☃", &"A".repeat(100_000)] {
        assert!(after(by_text(), nonsense).is_err());
    }
}

#[test]
fn ids_that_cannot_be_are_refused() {
    for bad in [
        String::new(),
        "x".repeat(513),
        "é".repeat(257),
        "a\0b".to_owned(),
        "a\nb".to_owned(),
        "\u{7f}".to_owned(),
        "\u{85}".to_owned(),
    ] {
        assert!(Id::new(bad.as_str()).is_err(), "{bad:?}");
    }
    for fine in ["x".repeat(512), "é".repeat(256), "../..".to_owned(), "a/b c%\"'".to_owned(), "\u{202e}".to_owned()] {
        assert!(Id::new(fine.as_str()).is_ok_and(|id| id.to_string() == fine), "{fine:?}");
    }
}

#[test]
fn a_store_refuses_what_cannot_be_stored_and_keeps_the_rest() {
    use dk_data::{Database, Draft, backend::memory::Memory};
    let notes = Memory::new().store::<Note>().expect("a new store");
    let bad = [
        Note { score: Some(f64::NAN), ..note("a") },
        Note { score: Some(f64::INFINITY), ..note("a") },
        note("a\0b"),
        note(&"x".repeat(32_767)),
    ];
    for refused in bad {
        let error = notes.create(refused).map(|_| ()).map_err(|e| (e.kind(), e.place().field.is_some()));
        assert_eq!(error, Err((ErrorKind::Invalid, true)));
    }
    assert!(notes.create(note(&"x".repeat(32_766))).is_ok());
    assert!(Draft::of(note("a")).id("x".repeat(513).as_str()).is_err());
    assert_eq!(notes.count(Query::new()).ok(), Some(1));
}
