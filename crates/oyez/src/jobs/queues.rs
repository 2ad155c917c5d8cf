//! Queues: how fast their jobs may leave.

use std::{
    collections::BTreeSet,
    sync::{MutexGuard, PoisonError},
};

use oyez_core::queue::{QueueSettings, patched};
use oyez_protocol::{QueueName, api::queues::QueuePatch};
use oyez_store::StoreError;

use super::{Jobs, JobsError, Shared};
use crate::bus::Announcement;

/// Workers that are woken when a queue is let go: whoever finds nothing waits on.
const WAKE: u32 = 1_000;

impl Jobs {
    /// What is set for a queue.
    pub async fn queue(&self, queue: &QueueName) -> Result<QueueSettings, JobsError> {
        let all = self.shared.store.queues().await?;
        Ok(all.into_iter().find(|(name, _)| name == queue).map(|(_, settings)| settings).unwrap_or_default())
    }

    /// What is set for each queue that anything was set for, by name.
    pub async fn queues(&self) -> Result<Vec<(QueueName, QueueSettings)>, JobsError> {
        Ok(self.shared.store.queues().await?)
    }

    /// Holds a queue, lets it go, or limits it. What runs goes on.
    pub async fn patch_queue(
        &self,
        queue: &QueueName,
        patch: &QueuePatch,
    ) -> Result<QueueSettings, JobsError> {
        let (name, patch, shared) = (queue.clone(), *patch, self.shared.clone());
        let told = queue.clone();
        let set = self.shared.store.write_then(
            move |tx| {
                Box::pin(async move {
                    match patched(&tx.queue_settings(&name).await?, &patch) {
                        Err(invalid) => Ok(Err(invalid)),
                        Ok(settings) => tx.put_queue(&name, &settings).await.map(|()| Ok(settings)),
                    }
                })
            },
            move |set| {
                if let Ok(settings) = set {
                    shared.told_queue(&told, settings);
                }
            },
        );
        Ok(set.await??)
    }
}

impl Shared {
    /// Queues whose jobs must be looked for again when one of them ends.
    pub(super) fn limited_queues(&self) -> MutexGuard<'_, BTreeSet<QueueName>> {
        self.limited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers which queues are limited.
    pub(super) async fn read_limits(&self) -> Result<(), StoreError> {
        let limited = self.store.queues().await?.into_iter().filter(|(_, settings)| is_limited(settings));
        let limited = limited.map(|(queue, _)| queue).collect();
        *self.limited_queues() = limited;
        Ok(())
    }

    fn told_queue(&self, queue: &QueueName, settings: &QueueSettings) {
        if is_limited(settings) {
            self.limited_queues().insert(queue.clone());
        } else {
            self.limited_queues().remove(queue);
        }
        if !settings.paused {
            self.bus.announce(Announcement::Available { queue: queue.clone(), kind: None, count: WAKE });
        }
    }
}

fn is_limited(settings: &QueueSettings) -> bool {
    settings.concurrency.is_some()
}
