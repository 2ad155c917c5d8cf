//! Shows deliveries and their attempts, and says when there is something to do.

use oyez_core::delivery::{DeliveryState, Medium};
use oyez_protocol::{DeliveryId, NotificationId, Timestamp, UserId, api::deliveries::DeliveryAttemptView};

use super::record::{self, DeliveryRow};
use crate::{
    engine::{Row, args, json, sql},
    error::StoreError,
    store::Store,
};

/// Which deliveries a list shows; what is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// In one of these states; empty: in any.
    pub states: Vec<DeliveryState>,
    /// By this medium.
    pub medium: Option<Medium>,
    /// To this user.
    pub user: Option<UserId>,
    /// Of this notification.
    pub notification: Option<NotificationId>,
    /// Of notifications of this type.
    pub kind: Option<String>,
}

/// How many deliveries of a medium are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryCount {
    /// The medium.
    pub medium: Medium,
    /// The state.
    pub state: DeliveryState,
    /// How many.
    pub count: u64,
}

/// One try, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Which one, from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it is made.
    pub ended_at: Option<Timestamp>,
    /// How it ended; `None` while it is made.
    pub outcome: Option<String>,
    /// What the medium answered.
    pub answer: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

impl From<DeliveryAttempt> for DeliveryAttemptView {
    fn from(attempt: DeliveryAttempt) -> Self {
        let DeliveryAttempt { attempt, started_at, ended_at, outcome, answer, error } = attempt;
        Self { attempt, started_at, ended_at, outcome, answer, error }
    }
}

impl Store {
    /// One delivery.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryRow>, StoreError> {
        let statement =
            sql!("deliveries/select", "deliveries/columns", "deliveries/from", "deliveries/named");
        let row = self.reader().await?.fetch_one(statement, args![json(&[id])]).await?;
        Ok(record::deliveries(row)?.pop().map(|stored| stored.row))
    }

    /// Deliveries that match, the newest first; the next page begins before the last delivery of this one. Before one
    /// that is gone there is nothing.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let states = if filter.states.is_empty() { &DeliveryState::ALL[..] } else { &filter.states };
        let media = filter.medium.map_or(Medium::ALL.to_vec(), |medium| vec![medium]);
        let args = args![
            json(states),
            json(&media),
            filter.user.as_ref(),
            filter.notification.map(|id| id.0),
            filter.kind.as_deref(),
            before.map(|id| id.0),
            limit
        ];
        // Each by the index that leads to few rows.
        let statement = match filter {
            DeliveryFilter { notification: Some(_), .. } => sql!(
                "deliveries/select",
                "deliveries/columns",
                "deliveries/from",
                "deliveries/list_of_notification"
            ),
            DeliveryFilter { user: Some(_), .. } => {
                sql!("deliveries/select", "deliveries/columns", "deliveries/from", "deliveries/list_of_user")
            }
            DeliveryFilter { states, medium: None, .. } if states.is_empty() => {
                sql!("deliveries/select", "deliveries/columns", "deliveries/from", "deliveries/list")
            }
            _ => sql!(
                "deliveries/select",
                "deliveries/columns",
                "deliveries/from",
                "deliveries/list_in_states"
            ),
        };
        let mut found = record::deliveries(self.reader().await?.fetch_one(statement, args).await?)?;
        found.sort_unstable_by_key(|stored| std::cmp::Reverse(stored.num));
        Ok(found.into_iter().map(|stored| stored.row).collect())
    }

    /// A delivery's attempts, the first one first. Empty also when there is no such delivery.
    pub async fn delivery_attempts(&self, id: DeliveryId) -> Result<Vec<DeliveryAttempt>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("deliveries/attempts_of"), args![id.0]).await?;
        let attempt = |row: &Row| {
            Ok(DeliveryAttempt {
                attempt: u32::try_from(row.count(0)?).unwrap_or(u32::MAX),
                started_at: row.time(1)?,
                ended_at: row.opt_time(2)?,
                outcome: row.opt_text(3)?.map(str::to_owned),
                answer: row.opt_text(4)?.map(str::to_owned),
                error: row.opt_text(5)?.map(str::to_owned),
            })
        };
        rows.iter().map(attempt).collect()
    }

    /// When something is to be done next: a delivery is due by any medium, a lease ends, or a digest closes.
    pub async fn next_delivery_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.next_due_by(&Medium::ALL, true).await
    }

    /// When a delivery by one medium is due next, or its lease ends.
    pub async fn next_delivery_due_by(&self, medium: Medium) -> Result<Option<Timestamp>, StoreError> {
        self.next_due_by(&[medium], false).await
    }

    /// When a digest is due next.
    pub async fn next_digest_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.next_due_by(&[], true).await
    }

    async fn next_due_by(&self, media: &[Medium], digests: bool) -> Result<Option<Timestamp>, StoreError> {
        let args = args![json(media), digests];
        let row = self.reader().await?.fetch_one(sql!("deliveries/next_due"), args).await?;
        row.map_or(Ok(None), |row| row.opt_time(0))
    }

    /// How many deliveries there are of each medium in each state; those of which there are none are left out.
    pub async fn delivery_counts(&self) -> Result<Vec<DeliveryCount>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("deliveries/counts"), args![]).await?;
        let count =
            |row: &Row| Ok(DeliveryCount { medium: row.name(0)?, state: row.name(1)?, count: row.count(2)? });
        rows.iter().map(count).collect()
    }
}
