//! What only one node at a time may do: whoever holds the lease does it, and another takes over when it runs out.

use oyez_protocol::Timestamp;

use crate::{
    engine::{args, sql},
    error::StoreError,
    writer::Tx,
};

impl Tx {
    /// Takes or prolongs a lease. Returns false while somebody else holds it.
    pub async fn take_lease(
        &mut self,
        name: &str,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(sql!("leases/take"), args![name, holder, until, now]).await? > 0)
    }

    /// Lets go of a lease, so that another need not wait for its end. Returns whether it was held.
    pub async fn release_lease(&mut self, name: &str, holder: &str) -> Result<bool, StoreError> {
        Ok(self.execute(sql!("leases/release"), args![name, holder]).await? > 0)
    }
}
