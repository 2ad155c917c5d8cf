//! What a user has: pages of items by position, and the marks on them.

pub mod mark;
pub mod retention;

use oyez_core::inbox::{Page, StoredItem};
use oyez_protocol::{NotificationId, Seq, UserId};

use crate::{error::StoreError, store::Store};

/// Which items an inbox page shows, newest first.
#[derive(Debug, Clone, Default)]
pub struct InboxFilter {
    /// By state.
    pub status: InboxStatus,
    /// Only this type.
    pub kind: Option<String>,
    /// Only items with a smaller position.
    pub before: Option<Seq>,
    /// How many at most; 0 means 50.
    pub limit: u32,
}

/// Items by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum InboxStatus {
    /// Every item, archived ones too.
    All,
    /// Items that are not archived.
    #[default]
    Active,
    /// Neither read nor archived.
    Unread,
    /// Neither seen nor archived.
    Unseen,
    /// Read and not archived.
    Read,
    /// Archived.
    Archived,
}

impl Store {
    /// Items with a position after `after`, oldest first, archived ones too: what a client that was there missed.
    /// At most `limit`, and no more once the tails exceed `max_bytes`; at least one when there is one.
    /// Positions have no gaps, except that retention may have taken the oldest.
    pub async fn items_after(
        &self,
        user: &UserId,
        after: Seq,
        limit: u32,
        max_bytes: usize,
    ) -> Result<Page, StoreError> {
        todo!()
    }

    /// Items that pass a filter, newest first.
    pub async fn inbox_page(
        &self,
        user: &UserId,
        filter: &InboxFilter,
    ) -> Result<Vec<StoredItem>, StoreError> {
        todo!()
    }

    /// One item of the user.
    pub async fn inbox_item(
        &self,
        user: &UserId,
        notification: NotificationId,
    ) -> Result<Option<StoredItem>, StoreError> {
        todo!()
    }
}
