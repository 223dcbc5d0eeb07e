//! Where the records of a JSON array begin and end. It looks at brackets, quotes and commas, and reads no value.

use std::ops::Range;

use crate::format::{
    block::{Findings, Framing, Scan, View},
    error::FaultKind,
};

/// The framing of `[ {…}, {…} ]`. A block holds whole elements, and says where each lies.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    place: Place,
    /// How deep the current byte is inside the element.
    depth: usize,
    quoted: bool,
    escaped: bool,
    /// Where the element begins that is not yet whole.
    begun: usize,
    whole: Vec<Range<u32>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Place {
    /// Before the opening bracket.
    #[default]
    Before,
    /// Behind the bracket, where an element or the end may come.
    First,
    /// Behind a comma, where an element must come.
    Next,
    /// Inside an element.
    Inside,
    /// Behind an element.
    Behind,
    /// Behind the closing bracket.
    After,
}

impl Elements {
    /// Looks at one byte.
    fn step(&mut self, at: usize, byte: u8) -> Result<(), FaultKind> {
        if self.place == Place::Inside {
            self.inside(at, byte);
            // The byte that ends a number or a word is no part of it, and is looked at again.
            let ended_before =
                self.place == Place::Behind && self.whole.last().is_some_and(|last| last.end as usize == at);
            return if ended_before { self.between(at, byte) } else { Ok(()) };
        }
        self.between(at, byte)
    }

    fn between(&mut self, at: usize, byte: u8) -> Result<(), FaultKind> {
        self.place = match (self.place, byte) {
            (place, b' ' | b'\n' | b'\r' | b'\t') => place,
            (Place::Before, b'[') => Place::First,
            (Place::Before, _) => return Err(FaultKind::NotAnArray),
            (Place::First | Place::Behind, b']') => Place::After,
            (Place::Behind, b',') => Place::Next,
            (Place::First | Place::Next, b',' | b']') | (Place::Behind, _) => return Err(FaultKind::Comma),
            (Place::After, _) => return Err(FaultKind::Trailing),
            (Place::First | Place::Next | Place::Inside, _) => {
                (self.begun, self.depth, self.quoted, self.escaped) = (at, 0, false, false);
                self.place = Place::Inside;
                self.inside(at, byte);
                return Ok(());
            }
        };
        Ok(())
    }

    fn inside(&mut self, at: usize, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.quoted => self.escaped = true,
            b'"' => {
                self.quoted = !self.quoted;
                self.end_if(!self.quoted && self.depth == 0, at + 1);
            }
            _ if self.quoted => {}
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                self.end_if(self.depth == 0, at + 1);
            }
            b']' | b',' | b' ' | b'\n' | b'\r' | b'\t' => self.end_if(self.depth == 0, at),
            _ => {}
        }
    }

    fn end_if(&mut self, whole: bool, end: usize) {
        if whole {
            // Places in a block have 30 bits; see `Limits`.
            self.whole.push(self.begun as u32..end as u32);
            self.place = Place::Behind;
        }
    }
}

impl Framing for Elements {
    fn scan(&mut self, view: View<'_>) -> Scan {
        let fresh = view.bytes.get(view.from..).unwrap_or_default();
        for (offset, &byte) in fresh.iter().enumerate() {
            let at = view.from + offset;
            if let Err(fault) = self.step(at, byte) {
                // What is whole is not lost: the blocks give it out before they tell the fault.
                let end = self.whole.last().map(|last| last.end as usize);
                return Scan { looked: at, end, fault: Some(fault) };
            }
            // The byte behind a number or a word has been looked at, but is no part of it.
            if view.first
                && let Some(last) = self.whole.last()
            {
                return Scan { looked: at + 1, end: Some(last.end as usize), fault: None };
            }
        }
        let fault = match self.place {
            Place::After => None,
            Place::Before if view.at_end => Some(FaultKind::NotAnArray),
            _ if view.at_end => Some(FaultKind::Truncated),
            _ => None,
        };
        let end = self.whole.last().map(|last| last.end as usize);
        Scan { looked: view.bytes.len(), end, fault }
    }

    fn cut(&mut self, length: usize) -> Findings {
        self.begun = self.begun.saturating_sub(length);
        let (cut, rest): (Vec<_>, Vec<_>) = self.whole.drain(..).partition(|range| range.end as usize <= length);
        let shift = length as u32;
        self.whole =
            rest.into_iter().map(|range| range.start.saturating_sub(shift)..range.end.saturating_sub(shift)).collect();
        Findings { items: cut, ..Findings::default() }
    }

    fn begun(&self) -> usize {
        self.begun
    }
}
