//! A record as text: the JSON object that journal and overlay keep, and the envelope that stands beside a record's fields in a
//! base file.
//!
//! A value of which nothing but the record knows the type, and whose type the text would not give back (a UUID in JSON, bytes
//! in CSV), has its type in an envelope field `_types`. This module does no I/O.

use std::{borrow::Cow, collections::BTreeMap, io::Write as _};

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    format::{
        csv::{Columns, RawRecord, RowDecoder},
        json::{decode_object, encode_record},
        timestamp,
    },
    id::{Id, IdBuffer},
    record::{
        Decoder, Document, Envelope, FieldDef, FieldType, Metadata, Next, REPEATED, RecordCodec, Schema, Shared, Step,
        Type, document::DocumentWriter,
    },
    value::Value,
    version::Version,
};

/// The types of values that their text does not give back, by field; `None` where the text is the tagged form of the value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Types(BTreeMap<String, Option<Type>>);

/// Which types a text gives back by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Native {
    Json,
    Csv,
}

impl Native {
    fn gives_back(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_)) => true,
            (Native::Csv, Value::Date(_) | Value::Timestamp(_) | Value::Uuid(_)) => true,
            (Native::Json, Value::List(items)) => items.iter().all(|item| self.gives_back(item)),
            (Native::Json, Value::Record(inside)) => inside.iter().all(|(_, value)| self.gives_back(value)),
            _ => false,
        }
    }
}

/// The type that a declared field would have to hold this value; none for a list of unlike items.
fn type_of(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Null => Type::Any,
        Value::Bool(_) => Type::Bool,
        Value::Int(v) if i64::try_from(*v).is_ok() => Type::I64,
        Value::Int(_) => Type::U64,
        Value::Float(_) => Type::F64,
        Value::Decimal(_) => Type::Decimal,
        Value::Text(_) => Type::Text,
        Value::Bytes(_) => Type::Bytes,
        Value::Uuid(_) => Type::Uuid,
        Value::Timestamp(_) => Type::Timestamp,
        Value::Date(_) => Type::Date,
        Value::Json(_) => Type::Json,
        Value::Vector(v) => Type::Vector(u32::try_from(v.len()).ok()?),
        Value::List(items) => Type::List(Shared::Owned(item_of(items)?.into())),
        Value::Record(inside) => Type::Record(Shared::Owned(inside_of(inside)?.into())),
    })
}

fn item_of(items: &[Value]) -> Option<FieldDef> {
    let any = || FieldDef { nullable: true, ..FieldDef::new("", Type::Any) };
    if items.iter().all(|item| Native::Json.gives_back(item)) {
        return Some(any());
    }
    let first = type_of(items.first()?)?;
    let alike = items.iter().all(|item| type_of(item).as_ref() == Some(&first));
    alike.then(|| FieldDef { ty: first, ..any() })
}

fn inside_of(document: &Document) -> Option<Schema> {
    let fields = document.iter().filter(|(_, value)| !Native::Json.gives_back(value));
    let fields = fields.map(|(name, value)| Some(FieldDef::new(name.to_owned(), type_of(value)?).nullable()));
    let fields: Option<Vec<FieldDef>> = fields.collect();
    Some(Schema { fields: fields?.into(), ..Schema::open("") })
}

/// Whether records of this schema can hold values of which only the record knows the type.
pub(super) fn is_loose(schema: &Schema) -> bool {
    schema.open || schema.fields.iter().any(|field| field.ty == Type::Any)
}

impl Types {
    /// The types that a text of this kind would not give back.
    pub(super) fn of(document: &Document, schema: &Schema, native: Native) -> Types {
        let told = |name: &str| schema.find(name).is_some_and(|(_, field)| field.ty != Type::Any);
        let untold = document.iter().filter(|(name, value)| !told(name) && !native.gives_back(value));
        Types(untold.map(|(name, value)| (name.to_owned(), type_of(value))).collect())
    }
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The document as it is written: what has no type is in its tagged form.
    pub(super) fn written(&self, mut document: Document) -> Result<Document> {
        for name in self.0.iter().filter(|(_, ty)| ty.is_none()).map(|(name, _)| name) {
            let tagged = serde_json::to_value(&document[name.as_str()])
                .map_err(|cause| Error::invalid("it has no form as text").at_field(name.clone()).caused_by(cause))?;
            document.set(name.clone(), Value::Json(tagged));
        }
        Ok(document)
    }
    /// The schema with these types.
    pub(super) fn told(&self, schema: &Schema) -> Schema {
        let mut told = schema.clone();
        let fields = told.fields.to_mut();
        for (name, ty) in &self.0 {
            let ty = ty.clone().unwrap_or(Type::Json);
            match fields.iter_mut().find(|field| field.name == *name) {
                Some(field) if field.ty == Type::Any => field.ty = ty,
                Some(_) => {}
                None => fields.push(FieldDef::new(name.clone(), ty).nullable()),
            }
        }
        told
    }
    /// Puts the values in whose tagged form was read.
    fn untag<R: RecordCodec>(&self, record: &mut R, schema: &Schema) -> Result<()> {
        for name in self.0.iter().filter(|(_, ty)| ty.is_none()).map(|(name, _)| name) {
            let index = schema.find(name).map(|(index, _)| index);
            let step = [Step { name: Cow::Owned(name.clone()), index }];
            if let Value::Json(tagged) = record.cell(&step).into_owned() {
                let value: Value = serde_json::from_value(tagged).map_err(|cause| {
                    Error::corrupt("not the tagged form of a value").at_field(name.clone()).caused_by(cause)
                })?;
                record.put(schema, &step, value)?;
            }
        }
        Ok(())
    }
}

// ---- what stands beside the fields

/// What a text says of a record beside its fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) id: Option<Id>,
    pub(super) version: Option<Version>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) metadata: Metadata,
    types: Types,
    /// The parts that were there, a bit for each of [`COLUMNS`].
    found: u8,
    /// Whether there are fields that the schema does not declare.
    pub(super) undeclared: bool,
    /// Whether the id is all that is asked for.
    only_id: bool,
}

impl Parts {
    /// What is asked for where the id is enough, whatever else stands there.
    pub(super) fn only_id() -> Parts {
        Parts { only_id: true, ..Parts::default() }
    }

    /// The envelope, under the id that was settled.
    pub(super) fn into_envelope(self, id: Id) -> Envelope {
        let envelope = Envelope::of(id).with_times(self.created_at, self.updated_at).with_metadata(self.metadata);
        envelope.with_version(self.version)
    }
}

/// The names of the envelope's columns, in the order in which they are written.
pub(super) const COLUMNS: [&str; 6] = ["_id", "_version", "_created_at", "_updated_at", "_metadata", "_types"];

const ID: FieldDef = part("_id", Type::Text);
const VERSION: FieldDef = part("_version", Type::Text);
const CREATED_AT: FieldDef = part("_created_at", Type::Timestamp);
const UPDATED_AT: FieldDef = part("_updated_at", Type::Timestamp);
const METADATA: FieldDef = part("_metadata", Type::Json);
const TYPES: FieldDef = part("_types", Type::Json);

const fn part(name: &'static str, ty: Type) -> FieldDef {
    FieldDef { name: Cow::Borrowed(name), ty, nullable: true, ..FieldDef::EMPTY }
}

/// A decoder that keeps the envelope's fields for itself.
pub(super) struct Opened<'p, D> {
    pub(super) inner: &'p mut D,
    pub(super) parts: &'p mut Parts,
    /// Whether a value says its own type, so that an id may be a number.
    pub(super) typed: bool,
}

impl<D: Decoder> Opened<'_, D> {
    /// Takes the field that the decoder has come to, if it is one of the envelope's.
    fn take(&mut self) -> Result<bool> {
        let Some(place) = COLUMNS.into_iter().position(|name| name == self.inner.name()) else { return Ok(false) };
        let name = COLUMNS[place];
        if self.parts.found >> place & 1 == 1 {
            return Err(self.inner.misfit(&part(name, Type::Text), REPEATED));
        }
        self.parts.found |= 1 << place;
        match name {
            "_id" => self.parts.id = self.id()?,
            _ if self.parts.only_id => self.inner.skip()?,
            "_version" => {
                // Where null has a spelling in CSV, an empty cell of another tool's is a text.
                let text = self.inner.text(&VERSION)?.filter(|text| !text.is_empty());
                let text = text.map(Cow::into_owned);
                let misread = |text: &str| self.misfit(&VERSION, "not a version").with_value(text);
                self.parts.version = text.map(|text| text.parse().map_err(|_| misread(&text))).transpose()?;
            }
            "_created_at" => self.parts.created_at = self.inner.timestamp(&CREATED_AT)?,
            "_updated_at" => self.parts.updated_at = self.inner.timestamp(&UPDATED_AT)?,
            "_metadata" => self.parts.metadata = self.inner.json(&METADATA)?.unwrap_or_default(),
            _ => self.parts.types = self.inner.json(&TYPES)?.unwrap_or_default(),
        }
        Ok(true)
    }
    /// Passes over an undeclared field, an envelope's only if it reads.
    pub(super) fn pass_over(&mut self) -> Result<()> {
        if self.inner.name().starts_with('_') && self.take()? { Ok(()) } else { self.inner.skip() }
    }
    fn id(&mut self) -> Result<Option<Id>> {
        let text = match self.typed {
            false => self.inner.text(&ID)?.map(Cow::into_owned),
            true => match self.inner.any().map_err(|error| error.at_field(ID.name))? {
                Value::Null => None,
                Value::Text(text) => Some(text),
                Value::Int(number) => Some(number.to_string()),
                other => return Err(self.inner.misfit(&ID, format!("a {} is no id", other.kind()))),
            },
        };
        let id =
            |text: String| Id::new(&text).map_err(|cause| self.inner.misfit(&ID, cause.to_string()).with_value(&text));
        text.filter(|text| !text.is_empty()).map(id).transpose()
    }
}

impl<D: Decoder> Decoder for Opened<'_, D> {
    fn next(&mut self, schema: &Schema) -> Result<Next> {
        loop {
            let next = self.inner.next(schema)?;
            if next != Next::Undeclared {
                return Ok(next);
            }
            if !self.inner.name().starts_with('_') || !self.take()? {
                self.parts.undeclared = true;
                return Ok(next);
            }
        }
    }
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn names_once(&self) -> bool {
        self.inner.names_once()
    }
    fn skip(&mut self) -> Result<()> {
        self.inner.skip()
    }
    fn bool(&mut self, field: &FieldDef) -> Result<Option<bool>> {
        self.inner.bool(field)
    }
    #[inline]
    fn int(&mut self, field: &FieldDef) -> Result<Option<i64>> {
        self.inner.int(field)
    }
    fn uint(&mut self, field: &FieldDef) -> Result<Option<u64>> {
        self.inner.uint(field)
    }
    fn float32(&mut self, field: &FieldDef) -> Result<Option<f32>> {
        self.inner.float32(field)
    }
    #[inline]
    fn float(&mut self, field: &FieldDef) -> Result<Option<f64>> {
        self.inner.float(field)
    }
    fn decimal(&mut self, field: &FieldDef) -> Result<Option<Decimal>> {
        self.inner.decimal(field)
    }
    #[inline]
    fn text(&mut self, field: &FieldDef) -> Result<Option<Cow<'_, str>>> {
        self.inner.text(field)
    }
    fn bytes(&mut self, field: &FieldDef) -> Result<Option<Vec<u8>>> {
        self.inner.bytes(field)
    }
    fn uuid(&mut self, field: &FieldDef) -> Result<Option<u128>> {
        self.inner.uuid(field)
    }
    fn timestamp(&mut self, field: &FieldDef) -> Result<Option<Timestamp>> {
        self.inner.timestamp(field)
    }
    fn date(&mut self, field: &FieldDef) -> Result<Option<Date>> {
        self.inner.date(field)
    }
    fn vector(&mut self, field: &FieldDef) -> Result<Option<Vec<f32>>> {
        self.inner.vector(field)
    }
    fn json<T: DeserializeOwned>(&mut self, field: &FieldDef) -> Result<Option<T>> {
        self.inner.json(field)
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef) -> Result<Option<Vec<T>>> {
        self.inner.list(field, item)
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema) -> Result<Option<N>> {
        self.inner.record(field, schema)
    }
    fn any(&mut self) -> Result<Value> {
        self.inner.any()
    }
    fn misfit(&self, field: &FieldDef, why: impl Into<Cow<'static, str>>) -> Error {
        self.inner.misfit(field, why)
    }
}

/// The text of one record.
pub(super) trait RowText {
    /// Reads it once, against a schema.
    fn read<R: RecordCodec>(&self, schema: &Schema, parts: &mut Parts) -> Result<R>;

    /// Reads it against a schema with more fields than the one that the text was settled with.
    fn read_told<R: RecordCodec>(&self, told: &Schema, parts: &mut Parts) -> Result<R> {
        self.read(told, parts)
    }
}

/// A JSON object.
impl RowText for &str {
    fn read<R: RecordCodec>(&self, schema: &Schema, parts: &mut Parts) -> Result<R> {
        decode_object(self, |inner| R::decode(schema, &mut Opened { inner, parts, typed: true }))
    }
}

/// A row of CSV and its columns.
pub(super) struct CsvRow<'c, 'a, 'b> {
    pub(super) columns: &'c Columns,
    pub(super) row: RawRecord<'a, 'b>,
}

impl RowText for CsvRow<'_, '_, '_> {
    fn read<R: RecordCodec>(&self, schema: &Schema, parts: &mut Parts) -> Result<R> {
        R::decode(schema, &mut Opened { inner: &mut RowDecoder::new(self.columns, self.row), parts, typed: false })
    }

    /// Which column is which field was settled without these types.
    fn read_told<R: RecordCodec>(&self, told: &Schema, parts: &mut Parts) -> Result<R> {
        let columns = Columns::settle(self.columns.names().to_vec(), told)?;
        CsvRow { columns: &columns, row: self.row }.read(told, parts)
    }
}

/// The record of a text, and what stands beside its fields.
///
/// # Errors
/// `Corrupt` or `Invalid`, with the field, for what does not read.
pub(super) fn decode<R: RecordCodec>(text: &impl RowText, schema: &Schema) -> Result<(R, Parts)> {
    decode_parts(text, schema, &Parts::default())
}

/// The same, with as much of what stands beside the fields as is asked for.
///
/// # Errors
/// As [`decode`].
pub(super) fn decode_parts<R: RecordCodec>(text: &impl RowText, schema: &Schema, asked: &Parts) -> Result<(R, Parts)> {
    let mut parts = asked.clone();
    let record = text.read(schema, &mut parts)?;
    if parts.types.is_empty() || !is_loose(schema) {
        return Ok((record, parts));
    }
    // Seldom: once more, now that the types are known.
    let told = parts.types.told(schema);
    let mut parts = Parts::default();
    let mut record: R = text.read_told(&told, &mut parts)?;
    parts.types.untag(&mut record, &told)?;
    Ok((record, parts))
}

// ---- the body of a journal's entry

/// The record as a JSON object, with fields of an old one that its type does not know.
///
/// # Errors
/// `Invalid`, with the field, for what has no text.
pub(super) fn encode_body<R: RecordCodec>(record: &R, schema: &Schema, kept: Option<&Document>) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    encode_body_into(record, schema, kept, &mut out)?;
    Ok(out)
}

/// The same, at the end of `out`.
///
/// # Errors
/// As [`encode_body`].
pub(super) fn encode_body_into<R: RecordCodec>(
    record: &R,
    schema: &Schema,
    kept: Option<&Document>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let start = out.len();
    if kept.is_none() && !is_loose(schema) {
        encode_record(record, schema, out)?;
        if schema.fields.iter().any(|field| field.ty == Type::Json) {
            check_depth(&out[start..])?;
        }
        return Ok(());
    }
    let mut document = DocumentWriter::document_of(record, schema)?;
    for (name, value) in kept.into_iter().flat_map(Document::iter) {
        if document.get(name).is_none() {
            document.set(name.to_owned(), value.clone());
        }
    }
    encode_document(document, schema, out)?;
    check_depth(&out[start..])
}

/// Levels of a body that are read back; some are left for what is put around it.
const MAX_DEPTH: usize = 120;

/// Refuses what nests deeper than the reader goes.
fn check_depth(body: &[u8]) -> Result<()> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Error::invalid(format!(
                "the record nests deeper than {MAX_DEPTH} levels, which a file does not hold"
            )));
        }
    }
    Ok(())
}

/// A document as a JSON object, with the types that JSON would lose.
pub(super) fn encode_document(document: Document, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
    let types = Types::of(&document, schema, Native::Json);
    let start = out.len();
    let document = types.written(document)?;
    encode_record(&document, schema, out)?;
    if !types.is_empty() {
        let mut field = b"\"_types\":".to_vec();
        serde_json::to_writer(&mut field, &types).map_err(no_types)?;
        insert_fields(&field, start, out);
    }
    Ok(())
}

fn no_types(cause: serde_json::Error) -> Error {
    Error::invalid("the types of a record have no JSON form").caused_by(cause)
}

/// Puts fields at the front of the object that begins at `start`, which is one of ours.
fn insert_fields(fields: &[u8], start: usize, out: &mut Vec<u8>) {
    let is_empty = out[start..].ends_with(b"{}");
    let comma: &[u8] = if is_empty { b"" } else { b"," };
    out.splice(start + 1..start + 1, fields.iter().chain(comma).copied());
}

/// The record of a body.
pub(super) fn decode_body<R: RecordCodec>(body: &[u8], schema: &Schema) -> Result<(R, Parts)> {
    let text = std::str::from_utf8(body).map_err(|_| Error::corrupt("a record in the journal is not UTF-8"))?;
    decode(&text, schema)
}

// ---- the envelope as text

/// Puts a JSON object with the fields of an envelope in front of its own.
///
/// # Errors
/// `Invalid` where the metadata has no JSON form.
pub(super) fn put_object(envelope: &Envelope, with_id: bool, object: &[u8], out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    let start = out.len();
    put_envelope(envelope, with_id, out)?;
    let fields = object.strip_prefix(b"{").unwrap_or(object);
    if out.len() > start && fields.trim_ascii_start() != b"}" {
        out.push(b',');
    }
    out.extend_from_slice(fields);
    Ok(())
}

fn put_envelope(envelope: &Envelope, with_id: bool, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    let name = |name: &str, out: &mut Vec<u8>| {
        out.extend_from_slice(if out.len() == start { b"\"" } else { b",\"" });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
    };
    if with_id {
        name("_id", out);
        put_text(envelope.id().text(&mut IdBuffer::new()), out)?;
    }
    if let Some(version) = envelope.version() {
        name("_version", out);
        match version.as_text() {
            Some(_) => put_text(&version.to_string(), out)?,
            // What else versions are is plain text.
            None => write!(out, "\"{version}\"")?,
        }
    }
    let (created, updated) = (envelope.created_at(), envelope.updated_at());
    let mut printed = 0..0;
    if let Some(moment) = created {
        name("_created_at", out);
        printed.start = out.len();
        put_moment(moment, out);
        printed.end = out.len();
    }
    if let Some(moment) = updated {
        name("_updated_at", out);
        // Most records were never changed.
        match created == updated {
            true => out.extend_from_within(printed),
            false => put_moment(moment, out),
        }
    }
    if !envelope.metadata().is_empty() {
        name("_metadata", out);
        serde_json::to_writer(out, envelope.metadata()).map_err(no_types)?;
    }
    Ok(())
}

fn put_moment(moment: Timestamp, out: &mut Vec<u8>) {
    out.push(b'"');
    timestamp::print(moment, out);
    out.push(b'"');
}

fn put_text(text: &str, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, text).map_err(no_types)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::document;

    #[test]
    fn a_body_gives_back_types_that_json_has_not() {
        let schema = Schema::open("things");
        let uuid = Uuid::from_u128(7);
        let document = document! {
            "id" => uuid, "bytes" => vec![0_u8, 1], "n" => 1, "list" => Value::List(vec![uuid.into(), "x".into()]),
            "inside" => document! { "day" => "2024-02-29".parse::<Date>().unwrap_or_default(), "t" => "text" },
        };
        let body = encode_body(&document, &schema, None).expect("it has a text");
        let (read, parts) = decode_body::<Document>(&body, &schema).expect("it reads");
        assert_eq!(read, document);
        assert!(!parts.types.is_empty());
    }
}
