//! Notifications: checks what an application publishes and composes the text that every recipient shares.

use std::sync::Arc;

use oyez_protocol::{Audience, ErrorCode, NotificationId, Seq, Timestamp, UserId};

/// A checked notification, ready to store.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Names it.
    pub id: NotificationId,
    /// The frame's type; `notification` when none was given.
    pub kind: Arc<str>,
    /// The frame after its head: `{"seq":N,` and this are the whole frame.
    pub tail: Arc<str>,
    /// Whose inboxes it lands in; each recipient gets one item.
    pub audience: Vec<Audience>,
    /// When it was published.
    pub created_at: Timestamp,
    /// Lands then, not now.
    pub send_at: Option<Timestamp>,
    /// Of no use after this.
    pub expires_at: Option<Timestamp>,
    /// Items with one key are shown as a group.
    pub group_key: Option<String>,
    /// Makes a repeated publish the same publish.
    pub idempotency: Option<Idempotency>,
}

/// Recognises a request that is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Who asked, such as `key:abc`: two callers may choose the same key.
    pub scope: String,
    /// The caller's key.
    pub key: String,
    /// SHA-256 of the body in canonical form: the same key with another body is a mistake.
    pub fingerprint: [u8; 32],
}

/// Items that were committed together: one notification, or one part of a large audience.
#[derive(Debug, Clone)]
pub struct Landed {
    /// What landed.
    pub notification: NotificationId,
    /// Its type.
    pub kind: Arc<str>,
    /// The shared frame tail.
    pub tail: Arc<str>,
    /// In whose inbox, and at which position.
    pub recipients: Vec<(UserId, Seq)>,
}

/// Why a publish is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// Stable code.
    pub code: ErrorCode,
    /// Which field of the body, such as `message` or `data.seq`.
    pub field: String,
    /// A sentence that names the field, what was given and what would be right.
    pub message: String,
}
