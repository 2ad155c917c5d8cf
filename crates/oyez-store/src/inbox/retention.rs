//! Items that go by themselves: archived when they expire, deleted when they are too old or too many.

use std::time::Duration;

use oyez_protocol::{Timestamp, UserId, frame::server::InboxChange};

use crate::{error::StoreError, writer::Tx};

/// How long and how many items are kept; `None` keeps them for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Items that landed longer ago go.
    pub max_age: Option<Duration>,
    /// Of each inbox, only the newest stay.
    pub max_items: Option<u64>,
}

impl Tx {
    /// Archives up to `limit` items whose notification has expired. Call again while it returns any.
    pub async fn expire(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(UserId, InboxChange)>, StoreError> {
        todo!()
    }

    /// Deletes about `limit` items that are not to be kept, always the oldest of an inbox, and says whose counts
    /// changed or whose inbox became shorter. Call again while it returns any.
    pub async fn retain(
        &mut self,
        retention: &Retention,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(UserId, InboxChange)>, StoreError> {
        todo!()
    }
}
