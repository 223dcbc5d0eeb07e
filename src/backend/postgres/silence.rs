//! A server that falls silent in the middle of an answer: how long a connection is waited for, and what is found out about it.
//!
//! A call without a deadline may wait as long as the server works for it: after some time of silence the server is asked over
//! another connection whether it does. The clock itself is the time-out of the socket: see [`Line`](super::line::Line).

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How much longer than its deadline a call waits: the server is told the deadline too, and its answer is the better one.
pub(super) const GRACE: Duration = Duration::from_millis(500);
/// How long a server that has nothing to do for a connection may take to say so on it.
const SETTLED: Duration = Duration::from_secs(1);

/// What the other side of a connection does, as far as it can be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// It works, or it cannot be told.
    Something,
    /// It waits for us since this moment: what it said before has been lost.
    Waiting(i64),
    /// It is gone, or the server does not answer at all.
    Nothing,
}

/// Finds out what the other side does; takes a while.
type Ask = fn(&Watch) -> Doing;

/// What the next read from the socket may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing: what came with the last one is there, and no more.
    Rest,
    /// Wait for the answer that the server owes.
    Wait,
    /// Wait this long for what the server may say of itself.
    Listen(Duration),
}

/// How long a connection waits, said by whoever uses it.
#[derive(Debug)]
pub(super) struct Watch {
    /// When reading gives up, in milliseconds since `start`; never, where it is the greatest number.
    until_ms: AtomicU64,
    start: Instant,
    /// The turn that was granted and not taken yet: nothing, the greatest number for one that waits, or one more than the
    /// microseconds for which it listens.
    turn: AtomicU64,
    /// Whether a write could not go on.
    stalled: AtomicBool,
    /// How often something went either way.
    stirs: AtomicU64,
    /// The number of stirs at which the other side was found to be gone, and one more.
    gone_at: AtomicU64,
    /// How long silence lasts before the server is asked about it.
    patience: Option<Duration>,
    ask: Ask,
    /// Whether the server owes an answer; where not, its silence means nothing.
    expecting: AtomicBool,
    /// Who is asked about, once it is known.
    pub(super) about: OnceLock<About>,
}

/// Whose silence it is.
#[derive(Debug)]
pub(super) struct About {
    pub(super) config: Arc<super::PostgresConfig>,
    pub(super) backend: super::pool::Backend,
}

impl Watch {
    pub(super) fn new(patience: Option<Duration>, ask: Ask) -> Arc<Watch> {
        Arc::new(Watch {
            until_ms: AtomicU64::new(u64::MAX),
            start: Instant::now(),
            turn: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            stirs: AtomicU64::new(0),
            gone_at: AtomicU64::new(0),
            patience,
            ask,
            expecting: AtomicBool::new(false),
            about: OnceLock::new(),
        })
    }

    /// Sets when reading gives up.
    pub(super) fn wait_until(&self, until: Option<Instant>) {
        let millis = until.map_or(u64::MAX, |until| {
            u64::try_from(until.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
        });
        self.until_ms.store(millis, Ordering::Relaxed);
    }

    pub(super) fn until(&self) -> Option<Instant> {
        match self.until_ms.load(Ordering::Relaxed) {
            u64::MAX => None,
            millis => self.start.checked_add(Duration::from_millis(millis)),
        }
    }

    /// Says whether the server owes an answer.
    #[inline]
    pub(super) fn expect(&self, answer: bool) {
        self.expecting.store(answer, Ordering::Relaxed);
    }

    pub(super) fn patience(&self) -> Option<Duration> {
        self.patience.filter(|_| self.expecting.load(Ordering::Relaxed))
    }

    /// Says what the next read may do. Whoever uses a connection reads from it too, in the same thread.
    pub(super) fn grant(&self, turn: Turn) {
        let word = match turn {
            Turn::Rest => 0,
            Turn::Wait => u64::MAX,
            Turn::Listen(within) => {
                u64::try_from(within.as_micros()).map_or(u64::MAX - 1, |micros| micros.min(u64::MAX - 2) + 1)
            }
        };
        self.turn.store(word, Ordering::Relaxed);
    }

    /// What was granted, once.
    pub(super) fn take_turn(&self) -> Turn {
        let word = self.turn.load(Ordering::Relaxed);
        self.turn.store(0, Ordering::Relaxed);
        match word {
            0 => Turn::Rest,
            u64::MAX => Turn::Wait,
            more => Turn::Listen(Duration::from_micros(more - 1)),
        }
    }

    /// Says that a write could not go on.
    pub(super) fn stall(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }

    /// What a read may do that has nothing to hand on: wait, unless there is more to write, which may wait for it.
    pub(super) fn grant_next(&self) {
        let stalled = self.stalled.load(Ordering::Relaxed);
        self.stalled.store(false, Ordering::Relaxed);
        self.grant(if stalled { Turn::Listen(Duration::ZERO) } else { Turn::Wait });
    }

    /// Says that something went either way.
    #[inline]
    pub(super) fn stir(&self) {
        // Nobody else counts.
        self.stirs.store(self.stirs.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone_at.load(Ordering::Acquire) == self.stirs.load(Ordering::Relaxed) + 1
    }

    /// Asks about the other side, and keeps that it is gone where it is. Where it has said something meanwhile, the answer
    /// counts for nothing.
    pub(super) fn look_after(&self) {
        let stirs = self.stirs.load(Ordering::Relaxed);
        let doing = (self.ask)(self);
        if doing == Doing::Something {
            return;
        }
        thread::sleep(SETTLED);
        if (self.ask)(self) == doing {
            self.gone_at.store(stirs + 1, Ordering::Release);
        }
    }
}
