//! A record out of one JSON object: a [`Decoder`] over tokens, with no tree in between.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{
    encode::encode_text,
    text::{MAX_DEPTH, Tokens},
};
use crate::{
    error::{Error, Result},
    format::timestamp,
    record::{Decoder, Document, FieldDef, FieldType, Next, REPEATED, RecordCodec, Schema, Type},
    value::{Value, ValueRef},
};

/// Reads records from a JSON text.
pub(crate) struct JsonDecoder<'t> {
    tokens: Tokens<'t>,
    /// Whether nothing of the current object has been read.
    fresh: bool,
    /// The field that comes next where the text has the schema's order.
    expected: usize,
    /// The declared fields of the current object that were there.
    found: Fields,
    depth: usize,
    name: Cow<'t, str>,
    /// Where the value of the current field begins.
    start: usize,
}

/// The record that a JSON object is.
///
/// # Errors
/// `Corrupt` for what is not JSON, `Invalid` for what a field cannot hold; both with the column in bytes.
pub(crate) fn decode_record<R: RecordCodec>(text: &str, schema: &Schema) -> Result<R> {
    let mut decoder = JsonDecoder::new(text);
    let record = decoder.object(schema)?;
    decoder.tokens.end()?;
    Ok(record)
}

/// What is read from the fields of a JSON object.
///
/// # Errors
/// As [`decode_record`].
pub(crate) fn decode_object<'t, T>(text: &'t str, read: impl FnOnce(&mut JsonDecoder<'t>) -> Result<T>) -> Result<T> {
    let mut decoder = JsonDecoder::new(text);
    decoder.enter()?;
    decoder.tokens.expect(b'{')?;
    let fields = read(&mut decoder)?;
    decoder.tokens.end()?;
    Ok(fields)
}

/// Which fields of a schema an object has had.
#[derive(Default)]
struct Fields {
    /// The first 64, a bit for each.
    first: u64,
    /// The others, 64 to a word.
    others: Vec<u64>,
}

impl Fields {
    #[inline]
    fn holds(&self, index: usize) -> bool {
        let word = if index < 64 { self.first } else { self.others.get(index / 64 - 1).copied().unwrap_or(0) };
        word >> (index % 64) & 1 == 1
    }

    #[inline]
    fn insert(&mut self, index: usize) {
        if index < 64 {
            self.first |= 1 << index;
        } else {
            self.insert_other(index);
        }
    }

    fn insert_other(&mut self, index: usize) {
        let word = index / 64 - 1;
        if self.others.len() <= word {
            self.others.resize(word + 1, 0);
        }
        self.others[word] |= 1 << (index % 64);
    }
}

/// The names of the fields of a schema as writers put them in front of values, each with the comma before it: where they stand
/// so in a text, nothing of it need be taken apart.
#[derive(Clone, Debug)]
pub(crate) struct MemberNames(Vec<Vec<u8>>);

impl MemberNames {
    pub(crate) fn of(schema: &Schema) -> MemberNames {
        let spelled = |field: &FieldDef| {
            let mut spelled = vec![b','];
            encode_text(&field.name, &mut spelled);
            spelled.push(b':');
            spelled
        };
        MemberNames(schema.fields.iter().map(spelled).collect())
    }
}

/// The value of one field that is written as JSON in a cell.
pub(crate) fn decode_field<T>(text: &str, read: impl FnOnce(&mut JsonDecoder<'_>) -> Result<T>) -> Result<T> {
    let mut decoder = JsonDecoder::new(text);
    let value = read(&mut decoder)?;
    decoder.tokens.end()?;
    Ok(value)
}

impl<'t> JsonDecoder<'t> {
    fn new(text: &'t str) -> Self {
        JsonDecoder {
            tokens: Tokens::new(text),
            fresh: true,
            expected: 0,
            found: Fields::default(),
            depth: 0,
            name: Cow::Borrowed(""),
            start: 0,
        }
    }

    fn object<N: RecordCodec>(&mut self, schema: &Schema) -> Result<N> {
        self.enter()?;
        self.tokens.expect(b'{')?;
        let outer = (std::mem::replace(&mut self.expected, 0), std::mem::take(&mut self.found));
        self.fresh = true;
        let record = N::decode(schema, self)?;
        (self.expected, self.found) = outer;
        self.fresh = false;
        self.depth -= 1;
        Ok(record)
    }

    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.tokens.too_deep()) } else { Ok(()) }
    }

    /// Reads the items of an array.
    fn array<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.enter()?;
        self.tokens.expect(b'[')?;
        let mut items = Vec::new();
        if !self.tokens.take(b']') {
            loop {
                items.push(item(self)?);
                if self.tokens.take(b']') {
                    break;
                }
                self.tokens.expect(b',')?;
            }
        }
        self.depth -= 1;
        Ok(items)
    }

    /// A scalar; null is none.
    #[inline]
    fn scalar<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        self.start = self.tokens.offset();
        if self.tokens.null()? { Ok(None) } else { read(self).map(Some) }
    }

    /// A number in its text form; what is none does not fit.
    #[inline]
    fn numeric(&mut self, field: &FieldDef) -> Result<&'t str> {
        match self.tokens.peek() {
            b'-' | b'0'..=b'9' => self.tokens.number(),
            _ => Err(self.unfit(field)),
        }
    }

    /// A text that reads as `T`.
    #[inline]
    fn parsed<T>(&mut self, field: &FieldDef, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
        self.scalar(|d| {
            let text = d.string(field)?;
            parse(&text).ok_or_else(|| d.unread(field, &text))
        })
    }

    /// The error of a text that does not read as the field's type.
    #[cold]
    fn unread(&self, field: &FieldDef, text: &str) -> Error {
        self.misfit(field, format!("not a {}", field.ty)).with_value(text)
    }

    #[inline]
    fn string(&mut self, field: &FieldDef) -> Result<Cow<'t, str>> {
        if self.tokens.peek() == b'"' { self.tokens.text() } else { Err(self.unfit(field)) }
    }

    /// The error of a value of another kind; it is passed over, so that it can be shown.
    #[cold]
    fn unfit(&mut self, field: &FieldDef) -> Error {
        let start = self.tokens.offset();
        match self.tokens.skip() {
            Ok(()) => {
                let found = self.tokens.between(start).to_owned();
                self.misfit(field, format!("not a {}", field.ty)).with_value(&found)
            }
            Err(broken) => broken,
        }
    }

    /// Puts in the value of a field as predicates see it, borrowed where it can be.
    ///
    /// # Errors
    /// As the field is read for a record.
    #[inline]
    pub(crate) fn put_value(&mut self, field: &FieldDef, value: &mut ValueRef<'t>) -> Result<()> {
        match (&field.ty, self.tokens.peek()) {
            (Type::Text, b'"') => *value = ValueRef::Text(self.tokens.text()?),
            (Type::F64, b'-' | b'0'..=b'9') => *value = self.float(field)?.map_or(ValueRef::Null, ValueRef::Float),
            (Type::U8 | Type::U16 | Type::U32 | Type::I8 | Type::I16 | Type::I32 | Type::I64, b'-' | b'0'..=b'9') => {
                let before = self.tokens.clone();
                let int = self.tokens.number()?.parse();
                match int
                    .ok()
                    .filter(|int| field.ty.integer_range().is_some_and(|(from, to)| (from..=to).contains(int)))
                {
                    Some(int) => *value = ValueRef::Int(int),
                    // Which says what is wrong with it.
                    None => {
                        self.tokens = before;
                        *value = Value::decode(field, self)?.into_ref();
                    }
                }
            }
            _ => *value = Value::decode(field, self)?.into_ref(),
        }
        Ok(())
    }

    /// Passes over the name of a member if it comes next as it is spelled in `names`, and says whether it did.
    #[inline]
    pub(crate) fn take_member(&mut self, names: &MemberNames, index: usize) -> bool {
        let Some(name) = names.0.get(index) else { return false };
        // Where it comes again, it is left for `next`, which says so.
        let taken = !self.found.holds(index) && self.tokens.take_all(if self.fresh { &name[1..] } else { name });
        if taken {
            self.found.insert(index);
            self.fresh = false;
            self.expected = index + 1;
        }
        taken
    }

    fn value(&mut self) -> Result<Value> {
        match self.tokens.peek() {
            b'n' => self.tokens.word("null").map(|()| Value::Null),
            b't' => self.tokens.word("true").map(|()| Value::Bool(true)),
            b'f' => self.tokens.word("false").map(|()| Value::Bool(false)),
            b'"' => self.tokens.text().map(|text| Value::Text(text.into_owned())),
            b'[' => self.array(Self::value).map(Value::List),
            b'{' => self.object(&Schema::open("")).map(|inside: Document| Value::Record(inside)),
            _ => {
                let text = self.tokens.number()?;
                number(text).ok_or_else(|| self.tokens.fault("out of the range of f64").with_value(text))
            }
        }
    }
}

/// A number of JSON as a value: an integer of up to 64 bits, a decimal where a longer one fits, else a float; `None` where it is
/// beyond those.
fn number(text: &str) -> Option<Value> {
    let whole = !text.contains(['.', 'e', 'E']);
    match text.parse::<i128>() {
        Ok(int) if i64::try_from(int).is_ok() || u64::try_from(int).is_ok() => Some(Value::Int(int)),
        _ => match Decimal::from_str_exact(text) {
            Ok(decimal) if whole => Some(Value::Decimal(decimal)),
            _ => text.parse().ok().filter(|v: &f64| v.is_finite()).map(Value::Float),
        },
    }
}

/// A decimal in JSON's number grammar, exponent included.
fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok().or_else(|| Decimal::from_scientific(text).ok())
}

impl Decoder for JsonDecoder<'_> {
    #[inline]
    fn next(&mut self, schema: &Schema) -> Result<Next> {
        if self.tokens.take(b'}') {
            return Ok(Next::End);
        }
        if !self.fresh {
            self.tokens.expect(b',')?;
        }
        self.fresh = false;
        let name = self.tokens.text()?;
        self.tokens.expect(b':')?;
        let in_order = schema.fields.get(self.expected).is_some_and(|field| field.name == name);
        let found = if in_order { Some(self.expected) } else { schema.find(&name).map(|(index, _)| index) };
        match found {
            Some(index) if self.found.holds(index) => {
                self.start = self.tokens.offset();
                Err(self.misfit(&schema.fields[index], REPEATED))
            }
            Some(index) => {
                self.found.insert(index);
                self.expected = index + 1;
                Ok(Next::Field(index))
            }
            None => {
                self.name = name;
                Ok(Next::Undeclared)
            }
        }
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn names_once(&self) -> bool {
        true
    }
    fn skip(&mut self) -> Result<()> {
        self.tokens.skip()
    }
    fn bool(&mut self, field: &FieldDef) -> Result<Option<bool>> {
        self.scalar(|d| match d.tokens.peek() {
            b't' => d.tokens.word("true").map(|()| true),
            b'f' => d.tokens.word("false").map(|()| false),
            _ => Err(d.unfit(field)),
        })
    }
    fn int(&mut self, field: &FieldDef) -> Result<Option<i64>> {
        self.scalar(|d| {
            let text = d.numeric(field)?;
            text.parse().map_err(|_| d.unread(field, text))
        })
    }
    fn uint(&mut self, field: &FieldDef) -> Result<Option<u64>> {
        self.scalar(|d| {
            let text = d.numeric(field)?;
            text.parse().map_err(|_| d.unread(field, text))
        })
    }
    fn float32(&mut self, field: &FieldDef) -> Result<Option<f32>> {
        self.scalar(|d| {
            let text = d.numeric(field)?;
            let fits = text.parse().ok().filter(|v: &f32| v.is_finite());
            fits.ok_or_else(|| d.misfit(field, "out of the range of f32").with_value(text))
        })
    }
    fn float(&mut self, field: &FieldDef) -> Result<Option<f64>> {
        self.scalar(|d| {
            let text = d.numeric(field)?;
            let fits = text.parse().ok().filter(|v: &f64| v.is_finite());
            fits.ok_or_else(|| d.misfit(field, "out of the range of f64").with_value(text))
        })
    }
    fn decimal(&mut self, field: &FieldDef) -> Result<Option<Decimal>> {
        self.scalar(|d| {
            let text = if d.tokens.peek() == b'"' { d.tokens.text()? } else { Cow::Borrowed(d.numeric(field)?) };
            decimal(&text).ok_or_else(|| d.misfit(field, "not a decimal of up to 28 digits").with_value(&text))
        })
    }
    fn text(&mut self, field: &FieldDef) -> Result<Option<Cow<'_, str>>> {
        self.scalar(|d| d.string(field))
    }
    fn bytes(&mut self, field: &FieldDef) -> Result<Option<Vec<u8>>> {
        self.scalar(|d| {
            let text = d.string(field)?;
            BASE64_STANDARD.decode(&*text).map_err(|_| d.misfit(field, "not base64").with_value(&text))
        })
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
        self.scalar(|d| d.array(|d| d.float32(field)?.ok_or_else(|| d.misfit(field, "a vector has no nulls"))))
    }
    fn json<T: DeserializeOwned>(&mut self, field: &FieldDef) -> Result<Option<T>> {
        self.scalar(|d| {
            let start = d.tokens.offset();
            d.tokens.skip()?;
            let text = d.tokens.between(start);
            serde_json::from_str(text)
                .map_err(|e| d.misfit(field, format!("the JSON does not fit: {e}")).with_value(text))
        })
    }
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef) -> Result<Option<Vec<T>>> {
        self.scalar(|d| match d.tokens.peek() {
            b'[' => d.array(|d| T::decode(item, d)).map_err(|e| e.under_field(&field.name)),
            _ => Err(d.unfit(field)),
        })
    }
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema) -> Result<Option<N>> {
        self.scalar(|d| match d.tokens.peek() {
            b'{' => d.object(schema).map_err(|e| e.under_field(&field.name)),
            _ => Err(d.unfit(field)),
        })
    }
    fn any(&mut self) -> Result<Value> {
        let start = self.tokens.offset();
        let value = self.value()?;
        self.start = start;
        Ok(value)
    }
    fn misfit(&self, field: &FieldDef, why: impl Into<Cow<'static, str>>) -> Error {
        Error::invalid(why).at_field(field.name.clone()).at_column(self.start as u64 + 1)
    }
}
