//! Fields marked `#[record(json)]`: any serde type, kept as JSON. What the derive calls for them.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use crate::{
    error::{Error, Result},
    record::{
        codec::{Decoder, Encoder, Form},
        schema::FieldDef,
    },
    value::{Value, ValueRef},
};

/// A type that a `#[record(json)]` field can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a `#[record(json)]` field",
    label = "needs `Clone`, `serde::Serialize` and `serde::Deserialize`"
)]
pub trait JsonType: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> JsonType for T {}

fn to_json<T: JsonType>(value: &T, field: &FieldDef) -> Result<Json> {
    let refused =
        |cause: serde_json::Error| Error::invalid("it has no JSON form").at_field(field.name.clone()).caused_by(cause);
    serde_json::to_value(value).map_err(refused)
}

fn from_json<T: JsonType>(json: Json, field: &FieldDef) -> Result<T> {
    let refused = |cause: serde_json::Error| {
        Error::invalid(format!("the JSON does not fit the field: {cause}"))
            .at_field(field.name.clone())
            .caused_by(cause)
    };
    serde_json::from_value(json).map_err(refused)
}

#[doc(hidden)]
pub fn encode<T: JsonType, E: Encoder>(value: &T, field: &FieldDef, out: &mut E) -> Result<()> {
    // Null at the top is null (semantics 2.1), and only the whole value tells whether it is.
    match to_json(value, field)? {
        Json::Null => out.null(field),
        json => out.json(field, &json),
    }
}

#[doc(hidden)]
pub fn decode<T: JsonType, D: Decoder>(field: &FieldDef, from: &mut D) -> Result<T> {
    match from.json(field)? {
        Some(value) => Ok(value),
        None => from_json(Json::Null, field),
    }
}

/// The value of a record that lacks the field: what the type reads from null, if it reads null at all.
#[doc(hidden)]
pub fn missing<T: JsonType>() -> Option<T> {
    serde_json::from_value(Json::Null).ok()
}

#[doc(hidden)]
pub fn cell<T: JsonType>(value: &T) -> ValueRef<'static> {
    match serde_json::to_value(value) {
        Ok(Json::Null) | Err(_) => ValueRef::Null,
        Ok(json) => ValueRef::Json(std::borrow::Cow::Owned(json)),
    }
}

#[doc(hidden)]
pub fn put<T: JsonType>(field: &FieldDef, value: Value) -> Result<T> {
    match value {
        Value::Null => from_json(Json::Null, field),
        Value::Json(json) => from_json(json, field),
        other => {
            Err(Error::invalid(format!("a json field cannot hold a {}", other.kind())).at_field(field.name.clone()))
        }
    }
}

#[doc(hidden)]
pub fn check<T: JsonType>(value: &T, field: &FieldDef) -> Result<Form> {
    check_json(&to_json(value, field)?, field)?;
    Ok(Form::Stored)
}

/// Refuses U+0000 in any text or name inside (semantics 2.6), and nesting over 128 levels.
pub(crate) fn check_json(json: &Json, field: &FieldDef) -> Result<()> {
    let fault = |why| Err(Error::invalid(why).at_field(field.name.clone()));
    match fault_in(json, 128) {
        Some(why) => fault(why),
        None => Ok(()),
    }
}

fn fault_in(json: &Json, levels: usize) -> Option<&'static str> {
    match json {
        Json::Array(_) | Json::Object(_) if levels == 0 => Some("JSON nests more than 128 levels deep"),
        Json::String(text) => zero_in(text),
        Json::Array(items) => items.iter().find_map(|item| fault_in(item, levels - 1)),
        Json::Object(fields) => fields.iter().find_map(|(k, v)| zero_in(k).or_else(|| fault_in(v, levels - 1))),
        _ => None,
    }
}

fn zero_in(text: &str) -> Option<&'static str> {
    text.contains('\0').then_some("text inside JSON holds U+0000, which no store keeps")
}
