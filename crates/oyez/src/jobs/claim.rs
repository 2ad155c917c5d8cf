//! Handing jobs out: to handlers in this process and to workers that poll.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use oyez_core::job::{JobRecord, Outcome, started_frame};
use oyez_protocol::{JobKind, QueueName, Timestamp, WorkerName};
use oyez_store::jobs::{Claim, Claims, StepRecord};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Jobs, JobsError,
    finish::{End, Ending, Handed},
    waiting::Wish,
};
use crate::bus::Stage;

/// A worker that waits looks again after this long, in case a word was lost.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// What a worker wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Who asks.
    pub worker: WorkerName,
    /// From these queues, in this order.
    pub queues: Vec<QueueName>,
    /// Of these kinds; `None`: of any.
    pub kinds: Option<Vec<JobKind>>,
    /// How many at most.
    pub limit: u32,
}

/// An attempt that is the worker's now.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The job, running.
    pub job: JobRecord,
    /// Steps that earlier attempts finished.
    pub steps: Vec<StepRecord>,
    /// Tells a handler in this process to stop.
    pub cancel: CancellationToken,
}

/// What one look into a queue got.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// In the order they should start.
    pub jobs: Vec<Begun>,
    /// The queue's rate is used up until then.
    pub again_at: Option<Timestamp>,
}

/// A claim on its way to the one who asked. When they have gone, the attempts are given back.
struct Handover {
    claims: Claims,
    committed: AtomicBool,
    endings: mpsc::Sender<Handed>,
}

impl Drop for Handover {
    fn drop(&mut self) {
        if !*self.committed.get_mut() {
            return;
        }
        for claimed in self.claims.jobs.drain(..) {
            let (job, attempt) = (claimed.job.id, claimed.job.attempt);
            let outcome = Outcome::GivenBack;
            let end = End { job, attempt, outcome, record: None, said: None, unless_renewed: false };
            // Full: the lease runs out instead.
            drop(self.endings.try_send(Handed::Ending(Ending { end, answer: None })));
        }
    }
}

impl Jobs {
    /// Takes jobs for a worker behind HTTP, all from the first of its queues that has some, and waits up to `wait` for
    /// the first one. Empty: there was none.
    pub async fn claim(&self, wanted: &Wanted, wait: Duration) -> Result<Vec<Begun>, JobsError> {
        // Spent by the runtime's clock: it is about this caller's patience, not about the world's time.
        let until = tokio::time::Instant::now() + wait;
        let closing = &self.shared.closing;
        while !closing.is_cancelled() {
            // In line before looking: what becomes available after the look rings.
            let mut place = self
                .shared
                .waiting
                .stand(Wish { queues: wanted.queues.clone(), kinds: wanted.kinds.clone() });
            let (jobs, again_at) = self.look(wanted).await?;
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if !jobs.is_empty() || left.is_zero() {
                // A ring that came since is for a job that the look did not see: the next in line hears it.
                return Ok(jobs);
            }
            let again = again_at.map_or(LOOK_AGAIN, |at| self.shared.until(at)).min(LOOK_AGAIN).min(left);
            // Rung or not, the next round looks.
            tokio::select! {
                () = place.rung() => {}
                () = tokio::time::sleep(again) => {}
                () = closing.cancelled() => {}
            }
            place.served();
        }
        Ok(Vec::new())
    }

    /// Nobody is handed a job any more who waits for one behind HTTP: the server ends.
    pub fn close(&self) {
        self.shared.closing.cancel();
    }

    async fn look(&self, wanted: &Wanted) -> Result<(Vec<Begun>, Option<Timestamp>), JobsError> {
        let mut again_at = None;
        for queue in &wanted.queues {
            let taken = self.take(queue, wanted.kinds.clone(), wanted.limit, &wanted.worker).await?;
            // What was taken is handed over at once: the asker may go while another queue is looked into.
            if !taken.jobs.is_empty() {
                return Ok((taken.jobs, None));
            }
            again_at = again_at.into_iter().chain(taken.again_at).min();
        }
        Ok((Vec::new(), again_at))
    }

    /// Takes what waits in one queue, without waiting.
    pub async fn take(
        &self,
        queue: &QueueName,
        kinds: Option<Vec<JobKind>>,
        limit: u32,
        worker: &WorkerName,
    ) -> Result<Taken, JobsError> {
        let shared = &self.shared;
        let claim =
            Claim { queue: queue.clone(), kinds, limit, worker: worker.clone(), lease: shared.options.lease };
        let (now, endings) = (shared.now(), shared.endings.clone());
        let handed = shared.store.write_then(
            move |tx| {
                Box::pin(async move {
                    let claims = tx.claim(&claim, now).await?;
                    Ok(Handover { claims, committed: AtomicBool::new(false), endings })
                })
            },
            |handover: &Handover| handover.committed.store(true, Ordering::Relaxed),
        );
        let mut handed = handed.await?;
        let claims = std::mem::take(&mut handed.claims);
        let jobs =
            claims.jobs.into_iter().map(|claimed| self.begin(claimed.job, claimed.steps, now)).collect();
        Ok(Taken { jobs, again_at: claims.again_at })
    }

    fn begin(&self, job: JobRecord, steps: Vec<StepRecord>, now: Timestamp) -> Begun {
        self.shared.meters.began(&job, now);
        let cancel = self.shared.live.begin(job.clone());
        // What is tried again is not announced again: its owner reads of it in the progress.
        if job.attempt == job.given_back + 1 && self.shared.is_heard(&job) {
            self.shared.tell(&job, started_frame(&job, now), Stage::Underway);
        }
        Begun { job, steps, cancel }
    }
}
