//! [`With`]: a store whose every call has a deadline, a cancellation token or a chunk size.

use crate::{
    error::Result,
    id::Id,
    query::{Plan, Predicate, Runnable, Select, Whole},
    record::{Changes, RecordCodec, Stored},
    store::{
        Driver, Limits,
        write::{Atomicity, Outcome, Write},
    },
};

/// A store with limits; see [`Store::with`](crate::Store::with).
#[derive(Clone, Debug)]
pub struct With<D> {
    pub(super) inner: D,
    limits: Limits,
}

impl<D> With<D> {
    pub(crate) fn new(inner: D, limits: Limits) -> With<D> {
        With { inner, limits }
    }

    /// Makes a call unless a limit is reached; what stops it names the store.
    pub(super) fn within<R: RecordCodec, T>(&self, limits: &Limits, call: impl FnOnce(&D) -> Result<T>) -> Result<T>
    where
        D: Driver<R>,
    {
        limits.check().and_then(|()| call(&self.inner)).map_err(|e| e.in_store(self.inner.name()))
    }
}

impl<R: RecordCodec, D: Driver<R>> Driver<R> for With<D> {
    type Engine = D::Engine;
    type Rows<P: Predicate<R>, S: Select<R>> = D::Rows<P, S>;

    fn shape(&self) -> &R::Shape {
        self.inner.shape()
    }
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn write<'a>(
        &self,
        writes: impl IntoIterator<Item = Write<'a, R>>,
        atomicity: Atomicity,
        limits: &Limits,
    ) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        self.within(limits, |inner| inner.write(writes, atomicity, limits))
    }
    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        self.within(limits, |inner| inner.fetch(ids, limits))
    }
    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<Self::Rows<P, S>> {
        self.within(limits, |inner| inner.scan(query, limits))
    }
    fn gather<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<Vec<Stored<S::Out>>> {
        self.within(limits, |inner| inner.gather(query, limits))
    }
    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        self.within(limits, |inner| inner.count_matching(query, limits))
    }
    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<Self::Engine, R, P, S>) -> Result<Plan> {
        self.inner.plan(query)
    }
    fn write_one(&self, write: Write<'_, R>, limits: &Limits) -> Outcome {
        self.within(limits, |inner| inner.write_one(write, limits))
    }
    fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        self.within(limits, |inner| inner.fetch_one(id, limits))
    }
    fn show<T>(&self, id: &Id, look: impl FnOnce(&Stored<R>) -> T, limits: &Limits) -> Result<Option<T>> {
        self.within(limits, |inner| inner.show(id, look, limits))
    }
    fn patch_matching<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        changes: &Changes<R>,
        limits: &Limits,
    ) -> Result<u64> {
        self.within(limits, |inner| inner.patch_matching(query, changes, limits))
    }
    fn delete_matching<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        limits: &Limits,
    ) -> Result<u64> {
        self.within(limits, |inner| inner.delete_matching(query, limits))
    }
    fn limits(&self) -> &Limits {
        &self.limits
    }
    fn close(self) -> Result<()> {
        self.inner.close()
    }
}
