//! What is emitted beside the message when a declaration is wrong: impls that say nothing, so that the uses of the type do
//! not fail as well. None of it ever runs, for the program does not build.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, Generics};

use crate::{
    ast::{self, Record},
    expand,
};

/// A record without fields.
pub fn record(input: &DeriveInput, record: Option<&Record<'_>>) -> TokenStream {
    if input.generics.lifetimes().next().is_some() {
        return TokenStream::new();
    }
    let generics = record.map_or_else(|| input.generics.clone(), Record::bounded);
    let codec = codec(input, &generics);
    let nested = expand::nested(&input.ident, &generics);
    let query = record
        .is_none_or(|record| !record.attrs.no_query)
        .then(|| expand::query_fn(&input.ident, &input.vis, &generics));
    let handles = record.map(|record| expand::handles(record, sound));
    quote! {
        const _: () = { #codec #nested #query #handles };
    }
}

/// Whether the type of a field is of a shape that its handle can be written.
fn sound(record: &Record<'_>, field: &ast::Field<'_>) -> bool {
    let mut faults = crate::attr::Faults::default();
    crate::valid::field_type(record, field, &mut faults);
    faults.into_error().is_none()
}

fn codec(input: &DeriveInput, generics: &Generics) -> TokenStream {
    let ident = &input.ident;
    let (params, arguments, clause) = generics.split_for_impl();
    quote! {
        impl #params ::dk_data::record::codec::RecordCodec for #ident #arguments #clause {
            type Shape = &'static ::dk_data::record::schema::Schema;
            fn encode<__DkE: ::dk_data::record::codec::Encoder>(
                &self,
                _: &::dk_data::record::schema::Schema,
                _: &mut __DkE,
            ) -> ::dk_data::Result<()> {
                ::core::unreachable!()
            }
            fn decode<__DkD: ::dk_data::record::codec::Decoder>(
                _: &::dk_data::record::schema::Schema,
                _: &mut __DkD,
            ) -> ::dk_data::Result<Self> {
                ::core::unreachable!()
            }
            fn cell(&self, _: &[::dk_data::record::target::Step]) -> ::dk_data::ValueRef<'_> {
                ::core::unreachable!()
            }
            fn put(
                &mut self,
                _: &::dk_data::record::schema::Schema,
                _: &[::dk_data::record::target::Step],
                _: ::dk_data::Value,
            ) -> ::dk_data::Result<()> {
                ::core::unreachable!()
            }
            fn check(
                &self,
                _: &::dk_data::record::schema::Schema,
            ) -> ::dk_data::Result<::dk_data::record::codec::Form> {
                ::core::unreachable!()
            }
            fn normalize(&mut self, _: &::dk_data::record::schema::Schema) {}
            fn own_id(
                &self,
                _: &::dk_data::record::schema::Schema,
            ) -> ::dk_data::Result<::core::option::Option<::dk_data::Id>> {
                ::core::unreachable!()
            }
        }
        impl #params ::dk_data::record::codec::Typed for #ident #arguments #clause {
            const SCHEMA: &'static ::dk_data::record::schema::Schema = &::dk_data::record::schema::Schema {
                name: ::std::borrow::Cow::Borrowed(""),
                fields: ::std::borrow::Cow::Borrowed(&[]),
                open: false,
            };
            const TYPES: ::dk_data::record::codec::TypeSet = ::dk_data::record::codec::TypeSet::NONE;
        }
    }
}

/// An enum of which no name is known.
pub fn text_enum(input: &DeriveInput) -> TokenStream {
    let unit_only = match &input.data {
        Data::Enum(data) => data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit)),
        _ => false,
    };
    if !unit_only || !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let ident = &input.ident;
    let (scalar, clause) = (expand::enum_scalar(ident), expand::enum_clause(ident));
    quote! {
        const _: () = {
            impl ::dk_data::record::field_type::TextEnum for #ident #clause {
                const NAMES: &'static [::std::borrow::Cow<'static, ::core::primitive::str>] = &[];
                fn name(&self) -> &'static ::core::primitive::str {
                    ""
                }
                fn from_name(_: &::core::primitive::str) -> ::core::option::Option<Self> {
                    ::core::option::Option::None
                }
            }
            #scalar
        };
    }
}
