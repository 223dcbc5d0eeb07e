//! Records as rows and back: an [`Encoder`] that writes the binary form of each column straight into a message, and a
//! [`Decoder`] that reads a row where it lies. No tree in between.

use std::borrow::Cow;

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    Layout, numeric,
    schema::{Column, Table, flattened, width},
    tagged::{self, TaggedEncoder},
    wire::{self, Kind, Raw, Scalar, Values},
};
use crate::{
    error::{Error, Result},
    record::{Decoder, Document, DocumentReader, Encoder, FieldDef, FieldType, Next, RecordCodec, Schema, Type},
    value::Value,
};

/// The version byte before the text of a `jsonb`.
const JSONB: u8 = 1;

/// Appends the columns of a record.
pub(super) fn encode_record<R: RecordCodec>(
    record: &R,
    schema: &Schema,
    table: &Table,
    out: &mut Values,
) -> Result<()> {
    if table.layout == Layout::Document {
        return out.with(|bytes| {
            let start = bytes.len();
            bytes.push(JSONB);
            tagged::push_record(record, schema, bytes)?;
            tagged::check_depth(bytes.get(start..).unwrap_or_default())
        });
    }
    let mark = out.mark();
    let mut encoder = RowEncoder { columns: Columns::Table(&table.columns), at: 0, out, extra: Vec::new() };
    record.encode(schema, &mut encoder)?;
    let RowEncoder { extra, out, .. } = encoder;
    if table.restricted {
        table.restrict(mark, out)?;
    }
    match &table.extra {
        None if extra.is_empty() => {}
        None => {
            return Err(Error::unsupported("the table has no column `_extra jsonb` for fields that are not declared"));
        }
        Some(_) if extra.is_empty() => out.null(),
        Some(_) => out.with(|bytes| {
            bytes.extend_from_slice(&[JSONB, b'{']);
            bytes.extend_from_slice(&extra);
            bytes.push(b'}');
        }),
    }
    Ok(())
}

/// What the values go into.
#[derive(Clone, Copy)]
enum Columns<'t> {
    Table(&'t [Column]),
    /// The items of an array.
    Items(Scalar),
}

struct RowEncoder<'t, 'o> {
    columns: Columns<'t>,
    at: usize,
    out: &'o mut Values,
    /// Undeclared fields, as the inside of a JSON object.
    extra: Vec<u8>,
}

/// Where the next value goes.
enum Slot {
    Native(Scalar),
    /// Self-describing JSON.
    Tagged(Scalar),
    /// Among the undeclared fields.
    Extra,
}

impl RowEncoder<'_, '_> {
    #[inline]
    fn slot(&mut self, field: &FieldDef) -> Slot {
        let kind = match self.columns {
            Columns::Items(scalar) => return Slot::Native(scalar),
            Columns::Table(columns) => columns.get(self.at).map(|column| column.kind),
        };
        self.at += 1;
        match kind {
            None => Slot::Extra,
            Some(Kind { scalar: scalar @ (Scalar::Json | Scalar::Jsonb), array: false }) if field.ty != Type::Json => {
                Slot::Tagged(scalar)
            }
            Some(kind) => Slot::Native(kind.scalar),
        }
    }

    /// A value in the JSON of its slot.
    fn tagged(&mut self, slot: &Slot, write: impl FnOnce(&mut TaggedEncoder<'_>) -> Result<()>) -> Result<()> {
        match slot {
            Slot::Extra => {
                let start = self.extra.len();
                write(&mut TaggedEncoder { out: &mut self.extra, named: true, begun: start > 0 })?;
                tagged::check_depth(self.extra.get(start..).unwrap_or_default())
            }
            Slot::Tagged(scalar) | Slot::Native(scalar) => self.out.with(|bytes| {
                if *scalar == Scalar::Jsonb {
                    bytes.push(JSONB);
                }
                let start = bytes.len();
                write(&mut TaggedEncoder { out: bytes, named: false, begun: false })?;
                tagged::check_depth(bytes.get(start..).unwrap_or_default())
            }),
        }
    }
}

#[cold]
fn unfit(field: &FieldDef, scalar: Scalar) -> Error {
    Error::invalid(format!("a column of type {} cannot hold it", scalar.sql())).at_field(field.name.clone())
}

impl Encoder for RowEncoder<'_, '_> {
    fn null(&mut self, field: &FieldDef) -> Result<()> {
        let columns = match self.columns {
            Columns::Table(columns) if self.at >= columns.len() => 0,
            Columns::Table(_) => width(field),
            Columns::Items(_) => 1,
        };
        (0..columns).for_each(|_| self.out.null());
        self.at += columns;
        Ok(())
    }
    fn bool(&mut self, field: &FieldDef, value: bool) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::Bool) => self.out.bool(value),
            Slot::Native(other) => return Err(unfit(field, other)),
            slot => return self.tagged(&slot, |e| e.bool(field, value)),
        }
        Ok(())
    }
    #[inline]
    fn int(&mut self, field: &FieldDef, value: i64) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::Int8) => self.out.i64(value),
            Slot::Native(scalar) => {
                return put_integer(self.out, scalar, value.into()).ok_or_else(|| unfit(field, scalar));
            }
            slot => return self.tagged(&slot, |e| e.int(field, value)),
        }
        Ok(())
    }
    fn uint(&mut self, field: &FieldDef, value: u64) -> Result<()> {
        match self.slot(field) {
            Slot::Native(scalar) => put_integer(self.out, scalar, value.into()).ok_or_else(|| unfit(field, scalar)),
            slot => self.tagged(&slot, |e| e.uint(field, value)),
        }
    }
    fn float32(&mut self, field: &FieldDef, value: f32) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::Float4) => self.out.f32(value),
            Slot::Native(Scalar::Float8) => self.out.f64(value.into()),
            Slot::Native(other) => return Err(unfit(field, other)),
            slot => return self.tagged(&slot, |e| e.float32(field, value)),
        }
        Ok(())
    }
    #[inline]
    fn float(&mut self, field: &FieldDef, value: f64) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::Float8) => self.out.f64(value),
            Slot::Native(Scalar::Float4) if f64::from(value as f32) == value => self.out.f32(value as f32),
            Slot::Native(other) => return Err(unfit(field, other)),
            slot => return self.tagged(&slot, |e| e.float(field, value)),
        }
        Ok(())
    }
    fn decimal(&mut self, field: &FieldDef, value: Decimal) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::Numeric) => self.out.numeric(&value.to_string()),
            Slot::Native(scalar) => {
                let whole = Some(value.normalize()).filter(|value| value.scale() == 0);
                let put = whole.and_then(|whole| put_integer(self.out, scalar, whole.mantissa()));
                return put.ok_or_else(|| unfit(field, scalar));
            }
            slot => return self.tagged(&slot, |e| e.decimal(field, value)),
        }
        Ok(())
    }
    #[inline]
    fn text(&mut self, field: &FieldDef, value: &str) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::Text) => self.out.put(value.as_bytes()),
            Slot::Native(other) => return Err(unfit(field, other)),
            slot => return self.tagged(&slot, |e| e.text(field, value)),
        }
        Ok(())
    }
    fn bytes(&mut self, field: &FieldDef, value: &[u8]) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::Bytea) => self.out.put(value),
            Slot::Native(other) => return Err(unfit(field, other)),
            slot => return self.tagged(&slot, |e| e.bytes(field, value)),
        }
        Ok(())
    }
    #[inline]
    fn uuid(&mut self, field: &FieldDef, value: Uuid) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::Uuid) => self.out.uuid(value.into_bytes()),
            Slot::Native(Scalar::Text) => self.out.put(value.hyphenated().to_string().as_bytes()),
            Slot::Native(other) => return Err(unfit(field, other)),
            slot => return self.tagged(&slot, |e| e.uuid(field, value)),
        }
        Ok(())
    }
    #[inline]
    fn timestamp(&mut self, field: &FieldDef, value: Timestamp) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::TimestampTz | Scalar::Timestamp) => {
                self.out.i64(wire::micros_of(value).ok_or_else(|| wire::too_early(field))?);
            }
            Slot::Native(other) => return Err(unfit(field, other)),
            slot => return self.tagged(&slot, |e| e.timestamp(field, value)),
        }
        Ok(())
    }
    fn date(&mut self, field: &FieldDef, value: Date) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::Date) => self.out.i32(wire::days_of(value).ok_or_else(|| wire::too_early(field))?),
            Slot::Native(other) => return Err(unfit(field, other)),
            slot => return self.tagged(&slot, |e| e.date(field, value)),
        }
        Ok(())
    }
    fn vector(&mut self, field: &FieldDef, value: &[f32]) -> Result<()> {
        match self.slot(field) {
            Slot::Native(Scalar::Float4) => {
                self.out.array_with(Scalar::Float4, |out| value.iter().for_each(|item| out.f32(*item)));
            }
            Slot::Native(other) => return Err(unfit(field, other)),
            slot => return self.tagged(&slot, |e| e.vector(field, value)),
        }
        Ok(())
    }
    fn json<T: Serialize>(&mut self, field: &FieldDef, value: &T) -> Result<()> {
        match self.slot(field) {
            Slot::Native(scalar @ (Scalar::Json | Scalar::Jsonb)) => self.out.with(|bytes| {
                if scalar == Scalar::Jsonb {
                    bytes.push(JSONB);
                }
                let start = bytes.len();
                tagged::push_json(value, bytes).map_err(|cause| tagged::no_json(field, cause))?;
                tagged::check_depth(bytes.get(start..).unwrap_or_default()).map_err(|e| e.at_field(field.name.clone()))
            }),
            Slot::Native(other) => Err(unfit(field, other)),
            slot => self.tagged(&slot, |e| e.json(field, value)),
        }
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef, items: &[T]) -> Result<()> {
        match self.slot(field) {
            Slot::Native(scalar) => {
                let encoded = self.out.array_with(scalar, |out| {
                    let mut inner = RowEncoder { columns: Columns::Items(scalar), at: 0, out, extra: Vec::new() };
                    items.iter().try_for_each(|value| value.encode(item, &mut inner))
                });
                encoded.map_err(|e| e.under_field(&field.name))
            }
            slot => self.tagged(&slot, |e| e.list(field, item, items)),
        }
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema, record: &N) -> Result<()> {
        let in_columns = matches!(self.columns, Columns::Table(columns) if self.at < columns.len());
        if in_columns && flattened(&field.ty).is_some() {
            if field.nullable {
                self.out.bool(true);
                self.at += 1;
            }
            return record.encode(schema, self).map_err(|e| e.under_field(&field.name));
        }
        let slot = self.slot(field);
        self.tagged(&slot, |e| e.record(field, schema, record))
    }
}

/// Appends an integer; `None` where the column is too small for it.
pub(super) fn put_integer(out: &mut Values, scalar: Scalar, value: i128) -> Option<()> {
    match scalar {
        Scalar::Int2 => out.i16(value.try_into().ok()?),
        Scalar::Int4 => out.i32(value.try_into().ok()?),
        Scalar::Int8 => out.i64(value.try_into().ok()?),
        Scalar::Numeric => out.numeric(&value.to_string()),
        _ => return None,
    }
    Some(())
}

// ---- reading

/// Offers one value of a row, of whatever kind its column is.
#[derive(Clone, Copy)]
pub(super) struct CellDecoder<'r> {
    pub(super) kind: Kind,
    pub(super) raw: Option<&'r [u8]>,
}

impl<'r> CellDecoder<'r> {
    fn fixed<const N: usize>(raw: &[u8]) -> Option<[u8; N]> {
        raw.try_into().ok()
    }
    /// A value that some kinds can be read as; null is none.
    #[inline]
    fn read<T>(&self, field: &FieldDef, read: impl FnOnce(Scalar, &'r [u8]) -> Option<T>) -> Result<Option<T>> {
        let Some(raw) = self.raw else { return Ok(None) };
        match self.kind.array {
            false => read(self.kind.scalar, raw).map(Some).ok_or_else(|| self.unread(field)),
            true => Err(self.unread(field)),
        }
    }
    #[cold]
    fn unread(&self, field: &FieldDef) -> Error {
        let error = Error::invalid(format!("a value of a column of type {} is no {}", self.kind.sql(), field.ty));
        error.at_field(field.name.clone())
    }
    fn integer(scalar: Scalar, raw: &[u8]) -> Option<i128> {
        Some(match scalar {
            Scalar::Int8 => i64::from_be_bytes(Self::fixed(raw)?).into(),
            Scalar::Int4 => i32::from_be_bytes(Self::fixed(raw)?).into(),
            Scalar::Int2 => i16::from_be_bytes(Self::fixed(raw)?).into(),
            Scalar::Numeric => whole(&numeric::decode(raw)?)?,
            _ => return None,
        })
    }
    fn number(scalar: Scalar, raw: &[u8]) -> Option<f64> {
        Some(match scalar {
            Scalar::Float8 => f64::from_be_bytes(Self::fixed(raw)?),
            Scalar::Float4 => f32::from_be_bytes(Self::fixed(raw)?).into(),
            Scalar::Numeric => numeric::decode(raw)?.parse().ok()?,
            other => {
                let int = Self::integer(other, raw)?;
                Some(int as f64).filter(|float| *float as i128 == int)?
            }
        })
    }
    /// The text of a JSON value.
    fn json_text(scalar: Scalar, raw: &'r [u8]) -> Option<&'r [u8]> {
        match (scalar, raw) {
            (Scalar::Jsonb, [JSONB, text @ ..]) => Some(text),
            (Scalar::Json, text) => Some(text),
            _ => None,
        }
    }
    fn tagged(&self, field: &FieldDef) -> Result<Option<Value>> {
        let text = self.read(field, Self::json_text)?;
        text.map(|text| tagged::read_value(text).map_err(|e| e.at_field(field.name.clone()))).transpose()
    }
}

/// A whole number with nothing but zeros behind its point.
fn whole(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.bytes().all(|digit| digit == b'0') { whole.parse().ok() } else { None }
}

/// A decimal, cut of zeros at its end where they are what makes it too long.
fn decimal(text: &str) -> Option<Decimal> {
    let shorter = || text.contains('.').then(|| text.trim_end_matches('0').trim_end_matches('.'));
    Decimal::from_str_exact(text).ok().or_else(|| Decimal::from_str_exact(shorter()?).ok())
}

impl Decoder for CellDecoder<'_> {
    fn next(&mut self, _: &Schema) -> Result<Next> {
        Ok(Next::End)
    }
    fn name(&self) -> &str {
        ""
    }
    fn skip(&mut self) -> Result<()> {
        Ok(())
    }
    fn bool(&mut self, field: &FieldDef) -> Result<Option<bool>> {
        self.read(field, |scalar, raw| match (scalar, raw) {
            (Scalar::Bool, [byte]) => Some(*byte != 0),
            _ => None,
        })
    }
    #[inline]
    fn int(&mut self, field: &FieldDef) -> Result<Option<i64>> {
        self.read(field, |scalar, raw| match scalar {
            Scalar::Int8 => Self::fixed(raw).map(i64::from_be_bytes),
            scalar => Self::integer(scalar, raw)?.try_into().ok(),
        })
    }
    fn uint(&mut self, field: &FieldDef) -> Result<Option<u64>> {
        self.read(field, |scalar, raw| Self::integer(scalar, raw)?.try_into().ok())
    }
    fn float32(&mut self, field: &FieldDef) -> Result<Option<f32>> {
        self.read(field, |scalar, raw| match scalar {
            Scalar::Float4 => Some(f32::from_be_bytes(Self::fixed(raw)?)),
            other => Self::number(other, raw).map(|value| value as f32),
        })
    }
    #[inline]
    fn float(&mut self, field: &FieldDef) -> Result<Option<f64>> {
        self.read(field, Self::number)
    }
    fn decimal(&mut self, field: &FieldDef) -> Result<Option<Decimal>> {
        self.read(field, |scalar, raw| match scalar {
            Scalar::Numeric => decimal(&numeric::decode(raw)?),
            other => Decimal::try_from_i128_with_scale(Self::integer(other, raw)?, 0).ok(),
        })
    }
    #[inline]
    fn text(&mut self, field: &FieldDef) -> Result<Option<Cow<'_, str>>> {
        self.read(field, |scalar, raw| match scalar {
            Scalar::Text => std::str::from_utf8(raw).ok().map(Cow::Borrowed),
            Scalar::Uuid => Some(Cow::Owned(Uuid::from_bytes(Self::fixed(raw)?).to_string())),
            _ => None,
        })
    }
    fn bytes(&mut self, field: &FieldDef) -> Result<Option<Vec<u8>>> {
        self.read(field, |scalar, raw| (scalar == Scalar::Bytea).then(|| raw.to_vec()))
    }
    #[inline]
    fn uuid(&mut self, field: &FieldDef) -> Result<Option<u128>> {
        self.read(field, |scalar, raw| match scalar {
            Scalar::Uuid => Self::fixed(raw).map(u128::from_be_bytes),
            Scalar::Text => std::str::from_utf8(raw).ok()?.parse().ok().map(|uuid: Uuid| uuid.as_u128()),
            _ => None,
        })
    }
    #[inline]
    fn timestamp(&mut self, field: &FieldDef) -> Result<Option<Timestamp>> {
        self.read(field, |scalar, raw| match scalar {
            Scalar::TimestampTz | Scalar::Timestamp => wire::moment_of(i64::from_be_bytes(Self::fixed(raw)?)),
            _ => None,
        })
    }
    fn date(&mut self, field: &FieldDef) -> Result<Option<Date>> {
        self.read(field, |scalar, raw| match scalar {
            Scalar::Date => wire::date_of(i32::from_be_bytes(Self::fixed(raw)?)),
            _ => None,
        })
    }
    fn vector(&mut self, field: &FieldDef) -> Result<Option<Vec<f32>>> {
        match self.kind {
            Kind { scalar: Scalar::Jsonb | Scalar::Json, array: false } => match self.tagged(field)? {
                None => Ok(None),
                Some(Value::Vector(vector)) => Ok(Some(vector)),
                Some(_) => Err(self.unread(field)),
            },
            _ => self.list::<f32>(field, <f32 as crate::record::field_type::Item>::ITEM),
        }
    }
    fn json<T: DeserializeOwned>(&mut self, field: &FieldDef) -> Result<Option<T>> {
        let Some(text) = self.read(field, Self::json_text)? else { return Ok(None) };
        let refused =
            |cause: serde_json::Error| self.misfit(field, format!("the JSON does not fit: {cause}")).caused_by(cause);
        match text {
            // JSON that is null at the top is null (semantics 2.1).
            b"null" => Ok(None),
            text => tagged::read_json(text).map(Some).map_err(refused),
        }
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef) -> Result<Option<Vec<T>>> {
        let Some(raw) = self.raw else { return Ok(None) };
        if !self.kind.array {
            let Some(Value::List(items)) = self.tagged(field)? else { return Err(self.unread(field)) };
            let items = items.into_iter().map(|value| T::from_value(item, value));
            return items.collect::<Result<_>>().map(Some).map_err(|e| e.under_field(&field.name));
        }
        let refused = || self.misfit(field, "the array holds a null or has more than one dimension");
        let items = wire::array(raw).ok_or_else(refused)?;
        let kind = self.kind.scalar.one();
        let mut list = Vec::with_capacity(items.len());
        for raw in items {
            if raw.is_none() && !item.nullable {
                return Err(refused());
            }
            let mut cell = CellDecoder { kind, raw };
            list.push(T::decode(item, &mut cell).map_err(|e| e.under_field(&field.name))?);
        }
        Ok(Some(list))
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema) -> Result<Option<N>> {
        match self.tagged(field)? {
            None => Ok(None),
            Some(Value::Record(inside)) => {
                let record = N::decode(schema, &mut DocumentReader::new(&inside));
                record.map(Some).map_err(|e| e.under_field(&field.name))
            }
            Some(_) => Err(self.unread(field)),
        }
    }
    fn any(&mut self) -> Result<Value> {
        let field = &crate::record::document::undeclared("");
        match self.kind.scalar {
            _ if self.raw.is_none() => Ok(Value::Null),
            _ if self.kind.array => Ok(self.list::<Value>(field, field)?.into()),
            Scalar::Jsonb | Scalar::Json => Ok(self.tagged(field)?.unwrap_or_default()),
            Scalar::Bool => Ok(self.bool(field)?.into()),
            Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => Ok(self.int(field)?.into()),
            Scalar::Float4 | Scalar::Float8 => Ok(self.float(field)?.into()),
            Scalar::Numeric => Ok(self.decimal(field)?.into()),
            Scalar::Text => Ok(self.text(field)?.map_or(Value::Null, |text| Value::Text(text.into_owned()))),
            Scalar::Bytea => Ok(self.bytes(field)?.into()),
            Scalar::Uuid => Ok(self.uuid(field)?.map(Uuid::from_u128).into()),
            Scalar::TimestampTz | Scalar::Timestamp => Ok(self.timestamp(field)?.into()),
            Scalar::Date => Ok(self.date(field)?.into()),
        }
    }
}

/// How the columns of an answer make a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The fields one behind the other, nested records flattened.
    Flat,
    /// The same, and then the undeclared fields.
    Open,
    /// One column with the whole record.
    Document,
    /// One column for each field, whatever it holds.
    Chosen,
}

/// Reads the record of a row.
pub(super) fn decode_record<R: RecordCodec>(row: &Row, kinds: &[Kind], shape: Shape, schema: &Schema) -> Result<R> {
    if shape == Shape::Document {
        let cell = CellDecoder { kind: Scalar::Jsonb.one(), raw: raw(row, 0)? };
        let text = cell.raw.and_then(|raw| CellDecoder::json_text(Scalar::Jsonb, raw));
        let text = text.ok_or_else(|| Error::corrupt("the row has no document"))?;
        return R::decode(schema, &mut DocumentReader::new(&tagged::read_document(text)?));
    }
    let extra = (shape == Shape::Open).then(|| kinds.len().saturating_sub(1));
    let flat = shape != Shape::Chosen;
    R::decode(
        schema,
        &mut RowDecoder {
            row,
            kinds,
            flat,
            at: 0,
            end: 0,
            field: 0,
            extra,
            undeclared: None,
            name: String::new(),
            value: None,
        },
    )
}

/// The bytes of a column.
#[inline]
pub(super) fn raw(row: &Row, at: usize) -> Result<Option<&[u8]>> {
    match row.try_get::<_, Option<Raw<'_>>>(at) {
        Ok(found) => Ok(found.map(|raw| raw.0)),
        Err(cause) => {
            Err(Error::backend("the server answered with other columns than it was asked for").because(cause))
        }
    }
}

struct RowDecoder<'r> {
    row: &'r Row,
    kinds: &'r [Kind],
    flat: bool,
    /// Where the columns of the current field begin, and where those of the next one do.
    at: usize,
    end: usize,
    /// The next field.
    field: usize,
    /// The column of the undeclared fields.
    extra: Option<usize>,
    undeclared: Option<std::vec::IntoIter<(crate::record::Name, Value)>>,
    name: String,
    value: Option<Value>,
}

impl<'r> RowDecoder<'r> {
    #[inline]
    fn cell(&self) -> Result<CellDecoder<'r>> {
        let kind = self.kinds.get(self.at).copied();
        let kind = kind.ok_or_else(|| Error::backend("the schema has more columns than the answer"))?;
        Ok(CellDecoder { kind, raw: raw(self.row, self.at)? })
    }
    fn next_undeclared(&mut self) -> Result<Next> {
        if let Some(at) = self.extra.take() {
            let cell = CellDecoder { kind: Scalar::Jsonb.one(), raw: raw(self.row, at)? };
            let text = cell.raw.and_then(|raw| CellDecoder::json_text(Scalar::Jsonb, raw));
            let fields = text.map_or_else(|| Ok(Document::new()), tagged::read_document)?;
            self.undeclared = Some(fields.into_iter());
        }
        match self.undeclared.as_mut().and_then(Iterator::next) {
            Some((name, value)) => {
                (self.name, self.value) = (name.into_owned(), Some(value));
                Ok(Next::Undeclared)
            }
            None => Ok(Next::End),
        }
    }
}

impl Decoder for RowDecoder<'_> {
    #[inline]
    fn next(&mut self, schema: &Schema) -> Result<Next> {
        let Some(field) = schema.fields.get(self.field) else { return self.next_undeclared() };
        self.at = self.end;
        self.end += if self.flat { width(field) } else { 1 };
        self.field += 1;
        Ok(Next::Field(self.field - 1))
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn skip(&mut self) -> Result<()> {
        Ok(())
    }
    fn bool(&mut self, field: &FieldDef) -> Result<Option<bool>> {
        self.cell()?.bool(field)
    }
    #[inline]
    fn int(&mut self, field: &FieldDef) -> Result<Option<i64>> {
        self.cell()?.int(field)
    }
    fn uint(&mut self, field: &FieldDef) -> Result<Option<u64>> {
        self.cell()?.uint(field)
    }
    fn float32(&mut self, field: &FieldDef) -> Result<Option<f32>> {
        self.cell()?.float32(field)
    }
    #[inline]
    fn float(&mut self, field: &FieldDef) -> Result<Option<f64>> {
        self.cell()?.float(field)
    }
    fn decimal(&mut self, field: &FieldDef) -> Result<Option<Decimal>> {
        self.cell()?.decimal(field)
    }
    #[inline]
    fn text(&mut self, field: &FieldDef) -> Result<Option<Cow<'_, str>>> {
        let cell = self.cell()?;
        cell.read(field, |scalar, raw| match scalar {
            Scalar::Text => std::str::from_utf8(raw).ok().map(Cow::Borrowed),
            Scalar::Uuid => Some(Cow::Owned(Uuid::from_bytes(CellDecoder::fixed(raw)?).to_string())),
            _ => None,
        })
    }
    fn bytes(&mut self, field: &FieldDef) -> Result<Option<Vec<u8>>> {
        self.cell()?.bytes(field)
    }
    #[inline]
    fn uuid(&mut self, field: &FieldDef) -> Result<Option<u128>> {
        self.cell()?.uuid(field)
    }
    #[inline]
    fn timestamp(&mut self, field: &FieldDef) -> Result<Option<Timestamp>> {
        self.cell()?.timestamp(field)
    }
    fn date(&mut self, field: &FieldDef) -> Result<Option<Date>> {
        self.cell()?.date(field)
    }
    fn vector(&mut self, field: &FieldDef) -> Result<Option<Vec<f32>>> {
        self.cell()?.vector(field)
    }
    fn json<T: DeserializeOwned>(&mut self, field: &FieldDef) -> Result<Option<T>> {
        self.cell()?.json(field)
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef) -> Result<Option<Vec<T>>> {
        self.cell()?.list(field, item)
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema) -> Result<Option<N>> {
        if !self.flat || flattened(&field.ty).is_none() {
            return self.cell()?.record(field, schema);
        }
        let mut at = self.at;
        if field.nullable {
            if raw(self.row, at)?.is_none() {
                return Ok(None);
            }
            at += 1;
        }
        let mut inside = RowDecoder {
            at,
            end: at,
            field: 0,
            extra: None,
            undeclared: None,
            name: String::new(),
            value: None,
            ..*self
        };
        N::decode(schema, &mut inside).map(Some).map_err(|e| e.under_field(&field.name))
    }
    fn any(&mut self) -> Result<Value> {
        match self.value.take() {
            Some(value) => Ok(value),
            None => self.cell()?.any(),
        }
    }
}
