//! Marks on items, with counts that stay exact.

use oyez_protocol::{
    Timestamp, UserId,
    frame::{
        client::{MarkAction, Selection},
        server::InboxChange,
    },
};

use crate::{error::StoreError, writer::Tx};

/// Most items a change lists; more are announced as `all`.
pub const MAX_LISTED: usize = 1_000;

impl Tx {
    /// Marks items of a user. Idempotent: what is marked already keeps its time. Lists what changed, up to
    /// [`MAX_LISTED`], else says `all`.
    pub async fn mark(
        &mut self,
        user: &UserId,
        action: MarkAction,
        selection: &Selection,
        now: Timestamp,
    ) -> Result<InboxChange, StoreError> {
        todo!()
    }
}
