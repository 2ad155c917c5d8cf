//! `/api/v1/workers` and the reports of a worker: `POST /api/v1/jobs/{id}/progress`, `…/step`, `…/heartbeat`,
//! `…/complete`, `…/fail`, `…/snooze`.
//!
//! Every report names its `attempt` and renews the lease. An attempt that is no longer the job's present one is
//! answered 409 `fenced`: another worker has the job, so stop.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::jobs::{JobState, StepStatus, StepView};
use crate::{
    ids::{JobId, JobKind, QueueName, UserId, WorkerName},
    time::Timestamp,
};

/// Most jobs one claim may take.
pub const MAX_CLAIM: u32 = 100;
/// Longest wait of a claim, in seconds.
pub const MAX_WAIT_SECONDS: f64 = 30.0;

/// `POST /api/v1/workers/claim`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// Who asks, for people to read.
    pub worker: WorkerName,
    /// The kinds it knows; absent or empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<JobKind>,
    /// The queues it serves, in this order; absent or empty: `default`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueName>,
    /// 1 to [`MAX_CLAIM`]; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// Seconds to wait for a job when there is none, up to [`MAX_WAIT_SECONDS`]; absent: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<f64>,
}

/// What a claim took; empty when the wait was in vain.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimAnswer {
    /// The jobs, now this worker's.
    pub jobs: Vec<ClaimedJob>,
}

/// A job that a worker has.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimedJob {
    /// The job.
    pub id: JobId,
    /// What sort of work.
    pub kind: JobKind,
    /// Where it waited.
    pub queue: QueueName,
    /// Stands in every report.
    pub attempt: u32,
    /// How often it may fail.
    pub max_attempts: u16,
    /// What to do.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub args: Box<RawValue>,
    /// What its owner sees in each frame.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub data: Box<RawValue>,
    /// Whose job it is.
    pub user: Option<UserId>,
    /// Steps that earlier attempts finished, with their results: do not do them again.
    pub steps: Vec<StepView>,
    /// Report within this many seconds, again and again, or somebody else takes it.
    pub lease_seconds: f64,
    /// The attempt ends after this many seconds.
    pub timeout_seconds: Option<f64>,
    /// Somebody has already asked it to stop.
    pub cancel: bool,
}

/// `…/progress`. What is absent stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProgressReport {
    /// The attempt that reports.
    pub attempt: u32,
    /// The step at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Which one it is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_number: Option<u32>,
    /// How many there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_steps: Option<u32>,
    /// 0 to 100 of the whole job; absent: what the steps say. It never goes back within an attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// What it is at, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How the step stands; absent: `processing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StepStatus>,
}

/// `…/step`: a step began or ended. The result of a completed one is kept for later attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StepReport {
    /// The attempt that reports.
    pub attempt: u32,
    /// The step's name, unique within the job.
    pub name: String,
    /// Which one it is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// How many there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// How it stands.
    pub status: StepStatus,
    /// What it is at, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Any JSON up to 256 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub result: Option<Box<RawValue>>,
}

/// `…/heartbeat`: still at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// The attempt that reports.
    pub attempt: u32,
}

/// `…/complete`: done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Complete {
    /// The attempt that reports.
    pub attempt: u32,
    /// Any JSON up to 256 KiB; the keys of an object stand in the `<kind>_completed` frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub result: Option<Box<RawValue>>,
}

/// `…/fail`: this attempt failed. When somebody asked the job to stop, it is cancelled by this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// The attempt that reports.
    pub attempt: u32,
    /// Why, for people to read; up to 8 KiB are kept.
    pub error: String,
    /// Seconds until the next attempt; absent: as `backoff` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<f64>,
    /// True: no other attempt would help.
    #[serde(default, skip_serializing_if = "is_false")]
    pub discard: bool,
    /// True: the worker itself calls the job off.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cancel: bool,
}

// serde's `skip_serializing_if` passes a reference.
fn is_false(value: &bool) -> bool {
    !value
}

/// `…/snooze`: not now. The attempt does not count; 0 seconds gives the job back at once, as a worker does that stops.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Snooze {
    /// The attempt that reports.
    pub attempt: u32,
    /// Until it may be taken again.
    pub seconds: f64,
}

/// Answers every report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportAnswer {
    /// Somebody asked the job to stop: do so, then report `fail`.
    pub cancel: bool,
    /// The job's state after the report.
    pub state: JobState,
}

/// Who works: `GET /api/v1/workers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkerView {
    /// The name it gave.
    pub name: WorkerName,
    /// What it has.
    pub running: Vec<RunningView>,
    /// When it last asked this node for work; null for one that asks elsewhere.
    pub asked_at: Option<Timestamp>,
    /// The queues it asked for then; empty: all.
    pub queues: Vec<QueueName>,
    /// The kinds it asked for then; empty: all.
    pub kinds: Vec<JobKind>,
}

/// A job that is running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunningView {
    /// The job.
    pub id: JobId,
    /// What sort of work.
    pub kind: JobKind,
    /// Where it waited.
    pub queue: QueueName,
    /// Which attempt.
    pub attempt: u32,
    /// Since when.
    pub since: Timestamp,
    /// Without a report until then, somebody else takes it. Past: its worker is stuck or gone.
    pub lease_until: Timestamp,
}
