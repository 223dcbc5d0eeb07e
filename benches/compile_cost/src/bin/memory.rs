//! The queries on the memory engine.

use dk_data::{
    Database, Record, Result, Store, Stored,
    backend::memory::{Memory, MemoryStore},
};

include!("../wide.rs");
wide!(#[derive(Record, Clone, Debug, Default)]);
include!("../queries.rs");
include!("../typed.rs");

type WideStore = MemoryStore<Wide>;

fn main() -> Result<()> {
    run(&Memory::new().store()?)
}
