//! Brings one claimed job to its end: waits for a slot, runs the handler, reports what became of it.

use std::{sync::Arc, time::Duration};

use oyez_protocol::api::workers::{ClaimedJob, Fail};
use tokio::{sync::Semaphore, task::JoinError};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{Context, Done, JobError, handler::Handlers, link::Link};
use crate::{attempt::Attempt, client::Client, error::Error};

/// How long the end of an attempt is reported before that is given up: the lease has ended long since, and the job is
/// another's.
const REPORT: Duration = Duration::from_secs(60);
/// The same once the worker was told to stop.
const REPORT_AT_THE_END: Duration = Duration::from_secs(5);

/// What the jobs of a worker share.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) client: Client,
    pub(super) handlers: Arc<Handlers>,
    /// How many handlers may run at once.
    pub(super) slots: Arc<Semaphore>,
    /// The worker begins no other job.
    pub(super) soft: CancellationToken,
    /// The worker waits no longer for those that run.
    pub(super) hard: CancellationToken,
}

/// How an attempt ended here.
enum End {
    Done(Done),
    Failed(JobError),
    /// Another has the job, or it has ended: there is nothing to say.
    Lost,
    /// The worker stops.
    GivenBack,
}

impl Running {
    /// Runs a job to its end, whatever that is.
    pub(super) async fn run(self, job: ClaimedJob) {
        let attempt = Attempt::new(self.client.clone(), job.id, job.attempt);
        let link = Link::new(attempt.clone(), seconds(job.lease_seconds), job.cancel);
        // Ends with this task, also when the worker is dropped: a job that nobody runs must not be kept.
        let _beat = AbortOnDropHandle::new(tokio::spawn(link.clone().run()));
        let end = self.work(&link, &job).await;
        link.flush().await;
        link.end();
        let patience = if self.soft.is_cancelled() { REPORT_AT_THE_END } else { REPORT };
        match report(&attempt.with_patience(patience), end).await {
            Ok(()) => {}
            Err(error) if error.is_lost() => {
                tracing::info!(job = %job.id, attempt = job.attempt, "the attempt ended too late: another has the job");
            }
            Err(error) => {
                tracing::error!(job = %job.id, attempt = job.attempt, %error, "could not report how an attempt ended");
            }
        }
    }

    async fn work(&self, link: &Link, job: &ClaimedJob) -> End {
        let slot = tokio::select! {
            biased;
            () = self.soft.cancelled() => return End::GivenBack,
            () = link.lost().cancelled() => return End::Lost,
            slot = self.slots.acquire() => slot,
        };
        let Ok(_slot) = slot else { return End::GivenBack };
        let Some(work) = self.handlers.work(&job.kind, Context::new(link.clone(), job), &job.args) else {
            return End::GivenBack;
        };
        // A task of its own, so that a panic is an answer.
        let mut task = AbortOnDropHandle::new(tokio::spawn(work));
        let end = tokio::select! {
            biased;
            ended = &mut task => return told(ended),
            () = link.lost().cancelled() => End::Lost,
            () = self.hard.cancelled() => End::GivenBack,
            limit = timeout(job) => {
                End::Failed(JobError::fail(format!("the attempt took longer than its timeout of {limit} s")))
            }
        };
        task.abort();
        // Until it has let go of what it had. One that ended meanwhile is as good as one that was stopped.
        drop(task.await);
        end
    }
}

fn told(ended: Result<Result<Done, JobError>, JoinError>) -> End {
    match ended {
        Ok(Ok(done)) => End::Done(done),
        Ok(Err(JobError::Fenced)) => End::Lost,
        Ok(Err(error)) => End::Failed(error),
        Err(error) if error.is_panic() => {
            let panic = error.into_panic();
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let text = text.unwrap_or_else(|| "it did not say why".into());
            End::Failed(JobError::fail(format!("the handler panicked: {text}")))
        }
        // The runtime ends.
        Err(_) => End::GivenBack,
    }
}

/// Returns the limit when it is reached; without one, never.
async fn timeout(job: &ClaimedJob) -> f64 {
    match job.timeout_seconds {
        None => std::future::pending().await,
        Some(limit) => {
            tokio::time::sleep(seconds(limit)).await;
            limit
        }
    }
}

async fn report(attempt: &Attempt, end: End) -> Result<(), Error> {
    let failure = |error: String| Fail { error, ..attempt.failure() };
    let told = match end {
        End::Lost => return Ok(()),
        End::GivenBack => attempt.snooze(Duration::ZERO).await,
        End::Done(Done(result)) => match attempt.complete(&result).await {
            // Such as a result that is too large: the job says so, instead of being lost in silence.
            Err(error @ Error::Refused(_)) if !error.is_temporary() && !error.is_lost() => {
                let error = format!("the result was refused: {error}");
                attempt.fail_with(Fail { discard: true, ..failure(error) }).await
            }
            told => told,
        },
        End::Failed(JobError::Snooze { delay }) => attempt.snooze(delay).await,
        End::Failed(JobError::RetryAfter { delay, error }) => {
            let retry_after = Some(delay.as_secs_f64());
            attempt.fail_with(Fail { retry_after, ..failure(error) }).await
        }
        End::Failed(JobError::Cancel { reason }) => {
            attempt.fail_with(Fail { cancel: true, ..failure(reason) }).await
        }
        End::Failed(JobError::Discard { error }) => {
            attempt.fail_with(Fail { discard: true, ..failure(error) }).await
        }
        End::Failed(JobError::Fail { error }) => attempt.fail_with(failure(error)).await,
        End::Failed(JobError::Fenced) => return Ok(()),
    };
    told.map(|_| ())
}

/// A server that says nonsense gets the shortest time, or the longest.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.001)).unwrap_or(Duration::MAX / 4)
}
