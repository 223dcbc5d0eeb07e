//! INT96, in which older tools write timestamps: nanoseconds over all years. As 64 bits of nanoseconds they would only reach from 1677
//! to 2262, so they are read in microseconds.

use std::sync::Arc;

use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use parquet::{basic::Type as Physical, file::metadata::ParquetMetaData};

/// The columns that are of INT96, by their places.
pub(super) fn columns(schema: &SchemaRef, metadata: &ParquetMetaData) -> Vec<usize> {
    let leaves = metadata.file_metadata().schema_descr();
    let is_int96 = |field: &Field| {
        let leaf = leaves.columns().iter().find(|leaf| matches!(leaf.path().parts(), [name] if name == field.name()));
        leaf.is_some_and(|leaf| leaf.physical_type() == Physical::INT96)
    };
    schema.fields().iter().enumerate().filter(|(_, field)| is_int96(field)).map(|(at, _)| at).collect()
}

/// The schema with some columns as timestamps of a unit.
pub(super) fn in_unit(schema: &SchemaRef, columns: &[usize], unit: TimeUnit) -> SchemaRef {
    let fields = schema.fields().iter().enumerate().map(|(at, field)| match columns.contains(&at) {
        true => Arc::new(Field::clone(field).with_data_type(DataType::Timestamp(unit, None))),
        false => field.clone(),
    });
    Arc::new(arrow_schema::Schema::new(fields.collect::<Vec<_>>()))
}
