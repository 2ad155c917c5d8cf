//! Lands notifications in inboxes.
//!
//! Drafts for few recipients that arrive together are written by the same few statements in one transaction.
//! A large audience is written in chunks, each a transaction of its own, so that other changes go in between; how far
//! it got is committed with each chunk, so a crash half-way is finished by [`Store::finish_publishes`].

pub(crate) mod land;
mod spread;

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use oyez_core::notification::{Draft, Landed};
use oyez_protocol::{Audience, NotificationId, Timestamp};

use self::land::Landing;
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// Called right after a commit with what it landed, in commit order: all publishes that shared the commit come in one
/// call, as do those that share a wake-up further on. It must not block.
pub type LandedHook = Arc<dyn Fn(Vec<Landed>) + Send + Sync>;

/// How a publish ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishOutcome {
    /// It is on disk for every recipient.
    Published {
        /// The notification.
        id: NotificationId,
        /// How many inboxes it landed in.
        recipients: u64,
    },
    /// It is on disk and waits for its time.
    Scheduled {
        /// The notification.
        id: NotificationId,
    },
    /// The same publish was made before, under this id.
    Replayed {
        /// The first one's id.
        id: NotificationId,
        /// How many inboxes that one landed in.
        recipients: u64,
    },
    /// The idempotency key was used before, for another body. Nothing was written.
    IdempotencyMismatch,
}

/// Large audiences that are written at the same time when many are due.
const SPREAD_TOGETHER: usize = 64;

impl Tx {
    /// Gives up what expired while it waited, and takes what is due. Returns how many were given up, and the others.
    async fn begin_due(&mut self, now: Timestamp, limit: u32) -> Result<(u64, Vec<i64>), StoreError> {
        let expired = self.execute(sql!("publish/give_up_due"), args![now, limit]).await?;
        let rows = self.fetch(sql!("publish/due"), args![now, limit]).await?;
        let due = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
        if !due.is_empty() {
            self.execute(sql!("publish/add_due_users"), args![json(&due), now]).await?;
            self.execute(sql!("publish/begin_due"), args![json(&due), now]).await?;
        }
        Ok((expired, due))
    }
}

impl Store {
    /// Publishes one notification; answers after the last commit. It goes on when the caller is dropped.
    pub async fn publish(&self, draft: Draft, landed: LandedHook) -> Result<PublishOutcome, StoreError> {
        let outcomes = self.publish_batch(vec![draft], landed).await?;
        outcomes.into_iter().next().ok_or_else(|| StoreError::Fault("a publish without an outcome".into()))
    }

    /// Publishes several, each on its own: one result per draft, in their order. A failure of one is told after the
    /// others are done; sent again with their idempotency keys, those are not published twice.
    pub async fn publish_batch(
        &self,
        drafts: Vec<Draft>,
        landed: LandedHook,
    ) -> Result<Vec<PublishOutcome>, StoreError> {
        let named = |draft: &Draft| draft.audience.iter().all(|one| matches!(one, Audience::User(_)));
        if drafts.iter().all(named) {
            return self.publish_now(drafts, landed).await;
        }
        // A task of its own, because an audience may take several transactions and the caller may leave.
        let store = self.clone();
        let whole = tokio::spawn(async move { store.publish_now(drafts, landed).await });
        whole.await.map_err(|error| StoreError::Fault(format!("a publish ended badly: {error}")))?
    }

    async fn publish_now(
        &self,
        drafts: Vec<Draft>,
        landed: LandedHook,
    ) -> Result<Vec<PublishOutcome>, StoreError> {
        let landings = self.writer().publish(drafts, Arc::clone(&landed)).await?;
        let mut outcomes = Vec::with_capacity(landings.len());
        let mut failure = None;
        for landing in landings {
            let outcome = match landing {
                Ok(Landing::Done(outcome)) => Ok(outcome),
                Ok(Landing::Begun { num, id, replayed }) => {
                    let spread = spread::spread(self, num, &landed).await;
                    spread.map(|recipients| match replayed {
                        true => PublishOutcome::Replayed { id, recipients },
                        false => PublishOutcome::Published { id, recipients },
                    })
                }
                Err(error) => Err(error),
            };
            match outcome {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(outcomes), Err)
    }

    /// Goes on with audiences that were half-written when the process ended; answers when they are whole.
    /// Returns how many notifications that were.
    pub async fn finish_publishes(&self, landed: LandedHook) -> Result<u64, StoreError> {
        let rows = self.reader().await?.fetch(sql!("publish/half_written"), args![]).await?;
        let begun = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
        self.spread_all(begun, &landed).await
    }

    /// Lands up to `limit` notifications whose time has come, and gives up those that expired while they waited.
    /// Returns how many it dealt with; when that is `limit`, there may be more.
    pub async fn publish_due(
        &self,
        now: Timestamp,
        limit: u32,
        landed: LandedHook,
    ) -> Result<u64, StoreError> {
        let (expired, due) = self.write(move |tx| Box::pin(tx.begin_due(now, limit))).await?;
        Ok(expired + self.spread_all(due, &landed).await?)
    }

    async fn spread_all(&self, begun: Vec<i64>, landed: &LandedHook) -> Result<u64, StoreError> {
        let store = self.clone();
        let landed = Arc::clone(landed);
        let all = async move {
            let spread = |num| {
                let (store, landed) = (store.clone(), Arc::clone(&landed));
                async move { spread::spread(&store, num, &landed).await }
            };
            let spreads = stream::iter(begun).map(spread).buffer_unordered(SPREAD_TOGETHER);
            let done: Vec<_> = spreads.collect().await;
            done.into_iter().try_fold(0, |count, one| one.map(|_| count + 1))
        };
        let whole = tokio::spawn(all);
        whole.await.map_err(|error| StoreError::Fault(format!("a publish ended badly: {error}")))?
    }

    /// When the next waiting notification is due.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("publish/next_due"), args![]).await?;
        row.map_or(Ok(None), |row| row.opt_time(0))
    }
}
