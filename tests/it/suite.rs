//! The conformance suite on memory, on the toy backend and on a database chosen at run time.

use dk_data::{AnyDatabase, backend::memory::Memory, conformance::Supports};

use crate::toy::Toy;

dk_data::conformance::suite!(toy, Toy::default);
dk_data::conformance::suite!(memory, Memory::new, Supports::ALL, [split]);
dk_data::conformance::suite!(any, || AnyDatabase::open_url("memory:").expect("memory opens"), Supports::ALL, [split]);
