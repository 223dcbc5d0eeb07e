//! What was declared: a record with its fields, an enum with its variants. Nothing here is checked yet.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{
    Data, DeriveInput, Error, Field as SynField, Fields, GenericParam, Generics, Ident, Type, Visibility,
    ext::IdentExt, parse_quote, spanned::Spanned,
};

use crate::{
    attr::{self, Faults},
    case::{self, Case},
};

/// A struct that derives `Record`.
pub struct Record<'a> {
    pub ident: &'a Ident,
    pub vis: &'a Visibility,
    pub generics: &'a Generics,
    pub attrs: attr::Struct,
    pub fields: Vec<Field<'a>>,
}

/// One of its fields.
pub struct Field<'a> {
    /// The name in Rust.
    pub ident: &'a Ident,
    pub ty: &'a Type,
    pub attrs: attr::Field,
    /// The name in the store, and where it was given.
    pub name: String,
    pub name_span: Span,
    /// The name of its handle; `None` where it has none.
    pub handle: Option<Ident>,
}

impl<'a> Record<'a> {
    /// Reads a declaration; what is wrong with its attributes is added to `faults`.
    ///
    /// # Errors
    /// Where it is no struct with named fields.
    pub fn read(input: &'a DeriveInput, faults: &mut Faults) -> Result<Record<'a>, Error> {
        let named = named_fields(input)?;
        let attrs = attr::Struct::read(&input.attrs, faults);
        let fields = named.map(|(ident, field)| Field::read(ident, field, &attrs, faults)).collect();
        Ok(Record { ident: &input.ident, vis: &input.vis, generics: &input.generics, attrs, fields })
    }

    /// The fields that are stored, in the order of the schema.
    pub fn stored(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(|field| field.attrs.skip.is_none())
    }

    /// The name of the record's store.
    pub fn name(&self) -> String {
        match &self.attrs.name {
            Some(name) => name.value(),
            None => Case::Snake.apply(&self.ident.unraw().to_string()),
        }
    }

    /// The generics with what the impls ask of them: parameters are shared freely, and field types that name one are
    /// field types.
    pub fn bounded(&self) -> Generics {
        let mut generics = self.generics.clone();
        let params: Vec<Ident> = generics.type_params().map(|param| param.ident.clone()).collect();
        let clause = generics.make_where_clause();
        for param in &params {
            clause.predicates.push(
                parse_quote!(#param: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static),
            );
        }
        if params.is_empty() {
            // With a lifetime that says nothing it is not settled at once whether the clause holds; so an impl of a struct
            // that cannot be shared is no error, and the one assertion of it is.
            let (ident, arguments) = (self.ident, arguments(self.generics));
            clause
                .predicates
                .push(parse_quote!(for<'__dk> #ident<#(#arguments),*>: ::dk_data::record::declared::Sharable));
        }
        for field in self.stored().filter(|field| names_one(field.ty.to_token_stream(), &params)) {
            let (ty, bound) = (field.ty, field.bound());
            clause.predicates.push(parse_quote!(#ty: #bound));
        }
        generics
    }
}

fn named_fields(input: &DeriveInput) -> Result<impl Iterator<Item = (&Ident, &SynField)>, Error> {
    let refuse = |span: Span, why: &str| Err(Error::new(span, why));
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(fields.named.iter().filter_map(|field| Some((field.ident.as_ref()?, field)))),
            Fields::Unnamed(fields) => {
                refuse(fields.span(), "a record's fields have names: write `struct Name { field: Type }`")
            }
            Fields::Unit => {
                refuse(input.ident.span(), "a record has fields with names: write `struct Name { field: Type }`")
            }
        },
        Data::Enum(data) => refuse(
            data.enum_token.span,
            "a record is a struct; derive `TextEnum` on an enum without data to make it a field type",
        ),
        Data::Union(data) => refuse(data.union_token.span, "a record is a struct with named fields, not a union"),
    }
}

/// Whether one of these parameters is named in the tokens of a type.
fn names_one(tokens: TokenStream, params: &[Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => params.contains(&ident),
        TokenTree::Group(group) => names_one(group.stream(), params),
        _ => false,
    })
}

impl<'a> Field<'a> {
    fn read(ident: &'a Ident, field: &'a SynField, of: &attr::Struct, faults: &mut Faults) -> Field<'a> {
        let attrs = attr::Field::read(&field.attrs, faults);
        let spelt = ident.unraw().to_string();
        let (name, name_span) = attr::stored_name(attrs.rename.as_ref(), of.rename_all, &spelt, ident.span());
        let handle = match &attrs.handle {
            _ if attrs.skip.is_some() => None,
            attr::Handle::Default => Some(Ident::new(&case::handle(&spelt), ident.span())),
            attr::Handle::Named(name) => Some(name.clone()),
            attr::Handle::None => None,
        };
        Field { ident, ty: &field.ty, attrs, name, name_span, handle }
    }

    /// `<Type as Trait>::item` of the trait that its type must have.
    ///
    /// It begins where the type begins and ends where it ends: whatever the compiler says of it underlines the type. And as
    /// it is the only form in which the emitted code names the trait, the compiler says it once.
    pub fn of_type(&self, item: &str) -> TokenStream {
        qualified(self.ty, &self.bound(), item)
    }

    /// The trait that its type must have.
    pub fn bound(&self) -> TokenStream {
        if self.attrs.json.is_some() {
            quote::quote!(::dk_data::record::json_field::JsonType)
        } else {
            quote::quote!(::dk_data::record::field_type::FieldType)
        }
    }
}

/// `<Type as Trait>::item`, with the place of the type.
pub fn qualified(ty: &Type, of: &TokenStream, item: &str) -> TokenStream {
    let (first, last) = ends(ty);
    let item = Ident::new(item, last);
    let open = quote_spanned!(first=> <);
    quote_spanned!(last=> #open #ty as #of>::#item)
}

/// The places of the first and of the last token of a type.
pub fn ends(ty: &Type) -> (Span, Span) {
    let mut spans = ty.to_token_stream().into_iter().map(|token| match token {
        TokenTree::Group(group) => (group.span_open(), group.span_close()),
        token => (token.span(), token.span()),
    });
    let first = spans.next().unwrap_or((Span::call_site(), Span::call_site()));
    let last = spans.last().unwrap_or(first);
    (first.0, last.1)
}

/// The parameters as they stand between `<` and `>` where a type is named.
pub fn arguments(generics: &Generics) -> Vec<TokenStream> {
    let name = |param: &GenericParam| match param {
        GenericParam::Type(param) => param.ident.to_token_stream(),
        GenericParam::Const(param) => param.ident.to_token_stream(),
        GenericParam::Lifetime(param) => param.lifetime.to_token_stream(),
    };
    generics.params.iter().map(name).collect()
}

/// An enum that derives `TextEnum`.
pub struct TextEnum<'a> {
    pub ident: &'a Ident,
    pub generics: &'a Generics,
    pub variants: Vec<Variant<'a>>,
}

/// One of its variants.
pub struct Variant<'a> {
    pub ident: &'a Ident,
    pub attrs: attr::Variant,
    /// The name in the store, and where it was given.
    pub name: String,
    pub name_span: Span,
    /// Where it holds data, if it does.
    pub data: Option<Span>,
}

impl<'a> TextEnum<'a> {
    /// Reads a declaration; what is wrong with its attributes is added to `faults`.
    ///
    /// # Errors
    /// Where it is no enum.
    pub fn read(input: &'a DeriveInput, faults: &mut Faults) -> Result<TextEnum<'a>, Error> {
        let Data::Enum(data) = &input.data else {
            let why = "`TextEnum` is for enums without data; derive `Record` on a struct";
            return Err(Error::new(input.ident.span(), why));
        };
        let attrs = attr::Enum::read(&input.attrs, faults);
        let variants = data.variants.iter().map(|variant| Variant::read(variant, &attrs, faults)).collect();
        Ok(TextEnum { ident: &input.ident, generics: &input.generics, variants })
    }
}

impl<'a> Variant<'a> {
    fn read(variant: &'a syn::Variant, of: &attr::Enum, faults: &mut Faults) -> Variant<'a> {
        let attrs = attr::Variant::read(&variant.attrs, faults);
        let spelt = variant.ident.unraw().to_string();
        let (name, name_span) = attr::stored_name(attrs.rename.as_ref(), of.rename_all, &spelt, variant.ident.span());
        let data = match &variant.fields {
            Fields::Unit => None,
            fields => Some(fields.span()),
        };
        Variant { ident: &variant.ident, attrs, name, name_span, data }
    }
}
