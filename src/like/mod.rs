//! Patterns of `like` and `ilike` (semantics 3.6): compiled once, matched in time linear in the text.
//!
//! A pattern is cut at its `%` into pieces. The first and the last piece are anchored at the ends of the text; each piece
//! between is looked for from where the one before it ended, and its first occurrence is as good as any, because a `%` can
//! swallow the rest. So nothing is ever tried twice, and what remains is to find one piece in linear time (`search`).
//!
//! There is no translation to regular expressions, and no locale: a letter outside ASCII equals only itself.

mod literal;
mod parse;
mod search;
mod states;

use literal::{Literal, Piece, skip_front};
use parse::Token;
use search::Search;

/// Whether letters are compared with their case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CaseFold {
    /// `like`: every character equals only itself.
    #[default]
    No,
    /// `ilike`: `A` to `Z` equal `a` to `z`, in the pattern and in the text. No other letters are folded.
    Ascii,
}

/// A compiled pattern of `like` or `ilike` (semantics 3.6).
///
/// It is matched with the whole text. `%` stands for any run of characters, also an empty one and one with line breaks; `_`
/// for exactly one Unicode scalar; `\` takes the character after it, whichever it is, for itself. Every other character is
/// literal.
///
/// # Cost
///
/// With n bytes of text and m bytes of pattern, a match takes O(n + m) steps if the pattern has no `_` between other
/// characters of one piece and folds no letters. Otherwise it takes O(n + m) as long as false starts are rare, and never
/// more than O(n · ⌈m / 64⌉): pieces that start falsely too often are finished by a bit-parallel automaton. No
/// pattern backtracks. Matching allocates only in that last case, m / 8 bytes.
///
/// ```
/// use dk_data::like::{CaseFold, Pattern};
///
/// let pattern = Pattern::new("A%_sen", CaseFold::No)?;
/// assert!(pattern.matches("Andersen"));
/// assert!(!pattern.matches("andersen"));
/// assert!(Pattern::new(r"100\%", CaseFold::No)?.matches("100%"));
/// assert!(Pattern::new("%STRASSE", CaseFold::Ascii)?.matches("Parkstrasse"));
/// # Ok::<(), dk_data::like::InvalidPattern>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Box<str>,
    fold: CaseFold,
    literal_prefix: Box<str>,
    /// No shorter text can match.
    min_bytes: usize,
    shape: Shape,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (column {column} of the pattern)")]
pub struct InvalidPattern {
    /// Where the fault is, in characters of the pattern, from 1.
    pub column: usize,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error(r"the `\` at the end escapes nothing: write `\\` for the character itself")]
    LoneEscape,
    #[error("a pattern holds at most {max} bytes, and this one has {bytes}", max = Pattern::MAX_BYTES)]
    TooLong { bytes: usize },
}

/// The common forms by themselves, so that they cost what the method of `str` costs.
#[derive(Clone, Debug)]
enum Shape {
    /// `abc`
    Exact(Literal),
    /// `abc%`
    Prefix(Literal),
    /// `%abc`
    Suffix(Literal),
    /// `%abc%`, and `%a_c%`
    Contains(Search),
    /// Everything else without a `%`.
    Closed(Piece),
    /// Everything else.
    Open(Box<Open>),
}

/// `head % middle % … % tail`.
#[derive(Clone, Debug)]
struct Open {
    head: Piece,
    middle: Box<[Middle]>,
    /// How many characters the last `%` stands for at least.
    gap: usize,
    tail: Piece,
}

/// A piece between two `%`. The `_` at its ends are counted with the `%` beside them: `%_a_%` is `a` with gaps around it.
#[derive(Clone, Debug)]
struct Middle {
    /// How many characters the `%` before it stands for at least.
    gap: usize,
    search: Search,
}

impl Pattern {
    /// The longest pattern in bytes: enough for the longest text that can be filtered on (semantics 2.8) with every
    /// character escaped.
    pub const MAX_BYTES: usize = 65_536;

    /// Compiles a pattern.
    ///
    /// # Errors
    ///
    /// When the pattern ends in a `\` that escapes nothing, or is longer than [`Pattern::MAX_BYTES`].
    pub fn new(source: &str, fold: CaseFold) -> Result<Self, InvalidPattern> {
        let tokens = parse::tokens(source)?;
        Ok(Pattern {
            source: source.into(),
            fold,
            literal_prefix: literal_prefix(&tokens, fold),
            min_bytes: tokens.iter().map(Token::min_bytes).sum(),
            shape: Shape::new(&tokens, fold),
        })
    }

    /// Whether the whole of `text` matches.
    #[inline]
    pub fn matches(&self, text: &str) -> bool {
        text.len() >= self.min_bytes && self.shape.matches(text.as_bytes())
    }

    /// The text that this pattern was made of.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether this is a pattern of `like` or of `ilike`.
    pub fn fold(&self) -> CaseFold {
        self.fold
    }

    /// A text, possibly empty, that everything which matches begins with: what stands before the first `%` or `_`, without
    /// escapes, and with folding before the first ASCII letter. An index can start there.
    ///
    /// ```
    /// use dk_data::like::{CaseFold, Pattern};
    ///
    /// assert_eq!(Pattern::new(r"50\% of_%", CaseFold::No)?.literal_prefix(), "50% of");
    /// assert_eq!(Pattern::new(r"50\% of_%", CaseFold::Ascii)?.literal_prefix(), "50% ");
    /// # Ok::<(), dk_data::like::InvalidPattern>(())
    /// ```
    pub fn literal_prefix(&self) -> &str {
        &self.literal_prefix
    }
}

/// Patterns are equal when they are written alike and fold alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.fold == other.fold && self.source == other.source
    }
}

impl Eq for Pattern {}

fn literal_prefix(tokens: &[Token], fold: CaseFold) -> Box<str> {
    let folded = |character: char| fold == CaseFold::Ascii && character.is_ascii_alphabetic();
    let characters = tokens.iter().map_while(|token| match token {
        Token::Char(character) if !folded(*character) => Some(*character),
        _ => None,
    });
    characters.collect::<String>().into()
}

impl Shape {
    fn new(tokens: &[Token], fold: CaseFold) -> Self {
        let segments: Vec<&[Token]> = tokens.split(|token| *token == Token::Run).collect();
        match segments.as_slice() {
            [head, middle @ .., tail] => Shape::open(head, middle, tail, fold),
            _ => Literal::new(tokens, fold).map_or_else(|| Shape::Closed(Piece::new(tokens, fold)), Shape::Exact),
        }
    }

    fn open(head: &[Token], middle: &[&[Token]], tail: &[Token], fold: CaseFold) -> Self {
        let (mut middle, gap) = middles(middle, fold);
        let no_middle = middle.is_empty() && gap == 0;
        match (Literal::new(head, fold), Literal::new(tail, fold)) {
            (Some(head), _) if no_middle && tail.is_empty() => Shape::Prefix(head),
            (_, Some(tail)) if no_middle && head.is_empty() => Shape::Suffix(tail),
            _ if head.is_empty() && tail.is_empty() && middle.len() == 1 && middle[0].gap == 0 && gap == 0 => {
                Shape::Contains(middle.remove(0).search)
            }
            _ => Shape::Open(Box::new(Open {
                head: Piece::new(head, fold),
                middle: middle.into(),
                gap,
                tail: Piece::new(tail, fold),
            })),
        }
    }

    #[inline]
    fn matches(&self, text: &[u8]) -> bool {
        match self {
            Shape::Exact(literal) => literal.equals(text),
            Shape::Prefix(literal) => literal.strip_front(text).is_some(),
            Shape::Suffix(literal) => literal.strip_back(text).is_some(),
            Shape::Contains(search) => search.after_first(text).is_some(),
            Shape::Closed(piece) => piece.strip_front(text).is_some_and(<[u8]>::is_empty),
            Shape::Open(open) => open.matches(text).is_some(),
        }
    }
}

/// The pieces between `%`, each with the gap before it, and the gap after the last.
fn middles(segments: &[&[Token]], fold: CaseFold) -> (Vec<Middle>, usize) {
    let mut middles = Vec::new();
    let mut gap = 0;
    for segment in segments {
        let is_core = |token: &Token| *token != Token::One;
        match (segment.iter().position(is_core), segment.iter().rposition(is_core)) {
            (Some(first), Some(last)) => {
                middles.push(Middle { gap: gap + first, search: Search::new(&segment[first..=last], fold) });
                gap = segment.len() - 1 - last;
            }
            _ => gap += segment.len(),
        }
    }
    (middles, gap)
}

impl Open {
    /// What the last `%` stands for, if the text matches.
    fn matches<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let rest = self.head.strip_front(text)?;
        let mut rest = self.tail.strip_back(rest)?;
        for middle in &self.middle {
            rest = middle.search.after_first(skip_front(rest, middle.gap)?)?;
        }
        skip_front(rest, self.gap)
    }
}

#[cfg(test)]
mod tests;
