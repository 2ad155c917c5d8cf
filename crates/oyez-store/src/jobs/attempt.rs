//! What a worker reports of its attempt, and how the attempt ends. A report changes nothing unless its attempt is the
//! one that runs: a worker that lost its job cannot harm the next one's.

use std::{collections::HashSet, time::Duration};

use oyez_core::{
    job::{Conclusion, JobRecord, JobState, StateSet},
    notification::{Draft, Landed},
};
use oyez_protocol::{JobId, Timestamp, api::jobs::StepStatus};

use super::record;
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewed {
    /// The job.
    pub id: JobId,
    /// The attempt that reported.
    pub attempt: u32,
    /// Whether that attempt is still the one that runs; if not, nothing was changed.
    pub current: bool,
    /// Somebody asked the job to stop.
    pub cancel: bool,
}

/// How far an attempt is.
#[derive(Debug, Clone)]
pub struct ProgressWrite {
    /// The job.
    pub id: JobId,
    /// The attempt that reports.
    pub attempt: u32,
    /// A [`oyez_core::progress::Progress`] as JSON.
    pub progress: String,
    /// The lease that comes with it.
    pub lease_until: Timestamp,
}

/// A step that began or ended.
#[derive(Debug, Clone)]
pub struct StepWrite {
    /// The job.
    pub id: JobId,
    /// The attempt that reports.
    pub attempt: u32,
    /// The step.
    pub name: String,
    /// Which one it is, from 1.
    pub number: Option<u32>,
    /// How many there are.
    pub of: Option<u32>,
    /// How it stands.
    pub status: StepStatus,
    /// What it ended with: any JSON.
    pub result: Option<String>,
    /// The lease that comes with it.
    pub lease_until: Timestamp,
}

/// An attempt that ended, and what was decided about its job.
#[derive(Debug, Clone)]
pub struct Concluding {
    /// The job.
    pub id: JobId,
    /// The attempt that ended.
    pub attempt: u32,
    /// What becomes of the job.
    pub conclusion: Conclusion,
    /// The notification of its end, which lands in the same transaction.
    pub end: Option<Draft>,
}

/// What became of an attempt that ended.
#[derive(Debug, Clone)]
pub struct Concluded {
    /// The job.
    pub id: JobId,
    /// The attempt that ended.
    pub attempt: u32,
    /// The job's state now; `None`: another attempt runs, or the job has ended or gone, and nothing was changed.
    pub state: Option<JobState>,
    /// Where the notification landed, to be announced.
    pub landed: Option<Landed>,
}

/// A job that runs the named attempt.
struct Current {
    num: i64,
    cancel: bool,
    /// The states in which it would take its key, which it does not hold now.
    dormant_in: StateSet,
}

impl Tx {
    /// Prolongs leases. One result per attempt, in their order.
    pub async fn renew(
        &mut self,
        attempts: &[(JobId, u32)],
        lease_until: Timestamp,
    ) -> Result<Vec<Renewed>, StoreError> {
        let args = args![attempts_json(attempts), lease_until];
        self.execute(sql!("jobs/renew"), args).await?;
        self.renewed(attempts).await
    }

    /// Leases that end later than those that are given now, as after a clock was set back, end with those. The work of
    /// one statement that looks at all that runs.
    pub async fn shorten_leases(&mut self, now: Timestamp, lease: Duration) -> Result<(), StoreError> {
        let millis = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        self.execute(sql!("jobs/shorten_leases"), args![now, millis]).await.map(|_| ())
    }

    /// Writes how far attempts are, and prolongs their leases. One result per report, in their order.
    pub async fn report(&mut self, reports: &[ProgressWrite]) -> Result<Vec<Renewed>, StoreError> {
        let rows: Vec<_> = reports
            .iter()
            .map(|one| (one.id, one.attempt, one.progress.as_str(), one.lease_until.as_millis()))
            .collect();
        self.execute(sql!("jobs/report"), args![json(&rows)]).await?;
        let attempts: Vec<_> = reports.iter().map(|one| (one.id, one.attempt)).collect();
        self.renewed(&attempts).await
    }

    /// Writes a step that began or ended, and prolongs the lease. A step that was completed stays as it is.
    pub async fn step(&mut self, step: &StepWrite, now: Timestamp) -> Result<Renewed, StoreError> {
        let renewed = self.steps(std::slice::from_ref(step), now).await?;
        renewed.into_iter().next().ok_or_else(|| StoreError::Fault("a step without a result".into()))
    }

    /// How many steps a job has beside the named one, and how many bytes their results take together.
    pub async fn other_steps(&mut self, job: JobId, name: &str) -> Result<(u64, u64), StoreError> {
        let row = self.fetch_one(sql!("steps/others"), args![job.0, name]).await?;
        let row = row.ok_or_else(|| StoreError::Fault("a count without a row".into()))?;
        Ok((row.count(0)?, row.count(1)?))
    }

    /// Writes steps like [`Tx::step`], of any jobs. One result per step, in their order.
    pub async fn steps(&mut self, steps: &[StepWrite], now: Timestamp) -> Result<Vec<Renewed>, StoreError> {
        let row = |step: &StepWrite| {
            let StepWrite { id, attempt, name, number, of, status, result, lease_until } = step;
            (
                *id,
                *attempt,
                name.clone(),
                *number,
                *of,
                status.as_str(),
                result.clone(),
                lease_until.as_millis(),
            )
        };
        let rows: Vec<_> = steps.iter().map(row).collect();
        self.execute(sql!("steps/write"), args![json(&rows), now]).await?;
        let attempts: Vec<_> = steps.iter().map(|step| (step.id, step.attempt)).collect();
        self.renewed(&attempts).await
    }

    /// Ends attempts: records each, moves its job on, and lands the notifications of those that ended. One result per
    /// attempt, in their order. A job that somebody asked to stop while it was being concluded does not run again.
    pub async fn conclude(
        &mut self,
        ended: &[Concluding],
        now: Timestamp,
    ) -> Result<Vec<Concluded>, StoreError> {
        let attempts: Vec<_> = ended.iter().map(|one| (one.id, one.attempt)).collect();
        let current = self.current(&attempts).await?;
        let (mut rows, mut entering, mut drafts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut concluded, mut done) = (Vec::with_capacity(ended.len()), HashSet::new());
        for (index, (one, current)) in ended.iter().zip(&current).enumerate() {
            let current = current.as_ref().filter(|current| done.insert(current.num));
            let state = current.map(|current| state_after(&one.conclusion, current));
            concluded.push(Concluded { id: one.id, attempt: one.attempt, state, landed: None });
            let (Some(current), Some(state)) = (current, state) else { continue };
            if current.dormant_in.contains(state) {
                entering.push(current.num);
            }
            drafts.extend(one.end.as_ref().map(|draft| (index, draft)));
            let conclusion = &one.conclusion;
            rows.push((
                current.num,
                state.as_str(),
                conclusion.run_at.map(Timestamp::as_millis),
                u8::from(conclusion.gives_back),
                conclusion.attempt_outcome,
                &conclusion.error,
                &conclusion.result,
            ));
        }
        self.release_keys_of(&entering).await?;
        if !rows.is_empty() {
            self.execute(sql!("jobs/conclude"), args![json(&rows), now]).await?;
        }
        let landed = self.land(&drafts.iter().map(|(_, draft)| *draft).collect::<Vec<_>>()).await?;
        for ((index, _), landed) in drafts.into_iter().zip(landed) {
            concluded[index].landed = landed;
        }
        Ok(concluded)
    }

    /// Running jobs whose lease has ended, tracked ones too, the oldest first.
    pub async fn overdue(&mut self, now: Timestamp, limit: u32) -> Result<Vec<JobRecord>, StoreError> {
        let found = self.fetch_one(sql!("jobs/columns", "jobs/overdue"), args![now, limit]).await?;
        let mut jobs: Vec<_> = record::jobs(found)?.into_iter().map(|stored| stored.job).collect();
        jobs.sort_by_key(|job| job.lease_until);
        Ok(jobs)
    }

    /// The jobs of those attempts that still run, in the order asked; `None` for the others. What is decided from them
    /// in the same transaction holds.
    pub async fn running(&mut self, attempts: &[(JobId, u32)]) -> Result<Vec<Option<JobRecord>>, StoreError> {
        let args = args![attempts_json(attempts)];
        let found = record::jobs(self.fetch_one(sql!("jobs/columns", "jobs/of_attempts"), args).await?)?;
        let mut found: std::collections::HashMap<_, _> =
            found.into_iter().map(|stored| ((stored.job.id, stored.job.attempt), stored.job)).collect();
        Ok(attempts.iter().map(|attempt| found.remove(attempt)).collect())
    }

    async fn renewed(&mut self, attempts: &[(JobId, u32)]) -> Result<Vec<Renewed>, StoreError> {
        let current = self.current(attempts).await?;
        let renewed = |((id, attempt), current): (&(JobId, u32), Option<Current>)| Renewed {
            id: *id,
            attempt: *attempt,
            current: current.is_some(),
            cancel: current.is_some_and(|current| current.cancel),
        };
        Ok(attempts.iter().zip(current).map(renewed).collect())
    }

    async fn current(&mut self, attempts: &[(JobId, u32)]) -> Result<Vec<Option<Current>>, StoreError> {
        let mut current: Vec<_> = attempts.iter().map(|_| None).collect();
        if attempts.is_empty() {
            return Ok(current);
        }
        let found = self.fetch_one(sql!("jobs/running"), args![attempts_json(attempts)]).await?;
        for (index, num, cancel, dormant_in) in record::array::<(usize, i64, u8, u8)>(found)? {
            if let Some(slot) = current.get_mut(index) {
                *slot = Some(Current { num, cancel: cancel != 0, dormant_in: StateSet(dormant_in) });
            }
        }
        Ok(current)
    }
}

/// The request to stop may have come after the decision.
fn state_after(conclusion: &Conclusion, current: &Current) -> JobState {
    match conclusion.state.is_final() || !current.cancel {
        true => conclusion.state,
        false => JobState::Cancelled,
    }
}

fn attempts_json(attempts: &[(JobId, u32)]) -> crate::engine::Value {
    json(attempts)
}
