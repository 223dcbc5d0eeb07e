//! Base files of Parquet, where the feature `parquet` is on; without it such a file is refused when it is opened.

#[cfg(not(feature = "parquet"))]
mod disabled;
#[cfg(feature = "parquet")]
mod enabled;

#[cfg(not(feature = "parquet"))]
pub(super) use disabled::{ParquetBase, ParquetRows, Said, export};
#[cfg(feature = "parquet")]
pub(super) use enabled::{ParquetBase, ParquetRows, Said, export};
