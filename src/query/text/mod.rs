//! The text form of a [`Filter`]: what people write on a command line and in a config, and what `explain` prints.
//!
//! ```text
//! age >= 18 and city in ("Oslo", "Bergen") and not (name like "A%" or home.city is null)
//! ```
//!
//! # Grammar
//!
//! Keywords are written in any case. White space may stand between any two tokens and must stand between two words.
//!
//! ```text
//! filter    = conjunct { "or" conjunct }
//! conjunct  = negation { "and" negation }
//! negation  = "not" negation | "(" filter ")" | constant | test
//! constant  = "all" | "true" | "none" | "false"
//! test      = operand ( compare literal
//!                     | [ "not" ] "between" literal "and" literal
//!                     | [ "not" ] "in" "(" [ literal { "," literal } ] ")"
//!                     | [ "not" ] ( "like" | "ilike" | "matches" | "search" | "starts" "with" | "ends" "with" ) text
//!                     | [ "not" ] "contains" literal
//!                     | "is" [ "not" ] ( "null" | "empty" ) )
//! compare   = "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">="
//! operand   = path | "len" "(" path ")"
//! path      = segment { "." segment }                     (no white space around the dot)
//! segment   = ( letter | digit | "_" | "-" )+ | '"' any with \ before " and \ '"'
//! literal   = text | number | "true" | "false" | type "(" text ")"
//! text      = '"' characters '"' | "'" characters "'"     (\" \' \\ \n \r \t \u{1F600} escape)
//! number    = [ "-" ] digits [ "." digits ] [ "e" [ "+" | "-" ] digits ]
//! type      = "timestamp" | "date" | "uuid" | "decimal" | "bytes" | "value"
//! ```
//!
//! - Where a field is expected, double quotes hold a path segment (`"a.b".c = 1`); where a value is expected, a text. A field
//!   whose outermost segment is one of the words `and or not all none true false len` is written in quotes.
//! - A number with a point or an exponent is a float, any other an integer of up to 128 bits. `decimal("1.10")` is exact;
//!   compared with a field of a declared type, `uuid`, `timestamp`, `date`, `decimal` and `bytes` may be left out: the text
//!   is read as what the field holds. `bytes` holds base64.
//! - `value("..")` holds the JSON of any other [`Value`](crate::Value): `value("[1,2]")`, `value("{\"$float\":\"NaN\"}")`.
//! - `!=` and the forms with `not` are complements, and so true of null (semantics 3.3). `is empty` is short for
//!   `len(..) = 0`, and `is not empty` for its complement. Nothing compares with null but `is null` (semantics 3.5).
//! - A text nests at most [`MAX_DEPTH`] levels of parentheses and `not`, and holds at most [`MAX_BYTES`] bytes.
//!
//! Printing a filter and parsing the text gives the same filter. Parentheses are printed only where they are needed.
//! This module does no I/O and knows no schema: [`Filter::bind`] checks names and types.
//!
//! ```
//! use dk_data::Filter;
//! let filter: Filter = "age >= 18 AND (city = 'Oslo' or nick is null)".parse()?;
//! assert_eq!(filter.to_string(), r#"age >= 18 and (city = "Oslo" or nick is null)"#);
//!
//! let wrong = "age >= 18 and city lik 'O%'".parse::<Filter>().unwrap_err();
//! assert_eq!(wrong.place().column, Some(20));
//! assert!(wrong.message().contains("did you mean `like`?"));
//! # Ok::<(), dk_data::Error>(())
//! ```

mod lex;
mod parse;
mod print;
#[cfg(test)]
mod tests;

use std::str::FromStr;

#[allow(unused_imports, reason = "the documentation links to it")]
use crate::query::filter::MAX_DEPTH;
use crate::{
    error::{Error, Result},
    query::filter::{Filter, Operand},
};

/// The longest text of a filter, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Words that cannot begin a field without quotes.
const RESERVED: [&str; 8] = ["and", "or", "not", "all", "none", "true", "false", "len"];

fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

fn check_length(text: &str) -> Result<()> {
    match text.len() {
        0..=MAX_BYTES => Ok(()),
        bytes => Err(Error::query(format!("a filter has at most {MAX_BYTES} bytes, this one {bytes}"))),
    }
}

impl FromStr for Filter {
    type Err = Error;

    /// Reads the [text form](crate::query::text).
    ///
    /// # Errors
    /// `Query`, with the column in characters and what was expected there.
    fn from_str(text: &str) -> Result<Filter> {
        check_length(text)?;
        parse::Parser::new(text).filter()
    }
}

impl FromStr for Operand {
    type Err = Error;

    /// Reads a field's path or `len(path)`.
    ///
    /// # Errors
    /// `Query`, with the column in characters.
    fn from_str(text: &str) -> Result<Operand> {
        check_length(text)?;
        parse::Parser::new(text).operand_alone()
    }
}
