//! The records of a query on memory, one after the other.

use std::vec;

use super::{
    page::Row,
    snapshot::{Place, Snapshot},
    sweep::Found,
};
use crate::{
    capability::Engine,
    error::Result,
    query::{Predicate, Runnable, Select},
    record::{RecordCodec, Stored},
    store::Limits,
};

/// Pages that a stream tests at once at most: it looks ahead no further.
const LOOK_AHEAD: usize = 512;

/// The records of a query on memory.
pub struct MemoryRows<R: RecordCodec, P, S> {
    source: Source<R>,
    predicate: P,
    select: S,
    /// Asked before it looks ahead: of a million records, none may match.
    limits: Limits,
}

/// What was found and not yet given, and where more is.
struct Source<R: RecordCodec> {
    found: vec::IntoIter<Row<R>>,
    /// Records without order are looked for as they are asked for; those in order were all found before.
    rest: Option<Rest<R>>,
}

/// Pages to be looked at.
struct Rest<R: RecordCodec> {
    snapshot: Snapshot<R>,
    /// The next of them.
    next: usize,
    /// How many are looked at together.
    ahead: usize,
}

impl<R: RecordCodec> Source<R> {
    fn sorted(found: Vec<Found<'_, R>>) -> Source<R> {
        Source { found: found.into_iter().map(Found::held).collect::<Vec<_>>().into_iter(), rest: None }
    }

    fn unordered(snapshot: Snapshot<R>) -> Source<R> {
        Source { found: Vec::new().into_iter(), rest: Some(Rest { snapshot, next: 0, ahead: 1 }) }
    }

    /// The places to be looked at next, where there are any.
    fn places(&self) -> Option<(&Snapshot<R>, &[Place])> {
        let Rest { snapshot, next, ahead } = self.rest.as_ref()?;
        let places = snapshot.places().get(*next..)?;
        let places = places.get(..*ahead).unwrap_or(places);
        (!places.is_empty()).then_some((snapshot, places))
    }

    /// What was found there. A failure ends it.
    fn refill(&mut self, found: Result<Vec<Row<R>>>) -> Result<()> {
        let Some(rest) = &mut self.rest else { return Ok(()) };
        match found {
            Ok(rows) => {
                self.found = rows.into_iter();
                rest.next += rest.ahead;
                rest.ahead = (rest.ahead * 2).min(LOOK_AHEAD);
                Ok(())
            }
            Err(error) => {
                rest.next = usize::MAX;
                Err(error)
            }
        }
    }

    /// How many there are still to be given, where that is known: in order, or of a whole table of which nothing was given.
    fn exact(&self, all: bool) -> Option<usize> {
        match &self.rest {
            None => Some(self.found.len()),
            Some(Rest { snapshot, next, .. }) => snapshot.exact().filter(|_| *next == 0 && all),
        }
    }
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> MemoryRows<R, P, S> {
    pub(super) fn new<E: Engine>(snapshot: Snapshot<R>, query: Runnable<E, R, P, S>, limits: &Limits) -> Result<Self> {
        limits.check()?;
        let (predicate, select, arranged) = query.into_parts();
        let source = match arranged.is_ordered() {
            true => Source::sorted(snapshot.find(&predicate, &arranged, limits)?),
            false => Source::unordered(snapshot),
        };
        Ok(MemoryRows { source, predicate, select, limits: limits.clone() })
    }
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> Iterator for MemoryRows<R, P, S> {
    type Item = Result<Stored<S::Out>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.source.found.next() {
                return Some(Ok(selected(row.get()?, &self.select)));
            }
            let (snapshot, places) = self.source.places()?;
            let found = snapshot.look(&self.predicate, places, &self.limits);
            if let Err(stopped) = self.source.refill(found) {
                return Some(Err(stopped));
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let exact = self.source.exact(self.predicate.is_all());
        (exact.unwrap_or(0), exact)
    }
}

/// What a query gives back of records that were all found. Runs the user's code.
pub(super) fn gathered<R: RecordCodec, S: Select<R>>(
    found: Result<Vec<Found<'_, R>>>,
    select: &S,
    limits: &Limits,
) -> Result<Vec<Stored<S::Out>>> {
    let found = found?;
    let mut rows = Vec::with_capacity(found.len());
    for found in found.chunks(limits.chunk.max(1)) {
        limits.check()?;
        rows.extend(found.iter().map(|found| selected(found.stored, select)));
    }
    Ok(rows)
}

fn selected<R: RecordCodec, S: Select<R>>(row: &Stored<R>, select: &S) -> Stored<S::Out> {
    Stored { envelope: row.envelope.clone(), record: select.pick(&row.record) }
}
