//! Hands what the outbox promises to Oyez, in order, until it is on Oyez's disk.
//!
//! The application's tables and Oyez's are two databases, so no transaction covers both. Publishing inside a request
//! would lose: a crash after the commit and before the publish leaves a ticket nobody hears of; the other way round
//! tells of a ticket that does not exist. Instead each change writes its notification into `outbox` *in its own
//! transaction*, and this worker publishes it afterwards and deletes the row once Oyez has answered (which it does
//! when the notification is on disk).
//!
//! A crash between Oyez's commit and the delete leaves the row, and the next start publishes it again: with the same
//! idempotency key, which is the row's own. Oyez remembers keys for 24 hours and answers the repetition as it
//! answered the first time, without a second item. So each notification arrives exactly once, unless the application
//! stays down for more than a day at exactly that moment.

use std::{sync::Arc, time::Duration};

use oyez::{Oyez, protocol::api::publish::NotificationRequest, server::Error};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::database::{
    Database,
    outbox::{self, Waiting},
};

const BATCH: i64 = 100;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The one worker that publishes. Two would break the order.
pub struct Relay {
    database: Database,
    oyez: Oyez,
    promised: Arc<Notify>,
}

impl Relay {
    /// Publishes from this outbox; `promised` is rung after each commit that wrote to it.
    pub fn new(database: Database, oyez: Oyez, promised: Arc<Notify>) -> Self {
        Self { database, oyez, promised }
    }

    /// Works until the shutdown. What waits then is published at the next start.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            let wait = match self.publish_waiting().await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    None
                }
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), ?pause, "could not publish, trying again");
                    let wait = pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    Some(wait)
                }
            };
            // `notify_one` keeps one permit, so a change committed while we published is not missed.
            let next = async {
                match wait {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => self.promised.notified().await,
                }
            };
            tokio::select! {
                () = next => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Publishes all that waits; stops at the first that cannot be published now.
    async fn publish_waiting(&self) -> anyhow::Result<()> {
        loop {
            let waiting = outbox::next(self.database.pool(), BATCH).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            for row in waiting {
                self.publish(&row).await?;
            }
        }
    }

    async fn publish(&self, row: &Waiting) -> anyhow::Result<()> {
        let mut request: NotificationRequest = serde_json::from_str(&row.request)?;
        request.idempotency_key = Some(row.key.clone());
        match self.oyez.publish(request).await {
            Ok(_) => outbox::delete(self.database.pool(), row.id).await?,
            Err(error @ (Error::Invalid(_) | Error::Publish(_))) => {
                // It would be refused for ever and hold up all that follows. It stays in the table for a person to see.
                tracing::error!(row = row.id, "Oyez refused a notification: {error}");
                outbox::refuse(self.database.pool(), row.id, &error.to_string()).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
