//! The project's prose. Each page is a module, so that the compiler runs every block of code on it.
//!
//! - [`tutorial`]: from nothing to transactions, for users.
//! - [`semantics`]: what every operation means, clause by clause, on every backend.
//! - [`capabilities`]: which engine can do what beyond that.
//! - [`files`]: what is where, what is safe, and what other tools see when.
//! - `postgres`, with the feature of that name: connecting, tables and indexes, transactions, what each error means.
//! - [`new_backend`]: how to bring a backend of your own.
//! - [`design`]: why things are as they are.
//! - [`changelog`]: what changed for users.
//!
//! This module holds no code of the library.

#[doc = include_str!("tutorial.md")]
pub mod tutorial {}
#[doc = include_str!("semantics.md")]
pub mod semantics {}
#[doc = include_str!("capabilities.md")]
pub mod capabilities {}
#[doc = include_str!("files.md")]
pub mod files {}
#[cfg(feature = "postgres")]
#[doc = include_str!("postgres.md")]
pub mod postgres {}
#[doc = include_str!("new_backend.md")]
pub mod new_backend {}
#[doc = include_str!("design.md")]
pub mod design {}
#[doc = include_str!("changelog.md")]
pub mod changelog {}

/// The first page of the repository, so that its code is tested too.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub mod readme {}
