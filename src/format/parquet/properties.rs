//! How columns are encoded: by their types, by what the schema says of them, and by the values of the first row group.

use std::{collections::HashSet, hash::BuildHasher};

use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::{DataType, FieldRef};
use parquet::{
    basic::{BrotliLevel, Compression as Codec, Encoding, GzipLevel, ZstdLevel},
    file::{
        metadata::SortingColumn,
        properties::{BloomFilterPosition, EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    },
    schema::types::{ColumnPath, SchemaDescriptor},
};

use super::{Compression, Settings};
use crate::record::Schema;

/// Rows of a data page at most. Two of them make a piece of a scan.
pub(super) const PAGE_ROWS: usize = 16_384;

/// How many values of a column are looked at.
const SAMPLE: usize = 4_096;

/// What is set for a file whose first row group holds these arrays.
pub(super) fn of(
    settings: &Settings,
    schema: &Schema,
    fields: &[FieldRef],
    arrays: &[ArrayRef],
    columns: &SchemaDescriptor,
) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(codec(settings.compression))
        .set_created_by(format!("dk-data version {}", env!("CARGO_PKG_VERSION")))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_data_page_row_count_limit(settings.page_rows)
        .set_write_batch_size(settings.page_rows.min(1_024))
        .set_bloom_filter_position(BloomFilterPosition::AfterRowGroup)
        .set_sorting_columns(sorting(settings, columns));
    for leaf in columns.columns() {
        let top = leaf.path().parts().first().map_or("", String::as_str);
        let at = fields.iter().position(|field| field.name() == top);
        let array = at.and_then(|at| arrays.get(at));
        properties = column(properties, settings, schema, leaf.path(), top, array);
    }
    properties.build()
}

fn column(
    properties: WriterPropertiesBuilder,
    settings: &Settings,
    schema: &Schema,
    path: &ColumnPath,
    top: &str,
    array: Option<&ArrayRef>,
) -> WriterPropertiesBuilder {
    let declared = schema.fields.iter().find(|field| field.name == top);
    let is_id = top == "_id" || declared.is_some_and(|field| field.id);
    let unique = is_id || declared.is_some_and(|field| field.unique || field.large);
    let mut properties = properties;
    if is_id || settings.blooms.iter().any(|name| name == top) {
        properties = properties
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_max_ndv(path.clone(), settings.row_group_rows as u64);
    }
    let dictionary = !unique && array.is_some_and(repeats);
    properties = properties.set_column_dictionary_enabled(path.clone(), dictionary);
    match array.map(|array| array.data_type()) {
        _ if dictionary => properties,
        // Integers stay plain: the crate beneath cannot skip in deltas between values that lie far apart.
        Some(DataType::Float32 | DataType::Float64) => {
            properties.set_column_encoding(path.clone(), Encoding::BYTE_STREAM_SPLIT)
        }
        _ => properties,
    }
}

/// Whether a column repeats its values often enough for a dictionary to be worth it: it is slower *and* larger where not.
fn repeats(array: &ArrayRef) -> bool {
    let array = match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().values(),
        _ => array,
    };
    let len = array.len().min(SAMPLE);
    let hasher = foldhash::fast::FixedState::default();
    let hashes: Option<HashSet<u64>> = match array.data_type() {
        DataType::Utf8 => Some((0..len).map(|at| hasher.hash_one(array.as_string::<i32>().value(at))).collect()),
        DataType::Binary => Some((0..len).map(|at| hasher.hash_one(array.as_binary::<i32>().value(at))).collect()),
        DataType::Struct(_) => None,
        ty if ty.is_primitive() => {
            let (data, width) = (array.to_data(), ty.primitive_width().unwrap_or(1));
            data.buffers()
                .first()
                .map(|buffer| buffer.as_slice().chunks(width).take(len).map(|v| hasher.hash_one(v)).collect())
        }
        _ => return false,
    };
    // What lies deeper is left to the writer, which gives a dictionary up when it grows too large.
    hashes.is_none_or(|hashes| hashes.len() * 4 <= len)
}

fn codec(compression: Compression) -> Codec {
    match compression {
        Compression::None => Codec::UNCOMPRESSED,
        Compression::Snappy => Codec::SNAPPY,
        Compression::Lz4 => Codec::LZ4_RAW,
        Compression::Gzip(level) => Codec::GZIP(GzipLevel::try_new(level).unwrap_or_default()),
        Compression::Brotli(level) => Codec::BROTLI(BrotliLevel::try_new(level).unwrap_or_default()),
        Compression::Zstd(level) => Codec::ZSTD(ZstdLevel::try_new(level).unwrap_or_default()),
    }
}

fn sorting(settings: &Settings, columns: &SchemaDescriptor) -> Option<Vec<SortingColumn>> {
    let place =
        |name: &str| columns.columns().iter().position(|leaf| matches!(leaf.path().parts(), [only] if only == name));
    let sorted = settings.sorted.iter().filter_map(|(name, descending)| {
        Some(SortingColumn { column_idx: place(name)? as i32, descending: *descending, nulls_first: false })
    });
    let sorted: Vec<_> = sorted.collect();
    (!sorted.is_empty()).then_some(sorted)
}
