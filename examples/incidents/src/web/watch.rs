//! Tells the open pages of a ticket to look again.
//!
//! Live only, beside the seven notifications: it reaches the pages that subscribed to the ticket's topic and nobody
//! else, and says nothing but the ticket's number. A page that misses it is only less fresh.

use oyez::protocol::{
    Audience, TopicName,
    api::publish::{Audiences, EventRequest},
};
use serde_json::json;

use super::Web;
use crate::ticket::Ticket;

/// Sends `ticket_changed` to the ticket's open pages.
pub(super) async fn changed(web: &Web, ticket: &Ticket) {
    let topic = match TopicName::new(&ticket.watch_topic) {
        Ok(topic) => topic,
        Err(error) => return tracing::error!(%error, "a ticket's topic was changed by hand"),
    };
    let event = EventRequest {
        to: Audiences::One(Audience::Topic(topic)),
        kind: "ticket_changed".into(),
        data: json!({"ticket": {"id": ticket.id}}).as_object().cloned(),
    };
    if let Err(error) = web.oyez.event(event).await {
        tracing::warn!(%error, "open pages were not told of a change");
    }
}
