//! The suite that every backend must pass, on a real server.

use std::sync::LazyLock;

use dk_data::backend::postgres::Postgres;

use crate::server;

/// One database for all tests of the process, in a schema of its own. The server goes away with the run.
static DATABASE: LazyLock<Postgres> = LazyLock::new(|| {
    let schema = format!("suite_{}", std::process::id());
    let mut client = server::client(&server::url());
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).expect("the database is ours");
    Postgres::connect(&format!("{}?schema={schema}&pool_size=64&options=-c%20synchronous_commit%3Doff", server::url()))
        .expect("the server answers")
});

dk_data::conformance::suite!(columns, || DATABASE.clone());
