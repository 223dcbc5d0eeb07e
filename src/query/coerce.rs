//! A literal brought into the type of the field that it is compared with, or refused (semantics 3.7).
//!
//! Text is read as the UUID, date, decimal … that the field holds, because JSON and the text grammar have no other way to
//! write one. Numbers are not rounded: an integer field compared with 1.5 keeps the 1.5 (semantics 2.9).

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::{
    error::{Error, Result},
    record::{Part, Target, Type, field_type::unknown_variant},
    value::Value,
};

/// The literal in the type of its field. `exactly` is set where only equality is asked, so that the names of an enum can
/// be checked.
pub(crate) fn coerce(value: &Value, target: &Target, exactly: bool) -> Result<Value> {
    if value.is_null() {
        return Err(refused(target, value, "nothing compares with null; write `is null` or `is not null`"));
    }
    let fit = match (&target.ty, value) {
        (Type::Any, value) => Some(value.clone()),
        (Type::Text, _) if target.part == Part::Id => id_text(value),
        (Type::Enum(names), Value::Text(name)) if exactly && !names.iter().any(|n| n == name) => {
            return Err(refused(target, value, &unknown_variant(name, names)));
        }
        (ty, Value::Text(text)) => match (from_text(text, ty), written(ty)) {
            (None, Some(form)) => return Err(refused(target, value, &format!("it is not written as {form}"))),
            (fit, _) => fit,
        },
        (Type::Decimal, Value::Float(v)) => Some(shortest_decimal(*v).map_or(Value::Float(*v), Value::Decimal)),
        (ty, value) if is_number(ty) && matches!(value, Value::Int(_) | Value::Float(_) | Value::Decimal(_)) => {
            Some(value.clone())
        }
        (Type::Bool, Value::Bool(_))
        | (Type::Bytes, Value::Bytes(_))
        | (Type::Uuid, Value::Uuid(_))
        | (Type::Timestamp, Value::Timestamp(_))
        | (Type::Date, Value::Date(_)) => Some(value.clone()),
        _ => None,
    };
    fit.ok_or_else(|| refused(target, value, "it has another type"))
}

fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::F32 | Type::F64 | Type::Decimal) || ty.integer_range().is_some()
}

fn from_text(text: &str, ty: &Type) -> Option<Value> {
    match ty {
        Type::Text | Type::Enum(_) => Some(Value::Text(text.to_owned())),
        Type::Uuid => text.parse().ok().map(Value::Uuid),
        Type::Timestamp => text.parse().ok().map(Value::Timestamp),
        // The parser would take a date with a time behind it and drop the time.
        Type::Date => text.parse::<Date>().ok().filter(|date| date.to_string() == text).map(Value::Date),
        Type::Decimal => Decimal::from_str_exact(text).ok().map(Value::Decimal),
        Type::Bytes => BASE64_STANDARD.decode(text).ok().map(Value::Bytes),
        _ => None,
    }
}

/// How a text must look to be read as a value of this type.
fn written(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::Uuid => "a uuid, such as `6ba7b810-9dad-11d1-80b4-00c04fd430c8`",
        Type::Timestamp => "a moment with its offset, such as `2026-01-31T10:00:00Z`",
        Type::Date => "a date, such as `2026-01-31`",
        Type::Decimal => "a decimal of up to 28 digits, such as `1.10`",
        Type::Bytes => "base64",
        _ => return None,
    })
}

fn id_text(value: &Value) -> Option<Value> {
    match value {
        Value::Text(text) => Some(Value::Text(text.clone())),
        Value::Uuid(uuid) => Some(Value::Text(uuid.to_string())),
        Value::Int(n) => Some(Value::Text(n.to_string())),
        _ => None,
    }
}

/// What a person meant who wrote this number: its shortest decimal text.
fn shortest_decimal(v: f64) -> Option<Decimal> {
    Decimal::from_str_exact(&format!("{v}")).ok()
}

fn refused(target: &Target, value: &Value, why: &str) -> Error {
    let field = format!("a {} field cannot be compared with this {}: {why}", target.ty, value.kind());
    let error = Error::query(field).at_field(target.path.to_string());
    match value {
        Value::Text(text) => error.with_value(text),
        _ => error,
    }
}
