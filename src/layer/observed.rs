//! [`Observed`]: a store whose every call is told to an [`Observer`], and to the log.
//!
//! No value of a record, no id and no literal of a query is among what is told (semantics 7.5).

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result},
    id::Id,
    query::{
        Plan, Predicate, Runnable, Select, Whole,
        aggregate::{Aggregate, GroupKeys},
    },
    record::{Changes, RecordCodec, Schema, Stored, weight::weight},
    store::{
        Aggregating, Driver, Highlight, Hit, Limits, Searching, Split, effort,
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
    /// A query is run, also one for [hits](crate::Searching::hits); told when its records end or are dropped.
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
    /// About how many bytes the records have that went to the store or came from it: texts and bytes by their length,
    /// everything else by its width, without envelopes and whatever a wire or a file adds. Nothing where no record travels.
    pub bytes: u64,
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

/// What a call was about; see [`Event`].
#[derive(Clone, Copy, Default)]
struct Tally {
    rows: u64,
    failed: u64,
    bytes: u64,
}

impl Tally {
    fn rows(rows: u64) -> Tally {
        Tally { rows, ..Tally::default() }
    }
    fn found<'a, R: RecordCodec>(records: impl IntoIterator<Item = &'a Stored<R>>, schema: &Schema) -> Tally {
        let mut tally = Tally::default();
        records.into_iter().for_each(|stored| tally.add(stored, schema));
        tally
    }
    fn add<R: RecordCodec>(&mut self, stored: &Stored<R>, schema: &Schema) {
        self.rows += 1;
        self.bytes += weight(&stored.record, schema);
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
    /// Runs a call and tells of it; `tally` says what it was about.
    fn over<T>(
        &self,
        store: &str,
        verb: Verb,
        call: impl FnOnce() -> Result<T>,
        tally: impl FnOnce(&T) -> Tally,
    ) -> Result<T> {
        let (started, before) = (Instant::now(), effort::repeats());
        let answer = call();
        let (elapsed, retries) = (started.elapsed(), effort::repeats() - before);
        let Tally { rows, failed, bytes } = answer.as_ref().map(tally).unwrap_or_default();
        self.tell(&Event { store, verb, rows, failed, bytes, retries, elapsed, error: answer.as_ref().err() });
        answer
    }
}

/// The error's kind is logged, not its text, which may quote a value.
fn log_call(event: &Event<'_>, slow: bool) {
    let level = if slow { log::Level::Warn } else { log::Level::Debug };
    let Event { store, verb, rows, failed, bytes, retries, elapsed, error } = event;
    let slow = if slow { "slow: " } else { "" };
    let done = format_args!(
        "{slow}{verb:?} in {store}: {rows} rows, {failed} failed, {bytes} bytes, {retries} retries, {elapsed:?}"
    );
    match error {
        None => log::log!(level, "{done}"),
        Some(error) => log::log!(level, "{done}: {}", error.kind()),
    }
}

/// What a write hands over.
fn written<R: RecordCodec>(write: &Write<'_, R>, schema: &Schema) -> u64 {
    match write {
        Write::Create(draft) | Write::Update(draft) | Write::Upsert(draft) => weight(draft.record(), schema),
        Write::Patch { .. } | Write::Delete { .. } => 0,
    }
}

impl<R: RecordCodec, D: Driver<R>, O: Observer> Driver<R> for Observed<D, O> {
    type Engine = D::Engine;
    type Rows<P: Predicate<R>, S: Select<R>> = ObservedRows<D::Rows<P, S>, S::Out, O>;

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
        let bytes = Cell::new(0);
        let weighed = |write: &Write<'a, R>| bytes.set(bytes.get() + written(write, self.shape()));
        let call = || self.inner.write(writes.into_iter().inspect(weighed), atomicity, limits);
        self.watch.over(self.inner.name(), Verb::Write, call, |outcomes| {
            let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
            Tally { rows: (outcomes.len() - failed) as u64, failed: failed as u64, bytes: bytes.get() }
        })
    }
    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        let found = |answers: &Vec<Option<Stored<R>>>| Tally::found(answers.iter().flatten(), self.shape());
        self.watch.over(self.inner.name(), Verb::Fetch, || self.inner.fetch(ids, limits), found)
    }
    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<Self::Rows<P, S>> {
        let (store, started) = (self.inner.name(), Instant::now());
        let shape = query.selection().shape(self.shape());
        match shape.and_then(|shape| Ok((self.inner.scan(query, limits)?, shape))) {
            Ok((rows, shape)) => Ok(ObservedRows::new(rows, shape, self.watch.clone(), store, started)),
            Err(error) => self.watch.over(store, Verb::Scan, || Err(error), |_| Tally::default()),
        }
    }
    fn gather<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<Vec<Stored<S::Out>>> {
        let shape = query.selection().shape(self.shape());
        let call = || Ok((self.inner.gather(query, limits)?, shape?));
        let found = |(rows, shape): &(Vec<Stored<S::Out>>, <S::Out as RecordCodec>::Shape)| Tally::found(rows, shape);
        self.watch.over(self.inner.name(), Verb::Scan, call, found).map(|(rows, _)| rows)
    }
    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        let call = || self.inner.count_matching(query, limits);
        self.watch.over(self.inner.name(), Verb::Count, call, |count| Tally::rows(*count))
    }
    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<Self::Engine, R, P, S>) -> Result<Plan> {
        self.watch.over(self.inner.name(), Verb::Plan, || self.inner.plan(query), |_| Tally::default())
    }
    fn write_one(&self, write: Write<'_, R>, limits: &Limits) -> Outcome {
        let bytes = written(&write, self.shape());
        let call = || self.inner.write_one(write, limits);
        self.watch.over(self.inner.name(), Verb::Write, call, |_| Tally { rows: 1, failed: 0, bytes })
    }
    fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        let found = |answer: &Option<Stored<R>>| Tally::found(answer, self.shape());
        self.watch.over(self.inner.name(), Verb::Fetch, || self.inner.fetch_one(id, limits), found)
    }
    fn show<T>(&self, id: &Id, look: impl FnOnce(&Stored<R>) -> T, limits: &Limits) -> Result<Option<T>> {
        let bytes = Cell::new(0);
        let weighed = |stored: &Stored<R>| {
            bytes.set(weight(&stored.record, self.shape()));
            look(stored)
        };
        let found = |answer: &Option<T>| Tally { rows: answer.is_some().into(), failed: 0, bytes: bytes.get() };
        self.watch.over(self.inner.name(), Verb::Fetch, || self.inner.show(id, weighed, limits), found)
    }
    fn patch_matching<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        changes: &Changes<R>,
        limits: &Limits,
    ) -> Result<u64> {
        let call = || self.inner.patch_matching(query, changes, limits);
        self.watch.over(self.inner.name(), Verb::Write, call, |changed| Tally::rows(*changed))
    }
    fn delete_matching<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        limits: &Limits,
    ) -> Result<u64> {
        let call = || self.inner.delete_matching(query, limits);
        self.watch.over(self.inner.name(), Verb::Write, call, |deleted| Tally::rows(*deleted))
    }
    fn limits(&self) -> &Limits {
        self.inner.limits()
    }
    fn close(self) -> Result<()> {
        self.inner.close()
    }
}

/// The records of a query on an [`Observed`] store; tells of the query when they end or are dropped.
pub struct ObservedRows<I, T: RecordCodec, O: Observer> {
    rows: I,
    shape: T::Shape,
    watch: Watch<O>,
    store: String,
    started: Instant,
    tally: Tally,
    retries: u64,
    /// The last error, as far as it can be kept: its kind and message.
    error: Option<Error>,
    told: bool,
}

impl<I, T: RecordCodec, O: Observer> ObservedRows<I, T, O> {
    fn new(rows: I, shape: T::Shape, watch: Watch<O>, store: &str, started: Instant) -> Self {
        ObservedRows {
            rows,
            shape,
            watch,
            store: store.to_owned(),
            started,
            tally: Tally::default(),
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
            rows: self.tally.rows,
            failed: self.tally.failed,
            bytes: self.tally.bytes,
            retries: self.retries,
            elapsed: self.started.elapsed(),
            error: self.error.as_ref(),
        });
    }
}

impl<T: RecordCodec, I: Iterator<Item = Result<Stored<T>>>, O: Observer> Iterator for ObservedRows<I, T, O> {
    type Item = Result<Stored<T>>;
    fn next(&mut self) -> Option<Self::Item> {
        let before = effort::repeats();
        let row = self.rows.next();
        self.retries += effort::repeats() - before;
        match &row {
            Some(Ok(stored)) => self.tally.add(stored, &self.shape),
            Some(Err(error)) => {
                self.tally.failed += 1;
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
        self.watch.over(self.inner.name(), Verb::Aggregate, call, |groups| Tally::rows(groups.len() as u64))
    }
}

/// A search for words is a scan whose records all come at once.
impl<R: RecordCodec, D: Searching<R>, O: Observer> Searching<R> for Observed<D, O> {
    fn ranked<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        highlight: &Highlight,
        limits: &Limits,
    ) -> Result<Vec<Hit<R>>> {
        let call = || self.inner.ranked(query, highlight, limits);
        let found = |hits: &Vec<Hit<R>>| Tally::found(hits.iter().map(|hit| &hit.stored), self.shape());
        self.watch.over(self.inner.name(), Verb::Scan, call, found)
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
        let shape = query.selection().shape(self.shape());
        match shape.and_then(|shape| Ok((self.inner.split(query, parts, limits)?, shape))) {
            Ok((parts, shape)) => {
                let watched = |rows| ObservedRows::new(rows, shape.clone(), self.watch.clone(), store, started);
                Ok(parts.into_iter().map(watched).collect())
            }
            Err(error) => self.watch.over(store, Verb::Scan, || Err(error), |_| Tally::default()),
        }
    }
}

impl<I, T: RecordCodec, O: Observer> Drop for ObservedRows<I, T, O> {
    fn drop(&mut self) {
        self.tell();
    }
}
