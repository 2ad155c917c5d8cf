//! What a handler knows of its job, and how it says how far it is.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oyez_core::progress::StepStatus;
use oyez_protocol::{
    JobId, JobKind, QueueName, UserId,
    api::workers::{ProgressReport, StepReport},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::JobError;
use crate::jobs::{Begun, Jobs, JobsError};

/// The first and the longest pause before a step is written again that could not be.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// One attempt at a job, as its handler sees it. Clones are the same attempt.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    jobs: Jobs,
    job: JobId,
    kind: JobKind,
    queue: QueueName,
    attempt: u32,
    user: Option<UserId>,
    data: Arc<str>,
    cancel: CancellationToken,
    /// Results of the steps that earlier attempts finished.
    finished: HashMap<String, Box<str>>,
    current: Mutex<Option<Step>>,
}

/// Where a job says it is.
#[derive(Clone)]
struct Step {
    name: String,
    number: u32,
    of: u32,
}

impl Context {
    pub(super) fn new(jobs: Jobs, begun: Begun) -> Self {
        let Begun { job, steps, cancel } = begun;
        let finished = steps.into_iter().map(|step| {
            let result = step.result.as_deref().unwrap_or("null");
            (step.name, result.into())
        });
        Self(Arc::new(Inner {
            jobs,
            job: job.id,
            kind: job.kind,
            queue: job.queue,
            attempt: job.attempt,
            user: job.user,
            data: job.data,
            cancel,
            finished: finished.collect(),
            current: Mutex::new(None),
        }))
    }

    /// The job.
    pub fn job(&self) -> JobId {
        self.0.job
    }

    /// Its kind.
    pub fn kind(&self) -> &JobKind {
        &self.0.kind
    }

    /// Its queue.
    pub fn queue(&self) -> &QueueName {
        &self.0.queue
    }

    /// Which attempt this is, from 1 on.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Who watches it.
    pub fn user(&self) -> Option<&UserId> {
        self.0.user.as_ref()
    }

    /// The job's public data, which its frames show.
    pub fn data(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::from_str(&self.0.data).unwrap_or_default()
    }

    /// Says that a step begins: its owner sees its name, and a bar at the end of step `number` - 1.
    pub async fn step(&self, name: &str, number: u32, of: u32) -> Result<(), JobError> {
        let step = Step { name: name.into(), number, of };
        if !self.0.finished.contains_key(name) {
            self.report((name, Some((number, of))), StepStatus::Processing, None).await?;
        }
        *self.0.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(step);
        Ok(())
    }

    /// Does work whose result is stored: when an earlier attempt finished the step of this name, its result is
    /// returned and the work is not done again.
    ///
    /// The result is on disk when this returns; while the store is away, it waits for it. Work that ends in an error is
    /// not a finished step. Called within the step of the same name ([`Context::step`]), it also tells the owner that
    /// the step is completed.
    pub async fn checkpoint<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, JobError>>,
    ) -> Result<T, JobError> {
        let current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let place = current.filter(|step| step.name == name).map(|step| (step.number, step.of));
        if let Some(result) = self.0.finished.get(name) {
            return serde_json::from_str(result).map_err(|error| {
                JobError::discard(format!("the stored result of the step {name:?} cannot be read: {error}"))
            });
        }
        let result = work.await?;
        let text = serde_json::value::to_raw_value(&result).map_err(|error| {
            JobError::discard(format!("the result of the step {name:?} is no JSON: {error}"))
        })?;
        self.report((name, place), StepStatus::Completed, Some(text)).await?;
        Ok(result)
    }

    async fn report(
        &self,
        (name, place): (&str, Option<(u32, u32)>),
        status: StepStatus,
        result: Option<Box<RawValue>>,
    ) -> Result<(), JobError> {
        let report = StepReport {
            attempt: self.0.attempt,
            name: name.into(),
            number: place.map(|(number, _)| number),
            of: place.map(|(_, of)| of),
            status,
            message: None,
            result,
        };
        let mut pause = PAUSE.0;
        loop {
            match self.0.jobs.step(self.0.job, &report).await {
                // The deed is done: to forget it because the disk is busy would have it done again.
                Err(JobsError::Store(error)) if error.is_temporary() => {
                    let retry_after_ms = pause.as_millis() as u64;
                    tracing::warn!(%error, job = %self.0.job, step = name, retry_after_ms, "could not write a step");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
                answer => return told(answer),
            }
        }
    }

    /// Says how far the job is: 0 to 100 per cent. The bar never goes back within an attempt; reports may come as
    /// often as they like, the owner sees the latest ten times a second.
    ///
    /// Nonsense, such as 900 per cent, is an error that names it.
    pub async fn progress(&self, percent: f64, message: impl Into<String>) -> Result<(), JobError> {
        let report = ProgressReport {
            attempt: self.0.attempt,
            percent: Some(percent),
            message: Some(message.into()).filter(|message| !message.is_empty()),
            ..ProgressReport::default()
        };
        match self.0.jobs.progress(self.0.job, &report).await {
            // The owner was told; it is written with the next report, or the end.
            Err(JobsError::Store(error)) if error.is_temporary() => Ok(()),
            answer => told(answer),
        }
    }

    /// Whether somebody asked for the job to be cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.is_cancelled()
    }

    /// Waits until somebody asks for the job to be cancelled. A handler that returns an error then, such as
    /// [`JobError::cancel`], ends the job as cancelled.
    pub async fn cancelled(&self) {
        self.0.cancel.cancelled().await;
    }
}

/// What the handler must know of a report that was refused.
fn told<T>(answer: Result<T, JobsError>) -> Result<(), JobError> {
    match answer {
        Ok(_) => Ok(()),
        Err(JobsError::Fenced { .. }) => Err(JobError::Fenced),
        Err(error) => Err(JobError::fail(error)),
    }
}
