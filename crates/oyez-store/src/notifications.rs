//! What became of a notification: its state, and who has seen and read it.

use std::sync::Arc;

use oyez_protocol::{Audience, NotificationId, Timestamp, UserId, frame::server::ItemTimes};

use crate::{error::StoreError, store::Store};

/// How far a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationState {
    /// Its time has not come.
    Waiting,
    /// Some of its recipients have it, the others get it now.
    Sending,
    /// All recipients have it.
    Sent,
    /// It was taken back while it waited.
    Cancelled,
    /// It is of no use any more: nobody got it, or it was archived in every inbox.
    Expired,
}

impl NotificationState {
    /// The word for it, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A notification as the application that published it sees it.
#[derive(Debug, Clone)]
pub struct NotificationStatus {
    /// Names it.
    pub id: NotificationId,
    /// Its type.
    pub kind: String,
    /// How far it is.
    pub state: NotificationState,
    /// When it was published.
    pub created_at: Timestamp,
    /// When it lands, if not at once.
    pub send_at: Option<Timestamp>,
    /// When it is of no use any more.
    pub expires_at: Option<Timestamp>,
    /// For whom it was published.
    pub audience: Vec<Audience>,
    /// How many inboxes it landed in.
    pub recipients: u64,
    /// How many recipients have seen it; those whose item is gone by retention or erasure are not counted.
    pub seen: u64,
    /// How many recipients have read it.
    pub read: u64,
    /// The shared frame tail.
    pub tail: Arc<str>,
}

/// What one recipient did with a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Who.
    pub user: UserId,
    /// When they saw, read and archived it.
    pub times: ItemTimes,
}

impl Store {
    /// Takes back a notification that waits for its time. Returns its state now (`Cancelled` when it worked), or
    /// `None` when it is unknown.
    pub async fn cancel_notification(
        &self,
        id: NotificationId,
        now: Timestamp,
    ) -> Result<Option<NotificationState>, StoreError> {
        todo!()
    }

    /// One notification with its counts.
    pub async fn notification(&self, id: NotificationId) -> Result<Option<NotificationStatus>, StoreError> {
        todo!()
    }

    /// Who has it, in an order that stays; the next page begins after the last user of this one.
    pub async fn receipts(
        &self,
        id: NotificationId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Receipt>, StoreError> {
        todo!()
    }
}
