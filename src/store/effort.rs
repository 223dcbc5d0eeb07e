//! What a call took beside its answer: counted by whoever repeats something, read by who watches (architecture: observers).
//!
//! A call is one thread's from its start to its end, so the count is that thread's.

use std::cell::Cell;

thread_local! {
    static REPEATS: Cell<u64> = const { Cell::new(0) };
}

/// Part of a call is done once more: after a lost race, or over a new connection.
#[cold]
pub(crate) fn repeated() {
    REPEATS.set(REPEATS.get() + 1);
}

/// How often this thread has repeated something, ever: the difference of two looks is what happened between them.
pub(crate) fn repeats() -> u64 {
    REPEATS.get()
}
