//! [`Split`]: the records of a query in parts, for parallel work (semantics 6.5).

use crate::{
    error::{Error, Result},
    query::{AsQuery, Predicate, Runnable, RunsOn, Select},
    record::RecordCodec,
    store::{Driver, Limits, Stream, With, verbs},
};

/// A store whose streams can be split. One method is required.
pub trait Split<R: RecordCodec>: Driver<R> {
    /// Runs a query in parts: at least one, at most `parts`, which may be read in any order and by any threads.
    ///
    /// The law: together the parts deliver every record that the query [admits](Runnable::admits), as it was at one moment,
    /// each in exactly one of them. The query has no order, `parts` is not zero. A part that is never read holds up no other.
    ///
    /// # Errors
    /// What keeps the query from starting; later failures are items.
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<Self::Rows<P, S>>>;

    /// The records of a query as several streams: at least one, at most `parts`. They are disjoint, together complete, and
    /// show the records as they were at one moment; each can be read in a thread of its own.
    ///
    /// ```
    /// use dk_data::{Database, Document, Query, Schema, Split, Store, backend::memory::Memory, document};
    /// let people = Memory::new().documents("people", Schema::open("people"))?;
    /// people.create_batch((0..1_000).map(|n| document! { "n" => n }))?;
    /// let count = std::thread::scope(|scope| {
    ///     let parts = people.streams(Query::new(), 4)?;
    ///     let threads: Vec<_> = parts.into_iter().map(|part| scope.spawn(|| part.filter(Result::is_ok).count())).collect();
    ///     Ok::<_, dk_data::Error>(threads.into_iter().filter_map(|thread| thread.join().ok()).sum::<usize>())
    /// })?;
    /// assert_eq!(count, 1_000);
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Query` for no parts, and for a query with a sort key, a limit, an offset or a cursor: its parts would have no order.
    /// What keeps the query from starting.
    fn streams<Q: AsQuery<R>>(&self, query: Q, parts: usize) -> Result<Vec<Stream<verbs::RowsOf<Self, Q, R>>>>
    where
        Q::Predicate: RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        let query = verbs::runnable::<R, Self, Q>(self, query)?;
        let refused = match (parts, query.is_ordered()) {
            (0, _) => "a query has at least one part",
            (_, true) => "the parts of a query have no order; leave out sort keys, limit, offset and cursor",
            _ => {
                let parts = self.split(query, parts, self.limits())?;
                return Ok(parts
                    .into_iter()
                    .map(|rows| Stream::new(rows, self.limits().clone(), self.name()))
                    .collect());
            }
        };
        Err(Error::query(refused).in_store(self.name()))
    }
}

impl<R: RecordCodec, D: Split<R>> Split<R> for With<D> {
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<Self::Rows<P, S>>> {
        self.within(limits, |inner| inner.split(query, parts, limits))
    }
}
