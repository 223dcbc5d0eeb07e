//! PostgreSQL: a store is a table, and the server does the work (semantics throughout; durability is the server's own).
//!
//! Each field is a typed column, nested records are flattened, the envelope stands beside them in columns that begin with
//! `_`. Every operator, order and page runs in the server, every value is a parameter, and what a query comes to is told by
//! `explain`. Tables that are there already are stores as they are, as long as they have a primary key.
//!
//! ```no_run
//! use dk_data::{Database, Document, Query, Schema, Store, backend::postgres::Postgres, document};
//! let db = Postgres::connect("postgres://app:secret@localhost/shop")?;
//! let people = db.documents("people", Schema::open("people"))?;
//! people.create(document! { "name" => "Ann" })?;
//! for person in people.stream(Query::new())? {
//!     println!("{:?}", person?.record);
//! }
//! # Ok::<(), dk_data::Error>(())
//! ```

mod aggregate;
mod batch;
mod block;
mod build;
mod catalogue;
mod cell;
mod client;
mod codec;
mod commit;
mod compare;
mod composite;
mod config;
mod convert;
mod copy;
mod defaults;
mod describe;
mod drafts;
mod error;
mod fold;
mod index;
mod json;
mod keep;
mod key;
mod line;
mod link;
mod live;
mod matching;
mod migrate;
mod modifier;
mod name;
mod numeric;
mod offenders;
mod order;
mod patch;
mod pattern;
mod peer;
mod pool;
mod query;
mod regex;
mod relayout;
mod rows;
mod schema;
mod search;
mod silence;
mod split;
mod stage;
mod statement;
mod store;
mod tagged;
#[cfg(feature = "postgres-tls")]
mod tls;
mod transaction;
mod unknown;
mod watch;
mod wire;
mod write;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

pub use self::{
    compare::Difference,
    config::{Isolation, PostgresConfig, Tls},
    index::PostgresIndex,
    rows::PostgresRows,
    store::PostgresStore,
    transaction::PostgresTransaction,
    watch::{Event, PostgresWatch},
};
use self::{link::Link, live::Opened, pool::Pool};
use crate::{
    capability::{Caps, Engine, Provides, Regex},
    error::Result,
    record::{RecordCodec, Schema},
    store::Database,
};

/// How records lie in a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// One typed column for each field: half the size, and twice as fast to write.
    #[default]
    Columns,
    /// One `jsonb` column, `_data`, for the whole record.
    Document,
}

/// A PostgreSQL database: a pool of connections. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Postgres {
    pool: Pool,
    known: Arc<Known>,
}

/// The tables that were looked up.
#[derive(Default)]
struct Known {
    tables: Mutex<Tables>,
    /// The number of [`CHANGES`] when that was done.
    changes: AtomicU64,
}

/// By name; more than one where a table is opened with several schemas.
type Tables = HashMap<String, Vec<Arc<Opened>>>;

/// How often a table seemed to be another one than it was when it was looked up. Then all are looked up again: nobody knows
/// what else others have changed, and it happens seldom.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// Says that a table may have been changed since it was looked up.
fn notice_change() {
    CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// The number of the lock that whoever makes something of a table holds, of a table whose name this is in SQL.
fn lock_of(name: &str) -> String {
    format!("hashtextextended({name}, 7236291803)")
}

/// The statement that keeps others from making something of a table at the same time, until the transaction ends.
fn alone(qualified: &str) -> String {
    format!("SELECT pg_advisory_xact_lock({})", lock_of(&schema::literal(qualified)))
}

impl Postgres {
    /// Connects as a URL says; see [`PostgresConfig::from_url`] for what it can say.
    ///
    /// # Errors
    /// `Configuration` for a wrong URL, user, password or database, `Connection` for a server that does not answer: at
    /// once, and with the server's own words.
    pub fn connect(url: &str) -> Result<Postgres> {
        Postgres::open_config(PostgresConfig::from_url(url)?)
    }

    /// Connects as a configuration says.
    ///
    /// # Errors
    /// As [`connect`](Postgres::connect).
    pub fn open_config(config: PostgresConfig) -> Result<Postgres> {
        Ok(Postgres::on(Pool::open(config)?))
    }

    /// A configuration to be completed.
    pub fn builder() -> PostgresConfig {
        PostgresConfig::new()
    }

    pub(crate) fn open_rest(rest: &str) -> Result<Postgres> {
        Postgres::open_config(PostgresConfig::from_rest(rest)?)
    }

    fn on(pool: Pool) -> Postgres {
        Postgres { pool, known: Arc::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        let mut tables = self.known.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = CHANGES.load(Ordering::Relaxed);
        if self.known.changes.swap(changes, Ordering::Relaxed) != changes {
            tables.clear();
        }
        tables
    }

    /// A table that was looked up before with the same schema.
    fn known(&self, name: &str, schema: &Schema) -> Option<Arc<Opened>> {
        self.tables().get(name)?.iter().find(|opened| opened.schema == *schema).cloned()
    }

    fn keep(&self, name: &str, opened: Opened) -> Arc<Opened> {
        let opened = Arc::new(opened);
        self.tables().entry(name.to_owned()).or_default().push(opened.clone());
        opened
    }

    fn link(&self) -> Link {
        Link::Pool(self.pool.clone())
    }
}

impl PostgresConfig {
    /// Connects.
    ///
    /// # Errors
    /// As [`Postgres::connect`].
    pub fn connect(self) -> Result<Postgres> {
        Postgres::open_config(self)
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Postgres").field(&*self.pool.config).finish()
    }
}

impl Engine for Postgres {
    const NAME: &'static str = "postgres";
    const PROVIDES: Caps = Caps::AGGREGATES.or(Caps::REGEX).or(Caps::FULL_TEXT);
}

impl Provides<Regex> for Postgres {}

impl Database for Postgres {
    type Engine = Postgres;
    type Store<R: RecordCodec> = PostgresStore<R>;

    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<PostgresStore<R>> {
        let opened = match self.known(name, &shape) {
            Some(opened) => opened,
            None => self.keep(name, Opened::new(Schema::clone(&shape), live::open(&self.link(), &shape, name)?)),
        };
        Ok(PostgresStore::new(self.link(), &opened, shape))
    }
}
