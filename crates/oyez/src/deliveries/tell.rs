//! Says live what became of deliveries: one event for all that a commit changed, to the topic of those who watch.

use std::sync::Arc;

use oyez_core::event::LiveEvent;
use oyez_protocol::{Audience, Timestamp, TopicName, api::deliveries::DeliveryView};
use oyez_store::DeliveryChange;
use serde::Serialize;

use super::Deliveries;
use crate::bus::Announcement;

/// Who holds an admin role may subscribe to it, and hears of every delivery that changes.
pub const TOPIC: &str = "oyez.deliveries";
/// Most deliveries one event lists; `count` has them all.
const MOST_LISTED: usize = 100;
/// Longest error an event shows, in bytes; the API shows all of it.
const MOST_ERROR_BYTES: usize = 200;

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    /// How many changed in this commit.
    count: usize,
    deliveries: &'a [DeliveryView],
}

impl Deliveries {
    /// Called right after a commit with all that it changed, also by those who mark, expire and remove items.
    pub fn tell(&self, changes: &[DeliveryChange]) {
        if changes.is_empty() {
            return;
        }
        let shared = &self.shared;
        for DeliveryChange { delivery: row, .. } in changes {
            let delivery = &row.delivery;
            if delivery.state.is_final() {
                let labels = [("medium", delivery.medium.as_str()), ("state", delivery.state.as_str())];
                metrics::counter!("oyez_deliveries_ended_total", &labels).increment(1);
            }
        }
        shared.watchers.tell(|| changes.iter().map(|change| self.view(&change.delivery)).collect());
        let Ok(topic) = TopicName::new(TOPIC) else { return };
        let shown = changes.iter().take(MOST_LISTED).map(|change| short(self.view(&change.delivery)));
        let shown: Vec<DeliveryView> = shown.collect();
        let event = Event {
            kind: "delivery_updated",
            timestamp: shared.clock.now(),
            count: changes.len(),
            deliveries: &shown,
        };
        match serde_json::to_string(&event) {
            Ok(text) => {
                let event = LiveEvent::new(vec![Audience::Topic(topic)], text.into(), None);
                shared.bus.announce(Announcement::Event(Arc::new(event)));
            }
            Err(error) => tracing::error!(%error, "could not say what became of deliveries"),
        }
    }
}

fn short(mut view: DeliveryView) -> DeliveryView {
    if let Some(error) = &mut view.error {
        error.truncate(error.floor_char_boundary(MOST_ERROR_BYTES));
    }
    view
}
