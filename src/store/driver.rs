//! [`Driver`]: what an engine implements. Five methods and two facts; everything users call is built on them.

use crate::{
    capability::Engine,
    error::{Error, Result},
    id::Id,
    query::{Plan, Predicate, Runnable, Select, Whole},
    record::{Changes, RecordCodec, Stored},
    store::{
        limits::Limits,
        matching,
        stream::Stream,
        write::{Atomicity, Outcome, Write},
    },
};

/// The contract between the verbs of a [`Store`](crate::Store) and an engine.
///
/// Five methods are required, each with its law. The others are built on those and may be overridden for speed; they
/// must mean the same. Every method looks at its [`Limits`] before it begins and between chunks, holds no lock while it
/// runs a predicate, a closure or `R::clone`, and reports failures with the store's name.
pub trait Driver<R: RecordCodec>: Clone + Send + Sync {
    /// What runs the queries.
    type Engine: Engine;
    /// The records of a scan. Owns what it needs: it can be returned, kept, sent to a thread. Where its size hint is exact,
    /// it is the total of the stream's progress (semantics 6.6): give one only where it is known without more work.
    type Rows<P: Predicate<R>, S: Select<R>>: Iterator<Item = Result<Stored<S::Out>>> + Send;

    /// The schema that the store was opened with.
    fn shape(&self) -> &R::Shape;

    /// The store's name.
    fn name(&self) -> &str;

    /// Applies writes in order and says of each what became of it, in the same order.
    ///
    /// The law: a draft is [sealed](crate::Draft::seal) first. Ids, versions and times are assigned by semantics 1.2, 5.2
    /// and 5.3. A write that fails changes nothing, and the others go on, unless `atomicity` is `All`: then the first failure
    /// undoes everything, and is the error of the whole call. Where the limits stop a batch halfway, the outcome of each write that
    /// was not tried is the limit's error.
    ///
    /// # Errors
    /// Only what keeps the whole batch from being tried: no connection, a passed deadline, `Unsupported` for `All`.
    fn write<'a>(
        &self,
        writes: impl IntoIterator<Item = Write<'a, R>>,
        atomicity: Atomicity,
        limits: &Limits,
    ) -> Result<Vec<Outcome>>
    where
        R: 'a;

    /// Reads records by id: one answer for each id, in order; `None` where there is no such record.
    ///
    /// # Errors
    /// What keeps the store from answering. Never an empty answer instead (semantics 7.2).
    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>>;

    /// Runs a query.
    ///
    /// The law: every record that was there throughout and that the query [admits](Runnable::admits) is delivered exactly
    /// once (semantics 6.3), in the query's [order](Runnable::order) where it [has one](Runnable::is_ordered), after
    /// passing over `offset` and up to `limit`, and [taken](Select::take) through its selection.
    ///
    /// # Errors
    /// What keeps the query from starting; later failures are items.
    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<Self::Rows<P, S>>;

    /// Runs a query whose records are all kept. Overridden where an answer costs less whole than in pieces; the law is that of
    /// [`scan`](Driver::scan).
    ///
    /// # Errors
    /// What keeps the query from starting, and the first failure on the way.
    fn gather<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<Vec<Stored<S::Out>>> {
        one_by_one(self, query, limits)
    }

    /// How many records the query would deliver, without fetching them where the engine can count (semantics 4.6, 4.7).
    ///
    /// # Errors
    /// What keeps the store from counting.
    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<u64>;

    /// What the engine would do with the query; nothing is run.
    ///
    /// # Errors
    /// What keeps the engine from planning.
    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<Self::Engine, R, P, S>) -> Result<Plan>;

    /// One write. Overridden where a batch of one costs more than it must.
    ///
    /// # Errors
    /// The outcome's error, or what kept the write from being tried.
    fn write_one(&self, write: Write<'_, R>, limits: &Limits) -> Outcome {
        let mut outcomes = self.write([write], Atomicity::Each, limits)?;
        outcomes.pop().unwrap_or_else(|| Err(Error::backend("the engine answered a write without an outcome")))
    }

    /// One record. Overridden where a batch of one costs more than it must.
    ///
    /// # Errors
    /// As [`fetch`](Driver::fetch).
    fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        Ok(self.fetch(std::slice::from_ref(id), limits)?.pop().flatten())
    }

    /// Shows a record to a closure; overridden where it can be shown without being copied. No lock is held while the
    /// closure runs: it may use the same store.
    ///
    /// # Errors
    /// As [`fetch`](Driver::fetch).
    fn show<T>(&self, id: &Id, look: impl FnOnce(&Stored<R>) -> T, limits: &Limits) -> Result<Option<T>> {
        Ok(self.fetch_one(id, limits)?.as_ref().map(look))
    }

    /// Changes single fields of every record that the query admits; says of how many. Overridden where the engine writes
    /// sets: a scan with a conditional write of each record is what stands here.
    ///
    /// The law: atomic per record, and a record is changed only as long as the query admits it. The query has a predicate
    /// and nothing else; the changes were bound to the schema once. What was changed stays changed when it fails halfway,
    /// unless the engine undoes all of it.
    ///
    /// # Errors
    /// The first record that cannot be changed; what keeps the engine from writing.
    fn patch_matching<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        changes: &Changes<R>,
        limits: &Limits,
    ) -> Result<u64> {
        matching::patch(self, query, changes, limits)
    }

    /// Deletes every record that the query admits; says how many. Overridden and bound as
    /// [`patch_matching`](Driver::patch_matching).
    ///
    /// # Errors
    /// As [`patch_matching`](Driver::patch_matching).
    fn delete_matching<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        limits: &Limits,
    ) -> Result<u64> {
        matching::delete(self, query, limits)
    }

    /// The limits of calls through this handle; [`With`](crate::store::With) overrides it.
    fn limits(&self) -> &Limits {
        Limits::NONE
    }

    /// Frees what the handle holds and reports what dropping it cannot.
    ///
    /// # Errors
    /// What could not be written.
    fn close(self) -> Result<()> {
        Ok(())
    }
}

/// The records of a scan, looking between them whether it is to stop: what stands for [`gather`](Driver::gather) where an engine
/// has nothing better.
pub(crate) fn one_by_one<R: RecordCodec, D: Driver<R>, P: Predicate<R>, S: Select<R>>(
    store: &D,
    query: Runnable<D::Engine, R, P, S>,
    limits: &Limits,
) -> Result<Vec<Stored<S::Out>>> {
    Stream::new(store.scan(query, limits)?, limits.clone(), store.name()).collect()
}
