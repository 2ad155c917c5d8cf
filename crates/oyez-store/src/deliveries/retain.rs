//! Forgets what has ended long ago.

use oyez_protocol::Timestamp;

use crate::{
    engine::{args, sql},
    error::StoreError,
    writer::Tx,
};

impl Tx {
    /// Deletes up to `limit` deliveries that ended before a time, with their attempts, and as many digests that nothing
    /// tells of any more. Returns how many; call again while it returns any.
    pub async fn retain_deliveries(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let gone = self.execute(sql!("deliveries/retain"), args![before, limit]).await?;
        Ok(gone + self.execute(sql!("digests/retain"), args![before, limit]).await?)
    }

    /// Deletes throttles that hold all their tokens, which no row does as well.
    pub(crate) async fn forget_throttles(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let micros = now.as_millis().saturating_mul(1000);
        self.execute(sql!("deliveries/forget_throttles"), args![micros, limit]).await
    }
}
