//! What makes a record the type of a field of another one.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Generics, Ident};

/// `impl FieldType`, and what a field needs to stand in `Option` and `Vec` and to be reached through.
pub fn nested(ident: &Ident, generics: &Generics) -> TokenStream {
    let (params, arguments, clause) = generics.split_for_impl();
    let methods = methods();
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::record::field_type::FieldType for #ident #arguments #clause {
            const TYPE: ::dk_data::record::schema::Type = ::dk_data::record::schema::Type::Record(
                ::dk_data::record::schema::Shared::Static(<Self as ::dk_data::record::codec::Typed>::SCHEMA),
            );
            type Kind = ::dk_data::query::handle::RecordKind;
            #methods
        }
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::record::field_type::Plain for #ident #arguments #clause {}
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::record::field_type::Item for #ident #arguments #clause {}
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::record::field_type::Nested for #ident #arguments #clause {
            type Record = Self;
            fn inner(&self) -> ::core::option::Option<&Self> {
                ::core::option::Option::Some(self)
            }
        }
    }
}

fn methods() -> TokenStream {
    quote! {
        fn encode<__DkE: ::dk_data::record::codec::Encoder>(
            &self,
            __dk_field: &::dk_data::record::schema::FieldDef,
            __dk_out: &mut __DkE,
        ) -> ::dk_data::Result<()> {
            ::dk_data::record::field_type::nested::encode(self, __dk_field, __dk_out)
        }
        fn read<__DkD: ::dk_data::record::codec::Decoder>(
            __dk_field: &::dk_data::record::schema::FieldDef,
            __dk_from: &mut __DkD,
        ) -> ::dk_data::Result<::core::option::Option<Self>> {
            ::dk_data::record::field_type::nested::read(__dk_field, __dk_from)
        }
        fn from_value(
            __dk_field: &::dk_data::record::schema::FieldDef,
            __dk_value: ::dk_data::Value,
        ) -> ::dk_data::Result<Self> {
            ::dk_data::record::field_type::nested::from_value(__dk_field, __dk_value)
        }
        fn cell(&self, __dk_rest: &[::dk_data::record::target::Step]) -> ::dk_data::ValueRef<'_> {
            ::dk_data::record::field_type::nested::cell(self, __dk_rest)
        }
        fn compares(
            &self,
            __dk_rest: &[::dk_data::record::target::Step],
            __dk_op: ::dk_data::query::filter::Op,
            __dk_literal: &::dk_data::Value,
        ) -> ::core::primitive::bool {
            ::dk_data::record::field_type::nested::compares(self, __dk_rest, __dk_op, __dk_literal)
        }
        fn put(
            &mut self,
            __dk_field: &::dk_data::record::schema::FieldDef,
            __dk_rest: &[::dk_data::record::target::Step],
            __dk_value: ::dk_data::Value,
        ) -> ::dk_data::Result<()> {
            ::dk_data::record::field_type::nested::put(self, __dk_field, __dk_rest, __dk_value)
        }
        fn check(
            &self,
            __dk_field: &::dk_data::record::schema::FieldDef,
        ) -> ::dk_data::Result<::dk_data::record::codec::Form> {
            ::dk_data::record::field_type::nested::check(self, __dk_field)
        }
        fn normalize(&mut self, _: &::dk_data::record::schema::FieldDef) {
            ::dk_data::record::codec::RecordCodec::normalize(
                self,
                <Self as ::dk_data::record::codec::Typed>::SCHEMA,
            )
        }
    }
}
