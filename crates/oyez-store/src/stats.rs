//! Counts for status and metrics, and the cleaning away of what nobody needs any more.

use oyez_protocol::Timestamp;

use crate::{error::StoreError, store::Store, writer::Tx};

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Known users.
    pub users: u64,
    /// Items in all inboxes.
    pub items: u64,
    /// Stored notifications.
    pub notifications: u64,
    /// Notifications that wait for their time.
    pub waiting: u64,
    /// Notifications that are on their way to a large audience.
    pub sending: u64,
    /// Logins that have not ended.
    pub sessions: u64,
    /// API keys that have not been revoked.
    pub keys: u64,
    /// Bytes of the database, without what waits in its log.
    pub database_bytes: u64,
    /// Changes that wait for the writer.
    pub queued_changes: u64,
}

impl Store {
    /// Counts all there is.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        todo!()
    }
}

impl Tx {
    /// Cleans away about `limit` old idempotency keys, tickets, ended logins and notifications nobody got.
    /// Returns how many; call again while it returns any.
    pub async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        todo!()
    }
}
