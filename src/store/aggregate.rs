//! [`Aggregating`]: aggregates as a verb, and the one method that an engine implements for it.

use crate::{
    capability::{Aggregates, Provides},
    error::Result,
    query::{
        Predicate, Runnable, RunsOn, Whole,
        aggregate::{Aggregate, AsGrouped, GroupKeys},
    },
    record::RecordCodec,
    store::{Driver, Limits, With},
};

/// A store that folds the records of a query where they are (semantics 4.8). One method is required.
pub trait Aggregating<R: RecordCodec>: Driver<R> {
    /// Folds the records that a query admits into groups.
    ///
    /// The law: groups come in key order, nulls last in each field; without keys there is exactly one, even of no records.
    /// The query has neither limit nor offset, and its order is not asked for (semantics 4.7).
    /// [`Folder`](crate::query::aggregate::Folder) folds where records are at hand.
    ///
    /// # Errors
    /// What keeps the engine from answering; `Invalid`, with the field, for a sum that does not fit.
    fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        keys: &K,
        aggregates: &A,
        limits: &Limits,
    ) -> Result<Vec<(K::Row, A::Out)>>;

    /// Aggregates of a query: one answer, or one for each group of a [grouped](crate::Query::group_by) query, in key order
    /// with the null group last. Nulls are left out of all but [`Count`](crate::query::aggregate::Count); sums of integers
    /// and decimals are exact; of nothing every aggregate is `None`, counts are zero (semantics 4.8). A sort order is
    /// ignored, what a query selects too.
    ///
    /// Of a derived record: `store.aggregate(Query::new().group_by(Person::CITY), (Count, Person::AGE.avg()))`.
    ///
    /// ```
    /// use dk_data::{Aggregating, Database, Schema, Store, backend::memory::Memory, document, meta};
    /// use dk_data::query::aggregate::Count;
    /// let people = Memory::new().documents("people", Schema::open("people"))?;
    /// people.create(document! { "name" => "Ann" })?;
    /// assert_eq!(people.aggregate(!meta("source").eq("csv"), Count)?, 1);
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Query` for a query with limit or offset; `Invalid`, with the field, for a sum that does not fit its type; what
    /// keeps the store from answering.
    fn aggregate<Q: AsGrouped<R>, A: Aggregate<R>>(&self, query: Q, aggregates: A) -> Result<Q::Answer<A::Out>>
    where
        Self::Engine: Provides<Aggregates>,
        Q::Predicate: RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        let folded = query.into_grouped().into_parts().and_then(|(query, keys)| {
            let query = query.on::<Self::Engine>(self.shape())?;
            self.fold(query, &keys, &aggregates, self.limits())
        });
        Q::answer(folded.map_err(|e| e.in_store(self.name()))?)
    }
}

impl<R: RecordCodec, D: Aggregating<R>> Aggregating<R> for With<D> {
    fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        keys: &K,
        aggregates: &A,
        limits: &Limits,
    ) -> Result<Vec<(K::Row, A::Out)>> {
        self.within(limits, |inner| inner.fold(query, keys, aggregates, limits))
    }
}
