//! Our speed as ratios to the raw thing underneath, both measured in the same process: `cargo bench --bench ratios`.
//!
//! A ratio is a claim of the product; a time is not, it belongs to one machine on one day. Above 1 we are faster than the rival.
//! Arguments: names to run, by prefix (`-- memory csv/read`); `--quick` for a tenth of the records; `--rows N`; `--rounds N`;
//! `--raw` to time the rivals alone, `--ours` to time us alone; `--cpu` for the time on cores instead of the wall clock.
//! Without cargo's own `--bench` (that is, under `cargo test`) everything runs once, tiny.
//!
//! The rows of PostgreSQL want a server and all features:
//! `bash tests/services/with.sh postgres -- cargo bench --all-features --bench ratios -- postgres`.
//!
//! One file per area holds the rows of the table: what the rival does, what we do, and the ratio we want.

mod csv;
mod data;
#[cfg(feature = "file")]
mod file;
mod filter;
mod harness;
mod id;
mod json;
mod memory;
#[cfg(feature = "parquet")]
mod parquet;
mod people;
#[cfg(feature = "postgres")]
mod postgres;
mod shared;
#[cfg(feature = "postgres")]
mod wire;

use std::{env, process};

use harness::{Row, Settings};

/// The areas in the order of the table. Each is measured on data of its own, so that none runs beside another's leftovers.
const AREAS: &[&[Row]] = &[
    memory::ROWS,
    shared::ROWS,
    filter::ROWS,
    csv::ROWS,
    json::ROWS,
    #[cfg(feature = "parquet")]
    parquet::ROWS,
    #[cfg(feature = "file")]
    file::ROWS,
    id::ROWS,
    #[cfg(feature = "postgres")]
    postgres::ROWS,
];

fn main() {
    let settings = Settings::parse(env::args().skip(1)).and_then(with_servers).unwrap_or_else(|mistake| {
        eprintln!("{mistake}");
        process::exit(2);
    });
    harness::run(AREAS, &settings);
}

/// Refuses to begin what would break off later for want of a server.
fn with_servers(settings: Settings) -> Result<Settings, String> {
    #[cfg(feature = "postgres")]
    if settings.wants_any(postgres::ROWS) && env::var_os("DK_POSTGRES_URL").is_none() {
        let how = "bash tests/services/with.sh postgres -- cargo bench --all-features --bench ratios -- postgres";
        return Err(format!("the rows of PostgreSQL need a server; name other rows, or run: {how}"));
    }
    Ok(settings)
}
