//! The conformance suite on memory and on the toy backend.

use dk_data::backend::memory::Memory;

use crate::toy::Toy;

dk_data::conformance::suite!(toy, Toy::default);
dk_data::conformance::suite!(memory, Memory::new);
