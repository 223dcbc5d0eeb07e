//! Conditions on values inside JSON: those of run-time type, which say what they are, and metadata. Pure.

use super::{
    cell::{self, Cell, Form},
    fold::{self, Folded, Literal},
    query::{Answer, Statement, native_compare},
    tagged,
    wire::{self, Scalar},
};
use crate::{error::Result, query::Op, record::Type, value::Value};

/// A text inside JSON; null for what is none.
pub(super) fn json_string(json: &str) -> String {
    format!("(CASE WHEN jsonb_typeof({json}) = 'string' THEN {json} #>> '{{}}' END COLLATE \"C\")")
}

pub(super) fn tagged_json(value: &Value) -> Result<Option<Vec<u8>>> {
    match value {
        // NaN and infinities equal nothing that is stored, and have no JSON.
        Value::Float(float) if !float.is_finite() => Ok(None),
        // No stored one is before the first that the server holds.
        Value::Timestamp(moment) if wire::micros_of(*moment).is_none() => Ok(None),
        Value::Date(date) if wire::days_of(*date).is_none() => Ok(None),
        value => Ok(Some(tagged::value_text(value)?).filter(|json| !tagged::holds_zero(json))),
    }
}

/// The JSON of a value as metadata holds it; `None` for a kind that metadata has not.
pub(super) fn plain_json(value: &Value) -> Option<Vec<u8>> {
    let json = plain(value)?;
    let mut out = Vec::new();
    tagged::push_json(&json, &mut out).ok()?;
    (!tagged::holds_zero(&out)).then_some(out)
}

fn plain(value: &Value) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(v) => Json::from(*v),
        Value::Int(v) => i64::try_from(*v).map(Json::from).or_else(|_| u64::try_from(*v).map(Json::from)).ok()?,
        Value::Float(v) => Json::Number(serde_json::Number::from_f64(*v)?),
        Value::Text(v) => Json::from(v.as_str()),
        Value::Json(json @ Json::Object(_)) => json.clone(),
        Value::List(items) => Json::Array(items.iter().map(plain).collect::<Option<_>>()?),
        _ => return None,
    })
}

/// Compares a value of run-time type with a literal; values of another kind compare with nothing (semantics 3.8).
pub(super) fn tagged_compare(json: &str, op: Op, value: &Value, out: &mut Statement) -> Result<Answer> {
    let typed = |scalar: Scalar, sql: String, out: &mut Statement| {
        let cell =
            Cell { sql, form: Form::Native(scalar.one()), nullable: true, by_bytes: true, equal_by_bytes: false };
        let ty = if scalar == Scalar::Numeric { Type::Decimal } else { Type::Any };
        Ok(native_compare(&cell, fold::fold(op, value, scalar, &ty), scalar.one(), out))
    };
    match value {
        _ if op == Op::Eq => json_equal(json, tagged_json(value)?, out),
        Value::Decimal(_) => typed(Scalar::Numeric, format!("({json} ->> '$decimal')::numeric"), out),
        Value::Bytes(_) => typed(Scalar::Bytea, format!("decode({json} ->> '$bytes', 'base64')"), out),
        Value::Uuid(_) => typed(Scalar::Uuid, format!("({json} ->> '$uuid')::uuid"), out),
        Value::Timestamp(_) => typed(Scalar::TimestampTz, cell::moment(json), out),
        Value::Date(_) => typed(Scalar::Date, cell::day(json), out),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => scalar_compare(json, op, value, out),
        // Lists, records, JSON and vectors are equal or unordered.
        _ if matches!(op, Op::Ge | Op::Le) => json_equal(json, tagged_json(value)?, out),
        _ => {
            out.push("FALSE");
            Ok(Answer::TrueOrFalse)
        }
    }
}

/// The same on metadata, which has JSON's own kinds only.
pub(super) fn plain_compare(json: &str, op: Op, value: &Value, out: &mut Statement) -> Result<Answer> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) if op != Op::Eq => {
            scalar_compare(json, op, value, out)
        }
        _ if matches!(op, Op::Eq | Op::Ge | Op::Le) => json_equal(json, plain_json(value), out),
        _ => {
            out.push("FALSE");
            Ok(Answer::TrueOrFalse)
        }
    }
}

fn json_equal(json: &str, literal: Option<Vec<u8>>, out: &mut Statement) -> Result<Answer> {
    let Some(literal) = literal else {
        out.push("FALSE");
        return Ok(Answer::TrueOrFalse);
    };
    out.push(&format!("({json} = "));
    out.bind_jsonb(&literal);
    out.push(")");
    Ok(Answer::MaybeNull)
}

fn scalar_compare(json: &str, op: Op, value: &Value, out: &mut Statement) -> Result<Answer> {
    let (scalar, sql) = match value {
        Value::Bool(_) => (Scalar::Bool, json_as(json, "boolean", "boolean")),
        Value::Text(_) => (Scalar::Text, json_string(json)),
        _ => (Scalar::Numeric, json_as(json, "number", "numeric")),
    };
    let cell = Cell { sql, form: Form::Native(scalar.one()), nullable: true, by_bytes: true, equal_by_bytes: false };
    let literal = match value {
        // As stored floats are: by digits that order as the floats do.
        Value::Float(float) if float.is_finite() => {
            let text = tagged::value_text(&Value::Float(*float))?;
            Folded::With(op, Literal::Numeric(plain_digits(&String::from_utf8_lossy(&text))))
        }
        value => fold::fold(op, value, scalar, &Type::Decimal),
    };
    Ok(native_compare(&cell, literal, scalar.one(), out))
}

pub(super) fn json_as(json: &str, kind: &str, ty: &str) -> String {
    format!("(CASE WHEN jsonb_typeof({json}) = '{kind}' THEN ({json})::{ty} END)")
}

/// A number without an exponent.
pub(super) fn plain_digits(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return text.to_owned() };
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i64 + exponent;
    match usize::try_from(point) {
        Ok(point) if point >= digits.len() => format!("{sign}{digits}{}", "0".repeat(point - digits.len())),
        Ok(point) if point > 0 => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
        _ => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
    }
}

/// Whether a list inside JSON holds an item.
pub(super) fn json_contains(cell: &Cell, part: &Value, out: &mut Statement) -> Result<Answer> {
    let json = if cell.form == Form::Plain { plain_json(part) } else { tagged_json(part)? };
    let Some(json) = json else {
        out.push("FALSE");
        return Ok(Answer::TrueOrFalse);
    };
    let sql = &cell.sql;
    let list = format!("CASE WHEN jsonb_typeof({sql}) = 'array' THEN {sql} END");
    out.push(&format!("EXISTS (SELECT 1 FROM jsonb_array_elements({list}) AS item(value) WHERE item.value = "));
    out.bind_jsonb(&json);
    out.push(")");
    Ok(Answer::TrueOrFalse)
}
