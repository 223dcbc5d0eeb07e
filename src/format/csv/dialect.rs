//! Which bytes separate, quote and end, and what spells null. Not a parser: it holds choices that have been checked.

use super::NullSpelling;

/// How a CSV text is punctuated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    delimiter: u8,
    quote: Option<u8>,
    line_end: LineEnd,
    null: NullSpelling,
}

/// What the writer puts after a record. Readers take all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// `\n`.
    #[default]
    Lf,
    /// `\r\n`.
    CrLf,
}

impl LineEnd {
    /// The bytes.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        }
    }
}

impl Dialect {
    /// A dialect of its own; without a quote every byte but the delimiter and line ends is text.
    ///
    /// # Errors
    ///
    /// What is wrong with the choice: both must be ASCII, differ from each other and from line ends, and be no byte that
    /// a number, date, timestamp or base64 holds, so that those never need quotes.
    pub fn new(delimiter: u8, quote: Option<u8>) -> Result<Self, &'static str> {
        check(delimiter)?;
        quote.map_or(Ok(()), check)?;
        if quote == Some(delimiter) {
            return Err("the delimiter and the quote must differ");
        }
        Ok(Self { delimiter, quote, line_end: LineEnd::Lf, null: NullSpelling::default() })
    }

    /// The same with other bytes between and around fields.
    ///
    /// # Errors
    ///
    /// As [`new`](Dialect::new), and where the spelling of null holds one of them.
    pub fn with_punctuation(self, delimiter: u8, quote: u8) -> Result<Self, &'static str> {
        let Self { delimiter, quote, .. } = Self::new(delimiter, Some(quote))?;
        Self { delimiter, quote, ..self }.with_null(self.null)
    }

    /// The same with another spelling of null.
    ///
    /// # Errors
    ///
    /// Where it holds the delimiter or the quote.
    pub fn with_null(self, null: NullSpelling) -> Result<Self, &'static str> {
        let marks = |byte: &u8| *byte == self.delimiter || Some(*byte) == self.quote;
        if null.bytes().iter().any(marks) {
            return Err("a spelling of null holds neither the delimiter nor the quote");
        }
        Ok(Self { null, ..self })
    }

    /// The same with another line end for writing.
    pub fn with_line_end(self, line_end: LineEnd) -> Self {
        Self { line_end, ..self }
    }

    /// The byte between fields.
    #[inline]
    pub fn delimiter(self) -> u8 {
        self.delimiter
    }

    /// The byte around fields that hold anything else of these.
    #[inline]
    pub fn quote(self) -> Option<u8> {
        self.quote
    }

    /// What a null is written as, and what is null where it stands without quotes.
    #[inline]
    pub fn null(&self) -> &[u8] {
        self.null.bytes()
    }

    /// What the writer ends records with.
    pub fn line_end(self) -> LineEnd {
        self.line_end
    }
}

impl Default for Dialect {
    /// Comma, double quote, `\n`, nothing for null.
    fn default() -> Self {
        Self { delimiter: b',', quote: Some(b'"'), line_end: LineEnd::Lf, null: NullSpelling::default() }
    }
}

fn check(byte: u8) -> Result<(), &'static str> {
    match byte {
        b'\r' | b'\n' => Err("a line end can be neither the delimiter nor the quote"),
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.' | b':' | b'/' | b'=' | b'_' => {
            Err("a byte that numbers, dates or base64 hold can be neither the delimiter nor the quote")
        }
        0x80.. => Err("the delimiter and the quote must be ASCII"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_dialects_are_refused() {
        for delimiter in [b'\n', b'\r', b'7', b'e', b'-', b'.', b':', 0xe4] {
            assert!(Dialect::new(delimiter, Some(b'"')).is_err(), "{delimiter}");
            assert!(Dialect::new(b',', Some(delimiter)).is_err(), "{delimiter}");
        }
        assert!(Dialect::new(b',', Some(b',')).is_err());
        for delimiter in [b',', b';', b'\t', b'|', 0x1f] {
            assert!(Dialect::new(delimiter, Some(b'\'')).is_ok(), "{delimiter}");
        }
    }

    #[test]
    fn null_is_not_spelled_with_punctuation() {
        let null = NullSpelling::new("#N;A").expect("it is one");
        let commas = Dialect::default().with_null(null).expect("it holds no comma");
        assert!(commas.with_punctuation(b';', b'"').is_err() && commas.with_punctuation(b'\t', b'#').is_err());
        let tabs = commas.with_line_end(LineEnd::CrLf).with_punctuation(b'\t', b'"').expect("it holds no tab");
        assert_eq!((tabs.null(), tabs.line_end()), (&b"#N;A"[..], LineEnd::CrLf));
    }
}
