//! Records side by side: pages that are copied when somebody still looks at them.
//!
//! A page is shared, never locked: whoever holds it sees its records as they were. A writer changes a page in place
//! while it alone has it, and else [copies](copied) it first. That clones its records, which is the user's code, so it
//! is done with no lock held.

use std::sync::{
    Arc,
    atomic::{Ordering, fence},
};

use crate::record::Stored;

/// Records in a page at most: what a writer clones when a snapshot shares the page. More would make that dearer, fewer
/// would cost scans and the list of pages.
pub(super) const PAGE: usize = 32;
/// Records in the first page. The second is as large, and then each is twice as large as the one before, up to
/// [`PAGE`]: a small table stays small, and no record ever moves.
const FIRST_PAGE: usize = 4;
/// Pages before the first of [`PAGE`] records.
const SMALL_PAGES: usize = (PAGE / FIRST_PAGE).ilog2() as usize + 1;

/// Records, `None` where there is none.
pub(super) type Page<R> = Arc<[Option<Stored<R>>]>;

/// The page with these records.
fn page<R>(records: impl Iterator<Item = Option<Stored<R>>>) -> Page<R> {
    records.collect()
}

/// A page of one's own with the same records. Runs the user's code.
pub(super) fn copied<R: Clone>(shared: &Page<R>) -> Page<R> {
    page(shared.iter().cloned())
}

/// A record in its page: it stays as it is for as long as this is held.
pub(super) struct Row<R> {
    page: Page<R>,
    place: u32,
}

impl<R> Row<R> {
    /// A record that is in no table.
    pub(super) fn of(stored: Stored<R>) -> Row<R> {
        Row { page: page(std::iter::once(Some(stored))), place: 0 }
    }

    /// The record in a place of a page.
    pub(super) fn at(page: &Page<R>, place: usize) -> Row<R> {
        Row { page: page.clone(), place: place as u32 }
    }

    /// The record; there always is one.
    #[inline]
    pub(super) fn get(&self) -> Option<&Stored<R>> {
        self.page.get(self.place as usize)?.as_ref()
    }

    /// The record itself where nobody else has its page, else a copy.
    pub(super) fn into_stored(mut self) -> Option<Stored<R>>
    where
        R: Clone,
    {
        match Arc::get_mut(&mut self.page) {
            Some(records) => records.get_mut(self.place as usize)?.take(),
            None => self.get().cloned(),
        }
    }

    /// The page that it is in.
    pub(super) fn into_page(self) -> Page<R> {
        self.page
    }
}

impl<R> Clone for Row<R> {
    fn clone(&self) -> Self {
        Row { page: self.page.clone(), place: self.place }
    }
}

/// The pages of a shard. A clone is a snapshot: it costs one count, and the list is copied when the next write comes.
pub(super) struct Pages<R>(Arc<Vec<Page<R>>>);

impl<R> Clone for Pages<R> {
    fn clone(&self) -> Self {
        Pages(self.0.clone())
    }
}

impl<R> Pages<R> {
    pub(super) fn of(pages: Vec<Page<R>>) -> Pages<R> {
        Pages(Arc::new(pages))
    }

    /// The number of a slot's page, and its place in that.
    #[inline]
    pub(super) fn locate(slot: u32) -> (usize, usize) {
        match slot as usize {
            slot @ PAGE.. => (slot / PAGE + SMALL_PAGES - 1, slot % PAGE),
            slot => Self::locate_early(slot),
        }
    }

    #[cold]
    fn locate_early(slot: usize) -> (usize, usize) {
        match slot {
            0..FIRST_PAGE => (0, slot),
            _ => {
                let size = 1 << slot.ilog2();
                ((size / FIRST_PAGE).ilog2() as usize + 1, slot - size)
            }
        }
    }

    /// Records in the page with this number.
    fn size(number: usize) -> usize {
        FIRST_PAGE << number.saturating_sub(1).min(SMALL_PAGES - 1)
    }

    #[inline]
    pub(super) fn list(&self) -> &[Page<R>] {
        &self.0
    }

    /// The record in a slot.
    #[inline]
    pub(super) fn at(&self, slot: u32) -> Option<&Stored<R>> {
        let (page, place) = self.page(slot)?;
        page.get(place)?.as_ref()
    }

    /// The page of a slot, and its place in that.
    #[inline]
    pub(super) fn page(&self, slot: u32) -> Option<(&Page<R>, usize)> {
        let (number, place) = Self::locate(slot);
        Some((self.0.get(number)?, place))
    }

    /// The page of a slot, where somebody else has it, too.
    #[inline]
    pub(super) fn shared(&mut self, slot: u32) -> Option<Page<R>> {
        let (number, _) = Self::locate(slot);
        if Arc::strong_count(&self.0) > 1 {
            self.unshare();
        }
        // A count of one is the shard's own: who wants another needs the lock or a list that has it. Whoever let go of the list
        // after taking a page out of it is seen to have that page.
        fence(Ordering::Acquire);
        self.0.get(number).filter(|page| Arc::strong_count(page) > 1).cloned()
    }

    /// Makes the list the shard's own, so that the counts of its pages tell who else has them.
    #[cold]
    fn unshare(&mut self) {
        Arc::make_mut(&mut self.0);
    }

    /// Whether the page of a slot is still to be made.
    #[inline]
    pub(super) fn lacks(&self, slot: u32) -> bool {
        Self::locate(slot).0 >= self.0.len()
    }

    /// The empty page for a slot that lacks one.
    pub(super) fn fresh(slot: u32) -> Page<R> {
        let (number, _) = Self::locate(slot);
        page((0..Self::size(number)).map(|_| None))
    }

    /// Puts a page where its original still is, or where still is none. What is not needed comes back.
    pub(super) fn adopt(&mut self, slot: u32, original: Option<&Page<R>>, new: Page<R>) -> Option<Page<R>> {
        let (number, _) = Self::locate(slot);
        let pages = Arc::make_mut(&mut self.0);
        let end = pages.len();
        match (original, pages.get_mut(number)) {
            (Some(original), Some(page)) if Arc::ptr_eq(page, original) => Some(std::mem::replace(page, new)),
            (None, None) if number == end => {
                pages.push(new);
                None
            }
            _ => Some(new),
        }
    }

    /// The place of a slot, in a page that nobody else has.
    #[inline]
    pub(super) fn place(&mut self, slot: u32) -> Option<&mut Option<Stored<R>>> {
        let (number, place) = Self::locate(slot);
        let pages = Arc::make_mut(&mut self.0);
        if number == pages.len() {
            pages.push(Self::fresh(slot));
        }
        Arc::get_mut(pages.get_mut(number)?)?.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_fill_pages_that_double_up_to_the_full_size() {
        let mut slot = 0;
        for number in 0..10 {
            for place in 0..Pages::<()>::size(number) {
                assert_eq!(Pages::<()>::locate(slot), (number, place), "slot {slot}");
                slot += 1;
            }
        }
        let sizes: Vec<_> = (0..6).map(Pages::<()>::size).collect();
        assert_eq!(sizes, [4, 4, 8, 16, 32, 32]);
    }

    #[test]
    fn semantics_6_1_a_row_takes_24_bytes() {
        assert_eq!(size_of::<Row<String>>(), 24);
    }
}
