//! The derives of `dk-data`: `#[derive(Record)]` for structs, `#[derive(TextEnum)]` for enums without data.
//!
//! A derive runs in stages, one file each: `ast` is what was declared, `attr` reads the attributes, `valid` refuses
//! what cannot be, `expand` writes the code, and `fallback` writes just enough of it after a mistake that the mistake
//! is the only error. This crate knows no types, only their spelling; what a type can do is checked by the compiler where
//! the emitted code names the traits of `dk-data`.

mod ast;
mod attr;
mod case;
mod expand;
mod fallback;
mod symbol;
mod valid;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct a record: schema, codec, and one handle for each field for queries.
///
/// On the struct: `name`, `rename_all`, `handles = none`, `query = none`, `of`. On a field: `id`, `rename`, `skip`, `default`, `index`,
/// `unique`, `json`, `large`, `decimal(precision, scale)`, `text`, `alias`, `handle`. All of them stand in `#[record(..)]`.
///
/// The code that is written names the crate `::dk_data`. Where `Cargo.toml` gives it another name, write
/// `extern crate other_name as dk_data;` at the root of the crate.
#[proc_macro_derive(Record, attributes(record))]
pub fn record(input: TokenStream) -> TokenStream {
    expand::record(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes an enum without data a field type that is stored as the text of the variant's name.
///
/// On the enum: `#[record(rename_all = "..")]`. On a variant: `rename`, `alias`.
#[proc_macro_derive(TextEnum, attributes(record))]
pub fn text_enum(input: TokenStream) -> TokenStream {
    expand::text_enum(&parse_macro_input!(input as DeriveInput)).into()
}
