//! Hands jobs to workers, in order of priority and then of time, as many as their queue allows.

use std::{collections::BTreeMap, time::Duration};

use oyez_core::{
    job::{JobRecord, JobState, StateSet},
    queue::{Allowance, allowance, window_is_over},
};
use oyez_protocol::{JobKind, QueueName, Timestamp, WorkerName};

use super::{
    StepRecord,
    record::{self, Stored},
};
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    queues::Usage,
    store::Store,
    writer::Tx,
};

/// Who wants which jobs.
#[derive(Debug, Clone)]
pub struct Claim {
    /// From where.
    pub queue: QueueName,
    /// Of which kinds; `None`: of any.
    pub kinds: Option<Vec<JobKind>>,
    /// How many at most.
    pub limit: u32,
    /// Who runs them.
    pub worker: WorkerName,
    /// For how long they are the worker's without a report.
    pub lease: Duration,
}

/// What a claim got.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// In the order they should start.
    pub jobs: Vec<Claimed>,
    /// The queue's rate is used up: it allows more from then on.
    pub again_at: Option<Timestamp>,
}

/// A job that is the worker's now.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The job, running.
    pub job: JobRecord,
    /// Steps that earlier attempts finished, in the order they began.
    pub steps: Vec<StepRecord>,
}

impl Tx {
    /// Takes jobs for a worker: available ones become running, and their attempt counts one up. Honours what is set
    /// for the queue.
    pub async fn claim(&mut self, claim: &Claim, now: Timestamp) -> Result<Claims, StoreError> {
        let usage = self.queue_usage(&claim.queue).await?;
        let allowed = usage.as_ref().map_or(Allowance { now: u32::MAX, again_at: None }, |usage| {
            allowance(&usage.settings, usage.running, usage.used, usage.window_start, now)
        });
        let limit = claim.limit.min(allowed.now);
        if limit == 0 {
            return Ok(Claims { jobs: Vec::new(), again_at: allowed.again_at });
        }
        let kinds = claim.kinds.as_ref().map(json);
        let args = args![claim.queue.as_str(), kinds, limit];
        let found = self.fetch_one(sql!("jobs/columns", "jobs/claimable"), args).await?;
        let mut found = record::jobs(found)?;
        if found.is_empty() {
            return Ok(Claims { jobs: Vec::new(), again_at: allowed.again_at });
        }
        found.sort_unstable_by_key(|stored| (stored.job.priority, stored.job.run_at, stored.num));
        self.release_keys(&found, JobState::Running).await?;
        let mut steps = self.finished_steps(&found).await?;
        let millis = i64::try_from(claim.lease.as_millis()).unwrap_or(i64::MAX);
        let lease_until = Timestamp::from_millis(now.as_millis().saturating_add(millis));
        let nums: Vec<i64> = found.iter().map(|stored| stored.num).collect();
        let args = args![json(&nums), now, lease_until, claim.worker.as_str()];
        self.execute(sql!("jobs/claim"), args).await?;
        if let Some(usage) = &usage {
            self.use_rate(claim, usage, nums.len(), now).await?;
        }
        let claimed = |stored: Stored| Claimed {
            steps: steps.remove(&stored.num).unwrap_or_default(),
            job: JobRecord {
                state: JobState::Running,
                attempt: stored.job.attempt + 1,
                attempted_at: Some(now),
                lease_until: Some(lease_until),
                worker: Some(claim.worker.clone()),
                progress: None,
                ..stored.job
            },
        };
        Ok(Claims { jobs: found.into_iter().map(claimed).collect(), again_at: allowed.again_at })
    }

    async fn use_rate(
        &mut self,
        claim: &Claim,
        usage: &Usage,
        claimed: usize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(rate) = usage.settings.rate else { return Ok(()) };
        let (start, used) = match window_is_over(&rate, usage.window_start, now) {
            true => (now, 0),
            false => (usage.window_start, usage.used),
        };
        let used = u64::from(used) + claimed as u64;
        self.execute(sql!("queues/use_rate"), args![claim.queue.as_str(), start, used]).await.map(|_| ())
    }

    /// Finished steps by the number of their job. A job that never ran has none.
    async fn finished_steps(
        &mut self,
        found: &[Stored],
    ) -> Result<BTreeMap<i64, Vec<StepRecord>>, StoreError> {
        let nums: Vec<i64> =
            found.iter().filter(|stored| stored.job.attempt > 0).map(|stored| stored.num).collect();
        if nums.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = self.fetch(sql!("steps/finished"), args![json(&nums)]).await?;
        rows.iter().map(|row| Ok((row.int(0)?, record::steps(row.text(1)?)?))).collect()
    }

    /// Makes jobs available whose time has come. Returns how many of each queue and kind; when they add up to `limit`,
    /// there may be more.
    pub async fn promote(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(QueueName, JobKind, u32)>, StoreError> {
        let due: Vec<(i64, QueueName, JobKind, u8)> =
            record::array(self.fetch_one(sql!("jobs/due"), args![now, limit]).await?)?;
        let (mut nums, mut entering) = (Vec::with_capacity(due.len()), Vec::new());
        let mut promoted = BTreeMap::new();
        for (num, queue, kind, dormant_in) in due {
            if StateSet(dormant_in).contains(JobState::Available) {
                entering.push(num);
            }
            nums.push(num);
            *promoted.entry((queue, kind)).or_insert(0) += 1;
        }
        self.release_keys_of(&entering).await?;
        if !nums.is_empty() {
            self.execute(sql!("jobs/promote"), args![json(&nums)]).await?;
        }
        Ok(promoted.into_iter().map(|((queue, kind), count)| (queue, kind, count)).collect())
    }

    /// Of jobs that come into a state in which their key is taken, those give it up whose key another job holds.
    pub(super) async fn release_keys(&mut self, jobs: &[Stored], state: JobState) -> Result<(), StoreError> {
        let entering: Vec<i64> =
            jobs.iter().filter(|stored| stored.takes_key_in(state)).map(|stored| stored.num).collect();
        self.release_keys_of(&entering).await
    }

    pub(super) async fn release_keys_of(&mut self, entering: &[i64]) -> Result<(), StoreError> {
        if !entering.is_empty() {
            self.execute(sql!("jobs/release_keys"), args![json(entering)]).await?;
        }
        Ok(())
    }
}

impl Store {
    /// When the next scheduled or failed job may start.
    pub async fn next_job_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("jobs/next_due"), args![]).await?;
        row.map_or(Ok(None), |row| row.opt_time(0))
    }

    /// When the next lease ends.
    pub async fn next_lease_end(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("jobs/next_lease"), args![]).await?;
        row.map_or(Ok(None), |row| row.opt_time(0))
    }
}
