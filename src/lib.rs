//! dk-data.

pub mod id;
pub mod version;
