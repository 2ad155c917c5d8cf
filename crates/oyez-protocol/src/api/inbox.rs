//! `/api/v1/inbox`: what a user has. An item has the fields of its live frame, flat.

use serde::{Deserialize, Serialize};

use crate::{
    frame::client::MarkAction,
    ids::{Epoch, NotificationId, Seq},
    time::Timestamp,
};

/// One item: its position and states, the notification's envelope, and the publisher's own keys beside them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Item {
    /// Its position in the inbox.
    pub seq: Seq,
    /// The notification.
    pub id: NotificationId,
    /// The notification's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same as `type`.
    pub notification_type: String,
    /// When it was published.
    pub timestamp: Timestamp,
    /// One sentence for people.
    pub message: String,
    /// When the user saw it; absent while they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// When the user read it; absent while they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// When it left the list; absent while it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
    /// `title`, `url`, `icon`, `severity`, `actor`, `group_key` where they are set, and the publisher's keys.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object, additional_properties))]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// Where an inbox stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Counts {
    /// Items neither read nor archived.
    pub unread: u64,
    /// Items neither seen nor archived.
    pub unseen: u64,
    /// The newest item's position.
    pub seq: Seq,
    /// The life of the database in which positions count.
    pub epoch: Epoch,
}

/// What landed after a position, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Changes {
    /// The items.
    pub data: Vec<Item>,
    /// For `after_seq` of the next call; null when these are all.
    pub next_cursor: Option<String>,
    /// The newest item's position.
    pub seq: Seq,
    /// The life of the database in which positions count.
    pub epoch: Epoch,
    /// The position asked for means nothing here: `data` begins with the oldest item, and the client starts over.
    pub reset: bool,
}

/// `PATCH /api/v1/inbox/{id}`: what is absent stays.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PatchRequest {
    /// `true` marks it seen.
    #[serde(default)]
    pub seen: Option<bool>,
    /// `true` marks it read (and seen), `false` unread.
    #[serde(default)]
    pub read: Option<bool>,
    /// `true` archives it.
    #[serde(default)]
    pub archived: Option<bool>,
}

/// `POST /api/v1/inbox/mark`: either `ids`, or `all`, or `up_to_seq` (also together with `all`).
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MarkRequest {
    /// What to change.
    pub action: MarkAction,
    /// These items, up to 1,000; ids that are not in the inbox are passed over.
    #[serde(default)]
    pub ids: Option<Vec<NotificationId>>,
    /// All items.
    #[serde(default)]
    pub all: Option<bool>,
    /// All items up to and including this position.
    #[serde(default)]
    pub up_to_seq: Option<Seq>,
}
