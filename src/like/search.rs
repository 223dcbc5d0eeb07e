//! The first occurrence of a piece in a text, in linear time.
//!
//! Candidates come from `memchr`; each is tested where it stands. What the failed tests may cost is a fixed multiple of the
//! bytes passed; when it is used up, the automaton of [`super::states`] goes on from there.

use memchr::{memchr2, memmem};

use super::{
    CaseFold,
    literal::{Literal, Piece},
    parse::Token,
    states::States,
};

/// How many steps failed candidates may cost for each byte of the text that lies behind them.
const STEPS_PER_BYTE: usize = 16;

/// A piece that begins and ends with a literal character, prepared for being looked for.
#[derive(Clone, Debug)]
pub(super) struct Search {
    start: Start,
    /// What follows the literal that the piece starts with.
    rest: Piece,
    /// The most steps that a candidate can cost to test.
    steps: usize,
    /// For pieces whose candidates can cost more than the allowance.
    states: Option<Box<States>>,
}

/// How to find candidates: places where the first literal stands, or may stand.
#[derive(Clone, Debug)]
enum Start {
    Exact(Box<memmem::Finder<'static>>),
    Folded { literal: Literal, rare: RareByte },
}

/// The byte of a literal that texts are least likely to be full of.
#[derive(Clone, Copy, Debug)]
struct RareByte {
    offset: usize,
    lower: u8,
    upper: u8,
}

impl Search {
    /// Prepares a piece; its first and last token are literal characters.
    pub(super) fn new(tokens: &[Token], fold: CaseFold) -> Self {
        let wildcard = tokens.iter().position(|token| *token == Token::One).unwrap_or(tokens.len());
        let (first, rest) = tokens.split_at(wildcard);
        let start = Start::new(first, fold);
        let steps = tokens.iter().map(Token::min_bytes).sum();
        // A literal without folding is left to `memmem`, which is linear by itself.
        let can_exceed = steps > STEPS_PER_BYTE && (!rest.is_empty() || matches!(start, Start::Folded { .. }));
        let states = can_exceed.then(|| Box::new(States::new(tokens, fold)));
        Search { start, rest: Piece::new(rest, fold), steps, states }
    }

    /// What follows the first occurrence of this piece in the text.
    #[inline]
    pub(super) fn after_first<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let mut from = 0;
        let mut spent = 0;
        loop {
            let candidate = from + self.start.find(text.get(from..)?)?;
            if let Some(rest) = self.after_candidate(text.get(candidate..)?) {
                return Some(rest);
            }
            from = candidate + 1;
            spent += self.steps;
            if spent > STEPS_PER_BYTE * (from + self.steps)
                && let Some(states) = &self.states
            {
                return states.after_first(&text[from..]);
            }
        }
    }

    #[inline]
    fn after_candidate<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        self.rest.strip_front(self.start.strip_front(text)?)
    }
}

impl Start {
    /// `first` holds at least one token, and characters only.
    fn new(first: &[Token], fold: CaseFold) -> Self {
        // No wildcard is in `first`, so there is a literal; the empty one would be found anywhere, and do no harm.
        let literal = Literal::new(first, fold).unwrap_or_default();
        match RareByte::of(literal.bytes()) {
            Some(rare) if literal.folded() => Start::Folded { literal, rare },
            _ => Start::Exact(Box::new(memmem::Finder::new(literal.bytes()).into_owned())),
        }
    }

    /// Where the next candidate begins.
    #[inline]
    fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Start::Exact(finder) => finder.find(text),
            Start::Folded { rare, .. } => memchr2(rare.lower, rare.upper, text.get(rare.offset..)?),
        }
    }

    /// What follows the first literal at a candidate.
    #[inline]
    fn strip_front<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        match self {
            Start::Exact(finder) => text.get(finder.needle().len()..),
            Start::Folded { literal, .. } => literal.strip_front(text),
        }
    }
}

impl RareByte {
    /// The byte of a lower-case literal to look for.
    fn of(literal: &[u8]) -> Option<Self> {
        let (offset, lower) = literal.iter().enumerate().min_by_key(|(_, byte)| commonness(**byte))?;
        Some(RareByte { offset, lower: *lower, upper: lower.to_ascii_uppercase() })
    }
}

/// A rough rank of bytes by how often they occur in texts. It steers speed, never the result.
fn commonness(byte: u8) -> usize {
    const LETTERS_BY_FREQUENCY: &[u8] = b"zqxjkvbpygfwmucldrhsnioate";
    const COMMON: usize = 100;
    match byte {
        b' ' | 0xc0..=0xff => COMMON,
        b'0'..=b'9' => 10,
        _ => LETTERS_BY_FREQUENCY.iter().position(|letter| *letter == byte).unwrap_or(0),
    }
}
