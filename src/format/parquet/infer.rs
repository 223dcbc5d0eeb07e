//! Columns for the fields that an open schema does not declare.
//!
//! A field of which all values in the first row group are of one kind gets a column of that kind. Everything else (fields
//! that come later, values of another kind, empty lists of nothing) is kept in one column of JSON with tags, so that nothing
//! is lost and what is regular can be read by every other tool.

use std::collections::HashMap;

use crate::{
    record::{Document, FieldDef, FieldType, Name, Schema, Type, document::undeclared},
    value::Value,
};

/// The declared fields, and those that the documents have in common.
pub(super) fn columns<'d>(declared: &Schema, documents: impl Iterator<Item = &'d Document>) -> Schema {
    let mut kinds: Vec<(&str, Option<Type>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for document in documents {
        for (name, value) in document.iter().filter(|(name, _)| !declared.fields.iter().any(|f| f.name == *name)) {
            let place = *places.entry(name).or_insert_with(|| {
                kinds.push((name, kind(value)));
                kinds.len() - 1
            });
            let known = kinds[place].1.take();
            kinds[place].1 = known.and_then(|known| common(known, kind(value)?));
        }
    }
    let mut schema = declared.clone();
    for (name, ty) in kinds {
        // A name that would be taken for a part of the envelope is no column.
        if let Some(ty) = ty.filter(|_| !name.starts_with('_') && !name.is_empty()) {
            schema = schema.field(FieldDef::new(Name::Owned(name.to_owned()), ty).nullable());
        }
    }
    schema
}

/// The type of a column that holds a value exactly; `None` where only the tagged form does.
fn kind(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(v) if i64::try_from(*v).is_ok() => Type::I64,
        Value::Int(v) if u64::try_from(*v).is_ok() => Type::U64,
        Value::Float(_) => Type::F64,
        Value::Decimal(_) => Type::Decimal,
        Value::Text(_) => Type::Text,
        Value::Bytes(_) => Type::Bytes,
        Value::Uuid(_) => Type::Uuid,
        Value::Timestamp(_) => Type::Timestamp,
        Value::Date(_) => Type::Date,
        Value::Json(_) => Type::Json,
        Value::Vector(v) => Type::Vector(u32::try_from(v.len()).ok()?),
        Value::List(items) => {
            let mut kinds = items.iter().map(kind);
            let first = kinds.next()??;
            let item = kinds.try_fold(first, |known, next| common(known, next?))?;
            // Lists hold scalars here; lists of records keep their tags.
            matches!(
                item,
                Type::Bool | Type::I64 | Type::U64 | Type::F64 | Type::Text | Type::Uuid | Type::Date | Type::Timestamp
            )
            .then(|| Type::list(item))?
        }
        Value::Record(inside) => {
            let fields = inside.iter().map(|(name, value)| {
                let usual = !name.starts_with('_') && !name.is_empty();
                Some(FieldDef::new(Name::Owned(name.to_owned()), kind(value).filter(|_| usual)?).nullable())
            });
            let fields: Vec<FieldDef> = fields.collect::<Option<_>>()?;
            if fields.is_empty() {
                return None;
            }
            Type::record(Schema { name: Name::Borrowed("record"), fields: fields.into(), open: false })
        }
        _ => return None,
    })
}

/// The type that holds values of both.
fn common(a: Type, b: Type) -> Option<Type> {
    match (&a, &b) {
        (Type::Record(left), Type::Record(right)) => {
            let mut fields = left.fields.to_vec();
            for field in right.fields.iter() {
                match fields.iter_mut().find(|known| known.name == field.name) {
                    Some(known) => known.ty = common(known.ty.clone(), field.ty.clone())?,
                    None => fields.push(field.clone()),
                }
            }
            Some(Type::record(Schema { name: left.name.clone(), fields: fields.into(), open: false }))
        }
        _ => (a == b).then_some(a),
    }
}

/// What of a document no column holds.
pub(super) fn rest_of(document: &Document, schema: &Schema) -> Document {
    let mut rest = Document::new();
    for (name, value) in document.iter() {
        let fits =
            schema.fields.iter().find(|field| field.name == name).is_some_and(|field| value.check(field).is_ok());
        if !fits {
            rest.set(name.to_owned(), value.clone());
        }
    }
    rest
}

/// Whether no column holds something of a document.
pub(super) fn leaves_extra(document: &Document, schema: &Schema) -> bool {
    !rest_of(document, schema).is_empty()
}

/// The field of what no column holds.
pub(super) fn extra_field() -> FieldDef {
    undeclared(super::EXTRA)
}
