//! Webhooks: applications that are told what happened by signed requests, as Standard Webhooks has it
//! (<https://www.standardwebhooks.com>).
//!
//! `change` is what people do to endpoints, `secret` is what requests are signed with, `send` makes one request and
//! keeps book of how endpoints answer. When something is told, and how often that is tried, is decided elsewhere: users'
//! notifications are deliveries, all else are jobs.

mod change;
mod error;
mod secret;
mod send;

use std::{sync::Arc, time::Duration};

use oyez_core::clock::Clock;
use oyez_protocol::RoleName;
use oyez_store::Store;

use crate::{auth::SigningKey, outbound::Outbound, publish::Publisher};

pub use error::WebhooksError;
pub use send::{EventError, EventJob, Reply};

/// What webhooks are made of.
pub struct Parts {
    /// Where endpoints are kept.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// What secrets follow from.
    pub key: SigningKey,
    /// Makes the requests.
    pub outbound: Outbound,
    /// Tells administrators when an endpoint is disabled.
    pub publisher: Publisher,
    /// Who those are.
    pub admin_roles: Vec<RoleName>,
    /// An endpoint that has failed for so long is disabled; zero: never.
    pub disable_after: Duration,
    /// Whether users' notifications are told at all.
    pub notifications: bool,
}

/// Webhook endpoints. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    parts: Arc<Parts>,
}

impl Webhooks {
    /// Joins its parts.
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }
}
