//! Parquet: what is written is what is read, masks mean what predicates mean, statistics rule out nothing that matches, and
//! damage is never another value.

mod damage;
mod foreign;
mod interop;
mod masks;
#[path = "../foreign/python.rs"]
mod python;
mod round_trip;
