//! Events: told to whoever is connected now, and counted.

use std::{sync::Arc, time::Duration};

use oyez_core::event::event;
use oyez_protocol::api::publish::{EventReached, EventRequest};
use tokio::sync::oneshot;

use super::{PublishError, Publisher};
use crate::bus::Announcement;

/// How long the count is waited for; the event itself needs nobody to wait.
const COUNTING: Duration = Duration::from_secs(2);

impl Publisher {
    /// Tells a live-only event to its audience. Nothing is stored; who is not connected never sees it.
    ///
    /// `reached` counts the connections of this node that it was handed to, each once; 0 when they cannot be counted
    /// in time.
    pub async fn send_event(&self, request: &EventRequest) -> Result<EventReached, PublishError> {
        let (report, counted) = oneshot::channel();
        let event = event(request, self.clock.now())?.reporting(move |reached| {
            // The caller may have gone; then nobody asks.
            let _ = report.send(reached);
        });
        metrics::counter!("oyez_events_total").increment(1);
        self.bus.announce(Announcement::Event(Arc::new(event)));
        let reached = tokio::time::timeout(COUNTING, counted).await;
        Ok(EventReached { reached: reached.ok().and_then(Result::ok).unwrap_or(0) })
    }
}
