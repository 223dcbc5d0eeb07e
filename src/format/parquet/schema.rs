//! Our schemas as Parquet's: which column type holds which field type exactly (semantics 2.2, 2.3).
//!
//! | field | column |
//! |---|---|
//! | bool, integers, floats | the type of the same width and sign |
//! | decimal | decimal(76, 28), or the precision and scale that the field or the [options](super::Parquet::decimal) say |
//! | text, enum | string |
//! | bytes | binary |
//! | uuid | 16 bytes, logical type UUID |
//! | timestamp | microseconds, adjusted to UTC |
//! | date | days |
//! | list | list |
//! | vector | list of floats |
//! | record | struct |
//! | json | string, logical type JSON |
//! | any, open records, records without fields | string, logical type JSON: values with tags such as `{"$uuid": ..}` |

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, TimeUnit, extension};

use crate::record::{FieldDef, Schema, Type};

/// Precision and scale of a column of decimals where nothing else is said: every decimal of 28 digits fits.
pub(super) const DECIMAL: (u8, u8) = (76, 28);

/// What the items of a list are called, as the format's specification has it.
const ITEM: &str = "element";

/// Precision and scale for decimal fields, by name.
pub(super) type Decimals = [(String, u8, i8)];

/// The columns of a schema, in order.
pub(super) fn columns(schema: &Schema, decimals: &Decimals) -> Vec<Field> {
    schema.fields.iter().map(|field| column(field, decimals)).collect()
}

fn column(field: &FieldDef, decimals: &Decimals) -> Field {
    let named = decimals.iter().find(|(name, ..)| *name == field.name);
    let ty = match named {
        Some((_, precision, scale)) if field.ty == Type::Decimal => decimal(*precision, *scale),
        _ => data_type(field),
    };
    marked(Field::new(field.name.as_ref(), ty, is_nullable(field)), &field.ty)
}

pub(super) fn decimal(precision: u8, scale: i8) -> DataType {
    match precision {
        ..=38 => DataType::Decimal128(precision, scale),
        _ => DataType::Decimal256(precision, scale),
    }
}

/// Whether a column of this field has nulls.
pub(super) fn is_nullable(field: &FieldDef) -> bool {
    field.nullable || field.default || field.ty == Type::Any
}

/// The column of what fits no other.
pub(super) fn extra() -> Field {
    marked(Field::new(super::EXTRA, DataType::Utf8, true), &Type::Any)
}

/// Whether a column holds a field of this type as JSON with tags.
pub(super) fn is_tagged(ty: &Type) -> bool {
    match ty {
        Type::Any => true,
        Type::Record(schema) => schema.open || schema.fields.is_empty(),
        _ => false,
    }
}

/// A field with its logical type, where that is more than the column's type says.
pub(super) fn marked(mut field: Field, ty: &Type) -> Field {
    // Refused only for columns of other types than these are stored in.
    let _ = match ty {
        Type::Uuid => field.try_with_extension_type(extension::Uuid),
        ty if *ty == Type::Json || is_tagged(ty) => field.try_with_extension_type(extension::Json::default()),
        _ => Ok(()),
    };
    field
}

pub(super) fn data_type(field: &FieldDef) -> DataType {
    match &field.ty {
        ty if is_tagged(ty) => DataType::Utf8,
        Type::Bool => DataType::Boolean,
        Type::I8 => DataType::Int8,
        Type::I16 => DataType::Int16,
        Type::I32 => DataType::Int32,
        Type::I64 => DataType::Int64,
        Type::U8 => DataType::UInt8,
        Type::U16 => DataType::UInt16,
        Type::U32 => DataType::UInt32,
        Type::U64 => DataType::UInt64,
        Type::F32 => DataType::Float32,
        Type::F64 => DataType::Float64,
        Type::Decimal => {
            let (precision, scale) = field.decimal.unwrap_or(DECIMAL);
            decimal(precision, scale as i8)
        }
        Type::Bytes => DataType::Binary,
        Type::Uuid => DataType::FixedSizeBinary(16),
        Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Type::Date => DataType::Date32,
        Type::List(item) => {
            let inside = Field::new(ITEM, data_type(item), is_nullable(item));
            DataType::List(Arc::new(marked(inside, &item.ty)))
        }
        Type::Vector(_) => DataType::List(Arc::new(Field::new(ITEM, DataType::Float32, false))),
        Type::Record(schema) => DataType::Struct(Fields::from(columns(schema, &[]))),
        // Text, the names of enums, and JSON.
        _ => DataType::Utf8,
    }
}
