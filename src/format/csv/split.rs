//! Where CSV records end, at line ends outside quotes, and where the fields of well-formed ones do.

use memchr::{memchr, memchr3};

use super::{
    Dialect,
    structure::{Standing, Structure},
};
use crate::format::block::{Findings, Framing, Scan, View};
use crate::format::mask::{Class, Marks};

/// The framing of CSV.
///
/// A quote opens only where a field begins, exactly as in [`Records`](super::Records), so that both agree on every
/// input, malformed ones included.
#[derive(Clone, Debug)]
pub(crate) struct Quotes {
    dialect: Dialect,
    structure: Structure,
    quoted: bool,
    /// The byte before the first one of the next view; a line end at the start, because a field begins there.
    previous: u8,
}

impl Quotes {
    /// The framing of `dialect`.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, structure: Structure::new(dialect), quoted: false, previous: b'\n' }
    }

    fn opens(&self, bytes: &[u8], at: usize) -> bool {
        let before = if at == 0 { self.previous } else { bytes[at - 1] };
        before == self.dialect.delimiter() || before == b'\n' || before == b'\r'
    }

    /// What is well-formed is looked at as a whole, and anything else from mark to mark: from the first word that is not, and
    /// from then on.
    fn last_end(&mut self, view: View<'_>) -> Scan {
        if !self.structure.is_regular() {
            return self.walk(view, None);
        }
        let Some(standing) = self.structure.look(view.bytes, view.at_end) else {
            let (reached, standing) = self.structure.reached();
            if reached == 0 {
                self.previous = b'\n';
            }
            let from = self.stand(standing, reached, view);
            return self.walk(View { from, ..view }, self.structure.last_line_end(&view.bytes[..from]));
        };
        let looked = self.stand(standing, view.bytes.len(), view);
        let looked = looked.min(settled_in(view, self.quoted));
        Scan { looked, end: self.structure.last_line_end(&view.bytes[..settled(view)]), fault: None }
    }

    /// Takes over where one stands behind the first `length` bytes. A quote whose meaning hangs on the next byte is left.
    fn stand(&mut self, standing: Standing, length: usize, view: View<'_>) -> usize {
        let open = standing == Standing::Closing && !(view.at_end && length == view.bytes.len());
        self.quoted = open || standing == Standing::Inside;
        length - usize::from(open)
    }

    /// Goes from one quote or line end to the next; `end` is the last one before them.
    fn walk(&mut self, view: View<'_>, end: Option<usize>) -> Scan {
        let bytes = view.bytes;
        let mut scan = Scan { end, ..Scan::default() };
        // A field that is longer than what is read at once is passed over faster.
        let from = match self.quoted {
            true => memchr(self.quote(), &bytes[view.from..]).map_or(bytes.len(), |found| view.from + found),
            false => view.from,
        };
        let mut marks = Marks::new(bytes, from, QuoteOrEnd(self.quote()));
        let settled = settled(view);
        loop {
            let at = marks.next();
            let Some(&mark) = bytes.get(at) else { break };
            match (self.quoted, mark) {
                (false, b'\n' | b'\r') => scan.end = if at < settled { Some(at + 1) } else { scan.end },
                (true, b'\n' | b'\r') => {}
                (false, _) => self.quoted = self.opens(bytes, at),
                (true, _) => match bytes.get(at + 1) {
                    // Whether this quote closes or is the first of two is known when more has been read.
                    None if !view.at_end => return Scan { looked: at, ..scan },
                    Some(&next) if next == mark => drop(marks.next()),
                    _ => self.quoted = false,
                },
            }
        }
        Scan { looked: settled_in(view, self.quoted), ..scan }
    }

    /// The quote; a line end where the dialect has none, for that is looked for anyway.
    fn quote(&self) -> u8 {
        self.dialect.quote().unwrap_or(b'\n')
    }

    /// Goes from inside a quoted field to behind its closing quote, or as far as there are bytes.
    fn close(&mut self, view: View<'_>, mut at: usize) -> usize {
        let quote = self.quote();
        while let Some(found) = view.bytes.get(at..).and_then(|rest| memchr(quote, rest)) {
            let closer = at + found;
            match view.bytes.get(closer + 1) {
                // Whether this quote closes or is the first of two is known when more has been read.
                None if !view.at_end => return closer,
                Some(&next) if next == quote => at = closer + 2,
                _ => {
                    self.quoted = false;
                    return closer + 1;
                }
            }
        }
        view.bytes.len()
    }

    fn first_end(&mut self, view: View<'_>) -> Scan {
        let mut looked = view.from;
        while looked < settled_in(view, self.quoted) {
            if self.quoted {
                looked = self.close(view, looked);
                if self.quoted {
                    break;
                }
                continue;
            }
            let quote = self.quote();
            let Some(found) = memchr3(quote, b'\n', b'\r', &view.bytes[looked..settled(view)]) else {
                looked = settled(view);
                break;
            };
            let at = looked + found;
            match (view.bytes[at], view.bytes.get(at + 1)) {
                (b'\r', Some(b'\n')) => return Scan { looked: at + 2, end: Some(at + 2), fault: None },
                (b'\n' | b'\r', _) => return Scan { looked: at + 1, end: Some(at + 1), fault: None },
                _ => {
                    self.quoted = self.opens(view.bytes, at);
                    looked = at + 1;
                }
            }
        }
        Scan { looked, ..Scan::default() }
    }
}

/// What can end a record, or keep a line end from doing so.
#[derive(Clone, Copy)]
struct QuoteOrEnd(u8);

impl Class for QuoteOrEnd {
    #[inline(always)]
    fn holds(self, byte: u8) -> bool {
        (byte == self.0) | (byte == b'\n') | (byte == b'\r')
    }
}

/// How far bytes outside quotes can be judged: a `\r` at the end may be half of a line end.
fn settled(view: View<'_>) -> usize {
    let torn = view.bytes.ends_with(b"\r") && !view.at_end;
    view.bytes.len() - usize::from(torn)
}

fn settled_in(view: View<'_>, quoted: bool) -> usize {
    if quoted { view.bytes.len() } else { settled(view) }
}

impl Framing for Quotes {
    fn scan(&mut self, view: View<'_>) -> Scan {
        let mut scan = if view.first { self.first_end(view) } else { self.last_end(view) };
        if let Some(&last) = view.bytes.get(..scan.looked).and_then(<[u8]>::last) {
            self.previous = last;
        }
        if view.at_end && !(view.first && scan.end.is_some()) {
            // The last record needs no line end, and one whose quote is still open is reported when it is read.
            scan.looked = view.bytes.len();
            scan.end = Some(scan.looked).filter(|&end| end > 0);
        }
        scan
    }

    fn cut(&mut self, length: usize) -> Findings {
        Findings { ends: self.structure.cut(length), ..Findings::default() }
    }
}
