//! Makes each stored transfer a job of Oyez, once.
//!
//! The application's tables and Oyez's are two databases, so no transaction covers both. Enqueuing inside the request
//! would lose: a crash after the commit and before the enqueue leaves a transfer nobody uploads; the other way round
//! uploads a transfer that was never stored. Instead submitting writes a row into `outbox` *in the transfer's own
//! transaction*, and this worker enqueues the job afterwards, then writes the job's id into the transfer and deletes
//! the row in one transaction.
//!
//! A crash between Oyez's commit and that transaction leaves the row, and the next start enqueues again: with the same
//! unique key, which counts in every state of a job. Oyez answers with the job that is there. So each transfer has
//! exactly one job.

use std::{sync::Arc, time::Duration};

use oyez::{
    Oyez,
    protocol::{
        JobKind, QueueName,
        api::jobs::{BackoffRequest, JobMessages, JobRequest, JobState},
    },
    runner::Job,
    server::Error,
};
use serde_json::{json, value::to_raw_value};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    database::{Database, outbox, transfers},
    transfer::{Transfer, TransferId},
    upload::OracleUpload,
};

const BATCH: i64 = 100;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Where uploads wait. A queue of their own can be paused while Oracle is under maintenance.
pub const QUEUE: &str = "oracle";
/// How often something passing may be in the way: with this backoff, for about two hours.
const MOST_ATTEMPTS: u16 = 30;

/// The one worker that enqueues.
pub struct Relay {
    database: Database,
    oyez: Oyez,
    promised: Arc<Notify>,
}

impl Relay {
    /// Enqueues from this outbox; `promised` is rung after each commit that wrote to it.
    pub fn new(database: Database, oyez: Oyez, promised: Arc<Notify>) -> Self {
        Self { database, oyez, promised }
    }

    /// Works until the shutdown. What waits then is enqueued at the next start.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            let wait = match self.enqueue_waiting().await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    None
                }
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), ?pause, "could not enqueue, trying again");
                    let wait = pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    Some(wait)
                }
            };
            // `notify_one` keeps one permit, so a transfer committed while we enqueued is not missed.
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

    async fn enqueue_waiting(&self) -> anyhow::Result<()> {
        loop {
            let waiting = outbox::next(self.database.pool(), BATCH).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            for id in waiting {
                self.enqueue(id).await?;
            }
        }
    }

    async fn enqueue(&self, id: TransferId) -> anyhow::Result<()> {
        let stored = transfers::get(&mut *self.database.pool().acquire().await?, id).await?;
        let Some(stored) = stored else { return Ok(()) };
        match self.oyez.jobs().enqueue(job_of(&stored.transfer)?).await {
            Ok(accepted) => {
                let mut tx = self.database.write().await?;
                transfers::set_job(&mut tx, id, accepted.id).await?;
                outbox::delete(&mut tx, id).await?;
                tx.commit().await?;
            }
            Err(error @ Error::Invalid(_)) => {
                // It would be refused for ever and hold up all that follows. It stays in the table for a person to see.
                tracing::error!(transfer = id.0, "Oyez refused a job: {error}");
                outbox::refuse(self.database.pool(), id, &error.to_string()).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// The job that uploads a transfer. Clients read the messages; they are fixed.
fn job_of(transfer: &Transfer) -> anyhow::Result<JobRequest> {
    let id = transfer.id;
    let end = |how: &str| Some(format!("Oracle upload {how} for transaction {id}"));
    let data = json!({"transaction_id": id});
    Ok(JobRequest {
        args: Some(to_raw_value(&OracleUpload { transfer: id })?),
        user: Some(transfer.owner.clone()),
        data: data.as_object().cloned(),
        queue: Some(QueueName::new(QUEUE)?),
        unique_key: Some(format!("transfer-{id}-{}", transfer.reference)),
        unique_states: Some(JobState::ALL.to_vec()),
        max_attempts: Some(MOST_ATTEMPTS),
        backoff: Some(BackoffRequest { first: Some(2.0), factor: Some(2.0), max: Some(300.0), jitter: None }),
        messages: Some(JobMessages {
            started: end("started"),
            completed: end("completed"),
            failed: end("failed"),
            cancelled: end("cancelled"),
            url: Some(format!("/transfers/{id}")),
        }),
        ..JobRequest::new(JobKind::new(OracleUpload::KIND)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fbdi;

    #[test]
    fn a_transfers_job_is_the_same_each_time_it_is_asked_for() {
        let job = job_of(&fbdi::tests::transfer()).unwrap();
        assert_eq!(job.unique_key.as_deref(), Some("transfer-602-77000000000602"));
        assert_eq!(job.args.unwrap().get(), r#"{"transfer":602}"#);
        assert_eq!(
            job.messages.unwrap().started.as_deref(),
            Some("Oracle upload started for transaction 602")
        );
        let again = job_of(&fbdi::tests::transfer()).unwrap();
        assert_eq!((again.unique_key, again.data), (job.unique_key, job.data));
    }
}
