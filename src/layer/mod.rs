//! Layers: stores around stores. A layer is a driver on another driver, so every verb works on it as on what it wraps.
//!
//! This module knows no backend and does no I/O of its own.

pub mod emulated;
pub mod observed;

pub use self::{
    emulated::{Budget, Emulate, Emulated, EmulatedEngine},
    observed::{Event, Observe, Observed, Observer, Verb},
};
