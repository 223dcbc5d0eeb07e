//! How null is spelled in a cell. Pure: a choice that has been checked.

use super::{Inferred, inferred};

/// The longest spelling, in bytes.
const BYTES_MAX: usize = 15;

/// The text that stands for null in a cell without quotes: nothing, unless another spelling is chosen.
///
/// It is short, so that a dialect is a value that is copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NullSpelling {
    bytes: [u8; BYTES_MAX],
    length: u8,
}

impl NullSpelling {
    /// A spelling of its own.
    ///
    /// # Errors
    ///
    /// What is wrong with the choice: every reader must see the same cell, and no value but a text, which can be quoted, may
    /// be written like it.
    pub fn new(text: &str) -> Result<NullSpelling, &'static str> {
        let mut bytes = [0; BYTES_MAX];
        let Some(room) = bytes.get_mut(..text.len()) else { return Err("a spelling of null has 15 bytes at most") };
        room.copy_from_slice(text.as_bytes());
        if text.trim() != text || text.chars().any(|c| c.is_control() || c == '"' || c == '\u{feff}') {
            return Err("a spelling of null has no double quote, no control character and no space at either end");
        }
        if !matches!(inferred(text), Inferred::Text | Inferred::Null) {
            return Err("what a number, a bool, a date or a UUID is written as cannot spell null");
        }
        Ok(NullSpelling { bytes, length: text.len() as u8 })
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length.into()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_value_or_another_cell_spells_no_null() {
        for text in
            ["", "NA", "N/A", "\\N", "null", "nicht da", "-", "n.v.", "é", "015", "123456789012345x"[1..].into()]
        {
            assert_eq!(NullSpelling::new(text).expect(text).bytes(), text.as_bytes());
        }
        for text in
            ["1", "-999", "true", "1.5", "2024-02-29", " NA", "NA\t", "a\nb", "a\"b", "\u{feff}", "1234567890123456"]
        {
            assert!(NullSpelling::new(text).is_err(), "{text:?}");
        }
    }
}
