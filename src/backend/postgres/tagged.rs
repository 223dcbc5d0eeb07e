//! Values as self-describing JSON, for what has no column of its own: undeclared fields, lists of records, documents.
//!
//! The text form of [`Value`]: plain where JSON has the type, tagged (`{"$uuid": ".."}`) where it has not. `jsonb` keeps
//! numbers as exact decimals and forgets exponents, so floats are written such that their digits are the exact number and
//! a point tells them from integers. Two values are then equal by value exactly when their `jsonb` is equal (semantics 3.8).

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::wire;
use crate::{
    error::{Error, Result},
    record::{Document, Encoder, FieldDef, FieldType, RecordCodec, Schema},
    value::Value,
};

/// Up to 2^53 the shortest text of a float lies between the same integers as the float itself.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Appends a finite float.
fn push_float(value: f64, out: &mut Vec<u8>) {
    match value.abs() >= EXACT {
        true => out.extend_from_slice(format!("{value:.1}").as_bytes()),
        false => out.extend_from_slice(zmij::Buffer::new().format(value).as_bytes()),
    }
}

/// A formatter of JSON whose floats are exact.
struct ExactFloats;

impl serde_json::ser::Formatter for ExactFloats {
    fn write_f64<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, value: f64) -> std::io::Result<()> {
        let mut text = Vec::new();
        push_float(value, &mut text);
        writer.write_all(&text)
    }
    fn write_f32<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, value: f32) -> std::io::Result<()> {
        self.write_f64(writer, value.into())
    }
}

/// Appends anything as plain JSON with exact floats.
pub(super) fn push_json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, ExactFloats))
}

fn push_text(text: &str, out: &mut Vec<u8>) {
    // Writing a text to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a value.
pub(super) fn push_value(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    let field = crate::record::document::undeclared("");
    value.encode(&field, &mut TaggedEncoder { out, named: false, begun: false })
}

/// A value, alone.
pub(super) fn value_text(value: &Value) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    push_value(value, &mut out)?;
    if out.is_empty() {
        out.extend_from_slice(b"null");
    }
    Ok(out)
}

/// Appends a record as one JSON object.
pub(super) fn push_record<R: RecordCodec>(record: &R, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    record.encode(schema, &mut TaggedEncoder { out, named: true, begun: false })?;
    out.push(b'}');
    Ok(())
}

/// Appends a list as a JSON array.
pub(super) fn push_list<T: FieldType>(items: &[T], item: &FieldDef, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'[');
    let mut encoder = TaggedEncoder { out, named: false, begun: false };
    items.iter().try_for_each(|value| value.encode(item, &mut encoder))?;
    out.push(b']');
    Ok(())
}

/// Writes values, one behind the other, with their names where they have some.
pub(super) struct TaggedEncoder<'o> {
    pub(super) out: &'o mut Vec<u8>,
    pub(super) named: bool,
    pub(super) begun: bool,
}

impl TaggedEncoder<'_> {
    fn begin(&mut self, field: &FieldDef) -> &mut Vec<u8> {
        if self.begun {
            self.out.push(b',');
        }
        self.begun = true;
        if self.named {
            push_text(&field.name, self.out);
            self.out.push(b':');
        }
        self.out
    }
    fn tagged(&mut self, field: &FieldDef, tag: &str, text: &str) -> Result<()> {
        let out = self.begin(field);
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(tag.as_bytes());
        out.extend_from_slice(b"\":\"");
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\"}");
        Ok(())
    }
}

impl Encoder for TaggedEncoder<'_> {
    fn null(&mut self, field: &FieldDef) -> Result<()> {
        if !self.named {
            self.begin(field).extend_from_slice(b"null");
        }
        Ok(())
    }
    fn bool(&mut self, field: &FieldDef, value: bool) -> Result<()> {
        self.begin(field).extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn int(&mut self, field: &FieldDef, value: i64) -> Result<()> {
        self.begin(field).extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        Ok(())
    }
    fn uint(&mut self, field: &FieldDef, value: u64) -> Result<()> {
        self.begin(field).extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        Ok(())
    }
    fn float32(&mut self, field: &FieldDef, value: f32) -> Result<()> {
        self.float(field, value.into())
    }
    fn float(&mut self, field: &FieldDef, value: f64) -> Result<()> {
        push_float(value, self.begin(field));
        Ok(())
    }
    fn decimal(&mut self, field: &FieldDef, value: Decimal) -> Result<()> {
        // Equal decimals have one text.
        self.tagged(field, "$decimal", &value.normalize().to_string())
    }
    fn text(&mut self, field: &FieldDef, value: &str) -> Result<()> {
        push_text(value, self.begin(field));
        Ok(())
    }
    fn bytes(&mut self, field: &FieldDef, value: &[u8]) -> Result<()> {
        self.tagged(field, "$bytes", &BASE64_STANDARD.encode(value))
    }
    fn uuid(&mut self, field: &FieldDef, value: Uuid) -> Result<()> {
        self.tagged(field, "$uuid", value.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
    fn timestamp(&mut self, field: &FieldDef, value: Timestamp) -> Result<()> {
        // As in a column of its own.
        wire::micros_of(value).ok_or_else(|| wire::too_early(field))?;
        self.tagged(field, "$timestamp", &value.to_string())
    }
    fn date(&mut self, field: &FieldDef, value: Date) -> Result<()> {
        wire::days_of(value).ok_or_else(|| wire::too_early(field))?;
        self.tagged(field, "$date", &value.to_string())
    }
    fn vector(&mut self, field: &FieldDef, value: &[f32]) -> Result<()> {
        let out = self.begin(field);
        out.extend_from_slice(b"{\"$vector\":[");
        for (place, item) in value.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            push_float((*item).into(), out);
        }
        out.extend_from_slice(b"]}");
        Ok(())
    }
    fn json<T: Serialize>(&mut self, field: &FieldDef, value: &T) -> Result<()> {
        let out = self.begin(field);
        out.extend_from_slice(b"{\"$json\":");
        push_json(value, out).map_err(|cause| no_json(field, cause))?;
        out.push(b'}');
        Ok(())
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef, items: &[T]) -> Result<()> {
        push_list(items, item, self.begin(field))
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema, record: &N) -> Result<()> {
        let out = self.begin(field);
        out.extend_from_slice(b"{\"$record\":");
        push_record(record, schema, out)?;
        out.push(b'}');
        Ok(())
    }
}

#[cold]
pub(super) fn no_json(field: &FieldDef, cause: serde_json::Error) -> Error {
    Error::invalid(format!("it has no JSON form: {cause}")).at_field(field.name.clone()).caused_by(cause)
}

/// A value, from its text.
///
/// # Errors
/// `Corrupt` for what is no such text.
pub(super) fn read_value(json: &[u8]) -> Result<Value> {
    parse(json)
}

/// The fields of a record, from its text.
///
/// # Errors
/// `Corrupt` for what is no such text.
pub(super) fn read_document(json: &[u8]) -> Result<Document> {
    let fields: std::collections::BTreeMap<String, Value> = parse(json)?;
    Ok(fields.into_iter().collect())
}

fn parse<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T> {
    read_json(json)
        .map_err(|cause| Error::corrupt(format!("the stored JSON does not read back: {cause}")).caused_by(cause))
}

/// Plain JSON that was stored.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(json)
}

/// How deep stored JSON nests at most: what goes deeper is refused when it is written, because it could not be read.
const MAX_DEPTH: usize = 120;

/// Refuses JSON that nests too deep.
///
/// # Errors
/// `Invalid`.
pub(super) fn check_depth(json: &[u8]) -> Result<()> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Error::invalid(format!("it nests deeper than {MAX_DEPTH} levels of JSON")));
        }
    }
    Ok(())
}

/// Whether a JSON text holds U+0000 somewhere, which `jsonb` cannot and which equals nothing that is stored.
pub(super) fn holds_zero(json: &[u8]) -> bool {
    let ends = json.windows(5).enumerate().filter(|(_, window)| *window == b"u0000").map(|(at, _)| at);
    let escapes =
        |at: usize| json.get(..at).unwrap_or_default().iter().rev().take_while(|byte| **byte == b'\\').count();
    ends.into_iter().any(|at| escapes(at) % 2 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn every_value_reads_back_as_its_own_kind() {
        let decimal = "1.10".parse::<Decimal>().unwrap_or_default();
        let all = [
            Value::Bool(true),
            Value::Int(i64::MIN.into()),
            Value::Int(u64::MAX.into()),
            Value::Float(1e16),
            Value::Float(5e-324),
            Value::Float(0.1),
            Value::Float(f64::MAX),
            Value::Decimal(decimal),
            Value::Text("\"\\\u{1}💣".to_owned()),
            Value::Bytes(vec![0, 255]),
            Value::Uuid(Uuid::max()),
            Value::Date(jiff::civil::date(1, 1, 1)),
            Value::Vector(vec![0.1, -1.5]),
            Value::Json(serde_json::json!({ "$uuid": [null, 1e22] })),
            Value::List(vec![1.into(), Value::List(vec![]), Value::Record(document! { "a" => 1 })]),
            Value::Record(document! { "b" => "x", "c" => Value::Null }),
        ];
        for value in all {
            let text = value_text(&value).expect("it is finite");
            let back = read_value(&text).expect("it reads");
            assert_eq!((back.kind(), &back), (value.kind(), &value), "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn large_floats_have_exact_digits_and_a_point() {
        let text = |value: f64| String::from_utf8(value_text(&Value::Float(value)).expect("finite")).expect("text");
        assert_eq!(text(9_223_372_036_854_775_808.0), "9223372036854775808.0");
        assert_eq!(text(1e16), "10000000000000000.0");
        assert_eq!(text(3.0), "3.0");
    }
}
