//! A toy backend: the least that a backend must write to have every verb, and an example for authors of backends.
//!
//! Records are kept as documents in one map per store, behind one lock. It overrides nothing and is in no hurry.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dk_data::{
    Changes, Database, Document, Draft, Effect, Envelope, Error, Id, Limits, Outcome, Plan, Predicate, RecordCodec,
    Result, Schema, Stored, Value, Version, Written,
    capability::{Caps, Engine},
    query::{Runnable, Seen, Select},
    record::document::{DocumentReader, DocumentWriter},
    store::{Atomicity, Driver, Write},
};

type Rows = BTreeMap<Id, Stored<Document>>;

/// A database of nothing but maps.
#[derive(Clone, Default)]
pub struct Toy(Arc<Mutex<HashMap<String, Arc<Mutex<Rows>>>>>);

/// What runs its queries.
pub struct ToyEngine;

impl Engine for ToyEngine {
    const NAME: &'static str = "toy";
    const PROVIDES: Caps = Caps::NONE;
}

#[derive(Clone)]
pub struct ToyStore<R: RecordCodec> {
    name: String,
    shape: R::Shape,
    rows: Arc<Mutex<Rows>>,
}

/// No code of the user's runs under a lock, so a poisoned one guards rows that are whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Database for Toy {
    type Engine = ToyEngine;
    type Store<R: RecordCodec> = ToyStore<R>;

    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<ToyStore<R>> {
        let rows = lock(&self.0).entry(name.to_owned()).or_default().clone();
        Ok(ToyStore { name: name.to_owned(), shape, rows })
    }
}

impl<R: RecordCodec> Driver<R> for ToyStore<R> {
    type Engine = ToyEngine;
    type Rows<P: Predicate<R>, S: Select<R>> = std::vec::IntoIter<Result<Stored<S::Out>>>;

    fn shape(&self) -> &R::Shape {
        &self.shape
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn write<'a>(
        &self,
        writes: impl IntoIterator<Item = Write<'a, R>>,
        atomicity: Atomicity,
        limits: &Limits,
    ) -> Result<Vec<Outcome>> {
        limits.check()?;
        // Collected first: the iterator is the user's, and may use this store.
        let writes: Vec<_> = writes.into_iter().collect();
        let mut rows = lock(&self.rows);
        let apply = |rows: &mut Rows, write| self.apply(rows, write).map_err(|e| e.in_store(&self.name));
        if atomicity == Atomicity::Each {
            return Ok(writes.into_iter().map(|write| apply(&mut rows, write)).collect());
        }
        let mut copy = rows.clone();
        let written = writes.into_iter().map(|write| apply(&mut copy, write)).collect::<Result<Vec<_>>>()?;
        *rows = copy;
        Ok(written.into_iter().map(Ok).collect())
    }
    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
        limits.check()?;
        let found: Vec<_> = ids.iter().map(|id| lock(&self.rows).get(id).cloned()).collect();
        found.into_iter().map(|row| row.map(|row| self.decode(row)).transpose()).collect()
    }
    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<ToyEngine, R, P, S>,
        limits: &Limits,
    ) -> Result<Self::Rows<P, S>> {
        limits.check()?;
        let all: Vec<_> = lock(&self.rows).values().cloned().collect();
        let rows = all.into_iter().map(|row| self.decode(row)).collect::<Result<Vec<_>>>()?;
        let mut rows: Vec<_> = rows.into_iter().filter(|row| query.admits(seen(row))).collect();
        if query.is_ordered() {
            rows.sort_by(|a, b| query.order().compare(seen(a), seen(b)));
        }
        let page = rows.into_iter().skip(query.offset()).take(query.limit().unwrap_or(usize::MAX));
        let taken =
            page.map(|Stored { envelope, record }| Ok(Stored { envelope, record: query.selection().take(record) }));
        Ok(taken.collect::<Vec<_>>().into_iter())
    }
    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<ToyEngine, R, P, S>,
        limits: &Limits,
    ) -> Result<u64> {
        Ok(self.scan(query, limits)?.count() as u64)
    }
    fn plan<P: Predicate<R>, S: Select<R>>(&self, _: &Runnable<ToyEngine, R, P, S>) -> Result<Plan> {
        Ok(Plan::new(ToyEngine::NAME).step("look at every record, sort what matches"))
    }
}

impl<R: RecordCodec> ToyStore<R> {
    fn decode(&self, row: Stored<Document>) -> Result<Stored<R>> {
        let record = R::decode(&self.shape, &mut DocumentReader::new(&row.record))?;
        Ok(Stored { envelope: row.envelope, record })
    }
    fn apply(&self, rows: &mut Rows, write: Write<'_, R>) -> Outcome {
        match write {
            Write::Create(draft) => self.replace(rows, draft, false, true),
            Write::Update(draft) => self.replace(rows, draft, true, false),
            Write::Upsert(draft) => self.replace(rows, draft, true, true),
            Write::Patch { id, changes, expected } => self.patch(rows, &id, &changes, expected),
            Write::Delete { id, expected } => {
                require(expected.as_ref(), rows.get(&id)).map_err(|e| e.at_id(&id))?;
                let effect = if rows.remove(&id).is_some() { Effect::Deleted } else { Effect::Absent };
                Ok(Written { id, version: None, effect })
            }
            _ => Err(Error::unsupported("the toy does not know this write")),
        }
    }
    fn replace(&self, rows: &mut Rows, mut draft: Draft<'_, R>, if_there: bool, if_missing: bool) -> Outcome {
        draft.seal(&self.shape)?;
        let id = match draft.settle_id(&self.shape)? {
            Some(id) => id,
            None if !if_there => Id::generate(),
            None => return Err(Error::invalid("a record is replaced by its id: give one")),
        };
        let old = rows.get(&id);
        match old {
            Some(_) if !if_there => return Err(Error::already_exists("the id is taken").at_id(&id)),
            None if !if_missing => return Err(Error::not_found("no such record").at_id(&id)),
            _ => require(draft.expected(), old).map_err(|e| e.at_id(&id))?,
        }
        let document = DocumentWriter::document_of(draft.record(), &self.shape)?;
        let (created, updated) = draft.given_times().unwrap_or_default();
        let (effect, kept) = match old {
            Some(old) => (Effect::Updated, old.envelope.clone()),
            None => (Effect::Created, Envelope::of(id).with_times(created, updated)),
        };
        let metadata = draft.given_metadata().unwrap_or(kept.metadata()).clone();
        self.put(rows, kept.with_metadata(metadata), document, effect)
    }
    fn patch(&self, rows: &mut Rows, id: &Id, changes: &Changes<R>, expected: Option<Version>) -> Outcome {
        let changes = changes.bind(&self.shape)?;
        let old = rows.get(id).ok_or_else(|| Error::not_found("no such record").at_id(id))?;
        require(expected.as_ref(), Some(old)).map_err(|e| e.at_id(id))?;
        let Stored { mut record, envelope } = self.decode(old.clone())?;
        let mut metadata = envelope.metadata().clone();
        changes.apply(&self.shape, &mut record, &mut metadata)?;
        let mut draft = Draft::of(record).metadata(metadata.clone());
        draft.seal(&self.shape)?;
        let document = DocumentWriter::document_of(draft.record(), &self.shape)?;
        self.put(rows, envelope.with_metadata(metadata), document, Effect::Updated)
    }
    /// The one place where a record goes in: unique fields, a fresh version, times that never go back.
    fn put(&self, rows: &mut Rows, kept: Envelope, document: Document, effect: Effect) -> Outcome {
        unique(&self.shape, rows, kept.id(), &document)?;
        let (now, version) = (jiff::Timestamp::now(), Version::random());
        let updated =
            kept.updated_at().map_or(now, |before| if effect == Effect::Created { before } else { now.max(before) });
        let created = kept.created_at().unwrap_or(now);
        let envelope = kept.with_times(created, updated).with_version(version.clone());
        let id = envelope.id().clone();
        rows.insert(id.clone(), Stored { envelope, record: document });
        Ok(Written { id, version: Some(version), effect })
    }
}

fn seen<R>(row: &Stored<R>) -> Seen<'_, R> {
    Seen { record: &row.record, envelope: &row.envelope }
}

fn require(expected: Option<&Version>, old: Option<&Stored<Document>>) -> Result<()> {
    match expected {
        Some(_) if expected != old.and_then(|old| old.envelope.version()) => {
            Err(Error::conflict("the version moved on"))
        }
        _ => Ok(()),
    }
}

fn unique(schema: &Schema, rows: &Rows, id: &Id, document: &Document) -> Result<()> {
    let taken =
        |value: &Value, name: &str| rows.iter().any(|(other, row)| other != id && row.record.get(name) == Some(value));
    match schema.fields.iter().find(|f| f.unique && document.get(&f.name).is_some_and(|value| taken(value, &f.name))) {
        Some(field) => Err(Error::already_exists("the value is taken").at_id(id).at_field(field.name.to_string())),
        None => Ok(()),
    }
}
