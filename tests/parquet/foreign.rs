//! Columns as other makers write them, made with the crate beneath: types, widths and units that our writer never uses.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float16Array, Float64Array, Int32Array, Int64Array,
    LargeStringArray, NullArray, RecordBatch, StringArray, Time64MicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, types::Int32Type,
};
use dk_data::{Document, ErrorKind, FieldDef, Filter, Record, Schema, Type, Value, document, format::parquet::Parquet};
use parquet::{
    arrow::ArrowWriter,
    basic::Encoding,
    file::properties::{EnabledStatistics, WriterProperties, WriterVersion},
};
use rust_decimal::Decimal;

fn file(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.expect("the columns are of one length");
    let mut out = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("the types are known");
    out.write(&batch).expect("memory takes it");
    out.into_inner().expect("memory takes it")
}

fn columns() -> Vec<(&'static str, ArrayRef)> {
    let names: DictionaryArray<Int32Type> = vec![Some("x"), None, Some("y")].into_iter().collect();
    vec![
        ("small", Arc::new(Int32Array::from(vec![Some(1), None, Some(-3)]))),
        ("half", Arc::new(Float16Array::from(vec![Some(half_of(1.5)), None, Some(half_of(-2.0))]))),
        (
            "price",
            Arc::new(
                Decimal128Array::from(vec![Some(110), None, Some(-5)])
                    .with_precision_and_scale(10, 2)
                    .expect("it fits"),
            ),
        ),
        ("large", Arc::new(LargeStringArray::from(vec![Some("a"), None, Some("")]))),
        ("named", Arc::new(names)),
        ("millis", Arc::new(TimestampMillisecondArray::from(vec![Some(1_500), None, Some(-1)]))),
        (
            "nanos",
            Arc::new(
                TimestampNanosecondArray::from(vec![Some(1_500_000_123), None, Some(-1_000)]).with_timezone("UTC"),
            ),
        ),
        ("day", Arc::new(Date32Array::from(vec![Some(0), None, Some(-1)]))),
        ("time", Arc::new(Time64MicrosecondArray::from(vec![Some(45_296_000_001), None, Some(0)]))),
        ("void", Arc::new(NullArray::new(3))),
    ]
}

fn half_of(v: f32) -> <arrow_array::types::Float16Type as arrow_array::types::ArrowPrimitiveType>::Native {
    <arrow_array::types::Float16Type as arrow_array::types::ArrowPrimitiveType>::Native::from_f32(v)
}

/// Small files as other makers write them.
pub fn files() -> Vec<(&'static str, Vec<u8>)> {
    let plain =
        WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None).set_dictionary_enabled(false);
    let second = WriterProperties::builder().set_writer_version(WriterVersion::PARQUET_2_0);
    let delta = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_column_encoding("large".into(), Encoding::DELTA_BYTE_ARRAY);
    vec![
        ("version 1", file(columns(), WriterProperties::default())),
        ("version 2", file(columns(), second.build())),
        ("without statistics and dictionaries", file(columns(), plain.build())),
        ("deltas", file(columns(), delta.build())),
    ]
}

#[test]
fn foreign_types_are_widened_exactly() {
    let moment = |text: &str| Value::Timestamp(text.parse().expect("a moment"));
    let first = document! {
        "small" => 1, "half" => 1.5, "price" => Decimal::new(11, 1), "large" => "a", "named" => "x",
        "millis" => moment("1970-01-01T00:00:01.5Z"),
        "nanos" => moment("1970-01-01T00:00:01.500000123Z"), "day" => jiff::civil::date(1970, 1, 1), "time" => "12:34:56.000001",
    };
    let last = document! {
        "small" => -3, "half" => -2.0, "price" => Decimal::new(-5, 2), "large" => "", "named" => "y",
        "millis" => moment("1969-12-31T23:59:59.999Z"),
        "nanos" => moment("1969-12-31T23:59:59.999999Z"), "day" => jiff::civil::date(1969, 12, 31), "time" => "00:00:00",
    };
    let wanted = [first, Document::new(), last];
    for (name, bytes) in files() {
        let file = Parquet::open(bytes).expect("it is whole");
        for schema in [file.schema("t").expect("known types"), Schema::open("t")] {
            let rows: Vec<_> = file.documents(schema).expect("it fits").collect::<Result<_, _>>().expect("they read");
            assert_eq!(rows, wanted, "{name}");
        }
    }
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Narrow {
    small: Option<u8>,
    price: Option<f64>,
    named: Option<String>,
    millis: Option<jiff::Timestamp>,
    void: Option<i64>,
}

#[test]
fn a_value_that_a_field_cannot_hold_is_an_error_with_its_row() {
    for (name, bytes) in files() {
        let file = Parquet::open(bytes).expect("it is whole");
        let rows: Vec<_> = file.read::<Narrow>().expect("the types may fit").collect();
        assert!(rows[0].is_err(), "{name}: 1.10 is no float");
        assert!(rows[1].is_ok(), "{name}");
        let error = rows[2].as_ref().expect_err("-3 is no u8");
        assert_eq!((error.kind(), error.place().field.as_deref()), (ErrorKind::Invalid, Some("small")), "{name}");
        assert!(error.message().contains("row 3 of the file"), "{name}: {error}");
        // A row whose predicate cannot be told is an error, too (semantics 3.12).
        let rows: Vec<_> =
            file.read::<Narrow>().and_then(|rows| rows.matching(Narrow::SMALL.gt(100))).expect("it fits").collect();
        assert_eq!(rows.iter().filter(|row| row.is_err()).count(), 1, "{name}");
    }
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Wrong {
    named: i64,
}

#[test]
fn a_field_that_no_value_of_a_column_fits_is_refused_when_the_file_is_opened() {
    let file = Parquet::open(files().swap_remove(0).1).expect("it is whole");
    let error = file.read::<Wrong>().err().expect("text is no integer");
    assert_eq!((error.kind(), error.place().field.as_deref()), (ErrorKind::Unsupported, Some("named")), "{error}");
}

#[test]
fn nan_is_an_error_and_hides_no_other_row() {
    let floats = Float64Array::from(vec![Some(1.0), Some(f64::NAN), Some(5.0), None, Some(f64::INFINITY)]);
    let bytes = file(
        vec![("f", Arc::new(floats)), ("n", Arc::new(Int64Array::from_iter_values(0..5)))],
        WriterProperties::default(),
    );
    let file = Parquet::open(bytes).expect("it is whole");
    let schema = file.schema("t").expect("known types");
    let read = |filter: Filter| {
        let filter = filter.bind::<Document>(&schema).expect("it fits");
        let rows = file.documents(schema.clone()).and_then(|rows| rows.matching(filter)).expect("it fits");
        let (good, bad): (Vec<_>, Vec<_>) = rows.partition(Result::is_ok);
        (good.into_iter().filter_map(|row| row.ok()?["n"].as_int()).collect::<Vec<_>>(), bad.len())
    };
    assert_eq!(read(Filter::ge("f", 1)), (vec![0, 2], 2));
    assert_eq!(read(Filter::ge("f", 1).not()), (vec![3], 2));
    assert_eq!(read(Filter::lt("n", 1)), (vec![0], 0));
    assert_eq!(read(Filter::all()), (vec![0, 2, 3], 2));
}

#[test]
fn semantics_7_1_an_error_names_its_field_where_any_value_may_stand_in_it() {
    let floats = || Arc::new(Float64Array::from(vec![1.0, f64::NAN]));
    let numbers = Arc::new(Int64Array::from_iter_values(0..2));
    let bytes = file(vec![("u", numbers), ("f", floats()), ("g", floats())], WriterProperties::default());
    let file = Parquet::open(bytes).expect("it is whole");
    let schema = Schema { fields: vec![FieldDef::new("f", Type::Any).nullable()].into(), ..Schema::open("t") };
    let error = file.documents(schema).expect("it fits").find_map(Result::err).expect("NaN is no value");
    assert_eq!(error.place().field.as_deref(), Some("f"), "{error}");
    let all = file.documents(Schema::open("t")).expect("it fits").find_map(Result::err).expect("NaN is no value");
    assert_eq!(all.place().field.as_deref(), Some("f"), "{all}");
}

#[test]
fn texts_longer_than_their_statistics_are_found() {
    let long = |end: char| format!("{}{end}", "x".repeat(500));
    let texts = StringArray::from(vec![long('a'), long('b'), long('\u{10ffff}')]);
    let bytes = file(
        vec![("t", Arc::new(texts))],
        WriterProperties::builder()
            .set_statistics_truncate_length(Some(8))
            .set_column_index_truncate_length(Some(8))
            .build(),
    );
    let file = Parquet::open(bytes).expect("it is whole");
    let schema = file.schema("t").expect("known types");
    for (filter, wanted) in [
        (Filter::eq("t", long('b')), 1),
        (Filter::gt("t", long('a')), 2),
        (Filter::le("t", long('b')).not(), 1),
        (Filter::starts_with("t", "x".repeat(100)), 3),
        (Filter::starts_with("t", "y"), 0),
    ] {
        let bound = filter.clone().bind::<Document>(&schema).expect("it fits");
        let count =
            file.documents(schema.clone()).and_then(|rows| rows.matching(bound)).and_then(|rows| rows.count_rows());
        assert_eq!(count.ok(), Some(wanted), "{filter}");
    }
}

/// Deltas between values that lie far apart, in a column that is read of some rows only.
#[test]
fn deltas_of_far_values_are_read_when_rows_are_skipped() {
    const ROWS: i64 = 20_000;
    let far = |n: i64| if n % 2 == 0 { i64::MIN + n } else { i64::MAX - n };
    let keys: Int64Array = (0..ROWS).map(|n| Some(n * 7_919 % ROWS)).collect();
    let values: Int64Array = (0..ROWS).map(|n| Some(far(n))).collect();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_data_page_row_count_limit(5_000)
        .set_column_encoding("far".into(), Encoding::DELTA_BINARY_PACKED)
        .build();
    let bytes = file(vec![("key", Arc::new(keys)), ("far", Arc::new(values))], properties);
    let file = Parquet::open(bytes).expect("it opens");
    let schema = file.schema("t").expect("the types are known");
    let few = Filter::lt("key", 20).bind::<Document>(&schema).expect("it fits");
    let found = file.documents(schema).expect("it fits").matching(few).expect("it fits");
    let found: Vec<_> = found.collect::<Result<_, _>>().expect("every row reads");
    let expected = (0..ROWS).filter(|n| n * 7_919 % ROWS < 20);
    assert_eq!(found, expected.map(|n| document! { "key" => n * 7_919 % ROWS, "far" => far(n) }).collect::<Vec<_>>());
    assert_eq!(found.len(), 20);
}
