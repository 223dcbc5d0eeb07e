//! The same filters as closures over a `Vec`, and the record without our derive.

include!("../wide.rs");
wide!(#[derive(Clone, Debug, Default)]);
include!("../by_hand.rs");

fn found(rows: &[Wide]) -> u64 {
    rows.iter().map(|row| u64::from(row.count_0)).sum()
}

fn main() {
    println!("{}", all(&vec![Wide::default(); 10]));
}
