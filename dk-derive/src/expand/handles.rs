//! What fields are called in queries: one marker type and one constant for each, and `query()`.
//!
//! The markers stand inside the anonymous constant, where no name of the user's can meet them, and are as visible as the
//! struct. Each has the type of its field as an argument, so that what is said of it is no more visible than that type: a
//! public struct may have fields of private types.

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
        #[allow(clippy::type_complexity, dead_code, deprecated, private_interfaces, unreachable_pub)]
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
    let (ident, ty, get) = (record.ident, field.ty, field.ident);
    let (declared, this) = (declared(record.generics), marker_type(record, field));
    let types: Vec<&Ident> = generics.type_params().map(|param| &param.ident).collect();
    let (params, arguments, clause) = generics.split_for_impl();
    let (called, text) = (&field.name, field.ident.unraw().to_string());
    let (is_null, to_value) = (field.of_type("is_null"), field.of_type("to_value"));
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, unreachable_pub)]
        #vis struct #name #declared(::core::marker::PhantomData<fn() -> (__DkType, #(#types,)*)>);
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::core::marker::Copy for #this #clause {}
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::core::clone::Clone for #this #clause {
            fn clone(&self) -> Self {
                *self
            }
        }
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::core::fmt::Debug for #this #clause {
            fn fmt(&self, __dk_out: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __dk_out.write_str(#text)
            }
        }
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::query::handle::Member for #this #clause {
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
            fn to_value(__dk_value: &Self::Type) -> ::core::option::Option<::dk_data::Value> {
                #to_value(__dk_value)
            }
        }
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::query::handle::FieldOf<#ident #arguments> for #this #clause {
            type Under<__DkA: ::dk_data::query::handle::NestedField<Inner = #ident #arguments>> =
                ::dk_data::query::handle::At<__DkA, Self>;
        }
    }
}

/// The parameters of a marker as it declares them: those of the record without bounds and defaults, and the type of the field.
fn declared(generics: &Generics) -> TokenStream {
    let lifetimes = generics.lifetimes();
    let others = generics.params.iter().filter_map(|param| match param {
        GenericParam::Const(param) => {
            let (ident, ty) = (&param.ident, &param.ty);
            Some(quote!(const #ident: #ty))
        }
        GenericParam::Type(param) => {
            let ident = &param.ident;
            Some(quote!(#ident))
        }
        GenericParam::Lifetime(_) => None,
    });
    quote!(<#(#lifetimes,)* __DkType, #(#others),*>)
}

/// A marker as a type.
fn marker_type(record: &Record<'_>, field: &Field<'_>) -> TokenStream {
    let (marker, ty) = (marker_name(field), field.ty);
    let is_lifetime = |param: &&GenericParam| matches!(param, GenericParam::Lifetime(_));
    let arguments = ast::arguments(record.generics);
    let (lifetimes, others) = arguments.split_at(record.generics.params.iter().take_while(is_lifetime).count());
    quote!(#marker<#(#lifetimes,)* #ty, #(#others),*>)
}

fn constant(record: &Record<'_>, field: &Field<'_>, handle: &Ident) -> TokenStream {
    let (marker, vis, ty) = (marker_type(record, field), record.vis, field.ty);
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
