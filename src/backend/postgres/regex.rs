//! Regular expressions of the `regex` crate in the server's own language. Pure.
//!
//! The two languages look alike and differ: in what `\d`, `\w` and `\b` mean beyond ASCII, in what is upper and lower case, in
//! `$` before a last line break, in `\pL`, in counts above 255. So no text is passed on. The expression is parsed here, and
//! what it comes to (literals, sets of code points, repetitions, looks at the neighbours) is spelled out in those parts of the
//! server's language that mean the same under every collation. Whether there is a match does not depend on which of several
//! repetitions comes first, so all are greedy.

use std::fmt::Write;

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition};

use crate::{
    error::{Error, Result},
    query::predicate::no_regex,
};

/// The most repetitions that the server counts in one place.
const MAX_COUNT: u32 = 255;
/// The most places that an expression may have when it is spelled out. The server's work grows with their square: here it
/// takes a tenth of a second, at three times as many several seconds.
const MAX_PLACES: u64 = 4_000;
/// What matches nothing: a look ahead that forbids the empty text, in a group, so that it can be repeated.
const NEVER: &str = "(?:(?!))";
/// What `\w` is in ASCII.
const ASCII_WORD: &str = "[0-9A-Za-z_]";

/// An expression as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Native {
    /// In the server's language.
    pub(super) pattern: String,
    /// What every text that matches begins with, where that is known.
    pub(super) prefix: String,
}

impl Native {
    /// Spells an expression out.
    ///
    /// # Errors
    /// `Query` for what is no expression, `Unsupported` for one that is too large for the server.
    pub(super) fn of(source: &str) -> Result<Native> {
        let refused = |cause: regex_syntax::Error| no_regex(source, &cause.to_string());
        let hir = regex_syntax::parse(source).map_err(refused)?;
        if places(&hir) > MAX_PLACES {
            return Err(too_large());
        }
        let mut out = Spelling::default();
        out.push(&hir)?;
        Ok(Native { pattern: out.text, prefix: prefix(&hir) })
    }
}

/// The error of an expression that the server does not take, or would take very long for.
#[cold]
pub(super) fn too_large() -> Error {
    Error::unsupported(
        "the regular expression is too large for PostgreSQL: make its counts smaller, or test it here with `store.emulated(budget)`",
    )
}

/// How many places an expression has when its repetitions are written out.
fn places(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty => 0,
        HirKind::Look(_) | HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Capture(capture) => places(&capture.sub),
        HirKind::Repetition(Repetition { min, max, sub, .. }) => {
            places(sub).saturating_mul(max.unwrap_or(*min).max(1).into())
        }
        HirKind::Concat(list) | HirKind::Alternation(list) => list.iter().map(places).fold(0, u64::saturating_add),
    }
}

/// The literal that an expression is anchored with.
fn prefix(hir: &Hir) -> String {
    let HirKind::Concat(list) = hir.kind() else { return String::new() };
    match list.iter().map(Hir::kind).collect::<Vec<_>>().as_slice() {
        [HirKind::Look(Look::Start), HirKind::Literal(literal), ..] => {
            String::from_utf8(literal.0.to_vec()).ok().filter(|text| !text.contains('\0')).unwrap_or_default()
        }
        _ => String::new(),
    }
}

#[derive(Default)]
struct Spelling {
    text: String,
    /// The set of characters that words are made of, written once.
    word: Option<String>,
}

impl Spelling {
    fn push(&mut self, hir: &Hir) -> Result<()> {
        match hir.kind() {
            HirKind::Empty => self.text.push_str("(?:)"),
            HirKind::Literal(literal) => self.push_literal(&literal.0)?,
            HirKind::Class(class) => self.push_class(class)?,
            HirKind::Look(look) => self.push_look(*look)?,
            HirKind::Repetition(repetition) => self.push_repetition(repetition)?,
            HirKind::Capture(capture) => self.push(&capture.sub)?,
            HirKind::Concat(list) => self.push_all(list, "")?,
            HirKind::Alternation(list) => self.push_all(list, "|")?,
        }
        Ok(())
    }

    fn push_all(&mut self, list: &[Hir], between: &str) -> Result<()> {
        self.text.push_str("(?:");
        for (place, hir) in list.iter().enumerate() {
            self.text.push_str(if place > 0 { between } else { "" });
            self.push(hir)?;
        }
        self.text.push(')');
        Ok(())
    }

    fn push_literal(&mut self, bytes: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(bytes).map_err(|_| no_text())?;
        if text.contains('\0') {
            // No stored text holds it.
            self.text.push_str(NEVER);
            return Ok(());
        }
        self.text.push_str("(?:");
        for c in text.chars() {
            if c.is_ascii_punctuation() {
                self.text.push('\\');
            }
            self.text.push(c);
        }
        self.text.push(')');
        Ok(())
    }

    fn push_class(&mut self, class: &Class) -> Result<()> {
        match class {
            Class::Unicode(class) => self.text.push_str(&set(class)),
            Class::Bytes(class) => self.text.push_str(&set(&class.to_unicode_class().ok_or_else(no_text)?)),
        }
        Ok(())
    }

    fn push_repetition(&mut self, repetition: &Repetition) -> Result<()> {
        let Repetition { min, max, sub, .. } = repetition;
        match (min, max, sub.properties().maximum_len()) {
            (_, Some(0), _) | (0, _, Some(0)) => {
                self.text.push_str("(?:)");
                return Ok(());
            }
            // What takes no room is there once or any number of times alike, and the server repeats no constraint.
            (_, _, Some(0)) => return self.push(sub),
            _ => {}
        }
        let start = self.text.len();
        self.push(sub)?;
        let one = self.text.split_off(start);
        self.text.push_str("(?:");
        self.push_counted(&one, *min, *max);
        self.text.push(')');
        Ok(())
    }

    /// Repeats something, in portions that the server counts.
    fn push_counted(&mut self, one: &str, min: u32, max: Option<u32>) {
        let (mut must, mut may) = (min, max.map(|max| max.saturating_sub(min)));
        while must > MAX_COUNT {
            let _ = write!(self.text, "{one}{{{MAX_COUNT}}}");
            must -= MAX_COUNT;
        }
        if may.is_none() {
            let _ = match must {
                0 => write!(self.text, "{one}*"),
                1 => write!(self.text, "{one}+"),
                _ => write!(self.text, "{one}{{{must},}}"),
            };
            return;
        }
        if must > 0 {
            let _ = write!(self.text, "{one}{{{must}}}");
        }
        while let Some(left @ 1..) = may {
            let portion = left.min(MAX_COUNT);
            let _ = write!(self.text, "{one}{{0,{portion}}}");
            may = Some(left - portion);
        }
    }

    fn push_look(&mut self, look: Look) -> Result<()> {
        let word = match look {
            Look::WordUnicode
            | Look::WordUnicodeNegate
            | Look::WordStartUnicode
            | Look::WordEndUnicode
            | Look::WordStartHalfUnicode
            | Look::WordEndHalfUnicode => self.word()?,
            _ => ASCII_WORD.to_owned(),
        };
        let _ = match look {
            Look::Start => write!(self.text, "\\A"),
            Look::End => write!(self.text, "\\Z"),
            Look::StartLF => write!(self.text, "(?:\\A|(?<=\n))"),
            Look::EndLF => write!(self.text, "(?:\\Z|(?=\n))"),
            Look::StartCRLF => write!(self.text, "(?:\\A|(?<=\n)|(?<=\r)(?!\n))"),
            Look::EndCRLF => write!(self.text, "(?:\\Z|(?=\r)|(?<!\r)(?=\n))"),
            Look::WordAscii | Look::WordUnicode => {
                write!(self.text, "(?:(?<={word})(?!{word})|(?<!{word})(?={word}))")
            }
            Look::WordAsciiNegate | Look::WordUnicodeNegate => {
                write!(self.text, "(?:(?<={word})(?={word})|(?<!{word})(?!{word}))")
            }
            Look::WordStartAscii | Look::WordStartUnicode => write!(self.text, "(?:(?<!{word})(?={word}))"),
            Look::WordEndAscii | Look::WordEndUnicode => write!(self.text, "(?:(?<={word})(?!{word}))"),
            Look::WordStartHalfAscii | Look::WordStartHalfUnicode => write!(self.text, "(?<!{word})"),
            Look::WordEndHalfAscii | Look::WordEndHalfUnicode => write!(self.text, "(?!{word})"),
        };
        Ok(())
    }

    /// What `\w` is, by the tables that the `regex` crate has.
    fn word(&mut self) -> Result<String> {
        if let Some(word) = &self.word {
            return Ok(word.clone());
        }
        let hir = regex_syntax::parse(r"\w").map_err(|cause| Error::query(cause.to_string()))?;
        let word = match hir.kind() {
            HirKind::Class(Class::Unicode(class)) => set(class),
            _ => ASCII_WORD.to_owned(),
        };
        self.word = Some(word.clone());
        Ok(word)
    }
}

/// The error of an expression over bytes that are no text.
#[cold]
fn no_text() -> Error {
    Error::query("not a regular expression for text: it matches bytes that are no UTF-8")
}

/// A set of characters, or what is not in it, whichever is shorter.
fn set(class: &ClassUnicode) -> String {
    let mut others = class.clone();
    others.negate();
    match (class.ranges().is_empty(), others.ranges().is_empty()) {
        (true, _) => NEVER.to_owned(),
        (_, true) => ".".to_owned(),
        _ if others.ranges().len() < class.ranges().len() => ranges("[^", &others),
        _ => ranges("[", class),
    }
}

fn ranges(open: &str, class: &ClassUnicode) -> String {
    let mut text = open.to_owned();
    for range in class.ranges() {
        // Of U+0000 there is none in stored text, and no name in the server's language.
        let (start, end) = (u32::from(range.start()).max(1), u32::from(range.end()));
        match end {
            0 => {}
            end if end == start => push_char(&mut text, start),
            end => {
                push_char(&mut text, start);
                text.push('-');
                push_char(&mut text, end);
            }
        }
    }
    match text == open {
        // Only U+0000 was in it.
        true if open == "[" => NEVER.to_owned(),
        true => ".".to_owned(),
        false => text + "]",
    }
}

/// A character by its number: letters and digits as they are, so that plans stay readable.
fn push_char(text: &mut String, c: u32) {
    let _ = match char::from_u32(c).filter(char::is_ascii_alphanumeric) {
        Some(c) => write!(text, "{c}"),
        None if c <= 0xffff => write!(text, "\\u{c:04X}"),
        None => write!(text, "\\U{c:08X}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn spelled(source: &str) -> String {
        Native::of(source).expect("it is an expression that fits").pattern
    }

    #[test]
    fn expressions_are_spelled_out() {
        for (source, wanted) in [
            ("", "(?:)"),
            ("a.b", "(?:(?:a)[^\\u000A](?:b))"),
            ("^[ab]+$", "(?:\\A(?:[a-b]+)\\Z)"),
            ("(?s).", "."),
            ("(?i)k", "[Kk\\u212A]"),
            ("x{2,}?", "(?:(?:x){2,})"),
            ("x{300}", "(?:(?:x){255}(?:x){45})"),
            ("x{1,300}", "(?:(?:x){1}(?:x){0,255}(?:x){0,44})"),
            ("(?:^)*a", "(?:(?:)(?:a))"),
            (r"[^\s\S]", NEVER),
            (r"\x00", NEVER),
            (r"a+\.\*", "(?:(?:(?:a)+)(?:\\.\\*))"),
        ] {
            assert_eq!(spelled(source), wanted, "{source}");
        }
    }

    #[test]
    fn an_anchored_literal_is_a_prefix() {
        for (source, wanted) in
            [("^ab+", "a"), ("^ab.", "ab"), ("ab", ""), ("(?m)^ab", ""), ("^ab|c", ""), ("^(?i)ab", "")]
        {
            assert_eq!(Native::of(source).expect("it fits").prefix, wanted, "{source}");
        }
    }

    #[test]
    fn what_the_server_could_not_bear_is_refused_before_it_is_sent() {
        let large = Native::of("(?:[a-z]{0,200}){50}").expect_err("ten thousand places");
        assert_eq!(large.kind(), ErrorKind::Unsupported);
        assert_eq!(Native::of("(").expect_err("an open group").kind(), ErrorKind::Query);
        assert_eq!(Native::of("(a)\\1").expect_err("no back references").kind(), ErrorKind::Query);
    }
}
