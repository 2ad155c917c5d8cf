//! `GET /api/v1/stats`: how much there is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ids::Epoch, time::Timestamp};

/// Counts of this moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stats {
    /// The server's release.
    pub version: String,
    /// The server's clock.
    pub server_time: Timestamp,
    /// The life of the database.
    pub epoch: Epoch,
    /// Live connections of this node.
    pub connections: u64,
    /// Known users.
    pub users: u64,
    /// Items in all inboxes.
    pub items: u64,
    /// Stored notifications.
    pub notifications: u64,
    /// Notifications that wait for their time.
    pub waiting: u64,
    /// Notifications on their way to a large audience.
    pub sending: u64,
    /// Logins that have not ended.
    pub sessions: u64,
    /// API keys that have not been revoked.
    pub keys: u64,
    /// Bytes of the database.
    pub database_bytes: u64,
    /// Changes that wait for the database's writer.
    pub queued_changes: u64,
    /// Deliveries by medium and state; those of which there are none are left out.
    #[cfg_attr(feature = "openapi", schema(value_type = Object, example = json!({"email": {"sent": 40, "failed": 1}})))]
    pub deliveries: BTreeMap<String, BTreeMap<String, u64>>,
}
