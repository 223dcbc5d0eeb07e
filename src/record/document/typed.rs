//! Native types out of values of run-time type.

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    record::document::Document,
    value::Value,
};

/// A native type that a [`Value`] can be read as. Nothing is coerced but integers to integers in range, and integers to
/// floats where the float is exact.
pub trait FromValue: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// `Invalid` where the value is of another type or out of range.
    fn from_value(value: &Value) -> Result<Self>;
}

fn unlike(wanted: &str, value: &Value) -> Error {
    Error::invalid(format!("a {wanted} cannot be read from a {}", value.kind()))
}

macro_rules! from_value {
    ($($native:ty, $word:literal: $pattern:pat => $value:expr;)*) => { $(
        impl FromValue for $native {
            fn from_value(value: &Value) -> Result<Self> {
                match value { $pattern => Ok($value), other => Err(unlike($word, other)) }
            }
        }
    )* };
}
from_value! {
    bool, "bool": Value::Bool(v) => *v;
    Decimal, "decimal": Value::Decimal(v) => *v;
    String, "text": Value::Text(v) => v.clone();
    Vec<u8>, "bytes": Value::Bytes(v) => v.clone();
    Uuid, "uuid": Value::Uuid(v) => *v;
    Timestamp, "timestamp": Value::Timestamp(v) => *v;
    Date, "date": Value::Date(v) => *v;
    Vec<Value>, "list": Value::List(v) => v.clone();
    Document, "record": Value::Record(v) => v.clone();
    Json, "json": Value::Json(v) => v.clone();
    Vec<f32>, "vector": Value::Vector(v) => v.clone();
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Result<Self> {
        Ok(value.clone())
    }
}

macro_rules! integers {
    ($($native:ty),*) => { $(
        impl FromValue for $native {
            fn from_value(value: &Value) -> Result<Self> {
                let Value::Int(wide) = value else { return Err(unlike(stringify!($native), value)) };
                let out_of_range = |_| Error::invalid(concat!("out of the range of ", stringify!($native))).with_value(&wide.to_string());
                (*wide).try_into().map_err(out_of_range)
            }
        }
    )* };
}
integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

macro_rules! floats {
    ($($native:ty),*) => { $(
        impl FromValue for $native {
            fn from_value(value: &Value) -> Result<Self> {
                match value {
                    Value::Float(v) if *v as $native as f64 == *v => Ok(*v as $native),
                    Value::Int(v) if (*v as $native) as i128 == *v => Ok(*v as $native),
                    Value::Float(v) => Err(Error::invalid(concat!("not exact as ", stringify!($native))).with_value(&v.to_string())),
                    other => Err(unlike(stringify!($native), other)),
                }
            }
        }
    )* };
}
floats!(f32, f64);
