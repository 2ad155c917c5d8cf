//! Runs attempts: each on a thread of its own, under its time limit, ended in any case and recorded once.

use std::{any::Any, sync::Arc, time::Duration};

use oyez_core::job::{Outcome, request::MAX_ARGS_BYTES};
use oyez_protocol::JobId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Context, Done, JobError, Shared, rest, slots::Slot, threads::panic_text};
use crate::jobs::Begun;

/// A handler whose time is over has so long to give way; then its thread counts as lost.
pub(super) const GIVES_WAY_WITHIN: Duration = Duration::from_secs(2);
/// How long a shutdown waits for the last ends to be on disk.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);
/// How often threads are looked at.
const WATCH: Duration = Duration::from_millis(500);

/// How an attempt on its thread ended; `None`: it is not ours any more, and nothing is recorded.
type Ended = Option<Outcome>;

impl Shared {
    /// Begins an attempt.
    pub(super) fn start(self: &Arc<Self>, begun: Begun) {
        let (id, attempt) = (begun.job.id, begun.job.attempt);
        let Some(handler) = self.handlers.get(&begun.job.kind) else { return };
        let limit = begun.job.timeout.or(self.options.timeout);
        let fence = CancellationToken::new();
        let gives_way_by = limit.map(|limit| Instant::now() + limit + GIVES_WAY_WITHIN);
        let (args, cancel) = (Arc::clone(&begun.job.args), begun.cancel.clone());
        let slot = Slot { attempt, gives_way_by, asked: cancel.clone(), fence: fence.clone(), ended: false };
        self.slots.begin(id, slot);
        let patience = self.options.patience;
        let work = handler(Context::new(self.jobs.clone(), begun), args);
        let giving_back = self.giving_back.clone();
        let work = async move {
            tokio::select! {
                biased;
                () = fence.cancelled() => None,
                ended = work => ended_as(ended),
                () = giving_back.cancelled() => Some(Outcome::GivenBack),
                () = patience_ends(&cancel, patience) => Some(stopped()),
                () = time_is_up(limit) => Some(Outcome::TimedOut),
            }
        };
        let shared = Arc::clone(self);
        let started = self.threads.run(work, move |ended| shared.ended(id, attempt, ended));
        if let Err(error) = started {
            tracing::error!(%error, "no thread for a job");
            self.jobs.ended_blocking(id, attempt, Outcome::GivenBack);
            self.slots.end(id, attempt);
        }
    }

    /// On the attempt's thread, after its end.
    fn ended(&self, job: JobId, attempt: u32, ended: Result<Ended, Box<dyn Any + Send>>) {
        let outcome = ended.unwrap_or_else(|panic| Some(Outcome::Fail { error: panic_text(&*panic) }));
        if !self.slots.ending(job, attempt) {
            return;
        }
        match outcome {
            Some(outcome) => self.jobs.ended_blocking(job, attempt, outcome),
            None => self.jobs.forget(job, attempt),
        }
        self.slots.end(job, attempt);
        self.calls.bell.notify_one();
    }

    /// Gives up on handlers that did not give way when their time was over.
    pub(super) async fn watch_threads(&self, shutdown: &CancellationToken) {
        while rest(WATCH, shutdown).await {
            for (job, slot) in self.slots.give_up(Instant::now(), self.options.patience + GIVES_WAY_WITHIN) {
                let (attempt, asked) = (slot.attempt, slot.asked.is_cancelled());
                tracing::error!(%job, attempt, asked, "a handler did not give way when its time was over; its thread is lost");
                let outcome = if asked { stopped() } else { Outcome::TimedOut };
                self.jobs.ended(job, attempt, outcome).await;
                self.calls.bell.notify_one();
            }
            metrics::gauge!("oyez_runner_attempts").set(self.slots.attempts().len() as f64);
            metrics::gauge!("oyez_runner_lost_threads").set(self.slots.lost() as f64);
        }
    }

    pub(super) async fn stop(&self, grace: Duration) {
        self.stopping.cancel();
        self.jobs.close();
        let under_way = self.slots.attempts().len();
        if under_way > 0 {
            tracing::info!(under_way, "waiting for jobs to end");
        }
        // Late ones are given back below.
        let _all_ended = tokio::time::timeout(grace, self.slots.emptied()).await;
        self.giving_back.cancel();
        let _all_gave_way = tokio::time::timeout(GIVES_WAY_WITHIN, self.slots.emptied()).await;
        let last_words = async {
            for (job, slot) in self.slots.give_up_all() {
                self.jobs.ended(job, slot.attempt, Outcome::GivenBack).await;
            }
            self.jobs.settle().await;
        };
        if tokio::time::timeout(SETTLES_WITHIN, last_words).await.is_err() {
            tracing::error!("the store did not take how the last jobs ended; their leases will run out");
        }
        self.threads.stop();
    }
}

fn ended_as(ended: Result<Done, JobError>) -> Ended {
    Some(match ended {
        Ok(Done(Some(result))) if result.len() > MAX_ARGS_BYTES => {
            let (given, most) = (result.len(), MAX_ARGS_BYTES);
            Outcome::Discard {
                error: format!("the result has {given} bytes of JSON, but {most} are the most"),
            }
        }
        Ok(Done(result)) => Outcome::Done(result.map(Into::into)),
        Err(JobError::Fail { error }) => Outcome::Fail { error },
        Err(JobError::RetryAfter { delay, error }) => Outcome::RetryAfter { delay, error },
        Err(JobError::Snooze { delay }) => Outcome::Snooze { delay },
        Err(JobError::Cancel { reason }) => Outcome::Cancel { reason },
        Err(JobError::Discard { error }) => Outcome::Discard { error },
        Err(JobError::Fenced) => return None,
    })
}

/// How an attempt ends that was asked to stop and did not.
fn stopped() -> Outcome {
    Outcome::Cancel { reason: "it was asked to stop, and was stopped because it did not".into() }
}

/// Resolves `patience` after the handler was asked to stop.
async fn patience_ends(cancel: &CancellationToken, patience: Duration) {
    cancel.cancelled().await;
    tokio::time::sleep(patience).await;
}

async fn time_is_up(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}
