//! From the text of a pattern to its tokens.

use super::{InvalidPattern, Pattern, Reason};

/// One element of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A character that stands for itself.
    Char(char),
    /// `_`
    One,
    /// `%`
    Run,
}

impl Token {
    /// The length of the shortest text that this stands for.
    pub(super) fn min_bytes(&self) -> usize {
        match self {
            Token::Char(character) => character.len_utf8(),
            Token::One => 1,
            Token::Run => 0,
        }
    }
}

pub(super) fn tokens(source: &str) -> Result<Vec<Token>, InvalidPattern> {
    check_length(source)?;
    let mut tokens = Vec::with_capacity(source.len());
    let mut characters = source.chars().enumerate();
    while let Some((index, character)) = characters.next() {
        tokens.push(match character {
            '%' => Token::Run,
            '_' => Token::One,
            '\\' => match characters.next() {
                Some((_, escaped)) => Token::Char(escaped),
                None => return Err(InvalidPattern { column: index + 1, reason: Reason::LoneEscape }),
            },
            literal => Token::Char(literal),
        });
    }
    Ok(tokens)
}

fn check_length(source: &str) -> Result<(), InvalidPattern> {
    let bytes = source.len();
    if bytes <= Pattern::MAX_BYTES {
        return Ok(());
    }
    let fits = source.char_indices().take_while(|(start, one)| start + one.len_utf8() <= Pattern::MAX_BYTES).count();
    Err(InvalidPattern { column: fits + 1, reason: Reason::TooLong { bytes } })
}
