//! Deliveries: one notification, or one digest, to one user by one medium, sent until it is done.
//!
//! [`crate::fallback`] plans them. [`decide()`] says what to do with one whose time has come, [`conclude`] what an
//! attempt means for it.
//!
//! waiting -> queued -> sent -> delivered; an attempt that fails leads to retrying or failed, one that the address
//! refuses to bounced; skipped, with a reason, from any state before sent. While a worker has a delivery, its row
//! carries a lease and keeps its state; the attempt's number is the fence, as it is with jobs.
//!
//! *Exactly one send* holds as far as a medium allows: the row, the lease and [`Delivery::message_key`] see to it that
//! one attempt is made at a time and that all attempts carry one name. A worker that dies after the medium took the
//! message and before that is written leaves [`Outcome::Lost`]: the next attempt sends it again, and only a receiver
//! that knows the name can tell.

use std::sync::Arc;

use oyez_protocol::{
    DeliveryId, DigestId, NotificationId, Timestamp, UserId,
    api::deliveries::{MAX_RESENDS, ResendRequest},
};
use sha2::{Digest as _, Sha256};

pub use oyez_protocol::api::deliveries::{DeliveryState, Medium, SkipReason, Timing};

use crate::notification::Invalid;

mod decide;
mod outcome;
#[cfg(test)]
mod tests;

pub use decide::{Address, Decision, Facts, Item, Pause, Wanted, decide, still_wanted};
pub use outcome::{Conclusion, MAX_ERROR_BYTES, MAX_RETRY_AFTER, Outcome, Report, conclude, settle};

/// What is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One notification.
    Notification {
        /// Names it.
        id: NotificationId,
        /// Its type.
        kind: Arc<str>,
    },
    /// The one message of a digest.
    Digest(DigestId),
}

/// A delivery, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Follows from subject, user and medium.
    pub id: DeliveryId,
    /// Whom it is for.
    pub user: UserId,
    /// What carries it.
    pub medium: Medium,
    /// What it tells.
    pub subject: Subject,
    /// When it was meant to go out.
    pub timing: Timing,
    /// Where it is in its life.
    pub state: DeliveryState,
    /// Why it was skipped.
    pub reason: Option<SkipReason>,
    /// The digest that collected it, or whose message it is.
    pub digest: Option<DigestId>,
    /// How many attempts were begun: the fence, which only grows.
    pub attempt: u32,
    /// How many of them do not count.
    pub given_back: u32,
    /// How often somebody had it sent again by hand.
    pub resends: u32,
    /// When it is looked at next; none in a digest and at its end.
    pub due_at: Option<Timestamp>,
    /// A worker has it; without a word until then, another takes it.
    pub lease_until: Option<Timestamp>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// Of no use after this.
    pub expires_at: Option<Timestamp>,
}

/// Why a delivery cannot be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotResendable {
    /// It is still on its way.
    #[error("the delivery has not ended: it is {}", .0.as_str())]
    Unfinished(DeliveryState),
    /// A digest lists it.
    #[error("the delivery is part of a digest: send the digest's message again, {0}")]
    InDigest(DeliveryId),
}

/// Checks which deliveries somebody wants sent again: those named, or those that a filter finds, not both.
pub fn check_resend(request: &ResendRequest) -> Result<(), Invalid> {
    let filtered = request.status.is_some() || request.medium.is_some();
    match (&request.ids, request.status) {
        (Some(_), _) if filtered => {
            let message =
                "\"ids\" says which, so \"status\" and \"medium\" have no place beside it: leave out either";
            Err(Invalid::new("ids", message))
        }
        (Some(ids), _) if !(1..=MAX_RESENDS).contains(&ids.len()) => {
            let message = format!("\"ids\" names {} deliveries: it must be 1 to {MAX_RESENDS}", ids.len());
            Err(Invalid::new("ids", message))
        }
        (None, None) => {
            let message =
                "\"status\" is missing: name a state, such as \"failed\", or the \"ids\" to send again";
            Err(Invalid::new("status", message))
        }
        (None, Some(state)) if !state.is_final() => {
            let message = format!(
                "\"status\" is {:?}, which is still on its way: expected sent, delivered, failed, bounced or skipped",
                state.as_str()
            );
            Err(Invalid::new("status", message))
        }
        (None, Some(state @ (DeliveryState::Sent | DeliveryState::Delivered))) if !request.again => {
            let message = format!(
                "\"status\" is {:?}: all of these people have it and would get it once more; if they shall, say \
                 \"again\": true",
                state.as_str()
            );
            Err(Invalid::new("again", message))
        }
        _ => Ok(()),
    }
}

/// The id of a delivery: the same for the same subject, user and medium, on every node and at every try.
pub fn delivery_id(subject: &Subject, user: &UserId, medium: Medium) -> DeliveryId {
    let (what, bytes) = match subject {
        Subject::Notification { id, .. } => ("notification", id.0.into_bytes()),
        Subject::Digest(id) => ("digest", id.0.into_bytes()),
    };
    let mut hash = Sha256::new();
    for text in [what, medium.as_str(), user.as_str()] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.update(bytes);
    DeliveryId::of_hash(*hash.finalize().first_chunk().expect("SHA-256 has 32 bytes"))
}

impl Delivery {
    /// Names the message to the medium, in every attempt alike: the left part of a `Message-ID`, the id of a webhook.
    /// Sending it again by hand makes another message of it.
    pub fn message_key(&self) -> String {
        match self.resends {
            0 => self.id.to_string(),
            again => format!("{}.{again}", self.id),
        }
    }

    /// Whether it is of no use any more.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// Whether it ends, skipped, when its user sees the item.
    ///
    /// One that goes out seen or not stays, and so does one that a worker has or that a closed digest lists. What is
    /// skipped leaves its digest: `digest` becomes none. In SQL:
    /// `timing <> 'at_once' AND lease_until IS NULL AND resends = 0 AND (state = 'waiting' OR digest IS NULL AND state
    /// IN ('queued', 'retrying'))`.
    pub fn ends_with_seen(&self) -> bool {
        let open = match self.state {
            DeliveryState::Waiting => true,
            DeliveryState::Queued | DeliveryState::Retrying => self.digest.is_none(),
            _ => false,
        };
        open && self.timing != Timing::AtOnce && self.lease_until.is_none() && self.resends == 0
    }

    /// Whether it ends, skipped, when its notification is withdrawn or its user erased: unless a worker has it, or a
    /// closed digest lists it.
    pub fn ends_with_notification(&self) -> bool {
        match self.state {
            DeliveryState::Waiting => self.lease_until.is_none(),
            DeliveryState::Queued | DeliveryState::Retrying => {
                self.lease_until.is_none() && self.digest.is_none()
            }
            _ => false,
        }
    }

    /// Sends it again because a person says so, at once: seen or not, in quiet hours too, and past every throttle.
    /// It has all its attempts before it.
    pub fn resent(&self, now: Timestamp) -> Result<Self, NotResendable> {
        if !self.state.is_final() {
            return Err(NotResendable::Unfinished(self.state));
        }
        if let (Some(digest), Subject::Notification { .. }) = (self.digest, &self.subject) {
            let message = delivery_id(&Subject::Digest(digest), &self.user, self.medium);
            return Err(NotResendable::InDigest(message));
        }
        Ok(Self {
            state: DeliveryState::Queued,
            reason: None,
            // The fence never goes back; that what was counted counts no more is said by giving it back.
            given_back: self.attempt,
            resends: self.resends + 1,
            due_at: Some(now),
            lease_until: None,
            ..self.clone()
        })
    }
}
