//! Work under a lock that is shared out to threads, apart from those of the caller.
//!
//! A thread of rayon that waits for a part of its work takes up other work of its pool, which may be a write that asks for the
//! lock held below it; and where all threads of a pool wait for that lock, nobody is left to do the parts. So what is done
//! under a lock has a pool of its own, in which nothing asks for one.

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Does work that is shared out, while a lock is held.
pub(super) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    static POOL: LazyLock<Option<ThreadPool>> =
        LazyLock::new(|| ThreadPoolBuilder::new().thread_name(|at| format!("dk-data file {at}")).build().ok());
    match &*POOL {
        Some(pool) if pool.current_thread_index().is_none() => match rayon::current_thread_index() {
            None => pool.install(work),
            // A thread of another pool would take up work of that one, until this is done.
            Some(_) => std::thread::scope(|scope| {
                let done = scope.spawn(|| pool.install(work)).join();
                done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }),
        },
        _ => work(),
    }
}
