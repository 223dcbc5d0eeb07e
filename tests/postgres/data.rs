//! Real data that others gathered; it lies beside the project and is never part of it.

use std::fs;

/// The bytes of a file of the shared data.
#[track_caller]
pub fn shared(path: &str) -> Vec<u8> {
    let path = format!("{}/../shared/data/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read(&path).unwrap_or_else(|error| panic!("the shared data is not there, {path}: {error}"))
}
