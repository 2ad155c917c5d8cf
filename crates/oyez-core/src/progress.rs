//! How far a job is: reports are checked and merged, and coalesced before they are written or sent.

use oyez_protocol::{
    Timestamp,
    api::{jobs::ProgressView, workers::ProgressReport},
};
use serde::{Deserialize, Serialize};

pub use oyez_protocol::api::jobs::StepStatus;

use crate::{envelope::check_length, notification::Invalid};

/// Longest name of a step, in characters.
pub const MAX_STEP_CHARS: usize = 200;
/// Longest message of a report, in characters.
pub const MAX_MESSAGE_CHARS: usize = 1_000;

/// Where an attempt stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The step at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Which one it is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_number: Option<u32>,
    /// How many there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_steps: Option<u32>,
    /// 0 to 100 of the whole job, with one decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// What it is at, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How the step stands.
    #[serde(default)]
    pub status: StepStatus,
}

/// What a handler or a worker says; what is absent stays as it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The step at work.
    pub step: Option<String>,
    /// Which one it is, from 1.
    pub step_number: Option<u32>,
    /// How many there are.
    pub total_steps: Option<u32>,
    /// 0 to 100 of the whole job.
    pub percent: Option<f64>,
    /// What it is at, in words.
    pub message: Option<String>,
    /// How the step stands; absent: processing.
    pub status: Option<StepStatus>,
}

impl From<&ProgressReport> for Report {
    fn from(report: &ProgressReport) -> Self {
        Self {
            step: report.step.clone(),
            step_number: report.step_number,
            total_steps: report.total_steps,
            percent: report.percent,
            message: report.message.clone(),
            status: report.status,
        }
    }
}

impl From<&Progress> for ProgressView {
    fn from(progress: &Progress) -> Self {
        Self {
            step: progress.step.clone(),
            step_number: progress.step_number,
            total_steps: progress.total_steps,
            percent: progress.percent,
            message: progress.message.clone(),
            status: progress.status,
        }
    }
}

/// Takes a report into what the attempt said before (nothing at its start).
///
/// A new step that brings no message has none. Without a percent it follows from the steps; it never goes back within
/// an attempt. Errors say which field is nonsense; the progress then stays as it was.
pub fn merge(previous: Option<&Progress>, report: &Report) -> Result<Progress, Invalid> {
    check(report)?;
    let none = Progress::default();
    let before = previous.unwrap_or(&none);
    let changes_step = report.step.is_some() && report.step != before.step
        || report.step_number.is_some() && report.step_number != before.step_number;
    let step = report.step.clone().or_else(|| before.step.clone());
    let step_number = report.step_number.or(if changes_step { None } else { before.step_number });
    let total_steps = report.total_steps.or(before.total_steps);
    check_number(step_number, total_steps)?;
    let message =
        report.message.clone().or_else(|| (!changes_step).then(|| before.message.clone()).flatten());
    let status = report.status.unwrap_or_default();
    let reported = report.percent.or_else(|| from_steps(step_number, total_steps, status));
    let percent = match (reported.map(one_decimal), before.percent) {
        (Some(now), Some(before)) => Some(now.max(before)),
        (now, before) => now.or(before),
    };
    Ok(Progress { step, step_number, total_steps, percent, message, status })
}

fn check(report: &Report) -> Result<(), Invalid> {
    if let Some(step) = &report.step {
        if step.trim().is_empty() {
            let message = "\"step\" is empty: name the step, such as \"Preparing Data\", or leave it out";
            return Err(Invalid::new("step", message));
        }
        check_length("step", step, MAX_STEP_CHARS)?;
    }
    if let Some(message) = &report.message {
        check_length("message", message, MAX_MESSAGE_CHARS)?;
    }
    match report.percent {
        Some(percent) if !(0.0..=100.0).contains(&percent) => {
            let message = format!("\"percent\" is {percent}: it must be a number from 0 to 100");
            Err(Invalid::new("percent", message))
        }
        _ => Ok(()),
    }
}

fn check_number(step_number: Option<u32>, total_steps: Option<u32>) -> Result<(), Invalid> {
    if total_steps == Some(0) {
        return Err(Invalid::new("total_steps", "\"total_steps\" is 0: steps are counted from 1"));
    }
    match (step_number, total_steps) {
        (Some(0), _) => Err(Invalid::new("step_number", "\"step_number\" is 0: steps are counted from 1")),
        (Some(number), Some(total)) if number > total => {
            let message = format!("\"step_number\" is {number}, but there are {total} steps");
            Err(Invalid::new("step_number", message))
        }
        _ => Ok(()),
    }
}

fn from_steps(number: Option<u32>, total: Option<u32>, status: StepStatus) -> Option<f64> {
    let (number, total) = (number?, total?);
    let finished = if status == StepStatus::Completed { number } else { number - 1 };
    Some(f64::from(finished) * 100.0 / f64::from(total))
}

fn one_decimal(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}

/// Shortest time between two frames of a job, in milliseconds.
pub const WIRE_GAP_MILLIS: i64 = 100;
/// Shortest time between two writes of a job's progress, in milliseconds, unless the step changes.
pub const STORE_GAP_MILLIS: i64 = 1_000;

/// Decides which of a job's reports are sent and stored: at most ten frames and one write a second, one write more per
/// step change, and always the last one.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    wire: Lane,
    store: Lane,
}

/// What to do with the latest progress now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Due {
    /// Send it.
    pub wire: bool,
    /// Write it.
    pub store: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Lane {
    last: Option<Timestamp>,
    waits: bool,
}

impl Lane {
    fn take(&mut self, now: Timestamp, gap: i64, forced: bool) -> bool {
        // A clock that was set back holds nothing up for longer than the gap.
        let early = self.last.is_some_and(|last| (0..gap).contains(&now.millis_since(last)));
        self.waits = early && !forced;
        if !self.waits {
            self.last = Some(now);
        }
        !self.waits
    }

    fn due(&mut self, now: Timestamp, gap: i64) -> bool {
        self.waits && self.take(now, gap, false)
    }

    fn next_at(&self, gap: i64) -> Option<Timestamp> {
        let last = self.last.filter(|_| self.waits)?;
        Some(Timestamp::from_millis(last.as_millis().saturating_add(gap)))
    }
}

impl Pace {
    /// A report came in. What is not due now waits, and a later report takes its place.
    pub fn report(&mut self, now: Timestamp, step_changed: bool) -> Due {
        Due {
            wire: self.wire.take(now, WIRE_GAP_MILLIS, false),
            store: self.store.take(now, STORE_GAP_MILLIS, step_changed),
        }
    }

    /// What of the waiting reports has become due.
    pub fn due(&mut self, now: Timestamp) -> Due {
        Due { wire: self.wire.due(now, WIRE_GAP_MILLIS), store: self.store.due(now, STORE_GAP_MILLIS) }
    }

    /// When [`Pace::due`] is worth asking again; none when nothing waits.
    pub fn next_at(&self) -> Option<Timestamp> {
        let (wire, store) = (self.wire.next_at(WIRE_GAP_MILLIS), self.store.next_at(STORE_GAP_MILLIS));
        wire.into_iter().chain(store).min()
    }
}
