//! The engines: each in a folder of its own, with the same file names inside.

#[cfg(feature = "file")]
pub mod file;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
