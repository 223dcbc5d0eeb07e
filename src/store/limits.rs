//! What a caller sets for a call: a deadline, a way to cancel, how much a stream holds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::error::{Error, ErrorKind, Result};

/// Limits of the calls made through a handle: `store.with(Limits::default().deadline_in(..))`.
///
/// ```
/// use std::time::Duration;
/// use dk_data::Limits;
/// let limits = Limits::default().deadline_in(Duration::from_secs(5)).chunk(500);
/// assert!(limits.check().is_ok());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// When to give up.
    pub deadline: Option<Instant>,
    /// Set by the caller to stop.
    pub cancel: Option<CancelToken>,
    /// Records in a chunk of a stream or a load.
    pub chunk: usize,
}

impl Limits {
    /// No deadline, no token, chunks of 1,000 records.
    pub const NONE: &'static Limits = &Limits { deadline: None, cancel: None, chunk: 1_000 };

    /// Give up after this long, counted from now.
    #[must_use]
    pub fn deadline_in(mut self, time: Duration) -> Limits {
        self.deadline = Instant::now().checked_add(time);
        self
    }
    /// Stop when this token is set.
    #[must_use]
    pub fn cancel(mut self, token: &CancelToken) -> Limits {
        self.cancel = Some(token.clone());
        self
    }
    /// Records in a chunk of a stream or a load; at least 1.
    #[must_use]
    pub fn chunk(mut self, records: usize) -> Limits {
        self.chunk = records.max(1);
        self
    }
    /// Whether a call may go on. Engines ask before they begin and between chunks.
    ///
    /// # Errors
    /// `Timeout` when the deadline has passed, `Cancelled` when the token is set.
    pub fn check(&self) -> Result<()> {
        match self {
            Limits { cancel: Some(token), .. } if token.is_set() => {
                Err(Error::new(ErrorKind::Cancelled, "the caller cancelled it"))
            }
            Limits { deadline: Some(deadline), .. } if Instant::now() >= *deadline => {
                Err(Error::new(ErrorKind::Timeout, "the deadline has passed"))
            }
            _ => Ok(()),
        }
    }
    /// Whether there is anything to check.
    pub fn is_none(&self) -> bool {
        self.deadline.is_none() && self.cancel.is_none()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::NONE.clone()
    }
}

/// Set once to stop every call that was given it or a clone of it.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that is not set.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }
    /// Stops the calls that watch it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
    /// Whether it was set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
