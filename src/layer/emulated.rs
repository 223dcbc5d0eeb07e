//! [`Emulated`]: a store whose client does what its engine cannot, within a budget.
//!
//! The engine is asked for an upper bound of the predicate: what it can test of it, weakened where it cannot, with regard to
//! `not` (semantics 3.11). The whole predicate is tested here on what comes back, and limit, offset and selection are
//! applied here. A query that the engine can run by itself is passed on as it is, and costs no budget. Aggregates are always folded
//! here, and every record of theirs counts: a store whose engine has them needs no help and should be asked itself.

use std::{
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    capability::{Aggregates, Caps, Engine, FullText, OwnCode, Provides, Regex},
    error::{Error, ErrorKind, Result},
    id::Id,
    query::{
        Bound, Plan, Predicate, Runnable, Seen, Select, Side, Whole,
        aggregate::{Aggregate, Folder, GroupKeys},
    },
    record::{Changes, RecordCodec, Stored, weight::weight},
    store::{
        Aggregating, Driver, Highlight, Hit, Limits, Searching, Split, matching,
        write::{Atomicity, Outcome, Write},
    },
};

/// How much a query may read from the inner store for the client to test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Records.
    pub rows: u64,
    /// Bytes, about: of texts and bytes their length, of everything else its width.
    pub bytes: u64,
}

impl Budget {
    /// At most so many records and bytes.
    pub const fn new(rows: u64, bytes: u64) -> Budget {
        Budget { rows, bytes }
    }
    /// At most so many records, of any size.
    pub const fn rows(rows: u64) -> Budget {
        Budget::new(rows, u64::MAX)
    }
}

impl Default for Budget {
    /// 100,000 records, 1 GiB.
    fn default() -> Self {
        Budget::new(100_000, 1 << 30)
    }
}

/// Any store can be emulated.
pub trait Emulate<R: RecordCodec>: Driver<R> {
    /// The same store, with the client doing what the engine cannot: a user's own code, regular expressions. A query that
    /// reads more than the budget ends with an error of kind [`Budget`](ErrorKind::Budget). Aggregates are always folded here, over
    /// records that count against the budget.
    ///
    /// ```
    /// use dk_data::{Database, Document, Emulate, Filter, Schema, Store, backend::memory::Memory, document, layer::Budget, own};
    /// let words = Memory::new().documents("words", Schema::open("words"))?;
    /// words.create(document! { "word" => "level" })?;
    /// let palindrome = own(|doc: &Document| doc["word"].as_text().is_some_and(|w| w.chars().eq(w.chars().rev())));
    /// assert_eq!(words.emulated(Budget::default()).count(palindrome)?, 1);
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    fn emulated(&self, budget: Budget) -> Emulated<Self> {
        Emulated { inner: self.clone(), budget }
    }
}

impl<R: RecordCodec, D: Driver<R>> Emulate<R> for D {}

/// A store whose client does what its engine cannot; see [`Emulate::emulated`].
#[derive(Clone, Debug)]
pub struct Emulated<D> {
    inner: D,
    budget: Budget,
}

/// The engine of an [`Emulated`] store: what `E` provides, and what the client can do.
#[derive(Clone, Copy, Debug)]
pub struct EmulatedEngine<E>(PhantomData<fn(E)>);

impl<E: Engine> Engine for EmulatedEngine<E> {
    const NAME: &'static str = "emulated";
    const PROVIDES: Caps = E::PROVIDES.or(Caps::OWN_CODE).or(Caps::REGEX).or(Caps::AGGREGATES);
    const HOLDS: crate::record::TypeSet = E::HOLDS;
}
impl<E> Provides<OwnCode> for EmulatedEngine<E> {}
impl<E> Provides<Regex> for EmulatedEngine<E> {}
impl<E> Provides<Aggregates> for EmulatedEngine<E> {}
impl<E: Provides<FullText>> Provides<FullText> for EmulatedEngine<E> {}

type Query<D, R, P, S> = Runnable<EmulatedEngine<<D as Driver<R>>::Engine>, R, P, S>;

/// What the inner store is asked instead.
type Wider<D, R> = Runnable<<D as Driver<R>>::Engine, R, Bound<R>, Whole>;

impl<D> Emulated<D> {
    /// What the inner store is asked so that the client can do the rest: the part of the predicate that an engine with
    /// these capabilities can test.
    fn wider<R: RecordCodec, P: Predicate<R>, S: Select<R>>(
        &self,
        query: &Query<D, R, P, S>,
        can: Caps,
    ) -> Result<Wider<D, R>>
    where
        D: Driver<R>,
    {
        if Caps::FULL_TEXT.within(query.predicate().needs()) {
            let why = "only the engine knows which words a text has, so a query for words is not emulated in part";
            return Err(Error::unsupported(format!("{why}: leave out what the engine cannot do")));
        }
        let filter = query.predicate().bound(Side::Above).bounded(Side::Above, can);
        // One more than may be read, so that reading too many is noticed. Without an order no limit must be set: it would
        // make one.
        let most = usize::try_from(self.budget.rows).unwrap_or(usize::MAX).saturating_add(1);
        let limit = query.is_ordered().then_some(most.min(i64::MAX as usize));
        query.widened(filter.bind(self.inner.shape())?, limit)
    }

    /// Does it with the inner store alone where that can, else with the client's help. What a store chosen at run time can,
    /// it tells by refusing.
    fn run<R: RecordCodec, P: Predicate<R>, S: Select<R>, T>(
        &self,
        query: &Query<D, R, P, S>,
        alone: impl FnOnce(Runnable<D::Engine, R, P, S>) -> Result<T>,
        helped: impl FnOnce(Wider<D, R>) -> Result<T>,
    ) -> Result<T>
    where
        D: Driver<R>,
    {
        let can = <D::Engine as Engine>::PROVIDES;
        if !query.predicate().needs().within(can) {
            return helped(self.wider(query, can)?);
        }
        match alone(query.clone().retarget()?) {
            Err(error) if error.kind() == ErrorKind::Unsupported && query.predicate().needs() != Caps::NONE => {
                helped(self.wider(query, Caps::NONE)?)
            }
            done => done,
        }
    }
}

impl<R: RecordCodec, D: Driver<R>> Driver<R> for Emulated<D> {
    type Engine = EmulatedEngine<D::Engine>;
    type Rows<P: Predicate<R>, S: Select<R>> = EmulatedRows<D, R, P, S>;

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
        self.inner.write(writes, atomicity, limits)
    }
    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        self.inner.fetch(ids, limits)
    }
    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Query<D, R, P, S>,
        limits: &Limits,
    ) -> Result<EmulatedRows<D, R, P, S>> {
        let alone = |query| self.inner.scan(query, limits).map(EmulatedRows::Alone);
        let helped = |wider| {
            let rows = self.inner.scan(wider, limits)?;
            Ok(EmulatedRows::Helped(Helped::new(rows, &query, self, limits, Arc::default())))
        };
        self.run(&query, alone, helped)
    }
    fn count_matching<P: Predicate<R>, S: Select<R>>(&self, query: Query<D, R, P, S>, limits: &Limits) -> Result<u64> {
        let alone = |query| self.inner.count_matching(query, limits);
        let helped = |wider| {
            let rows = self.inner.scan(wider, limits)?;
            Helped::<_, R, P, S>::new(rows, &query, self, limits, Arc::default())
                .try_fold(0, |count, row| row.map(|_| count + 1))
        };
        self.run(&query, alone, helped)
    }
    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Query<D, R, P, S>) -> Result<Plan> {
        let alone = |query| self.inner.plan(&query);
        let helped = |wider| {
            let mut plan = self.inner.plan(&wider)?;
            plan.tested_again = true;
            Ok(self.steps(query).into_iter().fold(plan, Plan::step))
        };
        self.run(query, alone, helped)
    }
    fn write_one(&self, write: Write<'_, R>, limits: &Limits) -> Outcome {
        self.inner.write_one(write, limits)
    }
    fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        self.inner.fetch_one(id, limits)
    }
    fn show<T>(&self, id: &Id, look: impl FnOnce(&Stored<R>) -> T, limits: &Limits) -> Result<Option<T>> {
        self.inner.show(id, look, limits)
    }
    /// By the inner engine where it can run the predicate; else what the client finds, it writes record by record.
    fn patch_matching<P: Predicate<R>>(
        &self,
        query: Query<D, R, P, Whole>,
        changes: &Changes<R>,
        limits: &Limits,
    ) -> Result<u64> {
        let alone = |query| self.inner.patch_matching(query, changes, limits);
        self.run(&query, alone, |_| matching::patch(self, query.clone(), changes, limits))
    }
    fn delete_matching<P: Predicate<R>>(&self, query: Query<D, R, P, Whole>, limits: &Limits) -> Result<u64> {
        let alone = |query| self.inner.delete_matching(query, limits);
        self.run(&query, alone, |_| matching::delete(self, query.clone(), limits))
    }
    fn limits(&self) -> &Limits {
        self.inner.limits()
    }
    fn close(self) -> Result<()> {
        self.inner.close()
    }
}

impl<D> Emulated<D> {
    /// What the client does, in words.
    fn steps<R: RecordCodec, P: Predicate<R>, S: Select<R>>(&self, query: &Query<D, R, P, S>) -> Vec<String>
    where
        D: Driver<R>,
    {
        let tested = query.lower().map_or_else(|| "the whole predicate, with own code".to_owned(), |f| f.to_string());
        let Budget { rows, bytes } = self.budget;
        let mut steps = vec![format!("emulated here: {tested}"), format!("budget: {rows} rows, {bytes} bytes")];
        if query.offset() > 0 {
            steps.push(format!("offset {} applied here", query.offset()));
        }
        if let Some(limit) = query.limit() {
            steps.push(format!("limit {limit} applied here"));
        }
        steps
    }
}

/// Folds here what the inner store sends; every record counts against the budget.
impl<R: RecordCodec, D: Driver<R>> Aggregating<R> for Emulated<D> {
    fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        keys: &K,
        aggregates: &A,
        limits: &Limits,
    ) -> Result<Vec<(K::Row, A::Out)>> {
        let rows = self.inner.scan(self.wider(&query, Caps::NONE)?, limits)?;
        let mut folder = Folder::new(keys, aggregates);
        for row in Helped::new(rows, &query, self, limits, Arc::default()) {
            let row = row?;
            folder.add(Seen { record: &row.record, envelope: &row.envelope });
        }
        folder.finish()
    }
}

/// Words are found by the inner store alone.
impl<R: RecordCodec, D: Searching<R>> Searching<R> for Emulated<D> {
    fn ranked<P: Predicate<R>>(
        &self,
        query: Runnable<Self::Engine, R, P, Whole>,
        highlight: &Highlight,
        limits: &Limits,
    ) -> Result<Vec<Hit<R>>> {
        self.inner.ranked(query.retarget()?, highlight, limits)
    }
}

/// The parts of a query that the client helps with share its budget.
impl<R: RecordCodec, D: Split<R>> Split<R> for Emulated<D> {
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Query<D, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<EmulatedRows<D, R, P, S>>> {
        let alone = |query| {
            let parts = self.inner.split(query, parts, limits)?;
            Ok(parts.into_iter().map(EmulatedRows::Alone).collect())
        };
        let helped = |wider| {
            let (parts, bill) = (self.inner.split(wider, parts, limits)?, Arc::<Bill>::default());
            let helped = |rows| EmulatedRows::Helped(Helped::new(rows, &query, self, limits, bill.clone()));
            Ok(parts.into_iter().map(helped).collect())
        };
        self.run(&query, alone, helped)
    }
}

/// The records of a query on an [`Emulated`] store.
#[allow(clippy::large_enum_variant, reason = "there is one for each query, and it is moved once")]
pub enum EmulatedRows<D: Driver<R>, R: RecordCodec, P: Predicate<R>, S: Select<R>> {
    /// The inner store does it alone.
    Alone(D::Rows<P, S>),
    /// The client tests what the inner store sends.
    Helped(Helped<D::Rows<Bound<R>, Whole>, R, P, S>),
}

impl<D: Driver<R>, R: RecordCodec, P: Predicate<R>, S: Select<R>> Iterator for EmulatedRows<D, R, P, S> {
    type Item = Result<Stored<S::Out>>;
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            EmulatedRows::Alone(rows) => rows.next(),
            EmulatedRows::Helped(rows) => rows.next(),
        }
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            EmulatedRows::Alone(rows) => rows.size_hint(),
            EmulatedRows::Helped(_) => (0, None),
        }
    }
}

/// What a query has read so far.
#[derive(Debug, Default)]
struct Bill {
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Bill {
    /// The sum with this on it.
    fn add(sum: &AtomicU64, more: u64) -> u64 {
        sum.fetch_add(more, Ordering::Relaxed).saturating_add(more)
    }
}

/// What an inner store sends, tested, paged and selected here, within a budget.
pub struct Helped<I, R: RecordCodec, P, S> {
    /// Dropped as soon as nothing more is wanted of it (semantics 6.4).
    rows: Option<I>,
    predicate: P,
    select: S,
    shape: R::Shape,
    store: String,
    limits: Limits,
    budget: Budget,
    /// What was read; the parts of a split query share one bill.
    bill: Arc<Bill>,
    /// Records that this part has read.
    read: u64,
    /// Records still to be passed over.
    offset: usize,
    /// Records still to be delivered.
    left: usize,
}

impl<I, R: RecordCodec, P: Predicate<R>, S: Select<R>> Helped<I, R, P, S> {
    fn new<D: Driver<R>, E: Engine>(
        rows: I,
        query: &Runnable<E, R, P, S>,
        store: &Emulated<D>,
        limits: &Limits,
        bill: Arc<Bill>,
    ) -> Self {
        Helped {
            rows: Some(rows),
            predicate: query.predicate().clone(),
            select: query.selection().clone(),
            shape: store.inner.shape().clone(),
            store: store.inner.name().to_owned(),
            limits: limits.clone(),
            budget: store.budget,
            bill,
            read: 0,
            offset: query.offset(),
            left: query.limit().unwrap_or(usize::MAX),
        }
    }

    /// Puts a record on the bill, and looks at the clock between chunks: the caller may wait long for one that matches.
    fn charge(&mut self, row: &Stored<R>) -> Result<()> {
        if self.read.is_multiple_of(self.limits.chunk.max(1) as u64) {
            self.limits.check()?;
        }
        self.read += 1;
        if Bill::add(&self.bill.rows, 1) > self.budget.rows {
            return Err(self.exceeded(&format!("{} rows", self.budget.rows)));
        }
        // Nothing is weighed where no weight is too much.
        let bytes = self.budget.bytes;
        if bytes < u64::MAX && Bill::add(&self.bill.bytes, weight(&row.record, &self.shape)) > bytes {
            return Err(self.exceeded(&format!("{bytes} bytes")));
        }
        Ok(())
    }
    #[cold]
    fn exceeded(&self, limit: &str) -> Error {
        let why = format!(
            "the query reads more than its budget of {limit} for the client to test; add what the engine can test itself, or raise the budget"
        );
        Error::new(ErrorKind::Budget, why).in_store(&self.store)
    }
    /// Whether a record is to be delivered.
    fn wants(&mut self, row: &Stored<R>) -> bool {
        if !self.predicate.matches(Seen { record: &row.record, envelope: &row.envelope }) {
            return false;
        }
        let passed_over = self.offset > 0;
        self.offset = self.offset.saturating_sub(1);
        !passed_over
    }
}

impl<I: Iterator<Item = Result<Stored<R>>>, R: RecordCodec, P: Predicate<R>, S: Select<R>> Iterator
    for Helped<I, R, P, S>
{
    type Item = Result<Stored<S::Out>>;
    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            let row = match self.rows.as_mut()?.next() {
                Some(Ok(row)) => row,
                Some(Err(error)) => return Some(Err(error)),
                None => break,
            };
            if let Err(stop) = self.charge(&row) {
                self.rows = None;
                return Some(Err(stop));
            }
            if self.wants(&row) {
                self.left -= 1;
                let Stored { envelope, record } = row;
                return Some(Ok(Stored { envelope, record: self.select.take(record) }));
            }
        }
        self.rows = None;
        None
    }
}
