//! Counts for status and metrics, and the cleaning away of what nobody needs any more.

use oyez_protocol::Timestamp;

use crate::{
    engine::{args, sql},
    error::StoreError,
    idempotency::REMEMBERED_SECONDS,
    store::Store,
    writer::Tx,
};

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
        let row = self.reader().await?.fetch_one(sql!("stats/count"), args![]).await?;
        let row = row.ok_or_else(|| StoreError::Fault("a count without a row".into()))?;
        Ok(Stats {
            users: row.count(0)?,
            items: row.count(1)?,
            notifications: row.count(2)?,
            waiting: row.count(3)?,
            sending: row.count(4)?,
            sessions: row.count(5)?,
            keys: row.count(6)?,
            database_bytes: row.count(7)?,
            queued_changes: self.writer().queued() as u64,
        })
    }
}

/// For how long an ended login is remembered, in seconds: so that a stolen token is still recognised as one.
const ENDED_SECONDS: i64 = 30 * 24 * 60 * 60;
/// For how long a notification that reached nobody can be asked for, in seconds.
const OF_NOBODY_SECONDS: i64 = 30 * 24 * 60 * 60;

impl Tx {
    /// Cleans away up to `limit` each of old idempotency keys, tickets, ended logins, throttles that are full again,
    /// notifications nobody got and notes of who took a message, skips what is due by media that are not set up any more,
    /// and goes on a step with an erasure that was interrupted.
    /// Returns how many; call again while it returns any.
    pub async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let day_ago = now.plus_seconds(-REMEMBERED_SECONDS);
        let ended = now.plus_seconds(-ENDED_SECONDS);
        let of_nobody = now.plus_seconds(-OF_NOBODY_SECONDS);
        let mut gone = self.execute(sql!("stats/purge_idempotency"), args![day_ago, limit]).await?;
        gone += self.execute(sql!("stats/purge_tickets"), args![now, limit]).await?;
        gone += self.execute(sql!("stats/purge_tokens"), args![ended, limit]).await?;
        gone += self.execute(sql!("stats/purge_sessions"), args![ended, limit]).await?;
        gone += self.execute(sql!("stats/purge_notifications"), args![of_nobody, limit]).await?;
        gone += self.forget_throttles(now, limit).await?;
        gone += self.skip_without_medium(now, limit).await?;
        gone += self.execute(sql!("taken/purge"), args![of_nobody, limit]).await?;
        Ok(gone + u64::from(self.erase_some().await?))
    }
}
