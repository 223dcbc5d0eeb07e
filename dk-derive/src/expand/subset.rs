//! `impl SubsetOf<Larger>` for `#[record(of = Larger)]`: the compiler finds each field in the larger record, and a constant
//! is evaluated to see that it has the same name in the store.
//!
//! The constant is an item of its own, which `cargo check` evaluates, too. Only a record with parameters has it inside the
//! function, where it is evaluated when code is made of it. What picks the fields is part of the constant, for one that does
//! not compile is not evaluated, and an unknown field stays one mistake.

use proc_macro2::TokenStream;
use quote::{format_ident, quote_spanned};
use syn::{Generics, Type, spanned::Spanned};

use crate::ast::{Field, Record};

/// One impl for each larger record.
pub fn subsets(record: &Record<'_>, generics: &Generics) -> TokenStream {
    record.attrs.of.iter().enumerate().map(|(at, larger)| subset(record, at, larger, generics)).collect()
}

fn subset(record: &Record<'_>, at: usize, larger: &Type, generics: &Generics) -> TokenStream {
    let ident = record.ident;
    let (params, arguments, clause) = generics.split_for_impl();
    let fields = record.fields.iter().map(picked);
    let pick = format_ident!("__DK_PICK_{at}");
    let checked = quote_spanned! {larger.span()=>
        ::dk_data::record::declared::part(
            <#larger as ::dk_data::record::codec::Typed>::SCHEMA,
            <#ident #arguments as ::dk_data::record::codec::Typed>::SCHEMA,
        )
    };
    let (constant, body) = match generics.params.is_empty() {
        true => (
            quote_spanned! {larger.span()=>
                #[allow(deprecated)]
                const #pick: fn(&#larger) -> #ident = {
                    #checked;
                    |__dk_record: &#larger| #ident { #(#fields),* }
                };
            },
            quote_spanned!(larger.span()=> #pick(__dk_record)),
        ),
        false => (
            TokenStream::new(),
            quote_spanned! {larger.span()=>
                const { #checked };
                Self { #(#fields),* }
            },
        ),
    };
    quote_spanned! {larger.span()=>
        #constant
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::query::SubsetOf<#larger> for #ident #arguments #clause {
            fn pick(__dk_record: &#larger) -> Self {
                #body
            }
        }
    }
}

fn picked(field: &Field<'_>) -> TokenStream {
    let (name, ty) = (field.ident, field.ty);
    match field.attrs.skip {
        Some(_) => quote_spanned!(ty.span()=> #name: <#ty as ::core::default::Default>::default()),
        None => quote_spanned!(name.span()=> #name: <#ty as ::core::clone::Clone>::clone(&__dk_record.#name)),
    }
}
