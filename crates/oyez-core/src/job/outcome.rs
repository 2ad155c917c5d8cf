//! What the outcome of an attempt means for its job.

use std::{sync::Arc, time::Duration};

use oyez_protocol::{Timestamp, api::jobs::JobEnd};

use super::JobState;
use crate::retry::Backoff;

/// Longest error that is kept, in bytes.
pub const MAX_ERROR_BYTES: usize = 8 * 1024;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Well, with a result: any JSON.
    Done(Option<Arc<str>>),
    /// Badly; the next attempt comes when the backoff says.
    Fail {
        /// Why.
        error: String,
    },
    /// Badly; the next attempt comes after a wait that the handler chose.
    RetryAfter {
        /// How long.
        delay: Duration,
        /// Why.
        error: String,
    },
    /// Not now: the attempt does not count.
    Snooze {
        /// How long to wait.
        delay: Duration,
    },
    /// The handler calls the job off.
    Cancel {
        /// Why.
        reason: String,
    },
    /// Badly, and no other attempt would help.
    Discard {
        /// Why.
        error: String,
    },
    /// The lease ran out: its worker is gone, or stuck.
    Lost,
    /// The worker stops and gives the attempt back.
    GivenBack,
    /// It took longer than its timeout.
    TimedOut,
}

/// What must be known of a running job to conclude its attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Running {
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// How many attempts before it do not count.
    pub given_back: u32,
    /// How often it may fail.
    pub max_attempts: u16,
    /// How long to wait between attempts.
    pub backoff: Backoff,
    /// Somebody asked it to stop.
    pub cancel_requested: bool,
}

/// What becomes of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// Its next state; never running.
    pub state: JobState,
    /// When it may start again; none when it has ended.
    pub run_at: Option<Timestamp>,
    /// The attempt does not count.
    pub gives_back: bool,
    /// The word in the attempt's record.
    pub attempt_outcome: &'static str,
    /// Why it failed.
    pub error: Option<String>,
    /// What it ended with: any JSON.
    pub result: Option<Arc<str>>,
}

impl Conclusion {
    /// Which end of the job this is, if it is one.
    pub fn end(&self) -> Option<JobEnd> {
        match self.state {
            JobState::Completed => Some(JobEnd::Completed),
            JobState::Discarded => Some(JobEnd::Failed),
            JobState::Cancelled => Some(JobEnd::Cancelled),
            JobState::Available | JobState::Scheduled | JobState::Running | JobState::Retryable => None,
        }
    }
}

/// Concludes an attempt. `random`, a number from 0 to 1, spreads the wait before the next one.
///
/// Success counts even when a cancellation came too late to be heeded; any other outcome of a job that was asked to
/// stop cancels it.
pub fn conclude(running: &Running, outcome: Outcome, now: Timestamp, random: f64) -> Conclusion {
    let counted = running.attempt.saturating_sub(running.given_back);
    let exhausted = counted >= u32::from(running.max_attempts);
    let word = word(&outcome);
    let ended = |state, error: Option<String>, result| Conclusion {
        state,
        run_at: None,
        gives_back: false,
        attempt_outcome: word,
        error: error.map(cut),
        result,
    };
    let again = |state, delay: Duration, error: Option<String>| Conclusion {
        state,
        run_at: Some(after(now, delay)),
        gives_back: error.is_none(),
        attempt_outcome: word,
        error: error.map(cut),
        result: None,
    };
    let retry = |delay: Duration, error: String| match exhausted {
        true => ended(JobState::Discarded, Some(error), None),
        false if delay.is_zero() => again(JobState::Available, delay, Some(error)),
        false => again(JobState::Retryable, delay, Some(error)),
    };
    match outcome {
        Outcome::Done(result) => ended(JobState::Completed, None, result),
        Outcome::Cancel { reason } => ended(JobState::Cancelled, Some(reason), None),
        other if running.cancel_requested => {
            let mut conclusion = ended(JobState::Cancelled, error_of(other), None);
            conclusion.attempt_outcome = "cancelled";
            conclusion
        }
        Outcome::Fail { error } => retry(running.backoff.delay(counted, random), error),
        Outcome::RetryAfter { delay, error } => retry(delay, error),
        Outcome::Discard { error } => ended(JobState::Discarded, Some(error), None),
        // Its work may well be fine: the next worker takes it at once. That the attempt counts bounds how many workers
        // a job can take down.
        Outcome::Lost => retry(Duration::ZERO, LOST.into()),
        Outcome::TimedOut => retry(running.backoff.delay(counted, random), TIMED_OUT.into()),
        Outcome::Snooze { delay } if delay.is_zero() => again(JobState::Available, delay, None),
        Outcome::Snooze { delay } => again(JobState::Scheduled, delay, None),
        Outcome::GivenBack => again(JobState::Available, Duration::ZERO, None),
    }
}

const LOST: &str = "the worker stopped reporting before the attempt ended";
const TIMED_OUT: &str = "the attempt took longer than its timeout";

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Fail { .. } | Outcome::RetryAfter { .. } => "failed",
        Outcome::Snooze { .. } => "snoozed",
        Outcome::Cancel { .. } => "cancelled",
        Outcome::Discard { .. } => "discarded",
        Outcome::Lost => "lost",
        Outcome::GivenBack => "given_back",
        Outcome::TimedOut => "timed_out",
    }
}

fn error_of(outcome: Outcome) -> Option<String> {
    match outcome {
        Outcome::Fail { error } | Outcome::RetryAfter { error, .. } | Outcome::Discard { error } => {
            Some(error)
        }
        Outcome::Cancel { reason } => Some(reason),
        Outcome::Lost => Some(LOST.into()),
        Outcome::TimedOut => Some(TIMED_OUT.into()),
        Outcome::Done(_) | Outcome::Snooze { .. } | Outcome::GivenBack => None,
    }
}

fn after(now: Timestamp, delay: Duration) -> Timestamp {
    let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_add(millis))
}

// A stack trace of a megabyte is cut at the end of a character.
fn cut(mut error: String) -> String {
    error.truncate(error.floor_char_boundary(MAX_ERROR_BYTES));
    error
}

/// How often a finished job may fail once somebody retries it by hand: once more at least.
pub fn max_attempts_for_retry(attempt: u32, given_back: u32, max_attempts: u16) -> u16 {
    let counted = attempt.saturating_sub(given_back);
    max_attempts.max(u16::try_from(counted.saturating_add(1)).unwrap_or(u16::MAX))
}
