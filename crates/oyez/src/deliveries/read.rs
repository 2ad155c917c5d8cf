//! Showing deliveries: one, many, the attempts of one, and how many there are.

use oyez_protocol::{
    DeliveryId,
    api::deliveries::{DeliveryAttemptView, DeliveryView},
};
use oyez_store::{DeliveryCount, DeliveryFilter, DeliveryRow};

use super::{Deliveries, DeliveriesError};

impl Deliveries {
    /// One delivery.
    pub async fn get(&self, id: DeliveryId) -> Result<DeliveryRow, DeliveriesError> {
        self.shared.store.delivery(id).await?.ok_or(DeliveriesError::NotFound(id))
    }

    /// A delivery as the wire shows it.
    pub fn view(&self, row: &DeliveryRow) -> DeliveryView {
        row.view(self.shared.policy.retry(row.delivery.medium).max_attempts)
    }

    /// Deliveries that match, newest first; the next page begins before the last of this one.
    pub async fn list(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, DeliveriesError> {
        Ok(self.shared.store.deliveries(filter, before, limit).await?)
    }

    /// A delivery's attempts, the first one first.
    pub async fn attempts(&self, id: DeliveryId) -> Result<Vec<DeliveryAttemptView>, DeliveriesError> {
        let attempts = self.shared.store.delivery_attempts(id).await?;
        if attempts.is_empty() {
            self.get(id).await?;
        }
        Ok(attempts.into_iter().map(DeliveryAttemptView::from).collect())
    }

    /// How many there are, by medium and state. Takes time with their number.
    pub async fn counts(&self) -> Result<Vec<DeliveryCount>, DeliveriesError> {
        Ok(self.shared.store.delivery_counts().await?)
    }
}
