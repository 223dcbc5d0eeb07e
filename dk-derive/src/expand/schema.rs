//! `impl Typed`: the schema as a constant, also of a generic struct.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Generics, LitStr, spanned::Spanned};

use crate::{
    ast::{self, Field, Record},
    attr::Scale,
};

/// The definitions of the fields, and the schema of them.
pub fn schema(record: &Record<'_>, generics: &Generics) -> TokenStream {
    let (ident, name) = (record.ident, record.name());
    let (params, arguments, clause) = generics.split_for_impl();
    let fields = record.stored().map(definition);
    quote! {
        #[automatically_derived]
        #[allow(dead_code, deprecated)]
        impl #params #ident #arguments #clause {
            // The codec takes definitions from here: a constant place in a constant list costs nothing and cannot miss.
            // Its name is what the compiler says first of records that hold each other.
            #[doc(hidden)]
            const A_RECORD_THAT_HOLDS_ITSELF_KEEPS_AN_ID_OR_JSON: &'static [::dk_data::record::schema::FieldDef] = &[#(#fields),*];
        }
        #[automatically_derived]
        #[allow(deprecated)]
        impl #params ::dk_data::record::codec::Typed for #ident #arguments #clause {
            const SCHEMA: &'static ::dk_data::record::schema::Schema = &::dk_data::record::schema::Schema {
                name: ::std::borrow::Cow::Borrowed(#name),
                fields: ::std::borrow::Cow::Borrowed(Self::A_RECORD_THAT_HOLDS_ITSELF_KEEPS_AN_ID_OR_JSON),
                open: false,
            };
            const TYPES: ::dk_data::record::codec::TypeSet =
                ::dk_data::record::codec::TypeSet::of(<Self as ::dk_data::record::codec::Typed>::SCHEMA);
        }
    }
}

fn definition(field: &Field<'_>) -> TokenStream {
    let (name, ty, attrs) = (&field.name, field.ty, &field.attrs);
    let nullable = field.of_type("NULLABLE");
    let holds = match attrs.json {
        Some(_) => quote!(::dk_data::record::schema::Type::Json),
        None => field.of_type("TYPE"),
    };
    let aliases = attrs.alias.iter().map(LitStr::value);
    let default = attrs.default.is_some();
    let index = attrs.index.is_some();
    // Whether the type can be what the attribute says is known to the compiler alone: it checks a bound.
    let order = ast::qualified(ty, &quote!(::dk_data::id::IdType), "ORDER");
    let id = attrs.id.map_or_else(|| quote!(false), |_| quote!(::core::matches!(#order, _)));
    let [unique, large] = [("unique", attrs.unique), ("large", attrs.large)].map(|(word, set)| {
        let check = syn::Ident::new(word, ty.span());
        match set {
            Some(_) => quote_spanned!(ty.span()=> ::dk_data::record::declared::#check::<#ty>()),
            None => quote!(false),
        }
    });
    let decimal = match &attrs.decimal {
        Some(Scale { precision, scale, .. }) => {
            quote_spanned!(ty.span()=> ::dk_data::record::declared::decimal::<#ty>(#precision, #scale))
        }
        None => quote!(::core::option::Option::None),
    };
    let text = match &attrs.text {
        Some(language) => {
            let language = language.value();
            quote_spanned!(ty.span()=> ::dk_data::record::declared::text::<#ty>(#language))
        }
        None => quote!(::core::option::Option::None),
    };
    quote! {
        ::dk_data::record::schema::FieldDef {
            name: ::std::borrow::Cow::Borrowed(#name),
            ty: #holds,
            nullable: #nullable,
            default: #default,
            id: #id,
            index: #index,
            unique: #unique,
            large: #large,
            decimal: #decimal,
            text: #text,
            aliases: ::std::borrow::Cow::Borrowed(&[#(::std::borrow::Cow::Borrowed(#aliases)),*]),
        }
    }
}
