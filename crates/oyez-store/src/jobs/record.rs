//! Reads jobs and steps back: the statements answer with one JSON array for many.

use std::{sync::Arc, time::Duration};

use oyez_core::{
    job::{Ends, JobRecord, StateSet},
    progress::Progress,
    retry::Backoff,
};
use oyez_protocol::{
    JobId, JobKind, QueueName, ScheduleName, Timestamp, UserId, WorkerName,
    api::jobs::{JobMessages, JobState, StepStatus},
};
use serde::{Deserialize, de::DeserializeOwned};
use uuid::Uuid;

use super::StepRecord;
use crate::{engine::Row, error::StoreError};

/// A job with what only the store knows of it.
pub(super) struct Stored {
    pub(super) num: i64,
    pub(super) job: JobRecord,
    /// The states in which its key is taken; none without a key.
    pub(super) unique_states: StateSet,
}

impl Stored {
    /// Whether the job takes its key by coming into a state.
    pub(super) fn takes_key_in(&self, state: JobState) -> bool {
        self.job.unique_key.is_some()
            && !self.unique_states.contains(self.job.state)
            && self.unique_states.contains(state)
    }
}

/// The columns of `jobs/columns`, by position.
#[derive(Deserialize)]
struct Columns {
    num: i64,
    id: Uuid,
    kind: JobKind,
    queue: QueueName,
    state: JobState,
    priority: u8,
    scheduled_at: i64,
    attempt: u32,
    given_back: u32,
    max_attempts: u16,
    timeout_ms: Option<u64>,
    user: Option<UserId>,
    created_at: i64,
    attempted_at: Option<i64>,
    lease_until: Option<i64>,
    worker: Option<WorkerName>,
    cancel_requested_at: Option<i64>,
    finalized_at: Option<i64>,
    unique_key: Option<String>,
    unique_states: u8,
    schedule: Option<ScheduleName>,
    planned_at: Option<i64>,
    track: u8,
    notify: u8,
    backoff: Option<String>,
    messages: Option<String>,
    progress: Option<String>,
    error: Option<String>,
    data: Arc<str>,
    result: Option<Arc<str>>,
    args: Arc<str>,
}

/// Reads the answer to a statement that begins with `jobs/columns`.
pub(super) fn jobs(row: Option<Row>) -> Result<Vec<Stored>, StoreError> {
    let columns: Vec<Columns> = array(row)?;
    columns.into_iter().map(stored).collect()
}

/// Reads a single column that holds a JSON array.
pub(super) fn array<T: DeserializeOwned>(row: Option<Row>) -> Result<Vec<T>, StoreError> {
    let row = row.ok_or_else(|| StoreError::Fault("a list without an answer".into()))?;
    part(row.text(0)?)
}

fn stored(columns: Columns) -> Result<Stored, StoreError> {
    let job = JobRecord {
        id: JobId(columns.id),
        kind: columns.kind,
        queue: columns.queue,
        state: columns.state,
        priority: columns.priority,
        args: columns.args,
        data: columns.data,
        user: columns.user,
        run_at: Timestamp::from_millis(columns.scheduled_at),
        attempt: columns.attempt,
        given_back: columns.given_back,
        max_attempts: columns.max_attempts,
        timeout: columns.timeout_ms.map(Duration::from_millis),
        backoff: opt_part::<Backoff>(columns.backoff.as_deref())?.unwrap_or_default(),
        notify: Ends(columns.notify),
        messages: opt_part::<JobMessages>(columns.messages.as_deref())?.unwrap_or_default(),
        unique_key: columns.unique_key,
        created_at: Timestamp::from_millis(columns.created_at),
        attempted_at: columns.attempted_at.map(Timestamp::from_millis),
        lease_until: columns.lease_until.map(Timestamp::from_millis),
        worker: columns.worker,
        cancel_requested_at: columns.cancel_requested_at.map(Timestamp::from_millis),
        finalized_at: columns.finalized_at.map(Timestamp::from_millis),
        progress: opt_part::<Progress>(columns.progress.as_deref())?,
        result: columns.result,
        error: columns.error,
        schedule: columns.schedule,
        planned_at: columns.planned_at.map(Timestamp::from_millis),
        track: columns.track != 0,
    };
    Ok(Stored { num: columns.num, job, unique_states: StateSet(columns.unique_states) })
}

/// The columns of a step, by position.
#[derive(Deserialize)]
struct StepColumns {
    name: String,
    number: Option<u32>,
    of: Option<u32>,
    attempt: u32,
    status: StepStatus,
    started_at: i64,
    finished_at: Option<i64>,
    result: Option<Arc<str>>,
}

/// Reads a JSON array of steps.
pub(super) fn steps(text: &str) -> Result<Vec<StepRecord>, StoreError> {
    let columns: Vec<StepColumns> = part(text)?;
    let step = |step: StepColumns| StepRecord {
        name: step.name,
        number: step.number,
        of: step.of,
        attempt: step.attempt,
        status: step.status,
        started_at: Timestamp::from_millis(step.started_at),
        finished_at: step.finished_at.map(Timestamp::from_millis),
        result: step.result,
    };
    Ok(columns.into_iter().map(step).collect())
}

fn opt_part<T: DeserializeOwned>(text: Option<&str>) -> Result<Option<T>, StoreError> {
    text.map(part).transpose()
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Fault(format!("a job cannot be read back: {error}")))
}
