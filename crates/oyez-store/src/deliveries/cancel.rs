//! Skips deliveries that are of no use any more, in the transaction that makes them so: what was seen, what has
//! expired, what was removed. What a worker has, or a closed digest lists, goes on. Where no medium is set up, nothing
//! is asked: what was planned before is skipped once it is due.

use oyez_core::delivery::Medium;
use oyez_protocol::{NotificationId, Timestamp};
use uuid::Uuid;

use super::record::{self, DeliveryChange, Stored};
use crate::{
    engine::{Row, args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// Most skipped deliveries that one change tells of.
pub(crate) const MAX_TOLD: usize = 1_000;

impl Tx {
    /// What this change has skipped since it was asked last, by marks, expiry or retention: at most 1,000, the first
    /// ones. For those who announce changes.
    pub fn skipped_deliveries(&mut self) -> Vec<DeliveryChange> {
        std::mem::take(self.skipped())
    }

    /// A user has seen, read or archived the items of some notifications.
    pub(crate) async fn skip_seen(
        &mut self,
        user: i64,
        notifications: &[Uuid],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if notifications.is_empty() || !self.delivers() {
            return Ok(());
        }
        let args = args![user, json(notifications), now];
        let rows = self.fetch(sql!("deliveries/skip_seen"), args).await?;
        self.tell_skipped(&rows).await
    }

    /// A notification has expired for users after a number and up to another.
    pub(crate) async fn skip_expired(
        &mut self,
        notification: NotificationId,
        users: (i64, i64),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if !self.delivers() {
            return Ok(());
        }
        let args = args![notification.0, users.0, users.1, now];
        let rows = self.fetch(sql!("deliveries/skip_expired"), args).await?;
        self.tell_skipped(&rows).await
    }

    /// Items of users go, each up to a position.
    pub(crate) async fn skip_removed(
        &mut self,
        cuts: &[(i64, i64)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if !self.delivers() {
            return Ok(());
        }
        let rows = self.fetch(sql!("deliveries/skip_removed"), args![json(cuts), now]).await?;
        self.tell_skipped(&rows).await
    }

    /// Skips up to `limit` deliveries each that are due by media which are not set up any more: nobody takes them.
    /// Returns how many.
    pub(crate) async fn skip_without_medium(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut skipped = 0;
        for medium in Medium::ALL {
            if !self.policy().is_set_up(medium) {
                // The core lets none of them be sent, so no lease is taken.
                skipped += self.take_deliveries(medium, limit, now, now, 0.0).await?.changes.len() as u64;
            }
        }
        Ok(skipped)
    }

    fn delivers(&self) -> bool {
        Medium::ALL.into_iter().any(|medium| self.policy().is_set_up(medium))
    }

    async fn tell_skipped(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        let room = MAX_TOLD.saturating_sub(self.skipped().len());
        let nums = rows.iter().take(room).map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
        if nums.is_empty() {
            return Ok(());
        }
        let statement =
            sql!("deliveries/select", "deliveries/columns", "deliveries/from", "deliveries/numbered");
        let skipped = record::deliveries(self.fetch_one(statement, args![json(&nums)]).await?)?;
        let skipped: Vec<DeliveryChange> = skipped.into_iter().map(Stored::change).collect();
        self.tell_changes(&skipped).await?;
        self.skipped().extend(skipped);
        Ok(())
    }
}
