//! Columns of other makers' Parquet files when a store writes the file anew: their types, their digits, their names and their
//! places, and what is refused because a column cannot hold it.

use std::{fs::File, path::PathBuf, sync::Arc};

use arrow_array::{
    Array, ArrayRef, Decimal128Array, DurationMicrosecondArray, Float64Array, Int32Array, Int64Array, ListArray,
    RecordBatch, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray,
    builder::{MapBuilder, StringBuilder},
    types::Int64Type,
};
use arrow_schema::{DataType, Field, Schema as Arrow, TimeUnit};
use dk_data::{
    Changes, Database, Document, ErrorKind, FieldDef, Query, Record, Result, Schema, Store, Type, Value,
    backend::file::{FileStore, Files, Options},
    document,
};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    data_type as plain,
    file::{metadata::KeyValue, properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use rust_decimal::Decimal;
use serde_json::json;

use crate::disk::Unsynced;

fn column(name: &str, array: impl arrow_array::Array + 'static) -> (Field, ArrayRef) {
    (Field::new(name, array.data_type().clone(), true), Arc::new(array))
}

/// A file as another maker would write it.
fn written(columns: Vec<(Field, ArrayRef)>) -> PathBuf {
    let path = crate::folder().join("things.parquet");
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let schema = Arc::new(Arrow::new(fields));
    let entry = KeyValue::new("pandas".to_owned(), "{\"index_columns\": []}".to_owned());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![entry])).build();
    let mut out =
        ArrowWriter::try_new(File::create(&path).expect("a file"), schema.clone(), Some(properties)).expect("a writer");
    let batch = RecordBatch::try_new(schema, arrays).expect("columns of one length");
    out.write(&batch).and_then(|()| out.close().map(drop)).expect("it is written");
    path
}

fn open(path: &PathBuf, schema: Schema) -> FileStore<Document, Unsynced> {
    let db = Files::open_file_on(Unsynced, path, Options::default()).expect("it opens");
    db.documents("things", schema).expect("it opens")
}

/// The file as Arrow reads it, and what its footer says.
fn read(path: &PathBuf) -> (RecordBatch, Vec<KeyValue>) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("a file")).expect("a footer");
    let entries = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let batches = builder.build().expect("a reader").collect::<std::result::Result<Vec<_>, _>>().expect("it reads");
    let [batch] = batches.try_into().expect("one batch");
    (batch, entries)
}

fn numbers() -> Vec<(Field, ArrayRef)> {
    let lists = [Some(vec![Some(vec![Some(1), None]), None]), None, Some(vec![])];
    let inner: Vec<Option<Vec<Option<i64>>>> = lists.iter().flatten().flatten().cloned().collect();
    let inner = ListArray::from_iter_primitive::<Int64Type, _, _>(inner);
    let lengths = lists.iter().map(|list| list.as_ref().map_or(0, Vec::len));
    let item = Arc::new(Field::new("item", inner.data_type().clone(), true));
    let nulls = lists.iter().map(Option::is_some).collect::<Vec<_>>().into();
    let offsets = arrow_buffer::OffsetBuffer::from_lengths(lengths);
    let lists = ListArray::new(item, offsets, Arc::new(inner), Some(nulls));
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for pairs in [&[("a", "1")][..], &[], &[("b", "2"), ("c", "3")]] {
        pairs.iter().for_each(|(key, value)| {
            maps.keys().append_value(key);
            maps.values().append_value(value);
        });
        maps.append(true).expect("as many keys as values");
    }
    let nanos = || vec![Some(1_500_000_123), None, Some(7)];
    vec![
        column("name", StringArray::from(vec!["Ann", "Bob", "Cid"])),
        column("_merge", StringArray::from(vec!["left", "both", "right"])),
        column("__index_level_0__", Int64Array::from(vec![10, 20, 30])),
        column(
            "price",
            Decimal128Array::from(vec![Some(110), None, Some(-5)]).with_precision_and_scale(9, 2).expect("it fits"),
        ),
        column("ns", TimestampNanosecondArray::from(nanos())),
        column("zoned", TimestampNanosecondArray::from(nanos()).with_timezone("Europe/Oslo")),
        column("naive", TimestampMicrosecondArray::from(vec![Some(1), None, Some(-1)])),
        column("ms", TimestampMillisecondArray::from(vec![Some(1), None, Some(-1)])),
        column("time", Time64MicrosecondArray::from(vec![Some(45_296_500_000), None, Some(0)])),
        column("duration", DurationMicrosecondArray::from(vec![Some(3), None, Some(4)])),
        column("small", Int32Array::from(vec![Some(1), None, Some(3)])),
        column("float", Float64Array::from(vec![Some(f64::NAN), Some(0.5), Some(f64::INFINITY)])),
        column("lists", lists),
        column("map", maps.finish()),
    ]
}

/// Whatever type a column has, rows that nobody changed have the same cells afterwards, and rows that were changed the same cells
/// where their values are the same. Names that begin with `_` and what else the footer says are kept, too.
#[test]
fn a_checkpoint_keeps_columns_of_other_makers() {
    let named = Schema::new("things").field(FieldDef::new("name", Type::Text));
    for (schema, rounds) in [(named, 2), (Schema::open("things"), 1)] {
        let open_schema = schema.open;
        let path = written(numbers());
        let (before, _) = read(&path);
        for round in 0..rounds {
            let store = open(&path, schema.clone());
            match open_schema {
                // A row that holds NaN cannot be read whole.
                true => drop(store.patch("0000000002", Changes::set("name", "Eve")).expect("it is there")),
                false => drop(store.update("0000000002", document! { "name" => "Eve" }).expect("it is there")),
            }
            store.create(document! { "name" => format!("new {round}") }).expect("it is new");
            store.checkpoint().expect("it is put into the file");
        }
        let (after, entries) = read(&path);
        assert_eq!(after.num_rows(), 3 + rounds);
        for (at, field) in before.schema().fields().iter().enumerate() {
            let name = field.name();
            let (found, cells) = (after.schema().field(at).clone(), after.column(at));
            assert_eq!((found.name(), found.data_type()), (name, field.data_type()), "its place and its type");
            let rows: &[usize] = if name == "name" { &[0, 2] } else { &[0, 1, 2] };
            for row in rows {
                let cell = |array: &ArrayRef| format!("{:?}", array.slice(*row, 1));
                assert_eq!(cell(cells), cell(before.column(at)), "{name}, row {row}");
            }
        }
        assert!(entries.iter().any(|entry| entry.key == "pandas"), "{entries:?}");
        assert!(after.column_by_name("_extra").is_none(), "nothing was moved");
    }
}

/// Values of new records stand in the columns of other makers as those have them.
#[test]
fn new_records_fit_the_columns_of_other_makers() {
    let columns = numbers().into_iter().filter(|(field, _)| field.name() != "float").collect();
    let path = written(columns);
    let store = open(&path, Schema::open("things"));
    let at: jiff::Timestamp = "2024-02-29T12:00:00.000001Z".parse().expect("a moment");
    let row = document! {
        "name" => "Dan", "price" => Decimal::new(995, 2), "ns" => Value::Timestamp(at), "zoned" => Value::Timestamp(at),
        "naive" => Value::Timestamp(at), "time" => "23:59:59.5", "small" => 7,
    };
    let id = store.create(row.clone()).expect("it fits").id;
    store.checkpoint().expect("it is put into the file");
    let (after, _) = read(&path);
    for (name, text) in [
        ("price", "995"),
        ("ns", "2024-02-29T12:00:00.000001"),
        ("zoned", "00.000001"),
        ("naive", "2024-02-29T12:00:00.000001"),
        ("time", "23:59:59.500"),
        ("small", "7"),
    ] {
        let cell = format!("{:?}", after.column_by_name(name).expect("the column").slice(3, 1));
        assert!(cell.contains(text), "{name}: {cell}");
    }
    assert!(after.column_by_name("_extra").is_none());
    let found = open(&path, Schema::open("things")).read(&id).expect("it reads").expect("it is there");
    assert_eq!(found.record, row);
}

/// What a column cannot hold exactly is refused with its name, before it is acknowledged.
#[test]
fn what_a_column_cannot_hold_is_refused_at_the_write() {
    let path = written(numbers());
    let fields = [("price", Type::Decimal), ("ns", Type::Timestamp), ("small", Type::I64)];
    let declared = fields
        .into_iter()
        .fold(Schema::new("things"), |schema, (name, ty)| schema.field(FieldDef::new(name, ty).nullable()));
    for schema in [declared, Schema::open("things")] {
        let store = open(&path, schema.clone());
        let refused = |row: Document| {
            let error = store.create(row).expect_err("it does not fit");
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
            error.place().field.clone()
        };
        assert_eq!(refused(document! { "price" => Decimal::new(1, 3) }).as_deref(), Some("price"));
        assert_eq!(refused(document! { "price" => Decimal::new(10_000_000, 0) }).as_deref(), Some("price"));
        let far = Value::Timestamp("3000-01-01T00:00:00Z".parse().expect("a moment"));
        assert_eq!(refused(document! { "ns" => far }).as_deref(), Some("ns"));
        if !schema.open {
            // A column is made as wide as the field that is declared.
            store.create(document! { "small" => i64::MAX, "price" => Decimal::new(999_999_999, 2) }).expect("it fits");
        }
        store.checkpoint().expect("it is put into the file");
    }
    let (after, _) = read(&path);
    let type_of = |name: &str| after.column_by_name(name).expect("the column").data_type().clone();
    assert_eq!((type_of("small"), type_of("price")), (DataType::Int64, DataType::Decimal128(9, 2)));
}

/// A column whose name is kept for the envelope, and that is none, is no error of the rows. Nothing is written beside it.
#[test]
fn a_column_that_only_has_the_name_of_an_envelope_keeps_writes_away() {
    for name in ["_version", "_created_at", "_metadata", "_extra", "_types", "_id"] {
        let path = written(vec![
            column("name", StringArray::from(vec!["Ann", "Bob"])),
            column(name, Float64Array::from(vec![1.0, 2.0])),
        ]);
        let store = open(&path, Schema::open("things"));
        let rows = store.search(Query::new()).expect("it reads");
        assert_eq!(rows[1].record, document! { "name" => "Bob" }, "{name}");
        let refused = store.create(document! { "name" => "Cid" }).expect_err("it has no place");
        assert_eq!((refused.kind(), refused.place().field.as_deref()), (ErrorKind::Unsupported, Some(name)));
        assert!(store.delete("0000000001").is_err(), "{name}");
    }
}

/// Two columns of one name cannot be told apart.
#[test]
fn two_columns_of_one_name_are_refused() {
    let path = written(vec![column("n", Int64Array::from(vec![1])), column("n", Int64Array::from(vec![2]))]);
    let db = Files::open_file_on(Unsynced, path, Options::default()).expect("it opens");
    let refused = db.documents("things", Schema::open("things")).map(drop).expect_err("which of them is it?");
    assert_eq!((refused.kind(), refused.place().field.as_deref()), (ErrorKind::Corrupt, Some("n")), "{refused}");
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Sale {
    #[record(id)]
    key: i64,
    #[record(decimal(9, 2))]
    price: Decimal,
    #[record(decimal(38, 10))]
    rate: Option<Decimal>,
}

/// Precision and scale of a field are those of its column, in a store and in an export, and hold for every write.
#[test]
fn a_decimal_field_says_its_column() {
    let path = crate::folder().join("sales.parquet");
    let db = Files::open_file_on(Unsynced, &path, Options::default()).expect("it opens");
    let store = db.store::<Sale>().expect("it opens");
    let sale = Sale { key: 1, price: Decimal::new(999_999_999, 2), rate: Some(Decimal::new(1, 10)) };
    store.create(&sale).expect("it fits");
    for (price, rate, field) in [
        (Decimal::new(1, 3), None, "price"),
        (Decimal::new(10_000_000, 0), None, "price"),
        (Decimal::ONE, Some(Decimal::new(1, 11)), "rate"),
    ] {
        let refused = store.create(&Sale { key: 2, price, rate }).expect_err("it does not fit");
        assert_eq!((refused.kind(), refused.place().field.as_deref()), (ErrorKind::Invalid, Some(field)));
    }
    store.patch("1", Changes::<Sale>::set("price", Decimal::new(1, 3))).map(drop).expect_err("nor does it here");
    store.checkpoint().expect("it is put into the file");
    let exported = path.with_file_name("exported.parquet");
    dk_data::backend::file::Export::default().run(&store, Query::new(), &exported, |_| ()).expect("it is written");
    for path in [&path, &exported] {
        let (batch, _) = read(path);
        let type_of = |name: &str| batch.column_by_name(name).expect("the column").data_type().clone();
        assert_eq!((type_of("price"), type_of("rate")), (DataType::Decimal128(9, 2), DataType::Decimal128(38, 10)));
    }
    let file = dk_data::format::parquet::Parquet::open(File::open(&path).expect("a file")).expect("it opens");
    let schema = file.schema("sales").expect("it has one");
    let found = schema.fields.iter().map(|field| field.decimal).collect::<Vec<_>>();
    assert_eq!(found, [None, Some((9, 2)), Some((38, 10))]);
    let rows: Result<Vec<Sale>> = file.read().expect("it reads").collect();
    assert_eq!(rows.expect("they read"), [sale]);
}

/// A file with a column of INT96, as Spark and Impala write it: the nanoseconds of a day, and the day.
fn int96(moments: &[&str]) -> PathBuf {
    const DAY: i128 = 86_400_000_000_000;
    let schema = parse_message_type("message things { required int64 n; required int96 at; }").expect("it is one");
    let path = crate::folder().join("things.parquet");
    let file = File::create(&path).expect("a file");
    let mut out = SerializedFileWriter::new(file, Arc::new(schema), Arc::default()).expect("a writer");
    let mut group = out.next_row_group().expect("a row group");
    let numbers: Vec<i64> = (0..).take(moments.len()).collect();
    let mut column = group.next_column().expect("it goes on").expect("the numbers");
    column.typed::<plain::Int64Type>().write_batch(&numbers, None, None).expect("they are written");
    column.close().expect("they are written");
    let moments = moments.iter().map(|moment| {
        let ns = moment.parse::<jiff::Timestamp>().expect("a moment").as_nanosecond();
        let (day, rest) = (ns.div_euclid(DAY) + 2_440_588, ns.rem_euclid(DAY));
        let mut int96 = plain::Int96::new();
        int96.set_data(rest as u32, (rest >> 32) as u32, day as u32);
        int96
    });
    let moments: Vec<_> = moments.collect();
    let mut column = group.next_column().expect("it goes on").expect("the moments");
    column.typed::<plain::Int96Type>().write_batch(&moments, None, None).expect("they are written");
    column.close().and_then(|()| group.close()).expect("they are written");
    out.close().expect("it is written");
    path
}

/// INT96 becomes the type that holds all of its values, to the last digit; where there is none the file is not written.
#[test]
fn no_digit_of_a_moment_in_int96_is_lost() {
    let (fine, far) = ("2024-02-29T12:00:00.123456789", "9999-12-30T00:00:00.999999");
    let all = |path: &PathBuf| {
        let (batch, _) = read(path);
        let column = batch.column_by_name("at").expect("the column").clone();
        (column.data_type().clone(), format!("{column:?}"))
    };
    for (moments, unit) in
        [([fine, "1970-01-01T00:00:00"], TimeUnit::Nanosecond), ([far, "0001-01-01T00:00:00"], TimeUnit::Microsecond)]
    {
        let path = int96(&moments.map(|moment| format!("{moment}Z")).each_ref().map(String::as_str));
        for round in 0..2_i64 {
            let store = open(&path, Schema::open("things"));
            store.patch("0000000002", Changes::set("n", 40 + round)).expect("it is there");
            let at = Value::Timestamp("2024-02-29T12:00:00.000001Z".parse().expect("a moment"));
            store.create(document! { "n" => 7, "at" => at }).expect("it fits");
            store.checkpoint().expect("it is put into the file");
            let (ty, cells) = all(&path);
            assert_eq!(ty, DataType::Timestamp(unit, None), "{moments:?}");
            moments.iter().chain(&["12:00:00.000001"]).for_each(|moment| assert!(cells.contains(moment), "{cells}"));
        }
    }
    let path = int96(&[&format!("{far}Z"), &format!("{fine}Z")]);
    let before = std::fs::read(&path).expect("it is there");
    let store = open(&path, Schema::open("things"));
    assert_eq!(store.count(Query::new()).expect("it reads"), 2);
    let refused = store.create(document! { "n" => 7 }).expect_err("a digit would be lost");
    assert_eq!((refused.kind(), refused.place().field.as_deref()), (ErrorKind::Unsupported, Some("at")), "{refused}");
    assert!(store.delete("0000000001").is_err());
    drop(store);
    assert!(std::fs::read(&path).expect("it is there") == before);
}

/// Values for columns that no type of a field stands for: they come back as they were, or are refused.
#[test]
fn new_records_have_lists_of_lists_and_maps() {
    let columns = || numbers().into_iter().filter(|(field, _)| field.name() != "float").collect();
    let list = |items: &[i64]| Value::List(items.iter().map(|n| Value::from(*n)).collect());
    let path = written(columns());
    let rows = [
        document! { "name" => "Dan", "lists" => Value::List(vec![list(&[4, 5]), list(&[]), Value::Null]) },
        document! { "name" => "Eve", "map" => json!({ "x": "9", "y": null }), "lists" => Value::List(Vec::new()) },
    ];
    let store = open(&path, Schema::open("things"));
    let ids = rows.clone().map(|row| store.create(row).expect("it fits").id);
    let changed = Value::List(vec![list(&[7])]);
    store.patch("0000000002", Changes::set("lists", changed.clone())).expect("it is there");
    store.checkpoint().expect("it is put into the file");
    let store = open(&path, Schema::open("things"));
    for (id, row) in ids.iter().zip(&rows) {
        assert_eq!(store.read(id).expect("it reads").expect("it is there").record, *row);
    }
    assert_eq!(store.read("0000000002").expect("it reads").expect("it is there").record["lists"], changed);
    let (before, _) = read(&written(columns()));
    let (after, _) = read(&path);
    for name in ["lists", "map"] {
        let (before, after) =
            (before.column_by_name(name).expect("the column"), after.column_by_name(name).expect("the column"));
        assert_eq!(before.data_type(), after.data_type(), "{name}");
        assert_eq!(format!("{:?}", before.slice(0, 1)), format!("{:?}", after.slice(0, 1)), "{name}");
    }
    assert!(after.column_by_name("_extra").is_none());
    for (name, value) in [
        ("lists", Value::List(vec![Value::from("one")])),
        ("lists", Value::List(vec![Value::List(vec![Value::from("one")])])),
        ("lists", Value::Json(json!([[1]]))),
        ("map", Value::Json(json!({ "x": 9 }))),
        ("map", Value::Record(document! { "x" => "9" })),
    ] {
        let refused = store.create([(name, value)].into_iter().collect::<Document>()).expect_err("it does not fit");
        assert_eq!((refused.kind(), refused.place().field.as_deref()), (ErrorKind::Invalid, Some(name)), "{refused}");
    }
}
