//! What became of a notification: its state, and who has seen and read it.

use std::sync::Arc;

use oyez_protocol::{Audience, NotificationId, Timestamp, UserId, frame::server::ItemTimes};

use crate::{
    engine::{Row, args, sql},
    error::StoreError,
    inbox::times,
    store::Store,
    writer::Tx,
};

/// How far a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationState {
    /// Its time has not come.
    Waiting,
    /// Some of its recipients have it, the others get it now.
    Sending,
    /// All recipients have it.
    Sent,
    /// It was taken back while it waited.
    Cancelled,
    /// It is of no use any more: nobody got it, or it was archived in every inbox.
    Expired,
}

impl NotificationState {
    /// The word for it, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A notification as the application that published it sees it.
#[derive(Debug, Clone)]
pub struct NotificationStatus {
    /// Names it.
    pub id: NotificationId,
    /// Its type.
    pub kind: String,
    /// How far it is.
    pub state: NotificationState,
    /// When it was published.
    pub created_at: Timestamp,
    /// When it lands, if not at once.
    pub send_at: Option<Timestamp>,
    /// When it is of no use any more.
    pub expires_at: Option<Timestamp>,
    /// For whom it was published.
    pub audience: Vec<Audience>,
    /// How many inboxes it landed in.
    pub recipients: u64,
    /// How many recipients have seen it; those whose item is gone by retention or erasure are not counted.
    pub seen: u64,
    /// How many recipients have read it.
    pub read: u64,
    /// The shared frame tail.
    pub tail: Arc<str>,
}

/// What one recipient did with a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Who.
    pub user: UserId,
    /// When they saw, read and archived it.
    pub times: ItemTimes,
}

impl Tx {
    async fn cancel(
        &mut self,
        id: NotificationId,
        now: Timestamp,
    ) -> Result<Option<NotificationState>, StoreError> {
        self.execute(sql!("notifications/cancel"), args![id.0, now]).await?;
        let row = self.fetch_one(sql!("notifications/state"), args![id.0]).await?;
        row.map(|row| state(&row, 0)).transpose()
    }
}

impl Store {
    /// Takes back a notification that waits for its time. Returns its state now (`Cancelled` when it worked, or had
    /// before), or `None` when it is unknown.
    pub async fn cancel_notification(
        &self,
        id: NotificationId,
        now: Timestamp,
    ) -> Result<Option<NotificationState>, StoreError> {
        self.write(move |tx| Box::pin(tx.cancel(id, now))).await
    }

    /// One notification with its counts.
    pub async fn notification(&self, id: NotificationId) -> Result<Option<NotificationStatus>, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("notifications/status"), args![id.0]).await?;
        let Some(row) = row else { return Ok(None) };
        let audience: Vec<(String, String)> = row.names(5)?;
        Ok(Some(NotificationStatus {
            id,
            kind: row.text(0)?.into(),
            state: state(&row, 1)?,
            created_at: row.time(2)?,
            send_at: row.opt_time(3)?,
            expires_at: row.opt_time(4)?,
            audience: audience.iter().map(read_audience).collect::<Result<_, _>>()?,
            recipients: row.count(6)?,
            seen: row.count(7)?,
            read: row.count(8)?,
            tail: row.text(9)?.into(),
        }))
    }

    /// Who has it, in an order that stays; the next page begins after the last user of this one.
    pub async fn receipts(
        &self,
        id: NotificationId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Receipt>, StoreError> {
        let args = args![id.0, after, limit];
        let rows = self.reader().await?.fetch(sql!("notifications/receipts"), args).await?;
        rows.iter().map(|row| Ok(Receipt { user: row.user(0)?, times: times(row, 1)? })).collect()
    }
}

fn state(row: &Row, column: usize) -> Result<NotificationState, StoreError> {
    use NotificationState::{Cancelled, Expired, Sending, Sent, Waiting};
    let word = row.text(column)?;
    let known = [Waiting, Sending, Sent, Cancelled, Expired].into_iter().find(|state| state.as_str() == word);
    known.ok_or_else(|| StoreError::Fault(format!("no such state: {word}")))
}

fn read_audience((kind, name): &(String, String)) -> Result<Audience, StoreError> {
    let text = if kind == "everyone" { kind.clone() } else { format!("{kind}:{name}") };
    text.parse().map_err(|_| StoreError::Fault("an audience cannot be read back".into()))
}
