//! The conformance suite on each format.

use dk_data::{
    backend::file::{Compression, Durability, Files, Format, Options},
    conformance::Supports,
};

use crate::{disk::Unsynced, folder};

const FILES: Supports = Supports { queries: 500, ..Supports::ALL };

/// A database in a folder of its own, with checkpoints every few records.
fn files(format: Format, compression: Compression) -> Files<Unsynced> {
    let options = Options::default().format(format, compression).durability(Durability::Os).checkpoint_bytes(16 << 10);
    Files::open_on(Unsynced, folder(), options).expect("a database")
}

dk_data::conformance::suite!(
    csv,
    || files(Format::Csv, Compression::None),
    FILES,
    [aggregates, split, transactions, in_transaction]
);
dk_data::conformance::suite!(
    jsonl,
    || files(Format::JsonLines, Compression::None),
    FILES,
    [aggregates, split, transactions]
);
dk_data::conformance::suite!(json, || files(Format::Json, Compression::None), FILES, [aggregates, split, transactions]);
dk_data::conformance::suite!(
    csv_zst,
    || files(Format::Csv, Compression::Zstd),
    FILES,
    [aggregates, split, transactions]
);
dk_data::conformance::suite!(
    jsonl_gz,
    || files(Format::JsonLines, Compression::Gzip),
    FILES,
    [aggregates, split, transactions]
);
#[cfg(feature = "parquet")]
dk_data::conformance::suite!(
    parquet,
    || files(Format::Parquet, Compression::None),
    FILES,
    [aggregates, split, transactions, in_transaction]
);
