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
    capability::{Caps, Engine},
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
    rows: Rows<R>,
}

/// Which of the records that a predicate admits, and in what order: what of a query has no types of its own.
#[derive(Debug)]
struct Rows<R> {
    order: Vec<Key<R>>,
    limit: Option<usize>,
    offset: usize,
    after: Option<Cursor>,
}

impl<R> Clone for Rows<R> {
    fn clone(&self) -> Self {
        Rows { order: self.order.clone(), limit: self.limit, offset: self.offset, after: self.after.clone() }
    }
}

impl<R, P: Clone, S: Clone> Clone for Query<R, P, S> {
    fn clone(&self) -> Self {
        Query { predicate: self.predicate.clone(), select: self.select.clone(), rows: self.rows.clone() }
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
        Query::of(All)
    }
}

impl<R, P> Query<R, P> {
    /// All records of which a predicate is true, unordered.
    pub(crate) fn of(predicate: P) -> Self {
        Query { predicate, select: Whole, rows: Rows::all() }
    }
}

impl<R> Rows<R> {
    fn all() -> Rows<R> {
        Rows { order: Vec::new(), limit: None, offset: 0, after: None }
    }
}

impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> Query<R, P, S> {
    /// Only records of which the predicate is true, beside what was asked before.
    ///
    /// Every call makes the query's type one level deeper, and the compiler stops at about 120. In a loop use
    /// [`dynamic`](Query::dynamic) with [`narrow`](Query::narrow), or [`all_of`] and [`any_of`] with a list.
    pub fn filter<Q: Predicate<R>>(self, predicate: Q) -> Query<R, And<P, Q>, S> {
        Query { predicate: And(self.predicate, predicate), select: self.select, rows: self.rows }
    }
    /// The same where there is a predicate, else nothing changes.
    pub fn filter_opt<Q: Predicate<R>>(self, predicate: Option<Q>) -> Query<R, And<P, Maybe<Q>>, S> {
        self.filter(Maybe(predicate))
    }
    /// Adds a sort key behind the ones before.
    #[must_use]
    pub fn sort(mut self, key: Key<R>) -> Self {
        self.rows.order.push(key);
        self
    }
    /// At most this many records.
    #[must_use]
    pub fn limit(mut self, records: usize) -> Self {
        self.rows.limit = Some(records);
        self
    }
    /// No more than this many records, and no more than were asked for before.
    #[must_use]
    pub(crate) fn at_most(self, records: usize) -> Self {
        let limit = self.rows.limit.map_or(records, |limit| limit.min(records));
        self.limit(limit)
    }
    /// Passes over this many records first.
    #[must_use]
    pub fn offset(mut self, records: usize) -> Self {
        self.rows.offset = records;
        self
    }
    /// Only what comes behind the place where a page ended (semantics 4.3).
    #[must_use]
    pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.rows.after = cursor.into();
        self
    }
    /// Reads the fields of a smaller record only.
    pub fn select<T: SubsetOf<R>>(self) -> Query<R, P, As<T>> {
        self.selecting(As::new())
    }
    /// Reads the fields at these paths only, as documents.
    pub fn fields(self, paths: impl IntoIterator<Item = Path>) -> Query<R, P, Fields> {
        self.selecting(Fields::new(paths))
    }
    /// From here on the type stays the same: for loops, branches and struct fields. The schema is that of the store; a
    /// derived record has [`dynamic`](Query::dynamic).
    ///
    /// # Errors
    /// `Unsupported` for a predicate that has no data form (a user's own code), `Query` for one that does not fit.
    pub fn dynamic_in(self, schema: &Schema) -> Result<Query<R, Bound<R>, S>> {
        let own = || Error::unsupported("a predicate of one's own code has no form as data");
        let bound = self.predicate.lower().ok_or_else(own)?.bind(schema)?;
        Ok(Query { predicate: bound, select: self.select, rows: self.rows })
    }
    /// The same query with another selection.
    fn selecting<T>(self, select: T) -> Query<R, P, T> {
        Query { predicate: self.predicate, select, rows: self.rows }
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
        Runnable::new(self, schema, None)
    }
    /// The same, where a refusal names the store.
    pub(crate) fn on_store<E: Engine>(self, schema: &Schema, store: &str) -> Result<Runnable<E, R, P, S>> {
        Runnable::new(self, schema, Some(store))
    }
    /// Its predicate.
    pub fn predicate(&self) -> &P {
        &self.predicate
    }
    /// Its sort keys.
    pub fn keys(&self) -> &[Key<R>] {
        &self.rows.order
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
    predicate: P,
    select: S,
    arranged: Arranged<R>,
    engine: PhantomData<fn(E)>,
}

/// Which of the records that a predicate admits, and in what order, checked against a schema.
pub(crate) struct Arranged<R> {
    rows: Rows<R>,
    order: Ordered<R>,
}

impl<R> Clone for Arranged<R> {
    fn clone(&self) -> Self {
        Arranged { rows: self.rows.clone(), order: self.order.clone() }
    }
}

impl<R: RecordCodec> Arranged<R> {
    fn unchecked(rows: Rows<R>) -> Self {
        Arranged { rows, order: Ordered::by_id() }
    }
    /// Refuses what does not fit the schema, after what of predicate and selection was refused.
    #[inline(never)]
    fn check(&mut self, schema: &Schema, others: Result<()>, store: Option<&str>) -> Result<()> {
        let rows = &self.rows;
        let order = others.and_then(|()| {
            let order = Ordered::new(&rows.order, schema)?;
            rows.after.as_ref().map_or(Ok(()), |cursor| cursor.check(store, &rows.order)).map(|()| order)
        });
        match (order, store) {
            (Ok(order), _) => self.order = order,
            (Err(error), Some(store)) => return Err(error.in_store(store)),
            (Err(error), None) => return Err(error),
        }
        Ok(())
    }
    /// See [`Runnable::order`].
    pub(crate) fn order(&self) -> &Ordered<R> {
        &self.order
    }
    /// See [`Runnable::is_ordered`].
    pub(crate) fn is_ordered(&self) -> bool {
        let rows = &self.rows;
        !rows.order.is_empty() || rows.limit.is_some() || rows.offset > 0 || rows.after.is_some()
    }
    /// Records to pass over first.
    pub(crate) fn offset(&self) -> usize {
        self.rows.offset
    }
    /// How many records are looked for at most: those to pass over first, and the limit.
    pub(crate) fn most(&self) -> Option<usize> {
        self.rows.limit.map(|limit| self.rows.offset.saturating_add(limit))
    }
    /// Where a page ended.
    pub(crate) fn after(&self) -> Option<&Cursor> {
        self.rows.after.as_ref()
    }
    /// See [`Runnable::is_after_cursor`].
    pub(crate) fn is_after_cursor(&self, row: Seen<'_, R>) -> bool {
        let Some(cursor) = &self.rows.after else { return true };
        self.order.compare_to(row, cursor.values(), cursor.id()).is_gt()
    }
}

impl<E, R: RecordCodec, P: Clone, S: Clone> Clone for Runnable<E, R, P, S> {
    fn clone(&self) -> Self {
        let (predicate, select, arranged) = (self.predicate.clone(), self.select.clone(), self.arranged.clone());
        Runnable { predicate, select, arranged, engine: PhantomData }
    }
}

impl<E: Engine, R: RecordCodec, P: Predicate<R>, S: Select<R>> Runnable<E, R, P, S> {
    fn new(query: Query<R, P, S>, schema: &Schema, store: Option<&str>) -> Result<Self> {
        let Query { predicate, select, rows } = query;
        let mut runnable = Runnable { predicate, select, arranged: Arranged::unchecked(rows), engine: PhantomData };
        // One call, and one way out, for all that may be wrong: each is compiled again for every query.
        let Runnable { predicate, select, arranged, .. } = &mut runnable;
        let fits = predicate.check().and(select.resolve(schema)).and(can::<E>(predicate.needs()));
        match arranged.check(schema, fits, store) {
            Ok(()) => Ok(runnable),
            Err(error) => Err(error),
        }
    }
    /// The same query for another engine, asked at run time: for stores chosen at run time and for wrappers.
    ///
    /// # Errors
    /// `Unsupported`, naming the capability that the engine lacks.
    pub fn retarget<E2: Engine>(self) -> Result<Runnable<E2, R, P, S>> {
        can::<E2>(self.predicate.needs())?;
        let Runnable { predicate, select, arranged, .. } = self;
        Ok(Runnable { predicate, select, arranged, engine: PhantomData })
    }
    /// The same query for a wrapper whose engine runs whatever its inner one cannot: the predicate is replaced by an upper
    /// bound that the inner engine runs, offset and selection are left to the wrapper, and so is the limit: the one given
    /// here says how many records the wrapper reads at most.
    pub(crate) fn widened<E2: Engine>(
        &self,
        predicate: Bound<R>,
        limit: Option<usize>,
    ) -> Result<Runnable<E2, R, Bound<R>, Whole>> {
        can::<E2>(predicate.needs())?;
        let Arranged { rows, order } = self.arranged.clone();
        let arranged = Arranged { rows: Rows { limit, offset: 0, ..rows }, order };
        Ok(Runnable { predicate, select: Whole, arranged, engine: PhantomData })
    }
    /// What it is made of, without the engine.
    pub(crate) fn into_parts(self) -> (P, S, Arranged<R>) {
        (self.predicate, self.select, self.arranged)
    }
    /// The predicate.
    pub fn predicate(&self) -> &P {
        &self.predicate
    }
    /// The selection, resolved.
    pub fn selection(&self) -> &S {
        &self.select
    }
    /// What it says beside predicate and selection.
    pub(crate) fn arranged(&self) -> &Arranged<R> {
        &self.arranged
    }
    /// The total order; meaningful where [`is_ordered`](Self::is_ordered).
    pub fn order(&self) -> &Ordered<R> {
        &self.arranged.order
    }
    /// Whether the answer has an order: a query without keys, limit, offset and cursor has none (semantics 4.1).
    pub fn is_ordered(&self) -> bool {
        self.arranged.is_ordered()
    }
    /// At most this many records.
    pub fn limit(&self) -> Option<usize> {
        self.arranged.rows.limit
    }
    /// Records to pass over first.
    pub fn offset(&self) -> usize {
        self.arranged.rows.offset
    }
    /// Where a page ended.
    pub fn after(&self) -> Option<&Cursor> {
        self.arranged.after()
    }
    /// Whether a record comes behind the cursor, where there is one.
    pub fn is_after_cursor(&self, row: Seen<'_, R>) -> bool {
        self.arranged.is_after_cursor(row)
    }
    /// Whether a record belongs to the answer, but for limit and offset.
    #[inline]
    pub fn admits(&self, row: Seen<'_, R>) -> bool {
        self.predicate.matches(row) && self.is_after_cursor(row)
    }
    /// The filter that it lowers to, where it has a data form.
    pub fn lower(&self) -> Option<Filter> {
        self.predicate.lower()
    }
}

/// Refuses what an engine does not provide.
fn can<E: Engine>(needs: Caps) -> Result<()> {
    if needs.within(E::PROVIDES) { Ok(()) } else { Err(needs.missing_in(E::PROVIDES, E::NAME)) }
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
    type Predicate = P;
    type Select = Whole;
    /// A predicate alone is a query without order.
    fn into_query(self) -> Query<R, P> {
        Query::of(self.0)
    }
}

impl<R: RecordCodec> AsQuery<R> for Bound<R> {
    type Predicate = Bound<R>;
    type Select = Whole;
    fn into_query(self) -> Query<R, Bound<R>, Whole> {
        Query::of(self)
    }
}
