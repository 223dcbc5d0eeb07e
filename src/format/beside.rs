//! Work that another thread of rayon does while its owner goes on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::mpsc::{Receiver, sync_channel},
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
    Coming(Receiver<std::thread::Result<T>>),
}

impl<T: Send + 'static> Beside<T> {
    /// Has work done. On a thread of rayon it is done when this returns: one that waited there might wait for itself.
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Beside<T> {
        if !is_possible() {
            return Beside::Done(work());
        }
        let (done, coming) = sync_channel(1);
        rayon::spawn(move || {
            // Nobody may be waiting any more.
            let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
        });
        Beside::Coming(coming)
    }

    /// Waits for it; nothing where the thread is gone.
    ///
    /// # Panics
    /// Where the work has.
    pub(crate) fn get(self) -> Option<T> {
        match self {
            Beside::Done(value) => Some(value),
            Beside::Coming(coming) => coming.recv().ok().map(|done| done.unwrap_or_else(|panic| resume_unwind(panic))),
        }
    }
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
