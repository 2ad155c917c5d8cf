//! What an application asks of a server: publish, enqueue, look after jobs.

use oyez_protocol::{
    JobId, JobKind,
    api::{
        jobs::{
            AttemptView, JobAccepted, JobBatchAnswer, JobBatchRequest, JobBatchResult, JobChanged,
            JobRequest, JobView, StepView, TrackRequest, Tracked,
        },
        publish::{
            BatchAnswer, BatchRequest, BatchResult, EventReached, EventRequest, NotificationRequest,
            Published,
        },
    },
};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    attempt::Attempt,
    client::{Call, Client},
    error::Error,
    worker::Job,
};

/// A request for a job with these arguments, and defaults for all else.
pub fn request<J: Job>(args: &J) -> Result<JobRequest, Error> {
    let kind = JobKind::new(J::KIND).map_err(|error| Error::Setup(error.to_string()))?;
    let args: Box<RawValue> = serde_json::value::to_raw_value(args)?;
    Ok(JobRequest { args: Some(args), ..JobRequest::new(kind) })
}

impl Client {
    /// Publishes a notification: when this returns, it is on disk in each recipient's inbox.
    pub async fn publish(&self, request: &NotificationRequest) -> Result<Published, Error> {
        let mut request = request.clone();
        request.idempotency_key.get_or_insert_with(new_key);
        self.send(&Call::post("api/v1/notifications", &request)?).await
    }

    /// Publishes several, each on its own: one result per notification, in their order.
    pub async fn publish_batch(&self, requests: Vec<NotificationRequest>) -> Result<Vec<BatchResult>, Error> {
        let mut batch = BatchRequest { notifications: requests };
        for request in &mut batch.notifications {
            request.idempotency_key.get_or_insert_with(new_key);
        }
        let answer: BatchAnswer = self.send(&Call::post("api/v1/notifications/batch", &batch)?).await?;
        Ok(answer.results)
    }

    /// Sends an event to those who are connected now. It is not stored, and not sent again when its answer is lost.
    pub async fn event(&self, request: &EventRequest) -> Result<EventReached, Error> {
        self.send(&Call::post("api/v1/events", request)?.at_most_once()).await
    }

    /// Asks for work to be done: when this returns, the job is on disk.
    pub async fn enqueue(&self, request: &JobRequest) -> Result<JobAccepted, Error> {
        let mut request = request.clone();
        request.idempotency_key.get_or_insert_with(new_key);
        self.send(&Call::post("api/v1/jobs", &request)?).await
    }

    /// Enqueues several, each on its own: one result per job, in their order.
    pub async fn enqueue_batch(&self, requests: Vec<JobRequest>) -> Result<Vec<JobBatchResult>, Error> {
        let mut batch = JobBatchRequest { jobs: requests };
        for request in &mut batch.jobs {
            request.idempotency_key.get_or_insert_with(new_key);
        }
        let answer: JobBatchAnswer = self.send(&Call::post("api/v1/jobs/batch", &batch)?).await?;
        Ok(answer.results)
    }

    /// Shows work that this program does itself to its owner, as a job that is running already. Report on it with the
    /// [`Attempt`]; in silence it is taken for lost after a while.
    pub async fn track(&self, request: &TrackRequest) -> Result<(Attempt, Tracked), Error> {
        let mut request = request.clone();
        request.idempotency_key.get_or_insert_with(new_key);
        let tracked: Tracked = self.send(&Call::post("api/v1/jobs/track", &request)?).await?;
        Ok((Attempt::new(self.clone(), tracked.id, tracked.attempt), tracked))
    }

    /// One job.
    pub async fn job(&self, id: JobId) -> Result<JobView, Error> {
        self.send(&Call::get(format!("api/v1/jobs/{id}"))).await
    }

    /// A job's steps, in the order they began.
    pub async fn job_steps(&self, id: JobId) -> Result<Vec<StepView>, Error> {
        let page: Page<StepView> = self.send(&Call::get(format!("api/v1/jobs/{id}/steps"))).await?;
        Ok(page.data)
    }

    /// A job's attempts, the first one first.
    pub async fn job_attempts(&self, id: JobId) -> Result<Vec<AttemptView>, Error> {
        let page: Page<AttemptView> = self.send(&Call::get(format!("api/v1/jobs/{id}/attempts"))).await?;
        Ok(page.data)
    }

    /// Cancels a job that waits, or asks the worker of a running one to stop. A job that has ended is refused with
    /// `job_final`.
    pub async fn cancel(&self, id: JobId) -> Result<JobChanged, Error> {
        self.send(&Call::post(format!("api/v1/jobs/{id}/cancel"), &Empty {})?).await
    }

    /// Runs a job again that has ended, or at once one that waits; what it finished stays finished.
    pub async fn retry(&self, id: JobId) -> Result<JobChanged, Error> {
        self.send(&Call::post(format!("api/v1/jobs/{id}/retry"), &Empty {})?.at_most_once()).await
    }
}

/// A list as the server gives it.
#[derive(serde::Deserialize)]
struct Page<T> {
    data: Vec<T>,
}

/// The body of a call that has nothing to say.
#[derive(serde::Serialize)]
struct Empty {}

fn new_key() -> String {
    Uuid::new_v4().to_string()
}
