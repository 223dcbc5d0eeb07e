//! Aggregates: folds over a snapshot, on all cores where it is large. No lock is held while they run.

use super::{Memory, snapshot::Snapshot, store::MemoryStore, transaction::MemoryTransactionStore};
use crate::{
    error::Result,
    query::{
        Predicate, Runnable, Seen, Whole,
        aggregate::{Aggregate, Folder, GroupKeys},
    },
    record::RecordCodec,
    store::{Aggregating, Limits},
};

impl<R: RecordCodec> Aggregating<R> for MemoryStore<R> {
    fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
        &self,
        query: Runnable<Memory, R, P, Whole>,
        keys: &K,
        aggregates: &A,
        limits: &Limits,
    ) -> Result<Vec<(K::Row, A::Out)>> {
        fold(&Snapshot::of(&self.table), &query, keys, aggregates, limits)
    }
}

impl<R: RecordCodec> Aggregating<R> for MemoryTransactionStore<'_, R> {
    fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
        &self,
        query: Runnable<Memory, R, P, Whole>,
        keys: &K,
        aggregates: &A,
        limits: &Limits,
    ) -> Result<Vec<(K::Row, A::Out)>> {
        fold(&self.snapshot(), &query, keys, aggregates, limits)
    }
}

fn fold<R: RecordCodec, P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
    snapshot: &Snapshot<R>,
    query: &Runnable<Memory, R, P, Whole>,
    keys: &K,
    aggregates: &A,
    limits: &Limits,
) -> Result<Vec<(K::Row, A::Out)>> {
    limits.check()?;
    let add = |folder: &mut Folder<'_, R, K, A>, row: Seen<'_, R>| {
        if query.admits(row) {
            folder.add(row);
        }
    };
    snapshot.fold(limits, add, || Folder::new(keys, aggregates), Folder::merge)?.finish()
}
