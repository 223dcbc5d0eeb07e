//! Memory: the reference. Its meaning is the meaning; every other engine is tested against it.
//!
//! Records lie side by side in pages, which a writer changes in place while nobody looks at them and copies while somebody
//! does. A hash leads through one word of a shard's index and through the list of its pages to the record. A lock is held for as
//! long as that takes, never while user code runs: predicates, closures and `R::clone` see pages that stay as they are. Nothing is durable; everything is gone
//! when the last handle is.

mod aggregate;
mod index;
mod page;
mod rows;
mod snapshot;
mod split;
mod store;
mod sweep;
mod table;
mod transaction;
pub(in crate::backend) mod unique;

use std::{
    any::{TypeId, type_name},
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use type_map::concurrent::TypeMap;

pub use self::{
    rows::MemoryRows,
    store::MemoryStore,
    transaction::{MemoryTransaction, MemoryTransactionStore},
};
use crate::{
    capability::{Aggregates, Caps, Engine, OwnCode, Provides, Regex},
    error::{Error, Result},
    record::RecordCodec,
    store::Database,
};
use table::Table;

/// A database in memory: a cheap handle, shared by its clones. A new one is empty.
///
/// A store is bound to the record type that opened it first; opening it with another type is refused, because records
/// are kept as they are and not in a neutral form.
///
/// ```
/// use dk_data::{Database, Document, Schema, Store, backend::memory::Memory, document};
/// let db = Memory::new();
/// let people = db.documents("people", Schema::open("people"))?;
/// let written = people.create(document! { "name" => "Ann" })?;
/// assert_eq!(people.read(&written.id)?.map(|p| p["name"].clone()), Some("Ann".into()));
/// # Ok::<(), dk_data::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Registry>>);

/// The tables of a database, by type and name.
#[derive(Default)]
struct Registry {
    /// For each record type that occurs, a [`Tables`] of it.
    tables: TypeMap,
    /// The record type of each table, and what it is called: two types may be called the same.
    types: HashMap<String, (TypeId, &'static str)>,
}

/// All tables of one record type, by name.
struct Tables<R: RecordCodec>(HashMap<String, Arc<Table<R>>>);

impl Memory {
    /// An empty database.
    pub fn new() -> Memory {
        Memory::default()
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        locked(&self.0)
    }

    /// The table of this name, made where there is none.
    fn table<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<Arc<Table<R>>> {
        let mut registry = self.registry();
        let Registry { tables, types } = &mut *registry;
        let wanted = TypeId::of::<R>();
        if let Some((_, known)) = types.get(name).filter(|(known, _)| *known != wanted) {
            let other = if *known == type_name::<R>() { "another type called " } else { "" };
            let why = format!("it holds {other}`{known}`, and memory keeps one record type in a store");
            return Err(Error::configuration(why).in_store(name));
        }
        let tables = tables.entry::<Tables<R>>().or_insert_with(|| Tables(HashMap::new()));
        if let Some(table) = tables.0.get(name) {
            table.check_shape(&shape)?;
            return Ok(table.clone());
        }
        let table = Arc::new(Table::new(name, shape));
        tables.0.insert(name.to_owned(), table.clone());
        types.insert(name.to_owned(), (wanted, type_name::<R>()));
        Ok(table)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = self.registry();
        f.debug_tuple("Memory").field(&registry.types.keys()).finish()
    }
}

impl Engine for Memory {
    const NAME: &'static str = "memory";
    const PROVIDES: Caps = Caps::OWN_CODE.or(Caps::REGEX).or(Caps::AGGREGATES);
}
impl Provides<OwnCode> for Memory {}
impl Provides<Regex> for Memory {}
impl Provides<Aggregates> for Memory {}

impl Database for Memory {
    type Engine = Memory;
    type Store<R: RecordCodec> = MemoryStore<R>;

    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<MemoryStore<R>> {
        self.table(name, shape).map(MemoryStore::of)
    }
}

/// Takes a lock. No user code runs under any lock here, so a panic elsewhere has not left its data half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
