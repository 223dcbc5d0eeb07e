//! What `#[record(..)]` says of a field and only the compiler can check: constant functions whose bounds are the checks.
//!
//! The derive calls them where it writes the schema, with the span of the field's type. Nothing here runs in a program.

use std::borrow::Cow;

use rust_decimal::Decimal;

use crate::record::{
    codec::derived_fields,
    field_type::Nullable,
    schema::{FieldDef, Schema},
};

/// What every record is: cloned, and shared between threads. The derive's impls hold where it holds, so that a struct that is
/// not is one mistake, which [`assert_sharable`] reports, and not one for every trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is cloned and sent between threads, as every record is, and cannot be",
    label = "write `#[derive(Record, Clone)]`, and leave out fields that threads cannot share"
)]
pub trait Sharable: Clone + Send + Sync + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Sharable for T {}

/// The same of an enum without data.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is cloned, as every value of a record is, and cannot be",
    label = "write `#[derive(TextEnum, Clone)]`"
)]
pub trait SharableEnum: Clone + Send + Sync + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> SharableEnum for T {}

/// An enum is sharable.
pub const fn assert_sharable_enum<T: SharableEnum>() {}

/// A record is sharable.
pub const fn assert_sharable<T: Sharable>() {}

/// A field type that `#[record(large)]` makes sense for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be `large`",
    label = "only a `String` or an `Option<String>` can be `#[record(large)]`",
    note = "`large` lifts the limit of text that is compared (semantics 2.8); no other type has one"
)]
pub trait Large {}
impl Large for String {}
impl Large for Option<String> {}

/// A field type whose values can be told apart, so that they can be unique.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be `unique`",
    label = "only a scalar, or an `Option` of one, can be `#[record(unique)]`"
)]
pub trait Unique {}
#[diagnostic::do_not_recommend]
impl<T: Nullable> Unique for T {}

/// `#[record(unique)]`
pub const fn unique<T: Unique>() -> bool {
    true
}

/// `#[record(large)]`
pub const fn large<T: Large>() -> bool {
    true
}

/// A field type that has a precision and a scale.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no precision and scale",
    label = "only a `Decimal` or an `Option<Decimal>` can be `#[record(decimal(precision, scale))]`"
)]
pub trait Scaled {}
impl Scaled for Decimal {}
impl Scaled for Option<Decimal> {}

/// `#[record(decimal(precision, scale))]`
pub const fn decimal<T: Scaled>(precision: u8, scale: u8) -> Option<(u8, u8)> {
    Some((precision, scale))
}

/// A field type in which `#[record(text = "..")]` finds words.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not searched for words",
    label = "only a `String` or an `Option<String>` can be `#[record(text = \"..\")]`"
)]
pub trait Words {}
impl Words for String {}
impl Words for Option<String> {}

/// `#[record(text = "..")]`
pub const fn text<T: Words>(language: &'static str) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(language))
}

/// `#[record(of = Larger)]`: every field of the part is called in the store what it is called in the whole.
///
/// # Panics
/// At compile time, where one is not.
pub const fn part(whole: &'static Schema, part: &'static Schema) {
    let (whole, part) = (derived_fields(whole), derived_fields(part));
    let mut at = 0;
    while at < part.len() {
        assert!(
            declares(whole, name(&part[at])),
            "a field is called otherwise in the larger record's store: give it the same `rename`, and the struct the same `rename_all`"
        );
        at += 1;
    }
}

const fn declares(fields: &[FieldDef], wanted: &str) -> bool {
    let mut at = 0;
    while at < fields.len() {
        if same(name(&fields[at]).as_bytes(), wanted.as_bytes()) {
            return true;
        }
        at += 1;
    }
    false
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

const fn name(field: &FieldDef) -> &str {
    match &field.name {
        Cow::Borrowed(name) => name,
        Cow::Owned(_) => "",
    }
}
