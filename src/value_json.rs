//! Values as JSON: plain where JSON has the type, tagged where it has not.
//!
//! `null`, `true`, `42`, `1.5`, `"text"` and lists are themselves; `{"$uuid": ".."}`, `{"$timestamp": ".."}`, `{"$date": ".."}`,
//! `{"$decimal": ".."}`, `{"$bytes": base64}`, `{"$float": "NaN"}`, `{"$vector": [..]}`, `{"$json": ..}` and
//! `{"$record": {..}}` are the rest.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::Error as _,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::Value as Json;

use crate::{record::Document, value::Value};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(v) => serializer.serialize_bool(*v),
            Value::Int(v) => serialize_int(*v, serializer),
            Value::Float(v) if v.is_finite() => serializer.serialize_f64(*v),
            Value::Float(v) => tagged("$float", &v.to_string(), serializer),
            Value::Text(v) => serializer.serialize_str(v),
            Value::Decimal(v) => tagged("$decimal", &v.to_string(), serializer),
            Value::Bytes(v) => tagged("$bytes", &BASE64_STANDARD.encode(v), serializer),
            Value::Uuid(v) => tagged("$uuid", &v.to_string(), serializer),
            Value::Timestamp(v) => tagged("$timestamp", &v.to_string(), serializer),
            Value::Date(v) => tagged("$date", &v.to_string(), serializer),
            Value::Vector(v) => tagged("$vector", v, serializer),
            Value::Json(v) => tagged("$json", v, serializer),
            Value::Record(v) => tagged("$record", &Fields(v), serializer),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
        }
    }
}

fn serialize_int<S: Serializer>(value: i128, serializer: S) -> Result<S::Ok, S::Error> {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(v), _) => serializer.serialize_i64(v),
        (_, Ok(v)) => serializer.serialize_u64(v),
        _ => tagged("$int", &value.to_string(), serializer),
    }
}

fn tagged<S: Serializer, T: Serialize + ?Sized>(
    tag: &'static str,
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, value)?;
    map.end()
}

struct Fields<'a>(&'a Document);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_json(Json::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn from_json(json: Json) -> Result<Value, String> {
    match json {
        Json::Null => Ok(Value::Null),
        Json::Bool(v) => Ok(Value::Bool(v)),
        Json::String(v) => Ok(Value::Text(v)),
        Json::Number(v) => match v.as_i128() {
            Some(int) => Ok(Value::Int(int)),
            None => v.as_f64().map(Value::Float).ok_or_else(|| format!("{v} is not a number this crate can hold")),
        },
        Json::Array(items) => items.into_iter().map(from_json).collect::<Result<_, _>>().map(Value::List),
        Json::Object(map) => {
            let mut fields = map.into_iter();
            match (fields.next(), fields.next()) {
                (Some((tag, value)), None) => from_tagged(&tag, value),
                _ => Err("an object here has one field, a tag such as `$uuid`".to_owned()),
            }
        }
    }
}

fn from_tagged(tag: &str, value: Json) -> Result<Value, String> {
    let bad = || format!("not the value of a `{tag}`");
    let parsed = match (tag, value) {
        ("$json", json) => Some(Value::Json(json)),
        ("$vector", json) => serde_json::from_value(json).ok().map(Value::Vector),
        ("$record", Json::Object(fields)) => {
            let fields = fields.into_iter().map(|(name, value)| Ok((name, from_json(value)?)));
            Some(Value::Record(fields.collect::<Result<Document, String>>()?))
        }
        ("$float", Json::String(text)) => text.parse().ok().map(Value::Float),
        ("$int", Json::String(text)) => text.parse().ok().map(Value::Int),
        ("$decimal", Json::String(text)) => text.parse().ok().map(Value::Decimal),
        ("$bytes", Json::String(text)) => BASE64_STANDARD.decode(text).ok().map(Value::Bytes),
        ("$uuid", Json::String(text)) => text.parse().ok().map(Value::Uuid),
        ("$timestamp", Json::String(text)) => text.parse().ok().map(Value::Timestamp),
        ("$date", Json::String(text)) => text.parse().ok().map(Value::Date),
        ("$float" | "$int" | "$decimal" | "$bytes" | "$uuid" | "$timestamp" | "$date" | "$record", _) => None,
        _ => return Err(format!("`{tag}` is no tag of a value")),
    };
    parsed.ok_or_else(bad)
}
