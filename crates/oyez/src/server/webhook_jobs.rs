//! The handler of jobs that tell webhook endpoints what happened, and the word that such jobs wait.

use oyez_core::delivery::MAX_RETRY_AFTER;
use oyez_protocol::{JobKind, QueueName, api::queues::QueuePatch};
use oyez_store::{Store, WEBHOOK_BACKOFF, WEBHOOK_KIND, WEBHOOK_QUEUE};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Error;
use crate::{
    bus::{Announcement, Bus},
    jobs::{Jobs, JobsError},
    runner::{Job, JobError, Runner},
    webhooks::{EventError, EventJob, Webhooks},
};

impl Job for EventJob {
    const KIND: &'static str = WEBHOOK_KIND;
}

/// Registers the handler.
pub(super) fn register(runner: &Runner, webhooks: &Webhooks) -> Result<(), Error> {
    let webhooks = webhooks.clone();
    runner.handle(move |context, job: EventJob| {
        let webhooks = webhooks.clone();
        async move {
            match webhooks.tell_event(&job).await {
                Ok(reply) => Ok(json!({"status": reply.status})),
                Err(EventError::NotNeeded(reason)) => Err(JobError::cancel(reason)),
                // Who asks for time gets it, but cannot make us come sooner than the backoff has it.
                Err(EventError::Failed { error, retry_after: Some(wait) })
                    if wait > WEBHOOK_BACKOFF.delay(context.attempt(), 1.0) =>
                {
                    Err(JobError::retry_after(wait.min(MAX_RETRY_AFTER), error))
                }
                Err(EventError::Failed { error, .. }) => Err(JobError::fail(error)),
            }
        }
    })?;
    Ok(())
}

/// Where such jobs wait.
pub(super) fn queue() -> Option<QueueName> {
    QueueName::new(WEBHOOK_QUEUE).ok()
}

/// Tells runners of such jobs: they are made inside the store, in the transaction of what they tell. With the first
/// ones, the queue is limited to `most` at once, unless somebody set anything for it: an endpoint that hangs holds each
/// of its jobs as long as a request may take, and other work needs room.
pub(super) async fn announce(store: Store, bus: Bus, jobs: Jobs, most: u32, stop: CancellationToken) {
    let bell = store.webhook_jobs();
    let mut is_limited = false;
    let (Ok(queue), Ok(kind)) = (QueueName::new(WEBHOOK_QUEUE), JobKind::new(WEBHOOK_KIND)) else {
        // Two constants that a test reads: without them, jobs are found when runners look everywhere.
        return stop.cancelled().await;
    };
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = bell.notified() => {
                if !is_limited {
                    is_limited = limit(&jobs, &queue, most).await;
                }
                let (queue, kind) = (queue.clone(), Some(kind.clone()));
                bus.announce(Announcement::Available { queue, kind, count: 1 });
            }
        }
    }
}

/// Returns whether it is limited, or somebody chose otherwise.
async fn limit(jobs: &Jobs, queue: &QueueName, most: u32) -> bool {
    let limited = async {
        if jobs.queues().await?.iter().all(|(name, _)| name != queue) {
            let patch = QueuePatch { concurrency: Some(Some(most)), ..QueuePatch::default() };
            jobs.patch_queue(queue, &patch).await?;
        }
        Ok::<_, JobsError>(())
    };
    let limited = limited.await;
    limited.inspect_err(|error| tracing::warn!(%error, "could not limit the queue {queue}")).is_ok()
}
