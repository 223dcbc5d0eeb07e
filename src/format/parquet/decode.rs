//! A record out of one row of a batch: a [`Decoder`] over cells. Numbers are widened, never rounded.

use std::borrow::Cow;

use arrow_array::Array;
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{
    batch::{Batch, Column},
    cells::{self, Cells, Fault},
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
    fields: Fields<'a>,
    /// The row in the arrays, which differs inside lists.
    row: usize,
    /// The field that is being read, and one behind it.
    place: usize,
    /// What the column of undeclared fields holds, once it was come to.
    extra: Option<std::vec::IntoIter<(Name, Value)>>,
    /// The undeclared field out of that column that is being read.
    found: Option<(Name, Value)>,
}

/// What the fields are looked for in.
#[derive(Clone, Copy)]
enum Fields<'a> {
    /// The columns of the file.
    Columns(&'a [Column]),
    /// The fields of a record inside a record; found by name.
    Inside(&'a [Name], &'a [Cells]),
    /// One value alone: the item of a list.
    Alone(&'a Cells),
}

static NOTHING: Cells = Cells::Null(0);

impl<'a> RowDecoder<'a> {
    pub(super) fn new(batch: &'a Batch, row: usize) -> Self {
        let fields = Fields::Columns(&batch.columns);
        RowDecoder { batch, origin: row, fields, row, place: 0, extra: None, found: None }
    }

    /// The cell of one column alone.
    pub(super) fn at(batch: &'a Batch, row: usize, column: usize) -> Self {
        RowDecoder { place: column + 1, ..RowDecoder::new(batch, row) }
    }

    fn inside(&self, fields: Fields<'a>, row: usize) -> RowDecoder<'a> {
        RowDecoder { batch: self.batch, origin: self.origin, fields, row, place: 0, extra: None, found: None }
    }

    #[inline]
    fn cells(&self) -> &'a Cells {
        let place = self.place.wrapping_sub(1);
        match self.fields {
            Fields::Columns(columns) => columns.get(place).map_or(&NOTHING, |column| &column.cells),
            Fields::Inside(_, cells) => cells.get(place).unwrap_or(&NOTHING),
            Fields::Alone(cells) => cells,
        }
    }

    /// The next field where it is none of the schema's own in a column of its own.
    #[inline(never)]
    fn next_other(&mut self, schema: &Schema) -> Result<Next> {
        loop {
            if self.extra.is_some() {
                if let Some(next) = self.next_extra(schema) {
                    return Ok(next);
                }
                (self.extra, self.found) = (None, None);
            }
            let place = self.place;
            self.place += 1;
            let column = match self.fields {
                Fields::Columns(columns) => columns.get(place),
                Fields::Inside(names, _) => {
                    let index =
                        |name: &Name| schema.find(name).map_or(Next::Undeclared, |(index, _)| Next::Field(index));
                    return Ok(names.get(place).map_or(Next::End, index));
                }
                Fields::Alone(_) => None,
            };
            match column.map(|column| column.place) {
                None => return Ok(Next::End),
                Some(Place::Field(index)) => return Ok(Next::Field(index)),
                Some(Place::Undeclared) => return Ok(Next::Undeclared),
                Some(Place::Extra) => self.open_extra()?,
                Some(Place::Envelope) => {}
            }
        }
    }

    /// The next field out of the column of undeclared ones.
    fn next_extra(&mut self, schema: &Schema) -> Option<Next> {
        self.found = self.extra.as_mut()?.next();
        let (name, _) = self.found.as_ref()?;
        Some(schema.find(name).map_or(Next::Undeclared, |(index, _)| Next::Field(index)))
    }

    /// Begins with the column of undeclared fields.
    fn open_extra(&mut self) -> Result<()> {
        match self.cells().value(self.row) {
            Ok(ValueRef::Record(document)) => {
                self.extra = Some(document.into_owned().into_iter().collect::<Vec<_>>().into_iter())
            }
            Ok(_) => {}
            Err(fault) => return Err(self.misfit(&crate::record::document::undeclared(super::EXTRA), fault)),
        }
        Ok(())
    }

    #[cold]
    fn refused(&self, field: &FieldDef) -> Error {
        let kind = self.cells().value(self.row).map_or("value", |value| value.kind());
        self.misfit(field, format!("a {} cannot hold this {kind} exactly", field.ty))
    }

    /// A cell read by its value, where its column is of another kind than the field.
    #[cold]
    fn widened<T>(&self, field: &FieldDef, fit: impl FnOnce(ValueRef<'a>) -> Option<T>) -> Result<Option<T>> {
        if let Some((_, value)) = &self.found {
            // It was kept with its kind, and is read as a document's value is.
            let fit = fit(value.clone().into_ref());
            return fit.map(Some).ok_or_else(|| self.refused(field));
        }
        let value = self.cells().value(self.row).map_err(|fault| self.misfit(field, fault))?;
        if value.is_null() {
            return Ok(None);
        }
        fit(value).map(Some).ok_or_else(|| self.refused(field))
    }

    fn fault<T>(&self, field: &FieldDef, found: Result<T, Fault>) -> Result<Option<T>> {
        found.map(Some).map_err(|fault| self.misfit(field, fault))
    }
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
        if let (Fields::Columns(columns), None) = (self.fields, &self.extra)
            && let Some(Column { place: Place::Field(index), .. }) = columns.get(self.place)
        {
            self.place += 1;
            return Ok(Next::Field(*index));
        }
        self.next_other(schema)
    }
    fn name(&self) -> &str {
        if let Some((name, _)) = &self.found {
            return name;
        }
        let place = self.place.wrapping_sub(1);
        match self.fields {
            Fields::Columns(columns) => columns.get(place).map_or("", |column| &column.name),
            Fields::Inside(names, _) => names.get(place).map_or("", AsRef::as_ref),
            Fields::Alone(_) => "",
        }
    }
    #[inline]
    fn skip(&mut self) -> Result<()> {
        Ok(())
    }
    #[inline]
    fn bool(&mut self, field: &FieldDef) -> Result<Option<bool>> {
        match self.cells() {
            Cells::Bool(a) if self.found.is_none() => Ok(cell!(a, self.row)),
            _ => self.widened(field, |value| match value {
                ValueRef::Bool(v) => Some(v),
                _ => None,
            }),
        }
    }
    #[inline]
    fn int(&mut self, field: &FieldDef) -> Result<Option<i64>> {
        let row = self.row;
        Ok(match self.cells() {
            _ if self.found.is_some() => return self.widened(field, integer),
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
        match self.cells() {
            Cells::U64(a) if self.found.is_none() => Ok(cell!(a, self.row)),
            _ => self.widened(field, integer),
        }
    }
    fn float32(&mut self, field: &FieldDef) -> Result<Option<f32>> {
        match self.cells() {
            Cells::F32(a) if self.found.is_none() => match cell!(a, self.row) {
                Some(v) if v.is_finite() => Ok(Some(v)),
                Some(v) => self.fault(field, cells::finite(v.into()).map(|v| v as f32)),
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
        match self.cells() {
            Cells::F64(a) if self.found.is_none() => match cell!(a, self.row) {
                Some(v) if v.is_finite() => Ok(Some(v)),
                Some(v) => self.fault(field, cells::finite(v)),
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
        match self.cells() {
            Cells::Text(a) if self.found.is_none() => Ok(cell!(a, self.row).map(Cow::Borrowed)),
            Cells::Json(a) if self.found.is_none() => Ok(cell!(a, self.row).map(Cow::Borrowed)),
            // Writers without a type for text write bytes.
            Cells::Bytes(a) if self.found.is_none() => match cell!(a, self.row).map(std::str::from_utf8).transpose() {
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
    fn uuid(&mut self, field: &FieldDef) -> Result<Option<Uuid>> {
        match self.cells() {
            Cells::Uuid(a) if self.found.is_none() => Ok(cell!(a, self.row).map(cells::uuid)),
            _ => self.widened(field, |value| match value {
                ValueRef::Uuid(uuid) => Some(uuid),
                ValueRef::Bytes(bytes) => Uuid::from_slice(&bytes).ok(),
                ValueRef::Text(text) => Uuid::try_parse(&text).ok(),
                _ => None,
            }),
        }
    }
    #[inline]
    fn timestamp(&mut self, field: &FieldDef) -> Result<Option<Timestamp>> {
        match self.cells() {
            Cells::Timestamp(a, unit) if self.found.is_none() => match cell!(a, self.row) {
                Some(count) => self.fault(field, cells::moment(count, *unit)),
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
        match self.cells() {
            cells if self.found.is_none() && cells.is_null(self.row) => Ok(None),
            Cells::List(list) | Cells::Vector(list) if self.found.is_none() => {
                self.fault(field, cells::vector(list, self.row))
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
        match self.cells() {
            Cells::Json(a) | Cells::Text(a) if self.found.is_none() => match cell!(a, self.row) {
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
        let list = match self.cells() {
            cells if self.found.is_none() && cells.is_null(self.row) => return Ok(None),
            Cells::List(list) | Cells::Vector(list) if self.found.is_none() => list,
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
            let value = T::decode(item, &mut self.inside(Fields::Alone(&list.items), at));
            items.push(value.map_err(|e| e.under_field(&field.name))?);
        }
        Ok(Some(items))
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema) -> Result<Option<N>> {
        if let (Cells::Record(record), true) = (self.cells(), self.found.is_none()) {
            if self.cells().is_null(self.row) {
                return Ok(None);
            }
            let mut inside = self.inside(Fields::Inside(&record.names, &record.fields), self.row);
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
        if let Some((_, value)) = self.found.take() {
            return Ok(value);
        }
        let field = || crate::record::document::undeclared(self.name());
        self.cells().value(self.row).map(ValueRef::into_owned).map_err(|fault| self.misfit(&field(), fault))
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
