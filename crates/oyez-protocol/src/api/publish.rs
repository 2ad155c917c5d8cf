//! `POST /api/v1/notifications`, `…/batch` and `/api/v1/events`.

use serde::{Deserialize, Serialize};

use crate::{audience::Audience, ids::NotificationId, time::Timestamp};

/// Most notifications one batch may hold.
pub const MAX_BATCH: usize = 1_000;

/// Says a thing once, durably: an item lands in each recipient's inbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotificationRequest {
    /// One audience or several: `"user:7"` or `["role:admin", "user:7"]`. Each recipient gets one item.
    pub to: Audiences,
    /// The frame's `type` and `notification_type`: 1 to 64 of `a-z A-Z 0-9 _ - .`; absent: `notification`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// One sentence for people, up to 4,000 characters.
    pub message: String,
    /// A headline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where a click leads: `http(s)://…` or a path starting with `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// An icon's URL, path or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// How loud: the words are the application's, `info`, `success`, `warning`, `error`, `critical` are usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Who did it: any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<serde_json::Value>,
    /// The publisher's own keys. They stand beside the envelope's in the frame; with no `type` they stay under `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Map<String, serde_json::Value>>,
    /// Lands in the inboxes then, not now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// Of no use after this: archived by itself, cancelled when it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Items with one key are shown as a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_key: Option<String>,
    /// Which media may carry it to people who are away; absent: what the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Vec<String>>,
    /// The same as the `Idempotency-Key` header, per notification in a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// `to`: one audience or a list of 1 to 1,000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an audience such as \"user:7\", \"role:admin\", \"topic:x\" or \"everyone\", or a list of them"
)]
pub enum Audiences {
    /// `"user:7"`.
    One(Audience),
    /// `["role:admin", "user:7"]`.
    Many(Vec<Audience>),
}

impl Audiences {
    /// The audiences as a slice.
    pub fn as_slice(&self) -> &[Audience] {
        match self {
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Many(audiences) => audiences,
        }
    }
}

impl From<Audience> for Audiences {
    fn from(audience: Audience) -> Self {
        Self::One(audience)
    }
}

/// 202: it is on disk for every recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The notification.
    pub id: NotificationId,
    /// How many inboxes it landed in; 0 while it waits for `send_at`.
    pub recipients: u64,
}

/// `POST /api/v1/notifications/batch`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// Up to [`MAX_BATCH`], each checked and written on its own.
    pub notifications: Vec<NotificationRequest>,
}

/// A live-only event to whoever is connected now.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRequest {
    /// Who should see it.
    pub to: Audiences,
    /// The frame's `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Keys of the frame, beside `type` and `timestamp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Map<String, serde_json::Value>>,
}

/// 202 for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventReached {
    /// Connections of this node that it was handed to.
    pub reached: u64,
}
