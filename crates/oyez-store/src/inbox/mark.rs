//! Marks on items, with counts that stay exact.

use oyez_protocol::{
    NotificationId, Seq, Timestamp, UserId,
    frame::{
        client::{MarkAction, Selection},
        server::{InboxChange, ItemState, ItemTimes},
    },
};
use uuid::Uuid;

use super::times;
use crate::{
    engine::{Row, args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// Most items a change lists; more are announced as `all`.
pub const MAX_LISTED: usize = 1_000;

/// Items that are read and written by one statement.
const STEP: u32 = 2_000;

/// An item before a change.
pub(super) struct Before {
    pub(super) user: i64,
    pub(super) seq: i64,
    pub(super) id: NotificationId,
    pub(super) times: ItemTimes,
}

/// What changes of a user's items add up to.
#[derive(Default)]
pub(super) struct Moved {
    pub(super) unread: i64,
    pub(super) unseen: i64,
    pub(super) count: usize,
    /// The first [`MAX_LISTED`].
    pub(super) listed: Vec<ItemState>,
}

/// Columns of an item after a change: user, position, seen, read, archived.
pub(super) type TimesRow = (i64, i64, Option<i64>, Option<i64>, Option<i64>);

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
        let Some(inbox) = self.fetch_one(sql!("inbox/counts"), args![user]).await? else {
            return Ok(InboxChange::default());
        };
        let num = inbox.int(0)?;
        if inbox.flag(4)? {
            self.place_items(&[num]).await?;
        }
        let mut moved = Moved::default();
        match selection {
            Selection::Ids(ids) => {
                let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
                let rows = self.fetch(sql!("inbox/chosen"), args![num, json(&ids)]).await?;
                self.change_times(num, &rows, action, now, &mut moved).await?;
            }
            Selection::All { up_to } => {
                let up_to = up_to.map_or(u64::MAX, |seq| seq.0);
                let mut after = 0;
                loop {
                    let args = args![num, after, up_to, action_name(action), STEP];
                    let rows = self.fetch(sql!("inbox/unmarked"), args).await?;
                    let Some(last) = rows.last() else { break };
                    after = last.int(0)?;
                    self.change_times(num, &rows, action, now, &mut moved).await?;
                    if rows.len() < STEP as usize {
                        break;
                    }
                }
            }
        }
        if moved.count == 0 {
            let (unread, unseen, seq) = (inbox.count(1)?, inbox.count(2)?, Seq(inbox.count(3)?));
            return Ok(InboxChange { seq, unread, unseen, ..InboxChange::default() });
        }
        self.move_counts(num, moved).await
    }

    async fn change_times(
        &mut self,
        user: i64,
        rows: &[Row],
        action: MarkAction,
        now: Timestamp,
        moved: &mut Moved,
    ) -> Result<(), StoreError> {
        let (mut changed, mut seen) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let id = NotificationId(row.uuid(1)?);
            let before = Before { user, seq: row.int(0)?, id, times: times(row, 2)? };
            let change = moved.add(&before, after(before.times, action, now));
            if change.is_some() && action != MarkAction::Unread {
                seen.push(id.0);
            }
            changed.extend(change);
        }
        self.set_times(&changed).await?;
        self.skip_seen(user, &seen, now).await
    }

    pub(super) async fn set_times(&mut self, changed: &[TimesRow]) -> Result<(), StoreError> {
        if !changed.is_empty() {
            self.execute(sql!("inbox/set_times"), args![json(changed)]).await?;
        }
        Ok(())
    }

    pub(super) async fn move_counts(&mut self, user: i64, moved: Moved) -> Result<InboxChange, StoreError> {
        let row = self.fetch_one(sql!("inbox/move_counts"), args![user, moved.unread, moved.unseen]).await?;
        let row = row.ok_or_else(|| StoreError::Fault("items without an inbox".into()))?;
        let all = moved.count > MAX_LISTED;
        let changed = if all { Vec::new() } else { moved.listed };
        Ok(InboxChange {
            seq: Seq(row.count(2)?),
            unread: row.count(0)?,
            unseen: row.count(1)?,
            changed,
            all,
        })
    }
}

impl Moved {
    /// Counts a change; `None` when it changes nothing.
    pub(super) fn add(&mut self, before: &Before, after: ItemTimes) -> Option<TimesRow> {
        if before.times == after {
            return None;
        }
        let weigh = |times: &ItemTimes| {
            let active = times.archived_at.is_none();
            (i64::from(active && times.read_at.is_none()), i64::from(active && times.seen_at.is_none()))
        };
        let ((unread, unseen), (still_unread, still_unseen)) = (weigh(&before.times), weigh(&after));
        self.unread += still_unread - unread;
        self.unseen += still_unseen - unseen;
        self.count += 1;
        let ItemTimes { seen_at, read_at, archived_at } = after;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(ItemState { id: before.id, seen_at, read_at, archived_at });
        }
        let millis = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
        Some((before.user, before.seq, millis(seen_at), millis(read_at), millis(archived_at)))
    }
}

fn after(times: ItemTimes, action: MarkAction, now: Timestamp) -> ItemTimes {
    let set = |time: Option<Timestamp>| time.or(Some(now));
    match action {
        MarkAction::Seen => ItemTimes { seen_at: set(times.seen_at), ..times },
        MarkAction::Read => ItemTimes { seen_at: set(times.seen_at), read_at: set(times.read_at), ..times },
        MarkAction::Unread => ItemTimes { read_at: None, ..times },
        MarkAction::Archive => ItemTimes { archived_at: set(times.archived_at), ..times },
    }
}

fn action_name(action: MarkAction) -> &'static str {
    match action {
        MarkAction::Seen => "seen",
        MarkAction::Read => "read",
        MarkAction::Unread => "unread",
        MarkAction::Archive => "archive",
    }
}
