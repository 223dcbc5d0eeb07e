//! The store: what the driver contract asks, on the [`Core`] that all handles of a file share.

use std::sync::Arc;

use super::{
    Files,
    base::{Ask, Base},
    checkpoint,
    core::Core,
    disk::{Disk, Os},
    overlay::Held,
    progress::Work,
    query::{self, FileRows},
    row::decode_body,
    rows::Row,
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::{Bound, Plan, Predicate, Runnable, Select},
    record::{Draft, RecordCodec, Schema, Stored},
    store::{
        Driver, Limits,
        write::{Atomicity, Outcome, Write},
    },
};

/// A store in a file; a cheap handle. What it promises is on [the page on files](crate::docs::files).
pub struct FileStore<R: RecordCodec, D: Disk = Os> {
    pub(super) core: Arc<Core<D>>,
    pub(super) shape: R::Shape,
    /// How many stores there are of the core.
    handle: Arc<()>,
}

impl<R: RecordCodec, D: Disk> Clone for FileStore<R, D> {
    fn clone(&self) -> Self {
        FileStore { core: self.core.clone(), shape: self.shape.clone(), handle: self.handle.clone() }
    }
}

impl<R: RecordCodec, D: Disk> FileStore<R, D> {
    pub(super) fn new(core: Arc<Core<D>>, shape: R::Shape) -> Self {
        let handle = core.handles.clone();
        FileStore { core, shape, handle }
    }

    /// Puts all writes into the base file, durably: from then on every other tool sees them.
    ///
    /// # Errors
    /// What kept the new file from being made; nothing is lost, the journal still has the writes.
    pub fn checkpoint(&self) -> Result<()> {
        checkpoint::now(&self.core).map_err(|e| e.in_store(&self.core.name))
    }

    /// Makes all acknowledged writes survive a power failure, whatever the level of durability.
    ///
    /// # Errors
    /// `Backend` where the device refuses. What it has is not known then: through this handle nothing more is written, and
    /// nothing said to be durable.
    pub fn sync(&self) -> Result<()> {
        let core = &self.core;
        let writer = core.writer();
        let synced = core.check_sound().and_then(|()| match &writer.log {
            Some(log) => log.sync(&core.paths).inspect_err(|error| core.give_up(error)),
            None => Ok(()),
        });
        synced.map_err(|e| e.in_store(&core.name))
    }

    pub(super) fn ask(&self, filter: Option<Bound<R>>, limits: &Limits) -> Ask<R> {
        Ask { filter, ..self.ask_as(self.shape.clone(), limits) }
    }

    pub(super) fn ask_as<T: RecordCodec>(&self, shape: T::Shape, limits: &Limits) -> Ask<T> {
        Ask::all(shape, self.core.setup.ids.clone(), limits).told(&self.core.setup.options, Work::Scan)
    }

    /// The record of the base file with this id.
    pub(super) fn find<T: RecordCodec>(&self, base: &Base<D>, id: &Id, ask: &Ask<T>) -> Result<Option<Stored<T>>> {
        if base.is_empty() {
            return Ok(None);
        }
        if let Some(found) = base.look_up(id, ask)? {
            return Ok(found);
        }
        let index = base.index(&self.core.setup, &ask.limits)?;
        for place in index.places(id) {
            if let Some(found) = base.read(place, id, ask)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The record with this id.
    fn get(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        let (base, held) = self.core.view().look_up(id);
        self.get_of(&base, held, id, limits)
    }

    /// The record with this id of a state of the store.
    pub(super) fn get_of(
        &self,
        base: &Base<D>,
        held: Option<Held>,
        id: &Id,
        limits: &Limits,
    ) -> Result<Option<Stored<R>>> {
        match held {
            None => self.find(base, id, &self.ask(None, limits)),
            Some(held) => held.row.map(|row| stored(&row, &self.shape)).transpose(),
        }
    }

    /// The id to store a draft under, where the draft says it.
    pub(super) fn settle_id(&self, draft: &Draft<'_, R>) -> Result<Option<Id>> {
        let given = draft.settle_id(&self.shape)?;
        if self.core.setup.ids.is_plain() {
            return Ok(given);
        }
        match (self.core.setup.ids.own(draft.record(), &self.shape)?, given) {
            (Some(own), Some(given)) if own != given => {
                let why = format!("the record's own id is `{own}`, so it cannot be stored under `{given}`");
                Err(Error::invalid(why).at_id(&given))
            }
            (own, given) => Ok(own.or(given)),
        }
    }
}

/// A record of the overlay.
pub(super) fn stored<R: RecordCodec>(row: &Row, schema: &Schema) -> Result<Stored<R>> {
    let (record, _) = decode_body(row.body(), schema).map_err(|e| e.at_id(row.envelope().id()))?;
    Ok(Stored { envelope: row.envelope().clone(), record })
}

impl<R: RecordCodec, D: Disk> Driver<R> for FileStore<R, D> {
    type Engine = Files<D>;
    type Rows<P: Predicate<R>, S: Select<R>> = FileRows<R, P, S, D>;

    fn shape(&self) -> &R::Shape {
        &self.shape
    }

    fn name(&self) -> &str {
        &self.core.name
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
        limits.check()?;
        let writes = writes.into_iter();
        let outcomes = match atomicity {
            Atomicity::Each => self.write_each(writes),
            Atomicity::All => self.write_all(writes),
        };
        outcomes.map_err(|e| e.in_store(&self.core.name))
    }

    fn write_one(&self, write: Write<'_, R>, limits: &Limits) -> Outcome {
        limits.check()?;
        self.write_single(write).map_err(|e| e.in_store(&self.core.name))
    }

    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        ids.iter().map(|id| self.fetch_one(id, limits)).collect()
    }

    fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
        limits.check()?;
        let found = self.core.refresh_seldom().and_then(|()| self.get(id, limits));
        found.map_err(|e| e.in_store(&self.core.name))
    }

    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Files<D>, R, P, S>,
        limits: &Limits,
    ) -> Result<FileRows<R, P, S, D>> {
        limits.check()?;
        let rows = self.core.refresh().and_then(|()| query::scan(self, self.core.snapshot(), query, limits));
        rows.map_err(|e| e.in_store(&self.core.name))
    }

    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Files<D>, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        limits.check()?;
        let count = self.core.refresh().and_then(|()| query::count(self, self.core.snapshot(), &query, limits));
        count.map_err(|e| e.in_store(&self.core.name))
    }

    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<Files<D>, R, P, S>) -> Result<Plan> {
        Ok(query::plan(self, &self.core.snapshot(), query))
    }

    /// Makes a checkpoint, so that other tools see all that was written, and says what dropping the store cannot.
    /// The last store of a file gives back the lock, too.
    fn close(self) -> Result<()> {
        // One share is the core's own.
        let is_last = Arc::strong_count(&self.handle) == 2;
        let closed = if is_last { checkpoint::close(&self.core) } else { checkpoint::now(&self.core) };
        closed.map_err(|e| e.in_store(&self.core.name))
    }
}
