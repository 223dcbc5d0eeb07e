//! Values for columns that no type of a field stands for: lists of lists, maps, and records that hold such.
//!
//! A value is built into an array and read again: what does not come back as it was has no place in the column.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, MapArray, StringArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, FieldRef, Fields};

use super::{
    builder::Builder,
    cells::{Cells, tagged},
    encode::ColumnEncoder,
    fit::fitted,
    foreign, schema,
};
use crate::{
    record::{FieldType, Name, Type},
    value::Value,
};

/// Values in their tagged form as an array of a type; `None` where one of them is not held exactly, or the type has no counterpart.
pub(super) fn of_tagged(texts: &StringArray, to: &DataType) -> Option<ArrayRef> {
    let values: Option<Vec<Value>> =
        texts.iter().map(|text| text.map_or(Some(Value::Null), |t| tagged(t).ok())).collect();
    let values = values?;
    let array = array(&values.iter().collect::<Vec<_>>(), &Field::new("", to.clone(), true))?;
    let cells = Cells::of(&array, &Field::new("", to.clone(), true), None).ok()?;
    let comes_back = |(row, value): (usize, &Value)| match value {
        Value::Null => cells.is_null(row),
        value => !cells.is_null(row) && cells.value(row).is_ok_and(|found| found.into_owned() == *value),
    };
    values.iter().enumerate().all(comes_back).then_some(array)
}

fn array(values: &[&Value], field: &Field) -> Option<ArrayRef> {
    match field.data_type() {
        DataType::List(item) => lists(values, item),
        DataType::Struct(fields) => records(values, fields).map(|records| Arc::new(records) as ArrayRef),
        DataType::Map(entries, sorted) => maps(values, entries, *sorted),
        _ => scalars(values, field),
    }
}

fn nulls(values: &[&Value]) -> Option<NullBuffer> {
    let there: Vec<bool> = values.iter().map(|value| !matches!(value, Value::Null)).collect();
    there.contains(&false).then(|| there.into())
}

fn lists(values: &[&Value], item: &FieldRef) -> Option<ArrayRef> {
    let mut items = Vec::new();
    let mut lengths = Vec::with_capacity(values.len());
    for value in values {
        let list: &[Value] = match value {
            Value::Null => &[],
            Value::List(list) => list,
            _ => return None,
        };
        items.extend(list);
        lengths.push(list.len());
    }
    let items = array(&items, item)?;
    let made = ListArray::try_new(item.clone(), OffsetBuffer::from_lengths(lengths), items, nulls(values));
    Some(Arc::new(made.ok()?))
}

fn records(values: &[&Value], fields: &Fields) -> Option<StructArray> {
    let column = |field: &FieldRef| {
        let inside: Option<Vec<&Value>> = values
            .iter()
            .map(|value| match value {
                Value::Null => Some(&Value::Null),
                Value::Record(inside) => Some(inside.get(field.name()).unwrap_or(&Value::Null)),
                _ => None,
            })
            .collect();
        array(&inside?, field)
    };
    let columns = fields.iter().map(column).collect::<Option<Vec<_>>>()?;
    StructArray::try_new(fields.clone(), columns, nulls(values)).ok()
}

/// Maps are JSON objects here.
fn maps(values: &[&Value], entries: &FieldRef, sorted: bool) -> Option<ArrayRef> {
    let DataType::Struct(fields) = entries.data_type() else { return None };
    let [key, value] = fields.as_ref() else { return None };
    let (key_type, value_type) = (foreign::type_of(key).ok()?, value);
    let (mut keys, mut held, mut lengths) = (Vec::new(), Vec::new(), Vec::with_capacity(values.len()));
    for map in values {
        let before = keys.len();
        match map {
            Value::Null => {}
            Value::Json(serde_json::Value::Object(object)) => {
                for (name, json) in object {
                    keys.push(if key_type == Type::Text {
                        name.as_str().into()
                    } else {
                        Value::Int(name.parse().ok()?)
                    });
                    held.push(of_json(json, value_type));
                }
            }
            _ => return None,
        }
        lengths.push(keys.len() - before);
    }
    let keys = array(&keys.iter().collect::<Vec<_>>(), key)?;
    let held = array(&held.iter().collect::<Vec<_>>(), value)?;
    let pairs = StructArray::try_new(fields.clone(), vec![keys, held], None).ok()?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    let made = MapArray::try_new(entries.clone(), offsets, pairs, nulls(values), sorted);
    Some(Arc::new(made.ok()?))
}

/// What stands in JSON for a value of a column.
fn of_json(json: &serde_json::Value, field: &Field) -> Value {
    use serde_json::Value as Json;
    match (json, field.data_type()) {
        (Json::Null, _) => Value::Null,
        (Json::Bool(v), _) => (*v).into(),
        (Json::Array(items), DataType::List(item)) => {
            Value::List(items.iter().map(|json| of_json(json, item)).collect())
        }
        (Json::Object(object), DataType::Struct(fields)) => {
            let inside = |(name, json): (&String, &Json)| {
                let value = fields.find(name).map_or(Value::Json(json.clone()), |(_, field)| of_json(json, field));
                (Name::Owned(name.clone()), value)
            };
            Value::Record(object.iter().map(inside).collect())
        }
        (Json::Number(v), DataType::Float32 | DataType::Float64) => v.as_f64().map_or(Value::Null, Value::from),
        (Json::Number(v), _) => match (v.as_i64(), v.as_u64()) {
            (Some(v), _) => v.into(),
            (_, Some(v)) => v.into(),
            _ => Value::Json(json.clone()),
        },
        (Json::String(text), DataType::Timestamp(..)) => text.parse().map_or(Value::Null, Value::Timestamp),
        (Json::String(text), DataType::Date32) => text.parse().map_or(Value::Null, Value::Date),
        (Json::String(text), DataType::Utf8) => text.as_str().into(),
        (other, _) => Value::Json(other.clone()),
    }
}

fn scalars(values: &[&Value], column: &Field) -> Option<ArrayRef> {
    let field = foreign::field_of(column).ok()?.nullable();
    let mut builder = Builder::new(&Field::new("", schema::data_type(&field), true));
    for value in values {
        match value {
            Value::Null => builder.push_null(),
            value => {
                if value.check(&field).is_err() {
                    return None;
                }
                value.encode(&field, &mut ColumnEncoder::new(std::slice::from_mut(&mut builder))).ok()?;
            }
        }
    }
    fitted(&builder.take().ok()?, column.data_type())
}
