//! `/api/v1/jobs`: durable background work. Durations are seconds, as JSON numbers.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    ids::{JobId, JobKind, QueueName, ScheduleName, UserId, WorkerName},
    time::Timestamp,
};

/// Most jobs one call may make, or name by id.
pub const MAX_BULK: usize = 1_000;

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker.
    Available,
    /// Waits for its time.
    Scheduled,
    /// A worker has it.
    Running,
    /// Failed, and waits for its next attempt.
    Retryable,
    /// Ended well.
    Completed,
    /// Ended because somebody, or its handler, said so.
    Cancelled,
    /// Ended because its attempts are used up, or none would help.
    Discarded,
}

/// A text that is no state of a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no state of a job: expected available, scheduled, running, retryable, completed, cancelled or discarded"
)]
pub struct StateError(String);

impl JobState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 7] = [
        Self::Available,
        Self::Scheduled,
        Self::Running,
        Self::Retryable,
        Self::Completed,
        Self::Cancelled,
        Self::Discarded,
    ];

    /// Whether the job has ended.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Discarded)
    }

    /// The state as it is written on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Retryable => "retryable",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Discarded => "discarded",
        }
    }
}

impl FromStr for JobState {
    type Err = StateError;
    fn from_str(text: &str) -> Result<Self, StateError> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| StateError(text.chars().take(40).collect()))
    }
}

/// An end that can become an item in the owner's inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    /// It ended well.
    Completed,
    /// Its attempts are used up, or none would help: the state `discarded`.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// At work.
    #[default]
    Processing,
    /// Done; a later attempt skips it.
    Completed,
    /// It failed; a later attempt does it again.
    Failed,
}

impl StepStatus {
    /// The status as it is written on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// How long to wait after a failed attempt: `first`, then `factor` times as long each time, at most `max`, spread by
/// `jitter`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BackoffRequest {
    /// Seconds after the first failure; default 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<f64>,
    /// 1 to 10; default 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// Seconds at most; default 3,600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// 0 to 1: the share by which a wait varies either way; default 0.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
}

/// What the owner reads. Absent texts are made from the kind: `Oracle upload started`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JobMessages {
    /// When an attempt starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// When it ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<String>,
    /// When it ended badly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// When it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<String>,
    /// Where a click on the inbox item leads: `http(s)://…` or a path starting with `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Asks for work to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// What sort of work; a worker that knows it takes the job.
    pub kind: JobKind,
    /// For the worker only: any JSON up to 256 KiB; absent: `{}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub args: Option<Box<RawValue>>,
    /// Whose job it is: they watch it live, and its end lands in their inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Keys that stand in each of the job's frames, up to 16 KiB; the owner sees them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub data: Option<serde_json::Map<String, serde_json::Value>>,
    /// Where it waits; absent: `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueName>,
    /// 0 (first) to 9 (last); absent: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<Timestamp>,
    /// While a job with this key is in one of `unique_states`, no second one is made: the answer names the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_key: Option<String>,
    /// Seconds: the key counts anew in each such stretch of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_period: Option<f64>,
    /// Absent: the states of a job that has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_states: Option<Vec<JobState>>,
    /// 1 to 100; absent: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u16>,
    /// Seconds that one attempt may take; absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// How long to wait between attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<BackoffRequest>,
    /// Which ends land in the owner's inbox; absent: `completed` and `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Vec<JobEnd>>,
    /// What the owner reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<JobMessages>,
    /// The same as the `Idempotency-Key` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl JobRequest {
    /// A job of a kind, with defaults for all else.
    pub fn new(kind: JobKind) -> Self {
        Self {
            kind,
            args: None,
            user: None,
            data: None,
            queue: None,
            priority: None,
            run_at: None,
            unique_key: None,
            unique_period: None,
            unique_states: None,
            max_attempts: None,
            timeout: None,
            backoff: None,
            notify: None,
            messages: None,
            idempotency_key: None,
        }
    }
}

/// The job is on disk: 201, or 200 when it was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobAccepted {
    /// The job.
    pub id: JobId,
    /// False when `unique_key` or an idempotency key found one that is there already.
    pub created: bool,
}

/// `POST /api/v1/jobs/batch`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JobBatchRequest {
    /// Up to [`MAX_BULK`], each checked on its own, all written in one transaction.
    pub jobs: Vec<JobRequest>,
}

/// 201 for a batch: one result per job, in their order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobBatchAnswer {
    /// Each is what a call of its own would have answered.
    pub results: Vec<JobBatchResult>,
}

/// What became of one job of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum JobBatchResult {
    /// It is on disk.
    Accepted(JobAccepted),
    /// It was refused; the others were not.
    Refused {
        /// Why.
        error: super::problem::Problem,
    },
}

/// `POST /api/v1/jobs/track`: work that runs elsewhere and reports itself. It is running from the start; reports go to
/// the same addresses as a worker's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TrackRequest {
    /// What sort of work.
    pub kind: JobKind,
    /// While work with this key is running, the same job is answered, so that a reporter need not remember the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whose job it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Keys that stand in each of the job's frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub data: Option<serde_json::Map<String, serde_json::Value>>,
    /// Who does the work, for people to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerName>,
    /// Seconds of silence after which the work counts as lost; absent: 900.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<f64>,
    /// Which ends land in the owner's inbox; absent: `completed` and `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Vec<JobEnd>>,
    /// What the owner reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<JobMessages>,
    /// The same as the `Idempotency-Key` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// The work is tracked: report with this id and attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tracked {
    /// The job.
    pub id: JobId,
    /// Stands in every report.
    pub attempt: u32,
    /// False when it was tracked already.
    pub created: bool,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProgressView {
    /// The step at work.
    pub step: Option<String>,
    /// Which one it is, from 1.
    pub step_number: Option<u32>,
    /// How many there are.
    pub total_steps: Option<u32>,
    /// 0 to 100 with one decimal.
    pub percent: Option<f64>,
    /// What it is at, in words.
    pub message: Option<String>,
    /// How the step stands.
    pub status: StepStatus,
}

/// `GET /api/v1/jobs/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// What sort of work.
    pub kind: JobKind,
    /// Where it waits.
    pub queue: QueueName,
    /// Where it is in its life.
    pub state: JobState,
    /// 0 (first) to 9 (last).
    pub priority: u8,
    /// Whose job it is.
    pub user: Option<UserId>,
    /// Keys that stand in each of its frames.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub data: Box<RawValue>,
    /// For the worker; users do not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub args: Option<Box<RawValue>>,
    /// How often it was started.
    pub attempt: u32,
    /// How often it may fail.
    pub max_attempts: u16,
    /// Seconds that one attempt may take.
    pub timeout: Option<f64>,
    /// How far it is.
    pub progress: Option<ProgressView>,
    /// What it ended with.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub result: Option<Box<RawValue>>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// No second job with this key is made meanwhile.
    pub unique_key: Option<String>,
    /// Which schedule made it.
    pub schedule: Option<ScheduleName>,
    /// The time the schedule planned it for.
    pub planned_at: Option<Timestamp>,
    /// Whether it runs elsewhere and reports itself.
    pub tracked: bool,
    /// Who has it, or had it last.
    pub worker: Option<WorkerName>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it may start, or might have started.
    pub run_at: Timestamp,
    /// When the last attempt started.
    pub attempted_at: Option<Timestamp>,
    /// Without a report until then, somebody else takes it.
    pub lease_until: Option<Timestamp>,
    /// When somebody asked it to stop.
    pub cancel_requested_at: Option<Timestamp>,
    /// When it ended.
    pub finalized_at: Option<Timestamp>,
}

/// One step of a job: `GET /api/v1/jobs/{id}/steps`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepView {
    /// Its name, unique within the job.
    pub name: String,
    /// Which one it is, from 1.
    pub number: Option<u32>,
    /// How many there are.
    pub of: Option<u32>,
    /// The attempt that did it.
    pub attempt: u32,
    /// How it stands.
    pub status: StepStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it ended with; a later attempt gets this instead of doing it again.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub result: Option<Box<RawValue>>,
}

/// One try: `GET /api/v1/jobs/{id}/attempts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptView {
    /// Which one, from 1.
    pub attempt: u32,
    /// Who tried.
    pub worker: Option<WorkerName>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; null while it runs.
    pub ended_at: Option<Timestamp>,
    /// `done`, `failed`, `timed_out`, `lost`, `snoozed`, `given_back`, `cancelled` or `discarded`; null while it runs.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it ended with, when it was done.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub result: Option<Box<RawValue>>,
}

/// What became of a job that was cancelled or retried by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobChanged {
    /// The job.
    pub id: JobId,
    /// Its state now: one that runs stays `running` until its worker has stopped.
    pub state: JobState,
}

/// `POST /api/v1/jobs/cancel` and `…/retry`: either `ids`, or all jobs that fit every other field given, of which there
/// is one at least.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// These, up to [`MAX_BULK`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<JobId>>,
    /// In this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<JobKind>,
    /// In this queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueName>,
    /// Of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
}

/// How many jobs a bulk call changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkAnswer {
    /// Jobs that were cancelled, asked to stop, or made available again.
    pub changed: u64,
}
