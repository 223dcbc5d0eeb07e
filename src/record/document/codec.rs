//! A document as a record, and a [`Value`] as the type of a field: both look at the schema at run time.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    error::{Error, Result},
    id::Id,
    query::handle::OpaqueKind,
    record::{
        codec::{Decoder, Encoder, Form, Next, REPEATED, RecordCodec},
        document::{Document, filling::Filling, undeclared},
        field_type::{FieldType, Item, Plain, beyond_float, check_text, to_microseconds, unknown_variant},
        json_field::check_json,
        schema::{FieldDef, Schema, Type},
        target::{Step, nearest},
    },
    value::{Value, ValueRef},
};

impl RecordCodec for Document {
    type Shape = Arc<Schema>;

    fn encode<E: Encoder>(&self, schema: &Schema, out: &mut E) -> Result<()> {
        for field in schema.fields.iter() {
            self.get(&field.name).unwrap_or(&Value::Null).encode(field, out)?;
        }
        for (name, value) in self.undeclared(schema) {
            value.encode(&undeclared(name), out)?;
        }
        Ok(())
    }

    fn decode<D: Decoder>(schema: &Schema, from: &mut D) -> Result<Self> {
        let mut document = Filling::default();
        let once = from.names_once();
        loop {
            match from.next(schema)? {
                Next::End => break,
                Next::Field(index) => {
                    let field = &schema.fields[index];
                    let value = Value::decode(field, from)?;
                    document.set(field.name.clone(), value);
                }
                Next::Undeclared if schema.open => {
                    let name = from.name().to_owned();
                    let value = from.any()?;
                    match once {
                        true => document
                            .add(name.into(), value)
                            .map_err(|name| from.misfit(&undeclared(&name), REPEATED))?,
                        false => document.set(name.into(), value),
                    }
                }
                Next::Undeclared => from.skip()?,
            }
        }
        Ok(document.done())
    }

    fn cell(&self, steps: &[Step]) -> ValueRef<'_> {
        let Some((step, rest)) = steps.split_first() else { return ValueRef::Null };
        // Rows of a table hold their values in the schema's order: look there before looking the name up.
        let hinted = step.index.filter(|&i| self.names.get(i) == Some(&step.name)).and_then(|i| self.values.get(i));
        match hinted.or_else(|| self.get(&step.name)) {
            Some(Value::Record(inside)) if !rest.is_empty() => inside.cell(rest),
            Some(value) if rest.is_empty() => value.as_ref(),
            _ => ValueRef::Null,
        }
    }

    fn put(&mut self, schema: &Schema, steps: &[Step], value: Value) -> Result<()> {
        let Some((step, rest)) = steps.split_first() else { return Ok(()) };
        if rest.is_empty() {
            self.set(step.name.clone(), value);
            return Ok(());
        }
        let inside = self.record_mut(&step.name).ok_or_else(|| {
            Error::invalid("it is null or no record, so nothing inside can be set").at_field(step.name.clone())
        })?;
        let declared = step.index.and_then(|i| schema.fields.get(i)).and_then(|f| match &f.ty {
            Type::Record(schema) => Some(&**schema),
            _ => None,
        });
        inside.put(declared.unwrap_or(schema), rest, value).map_err(|e| e.under_field(&step.name))
    }

    fn check(&self, schema: &Schema) -> Result<Form> {
        self.check_depth()?;
        self.check_fields(schema)
    }

    fn normalize(&mut self, _: &Schema) {
        self.values.iter_mut().for_each(normalize);
    }

    fn own_id(&self, schema: &Schema) -> Result<Option<Id>> {
        let Some((_, field)) = schema.id_field() else { return Ok(None) };
        let refused = |why: &'static str| Error::invalid(why).at_field(field.name.clone());
        match self.get(&field.name) {
            None => Err(refused("the id is null")),
            Some(Value::Text(text)) => {
                Ok(Some(Id::new(text).map_err(|e| Error::from(e).at_field(field.name.clone()))?))
            }
            Some(Value::Uuid(uuid)) => Ok(Some(Id::from(*uuid))),
            Some(Value::Int(n)) => Ok(Some(Id::new(&n.to_string())?)),
            Some(_) => Err(refused("an id is a text, a uuid or an integer")),
        }
    }
}

impl Document {
    /// The fields that the schema does not declare.
    fn undeclared<'a>(&'a self, schema: &'a Schema) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.iter().filter(|(name, _)| !schema.fields.iter().any(|f| f.name == *name))
    }
}

fn not_declared(schema: &Schema, name: &str) -> Error {
    let known = schema.fields.iter().map(|f| f.name.as_ref());
    let hint = nearest(name, known).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    Error::invalid(format!("`{}` declares no such field and is not open{hint}", schema.name)).at_field(name.to_owned())
}

/// How deep lists and records that are made at run time nest in a record: what every engine holds, and no stack overflows over.
const MAX_DEPTH: usize = 50;

impl Document {
    fn check_fields(&self, schema: &Schema) -> Result<Form> {
        let declared = schema.fields.iter().map(|field| match self.get(&field.name) {
            Some(value) => value.check(field),
            None if field.nullable || field.default => Ok(Form::Stored),
            None => Err(Error::invalid("null, and the field is not nullable").at_field(field.name.clone())),
        });
        let others = self.undeclared(schema).map(|(name, value)| match schema.open {
            true => check_undeclared(name, value),
            false => Err(not_declared(schema, name)),
        });
        declared.chain(others).try_fold(Form::Stored, |all, form| Ok(all.and(form?)))
    }

    /// Refuses what nests too deep, before anything goes down into it.
    fn check_depth(&self) -> Result<()> {
        for (name, value) in self.iter() {
            if !matches!(value, Value::List(_) | Value::Record(_)) {
                continue;
            }
            let mut behind = vec![(value, 0)];
            while let Some((value, depth)) = behind.pop() {
                if depth > MAX_DEPTH {
                    let why = format!("lists and records nest more than {MAX_DEPTH} levels deep in it");
                    return Err(Error::invalid(why).at_field(name.to_owned()));
                }
                match value {
                    Value::List(items) => behind.extend(items.iter().map(|item| (item, depth + 1))),
                    Value::Record(inside) => behind.extend(inside.iter().map(|(_, value)| (value, depth + 1))),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn check_undeclared(name: &str, value: &Value) -> Result<Form> {
    let refused = |why: &'static str| Err(Error::invalid(why).at_field(name.to_owned()));
    match () {
        () if name.starts_with('_') => refused("names that begin with `_` belong to the envelope"),
        () if name.is_empty() => refused("a field has no name"),
        () if name.contains('\0') => refused("a name holds U+0000"),
        () => value.check(&undeclared(name)),
    }
}

fn normalize(value: &mut Value) {
    match value {
        Value::Float(v) => *v += 0.0,
        Value::Timestamp(v) => *v = to_microseconds(*v),
        Value::List(items) => items.iter_mut().for_each(normalize),
        Value::Record(inside) => inside.values.iter_mut().for_each(normalize),
        Value::Vector(v) => v.iter_mut().for_each(|v| *v += 0.0),
        Value::Json(json) if json.is_null() => *value = Value::Null,
        _ => {}
    }
}

// ---- a value as a field

impl FieldType for Value {
    const TYPE: Type = Type::Any;
    const NULLABLE: bool = true;
    type Kind = OpaqueKind;

    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> {
        match (self, &field.ty) {
            (Value::Null, _) => out.null(field),
            (Value::Bool(v), _) => out.bool(field, *v),
            (Value::Int(v), ty) => encode_int(*v, ty, field, out),
            (Value::Float(v), Type::F32) => out.float32(field, *v as f32),
            (Value::Float(v), _) => out.float(field, *v),
            (Value::Decimal(v), _) => out.decimal(field, *v),
            (Value::Text(v), _) => out.text(field, v),
            (Value::Bytes(v), _) => out.bytes(field, v),
            (Value::Uuid(v), _) => out.uuid(field, *v),
            (Value::Timestamp(v), _) => out.timestamp(field, *v),
            (Value::Date(v), _) => out.date(field, *v),
            (Value::Json(v), _) => out.json(field, v),
            (Value::Vector(v), _) => out.vector(field, v),
            (Value::List(v), Type::List(item)) => out.list(field, item, v),
            (Value::List(v), _) => out.list(field, <Value as Item>::ITEM, v),
            (Value::Record(v), Type::Record(schema)) => out.record(field, schema, v),
            (Value::Record(v), _) => out.record(field, &Schema::open(""), v),
        }
    }

    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
        let value = match &field.ty {
            Type::Any => from.any()?,
            Type::Bool => from.bool(field)?.into(),
            Type::U64 => from.uint(field)?.into(),
            ty if ty.integer_range().is_some() => from.int(field)?.into(),
            Type::F32 => from.float32(field)?.into(),
            Type::F64 => from.float(field)?.into(),
            Type::Decimal => from.decimal(field)?.into(),
            Type::Bytes => from.bytes(field)?.into(),
            Type::Uuid => from.uuid(field)?.map(Uuid::from_u128).into(),
            Type::Timestamp => from.timestamp(field)?.into(),
            Type::Date => from.date(field)?.into(),
            Type::Json => from.json::<serde_json::Value>(field)?.into(),
            Type::Vector(_) => from.vector(field)?.map_or(Value::Null, Value::Vector),
            Type::List(item) => from.list::<Value>(field, item)?.into(),
            Type::Record(schema) => from.record::<Document>(field, schema)?.into(),
            // What is left is text, and the names of enums.
            _ => from.text(field)?.map_or(Value::Null, |text| Value::Text(text.into_owned())),
        };
        match fault(&value, field) {
            Some(why) => Err(from.misfit(field, why)),
            None => Ok(Some(value)),
        }
    }

    fn from_value(_: &FieldDef, value: Value) -> Result<Self> {
        Ok(value)
    }

    fn is_null(&self) -> bool {
        Value::is_null(self)
    }

    fn cell(&self, rest: &[Step]) -> ValueRef<'_> {
        match self {
            value if rest.is_empty() => value.as_ref(),
            Value::Record(inside) => inside.cell(rest),
            _ => ValueRef::Null,
        }
    }

    fn check(&self, field: &FieldDef) -> Result<Form> {
        if let Some(why) = fault(self, field) {
            return Err(Error::invalid(why).at_field(field.name.clone()));
        }
        match (self, &field.ty) {
            (Value::Text(text), _) => text.check(field),
            (Value::Float(v), _) => v.check(field),
            (Value::Decimal(v), _) => v.check(field),
            (Value::Timestamp(v), _) => v.check(field),
            (Value::Json(json), _) if json.is_null() => Ok(Form::Loose),
            (Value::Json(json), _) => check_json(json, field).map(|()| Form::Stored),
            (Value::Vector(v), _) => v.iter().try_fold(Form::Stored, |all, v| Ok(all.and(v.check(field)?))),
            (Value::List(items), Type::List(item)) => check_items(items, item, field),
            (Value::List(items), _) => check_items(items, <Value as Item>::ITEM, field),
            (Value::Record(inside), Type::Record(schema)) => {
                inside.check_fields(schema).map_err(|e| e.under_field(&field.name))
            }
            (Value::Record(inside), _) => {
                inside.check_fields(&Schema::open("")).map_err(|e| e.under_field(&field.name))
            }
            _ => Ok(Form::Stored),
        }
    }

    fn normalize(&mut self, _: &FieldDef) {
        normalize(self);
    }
}
impl Plain for Value {}
impl Item for Value {}

fn check_items(items: &[Value], item: &FieldDef, field: &FieldDef) -> Result<Form> {
    let forms = items.iter().map(|value| match value {
        Value::Text(text) => check_text(text, field).map(|()| Form::Stored),
        value => value.check(item),
    });
    forms
        .into_iter()
        .try_fold(Form::Stored, |all, form| Ok(all.and(form?)))
        .map_err(|e: Error| e.under_field(&field.name))
}

fn encode_int<E: Encoder>(value: i128, ty: &Type, field: &FieldDef, out: &mut E) -> Result<()> {
    match (i64::try_from(value), u64::try_from(value)) {
        (_, Ok(value)) if *ty == Type::U64 => out.uint(field, value),
        (Ok(value), _) => out.int(field, value),
        (_, Ok(value)) => out.uint(field, value),
        _ => Err(Error::invalid("an integer of more than 64 bits")
            .at_field(field.name.clone())
            .with_value(&value.to_string())),
    }
}

/// Why a declared field cannot hold this value.
fn fault(value: &Value, field: &FieldDef) -> Option<String> {
    let unlike = || Some(format!("a {} cannot hold a {}", field.ty, value.kind()));
    // JSON that is null at the top is null (semantics 2.1).
    let value = if matches!(value, Value::Json(json) if json.is_null()) { &Value::Null } else { value };
    match (value, &field.ty) {
        (Value::Null, _) if field.nullable || field.default || field.ty == Type::Any => None,
        (Value::Null, _) => Some("null, and the field is not nullable".to_owned()),
        (Value::Int(v), Type::Any) => (i64::try_from(*v).is_err() && u64::try_from(*v).is_err())
            .then(|| "an integer of more than 64 bits; use a decimal".to_owned()),
        (_, Type::Any) => None,
        (Value::Int(v), ty) => match ty.integer_range() {
            Some((least, greatest)) if (least..=greatest).contains(v) => None,
            Some((least, greatest)) => Some(format!("out of the range of {ty} ({least} to {greatest})")),
            None => unlike(),
        },
        (Value::Float(v), ty @ Type::F32) if v.is_finite() && (*v as f32).is_infinite() => Some(beyond_float(ty)),
        (Value::Float(v), Type::F32) => {
            (f64::from(*v as f32) != *v && v.is_finite()).then(|| "an f32 cannot hold this number exactly".to_owned())
        }
        (Value::Text(name), Type::Enum(names)) => {
            (!names.contains(&name.as_str().into())).then(|| unknown_variant(name, names))
        }
        (Value::Vector(v), Type::Vector(n)) => {
            (v.len() != *n as usize).then(|| format!("a vector of {} dimensions, where the field has {n}", v.len()))
        }
        (Value::Float(_), Type::F64)
        | (Value::Bool(_), Type::Bool)
        | (Value::Decimal(_), Type::Decimal)
        | (Value::Text(_), Type::Text)
        | (Value::Bytes(_), Type::Bytes)
        | (Value::Uuid(_), Type::Uuid)
        | (Value::Timestamp(_), Type::Timestamp)
        | (Value::Date(_), Type::Date)
        | (Value::List(_), Type::List(_))
        | (Value::Record(_), Type::Record(_))
        | (Value::Json(_), Type::Json) => None,
        _ => unlike(),
    }
}
