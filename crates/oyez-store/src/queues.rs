//! Queues: what is set for them, what waits in them, and what runs.

use std::time::Duration;

use oyez_core::{
    job::JobState,
    queue::{QueueSettings, RateLimit},
};
use oyez_protocol::{JobId, JobKind, QueueName, Timestamp, WorkerName};

use crate::{
    engine::{Row, args, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// How many unfinished jobs of one kind a queue holds in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    /// Where they wait.
    pub queue: QueueName,
    /// What sort of work.
    pub kind: JobKind,
    /// A state that is not final.
    pub state: JobState,
    /// How many there are.
    pub jobs: u64,
    /// Of available ones: since when the longest-waiting one could have started.
    pub oldest: Option<Timestamp>,
}

/// A job that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningJob {
    /// The job.
    pub id: JobId,
    /// What sort of work.
    pub kind: JobKind,
    /// Where it waited.
    pub queue: QueueName,
    /// Which attempt.
    pub attempt: u32,
    /// Who has it.
    pub worker: Option<WorkerName>,
    /// Since when.
    pub since: Timestamp,
    /// When it counts as lost without a report.
    pub lease_until: Option<Timestamp>,
}

/// What a claim must know of its queue.
pub(crate) struct Usage {
    pub(crate) settings: QueueSettings,
    pub(crate) running: u32,
    pub(crate) used: u32,
    pub(crate) window_start: Timestamp,
}

impl Tx {
    /// What is set for a queue.
    pub async fn queue_settings(&mut self, queue: &QueueName) -> Result<QueueSettings, StoreError> {
        Ok(self.queue_usage(queue).await?.map(|usage| usage.settings).unwrap_or_default())
    }

    /// Sets a queue's limits. What runs goes on; what its rate has used stays used.
    pub async fn put_queue(&mut self, queue: &QueueName, settings: &QueueSettings) -> Result<(), StoreError> {
        let period = settings.rate.map(|rate| i64::try_from(rate.period.as_millis()).unwrap_or(i64::MAX));
        let args = args![
            queue.as_str(),
            settings.paused,
            settings.concurrency,
            settings.rate.map(|rate| rate.count),
            period
        ];
        self.execute(sql!("queues/put"), args).await.map(|_| ())
    }

    /// `None`: nothing was ever set, so nothing is limited.
    pub(crate) async fn queue_usage(&mut self, queue: &QueueName) -> Result<Option<Usage>, StoreError> {
        let row = self.fetch_one(sql!("queues/usage"), args![queue.as_str()]).await?;
        row.map(|row| {
            Ok(Usage {
                settings: settings(&row, 0)?,
                window_start: row.time(4)?,
                used: small(&row, 5)?,
                running: small(&row, 6)?,
            })
        })
        .transpose()
    }
}

impl Store {
    /// What is set for each queue that anything was set for, by name.
    pub async fn queues(&self) -> Result<Vec<(QueueName, QueueSettings)>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("queues/all"), args![]).await?;
        rows.iter().map(|row| Ok((row.name(0)?, settings(row, 1)?))).collect()
    }

    /// How many unfinished jobs there are, by queue, kind and state. Takes time with their number.
    pub async fn queue_depths(&self) -> Result<Vec<Depth>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("queues/depths"), args![]).await?;
        let depth = |row: &Row| {
            Ok(Depth {
                queue: row.name(0)?,
                kind: row.name(1)?,
                state: row.name(2)?,
                jobs: row.count(3)?,
                oldest: row.opt_time(4)?,
            })
        };
        rows.iter().map(depth).collect()
    }

    /// What runs, longest first.
    pub async fn running_jobs(&self, limit: u32) -> Result<Vec<RunningJob>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("queues/running"), args![limit]).await?;
        let running = |row: &Row| {
            Ok(RunningJob {
                id: JobId(row.uuid(0)?),
                kind: row.name(1)?,
                queue: row.name(2)?,
                attempt: small(row, 3)?,
                worker: row.opt_name(4)?,
                since: row.time(5)?,
                lease_until: row.opt_time(6)?,
            })
        };
        rows.iter().map(running).collect()
    }
}

fn settings(row: &Row, first: usize) -> Result<QueueSettings, StoreError> {
    let rate = match (row.opt_int(first + 2)?, row.opt_int(first + 3)?) {
        (Some(_), Some(period)) => Some(RateLimit {
            count: small(row, first + 2)?,
            period: Duration::from_millis(u64::try_from(period).unwrap_or(0)),
        }),
        _ => None,
    };
    let concurrency = row.opt_int(first + 1)?.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
    Ok(QueueSettings { paused: row.flag(first)?, concurrency, rate })
}

fn small(row: &Row, column: usize) -> Result<u32, StoreError> {
    Ok(u32::try_from(row.count(column)?).unwrap_or(u32::MAX))
}
