//! Names as SQL writes them: quoted, never pasted as they are, and never longer than the server keeps. Pure.

use crate::{query::cursor::checksum, record::Path};

/// The longest name that the server keeps, in bytes; longer ones would be cut off in silence.
const MAX_BYTES: usize = 63;

/// Columns that every table has.
const SYSTEM: [&str; 7] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"];

/// A name in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of the column of a field: its path, in the text form of paths, so that no two fields share one. Names that
/// the server cannot have are given an ending of their own.
pub(super) fn column_of(path: &Path) -> String {
    let plain = match path.segments() {
        // A field alone is called what it is called, so that existing tables are met.
        [only] if !only.contains(['.', '"']) => only.to_string(),
        _ => path.to_string(),
    };
    fitted(plain)
}

/// The name itself where the server can have it, else a shortened one with a checksum.
pub(super) fn fitted(name: String) -> String {
    match name.len() {
        0..=MAX_BYTES if !SYSTEM.contains(&name.as_str()) => name,
        _ => format!("{}~{:016x}", cut(&name, MAX_BYTES - 17), checksum(name.as_bytes())),
    }
}

pub(super) fn cut(name: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(name.len())).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_inside_a_name_end_nothing() {
        assert_eq!(quoted("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
    }

    #[test]
    fn no_two_fields_share_a_column() {
        let nested = column_of(&Path::field("home").then("city"));
        let dotted = column_of(&Path::field("home.city"));
        assert_eq!((nested.as_str(), dotted.as_str()), ("home.city", "\"home.city\""));
        let (a, b) = ("x".repeat(100) + "a", "x".repeat(100) + "b");
        let (a, b) = (column_of(&Path::field(a)), column_of(&Path::field(b)));
        assert!(a != b && a.len() <= MAX_BYTES && b.len() <= MAX_BYTES);
    }

    #[test]
    fn system_columns_are_not_met() {
        assert!(column_of(&Path::field("xmin")).starts_with("xmin~"));
    }
}
