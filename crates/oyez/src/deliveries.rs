//! Deliveries: what is sent to people who are away, as operators see it and as the engine that sends works on it.
//!
//! Each change decides (core, asked by the store), commits (store) and announces (bus), in this order. In reading order:
//! `read` shows, `resend` is what people ask for, `work` is how deliveries are taken, ended and collected, `tell` says
//! live what became of them, and `watch` lets code in this process hear it.

mod error;
mod read;
mod resend;
mod tell;
mod watch;
mod work;

use std::sync::Arc;

use oyez_core::{clock::Clock, fallback::Policy};
use oyez_store::Store;

use crate::bus::Bus;

pub use error::DeliveriesError;
pub use tell::TOPIC;
pub use watch::Changes;

/// What deliveries are made of.
pub struct Parts {
    /// Where they are kept.
    pub store: Store,
    /// Where changes are announced.
    pub bus: Bus,
    /// The time.
    pub clock: Clock,
    /// What holds for whom: the store's own.
    pub policy: Arc<Policy>,
}

/// Deliveries. Cheap to clone.
#[derive(Clone)]
pub struct Deliveries {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    bus: Bus,
    clock: Clock,
    policy: Arc<Policy>,
    watchers: watch::Watchers,
}

impl Deliveries {
    /// Joins store and bus.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, bus, clock, policy } = parts;
        Self { shared: Arc::new(Shared { store, bus, clock, policy, watchers: watch::Watchers::default() }) }
    }

    /// The operator's rules.
    pub fn policy(&self) -> &Policy {
        &self.shared.policy
    }
}
