//! Pieces of a pattern that are matched where they stand: at the beginning of a text, at its end, or after a candidate.
//!
//! All of it works on the bytes of valid UTF-8. A literal begins and ends where characters do, so matches do too.

use super::{CaseFold, parse::Token};

/// Characters that stand for themselves, or for themselves in either case.
#[derive(Clone, Debug, Default)]
pub(super) struct Literal {
    /// In lower case if letters are folded.
    bytes: Box<[u8]>,
    /// Folding was asked for, and there is a letter to fold.
    folded: bool,
}

impl Literal {
    /// The literal that these tokens are, unless one of them is a wildcard.
    pub(super) fn new(tokens: &[Token], fold: CaseFold) -> Option<Self> {
        let text: Option<String> = tokens
            .iter()
            .map(|token| match token {
                Token::Char(character) => Some(*character),
                Token::One | Token::Run => None,
            })
            .collect();
        text.map(|text| Literal::of(text.into_bytes(), fold))
    }

    fn of(mut bytes: Vec<u8>, fold: CaseFold) -> Self {
        let folded = fold == CaseFold::Ascii && bytes.iter().any(u8::is_ascii_alphabetic);
        if folded {
            bytes.make_ascii_lowercase();
        }
        Literal { bytes: bytes.into(), folded }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn folded(&self) -> bool {
        self.folded
    }

    #[inline]
    pub(super) fn equals(&self, text: &[u8]) -> bool {
        if self.folded { self.bytes.eq_ignore_ascii_case(text) } else { *self.bytes == *text }
    }

    /// What follows this literal at the beginning of the text.
    #[inline]
    pub(super) fn strip_front<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let (front, rest) = text.split_at_checked(self.bytes.len())?;
        self.equals(front).then_some(rest)
    }

    /// What precedes this literal at the end of the text.
    #[inline]
    pub(super) fn strip_back<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let (rest, back) = text.split_at_checked(text.len().checked_sub(self.bytes.len())?)?;
        self.equals(back).then_some(rest)
    }
}

/// A part of a pattern without `%`.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    parts: Box<[Part]>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(Literal),
    /// So many `_`.
    Any(usize),
}

impl Piece {
    /// The piece of these tokens, none of which is a `%`.
    pub(super) fn new(tokens: &[Token], fold: CaseFold) -> Self {
        let runs = tokens.chunk_by(|a, b| (*a == Token::One) == (*b == Token::One));
        let parts = runs.map(|run| Literal::new(run, fold).map_or(Part::Any(run.len()), Part::Literal));
        Piece { parts: parts.collect() }
    }

    /// What follows this piece at the beginning of the text.
    #[inline]
    pub(super) fn strip_front<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        self.parts.iter().try_fold(text, |rest, part| match part {
            Part::Literal(literal) => literal.strip_front(rest),
            Part::Any(count) => skip_front(rest, *count),
        })
    }

    /// What precedes this piece at the end of the text.
    #[inline]
    pub(super) fn strip_back<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        self.parts.iter().rev().try_fold(text, |rest, part| match part {
            Part::Literal(literal) => literal.strip_back(rest),
            Part::Any(count) => skip_back(rest, *count),
        })
    }
}

/// Whether this byte continues a character that began before it.
#[inline]
pub(super) fn continues(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// The text without its first `count` characters, if it has so many.
#[inline]
pub(super) fn skip_front(mut text: &[u8], count: usize) -> Option<&[u8]> {
    for _ in 0..count {
        let (_, after) = text.split_first()?;
        let end = after.iter().position(|byte| !continues(*byte));
        text = &after[end.unwrap_or(after.len())..];
    }
    Some(text)
}

/// The text without its last `count` characters, if it has so many.
#[inline]
pub(super) fn skip_back(mut text: &[u8], count: usize) -> Option<&[u8]> {
    for _ in 0..count {
        let start = text.iter().rposition(|byte| !continues(*byte))?;
        text = &text[..start];
    }
    Some(text)
}
