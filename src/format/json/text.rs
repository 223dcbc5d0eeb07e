//! JSON as tokens, pulled one after the other from a text that is known to be UTF-8. It builds nothing.

use std::borrow::Cow;

use crate::{
    error::{Error, Result},
    format::error::FaultKind,
};

/// Values nest this deep at most; what goes deeper is an error and never a stack overflow.
pub(crate) const MAX_DEPTH: usize = 128;

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Tokens { text, at: 0 }
    }

    /// The error of what stands here; the column counts bytes from 1.
    #[cold]
    pub(crate) fn fault(&self, why: impl Into<Cow<'static, str>>) -> Error {
        Error::corrupt(why).at_column(self.at as u64 + 1)
    }

    /// Where the next token begins, in bytes.
    pub(crate) fn offset(&mut self) -> usize {
        self.blanks();
        self.at
    }

    #[inline]
    fn blanks(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// The first byte of the next token; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        self.blanks();
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Passes over a byte of punctuation if it comes next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let comes = self.peek() == byte;
        // Not `self.at += usize::from(comes)`: rustc 1.95 adds nothing there in optimised builds, once `byte` is a constant
        // and the answer is branched on as well (https://github.com/rust-lang/rust/issues/158206).
        if comes {
            self.at += 1;
        }
        comes
    }

    /// Passes over a byte of punctuation that must come next.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected(byte)) }
    }

    #[cold]
    fn unexpected(&mut self, byte: u8) -> Error {
        match self.peek() {
            0 => self.fault(format!("the JSON ends where `{}` is expected", char::from(byte))),
            _ => self.fault(format!("not JSON: `{}` is expected here", char::from(byte))),
        }
    }

    /// Passes over `null` if it comes next.
    #[inline]
    pub(crate) fn null(&mut self) -> Result<bool> {
        if self.peek() == b'n' { self.word("null").map(|()| true) } else { Ok(false) }
    }

    pub(crate) fn word(&mut self, word: &'static str) -> Result<()> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.fault(format!("not JSON: `{word}` is expected here")))
    }

    /// Nothing but blanks follows.
    pub(crate) fn end(&mut self) -> Result<()> {
        if self.peek() == 0 && self.at >= self.text.len() {
            Ok(())
        } else {
            Err(self.fault("there is more text after the JSON"))
        }
    }

    /// Passes over bytes if they come next, as they stand.
    #[inline]
    pub(crate) fn take_all(&mut self, bytes: &[u8]) -> bool {
        let come = self.text.as_bytes().get(self.at..self.at + bytes.len()).is_some_and(|next| same(next, bytes));
        if come {
            self.at += bytes.len();
        }
        come
    }

    /// A text, borrowed where nothing in it is escaped.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<Cow<'t, str>> {
        match self.any_text()? {
            // Only an escape sequence can be U+0000: as it is, it is a control character.
            Cow::Owned(text) if text.contains('\0') => Err(self.fault(FaultKind::Nul.to_string()).with_value(&text)),
            text => Ok(text),
        }
    }

    /// A text that may hold U+0000.
    #[inline]
    fn any_text(&mut self) -> Result<Cow<'t, str>> {
        self.expect(b'"')?;
        let start = self.at;
        let end = self.plain_end(start);
        match self.text.as_bytes().get(end) {
            Some(b'"') => {
                self.at = end + 1;
                Ok(Cow::Borrowed(&self.text[start..end]))
            }
            Some(b'\\') => self.escaped(start, end).map(Cow::Owned),
            Some(_) => self.refuse(end, "a control character in a JSON text must be escaped"),
            None => self.refuse(start - 1, "a JSON text is never closed"),
        }
    }

    /// Passes over a text.
    #[inline]
    fn skip_text(&mut self) -> Result<()> {
        let end = self.plain_end(self.at + 1);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(());
        }
        self.any_text().map(drop)
    }

    /// Where a quote, a backslash or a control character stands.
    #[inline]
    fn plain_end(&self, from: usize) -> usize {
        let (words, rest) = self.text.as_bytes()[from..].as_chunks::<8>();
        let mut at = from;
        for word in words {
            let stops = stops(u64::from_le_bytes(*word));
            if stops != 0 {
                return at + stops.trailing_zeros() as usize / 8;
            }
            at += 8;
        }
        let stop = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < 0x20;
        rest.iter().position(stop).map_or(self.text.len(), |found| at + found)
    }

    fn refuse<T>(&mut self, at: usize, why: &'static str) -> Result<T> {
        self.at = at;
        Err(self.fault(why))
    }

    fn escaped(&mut self, start: usize, mut end: usize) -> Result<String> {
        let mut text = self.text[start..end].to_owned();
        loop {
            self.at = end;
            match self.text.as_bytes().get(end) {
                Some(b'"') => {
                    self.at = end + 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.fault("a control character in a JSON text must be escaped")),
                None => return Err(self.fault("a JSON text is never closed")),
            }
            let from = self.at;
            end = self.plain_end(from);
            text.push_str(&self.text[from..end]);
        }
    }

    /// The character of the escape sequence that stands here.
    fn escape(&mut self) -> Result<char> {
        let Some(letter) = self.text.as_bytes().get(self.at + 1) else {
            return Err(self.fault("a JSON text is never closed"));
        };
        self.at += 2;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return self.refuse(self.at - 2, "not an escape sequence of JSON"),
        })
    }

    fn unicode(&mut self) -> Result<char> {
        let start = self.at - 2;
        let first = self.four_digits()?;
        let code = match first {
            0xD800..0xDC00 if self.text.as_bytes()[self.at..].starts_with(b"\\u") => {
                self.at += 2;
                match self.four_digits()? {
                    second @ 0xDC00..0xE000 => 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                    _ => first,
                }
            }
            code => code,
        };
        char::from_u32(code).map_or_else(|| self.refuse(start, "half of a surrogate pair stands alone"), Ok)
    }

    fn four_digits(&mut self) -> Result<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else { return Err(self.fault("`\\u` is followed by four hexadecimal digits")) };
        let code = digits.iter().fold(0, |code, d| code * 16 + char::from(*d).to_digit(16).unwrap_or(0));
        self.at += 4;
        Ok(code)
    }

    /// A number as it is written, checked against JSON's grammar.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<&'t str> {
        self.blanks();
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        let whole = digits(bytes, at);
        let leading_zero = bytes.get(at) == Some(&b'0') && whole > 1;
        at += whole;
        let mut fine = whole > 0 && !leading_zero;
        if bytes.get(at) == Some(&b'.') {
            let fraction = digits(bytes, at + 1);
            fine &= fraction > 0;
            at += 1 + fraction;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let exponent = digits(bytes, at + 1 + sign);
            fine &= exponent > 0;
            at += 1 + sign + exponent;
        }
        if !fine {
            return Err(self.fault("a JSON number is expected here"));
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    /// Passes over a value of any kind.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let mut closers: Vec<u8> = Vec::new();
        loop {
            match self.peek() {
                open @ (b'{' | b'[') => {
                    if closers.len() >= MAX_DEPTH {
                        return Err(self.too_deep());
                    }
                    self.at += 1;
                    let closer = if open == b'{' { b'}' } else { b']' };
                    if !self.take(closer) {
                        closers.push(closer);
                        self.member(closer)?;
                        continue;
                    }
                }
                b'"' => self.skip_text()?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => drop(self.number()?),
            }
            // What is complete may complete what it stands in.
            loop {
                match closers.last().copied() {
                    None => return Ok(()),
                    Some(closer) if self.take(closer) => drop(closers.pop()),
                    Some(closer) => {
                        self.expect(b',')?;
                        self.member(closer)?;
                        break;
                    }
                }
            }
        }
    }

    /// Passes over the name before a member of an object.
    fn member(&mut self, closer: u8) -> Result<()> {
        if closer == b'}' {
            self.any_text()?;
            self.expect(b':')?;
        }
        Ok(())
    }

    #[cold]
    pub(crate) fn too_deep(&self) -> Error {
        self.fault(format!("JSON nests more than {MAX_DEPTH} levels deep"))
    }

    /// The text between two places.
    pub(crate) fn between(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }
}

/// The bytes of a word that are a quote, a backslash or a control character, by their highest bits. The lowest one is exact;
/// those above it may be wrong, for a difference borrows from them.
#[inline]
fn stops(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & (ONES << 7)
}

/// Whether bytes of one length are the same; eight are compared together, for a call would take longer than a name.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        // The last words overlap those before them.
        (Some(last), Some(other)) => last == other && a.as_chunks::<8>().0.iter().eq(b.as_chunks::<8>().0),
        _ => a.iter().eq(b),
    }
}

#[inline]
fn digits(bytes: &[u8], from: usize) -> usize {
    bytes.get(from..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_unescaped_and_halves_refused() {
        let text = |json| Tokens::new(json).text().map(Cow::into_owned).ok();
        assert_eq!(text(r#""a\"\\\/\b\f\n\r\t\u00e5\ud83d\ude00 ü""#).as_deref(), Some("a\"\\/\u{8}\u{c}\n\r\tå😀 ü"));
        for bad in
            [r#""\ud83d""#, r#""\ud83dx""#, r#""\ude00""#, r#""\x""#, "\"a\nb\"", "\"open", r#""\u00g0""#, "\"\\"]
        {
            assert_eq!(text(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_end_of_a_plain_text_is_found_wherever_it_is() {
        for length in 0..20 {
            for stop in (0..=u8::MAX).filter(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\') {
                for (plain, after) in [("a", '"'), ("\u{7f}", '\n'), ("!", '\u{1}'), (" ", '\\'), ("ß", '#')] {
                    let text = plain.repeat(length);
                    let json = format!("{text}{}{after}", char::from(stop));
                    assert_eq!(Tokens::new(&json).plain_end(0), text.len(), "{json:?}");
                }
            }
        }
    }

    #[test]
    fn numbers_follow_the_grammar() {
        for good in ["0", "-0", "12", "1.5", "-1.5e+10", "1E5"] {
            assert_eq!(Tokens::new(good).number().ok(), Some(good));
        }
        for bad in ["01", "+1", ".5", "1.", "1e", "-", "NaN", ""] {
            let mut tokens = Tokens::new(bad);
            assert!(tokens.number().and_then(|_| tokens.end()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_hundred_thousand_levels_are_an_error() {
        assert!(Tokens::new(&"[".repeat(100_000)).skip().is_err());
        assert!(Tokens::new(&"{\"a\":".repeat(100_000)).skip().is_err());
        let mut fine = Tokens::new(r#"{"a":[1,{"b":null},"x",true,false,[],{}],"c":-1.5e3} "#);
        assert!(fine.skip().and_then(|()| fine.end()).is_ok());
    }
}
