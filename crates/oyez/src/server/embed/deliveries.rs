//! Deliveries of an application that embeds Oyez.

use oyez_protocol::{
    DeliveryId,
    api::deliveries::{DeliveryAttemptView, DeliveryView, ResendRequest, Resent},
};
use oyez_store::{DeliveryCount, DeliveryFilter};
use tokio::sync::broadcast::Receiver;

use crate::{
    deliveries::{Changes, DeliveriesError},
    server::{Error, Oyez},
};

/// Deliveries: what was sent to people who are away, how that went, and sending it again.
///
/// ```no_run
/// # use oyez::{Oyez, DeliveryFilter, protocol::api::deliveries::DeliveryState};
/// # async fn example(oyez: Oyez) -> Result<(), oyez::server::Error> {
/// let failed = DeliveryFilter { states: vec![DeliveryState::Failed], ..DeliveryFilter::default() };
/// for delivery in oyez.deliveries().list(&failed, None, 50).await? {
///     println!("{} to {}: {:?}", delivery.id, delivery.user, delivery.error);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Deliveries<'a> {
    oyez: &'a Oyez,
}

impl Oyez {
    /// Deliveries: what was sent to people who are away.
    pub fn deliveries(&self) -> Deliveries<'_> {
        Deliveries { oyez: self }
    }
}

impl Deliveries<'_> {
    /// Deliveries that match, newest first; the next page begins before the last of this one.
    pub async fn list(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<DeliveryView>, Error> {
        let deliveries = &self.oyez.inner.deliveries;
        let rows = deliveries.list(filter, before, limit).await?;
        Ok(rows.iter().map(|row| deliveries.view(row)).collect())
    }

    /// One delivery.
    pub async fn get(&self, id: DeliveryId) -> Result<Option<DeliveryView>, Error> {
        match self.oyez.inner.deliveries.get(id).await {
            Ok(row) => Ok(Some(self.oyez.inner.deliveries.view(&row))),
            Err(DeliveriesError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A delivery's attempts, the first one first.
    pub async fn attempts(&self, id: DeliveryId) -> Result<Vec<DeliveryAttemptView>, Error> {
        Ok(self.oyez.inner.deliveries.attempts(id).await?)
    }

    /// How many there are, by medium and state. Takes time with their number.
    pub async fn counts(&self) -> Result<Vec<DeliveryCount>, Error> {
        Ok(self.oyez.inner.deliveries.counts().await?)
    }

    /// Every change from now on, a commit at a time. A hint: a listener that is too slow is told that it missed some.
    pub fn watch(&self) -> Receiver<Changes> {
        self.oyez.inner.deliveries.watch()
    }

    /// Sends one again, at once: seen or not, in quiet hours too, and past every throttle.
    pub async fn resend(&self, id: DeliveryId) -> Result<DeliveryView, Error> {
        let row = self.oyez.inner.deliveries.resend(id).await?;
        Ok(self.oyez.inner.deliveries.view(&row))
    }

    /// The same for those that are named, or for all that a filter finds.
    pub async fn resend_all(&self, request: &ResendRequest) -> Result<Resent, Error> {
        Ok(self.oyez.inner.deliveries.resend_all(request).await?)
    }
}
