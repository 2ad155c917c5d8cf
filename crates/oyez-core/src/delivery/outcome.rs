//! What an attempt means for its delivery.

use std::time::Duration;

use oyez_protocol::Timestamp;

use super::{Delivery, DeliveryState};
use crate::fallback::Retry;

/// Longest error that is kept, in bytes.
pub const MAX_ERROR_BYTES: usize = 2 * 1024;
/// The longest wait that a receiver may ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(86_400);

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The medium took it, and may say more later: a mail server's 250, a push service's 201.
    Accepted,
    /// It arrived: an application's 2xx.
    Delivered,
    /// Not now: no connection, a mail server's 4xx, a 429 or 5xx over HTTP.
    Failed {
        /// Why.
        error: String,
        /// How long the receiver asks to wait.
        retry_after: Option<Duration>,
    },
    /// Never like this: a mail server's 5xx for the message, a 413, a template that cannot be rendered.
    Refused {
        /// Why.
        error: String,
    },
    /// Never to this address: an unknown mailbox, a subscription that is gone. The address is to be suppressed or
    /// removed.
    Bounced {
        /// Why.
        error: String,
    },
    /// The lease ran out. It may have been sent.
    Lost,
    /// The worker stopped before it sent anything.
    GivenBack,
}

impl Outcome {
    /// The word for it, as it is stored and shown.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Failed { .. } => "failed",
            Self::Refused { .. } => "refused",
            Self::Bounced { .. } => "bounced",
            Self::Lost => "lost",
            Self::GivenBack => "given_back",
        }
    }
}

/// What becomes of the delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// Its next state.
    pub state: DeliveryState,
    /// When it is looked at next; none when it has ended.
    pub due_at: Option<Timestamp>,
    /// The attempt does not count.
    pub gives_back: bool,
    /// The word in the attempt's record.
    pub attempt_outcome: &'static str,
    /// Why it failed.
    pub error: Option<String>,
}

/// Concludes the attempt that a worker made of a delivery, or lost. `random`, a number from 0 to 1, spreads the wait
/// before the next one.
pub fn conclude(
    delivery: &Delivery,
    outcome: Outcome,
    retry: &Retry,
    now: Timestamp,
    random: f64,
) -> Conclusion {
    let counted = delivery.attempt.saturating_sub(delivery.given_back);
    let word = outcome.as_str();
    let conclusion = |state, due_at, error: Option<String>| Conclusion {
        state,
        due_at,
        gives_back: false,
        attempt_outcome: word,
        error: error.map(cut),
    };
    let again = |retry_after: Option<Duration>, error: String| {
        if counted >= u32::from(retry.max_attempts) {
            return conclusion(DeliveryState::Failed, None, Some(error));
        }
        // Who asks for time gets it, but no receiver can make us come sooner than the backoff has it.
        let wait =
            retry.backoff.delay(counted, random).max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER));
        conclusion(DeliveryState::Retrying, Some(now.plus(wait)), Some(error))
    };
    match outcome {
        Outcome::Accepted => conclusion(DeliveryState::Sent, None, None),
        Outcome::Delivered => conclusion(DeliveryState::Delivered, None, None),
        Outcome::Failed { error, retry_after } => again(retry_after, error),
        Outcome::Refused { error } => conclusion(DeliveryState::Failed, None, Some(error)),
        Outcome::Bounced { error } => conclusion(DeliveryState::Bounced, None, Some(error)),
        Outcome::Lost => again(None, LOST.into()),
        Outcome::GivenBack => Conclusion {
            // With failures behind it, it goes on retrying: they still count.
            state: if counted > 1 { DeliveryState::Retrying } else { DeliveryState::Queued },
            due_at: Some(now),
            gives_back: true,
            attempt_outcome: word,
            error: None,
        },
    }
}

const LOST: &str = "the worker stopped before the attempt ended: the message may have been sent";

// A server's essay is cut at the end of a character.
fn cut(mut error: String) -> String {
    error.truncate(error.floor_char_boundary(MAX_ERROR_BYTES));
    error
}

/// What a medium says of a message that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// It arrived.
    Arrived,
    /// It came back.
    CameBack,
}

/// The state that a later report leads to; none when it changes nothing. A bounce outweighs an arrival, in whichever
/// order they are told: some servers say both.
pub fn settle(state: DeliveryState, report: Report) -> Option<DeliveryState> {
    match (state, report) {
        (DeliveryState::Sent, Report::Arrived) => Some(DeliveryState::Delivered),
        (DeliveryState::Sent | DeliveryState::Delivered, Report::CameBack) => Some(DeliveryState::Bounced),
        _ => None,
    }
}
