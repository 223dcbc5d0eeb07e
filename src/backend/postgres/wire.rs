//! Values as PostgreSQL sends and takes them: the kinds of column, their binary forms, and the parameters of a statement.
//!
//! Every value travels in binary and as a parameter, with its type said beforehand, so that nothing is ever pasted into
//! a statement. A parameter and a field of COPY BINARY look alike: four bytes of length, -1 for null, and the bytes.

use bytes::BytesMut;
use jiff::{Timestamp, civil::Date};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type as Oid};

use super::numeric;
use crate::{
    error::{BoxedCause, Error},
    record::FieldDef,
};

/// What a column holds, as far as this backend reads and writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scalar {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Text,
    Bytea,
    Uuid,
    TimestampTz,
    /// Without a time zone; taken for UTC.
    Timestamp,
    Date,
    Json,
    Jsonb,
}

/// The type of a column: a scalar or an array of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) scalar: Scalar,
    pub(super) array: bool,
}

impl Scalar {
    const ALL: [(Scalar, Oid, Oid, &'static str); 15] = [
        (Scalar::Bool, Oid::BOOL, Oid::BOOL_ARRAY, "boolean"),
        (Scalar::Int2, Oid::INT2, Oid::INT2_ARRAY, "smallint"),
        (Scalar::Int4, Oid::INT4, Oid::INT4_ARRAY, "integer"),
        (Scalar::Int8, Oid::INT8, Oid::INT8_ARRAY, "bigint"),
        (Scalar::Float4, Oid::FLOAT4, Oid::FLOAT4_ARRAY, "real"),
        (Scalar::Float8, Oid::FLOAT8, Oid::FLOAT8_ARRAY, "double precision"),
        (Scalar::Numeric, Oid::NUMERIC, Oid::NUMERIC_ARRAY, "numeric"),
        (Scalar::Text, Oid::TEXT, Oid::TEXT_ARRAY, "text"),
        (Scalar::Bytea, Oid::BYTEA, Oid::BYTEA_ARRAY, "bytea"),
        (Scalar::Uuid, Oid::UUID, Oid::UUID_ARRAY, "uuid"),
        (Scalar::TimestampTz, Oid::TIMESTAMPTZ, Oid::TIMESTAMPTZ_ARRAY, "timestamp with time zone"),
        (Scalar::Timestamp, Oid::TIMESTAMP, Oid::TIMESTAMP_ARRAY, "timestamp without time zone"),
        (Scalar::Date, Oid::DATE, Oid::DATE_ARRAY, "date"),
        (Scalar::Json, Oid::JSON, Oid::JSON_ARRAY, "json"),
        (Scalar::Jsonb, Oid::JSONB, Oid::JSONB_ARRAY, "jsonb"),
    ];

    fn entry(self) -> &'static (Scalar, Oid, Oid, &'static str) {
        // The table has every scalar, in the order of their declaration.
        &Self::ALL[self as usize]
    }
    pub(super) const fn one(self) -> Kind {
        Kind { scalar: self, array: false }
    }
    pub(super) const fn many(self) -> Kind {
        Kind { scalar: self, array: true }
    }
    /// Its name in SQL.
    pub(super) fn sql(self) -> &'static str {
        self.entry().3
    }
    pub(super) fn is_integer(self) -> bool {
        matches!(self, Scalar::Int2 | Scalar::Int4 | Scalar::Int8)
    }
}

impl Kind {
    pub(super) fn oid(self) -> Oid {
        let (_, one, many, _) = self.scalar.entry();
        if self.array { many.clone() } else { one.clone() }
    }
    /// The kind of a type that the server names; types that are text by another name count as text.
    pub(super) fn of_oid(oid: u32) -> Option<Kind> {
        let found = |(scalar, one, many, _): &(Scalar, Oid, Oid, &str)| match oid {
            _ if one.oid() == oid => Some(scalar.one()),
            _ if many.oid() == oid => Some(scalar.many()),
            _ => None,
        };
        let as_text = || match Oid::from_oid(oid)? {
            Oid::VARCHAR => Some(Scalar::Text.one()),
            Oid::VARCHAR_ARRAY => Some(Scalar::Text.many()),
            _ => None,
        };
        Scalar::ALL.iter().find_map(found).or_else(as_text)
    }
    /// Its name in SQL.
    pub(super) fn sql(self) -> String {
        format!("{}{}", self.scalar.sql(), if self.array { "[]" } else { "" })
    }
}

/// Microseconds from 1970 to 2000, where the server counts from.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Days from 1970 to 2000.
const EPOCH_DAYS: i64 = 10_957;
/// The first moment that the server holds: 24 November 4714 BC, in microseconds since 2000.
pub(super) const FIRST_MICROS: i64 = -211_813_488_000_000_000;
/// The first day that the server holds, in days since 2000.
const FIRST_DAY: i64 = -2_451_545;

/// The error of a field with a moment or a date before those.
#[cold]
pub(super) fn too_early(field: &FieldDef) -> Error {
    Error::invalid("PostgreSQL holds no time before 4714 BC").at_field(field.name.clone())
}

/// A moment as the server counts it; `None` where it is before the first that the server holds.
pub(super) fn micros_of(moment: Timestamp) -> Option<i64> {
    let micros = moment.as_microsecond() - EPOCH_MICROS;
    (micros >= FIRST_MICROS).then_some(micros)
}

/// The moment that the server means; `None` for infinity and what is beyond the year 9999.
pub(super) fn moment_of(micros: i64) -> Option<Timestamp> {
    let unix = micros.checked_add(EPOCH_MICROS)?;
    let nanoseconds = unix.rem_euclid(1_000_000) as i32 * 1_000;
    Timestamp::new(unix.div_euclid(1_000_000), nanoseconds).ok()
}

/// A day as the server counts it.
pub(super) fn days_of(date: Date) -> Option<i32> {
    let unix = jiff::civil::date(1970, 1, 1);
    let days = i64::from(unix.until(date).ok()?.get_days()) - EPOCH_DAYS;
    i32::try_from(days).ok().filter(|days| i64::from(*days) >= FIRST_DAY)
}

/// The day that the server means; `None` for infinity and what is beyond the year 9999.
pub(super) fn date_of(days: i32) -> Option<Date> {
    let span = jiff::Span::new().try_days(i64::from(days) + EPOCH_DAYS).ok()?;
    jiff::civil::date(1970, 1, 1).checked_add(span).ok()
}

/// Values, one behind the other, each with its length: the parameters of a statement or the fields of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub(super) bytes: Vec<u8>,
    pub(super) count: usize,
}

impl Values {
    /// Nothing there.
    #[inline]
    pub(super) fn null(&mut self) {
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        self.count += 1;
    }
    /// A value of known bytes.
    #[inline]
    pub(super) fn put(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(&(value.len() as i32).to_be_bytes());
        self.bytes.extend_from_slice(value);
        self.count += 1;
    }
    #[inline]
    fn fixed<const N: usize>(&mut self, value: [u8; N]) {
        self.bytes.extend_from_slice(&(N as i32).to_be_bytes());
        self.bytes.extend_from_slice(&value);
        self.count += 1;
    }
    /// A value that is written in place; its length is filled in behind it.
    pub(super) fn with<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        let done = write(&mut self.bytes);
        let length = (self.bytes.len() - start - 4) as i32;
        self.bytes[start..start + 4].copy_from_slice(&length.to_be_bytes());
        self.count += 1;
        done
    }
    pub(super) fn bool(&mut self, value: bool) {
        self.fixed([value.into()]);
    }
    #[inline]
    pub(super) fn i16(&mut self, value: i16) {
        self.fixed(value.to_be_bytes());
    }
    #[inline]
    pub(super) fn i32(&mut self, value: i32) {
        self.fixed(value.to_be_bytes());
    }
    #[inline]
    pub(super) fn i64(&mut self, value: i64) {
        self.fixed(value.to_be_bytes());
    }
    pub(super) fn f32(&mut self, value: f32) {
        self.fixed(value.to_be_bytes());
    }
    pub(super) fn f64(&mut self, value: f64) {
        self.fixed(value.to_be_bytes());
    }
    pub(super) fn uuid(&mut self, value: [u8; 16]) {
        self.fixed(value);
    }
    /// A number as `numeric`, from its plain decimal text.
    pub(super) fn numeric(&mut self, text: &str) {
        self.with(|out| numeric::encode(text, out));
    }
    /// An array of these, of which none is null.
    pub(super) fn array(&mut self, item: Scalar, items: &Values) {
        self.array_with(item, |out| {
            out.bytes.extend_from_slice(&items.bytes);
            out.count += items.count;
        });
    }
    /// An array of the values that `write` appends, of which none is null. What it says about itself is filled in behind it.
    pub(super) fn array_with<T>(&mut self, item: Scalar, write: impl FnOnce(&mut Values) -> T) -> T {
        // Dimensions, whether there are nulls, the type; and where there are items their number and the place of the first.
        const EMPTY: usize = 12;
        const HEAD: usize = 20;
        let (start, before) = (self.bytes.len() + 4, self.count);
        self.bytes.extend_from_slice(&[0; 4 + HEAD]);
        let done = write(self);
        let count = self.count - before;
        if count == 0 {
            self.bytes.truncate(start + EMPTY);
        }
        let length = self.bytes.len() - start;
        let words = [length as i32, i32::from(count > 0), 0, item.one().oid().oid().cast_signed(), count as i32, 1];
        let head = words.iter().flat_map(|word| word.to_be_bytes());
        self.bytes[start - 4..].iter_mut().zip(head).for_each(|(byte, of_head)| *byte = of_head);
        self.count = before + 1;
        done
    }
    /// Where the next value begins.
    pub(super) fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), count: self.count }
    }
    /// The values that were appended behind a mark.
    pub(super) fn since(&self, mark: Mark) -> ValuesIter<'_> {
        ValuesIter { rest: self.bytes.get(mark.bytes..).unwrap_or_default(), left: self.count - mark.count }
    }
    /// Takes the values away that were appended behind a mark.
    pub(super) fn split_off(&mut self, mark: Mark) -> Values {
        let count = self.count - mark.count;
        self.count = mark.count;
        Values { bytes: self.bytes.split_off(mark.bytes), count }
    }
    /// The values, for the driver.
    pub(super) fn iter(&self) -> ValuesIter<'_> {
        ValuesIter { rest: &self.bytes, left: self.count }
    }
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }
}

/// A place between two of [`Values`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    bytes: usize,
    count: usize,
}

/// Takes [`Values`] apart.
#[derive(Clone)]
pub(super) struct ValuesIter<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for ValuesIter<'a> {
    type Item = Param<'a>;
    fn next(&mut self) -> Option<Param<'a>> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        self.left -= 1;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            self.rest = rest;
            return Some(Param(None));
        };
        let (value, rest) = rest.split_at(length);
        self.rest = rest;
        Some(Param(Some(value)))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for ValuesIter<'_> {}

/// One value, already in its binary form; `None` is null.
#[derive(Clone, Copy, Debug)]
pub(super) struct Param<'a>(pub(super) Option<&'a [u8]>);

impl ToSql for Param<'_> {
    fn to_sql(&self, _: &Oid, out: &mut BytesMut) -> Result<IsNull, BoxedCause> {
        let Some(value) = self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(value);
        Ok(IsNull::No)
    }
    fn accepts(_: &Oid) -> bool {
        true
    }
    tokio_postgres::types::to_sql_checked!();
}

/// The bytes of a value as they came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Oid, raw: &'a [u8]) -> Result<Self, BoxedCause> {
        Ok(Raw(raw))
    }
    fn accepts(_: &Oid) -> bool {
        true
    }
}

/// The items of an array; `None` where the array is not of one dimension or holds a null.
pub(super) fn array_items(raw: &[u8]) -> Option<Vec<&[u8]>> {
    array(raw)?.collect()
}

/// The items of an array, of which a null is `None`; nothing where it is not of one dimension.
pub(super) fn array(raw: &[u8]) -> Option<ArrayIter<'_>> {
    let int = |at: usize| raw.get(at..at + 4).map(|b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    match int(0)? {
        0 => Some(ArrayIter { rest: &[], left: 0 }),
        1 => {
            let (left, rest) = (usize::try_from(int(12)?).ok()?, raw.get(20..)?);
            // Each item has its length before it.
            (left <= rest.len() / 4).then_some(ArrayIter { rest, left })
        }
        _ => None,
    }
}

/// Takes an array apart.
pub(super) struct ArrayIter<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for ArrayIter<'a> {
    type Item = Option<&'a [u8]>;
    #[inline]
    fn next(&mut self) -> Option<Option<&'a [u8]>> {
        self.left = self.left.checked_sub(1)?;
        let item = self.rest.split_first_chunk::<4>().and_then(|(length, rest)| {
            self.rest = rest;
            let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
            let item = rest.get(..length)?;
            self.rest = rest.get(length..)?;
            Some(item)
        });
        Some(item)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for ArrayIter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_scalars_is_in_the_order_of_the_enum() {
        assert!(Scalar::ALL.iter().all(|(scalar, ..)| scalar.entry().0 == *scalar));
        for (scalar, one, many, _) in &Scalar::ALL {
            assert_eq!(Kind::of_oid(one.oid()), Some(scalar.one()));
            assert_eq!(Kind::of_oid(many.oid()), Some(scalar.many()));
        }
    }

    #[test]
    fn moments_and_days_survive_at_their_ends() {
        for text in [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
            "9999-12-30T22:00:00.999999Z",
            "-004713-11-24T00:00:00Z",
        ] {
            let moment: Timestamp = text.parse().expect("a moment");
            assert_eq!(micros_of(moment).and_then(moment_of), Some(moment), "{text}");
        }
        for text in ["0001-01-01", "2000-01-01", "2024-02-29", "9999-12-31"] {
            let date: Date = text.parse().expect("a date");
            assert_eq!(days_of(date).and_then(date_of), Some(date), "{text}");
        }
        assert_eq!(days_of(jiff::civil::date(2000, 1, 1)), Some(0));
        assert_eq!(micros_of("-009999-01-02T01:59:59Z".parse().expect("a moment")), None);
        assert_eq!((moment_of(i64::MAX), date_of(i32::MAX)), (None, None));
    }

    #[test]
    fn values_come_apart_as_they_were_put_together() {
        let mut values = Values::default();
        values.null();
        values.i32(7);
        values.put(b"");
        let parts: Vec<_> = values.iter().map(|param| param.0.map(<[u8]>::to_vec)).collect();
        assert_eq!(parts, [None, Some(vec![0, 0, 0, 7]), Some(vec![])]);
        let mut array = Values::default();
        let mut items = Values::default();
        items.put(b"a");
        items.put(b"");
        array.array(Scalar::Text, &items);
        assert_eq!(array_items(&array.bytes[4..]), Some(vec![&b"a"[..], b""]));
    }
}
