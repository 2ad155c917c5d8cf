//! How the engine works on deliveries: it takes what is due, says how attempts ended, and closes digests. Each is one
//! transaction, and all that it changed is announced.

use std::{sync::Arc, time::Duration};

use oyez_core::delivery::{Medium, Report};
use oyez_protocol::{DeliveryId, Timestamp};
use oyez_store::{Closed, DeliveryChange, Ended, StoreError, Taken};

use super::{Deliveries, DeliveriesError};

impl Deliveries {
    /// When the next delivery or digest is due, or a lease ends.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.shared.store.next_delivery_due().await
    }

    /// The same for deliveries by one medium.
    pub async fn next_due_by(&self, medium: Medium) -> Result<Option<Timestamp>, StoreError> {
        self.shared.store.next_delivery_due_by(medium).await
    }

    /// The same for digests.
    pub async fn next_digest_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.shared.store.next_digest_due().await
    }

    /// Waits until something was committed that is due before then. For one caller at a time; what was committed since
    /// the last call counts too.
    pub async fn due_before(&self, before: Timestamp) {
        self.shared.store.delivery_due_before(before).await;
    }

    /// Ends all leases: for a process that knows that no other one has this store. Returns how many that were.
    pub async fn take_over(&self) -> Result<u64, StoreError> {
        let now = self.shared.clock.now();
        self.shared.store.write(move |tx| Box::pin(async move { tx.end_delivery_leases(now).await })).await
    }

    /// Takes up to `limit` deliveries of a medium that are due, each with a lease until then.
    pub async fn take(
        &self,
        medium: Medium,
        limit: u32,
        lease_until: Timestamp,
    ) -> Result<Taken, StoreError> {
        let (now, told) = (self.shared.clock.now(), self.clone());
        let taking = self.shared.store.write_then(
            move |tx| {
                Box::pin(
                    async move { tx.take_deliveries(medium, limit, lease_until, now, rand::random()).await },
                )
            },
            move |taken: &Taken| told.tell(&taken.changes),
        );
        taking.await
    }

    /// Writes how attempts ended. An attempt that is not the delivery's any more changes nothing, so that saying it
    /// twice is safe.
    pub async fn conclude(&self, ended: Arc<[Ended]>) -> Result<(), StoreError> {
        let (now, told) = (self.shared.clock.now(), self.clone());
        let concluding = self.shared.store.write_then(
            move |tx| Box::pin(async move { tx.conclude_deliveries(&ended, now, rand::random()).await }),
            move |changes: &Vec<DeliveryChange>| told.tell(changes),
        );
        concluding.await.map(drop)
    }

    /// Closes up to `limit` digests whose time has come.
    pub async fn close_digests(&self, limit: u32) -> Result<Closed, StoreError> {
        let (now, told) = (self.shared.clock.now(), self.clone());
        let closing = self.shared.store.write_then(
            move |tx| Box::pin(async move { tx.close_digests(limit, now).await }),
            move |closed: &Closed| told.tell(&closed.changes),
        );
        closing.await
    }

    /// Deletes up to `limit` deliveries that ended longer ago than `keep`; zero keeps them. Returns how many.
    pub async fn retain(&self, keep: Duration, limit: u32) -> Result<u64, StoreError> {
        if keep.is_zero() {
            return Ok(0);
        }
        let millis = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let before = Timestamp::from_millis(self.shared.clock.now().as_millis().saturating_sub(millis));
        self.shared
            .store
            .write(move |tx| Box::pin(async move { tx.retain_deliveries(before, limit).await }))
            .await
    }

    /// Takes in what a medium says later of a message that it took. Returns whether that changed anything.
    pub async fn settle(&self, id: DeliveryId, report: Report) -> Result<bool, DeliveriesError> {
        let (now, told) = (self.shared.clock.now(), self.clone());
        let settling = self.shared.store.write_then(
            move |tx| Box::pin(async move { tx.settle_delivery(id, report, now).await }),
            move |changes: &Vec<DeliveryChange>| told.tell(changes),
        );
        Ok(!settling.await?.is_empty())
    }
}
