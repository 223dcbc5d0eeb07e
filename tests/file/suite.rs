//! The conformance suite on each format.

use dk_data::{
    backend::file::{Compression, Durability, Files, Format, Options},
    conformance::Supports,
};

use crate::{disk::Unsynced, folder};

const FILES: Supports = Supports { queries: 500, queries_in_transaction: 100, ..Supports::ALL };

/// A database in a folder of its own, with checkpoints every few records.
fn files(format: Format, compression: Compression) -> Files<Unsynced> {
    files_with(Options::default().format(format, compression))
}

fn files_with(options: Options) -> Files<Unsynced> {
    let options = options.durability(Durability::Os).checkpoint_bytes(16 << 10);
    Files::open_on(Unsynced, folder(), options).expect("a database")
}

dk_data::conformance::suite!(
    csv,
    || files(Format::Csv, Compression::None),
    FILES,
    [aggregates, split, transactions, in_transaction]
);
dk_data::conformance::suite!(
    csv_null,
    // A text that the suite writes, too.
    || files_with(Options::default().null("\\N").expect("a spelling")),
    FILES,
    [aggregates, split, transactions, in_transaction]
);
dk_data::conformance::suite!(
    jsonl,
    || files(Format::JsonLines, Compression::None),
    FILES,
    [aggregates, split, transactions, in_transaction]
);
dk_data::conformance::suite!(
    json,
    || files(Format::Json, Compression::None),
    FILES,
    [aggregates, split, transactions, in_transaction]
);
dk_data::conformance::suite!(
    csv_zst,
    || files(Format::Csv, Compression::Zstd),
    FILES,
    [aggregates, split, transactions, in_transaction]
);
dk_data::conformance::suite!(
    jsonl_gz,
    || files(Format::JsonLines, Compression::Gzip),
    FILES,
    [aggregates, split, transactions, in_transaction]
);
#[cfg(feature = "parquet")]
dk_data::conformance::suite!(
    parquet,
    || files(Format::Parquet, Compression::None),
    FILES,
    [aggregates, split, transactions, in_transaction]
);
