//! `impl RecordCodec`: both directions without a tree in between, cells, changes, checks, and the record's own id.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Generics, Ident, spanned::Spanned};

use crate::ast::{self, Field, Record};

/// A stored field with its place in the schema.
struct Place<'a> {
    field: &'a Field<'a>,
    index: usize,
}

/// The whole impl.
pub fn codec(record: &Record<'_>, generics: &Generics) -> TokenStream {
    let ident = record.ident;
    let places: Vec<Place<'_>> = record.stored().enumerate().map(|(index, field)| Place { field, index }).collect();
    let (params, arguments, clause) = generics.split_for_impl();
    let methods = [
        encode(&places),
        decode(record, &places),
        cell(&places),
        compares(&places),
        put(&places),
        check(&places),
        normalize(&places),
        own_id(&places),
    ];
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::record::codec::RecordCodec for #ident #arguments #clause {
            type Shape = &'static ::dk_data::record::schema::Schema;
            #(#methods)*
        }
    }
}

impl Place<'_> {
    /// Its definition.
    fn definition(&self) -> TokenStream {
        let index = self.index;
        quote!(&Self::A_RECORD_THAT_HOLDS_ITSELF_KEEPS_AN_ID_OR_JSON[#index])
    }
    /// A function of the trait that its type has.
    fn call(&self, function: &str) -> TokenStream {
        self.field.of_type(function)
    }
    /// What decoding keeps it in until all are there.
    fn slot(&self) -> Ident {
        Ident::new(&format!("__dk_{}", self.index), Span::call_site())
    }
}

fn encode(places: &[Place<'_>]) -> TokenStream {
    let fields = places.iter().map(|place| {
        let (name, definition, call) = (place.field.ident, place.definition(), place.call("encode"));
        quote!(#call(&self.#name, #definition, __dk_out)?;)
    });
    quote! {
        fn encode<__DkE: ::dk_data::record::codec::Encoder>(
            &self,
            _: &::dk_data::record::schema::Schema,
            __dk_out: &mut __DkE,
        ) -> ::dk_data::Result<()> {
            let _ = &__dk_out;
            #(#fields)*
            ::core::result::Result::Ok(())
        }
    }
}

fn decode(record: &Record<'_>, places: &[Place<'_>]) -> TokenStream {
    let slots: Vec<Ident> = places.iter().map(Place::slot).collect();
    let types = places.iter().map(|place| place.field.ty);
    let indices = places.iter().map(|place| place.index);
    let reads = places.iter().map(read);
    let found = places.iter().map(taken);
    let skipped = record.fields.iter().filter(|field| field.attrs.skip.is_some()).map(|field| {
        let (name, ty) = (field.ident, field.ty);
        quote_spanned!(ty.span()=> #name: <#ty as ::core::default::Default>::default())
    });
    quote! {
        fn decode<__DkD: ::dk_data::record::codec::Decoder>(
            __dk_schema: &::dk_data::record::schema::Schema,
            __dk_from: &mut __DkD,
        ) -> ::dk_data::Result<Self> {
            #(let mut #slots: ::core::option::Option<#types> = ::core::option::Option::None;)*
            loop {
                match ::dk_data::record::codec::Decoder::next(__dk_from, __dk_schema)? {
                    ::dk_data::record::codec::Next::End => break,
                    #(::dk_data::record::codec::Next::Field(#indices) => {
                        #slots = ::core::option::Option::Some(#reads);
                    })*
                    _ => ::dk_data::record::codec::Decoder::skip(__dk_from)?,
                }
            }
            ::core::result::Result::Ok(Self { #(#found,)* #(#skipped,)* })
        }
    }
}

/// What the decoder has come to, as the field's type.
fn read(place: &Place<'_>) -> TokenStream {
    let definition = place.definition();
    match place.field.attrs.default {
        None => {
            let decode = place.call("decode");
            quote!(#decode(#definition, __dk_from)?)
        }
        // Null is read as missing is (semantics 2.1): both give the default.
        Some(_) => {
            let (read, span) = (place.call("read"), place.field.ty.span());
            quote_spanned!(span=> ::core::option::Option::unwrap_or_default(#read(#definition, __dk_from)?))
        }
    }
}

/// `field: value`, from its slot or, where that is empty, from what a missing field is.
fn taken(place: &Place<'_>) -> TokenStream {
    let (name, slot, ty) = (place.field.ident, place.slot(), place.field.ty);
    if place.field.attrs.default.is_some() {
        return quote_spanned!(ty.span()=> #name: ::core::option::Option::unwrap_or_default(#slot));
    }
    let (missing, definition) = (place.call("missing"), place.definition());
    quote! {
        #name: match ::core::option::Option::or_else(#slot, || #missing()) {
            ::core::option::Option::Some(__dk_value) => __dk_value,
            ::core::option::Option::None => {
                return ::core::result::Result::Err(::dk_data::record::codec::Decoder::misfit(
                    __dk_from,
                    #definition,
                    "the field is missing",
                ));
            }
        }
    }
}

fn cell(places: &[Place<'_>]) -> TokenStream {
    let arms = places.iter().map(|place| {
        let (index, name, call) = (place.index, place.field.ident, place.call("cell"));
        quote!(::core::option::Option::Some(#index) => #call(&self.#name, __dk_rest),)
    });
    quote! {
        fn cell(&self, __dk_steps: &[::dk_data::record::target::Step]) -> ::dk_data::ValueRef<'_> {
            let ::core::option::Option::Some((__dk_step, __dk_rest)) = __dk_steps.split_first() else {
                return ::dk_data::ValueRef::Null;
            };
            let _ = __dk_rest;
            match __dk_step.index {
                #(#arms)*
                _ => ::dk_data::ValueRef::Null,
            }
        }
    }
}

fn compares(places: &[Place<'_>]) -> TokenStream {
    let arms = places.iter().map(|place| {
        let (index, name, call) = (place.index, place.field.ident, place.call("compares"));
        quote!(::core::option::Option::Some(#index) => #call(&self.#name, __dk_rest, __dk_op, __dk_literal),)
    });
    quote! {
        fn compares(
            &self,
            __dk_steps: &[::dk_data::record::target::Step],
            __dk_op: ::dk_data::query::filter::Op,
            __dk_literal: &::dk_data::Value,
        ) -> ::core::primitive::bool {
            let ::core::option::Option::Some((__dk_step, __dk_rest)) = __dk_steps.split_first() else {
                return false;
            };
            let _ = (__dk_rest, __dk_op, __dk_literal);
            match __dk_step.index {
                #(#arms)*
                _ => false,
            }
        }
    }
}

fn put(places: &[Place<'_>]) -> TokenStream {
    let arms = places.iter().map(|place| {
        let (index, name, definition) = (place.index, place.field.ident, place.definition());
        let call = place.call("put");
        quote! {
            ::core::option::Option::Some(#index) => #call(&mut self.#name, #definition, __dk_rest, __dk_value)?,
        }
    });
    quote! {
        fn put(
            &mut self,
            _: &::dk_data::record::schema::Schema,
            __dk_steps: &[::dk_data::record::target::Step],
            __dk_value: ::dk_data::Value,
        ) -> ::dk_data::Result<()> {
            let __dk_first = __dk_steps.split_first();
            let __dk_rest = __dk_first.map_or(__dk_steps, |(_, __dk_rest)| __dk_rest);
            let _ = (__dk_rest, &__dk_value);
            match __dk_first.and_then(|(__dk_step, _)| __dk_step.index) {
                #(#arms)*
                _ => return ::core::result::Result::Err(::dk_data::Error::query("the record has no such field")),
            }
            #[allow(unreachable_code)]
            ::core::result::Result::Ok(())
        }
    }
}

fn check(places: &[Place<'_>]) -> TokenStream {
    let checks = places.iter().map(|place| {
        let (name, definition, call) = (place.field.ident, place.definition(), place.call("check"));
        quote!(let __dk_form = __dk_form.and(#call(&self.#name, #definition)?);)
    });
    quote! {
        fn check(
            &self,
            _: &::dk_data::record::schema::Schema,
        ) -> ::dk_data::Result<::dk_data::record::codec::Form> {
            let __dk_form = ::dk_data::record::codec::Form::Stored;
            #(#checks)*
            ::core::result::Result::Ok(__dk_form)
        }
    }
}

fn normalize(places: &[Place<'_>]) -> TokenStream {
    let fields = places.iter().map(|place| {
        let (name, definition, call) = (place.field.ident, place.definition(), place.call("normalize"));
        quote!(#call(&mut self.#name, #definition);)
    });
    quote! {
        fn normalize(&mut self, _: &::dk_data::record::schema::Schema) {
            #(#fields)*
        }
    }
}

fn own_id(places: &[Place<'_>]) -> TokenStream {
    let id = places.iter().find(|place| place.field.attrs.id.is_some()).map(|place| {
        let (name, stored) = (place.field.ident, &place.field.name);
        let to_id = ast::qualified(place.field.ty, &quote!(::dk_data::id::IdType), "to_id");
        quote! {
            match #to_id(&self.#name) {
                ::core::result::Result::Ok(__dk_id) => ::core::result::Result::Ok(::core::option::Option::Some(__dk_id)),
                ::core::result::Result::Err(__dk_cause) => ::core::result::Result::Err(
                    <::dk_data::Error as ::core::convert::From<_>>::from(__dk_cause).at_field(#stored),
                ),
            }
        }
    });
    let id = id.unwrap_or_else(|| quote!(::core::result::Result::Ok(::core::option::Option::None)));
    quote! {
        #[inline]
        fn own_id(
            &self,
            _: &::dk_data::record::schema::Schema,
        ) -> ::dk_data::Result<::core::option::Option<::dk_data::Id>> {
            #id
        }
    }
}
