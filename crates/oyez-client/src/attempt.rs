//! What is reported of an attempt at a job, by a worker or by work that is tracked.

use std::time::Duration;

use oyez_protocol::{
    JobId,
    api::{
        jobs::JobState,
        workers::{Complete, Fail, Heartbeat, ProgressReport, ReportAnswer, Snooze, StepReport},
    },
};
use serde::Serialize;

use crate::{
    client::{Call, Client},
    error::Error,
};

/// One attempt at a job: where reports go. Clones are the same attempt.
///
/// Every report renews the lease. One that comes too late, when somebody else has the job or it has ended, is refused
/// with `fenced` ([`Error::is_lost`]): stop working on it then.
#[derive(Debug, Clone)]
pub struct Attempt {
    client: Client,
    id: JobId,
    attempt: u32,
}

impl Attempt {
    /// The attempt that a claim or a tracked job began.
    pub fn new(client: Client, id: JobId, attempt: u32) -> Self {
        Self { client, id, attempt }
    }

    /// The job.
    pub fn job(&self) -> JobId {
        self.id
    }

    /// Which attempt, from 1.
    pub fn number(&self) -> u32 {
        self.attempt
    }

    /// Says how far it is; the attempt in the report is filled in.
    pub async fn progress(&self, report: ProgressReport) -> Result<ReportAnswer, Error> {
        self.report("progress", &ProgressReport { attempt: self.attempt, ..report }).await
    }

    /// Says that a step began or ended; the attempt in the report is filled in.
    pub async fn step(&self, report: StepReport) -> Result<ReportAnswer, Error> {
        self.report("step", &StepReport { attempt: self.attempt, ..report }).await
    }

    /// Says that it is still at work.
    pub async fn heartbeat(&self) -> Result<ReportAnswer, Error> {
        self.report("heartbeat", &Heartbeat { attempt: self.attempt }).await
    }

    /// Ends it well, with a result or `()`.
    pub async fn complete<R: Serialize + ?Sized>(&self, result: &R) -> Result<ReportAnswer, Error> {
        let result = serde_json::value::to_raw_value(result)?;
        let result = Some(result).filter(|result| result.get() != "null");
        let told = self.report("complete", &Complete { attempt: self.attempt, result }).await;
        match told {
            // The answer to an earlier try may have been lost: nobody but this attempt can have completed it.
            Err(error) if error.is_lost() => match self.client.job(self.id).await {
                Ok(job) if job.attempt == self.attempt && job.state == JobState::Completed => {
                    Ok(ReportAnswer { cancel: false, state: job.state })
                }
                _ => Err(error),
            },
            told => told,
        }
    }

    /// Ends it badly: the job is tried again as its backoff says, while it has attempts left.
    pub async fn fail(&self, error: &str) -> Result<ReportAnswer, Error> {
        self.fail_with(Fail { error: error.into(), ..self.failure() }).await
    }

    /// Ends it badly, saying what should follow; the attempt in the report is filled in.
    pub async fn fail_with(&self, report: Fail) -> Result<ReportAnswer, Error> {
        self.report("fail", &Fail { attempt: self.attempt, ..report }).await
    }

    /// Gives the job back for a while; the attempt does not count. Zero: another worker may have it at once.
    pub async fn snooze(&self, delay: Duration) -> Result<ReportAnswer, Error> {
        let report = Snooze { attempt: self.attempt, seconds: delay.as_secs_f64() };
        self.report("snooze", &report).await
    }

    /// The same attempt with another patience for its reports.
    pub(crate) fn with_patience(&self, patience: Duration) -> Self {
        Self { client: self.client.clone().with_patience(patience), ..*self }
    }

    /// A report that is of no use later: one try, which ends soon.
    pub(crate) async fn beat(
        &self,
        progress: Option<&ProgressReport>,
        one_try: Duration,
    ) -> Result<ReportAnswer, Error> {
        let call = match progress {
            Some(report) => {
                self.call("progress", &ProgressReport { attempt: self.attempt, ..report.clone() })
            }
            None => self.call("heartbeat", &Heartbeat { attempt: self.attempt }),
        };
        self.client.send(&call?.with_patience(Duration::ZERO).with_one_try(one_try)).await
    }

    pub(crate) fn failure(&self) -> Fail {
        Fail { attempt: self.attempt, error: String::new(), retry_after: None, discard: false, cancel: false }
    }

    fn call<B: Serialize>(&self, verb: &str, body: &B) -> Result<Call, Error> {
        Call::post(format!("api/v1/jobs/{}/{verb}", self.id), body)
    }

    async fn report<B: Serialize>(&self, verb: &str, body: &B) -> Result<ReportAnswer, Error> {
        self.client.send(&self.call(verb, body)?).await
    }
}
