//! Signals: a user tells a topic's other members something that only matters now, such as "typing".

use std::sync::{Arc, Mutex, PoisonError};

use oyez_core::{
    access::{Person, Rules},
    clock::Clock,
    event::signal,
    rate::{Buckets, Rate},
};
use oyez_protocol::{TopicName, UserId};
use oyez_store::Store;

use super::PublishError;
use crate::bus::{Announcement, Bus};

/// Users whose pace is remembered at once.
const MAX_SENDERS: usize = 100_000;

/// Passes signals on. Cheap to clone.
#[derive(Clone)]
pub struct Signals {
    store: Store,
    bus: Bus,
    clock: Clock,
    rules: Arc<Rules>,
    pace: Arc<Mutex<Buckets<UserId>>>,
}

impl Signals {
    /// `rate` is what one user may send on this node, over all their connections.
    pub fn new(store: Store, bus: Bus, clock: Clock, rules: Arc<Rules>, rate: Rate) -> Self {
        let pace = Arc::new(Mutex::new(Buckets::new(rate, MAX_SENDERS)));
        Self { store, bus, clock, rules, pace }
    }

    /// Sends a live-only event to the topic's members other than the sender. Who may subscribe may signal.
    pub async fn send(
        &self,
        sender: Person<'_>,
        topic: &TopicName,
        name: &str,
        data: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), PublishError> {
        let now = self.clock.now();
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).take(sender.user.clone(), now)?;
        let event = signal(topic, name, data, sender.user, now)?;
        let is_member = self.store.is_member(topic, sender.user).await?;
        if !self.rules.may_signal(sender, topic, is_member) {
            return Err(PublishError::NotAMember(topic.clone()));
        }
        metrics::counter!("oyez_signals_total").increment(1);
        self.bus.announce(Announcement::Event(Arc::new(event)));
        Ok(())
    }
}
