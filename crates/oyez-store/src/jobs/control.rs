//! What others than its worker do to a job: cancel it, retry it, delete what is old.

use oyez_core::job::{JobRecord, JobState};
use oyez_protocol::{JobId, Timestamp};

use super::{
    JobFilter,
    record::{self, Stored},
};
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// What became of a wish to cancel a job.
#[derive(Debug, Clone)]
pub enum CancelOutcome {
    /// It waited and is cancelled now.
    Cancelled(Box<JobRecord>),
    /// It runs: its worker is told with its next report.
    Requested(Box<JobRecord>),
    /// It has ended.
    AlreadyFinal(JobState),
    /// There is no such job.
    Unknown,
}

/// What became of a wish to run a job again.
#[derive(Debug, Clone)]
pub enum RetryOutcome {
    /// It is available now. What its earlier attempts finished stays finished.
    Retried(Box<JobRecord>),
    /// It is running, or waits for a worker anyway.
    Unfinished(JobState),
    /// Another job holds its unique key meanwhile: this one.
    Unique(JobId),
    /// It ran elsewhere: nobody here could run it.
    Tracked,
    /// There is no such job.
    Unknown,
}

impl Tx {
    /// Cancels a job that waits, or asks the worker of a running one to stop.
    pub async fn cancel_job(&mut self, id: JobId, now: Timestamp) -> Result<CancelOutcome, StoreError> {
        let Some(stored) = self.stored(id).await? else { return Ok(CancelOutcome::Unknown) };
        if stored.job.state.is_final() {
            return Ok(CancelOutcome::AlreadyFinal(stored.job.state));
        }
        let mut outcomes = self.cancel_all(vec![stored], now).await?;
        outcomes.pop().ok_or_else(|| StoreError::Fault("a cancellation without an outcome".into()))
    }

    /// Cancels up to `limit` unfinished jobs that match, except those that were asked to stop already.
    /// Returns each job, cancelled or asked to stop. Call again while it returns `limit`.
    pub async fn cancel_jobs(
        &mut self,
        filter: &JobFilter,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<CancelOutcome>, StoreError> {
        let args = args![
            filter.state.map(JobState::as_str),
            filter.kind.as_ref().map(|kind| kind.as_str()),
            filter.queue.as_ref().map(|queue| queue.as_str()),
            filter.user.as_ref(),
            limit
        ];
        let found = self.fetch_one(sql!("jobs/columns", "jobs/cancellable"), args).await?;
        self.cancel_all(record::jobs(found)?, now).await
    }

    async fn cancel_all(
        &mut self,
        jobs: Vec<Stored>,
        now: Timestamp,
    ) -> Result<Vec<CancelOutcome>, StoreError> {
        let waits = |stored: &&Stored| stored.job.state != JobState::Running;
        let entering: Vec<i64> = jobs
            .iter()
            .filter(waits)
            .filter(|stored| stored.takes_key_in(JobState::Cancelled))
            .map(|stored| stored.num)
            .collect();
        self.release_keys_of(&entering).await?;
        let nums: Vec<i64> = jobs.iter().map(|stored| stored.num).collect();
        self.execute(sql!("jobs/cancel"), args![json(&nums), now]).await?;
        let outcome = |stored: Stored| {
            let mut job = Box::new(stored.job);
            job.cancel_requested_at = job.cancel_requested_at.or(Some(now));
            if job.state == JobState::Running {
                return CancelOutcome::Requested(job);
            }
            (job.state, job.finalized_at) = (JobState::Cancelled, Some(now));
            CancelOutcome::Cancelled(job)
        };
        Ok(jobs.into_iter().map(outcome).collect())
    }

    /// Makes a job available at once that has ended, or waits for its time or its next attempt. One that has used up
    /// its attempts gets one more.
    pub async fn retry_job(&mut self, id: JobId, now: Timestamp) -> Result<RetryOutcome, StoreError> {
        let Some(stored) = self.stored(id).await? else { return Ok(RetryOutcome::Unknown) };
        self.retry(stored, now).await
    }

    /// Retries up to `limit` jobs that match and ended badly or were cancelled before `before`, oldest first; where the
    /// filter names the state, those that failed before and wait for their next attempt. Returns each outcome. Call
    /// again while it returns `limit`.
    pub async fn retry_jobs(
        &mut self,
        filter: &JobFilter,
        before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<RetryOutcome>, StoreError> {
        let ended_badly = [JobState::Cancelled.as_str(), JobState::Discarded.as_str()];
        let states = filter.state.map_or(ended_badly.to_vec(), |state| vec![state.as_str()]);
        let args = args![
            json(&states),
            filter.kind.as_ref().map(|kind| kind.as_str()),
            filter.queue.as_ref().map(|queue| queue.as_str()),
            filter.user.as_ref(),
            limit,
            before
        ];
        let found = self.fetch_one(sql!("jobs/columns", "jobs/retryable"), args).await?;
        let mut outcomes = Vec::new();
        for stored in record::jobs(found)? {
            outcomes.push(self.retry(stored, now).await?);
        }
        Ok(outcomes)
    }

    async fn retry(&mut self, stored: Stored, now: Timestamp) -> Result<RetryOutcome, StoreError> {
        let job = &stored.job;
        if job.track {
            return Ok(RetryOutcome::Tracked);
        }
        if matches!(job.state, JobState::Running | JobState::Available) {
            return Ok(RetryOutcome::Unfinished(job.state));
        }
        if let Some(key) = job.unique_key.as_ref().filter(|_| stored.takes_key_in(JobState::Available)) {
            let holder = self.fetch_one(sql!("jobs/holders"), args![json(&[key])]).await?;
            if let Some(holder) = holder {
                return Ok(RetryOutcome::Unique(JobId(holder.uuid(1)?)));
            }
        }
        self.execute(sql!("jobs/retry"), args![stored.num, now]).await?;
        let retried = self.stored(job.id).await?;
        Ok(retried.map_or(RetryOutcome::Unknown, |stored| RetryOutcome::Retried(Box::new(stored.job))))
    }

    /// Deletes up to `limit` jobs that ended before a time, with their attempts and steps, oldest first. Returns how
    /// many; call again while it returns `limit`.
    pub async fn retain_jobs(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.execute(sql!("jobs/retain"), args![before, limit]).await
    }

    async fn stored(&mut self, id: JobId) -> Result<Option<Stored>, StoreError> {
        let found = self.fetch_one(sql!("jobs/columns", "jobs/one"), args![id.0]).await?;
        Ok(record::jobs(found)?.pop())
    }
}
