//! Reads `#[record(..)]`: one struct for each place where it can stand. Every mistake is noted where it was made, and
//! reading goes on, so that one build shows all of them.

use proc_macro2::Span;
use syn::{
    Attribute, Error, Ident, LitInt, LitStr, Token, Type, ext::IdentExt, meta::ParseNestedMeta, parenthesized,
    punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    case::{CASES, Case},
    symbol,
};

/// The mistakes found so far.
#[derive(Default)]
pub struct Faults(Option<Error>);

impl Faults {
    /// Notes a mistake at a place.
    pub fn add(&mut self, span: Span, why: impl std::fmt::Display) {
        self.push(Error::new(span, why));
    }
    /// Notes a mistake that is all of these tokens.
    pub fn over(&mut self, tokens: impl quote::ToTokens, why: impl std::fmt::Display) {
        self.push(Error::new_spanned(tokens, why));
    }
    /// Notes a mistake.
    pub fn push(&mut self, fault: Error) {
        match &mut self.0 {
            Some(all) => all.combine(fault),
            none => *none = Some(fault),
        }
    }
    /// All of them as one.
    pub fn into_error(self) -> Option<Error> {
        self.0
    }
}

/// What stands on a struct.
#[derive(Default)]
pub struct Struct {
    pub name: Option<LitStr>,
    pub rename_all: Option<Case>,
    pub no_handles: bool,
    pub no_query: bool,
    /// The larger records that this one is a part of.
    pub of: Vec<Type>,
}

/// What stands on a field. A flag is the place where it was set. Constraints on values will be read into here, too.
#[derive(Default)]
pub struct Field {
    pub id: Option<Span>,
    pub skip: Option<Span>,
    pub default: Option<Span>,
    pub index: Option<Span>,
    pub unique: Option<Span>,
    pub json: Option<Span>,
    pub large: Option<Span>,
    pub decimal: Option<Scale>,
    /// The language of its words.
    pub text: Option<LitStr>,
    pub rename: Option<LitStr>,
    pub alias: Vec<LitStr>,
    pub handle: Handle,
}

/// The precision and the scale of a decimal, and where they were given.
pub struct Scale {
    pub precision: u8,
    pub scale: u8,
    pub span: Span,
}

/// What a field's handle is called.
#[derive(Default)]
pub enum Handle {
    #[default]
    Default,
    Named(Ident),
    None,
}

/// What stands on an enum.
#[derive(Default)]
pub struct Enum {
    pub rename_all: Option<Case>,
}

/// What stands on a variant.
#[derive(Default)]
pub struct Variant {
    pub rename: Option<LitStr>,
    pub alias: Vec<LitStr>,
}

impl Struct {
    pub fn read(attrs: &[Attribute], faults: &mut Faults) -> Struct {
        let mut read = Struct::default();
        each(attrs, symbol::STRUCT, "a record", faults, |word, meta| {
            match word {
                "name" => once(&mut read.name, meta)?,
                "rename_all" => read.rename_all = Some(case(meta)?),
                "handles" => {
                    none(meta, "write `handles = none` to leave the handles out")?;
                    read.no_handles = true;
                }
                "query" => {
                    none(meta, "write `query = none` to leave the function `query` out")?;
                    read.no_query = true;
                }
                "of" => read.of.push(meta.value()?.parse()?),
                _ => return Ok(false),
            }
            Ok(true)
        });
        read
    }
}

impl Field {
    pub fn read(attrs: &[Attribute], faults: &mut Faults) -> Field {
        let mut read = Field::default();
        each(attrs, symbol::FIELD, "a field", faults, |word, meta| {
            match word {
                "id" => flag(&mut read.id, meta)?,
                "skip" => flag(&mut read.skip, meta)?,
                "default" => flag(&mut read.default, meta)?,
                "index" => flag(&mut read.index, meta)?,
                "unique" => flag(&mut read.unique, meta)?,
                "json" => flag(&mut read.json, meta)?,
                "large" => flag(&mut read.large, meta)?,
                "decimal" => read.decimal = Some(scale(meta)?),
                "text" => once(&mut read.text, meta)?,
                "rename" => once(&mut read.rename, meta)?,
                "alias" => read.alias.push(text(meta)?),
                "handle" => read.handle = handle(meta)?,
                _ => return Ok(false),
            }
            Ok(true)
        });
        read
    }

    /// The attributes that say something of a stored field, with their places.
    pub fn stored_only(&self) -> impl Iterator<Item = (&'static str, Span)> {
        let flags = [
            ("id", self.id),
            ("default", self.default),
            ("index", self.index),
            ("unique", self.unique),
            ("json", self.json),
            ("large", self.large),
            ("decimal", self.decimal.as_ref().map(|decimal| decimal.span)),
            ("text", self.text.as_ref().map(LitStr::span)),
            ("rename", self.rename.as_ref().map(LitStr::span)),
            ("alias", self.alias.first().map(LitStr::span)),
        ];
        flags.into_iter().filter_map(|(word, place)| Some((word, place?)))
    }
}

impl Enum {
    pub fn read(attrs: &[Attribute], faults: &mut Faults) -> Enum {
        let mut read = Enum::default();
        each(attrs, symbol::ENUM, "an enum", faults, |word, meta| {
            let known = word == "rename_all";
            if known {
                read.rename_all = Some(case(meta)?);
            }
            Ok(known)
        });
        read
    }
}

impl Variant {
    pub fn read(attrs: &[Attribute], faults: &mut Faults) -> Variant {
        let mut read = Variant::default();
        each(attrs, symbol::VARIANT, "a variant", faults, |word, meta| {
            match word {
                "rename" => once(&mut read.rename, meta)?,
                "alias" => read.alias.push(text(meta)?),
                _ => return Ok(false),
            }
            Ok(true)
        });
        read
    }
}

/// The name in the store, and where it was given.
pub fn stored_name(rename: Option<&LitStr>, all: Option<Case>, spelt: &str, span: Span) -> (String, Span) {
    match rename {
        Some(name) => (name.value(), name.span()),
        None => (all.map_or_else(|| spelt.to_owned(), |case| case.apply(spelt)), span),
    }
}

/// Shows every word of every `#[record(..)]` to `take`, which says whether it knows it.
fn each(
    attrs: &[Attribute],
    known: &[&str],
    on: &str,
    faults: &mut Faults,
    mut take: impl FnMut(&str, &ParseNestedMeta<'_>) -> syn::Result<bool>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("record")) {
        let read = attr.parse_nested_meta(|meta| {
            let word = meta.path.get_ident().map(|ident| ident.unraw().to_string()).unwrap_or_default();
            match take(&word, &meta) {
                Ok(true) => Ok(()),
                Ok(false) => {
                    let hint = symbol::hint(&word, known);
                    Err(Error::new(meta.path.span(), format!("`{word}` says nothing of {on}; {hint}")))
                }
                Err(fault) => Err(fault),
            }
        });
        read.unwrap_or_else(|fault| faults.push(fault));
    }
}

fn flag(slot: &mut Option<Span>, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        let word = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
        return Err(meta.input.error(format!("`{word}` takes no value: write `#[record({word})]`")));
    }
    *slot = Some(meta.path.span());
    Ok(())
}

fn once(slot: &mut Option<LitStr>, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    let value = text(meta)?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(meta.error("this is said twice; leave one")),
    }
}

fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let word = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
    let wanted = || format!("write `#[record({word} = \"..\")]`");
    let value = meta.value().map_err(|_| Error::new(meta.path.span(), wanted()))?;
    let span = value.span();
    value.parse().map_err(|_| Error::new(span, wanted()))
}

/// `decimal(precision, scale)`
fn scale(meta: &ParseNestedMeta<'_>) -> syn::Result<Scale> {
    const WANTED: &str = "write `decimal(precision, scale)`, as `decimal(9, 2)`: so many digits, and so many of them behind the point; a precision is from 1 to 76, a scale from 0 to that";
    let span = meta.path.span();
    if !meta.input.peek(syn::token::Paren) {
        return Err(Error::new(span, WANTED));
    }
    let inside;
    parenthesized!(inside in meta.input);
    let place = inside.span();
    let numbers = Punctuated::<LitInt, Token![,]>::parse_terminated(&inside).map_err(|_| Error::new(place, WANTED))?;
    let numbers: Vec<u8> = numbers.iter().map(LitInt::base10_parse).collect::<syn::Result<_>>().unwrap_or_default();
    match numbers[..] {
        [precision @ 1..=76, scale] if scale <= precision => Ok(Scale { precision, scale, span }),
        _ => Err(Error::new(place, WANTED)),
    }
}

fn case(meta: &ParseNestedMeta<'_>) -> syn::Result<Case> {
    let name = text(meta)?;
    Case::named(&name.value()).ok_or_else(|| Error::new(name.span(), unknown_case(&name.value())))
}

fn unknown_case(name: &str) -> String {
    format!("`{name}` is no spelling; {}", symbol::hint(name, CASES))
}

/// `handles = none`, `query = none`
fn none(meta: &ParseNestedMeta<'_>, wanted: &str) -> syn::Result<()> {
    let value = meta.value().map_err(|_| Error::new(meta.path.span(), wanted))?;
    let span = value.span();
    let word: Ident = value.parse().map_err(|_| Error::new(span, wanted))?;
    if word == "none" { Ok(()) } else { Err(Error::new(span, wanted)) }
}

/// `handle = "NAME"` or `handle = none`
fn handle(meta: &ParseNestedMeta<'_>) -> syn::Result<Handle> {
    let wanted = || "write `handle = \"NAME\"`, or `handle = none` to leave it out";
    let value = meta.value().map_err(|_| Error::new(meta.path.span(), wanted()))?;
    if value.peek(Ident) && value.fork().parse::<Ident>()? == "none" {
        let _: Ident = value.parse()?;
        return Ok(Handle::None);
    }
    let span = value.span();
    let name: LitStr = value.parse().map_err(|_| Error::new(span, wanted()))?;
    name.parse().map(Handle::Named).map_err(|_| Error::new(name.span(), "a handle's name is a Rust name, as `AGE`"))
}
