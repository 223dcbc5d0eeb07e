//! The suite that every backend must pass, on a real server: typed columns, one document column, tables that were there
//! before, and a backend chosen at run time.

use std::sync::LazyLock;

use dk_data::{
    AnyDatabase, Database, Error, RecordCodec, Result, Transactional,
    backend::postgres::{Postgres, PostgresStore, PostgresTransaction},
    conformance::Supports,
};

use crate::server;

/// A schema for all tests of the process; the server goes away with the run.
static SCHEMA: LazyLock<String> = LazyLock::new(|| {
    let schema = format!("suite_{}", std::process::id());
    let mut client = server::client(&server::url());
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).expect("the database is ours");
    schema
});

/// What the suite asks for does not depend on how fast the disk is, or how busy the machine.
fn url(more: &str) -> String {
    format!("{}?schema={}&options=-c%20synchronous_commit%3Doff&pool_timeout_ms=60000{more}", server::url(), *SCHEMA)
}

fn connect(more: &str) -> Postgres {
    Postgres::connect(&url(more)).expect("the server answers")
}

static COLUMNS: LazyLock<Postgres> = LazyLock::new(|| connect("&pool_size=20"));
static DOCUMENT: LazyLock<Postgres> = LazyLock::new(|| connect("&pool_size=20&layout=document"));
static ANY: LazyLock<AnyDatabase> =
    LazyLock::new(|| AnyDatabase::open_url(&url("&pool_size=20")).expect("the server answers"));
static FOREIGN: LazyLock<Postgres> = LazyLock::new(|| connect("&pool_size=20&create_tables=false"));

/// Tables as somebody else would have made them: no version column, texts of another type, timestamps without zone.
#[derive(Clone)]
struct Existing;

impl Database for Existing {
    type Engine = Postgres;
    type Store<R: RecordCodec> = PostgresStore<R>;

    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<PostgresStore<R>> {
        COLUMNS.open::<R>(name, shape.clone())?;
        let mut client = server::client(&server::url());
        let table = format!("{}.\"{name}\"", *SCHEMA);
        let versions = client
            .query("SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = '_version' AND NOT attisdropped", &[&table])
            .expect("the catalogue answers");
        if !versions.is_empty() {
            let sql = format!(
                "ALTER TABLE {table} DROP COLUMN _version, ALTER COLUMN _created_at TYPE timestamp, \
                 ALTER COLUMN _updated_at TYPE timestamp, ADD COLUMN \"somebody's own\" text"
            );
            client.batch_execute(&sql).expect("the table is ours");
        }
        FOREIGN.open(name, shape)
    }
}

/// One transaction over such tables, which are made beside it.
struct ExistingTransaction<'t>(&'t PostgresTransaction<'t>);

impl Database for ExistingTransaction<'_> {
    type Engine = Postgres;
    type Store<R: RecordCodec> = PostgresStore<R>;

    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<PostgresStore<R>> {
        Existing.open::<R>(name, shape.clone())?;
        self.0.open(name, shape)
    }
}

impl Transactional for Existing {
    type Transaction<'t> = ExistingTransaction<'t>;

    fn transaction<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&ExistingTransaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        FOREIGN.transaction(|transaction| work(&ExistingTransaction(transaction)))
    }
}

/// 5,100 questions in each arrangement, a third of them to derived records; on columns, whose way most others share, more.
const SUPPORTS: Supports = Supports { queries_in_transaction: 3_400, ..Supports::ALL };
const OTHERS: Supports = Supports { queries: 3_400, ..SUPPORTS };

dk_data::conformance::suite!(columns, || COLUMNS.clone(), SUPPORTS, [aggregates, split, transactions, in_transaction]);
dk_data::conformance::suite!(document, || DOCUMENT.clone(), OTHERS, [aggregates, split, transactions, in_transaction]);
dk_data::conformance::suite!(existing, || Existing, OTHERS, [aggregates, split, transactions, in_transaction]);
dk_data::conformance::suite!(any, || ANY.clone(), OTHERS, [aggregates, split, transactions]);
