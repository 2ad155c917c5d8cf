//! Digests: deliveries to one user by one medium with one key, collected over a window and listed in one message.
//!
//! open -> closing -> sent or failed; or open -> dropped, when nothing is left to list.
//!
//! Nothing is lost and nothing is listed twice, whoever acts at the same instant, because the store keeps three things:
//!
//! - A delivery joins in the transaction that writes it (or finds its throttle used up), and only a digest that is
//!   open *then*. A row that is there already is left alone, so a publish that is tried again joins nothing again.
//! - Of one [`DigestKey`] at most one digest is open. Its id follows from the key and its start, and
//!   [`Collecting::join`] starts each later than the one before: two nodes that open it at once make the same row, or
//!   one of them finds the other's and asks again.
//! - It closes by a change of state from open in the transaction that reads its members; after that the list is
//!   fixed, and every attempt tells the same. What arrives meanwhile finds no open digest and opens the next.

use std::time::Duration;

use jiff::{civil::Time, tz::TimeZone};
use oyez_protocol::{
    DigestId, Timestamp, UserId,
    api::{
        deliveries::{DeliveryState, Medium},
        preferences::WindowRequest,
    },
};
use sha2::{Digest as _, Sha256};

pub use oyez_protocol::api::deliveries::DigestState;

use super::quiet_hours::{next_at, time_of_day};
use crate::notification::Invalid;

mod close;
#[cfg(test)]
mod tests;

pub use close::{Closing, Member, close};

/// How long a digest may collect, in seconds.
const EVERY: std::ops::RangeInclusive<u32> = 10..=2_678_400;

/// How long a digest collects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// So long from its first notification on.
    Every(Duration),
    /// Until the user's clock shows this time; one that is leapt over stands right after the leap.
    Until(Time),
}

impl Window {
    /// Checks what is asked for; the refusal names the field.
    pub fn new(field: &str, request: &WindowRequest) -> Result<Self, Invalid> {
        match (request.every, &request.at) {
            (Some(seconds), None) if EVERY.contains(&seconds) => {
                Ok(Self::Every(Duration::from_secs(seconds.into())))
            }
            (Some(seconds), None) => {
                let field = format!("{field}.every");
                let (first, last) = (EVERY.start(), EVERY.end());
                let message = format!("\"{field}\" is {seconds}: it must be {first} to {last} seconds");
                Err(Invalid::new(&field, message))
            }
            (None, Some(at)) => Ok(Self::Until(time_of_day(&format!("{field}.at"), at)?)),
            (given, _) => {
                let found = if given.is_some() {
                    "both \"every\" and \"at\""
                } else {
                    "neither \"every\" nor \"at\""
                };
                let message = format!(
                    "\"{field}\" names {found}: expected one of them, {} or {}",
                    "{\"every\": 3600}", "{\"at\": \"08:00\"}"
                );
                Err(Invalid::new(field, message))
            }
        }
    }

    /// When a digest that starts then is due; always later than its start.
    pub fn end(&self, start: Timestamp, zone: &TimeZone) -> Timestamp {
        const DAY: Duration = Duration::from_secs(86_400);
        match self {
            Self::Every(length) => start.plus((*length).max(Duration::from_millis(1))),
            // Without a next time, at the end of all calendars, a day.
            Self::Until(time) => next_at(zone, *time, start).unwrap_or_else(|| start.plus(DAY)),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Every(length) => format!("every {}", length.as_secs()),
            Self::Until(time) => format!("until {:02}:{:02}", time.hour(), time.minute()),
        }
    }
}

/// What is collected together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DigestKey {
    /// Whose.
    pub user: UserId,
    /// By which medium.
    pub medium: Medium,
    /// The window, and the notifications' group key where they have one; opaque to the store.
    pub key: String,
}

impl DigestKey {
    /// The key of what is collected by choice: a daily digest and an hourly one are two.
    pub fn grouped(user: &UserId, medium: Medium, window: Window, group_key: Option<&str>) -> Self {
        let group = group_key.map(|group| format!("\n{group}")).unwrap_or_default();
        Self { user: user.clone(), medium, key: window.name() + &group }
    }

    /// The key of what was too much for the user's throttle.
    pub fn throttled(user: &UserId, medium: Medium) -> Self {
        Self { user: user.clone(), medium, key: "throttled".into() }
    }

    /// The id of the digest that starts then.
    fn id(&self, start: Timestamp) -> DigestId {
        let mut hash = Sha256::new();
        // Texts are told apart by their lengths: no two keys are written alike.
        for text in ["digest", self.user.as_str(), self.medium.as_str(), self.key.as_str()] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update(start.as_millis().to_be_bytes());
        DigestId::of_hash(*hash.finalize().first_chunk().expect("SHA-256 has 32 bytes"))
    }
}

/// A digest, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Follows from the key and the start.
    pub id: DigestId,
    /// What it collects.
    pub key: DigestKey,
    /// When it began to collect.
    pub start: Timestamp,
    /// When it closes, or is looked at again.
    pub due_at: Timestamp,
    /// Where it is in its life.
    pub state: DigestState,
}

/// How a delivery finds its digest.
#[derive(Debug, Clone)]
pub struct Collecting {
    /// What is collected together.
    pub key: DigestKey,
    /// How long.
    pub window: Window,
    /// Where the user's clock hangs.
    pub zone: TimeZone,
}

/// Where a delivery was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collected {
    /// In a digest that is open.
    Joins(DigestId),
    /// In a new one, to be written with it.
    Opens(Digest),
}

impl Collected {
    /// The digest's id.
    pub fn id(&self) -> DigestId {
        match self {
            Self::Joins(id) => *id,
            Self::Opens(digest) => digest.id,
        }
    }
}

impl Collecting {
    /// The digest that a delivery joins at `now`, given the one of its key that started last, if there ever was one.
    ///
    /// One that is open is joined even when it is overdue: it will list the delivery when it closes. Should a write of
    /// the new one collide with one that is open, ask again with that.
    pub fn join(&self, latest: Option<&Digest>, now: Timestamp) -> Collected {
        let start = match latest {
            Some(latest) if latest.state == DigestState::Open => return Collected::Joins(latest.id),
            // In the same instant, or by a clock that was set back, it still starts later, and has an id of its own.
            Some(latest) => now.max(latest.start.plus(Duration::from_millis(1))),
            None => now,
        };
        Collected::Opens(Digest {
            id: self.key.id(start),
            key: self.key.clone(),
            start,
            due_at: self.window.end(start, &self.zone),
            state: DigestState::Open,
        })
    }
}

/// What becomes of a digest, and of the deliveries it lists, when its message is in a state: written in the
/// transaction that writes that state. A reason to skip the message is theirs too.
pub fn follow(message: DeliveryState) -> (DigestState, DeliveryState) {
    match message {
        // Also when it is sent again by hand.
        DeliveryState::Waiting | DeliveryState::Queued | DeliveryState::Retrying => {
            (DigestState::Closing, DeliveryState::Queued)
        }
        DeliveryState::Sent | DeliveryState::Delivered => (DigestState::Sent, message),
        DeliveryState::Failed | DeliveryState::Bounced | DeliveryState::Skipped => {
            (DigestState::Failed, message)
        }
    }
}
