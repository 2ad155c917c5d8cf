//! Background work of an application that embeds Oyez: handlers, jobs and schedules.

use std::future::Future;

use oyez_core::job::JobRecord;
use oyez_protocol::{
    JobId, JobKind, ScheduleName,
    api::{
        jobs::{JobAccepted, JobChanged, JobRequest},
        publish::{NotificationRequest, Published},
        schedules::ScheduleRequest,
    },
};
use oyez_store::jobs::JobFilter;

use super::CALLER;
use crate::{
    jobs,
    runner::{Context, Done, Job, JobError},
    server::{Error, Oyez},
};

/// Jobs, their handlers and schedules.
///
/// ```no_run
/// # use serde::{Serialize, Deserialize};
/// # use oyez::{Job, Oyez, protocol::UserId};
/// #[derive(Serialize, Deserialize)]
/// struct Upload { transaction: u64 }
///
/// impl Job for Upload {
///     const KIND: &'static str = "upload";
/// }
///
/// # async fn example(oyez: Oyez) -> Result<(), oyez::server::Error> {
/// oyez.jobs().handle(|context, upload: Upload| async move {
///     context.step("Fetch", 1, 2).await?;
///     let size: u64 = context.checkpoint("Fetch", async { Ok(42) }).await?;
///     context.step("Send", 2, 2).await?;
///     context.progress(75.0, format!("{size} bytes of {}", upload.transaction)).await?;
///     Ok(serde_json::json!({"size": size}))
/// })?;
/// let mut request = oyez.jobs().request(&Upload { transaction: 602 })?;
/// request.user = Some(UserId::new("anna").expect("a name"));
/// oyez.jobs().enqueue(request).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Jobs<'a> {
    oyez: &'a Oyez,
}

impl Oyez {
    /// Background work: handlers, jobs and schedules.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs { oyez: self }
    }
}

impl<'a> Jobs<'a> {
    /// Adds a handler for a kind of job; a later one takes its place. Jobs that wait already are taken at once.
    ///
    /// Each attempt has a thread to itself, so a handler may also block. What it returns ends the attempt:
    /// [`JobError`] says how it may end other than well; any error becomes a failure by `?`.
    pub fn handle<J, F, D>(
        &self,
        handler: impl Fn(Context, J) -> F + Send + Sync + 'static,
    ) -> Result<(), Error>
    where
        J: Job,
        F: Future<Output = Result<D, JobError>> + Send + 'static,
        D: Into<Done>,
    {
        Ok(self.oyez.inner.runner.handle(handler)?)
    }

    /// A request for a job with these arguments, to be completed and given to [`Jobs::enqueue`].
    pub fn request<J: Job>(&self, job: &J) -> Result<JobRequest, Error> {
        let mut request = JobRequest::new(JobKind::new(J::KIND)?);
        request.args = Some(serde_json::value::to_raw_value(job)?);
        Ok(request)
    }

    /// Asks for a job: on return it is on disk. An `idempotency_key` makes a repeated call the same call.
    pub async fn enqueue(&self, request: JobRequest) -> Result<JobAccepted, Error> {
        Ok(self.oyez.inner.jobs.enqueue(&request, CALLER).await?)
    }

    /// Asks for several jobs in one transaction: one result per request, in their order.
    pub async fn enqueue_batch(
        &self,
        requests: &[JobRequest],
    ) -> Result<Vec<Result<JobAccepted, Error>>, Error> {
        let accepted = self.oyez.inner.jobs.enqueue_batch(requests, CALLER).await?;
        Ok(accepted.into_iter().map(|one| one.map_err(Error::from)).collect())
    }

    /// Asks for a job and publishes a notification in one transaction: both are on disk, or neither. When the job was
    /// there already, nothing is published: whoever made it said so.
    ///
    /// The notification is for users by name, and for now; the job's idempotency key counts for both.
    pub async fn enqueue_and_publish(
        &self,
        request: JobRequest,
        notification: NotificationRequest,
    ) -> Result<(JobAccepted, Option<Published>), Error> {
        Ok(self.oyez.inner.jobs.enqueue_and_publish(&request, &notification, CALLER).await?)
    }

    /// One job, as far as it is known now.
    pub async fn get(&self, job: JobId) -> Result<Option<JobRecord>, Error> {
        match self.oyez.inner.jobs.get(job).await {
            Ok(record) => Ok(Some(record)),
            Err(jobs::JobsError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Jobs that match, newest first; the next page begins before the last job of this one.
    pub async fn list(
        &self,
        filter: &JobFilter,
        before: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<JobRecord>, Error> {
        Ok(self.oyez.inner.jobs.list(filter, before, limit).await?)
    }

    /// Calls a job off: one that waits is cancelled at once, a running one is asked to stop.
    pub async fn cancel(&self, job: JobId) -> Result<JobChanged, Error> {
        Ok(self.oyez.inner.jobs.cancel(job).await?)
    }

    /// Has a job run again that has ended, or lets one that waits start now. Finished steps stay finished.
    pub async fn retry(&self, job: JobId) -> Result<JobChanged, Error> {
        Ok(self.oyez.inner.jobs.retry(job).await?)
    }

    /// Makes or changes a schedule.
    pub async fn schedule(&self, name: ScheduleName, request: &ScheduleRequest) -> Result<(), Error> {
        self.oyez.inner.jobs.put_schedule(name, request).await?;
        Ok(())
    }

    /// The same calls as the HTTP edge makes, for what is not here.
    pub fn all(&self) -> &'a jobs::Jobs {
        &self.oyez.inner.jobs
    }
}
