//! The code that the derives write. Every path in it begins at a crate's root, and every name of its own begins with
//! `__dk_`, so that nothing of the user's is shadowed.

mod codec;
mod handles;
mod nested;
mod schema;
mod subset;
mod text_enum;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::DeriveInput;

pub use self::{
    handles::{handles, query_fn},
    nested::nested,
    text_enum::{clause as enum_clause, scalar as enum_scalar},
};
use crate::{ast, attr::Faults, fallback, valid};

/// `#[derive(Record)]`
pub fn record(input: &DeriveInput) -> TokenStream {
    let mut faults = Faults::default();
    let record = match ast::Record::read(input, &mut faults) {
        Ok(record) => record,
        Err(fault) => return with(fallback::record(input, None), &fault),
    };
    valid::record(&record, &mut faults);
    match faults.into_error() {
        Some(fault) => with(fallback::record(input, Some(&record)), &fault),
        None => whole_record(&record),
    }
}

/// The mistakes, beside code that keeps them from causing others.
fn with(code: TokenStream, fault: &syn::Error) -> TokenStream {
    let messages = fault.to_compile_error();
    quote!(#code #messages)
}

fn whole_record(record: &ast::Record<'_>) -> TokenStream {
    let generics = record.bounded();
    let schema = schema::schema(record, &generics);
    let codec = codec::codec(record, &generics);
    let nested = nested::nested(record.ident, &generics);
    let subsets = subset::subsets(record, &generics);
    let handles = (!record.attrs.no_handles).then(|| {
        let query = (!record.attrs.no_query).then(|| handles::query_fn(record.ident, record.vis, &generics));
        let handles = handles::handles(record, |_, _| true);
        quote!(#query #handles)
    });
    let sharable = sharable(record);
    quote! {
        const _: () = { #sharable #schema #codec #nested #subsets #handles };
    }
}

/// The one assertion of what every impl has as a condition; see [`ast::Record::bounded`].
fn sharable(record: &ast::Record<'_>) -> TokenStream {
    let (ident, span) = (record.ident, record.ident.span());
    match record.generics.params.is_empty() {
        true => quote_spanned!(span=> const _: () = ::dk_data::record::declared::assert_sharable::<#ident>();),
        false => TokenStream::new(),
    }
}

/// `#[derive(TextEnum)]`
pub fn text_enum(input: &DeriveInput) -> TokenStream {
    let mut faults = Faults::default();
    let read = match ast::TextEnum::read(input, &mut faults) {
        Ok(read) => read,
        Err(fault) => return fault.to_compile_error(),
    };
    valid::text_enum(&read, &mut faults);
    match faults.into_error() {
        Some(fault) => with(fallback::text_enum(input), &fault),
        None => text_enum::text_enum(&read),
    }
}
