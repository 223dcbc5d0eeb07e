//! The queries on a backend that is chosen at run time.

use dk_data::{AnyDatabase, AnyStore, Database, Record, Result, Store, Stored};

include!("../wide.rs");
wide!(#[derive(Record, Clone, Debug, Default)]);
include!("../queries.rs");
include!("../typed.rs");

type WideStore = AnyStore<Wide>;

fn main() -> Result<()> {
    run(&AnyDatabase::open_url("memory:")?.store()?)
}
