//! Where CSV records end: at line ends outside quotes. It reads no field.

use memchr::{memchr, memchr3, memrchr2};

use super::Dialect;
use crate::format::block::{Framing, Scan, View};

/// The framing of CSV.
///
/// A quote opens only where a field begins, exactly as in [`Records`](super::Records), so that both agree on every
/// input, malformed ones included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quotes {
    dialect: Dialect,
    quoted: bool,
    /// The byte before the first one of the next view; a line end at the start, because a field begins there.
    previous: u8,
}

impl Quotes {
    /// The framing of `dialect`.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, quoted: false, previous: b'\n' }
    }

    /// The first quote in `bytes` from `at` on.
    fn find_quote(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let found = memchr(self.dialect.quote()?, bytes.get(at..)?)?;
        Some(at + found)
    }

    fn opens(&self, bytes: &[u8], at: usize) -> bool {
        let before = if at == 0 { self.previous } else { bytes[at - 1] };
        before == self.dialect.delimiter() || before == b'\n' || before == b'\r'
    }

    /// Goes from inside a quoted field to behind its closing quote, or as far as there are bytes.
    fn close(&mut self, view: View<'_>, mut at: usize) -> usize {
        while let Some(quote) = self.find_quote(view.bytes, at) {
            match view.bytes.get(quote + 1) {
                // Whether this quote closes or is the first of two is known when more has been read.
                None if !view.at_end => return quote,
                next if next.copied() == self.dialect.quote() => at = quote + 2,
                _ => {
                    self.quoted = false;
                    return quote + 1;
                }
            }
        }
        view.bytes.len()
    }

    /// Goes from outside quotes to behind the next opening quote, or as far as there are bytes.
    fn open(&mut self, view: View<'_>, from: usize) -> usize {
        let mut at = from;
        while let Some(quote) = self.find_quote(view.bytes, at) {
            at = quote + 1;
            if self.opens(view.bytes, quote) {
                self.quoted = true;
                return at;
            }
        }
        settled(view)
    }

    fn last_end(&mut self, view: View<'_>) -> Scan {
        let mut scan = Scan { looked: view.from, ..Scan::default() };
        while scan.looked < settled_in(view, self.quoted) {
            let from = scan.looked;
            if self.quoted {
                scan.looked = self.close(view, from);
                if self.quoted {
                    break;
                }
            } else {
                scan.looked = self.open(view, from);
                let line_end = memrchr2(b'\n', b'\r', &view.bytes[from..scan.looked]);
                scan.end = line_end.map(|line_end| from + line_end + 1).or(scan.end);
            }
        }
        scan
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
            let quote = self.dialect.quote().unwrap_or(b'\n');
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
}
