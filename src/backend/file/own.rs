//! Which records a batch has written itself: of each, its last proposal.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::commit::{Proposal, Seen};
use crate::id::Id;

/// Where the proposals of each record are, but for those of ids that were just made, which nobody else can name.
///
/// Most batches come in the order of their ids. As long as one does, what is behind the last id is known to be new, and there
/// is no table of all of them.
pub(super) struct Own {
    /// The greatest id, while each was greater than those before it.
    ascending: Ascending,
    table: HashTable<Slot>,
    hasher: RandomState,
}

enum Ascending {
    UpTo(Option<Id>),
    No,
}

/// Ids are in the proposals alone; what is searched and grown is small.
struct Slot {
    hash: u64,
    at: usize,
}

impl Own {
    pub(super) fn new() -> Own {
        Own { ascending: Ascending::UpTo(None), table: HashTable::new(), hasher: RandomState::default() }
    }

    /// Whether an id is greater than all.
    fn is_behind(&self, id: &Id) -> bool {
        match &self.ascending {
            Ascending::UpTo(greatest) => greatest.as_ref().is_none_or(|greatest| greatest < id),
            Ascending::No => false,
        }
    }

    /// The number of the last proposal of a record.
    pub(super) fn get(&mut self, id: &Id, proposals: &[Proposal]) -> Option<usize> {
        if self.is_behind(id) {
            return None;
        }
        self.search(proposals);
        let hash = self.hasher.hash_one(id);
        self.table.find(hash, |slot| slot.is(hash, id, proposals)).map(|slot| slot.at)
    }

    /// Takes in that the last proposal is of this record; says whether it is the only one.
    pub(super) fn push(&mut self, id: &Id, proposals: &[Proposal]) -> bool {
        let Some((_, before)) = proposals.split_last() else { return true };
        if self.is_behind(id) {
            self.ascending = Ascending::UpTo(Some(id.clone()));
            return true;
        }
        self.search(before);
        self.put(id, before.len(), proposals)
    }

    /// Goes on with a table.
    fn search(&mut self, proposals: &[Proposal]) {
        if matches!(std::mem::replace(&mut self.ascending, Ascending::No), Ascending::No) {
            return;
        }
        self.table.reserve(proposals.len() + 1, |slot| slot.hash);
        for (at, proposal) in proposals.iter().enumerate().filter(|(_, proposal)| proposal.seen != Seen::Fresh) {
            self.put(proposal.entry.id(), at, proposals);
        }
    }

    fn put(&mut self, id: &Id, at: usize, proposals: &[Proposal]) -> bool {
        let hash = self.hasher.hash_one(id);
        if let Some(last) = self.table.find_mut(hash, |slot| slot.is(hash, id, proposals)) {
            last.at = at;
            return false;
        }
        self.table.insert_unique(hash, Slot { hash, at }, |slot| slot.hash);
        true
    }
}

impl Slot {
    fn is(&self, hash: u64, id: &Id, proposals: &[Proposal]) -> bool {
        self.hash == hash && proposals[self.at].entry.id() == id
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::journal::{Change, Entry},
        *,
    };

    #[test]
    fn the_last_proposal_of_each_record_is_found_in_whatever_order_they_come() {
        let orders: [&[u64]; 4] = [&[1, 2, 3], &[1, 2, 2, 3], &[3, 1, 2, 1, 3, 4], &[5, 4, 3]];
        for order in orders {
            let (mut own, mut proposals) = (Own::new(), Vec::new());
            for (at, id) in order.iter().map(|id| Id::from(*id)).enumerate() {
                let last = order[..at].iter().rposition(|other| Id::from(*other) == id);
                assert_eq!(own.get(&id, &proposals), last, "{order:?} at {at}");
                let entry = Entry { change: Change::Deleted { id: id.clone() }, in_base: false };
                proposals.push(Proposal { entry, seen: Seen::Absent });
                assert_eq!(own.push(&id, &proposals), last.is_none(), "{order:?} at {at}");
            }
            assert_eq!(own.get(&Id::from(0_u64), &proposals), None);
            assert_eq!(own.get(&Id::from(9_u64), &proposals), None);
            for id in order {
                let last = order.iter().rposition(|other| other == id);
                assert_eq!(own.get(&Id::from(*id), &proposals), last, "{order:?}");
            }
        }
    }
}
