//! Shows jobs, their steps and their attempts.

use std::sync::Arc;

use oyez_core::job::{JobRecord, JobState};
use oyez_protocol::{JobId, JobKind, QueueName, Timestamp, UserId, WorkerName, api::jobs::StepStatus};

use super::record::{self, Stored};
use crate::{
    engine::{Row, args, sql},
    error::StoreError,
    store::Store,
};

/// Which jobs are meant; what is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// In this state.
    pub state: Option<JobState>,
    /// Of this kind.
    pub kind: Option<JobKind>,
    /// Of this queue.
    pub queue: Option<QueueName>,
    /// Of this owner.
    pub user: Option<UserId>,
}

/// A step as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// Its name, unique within the job.
    pub name: String,
    /// Which one it is, from 1.
    pub number: Option<u32>,
    /// How many there are.
    pub of: Option<u32>,
    /// The attempt that did it last.
    pub attempt: u32,
    /// How it stands.
    pub status: StepStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it ended with: any JSON.
    pub result: Option<Arc<str>>,
}

/// One try, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Which one, from 1.
    pub attempt: u32,
    /// Who tried.
    pub worker: Option<WorkerName>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// How it ended; `None` while it runs.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it ended with: any JSON.
    pub result: Option<Arc<str>>,
}

impl Store {
    /// One job.
    pub async fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        let found = self.reader().await?.fetch_one(sql!("jobs/columns", "jobs/one"), args![id.0]).await?;
        Ok(record::jobs(found)?.pop().map(|stored| stored.job))
    }

    /// Jobs that match, the newest first; the next page begins before the last job of this one.
    pub async fn jobs(
        &self,
        filter: &JobFilter,
        before: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<JobRecord>, StoreError> {
        let args = args![
            filter.state.map(JobState::as_str),
            filter.kind.as_ref().map(JobKind::as_str),
            filter.queue.as_ref().map(QueueName::as_str),
            filter.user.as_ref(),
            before.map(|id| id.0),
            limit
        ];
        // Each by the index that leads to few rows.
        let statement = match (&filter.user, filter.state) {
            (Some(_), _) => sql!("jobs/columns", "jobs/list_of_user"),
            (None, Some(JobState::Available | JobState::Scheduled | JobState::Running)) => {
                sql!("jobs/columns", "jobs/list_unfinished")
            }
            (None, Some(JobState::Retryable | JobState::Cancelled | JobState::Discarded)) => {
                sql!("jobs/columns", "jobs/list_failed")
            }
            (None, None | Some(JobState::Completed)) => sql!("jobs/columns", "jobs/list"),
        };
        newest_first(self.reader().await?.fetch_one(statement, args).await?)
    }

    /// A user's jobs that have not ended, the newest first.
    pub async fn unfinished_jobs(&self, user: &UserId, limit: u32) -> Result<Vec<JobRecord>, StoreError> {
        let statement = sql!("jobs/columns", "jobs/unfinished_of");
        newest_first(self.reader().await?.fetch_one(statement, args![user, limit]).await?)
    }

    /// A job's steps, in the order they began. Empty also when there is no such job.
    pub async fn job_steps(&self, id: JobId) -> Result<Vec<StepRecord>, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("steps/of_job"), args![id.0]).await?;
        row.map_or(Ok(Vec::new()), |row| record::steps(row.text(0)?))
    }

    /// A job's attempts, the first one first. Empty also when there is no such job.
    pub async fn job_attempts(&self, id: JobId) -> Result<Vec<AttemptRecord>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("jobs/attempts"), args![id.0]).await?;
        let attempt = |row: &Row| {
            Ok(AttemptRecord {
                attempt: u32::try_from(row.count(0)?).unwrap_or(u32::MAX),
                worker: row.opt_name(1)?,
                started_at: row.time(2)?,
                ended_at: row.opt_time(3)?,
                outcome: row.opt_text(4)?.map(str::to_owned),
                error: row.opt_text(5)?.map(str::to_owned),
                result: row.opt_text(6)?.map(Arc::from),
            })
        };
        rows.iter().map(attempt).collect()
    }
}

fn newest_first(row: Option<Row>) -> Result<Vec<JobRecord>, StoreError> {
    let mut jobs = record::jobs(row)?;
    jobs.sort_unstable_by_key(|stored: &Stored| std::cmp::Reverse(stored.num));
    Ok(jobs.into_iter().map(|stored| stored.job).collect())
}
