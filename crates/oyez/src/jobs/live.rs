//! What runs now, as this node knows it: how far each job is, what of it was not sent or written yet, and who was asked
//! to stop.
//!
//! A copy of what the store says, made at the claim or at the first report after a restart; the store decides who may
//! report.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use oyez_core::{
    job::JobRecord,
    notification::Invalid,
    progress::{Due, Pace, Progress, Report, merge},
};
use oyez_protocol::{JobId, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::finish::Said;

/// Attempts under way.
#[derive(Debug, Default)]
pub(super) struct Live {
    attempts: Mutex<Attempts>,
    /// Rings when something begins to wait for its moment.
    pub(super) waits: Notify,
}

#[derive(Debug, Default)]
struct Attempts {
    by_job: HashMap<JobId, Attempt>,
    /// Those of which something waits to be sent or written.
    waiting: HashSet<JobId>,
}

#[derive(Debug)]
struct Attempt {
    /// The job as it was claimed, without its arguments.
    record: Arc<JobRecord>,
    progress: Option<Progress>,
    /// When that was said, unless it is what the store had.
    reported_at: Option<Timestamp>,
    pace: Pace,
    cancel: CancellationToken,
}

/// Where a job is, and what is to be done about it.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    pub(super) record: Arc<JobRecord>,
    pub(super) progress: Progress,
    pub(super) due: Due,
    pub(super) cancelled: bool,
}

impl Live {
    /// An attempt began. Returns what tells its handler to stop.
    pub(super) fn begin(&self, mut record: JobRecord) -> CancellationToken {
        // The bar of an earlier attempt is not this one's.
        record.progress = None;
        self.insert(record)
    }

    /// An attempt that began before this node did is known again.
    pub(super) fn recall(&self, record: JobRecord) {
        self.insert(record);
    }

    fn insert(&self, mut record: JobRecord) -> CancellationToken {
        record.args = "".into();
        let mut attempts = self.lock();
        if let Some(known) = attempts.by_job.get(&record.id)
            && known.record.attempt >= record.attempt
        {
            return known.cancel.clone();
        }
        let cancel = CancellationToken::new();
        if record.cancel_requested_at.is_some() {
            cancel.cancel();
        }
        let progress = record.progress.take();
        let (id, record, pace) = (record.id, Arc::new(record), Pace::default());
        let attempt = Attempt { record, progress, reported_at: None, pace, cancel: cancel.clone() };
        attempts.by_job.insert(id, attempt);
        cancel
    }

    /// The attempt that is known of a job.
    pub(super) fn get(&self, job: JobId) -> Option<Arc<JobRecord>> {
        self.lock().by_job.get(&job).map(|attempt| Arc::clone(&attempt.record))
    }

    /// Where a job is, as far as this node heard.
    pub(super) fn progress(&self, job: JobId, attempt: u32) -> Option<Progress> {
        let attempts = self.lock();
        attempts.by_job.get(&job).filter(|known| known.record.attempt == attempt)?.progress.clone()
    }

    /// When this node last heard how far a job is.
    pub(super) fn reported_at(&self, job: JobId, attempt: u32) -> Option<Timestamp> {
        let attempts = self.lock();
        attempts.by_job.get(&job).filter(|known| known.record.attempt == attempt)?.reported_at
    }

    /// What an attempt that ends said last.
    pub(super) fn said(&self, job: JobId, attempt: u32) -> Option<Said> {
        let attempts = self.lock();
        let known = attempts.by_job.get(&job).filter(|known| known.record.attempt == attempt)?;
        let progress = known.progress.clone()?;
        Some(Said { progress, unwritten: known.pace.is_to_be_stored() })
    }

    /// Takes a report in. `None`: nothing is known of the attempt.
    pub(super) fn report(
        &self,
        job: JobId,
        attempt: u32,
        report: &Report,
        now: Timestamp,
    ) -> Result<Option<Moved>, Invalid> {
        let mut attempts = self.lock();
        let Some(known) = attempts.by_job.get_mut(&job).filter(|known| known.record.attempt == attempt)
        else {
            return Ok(None);
        };
        let progress = merge(known.progress.as_ref(), report)?;
        let step = |progress: &Progress| (progress.step.clone(), progress.step_number, progress.status);
        let changes_step = known.progress.as_ref().map(step) != Some(step(&progress));
        let due = known.pace.report(now, changes_step);
        known.progress = Some(progress.clone());
        known.reported_at = Some(now);
        let moved = Moved {
            record: Arc::clone(&known.record),
            progress,
            due,
            cancelled: known.cancel.is_cancelled(),
        };
        if known.pace.next_at().is_some() && attempts.waiting.insert(job) {
            self.waits.notify_one();
        }
        Ok(Some(moved))
    }

    /// The attempt's progress was to be written and could not be: it is due again soon.
    pub(super) fn not_stored(&self, job: JobId, attempt: u32) {
        let mut attempts = self.lock();
        let Attempts { by_job, waiting } = &mut *attempts;
        if let Some(known) = by_job.get_mut(&job).filter(|known| known.record.attempt == attempt) {
            known.pace.not_stored();
            waiting.insert(job);
            self.waits.notify_one();
        }
    }

    /// What waited and is due now, and the next moment at which something will be.
    pub(super) fn due(&self, now: Timestamp) -> (Vec<Moved>, Option<Timestamp>) {
        let mut attempts = self.lock();
        let Attempts { by_job, waiting } = &mut *attempts;
        let (mut moved, mut next) = (Vec::new(), None);
        waiting.retain(|job| {
            let Some(attempt) = by_job.get_mut(job) else { return false };
            let due = attempt.pace.due(now);
            if let Some(progress) = attempt.progress.clone().filter(|_| due.wire || due.store) {
                let cancelled = attempt.cancel.is_cancelled();
                moved.push(Moved { record: Arc::clone(&attempt.record), progress, due, cancelled });
            }
            let again = attempt.pace.next_at();
            next = next.into_iter().chain(again).min();
            again.is_some()
        });
        (moved, next)
    }

    /// Somebody asked the job to stop.
    pub(super) fn cancel(&self, job: JobId) {
        if let Some(attempt) = self.lock().by_job.get(&job) {
            attempt.cancel.cancel();
        }
    }

    /// The attempt is over, or not ours any more. Returns whether it was asked to stop.
    pub(super) fn forget(&self, job: JobId, attempt: u32) -> bool {
        let mut attempts = self.lock();
        if attempts.by_job.get(&job).is_none_or(|known| known.record.attempt > attempt) {
            return false;
        }
        attempts.waiting.remove(&job);
        attempts.by_job.remove(&job).is_some_and(|known| known.cancel.is_cancelled())
    }

    fn lock(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
