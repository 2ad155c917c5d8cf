//! Tells Oyez what the outbox promises, until it is on Oyez's disk.
//!
//! The application's tables and Oyez's are two databases, so no transaction covers both. Publishing inside a request
//! would lose: a crash after the commit and before the publish leaves an application nobody hears of; the other way
//! round tells of one that does not exist. Instead each change writes what it has to tell into `outbox` *in its own
//! transaction*, and this worker passes it on afterwards and deletes the row once Oyez has answered (which it does
//! when it is on disk).
//!
//! A crash between Oyez's commit and the delete leaves the row, and the next start tells it again: with the same
//! idempotency key, which is the row's own. Oyez remembers keys for 24 hours and answers the repetition as it answered
//! the first time. Introducing somebody twice changes nothing, and a job has a key that counts in every state. A
//! live-only event may be heard twice, which makes a page look again.
//!
//! What one person did goes before what is part of work on many, so that a bulk approval of a thousand delays nobody.
//! Errands about one application keep their order; of the work on many, different applications go side by side.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use oyez::{Oyez, UserProfile, server::Error};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    database::{
        Database,
        outbox::{self, Waiting},
    },
    errand::{Errand, Lane},
};

const BATCH: i64 = 64;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The one worker that tells. Two would break the order.
pub struct Relay {
    database: Database,
    oyez: Oyez,
    promised: Arc<Notify>,
}

impl Relay {
    /// Tells what is in this outbox; `promised` is rung after each commit that wrote to it.
    pub fn new(database: Database, oyez: Oyez, promised: Arc<Notify>) -> Self {
        Self { database, oyez, promised }
    }

    /// Works until the shutdown. What waits then is told at the next start.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            let wait = match self.tell_waiting(&shutdown).await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    None
                }
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), ?pause, "could not tell Oyez, trying again");
                    let wait = pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    Some(wait)
                }
            };
            // `notify_one` keeps one permit, so a change committed while we told is not missed.
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

    /// Tells all that waits; stops at the first that cannot be told now.
    async fn tell_waiting(&self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        while !shutdown.is_cancelled() {
            let mut waiting = outbox::next(self.database.pool(), BATCH).await?;
            let Some(first) = waiting.first() else { return Ok(()) };
            // One lane at a time: after each batch of work on many, what came meanwhile goes first.
            let lane = first.lane;
            waiting.retain(|one| one.lane == lane);
            let lines = match lane {
                Lane::Single => vec![waiting],
                Lane::Bulk => by_application(waiting),
            };
            let told = join_all(lines.iter().map(|line| self.tell_line(line))).await;
            let done: Vec<i64> = told.iter().flat_map(|(done, _)| done.iter().copied()).collect();
            let mut tx = self.database.write().await?;
            outbox::delete(&mut tx, &done).await?;
            tx.commit().await?;
            if let Some(error) = told.into_iter().find_map(|(_, error)| error) {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Tells these in order; answers which are done with, and why it stopped if it did.
    async fn tell_line(&self, line: &[Waiting]) -> (Vec<i64>, Option<anyhow::Error>) {
        let mut done = Vec::new();
        for row in line {
            match self.tell(row).await {
                Ok(true) => done.push(row.id),
                Ok(false) => {}
                Err(error) => return (done, Some(error)),
            }
        }
        (done, None)
    }

    /// Whether the row is done with; false: it was set aside.
    async fn tell(&self, row: &Waiting) -> anyhow::Result<bool> {
        let errand = serde_json::from_str(&row.errand)?;
        let told = match errand {
            Errand::Introduce { user, name, email, roles } => {
                let profile = UserProfile {
                    name: Some(name),
                    email: Some(email),
                    roles: Some(roles),
                    ..UserProfile::new(user)
                };
                self.oyez.users().put(profile).await.map(drop)
            }
            Errand::Notify(mut request) => {
                request.idempotency_key = Some(row.key.clone());
                self.oyez.publish(*request).await.map(drop)
            }
            Errand::Event(request) => self.oyez.event(request).await.map(drop),
            Errand::Enqueue(request) => self.oyez.jobs().enqueue(*request).await.map(drop),
        };
        match told {
            Ok(()) => Ok(true),
            Err(error @ (Error::Invalid(_) | Error::Publish(_))) => {
                // It would be refused for ever and hold up all that follows. It stays in the table for a person to see.
                tracing::error!(row = row.id, "Oyez refused an errand: {error}");
                outbox::refuse(self.database.pool(), row.id, &error.to_string()).await?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// One line per application, each in order.
fn by_application(waiting: Vec<Waiting>) -> Vec<Vec<Waiting>> {
    let mut lines: BTreeMap<Option<i64>, Vec<Waiting>> = BTreeMap::new();
    for row in waiting {
        lines.entry(row.application).or_default().push(row);
    }
    lines.into_values().collect()
}
