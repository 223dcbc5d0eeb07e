//! Aggregates: folds over the base merged with the overlay.

use super::{Files, core::View, disk::Disk, query, store::FileStore};
use crate::{
    error::Result,
    query::{
        Predicate, Runnable, Seen, Whole,
        aggregate::{Aggregate, Folder, GroupKeys},
    },
    record::RecordCodec,
    store::{Aggregating, Limits},
};

impl<R: RecordCodec, D: Disk> Aggregating<R> for FileStore<R, D> {
    fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
        &self,
        query: Runnable<Files<D>, R, P, Whole>,
        keys: &K,
        aggregates: &A,
        limits: &Limits,
    ) -> Result<Vec<(K::Row, A::Out)>> {
        limits.check()?;
        self.core.refresh()?;
        folded(self, self.core.snapshot(), &query, keys, aggregates, limits)
    }
}

/// The groups of a query on one state of a store.
pub(super) fn folded<R: RecordCodec, P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>, D: Disk>(
    store: &FileStore<R, D>,
    view: View<D>,
    query: &Runnable<Files<D>, R, P, Whole>,
    keys: &K,
    aggregates: &A,
    limits: &Limits,
) -> Result<Vec<(K::Row, A::Out)>> {
    let mut folder = Folder::new(keys, aggregates);
    for row in query::unordered(store, view, query, (0, 1), limits)? {
        let row = row?;
        folder.add(Seen { record: &row.record, envelope: &row.envelope });
    }
    folder.finish()
}
