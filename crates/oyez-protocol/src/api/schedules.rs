//! `/api/v1/schedules`: rules that enqueue a job at times.

use serde::{Deserialize, Serialize};

use super::jobs::JobRequest;
use crate::{
    ids::{JobId, ScheduleName},
    time::Timestamp,
};

/// What happens to times that passed while nobody could fire them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MisfireRequest {
    /// They are skipped.
    Skip,
    /// One job stands for all of them.
    #[default]
    Once,
    /// Each is fired, the newest `max` of those that lie within the window.
    All {
        /// Seconds back from now.
        window: f64,
        /// 1 to 1,000.
        max: u32,
    },
}

/// What happens when the job of the last firing has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// The firing is left out.
    #[default]
    Skip,
    /// The firing waits for the end; of several that wait, one is left.
    Queue,
    /// Both run.
    Allow,
}

/// `PUT /api/v1/schedules/{name}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ScheduleRequest {
    /// Five fields (`*/5 * * * *`), six with seconds first, `@hourly` and the like, or `@every 90s`.
    pub cron: String,
    /// An IANA name, such as `Europe/Zurich`; absent: `UTC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What is enqueued; without `run_at`, `unique_key` and `idempotency_key`.
    pub job: JobRequest,
    /// What happens to times that passed while nobody could fire them.
    #[serde(default)]
    pub misfire: MisfireRequest,
    /// What happens when the job of the last firing has not ended.
    #[serde(default)]
    pub overlap: Overlap,
    /// Absent: as it is; false for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}

/// `GET /api/v1/schedules/{name}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScheduleView {
    /// Its name.
    pub name: ScheduleName,
    /// When it fires.
    pub cron: String,
    /// In which time zone.
    pub time_zone: String,
    /// What is enqueued.
    pub job: JobRequest,
    /// What happens to times that passed.
    pub misfire: MisfireRequest,
    /// What happens when the last job has not ended.
    pub overlap: Overlap,
    /// Whether it is held.
    pub paused: bool,
    /// Whether it came with Oyez: it can be changed and paused, not deleted.
    pub built_in: bool,
    /// The next three times; empty while it is paused, or when no time is left.
    pub next: Vec<Timestamp>,
    /// The last firing.
    pub last: Option<LastFiring>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// The last time a schedule fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastFiring {
    /// The time it was planned for.
    pub planned_at: Timestamp,
    /// The job it made, as long as that is kept.
    pub job: Option<JobId>,
}

/// `POST /api/v1/schedules/{name}/pause`; without a body it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PauseRequest {
    /// True holds it, false lets it go on.
    pub paused: bool,
}

impl Default for PauseRequest {
    fn default() -> Self {
        Self { paused: true }
    }
}
