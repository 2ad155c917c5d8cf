//! What a user has: pages of items by position, and the marks on them.

pub mod mark;
pub mod retention;

use std::borrow::Cow;

use oyez_core::inbox::{Page, StoredItem};
use oyez_protocol::{NotificationId, Seq, Timestamp, UserId, frame::server::ItemTimes};
use uuid::Uuid;

use crate::{
    engine::{Row, args, json, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

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

impl Tx {
    /// Puts the fresh items of users, by number, in their places, where they can be marked and deleted.
    pub(crate) async fn place_items(&mut self, users: &[i64]) -> Result<(), StoreError> {
        self.execute(sql!("inbox/place"), args![json(users)]).await.map(|_| ())
    }
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
        let max_bytes = u64::try_from(max_bytes).unwrap_or(u64::MAX);
        let args = args![user, after.0, limit, max_bytes];
        let Some(row) = self.reader().await?.fetch_one(sql!("inbox/after"), args).await? else {
            return Ok(Page::default());
        };
        let packed: Vec<Packed<'_>> = serde_json::from_str(row.text(1)?)
            .map_err(|_| StoreError::Fault("a page of items cannot be read back".into()))?;
        let mut items = packed.into_iter().map(unpack).collect::<Result<Vec<_>, _>>()?;
        items.sort_unstable_by_key(|item| item.seq);
        Ok(Page { items, head: Seq(row.count(0)?) })
    }

    /// Items that pass a filter, newest first.
    pub async fn inbox_page(
        &self,
        user: &UserId,
        filter: &InboxFilter,
    ) -> Result<Vec<StoredItem>, StoreError> {
        // What is fresh is neither seen, read nor archived.
        let statement = match filter.status {
            InboxStatus::All => sql!("inbox/page_fresh", "inbox/page", "inbox/page_all"),
            InboxStatus::Active => sql!("inbox/page_fresh", "inbox/page", "inbox/page_active"),
            InboxStatus::Unread => sql!("inbox/page_fresh", "inbox/page", "inbox/page_unread"),
            InboxStatus::Unseen => sql!("inbox/page_fresh", "inbox/page", "inbox/page_unseen"),
            InboxStatus::Read => sql!("inbox/page", "inbox/page_read"),
            InboxStatus::Archived => sql!("inbox/page", "inbox/page_archived"),
        };
        let limit = if filter.limit == 0 { 50 } else { filter.limit };
        let before = filter.before.map_or(u64::MAX, |before| before.0);
        let rows =
            self.reader().await?.fetch(statement, args![user, before, limit, filter.kind.as_deref()]).await?;
        rows.iter().map(|row| item(row, 0)).collect()
    }

    /// One item of the user.
    pub async fn inbox_item(
        &self,
        user: &UserId,
        notification: NotificationId,
    ) -> Result<Option<StoredItem>, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("inbox/item"), args![user, notification.0]).await?;
        row.map(|row| item(&row, 0)).transpose()
    }
}

/// An item as `inbox/after` packs it: position, id, tail, seen, read, archived.
type Packed<'a> = (u64, Cow<'a, str>, Cow<'a, str>, Option<i64>, Option<i64>, Option<i64>);

fn unpack((seq, id, tail, seen, read, archived): Packed<'_>) -> Result<StoredItem, StoreError> {
    let id = Uuid::try_parse(&id).map_err(|_| StoreError::Fault("an item's id is not a UUID".into()))?;
    let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
    let times = ItemTimes { seen_at: time(seen), read_at: time(read), archived_at: time(archived) };
    Ok(StoredItem { seq: Seq(seq), notification: NotificationId(id), times, tail: tail.into() })
}

/// Reads position, id, tail and times, from a column on.
fn item(row: &Row, first: usize) -> Result<StoredItem, StoreError> {
    Ok(StoredItem {
        seq: Seq(row.count(first)?),
        notification: NotificationId(row.uuid(first + 1)?),
        tail: row.text(first + 2)?.into(),
        times: times(row, first + 3)?,
    })
}

/// Reads when an item was seen, read and archived, from a column on.
pub(crate) fn times(row: &Row, first: usize) -> Result<ItemTimes, StoreError> {
    Ok(ItemTimes {
        seen_at: row.opt_time(first)?,
        read_at: row.opt_time(first + 1)?,
        archived_at: row.opt_time(first + 2)?,
    })
}
