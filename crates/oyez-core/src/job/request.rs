//! Checks a request for work and makes a job of it.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use oyez_protocol::{
    JobId, QueueName, Timestamp,
    api::jobs::{BackoffRequest, JobMessages, JobRequest, TrackRequest},
    frame::{JOB_KEYS, RESERVED_KEYS},
};
use serde_json::{Map, Value};

use super::{DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY, NewJob, StateSet, Unique};
use crate::{
    envelope::{check_keys, check_length, quoted},
    notification::{Idempotency, Invalid, check_key, check_url, fingerprint_of},
    retry::Backoff,
};

/// Largest `args` and `result`, in bytes of JSON.
pub const MAX_ARGS_BYTES: usize = 256 * 1024;
/// Largest `data`, in bytes of JSON.
pub const MAX_DATA_BYTES: usize = 16 * 1024;
/// Deepest nesting of `args` and `result`.
pub const MAX_LEVELS: usize = 100;
/// Most attempts a job may have.
pub const MAX_ATTEMPTS: u16 = 100;
/// Longest text of `messages`, in characters.
pub const MAX_MESSAGE_CHARS: usize = 1_000;
/// How long tracked work may be silent, unless it says.
pub const DEFAULT_SILENCE: Duration = Duration::from_secs(900);
/// What begins the unique keys of firings and of tracked work.
const OWN_KEYS: [&str; 2] = ["schedule:", "track:"];
/// Shortest and longest stretch of time that a field may name, in seconds: a millisecond to a year.
const SECONDS: RangeInclusive<f64> = 0.001..=31_536_000.0;

/// Checks a request and makes the job that is stored.
///
/// A `run_at` that is past means now. `scope` names the caller, within whom idempotency keys are unique. Errors name
/// the field, what was given and what would be right.
pub fn new_job(request: &JobRequest, id: JobId, scope: &str, now: Timestamp) -> Result<NewJob, Invalid> {
    let priority = request.priority.unwrap_or(DEFAULT_PRIORITY);
    if priority > 9 {
        let message = format!("\"priority\" is {priority}: it must be 0 (first) to 9 (last)");
        return Err(Invalid::new("priority", message));
    }
    let max_attempts = request.max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS);
    if !(1..=MAX_ATTEMPTS).contains(&max_attempts) {
        let message = format!("\"max_attempts\" is {max_attempts}: it must be 1 to {MAX_ATTEMPTS}");
        return Err(Invalid::new("max_attempts", message));
    }
    let args = request.args.as_ref().map_or("{}", |args| args.get());
    check_json("args", args)?;
    let messages = request.messages.clone().unwrap_or_default();
    check_messages(&messages)?;
    let body = || serde_json::to_value(request).expect("a request was read from JSON");
    Ok(NewJob {
        id,
        kind: request.kind.clone(),
        queue: request.queue.clone().unwrap_or_default(),
        priority,
        args: args.into(),
        data: data(request.data.as_ref())?,
        user: request.user.clone(),
        run_at: request.run_at.filter(|run_at| *run_at > now),
        unique: unique(request, now)?,
        max_attempts,
        timeout: request.timeout.map(|given| seconds("timeout", given, SECONDS)).transpose()?,
        backoff: backoff(request.backoff.as_ref())?,
        notify: request.notify.as_ref().map_or_else(Default::default, |ends| ends.iter().copied().collect()),
        messages,
        created_at: now,
        track: false,
        worker: None,
        schedule: None,
        planned_at: None,
        idempotency: idempotency(request.idempotency_key.as_ref(), scope, body)?,
    })
}

/// Checks a request to track work that runs elsewhere. It is running from the start, and has one attempt: nobody here
/// could do another.
pub fn tracked_job(
    request: &TrackRequest,
    id: JobId,
    scope: &str,
    now: Timestamp,
) -> Result<NewJob, Invalid> {
    let unique = match &request.key {
        None => None,
        Some(key) => {
            check_key("key", key)?;
            // Of one kind: two reporters that know nothing of each other may number their work alike.
            Some(Unique { key: format!("track:{}:{key}", request.kind), states: StateSet::UNFINISHED })
        }
    };
    let messages = request.messages.clone().unwrap_or_default();
    check_messages(&messages)?;
    let silence = request.silence.map(|given| seconds("silence", given, 1.0..=*SECONDS.end())).transpose()?;
    let body = || serde_json::to_value(request).expect("a request was read from JSON");
    Ok(NewJob {
        id,
        kind: request.kind.clone(),
        queue: QueueName::default(),
        priority: DEFAULT_PRIORITY,
        args: "{}".into(),
        data: data(request.data.as_ref())?,
        user: request.user.clone(),
        run_at: None,
        unique,
        max_attempts: 1,
        timeout: Some(silence.unwrap_or(DEFAULT_SILENCE)),
        backoff: Backoff::default(),
        notify: request.notify.as_ref().map_or_else(Default::default, |ends| ends.iter().copied().collect()),
        messages,
        created_at: now,
        track: true,
        worker: request.worker.clone(),
        schedule: None,
        planned_at: None,
        idempotency: idempotency(request.idempotency_key.as_ref(), scope, body)?,
    })
}

fn data(data: Option<&Map<String, Value>>) -> Result<Arc<str>, Invalid> {
    let Some(data) = data else { return Ok("{}".into()) };
    check_keys(data, &RESERVED_KEYS)?;
    check_keys(data, &JOB_KEYS)?;
    let text = serde_json::to_string(data).expect("JSON values with string keys can be written");
    check_bytes("data", text.len(), MAX_DATA_BYTES)?;
    Ok(text.into())
}

/// Refuses `args` or a `result` that is too large, or nested too deep for those who read it: many readers of JSON, those
/// of Python and of serde among them, fail on it.
pub fn check_json(field: &str, json: &str) -> Result<(), Invalid> {
    check_bytes(field, json.len(), MAX_ARGS_BYTES)?;
    let levels = levels(json);
    if levels <= MAX_LEVELS {
        return Ok(());
    }
    Err(Invalid::new(field, format!("\"{field}\" is nested {levels} deep: {MAX_LEVELS} levels are the most")))
}

/// How many arrays and objects of a JSON text are open at once.
fn levels(json: &str) -> usize {
    let (mut open, mut most, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                open += 1;
                most = most.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Refuses JSON of more bytes than the limit.
fn check_bytes(field: &str, bytes: usize, limit: usize) -> Result<(), Invalid> {
    if bytes <= limit {
        return Ok(());
    }
    Err(Invalid::new(field, format!("\"{field}\" may take {limit} bytes of JSON at most, not {bytes}")))
}

fn check_messages(messages: &JobMessages) -> Result<(), Invalid> {
    let texts = [
        ("messages.started", &messages.started),
        ("messages.completed", &messages.completed),
        ("messages.failed", &messages.failed),
        ("messages.cancelled", &messages.cancelled),
    ];
    for (field, text) in texts {
        let Some(text) = text else { continue };
        if text.trim().is_empty() {
            return Err(Invalid::new(
                field,
                format!("\"{field}\" is empty: write a sentence, or leave it out"),
            ));
        }
        check_length(field, text, MAX_MESSAGE_CHARS)?;
    }
    match &messages.url {
        None => Ok(()),
        Some(url) => check_url("messages.url", url),
    }
}

fn unique(request: &JobRequest, now: Timestamp) -> Result<Option<Unique>, Invalid> {
    let Some(key) = &request.unique_key else {
        let idle = [
            ("unique_period", request.unique_period.is_some()),
            ("unique_states", request.unique_states.is_some()),
        ];
        return match idle.into_iter().find(|(_, given)| *given) {
            None => Ok(None),
            Some((field, _)) => {
                let message = format!("\"{field}\" says nothing without \"unique_key\": add the key");
                Err(Invalid::new(field, message))
            }
        };
    };
    check_key("unique_key", key)?;
    if OWN_KEYS.iter().any(|own| key.starts_with(own)) {
        let [schedule, track] = OWN_KEYS;
        let message = format!(
            "\"unique_key\" is {}: keys that begin with \"{schedule}\" or \"{track}\" are Oyez's own",
            quoted(key)
        );
        return Err(Invalid::new("unique_key", message));
    }
    let states = match &request.unique_states {
        None => StateSet::UNFINISHED,
        Some(states) if states.is_empty() => {
            let message = "\"unique_states\" is empty: name the states in which the key is taken";
            return Err(Invalid::new("unique_states", message));
        }
        Some(states) => states.iter().copied().collect(),
    };
    let key = match request.unique_period {
        None => key.clone(),
        Some(given) => {
            let period = seconds("unique_period", given, 1.0..=*SECONDS.end())?;
            let millis = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
            format!("{key}:{}", now.as_millis().div_euclid(millis))
        }
    };
    Ok(Some(Unique { key, states }))
}

/// Checks how long to wait between attempts; what is absent is as it is by default.
pub(crate) fn backoff(request: Option<&BackoffRequest>) -> Result<Backoff, Invalid> {
    let mut backoff = Backoff::default();
    let Some(request) = request else { return Ok(backoff) };
    if let Some(first) = request.first {
        backoff.first = seconds("backoff.first", first, 0.0..=*SECONDS.end())?;
    }
    if let Some(max) = request.max {
        backoff.max = seconds("backoff.max", max, 0.0..=*SECONDS.end())?;
    }
    if let Some(factor) = request.factor {
        backoff.factor = within("backoff.factor", factor, 1.0..=10.0, "")?;
    }
    if let Some(jitter) = request.jitter {
        backoff.jitter = within("backoff.jitter", jitter, 0.0..=1.0, "")?;
    }
    Ok(backoff)
}

/// A field's seconds as a duration.
pub fn seconds(field: &str, given: f64, range: RangeInclusive<f64>) -> Result<Duration, Invalid> {
    let seconds = within(field, given, range, " seconds")?;
    Ok(Duration::from_millis((seconds * 1000.0).round() as u64))
}

fn within(field: &str, given: f64, range: RangeInclusive<f64>, unit: &str) -> Result<f64, Invalid> {
    if range.contains(&given) {
        return Ok(given);
    }
    let (first, last) = (range.start(), range.end());
    Err(Invalid::new(field, format!("\"{field}\" is {given}: it must be {first} to {last}{unit}")))
}

fn idempotency(
    key: Option<&String>,
    scope: &str,
    body: impl FnOnce() -> Value,
) -> Result<Option<Idempotency>, Invalid> {
    let Some(key) = key else { return Ok(None) };
    check_key("idempotency_key", key)?;
    let mut body = body();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("idempotency_key");
    }
    Ok(Some(Idempotency { scope: scope.into(), key: key.clone(), fingerprint: fingerprint_of(body) }))
}
