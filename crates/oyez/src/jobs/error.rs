//! Why a call about jobs is refused, or failed.

use oyez_core::{job::JobState, notification::Invalid};
use oyez_protocol::{ErrorCode, JobId, ScheduleName};
use oyez_store::StoreError;

/// Why it is refused, or failed. Nothing was written, unless it is [`JobsError::Store`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum JobsError {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The key was used for something else.
    #[error(
        "this idempotency key was used before with another body: use a new key, or repeat the first body unchanged"
    )]
    IdempotencyMismatch,
    /// No such job.
    #[error("there is no job {0}")]
    NotFound(JobId),
    /// The attempt that reports is not the one that runs.
    #[error(
        "attempt {attempt} of job {job} is over: another worker has the job, or it ended. Stop working on it"
    )]
    Fenced {
        /// Which job.
        job: JobId,
        /// The attempt that reported.
        attempt: u32,
    },
    /// It has ended.
    #[error("job {job} has ended: it is {}", .state.as_str())]
    Final {
        /// Which job.
        job: JobId,
        /// How it ended.
        state: JobState,
    },
    /// It has not ended.
    #[error("job {job} has not ended: it is {}, and there is nothing to retry", .state.as_str())]
    Unfinished {
        /// Which job.
        job: JobId,
        /// Where it is.
        state: JobState,
    },
    /// Another job holds the unique key.
    #[error("job {0} cannot be retried: another job holds its unique key meanwhile")]
    KeyTaken(JobId),
    /// It runs elsewhere.
    #[error(
        "job {0} can neither be put off nor retried: its work runs elsewhere, and nobody here could do it"
    )]
    Tracked(JobId),
    /// No such schedule.
    #[error("there is no schedule {0}")]
    NoSchedule(ScheduleName),
    /// It came with Oyez.
    #[error("the schedule {0} came with Oyez and cannot be deleted; it can be paused")]
    BuiltIn(ScheduleName),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl JobsError {
    /// The stable code for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::IdempotencyMismatch => ErrorCode::IdempotencyMismatch,
            Self::NotFound(_) | Self::NoSchedule(_) => ErrorCode::NotFound,
            Self::Fenced { .. } => ErrorCode::Fenced,
            Self::Final { .. } => ErrorCode::JobFinal,
            Self::Unfinished { .. } => ErrorCode::JobUnfinished,
            Self::KeyTaken(_) | Self::Tracked(_) | Self::BuiltIn(_) => ErrorCode::Conflict,
            Self::Store(error) => error.code(),
        }
    }
}
