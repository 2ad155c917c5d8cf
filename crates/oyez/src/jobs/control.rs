//! What others than its worker do to a job: call it off, or have it run again.

use oyez_core::job::{Conclusion, JobRecord, JobState, end_draft, end_frame};
use oyez_protocol::{JobId, api::jobs::JobChanged};
use oyez_store::jobs::{CancelOutcome, JobFilter, RetryOutcome};

use super::{Jobs, JobsError, Shared, new_notification_id};
use crate::bus::{Announcement, Stage};

/// Jobs that one step of a bulk call changes, so that other writes go in between.
const STEP: u32 = 200;

impl Jobs {
    /// Calls a job off: one that waits is cancelled at once, a running one is asked to stop.
    pub async fn cancel(&self, job: JobId) -> Result<JobChanged, JobsError> {
        let now = self.shared.now();
        let shared = self.shared.clone();
        let outcome = self.shared.store.write_then(
            move |tx| {
                Box::pin(async move {
                    let outcome = tx.cancel_job(job, now).await?;
                    land_end(tx, &outcome, now).await
                })
            },
            move |ended: &Ended| shared.told_cancelled(ended, now),
        );
        match outcome.await?.0 {
            CancelOutcome::Cancelled(record) => Ok(JobChanged { id: job, state: record.state }),
            CancelOutcome::Requested(record) => Ok(JobChanged { id: job, state: record.state }),
            CancelOutcome::AlreadyFinal(state) => Err(JobsError::Final { job, state }),
            CancelOutcome::Unknown => Err(JobsError::NotFound(job)),
        }
    }

    /// Has a job run again that has ended, or lets one that waits for its time start now. Finished steps stay finished.
    pub async fn retry(&self, job: JobId) -> Result<JobChanged, JobsError> {
        let now = self.shared.now();
        let shared = self.shared.clone();
        let outcome = self.shared.store.write_then(
            move |tx| Box::pin(async move { tx.retry_job(job, now).await }),
            move |outcome: &RetryOutcome| shared.told_retried(outcome),
        );
        match outcome.await? {
            RetryOutcome::Retried(record) => Ok(JobChanged { id: job, state: record.state }),
            RetryOutcome::Unfinished(state) => Err(JobsError::Unfinished { job, state }),
            RetryOutcome::Unique(_) => Err(JobsError::KeyTaken(job)),
            RetryOutcome::Tracked => Err(JobsError::Tracked(job)),
            RetryOutcome::Unknown => Err(JobsError::NotFound(job)),
        }
    }

    /// Calls off all unfinished jobs that match. Returns how many were cancelled or asked to stop.
    pub async fn cancel_all(&self, filter: &JobFilter) -> Result<u64, JobsError> {
        let mut changed = 0;
        loop {
            let now = self.shared.now();
            let (filter, shared) = (filter.clone(), self.shared.clone());
            let step = self.shared.store.write_then(
                move |tx| {
                    Box::pin(async move {
                        let mut ended = Vec::new();
                        for outcome in tx.cancel_jobs(&filter, now, STEP).await? {
                            ended.push(land_end(tx, &outcome, now).await?);
                        }
                        Ok(ended)
                    })
                },
                move |ended: &Vec<Ended>| ended.iter().for_each(|one| shared.told_cancelled(one, now)),
            );
            let step = step.await?.len() as u64;
            changed += step;
            if step < u64::from(STEP) {
                return Ok(changed);
            }
        }
    }

    /// Has all jobs run again that match and ended badly or were cancelled; those that wait for their next attempt have
    /// it now when the filter names their state. Returns how many.
    pub async fn retry_all(&self, filter: &JobFilter) -> Result<u64, JobsError> {
        // Those that end again meanwhile are not retried again.
        let before = self.shared.now();
        let mut changed = 0;
        loop {
            let now = self.shared.now();
            let (filter, shared) = (filter.clone(), self.shared.clone());
            let step = self.shared.store.write_then(
                move |tx| Box::pin(async move { tx.retry_jobs(&filter, before, now, STEP).await }),
                move |outcomes: &Vec<RetryOutcome>| outcomes.iter().for_each(|one| shared.told_retried(one)),
            );
            let outcomes = step.await?;
            let retried = |outcome: &&RetryOutcome| matches!(outcome, RetryOutcome::Retried(_));
            let step = outcomes.iter().filter(retried).count() as u64;
            changed += step;
            // A step that changes nothing would be found again and again.
            if outcomes.len() < STEP as usize || step == 0 {
                return Ok(changed);
            }
        }
    }
}

/// A cancellation, and where the notification of its end landed.
type Ended = (CancelOutcome, Option<oyez_core::notification::Landed>);

async fn land_end(
    tx: &mut oyez_store::Tx,
    outcome: &CancelOutcome,
    now: oyez_protocol::Timestamp,
) -> Result<Ended, oyez_store::StoreError> {
    let CancelOutcome::Cancelled(record) = outcome else { return Ok((outcome.clone(), None)) };
    let draft = end_draft(record, &cancelled(), new_notification_id(now), now);
    let landed = match &draft {
        Some(draft) => tx.land(&[draft]).await?.into_iter().next().flatten(),
        None => None,
    };
    Ok((outcome.clone(), landed))
}

/// The end of a job that never ran on.
fn cancelled() -> Conclusion {
    Conclusion {
        state: JobState::Cancelled,
        run_at: None,
        gives_back: false,
        attempt_outcome: "cancelled",
        error: None,
        result: None,
    }
}

impl Shared {
    fn told_cancelled(&self, (outcome, landed): &Ended, now: oyez_protocol::Timestamp) {
        match outcome {
            CancelOutcome::Cancelled(record) => {
                if let Some(landed) = landed {
                    (self.landed)(vec![landed.clone()]);
                }
                let stage = if landed.is_some() { Stage::EndedInInbox } else { Stage::Ended };
                if let Some(frame) = end_frame(record, &cancelled(), now) {
                    self.tell(record, frame, stage);
                }
            }
            CancelOutcome::Requested(record) => self.live.cancel(record.id),
            CancelOutcome::AlreadyFinal(_) | CancelOutcome::Unknown => {}
        }
    }

    fn told_retried(&self, outcome: &RetryOutcome) {
        if let RetryOutcome::Retried(record) = outcome {
            self.told_available(record);
        }
    }

    /// A job waits to be claimed.
    pub(super) fn told_available(&self, record: &JobRecord) {
        let (queue, kind) = (record.queue.clone(), Some(record.kind.clone()));
        self.bus.announce(Announcement::Available { queue, kind, count: 1 });
    }
}
