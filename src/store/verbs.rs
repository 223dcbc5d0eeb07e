//! [`Store`]: the verbs. Written once on [`Driver`], so that they mean the same on every engine.

use std::time::Instant;

use crate::{
    error::{Error, ErrorKind, Result},
    id::Id,
    query::{All, AsQuery, Cursor, Plan, Predicate, Query, Runnable, RunsOn, Select, Whole},
    record::{Changes, Draft, IntoDraft, IntoId, RecordCodec, Schema, Stored},
    store::{
        driver::Driver,
        limits::Limits,
        stream::{Page, Stream},
        write::{Atomicity, Effect, Loaded, Outcome, Write, Written},
    },
    version::Version,
};

/// What comes out of a query.
type Out<Q, R> = <<Q as AsQuery<R>>::Select as Select<R>>::Out;
/// The records of a query on a store.
pub type RowsOf<D, Q, R> = <D as Driver<R>>::Rows<<Q as AsQuery<R>>::Predicate, <Q as AsQuery<R>>::Select>;

/// One collection of records: a cheap handle, used by reference from many threads (semantics 8.1).
///
/// | verb | when the record is missing | when it is there |
/// |---|---|---|
/// | `create` | stored | `AlreadyExists` |
/// | `read`, `read_with` | `None` | the record |
/// | `update`, `patch`, `save` | `NotFound` | replaced, changed |
/// | `upsert` | stored, [`Effect::Created`] | replaced, [`Effect::Updated`] |
/// | `delete` | `false` | gone, `true` |
/// | a conditional write | `NotFound`; `upsert` and `delete` lose with `Conflict` | `Conflict` when the version moved on |
///
/// In a batch each record has its own outcome, in input order (semantics 5.4, 5.10).
pub trait Store<R: RecordCodec>: Driver<R> {
    // ---- single records

    /// Stores a new record (semantics 5.1).
    ///
    /// # Errors
    /// `AlreadyExists` when its id or a unique value is taken, `Invalid` for what cannot be stored.
    fn create<'a>(&self, record: impl IntoDraft<'a, R>) -> Result<Written>
    where
        R: 'a,
    {
        self.write_one(Write::Create(record.into_draft()), self.limits())
    }

    /// The record with this id, or `None`.
    ///
    /// # Errors
    /// What keeps the store from answering; never for a missing record.
    fn read(&self, id: impl IntoId) -> Result<Option<Stored<R>>> {
        self.fetch_one(&id.into_id()?, self.limits())
    }

    /// Shows the record to a closure, without copying it where the engine can; `None` where there is none. No lock is
    /// held while the closure runs: it may use the same store (semantics 8.4).
    ///
    /// # Errors
    /// As [`read`](Store::read).
    fn read_with<T>(&self, id: impl IntoId, look: impl FnOnce(&Stored<R>) -> T) -> Result<Option<T>> {
        self.show(&id.into_id()?, look, self.limits())
    }

    /// Replaces the record with this id. Metadata stays as it is unless the draft brings some.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` where the draft expects another version, `AlreadyExists` for a unique value that is taken.
    fn update<'a>(&self, id: impl IntoId, record: impl IntoDraft<'a, R>) -> Result<Written>
    where
        R: 'a,
    {
        let id = id.into_id()?;
        let mut draft = record.into_draft();
        draft.forget_carried_times();
        draft.id = Some(id);
        self.write_one(Write::Update(draft), self.limits())
    }

    /// Replaces the record with this id, or stores a new one; the outcome says which.
    ///
    /// # Errors
    /// As [`update`](Store::update), without `NotFound`.
    fn upsert<'a>(&self, id: impl IntoId, record: impl IntoDraft<'a, R>) -> Result<Written>
    where
        R: 'a,
    {
        let id = id.into_id()?;
        let mut draft = record.into_draft();
        draft.id = Some(id);
        self.write_one(Write::Upsert(draft), self.limits())
    }

    /// Deletes the record with this id; says whether there was one.
    ///
    /// # Errors
    /// What keeps the store from answering.
    fn delete(&self, id: impl IntoId) -> Result<bool> {
        let write = Write::Delete { id: id.into_id()?, expected: None };
        let outcome = self.write_one(write, self.limits());
        Ok(outcome?.effect == Effect::Deleted)
    }

    /// Deletes the record if it has this version.
    ///
    /// # Errors
    /// `Conflict` where it has another one or is not there.
    fn delete_if(&self, id: impl IntoId, version: &Version) -> Result<()> {
        let write = Write::Delete { id: id.into_id()?, expected: Some(version.clone()) };
        self.write_one(write, self.limits()).map(drop)
    }

    /// Writes a record back that was read from here, if nobody has written it since.
    ///
    /// # Errors
    /// `Conflict` where its version has moved on, `NotFound` where it is gone, `Unsupported` where it has no version.
    fn save(&self, stored: Stored<R>) -> Result<Written> {
        let Some(version) = stored.envelope.version().cloned() else {
            return Err(Error::unsupported("the record has no version, so it cannot be saved conditionally"));
        };
        let draft = Draft::of(stored).expect(version).without_carried_times();
        self.write_one(Write::Update(draft), self.limits())
    }

    /// Changes single fields of a record, atomically.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for a value that does not fit, `Query` for an unknown field.
    fn patch(&self, id: impl IntoId, changes: Changes<R>) -> Result<Written> {
        let write = Write::Patch { id: id.into_id()?, changes, expected: None };
        self.write_one(write, self.limits())
    }

    /// The record with this id, created from `make` where there is none. When two callers race, both get the one record.
    ///
    /// # Errors
    /// What keeps the store from answering, and what `create` refuses.
    fn read_or_create<'a, D: IntoDraft<'a, R>>(&self, id: impl IntoId, make: impl FnOnce() -> D) -> Result<Stored<R>>
    where
        R: 'a,
    {
        let id = id.into_id()?;
        if let Some(found) = self.read(&id)? {
            return Ok(found);
        }
        let taken = match self.create(make().into_draft().id(&id)?) {
            Ok(_) => Error::not_found("the record was deleted as soon as it was created").at_id(&id),
            // The id, which another caller was faster with, or the value of a unique field, which is nobody's concern here.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => error,
            Err(error) => return Err(error),
        };
        self.read(&id)?.ok_or(taken)
    }

    // ---- batches

    /// Stores new records; one outcome each, in order. Within the batch the first use of an id wins (semantics 5.4).
    ///
    /// # Errors
    /// What keeps the batch from being tried.
    fn create_batch<'a, D: IntoDraft<'a, R>>(&self, records: impl IntoIterator<Item = D>) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        self.write(records.into_iter().map(|r| Write::Create(r.into_draft())), Atomicity::Each, self.limits())
    }

    /// Reads records by id: one answer each, in order.
    ///
    /// # Errors
    /// As [`read`](Store::read).
    fn read_batch<I: IntoId>(&self, ids: impl IntoIterator<Item = I>) -> Result<Vec<Option<Stored<R>>>> {
        let ids = ids.into_iter().map(IntoId::into_id).collect::<Result<Vec<Id>>>()?;
        self.fetch(&ids, self.limits())
    }

    /// Replaces records; one outcome each. Every draft names an id, or its record has one.
    ///
    /// # Errors
    /// What keeps the batch from being tried.
    fn update_batch<'a, D: IntoDraft<'a, R>>(&self, records: impl IntoIterator<Item = D>) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        let drafts = records.into_iter().map(|r| r.into_draft().without_carried_times());
        self.write(drafts.map(Write::Update), Atomicity::Each, self.limits())
    }

    /// Replaces or stores records; one outcome each. Within the batch the last use of an id wins.
    ///
    /// # Errors
    /// What keeps the batch from being tried.
    fn upsert_batch<'a, D: IntoDraft<'a, R>>(&self, records: impl IntoIterator<Item = D>) -> Result<Vec<Outcome>>
    where
        R: 'a,
    {
        self.write(records.into_iter().map(|r| Write::Upsert(r.into_draft())), Atomicity::Each, self.limits())
    }

    /// Deletes records; says of each whether it was there.
    ///
    /// # Errors
    /// What keeps the batch from being tried.
    fn delete_batch<I: IntoId>(&self, ids: impl IntoIterator<Item = I>) -> Result<Vec<Result<bool>>> {
        let deletes = ids.into_iter().map(|id| Ok(Write::Delete { id: id.into_id()?, expected: None }));
        let (deletes, refused) = apart(deletes);
        let outcomes = self.write(deletes, Atomicity::Each, self.limits())?;
        let gone = |outcome: Outcome| outcome.map(|written| written.effect == Effect::Deleted);
        Ok(in_input_order(outcomes, refused).map(gone).collect())
    }

    /// Changes single fields of records; one outcome each.
    ///
    /// # Errors
    /// What keeps the batch from being tried.
    fn patch_batch<I: IntoId>(&self, patches: impl IntoIterator<Item = (I, Changes<R>)>) -> Result<Vec<Outcome>> {
        let patch = |(id, changes): (I, _)| Ok(Write::Patch { id: id.into_id()?, changes, expected: None });
        let (patches, refused) = apart(patches.into_iter().map(patch));
        let outcomes = self.write(patches, Atomicity::Each, self.limits())?;
        Ok(in_input_order(outcomes, refused).collect())
    }

    /// Any writes, all or nothing.
    ///
    /// # Errors
    /// The first write that failed: then nothing was written. `Unsupported` where the engine cannot.
    fn write_all<'a>(&self, writes: impl IntoIterator<Item = Write<'a, R>>) -> Result<Vec<Written>>
    where
        R: 'a,
    {
        self.write(writes, Atomicity::All, self.limits())?.into_iter().collect()
    }

    /// Stores new records from an iterator of any length, in chunks of [`Limits::chunk`]: a reader's items go in as they
    /// are. Each outcome, and each item that did not read, is shown to `on_outcome` in input order.
    ///
    /// # Errors
    /// What keeps a chunk from being tried; chunks before it stay written, and were shown. The message says how many records
    /// were.
    fn load<'a, D: IntoDraft<'a, R>>(
        &self,
        records: impl IntoIterator<Item = Result<D>>,
        mut on_outcome: impl FnMut(Outcome),
    ) -> Result<Loaded>
    where
        R: 'a,
    {
        let started = Instant::now();
        let mut loaded = Loaded::default();
        let mut records = records.into_iter();
        loop {
            let (chunk, faults) = apart(records.by_ref().take(self.limits().chunk));
            if chunk.is_empty() && faults.is_empty() {
                break;
            }
            let written = self.create_batch(chunk).map_err(|error| error.after(loaded.created))?;
            for outcome in in_input_order(written, faults) {
                *if outcome.is_ok() { &mut loaded.created } else { &mut loaded.failed } += 1;
                on_outcome(outcome);
            }
        }
        loaded.elapsed = started.elapsed();
        Ok(loaded)
    }

    // ---- queries

    /// The records of a query.
    ///
    /// # Errors
    /// `Query` for a query that does not fit the schema, and what keeps the store from answering.
    fn search<Q: AsQuery<R>>(&self, query: Q) -> Result<Vec<Stored<Out<Q, R>>>>
    where
        Q::Predicate: RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        self.gather(runnable::<R, Self, Q>(self, query)?, self.limits())
    }

    /// The records of a query, one after the other (semantics 6).
    ///
    /// # Errors
    /// As [`search`](Store::search); failures on the way are items.
    fn stream<Q: AsQuery<R>>(&self, query: Q) -> Result<Stream<RowsOf<Self, Q, R>>>
    where
        Q::Predicate: RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        let rows = self.scan(runnable::<R, Self, Q>(self, query)?, self.limits())?;
        Ok(Stream::new(rows, self.limits().clone(), self.name()))
    }

    /// The first record of a query.
    ///
    /// # Errors
    /// As [`search`](Store::search).
    fn first<Q: AsQuery<R>>(&self, query: Q) -> Result<Option<Stored<Out<Q, R>>>>
    where
        Q::Predicate: RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        self.stream(query.into_query().at_most(1))?.next().transpose()
    }

    /// One page of a query, and where the next one begins. Its length is the query's limit, or [`Limits::chunk`] where it
    /// has none. An offset moves the first page only: a page that begins behind the end of another skips nothing. Pages of
    /// whole records only: what was selected away cannot be the end of a page.
    ///
    /// # Errors
    /// As [`search`](Store::search), and `Query` for a cursor of another order or another store.
    fn page<P>(&self, query: &Query<R, P>, after: impl Into<Option<Cursor>>) -> Result<Page<R>>
    where
        P: Predicate<R> + RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        let query = match after.into() {
            Some(end) => query.clone().after(end).offset(0),
            None => query.clone(),
        };
        let runnable = runnable::<R, Self, _>(self, &query)?;
        let length = runnable.limit().unwrap_or(self.limits().chunk);
        let query = query.limit(length.saturating_add(1));
        let mut rows = self.search(query.clone())?;
        let more = rows.len() > length;
        rows.truncate(length);
        let end = rows.last().filter(|_| more).map(|row| Cursor::of(self.name(), runnable.order(), query.keys(), row));
        Ok(Page { rows, next: end })
    }

    /// How many records a query has; records are not fetched where the engine can count (semantics 4.6).
    ///
    /// # Errors
    /// As [`search`](Store::search).
    fn count<Q: AsQuery<R>>(&self, query: Q) -> Result<u64>
    where
        Q::Predicate: RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        self.count_matching(runnable::<R, Self, Q>(self, query)?, self.limits())
    }

    /// Whether a query has any record.
    ///
    /// # Errors
    /// As [`search`](Store::search).
    fn exists<Q: AsQuery<R>>(&self, query: Q) -> Result<bool>
    where
        Q::Predicate: RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        Ok(self.count(query.into_query().at_most(1))? > 0)
    }

    /// Changes single fields of every record of which a predicate is true; says of how many. Atomic per record: one that
    /// changes meanwhile is looked at again (semantics 5.10).
    ///
    /// # Errors
    /// The first record that cannot be changed, or the limit that was reached; the message says how many were changed before.
    fn update_where<P>(&self, predicate: P, changes: Changes<R>) -> Result<u64>
    where
        P: Predicate<R> + RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        changes.bind(self.shape()).map_err(|e| e.in_store(self.name()))?;
        self.patch_matching(matching(self, predicate)?, &changes, self.limits())
    }

    /// Deletes every record of which a predicate is true; says how many.
    ///
    /// # Errors
    /// The first record that cannot be deleted, or the limit that was reached; the message says how many were deleted before.
    fn delete_where<P>(&self, predicate: P) -> Result<u64>
    where
        P: Predicate<R> + RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        self.delete_matching(matching(self, predicate)?, self.limits())
    }

    /// Deletes every record; says how many.
    ///
    /// # Errors
    /// As [`delete_where`](Store::delete_where).
    fn clear(&self) -> Result<u64> {
        self.delete_where(All)
    }

    /// Shows every record of a query to a closure.
    ///
    /// # Errors
    /// As [`search`](Store::search); the first failure ends it.
    fn for_each<Q: AsQuery<R>>(&self, query: Q, mut look: impl FnMut(&Stored<Out<Q, R>>)) -> Result<u64>
    where
        Q::Predicate: RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        let mut shown = 0;
        for row in self.stream(query)? {
            look(&row?);
            shown += 1;
        }
        Ok(shown)
    }

    /// What the engine would do with a query; nothing is run.
    ///
    /// # Errors
    /// As [`search`](Store::search).
    fn explain<Q: AsQuery<R>>(&self, query: Q) -> Result<Plan>
    where
        Q::Predicate: RunsOn<Self::Engine>, // too many filters: see `Query::dynamic`
    {
        self.plan(&runnable::<R, Self, Q>(self, query)?)
    }

    /// The schema that the store was opened with.
    fn schema(&self) -> &Schema {
        self.shape()
    }

    /// The same store, with limits for every call through the handle.
    fn with(&self, limits: Limits) -> crate::store::With<Self> {
        crate::store::With::new(self.clone(), limits)
    }
}

impl<R: RecordCodec, D: Driver<R>> Store<R> for D {}

pub(crate) type RunnableOf<D, Q, R> =
    Runnable<<D as Driver<R>>::Engine, R, <Q as AsQuery<R>>::Predicate, <Q as AsQuery<R>>::Select>;

pub(crate) fn runnable<R: RecordCodec, D: Driver<R>, Q: AsQuery<R>>(store: &D, query: Q) -> Result<RunnableOf<D, Q, R>>
where
    Q::Predicate: RunsOn<D::Engine>,
{
    query.into_query().on_store(store.shape(), store.name())
}

/// The query of a set-based write: a predicate and nothing else.
fn matching<R: RecordCodec, D: Driver<R>, P: Predicate<R> + RunsOn<D::Engine>>(
    store: &D,
    predicate: P,
) -> Result<Runnable<D::Engine, R, P, Whole>> {
    runnable::<R, D, Query<R, P>>(store, Query::of(predicate))
}

/// What is fine, and the faults with their places.
fn apart<T>(items: impl Iterator<Item = Result<T>>) -> (Vec<T>, Vec<(usize, Error)>) {
    let mut faults = Vec::new();
    let fine = items.enumerate().filter_map(|(place, item)| item.map_err(|error| faults.push((place, error))).ok());
    (fine.collect(), faults)
}

/// Outcomes with the faults put back at their places.
fn in_input_order(outcomes: Vec<Outcome>, faults: Vec<(usize, Error)>) -> impl Iterator<Item = Outcome> {
    let mut outcomes = outcomes.into_iter();
    let mut faults = faults.into_iter().peekable();
    (0..).map_while(move |place| match faults.next_if(|(at, _)| *at == place) {
        Some((_, error)) => Some(Err(error)),
        None => outcomes.next(),
    })
}
