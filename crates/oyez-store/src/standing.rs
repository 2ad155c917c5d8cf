//! Where users' streams stand: what a greeting, a resume and a head check need, in one query for many users.

use oyez_core::inbox::Standing;
use oyez_protocol::UserId;

use crate::{error::StoreError, store::Store};

impl Store {
    /// One standing per user, in their order; of users nobody has heard of, zeros.
    pub async fn standings(&self, users: &[UserId]) -> Result<Vec<Standing>, StoreError> {
        todo!()
    }

    /// One user's standing. Callers at the same time share a query.
    pub async fn standing(&self, user: &UserId) -> Result<Standing, StoreError> {
        todo!()
    }
}
