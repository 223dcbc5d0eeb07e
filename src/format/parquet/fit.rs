//! Arrays made to fit columns of other types, exactly or not at all, and which type holds both what a column is and what a field
//! may be.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Decimal128Array, Decimal256Array, FixedSizeBinaryArray, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, ListArray, PrimitiveArray, StructArray, Time32MillisecondArray,
    Time64MicrosecondArray, Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
    cast::AsArray,
    new_null_array,
    types::{
        ArrowPrimitiveType, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Int8Type, Int16Type, Int32Type,
        Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, UInt8Type, UInt16Type,
        UInt32Type, UInt64Type,
    },
};
use arrow_buffer::i256;
use arrow_schema::{DataType, Field, Fields, TimeUnit};

use super::{encode::power_of_ten, nested, schema};
use crate::record::{FieldDef, Type};

/// The column that holds all that an old column holds and all, or at least what fits the old one, that a field may be; `None`
/// where the two have nothing in common.
pub(super) fn widened(field: &FieldDef, old: &Field) -> Option<Field> {
    let made = schema::data_type(field);
    let nullable = old.is_nullable() || schema::is_nullable(field);
    let ty = wider(field, &made, old.data_type())?;
    Some(old.clone().with_data_type(ty).with_nullable(nullable))
}

fn wider(field: &FieldDef, made: &DataType, old: &DataType) -> Option<DataType> {
    use DataType as D;
    Some(match (made, old) {
        (D::List(made), D::List(old)) => {
            let item = match &field.ty {
                Type::List(item) => widened(item, old)?,
                _ if made.data_type() == old.data_type() => old.as_ref().clone(),
                _ => return None,
            };
            D::List(Arc::new(item))
        }
        (D::Struct(_), D::Struct(old)) => {
            let Type::Record(inside) = &field.ty else { return None };
            let mut fields = Vec::with_capacity(old.len());
            for column in old {
                fields.push(Arc::new(match inside.find(column.name()) {
                    Some((_, field)) if field.name == *column.name() => widened(field, column)?,
                    Some(_) => return None,
                    None => column.as_ref().clone().with_nullable(true),
                }));
            }
            let lacking = |field: &&Arc<Field>| !old.iter().any(|column| column.name() == field.name());
            let D::Struct(made) = made else { return None };
            let more = made.iter().filter(lacking).map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
            fields.extend(more.collect::<Vec<_>>());
            D::Struct(Fields::from(fields))
        }
        (made, old) if made == old => old.clone(),
        (D::Decimal128(p, s) | D::Decimal256(p, s), D::Decimal128(q, t) | D::Decimal256(q, t)) if *t >= 0 => {
            match field.decimal {
                None => old.clone(),
                Some(_) => {
                    let scale = *s.max(t);
                    let whole = (*p as i8 - s).max(*q as i8 - t);
                    let precision = u8::try_from(i16::from(whole) + i16::from(scale)).ok().filter(|p| *p <= 76)?;
                    schema::decimal(precision, scale)
                }
            }
        }
        (D::Timestamp(..), D::Timestamp(TimeUnit::Nanosecond, _)) => old.clone(),
        (D::Timestamp(..), D::Timestamp(_, zone)) => D::Timestamp(TimeUnit::Microsecond, zone.clone()),
        (made, old) if made.is_integer() && old.is_integer() => {
            let (a, b) = (range(made)?, range(old)?);
            if a.0 <= b.0 && a.1 >= b.1 { made.clone() } else { old.clone() }
        }
        (D::Float64, D::Float16 | D::Float32) | (D::Float32, D::Float64) => D::Float64,
        (D::Float32, D::Float16) => D::Float32,
        _ => return None,
    })
}

/// The least and the greatest value of a type of integers.
fn range(ty: &DataType) -> Option<(i128, i128)> {
    let signed = |bits: u32| (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1);
    let unsigned = |bits: u32| (0, (1_i128 << bits) - 1);
    Some(match ty {
        DataType::Int8 => signed(8),
        DataType::Int16 => signed(16),
        DataType::Int32 => signed(32),
        DataType::Int64 => signed(64),
        DataType::UInt8 => unsigned(8),
        DataType::UInt16 => unsigned(16),
        DataType::UInt32 => unsigned(32),
        DataType::UInt64 => unsigned(64),
        _ => return None,
    })
}

/// What was gathered for a column as an array of its type; `None` where it does not hold a value exactly. Values that no type of a
/// field stands for have been gathered in their tagged form.
pub(super) fn fitted_column(array: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    match (array.data_type(), to) {
        (DataType::Utf8, DataType::List(_) | DataType::Map(..) | DataType::Struct(_)) => {
            nested::of_tagged(array.as_string(), to)
        }
        _ => fitted(array, to),
    }
}

/// The same values as an array of another type; `None` where one of them has no counterpart there.
pub(super) fn fitted(array: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    use DataType as D;
    if array.data_type() == to {
        return Some(array.clone());
    }
    match (array.data_type(), to) {
        (D::List(_), D::List(item)) => {
            let list = array.as_list::<i32>();
            // Only items that a list has: others may be anything.
            let (offsets, values) = (list.offsets(), list.values());
            let values = fitted(values, item.data_type())?;
            Some(Arc::new(ListArray::try_new(item.clone(), offsets.clone(), values, list.nulls().cloned()).ok()?))
        }
        (D::Struct(from), D::Struct(fields)) => {
            let record = array.as_struct();
            if from.iter().any(|had| !fields.iter().any(|field| field.name() == had.name())) {
                return None;
            }
            let child = |field: &Arc<Field>| match record.column_by_name(field.name()) {
                Some(column) => fitted(column, field.data_type()),
                None => Some(new_null_array(field.data_type(), record.len())),
            };
            let columns = fields.iter().map(child).collect::<Option<Vec<_>>>()?;
            Some(Arc::new(StructArray::try_new(fields.clone(), columns, record.nulls().cloned()).ok()?))
        }
        (D::Timestamp(from, _), D::Timestamp(unit, zone)) => timestamps(array, *from, *unit, zone.clone()),
        (D::Decimal128(_, from) | D::Decimal256(_, from), D::Decimal128(p, s) | D::Decimal256(p, s)) => {
            decimals(array, *from, (*p, *s), matches!(to, D::Decimal128(..)))
        }
        (D::Float16, D::Float32) => {
            Some(Arc::new(array.as_primitive::<Float16Type>().unary::<_, Float32Type>(|v| v.to_f32())))
        }
        (D::Float16, D::Float64) => {
            let floats: Float64Array = array.as_primitive::<Float16Type>().unary(|v| v.to_f64());
            Some(Arc::new(floats))
        }
        (D::Float32, D::Float64) => {
            let floats: Float64Array = array.as_primitive::<Float32Type>().unary(f64::from);
            Some(Arc::new(floats))
        }
        (D::Float64, D::Float32) => {
            let fit = |v: f64| (f64::from(v as f32) == v || v.is_nan()).then_some(v as f32);
            let floats = array.as_primitive::<arrow_array::types::Float64Type>();
            let floats: Option<Vec<Option<f32>>> =
                floats.iter().map(|v| v.map_or(Some(None), |v| fit(v).map(Some))).collect();
            Some(Arc::new(Float32Array::from(floats?)))
        }
        (D::Utf8, D::Time32(_) | D::Time64(_)) => times(array, to),
        (D::Binary, D::FixedSizeBinary(width)) => {
            let bytes = array.as_binary::<i32>();
            let bytes = FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes.iter(), *width);
            bytes.ok().map(|bytes| Arc::new(bytes) as ArrayRef)
        }
        (from, to) if from.is_integer() && to.is_integer() => of_integers(&integers(array)?, to),
        _ => None,
    }
}

fn values<T: ArrowPrimitiveType>(array: &ArrayRef) -> Vec<Option<i128>>
where
    T::Native: Into<i128>,
{
    array.as_primitive::<T>().iter().map(|value| value.map(Into::into)).collect()
}

fn integers(array: &ArrayRef) -> Option<Vec<Option<i128>>> {
    Some(match array.data_type() {
        DataType::Int8 => values::<Int8Type>(array),
        DataType::Int16 => values::<Int16Type>(array),
        DataType::Int32 => values::<Int32Type>(array),
        DataType::Int64 => values::<Int64Type>(array),
        DataType::UInt8 => values::<UInt8Type>(array),
        DataType::UInt16 => values::<UInt16Type>(array),
        DataType::UInt32 => values::<UInt32Type>(array),
        DataType::UInt64 => values::<UInt64Type>(array),
        _ => return None,
    })
}

/// Values of another width, where they fit it.
fn narrowed<T: TryFrom<i128>>(values: &[Option<i128>]) -> Option<Vec<Option<T>>> {
    values.iter().map(|value| value.map_or(Some(None), |value| T::try_from(value).ok().map(Some))).collect()
}

fn of_integers(values: &[Option<i128>], to: &DataType) -> Option<ArrayRef> {
    Some(match to {
        DataType::Int8 => Arc::new(Int8Array::from(narrowed(values)?)),
        DataType::Int16 => Arc::new(Int16Array::from(narrowed(values)?)),
        DataType::Int32 => Arc::new(Int32Array::from(narrowed(values)?)),
        DataType::Int64 => Arc::new(Int64Array::from(narrowed(values)?)),
        DataType::UInt8 => Arc::new(UInt8Array::from(narrowed(values)?)),
        DataType::UInt16 => Arc::new(UInt16Array::from(narrowed(values)?)),
        DataType::UInt32 => Arc::new(UInt32Array::from(narrowed(values)?)),
        DataType::UInt64 => Arc::new(UInt64Array::from(narrowed(values)?)),
        _ => return None,
    })
}

fn nanoseconds(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

fn timestamps(array: &ArrayRef, from: TimeUnit, to: TimeUnit, zone: Option<Arc<str>>) -> Option<ArrayRef> {
    let counts: Vec<Option<i128>> = match from {
        TimeUnit::Second => return None,
        TimeUnit::Millisecond => values::<TimestampMillisecondType>(array),
        TimeUnit::Microsecond => values::<TimestampMicrosecondType>(array),
        TimeUnit::Nanosecond => values::<TimestampNanosecondType>(array),
    };
    let (from, unit) = (nanoseconds(from), nanoseconds(to));
    let exact = |count: i128| ((count * from) % unit == 0).then(|| count * from / unit);
    let counts = counts.into_iter().map(|count| count.map_or(Some(None), |count| exact(count).map(Some)));
    let counts: Vec<Option<i64>> = narrowed(&counts.collect::<Option<Vec<_>>>()?)?;
    Some(match to {
        TimeUnit::Second => return None,
        TimeUnit::Millisecond => Arc::new(TimestampMillisecondArray::from(counts).with_timezone_opt(zone)),
        TimeUnit::Microsecond => Arc::new(TimestampMicrosecondArray::from(counts).with_timezone_opt(zone)),
        TimeUnit::Nanosecond => Arc::new(TimestampNanosecondArray::from(counts).with_timezone_opt(zone)),
    })
}

/// Times of day out of their texts.
fn times(array: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    let count = |text: &str, unit: i64| {
        let time: jiff::civil::Time = text.parse().ok()?;
        let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
        let nanoseconds = seconds * 1_000_000_000 + i64::from(time.subsec_nanosecond());
        (nanoseconds % unit == 0).then(|| i128::from(nanoseconds / unit))
    };
    let counts = |unit: i64| {
        let counts = array.as_string::<i32>().iter();
        counts.map(|text| text.map_or(Some(None), |text| count(text, unit).map(Some))).collect::<Option<Vec<_>>>()
    };
    Some(match to {
        DataType::Time32(TimeUnit::Millisecond) => {
            Arc::new(Time32MillisecondArray::from(narrowed(&counts(1_000_000)?)?))
        }
        DataType::Time64(TimeUnit::Microsecond) => Arc::new(Time64MicrosecondArray::from(narrowed(&counts(1_000)?)?)),
        DataType::Time64(TimeUnit::Nanosecond) => Arc::new(Time64NanosecondArray::from(narrowed(&counts(1)?)?)),
        _ => return None,
    })
}

fn decimals(array: &ArrayRef, from: i8, (precision, scale): (u8, i8), short: bool) -> Option<ArrayRef> {
    let digits: Vec<Option<i256>> = match array.data_type() {
        DataType::Decimal128(..) => {
            array.as_primitive::<Decimal128Type>().iter().map(|v| v.map(i256::from_i128)).collect()
        }
        _ => array.as_primitive::<Decimal256Type>().iter().collect(),
    };
    let limit = power_of_ten(precision.into())?;
    let shift = power_of_ten(u32::from(from.abs_diff(scale)))?;
    let exact = |digits: i256| {
        let digits = match scale >= from {
            true => digits.checked_mul(shift)?,
            false if digits.wrapping_rem(shift) == i256::ZERO => digits.wrapping_div(shift),
            false => return None,
        };
        (digits < limit && digits > limit.checked_neg()?).then_some(digits)
    };
    let digits = digits.into_iter().map(|v| v.map_or(Some(None), |v| exact(v).map(Some)));
    let digits: Vec<Option<i256>> = digits.collect::<Option<_>>()?;
    Some(match short {
        true => {
            let digits: PrimitiveArray<Decimal128Type> =
                digits.into_iter().map(|v| v.map(|v| v.to_i128().unwrap_or_default())).collect::<Decimal128Array>();
            Arc::new(digits.with_precision_and_scale(precision, scale).ok()?)
        }
        false => {
            let digits = digits.into_iter().collect::<Decimal256Array>();
            Arc::new(digits.with_precision_and_scale(precision, scale).ok()?)
        }
    })
}
