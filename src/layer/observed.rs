//! [`Observed`]: a store whose every call is told to an [`Observer`], and to the log.
//!
//! No value of a record, no id and no literal of a query is among what is told (semantics 7.5).

use std::time::{Duration, Instant};

use crate::{
    error::{Error, Result},
    id::Id,
    query::{
        Plan, Predicate, Runnable, Select, Whole,
        aggregate::{Aggregate, GroupKeys},
    },
    record::{Changes, RecordCodec, Stored},
    store::{
        Aggregating, Driver, Limits, Split, effort,
        write::{Atomicity, Outcome, Write},
    },
};

/// What a store was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Records are written: one, many, or all that a query admits.
    Write,
    /// Records are read by id, one or many.
    Fetch,
    /// A query is run; told when its records end or are dropped.
    Scan,
    /// The records of a query are counted.
    Count,
    /// The records of a query are folded into aggregates.
    Aggregate,
    /// A query is explained.
    Plan,
}

/// One call that has ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The store's name.
    pub store: &'a str,
    /// What it was asked to do.
    pub verb: Verb,
    /// Records written, found, delivered or counted; groups of aggregates.
    pub rows: u64,
    /// Records that were refused, and rows that did not read.
    pub failed: u64,
    /// How often the engine did part of it once more: after a lost race for a record, or over a new connection.
    pub retries: u64,
    /// How long it took; of a scan, from its start to its end, with the time its caller took between records.
    pub elapsed: Duration,
    /// Why the whole call failed; of a scan, the last error among its records.
    pub error: Option<&'a Error>,
}

/// Is told of every call. It runs in the thread of the call and should be quick; it may use any store.
///
/// Closures are observers:
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use dk_data::{Database, Observe, Schema, Store, backend::memory::Memory, document, layer::Event};
/// let calls = Arc::new(AtomicU64::new(0));
/// let counter = calls.clone();
/// let people = Memory::new()
///     .documents("people", Schema::open("people"))?
///     .observed(move |_: &Event<'_>| drop(counter.fetch_add(1, Ordering::Relaxed)));
/// people.create(document! { "name" => "Ann" })?;
/// assert_eq!(calls.load(Ordering::Relaxed), 1);
/// # Ok::<(), dk_data::Error>(())
/// ```
pub trait Observer: Clone + Send + Sync {
    /// A call has ended.
    fn call(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Clone + Send + Sync> Observer for F {
    fn call(&self, event: &Event<'_>) {
        self(event);
    }
}

/// Any store can be observed.
pub trait Observe<R: RecordCodec>: Driver<R> {
    /// The same store, with every call told to the observer and to the log: slow calls as warnings, the others for
    /// debugging.
    fn observed<O: Observer>(&self, observer: O) -> Observed<Self, O> {
        Observed { inner: self.clone(), watch: Watch { observer, slow: Duration::from_secs(1) } }
    }
}

impl<R: RecordCodec, D: Driver<R>> Observe<R> for D {}

/// A store whose every call is told to an observer; see [`Observe::observed`].
#[derive(Clone, Debug)]
pub struct Observed<D, O> {
    inner: D,
    watch: Watch<O>,
}

impl<D, O> Observed<D, O> {
    /// From when on a call counts as slow and is logged as a warning: one second unless said otherwise.
    #[must_use]
    pub fn slow_after(mut self, time: Duration) -> Self {
        self.watch.slow = time;
        self
    }
}

#[derive(Clone, Debug)]
struct Watch<O> {
    observer: O,
    slow: Duration,
}

impl<O: Observer> Watch<O> {
    fn tell(&self, event: &Event<'_>) {
        log_call(event, event.elapsed >= self.slow);
        self.observer.call(event);
    }
    /// Runs a call and tells of it; `tally` says of the answer how many records were done and how many failed.
    fn over<T>(
        &self,
        store: &str,
        verb: Verb,
        call: impl FnOnce() -> Result<T>,
        tally: impl FnOnce(&T) -> (u64, u64),
    ) -> Result<T> {
        let (started, before) = (Instant::now(), effort::repeats());
        let answer = call();
        let (elapsed, retries) = (started.elapsed(), effort::repeats() - before);
        let (rows, failed) = answer.as_ref().map_or((0, 0), tally);
        self.tell(&Event { store, verb, rows, failed, retries, elapsed, error: answer.as_ref().err() });
        answer
    }
}

/// The error's kind is logged, not its text, which may quote a value.
fn log_call(event: &Event<'_>, slow: bool) {
    let level = if slow { log::Level::Warn } else { log::Level::Debug };
    let Event { store, verb, rows, failed, retries, elapsed, error } = event;
    let slow = if slow { "slow: " } else { "" };
    let done = format_args!("{slow}{verb:?} in {store}: {rows} rows, {failed} failed, {retries} retries, {elapsed:?}");
    match error {
        None => log::log!(level, "{done}"),
        Some(error) => log::log!(level, "{done}: {}", error.kind()),
    }
}

fn tally_outcomes(outcomes: &[Outcome]) -> (u64, u64) {
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    ((outcomes.len() - failed) as u64, failed as u64)
}

impl<R: RecordCodec, D: Driver<R>, O: Observer> Driver<R> for Observed<D, O> {
    type Engine = D::Engine;
    type Rows<P: Predicate<R>, S: Select<R>> = ObservedRows<D::Rows<P, S>, O>;

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
        let call = || self.inner.write(writes, atomicity, limits);
        self.watch.over(self.inner.name(), Verb::Write, call, |outcomes| tally_outcomes(outcomes))
    }
    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        let found = |answers: &Vec<Option<Stored<R>>>| (answers.iter().flatten().count() as u64, 0);
        self.watch.over(self.inner.name(), Verb::Fetch, || self.inner.fetch(ids, limits), found)
    }
    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<Self::Rows<P, S>> {
        let (store, started) = (self.inner.name(), Instant::now());
        match self.inner.scan(query, limits) {
            Ok(rows) => Ok(ObservedRows::new(rows, self.watch.clone(), store, started)),
            Err(error) => self.watch.over(store, Verb::Scan, || Err(error), |_| (0, 0)),
        }
    }
    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        let call = || self.inner.count_matching(query, limits);
        self.watch.over(self.inner.name(), Verb::Count, call, |count| (*count, 0))
    }
    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<Self::Engine, R, P, S>) -> Result<Plan> {
        self.watch.over(self.inner.name(), Verb::Plan, || self.inner.plan(query), |_| (0, 0))
    }
    fn write_one(&self, write: Write<'_, R>, limits: &Limits) -> Outcome {
        self.watch.over(self.inner.name(), Verb::Write, || self.inner.write_one(write, limits), |_| (1, 0))
    }
    fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        let found = |answer: &Option<Stored<R>>| (u64::from(answer.is_some()), 0);
        self.watch.over(self.inner.name(), Verb::Fetch, || self.inner.fetch_one(id, limits), found)
    }
    fn show<T>(&self, id: &Id, look: impl FnOnce(&Stored<R>) -> T, limits: &Limits) -> Result<Option<T>> {
        let found = |answer: &Option<T>| (u64::from(answer.is_some()), 0);
        self.watch.over(self.inner.name(), Verb::Fetch, || self.inner.show(id, look, limits), found)
    }
    fn patch_matching<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        changes: &Changes<R>,
        limits: &Limits,
    ) -> Result<u64> {
        let call = || self.inner.patch_matching(query, changes, limits);
        self.watch.over(self.inner.name(), Verb::Write, call, |changed| (*changed, 0))
    }
    fn delete_matching<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        limits: &Limits,
    ) -> Result<u64> {
        let call = || self.inner.delete_matching(query, limits);
        self.watch.over(self.inner.name(), Verb::Write, call, |deleted| (*deleted, 0))
    }
    fn limits(&self) -> &Limits {
        self.inner.limits()
    }
    fn close(self) -> Result<()> {
        self.inner.close()
    }
}

/// The records of a query on an [`Observed`] store; tells of the query when they end or are dropped.
pub struct ObservedRows<I, O: Observer> {
    rows: I,
    watch: Watch<O>,
    store: String,
    started: Instant,
    delivered: u64,
    failed: u64,
    retries: u64,
    /// The last error, as far as it can be kept: its kind and message.
    error: Option<Error>,
    told: bool,
}

impl<I, O: Observer> ObservedRows<I, O> {
    fn new(rows: I, watch: Watch<O>, store: &str, started: Instant) -> Self {
        ObservedRows {
            rows,
            watch,
            store: store.to_owned(),
            started,
            delivered: 0,
            failed: 0,
            retries: 0,
            error: None,
            told: false,
        }
    }
    /// Tells of the query, once.
    fn tell(&mut self) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        self.watch.tell(&Event {
            store: &self.store,
            verb: Verb::Scan,
            rows: self.delivered,
            failed: self.failed,
            retries: self.retries,
            elapsed: self.started.elapsed(),
            error: self.error.as_ref(),
        });
    }
}

impl<T, I: Iterator<Item = Result<T>>, O: Observer> Iterator for ObservedRows<I, O> {
    type Item = Result<T>;
    fn next(&mut self) -> Option<Result<T>> {
        let before = effort::repeats();
        let row = self.rows.next();
        self.retries += effort::repeats() - before;
        match &row {
            Some(Ok(_)) => self.delivered += 1,
            Some(Err(error)) => {
                self.failed += 1;
                self.error = Some(Error::new(error.kind(), error.message().to_owned()));
            }
            None => self.tell(),
        }
        row
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl<R: RecordCodec, D: Aggregating<R>, O: Observer> Aggregating<R> for Observed<D, O> {
    fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        keys: &K,
        aggregates: &A,
        limits: &Limits,
    ) -> Result<Vec<(K::Row, A::Out)>> {
        let call = || self.inner.fold(query, keys, aggregates, limits);
        self.watch.over(self.inner.name(), Verb::Aggregate, call, |groups| (groups.len() as u64, 0))
    }
}

/// Each part tells of itself, as a scan.
impl<R: RecordCodec, D: Split<R>, O: Observer> Split<R> for Observed<D, O> {
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<Self::Rows<P, S>>> {
        let (store, started) = (self.inner.name(), Instant::now());
        match self.inner.split(query, parts, limits) {
            Ok(parts) => {
                let watched = |rows| ObservedRows::new(rows, self.watch.clone(), store, started);
                Ok(parts.into_iter().map(watched).collect())
            }
            Err(error) => self.watch.over(store, Verb::Scan, || Err(error), |_| (0, 0)),
        }
    }
}

impl<I, O: Observer> Drop for ObservedRows<I, O> {
    fn drop(&mut self) {
        self.tell();
    }
}
