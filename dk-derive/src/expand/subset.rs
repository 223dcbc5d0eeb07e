//! `impl SubsetOf<Larger>` for `#[record(of = Larger)]`: the compiler finds each field in the larger record, and a constant
//! is evaluated to see that it has the same name in the store.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::{Generics, Type, spanned::Spanned};

use crate::ast::{Field, Record};

/// One impl for each larger record.
pub fn subsets(record: &Record<'_>, generics: &Generics) -> TokenStream {
    record.attrs.of.iter().map(|larger| subset(record, larger, generics)).collect()
}

fn subset(record: &Record<'_>, larger: &Type, generics: &Generics) -> TokenStream {
    let ident = record.ident;
    let (params, arguments, clause) = generics.split_for_impl();
    let fields = record.fields.iter().map(picked);
    quote_spanned! {larger.span()=>
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::query::SubsetOf<#larger> for #ident #arguments #clause {
            fn pick(__dk_record: &#larger) -> Self {
                const {
                    ::dk_data::record::declared::part(
                        <#larger as ::dk_data::record::codec::Typed>::SCHEMA,
                        <Self as ::dk_data::record::codec::Typed>::SCHEMA,
                    )
                };
                Self { #(#fields),* }
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
