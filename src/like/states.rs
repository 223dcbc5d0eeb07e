//! The automaton for pieces whose candidates fail too often: all places where the piece may have begun, one bit each.
//!
//! This is Shift-And (Baeza-Yates and Gonnet, 1992) over bytes. Bit p is set while the first p + 1 elements of the piece have
//! just been read. A `_` is entered by the first byte of a character and held by the bytes that continue it. A byte of the
//! text costs ⌈m / 64⌉ steps for a piece of m elements, whatever the text.

use super::{CaseFold, literal::continues, parse::Token};

#[derive(Clone, Debug)]
pub(super) struct States {
    words: usize,
    /// The bit of the last element, in the last word.
    accept: u64,
    /// Bytes that the piece does not tell apart share a class.
    class_of: Box<[u8; 256]>,
    /// For each class, the elements that a byte of it may enter: `words` words each.
    enter: Box<[u64]>,
    /// The elements that are `_`.
    any: Box<[u64]>,
}

/// What one bit stands for.
#[derive(Clone, Copy, PartialEq)]
enum Element {
    Byte(u8),
    Any,
}

impl States {
    /// The automaton of a piece whose last token is a literal character.
    pub(super) fn new(tokens: &[Token], fold: CaseFold) -> Self {
        let elements = elements(tokens, fold);
        let words = elements.len().div_ceil(64);
        let (class_of, representatives) = classes(&elements, fold);
        let enter = representatives.iter().flat_map(|byte| mask(&elements, |element| enters(*byte, element, fold)));
        States {
            words,
            accept: 1 << (elements.len().saturating_sub(1) % 64),
            class_of: Box::new(class_of),
            enter: enter.collect(),
            any: mask(&elements, |element| element == Element::Any).into(),
        }
    }

    /// What follows the first occurrence of the piece in the text.
    pub(super) fn after_first<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let mut state = vec![0; self.words];
        let end = text.iter().position(|byte| self.step(&mut state, *byte))?;
        text.get(end + 1..)
    }

    /// Reads a byte; says whether it completes the piece.
    #[inline]
    fn step(&self, state: &mut [u64], byte: u8) -> bool {
        let class = usize::from(self.class_of[usize::from(byte)]);
        let enter = &self.enter[class * self.words..][..self.words];
        let hold = if continues(byte) { u64::MAX } else { 0 };
        // The piece may begin at any byte.
        let mut carry = 1;
        for ((word, enter), any) in state.iter_mut().zip(enter).zip(&self.any) {
            let moved = *word << 1 | carry;
            carry = *word >> 63;
            *word = moved & enter | *word & any & hold;
        }
        state.last().is_some_and(|last| last & self.accept != 0)
    }
}

fn elements(tokens: &[Token], fold: CaseFold) -> Vec<Element> {
    let mut elements = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Char(character) => {
                let mut utf8 = [0; 4];
                elements.extend(character.encode_utf8(&mut utf8).bytes().map(|byte| Element::Byte(folded(byte, fold))));
            }
            Token::One | Token::Run => elements.push(Element::Any),
        }
    }
    elements
}

fn folded(byte: u8, fold: CaseFold) -> u8 {
    match fold {
        CaseFold::No => byte,
        CaseFold::Ascii => byte.to_ascii_lowercase(),
    }
}

fn enters(byte: u8, element: Element, fold: CaseFold) -> bool {
    match element {
        Element::Byte(own) => folded(byte, fold) == own,
        Element::Any => !continues(byte),
    }
}

/// The class of each byte, and a byte of each class: two for what no literal holds, one for each byte that one does.
fn classes(elements: &[Element], fold: CaseFold) -> ([u8; 256], Vec<u8>) {
    let mut own = [false; 256];
    for element in elements {
        if let Element::Byte(byte) = element {
            own[usize::from(*byte)] = true;
        }
    }
    let mut class_of = [0; 256];
    let mut representatives = Vec::new();
    let mut class_of_key: [Option<u8>; 256 + 2] = [None; 256 + 2];
    for byte in 0..=u8::MAX {
        let plain = folded(byte, fold);
        let key = if own[usize::from(plain)] { usize::from(plain) } else { 256 + usize::from(continues(byte)) };
        class_of[usize::from(byte)] = *class_of_key[key].get_or_insert_with(|| {
            representatives.push(byte);
            // A class has at least one byte, so there are at most 256.
            (representatives.len() - 1) as u8
        });
    }
    (class_of, representatives)
}

/// A bit for each element, 64 to the word.
fn mask(elements: &[Element], holds: impl Fn(Element) -> bool) -> Vec<u64> {
    let word = |chunk: &[Element]| {
        chunk.iter().enumerate().fold(0, |word, (bit, element)| word | u64::from(holds(*element)) << bit)
    };
    elements.chunks(64).map(word).collect()
}
