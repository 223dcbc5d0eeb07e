//! The types that a field can have, and what each knows about itself.
//!
//! [`FieldType`] is any of them (semantics 2.3), [`Scalar`] those that predicates compare, [`Nullable`] says null by itself
//! so that `Option` needs no special case anywhere else. What a derived field is called in queries is its
//! [handle](crate::query::handle).

use std::{convert::identity, fmt};

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    query::{
        bound::{compares, text_compares},
        filter::Op,
        handle::{HandleKind, ListKind, OpaqueKind, ScalarKind},
    },
    record::{
        codec::{Decoder, Encoder, Form, Typed},
        schema::{FieldDef, Shared, Type},
        target::Step,
    },
    value::{Value, ValueRef},
};

/// A type that a field of a record can have.
///
/// Implemented for the types of semantics 2.3, for `Option` of them, for `Vec` of scalars and of records, for `[f32; N]`,
/// and by the derives for records and for unit-only enums.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a field can have",
    label = "not a field type",
    note = "derive `Record` on it to nest it, `TextEnum` if it is an enum without data, or mark the field `#[record(json)]`"
)]
pub trait FieldType: Clone + Send + Sync + 'static {
    /// What the schema says of it.
    const TYPE: Type;
    /// Whether null is a value of it.
    const NULLABLE: bool = false;
    /// How handles of such fields behave in queries.
    type Kind: HandleKind;

    /// Hands the value to the encoder.
    ///
    /// # Errors
    /// What the encoder reports.
    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()>;
    /// Takes the value from the decoder; `None` where it is null and null is no value of the type.
    ///
    /// # Errors
    /// `Invalid`, with the field, for what it cannot hold.
    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>>;
    /// Takes the value from the decoder.
    ///
    /// # Errors
    /// `Invalid`, with the field, for null where that is no value of the type, and for what it cannot hold.
    #[inline]
    fn decode<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Self> {
        match Self::read(field, from)? {
            Some(value) => Ok(value),
            None => Err(from.misfit(field, NULL_REFUSED)),
        }
    }
    /// Makes it from a value of run-time type.
    ///
    /// # Errors
    /// `Invalid`, with the field, where it cannot hold the value.
    fn from_value(field: &FieldDef, value: Value) -> Result<Self>;
    /// The value of a record that lacks the field; `None` where it must be there.
    fn missing() -> Option<Self> {
        None
    }
    /// Whether it is null.
    #[inline]
    fn is_null(&self) -> bool {
        false
    }
    /// The value, or what `rest` leads to inside it.
    fn cell(&self, rest: &[Step]) -> ValueRef<'_>;
    /// The value as data.
    fn to_value(&self) -> Option<Value> {
        Some(self.cell(&[]).into_owned())
    }
    /// Whether it compares so with a literal of its type; see [`RecordCodec::compares`](crate::RecordCodec::compares).
    #[inline]
    fn compares(&self, rest: &[Step], op: Op, literal: &Value) -> bool {
        compares(&self.cell(rest), op, literal)
    }
    /// Sets the value, or what `rest` leads to inside it.
    ///
    /// # Errors
    /// `Invalid`, with the field, where it cannot hold the value.
    fn put(&mut self, field: &FieldDef, rest: &[Step], value: Value) -> Result<()> {
        debug_assert!(rest.is_empty(), "only records have fields inside");
        *self = Self::from_value(field, value)?;
        Ok(())
    }
    /// See [`RecordCodec::check`](crate::RecordCodec::check).
    ///
    /// # Errors
    /// `Invalid`, with the field.
    fn check(&self, field: &FieldDef) -> Result<Form>;
    /// See [`RecordCodec::normalize`](crate::RecordCodec::normalize).
    fn normalize(&mut self, _field: &FieldDef) {}
}

/// A field type with an order that predicates use.
pub trait Scalar: FieldType<Kind = ScalarKind> {
    /// How predicates see a value.
    type Ref<'a>: Copy + PartialOrd;
    /// How predicates keep a literal.
    type Literal: Clone + fmt::Debug + Send + Sync + 'static;

    /// The value as predicates see it.
    fn look(&self) -> Self::Ref<'_>;
    /// The literal as predicates see it.
    fn view(literal: &Self::Literal) -> Self::Ref<'_>;
    /// The literal as data.
    fn value(literal: &Self::Literal) -> Value;
    /// A seen value, kept.
    fn keep(seen: Self::Ref<'_>) -> Self::Literal;
    /// Whether a seen value is a text ([`Text`]) that passes the test.
    #[inline]
    fn is_text_that(_seen: Self::Ref<'_>, _test: impl FnOnce(&str) -> bool) -> bool {
        false
    }
}

/// A scalar that `like`, `starts_with` and their kin apply to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not text",
    label = "only a `String` field has text operators; compare with `eq`, `ge`, `between`, `is_in`"
)]
pub trait Text: for<'a> Scalar<Ref<'a> = &'a str, Literal = String> {}

/// A scalar that changes of single fields can add to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number",
    label = "only a number can be added to; use `set`"
)]
pub trait Number: Scalar {}

/// A field type that is no `Option`: what may stand inside `Option` and `Vec`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand inside an `Option` or a `Vec` of a record",
    label = "not a plain field type",
    note = "null and missing are one thing (semantics 2.1): `Option<Option<T>>` and `Vec<Option<T>>` say nothing that `Option<T>` and `Vec<T>` do not; use `#[record(json)]` for anything else"
)]
pub trait Plain: FieldType {}

/// A plain field type that a `Vec` may hold: every scalar but `u8` (whose `Vec` is bytes), and records.
#[diagnostic::on_unimplemented(
    message = "a list of `{Self}` is not a type that a field can have",
    label = "lists hold scalars or records",
    note = "use `#[record(json)]` for anything else"
)]
pub trait Item: Plain {
    /// The definition of an item.
    const ITEM: &'static FieldDef =
        &FieldDef { name: std::borrow::Cow::Borrowed("item"), ty: Self::TYPE, ..FieldDef::EMPTY };
}

/// A scalar or an `Option` of one: a field that says null by itself.
pub trait Nullable: FieldType {
    /// The scalar.
    type Scalar: Scalar;
    /// The value as predicates see it; `None` is null.
    fn seen(&self) -> Option<<Self::Scalar as Scalar>::Ref<'_>>;
}

/// A list or an `Option` of one.
pub trait Listed: FieldType {
    /// The type of its items.
    type Item: Item;
    /// The items; `None` is null.
    fn items(&self) -> Option<&[Self::Item]>;
}

/// A record or an `Option` of one.
pub trait Nested: FieldType {
    /// The record.
    type Record: Typed;
    /// The record; `None` is null.
    fn inner(&self) -> Option<&Self::Record>;
}

fn wrong(field: &FieldDef, value: &Value) -> Error {
    let error = Error::invalid(format!("a {} cannot hold a {}", field.ty, value.kind())).at_field(field.name.clone());
    match value {
        Value::Text(text) => error.with_value(text),
        Value::Int(n) => error.with_value(&n.to_string()),
        Value::Float(n) => error.with_value(&n.to_string()),
        _ => error,
    }
}

/// Why null was refused, and what to do.
const NULL_REFUSED: &str = "null, and the field is not nullable: make it an `Option`, or give it a value";

// ---- integers

macro_rules! integers {
    ($($native:ty: $ty:ident, $method:ident;)*) => { $(
        impl FieldType for $native {
            const TYPE: Type = Type::$ty;
            type Kind = ScalarKind;
            #[inline]
            fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> {
                out.$method(field, (*self).into())
            }
            #[inline]
            fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
                let Some(wide) = from.$method(field)? else { return Ok(None) };
                let fit = wide.try_into().map_err(|_| from.misfit(field, out_of_range(&Self::TYPE)).with_value(&wide.to_string()));
                fit.map(Some)
            }
            #[inline]
            fn cell(&self, _: &[Step]) -> ValueRef<'_> { ValueRef::Int((*self).into()) }
            #[inline]
            fn compares(&self, _: &[Step], op: Op, literal: &Value) -> bool {
                match literal {
                    Value::Int(literal) => op.holds(Some(i128::from(*self).cmp(literal))),
                    literal => compares(&self.cell(&[]), op, literal),
                }
            }
            fn from_value(field: &FieldDef, value: Value) -> Result<Self> {
                let Value::Int(wide) = value else { return Err(wrong(field, &value)) };
                wide.try_into().map_err(|_| {
                    Error::invalid(out_of_range(&Self::TYPE)).at_field(field.name.clone()).with_value(&wide.to_string())
                })
            }
            #[inline]
            fn check(&self, _: &FieldDef) -> Result<Form> { Ok(Form::Stored) }
        }
        copied!($native, |v| Value::Int((*v).into()));
        impl Number for $native {}
    )* };
}

/// A scalar that is its own literal and its own view.
macro_rules! copied {
    ($native:ty, |$v:ident| $value:expr) => {
        impl Scalar for $native {
            type Ref<'a> = $native;
            type Literal = $native;
            #[inline]
            fn look(&self) -> $native {
                *self
            }
            #[inline]
            fn view(literal: &$native) -> $native {
                *literal
            }
            fn value($v: &$native) -> Value {
                $value
            }
            fn keep(seen: $native) -> $native {
                seen
            }
        }
        plain!($native);
    };
}

/// What every plain scalar has in common.
macro_rules! plain {
    ($native:ty) => {
        impl Plain for $native {}
        impl Nullable for $native {
            type Scalar = $native;
            #[inline]
            fn seen(&self) -> Option<<$native as Scalar>::Ref<'_>> {
                Some(self.look())
            }
        }
    };
}

fn out_of_range(ty: &Type) -> String {
    match ty.integer_range() {
        Some((least, greatest)) => format!("out of the range of {ty} ({least} to {greatest})"),
        None => format!("out of the range of {ty}"),
    }
}

integers! {
    i8: I8, int; i16: I16, int; i32: I32, int; i64: I64, int;
    u8: U8, int; u16: U16, int; u32: U32, int; u64: U64, uint;
}

// ---- floats

macro_rules! floats {
    ($($native:ty: $ty:ident, $method:ident;)*) => { $(
        impl FieldType for $native {
            const TYPE: Type = Type::$ty;
            type Kind = ScalarKind;
            #[inline]
            fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> { out.$method(field, *self) }
            #[inline]
            fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> { from.$method(field) }
            #[inline]
            fn cell(&self, _: &[Step]) -> ValueRef<'_> { ValueRef::Float((*self).into()) }
            #[inline]
            fn compares(&self, _: &[Step], op: Op, literal: &Value) -> bool {
                match literal {
                    Value::Float(literal) => op.holds(f64::from(*self).partial_cmp(literal)),
                    literal => compares(&self.cell(&[]), op, literal),
                }
            }
            fn from_value(field: &FieldDef, value: Value) -> Result<Self> {
                match value {
                    Value::Float(v) if v.is_finite() && (v as $native).is_infinite() => {
                        Err(Error::invalid(beyond_float(&field.ty)).at_field(field.name.clone()).with_value(&v.to_string()))
                    }
                    Value::Float(v) => Ok(v as $native),
                    // Only integers that a float holds exactly: nothing is rounded behind the caller's back.
                    Value::Int(v) if (v as $native) as i128 == v => Ok(v as $native),
                    value => Err(wrong(field, &value)),
                }
            }
            #[inline]
            fn check(&self, field: &FieldDef) -> Result<Form> {
                match self {
                    v if !v.is_finite() => Err(not_finite(field, f64::from(*v))),
                    v if *v == 0.0 && v.is_sign_negative() => Ok(Form::Loose),
                    _ => Ok(Form::Stored),
                }
            }
            #[inline]
            fn normalize(&mut self, _: &FieldDef) { *self += 0.0; }
        }
        copied!($native, |v| Value::Float((*v).into()));
        impl Number for $native {}
        impl Item for $native {}
    )* };
}
floats! { f32: F32, float32; f64: F64, float; }

/// Why a number was refused that is too large for a float of this type.
pub(crate) fn beyond_float(ty: &Type) -> String {
    format!("out of the range of {ty}, which ends at {:e}", f32::MAX)
}

#[cold]
fn not_finite(field: &FieldDef, value: f64) -> Error {
    Error::invalid("NaN and infinities cannot be stored").at_field(field.name.clone()).with_value(&value.to_string())
}

// ---- the other scalars that are copied

macro_rules! copies {
    ($($native:ty: $variant:ident, $method:ident, $read:expr;)*) => { $(
        impl FieldType for $native {
            const TYPE: Type = Type::$variant;
            type Kind = ScalarKind;
            #[inline]
            fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> { out.$method(field, *self) }
            #[inline]
            fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
                Ok(from.$method(field)?.map($read))
            }
            #[inline]
            fn decode<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Self> {
                // Not by way of `read`: what the decoder gives stays in registers, and an optional UUID beside an error does not.
                match from.$method(field)? {
                    Some(value) => Ok($read(value)),
                    None => Err(from.misfit(field, NULL_REFUSED)),
                }
            }
            #[inline]
            fn cell(&self, _: &[Step]) -> ValueRef<'_> { ValueRef::$variant(*self) }
            fn from_value(field: &FieldDef, value: Value) -> Result<Self> {
                let Value::$variant(v) = value else { return Err(wrong(field, &value)) };
                Ok(v)
            }
            #[inline]
            fn check(&self, _: &FieldDef) -> Result<Form> { Ok(Form::Stored) }
        }
        copied!($native, |v| Value::$variant(*v));
        impl Item for $native {}
    )* };
}
copies! {
    bool: Bool, bool, identity;
    Uuid: Uuid, uuid, Uuid::from_u128;
    Date: Date, date, identity;
}

impl FieldType for Decimal {
    const TYPE: Type = Type::Decimal;
    type Kind = ScalarKind;
    #[inline]
    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> {
        out.decimal(field, *self)
    }
    #[inline]
    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
        from.decimal(field)
    }
    #[inline]
    fn cell(&self, _: &[Step]) -> ValueRef<'_> {
        ValueRef::Decimal(*self)
    }
    fn from_value(field: &FieldDef, value: Value) -> Result<Self> {
        let Value::Decimal(v) = value else { return Err(wrong(field, &value)) };
        Ok(v)
    }
    #[inline]
    fn check(&self, field: &FieldDef) -> Result<Form> {
        match field.decimal {
            Some((precision, scale)) if !has_room(*self, precision, scale) => Err(no_room(*self, field)),
            _ => Ok(Form::Stored),
        }
    }
}
copied!(Decimal, |v| Value::Decimal(*v));
impl Item for Decimal {}
impl Number for Decimal {}

/// Whether a decimal of this precision and scale can hold a value exactly.
pub(crate) fn has_room(value: Decimal, precision: u8, scale: u8) -> bool {
    let whole = value.trunc().mantissa().unsigned_abs();
    let digits = u32::from(precision.saturating_sub(scale));
    value.normalize().scale() <= u32::from(scale) && 10_u128.checked_pow(digits).is_none_or(|limit| whole < limit)
}

#[cold]
fn no_room(value: Decimal, field: &FieldDef) -> Error {
    let (precision, scale) = field.decimal.unwrap_or_default();
    Error::invalid(format!("a decimal({precision}, {scale}) cannot hold it exactly"))
        .at_field(field.name.clone())
        .with_value(&value.to_string())
}

macro_rules! items { ($($native:ty),*) => { $( impl Item for $native {} )* }; }
items!(i8, i16, i32, i64, u16, u32, u64, Timestamp, String);

impl FieldType for Timestamp {
    const TYPE: Type = Type::Timestamp;
    type Kind = ScalarKind;
    #[inline]
    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> {
        out.timestamp(field, *self)
    }
    #[inline]
    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
        from.timestamp(field)
    }
    #[inline]
    fn cell(&self, _: &[Step]) -> ValueRef<'_> {
        ValueRef::Timestamp(*self)
    }
    fn from_value(field: &FieldDef, value: Value) -> Result<Self> {
        let Value::Timestamp(v) = value else { return Err(wrong(field, &value)) };
        Ok(v)
    }
    #[inline]
    fn check(&self, _: &FieldDef) -> Result<Form> {
        Ok(if self.subsec_nanosecond() % 1_000 == 0 { Form::Stored } else { Form::Loose })
    }
    #[inline]
    fn normalize(&mut self, _: &FieldDef) {
        *self = to_microseconds(*self);
    }
}
copied!(Timestamp, |v| Value::Timestamp(*v));

/// Cuts finer digits off, toward the past (semantics 2.4).
pub(crate) fn to_microseconds(moment: Timestamp) -> Timestamp {
    if moment.subsec_nanosecond() % 1_000 == 0 {
        return moment;
    }
    let nanoseconds = moment.as_nanosecond();
    // The range of a timestamp ends on whole seconds, so cutting never leaves it.
    Timestamp::from_nanosecond(nanoseconds - nanoseconds.rem_euclid(1_000)).unwrap_or(moment)
}

// ---- text and bytes

impl FieldType for String {
    const TYPE: Type = Type::Text;
    type Kind = ScalarKind;
    #[inline]
    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> {
        out.text(field, self)
    }
    #[inline]
    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
        Ok(from.text(field)?.map(std::borrow::Cow::into_owned))
    }
    #[inline]
    fn cell(&self, _: &[Step]) -> ValueRef<'_> {
        ValueRef::text(self)
    }
    #[inline]
    fn compares(&self, _: &[Step], op: Op, literal: &Value) -> bool {
        match literal {
            Value::Text(literal) => text_compares(self, op, literal),
            literal => compares(&self.cell(&[]), op, literal),
        }
    }
    fn from_value(field: &FieldDef, value: Value) -> Result<Self> {
        let Value::Text(v) = value else { return Err(wrong(field, &value)) };
        Ok(v)
    }
    #[inline]
    fn check(&self, field: &FieldDef) -> Result<Form> {
        check_text(self, field)?;
        Ok(Form::Stored)
    }
}

/// Whether a text holds U+0000, which no store keeps (semantics 2.6). Most texts are so short that this is known before a
/// search for it had begun: it is eight bytes at a time.
#[inline]
pub(crate) fn holds_nul(text: &str) -> bool {
    const SHORT: usize = 64;
    let bytes = text.as_bytes();
    let holds = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080 != 0
    };
    match bytes.last_chunk::<8>() {
        None => bytes.contains(&0),
        // The last word is told whole, and overlaps the one before.
        Some(last) if bytes.len() <= SHORT => holds(last) || bytes.as_chunks::<8>().0.iter().any(holds),
        Some(_) => memchr::memchr(0, bytes).is_some(),
    }
}

/// The error of a text that does.
#[cold]
pub(crate) fn nul_refused(field: &FieldDef, text: &str) -> Error {
    Error::invalid("text holds U+0000, which no store keeps").at_field(field.name.clone()).with_value(text)
}

/// Refuses U+0000 and text over the field's limit (semantics 2.6, 2.8).
pub(crate) fn check_text(text: &str, field: &FieldDef) -> Result<()> {
    if holds_nul(text) {
        return Err(nul_refused(field, text));
    }
    match field.text_limit() {
        Some(limit) if text.len() > limit => Err(too_long(text, field, limit)),
        _ => Ok(()),
    }
}

#[cold]
fn too_long(text: &str, field: &FieldDef, limit: usize) -> Error {
    let why = format!(
        "text of {} bytes; this field holds at most {limit}: mark it `large` if it is never compared",
        text.len()
    );
    Error::invalid(why).at_field(field.name.clone()).with_value(text)
}

impl Scalar for String {
    type Ref<'a> = &'a str;
    type Literal = String;
    #[inline]
    fn look(&self) -> &str {
        self
    }
    #[inline]
    fn view(literal: &String) -> &str {
        literal
    }
    fn value(literal: &String) -> Value {
        Value::Text(literal.clone())
    }
    fn keep(seen: &str) -> String {
        seen.to_owned()
    }
    #[inline]
    fn is_text_that(seen: &str, test: impl FnOnce(&str) -> bool) -> bool {
        test(seen)
    }
}
plain!(String);
impl Text for String {}

impl FieldType for Vec<u8> {
    const TYPE: Type = Type::Bytes;
    type Kind = ScalarKind;
    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> {
        out.bytes(field, self)
    }
    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
        from.bytes(field)
    }
    fn cell(&self, _: &[Step]) -> ValueRef<'_> {
        ValueRef::Bytes(self.into())
    }
    fn from_value(field: &FieldDef, value: Value) -> Result<Self> {
        let Value::Bytes(v) = value else { return Err(wrong(field, &value)) };
        Ok(v)
    }
    fn check(&self, _: &FieldDef) -> Result<Form> {
        Ok(Form::Stored)
    }
}
impl Scalar for Vec<u8> {
    type Ref<'a> = &'a [u8];
    type Literal = Vec<u8>;
    fn look(&self) -> &[u8] {
        self
    }
    fn view(literal: &Vec<u8>) -> &[u8] {
        literal
    }
    fn value(literal: &Vec<u8>) -> Value {
        Value::Bytes(literal.clone())
    }
    fn keep(seen: &[u8]) -> Vec<u8> {
        seen.to_owned()
    }
}
plain!(Vec<u8>);
impl Item for Vec<u8> {}

// ---- enums without data

/// An enum without data, stored as the text of its variant's name; `#[derive(TextEnum)]` writes it.
///
/// Its values are ordered as texts are, by the UTF-8 bytes of their names (semantics 2.7).
pub trait TextEnum: Clone + Send + Sync + 'static {
    /// The names, in the order of the variants.
    const NAMES: &'static [std::borrow::Cow<'static, str>];
    /// The name of this variant.
    fn name(&self) -> &'static str;
    /// The variant of this name or alias.
    fn from_name(name: &str) -> Option<Self>;
}

/// What the derive of a [`TextEnum`] builds on.
#[doc(hidden)]
pub mod text_enum {
    use super::*;

    pub fn read<T: TextEnum, D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<T>> {
        let Some(name) = from.text(field)? else { return Ok(None) };
        if let Some(known) = T::from_name(&name) {
            return Ok(Some(known));
        }
        let name = name.into_owned();
        Err(from.misfit(field, unknown_variant(&name, T::NAMES)).with_value(&name))
    }

    pub fn from_value<T: TextEnum>(field: &FieldDef, value: Value) -> Result<T> {
        let Value::Text(name) = value else { return Err(wrong(field, &value)) };
        T::from_name(&name).ok_or_else(|| {
            Error::invalid(unknown_variant(&name, T::NAMES)).at_field(field.name.clone()).with_value(&name)
        })
    }
}

pub(crate) fn unknown_variant(name: &str, known: &[std::borrow::Cow<'static, str>]) -> String {
    let nearest = crate::record::target::nearest(name, known.iter().map(AsRef::as_ref));
    let hint = nearest.map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    format!("not one of {}{hint}", known.join(", "))
}

// ---- options

impl<T: Plain> FieldType for Option<T> {
    const TYPE: Type = T::TYPE;
    const NULLABLE: bool = true;
    type Kind = T::Kind;
    #[inline]
    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> {
        match self {
            Some(value) => value.encode(field, out),
            None => out.null(field),
        }
    }
    #[inline]
    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
        T::read(field, from).map(Some)
    }
    fn from_value(field: &FieldDef, value: Value) -> Result<Self> {
        if value.is_null() { Ok(None) } else { T::from_value(field, value).map(Some) }
    }
    fn missing() -> Option<Self> {
        Some(None)
    }
    #[inline]
    fn is_null(&self) -> bool {
        self.is_none()
    }
    #[inline]
    fn cell(&self, rest: &[Step]) -> ValueRef<'_> {
        self.as_ref().map_or(ValueRef::Null, |value| value.cell(rest))
    }
    #[inline]
    fn compares(&self, rest: &[Step], op: Op, literal: &Value) -> bool {
        self.as_ref().is_some_and(|value| value.compares(rest, op, literal))
    }
    fn put(&mut self, field: &FieldDef, rest: &[Step], value: Value) -> Result<()> {
        match self {
            _ if rest.is_empty() => *self = Self::from_value(field, value)?,
            Some(inner) => inner.put(field, rest, value)?,
            None => return Err(Error::invalid("it is null, so nothing inside can be set").at_field(field.name.clone())),
        }
        Ok(())
    }
    #[inline]
    fn check(&self, field: &FieldDef) -> Result<Form> {
        self.as_ref().map_or(Ok(Form::Stored), |value| value.check(field))
    }
    fn normalize(&mut self, field: &FieldDef) {
        if let Some(value) = self {
            value.normalize(field);
        }
    }
}

impl<T: Scalar + Plain> Nullable for Option<T> {
    type Scalar = T;
    #[inline]
    fn seen(&self) -> Option<T::Ref<'_>> {
        self.as_ref().map(Scalar::look)
    }
}

// ---- lists

impl<T: Item> FieldType for Vec<T> {
    const TYPE: Type = Type::List(Shared::Static(T::ITEM));
    type Kind = ListKind;
    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> {
        out.list(field, T::ITEM, self)
    }
    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
        from.list(field, T::ITEM)
    }
    fn from_value(field: &FieldDef, value: Value) -> Result<Self> {
        let Value::List(items) = value else { return Err(wrong(field, &value)) };
        let items = items.into_iter().map(|item| T::from_value(T::ITEM, item));
        items.collect::<Result<_>>().map_err(|e| e.under_field(&field.name))
    }
    fn cell(&self, _: &[Step]) -> ValueRef<'_> {
        ValueRef::List(self.iter().map(|item| item.cell(&[]).into_owned()).collect())
    }
    fn check(&self, field: &FieldDef) -> Result<Form> {
        let forms = self.iter().map(|item| item.check(T::ITEM));
        let form = forms.into_iter().try_fold(Form::Stored, |all, form| Ok(all.and(form?)));
        form.map_err(|e: Error| e.under_field(&field.name))
    }
    fn normalize(&mut self, _: &FieldDef) {
        self.iter_mut().for_each(|item| item.normalize(T::ITEM));
    }
}
impl<T: Item> Plain for Vec<T> {}
impl<T: Item> Listed for Vec<T> {
    type Item = T;
    fn items(&self) -> Option<&[T]> {
        Some(self)
    }
}
impl<T: Item> Listed for Option<Vec<T>> {
    type Item = T;
    fn items(&self) -> Option<&[T]> {
        self.as_deref()
    }
}

// ---- vectors

impl<const N: usize> FieldType for [f32; N] {
    const TYPE: Type = Type::Vector(N as u32);
    type Kind = OpaqueKind;
    fn encode<E: Encoder>(&self, field: &FieldDef, out: &mut E) -> Result<()> {
        out.vector(field, self)
    }
    fn read<D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<Self>> {
        let Some(found) = from.vector(field)? else { return Ok(None) };
        let dimensions = found.len();
        found.try_into().map(Some).map_err(|_| from.misfit(field, wrong_dimension(dimensions, N)))
    }
    fn from_value(field: &FieldDef, value: Value) -> Result<Self> {
        let Value::Vector(found) = value else { return Err(wrong(field, &value)) };
        let dimensions = found.len();
        found.try_into().map_err(|_| Error::invalid(wrong_dimension(dimensions, N)).at_field(field.name.clone()))
    }
    fn cell(&self, _: &[Step]) -> ValueRef<'_> {
        ValueRef::Vector(self.as_slice().into())
    }
    fn check(&self, field: &FieldDef) -> Result<Form> {
        self.iter().try_fold(Form::Stored, |all, v| Ok(all.and(v.check(field)?)))
    }
    fn normalize(&mut self, field: &FieldDef) {
        self.iter_mut().for_each(|v| v.normalize(field));
    }
}
impl<const N: usize> Plain for [f32; N] {}

fn wrong_dimension(found: usize, wanted: usize) -> String {
    format!("a vector of {found} dimensions, where the field has {wanted}")
}

// ---- records inside records

/// What the derive of a record builds on to make the record a field type.
#[doc(hidden)]
pub mod nested {
    use super::*;
    use crate::record::{
        codec::RecordCodec,
        document::{DocumentReader, DocumentWriter},
    };

    pub fn encode<N: Typed, E: Encoder>(record: &N, field: &FieldDef, out: &mut E) -> Result<()> {
        out.record(field, N::SCHEMA, record)
    }
    pub fn read<N: Typed, D: Decoder>(field: &FieldDef, from: &mut D) -> Result<Option<N>> {
        from.record(field, N::SCHEMA)
    }
    pub fn from_value<N: Typed>(field: &FieldDef, value: Value) -> Result<N> {
        let Value::Record(document) = value else { return Err(wrong(field, &value)) };
        N::decode(N::SCHEMA, &mut DocumentReader::new(&document)).map_err(|e| e.under_field(&field.name))
    }
    pub fn cell<'a, N: Typed>(record: &'a N, rest: &[Step]) -> ValueRef<'a> {
        if rest.is_empty() { DocumentWriter::value_of(record, N::SCHEMA) } else { record.cell(rest) }
    }
    pub fn compares<N: Typed>(record: &N, rest: &[Step], op: Op, literal: &Value) -> bool {
        if rest.is_empty() {
            return super::compares(&cell(record, rest), op, literal);
        }
        RecordCodec::compares(record, rest, op, literal)
    }
    pub fn put<N: Typed>(record: &mut N, field: &FieldDef, rest: &[Step], value: Value) -> Result<()> {
        if rest.is_empty() {
            *record = from_value(field, value)?;
            return Ok(());
        }
        RecordCodec::put(record, N::SCHEMA, rest, value).map_err(|e| e.under_field(&field.name))
    }
    pub fn check<N: Typed>(record: &N, field: &FieldDef) -> Result<Form> {
        RecordCodec::check(record, N::SCHEMA).map_err(|e| e.under_field(&field.name))
    }
}

impl<N: Nested + Typed + Plain> Nested for Option<N> {
    type Record = N;
    fn inner(&self) -> Option<&N> {
        self.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semantics_2_6_nul_is_found_at_any_place_of_a_text_of_any_length() {
        for length in 0..=80 {
            let text = "\u{1}é\u{80}ÿ".chars().cycle().take(length).collect::<String>();
            assert!(!holds_nul(&text), "{length}");
            for place in (0..=text.len()).filter(|place| text.is_char_boundary(*place)) {
                assert!(holds_nul(&format!("{}\0{}", &text[..place], &text[place..])), "{length}, at {place}");
            }
        }
    }
}
