//! What a medium needs to send a delivery, read in the transaction that counted the attempt.

use std::sync::Arc;

use oyez_core::delivery::{Medium, Timing};
use oyez_protocol::{DeliveryId, DigestId, NotificationId, Seq, Timestamp, frame::server::push_item_head};

use crate::users::User;

/// Most items that a digest's parcel lists; the others are counted.
pub const MAX_LISTED: u32 = 100;
/// Once the tails of a digest's items exceed so many bytes, the others are only counted.
pub const MAX_LISTED_BYTES: usize = 256 * 1024;

/// One attempt to be made: the row is leased to the worker and the attempt counted.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The delivery.
    pub id: DeliveryId,
    /// Names the message to the medium, in every attempt alike; sent again by hand, it is another message.
    pub message_key: String,
    /// The attempt, to be named when it is concluded.
    pub attempt: u32,
    /// What carries it.
    pub medium: Medium,
    /// Whom it is for.
    pub user: User,
    /// Where it goes, where the medium has one address for a user: by e-mail only.
    pub address: Option<String>,
    /// What it tells.
    pub subject: ParcelSubject,
    /// When it was meant to go out.
    pub timing: Timing,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When the attempt began: what [`super::Ended::started_at`] repeats.
    pub started_at: Timestamp,
    /// Of no use after this.
    pub expires_at: Option<Timestamp>,
}

/// What a parcel tells.
#[derive(Debug, Clone)]
pub enum ParcelSubject {
    /// One notification.
    Notification(ParcelItem),
    /// A digest.
    Digest {
        /// Names it.
        id: DigestId,
        /// The oldest of what it lists, oldest first: at most [`MAX_LISTED`], of about [`MAX_LISTED_BYTES`]. What was
        /// removed since the list was fixed is missing.
        items: Vec<ParcelItem>,
        /// How many it lists.
        total: u64,
    },
}

/// An item as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelItem {
    /// What it tells.
    pub notification: NotificationId,
    /// Its position in the user's inbox.
    pub seq: Seq,
    /// Its type.
    pub kind: Arc<str>,
    /// The frame from the second key on.
    pub tail: Arc<str>,
    /// When it landed.
    pub created_at: Timestamp,
}

impl ParcelItem {
    /// The whole item as a JSON object, as the user's stream showed it when it landed.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.tail.len() + 32);
        push_item_head(&mut out, self.seq);
        out.push_str(&self.tail);
        out
    }
}
