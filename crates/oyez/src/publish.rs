//! Publishing: an application says a thing once, and everybody it concerns gets it.
//!
//! Each call decides (core), commits (store) and announces (bus), in this order. What is answered as published is on
//! disk. Nothing here knows a socket, or who is calling beyond the scope of their idempotency keys.

mod error;
mod event;
mod signal;
mod status;

use std::sync::Arc;

use oyez_core::{
    clock::Clock,
    notification::{Draft, draft},
};
use oyez_protocol::{
    NotificationId, Timestamp, UserId,
    api::publish::{NotificationRequest, Published},
};
use oyez_store::{LandedHook, NotificationState, NotificationStatus, PublishOutcome, Receipt, Store};
use tokio::sync::Notify;

use crate::bus::{Announcement, Bus};

pub use error::PublishError;
pub use signal::Signals;
pub use status::status_json;

/// Publishes notifications and events. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    store: Store,
    bus: Bus,
    clock: Clock,
    landed: LandedHook,
    waiting: Arc<Notify>,
}

impl Publisher {
    /// Joins store and bus.
    pub fn new(store: Store, bus: Bus, clock: Clock) -> Self {
        let announcer = bus.clone();
        let landed: LandedHook = Arc::new(move |landed| {
            let items: usize = landed.iter().map(|one| one.recipients.len()).sum();
            metrics::counter!("oyez_items_landed_total").increment(items as u64);
            announcer.announce(Announcement::Landed(landed.into_iter().map(Arc::new).collect()));
        });
        Self { store, bus, clock, landed, waiting: Arc::default() }
    }

    /// Publishes one notification. On return it is on disk for every recipient, or waits for its `send_at`.
    ///
    /// `caller` keeps the idempotency keys of different callers apart, e.g. `key:abc`. The publish goes on when the
    /// returned future is dropped after the store took it.
    pub async fn publish(
        &self,
        request: &NotificationRequest,
        caller: &str,
    ) -> Result<Published, PublishError> {
        let draft = self.draft(request, caller)?;
        let outcome = self.store.publish(draft, Arc::clone(&self.landed)).await?;
        self.published(outcome)
    }

    /// Publishes several, each checked and written on its own: one result per request, in their order.
    ///
    /// Fails as a whole only when the store does; then any of them may have been published, and repeating the call
    /// with idempotency keys is safe.
    pub async fn publish_batch(
        &self,
        requests: &[NotificationRequest],
        caller: &str,
    ) -> Result<Vec<Result<Published, PublishError>>, PublishError> {
        let mut drafts = Vec::with_capacity(requests.len());
        let refusals: Vec<Option<PublishError>> = requests
            .iter()
            .map(|request| self.draft(request, caller).map(|draft| drafts.push(draft)).err())
            .collect();
        let outcomes = match drafts.is_empty() {
            true => Vec::new(),
            false => self.store.publish_batch(drafts, Arc::clone(&self.landed)).await?,
        };
        let mut outcomes = outcomes.into_iter();
        let each = refusals.into_iter().map(|refusal| match refusal {
            Some(refusal) => Err(refusal),
            None => self.published(outcomes.next().expect("the store answers one outcome per draft")),
        });
        Ok(each.collect())
    }

    /// Takes back a notification that waits for its time.
    pub async fn cancel(&self, id: NotificationId) -> Result<(), PublishError> {
        match self.store.cancel_notification(id, self.clock.now()).await? {
            None => Err(PublishError::NotFound(id)),
            Some(NotificationState::Cancelled) => Ok(()),
            Some(state) => Err(PublishError::TooLate { id, state }),
        }
    }

    /// One notification: its state, and how many have seen and read it.
    pub async fn status(&self, id: NotificationId) -> Result<NotificationStatus, PublishError> {
        self.store.notification(id).await?.ok_or(PublishError::NotFound(id))
    }

    /// Who has it and what they did with it; the next page begins after the last user of this one.
    pub async fn receipts(
        &self,
        id: NotificationId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Receipt>, PublishError> {
        Ok(self.store.receipts(id, after, limit).await?)
    }

    /// Announces what the store lands by itself: for the background work that goes on with publishes.
    pub fn landed_hook(&self) -> LandedHook {
        Arc::clone(&self.landed)
    }

    /// Rings when a notification begins to wait for its time. One waiter at a time; a ring is kept until somebody waits.
    pub fn waiting(&self) -> Arc<Notify> {
        Arc::clone(&self.waiting)
    }

    fn draft(&self, request: &NotificationRequest, caller: &str) -> Result<Draft, PublishError> {
        let now = self.clock.now();
        Ok(draft(request, new_id(now), caller, now)?)
    }

    fn published(&self, outcome: PublishOutcome) -> Result<Published, PublishError> {
        match outcome {
            PublishOutcome::Published { id, recipients } => {
                metrics::counter!("oyez_notifications_published_total").increment(1);
                Ok(Published { id, recipients })
            }
            PublishOutcome::Scheduled { id } => {
                metrics::counter!("oyez_notifications_published_total").increment(1);
                self.waiting.notify_one();
                Ok(Published { id, recipients: 0 })
            }
            PublishOutcome::Replayed { id, recipients } => Ok(Published { id, recipients }),
            PublishOutcome::IdempotencyMismatch => Err(PublishError::IdempotencyMismatch),
        }
    }
}

/// A UUID version 7 of this moment: the clock is ours, so the uuid crate's own is not asked.
fn new_id(now: Timestamp) -> NotificationId {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    NotificationId(uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid())
}
