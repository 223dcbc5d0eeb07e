//! The PostgreSQL backend on real servers: the suite, faults, injection, types, real data, plans.
//!
//! The server is started by the test command: `bash tests/services/with.sh postgres -- cargo test --all-features --test postgres`.
//! Without one every test here fails and says so; nothing is skipped.

mod adopted;
mod airports;
mod changed;
mod composite;
mod connect;
mod cut_tables;
mod cuts;
mod data;
mod differences;
mod example;
mod faults;
mod golden;
mod indexes;
mod injection;
mod locales;
mod migrations;
mod plans;
mod proxy;
mod regex;
mod search;
mod server;
mod silence;
mod store;
mod streams;
mod suite;
mod types;
mod watch;
