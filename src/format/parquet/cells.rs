//! Columns of a batch as cells: an Arrow array looked at once, so that a cell is read without asking for its type again.

use std::borrow::Cow;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, FixedSizeBinaryArray,
    Float16Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, StringArray, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array,
    cast::AsArray,
    types::{
        Int64Type, Time32MillisecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
        TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    },
};
use arrow_buffer::{NullBuffer, OffsetBuffer, i256};
use arrow_schema::{DataType, Field, TimeUnit, extension};
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::encode::power_of_ten;
use crate::{
    record::{Document, Name, Type},
    value::{Value, ValueRef},
};

/// One column of a batch.
#[derive(Clone, Debug)]
pub(super) enum Cells {
    Null(usize),
    Bool(BooleanArray),
    I8(Int8Array),
    I16(Int16Array),
    I32(Int32Array),
    I64(Int64Array),
    U8(UInt8Array),
    U16(UInt16Array),
    U32(UInt32Array),
    U64(UInt64Array),
    F16(Float16Array),
    F32(Float32Array),
    F64(Float64Array),
    Decimal128(Decimal128Array, i8),
    Decimal256(Decimal256Array, i8),
    Date(Date32Array),
    Timestamp(Int64Array, Unit),
    /// A time of day, seen as text.
    Time(Int64Array, Unit),
    Text(StringArray),
    /// Text that holds U+0000 somewhere, which no store keeps (semantics 2.6).
    Doubtful(StringArray),
    /// JSON as text.
    Json(StringArray),
    /// Values with tags, as JSON text: what only the value tells.
    Tagged(StringArray),
    Bytes(BinaryArray),
    Fixed(FixedSizeBinaryArray),
    Uuid(FixedSizeBinaryArray),
    List(Box<ListCells>),
    /// A list of floats that is declared as a vector.
    Vector(Box<ListCells>),
    Record(RecordCells),
    /// A list of keys and values.
    Map(Box<ListCells>),
}

/// What a timestamp counts since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    /// How many nanoseconds it is.
    pub(super) fn nanoseconds(self) -> i128 {
        match self {
            Unit::Seconds => 1_000_000_000,
            Unit::Milliseconds => 1_000_000,
            Unit::Microseconds => 1_000,
            Unit::Nanoseconds => 1,
        }
    }
}

/// Lists: the items of all of them, and where each ends.
#[derive(Clone, Debug)]
pub(super) struct ListCells {
    pub(super) items: Cells,
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
}

impl ListCells {
    /// The places of a list's items.
    #[inline]
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// Whether there is no list.
    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

/// Records inside records.
#[derive(Clone, Debug)]
pub(super) struct RecordCells {
    pub(super) names: Vec<Name>,
    pub(super) fields: Vec<Cells>,
    nulls: Option<NullBuffer>,
    len: usize,
}

/// Why a cell has no value: its column can hold what the type cannot.
pub(super) type Fault = Cow<'static, str>;

/// Whether a field has this logical type.
pub(super) fn is_marked<E: extension::ExtensionType>(field: &Field) -> bool {
    field.extension_type_name() == Some(E::NAME)
}

impl Cells {
    /// Looks at an array. `hint` is the type that our own metadata gives the column, for what Parquet's types do not tell
    /// apart.
    pub(super) fn of(array: &ArrayRef, field: &Field, hint: Option<&Type>) -> Result<Cells, Fault> {
        Ok(match array.data_type() {
            DataType::Null => Cells::Null(array.len()),
            DataType::Boolean => Cells::Bool(array.as_boolean().clone()),
            DataType::Int8 => Cells::I8(array.as_primitive().clone()),
            DataType::Int16 => Cells::I16(array.as_primitive().clone()),
            DataType::Int32 => Cells::I32(array.as_primitive().clone()),
            DataType::Int64 => Cells::I64(array.as_primitive().clone()),
            DataType::UInt8 => Cells::U8(array.as_primitive().clone()),
            DataType::UInt16 => Cells::U16(array.as_primitive().clone()),
            DataType::UInt32 => Cells::U32(array.as_primitive().clone()),
            DataType::UInt64 => Cells::U64(array.as_primitive().clone()),
            DataType::Float16 => Cells::F16(array.as_primitive().clone()),
            DataType::Float32 => Cells::F32(array.as_primitive().clone()),
            DataType::Float64 => Cells::F64(array.as_primitive().clone()),
            DataType::Decimal128(_, scale) => Cells::Decimal128(array.as_primitive().clone(), *scale),
            DataType::Decimal256(_, scale) => Cells::Decimal256(array.as_primitive().clone(), *scale),
            DataType::Date32 => Cells::Date(array.as_primitive().clone()),
            DataType::Timestamp(unit, _) => timestamps(array, *unit),
            DataType::Time32(_) => {
                let counts = array.as_primitive::<Time32MillisecondType>();
                Cells::Time(counts.unary(i64::from), Unit::Milliseconds)
            }
            DataType::Time64(TimeUnit::Microsecond) => {
                let counts = array.as_primitive::<Time64MicrosecondType>();
                Cells::Time(counts.reinterpret_cast::<Int64Type>(), Unit::Microseconds)
            }
            DataType::Time64(_) => {
                let counts = array.as_primitive::<Time64NanosecondType>();
                Cells::Time(counts.reinterpret_cast::<Int64Type>(), Unit::Nanoseconds)
            }
            DataType::Utf8 if hint.is_some_and(super::schema::is_tagged) => Cells::Tagged(array.as_string().clone()),
            DataType::Utf8 if is_marked::<extension::Json>(field) => Cells::Json(array.as_string().clone()),
            DataType::Utf8 => texts(array.as_string()),
            DataType::Binary => Cells::Bytes(array.as_binary().clone()),
            DataType::FixedSizeBinary(16) if is_marked::<extension::Uuid>(field) => {
                Cells::Uuid(array.as_fixed_size_binary().clone())
            }
            DataType::FixedSizeBinary(_) => Cells::Fixed(array.as_fixed_size_binary().clone()),
            DataType::List(item) => Cells::lists(array, item, hint)?,
            DataType::Map(entries, _) => {
                let map = array.as_map();
                let pairs: ArrayRef = std::sync::Arc::new(map.entries().clone());
                Cells::Map(Box::new(ListCells {
                    items: Cells::of(&pairs, entries, None)?,
                    offsets: map.offsets().clone(),
                    nulls: map.nulls().cloned(),
                }))
            }
            DataType::Struct(fields) => Cells::Record(RecordCells::of(array, fields, hint)?),
            other => return Err(format!("columns of the type {other} have no counterpart here").into()),
        })
    }

    fn lists(array: &ArrayRef, item: &Field, hint: Option<&Type>) -> Result<Cells, Fault> {
        let list = array.as_list::<i32>();
        let inside = match hint {
            Some(Type::List(item)) => Some(&item.ty),
            _ => None,
        };
        let cells = Box::new(ListCells {
            items: Cells::of(list.values(), item, inside)?,
            offsets: list.offsets().clone(),
            nulls: list.nulls().cloned(),
        });
        let vector = matches!(hint, Some(Type::Vector(_))) && matches!(cells.items, Cells::F32(_));
        Ok(if vector { Cells::Vector(cells) } else { Cells::List(cells) })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Cells::Null(len) => *len,
            Cells::Bool(a) => a.len(),
            Cells::I8(a) => a.len(),
            Cells::I16(a) => a.len(),
            Cells::I32(a) => a.len(),
            Cells::I64(a) | Cells::Timestamp(a, _) | Cells::Time(a, _) => a.len(),
            Cells::U8(a) => a.len(),
            Cells::U16(a) => a.len(),
            Cells::U32(a) => a.len(),
            Cells::U64(a) => a.len(),
            Cells::F16(a) => a.len(),
            Cells::F32(a) => a.len(),
            Cells::F64(a) => a.len(),
            Cells::Decimal128(a, _) => a.len(),
            Cells::Decimal256(a, _) => a.len(),
            Cells::Date(a) => a.len(),
            Cells::Text(a) | Cells::Doubtful(a) | Cells::Json(a) | Cells::Tagged(a) => a.len(),
            Cells::Bytes(a) => a.len(),
            Cells::Fixed(a) | Cells::Uuid(a) => a.len(),
            Cells::List(l) | Cells::Vector(l) | Cells::Map(l) => l.offsets.len() - 1,
            Cells::Record(r) => r.len,
        }
    }

    /// Which rows are null.
    pub(super) fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Cells::Null(_) => None,
            Cells::Bool(a) => a.nulls(),
            Cells::I8(a) => a.nulls(),
            Cells::I16(a) => a.nulls(),
            Cells::I32(a) => a.nulls(),
            Cells::I64(a) | Cells::Timestamp(a, _) | Cells::Time(a, _) => a.nulls(),
            Cells::U8(a) => a.nulls(),
            Cells::U16(a) => a.nulls(),
            Cells::U32(a) => a.nulls(),
            Cells::U64(a) => a.nulls(),
            Cells::F16(a) => a.nulls(),
            Cells::F32(a) => a.nulls(),
            Cells::F64(a) => a.nulls(),
            Cells::Decimal128(a, _) => a.nulls(),
            Cells::Decimal256(a, _) => a.nulls(),
            Cells::Date(a) => a.nulls(),
            Cells::Text(a) | Cells::Doubtful(a) | Cells::Json(a) | Cells::Tagged(a) => a.nulls(),
            Cells::Bytes(a) => a.nulls(),
            Cells::Fixed(a) | Cells::Uuid(a) => a.nulls(),
            Cells::List(l) | Cells::Vector(l) | Cells::Map(l) => l.nulls.as_ref(),
            Cells::Record(r) => r.nulls.as_ref(),
        }
    }

    /// Whether a cell is null.
    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        matches!(self, Cells::Null(_)) || self.nulls().is_some_and(|nulls| nulls.is_null(row))
    }

    /// The value of a cell.
    ///
    /// # Errors
    /// Why a cell cannot be held: NaN, a decimal of more than 28 digits, a moment beyond the calendar, broken JSON.
    pub(super) fn value(&self, row: usize) -> Result<ValueRef<'_>, Fault> {
        if self.is_null(row) {
            return Ok(ValueRef::Null);
        }
        Ok(match self {
            Cells::Null(_) => ValueRef::Null,
            Cells::Bool(a) => ValueRef::Bool(a.value(row)),
            Cells::I8(a) => ValueRef::Int(a.value(row).into()),
            Cells::I16(a) => ValueRef::Int(a.value(row).into()),
            Cells::I32(a) => ValueRef::Int(a.value(row).into()),
            Cells::I64(a) => ValueRef::Int(a.value(row).into()),
            Cells::U8(a) => ValueRef::Int(a.value(row).into()),
            Cells::U16(a) => ValueRef::Int(a.value(row).into()),
            Cells::U32(a) => ValueRef::Int(a.value(row).into()),
            Cells::U64(a) => ValueRef::Int(a.value(row).into()),
            Cells::F16(a) => ValueRef::Float(finite(a.value(row).to_f64())?),
            Cells::F32(a) => ValueRef::Float(finite(a.value(row).into())?),
            Cells::F64(a) => ValueRef::Float(finite(a.value(row))?),
            Cells::Decimal128(a, scale) => ValueRef::Decimal(decimal(a.value(row), (*scale).into())?),
            Cells::Decimal256(a, scale) => ValueRef::Decimal(wide_decimal(a.value(row), (*scale).into())?),
            Cells::Date(a) => ValueRef::Date(day(a.value(row))?),
            Cells::Timestamp(a, unit) => ValueRef::Timestamp(moment(a.value(row), *unit)?),
            Cells::Time(a, unit) => ValueRef::Text(time_of_day(a.value(row), *unit)?.into()),
            Cells::Text(a) => ValueRef::text(a.value(row)),
            Cells::Doubtful(a) if a.value(row).contains('\0') => return Err("text holds U+0000".into()),
            Cells::Doubtful(a) => ValueRef::text(a.value(row)),
            Cells::Json(a) => json(a.value(row))?,
            Cells::Tagged(a) => tagged(a.value(row))?.into_ref(),
            Cells::Bytes(a) => ValueRef::Bytes(a.value(row).into()),
            Cells::Fixed(a) => ValueRef::Bytes(a.value(row).into()),
            Cells::Uuid(a) => ValueRef::Uuid(uuid(a.value(row))),
            Cells::List(list) => {
                let items = list.range(row).map(|at| list.items.value(at).map(ValueRef::into_owned));
                ValueRef::List(items.collect::<Result<Vec<_>, _>>()?.into())
            }
            Cells::Vector(list) => ValueRef::Vector(vector(list, row)?.into()),
            Cells::Record(record) => ValueRef::Record(Cow::Owned(record.document(row)?)),
            Cells::Map(list) => map(list, row)?,
        })
    }
}

impl RecordCells {
    fn of(array: &ArrayRef, fields: &arrow_schema::Fields, hint: Option<&Type>) -> Result<RecordCells, Fault> {
        let record = array.as_struct();
        let inside = |field: &Field| match hint {
            Some(Type::Record(schema)) => schema.find(field.name()).map(|(_, declared)| &declared.ty),
            _ => None,
        };
        let cells = fields.iter().zip(record.columns()).map(|(field, column)| Cells::of(column, field, inside(field)));
        Ok(RecordCells {
            names: fields.iter().map(|field| Name::Owned(field.name().clone())).collect(),
            fields: cells.collect::<Result<_, _>>()?,
            nulls: record.nulls().cloned(),
            len: record.len(),
        })
    }

    fn document(&self, row: usize) -> Result<Document, Fault> {
        let fields = self.names.iter().zip(&self.fields);
        fields.map(|(name, cells)| Ok((name.clone(), cells.value(row)?.into_owned()))).collect()
    }
}

/// One look at all the bytes of a column tells whether its texts have to be looked at one by one.
fn texts(array: &StringArray) -> Cells {
    match memchr::memchr(0, array.value_data()) {
        Some(_) => Cells::Doubtful(array.clone()),
        None => Cells::Text(array.clone()),
    }
}

fn timestamps(array: &ArrayRef, unit: TimeUnit) -> Cells {
    match unit {
        TimeUnit::Second => {
            Cells::Timestamp(array.as_primitive::<TimestampSecondType>().reinterpret_cast::<Int64Type>(), Unit::Seconds)
        }
        TimeUnit::Millisecond => {
            let counts = array.as_primitive::<TimestampMillisecondType>().reinterpret_cast::<Int64Type>();
            Cells::Timestamp(counts, Unit::Milliseconds)
        }
        TimeUnit::Microsecond => {
            let counts = array.as_primitive::<TimestampMicrosecondType>().reinterpret_cast::<Int64Type>();
            Cells::Timestamp(counts, Unit::Microseconds)
        }
        TimeUnit::Nanosecond => {
            let counts = array.as_primitive::<TimestampNanosecondType>().reinterpret_cast::<Int64Type>();
            Cells::Timestamp(counts, Unit::Nanoseconds)
        }
    }
}

pub(super) const NOT_FINITE: &str = "NaN and infinities are no values here";

/// Refuses what no store holds (semantics 2.5).
#[inline]
pub(super) fn finite(value: f64) -> Result<f64, Fault> {
    if value.is_finite() { Ok(value + 0.0) } else { Err(NOT_FINITE.into()) }
}

#[inline]
pub(super) fn moment(count: i64, unit: Unit) -> Result<Timestamp, Fault> {
    let made = match unit {
        // It refuses the fraction of the very last second, so what it refuses is asked once more in nanoseconds.
        Unit::Microseconds => Timestamp::from_microsecond(count)
            .or_else(|_| Timestamp::from_nanosecond(i128::from(count) * unit.nanoseconds())),
        unit => Timestamp::from_nanosecond(i128::from(count) * unit.nanoseconds()),
    };
    made.map_err(|_| "a moment beyond the years -9999 to 9999".into())
}

/// `12:34:56`, with as many digits of the second as needed.
fn time_of_day(count: i64, unit: Unit) -> Result<String, Fault> {
    let nanoseconds = i128::from(count) * unit.nanoseconds();
    let (seconds, rest) = (nanoseconds / 1_000_000_000, (nanoseconds % 1_000_000_000) as i32);
    let parts = (i8::try_from(seconds / 3_600), (seconds / 60 % 60) as i8, (seconds % 60) as i8);
    let made = match parts {
        (Ok(hour), minute, second) => jiff::civil::Time::new(hour, minute, second, rest).ok(),
        _ => None,
    };
    made.map(|time| time.to_string()).ok_or_else(|| "a time of day beyond its 24 hours".into())
}

pub(super) fn day(count: i32) -> Result<Date, Fault> {
    const EPOCH: Date = date(1970, 1, 1);
    let span = 0.days().try_days(count).map_err(|_| FAR_DAY)?;
    EPOCH.checked_add(span).map_err(|_| FAR_DAY.into())
}

const FAR_DAY: &str = "a day beyond the years -9999 to 9999";

#[inline]
pub(super) fn uuid(bytes: &[u8]) -> Uuid {
    Uuid::from_bytes(bytes.first_chunk().copied().unwrap_or_default())
}

/// A decimal from its digits; trailing zeros are taken off.
pub(super) fn decimal(digits: i128, scale: i32) -> Result<Decimal, Fault> {
    const TOO_LONG: &str = "a decimal of more than 28 digits";
    let (mut digits, mut scale) = (digits, scale);
    while digits % 10 == 0 && scale > 0 && digits != 0 {
        (digits, scale) = (digits / 10, scale - 1);
    }
    if scale < 0 {
        let unit = 10_i128.checked_pow(scale.unsigned_abs()).ok_or(TOO_LONG)?;
        (digits, scale) = (digits.checked_mul(unit).ok_or(TOO_LONG)?, 0);
    }
    if digits == 0 {
        return Ok(Decimal::ZERO);
    }
    Decimal::try_from_i128_with_scale(digits, scale.unsigned_abs()).map_err(|_| TOO_LONG.into())
}

pub(super) fn wide_decimal(digits: i256, scale: i32) -> Result<Decimal, Fault> {
    let (mut digits, mut scale) = (digits, scale);
    let ten = power_of_ten(1).unwrap_or(i256::ONE);
    while digits.to_i128().is_none() && scale > 0 && digits.wrapping_rem(ten) == i256::ZERO {
        (digits, scale) = (digits.wrapping_div(ten), scale - 1);
    }
    match digits.to_i128() {
        Some(digits) => decimal(digits, scale),
        None => Err("a decimal of more than 28 digits".into()),
    }
}

fn json(text: &str) -> Result<ValueRef<'static>, Fault> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Null) => Ok(ValueRef::Null),
        Ok(json) => Ok(ValueRef::Json(Cow::Owned(json))),
        Err(cause) => Err(format!("the JSON in the cell: {cause}").into()),
    }
}

/// A value with its tag.
pub(super) fn tagged(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|cause| format!("the value in the cell: {cause}").into())
}

pub(super) fn vector(list: &ListCells, row: usize) -> Result<Vec<f32>, Fault> {
    let number = |at: usize| match &list.items {
        cells if cells.is_null(at) => Err("null inside a vector".into()),
        Cells::F32(a) => finite(a.value(at).into()).map(|v| v as f32),
        cells => match cells.value(at)? {
            ValueRef::Float(v) if f64::from(v as f32) == v => Ok(v as f32),
            ValueRef::Int(v) if (v as f32) as i128 == v => Ok(v as f32),
            other => Err(format!("a vector of f32 cannot hold this {} exactly", other.kind()).into()),
        },
    };
    list.range(row).map(number).collect()
}

/// A map as a JSON object.
fn map(list: &ListCells, row: usize) -> Result<ValueRef<'static>, Fault> {
    let Cells::Record(pairs) = &list.items else { return Err("a map without keys and values".into()) };
    let [keys, values] = pairs.fields.as_slice() else { return Err("a map without keys and values".into()) };
    let mut object = serde_json::Map::new();
    for at in list.range(row) {
        let key = match keys.value(at)? {
            ValueRef::Text(key) => key.into_owned(),
            ValueRef::Int(key) => key.to_string(),
            other => return Err(format!("a map whose keys are of the kind {}", other.kind()).into()),
        };
        if object.insert(key, plain_json(values.value(at)?.into_owned())?).is_some() {
            return Err("a map that holds a key twice".into());
        }
    }
    Ok(ValueRef::Json(Cow::Owned(serde_json::Value::Object(object))))
}

/// A value as JSON has it, without tags; what JSON cannot hold exactly is refused.
pub(super) fn plain_json(value: Value) -> Result<serde_json::Value, Fault> {
    use serde_json::Value as Json;
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(v) => v.into(),
        Value::Int(v) => match (i64::try_from(v), u64::try_from(v)) {
            (Ok(v), _) => v.into(),
            (_, Ok(v)) => v.into(),
            _ => return Err("an integer of more than 64 bits inside JSON".into()),
        },
        Value::Float(v) => v.into(),
        Value::Text(v) => v.into(),
        Value::Json(v) => v,
        Value::List(items) => Json::Array(items.into_iter().map(plain_json).collect::<Result<_, _>>()?),
        Value::Vector(items) => Json::Array(items.into_iter().map(|v| f64::from(v).into()).collect()),
        Value::Record(inside) => {
            let fields = inside.into_iter().map(|(name, value)| Ok((name.into_owned(), plain_json(value)?)));
            Json::Object(fields.collect::<Result<_, Fault>>()?)
        }
        Value::Uuid(v) => v.to_string().into(),
        Value::Timestamp(v) => v.to_string().into(),
        Value::Date(v) => v.to_string().into(),
        other => return Err(format!("JSON cannot hold a {} exactly", other.kind()).into()),
    })
}
