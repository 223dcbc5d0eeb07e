//! The integration tests, one binary: each module is a subject, each test's name a promise.

mod aggregate;
mod airports;
mod bad_input;
#[cfg(all(feature = "file", feature = "postgres"))]
mod capabilities;
mod csv_nested;
mod derive;
mod examples;
#[cfg(all(feature = "file", target_os = "linux"))]
mod file_memory;
mod filter;
mod formats;
mod layer;
mod memory;
mod naughty;
mod tidy;
