//! A round trip is the identity (semantics 2.2).

use dk_data::{
    Document, ErrorKind, FieldDef, Filter, Record, Schema, TextEnum, Type, Value, document,
    format::parquet::{Compression, Parquet, Parts},
};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use uuid::Uuid;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn moment(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

/// Every type of semantics 2.3, nullable.
pub fn every_type() -> Schema {
    let street = Schema::new("street").field(FieldDef::new("name", Type::Text).nullable());
    let home = Schema::new("home")
        .field(FieldDef::new("city", Type::Text).nullable())
        .field(FieldDef::new("street", Type::record(street)).nullable())
        .field(FieldDef::new("zips", Type::list(Type::I32)).nullable());
    let pet =
        Schema::new("pet").field(FieldDef::new("name", Type::Text)).field(FieldDef::new("age", Type::U8).nullable());
    let colours = Type::Enum(vec!["red".into(), "green".into()].into());
    let fields = [
        ("flag", Type::Bool),
        ("i8", Type::I8),
        ("i16", Type::I16),
        ("i32", Type::I32),
        ("i64", Type::I64),
        ("u8", Type::U8),
        ("u16", Type::U16),
        ("u32", Type::U32),
        ("u64", Type::U64),
        ("f32", Type::F32),
        ("f64", Type::F64),
        ("decimal", Type::Decimal),
        ("text", Type::Text),
        ("bytes", Type::Bytes),
        ("uuid", Type::Uuid),
        ("at", Type::Timestamp),
        ("day", Type::Date),
        ("colour", colours),
        ("texts", Type::list(Type::Text)),
        ("moments", Type::list(Type::Timestamp)),
        ("decimals", Type::list(Type::Decimal)),
        ("pets", Type::list(Type::record(pet))),
        ("home", Type::record(home)),
        ("json", Type::Json),
        ("vector", Type::Vector(3)),
        ("any", Type::Any),
        ("bag", Type::record(Schema::open("bag"))),
        ("nothing", Type::record(Schema::new("nothing"))),
    ];
    fields.into_iter().fold(Schema::new("all"), |schema, (name, ty)| schema.field(FieldDef::new(name, ty).nullable()))
}

/// Values at their extremes, a few to a document.
pub fn extremes() -> Vec<Document> {
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
        "e\u{301}",
    ];
    let mut all: Vec<Document> =
        texts.into_iter().map(|t| document! { "text" => t, "texts" => vec![Value::from(t), "".into()] }).collect();
    all.extend([
        document! { "flag" => true, "i8" => i8::MIN, "i16" => i16::MIN, "i32" => i32::MIN, "i64" => i64::MIN, "u64" => u64::MAX },
        document! { "flag" => false, "i8" => i8::MAX, "i16" => i16::MAX, "i32" => i32::MAX, "i64" => i64::MAX, "u64" => 0 },
        document! { "u8" => u8::MAX, "u16" => u16::MAX, "u32" => u32::MAX, "i64" => (1_i64 << 53) + 1 },
        document! { "f32" => f32::MAX, "f64" => f64::MAX }, document! { "f32" => f32::MIN_POSITIVE, "f64" => f64::MIN_POSITIVE },
        document! { "f32" => 0.1_f32, "f64" => 0.1 }, document! { "f64" => 5e-324 }, document! { "f64" => -1e308 },
        document! { "decimal" => Decimal::MAX, "decimals" => vec![Value::from(Decimal::MIN), decimal("0.1").into()] },
        document! { "decimal" => decimal("-0.0000000000000000000000000001") }, document! { "decimal" => decimal("1.10") },
        document! { "bytes" => Value::Bytes(vec![0, 255, 10]) }, document! { "bytes" => Value::Bytes(Vec::new()) },
        document! { "uuid" => Uuid::max() }, document! { "uuid" => Uuid::nil() },
        document! { "at" => moment("0001-01-01T00:00:00.000001Z"), "day" => jiff::civil::date(1, 1, 1) },
        document! { "at" => moment("9999-12-30T22:00:00.999999Z"), "day" => jiff::civil::date(9999, 12, 31) },
        document! { "moments" => vec![Value::from(moment("1969-12-31T23:59:59.999999Z"))], "day" => Date::MIN },
        document! { "colour" => "green" }, document! { "texts" => Vec::<Value>::new() },
        document! { "pets" => vec![Value::Record(document! { "name" => "Rex", "age" => 3 }), Value::Record(document! { "name" => "" })] },
        document! { "pets" => Vec::<Value>::new() },
        document! { "home" => document! { "city" => "Oslo", "street" => document! { "name" => "Storgata" }, "zips" => vec![Value::from(1), 2.into()] } },
        document! { "home" => Document::new() }, document! { "home" => document! { "street" => Document::new() } },
        document! { "json" => serde_json::json!({ "a": [null, 1, "x", 1e22, u64::MAX] }) }, document! { "json" => serde_json::json!("text") },
        document! { "json" => serde_json::json!([]) }, document! { "vector" => Value::Vector(vec![0.1, -2.5, 3e38]) },
        document! { "any" => 7 }, document! { "any" => "7" }, document! { "any" => Uuid::max() }, document! { "any" => document! { "x" => 1.0 } },
        document! { "any" => vec![Value::from(1), "x".into()] }, document! { "any" => serde_json::json!({ "$uuid": "no" }) },
        document! { "bag" => document! { "x" => 1, "y" => moment("2026-01-31T10:00:00Z") } }, document! { "bag" => Document::new() },
        document! { "nothing" => Document::new() }, Document::new(),
    ]);
    all
}

pub fn written(parquet: &Parquet, schema: &Schema, all: &[Document]) -> Vec<u8> {
    let mut out = parquet.write_documents(Vec::new(), schema.clone()).expect("the options fit");
    all.iter().for_each(|document| out.write(document).unwrap_or_else(|e| panic!("{e}: {document:?}")));
    out.finish().expect("memory takes it")
}

pub fn read(bytes: Vec<u8>, schema: Schema) -> Vec<Document> {
    let file = Parquet::open(bytes).expect("it is whole");
    file.documents(schema).expect("the columns fit").collect::<Result<_, _>>().expect("every row reads")
}

#[test]
fn documents_of_every_type_come_back() {
    let (schema, all) = (every_type(), extremes());
    for parquet in [Parquet::default(), Parquet::default().row_group_rows(7).page_rows(3)] {
        let bytes = written(&parquet, &schema, &all);
        for (wanted, found) in all.iter().zip(read(bytes.clone(), schema.clone())) {
            assert_eq!(*wanted, found);
        }
        let file = Parquet::open(bytes.clone()).expect("it is whole");
        assert_eq!(file.len(), all.len() as u64);
        assert_eq!(file.schema("all").expect("all types have a counterpart"), schema, "the schema is in the file");
        assert_eq!(read(bytes, Schema::open("all")), all, "without a schema as well");
    }
}

#[test]
fn every_codec_is_read_back() {
    let (schema, all) = (every_type(), extremes());
    let codecs = [
        Compression::None,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Gzip(6),
        Compression::Brotli(4),
        Compression::Zstd(19),
    ];
    for codec in codecs {
        let bytes = written(&Parquet::default().compression(codec), &schema, &all);
        assert_eq!(read(bytes, schema.clone()), all, "{codec:?}");
    }
}

#[test]
fn fields_that_an_open_schema_does_not_declare_get_columns_and_the_rest_is_kept() {
    let mut all = extremes();
    // Later records have new fields, and other kinds in old ones.
    all.extend(
        (0..40).map(
            |n| document! { "late" => n, "i64" => "a text", "texts" => n, "home" => document! { "other" => true } },
        ),
    );
    for parquet in [Parquet::default(), Parquet::default().row_group_rows(16)] {
        let bytes = written(&parquet, &Schema::open("open"), &all);
        for (wanted, found) in all.iter().zip(read(bytes, Schema::open("open"))) {
            assert_eq!(*wanted, found);
        }
    }
    let regular: Vec<_> = (0..10).map(|n| document! { "n" => n, "name" => format!("n{n}") }).collect();
    let file = Parquet::open(written(&Parquet::default(), &Schema::open("open"), &regular)).expect("it is whole");
    let names: Vec<_> = file.schema("open").expect("known types").fields.iter().map(|f| f.to_string()).collect();
    assert_eq!(names, ["n: i64?", "name: text?"]);
}

#[test]
fn undeclared_fields_are_filtered_wherever_they_are_kept() {
    let all: Vec<_> = (0..100)
        .map(|n| {
            if n < 50 {
                document! { "n" => n }
            } else {
                document! { "n" => n.to_string(), "late" => n }
            }
        })
        .collect();
    let bytes = written(&Parquet::default().row_group_rows(50), &Schema::open("open"), &all);
    let count = |filter: Filter| {
        let filter = filter.bind::<Document>(&Schema::open("open")).expect("anything is there");
        let file = Parquet::open(bytes.clone()).expect("it is whole");
        file.documents(Schema::open("open")).and_then(|rows| rows.matching(filter)).expect("it fits").count()
    };
    assert_eq!(count(Filter::ge("n", 40)), 10);
    assert_eq!(count(Filter::eq("n", "60")), 1);
    assert_eq!(count(Filter::ge("late", 90)), 10);
    assert_eq!(count(Filter::is_null("late")), 50);
}

#[derive(TextEnum, Clone, Copy, Debug, PartialEq)]
enum Colour {
    Red,
    Green,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Street {
    name: Option<String>,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Home {
    city: Option<String>,
    street: Option<Street>,
    zips: Vec<u32>,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Everything {
    #[record(id)]
    id: Uuid,
    flag: bool,
    small: i8,
    large: u64,
    ratio: f32,
    score: Option<f64>,
    price: Decimal,
    name: String,
    data: Option<Vec<u8>>,
    at: Timestamp,
    day: Option<Date>,
    colour: Colour,
    tags: Vec<String>,
    home: Option<Home>,
    homes: Vec<Home>,
    #[record(json)]
    json: Option<serde_json::Value>,
    vector: [f32; 2],
}

fn everything(n: u64) -> Everything {
    let home = |n: u64| Home {
        city: (n.is_multiple_of(2)).then(|| format!("city {n}")),
        street: (n.is_multiple_of(3)).then(|| Street { name: (n.is_multiple_of(6)).then(|| "main".to_owned()) }),
        zips: (0..n % 4).map(|z| z as u32).collect(),
    };
    Everything {
        id: Uuid::from_u128(u128::from(n) * 7_919),
        flag: n.is_multiple_of(2),
        small: (n % 256) as u8 as i8,
        large: u64::MAX - n,
        ratio: n as f32 / 3.0,
        score: (!n.is_multiple_of(5)).then_some(n as f64 / 7.0),
        price: Decimal::new(n as i64 * 101, 2),
        name: format!("name {}", n % 10),
        data: (!n.is_multiple_of(7)).then(|| n.to_le_bytes().to_vec()),
        at: Timestamp::from_microsecond(n as i64 * 1_234_567 - 1_000_000_000).expect("near 1970"),
        day: (!n.is_multiple_of(4)).then(|| jiff::civil::date(2000, 1 + (n % 12) as i8, 1 + (n % 28) as i8)),
        colour: if n.is_multiple_of(3) { Colour::Red } else { Colour::Green },
        tags: (0..n % 3).map(|t| format!("tag {t}")).collect(),
        home: (n.is_multiple_of(2)).then(|| home(n)),
        homes: (0..n % 3).map(home).collect(),
        json: (!n.is_multiple_of(3)).then(|| serde_json::json!({ "n": n })),
        vector: [n as f32, -(n as f32)],
    }
}

#[test]
fn records_of_every_type_come_back() {
    let all: Vec<_> = (0..5_000).map(everything).collect();
    let mut out =
        Parquet::default().row_group_rows(1_999).page_rows(256).write::<Everything, _>(Vec::new()).expect("it fits");
    all.iter().for_each(|record| out.write(record).expect("it can be written"));
    let file = Parquet::open(out.finish().expect("memory takes it")).expect("it is whole");
    let found: Vec<Everything> =
        file.read().expect("the columns fit").collect::<Result<_, _>>().expect("every row reads");
    assert_eq!(found, all);
    let wanted = Everything::HOME.at(Home::CITY).eq("city 40") | Everything::ID.eq(all[17].id);
    let found: Vec<Everything> = file
        .read()
        .and_then(|rows| rows.matching(wanted))
        .expect("it fits")
        .collect::<Result<_, _>>()
        .expect("they read");
    assert_eq!(found, [all[17].clone(), all[40].clone()]);
}

#[test]
fn a_record_that_is_refused_leaves_nothing_behind() {
    let schema = Schema::new("t")
        .field(FieldDef::new("name", Type::Text))
        .field(FieldDef::new("list", Type::list(Type::I8)))
        .field(FieldDef::new("price", Type::Decimal).nullable());
    let mut out =
        Parquet::default().decimal("price", 5, 2).write_documents(Vec::new(), schema.clone()).expect("it fits");
    let good = document! { "name" => "a", "list" => vec![Value::from(1)], "price" => decimal("999.99") };
    out.write(&good).expect("it can be written");
    for (bad, field) in [
        (document! { "name" => "b", "list" => vec![Value::from(1), 300.into()] }, "list.item"),
        (document! { "name" => "c", "list" => vec![Value::from(1)], "price" => decimal("1000") }, "price"),
        (document! { "name" => "d", "list" => vec![Value::from(1)], "price" => decimal("0.001") }, "price"),
        (document! { "name" => "e" }, "list"),
    ] {
        let refused = out.write(&bad).expect_err("it does not fit");
        assert_eq!((refused.kind(), refused.place().field.as_deref()), (ErrorKind::Invalid, Some(field)));
    }
    out.write(&good).expect("it can be written");
    assert_eq!(read(out.finish().expect("memory takes it"), schema), [good.clone(), good]);
}

#[test]
fn a_file_of_no_records_has_its_columns() {
    for schema in [every_type(), Schema::open("open")] {
        let bytes = written(&Parquet::default(), &schema, &[]);
        assert!(read(bytes.clone(), schema.clone()).is_empty());
        assert_eq!(Parquet::open(bytes).expect("it is whole").schema(&schema.name).expect("known types"), schema);
    }
}

#[test]
fn envelopes_stand_in_columns_beside_the_record() {
    use dk_data::{Envelope, Id, Metadata, Version};
    let parts = Parts { id: true, version: true, times: true, metadata: true };
    let schema = Schema::new("t").field(FieldDef::new("n", Type::I64));
    let mut out = Parquet::default().envelope(parts).write_documents(Vec::new(), schema.clone()).expect("it fits");
    let at = moment("2026-01-31T10:00:00.000001Z");
    let full = Envelope::of(Id::new("å/%").expect("an id"))
        .with_version(Version::random())
        .with_times(at, at)
        .with_metadata([("source", "csv")].into_iter().collect::<Metadata>());
    let bare = Envelope::of(Id::new("b").expect("an id"));
    for (envelope, n) in [(&full, 1), (&bare, 2)] {
        out.write_with(envelope, &document! { "n" => n }).expect("it can be written");
    }
    assert_eq!(out.write(&document! { "n" => 3 }).map_err(|e| e.kind()), Err(ErrorKind::Configuration));
    let file = Parquet::open(out.finish().expect("memory takes it")).expect("it is whole");
    let rows = file.documents(schema.clone()).expect("it fits").rows().with_envelope();
    let rows: Vec<_> = rows.collect::<Result<_, _>>().expect("every row reads");
    assert_eq!(
        rows.iter().map(|row| (row.ordinal, row.record["n"].as_int())).collect::<Vec<_>>(),
        [(0, Some(1)), (1, Some(2))]
    );
    let [found, second] = [0, 1].map(|at| rows[at].parts.as_ref().expect("the file has envelopes"));
    assert_eq!((found.id.as_deref(), found.created_at, found.updated_at), (Some("å/%"), Some(at), Some(at)));
    assert_eq!(found.version, full.version().map(ToString::to_string));
    assert_eq!(found.metadata, *full.metadata());
    assert_eq!((second.id.as_deref(), second.created_at), (Some("b"), None));
    let count = |filter: Filter| {
        let filter = filter.bind::<Document>(&schema).expect("it fits");
        file.documents(schema.clone())
            .and_then(|rows| rows.matching(filter))
            .and_then(|rows| rows.count_rows())
            .expect("it reads")
    };
    assert_eq!(count(Filter::eq("_id", "å/%")), 1);
    assert_eq!(count(Filter::is_null("_created_at")), 1);
    assert_eq!(count(r#"_metadata.source = "csv""#.parse().expect("it parses")), 1);
}

#[test]
fn rows_are_found_by_their_ordinals() {
    let schema = Schema::new("t").field(FieldDef::new("n", Type::I64));
    let all: Vec<_> = (0..10_000).map(|n| document! { "n" => n }).collect();
    let bytes = written(&Parquet::default().row_group_rows(3_000).page_rows(500), &schema, &all);
    let file = Parquet::open(bytes).expect("it is whole");
    let wanted = [0, 1, 2_999, 3_000, 3_001, 7_777, 9_999, 10_000, 1 << 40];
    let found = file.documents(schema).expect("it fits").rows().only(&wanted);
    let found: Vec<_> = found
        .map(|row| row.map(|row| (row.ordinal, row.record["n"].as_int())))
        .collect::<Result<_, _>>()
        .expect("they read");
    let all: Vec<_> = wanted[..7].iter().map(|n| (*n, Some(i128::from(*n)))).collect();
    assert_eq!(found, all);
}
