//! Jobs: what a request asks for, what the outcome of an attempt means, and what its owner is told.
//!
//! [`request`] checks and makes a job, [`outcome`] concludes an attempt, [`frames`] writes what is seen of it.

use std::{sync::Arc, time::Duration};

use oyez_protocol::{
    JobId, JobKind, QueueName, ScheduleName, Timestamp, UserId, WorkerName,
    api::jobs::{JobEnd, JobMessages},
};

pub use oyez_protocol::api::jobs::JobState;

use crate::{notification::Idempotency, progress::Progress, retry::Backoff};

pub mod frames;
pub mod outcome;
pub mod request;
#[cfg(test)]
mod tests;

pub use frames::{attempt_failed_frame, end_draft, end_frame, progress_frame, snapshot_frame, started_frame};
pub use outcome::{Conclusion, Outcome, Running, conclude, max_attempts_for_retry};
pub use request::{new_job, tracked_job};

/// Priority of a job that names none.
pub const DEFAULT_PRIORITY: u8 = 5;
/// How often a job may fail that does not say.
pub const DEFAULT_MAX_ATTEMPTS: u16 = 3;

/// A checked job, ready to store.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Names it.
    pub id: JobId,
    /// What sort of work.
    pub kind: JobKind,
    /// Where it waits.
    pub queue: QueueName,
    /// 0 (first) to 9 (last).
    pub priority: u8,
    /// For the worker: any JSON.
    pub args: Arc<str>,
    /// For the owner: a JSON object whose keys stand in each frame.
    pub data: Arc<str>,
    /// Whose job it is.
    pub user: Option<UserId>,
    /// Not before this time, which lies in the future; none: at once.
    pub run_at: Option<Timestamp>,
    /// Which other job there must not be.
    pub unique: Option<Unique>,
    /// How often it may fail.
    pub max_attempts: u16,
    /// How long one attempt may take; of a tracked job: how long it may be silent.
    pub timeout: Option<Duration>,
    /// How long to wait between attempts.
    pub backoff: Backoff,
    /// Which ends land in the owner's inbox.
    pub notify: Ends,
    /// What the owner reads.
    pub messages: JobMessages,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// It runs elsewhere and reports itself: it is made running, as attempt 1, with `timeout` as its lease.
    pub track: bool,
    /// Who does tracked work.
    pub worker: Option<WorkerName>,
    /// Which schedule made it.
    pub schedule: Option<ScheduleName>,
    /// The time the schedule planned it for.
    pub planned_at: Option<Timestamp>,
    /// Makes a repeated request the same request.
    pub idempotency: Option<Idempotency>,
}

/// No second job with this key is made while one is in these states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    /// The caller's key, and the stretch of time it counts in.
    pub key: String,
    /// In which states the key is taken.
    pub states: StateSet,
}

/// Some of the seven states: bit `n` stands for `JobState::ALL[n]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateSet(pub u8);

impl StateSet {
    /// Every state.
    pub const ALL: Self = Self(0b111_1111);
    /// The states of a job that has not ended.
    pub const UNFINISHED: Self = Self(0b000_1111);

    /// Whether the state is in the set.
    pub fn contains(self, state: JobState) -> bool {
        self.0 & Self::bit(state) != 0
    }

    /// The bit that stands for a state.
    pub fn bit(state: JobState) -> u8 {
        1 << state as u8
    }
}

impl FromIterator<JobState> for StateSet {
    fn from_iter<I: IntoIterator<Item = JobState>>(states: I) -> Self {
        Self(states.into_iter().fold(0, |bits, state| bits | Self::bit(state)))
    }
}

/// Which ends become items in the owner's inbox: bit 0 completed, bit 1 failed, bit 2 cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends(pub u8);

impl Ends {
    /// No end.
    pub const NONE: Self = Self(0);

    /// Whether this end is chosen.
    pub fn contains(self, end: JobEnd) -> bool {
        self.0 & (1 << end as u8) != 0
    }
}

impl Default for Ends {
    fn default() -> Self {
        [JobEnd::Completed, JobEnd::Failed].into_iter().collect()
    }
}

impl FromIterator<JobEnd> for Ends {
    fn from_iter<I: IntoIterator<Item = JobEnd>>(ends: I) -> Self {
        Self(ends.into_iter().fold(0, |bits, end| bits | 1 << end as u8))
    }
}

/// A job as it is stored.
#[derive(Debug, Clone)]
pub struct JobRecord {
    /// Names it.
    pub id: JobId,
    /// What sort of work.
    pub kind: JobKind,
    /// Where it waits.
    pub queue: QueueName,
    /// Where it is in its life.
    pub state: JobState,
    /// 0 (first) to 9 (last).
    pub priority: u8,
    /// For the worker: any JSON.
    pub args: Arc<str>,
    /// For the owner: a JSON object.
    pub data: Arc<str>,
    /// Whose job it is.
    pub user: Option<UserId>,
    /// When it may start, or might have started.
    pub run_at: Timestamp,
    /// How often it was started: the fence, which only grows.
    pub attempt: u32,
    /// How many attempts do not count.
    pub given_back: u32,
    /// How often it may fail.
    pub max_attempts: u16,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How long to wait between attempts.
    pub backoff: Backoff,
    /// Which ends land in the owner's inbox.
    pub notify: Ends,
    /// What the owner reads.
    pub messages: JobMessages,
    /// No second job with this key is made meanwhile.
    pub unique_key: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the last attempt started.
    pub attempted_at: Option<Timestamp>,
    /// Without a report until then, somebody else takes it.
    pub lease_until: Option<Timestamp>,
    /// Who has it, or had it last.
    pub worker: Option<WorkerName>,
    /// When somebody asked it to stop.
    pub cancel_requested_at: Option<Timestamp>,
    /// When it ended.
    pub finalized_at: Option<Timestamp>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// What it ended with: any JSON.
    pub result: Option<Arc<str>>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// Which schedule made it.
    pub schedule: Option<ScheduleName>,
    /// The time the schedule planned it for.
    pub planned_at: Option<Timestamp>,
    /// It runs elsewhere and reports itself.
    pub track: bool,
}

impl JobRecord {
    /// What [`conclude`] needs to know.
    pub fn running(&self) -> Running {
        Running {
            attempt: self.attempt,
            given_back: self.given_back,
            max_attempts: self.max_attempts,
            backoff: self.backoff,
            cancel_requested: self.cancel_requested_at.is_some(),
        }
    }
}
