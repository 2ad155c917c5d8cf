//! Items that go by themselves: archived when they expire, deleted when they are too old or too many.

use std::{collections::BTreeMap, time::Duration};

use oyez_protocol::{
    NotificationId, Seq, Timestamp, UserId,
    frame::server::{InboxChange, ItemTimes},
};

use super::{
    mark::{Before, Moved},
    times,
};
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// Expired notifications that are looked at in one step.
const EXPIRED_TOGETHER: u32 = 64;

/// How long and how many items are kept; `None` keeps them for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Items that landed longer ago go.
    pub max_age: Option<Duration>,
    /// Of each inbox, only the newest stay.
    pub max_items: Option<u64>,
}

/// Users whose items were archived: by number, the id and what moved.
type Touched = BTreeMap<i64, (UserId, Moved)>;

impl Tx {
    /// Archives up to `limit` items whose notification has expired. Call again while it returns any.
    pub async fn expire(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(UserId, InboxChange)>, StoreError> {
        let mut touched = Touched::new();
        while touched.is_empty() {
            let expired = self.fetch(sql!("inbox/expired"), args![now, EXPIRED_TOGETHER]).await?;
            if expired.is_empty() {
                break;
            }
            let (mut room, mut done) = (limit.max(1), Vec::new());
            for row in &expired {
                let (num, cursor, id) = (row.int(0)?, row.int(1)?, NotificationId(row.uuid(2)?));
                let (taken, last) = self.expire_one(num, cursor, id, now, room, &mut touched).await?;
                if taken == room {
                    self.execute(sql!("inbox/expired_up_to"), args![num, last]).await?;
                    break;
                }
                room -= taken;
                done.push(num);
            }
            self.execute(sql!("inbox/all_expired"), args![json(&done)]).await?;
        }
        let mut changes = Vec::with_capacity(touched.len());
        for (num, (user, moved)) in touched {
            changes.push((user, self.move_counts(num, moved).await?));
        }
        Ok(changes)
    }

    /// Archives a notification in inboxes after a user's number. Returns how many it looked at, and the last user.
    async fn expire_one(
        &mut self,
        num: i64,
        cursor: i64,
        id: NotificationId,
        now: Timestamp,
        limit: u32,
        touched: &mut Touched,
    ) -> Result<(u32, i64), StoreError> {
        let rows = self.fetch(sql!("inbox/of_expired"), args![num, cursor, limit]).await?;
        let (mut changed, mut last) = (Vec::with_capacity(rows.len()), cursor);
        for row in &rows {
            last = row.int(0)?;
            let before = Before { user: last, seq: row.int(2)?, id, times: times(row, 3)? };
            if before.times.archived_at.is_none() {
                let after = ItemTimes { archived_at: Some(now), ..before.times };
                let (_, moved) = match touched.entry(last) {
                    std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                    std::collections::btree_map::Entry::Vacant(entry) => {
                        entry.insert((row.user(1)?, Moved::default()))
                    }
                };
                changed.extend(moved.add(&before, after));
            }
        }
        let users: Vec<i64> = changed.iter().map(|(user, ..)| *user).collect();
        self.place_items(&users).await?;
        self.set_times(&changed).await?;
        if !rows.is_empty() {
            self.skip_expired(id, (cursor, last), now).await?;
        }
        Ok((u32::try_from(rows.len()).unwrap_or(limit), last))
    }

    /// Deletes about `limit` items that are not to be kept, always the oldest of an inbox, and says whose inbox became
    /// shorter. Call again while it returns any.
    pub async fn retain(
        &mut self,
        retention: &Retention,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(UserId, InboxChange)>, StoreError> {
        let limit = limit.max(1);
        if let Some(age) = retention.max_age {
            let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
            let aged = self.aged(now.plus_seconds(seconds.saturating_neg()), limit).await?;
            if !aged.is_empty() {
                return self.cut(&aged, now).await;
            }
        }
        if let Some(most) = retention.max_items {
            let over = self.over(most, limit).await?;
            if !over.is_empty() {
                return self.cut(&over, now).await;
            }
        }
        Ok(Vec::new())
    }

    /// Which inboxes to cut up to where, because what is there landed before a time.
    async fn aged(&mut self, before: Timestamp, limit: u32) -> Result<Vec<(i64, i64)>, StoreError> {
        loop {
            let rows = self.fetch(sql!("inbox/aged"), args![before, limit]).await?;
            if !rows.is_empty() {
                return rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect();
            }
            // Old notifications that nobody has any more would be looked at again each time.
            if self.execute(sql!("inbox/forget_aged"), args![before, limit]).await? == 0 {
                return Ok(Vec::new());
            }
        }
    }

    /// Which inboxes to cut up to where, because there are more items than `most`.
    async fn over(&mut self, most: u64, limit: u32) -> Result<Vec<(i64, i64)>, StoreError> {
        let mut room = i64::from(limit);
        let mut cuts = Vec::new();
        for row in self.fetch(sql!("inbox/over"), args![most, limit]).await? {
            let (user, kept_after, too_many) = (row.int(0)?, row.int(1)?, row.int(2)?);
            cuts.push((user, kept_after + too_many.min(room)));
            room -= too_many.min(room);
            if room == 0 {
                break;
            }
        }
        Ok(cuts)
    }

    /// Deletes each user's items up to a position.
    async fn cut(
        &mut self,
        cuts: &[(i64, i64)],
        now: Timestamp,
    ) -> Result<Vec<(UserId, InboxChange)>, StoreError> {
        let users: Vec<i64> = cuts.iter().map(|(user, _)| *user).collect();
        self.place_items(&users).await?;
        self.skip_removed(cuts, now).await?;
        self.execute(sql!("inbox/uncount"), args![json(cuts)]).await?;
        let rows = self.fetch(sql!("inbox/cut"), args![json(cuts)]).await?;
        let notifications = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
        self.forget_unowned(&notifications).await?;
        let change = |row: &crate::engine::Row| {
            let (unread, unseen, seq) = (row.count(1)?, row.count(2)?, Seq(row.count(3)?));
            Ok((row.user(0)?, InboxChange { seq, unread, unseen, changed: Vec::new(), all: true }))
        };
        let rows = self.fetch(sql!("inbox/counts_of"), args![json(&users)]).await?;
        rows.iter().map(change).collect()
    }

    /// Deletes those of the notifications that are in nobody's inbox any more.
    pub(crate) async fn forget_unowned(&mut self, notifications: &[i64]) -> Result<(), StoreError> {
        self.execute(sql!("inbox/forget_unowned"), args![json(notifications)]).await.map(|_| ())
    }
}
