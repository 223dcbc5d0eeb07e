//! Parquet against the arrow crates used by hand, on the same files.
//!
//! The rival's searches are those that one writes who does not look at statistics: an Arrow reader over all rows, which reads on
//! one core, and a filter on the structs; and the same with a reader for each row group, on all cores. Reading and writing have the
//! same threads on both sides: row groups on all cores, and columns on all cores.

use std::{hint::black_box, sync::Arc};

use ::parquet::{
    arrow::{
        ArrowSchemaConverter,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
        arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves},
    },
    basic::{Compression, ZstdLevel},
    file::{properties::WriterProperties, reader::ChunkReader, writer::SerializedFileWriter},
};
use arrow_array::{
    Array, BooleanArray, FixedSizeBinaryArray, Float64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
    builder::{
        BooleanBuilder, FixedSizeBinaryBuilder, Float64Builder, ListBuilder, StringBuilder,
        TimestampMicrosecondBuilder, UInt32Builder,
    },
    cast::AsArray,
    types::{Float64Type, TimestampMicrosecondType, UInt32Type},
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use dk_data::format::parquet::{Parquet, Rows};
use jiff::Timestamp;
use rayon::prelude::*;
use uuid::Uuid;

use crate::{
    data::Data,
    harness::{Outcome, Row},
    people::Person,
};

pub const ROWS: &[Row] = &[
    Row::new("parquet/write", 0.9, raw_write, ours_write),
    Row::new("parquet/read", 0.9, raw_read, ours_read),
    Row::new("parquet/search_sorted", 20.0, raw_search_sorted, ours_search_sorted),
    Row::new("parquet/search_unsorted", 3.0, raw_search_unsorted, ours_search_unsorted),
    Row::new("parquet/search_unsorted_all_cores", 0.0, raw_search_unsorted_all_cores, ours_search_unsorted),
];

/// Rows of a row group, on both sides.
const GROUP: usize = 131_072;

/// The file that both sides read: one of ours.
pub fn file(people: &[Person]) -> Vec<u8> {
    let mut out = Parquet::default().write::<Person, _>(Vec::new()).expect("a record type is closed");
    people.iter().for_each(|person| out.write(person).expect("memory takes it"));
    out.finish().expect("memory takes it")
}

// ---- by hand

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::FixedSizeBinary(16), false),
        Field::new("name", DataType::Utf8, false),
        Field::new("email", DataType::Utf8, false),
        Field::new("age", DataType::UInt32, false),
        Field::new("city", DataType::Utf8, false),
        Field::new("score", DataType::Float64, false),
        Field::new("active", DataType::Boolean, false),
        Field::new("created_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        Field::new("tags", DataType::List(Arc::new(Field::new("element", DataType::Utf8, false))), false),
    ]))
}

fn batch_of(people: &[Person], schema: &SchemaRef) -> RecordBatch {
    let rows = people.len();
    let mut ids = FixedSizeBinaryBuilder::with_capacity(rows, 16);
    let mut texts = [(); 3].map(|()| StringBuilder::with_capacity(rows, rows * 20));
    let mut ages = UInt32Builder::with_capacity(rows);
    let mut scores = Float64Builder::with_capacity(rows);
    let mut actives = BooleanBuilder::with_capacity(rows);
    let mut times = TimestampMicrosecondBuilder::with_capacity(rows).with_timezone("UTC");
    let mut tags = ListBuilder::new(StringBuilder::new()).with_field(Field::new("element", DataType::Utf8, false));
    for person in people {
        ids.append_value(person.id.as_bytes()).expect("16 bytes");
        let [names, emails, cities] = &mut texts;
        names.append_value(&person.name);
        emails.append_value(&person.email);
        cities.append_value(&person.city);
        ages.append_value(person.age);
        scores.append_value(person.score);
        actives.append_value(person.active);
        times.append_value(person.created_at.as_microsecond());
        person.tags.iter().for_each(|tag| tags.values().append_value(tag));
        tags.append(true);
    }
    let [names, emails, cities] = &mut texts;
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(ids.finish()),
        Arc::new(names.finish()),
        Arc::new(emails.finish()),
        Arc::new(ages.finish()),
        Arc::new(cities.finish()),
        Arc::new(scores.finish()),
        Arc::new(actives.finish()),
        Arc::new(times.finish()),
        Arc::new(tags.finish()),
    ];
    RecordBatch::try_new(schema.clone(), columns).expect("the columns fit")
}

/// As a careful user sets it up: zstd, dictionaries where values repeat.
fn properties() -> WriterProperties {
    let unique = ["id", "name", "email", "score", "created_at"];
    let start = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(3).expect("a level")));
    unique.into_iter().fold(start, |all, name| all.set_column_dictionary_enabled(name.into(), false)).build()
}

fn raw_write(data: &Data) -> Outcome {
    let people = data.people();
    let write = || {
        let schema = schema();
        let columns = ArrowSchemaConverter::new().convert(&schema).expect("the types are known");
        let mut file =
            SerializedFileWriter::new(Vec::new(), columns.root_schema_ptr(), Arc::new(properties())).expect("memory");
        let factory = ArrowRowGroupWriterFactory::new(&file, schema.clone());
        for (number, people) in people.chunks(GROUP).enumerate() {
            let batch = batch_of(people, &schema);
            let writers = factory.create_column_writers(number).expect("the types are known");
            let work: Vec<_> = schema.fields().iter().zip(batch.columns()).zip(writers).collect();
            let chunks: Vec<_> = work
                .into_par_iter()
                .map(|((field, array), mut writer)| {
                    for leaf in compute_leaves(field, array).expect("they fit") {
                        writer.write(&leaf).expect("memory takes it");
                    }
                    writer.close().expect("memory takes it")
                })
                .collect();
            let mut group = file.next_row_group().expect("memory takes it");
            chunks.into_iter().for_each(|chunk| chunk.append_to_row_group(&mut group).expect("memory takes it"));
            group.close().expect("memory takes it");
        }
        file.into_inner().expect("memory takes it")
    };
    Outcome::then(write, |_| people.len() as u64)
}

fn text(column: &StringArray, row: usize) -> String {
    column.value(row).to_owned()
}

/// The columns of a batch, with their types.
struct Columns<'a> {
    ids: &'a FixedSizeBinaryArray,
    names: &'a StringArray,
    emails: &'a StringArray,
    ages: &'a UInt32Array,
    cities: &'a StringArray,
    scores: &'a Float64Array,
    actives: &'a BooleanArray,
    times: &'a TimestampMicrosecondArray,
    tags: &'a ListArray,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Columns<'a> {
        let column = |place: usize| batch.column(place);
        Columns {
            ids: column(0).as_fixed_size_binary(),
            names: column(1).as_string(),
            emails: column(2).as_string(),
            ages: column(3).as_primitive::<UInt32Type>(),
            cities: column(4).as_string(),
            scores: column(5).as_primitive::<Float64Type>(),
            actives: column(6).as_boolean(),
            times: column(7).as_primitive::<TimestampMicrosecondType>(),
            tags: column(8).as_list(),
        }
    }
    fn person(&self, row: usize) -> Person {
        let tags = self.tags.value(row);
        let tags: &StringArray = tags.as_string();
        Person {
            id: Uuid::from_slice(self.ids.value(row)).expect("16 bytes"),
            name: text(self.names, row),
            email: text(self.emails, row),
            age: self.ages.value(row),
            city: text(self.cities, row),
            score: self.scores.value(row),
            active: self.actives.value(row),
            created_at: Timestamp::from_microsecond(self.times.value(row)).expect("in range"),
            tags: (0..tags.len()).map(|tag| text(tags, tag)).collect(),
        }
    }
}

fn raw_metadata(input: &impl ChunkReader) -> ArrowReaderMetadata {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ArrowReaderMetadata::load(input, options).expect("the file is one of ours")
}

/// Every person in some row groups of whom `keep` is true; the sum of what `keep` answers.
fn raw_scan_of(
    input: impl ChunkReader + 'static,
    metadata: &ArrowReaderMetadata,
    groups: Vec<usize>,
    keep: impl Fn(&Person) -> Option<u64>,
) -> u64 {
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata.clone());
    let batches = builder.with_row_groups(groups).with_batch_size(8_192).build().expect("it reads");
    let mut sum = 0;
    for batch in batches {
        let batch = batch.expect("it reads");
        let columns = Columns::of(&batch);
        for row in 0..batch.num_rows() {
            sum += keep(&black_box(columns.person(row))).unwrap_or(0);
        }
    }
    sum
}

/// All of them, as one reader gives them.
fn raw_scan(input: impl ChunkReader + 'static, keep: impl Fn(&Person) -> Option<u64>) -> u64 {
    let metadata = raw_metadata(&input);
    let groups = (0..metadata.metadata().num_row_groups()).collect();
    raw_scan_of(input, &metadata, groups, keep)
}

/// All of them, a reader for each row group, on all cores.
fn raw_scan_on_all_cores<T: ChunkReader + 'static>(
    open: impl Fn() -> T + Sync,
    keep: impl Fn(&Person) -> Option<u64> + Sync,
) -> u64 {
    let metadata = raw_metadata(&open());
    let groups = (0..metadata.metadata().num_row_groups()).into_par_iter();
    groups.map(|group| raw_scan_of(open(), &metadata, vec![group], &keep)).sum()
}

/// The file in memory.
fn input(data: &Data) -> Bytes {
    Bytes::from_static(data.parquet())
}

fn raw_read(data: &Data) -> Outcome {
    let input = input(data);
    Outcome::of(|| raw_scan_on_all_cores(|| input.clone(), |person| Some(person.age.into())))
}

/// The bounds of the sorted column that keep one person in a thousand.
pub fn bounds(data: &Data) -> (Timestamp, Timestamp) {
    let people = data.people();
    let from = people.len() / 2;
    (people[from].created_at, people[from + people.len() / 1_000].created_at)
}

fn raw_search_sorted(data: &Data) -> Outcome {
    let input = input(data);
    raw_sorted(data, || input.clone())
}

fn raw_search_unsorted(data: &Data) -> Outcome {
    let input = input(data);
    raw_unsorted(|| input.clone())
}

fn raw_search_unsorted_all_cores(data: &Data) -> Outcome {
    let input = input(data);
    raw_unsorted_on_all_cores(|| input.clone())
}

/// The search by the sorted column, of a file that lies wherever it does.
pub fn raw_sorted<T: ChunkReader + 'static>(data: &Data, open: impl Fn() -> T) -> Outcome {
    let (from, to) = bounds(data);
    let keep = |person: &Person| (person.created_at >= from && person.created_at < to).then(|| person.age.into());
    Outcome::of(|| raw_scan(open(), keep))
}

fn is_child(person: &Person) -> Option<u64> {
    (person.age < 10).then(|| person.age.into())
}

/// That by a column without order.
pub fn raw_unsorted<T: ChunkReader + 'static>(open: impl Fn() -> T) -> Outcome {
    Outcome::of(|| raw_scan(open(), is_child))
}

/// The same, on all cores.
pub fn raw_unsorted_on_all_cores<T: ChunkReader + 'static>(open: impl Fn() -> T + Sync) -> Outcome {
    Outcome::of(|| raw_scan_on_all_cores(&open, is_child))
}

// ---- ours

fn ours_write(data: &Data) -> Outcome {
    let people = data.people();
    Outcome::then(|| file(people), |_| people.len() as u64)
}

/// In as many parts as the rival has threads.
fn ours_read(data: &Data) -> Outcome {
    let file = data.parquet();
    Outcome::of(|| {
        let threads = rayon::current_num_threads();
        let people = Parquet::open(file).expect("the file is one of ours");
        let part = |part| people.read::<Person>().expect("its columns are ours").rows().part(part, threads);
        let sum = |part: Rows<Person>| -> u64 {
            part.map(|found| u64::from(black_box(found.expect("it reads").record).age)).sum()
        };
        (0..threads).into_par_iter().map(|at| sum(part(at))).sum()
    })
}

fn ours_search_sorted(data: &Data) -> Outcome {
    let (file, (from, to)) = (data.parquet(), bounds(data));
    Outcome::of(|| {
        let people = Parquet::open(file).and_then(|file| file.read::<Person>()).expect("the file is one of ours");
        let found =
            people.matching(Person::CREATED_AT.ge(from) & Person::CREATED_AT.lt(to)).expect("the field is there");
        found.map(|person| u64::from(black_box(person.expect("it reads")).age)).sum()
    })
}

fn ours_search_unsorted(data: &Data) -> Outcome {
    let file = data.parquet();
    Outcome::of(|| {
        let people = Parquet::open(file).and_then(|file| file.read::<Person>()).expect("the file is one of ours");
        let found = people.matching(Person::AGE.lt(10)).expect("the field is there");
        found.map(|person| u64::from(black_box(person.expect("it reads")).age)).sum()
    })
}
