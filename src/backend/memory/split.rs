//! Splitting: the chunks of one snapshot, shared out.

use super::{Memory, MemoryRows, MemoryStore, snapshot::Snapshot, transaction::MemoryTransactionStore};
use crate::{
    error::Result,
    query::{Predicate, Runnable, Select},
    record::RecordCodec,
    store::{Limits, Split},
};

impl<R: RecordCodec> Split<R> for MemoryStore<R> {
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Memory, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<MemoryRows<R, P, S>>> {
        self.named(split(Snapshot::of(&self.table), &query, parts, limits))
    }
}

impl<R: RecordCodec> Split<R> for MemoryTransactionStore<'_, R> {
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<Memory, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<MemoryRows<R, P, S>>> {
        split(self.snapshot(), &query, parts, limits)
    }
}

fn split<R: RecordCodec, P: Predicate<R>, S: Select<R>>(
    snapshot: Snapshot<R>,
    query: &Runnable<Memory, R, P, S>,
    parts: usize,
    limits: &Limits,
) -> Result<Vec<MemoryRows<R, P, S>>> {
    snapshot.split(parts.max(1)).into_iter().map(|part| MemoryRows::new(part, query.clone(), limits)).collect()
}
