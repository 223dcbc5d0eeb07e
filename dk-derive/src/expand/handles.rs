//! What fields are called in queries: one marker type and one constant for each, and `query()`.
//!
//! The markers stand inside the anonymous constant, where no name of the user's can meet them, and are as visible as the
//! struct.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{GenericParam, Generics, Ident, Visibility, ext::IdentExt};

use crate::ast::{self, Field, Record};

/// The handles of those fields that have one and are `wanted`.
pub fn handles(record: &Record<'_>, wanted: impl Fn(&Record<'_>, &Field<'_>) -> bool) -> TokenStream {
    let generics = record.bounded();
    let mut names = HashSet::new();
    let chosen: Vec<(&Field<'_>, &Ident)> = record
        .stored()
        .filter(|field| wanted(record, field))
        .filter_map(|field| Some((field, field.handle.as_ref()?)))
        // A second one of the same name was refused, and one message is enough.
        .filter(|(_, handle)| names.insert(handle.to_string()))
        .collect();
    let markers = chosen.iter().map(|(field, _)| marker(record, field, &generics));
    let constants = chosen.iter().map(|(field, handle)| constant(record, field, handle));
    let ident = record.ident;
    let (params, arguments, clause) = generics.split_for_impl();
    quote! {
        #(#markers)*
        #[automatically_derived]
        #[allow(dead_code, deprecated, private_interfaces, unreachable_pub)]
        impl #params #ident #arguments #clause {
            #(#constants)*
        }
    }
}

/// `Person::query()`
pub fn query_fn(ident: &Ident, vis: &Visibility, generics: &Generics) -> TokenStream {
    let (params, arguments, clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        #[allow(dead_code, deprecated, unreachable_pub)]
        impl #params #ident #arguments #clause {
            /// A query for all records of this type; `filter`, `sort` and `limit` narrow it.
            #vis fn query() -> ::dk_data::query::Query<Self> {
                ::dk_data::query::Query::new()
            }
        }
    }
}

fn marker_name(field: &Field<'_>) -> Ident {
    format_ident!("__Dk_{}", field.ident.unraw())
}

fn marker(record: &Record<'_>, field: &Field<'_>, generics: &Generics) -> TokenStream {
    let (name, vis) = (marker_name(field), record.vis);
    let (own, ident, ty, get) = (unbounded(record.generics), record.ident, field.ty, field.ident);
    let types: Vec<&Ident> = generics.type_params().map(|param| &param.ident).collect();
    let (params, arguments, clause) = generics.split_for_impl();
    let (called, text) = (&field.name, field.ident.unraw().to_string());
    let is_null = field.of_type("is_null");
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, unreachable_pub)]
        #vis struct #name #own(::core::marker::PhantomData<fn() -> (#(#types,)*)>);
        #[automatically_derived]
        impl #params ::core::marker::Copy for #name #arguments #clause {}
        #[automatically_derived]
        impl #params ::core::clone::Clone for #name #arguments #clause {
            fn clone(&self) -> Self {
                *self
            }
        }
        #[automatically_derived]
        impl #params ::core::fmt::Debug for #name #arguments #clause {
            fn fmt(&self, __dk_out: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __dk_out.write_str(#text)
            }
        }
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::query::handle::Member for #name #arguments #clause {
            type Record = #ident #arguments;
            type Type = #ty;
            const SELF: Self = Self(::core::marker::PhantomData);
            const NAME: &'static ::core::primitive::str = #called;
            #[inline]
            fn get(__dk_record: &Self::Record) -> &Self::Type {
                &__dk_record.#get
            }
            #[inline]
            fn is_null(__dk_record: &Self::Record) -> ::core::primitive::bool {
                #is_null(&__dk_record.#get)
            }
        }
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::query::handle::FieldOf<#ident #arguments> for #name #arguments #clause {
            type Under<__DkA: ::dk_data::query::handle::NestedField<Inner = #ident #arguments>> =
                ::dk_data::query::handle::At<__DkA, Self>;
        }
    }
}

/// The parameters as a marker declares them: without bounds and defaults.
fn unbounded(generics: &Generics) -> TokenStream {
    let params = generics.params.iter().map(|param| match param {
        GenericParam::Const(param) => {
            let (ident, ty) = (&param.ident, &param.ty);
            quote!(const #ident: #ty)
        }
        GenericParam::Type(param) => {
            let ident = &param.ident;
            quote!(#ident)
        }
        GenericParam::Lifetime(param) => quote!(#param),
    });
    quote!(<#(#params),*>)
}

fn constant(record: &Record<'_>, field: &Field<'_>, handle: &Ident) -> TokenStream {
    let (marker, vis, ty) = (marker_name(field), record.vis, field.ty);
    let arguments = ast::arguments(record.generics);
    let marker = quote!(#marker<#(#arguments),*>);
    let doc = format!("The field `{}` in queries.", field.name);
    let (first, last) = ast::ends(ty);
    let handle_type = match (field.attrs.json, field.attrs.large) {
        (None, None) => {
            let kind = field.of_type("Kind");
            let open = quote_spanned!(first=> <);
            quote_spanned!(last=> #open #kind as ::dk_data::query::handle::HandleKind>::Handle<#marker>)
        }
        _ => quote!(::dk_data::query::handle::OpaqueColumn<#marker>),
    };
    let root = quote_spanned!(first=> ::);
    let value = quote_spanned!(last=> #root dk_data::query::handle::Handle::NEW);
    quote! {
        #[doc = #doc]
        #vis const #handle: #handle_type = #value;
    }
}
