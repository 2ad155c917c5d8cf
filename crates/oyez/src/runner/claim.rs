//! Taking jobs: woken when one becomes available, as many at once as there is room for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oyez_core::job::JobState;
use oyez_protocol::{JobKind, QueueName, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{PAUSE, Queues, Shared, pause_after};
use crate::jobs::JobsError;

/// Most jobs taken in one transaction.
const MOST: usize = 200;
/// In case a word was lost, or another process made jobs: look everywhere at least this often.
const LOOK_EVERYWHERE: Duration = Duration::from_secs(30);

/// Where jobs may wait for us.
#[derive(Default)]
pub(super) struct Calls {
    waiting: Mutex<Waiting>,
    /// Rings when there is something to look for, or room.
    pub(super) bell: Notify,
}

#[derive(Default)]
struct Waiting {
    queues: Queues,
    everywhere: bool,
    /// Queues whose rate is used up until then.
    later: Vec<(Timestamp, QueueName)>,
}

impl Calls {
    pub(super) fn call(&self, queue: &QueueName) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).queues.insert(queue.clone());
        self.bell.notify_one();
    }

    pub(super) fn look_everywhere(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).everywhere = true;
        self.bell.notify_one();
    }

    fn call_later(&self, at: Timestamp, queue: QueueName) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.later.retain(|(_, other)| *other != queue);
        waiting.later.push((at, queue));
    }

    /// The next queue to look into. Queues take turns.
    fn next(&self, last: Option<&QueueName>, now: Timestamp) -> Next {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut waiting.everywhere) {
            return Next::Everywhere;
        }
        let Waiting { queues, later, .. } = &mut *waiting;
        queues.extend(later.extract_if(.., |(at, _)| *at <= now).map(|(_, queue)| queue));
        let after = last.and_then(|last| queues.iter().find(|queue| *queue > last));
        match after.or_else(|| queues.first()).cloned() {
            Some(queue) => {
                queues.remove(&queue);
                Next::Queue(queue)
            }
            None => Next::Nothing(later.iter().map(|(at, _)| *at).min()),
        }
    }
}

enum Next {
    Queue(QueueName),
    Everywhere,
    Nothing(Option<Timestamp>),
}

impl Shared {
    /// Jobs became available.
    pub(super) fn called(&self, queue: &QueueName, kind: Option<&JobKind>) {
        if self.serves(queue) && kind.is_none_or(|kind| self.handlers.has(kind)) {
            self.calls.call(queue);
        }
    }

    fn serves(&self, queue: &QueueName) -> bool {
        self.options.queues.is_empty() || self.options.queues.contains(queue)
    }

    pub(super) async fn claim_jobs(self: &Arc<Self>, shutdown: &CancellationToken) {
        self.calls.look_everywhere();
        let (mut last, mut pause) = (None, PAUSE.0);
        while !self.stopping.is_cancelled() && !shutdown.is_cancelled() {
            let free = self.slots.free();
            let next = if free == 0 {
                Next::Nothing(None)
            } else {
                self.calls.next(last.as_ref(), self.clock.now())
            };
            let outcome = match next {
                Next::Nothing(again_at) => {
                    self.wait_for_a_call(again_at, free, shutdown).await;
                    continue;
                }
                Next::Everywhere => self.look_everywhere().await,
                Next::Queue(queue) => {
                    last = Some(queue.clone());
                    self.take(queue, free.min(MOST)).await
                }
            };
            match outcome {
                Ok(()) => pause = PAUSE.0,
                Err(error) => {
                    let length = pause_after("take jobs", &error, &mut pause);
                    tokio::select! {
                        biased;
                        () = self.stopping.cancelled() => return,
                        () = shutdown.cancelled() => return,
                        () = tokio::time::sleep(length) => {}
                    }
                }
            }
        }
    }

    async fn wait_for_a_call(&self, again_at: Option<Timestamp>, free: usize, shutdown: &CancellationToken) {
        let again = again_at.map(|at| u64::try_from(at.millis_since(self.clock.now())).unwrap_or(0));
        let sleep = again.map_or(LOOK_EVERYWHERE, Duration::from_millis).min(LOOK_EVERYWHERE);
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => {}
            () = shutdown.cancelled() => {}
            () = self.calls.bell.notified() => {}
            () = tokio::time::sleep(sleep) => {
                if again_at.is_none() && free > 0 {
                    self.calls.look_everywhere();
                }
            }
        }
    }

    /// Finds the queues in which jobs of ours wait.
    async fn look_everywhere(&self) -> Result<(), JobsError> {
        let kinds = self.handlers.kinds();
        if kinds.is_empty() {
            return Ok(());
        }
        self.jobs.asked(&self.worker, &self.options.queues, Some(&kinds));
        let depths = self.store.queue_depths().await.inspect_err(|_| self.calls.look_everywhere())?;
        for depth in depths {
            if depth.state == JobState::Available && kinds.contains(&depth.kind) && self.serves(&depth.queue)
            {
                self.calls.call(&depth.queue);
            }
        }
        Ok(())
    }

    async fn take(self: &Arc<Self>, queue: QueueName, most: usize) -> Result<(), JobsError> {
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let taken = self.jobs.take(&queue, Some(self.handlers.kinds()), limit, &self.worker).await;
        let taken = taken.inspect_err(|_| self.calls.call(&queue))?;
        if taken.jobs.len() >= most {
            self.calls.call(&queue);
        } else if let Some(at) = taken.again_at {
            self.calls.call_later(at, queue);
        }
        for begun in taken.jobs {
            self.start(begun);
        }
        Ok(())
    }
}
