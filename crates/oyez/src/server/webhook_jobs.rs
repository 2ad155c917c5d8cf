//! The handler of jobs that tell webhook endpoints what happened, and the word that such jobs wait.

use oyez_core::delivery::MAX_RETRY_AFTER;
use oyez_protocol::{JobKind, QueueName};
use oyez_store::{Store, WEBHOOK_BACKOFF, WEBHOOK_KIND, WEBHOOK_QUEUE};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Error;
use crate::{
    bus::{Announcement, Bus},
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

/// Tells runners of such jobs: they are made inside the store, in the transaction of what they tell.
pub(super) async fn announce(store: Store, bus: Bus, stop: CancellationToken) {
    let bell = store.webhook_jobs();
    let (Ok(queue), Ok(kind)) = (QueueName::new(WEBHOOK_QUEUE), JobKind::new(WEBHOOK_KIND)) else {
        // Two constants that a test reads: without them, jobs are found when runners look everywhere.
        return stop.cancelled().await;
    };
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = bell.notified() => {
                let (queue, kind) = (queue.clone(), Some(kind.clone()));
                bus.announce(Announcement::Available { queue, kind, count: 1 });
            }
        }
    }
}
