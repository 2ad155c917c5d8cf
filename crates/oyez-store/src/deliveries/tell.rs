//! Has webhook endpoints told of deliveries that came into another state, in the transaction that wrote it.

use std::sync::Arc;

use oyez_core::{
    delivery::Subject,
    webhook::{Event, event_id, event_of},
};
use serde_json::Value;

use super::{DeliveryChange, DeliveryRow};
use crate::{error::StoreError, writer::Tx};

impl Tx {
    /// Makes the jobs that tell of changes, where an endpoint wants to know.
    pub(super) async fn tell_changes(&mut self, changes: &[DeliveryChange]) -> Result<(), StoreError> {
        if changes.is_empty() || !self.has_webhooks().await? {
            return Ok(());
        }
        let mut events = Vec::new();
        for change in changes {
            let row = &change.delivery;
            let max_attempts = self.policy().retry(row.delivery.medium).max_attempts;
            events.extend(event(row, max_attempts)?);
        }
        let Some(now) = events.iter().map(|event| event.at).max() else { return Ok(()) };
        self.tell_webhooks(&events, now).await.map(drop)
    }
}

fn event(row: &DeliveryRow, max_attempts: u16) -> Result<Option<Event>, StoreError> {
    let delivery = &row.delivery;
    let Some(event) = event_of(delivery.state) else { return Ok(None) };
    let at = row.ended_at.or(row.sent_at).or(row.attempted_at).unwrap_or(delivery.created_at);
    // Sent again by hand, it may come into the same state once more.
    let count = u64::from(delivery.resends) << 32 | u64::from(delivery.attempt);
    let kind: Option<Arc<str>> = match &delivery.subject {
        Subject::Notification { kind, .. } => Some(Arc::clone(kind)),
        Subject::Digest(_) => None,
    };
    let fault = |error| StoreError::Fault(format!("a delivery cannot be told: {error}"));
    let data: Value = serde_json::to_value(row.view(max_attempts)).map_err(fault)?;
    let id = event_id(event, &delivery.id.to_string(), count, at);
    Ok(Some(Event { id, event, kind, at, data }))
}
