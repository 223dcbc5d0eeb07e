//! Work that other threads of rayon do, given as it is done.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use super::beside::{hand_over, received};

/// Some work, in whatever order it was started.
pub(crate) struct AsDone<T> {
    to: Sender<thread::Result<T>>,
    from: Receiver<thread::Result<T>>,
    coming: usize,
}

impl<T: Send + 'static> AsDone<T> {
    pub(crate) fn new() -> AsDone<T> {
        let (to, from) = channel();
        AsDone { to, from, coming: 0 }
    }

    /// Has work done by another thread; this one is none of rayon's, or it might wait for itself.
    pub(crate) fn start(&mut self, work: impl FnOnce() -> T + Send + 'static) {
        self.coming += 1;
        hand_over(work, self.to.clone());
    }

    /// How much of it was started and not given yet.
    pub(crate) fn coming(&self) -> usize {
        self.coming
    }

    /// Waits for what is done next; nothing where nothing is being done.
    ///
    /// # Panics
    /// Where the work has.
    pub(crate) fn get(&mut self) -> Option<T> {
        self.coming = self.coming.checked_sub(1)?;
        received(&self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_given_before_what_was_started_before_it() {
        let (go, wait) = channel();
        let mut work = AsDone::new();
        // Where there is one thread alone, it waits in vain.
        work.start(move || wait.recv_timeout(std::time::Duration::from_secs(5)).map_or(0, |()| 1));
        work.start(|| 2);
        let first = work.get();
        let _ = go.send(());
        let both = (first, work.get());
        assert!(both == (Some(2), Some(1)) || rayon::current_num_threads() == 1, "{both:?}");
        assert_eq!((work.coming(), work.get()), (0, None));
    }
}
