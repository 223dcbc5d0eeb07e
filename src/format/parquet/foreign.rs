//! Columns of other makers as fields of ours: which type a column has, and whether a declared field can be read from it.
//!
//! A column is widened where every value of it has an exact counterpart, or may have one: then each value is looked at, and
//! one that has none is an error with its row. Timestamps without a zone are taken for UTC. Times of day are text.

use arrow_schema::{DataType, Field, extension};

use super::{
    cells::{Fault, is_marked},
    schema::DECIMAL,
};
use crate::record::{FieldDef, Name, Schema, Type};

/// The field that a column is for documents.
///
/// # Errors
/// A type that has no counterpart.
pub(super) fn field_of(field: &Field) -> Result<FieldDef, Fault> {
    Ok(named(Name::Owned(field.name().clone()), field, type_of(field)?))
}

/// The field of a column or of the items of one, with what its Parquet type says beside the type.
fn named(name: Name, field: &Field, ty: Type) -> FieldDef {
    let scale = match (&ty, field.data_type()) {
        (Type::Decimal, DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale)) => {
            u8::try_from(*scale).ok().map(|scale| (*precision, scale))
        }
        _ => None,
    };
    // What every decimal of ours fits into says nothing of these.
    let decimal = scale.filter(|scale| *scale != DECIMAL);
    FieldDef { nullable: field.is_nullable(), decimal, ..FieldDef::new(name, ty) }
}

pub(super) fn type_of(field: &Field) -> Result<Type, Fault> {
    Ok(match field.data_type() {
        DataType::Null => Type::Any,
        DataType::Boolean => Type::Bool,
        DataType::Int8 => Type::I8,
        DataType::Int16 => Type::I16,
        DataType::Int32 => Type::I32,
        DataType::Int64 => Type::I64,
        DataType::UInt8 => Type::U8,
        DataType::UInt16 => Type::U16,
        DataType::UInt32 => Type::U32,
        DataType::UInt64 => Type::U64,
        DataType::Float16 | DataType::Float32 => Type::F32,
        DataType::Float64 => Type::F64,
        DataType::Decimal128(..) | DataType::Decimal256(..) => Type::Decimal,
        DataType::Date32 => Type::Date,
        DataType::Timestamp(..) => Type::Timestamp,
        DataType::Utf8 if is_marked::<extension::Json>(field) => Type::Json,
        DataType::Utf8 | DataType::Time32(_) | DataType::Time64(_) => Type::Text,
        DataType::FixedSizeBinary(16) if is_marked::<extension::Uuid>(field) => Type::Uuid,
        DataType::Binary | DataType::FixedSizeBinary(_) => Type::Bytes,
        DataType::Map(entries, _) => {
            type_of(entries)?;
            Type::Json
        }
        DataType::List(item) => match type_of(item)? {
            // Lists hold scalars or records.
            Type::List(_) | Type::Json => Type::Json,
            ty => Type::List(named(Name::Borrowed("item"), item, ty).into()),
        },
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| field_of(field)).collect::<Result<Vec<_>, _>>()?;
            Type::record(Schema { name: Name::Owned(field.name().clone()), fields: fields.into(), open: false })
        }
        other => return Err(format!("columns of the type {other} have no counterpart here").into()),
    })
}

/// Why a declared field cannot be read from a column.
pub(super) fn obstacle(declared: &FieldDef, column: &Field) -> Option<Fault> {
    obstacle_of_type(&declared.ty, column)
}

fn obstacle_of_type(ty: &Type, column: &Field) -> Option<Fault> {
    use DataType as D;
    let found = column.data_type();
    let number = matches!(found, D::Float16 | D::Float32 | D::Float64 | D::Decimal128(..) | D::Decimal256(..))
        || found.is_integer();
    let fits = match ty {
        _ if *found == D::Null => true,
        ty if super::schema::is_tagged(ty) || *ty == Type::Json => return type_of(column).err(),
        Type::Bool => *found == D::Boolean,
        Type::F32 | Type::F64 => number,
        Type::Decimal => number && !matches!(found, D::Float16 | D::Float32 | D::Float64),
        Type::Text | Type::Enum(_) => matches!(found, D::Utf8 | D::Binary | D::Time32(_) | D::Time64(_)),
        Type::Bytes => matches!(found, D::Binary | D::FixedSizeBinary(_) | D::Utf8),
        Type::Uuid => matches!(found, D::FixedSizeBinary(16) | D::Utf8 | D::Binary),
        Type::Timestamp | Type::Date => matches!(found, D::Timestamp(..) | D::Date32 | D::Utf8),
        Type::List(item) => match found {
            D::List(inside) => return obstacle_of_type(&item.ty, inside),
            _ => false,
        },
        Type::Vector(_) => match found {
            D::List(inside) => return obstacle_of_type(&Type::F32, inside),
            _ => false,
        },
        Type::Record(schema) => match found {
            D::Struct(fields) => {
                return fields.iter().find_map(|field| {
                    let (_, declared) = schema.find(field.name())?;
                    obstacle(declared, field).map(|fault| format!("`{}` inside: {fault}", field.name()).into())
                });
            }
            _ => false,
        },
        // What is left are integers.
        _ => number,
    };
    (!fits).then(|| format!("the column is of the type {found}, from which a {ty} cannot be read").into())
}
