//! Records as the journal and the overlay keep them. Those that are made together lie together, so that a batch costs no
//! allocation for each of its records, and one that is passed on is two words. They go together, too: what was overwritten takes
//! memory for as long as others of its batch are kept, which is less than it takes in the journal.

use std::sync::Arc;

use crate::{error::Result, record::Envelope};

/// About how many bytes a record has, where nothing is known of it.
const USUAL_BYTES: usize = 256;

/// A record: what the store adds, and its fields as a JSON object.
#[derive(Clone, Debug)]
pub(super) struct Row {
    piece: Arc<Piece>,
    at: usize,
}

/// The memory of some rows.
#[derive(Debug)]
struct Piece {
    heads: Box<[Head]>,
    bodies: Box<[u8]>,
}

#[derive(Debug)]
struct Head {
    envelope: Envelope,
    /// Where the body ends, and that of the next row begins.
    end: usize,
}

impl Row {
    /// One that is made alone.
    pub(super) fn new(envelope: Envelope, body: Vec<u8>) -> Row {
        let heads = Box::new([Head { envelope, end: body.len() }]);
        Row { piece: Arc::new(Piece { heads, bodies: body.into() }), at: 0 }
    }

    pub(super) fn envelope(&self) -> &Envelope {
        &self.piece.heads[self.at].envelope
    }

    pub(super) fn body(&self) -> &[u8] {
        let Piece { heads, bodies } = &*self.piece;
        let start = self.at.checked_sub(1).map_or(0, |before| heads[before].end);
        &bodies[start..heads[self.at].end]
    }
}

/// Rows that are being made together.
pub(super) struct Rows {
    heads: Vec<Head>,
    bodies: Vec<u8>,
}

impl Rows {
    /// None yet, with room for so many.
    pub(super) fn with_capacity(rows: usize) -> Rows {
        Rows { heads: Vec::with_capacity(rows), bodies: Vec::with_capacity(rows * USUAL_BYTES) }
    }

    /// Adds one, whose body is what `encode` appends; answers its number.
    ///
    /// # Errors
    /// That of `encode`; then none is added.
    pub(super) fn add(&mut self, envelope: Envelope, encode: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<usize> {
        let start = self.bodies.len();
        encode(&mut self.bodies).inspect_err(|_| self.bodies.truncate(start))?;
        self.heads.push(Head { envelope, end: self.bodies.len() });
        Ok(self.heads.len() - 1)
    }

    /// The rows by their numbers.
    pub(super) fn finish(self) -> impl Fn(usize) -> Row {
        let piece = Arc::new(Piece { heads: self.heads.into(), bodies: self.bodies.into() });
        move |at| Row { piece: piece.clone(), at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Error, id::Id};

    #[test]
    fn rows_that_were_made_together_are_told_apart() {
        let mut rows = Rows::with_capacity(3);
        let mut add = |id: u64, body: &'static [u8]| {
            rows.add(Envelope::of(Id::from(id)), |out| {
                out.extend_from_slice(body);
                if body.is_empty() { Err(Error::invalid("no body")) } else { Ok(()) }
            })
        };
        assert_eq!(add(1, b"{}").ok(), Some(0));
        assert!(add(2, b"").is_err());
        assert_eq!(add(3, br#"{"a":1}"#).ok(), Some(1));
        let row = rows.finish();
        for (at, id, body) in [(0, 1_u64, &b"{}"[..]), (1, 3, br#"{"a":1}"#)] {
            assert_eq!((row(at).envelope().id(), row(at).body()), (&Id::from(id), body));
        }
    }
}
