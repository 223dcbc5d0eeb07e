//! Tokens of the text form, taken one at a time as the parser asks for them: what a quote means depends on where it stands.

use std::borrow::Cow;

use crate::{
    error::{Error, Result},
    query::text::is_reserved,
    record::path::{MAX_SEGMENTS, Path, is_plain, take_segment},
};

/// The most characters of an offending token that a message shows.
const SHOWN: usize = 40;

/// A place in the text.
#[derive(Clone, Copy)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        Lexer { text, rest: text.trim_start() }
    }
    fn step(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or("").trim_start();
    }
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
    /// The word here: letters, digits, `_` and `-`; empty where there is none.
    pub fn word(&self) -> &'a str {
        let end = self.rest.find(|c| !is_plain(c)).unwrap_or(self.rest.len());
        &self.rest[..end]
    }
    /// Takes a keyword.
    pub fn keyword(&mut self, keyword: &str) -> bool {
        let here = self.word().eq_ignore_ascii_case(keyword);
        if here {
            self.step(keyword.len());
        }
        here
    }
    /// Takes a sign.
    pub fn sign(&mut self, sign: &str) -> bool {
        let here = self.rest.starts_with(sign);
        if here {
            self.step(sign.len());
        }
        here
    }
    pub fn expect_sign(&mut self, sign: &str) -> Result<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.expected(&format!("`{sign}`"))) }
    }

    /// What is wrong here: what was expected, and what stands there instead.
    #[cold]
    pub fn expected(&self, what: &str) -> Error {
        match self.token() {
            "" => self.fault(format!("expected {what}, but the filter ends here")),
            token => self.fault(format!("expected {what}, found `{token}`")).with_value(token),
        }
    }
    /// What is wrong here, in other words.
    #[cold]
    pub fn fault(&self, why: impl Into<Cow<'static, str>>) -> Error {
        let before = &self.text[..self.text.len() - self.rest.len()];
        Error::query(why).at_column(before.chars().count() as u64 + 1)
    }
    /// The token here, cut where it is long.
    fn token(&self) -> &'a str {
        let rest = self.rest;
        let end = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |i| i + 2),
            Some(c) if is_plain(c) => self.word().len(),
            Some('<' | '>' | '=' | '!') => rest.find(|c| !matches!(c, '<' | '>' | '=' | '!')).unwrap_or(rest.len()),
            Some(c) => c.len_utf8(),
            None => 0,
        };
        let shown = rest.char_indices().nth(SHOWN).map_or(end, |(i, _)| end.min(i));
        &rest[..shown]
    }

    /// Takes a path.
    pub fn path(&mut self) -> Result<Path> {
        if is_reserved(self.word()) {
            let word = self.word();
            return Err(self.expected(&format!("a field; one that is called `{word}` is written in quotes")));
        }
        let start = *self;
        let mut path = Path::field(self.segment()?);
        while let Some(next) = self.rest.strip_prefix('.') {
            self.rest = next;
            path = path.then(self.segment()?);
        }
        self.step(0);
        match path.segments().len() {
            ..=MAX_SEGMENTS => Ok(path),
            _ => Err(start.fault(format!("a path has at most {MAX_SEGMENTS} segments"))),
        }
    }
    fn segment(&mut self) -> Result<String> {
        let (segment, rest) = take_segment(self.rest).map_err(|why| match why {
            "an open quote" => self.fault("the quote that opens here is not closed"),
            _ => self.expected("a field"),
        })?;
        self.rest = rest;
        Ok(segment)
    }

    /// Takes a text in either kind of quotes.
    pub fn text(&mut self) -> Result<String> {
        let Some(quote @ ('"' | '\'')) = self.rest.chars().next() else {
            return Err(self.expected("a text in quotes"));
        };
        let mut text = String::new();
        let mut inside = Lexer { rest: &self.rest[1..], ..*self };
        loop {
            let here = inside;
            match inside.character() {
                Some(c) if c == quote => break,
                Some('\\') => text.push(inside.escaped().ok_or_else(|| here.bad_escape())?),
                Some(c) => text.push(c),
                None => return Err(self.fault("the quote that opens here is not closed")),
            }
        }
        self.rest = inside.rest.trim_start();
        Ok(text)
    }
    /// One character, white space too.
    fn character(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }
    /// What stands behind a backslash.
    fn escaped(&mut self) -> Option<char> {
        match self.character()? {
            c @ ('"' | '\'' | '\\') => Some(c),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => self.code_point(),
            _ => None,
        }
    }
    fn code_point(&mut self) -> Option<char> {
        let (digits, rest) = self.rest.strip_prefix('{')?.split_once('}')?;
        self.rest = rest;
        let hex = digits.len() <= 6 && digits.bytes().all(|c| c.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| hex).and_then(char::from_u32)
    }
    fn bad_escape(&self) -> Error {
        self.fault(r#"no such escape: there are \" \' \\ \n \r \t \u{..}; a backslash itself is written twice"#)
    }

    /// Takes a number as it is written, and says whether it is an integer.
    pub fn number(&mut self) -> Result<(&'a str, bool)> {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|c| c.is_ascii_digit()).count();
        let start = usize::from(bytes.first() == Some(&b'-'));
        let whole = start + digits(start);
        let mut end = whole;
        if bytes.get(end) == Some(&b'.') {
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            end += 1 + sign + digits(end + 1 + sign);
        }
        let written = &self.rest[..end];
        let ends_well = written.ends_with(|c: char| c.is_ascii_digit()) && digits(start) > 0;
        let goes_on = self.rest[end..].starts_with(|c| is_plain(c) || c == '.');
        if goes_on || !ends_well {
            return Err(self.expected("a number"));
        }
        self.step(end);
        Ok((written, end == whole))
    }
    pub fn is_at_number(&self) -> bool {
        self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '-')
    }
    pub fn is_at_text(&self) -> bool {
        self.rest.starts_with(['"', '\''])
    }
    /// Whether `len` stands here with a parenthesis behind it.
    pub fn is_at_length(&self) -> bool {
        let mut ahead = *self;
        ahead.keyword("len") && ahead.sign("(")
    }
}
