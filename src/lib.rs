//! dk-data.
