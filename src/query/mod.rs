//! Queries: a predicate, an order, a page and a projection over records of one type.
//!
//! A [`Query`] owns what it says and borrows nothing: it can be kept, cloned, sent. [`Query::on`] makes it a
//! [`Runnable`] for one engine, which is the proof that the engine can run it. This module does no I/O.

pub mod aggregate;
pub mod bound;
pub(crate) mod coerce;
pub mod cursor;
pub mod envelope;
pub mod filter;
mod filter_json;
pub mod handle;
pub mod literal;
pub mod order;
pub mod plan;
pub mod predicate;
pub mod select;
pub mod text;
pub mod widen;

use std::marker::PhantomData;

pub use self::{
    bound::{Bound, Cells},
    cursor::Cursor,
    envelope::{created_at, id, meta, updated_at},
    filter::{Filter, Node, Op, Operand},
    order::{Key, Nulls, Ordered},
    plan::Plan,
    predicate::{All, And, Maybe, Predicate, RunsOn, Seen, Where, all_of, any_of, own},
    select::{As, Fields, Select, SubsetOf, Whole},
    widen::Side,
};
use crate::{
    capability::Engine,
    error::{Error, Result},
    record::{Path, RecordCodec, Schema, Typed},
};

/// What to look for among records of type `R`.
///
/// ```
/// use dk_data::{Document, Filter, Key, Query};
/// let query = Query::<Document>::new().sort(Key::desc("age")).limit(10);
/// ```
#[derive(Debug)]
pub struct Query<R, P = All, S = Whole> {
    predicate: P,
    select: S,
    order: Vec<Key<R>>,
    limit: Option<usize>,
    offset: usize,
    after: Option<Cursor>,
}

impl<R, P: Clone, S: Clone> Clone for Query<R, P, S> {
    fn clone(&self) -> Self {
        Query {
            predicate: self.predicate.clone(),
            select: self.select.clone(),
            order: self.order.clone(),
            limit: self.limit,
            offset: self.offset,
            after: self.after.clone(),
        }
    }
}

impl<R> Default for Query<R> {
    fn default() -> Self {
        Query::new()
    }
}

impl<R> Query<R> {
    /// All records, unordered (semantics 4.1).
    pub fn new() -> Self {
        Query { predicate: All, select: Whole, order: Vec::new(), limit: None, offset: 0, after: None }
    }
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> Query<R, P, S> {
    /// Only records of which the predicate is true, beside what was asked before.
    ///
    /// Every call makes the query's type one level deeper, and the compiler stops at about 120. In a loop use
    /// [`dynamic`](Query::dynamic) with [`narrow`](Query::narrow), or [`all_of`] and [`any_of`] with a list.
    pub fn filter<Q: Predicate<R>>(self, predicate: Q) -> Query<R, And<P, Q>, S> {
        self.rebuild(|old| And(old, predicate), |select| select)
    }
    /// The same where there is a predicate, else nothing changes.
    pub fn filter_opt<Q: Predicate<R>>(self, predicate: Option<Q>) -> Query<R, And<P, Maybe<Q>>, S> {
        self.filter(Maybe(predicate))
    }
    /// Adds a sort key behind the ones before.
    #[must_use]
    pub fn sort(mut self, key: Key<R>) -> Self {
        self.order.push(key);
        self
    }
    /// At most this many records.
    #[must_use]
    pub fn limit(mut self, records: usize) -> Self {
        self.limit = Some(records);
        self
    }
    /// No more than this many records, and no more than were asked for before.
    #[must_use]
    pub(crate) fn at_most(self, records: usize) -> Self {
        let limit = self.limit.map_or(records, |limit| limit.min(records));
        self.limit(limit)
    }
    /// Passes over this many records first.
    #[must_use]
    pub fn offset(mut self, records: usize) -> Self {
        self.offset = records;
        self
    }
    /// Only what comes behind the place where a page ended (semantics 4.3).
    #[must_use]
    pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.after = cursor.into();
        self
    }
    /// Reads the fields of a smaller record only.
    pub fn select<T: SubsetOf<R>>(self) -> Query<R, P, As<T>> {
        self.rebuild(|predicate| predicate, |_| As::new())
    }
    /// Reads the fields at these paths only, as documents.
    pub fn fields(self, paths: impl IntoIterator<Item = Path>) -> Query<R, P, Fields> {
        self.rebuild(|predicate| predicate, |_| Fields::new(paths))
    }
    /// From here on the type stays the same: for loops, branches and struct fields. The schema is that of the store; a
    /// derived record has [`dynamic`](Query::dynamic).
    ///
    /// # Errors
    /// `Unsupported` for a predicate that has no data form (a user's own code), `Query` for one that does not fit.
    pub fn dynamic_in(self, schema: &Schema) -> Result<Query<R, Bound<R>, S>> {
        let own = || Error::unsupported("a predicate of one's own code has no form as data");
        let bound = self.predicate.lower().ok_or_else(own)?.bind(schema)?;
        Ok(self.rebuild(|_| bound, |select| select))
    }
    /// The same query over another predicate and selection.
    fn rebuild<Q, T>(self, predicate: impl FnOnce(P) -> Q, select: impl FnOnce(S) -> T) -> Query<R, Q, T> {
        Query {
            predicate: predicate(self.predicate),
            select: select(self.select),
            order: self.order,
            limit: self.limit,
            offset: self.offset,
            after: self.after,
        }
    }
    /// Makes it runnable on an engine, for a store with this schema. A predicate that the engine cannot run does not
    /// compile, or, where only the filter's data tells, is refused here.
    ///
    /// # Errors
    /// `Unsupported` for a missing capability, `Query` for an unknown field, a bad pattern, a cursor of another query.
    pub fn on<E: Engine>(self, schema: &Schema) -> Result<Runnable<E, R, P, S>>
    where
        P: RunsOn<E>,
    {
        Runnable::new(self, schema)
    }
    /// Its predicate.
    pub fn predicate(&self) -> &P {
        &self.predicate
    }
    /// Its sort keys.
    pub fn keys(&self) -> &[Key<R>] {
        &self.order
    }
}

impl<R: Typed, P: Predicate<R>, S: Select<R>> Query<R, P, S> {
    /// From here on the type stays the same: for loops, branches and struct fields.
    ///
    /// # Errors
    /// `Unsupported` for a predicate that has no data form (a user's own code), `Query` for one that was built wrong.
    pub fn dynamic(self) -> Result<Query<R, Bound<R>, S>> {
        self.dynamic_in(R::SCHEMA)
    }
}

impl<R: RecordCodec, S: Select<R>> Query<R, Bound<R>, S> {
    /// Only records of which this is true as well; the type stays the same.
    ///
    /// # Errors
    /// As [`dynamic_in`](Query::dynamic_in).
    pub fn narrow(&mut self, predicate: impl Predicate<R>) -> Result<()> {
        let own = || Error::unsupported("a predicate of one's own code has no form as data");
        self.predicate.narrowed(predicate.lower().ok_or_else(own)?)
    }
}

/// A query that an engine can run: the proof of it, bound to the engine. Only [`Query::on`] and
/// [`retarget`](Runnable::retarget) make one.
pub struct Runnable<E, R, P, S> {
    query: Query<R, P, S>,
    ordered: Ordered<R>,
    engine: PhantomData<fn(E)>,
}

impl<E, R: RecordCodec, P: Clone, S: Clone> Clone for Runnable<E, R, P, S> {
    fn clone(&self) -> Self {
        Runnable { query: self.query.clone(), ordered: self.ordered.clone(), engine: PhantomData }
    }
}

impl<E: Engine, R: RecordCodec, P: Predicate<R>, S: Select<R>> Runnable<E, R, P, S> {
    fn new(mut query: Query<R, P, S>, schema: &Schema) -> Result<Self> {
        query.predicate.check()?;
        query.select.resolve(schema)?;
        let ordered = Ordered::new(&query.order, schema)?;
        query.after.as_ref().map_or(Ok(()), |cursor| cursor.check(&query.order))?;
        Runnable { query, ordered, engine: PhantomData }.checked()
    }
    fn checked(self) -> Result<Self> {
        let needs = self.query.predicate.needs();
        if needs.within(E::PROVIDES) { Ok(self) } else { Err(needs.missing_in(E::PROVIDES, E::NAME)) }
    }
    /// The same query for another engine, asked at run time: for stores chosen at run time and for wrappers.
    ///
    /// # Errors
    /// `Unsupported`, naming the capability that the engine lacks.
    pub fn retarget<E2: Engine>(self) -> Result<Runnable<E2, R, P, S>> {
        Runnable { query: self.query, ordered: self.ordered, engine: PhantomData }.checked()
    }
    /// The same query for a wrapper whose engine runs whatever its inner one cannot: the predicate is replaced by an upper
    /// bound that the inner engine runs, offset and selection are left to the wrapper, and so is the limit: the one given
    /// here says how many records the wrapper reads at most.
    pub(crate) fn widened<E2: Engine>(
        &self,
        predicate: Bound<R>,
        limit: Option<usize>,
    ) -> Result<Runnable<E2, R, Bound<R>, Whole>> {
        let query = Query {
            predicate,
            select: Whole,
            order: self.query.order.clone(),
            limit,
            offset: 0,
            after: self.query.after.clone(),
        };
        Runnable { query, ordered: self.ordered.clone(), engine: PhantomData }.checked()
    }
    /// The predicate.
    pub fn predicate(&self) -> &P {
        &self.query.predicate
    }
    /// The selection, resolved.
    pub fn selection(&self) -> &S {
        &self.query.select
    }
    /// The total order; meaningful where [`is_ordered`](Self::is_ordered).
    pub fn order(&self) -> &Ordered<R> {
        &self.ordered
    }
    /// Whether the answer has an order: a query without keys, limit, offset and cursor has none (semantics 4.1).
    pub fn is_ordered(&self) -> bool {
        let query = &self.query;
        !query.order.is_empty() || query.limit.is_some() || query.offset > 0 || query.after.is_some()
    }
    /// At most this many records.
    pub fn limit(&self) -> Option<usize> {
        self.query.limit
    }
    /// Records to pass over first.
    pub fn offset(&self) -> usize {
        self.query.offset
    }
    /// Where a page ended.
    pub fn after(&self) -> Option<&Cursor> {
        self.query.after.as_ref()
    }
    /// Whether a record comes behind the cursor, where there is one.
    pub fn is_after_cursor(&self, row: Seen<'_, R>) -> bool {
        let Some(cursor) = &self.query.after else { return true };
        self.ordered.compare_to(row, cursor.values(), cursor.id()).is_gt()
    }
    /// Whether a record belongs to the answer, but for limit and offset.
    #[inline]
    pub fn admits(&self, row: Seen<'_, R>) -> bool {
        self.query.predicate.matches(row) && self.is_after_cursor(row)
    }
    /// The filter that it lowers to, where it has a data form.
    pub fn lower(&self) -> Option<Filter> {
        self.query.predicate.lower()
    }
}

/// A query, or a reference to one: what the verbs of a store take.
pub trait AsQuery<R: RecordCodec> {
    /// Its predicate.
    type Predicate: Predicate<R>;
    /// Its selection.
    type Select: Select<R>;
    /// The query, owned.
    fn into_query(self) -> Query<R, Self::Predicate, Self::Select>;
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> AsQuery<R> for Query<R, P, S> {
    type Predicate = P;
    type Select = S;
    fn into_query(self) -> Self {
        self
    }
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> AsQuery<R> for &Query<R, P, S> {
    type Predicate = P;
    type Select = S;
    fn into_query(self) -> Query<R, P, S> {
        self.clone()
    }
}

impl<R: RecordCodec, P: Predicate<R>> AsQuery<R> for Where<P> {
    type Predicate = And<All, P>;
    type Select = Whole;
    /// A predicate alone is a query without order.
    fn into_query(self) -> Query<R, And<All, P>, Whole> {
        Query::new().filter(self.0)
    }
}

impl<R: RecordCodec> AsQuery<R> for Bound<R> {
    type Predicate = Bound<R>;
    type Select = Whole;
    fn into_query(self) -> Query<R, Bound<R>, Whole> {
        Query::new().rebuild(|_| self, |select| select)
    }
}
