//! Nested records in CSV: columns called `home.city` where every row can be written so, and JSON text in a cell elsewhere
//! (semantics 2.10).

use dk_data::{
    Document, Envelope, ErrorKind, FieldDef, Filter, Id, Path, Predicate, Record, Schema, Seen, Type, Typed, document,
    format::csv::Csv,
};
use proptest::prelude::*;

#[derive(Record, Clone, Debug, PartialEq, Default)]
struct Place {
    lat: f64,
    note: Option<String>,
}

#[derive(Record, Clone, Debug, PartialEq, Default)]
struct Home {
    city: Option<String>,
    #[record(alias = "zip_code")]
    zip: Option<u32>,
    place: Option<Place>,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Job {
    title: String,
    tags: Vec<String>,
    since: Option<jiff::civil::Date>,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Person {
    name: String,
    /// Always there: spread.
    home: Home,
    /// Told from null by its title: spread.
    job: Option<Job>,
    /// `Some` of nothing but nulls would be taken for `None`: JSON text.
    second: Option<Home>,
    former: Vec<Home>,
}

fn write<R: Typed>(all: &[R]) -> Vec<u8> {
    let mut out = Csv::default().write::<R, _>(Vec::new()).expect("a record type is closed");
    all.iter().for_each(|record| out.write(record).expect("it can be written"));
    out.finish().expect("memory takes it")
}

fn read<R: Typed>(bytes: &[u8]) -> Vec<R> {
    let read = Csv::default().read(bytes).expect("the header reads");
    read.collect::<Result<_, _>>().expect("what was written reads")
}

fn ann() -> Person {
    let place = Place { lat: 59.9, note: None };
    Person {
        name: "Ann".into(),
        home: Home { city: Some("Oslo".into()), zip: None, place: Some(place) },
        job: Some(Job { title: "".into(), tags: vec!["a,\"b".into()], since: None }),
        second: Some(Home::default()),
        former: vec![Home { zip: Some(1), ..Home::default() }],
    }
}

#[test]
fn nested_records_are_columns_where_every_row_can_be_written_so() {
    let text = String::from_utf8(write(&[ann()])).expect("it is UTF-8");
    let lines: Vec<_> = text.lines().collect();
    let header = "name,home.city,home.zip,home.place.lat,home.place.note,job.title,job.tags,job.since,second,former";
    assert_eq!(lines[0], header);
    assert_eq!(lines[1], r#"Ann,Oslo,,59.9,,"","[""a,\""b""]",,{},"[{""zip"":1}]""#);
    assert_eq!(read::<Person>(text.as_bytes()), [ann()]);
}

#[test]
fn without_a_header_the_columns_are_those_that_were_written() {
    let csv = Csv::default().without_header();
    let mut out = csv.write::<Person, _>(Vec::new()).expect("a record type is closed");
    out.write(&ann()).expect("it can be written");
    let bytes = out.finish().expect("memory takes it");
    let people: Result<Vec<Person>, _> = csv.read(&bytes[..]).expect("it reads").collect();
    assert_eq!(people.expect("what was written reads"), [ann()]);
}

#[test]
fn records_that_may_be_a_blank_line_are_not_lost() {
    #[derive(Record, Clone, Debug, PartialEq)]
    struct Inner {
        city: Option<String>,
    }
    #[derive(Record, Clone, Debug, PartialEq)]
    struct Outer {
        home: Inner,
    }
    #[derive(Record, Clone, Debug, PartialEq)]
    struct Nothing {
        #[record(skip)]
        n: u8,
    }
    let all = [None, Some(String::new()), Some("Oslo".to_owned())].map(|city| Outer { home: Inner { city } });
    for csv in [Csv::default(), Csv::default().without_header()] {
        let mut out = csv.write::<Outer, _>(Vec::new()).expect("a record type is closed");
        all.iter().for_each(|record| out.write(record).expect("it can be written"));
        let bytes = out.finish().expect("memory takes it");
        let again: Result<Vec<Outer>, _> = csv.read(&bytes[..]).expect("it reads").collect();
        assert_eq!(again.expect("what was written reads"), all);
    }
    assert_eq!(read::<Nothing>(&write(&[Nothing { n: 0 }, Nothing { n: 0 }])).len(), 2);
}

#[test]
fn foreign_files_with_dotted_headers_read() {
    let text = "home.zip_code,name,home.place.lat,home.city,job.title,job.tags,extra.x\n\
                7,Ann,,,,,1\n\
                ,Bob,1.5,Oslo,clerk,[],\n";
    let text = text.replace("home.zip_code,name", "home.zip_code,name,former").replace("7,Ann", "7,Ann,[]");
    let text = text.replace(",Bob", ",Bob,[]");
    let people = read::<Person>(text.as_bytes());
    let home = |city: Option<&str>, zip, lat: Option<f64>| Home {
        city: city.map(str::to_owned),
        zip,
        place: lat.map(|lat| Place { lat, note: None }),
    };
    assert_eq!((&people[0].home, &people[0].job), (&home(None, Some(7), None), &None));
    assert_eq!(people[1].home, home(Some("Oslo"), None, Some(1.5)));
    assert_eq!(people[1].job, Some(Job { title: "clerk".into(), tags: vec![], since: None }));
}

#[test]
fn a_document_has_nested_records_where_its_schema_says_so() {
    let bytes = write(&[ann()]);
    let documents = |schema: Schema| -> Vec<Document> {
        let rows = Csv::default().read_documents(&bytes[..], schema).expect("the header reads");
        rows.collect::<Result<_, _>>().expect("it reads")
    };
    let nested = &documents(Person::SCHEMA.clone())[0];
    assert_eq!(nested.get_as::<f64>("home.place.lat").ok().flatten(), Some(59.9));
    assert_eq!(nested["job"], document! { "title" => "", "tags" => vec![dk_data::Value::from("a,\"b")] }.into());
    assert_eq!(nested["second"], Document::new().into());
    // A document is written as the record is.
    let mut out = Csv::default().write_documents(Vec::new(), Person::SCHEMA.clone()).expect("the schema is closed");
    out.write(nested).expect("it can be written");
    assert_eq!(out.finish().expect("memory takes it"), bytes);
    // Without a schema a column's name is the field's name.
    let flat = &documents(Schema::open("t"))[0];
    assert_eq!(flat["home.city"], "Oslo".into());
}

#[test]
fn predicates_on_nested_fields_are_tested_before_decoding() {
    // The second row would not decode, and is not asked for.
    let text =
        "name,home.city,home.zip,former,job.title,job.tags\nAnn,Oslo,1,[],,\nBob,Rome,x,[],,\nCid,,,[],boss,[]\n";
    let names = |filter: &str| -> Vec<String> {
        let bound = filter.parse::<Filter>().and_then(|f| f.bind::<Person>(Person::SCHEMA)).expect("it fits");
        let rows = Csv::default().read::<Person, _>(text.as_bytes()).and_then(|rows| rows.matching(bound));
        rows.expect("it fits").map(|row| row.map_or_else(|e| format!("{e}"), |person| person.name)).collect()
    };
    assert_eq!(names("home.city = \"Oslo\""), ["Ann"]);
    assert_eq!(names("home.city is null"), ["Cid"]);
    assert_eq!(names("job is null and home.city like \"O%\""), ["Ann"]);
    assert_eq!(names("job is not null"), ["Cid"]);
    assert_eq!(names("job.title = \"boss\""), ["Cid"]);
    assert_eq!(names("second is null and not home.city = \"Rome\""), ["Ann", "Cid"]);
    let broken = names("home.zip > 0");
    assert!(broken[1].contains("home.zip") && broken[1].contains('x'), "{broken:?}");
    let typed = Csv::default().read::<Person, _>(text.as_bytes());
    let typed = typed.and_then(|rows| rows.matching(Person::HOME.at(Home::CITY).eq("Oslo"))).expect("it fits");
    assert_eq!(typed.map(|row| row.map(|person| person.name).ok()).collect::<Vec<_>>(), [Some("Ann".to_owned())]);
}

#[test]
fn a_path_into_a_flat_column_is_refused_and_not_quietly_false() {
    let filtered = |filter: &str| {
        let filter: Filter = filter.parse().expect("it parses");
        let bound = filter.bind::<Document>(&Schema::open("t")).expect("an open schema takes any name");
        let rows = Csv::default().read_documents("home.city\nOslo\nRome\n".as_bytes(), Schema::open("t"));
        rows.and_then(|rows| rows.matching(bound)).map(Iterator::count)
    };
    assert_eq!(filtered("home.city = \"Oslo\"").map_err(|e| e.kind()), Err(ErrorKind::Query));
    assert_eq!(filtered("\"home.city\" = \"Oslo\"").ok(), Some(1));
}

#[test]
fn a_field_that_is_spread_and_whole_is_refused() {
    let text = "name,home.city,home,former\nAnn,Oslo,{},[]\n";
    let refused =
        Csv::default().read::<Person, _>(text.as_bytes()).map(|_| ()).map_err(|e| (e.kind(), e.place().column));
    assert_eq!(refused, Err((ErrorKind::Corrupt, Some(3))));
}

#[test]
fn an_error_in_a_nested_cell_says_where() {
    let text = "name,home.city,home.zip,home.place.note,former\nAnn,,x,,[]\nBob,,,there,[]\n";
    let rows: Vec<_> = Csv::default().read::<Person, _>(text.as_bytes()).expect("the header reads").collect();
    let place = |row: usize| {
        let place = rows[row].as_ref().err().map(|e| e.place().clone());
        place.map(|place| (place.field, place.line, place.column))
    };
    assert_eq!(place(0), Some((Some("home.zip".to_owned()), Some(2), Some(3))));
    assert_eq!(place(1), Some((Some("home.place.lat".to_owned()), Some(3), None)));
}

#[test]
fn a_document_with_more_fields_than_its_schema_is_refused_and_leaves_nothing() {
    let inside = Schema::new("home").field(FieldDef::new("city", Type::Text).nullable());
    let schema = Schema::new("t").field(FieldDef::new("home", Type::record(inside)));
    let mut out = Csv::default().write_documents(Vec::new(), schema).expect("the schema is closed");
    let refused = |e: dk_data::Error| (e.kind(), e.place().field.clone());
    let wrong = [document! { "home" => Document::new(), "x" => 1 }, document! { "home" => document! { "zip" => 1 } }];
    let said = wrong.each_ref().map(|document| out.write(document).map_err(refused));
    let invalid = |field: &str| Err((ErrorKind::Invalid, Some(field.to_owned())));
    assert_eq!(said, [invalid("x"), invalid("home.zip")]);
    out.write(&document! { "home" => document! { "city" => "Oslo" } }).expect("it fits");
    assert_eq!(out.finish().expect("memory takes it"), b"_id,home.city\n1,Oslo\n");
}

prop_compose! {
    fn place()(lat in extreme_float(), note in proptest::option::of(".{0,4}")) -> Place {
        Place { lat, note: note.map(|note| note.replace('\0', "")) }
    }
}

prop_compose! {
    fn home()(
        city in proptest::option::of(text()),
        zip in proptest::option::of(any::<u32>()),
        place in proptest::option::of(place()),
    ) -> Home {
        Home { city, zip, place }
    }
}

prop_compose! {
    fn job()(title in text(), tags in proptest::collection::vec(text(), 0..3), day in 0..3) -> Job {
        let days = [None, Some(jiff::civil::date(1, 1, 1)), Some(jiff::civil::date(9999, 12, 31))];
        Job { title, tags, since: days[day as usize] }
    }
}

prop_compose! {
    fn person()(
        name in text(),
        home in home(),
        job in proptest::option::of(job()),
        second in proptest::option::of(home()),
        former in proptest::collection::vec(home(), 0..2),
    ) -> Person {
        Person { name, home, job, second, former }
    }
}

fn extreme_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(f64::MIN_POSITIVE),
        Just(f64::MAX),
        Just(1e308),
        any::<f64>().prop_filter("finite", |v| v.is_finite() && (*v != 0.0 || v.is_sign_positive()))
    ]
}

fn text() -> impl Strategy<Value = String> {
    const TEXTS: &[&str] =
        &["", " ", "42", "true", "null", "{}", "[]", "\\N", "a\r\nb", "\"", ",", "02", "\u{feff}", "-", "1e5"];
    prop_oneof![
        proptest::sample::select(TEXTS).prop_map(str::to_owned),
        "[a\"',\n\r {}\\[\\]\\\\é]{0,6}",
        any::<String>().prop_map(|text| text.replace('\0', ""))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_round_trip_is_the_identity_of_nested_records_too(people in proptest::collection::vec(person(), 1..8)) {
        let bytes = write(&people);
        prop_assert_eq!(&read::<Person>(&bytes), &people);
        let documents = Csv::default().read_documents(&bytes[..], Person::SCHEMA.clone()).expect("the header reads");
        let mut out = Csv::default().write_documents(Vec::new(), Person::SCHEMA.clone()).expect("the schema is closed");
        for document in documents {
            out.write(&document.expect("it reads")).expect("it can be written");
        }
        prop_assert_eq!(out.finish().expect("memory takes it"), bytes);
    }

    #[test]
    fn raw_cells_and_decoded_records_give_the_same_answer(people in proptest::collection::vec(person(), 1..8), city in text()) {
        let bytes = write(&people);
        let city_is = Person::HOME.at(Home::CITY).eq(city.as_str());
        let filters = [
            city_is.lower(),
            (!city_is).lower(),
            Person::JOB.is_null().lower(),
            Person::JOB.at(Job::TITLE).ge(city.as_str()).lower(),
            Person::SECOND.at(Home::PLACE).at(Place::NOTE).is_null().lower(),
            Person::HOME.at(Home::PLACE).at(Place::LAT).ge(1.0).lower(),
            Person::HOME.at(Home::PLACE).is_null().lower(),
            Person::HOME.is_null().lower(),
            Person::JOB.at(Job::TAGS).contains(city.as_str()).lower(),
        ];
        for filter in filters.into_iter().flatten() {
            let bound = || filter.clone().bind::<Person>(Person::SCHEMA).expect("it fits");
            let rows = Csv::default().read::<Person, _>(&bytes[..]).and_then(|rows| rows.matching(bound()));
            let raw: Vec<Person> = rows.expect("it fits").collect::<Result<_, _>>().expect("it reads");
            let envelope = Envelope::of(Id::from(0_u64));
            let seen = |record| bound().matches(Seen { record, envelope: &envelope });
            let plain: Vec<Person> = people.iter().filter(|person| seen(person)).cloned().collect();
            prop_assert_eq!(raw, plain, "{}", filter);
        }
    }
}

#[test]
fn a_schema_that_nests_deep_is_laid_out_in_linear_time() {
    let leaf = Schema::new("leaf").field(FieldDef::new("x", Type::Text).nullable());
    let deep =
        (0..40).fold(leaf, |inner, _| Schema::new("deep").field(FieldDef::new("d", Type::record(inner)).nullable()));
    let path = (0..3).fold(Path::field("d"), |path, _| path.then("d"));
    assert!(deep.resolve(&path).is_ok());
    let mut out = Csv::default().write_documents(Vec::new(), deep).expect("the schema is closed");
    out.write(&document! { "d" => Document::new() }).expect("it can be written");
    assert_eq!(out.finish().expect("memory takes it"), b"_id,d\n1,{}\n");
}
