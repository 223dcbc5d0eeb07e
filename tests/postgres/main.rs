//! The PostgreSQL backend on real servers: faults, injection, types, real data, plans.
//!
//! The server is started by the test command: `bash tests/services/with.sh postgres -- cargo test --all-features --test postgres`.
//! Without one every test here fails and says so; nothing is skipped.

// What the tests of the backend will use as it grows.
#[allow(dead_code)]
mod proxy;
#[allow(dead_code)]
mod server;
mod store;
mod suite;
