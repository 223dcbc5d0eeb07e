//! A record as one JSON object: an [`Encoder`] that writes bytes (semantics 2.10). Nulls are left out.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    format::{error::finite, json::text::MAX_DEPTH, mask::any, timestamp},
    record::{Encoder, FieldDef, FieldType, RecordCodec, Schema, field_type::nul_refused},
};

/// Writes the fields of one object, or the items of one array.
pub(crate) struct JsonEncoder<'o> {
    out: &'o mut Vec<u8>,
    /// Whether the fields have names: an object, not an array.
    named: bool,
    begun: bool,
    /// How many objects and arrays it stands in.
    depth: usize,
}

/// Appends a record as an object.
pub(crate) fn encode_record<R: RecordCodec>(record: &R, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
    encode_object(record, schema, out, 1)
}

fn encode_object<R: RecordCodec>(record: &R, schema: &Schema, out: &mut Vec<u8>, depth: usize) -> Result<()> {
    out.push(b'{');
    record.encode(schema, &mut JsonEncoder { out, named: true, begun: false, depth })?;
    out.push(b'}');
    Ok(())
}

/// Appends a list as an array.
pub(crate) fn encode_list<T: FieldType>(items: &[T], item: &FieldDef, out: &mut Vec<u8>) -> Result<()> {
    encode_array(items, item, out, 1)
}

fn encode_array<T: FieldType>(items: &[T], item: &FieldDef, out: &mut Vec<u8>, depth: usize) -> Result<()> {
    out.push(b'[');
    let mut encoder = JsonEncoder { out, named: false, begun: false, depth };
    items.iter().try_for_each(|value| value.encode(item, &mut encoder))?;
    out.push(b']');
    Ok(())
}

/// Appends a vector as an array.
pub(crate) fn encode_vector(vector: &[f32], out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    for (place, value) in vector.iter().enumerate() {
        out.push(if place == 0 { b'[' } else { b',' });
        out.extend_from_slice(buffer.format(*value).as_bytes());
    }
    out.extend_from_slice(if vector.is_empty() { b"[]" } else { b"]" });
}

/// Appends a text in quotes, escaped. Says whether it holds U+0000.
#[inline]
pub(crate) fn encode_text(text: &str, out: &mut Vec<u8>) -> bool {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let holds_nul = if any(text.as_bytes(), is_escaped) {
        escape(text.as_bytes(), out)
    } else {
        out.extend_from_slice(text.as_bytes());
        false
    };
    out.push(b'"');
    holds_nul
}

/// Whether a byte cannot stand as it is.
#[inline(always)]
fn is_escaped(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// Appends a text of which something cannot stand as it is. Says whether it holds U+0000.
fn escape(mut rest: &[u8], out: &mut Vec<u8>) -> bool {
    let mut holds_nul = false;
    while let Some(at) = rest.iter().position(|byte| is_escaped(*byte)) {
        out.extend_from_slice(&rest[..at]);
        holds_nul |= rest[at] == 0;
        push_escape(rest[at], out);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    holds_nul
}

#[cold]
fn push_escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

impl JsonEncoder<'_> {
    /// What stands before a value.
    #[inline]
    fn begin(&mut self, field: &FieldDef) -> &mut Vec<u8> {
        if self.begun {
            self.out.push(b',');
        }
        self.begun = true;
        if self.named {
            encode_text(&field.name, self.out);
            self.out.push(b':');
        }
        self.out
    }
    /// The depth of what is inside; nothing is written that the reader would refuse.
    fn deeper(&self, field: &FieldDef) -> Result<usize> {
        match self.depth < MAX_DEPTH {
            true => Ok(self.depth + 1),
            false => {
                Err(Error::invalid(format!("it nests more than {MAX_DEPTH} levels deep")).at_field(field.name.clone()))
            }
        }
    }
    fn quoted(&mut self, field: &FieldDef, text: &str) -> Result<()> {
        let out = self.begin(field);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        Ok(())
    }
}

impl Encoder for JsonEncoder<'_> {
    #[inline]
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
    #[inline]
    fn int(&mut self, field: &FieldDef, value: i64) -> Result<()> {
        self.begin(field).extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        Ok(())
    }
    fn uint(&mut self, field: &FieldDef, value: u64) -> Result<()> {
        self.begin(field).extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        Ok(())
    }
    fn float32(&mut self, field: &FieldDef, value: f32) -> Result<()> {
        finite(field, value.into())?;
        self.begin(field).extend_from_slice(zmij::Buffer::new().format(value).as_bytes());
        Ok(())
    }
    fn float(&mut self, field: &FieldDef, value: f64) -> Result<()> {
        finite(field, value)?;
        self.begin(field).extend_from_slice(zmij::Buffer::new().format(value).as_bytes());
        Ok(())
    }
    fn decimal(&mut self, field: &FieldDef, value: Decimal) -> Result<()> {
        self.begin(field).extend_from_slice(value.to_string().as_bytes());
        Ok(())
    }
    #[inline]
    fn text(&mut self, field: &FieldDef, value: &str) -> Result<()> {
        if encode_text(value, self.begin(field)) { Err(nul_refused(field, value)) } else { Ok(()) }
    }
    fn bytes(&mut self, field: &FieldDef, value: &[u8]) -> Result<()> {
        self.quoted(field, &BASE64_STANDARD.encode(value))
    }
    fn uuid(&mut self, field: &FieldDef, value: Uuid) -> Result<()> {
        self.quoted(field, value.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
    fn timestamp(&mut self, field: &FieldDef, value: Timestamp) -> Result<()> {
        let out = self.begin(field);
        out.push(b'"');
        timestamp::print(value, out);
        out.push(b'"');
        Ok(())
    }
    fn date(&mut self, field: &FieldDef, value: Date) -> Result<()> {
        self.quoted(field, &value.to_string())
    }
    fn vector(&mut self, field: &FieldDef, value: &[f32]) -> Result<()> {
        value.iter().try_for_each(|v| finite(field, (*v).into()))?;
        encode_vector(value, self.begin(field));
        Ok(())
    }
    fn json<T: Serialize>(&mut self, field: &FieldDef, value: &T) -> Result<()> {
        let refused = |cause: serde_json::Error| {
            Error::invalid(format!("it has no JSON form: {cause}")).at_field(field.name.clone()).caused_by(cause)
        };
        serde_json::to_writer(self.begin(field), value).map_err(refused)
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef, items: &[T]) -> Result<()> {
        let depth = self.deeper(field)?;
        encode_array(items, item, self.begin(field), depth).map_err(|e| e.under_field(&field.name))
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema, record: &N) -> Result<()> {
        let depth = self.deeper(field)?;
        encode_object(record, schema, self.begin(field), depth).map_err(|e| e.under_field(&field.name))
    }
}
