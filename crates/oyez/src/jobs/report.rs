//! What a worker says of its attempt. Each report keeps the job for another lease, and learns whether somebody asked
//! the job to stop; one of an attempt that is over is refused.

use oyez_core::{
    job::{
        JobRecord, JobState, Outcome, progress_frame,
        request::{check_json, seconds},
    },
    progress::{Report, check_step_fits},
};
use oyez_protocol::{
    JobId, Timestamp,
    api::workers::{Complete, Fail, Heartbeat, ProgressReport, ReportAnswer, Snooze, StepReport},
};
use oyez_store::{
    StoreError,
    jobs::{ProgressWrite, Renewed, StepWrite},
};
use tokio::sync::oneshot;

use super::{
    Jobs, JobsError, Shared,
    finish::{End, Ending},
    live::Moved,
};
use crate::bus::Stage;

/// How long a worker may have a job wait: up to a year.
const SECONDS: std::ops::RangeInclusive<f64> = 0.0..=31_536_000.0;

impl Jobs {
    /// How far the attempt is. The owner sees the latest, ten times a second at most; once a second it is written.
    pub async fn progress(&self, job: JobId, report: &ProgressReport) -> Result<ReportAnswer, JobsError> {
        let moved = self.moved(job, report.attempt, &Report::from(report)).await?;
        if !moved.due.store {
            return Ok(running(moved.cancelled));
        }
        let write = self.shared.progress_write(&moved, self.shared.now());
        let renewed =
            self.shared.store.write(move |tx| Box::pin(async move { tx.report(&[write]).await })).await;
        self.renewed(&self.stored(job, report.attempt, renewed)?)
    }

    /// A step began or ended. On return it is on disk: a later attempt is given the result of one that was completed.
    pub async fn step(&self, job: JobId, report: &StepReport) -> Result<ReportAnswer, JobsError> {
        let result = report.result.as_ref().map(|result| result.get().to_owned());
        check_json("result", result.as_deref().unwrap_or_default())?;
        let said = Report {
            step: Some(report.name.clone()),
            step_number: report.number,
            total_steps: report.of,
            percent: None,
            message: report.message.clone(),
            status: Some(report.status),
        };
        let moved = self.moved(job, report.attempt, &said).await?;
        let now = self.shared.now();
        let progress = moved.due.store.then(|| self.shared.progress_write(&moved, now));
        let wrote = progress.is_some();
        let step = StepWrite {
            id: job,
            attempt: report.attempt,
            name: report.name.clone(),
            number: report.number,
            of: report.of,
            status: report.status,
            result,
            lease_until: self.shared.lease_until(&moved.record, now),
        };
        let renewed = self.shared.store.write(move |tx| {
            Box::pin(async move {
                let (others, bytes) = tx.other_steps(step.id, &step.name).await?;
                let more = step.result.as_ref().map_or(0, String::len);
                if let Err(refused) = check_step_fits(others, bytes, more) {
                    return Ok(Err(refused));
                }
                if let Some(progress) = progress {
                    tx.report(&[progress]).await?;
                }
                Ok(Ok(vec![tx.step(&step, now).await?]))
            })
        });
        let renewed = renewed.await;
        let renewed = if wrote { self.stored(job, report.attempt, renewed)? } else { renewed? };
        self.renewed(&renewed?)
    }

    /// Still at it.
    pub async fn heartbeat(&self, job: JobId, beat: &Heartbeat) -> Result<ReportAnswer, JobsError> {
        let record = self.known(job, beat.attempt).await?;
        let until = self.shared.lease_until(&record, self.shared.now());
        let attempts = [(job, beat.attempt)];
        let renewed =
            self.shared.store.write(move |tx| Box::pin(async move { tx.renew(&attempts, until).await }));
        self.renewed(&renewed.await?)
    }

    /// Still at all of them: what a node says of its own handlers. Returns those that are over.
    pub async fn renew(&self, attempts: Vec<(JobId, u32)>) -> Result<Vec<(JobId, u32)>, JobsError> {
        let until = super::plus(self.shared.now(), self.shared.options.lease);
        let renewed =
            self.shared.store.write(move |tx| Box::pin(async move { tx.renew(&attempts, until).await }));
        let renewed = renewed.await?;
        let over = renewed.iter().filter_map(|one| self.heard(one).err().map(|_| (one.id, one.attempt)));
        Ok(over.collect())
    }

    /// Done.
    pub async fn complete(&self, job: JobId, said: &Complete) -> Result<ReportAnswer, JobsError> {
        let result = said.result.as_ref().map(|result| result.get());
        check_json("result", result.unwrap_or_default())?;
        self.concluded(job, said.attempt, Outcome::Done(result.map(Into::into))).await
    }

    /// The attempt failed.
    pub async fn fail(&self, job: JobId, said: &Fail) -> Result<ReportAnswer, JobsError> {
        let error = said.error.clone();
        let outcome = match (said.cancel, said.discard, said.retry_after) {
            (true, ..) => Outcome::Cancel { reason: error },
            (false, true, _) => Outcome::Discard { error },
            (false, false, Some(delay)) => {
                Outcome::RetryAfter { delay: seconds("retry_after", delay, SECONDS)?, error }
            }
            (false, false, None) => Outcome::Fail { error },
        };
        self.concluded(job, said.attempt, outcome).await
    }

    /// Not now: the attempt does not count.
    pub async fn snooze(&self, job: JobId, said: &Snooze) -> Result<ReportAnswer, JobsError> {
        let delay = seconds("seconds", said.seconds, SECONDS)?;
        // Else it would wait for a worker here, and perhaps find one.
        if self.known(job, said.attempt).await?.track {
            return Err(JobsError::Tracked(job));
        }
        self.concluded(job, said.attempt, Outcome::Snooze { delay }).await
    }

    /// An attempt of a handler in this process ended. It is written soon, whatever it takes; waits while too many are
    /// being written.
    pub async fn ended(&self, job: JobId, attempt: u32, outcome: Outcome) {
        let ending = self.shared.ending(job, attempt, outcome);
        self.shared.end(ending).await;
    }

    /// Like [`Jobs::ended`], for a thread that may block.
    pub fn ended_blocking(&self, job: JobId, attempt: u32, outcome: Outcome) {
        let ending = self.shared.ending(job, attempt, outcome);
        self.shared.end_blocking(ending);
    }

    /// Waits until the ends that were handed over are on disk.
    pub async fn settle(&self) {
        self.shared.settle().await;
    }

    /// The attempt is not ours any more: what was known of it is forgotten.
    pub fn forget(&self, job: JobId, attempt: u32) {
        self.shared.live.forget(job, attempt);
    }

    async fn concluded(&self, job: JobId, attempt: u32, outcome: Outcome) -> Result<ReportAnswer, JobsError> {
        let (answer, answered) = oneshot::channel();
        let ending = Ending { answer: Some(answer), ..self.shared.ending(job, attempt, outcome) };
        self.shared.end(ending).await;
        let state = answered.await.map_err(|_| StoreError::Closed)??;
        match state {
            Some(state) => Ok(ReportAnswer { cancel: false, state }),
            None if self.shared.store.job(job).await?.is_none() => Err(JobsError::NotFound(job)),
            None => Err(JobsError::Fenced { job, attempt }),
        }
    }

    /// Takes a report in and sends what is due.
    async fn moved(&self, job: JobId, attempt: u32, report: &Report) -> Result<Moved, JobsError> {
        let shared = &self.shared;
        let mut moved = shared.live.report(job, attempt, report, shared.now())?;
        if moved.is_none() {
            self.known(job, attempt).await?;
            moved = shared.live.report(job, attempt, report, shared.now())?;
        }
        let moved = moved.ok_or(JobsError::Fenced { job, attempt })?;
        if moved.due.wire && shared.is_heard(&moved.record) {
            shared.tell(
                &moved.record,
                progress_frame(&moved.record, &moved.progress, shared.now()),
                Stage::Underway,
            );
        }
        Ok(moved)
    }

    /// The job whose attempt this is, from the store when this node has just started.
    async fn known(&self, job: JobId, attempt: u32) -> Result<std::sync::Arc<JobRecord>, JobsError> {
        if let Some(record) = self.shared.live.get(job).filter(|record| record.attempt == attempt) {
            return Ok(record);
        }
        let record = self.get(job).await?;
        if record.state != JobState::Running || record.attempt != attempt {
            return Err(JobsError::Fenced { job, attempt });
        }
        self.shared.live.recall(record);
        self.shared.live.get(job).ok_or(JobsError::Fenced { job, attempt })
    }

    /// Progress that could not be written is written a little later.
    fn stored<T>(&self, job: JobId, attempt: u32, written: Result<T, StoreError>) -> Result<T, StoreError> {
        written.inspect_err(|_| self.shared.live.not_stored(job, attempt))
    }

    fn renewed(&self, renewed: &[Renewed]) -> Result<ReportAnswer, JobsError> {
        let one = renewed.first().copied();
        let one = one.ok_or_else(|| StoreError::Fault("a report without a result".into()))?;
        self.heard(&one)
    }

    /// What the store says of an attempt.
    pub(super) fn heard(&self, renewed: &Renewed) -> Result<ReportAnswer, JobsError> {
        let (job, attempt) = (renewed.id, renewed.attempt);
        if !renewed.current {
            self.shared.live.forget(job, attempt);
            return Err(JobsError::Fenced { job, attempt });
        }
        if renewed.cancel {
            self.shared.live.cancel(job);
        }
        Ok(running(renewed.cancel))
    }
}

impl Shared {
    pub(super) fn progress_write(&self, moved: &Moved, now: Timestamp) -> ProgressWrite {
        ProgressWrite {
            id: moved.record.id,
            attempt: moved.record.attempt,
            progress: moved.progress.to_json(),
            lease_until: self.lease_until(&moved.record, now),
        }
    }

    pub(super) fn ending(&self, job: JobId, attempt: u32, outcome: Outcome) -> Ending {
        let record = self.live.get(job).filter(|record| record.attempt == attempt);
        let end = End { job, attempt, outcome, record, said: None, unless_renewed: false };
        Ending { end, answer: None }
    }
}

fn running(cancel: bool) -> ReportAnswer {
    ReportAnswer { cancel, state: JobState::Running }
}
