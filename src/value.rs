//! Values whose type is known at run time: [`Value`] owns, [`ValueRef`] borrows where it can.
//!
//! Two relations live here and nowhere else. [`ValueRef::compare`] is what predicates mean: exact by value between integers
//! and floats, and nothing at all between other unlike kinds (semantics 2.9, 3.8). [`ValueRef::order`] is the one total
//! order that sorting uses. This module knows no record, no schema and no backend.

use std::{borrow::Cow, cmp::Ordering};

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{number, record::Document};

/// One value of a field whose type is known at run time.
///
/// Equality is by value (semantics 2.2): `1.10` is `1.1` as decimal, `-0.0` is `0.0`, documents do not mind the order of
/// their fields, and a field that is null is one that is missing.
///
/// ```
/// use dk_data::Value;
/// assert_eq!(Value::from(3), Value::Int(3));
/// assert_ne!(Value::from(3), Value::from("3"));
/// ```
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Nothing there: null and missing are one thing (semantics 2.1).
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// Any integer of up to 64 bits, signed or not; sums use the rest of the 128.
    Int(i128),
    /// A finite double; an `f32` is held by its exact value.
    Float(f64),
    /// An exact decimal of up to 28 digits.
    Decimal(Decimal),
    /// Unicode text without U+0000; also the name of an enum's variant.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A UUID.
    Uuid(Uuid),
    /// A moment in UTC; stored to the microsecond.
    Timestamp(Timestamp),
    /// A calendar day.
    Date(Date),
    /// A list of scalars or of records.
    List(Vec<Value>),
    /// A record inside a record.
    Record(Document),
    /// Arbitrary JSON; never null at the top.
    Json(Json),
    /// A vector of fixed dimension.
    Vector(Vec<f32>),
}

/// A [`Value`] that borrows from a record, a CSV cell or a JSON text where it can.
#[derive(Clone, Debug, Default)]
pub enum ValueRef<'a> {
    /// See [`Value::Null`].
    #[default]
    Null,
    /// See [`Value::Bool`].
    Bool(bool),
    /// See [`Value::Int`].
    Int(i128),
    /// See [`Value::Float`].
    Float(f64),
    /// See [`Value::Decimal`].
    Decimal(Decimal),
    /// See [`Value::Text`].
    Text(Cow<'a, str>),
    /// See [`Value::Bytes`].
    Bytes(Cow<'a, [u8]>),
    /// See [`Value::Uuid`].
    Uuid(Uuid),
    /// See [`Value::Timestamp`].
    Timestamp(Timestamp),
    /// See [`Value::Date`].
    Date(Date),
    /// See [`Value::List`].
    List(Cow<'a, [Value]>),
    /// See [`Value::Record`].
    Record(Cow<'a, Document>),
    /// See [`Value::Json`].
    Json(Cow<'a, Json>),
    /// See [`Value::Vector`].
    Vector(Cow<'a, [f32]>),
}

impl Value {
    /// The same value, where one that borrows is wanted and nobody keeps this one.
    pub(crate) fn into_ref(self) -> ValueRef<'static> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Bool(v) => ValueRef::Bool(v),
            Value::Int(v) => ValueRef::Int(v),
            Value::Float(v) => ValueRef::Float(v),
            Value::Decimal(v) => ValueRef::Decimal(v),
            Value::Text(v) => ValueRef::Text(v.into()),
            Value::Bytes(v) => ValueRef::Bytes(v.into()),
            Value::Uuid(v) => ValueRef::Uuid(v),
            Value::Timestamp(v) => ValueRef::Timestamp(v),
            Value::Date(v) => ValueRef::Date(v),
            Value::List(v) => ValueRef::List(v.into()),
            Value::Record(v) => ValueRef::Record(Cow::Owned(v)),
            Value::Json(v) => ValueRef::Json(Cow::Owned(v)),
            Value::Vector(v) => ValueRef::Vector(v.into()),
        }
    }
    /// The same value, borrowed.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Bool(v) => ValueRef::Bool(*v),
            Value::Int(v) => ValueRef::Int(*v),
            Value::Float(v) => ValueRef::Float(*v),
            Value::Decimal(v) => ValueRef::Decimal(*v),
            Value::Text(v) => ValueRef::Text(Cow::Borrowed(v)),
            Value::Bytes(v) => ValueRef::Bytes(Cow::Borrowed(v)),
            Value::Uuid(v) => ValueRef::Uuid(*v),
            Value::Timestamp(v) => ValueRef::Timestamp(*v),
            Value::Date(v) => ValueRef::Date(*v),
            Value::List(v) => ValueRef::List(Cow::Borrowed(v)),
            Value::Record(v) => ValueRef::Record(Cow::Borrowed(v)),
            Value::Json(v) => ValueRef::Json(Cow::Borrowed(v)),
            Value::Vector(v) => ValueRef::Vector(Cow::Borrowed(v)),
        }
    }
    /// Whether nothing is there.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
    /// The kind of value in words, for messages.
    pub fn kind(&self) -> &'static str {
        self.as_ref().kind()
    }
    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
    /// The integer, where it is one.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Value::Int(v) => Some(*v),
            _ => None,
        }
    }
    /// The number as a float, where it is an integer or a float; a large integer is rounded.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Int(v) => Some(*v as f64),
            Value::Float(v) => Some(*v),
            _ => None,
        }
    }
    /// The bool, where it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(v) => Some(*v),
            _ => None,
        }
    }
    /// The items, where it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }
}

impl<'a> ValueRef<'a> {
    /// The same value, owned.
    pub fn into_owned(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Bool(v) => Value::Bool(v),
            ValueRef::Int(v) => Value::Int(v),
            ValueRef::Float(v) => Value::Float(v),
            ValueRef::Decimal(v) => Value::Decimal(v),
            ValueRef::Text(v) => Value::Text(v.into_owned()),
            ValueRef::Bytes(v) => Value::Bytes(v.into_owned()),
            ValueRef::Uuid(v) => Value::Uuid(v),
            ValueRef::Timestamp(v) => Value::Timestamp(v),
            ValueRef::Date(v) => Value::Date(v),
            ValueRef::List(v) => Value::List(v.into_owned()),
            ValueRef::Record(v) => Value::Record(v.into_owned()),
            ValueRef::Json(v) => Value::Json(v.into_owned()),
            ValueRef::Vector(v) => Value::Vector(v.into_owned()),
        }
    }
    /// Borrowed text.
    pub fn text(text: &'a str) -> Self {
        ValueRef::Text(Cow::Borrowed(text))
    }
    /// Whether nothing is there.
    pub fn is_null(&self) -> bool {
        matches!(self, ValueRef::Null)
    }
    /// The kind of value in words, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            ValueRef::Null => "null",
            ValueRef::Bool(_) => "bool",
            ValueRef::Int(_) => "integer",
            ValueRef::Float(_) => "float",
            ValueRef::Decimal(_) => "decimal",
            ValueRef::Text(_) => "text",
            ValueRef::Bytes(_) => "bytes",
            ValueRef::Uuid(_) => "uuid",
            ValueRef::Timestamp(_) => "timestamp",
            ValueRef::Date(_) => "date",
            ValueRef::List(_) => "list",
            ValueRef::Record(_) => "record",
            ValueRef::Json(_) => "json",
            ValueRef::Vector(_) => "vector",
        }
    }

    /// What predicates mean by comparing: `None` where the two are unordered (null, NaN, unlike kinds; semantics 3.2, 3.8).
    /// Integers and floats compare by exact value (semantics 2.9). Lists, records, JSON and vectors are equal or unordered.
    #[inline]
    pub fn compare(&self, other: &ValueRef<'_>) -> Option<Ordering> {
        match (self, other) {
            (ValueRef::Int(a), ValueRef::Int(b)) => Some(a.cmp(b)),
            (ValueRef::Text(a), ValueRef::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (ValueRef::Float(a), ValueRef::Float(b)) => a.partial_cmp(b),
            (ValueRef::Bool(a), ValueRef::Bool(b)) => Some(a.cmp(b)),
            (ValueRef::Int(a), ValueRef::Float(b)) => number::cmp_int_float(*a, *b),
            (ValueRef::Float(a), ValueRef::Int(b)) => number::cmp_int_float(*b, *a).map(Ordering::reverse),
            (ValueRef::Timestamp(a), ValueRef::Timestamp(b)) => Some(a.cmp(b)),
            (ValueRef::Uuid(a), ValueRef::Uuid(b)) => Some(a.cmp(b)),
            (ValueRef::Date(a), ValueRef::Date(b)) => Some(a.cmp(b)),
            (ValueRef::Decimal(a), ValueRef::Decimal(b)) => Some(a.cmp(b)),
            (ValueRef::Bytes(a), ValueRef::Bytes(b)) => Some(a.cmp(b)),
            _ => self.same_whole(other).then_some(Ordering::Equal),
        }
    }

    /// The same between numbers of any kind, decimals included: for fields whose type is declared, where a literal of
    /// another numeric kind has one obvious meaning.
    #[inline]
    pub fn compare_numbers(&self, other: &ValueRef<'_>) -> Option<Ordering> {
        match (self, other) {
            (ValueRef::Decimal(a), ValueRef::Int(b)) => Some(number::cmp_decimal_int(*a, *b)),
            (ValueRef::Int(a), ValueRef::Decimal(b)) => Some(number::cmp_decimal_int(*b, *a).reverse()),
            (ValueRef::Decimal(a), ValueRef::Float(b)) => number::cmp_decimal_float(*a, *b),
            (ValueRef::Float(a), ValueRef::Decimal(b)) => number::cmp_decimal_float(*b, *a).map(Ordering::reverse),
            _ => self.compare(other),
        }
    }

    /// Equality of what has no order: lists, records, JSON, vectors.
    fn same_whole(&self, other: &ValueRef<'_>) -> bool {
        match (self, other) {
            (ValueRef::List(a), ValueRef::List(b)) => a == b,
            (ValueRef::Record(a), ValueRef::Record(b)) => a == b,
            (ValueRef::Json(a), ValueRef::Json(b)) => same_json(a, b),
            (ValueRef::Vector(a), ValueRef::Vector(b)) => a == b,
            _ => false,
        }
    }

    /// The one total order of sorting: within a kind as [`compare`](Self::compare), between kinds by a fixed rank
    /// (bool, number, decimal, text, bytes, uuid, timestamp, date, list, record, json, vector), null last.
    pub fn order(&self, other: &ValueRef<'_>) -> Ordering {
        self.rank().cmp(&other.rank()).then_with(|| match (self, other) {
            (ValueRef::List(a), ValueRef::List(b)) => order_lists(a, b),
            (ValueRef::Vector(a), ValueRef::Vector(b)) => order_vectors(a, b),
            (ValueRef::Record(a), ValueRef::Record(b)) => a.order(b),
            (ValueRef::Json(a), ValueRef::Json(b)) => order_json(a, b),
            // Of one rank only NaN is unordered: it sorts after all numbers, so that the order is total.
            _ => self.compare(other).unwrap_or_else(|| self.is_nan().cmp(&other.is_nan())),
        })
    }

    fn is_nan(&self) -> bool {
        matches!(self, ValueRef::Float(float) if float.is_nan())
    }

    fn rank(&self) -> u8 {
        match self {
            ValueRef::Bool(_) => 0,
            ValueRef::Int(_) | ValueRef::Float(_) => 1,
            ValueRef::Decimal(_) => 2,
            ValueRef::Text(_) => 3,
            ValueRef::Bytes(_) => 4,
            ValueRef::Uuid(_) => 5,
            ValueRef::Timestamp(_) => 6,
            ValueRef::Date(_) => 7,
            ValueRef::List(_) => 8,
            ValueRef::Record(_) => 9,
            ValueRef::Json(_) => 10,
            ValueRef::Vector(_) => 11,
            ValueRef::Null => 12,
        }
    }
}

fn order_lists(a: &[Value], b: &[Value]) -> Ordering {
    let first = a.iter().zip(b).map(|(a, b)| a.as_ref().order(&b.as_ref())).find(|o| o.is_ne());
    first.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn order_vectors(a: &[f32], b: &[f32]) -> Ordering {
    let first = a.iter().zip(b).map(|(a, b)| number::order_floats((*a).into(), (*b).into())).find(|o| o.is_ne());
    first.unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// Equality of JSON by value: numbers by exact value (`1e16` is `10000000000000000`), objects without regard to order.
pub(crate) fn same_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => {
            a == b || json_number(a).compare(&json_number(b)) == Some(Ordering::Equal)
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| same_json(a, b)))
        }
        _ => a == b,
    }
}

/// A total order of JSON that agrees with [`same_json`]: null, bools, numbers by value, texts, arrays item by item, objects
/// by name and value.
fn order_json(a: &Json, b: &Json) -> Ordering {
    let rank = |json: &Json| match json {
        Json::Null => 0,
        Json::Bool(_) => 1,
        Json::Number(_) => 2,
        Json::String(_) => 3,
        Json::Array(_) => 4,
        Json::Object(_) => 5,
    };
    match (a, b) {
        (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
        (Json::Number(a), Json::Number(b)) => json_number(a).order(&json_number(b)),
        (Json::String(a), Json::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Json::Array(a), Json::Array(b)) => {
            let first = a.iter().zip(b).map(|(a, b)| order_json(a, b)).find(|o| o.is_ne());
            first.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Json::Object(a), Json::Object(b)) => {
            // Both go by name: the map of this crate's JSON is sorted, and one in the order of insertion is sorted here.
            let sorted = |map: &serde_json::Map<String, Json>| {
                let mut names: Vec<_> = map.keys().cloned().collect();
                names.sort_unstable();
                names
            };
            let (names_a, names_b) = (sorted(a), sorted(b));
            let values = || {
                names_a
                    .iter()
                    .map(|name| order_json(a.get(name).unwrap_or(&Json::Null), b.get(name).unwrap_or(&Json::Null)))
            };
            names_a.cmp(&names_b).then_with(|| values().find(|o| o.is_ne()).unwrap_or(Ordering::Equal))
        }
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

fn json_number(n: &serde_json::Number) -> ValueRef<'static> {
    match n.as_i128() {
        Some(int) => ValueRef::Int(int),
        None => n.as_f64().map_or(ValueRef::Null, ValueRef::Float),
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &ValueRef<'_>) -> bool {
        match (self, other) {
            (ValueRef::Null, ValueRef::Null) => true,
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }
}

macro_rules! from {
    ($($native:ty => |$v:ident| $value:expr),* $(,)?) => { $(
        impl From<$native> for Value { fn from($v: $native) -> Self { $value } }
    )* };
}
from! {
    bool => |v| Value::Bool(v),
    i8 => |v| Value::Int(v.into()), i16 => |v| Value::Int(v.into()), i32 => |v| Value::Int(v.into()), i64 => |v| Value::Int(v.into()),
    u8 => |v| Value::Int(v.into()), u16 => |v| Value::Int(v.into()), u32 => |v| Value::Int(v.into()), u64 => |v| Value::Int(v.into()),
    f32 => |v| Value::Float(v.into()), f64 => |v| Value::Float(v),
    Decimal => |v| Value::Decimal(v),
    String => |v| Value::Text(v), &str => |v| Value::Text(v.to_owned()), &String => |v| Value::Text(v.clone()),
    Vec<u8> => |v| Value::Bytes(v),
    Uuid => |v| Value::Uuid(v), Timestamp => |v| Value::Timestamp(v), Date => |v| Value::Date(v),
    Vec<Value> => |v| Value::List(v), Document => |v| Value::Record(v),
    Json => |v| if v.is_null() { Value::Null } else { Value::Json(v) },
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_one_total_order() {
        let texts =
            ["1e16", "10000000000000000", "15", "\"a\"", "[1,2]", "[1]", "{\"a\":2}", "{\"a\":1,\"b\":0}", "true"];
        let all: &Vec<Json> = &texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
        let order = |a: &Json, b: &Json| ValueRef::Json(Cow::Borrowed(a)).order(&ValueRef::Json(Cow::Borrowed(b)));
        for (a, b, c) in all.iter().flat_map(|a| all.iter().flat_map(move |b| all.iter().map(move |c| (a, b, c)))) {
            assert_eq!(order(a, b), order(b, a).reverse());
            assert!(order(a, b).is_gt() || order(b, c).is_gt() || order(a, c).is_le(), "{a} {b} {c}");
            assert_eq!(order(a, b).is_eq(), same_json(a, b), "{a} {b}");
        }
    }

    #[test]
    fn nan_sorts_after_all_numbers_so_that_the_order_is_total() {
        let nan = ValueRef::Float(f64::NAN);
        for number in [ValueRef::Int(i128::MAX), ValueRef::Float(f64::INFINITY), ValueRef::Float(-0.0)] {
            assert_eq!((number.order(&nan), nan.order(&number)), (Ordering::Less, Ordering::Greater));
        }
        assert_eq!(nan.order(&nan), Ordering::Equal);
        assert_eq!(order_vectors(&[f32::NAN, 1.0], &[1.0, f32::NAN]), Ordering::Greater);
    }
}
