//! Jobs as the wire shows them.

use std::time::Duration;

use oyez_core::job::JobRecord;
use oyez_protocol::api::jobs::{AttemptView, JobView, ProgressView, StepView};
use oyez_store::jobs::{AttemptRecord, StepRecord};
use serde_json::value::RawValue;

/// A job; its arguments are for those who may see any job.
pub(super) fn job_view(job: JobRecord, with_args: bool) -> JobView {
    JobView {
        id: job.id,
        kind: job.kind,
        queue: job.queue,
        state: job.state,
        priority: job.priority,
        user: job.user,
        data: raw(&job.data),
        args: with_args.then(|| raw(&job.args)),
        attempt: job.attempt,
        max_attempts: job.max_attempts,
        timeout: job.timeout.as_ref().map(Duration::as_secs_f64),
        progress: job.progress.as_ref().map(ProgressView::from),
        result: job.result.as_deref().map(raw),
        error: job.error,
        unique_key: job.unique_key,
        schedule: job.schedule,
        planned_at: job.planned_at,
        tracked: job.track,
        worker: job.worker,
        created_at: job.created_at,
        run_at: job.run_at,
        attempted_at: job.attempted_at,
        lease_until: job.lease_until,
        cancel_requested_at: job.cancel_requested_at,
        finalized_at: job.finalized_at,
    }
}

/// A step, with its result.
pub(crate) fn step_view(step: StepRecord) -> StepView {
    StepView {
        name: step.name,
        number: step.number,
        of: step.of,
        attempt: step.attempt,
        status: step.status,
        started_at: step.started_at,
        finished_at: step.finished_at,
        result: step.result.as_deref().map(raw),
    }
}

pub(super) fn attempt_view(attempt: AttemptRecord) -> AttemptView {
    AttemptView {
        attempt: attempt.attempt,
        worker: attempt.worker,
        started_at: attempt.started_at,
        ended_at: attempt.ended_at,
        outcome: attempt.outcome,
        error: attempt.error,
        result: attempt.result.as_deref().map(raw),
    }
}

/// JSON that was checked when it was stored, passed on untouched.
pub(crate) fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
