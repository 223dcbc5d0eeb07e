//! Fields marked `#[record(json)]`: any serde type, kept as JSON. What the derive calls for them.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use crate::{
    error::{Error, Result},
    query::{bound::compares, filter::Op},
    record::{
        codec::{Decoder, Encoder, Form},
        schema::FieldDef,
        target::Step,
    },
    value::{Value, ValueRef},
};

/// A type that a `#[record(json)]` field can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a `#[record(json)]` field",
    label = "write `#[derive(Clone, serde::Serialize, serde::Deserialize)]` on it"
)]
pub trait JsonType: Sized {
    /// Whether null is a value of it. What the type makes of null is known at run time alone, so it counts as one, and
    /// reading refuses the null that the type refuses.
    #[doc(hidden)]
    const NULLABLE: bool = true;
    #[doc(hidden)]
    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()>;
    #[doc(hidden)]
    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>>;
    #[doc(hidden)]
    fn decode<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Self>;
    /// The value of a record that lacks the field: what the type reads from null, if it reads null at all.
    #[doc(hidden)]
    fn missing() -> Option<Self>;
    #[doc(hidden)]
    fn is_null(&self) -> bool;
    #[doc(hidden)]
    fn cell(&self, steps: &[Step]) -> ValueRef<'static>;
    #[doc(hidden)]
    fn to_value(&self) -> Option<Value>;
    #[doc(hidden)]
    fn compares(&self, steps: &[Step], op: Op, literal: &Value) -> bool {
        compares(&self.cell(steps), op, literal)
    }
    #[doc(hidden)]
    fn put(&mut self, field: &FieldDef, steps: &[Step], value: Value) -> Result<()>;
    #[doc(hidden)]
    fn check(&self, field: &FieldDef) -> Result<Form>;
    /// JSON is stored as it is.
    #[doc(hidden)]
    fn normalize(&mut self, field: &FieldDef);
}

// The bounds stand here and not on the trait: a type without them is then one mistake, and not one for each of them.
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> JsonType for T {
    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> {
        // Null at the top is null (semantics 2.1), and only the whole value tells whether it is.
        match to_json(self, field)? {
            Json::Null => out.null(field),
            json => out.json(field, &json),
        }
    }

    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
        from.json(field)
    }

    fn decode<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Self> {
        match from.json(field)? {
            Some(value) => Ok(value),
            None => from_json(Json::Null, field),
        }
    }

    fn missing() -> Option<Self> {
        serde_json::from_value(Json::Null).ok()
    }

    fn is_null(&self) -> bool {
        matches!(serde_json::to_value(self), Ok(Json::Null) | Err(_))
    }

    fn cell(&self, _: &[Step]) -> ValueRef<'static> {
        match serde_json::to_value(self) {
            Ok(Json::Null) | Err(_) => ValueRef::Null,
            Ok(json) => ValueRef::Json(std::borrow::Cow::Owned(json)),
        }
    }

    fn to_value(&self) -> Option<Value> {
        serde_json::to_value(self).ok().map(Value::Json)
    }

    fn put(&mut self, field: &FieldDef, _: &[Step], value: Value) -> Result<()> {
        *self = match value {
            Value::Null => from_json(Json::Null, field)?,
            Value::Json(json) => from_json(json, field)?,
            other => {
                let why = format!("a json field cannot hold a {}", other.kind());
                return Err(Error::invalid(why).at_field(field.name.clone()));
            }
        };
        Ok(())
    }

    fn check(&self, field: &FieldDef) -> Result<Form> {
        check_json(&to_json(self, field)?, field)?;
        Ok(Form::Stored)
    }

    fn normalize(&mut self, _: &FieldDef) {}
}

fn to_json<T: Serialize>(value: &T, field: &FieldDef) -> Result<Json> {
    let refused =
        |cause: serde_json::Error| Error::invalid("it has no JSON form").at_field(field.name.clone()).caused_by(cause);
    serde_json::to_value(value).map_err(refused)
}

fn from_json<T: DeserializeOwned>(json: Json, field: &FieldDef) -> Result<T> {
    let refused = |cause: serde_json::Error| {
        Error::invalid(format!("the JSON does not fit the field: {cause}"))
            .at_field(field.name.clone())
            .caused_by(cause)
    };
    serde_json::from_value(json).map_err(refused)
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
