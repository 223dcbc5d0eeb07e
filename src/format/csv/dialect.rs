//! Which bytes separate, quote and end. Not a parser: it holds choices that have been checked.

/// How a CSV text is punctuated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    delimiter: u8,
    quote: Option<u8>,
    line_end: LineEnd,
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
        Ok(Self { delimiter, quote, line_end: LineEnd::Lf })
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

    /// What the writer ends records with.
    pub fn line_end(self) -> LineEnd {
        self.line_end
    }
}

impl Default for Dialect {
    /// Comma, double quote, `\n`.
    fn default() -> Self {
        Self { delimiter: b',', quote: Some(b'"'), line_end: LineEnd::Lf }
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
}
