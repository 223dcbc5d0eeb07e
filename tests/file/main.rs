//! The file backend: the suite on each format, and what only files can do wrong.

mod admission;
mod behind;
#[cfg(feature = "parquet")]
mod columns;
mod crash;
mod cuts;
mod damage;
mod disk;
mod export;
mod faults;
mod foreign;
#[cfg(target_os = "linux")]
mod mounted;
mod null;
mod opening;
mod options;
#[cfg(target_os = "linux")]
mod overlay;
mod pools;
mod processes;
#[path = "../foreign/python.rs"]
mod python;
mod readers;
mod suite;
mod transactions;

use std::{
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// A folder that nobody else has, under the build's own and this process's; what an earlier one of its number left is taken away first.
pub fn folder() -> PathBuf {
    static FIRST: OnceLock<PathBuf> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let all = FIRST.get_or_init(|| {
        let all = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("file-tests-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&all);
        all
    });
    let folder = all.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
