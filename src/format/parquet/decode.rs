//! A record out of one row of a batch: a [`Decoder`] over cells. Numbers are widened, never rounded.

use std::{borrow::Cow, slice};

use arrow_array::Array;
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{
    batch::{Batch, Column},
    cells::{self, Cells, Fault, RecordCells},
};
use crate::{
    error::{Error, Result},
    record::{Decoder, Document, FieldDef, FieldType, Name, Next, RecordCodec, Schema},
    value::{Value, ValueRef},
};

/// Offers the fields of one row, or of one record inside it.
pub(super) struct RowDecoder<'a> {
    batch: &'a Batch,
    /// The row of the batch, for the place of an error.
    origin: usize,
    /// The row in the arrays, which differs inside lists.
    row: usize,
    /// The columns to come, where they are what comes next.
    columns: slice::Iter<'a, Column>,
    fields: Fields<'a>,
    /// The cells of what is being read; [`NOTHING`] while the [extra](Extra) fields are given.
    cells: &'a Cells,
}

/// Where fields are found.
enum Fields<'a> {
    /// Columns, the last that was given just before those to come.
    Columns,
    /// One value alone: the item of a list.
    Alone,
    /// The fields of a record inside a record, of which so many have been given.
    Inside(&'a RecordCells, usize),
    Extra(Box<Extra<'a>>),
}

/// The undeclared fields out of the one column that keeps them.
struct Extra<'a> {
    rest: std::vec::IntoIter<(Name, Value)>,
    /// The one that is being read.
    found: Option<(Name, Value)>,
    /// The columns behind that one.
    columns: slice::Iter<'a, Column>,
}

static NOTHING: Cells = Cells::Null(0);

impl<'a> RowDecoder<'a> {
    #[inline]
    pub(super) fn new(batch: &'a Batch, row: usize) -> Self {
        let columns = batch.columns.iter();
        RowDecoder { batch, origin: row, row, columns, fields: Fields::Columns, cells: &NOTHING }
    }

    /// The cell of one column alone.
    pub(super) fn at(batch: &'a Batch, row: usize, column: usize) -> Self {
        let mut columns = batch.columns.iter();
        let cells = columns.nth(column).map_or(&NOTHING, |column| &column.cells);
        RowDecoder { batch, origin: row, row, columns, fields: Fields::Columns, cells }
    }

    /// What is inside a cell of the row.
    #[inline]
    fn inside(&self, fields: Fields<'a>, cells: &'a Cells, row: usize) -> RowDecoder<'a> {
        RowDecoder { batch: self.batch, origin: self.origin, row, columns: [].iter(), fields, cells }
    }

    /// The next field where it is none of the schema's own in a column of its own.
    #[inline(never)]
    fn next_other(&mut self, schema: &Schema) -> Result<Next> {
        loop {
            match &mut self.fields {
                Fields::Columns | Fields::Alone => {}
                Fields::Inside(record, given) => {
                    let place = *given;
                    *given += 1;
                    self.cells = record.fields.get(place).unwrap_or(&NOTHING);
                    return Ok(record.names.get(place).map_or(Next::End, |name| declared(schema, name)));
                }
                Fields::Extra(extra) => {
                    extra.found = extra.rest.next();
                    if let Some((name, _)) = &extra.found {
                        return Ok(declared(schema, name));
                    }
                    self.columns = std::mem::take(&mut extra.columns);
                    self.fields = Fields::Columns;
                }
            }
            let Some(column) = self.columns.next() else { return Ok(Next::End) };
            self.cells = &column.cells;
            match column.place {
                Place::Field(index) => return Ok(Next::Field(index)),
                Place::Undeclared => return Ok(Next::Undeclared),
                Place::Extra => self.open_extra(&column.cells)?,
                Place::Envelope | Place::Unread => {}
            }
        }
    }

    /// Begins with the column of undeclared fields.
    fn open_extra(&mut self, column: &Cells) -> Result<()> {
        match column.value(self.row) {
            Ok(ValueRef::Record(document)) => {
                let rest = document.into_owned().into_iter().collect::<Vec<_>>().into_iter();
                let columns = std::mem::take(&mut self.columns);
                self.fields = Fields::Extra(Box::new(Extra { rest, found: None, columns }));
                self.cells = &NOTHING;
            }
            Ok(_) => {}
            Err(fault) => return Err(self.misfit(&crate::record::document::undeclared(super::EXTRA), fault)),
        }
        Ok(())
    }

    /// The undeclared field out of the column of those that is being read.
    fn found(&self) -> Option<&(Name, Value)> {
        match &self.fields {
            Fields::Extra(extra) => extra.found.as_ref(),
            _ => None,
        }
    }

    #[cold]
    fn refused(&self, field: &FieldDef, kind: &str) -> Error {
        self.misfit(field, format!("a {} cannot hold this {kind} exactly", field.ty))
    }

    /// A cell read by its value, where its column is of another kind than the field.
    #[cold]
    fn widened<T>(&self, field: &FieldDef, fit: impl FnOnce(ValueRef<'a>) -> Option<T>) -> Result<Option<T>> {
        let found = self.found();
        let value = match found {
            // It was kept with its kind, and is read as a document's value is.
            Some((_, value)) => value.clone().into_ref(),
            None => self.cells.value(self.row).map_err(|fault| self.misfit(field, fault))?,
        };
        if found.is_none() && value.is_null() {
            return Ok(None);
        }
        let kind = value.kind();
        fit(value).map(Some).ok_or_else(|| self.refused(field, kind))
    }

    #[cold]
    fn fault<T>(&self, field: &FieldDef, fault: Fault) -> Result<T> {
        Err(self.misfit(field, fault))
    }
}

/// What a column of this name is to a schema.
fn declared(schema: &Schema, name: &Name) -> Next {
    schema.find(name).map_or(Next::Undeclared, |(index, _)| Next::Field(index))
}

/// The value of a row in an array of one type, or null.
macro_rules! cell {
    ($array:expr, $row:expr) => {
        if $array.is_null($row) { None } else { Some($array.value($row)) }
    };
}

impl<'a> Decoder for RowDecoder<'a> {
    #[inline]
    fn next(&mut self, schema: &Schema) -> Result<Next> {
        if let Some(Column { place: Place::Field(index), cells, .. }) = self.columns.as_slice().first() {
            self.columns.next();
            self.cells = cells;
            return Ok(Next::Field(*index));
        }
        self.next_other(schema)
    }
    fn name(&self) -> &str {
        match &self.fields {
            Fields::Columns => {
                let columns = &self.batch.columns;
                let last = columns.len().wrapping_sub(self.columns.len() + 1);
                columns.get(last).map_or("", |column| &column.name)
            }
            Fields::Alone => "",
            Fields::Inside(record, given) => record.names.get(given.wrapping_sub(1)).map_or("", AsRef::as_ref),
            Fields::Extra(extra) => extra.found.as_ref().map_or("", |(name, _)| name),
        }
    }
    #[inline]
    fn skip(&mut self) -> Result<()> {
        Ok(())
    }
    #[inline]
    fn bool(&mut self, field: &FieldDef) -> Result<Option<bool>> {
        match self.cells {
            Cells::Bool(a) => Ok(cell!(a, self.row)),
            _ => self.widened(field, |value| match value {
                ValueRef::Bool(v) => Some(v),
                _ => None,
            }),
        }
    }
    #[inline]
    fn int(&mut self, field: &FieldDef) -> Result<Option<i64>> {
        let row = self.row;
        Ok(match self.cells {
            Cells::I64(a) => cell!(a, row),
            Cells::I32(a) => cell!(a, row).map(i64::from),
            Cells::U32(a) => cell!(a, row).map(i64::from),
            Cells::I16(a) => cell!(a, row).map(i64::from),
            Cells::U16(a) => cell!(a, row).map(i64::from),
            Cells::I8(a) => cell!(a, row).map(i64::from),
            Cells::U8(a) => cell!(a, row).map(i64::from),
            _ => return self.widened(field, integer),
        })
    }
    fn uint(&mut self, field: &FieldDef) -> Result<Option<u64>> {
        match self.cells {
            Cells::U64(a) => Ok(cell!(a, self.row)),
            _ => self.widened(field, integer),
        }
    }
    fn float32(&mut self, field: &FieldDef) -> Result<Option<f32>> {
        match self.cells {
            Cells::F32(a) => match cell!(a, self.row) {
                Some(v) if v.is_finite() => Ok(Some(v)),
                Some(_) => self.fault(field, cells::NOT_FINITE.into()),
                None => Ok(None),
            },
            _ => self.widened(field, |value| match value {
                ValueRef::Float(v) if f64::from(v as f32) == v => Some(v as f32),
                ValueRef::Int(v) if (v as f32) as i128 == v => Some(v as f32),
                ValueRef::Decimal(v) => exact_float(v).map(|v| v as f32),
                _ => None,
            }),
        }
    }
    #[inline]
    fn float(&mut self, field: &FieldDef) -> Result<Option<f64>> {
        match self.cells {
            Cells::F64(a) => match cell!(a, self.row) {
                Some(v) if v.is_finite() => Ok(Some(v)),
                Some(_) => self.fault(field, cells::NOT_FINITE.into()),
                None => Ok(None),
            },
            _ => self.widened(field, |value| match value {
                ValueRef::Float(v) => Some(v),
                ValueRef::Int(v) if (v as f64) as i128 == v => Some(v as f64),
                ValueRef::Decimal(v) => exact_float(v),
                _ => None,
            }),
        }
    }
    fn decimal(&mut self, field: &FieldDef) -> Result<Option<Decimal>> {
        self.widened(field, |value| match value {
            ValueRef::Decimal(v) => Some(v),
            ValueRef::Int(v) => Decimal::try_from_i128_with_scale(v, 0).ok(),
            _ => None,
        })
    }
    #[inline]
    fn text(&mut self, field: &FieldDef) -> Result<Option<Cow<'_, str>>> {
        match self.cells {
            Cells::Text(a) => Ok(cell!(a, self.row).map(Cow::Borrowed)),
            Cells::Json(a) => Ok(cell!(a, self.row).map(Cow::Borrowed)),
            // Writers without a type for text write bytes.
            Cells::Bytes(a) => match cell!(a, self.row).map(std::str::from_utf8).transpose() {
                Ok(text) => Ok(text.map(Cow::Borrowed)),
                Err(_) => Err(self.misfit(field, "bytes that are not UTF-8")),
            },
            _ => self.widened(field, |value| match value {
                ValueRef::Text(text) => Some(text),
                _ => None,
            }),
        }
    }
    fn bytes(&mut self, field: &FieldDef) -> Result<Option<Vec<u8>>> {
        self.widened(field, |value| match value {
            ValueRef::Bytes(bytes) => Some(bytes.into_owned()),
            ValueRef::Text(text) => Some(text.into_owned().into_bytes()),
            ValueRef::Uuid(uuid) => Some(uuid.as_bytes().to_vec()),
            _ => None,
        })
    }
    #[inline]
    fn uuid(&mut self, field: &FieldDef) -> Result<Option<u128>> {
        match self.cells {
            Cells::Uuid(a) => Ok(cell!(a, self.row).map(|bytes| cells::uuid(bytes).as_u128())),
            _ => self.widened(field, |value| match value {
                ValueRef::Uuid(uuid) => Some(uuid.as_u128()),
                ValueRef::Bytes(bytes) => Uuid::from_slice(&bytes).ok().map(|uuid| uuid.as_u128()),
                ValueRef::Text(text) => Uuid::try_parse(&text).ok().map(|uuid| uuid.as_u128()),
                _ => None,
            }),
        }
    }
    #[inline(always)]
    fn timestamp(&mut self, field: &FieldDef) -> Result<Option<Timestamp>> {
        match self.cells {
            Cells::Timestamp(a, unit) => match cell!(a, self.row).map(|count| cells::moment(count, *unit)) {
                Some(Ok(moment)) => Ok(Some(moment)),
                Some(Err(fault)) => self.fault(field, fault),
                None => Ok(None),
            },
            _ => self.widened(field, |value| match value {
                ValueRef::Timestamp(moment) => Some(moment),
                ValueRef::Date(day) => day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp()),
                ValueRef::Text(text) => text.parse().ok(),
                _ => None,
            }),
        }
    }
    fn date(&mut self, field: &FieldDef) -> Result<Option<Date>> {
        self.widened(field, |value| match value {
            ValueRef::Date(day) => Some(day),
            // A day that a writer without a type for days wrote as its first moment.
            ValueRef::Timestamp(moment) => {
                let local = moment.to_zoned(jiff::tz::TimeZone::UTC).datetime();
                (local.time() == jiff::civil::Time::midnight()).then(|| local.date())
            }
            ValueRef::Text(text) => text.parse().ok().filter(|day: &Date| day.to_string() == text),
            _ => None,
        })
    }
    fn vector(&mut self, field: &FieldDef) -> Result<Option<Vec<f32>>> {
        match self.cells {
            Cells::List(list) | Cells::Vector(list) if list.is_null(self.row) => Ok(None),
            Cells::List(list) | Cells::Vector(list) => {
                cells::vector(list, self.row).map(Some).or_else(|fault| self.fault(field, fault))
            }
            _ => self.widened(field, |value| match value {
                ValueRef::Vector(vector) => Some(vector.into_owned()),
                _ => None,
            }),
        }
    }
    fn json<T: DeserializeOwned>(&mut self, field: &FieldDef) -> Result<Option<T>> {
        let refused = |cause: serde_json::Error| {
            self.misfit(field, format!("the JSON does not fit the field: {cause}")).caused_by(cause)
        };
        match self.cells {
            Cells::Json(a) | Cells::Text(a) => match cell!(a, self.row) {
                Some("null") | None => Ok(None),
                Some(text) => serde_json::from_str(text).map(Some).map_err(refused),
            },
            _ => match self.widened(field, |value| cells::plain_json(value.into_owned()).ok())? {
                None | Some(serde_json::Value::Null) => Ok(None),
                Some(json) => serde_json::from_value(json).map(Some).map_err(refused),
            },
        }
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef) -> Result<Option<Vec<T>>> {
        let list = match self.cells {
            Cells::List(list) | Cells::Vector(list) if list.is_null(self.row) => return Ok(None),
            Cells::List(list) | Cells::Vector(list) => list,
            _ => {
                let Some(items) = self.widened(field, |value| match value {
                    ValueRef::List(items) => Some(items.into_owned()),
                    _ => None,
                })?
                else {
                    return Ok(None);
                };
                let items = items.into_iter().map(|value| T::from_value(item, value));
                return items.collect::<Result<_>>().map(Some).map_err(|e: Error| e.under_field(&field.name));
            }
        };
        let range = list.range(self.row);
        let mut items = Vec::with_capacity(range.len());
        for at in range {
            let value = T::decode(item, &mut self.inside(Fields::Alone, &list.items, at));
            items.push(value.map_err(|e| e.under_field(&field.name))?);
        }
        Ok(Some(items))
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema) -> Result<Option<N>> {
        if let Cells::Record(record) = self.cells {
            if self.cells.is_null(self.row) {
                return Ok(None);
            }
            let mut inside = self.inside(Fields::Inside(record, 0), &NOTHING, self.row);
            return N::decode(schema, &mut inside).map(Some).map_err(|e| e.under_field(&field.name));
        }
        let inside: Option<Document> = self.widened(field, |value| match value {
            ValueRef::Record(document) => Some(document.into_owned()),
            _ => None,
        })?;
        let read = |document| N::decode(schema, &mut crate::record::DocumentReader::new(document));
        inside.as_ref().map(read).transpose().map_err(|e| e.under_field(&field.name))
    }
    fn any(&mut self) -> Result<Value> {
        if let Fields::Extra(extra) = &mut self.fields
            && let Some((_, value)) = extra.found.take()
        {
            return Ok(value);
        }
        let field = || crate::record::document::undeclared(self.name());
        self.cells.value(self.row).map(ValueRef::into_owned).map_err(|fault| self.misfit(&field(), fault))
    }
    #[cold]
    fn misfit(&self, field: &FieldDef, why: impl Into<Cow<'static, str>>) -> Error {
        let error = Error::invalid(format!("{} ({})", why.into(), self.batch.place_of(self.origin)));
        error.at_field(field.name.clone())
    }
}

/// What a column of a file is to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A field, by its place in the schema.
    Field(usize),
    /// A column that the schema does not declare.
    Undeclared,
    /// The column in which undeclared fields are kept.
    Extra,
    /// Part of the envelope.
    Envelope,
    /// Of another meaning than its name has here.
    Unread,
}

fn integer<T: TryFrom<i128>>(value: ValueRef<'_>) -> Option<T> {
    match value {
        ValueRef::Int(v) => v.try_into().ok(),
        ValueRef::Decimal(v) if v.is_integer() => v.trunc().mantissa().try_into().ok(),
        ValueRef::Float(v) if v.fract() == 0.0 && v.abs() < 9_007_199_254_740_992.0 => (v as i128).try_into().ok(),
        _ => None,
    }
}

/// The float that is this decimal, where there is one.
fn exact_float(value: Decimal) -> Option<f64> {
    let float: f64 = value.try_into().ok()?;
    (crate::number::cmp_decimal_float(value, float) == Some(std::cmp::Ordering::Equal)).then_some(float)
}
