//! Work that another thread of rayon does while its owner goes on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

/// Whether this thread can leave work to others: it is none of rayon's.
pub(crate) fn is_possible() -> bool {
    rayon::current_thread_index().is_none()
}

/// What work comes to.
pub(crate) enum Beside<T> {
    /// It is done.
    Done(T),
    /// It is being done; or it panicked.
    Coming(Receiver<thread::Result<T>>),
}

impl<T: Send + 'static> Beside<T> {
    /// Has work done. On a thread of rayon it is done when this returns: one that waited there might wait for itself.
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Beside<T> {
        if !is_possible() {
            return Beside::Done(work());
        }
        let (done, coming) = channel();
        hand_over(work, done);
        Beside::Coming(coming)
    }

    /// Waits for it; nothing where the thread is gone.
    ///
    /// # Panics
    /// Where the work has.
    pub(crate) fn get(self) -> Option<T> {
        match self {
            Beside::Done(value) => Some(value),
            Beside::Coming(coming) => received(&coming),
        }
    }
}

/// Has another thread of rayon do work, and send what it comes to.
pub(super) fn hand_over<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static, done: Sender<thread::Result<T>>) {
    rayon::spawn(move || {
        // Nobody may be waiting any more.
        let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
    });
}

/// Waits for what is sent next; nothing where the threads are gone.
///
/// # Panics
/// Where the work has.
pub(super) fn received<T>(coming: &Receiver<thread::Result<T>>) -> Option<T> {
    coming.recv().ok().map(|done| done.unwrap_or_else(|panic| resume_unwind(panic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_on_any_thread() {
        assert_eq!(Beside::start(|| 7).get(), Some(7));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
        assert_eq!(pool.install(|| Beside::start(|| 7).get()), Some(7), "it does not wait for itself");
    }

    #[test]
    fn a_panic_comes_through() {
        let panicked = catch_unwind(|| Beside::start(|| assert!(std::hint::black_box(false), "so it is")).get());
        assert!(panicked.is_err());
    }
}
