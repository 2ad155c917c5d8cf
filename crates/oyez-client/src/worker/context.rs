//! What a handler knows of its job, and how it says how far it is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use oyez_protocol::{
    JobId, JobKind, QueueName, UserId,
    api::{
        jobs::StepStatus,
        workers::{ClaimedJob, ProgressReport, StepReport},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use super::{JobError, link::Link};

/// One attempt at a job, as its handler sees it. Clones are the same attempt.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    link: Link,
    kind: JobKind,
    queue: QueueName,
    user: Option<UserId>,
    data: Box<RawValue>,
    /// Results of the steps that earlier attempts finished.
    finished: HashMap<String, Option<Box<RawValue>>>,
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
    /// The attempt that a claim began, without its arguments.
    pub(super) fn new(link: Link, job: &ClaimedJob) -> Self {
        let finished = job.steps.iter().filter(|step| step.status == StepStatus::Completed);
        Self(Arc::new(Inner {
            link,
            kind: job.kind.clone(),
            queue: job.queue.clone(),
            user: job.user.clone(),
            data: job.data.clone(),
            finished: finished.map(|step| (step.name.clone(), step.result.clone())).collect(),
            current: Mutex::new(None),
        }))
    }

    /// The job.
    pub fn job(&self) -> JobId {
        self.0.link.attempt().job()
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
        self.0.link.attempt().number()
    }

    /// Who watches it.
    pub fn user(&self) -> Option<&UserId> {
        self.0.user.as_ref()
    }

    /// The job's public data, which its frames show.
    pub fn data(&self) -> Map<String, Value> {
        serde_json::from_str(self.0.data.get()).unwrap_or_default()
    }

    /// Says that a step begins: its owner sees its name, and a bar at the end of step `number` - 1.
    pub async fn step(&self, name: &str, number: u32, of: u32) -> Result<(), JobError> {
        if !self.0.finished.contains_key(name) {
            self.report(name, Some((number, of)), StepStatus::Processing, None).await?;
        }
        let step = Step { name: name.into(), number, of };
        *self.0.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(step);
        Ok(())
    }

    /// Does work whose result is stored: when an earlier attempt finished the step of this name, its result is
    /// returned and the work is not done again.
    ///
    /// The result is on disk when this returns. Work that ends in an error is not a finished step. Called within the
    /// step of the same name ([`Context::step`]), it also tells the owner that the step is completed.
    pub async fn checkpoint<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, JobError>>,
    ) -> Result<T, JobError> {
        if let Some(result) = self.0.finished.get(name) {
            let result = result.as_ref().map_or("null", |result| result.get());
            return serde_json::from_str(result).map_err(|error| {
                JobError::discard(format!("the stored result of the step {name:?} cannot be read: {error}"))
            });
        }
        let result = work.await?;
        let text = serde_json::value::to_raw_value(&result).map_err(|error| {
            JobError::discard(format!("the result of the step {name:?} is no JSON: {error}"))
        })?;
        let current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let place = current.filter(|step| step.name == name).map(|step| (step.number, step.of));
        self.report(name, place, StepStatus::Completed, Some(text)).await?;
        Ok(result)
    }

    /// Says how far the job is: 0 to 100 per cent. The bar never goes back within an attempt; reports may come as
    /// often as they like, the newest is sent ten times a second.
    ///
    /// Nonsense, such as 900 per cent, is an error that names it.
    pub async fn progress(&self, percent: f64, message: impl Into<String>) -> Result<(), JobError> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(JobError::fail(format!("a progress of {percent} per cent: it must be 0 to 100")));
        }
        if self.0.link.lost().is_cancelled() {
            return Err(JobError::Fenced);
        }
        let report = ProgressReport {
            attempt: self.attempt(),
            percent: Some(percent),
            message: Some(message.into()).filter(|message| !message.is_empty()),
            ..ProgressReport::default()
        };
        self.0.link.say(report).map_err(JobError::fail)
    }

    /// Whether somebody asked for the job to be cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.link.cancel().is_cancelled()
    }

    /// Waits until somebody asks for the job to be cancelled. A handler that returns an error then, such as
    /// [`JobError::cancel`], ends the job as cancelled.
    pub async fn cancelled(&self) {
        self.0.link.cancel().cancelled().await;
    }

    async fn report(
        &self,
        name: &str,
        place: Option<(u32, u32)>,
        status: StepStatus,
        result: Option<Box<RawValue>>,
    ) -> Result<(), JobError> {
        let link = &self.0.link;
        link.flush().await;
        let report = StepReport {
            attempt: self.attempt(),
            name: name.into(),
            number: place.map(|(number, _)| number),
            of: place.map(|(_, of)| of),
            status,
            message: None,
            result,
        };
        let answer = link.attempt().step(report).await;
        link.hear(&answer);
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.is_lost() => Err(JobError::Fenced),
            Err(error) => Err(JobError::fail(error)),
        }
    }
}
