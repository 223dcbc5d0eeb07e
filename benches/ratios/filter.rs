//! A filter that is data, bound to its schema, against the same predicate as a type.
//!
//! Both sides are ours, and both count on one thread the people that the memory rows count.

use dk_data::{Bound, Predicate, Store, Typed};

use crate::{
    data::Data,
    harness::{Outcome, Row},
    memory::{on_one_thread, wanted},
    people::Person,
};

pub const ROWS: &[Row] = &[Row::new("filter/bound", 0.2, raw_typed, ours_bound)];

fn raw_typed(data: &Data) -> Outcome {
    let store = data.people_store();
    on_one_thread(|| Outcome::of(|| store.count(wanted()).expect("memory counts")))
}

fn ours_bound(data: &Data) -> Outcome {
    let (store, bound) = (data.people_store(), bound());
    on_one_thread(|| Outcome::of(|| store.count(bound).expect("memory counts")))
}

fn bound() -> Bound<Person> {
    let filter = wanted().lower().expect("a predicate of handles has a data form");
    filter.bind(Person::SCHEMA).expect("its fields are those of the schema")
}
