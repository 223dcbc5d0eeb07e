//! A toy backend: the least that a backend must write to have every verb, and an example for authors of backends.
//!
//! Records are kept as documents in one map per store, behind one lock. It overrides nothing and is in no hurry.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dk_data::{
    Database, Document, Error, Id, Plan, Predicate, RecordCodec, Result, Schema, Seen, Stored, Version,
    capability::{Caps, Engine},
    query::{Runnable, Select},
    record::document::{DocumentReader, DocumentWriter},
    store::{Atomicity, Decision, Driver, Limits, Outcome, Write},
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
        let mut rows: Vec<_> = rows.into_iter().filter(|row| query.admits(Seen::of(row))).collect();
        if query.is_ordered() {
            rows.sort_by(|a, b| query.order().compare(Seen::of(a), Seen::of(b)));
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
        let decision = write.decide(&self.shape, |id| rows.get(id).cloned().map(|row| self.decode(row)).transpose())?;
        let version = Version::random();
        let written = decision.written(Some(version.clone()));
        match decision {
            Decision::Put(Stored { envelope, record }, _) => {
                let record = DocumentWriter::document_of(&record, &self.shape)?;
                unique(&self.shape, rows, &written.id, &record)?;
                let old = rows.remove(&written.id).map(|old| old.record).unwrap_or_default();
                let record = record.keeping_unknown(&old, &self.shape);
                rows.insert(written.id.clone(), Stored { envelope: envelope.with_version(version), record });
            }
            Decision::Remove(id) => drop(rows.remove(&id)),
            Decision::Nothing(_) => {}
        }
        Ok(written)
    }
}

fn unique(schema: &Schema, rows: &Rows, id: &Id, document: &Document) -> Result<()> {
    for (field, _) in schema.declared(|field| field.unique) {
        let value = document.cell(field.steps());
        if !value.is_null() && rows.iter().any(|(other, row)| other != id && row.record.cell(field.steps()) == value) {
            return Err(Error::already_exists("the value is taken").at_id(id).at_field(field.path.to_string()));
        }
    }
    Ok(())
}
