//! Frames of a job, for its owner and for those who watch it: `<kind>_started`, `<kind>_progress` and one end.
//!
//! Composed as text: the job's public data is spliced in as it was stored, never parsed again.

use std::fmt::Write as _;

use crate::{
    api::jobs::StepStatus,
    ids::{JobId, JobKind},
    time::Timestamp,
};

/// What every frame of a job says.
#[derive(Debug, Clone, Copy)]
pub struct JobHead<'a> {
    /// Begins the frame's type.
    pub kind: &'a JobKind,
    /// The job.
    pub id: JobId,
    /// Its present attempt.
    pub attempt: u32,
    /// A sentence for people.
    pub message: &'a str,
    /// When it happened.
    pub timestamp: Timestamp,
    /// The public data: the text of a JSON object.
    pub data: &'a str,
}

/// What a progress frame adds.
#[derive(Debug, Clone, Copy)]
pub struct ProgressFields<'a> {
    /// The step at work.
    pub step: Option<&'a str>,
    /// Which one it is, from 1.
    pub step_number: Option<u32>,
    /// How many there are.
    pub total_steps: Option<u32>,
    /// 0 to 100.
    pub percent: Option<f64>,
    /// How the step stands.
    pub status: StepStatus,
}

/// An attempt began.
pub fn started(head: &JobHead<'_>) -> String {
    let mut text = begin(head, "started");
    text.push('}');
    text
}

/// It is on its way.
pub fn progress(head: &JobHead<'_>, progress: &ProgressFields<'_>) -> String {
    let mut text = begin(head, "progress");
    if let Some(step) = progress.step {
        push_key(&mut text, "step");
        push_text(&mut text, step);
    }
    for (key, number) in [("step_number", progress.step_number), ("total_steps", progress.total_steps)] {
        if let Some(number) = number {
            push_key(&mut text, key);
            push(&mut text, number);
        }
    }
    if let Some(percent) = progress.percent {
        push_key(&mut text, "percent");
        push(&mut text, percent);
    }
    push_key(&mut text, "status");
    push_text(&mut text, progress.status.as_str());
    text.push('}');
    text
}

/// It ended well: `success`, and `fields`, the text of a JSON object whose keys are added.
pub fn completed(head: &JobHead<'_>, fields: &str) -> String {
    let mut text = begin(head, "completed");
    push_completed(&mut text, fields);
    text.push('}');
    text
}

/// It ended badly.
pub fn failed(head: &JobHead<'_>, error: &str) -> String {
    let mut text = begin(head, "failed");
    push_failed(&mut text, error);
    text.push('}');
    text
}

/// It was cancelled.
pub fn cancelled(head: &JobHead<'_>) -> String {
    let mut text = begin(head, "cancelled");
    text.push('}');
    text
}

/// `jobs`: the current frame of each unfinished job of a user.
pub fn jobs(frames: &[&str]) -> String {
    let mut text = String::with_capacity(24 + frames.iter().map(|frame| frame.len() + 1).sum::<usize>());
    text.push_str(r#"{"type":"jobs","jobs":["#);
    for (n, frame) in frames.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str(frame);
    }
    text.push_str("]}");
    text
}

/// Appends what every frame of a job has after its type and timestamp: `,"job_id":…,"attempt":…` and the public data.
pub fn push_job(text: &mut String, head: &JobHead<'_>) {
    push(text, format_args!(r#","job_id":"{}","attempt":{}"#, head.id, head.attempt));
    push_object(text, head.data);
}

/// Appends what `<kind>_completed` adds.
pub fn push_completed(text: &mut String, fields: &str) {
    text.push_str(r#","success":true"#);
    push_object(text, fields);
}

/// Appends what `<kind>_failed` adds.
pub fn push_failed(text: &mut String, error: &str) {
    push_key(text, "error");
    push_text(text, error);
}

/// Appends `,` and the text as a JSON string under a key.
pub fn push_field(text: &mut String, key: &str, value: &str) {
    push_key(text, key);
    push_text(text, value);
}

fn begin(head: &JobHead<'_>, what: &str) -> String {
    let mut text = String::with_capacity(256 + head.message.len() + head.data.len());
    push(&mut text, format_args!(r#"{{"type":"{}_{what}""#, head.kind));
    push_field(&mut text, "message", head.message);
    push(&mut text, format_args!(r#","timestamp":"{}""#, head.timestamp));
    push_job(&mut text, head);
    text
}

// The keys of an object, without its braces, after a comma.
fn push_object(text: &mut String, object: &str) {
    let keys = object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or("").trim();
    if !keys.is_empty() {
        text.push(',');
        text.push_str(keys);
    }
}

fn push_key(text: &mut String, key: &str) {
    text.push_str(",\"");
    text.push_str(key);
    text.push_str("\":");
}

fn push_text(text: &mut String, value: &str) {
    text.push_str(&serde_json::to_string(value).expect("a text can be written as JSON"));
}

fn push(text: &mut String, value: impl std::fmt::Display) {
    let written = write!(text, "{value}");
    debug_assert!(written.is_ok(), "a String takes all that is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head<'a>(kind: &'a JobKind, data: &'a str) -> JobHead<'a> {
        JobHead {
            kind,
            id: JobId(uuid::Uuid::nil()),
            attempt: 1,
            message: "Oracle upload started for \"602\"",
            timestamp: Timestamp::from_millis(0),
            data,
        }
    }

    #[test]
    fn frames_of_a_job_are_flat() {
        let kind = JobKind::new("oracle_upload").unwrap();
        assert_eq!(
            started(&head(&kind, r#"{"transaction_id":602}"#)),
            r#"{"type":"oracle_upload_started","message":"Oracle upload started for \"602\"","timestamp":"1970-01-01T00:00:00.000Z","job_id":"00000000-0000-0000-0000-000000000000","attempt":1,"transaction_id":602}"#
        );
        let fields = ProgressFields {
            step: Some("Upload to UCM"),
            step_number: Some(2),
            total_steps: Some(5),
            percent: Some(20.0),
            status: StepStatus::Processing,
        };
        let text = progress(&head(&kind, "{}"), &fields);
        assert!(
            text.ends_with(
                r#""attempt":1,"step":"Upload to UCM","step_number":2,"total_steps":5,"percent":20,"status":"processing"}"#
            ),
            "{text}"
        );
        let text = completed(&head(&kind, "{}"), r#"{"result_path":"/x","nested":{"a":{}}}"#);
        assert!(text.ends_with(r#""success":true,"result_path":"/x","nested":{"a":{}}}"#), "{text}");
        let text = failed(&head(&kind, "{}"), "ORA-\n1");
        assert!(text.ends_with(r#""attempt":1,"error":"ORA-\n1"}"#), "{text}");
        let text = jobs(&["{\"a\":1}", "{}"]);
        assert_eq!(text, r#"{"type":"jobs","jobs":[{"a":1},{}]}"#);
        for text in [text, cancelled(&head(&kind, "{ }"))] {
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    }
}
