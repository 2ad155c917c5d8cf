//! Showing jobs: one, many, a user's unfinished ones, and the whole of what waits and runs.

use std::collections::BTreeMap;

use oyez_core::{
    job::{JobRecord, JobState, snapshot_frame},
    queue::QueueSettings,
};
use oyez_protocol::{JobId, QueueName, UserId, frame::job};
use oyez_store::{
    jobs::{AttemptRecord, JobFilter, StepRecord},
    queues::{Depth, RunningJob},
};

use super::{Jobs, JobsError};

/// Most unfinished jobs that a connecting client is told of.
const MOST_UNFINISHED: u32 = 50;
/// Most running jobs an overview lists.
const MOST_RUNNING: u32 = 1_000;

/// What waits and runs now.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// What is set for queues that anything was set for.
    pub settings: BTreeMap<QueueName, QueueSettings>,
    /// How many unfinished jobs there are, by queue, kind and state.
    pub depths: Vec<Depth>,
    /// What runs, longest first: who has it, since when, and until when its lease lasts.
    pub running: Vec<RunningJob>,
}

impl Jobs {
    /// One job, as far as it is known now.
    pub async fn get(&self, job: JobId) -> Result<JobRecord, JobsError> {
        let record = self.shared.store.job(job).await?.ok_or(JobsError::NotFound(job))?;
        Ok(self.brought_up(record))
    }

    /// Jobs that match, newest first; the next page begins before the last job of this one.
    pub async fn list(
        &self,
        filter: &JobFilter,
        before: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<JobRecord>, JobsError> {
        let jobs = self.shared.store.jobs(filter, before, limit).await?;
        Ok(jobs.into_iter().map(|record| self.brought_up(record)).collect())
    }

    /// A job's steps, in the order they began.
    pub async fn steps(&self, job: JobId) -> Result<Vec<StepRecord>, JobsError> {
        Ok(self.shared.store.job_steps(job).await?)
    }

    /// A job's attempts, the first one first.
    pub async fn attempts(&self, job: JobId) -> Result<Vec<AttemptRecord>, JobsError> {
        Ok(self.shared.store.job_attempts(job).await?)
    }

    /// The `jobs` frame for a client that connects; `None` when the user has no unfinished jobs.
    pub async fn snapshot(&self, user: &UserId) -> Result<Option<String>, JobsError> {
        let jobs = self.shared.store.unfinished_jobs(user, MOST_UNFINISHED).await?;
        if jobs.is_empty() {
            return Ok(None);
        }
        let frames: Vec<String> =
            jobs.into_iter().map(|record| self.present_frame(&self.brought_up(record))).collect();
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        Ok(Some(job::jobs(&frames)))
    }

    /// What waits and runs now. Takes time with the number of unfinished jobs.
    pub async fn overview(&self) -> Result<Overview, JobsError> {
        let store = &self.shared.store;
        Ok(Overview {
            settings: store.queues().await?.into_iter().collect(),
            depths: store.queue_depths().await?,
            running: store.running_jobs(MOST_RUNNING).await?,
        })
    }

    /// The frame that says where a job is. How far an attempt is bears the time at which that was said: an end that is
    /// just being written would seem to come before it else.
    pub(super) fn present_frame(&self, record: &JobRecord) -> String {
        let said_at = match record.state {
            JobState::Running => {
                self.shared.live.reported_at(record.id, record.attempt).or(record.attempted_at)
            }
            _ => None,
        };
        snapshot_frame(record, said_at.unwrap_or_else(|| self.shared.now()))
    }

    /// With the progress that was reported since the last write.
    pub(super) fn brought_up(&self, mut record: JobRecord) -> JobRecord {
        if let Some(progress) = self.shared.live.progress(record.id, record.attempt) {
            record.progress = Some(progress);
        }
        record
    }
}
