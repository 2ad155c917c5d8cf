//! Sending again what has ended, because a person says so.

use oyez_core::delivery::check_resend;
use oyez_protocol::{
    DeliveryId, Timestamp,
    api::deliveries::{MAX_RESENDS, ResendRequest, Resent},
};
use oyez_store::{DeliveryChange, DeliveryRow, ResendOutcome};

use super::{Deliveries, DeliveriesError};

impl Deliveries {
    /// Sends one again, at once: seen or not, in quiet hours too, and past every throttle.
    pub async fn resend(&self, id: DeliveryId) -> Result<DeliveryRow, DeliveriesError> {
        let (now, told) = (self.shared.clock.now(), self.clone());
        let resending = self.shared.store.write_then(
            move |tx| Box::pin(async move { tx.resend_delivery(id, now).await }),
            move |outcome: &ResendOutcome| {
                if let ResendOutcome::Resent(changes) = outcome {
                    told.tell(changes);
                }
            },
        );
        match resending.await? {
            ResendOutcome::Resent(_) => self.get(id).await,
            ResendOutcome::Refused(refused) => Err(refused.into()),
            ResendOutcome::Unknown => Err(DeliveriesError::NotFound(id)),
        }
    }

    /// The same for those that are named, or for all that a filter finds.
    pub async fn resend_all(&self, request: &ResendRequest) -> Result<Resent, DeliveriesError> {
        check_resend(request)?;
        // What has ended again since is not found again.
        let now = self.shared.clock.now();
        let mut all = self.resend_some(request, now).await?;
        let mut some = all;
        // By filter, each transaction finds the oldest; those that are queued again are not found any more.
        while request.ids.is_none() && some.queued >= MAX_RESENDS as u64 {
            some = self.resend_some(request, now).await?;
            all = Resent { queued: all.queued + some.queued, left: some.left };
        }
        Ok(all)
    }

    async fn resend_some(&self, request: &ResendRequest, now: Timestamp) -> Result<Resent, DeliveriesError> {
        let (request, told) = (request.clone(), self.clone());
        let resending = self.shared.store.write_then(
            move |tx| Box::pin(async move { tx.resend_deliveries(&request, now).await }),
            move |(_, changes): &(Resent, Vec<DeliveryChange>)| told.tell(changes),
        );
        Ok(resending.await?.0)
    }
}
