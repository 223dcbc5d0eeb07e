//! What cannot be, though each attribute is well-formed. One mistake, one message: at the token that is wrong, saying what
//! to write instead. What needs to know types is checked by the compiler, in the emitted code.

use std::collections::{HashMap, HashSet};

use proc_macro2::Span;
use syn::{GenericArgument, Generics, PathArguments, Type, ext::IdentExt, spanned::Spanned};

use crate::{
    ast::{Field, Record, TextEnum},
    attr::Faults,
};

/// Refuses what no record can be.
pub fn record(record: &Record<'_>, faults: &mut Faults) {
    lifetimes(record.generics, faults);
    if let Some(name) = record.attrs.name.as_ref().filter(|name| name.value().is_empty()) {
        faults.add(name.span(), "a record's name cannot be empty");
    }
    for field in &record.fields {
        attributes(field, faults);
    }
    for field in record.stored() {
        stored_name(field, faults);
        if field.attrs.json.is_none() {
            field_type(record, field, faults);
        }
    }
    one_id(record, faults);
    distinct_names(record, faults);
    distinct_handles(record, faults);
}

/// Refuses what no text enum can be.
pub fn text_enum(input: &TextEnum<'_>, faults: &mut Faults) {
    if let Some(param) = input.generics.params.first() {
        faults.add(param.span(), "an enum without data has no parameters");
    }
    if input.variants.is_empty() {
        faults.add(input.ident.span(), "an enum without variants has no values: give it one");
    }
    let mut names = HashSet::new();
    for variant in &input.variants {
        if let Some(data) = variant.data {
            faults.add(data, "a variant with data has no name that says it all; leave the data out, or mark fields of this enum `#[record(json)]` and derive serde's traits");
        }
        if let Some(why) = spelling(&variant.name) {
            faults.add(variant.name_span, why);
        }
        let aliases = variant.attrs.alias.iter().map(|alias| (alias.value(), alias.span()));
        for (name, span) in [(variant.name.clone(), variant.name_span)].into_iter().chain(aliases) {
            if names.contains(&name) {
                faults.add(span, format!("two variants are called \"{name}\"; `rename` one"));
            }
            names.insert(name);
        }
    }
}

fn lifetimes(generics: &Generics, faults: &mut Faults) {
    if let Some(param) = generics.lifetimes().next() {
        faults.add(param.span(), "a record owns its fields: write `String` for `&str` and leave the lifetime out");
    }
}

/// Attributes that contradict each other.
fn attributes(field: &Field<'_>, faults: &mut Faults) {
    let attrs = &field.attrs;
    if attrs.skip.is_some() {
        if let Some((word, place)) = attrs.stored_only().next() {
            faults
                .add(place, format!("a skipped field is not stored, so `{word}` says nothing; leave one of both out"));
        }
        return;
    }
    let pairs = [
        (attrs.default, attrs.id, "an id is never made up: leave `default` out"),
        (attrs.unique, attrs.id, "an id is unique: leave `unique` out"),
        (attrs.index, attrs.id, "an id is always indexed: leave `index` out"),
        (attrs.large, attrs.id, "an id is compared, and a large field is not: leave `large` out"),
        (attrs.json, attrs.id, "an id is a `String`, a `Uuid` or an integer, not JSON"),
        (
            attrs.large,
            attrs.index,
            "a large field is never compared, so an index is of no use: leave `large` or `index` out",
        ),
        (
            attrs.large,
            attrs.unique,
            "a large field is never compared, so it cannot be unique: leave `large` or `unique` out",
        ),
        (attrs.json, attrs.index, "JSON has no order, so it cannot be indexed: leave `json` or `index` out"),
        (attrs.json, attrs.unique, "JSON is never compared, so it cannot be unique: leave `json` or `unique` out"),
        (
            attrs.json,
            attrs.text.as_ref().map(syn::LitStr::span),
            "JSON has no words to be found: leave `json` or `text` out",
        ),
        (
            attrs.json,
            attrs.decimal.as_ref().map(|decimal| decimal.span),
            "JSON has no precision and scale: leave `json` or `decimal` out",
        ),
        (attrs.json, attrs.large, "JSON has no limit that `large` would lift: leave `large` out"),
    ];
    for (one, other, why) in pairs {
        if let (Some(_), Some(place)) = (one, other) {
            faults.add(one.filter(|_| why.contains("an id")).unwrap_or(place), why);
        }
    }
}

/// Why this cannot be a name, if it cannot.
fn spelling(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("a name cannot be empty"),
        name if name.contains('\0') => Some("a name cannot hold U+0000"),
        _ => None,
    }
}

fn stored_name(field: &Field<'_>, faults: &mut Faults) {
    const ENVELOPE: &str =
        "names that begin with `_` belong to the envelope: write `#[record(rename = \"..\")]`, or `skip` the field";
    let given = [(field.name.clone(), field.name_span)].into_iter();
    let aliases = field.attrs.alias.iter().map(|alias| (alias.value(), alias.span()));
    for (name, span) in given.chain(aliases) {
        let why = spelling(&name).or_else(|| name.starts_with('_').then_some(ENVELOPE));
        why.into_iter().for_each(|why| faults.add(span, why));
    }
}

/// Field types that are wrong by their spelling alone; the compiler would say the same less clearly.
pub fn field_type(record: &Record<'_>, field: &Field<'_>, faults: &mut Faults) {
    let mut fault = |why: &str| faults.over(field.ty, why);
    let inside = |ty, name| argument_of(ty, name);
    let optional = inside(field.ty, "Option");
    let plain = optional.unwrap_or(field.ty);
    let item = inside(plain, "Vec");
    match () {
        () if field.attrs.id.is_some() && optional.is_some() => {
            fault("an id is never null: leave `Option` out, or write `#[record(unique)]`");
        }
        () if optional.is_some_and(|ty| inside(ty, "Option").is_some()) => {
            fault("null and missing are one thing, so `Option<Option<T>>` says no more than `Option<T>`");
        }
        () if item.is_some_and(|ty| inside(ty, "Option").is_some()) => {
            fault("a list holds no nulls: write `Vec<T>`, or mark the field `#[record(json)]`");
        }
        () if holds_itself(record, plain) => {
            fault("a record cannot hold itself: keep the id of the other one, or mark the field `#[record(json)]`");
        }
        // A lifetime of the struct has been refused already.
        () if matches!(field.ty, Type::Reference(_)) && record.generics.lifetimes().next().is_none() => {
            fault("a record owns its fields: write `String` for `&str`, `Vec<T>` for `&[T]`");
        }
        () => {}
    }
}

/// Whether the type is the record, or a `Vec`, `Option` or `Box` of it.
fn holds_itself(record: &Record<'_>, ty: &Type) -> bool {
    let wrapped = ["Vec", "Option", "Box"].into_iter().find_map(|name| argument_of(ty, name));
    let named = |ident: &syn::Ident| *ident == "Self" || ident.unraw() == record.ident.unraw();
    let is_record = matches!(ty, Type::Path(path) if path.qself.is_none()
        && path.path.segments.len() == 1
        && path.path.segments.iter().all(|segment| named(&segment.ident)));
    is_record || wrapped.is_some_and(|inner| holds_itself(record, inner))
}

/// `T` of `name<T>`, however the path is written.
fn argument_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

fn one_id(record: &Record<'_>, faults: &mut Faults) {
    let ids = record.fields.iter().filter_map(|field| field.attrs.id);
    for second in ids.skip(1) {
        faults.add(second, "a record has one id: write `#[record(unique)]` on the other field");
    }
}

fn distinct_names(record: &Record<'_>, faults: &mut Faults) {
    let mut seen: HashSet<String> = HashSet::new();
    for field in record.stored() {
        let aliases = field.attrs.alias.iter().map(|alias| (alias.value(), alias.span()));
        for (name, span) in [(field.name.clone(), field.name_span)].into_iter().chain(aliases) {
            if !name.is_empty() && !seen.insert(name.clone()) {
                faults.add(span, format!("two fields are called \"{name}\"; `rename` one"));
            }
        }
    }
}

fn distinct_handles(record: &Record<'_>, faults: &mut Faults) {
    let mut seen: HashMap<String, Span> = HashMap::new();
    let handles = record.fields.iter().filter_map(|field| field.handle.as_ref());
    for handle in handles.filter(|_| !record.attrs.no_handles) {
        if seen.insert(handle.to_string(), handle.span()).is_some() {
            let why =
                format!("two handles are called `{handle}`: write `#[record(handle = \"..\")]` on one of the fields");
            faults.add(handle.span(), why);
        }
    }
}
