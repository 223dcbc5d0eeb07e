//! `impl TextEnum`, and what makes an enum without data a field type that is compared by its names.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, LitStr};

use crate::ast::TextEnum;

/// All impls.
pub fn text_enum(input: &TextEnum<'_>) -> TokenStream {
    let ident = input.ident;
    let names: Vec<&String> = input.variants.iter().map(|variant| &variant.name).collect();
    let variants: Vec<&Ident> = input.variants.iter().map(|variant| variant.ident).collect();
    let spellings = input.variants.iter().map(|variant| {
        let aliases = variant.attrs.alias.iter().map(LitStr::value);
        let all: Vec<String> = [variant.name.clone()].into_iter().chain(aliases).collect();
        quote!(#(#all)|*)
    });
    let (scalar, clause, span) = (scalar(ident), clause(ident), ident.span());
    let sharable = quote_spanned!(span=> const _: () = ::dk_data::record::declared::assert_sharable_enum::<#ident>(););
    quote! {
        const _: () = {
            #sharable
            #[automatically_derived]
            #[allow(deprecated)]
            impl ::dk_data::record::field_type::TextEnum for #ident #clause {
                const NAMES: &'static [::std::borrow::Cow<'static, ::core::primitive::str>] =
                    &[#(::std::borrow::Cow::Borrowed(#names)),*];
                fn name(&self) -> &'static ::core::primitive::str {
                    match self {
                        #(Self::#variants => #names,)*
                    }
                }
                fn from_name(__dk_name: &::core::primitive::str) -> ::core::option::Option<Self> {
                    match __dk_name {
                        #(#spellings => ::core::option::Option::Some(Self::#variants),)*
                        _ => ::core::option::Option::None,
                    }
                }
            }
            #scalar
        };
    }
}

/// What every impl has as a condition, so that an enum that is not cloned is one mistake: with a lifetime that says nothing it
/// is not settled at once whether it holds, and the one assertion of it reports that it does not.
pub fn clause(ident: &Ident) -> TokenStream {
    quote!(where for<'__dk> #ident: ::dk_data::record::declared::SharableEnum)
}

/// What follows from `TextEnum` alone.
pub fn scalar(ident: &Ident) -> TokenStream {
    let (field_type, clause) = (field_type(ident), clause(ident));
    quote! {
        #field_type
        #[automatically_derived]
        #[allow(deprecated)]
        impl ::dk_data::record::field_type::Plain for #ident #clause {}
        #[automatically_derived]
        #[allow(deprecated)]
        impl ::dk_data::record::field_type::Item for #ident #clause {}
        #[automatically_derived]
        #[allow(deprecated)]
        impl ::dk_data::record::field_type::Scalar for #ident #clause {
            // Variants are ordered as their names are (semantics 2.7), so a predicate sees the name.
            type Ref<'__dk_a> = &'static ::core::primitive::str;
            type Literal = &'static ::core::primitive::str;
            fn look(&self) -> &'static ::core::primitive::str {
                ::dk_data::record::field_type::TextEnum::name(self)
            }
            fn view(__dk_literal: &&'static ::core::primitive::str) -> &'static ::core::primitive::str {
                __dk_literal
            }
            fn value(__dk_literal: &&'static ::core::primitive::str) -> ::dk_data::Value {
                ::dk_data::Value::Text(<::std::string::String as ::core::convert::From<_>>::from(*__dk_literal))
            }
            fn keep(__dk_seen: &'static ::core::primitive::str) -> &'static ::core::primitive::str {
                __dk_seen
            }
        }
        #[automatically_derived]
        #[allow(deprecated)]
        impl ::dk_data::record::field_type::Nullable for #ident #clause {
            type Scalar = Self;
            fn seen(&self) -> ::core::option::Option<&'static ::core::primitive::str> {
                ::core::option::Option::Some(::dk_data::record::field_type::TextEnum::name(self))
            }
        }
        #[automatically_derived]
        #[allow(deprecated)]
        impl ::dk_data::query::literal::Literal<#ident> for #ident #clause {
            fn literal(self) -> &'static ::core::primitive::str {
                ::dk_data::record::field_type::TextEnum::name(&self)
            }
        }
    }
}

fn field_type(ident: &Ident) -> TokenStream {
    let clause = clause(ident);
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl ::dk_data::record::field_type::FieldType for #ident #clause {
            const TYPE: ::dk_data::record::schema::Type = ::dk_data::record::schema::Type::Enum(
                ::std::borrow::Cow::Borrowed(<Self as ::dk_data::record::field_type::TextEnum>::NAMES),
            );
            type Kind = ::dk_data::query::handle::ScalarKind;
            fn encode<__DkE: ::dk_data::record::codec::Encoder>(
                &self,
                __dk_field: &::dk_data::record::schema::FieldDef,
                __dk_out: &mut __DkE,
            ) -> ::dk_data::Result<()> {
                ::dk_data::record::codec::Encoder::text(
                    __dk_out,
                    __dk_field,
                    ::dk_data::record::field_type::TextEnum::name(self),
                )
            }
            fn read<__DkD: ::dk_data::record::codec::Decoder>(
                __dk_field: &::dk_data::record::schema::FieldDef,
                __dk_from: &mut __DkD,
            ) -> ::dk_data::Result<::core::option::Option<Self>> {
                ::dk_data::record::field_type::text_enum::read(__dk_field, __dk_from)
            }
            fn from_value(
                __dk_field: &::dk_data::record::schema::FieldDef,
                __dk_value: ::dk_data::Value,
            ) -> ::dk_data::Result<Self> {
                ::dk_data::record::field_type::text_enum::from_value(__dk_field, __dk_value)
            }
            fn cell(&self, _: &[::dk_data::record::target::Step]) -> ::dk_data::ValueRef<'_> {
                ::dk_data::ValueRef::text(::dk_data::record::field_type::TextEnum::name(self))
            }
            fn check(
                &self,
                _: &::dk_data::record::schema::FieldDef,
            ) -> ::dk_data::Result<::dk_data::record::codec::Form> {
                ::core::result::Result::Ok(::dk_data::record::codec::Form::Stored)
            }
        }
    }
}
