//! How far long work on files has come.

use std::{
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

/// How often it is told, at most.
const PAUSE: Duration = Duration::from_millis(100);

/// Which work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Work {
    /// Records are searched for.
    Scan,
    /// The index of ids is made, for the first read by id.
    Index,
    /// What was written is put into the file.
    Checkpoint,
    /// Records are written into another file.
    Export,
}

/// How far long work has come (semantics 6.6).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Which work it is.
    pub work: Work,
    /// Records done; of a scan those that were looked at, found or not.
    pub records: u64,
    /// Records in all, where that is known.
    pub total_records: Option<u64>,
    /// Bytes of text read, or of the new file written; of Parquet about so many of the file.
    pub bytes: u64,
    /// Bytes in all, where that is known.
    pub total_bytes: Option<u64>,
    /// Time since the start.
    pub elapsed: Duration,
    /// Whether this is the last word of the work.
    pub ended: bool,
}

impl Progress {
    /// Records a second, so far.
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.records as f64 / seconds } else { 0.0 }
    }
}

/// Tells of one work, now and then.
pub(super) struct Watch {
    to: Option<Sender<Progress>>,
    started: Instant,
    told: Instant,
    state: Progress,
}

impl Watch {
    pub(super) fn new(to: Option<Sender<Progress>>, work: Work) -> Watch {
        let state = Progress {
            work,
            records: 0,
            total_records: None,
            bytes: 0,
            total_bytes: None,
            elapsed: Duration::ZERO,
            ended: false,
        };
        let now = Instant::now();
        Watch { to, started: now, told: now, state }
    }

    pub(super) fn of(mut self, total_records: Option<u64>, total_bytes: Option<u64>) -> Watch {
        (self.state.total_records, self.state.total_bytes) = (total_records, total_bytes);
        self
    }

    /// There are so many records in all.
    pub(super) fn total(&mut self, records: u64) {
        self.state.total_records = Some(records);
    }

    /// So much is done in all.
    pub(super) fn at(&mut self, records: u64, bytes: u64) {
        (self.state.records, self.state.bytes) = (records, bytes);
        if self.to.is_some() && self.told.elapsed() >= PAUSE {
            self.told = Instant::now();
            self.tell(false);
        }
    }

    /// The work has come to its end.
    pub(super) fn end(&mut self) {
        if !self.state.ended {
            self.tell(true);
        }
    }

    fn tell(&mut self, ended: bool) {
        self.state.ended = ended;
        self.state.elapsed = self.started.elapsed();
        let heard = self.to.as_ref().is_some_and(|to| to.send(self.state).is_ok());
        if !heard {
            self.to = None;
        }
    }

    /// How far it is.
    pub(super) fn state(&self) -> Progress {
        Progress { elapsed: self.started.elapsed(), ..self.state }
    }
}
