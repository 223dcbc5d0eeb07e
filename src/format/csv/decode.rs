//! A record out of one CSV row: a [`Decoder`] over cells. Which column is which field was settled by the header.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{
    Inferred, RawField, RawRecord,
    columns::{Columns, Level, empty_is_value},
    inferred,
    layout::may_lack,
};
use crate::{
    error::{Error, Result},
    format::{
        json::{JsonDecoder, decode_field},
        parallel::raised,
        timestamp,
    },
    record::{Decoder, FieldDef, FieldType, Next, RecordCodec, Schema, Type},
    value::{Value, ValueRef},
};

/// Offers the cells of one row, or those of a record inside it.
pub(crate) struct RowDecoder<'a, 'b> {
    level: &'a Level,
    row: RawRecord<'a, 'b>,
    /// The entry of the level that comes next.
    next: usize,
    /// The column that is being read; one that no row has before the first and behind the last.
    column: usize,
    /// The columns of a record that is spread, where one is being read.
    inside: Option<&'a Level>,
}

/// No row has so many.
const NO_COLUMN: usize = usize::MAX;

impl<'a, 'b> RowDecoder<'a, 'b> {
    pub(crate) fn new(columns: &'a Columns, row: RawRecord<'a, 'b>) -> Self {
        RowDecoder::of_level(&columns.top, row)
    }

    fn of_level(level: &'a Level, row: RawRecord<'a, 'b>) -> Self {
        RowDecoder { level, row, next: 0, column: NO_COLUMN, inside: None }
    }

    /// Reads the cell of a column next.
    pub(super) fn at(columns: &'a Columns, row: RawRecord<'a, 'b>, column: usize) -> Self {
        RowDecoder { column, ..RowDecoder::new(columns, row) }
    }

    /// Whether a cell says that something is there; one that says nothing is null.
    pub(super) fn is_said(row: RawRecord<'a, 'b>, column: usize) -> Result<bool> {
        let Some(cell) = row.field(column).filter(|cell| !cell.is_null_for(false)) else { return Ok(false) };
        let text = cell.text().map_err(|kind| raised(&row.error(column, kind)))?;
        let line = row.field_position(column).unwrap_or_else(|| row.position()).line;
        let why =
            "the column says whether a record is there, whose fields have columns of their own: `true`, or nothing";
        bool(&text).ok_or_else(|| Error::invalid(why).at_line(line, Some(column as u64 + 1)).with_value(&text))
    }

    /// The text of the cell; `None` where it is null for a field of this type, or not there.
    #[inline(always)]
    fn cell(&self, field: &FieldDef) -> Result<Option<Cow<'b, str>>> {
        self.present(field).map(|cell| self.text_of(&cell)).transpose()
    }

    /// The cell; `None` where it is null for a field of this type, or not there.
    #[inline(always)]
    fn present(&self, field: &FieldDef) -> Option<RawField<'b>> {
        self.row.field(self.column).filter(|cell| !cell.is_null_for(empty_is_value(&field.ty)))
    }

    #[inline]
    fn text_of(&self, cell: &RawField<'b>) -> Result<Cow<'b, str>> {
        cell.text().map_err(|kind| raised(&self.row.error(self.column, kind)))
    }

    /// The cell as `T`; a text that is not one is an error with its place.
    #[inline]
    fn parsed<T>(&self, field: &FieldDef, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
        let Some(text) = self.cell(field)? else { return Ok(None) };
        match parse(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(self.unfit(field, &text)),
        }
    }

    #[cold]
    fn unfit(&self, field: &FieldDef, text: &str) -> Error {
        self.misfit(field, format!("not a {}", field.ty)).with_value(text)
    }

    /// A cell that holds JSON.
    fn nested<T>(
        &self,
        field: &FieldDef,
        read: impl FnOnce(&mut JsonDecoder<'_>) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let Some(text) = self.cell(field)? else { return Ok(None) };
        decode_field(&text, read).map_err(|inner| self.unfit_inside(field, &text, &inner))
    }

    /// The error of a cell whose JSON does not fit.
    #[cold]
    fn unfit_inside(&self, field: &FieldDef, text: &str, inner: &Error) -> Error {
        let cell = self.misfit(field, "");
        let (line, column) = (cell.place().line.unwrap_or(0), cell.place().column);
        let path = inner.place().field.clone().unwrap_or(field.name.to_string());
        let why = format!("the JSON in the cell: {}", inner.message());
        Error::new(inner.kind(), why).at_field(path).at_line(line, column).with_value(text)
    }

    /// Puts in the value of the cell as predicates see it, of the declared type or inferred. It is made where it stays: to hand on
    /// a value of so many kinds costs more than to parse most of them.
    #[inline]
    pub(super) fn put_value(&mut self, field: Option<&FieldDef>, value: &mut ValueRef<'b>) -> Result<()> {
        let Some(field) = field else {
            *value = self.inferred()?;
            return Ok(());
        };
        // Also of a field that is not nullable: a record on the way to it may be null.
        let Some(cell) = self.present(field) else {
            *value = ValueRef::Null;
            return Ok(());
        };
        match &field.ty {
            Type::Text => *value = ValueRef::Text(self.text_of(&cell)?),
            Type::F64 => {
                let text = self.text_of(&cell)?;
                *value = ValueRef::Float(float(&text).ok_or_else(|| self.unfit(field, &text))?);
            }
            ty if ty.integer_range().is_some() => {
                let text = self.text_of(&cell)?;
                *value = ValueRef::Int(text.parse().map_err(|_| self.unfit(field, &text))?);
            }
            Type::Any => *value = self.inferred()?,
            // Owned where it is built anyway.
            _ => *value = Value::read(field, self)?.unwrap_or_default().into_ref(),
        }
        Ok(())
    }

    fn inferred(&self) -> Result<ValueRef<'b>> {
        let Some(cell) = self.row.field(self.column) else { return Ok(ValueRef::Null) };
        if cell.is_null() {
            return Ok(ValueRef::Null);
        }
        let text = self.text_of(&cell)?;
        if cell.is_quoted() {
            return Ok(ValueRef::Text(text));
        }
        Ok(match inferred(&text) {
            // Where null has another spelling.
            Inferred::Null => ValueRef::Text(text),
            Inferred::Bool(v) => ValueRef::Bool(v),
            Inferred::Int(v) => ValueRef::Int(v.into()),
            Inferred::Uint(v) => ValueRef::Int(v.into()),
            Inferred::Float(v) => ValueRef::Float(v),
            Inferred::Date(v) => ValueRef::Date(v),
            Inferred::Timestamp(v) => ValueRef::Timestamp(v),
            Inferred::Uuid(v) => ValueRef::Uuid(v),
            Inferred::Text => ValueRef::Text(text),
        })
    }
}

fn float(text: &str) -> Option<f64> {
    text.parse().ok().filter(|v: &f64| v.is_finite())
}

/// `true`, `false`, and the `1` and `0` that other tools write.
fn bool(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

impl Decoder for RowDecoder<'_, '_> {
    #[inline]
    fn next(&mut self, _: &Schema) -> Result<Next> {
        let Some(entry) = self.level.entries.get(self.next) else {
            self.column = NO_COLUMN;
            return Ok(Next::End);
        };
        self.next += 1;
        self.column = entry.column;
        self.inside = entry.inside.as_ref();
        Ok(entry.field.map_or(Next::Undeclared, Next::Field))
    }
    fn name(&self) -> &str {
        self.next.checked_sub(1).and_then(|at| self.level.entries.get(at)).map_or("", |entry| entry.name.as_ref())
    }
    #[inline]
    fn skip(&mut self) -> Result<()> {
        Ok(())
    }
    fn bool(&mut self, field: &FieldDef) -> Result<Option<bool>> {
        self.parsed(field, bool)
    }
    #[inline]
    fn int(&mut self, field: &FieldDef) -> Result<Option<i64>> {
        self.parsed(field, |text| text.parse().ok())
    }
    fn uint(&mut self, field: &FieldDef) -> Result<Option<u64>> {
        self.parsed(field, |text| text.parse().ok())
    }
    fn float32(&mut self, field: &FieldDef) -> Result<Option<f32>> {
        self.parsed(field, |text| text.parse().ok().filter(|v: &f32| v.is_finite()))
    }
    #[inline]
    fn float(&mut self, field: &FieldDef) -> Result<Option<f64>> {
        self.parsed(field, float)
    }
    fn decimal(&mut self, field: &FieldDef) -> Result<Option<Decimal>> {
        self.parsed(field, |text| Decimal::from_str_exact(text).ok())
    }
    #[inline]
    fn text(&mut self, field: &FieldDef) -> Result<Option<Cow<'_, str>>> {
        self.cell(field)
    }
    fn bytes(&mut self, field: &FieldDef) -> Result<Option<Vec<u8>>> {
        self.parsed(field, |text| BASE64_STANDARD.decode(text).ok())
    }
    fn uuid(&mut self, field: &FieldDef) -> Result<Option<u128>> {
        self.parsed(field, |text| Uuid::try_parse(text).ok().map(|uuid| uuid.as_u128()))
    }
    fn timestamp(&mut self, field: &FieldDef) -> Result<Option<Timestamp>> {
        self.parsed(field, timestamp::read)
    }
    fn date(&mut self, field: &FieldDef) -> Result<Option<Date>> {
        self.parsed(field, |text| text.parse().ok())
    }
    fn vector(&mut self, field: &FieldDef) -> Result<Option<Vec<f32>>> {
        self.nested(field, |json| json.vector(field))
    }
    fn json<T: DeserializeOwned>(&mut self, field: &FieldDef) -> Result<Option<T>> {
        self.nested(field, |json| json.json(field))
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef) -> Result<Option<Vec<T>>> {
        self.nested(field, |json| json.list(field, item))
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema) -> Result<Option<N>> {
        match self.inside {
            None => self.nested(field, |json| json.record(field, schema)),
            // Null and missing are one thing (semantics 2.1): where the record may be null, it is when all of it is.
            Some(inside) if may_lack(field) && inside.is_null(self.row)? => Ok(None),
            Some(inside) => {
                let record = N::decode(schema, &mut RowDecoder::of_level(inside, self.row));
                record.map(Some).map_err(|e| e.under_field(&field.name))
            }
        }
    }
    fn any(&mut self) -> Result<Value> {
        self.inferred().map(ValueRef::into_owned)
    }
    #[cold]
    fn misfit(&self, field: &FieldDef, why: impl Into<Cow<'static, str>>) -> Error {
        let place = self.row.field_position(self.column);
        let error = Error::invalid(why).at_field(field.name.clone());
        error.at_line(place.unwrap_or_else(|| self.row.position()).line, place.map(|_| self.column as u64 + 1))
    }
}
