//! [`Folder`]: aggregates over records that are at hand, group by group; parts can be folded apart and merged.

use std::{cmp::Ordering, collections::BTreeMap, marker::PhantomData, mem};

use super::{Aggregate, GroupKeys};
use crate::{error::Result, query::predicate::Seen};

/// Folds records into groups: what engines that have records at hand build on.
pub struct Folder<'q, R, K: GroupKeys<R>, A: Aggregate<R>> {
    keys: &'q K,
    aggregates: &'q A,
    groups: Groups<R, K, A::State>,
}

impl<'q, R, K: GroupKeys<R>, A: Aggregate<R>> Folder<'q, R, K, A> {
    /// Nothing folded yet.
    pub fn new(keys: &'q K, aggregates: &'q A) -> Self {
        Folder { keys, aggregates, groups: Groups::default() }
    }
    /// Takes a record in.
    #[inline]
    pub fn add(&mut self, row: Seen<'_, R>) {
        let aggregates = self.aggregates;
        self.groups.entry(self.keys, row, |state| aggregates.add(state, row));
    }
    /// What both have folded.
    #[must_use]
    pub fn merge(mut self, mut other: Self) -> Self {
        // The law of aggregates lets the larger part stay where it is.
        if other.groups.len() > self.groups.len() {
            mem::swap(&mut self.groups, &mut other.groups);
        }
        self.groups.merge(other.groups, |state, more| self.aggregates.merge(state, more));
        self
    }
    /// The groups in key order, nulls last, each with its answer. Without keys there is exactly one, even of no records.
    ///
    /// # Errors
    /// As [`Aggregate::finish`].
    pub fn finish(self) -> Result<Vec<(K::Row, A::Out)>> {
        let mut rows = self.groups.into_rows();
        if let (true, Some(row)) = (rows.is_empty(), K::always()) {
            rows.push((row, A::State::default()));
        }
        rows.into_iter().map(|(row, state)| Ok((row, self.aggregates.finish(state)?))).collect()
    }
}

/// A map from the values of group keys, in their order.
///
/// Most records belong to a group that is known, and scalars have an order but no hash: known groups are a sorted list,
/// where a record is looked up without copying its key. New ones wait in a tree until they are half as many.
pub struct Groups<R, K: GroupKeys<R>, T> {
    known: Vec<(K::Row, T)>,
    fresh: BTreeMap<InOrder<R, K>, T>,
}

impl<R, K: GroupKeys<R>, T> Default for Groups<R, K, T> {
    fn default() -> Self {
        Groups { known: Vec::new(), fresh: BTreeMap::new() }
    }
}

impl<R, K: GroupKeys<R>, T: Default> Groups<R, K, T> {
    /// Changes the value of a record's group.
    #[inline]
    pub(super) fn entry(&mut self, keys: &K, seen: Seen<'_, R>, change: impl FnOnce(&mut T)) {
        let known = self.known.binary_search_by(|(row, _)| keys.stands(row, seen));
        match known.ok().and_then(|place| self.known.get_mut(place)) {
            Some((_, value)) => change(value),
            None => self.enter(keys.row(seen), change),
        }
    }
    /// Changes the value of a group that is not known yet.
    fn enter(&mut self, row: K::Row, change: impl FnOnce(&mut T)) {
        change(self.fresh.entry(InOrder(row, PhantomData)).or_default());
        if self.fresh.len() > self.known.len() / 2 {
            self.settle();
        }
    }
    /// Takes another map in.
    pub(super) fn merge(&mut self, other: Self, mut join: impl FnMut(&mut T, T)) {
        for (row, value) in other.into_rows() {
            match self.known.binary_search_by(|(known, _)| K::compare(known, &row)) {
                Ok(place) => join(&mut self.known[place].1, value),
                Err(_) => self.enter(row, |held| join(held, value)),
            }
        }
    }
    /// Its entries, in order.
    pub(super) fn into_rows(mut self) -> Vec<(K::Row, T)> {
        self.settle();
        self.known
    }
    /// How many groups there are.
    fn len(&self) -> usize {
        self.known.len() + self.fresh.len()
    }
    /// Makes the new groups known ones.
    fn settle(&mut self) {
        self.known.extend(mem::take(&mut self.fresh).into_iter().map(|(row, value)| (row.0, value)));
        // Two sorted runs: the standard sort merges them in linear time.
        self.known.sort_by(|(a, _), (b, _)| K::compare(a, b));
    }
}

/// A row in the order of its keys, which has no NaN in it.
struct InOrder<R, K: GroupKeys<R>>(K::Row, PhantomData<fn(R)>);

impl<R, K: GroupKeys<R>> Ord for InOrder<R, K> {
    fn cmp(&self, other: &Self) -> Ordering {
        K::compare(&self.0, &other.0)
    }
}
impl<R, K: GroupKeys<R>> PartialOrd for InOrder<R, K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<R, K: GroupKeys<R>> PartialEq for InOrder<R, K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl<R, K: GroupKeys<R>> Eq for InOrder<R, K> {}
