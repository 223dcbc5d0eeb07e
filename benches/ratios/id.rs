//! Fresh ids against the uuid crate at its fastest, with `fast-rng`.

use std::hint::black_box;

use dk_data::Id;
use uuid::Uuid;

use crate::{
    data::Data,
    harness::{Outcome, Row},
};

pub const ROWS: &[Row] = &[Row::new("id/new v7", 1.0, raw_new, ours_new)];

fn raw_new(data: &Data) -> Outcome {
    let count = data.rows() as u64;
    let make_all = || {
        for _ in 0..count {
            black_box(Uuid::now_v7());
        }
        count
    };
    Outcome::of(make_all)
}

fn ours_new(data: &Data) -> Outcome {
    let count = data.rows() as u64;
    let make_all = || {
        for _ in 0..count {
            black_box(Id::generate());
        }
        count
    };
    Outcome::of(make_all)
}
