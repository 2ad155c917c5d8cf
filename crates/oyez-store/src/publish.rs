//! Lands notifications in inboxes.
//!
//! Drafts for few recipients that arrive together are written by the same few statements in one transaction.
//! A large audience is written in chunks, each a transaction of its own, so that other changes go in between; how far
//! it got is committed with each chunk, so a crash half-way is finished by [`Store::finish_publishes`].

use std::sync::Arc;

use oyez_core::notification::{Draft, Landed};
use oyez_protocol::{NotificationId, Timestamp};

use crate::{error::StoreError, store::Store};

/// Called with each part of a publish right after its commit, in commit order. It must not block.
pub type LandedHook = Arc<dyn Fn(Landed) + Send + Sync>;

/// How a publish ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishOutcome {
    /// It is on disk for every recipient.
    Published {
        /// The notification.
        id: NotificationId,
        /// How many inboxes it landed in.
        recipients: u64,
    },
    /// It is on disk and waits for its time.
    Scheduled {
        /// The notification.
        id: NotificationId,
    },
    /// The same publish was made before, under this id.
    Replayed {
        /// The first one's id.
        id: NotificationId,
        /// How many inboxes that one landed in.
        recipients: u64,
    },
    /// The idempotency key was used before, for another body. Nothing was written.
    IdempotencyMismatch,
}

impl Store {
    /// Publishes one notification; answers after the last commit. It goes on when the caller is dropped.
    pub async fn publish(&self, draft: Draft, landed: LandedHook) -> Result<PublishOutcome, StoreError> {
        todo!()
    }

    /// Publishes several, each on its own: one result per draft, in their order.
    pub async fn publish_batch(
        &self,
        drafts: Vec<Draft>,
        landed: LandedHook,
    ) -> Result<Vec<PublishOutcome>, StoreError> {
        todo!()
    }

    /// Goes on with audiences that were half-written when the process ended; answers when they are whole.
    /// Returns how many notifications that were.
    pub async fn finish_publishes(&self, landed: LandedHook) -> Result<u64, StoreError> {
        todo!()
    }

    /// Lands up to `limit` notifications whose time has come, and gives up those that expired while they waited.
    /// Returns how many it dealt with; when that is `limit`, there may be more.
    pub async fn publish_due(
        &self,
        now: Timestamp,
        limit: u32,
        landed: LandedHook,
    ) -> Result<u64, StoreError> {
        todo!()
    }

    /// When the next waiting notification is due.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        todo!()
    }
}
