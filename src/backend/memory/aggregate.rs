//! Aggregates: folds over a snapshot, on all cores where it is large. No lock is held while they run.

use super::{
    Memory,
    snapshot::Snapshot,
    store::MemoryStore,
    sweep::{Admitted, Sweep, Taker},
    transaction::MemoryTransactionStore,
};
use crate::{
    error::Result,
    query::{
        Predicate, Runnable, Whole,
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
    let sweep = Sweep::new(snapshot, snapshot.places(), (keys, aggregates), limits).behind_cursor(query.arranged());
    sweep.run(query.predicate());
    folded(sweep, keys, aggregates)
}

fn folded<'s, R: RecordCodec, K: GroupKeys<R>, A: Aggregate<R>>(
    sweep: Sweep<'s, R, Folder<'s, R, K, A>>,
    keys: &K,
    aggregates: &A,
) -> Result<Vec<(K::Row, A::Out)>> {
    let all = sweep.finish()?.into_iter().reduce(Folder::merge);
    all.map_or_else(|| Folder::new(keys, aggregates).finish(), Folder::finish)
}

impl<'s, R: RecordCodec, K: GroupKeys<R>, A: Aggregate<R>> Taker<'s, R> for Folder<'s, R, K, A> {
    type Aim = (&'s K, &'s A);

    fn new((keys, aggregates): (&'s K, &'s A)) -> Self {
        Folder::new(keys, aggregates)
    }

    #[inline]
    fn take(&mut self, found: Admitted<'s, R>) {
        found.for_each(|found| self.add(found.seen()));
    }
}
