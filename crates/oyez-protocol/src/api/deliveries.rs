//! `/api/v1/deliveries`: what is sent to people who are away, and how that went.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DeliveryId, DigestId, NotificationId, UserId},
    time::Timestamp,
};

/// Most deliveries one call may name.
pub const MAX_RESENDS: usize = 1_000;

/// What carries a notification to somebody who is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// Electronic mail.
    Email,
    /// A push message to the user's browsers.
    WebPush,
    /// A signed request to an application.
    Webhook,
}

/// When a delivery that was planned is meant to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// At once, seen or not.
    AtOnce,
    /// After a grace period, if the user has not seen it by then.
    IfUnseen,
    /// Together with others, in one message that lists what the user has not seen by then.
    Digest,
}

/// Where a delivery is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for its time: the end of the grace period, of quiet hours or of a digest.
    Waiting,
    /// Its time has come: it is sent as soon as the medium is free.
    Queued,
    /// An attempt failed, another follows.
    Retrying,
    /// The medium took it.
    Sent,
    /// The medium says that it arrived.
    Delivered,
    /// Its attempts are used up, or none would help.
    Failed,
    /// The medium says that the address does not take it.
    Bounced,
    /// It was not sent, for a reason.
    Skipped,
}

/// Where a digest is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DigestState {
    /// Collects.
    Open,
    /// Its list is fixed, and its message on its way.
    Closing,
    /// The medium took its message.
    Sent,
    /// Its message failed, bounced or was skipped; resending that may still help.
    Failed,
    /// Nothing was left to list.
    Dropped,
}

/// Why a delivery was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The user saw it in time.
    Seen,
    /// It was of no use any more.
    Expired,
    /// The notification was cancelled, or removed.
    Withdrawn,
    /// The operator's rules say that this medium does not carry this type.
    Off,
    /// The publisher named the media, and this is none of them.
    NotAsked,
    /// The user does not want this type by this medium.
    Muted,
    /// The medium is not set up.
    NoMedium,
    /// The user has no address for this medium.
    NoAddress,
    /// The address refused a delivery before.
    Suppressed,
    /// The user is disabled, or erased.
    NoUser,
    /// Too many went to this user by this medium.
    Throttled,
}

/// A text that is none of the words that are known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no {what}: expected {expected}")]
pub struct WordError {
    what: &'static str,
    given: String,
    expected: String,
}

fn known<T: Copy>(
    what: &'static str,
    all: &[T],
    as_str: fn(T) -> &'static str,
    text: &str,
) -> Result<T, WordError> {
    all.iter().copied().find(|word| as_str(*word) == text).ok_or_else(|| WordError {
        what,
        given: text.chars().take(40).collect(),
        expected: all.iter().map(|word| as_str(*word)).collect::<Vec<_>>().join(", "),
    })
}

impl Medium {
    /// Every medium.
    pub const ALL: [Self; 3] = [Self::Email, Self::WebPush, Self::Webhook];

    /// The medium as it is written on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::WebPush => "web_push",
            Self::Webhook => "webhook",
        }
    }
}

impl Timing {
    /// Every timing.
    pub const ALL: [Self; 3] = [Self::AtOnce, Self::IfUnseen, Self::Digest];

    /// The timing as it is written on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::IfUnseen => "if_unseen",
            Self::Digest => "digest",
        }
    }
}

impl DeliveryState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Queued,
        Self::Retrying,
        Self::Sent,
        Self::Delivered,
        Self::Failed,
        Self::Bounced,
        Self::Skipped,
    ];

    /// Whether nothing more is tried.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Queued | Self::Retrying)
    }

    /// The state as it is written on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Retrying => "retrying",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
            Self::Skipped => "skipped",
        }
    }
}

impl DigestState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 5] = [Self::Open, Self::Closing, Self::Sent, Self::Failed, Self::Dropped];

    /// The state as it is written on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Seen,
        Self::Expired,
        Self::Withdrawn,
        Self::Off,
        Self::NotAsked,
        Self::Muted,
        Self::NoMedium,
        Self::NoAddress,
        Self::Suppressed,
        Self::NoUser,
        Self::Throttled,
    ];

    /// The reason as it is written on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Off => "off",
            Self::NotAsked => "not_asked",
            Self::Muted => "muted",
            Self::NoMedium => "no_medium",
            Self::NoAddress => "no_address",
            Self::Suppressed => "suppressed",
            Self::NoUser => "no_user",
            Self::Throttled => "throttled",
        }
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Medium {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        known("medium", &Self::ALL, Self::as_str, text)
    }
}

impl FromStr for Timing {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        known("timing", &Self::ALL, Self::as_str, text)
    }
}

impl FromStr for DeliveryState {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        known("state of a delivery", &Self::ALL, Self::as_str, text)
    }
}

impl FromStr for DigestState {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        known("state of a digest", &Self::ALL, Self::as_str, text)
    }
}

impl FromStr for SkipReason {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        known("reason to skip a delivery", &Self::ALL, Self::as_str, text)
    }
}

/// `GET /api/v1/deliveries/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryView {
    /// Names it.
    pub id: DeliveryId,
    /// Whom it is for.
    pub user: UserId,
    /// What carries it.
    pub medium: Medium,
    /// What it tells; absent when it is the one message of a digest.
    pub notification: Option<NotificationId>,
    /// The digest that lists it, or whose message it is.
    pub digest: Option<DigestId>,
    /// The notification's type; absent for a digest's message.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// When it was meant to go out.
    pub timing: Timing,
    /// Where it is in its life.
    pub state: DeliveryState,
    /// Why it was skipped.
    pub reason: Option<SkipReason>,
    /// How many attempts were made.
    pub attempt: u32,
    /// How many there may be.
    pub max_attempts: u16,
    /// When it is looked at next; absent when it has ended.
    pub due_at: Option<Timestamp>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When the medium took it.
    pub sent_at: Option<Timestamp>,
    /// Of no use after this.
    pub expires_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// One of `GET /api/v1/deliveries/{id}/attempts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryAttemptView {
    /// Counted from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; absent while it is made.
    pub ended_at: Option<Timestamp>,
    /// How: `accepted`, `delivered`, `failed`, `refused`, `bounced`, `lost` or `given_back`.
    pub outcome: Option<String>,
    /// What the medium answered.
    pub answer: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

/// `POST /api/v1/deliveries/resend`: sends again what has ended, by id or all that a filter finds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ResendRequest {
    /// These, up to [`MAX_RESENDS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<DeliveryId>>,
    /// Those in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DeliveryState>,
    /// Those by this medium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<Medium>,
    /// With a `status` of `sent` or `delivered`: yes, people shall get again what they have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// How many are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resent {
    /// Are queued again.
    pub queued: u64,
    /// Are unknown, or have not ended yet.
    pub left: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_written_alike_in_json_and_in_the_store() {
        fn check<T>(all: &[T], as_str: fn(T) -> &'static str)
        where
            T: Copy
                + PartialEq
                + fmt::Debug
                + Serialize
                + for<'de> Deserialize<'de>
                + FromStr<Err = WordError>,
        {
            for word in all {
                assert_eq!(serde_json::to_string(word).unwrap(), format!("\"{}\"", as_str(*word)));
                assert_eq!(as_str(*word).parse::<T>().as_ref(), Ok(word));
            }
        }
        check(&Medium::ALL, Medium::as_str);
        check(&Timing::ALL, Timing::as_str);
        check(&DeliveryState::ALL, DeliveryState::as_str);
        check(&DigestState::ALL, DigestState::as_str);
        check(&SkipReason::ALL, SkipReason::as_str);
        let refused = "sms".parse::<Medium>().unwrap_err().to_string();
        assert_eq!(refused, "\"sms\" is no medium: expected email, web_push, webhook");
    }
}
