//! What is seen of a job: its live frames, and the notification that an end becomes.

use oyez_protocol::{
    Audience, NotificationId, Timestamp,
    api::jobs::{JobEnd, JobState, StepStatus},
    frame::{
        JOB_KEYS, RESERVED_KEYS,
        job::{self, JobHead, ProgressFields},
    },
};
use serde_json::{Map, Value};

use super::{Conclusion, JobRecord};
use crate::{notification::Draft, progress::Progress};

/// Largest result whose keys stand in the `<kind>_completed` frame, in bytes; a larger one is read over HTTP.
pub const MAX_FRAME_RESULT_BYTES: usize = 16 * 1024;

/// `<kind>_started`: an attempt began.
pub fn started_frame(job: &JobRecord, now: Timestamp) -> String {
    let message = text(job, job.messages.started.as_deref(), "started");
    job::started(&head(job, &message, now))
}

/// `<kind>_progress`: where the attempt stands. Without a message, the step's name is shown.
pub fn progress_frame(job: &JobRecord, progress: &Progress, now: Timestamp) -> String {
    let running;
    let message = match progress.message.as_deref().or(progress.step.as_deref()) {
        Some(message) => message,
        None => {
            running = text(job, None, "running");
            &running
        }
    };
    job::progress(&head(job, message, now), &fields(progress, progress.status))
}

/// `<kind>_progress` with `status: "failed"`: the attempt failed, and another follows at the conclusion's `run_at`.
/// None when the attempt did not fail, or the job has ended.
pub fn attempt_failed_frame(job: &JobRecord, conclusion: &Conclusion, now: Timestamp) -> Option<String> {
    let error = conclusion.error.as_deref().filter(|_| conclusion.run_at.is_some())?;
    let none = Progress::default();
    let progress = job.progress.as_ref().unwrap_or(&none);
    let message = format!("{}; it will be tried again", error.trim_end_matches(['.', ' ', '\n']));
    Some(job::progress(&head(job, &message, now), &fields(progress, StepStatus::Failed)))
}

/// The current frame of an unfinished job, for the `jobs` snapshot and for those who begin to watch; of a finished one
/// its end.
pub fn snapshot_frame(job: &JobRecord, now: Timestamp) -> String {
    match (job.state, &job.progress) {
        (JobState::Running, None) => started_frame(job, job.attempted_at.unwrap_or(now)),
        (JobState::Running, Some(progress)) => progress_frame(job, progress, now),
        (JobState::Completed, _) => {
            end_of(job, JobEnd::Completed, job.result.as_deref(), None, job.finalized_at.unwrap_or(now))
        }
        (JobState::Discarded, _) => {
            end_of(job, JobEnd::Failed, None, job.error.as_deref(), job.finalized_at.unwrap_or(now))
        }
        (JobState::Cancelled, _) => {
            end_of(job, JobEnd::Cancelled, None, None, job.finalized_at.unwrap_or(now))
        }
        (JobState::Available | JobState::Scheduled | JobState::Retryable, _) => waiting_frame(job, now),
    }
}

fn waiting_frame(job: &JobRecord, now: Timestamp) -> String {
    let none = Progress::default();
    let progress = job.progress.as_ref().unwrap_or(&none);
    let failed = job.state == JobState::Retryable;
    let status = if failed { StepStatus::Failed } else { progress.status };
    let message = match (failed, &job.error) {
        (true, Some(error)) => format!("{error}; it will be tried again"),
        _ => text(job, None, "waiting"),
    };
    job::progress(&head(job, &message, now), &fields(progress, status))
}

/// `<kind>_completed`, `<kind>_failed` or `<kind>_cancelled`, without a place in the inbox: for an end that is not
/// chosen, and for those who watch. None when the conclusion is no end.
pub fn end_frame(job: &JobRecord, conclusion: &Conclusion, now: Timestamp) -> Option<String> {
    let (result, error) = (conclusion.result.as_deref(), conclusion.error.as_deref());
    Some(end_of(job, conclusion.end()?, result, error, now))
}

fn end_of(job: &JobRecord, end: JobEnd, result: Option<&str>, error: Option<&str>, now: Timestamp) -> String {
    let message = end_text(job, end);
    let head = head(job, &message, now);
    match end {
        JobEnd::Completed => job::completed(&head, &result_fields(job, result)),
        JobEnd::Failed => job::failed(&head, error.unwrap_or_default()),
        JobEnd::Cancelled => job::cancelled(&head),
    }
}

/// The end as a notification for the owner's inbox, with the same fields as the frame it takes the place of. None when
/// the conclusion is no end, the end is not chosen, or nobody owns the job.
pub fn end_draft(
    job: &JobRecord,
    conclusion: &Conclusion,
    id: NotificationId,
    now: Timestamp,
) -> Option<Draft> {
    let end = conclusion.end().filter(|end| job.notify.contains(*end))?;
    let user = job.user.clone()?;
    let (what, severity) = match end {
        JobEnd::Completed => ("completed", "success"),
        JobEnd::Failed => ("failed", "error"),
        JobEnd::Cancelled => ("cancelled", "warning"),
    };
    let kind = format!("{}_{what}", job.kind);
    let message = end_text(job, end);
    let mut tail = format!(r#""type":"{kind}","notification_type":"{kind}","id":"{id}","timestamp":"{now}""#);
    job::push_field(&mut tail, "message", &message);
    if let Some(url) = &job.messages.url {
        job::push_field(&mut tail, "url", url);
    }
    job::push_field(&mut tail, "severity", severity);
    job::push_job(&mut tail, &head(job, &message, now));
    match end {
        JobEnd::Completed => {
            job::push_completed(&mut tail, &result_fields(job, conclusion.result.as_deref()));
        }
        JobEnd::Failed => job::push_failed(&mut tail, conclusion.error.as_deref().unwrap_or_default()),
        JobEnd::Cancelled => {}
    }
    tail.push('}');
    Some(Draft {
        id,
        kind: kind.into(),
        tail: tail.into(),
        audience: vec![Audience::User(user)],
        created_at: now,
        send_at: None,
        expires_at: None,
        group_key: None,
        media: None,
        idempotency: None,
    })
}

fn head<'a>(job: &'a JobRecord, message: &'a str, now: Timestamp) -> JobHead<'a> {
    JobHead { kind: &job.kind, id: job.id, attempt: job.attempt, message, timestamp: now, data: &job.data }
}

fn fields(progress: &Progress, status: StepStatus) -> ProgressFields<'_> {
    ProgressFields {
        step: progress.step.as_deref(),
        step_number: progress.step_number,
        total_steps: progress.total_steps,
        percent: progress.percent,
        status,
    }
}

fn end_text(job: &JobRecord, end: JobEnd) -> String {
    let (given, what) = match end {
        JobEnd::Completed => (&job.messages.completed, "completed"),
        JobEnd::Failed => (&job.messages.failed, "failed"),
        JobEnd::Cancelled => (&job.messages.cancelled, "cancelled"),
    };
    text(job, given.as_deref(), what)
}

// The given text, or one made from the kind: `oracle_upload` gives `Oracle upload started`.
fn text(job: &JobRecord, given: Option<&str>, what: &str) -> String {
    if let Some(given) = given {
        return given.into();
    }
    let mut words = job.kind.as_str().replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{} {what}", words.trim_end())
}

// The keys of a result that is an object, as far as they are free: neither the frame's own nor those of the data.
fn result_fields(job: &JobRecord, result: Option<&str>) -> String {
    let small = result.filter(|result| result.len() <= MAX_FRAME_RESULT_BYTES);
    let Some(Ok(mut fields)) = small.map(serde_json::from_str::<Map<String, Value>>) else {
        return "{}".into();
    };
    let data: Map<String, Value> = serde_json::from_str(&job.data).unwrap_or_default();
    fields.retain(|key, _| {
        let key = key.as_str();
        !RESERVED_KEYS.contains(&key) && !JOB_KEYS.contains(&key) && !data.contains_key(key)
    });
    Value::Object(fields).to_string()
}
