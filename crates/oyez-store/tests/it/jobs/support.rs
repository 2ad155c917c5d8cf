//! Jobs to enqueue, and a worker's calls in few words.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use oyez_core::{
    job::{Conclusion, JobRecord, NewJob, Outcome, StateSet, Unique, conclude, new_job},
    notification::Idempotency,
};
use oyez_protocol::{
    JobId, JobKind, QueueName, Timestamp, WorkerName,
    api::jobs::{JobRequest, JobState},
};
use oyez_store::{Claim, Claimed, Claims, Concluded, Concluding, Enqueued, StoreError, Tx};
use uuid::Uuid;

use crate::support::{Fixture, at};

/// How long a lease lasts in these tests.
pub(crate) const LEASE: Duration = Duration::from_secs(15);

/// A job of kind `upload` in queue `default`, asked for at second 0.
pub(crate) fn job() -> NewJob {
    job_of("upload")
}

pub(crate) fn job_of(kind: &str) -> NewJob {
    let request = JobRequest::new(JobKind::new(kind).unwrap());
    new_job(&request, JobId(Uuid::now_v7()), "key:test", at(0)).unwrap()
}

pub(crate) fn unique(key: &str, states: &[JobState]) -> Option<Unique> {
    let states = match states {
        [] => StateSet::UNFINISHED,
        some => some.iter().copied().collect(),
    };
    Some(Unique { key: key.into(), states })
}

pub(crate) fn idempotency(key: &str, body: u8) -> Option<Idempotency> {
    Some(Idempotency { scope: "key:test".into(), key: key.into(), fingerprint: [body; 32] })
}

pub(crate) fn queue(name: &str) -> QueueName {
    QueueName::new(name).unwrap()
}

pub(crate) fn worker(name: &str) -> WorkerName {
    WorkerName::new(name).unwrap()
}

pub(crate) fn claim_of(limit: u32) -> Claim {
    Claim { queue: QueueName::default(), kinds: None, limit, worker: worker("w1"), lease: LEASE }
}

impl Fixture {
    /// Runs a change and expects it to succeed.
    pub(crate) async fn change<T, F>(&self, change: F) -> T
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.store.write(change).await.unwrap()
    }

    pub(crate) async fn enqueue(&self, jobs: Vec<NewJob>) -> Vec<Enqueued> {
        self.enqueue_at(jobs, 0).await
    }

    pub(crate) async fn enqueue_at(&self, jobs: Vec<NewJob>, second: i64) -> Vec<Enqueued> {
        self.change(move |tx| Box::pin(async move { tx.enqueue(&jobs, at(second)).await })).await
    }

    pub(crate) async fn claim(&self, claim: Claim, second: i64) -> Claims {
        self.change(move |tx| Box::pin(async move { tx.claim(&claim, at(second)).await })).await
    }

    /// Claims one job that must be there.
    pub(crate) async fn claim_one(&self, second: i64) -> Claimed {
        let mut claims = self.claim(claim_of(1), second).await;
        claims.jobs.pop().expect("a job should be available")
    }

    /// Ends an attempt as the core decides it, half-way through the jitter.
    pub(crate) async fn end(&self, job: &JobRecord, outcome: Outcome, second: i64) -> Concluded {
        let conclusion = concluded(job, outcome, at(second));
        let one = Concluding { id: job.id, attempt: job.attempt, conclusion, end: None };
        let mut done =
            self.change(move |tx| Box::pin(async move { tx.conclude(&[one], at(second)).await })).await;
        done.pop().unwrap()
    }

    pub(crate) async fn job(&self, id: JobId) -> JobRecord {
        self.store.job(id).await.unwrap().expect("the job should be there")
    }

    pub(crate) async fn state(&self, id: JobId) -> JobState {
        self.job(id).await.state
    }
}

pub(crate) fn concluded(job: &JobRecord, outcome: Outcome, now: Timestamp) -> Conclusion {
    conclude(&job.running(), outcome, now, 0.5)
}

pub(crate) fn done() -> Outcome {
    Outcome::Done(Some(Arc::from(r#"{"rows":3}"#)))
}

pub(crate) fn failed(error: &str) -> Outcome {
    Outcome::Fail { error: error.into() }
}

/// The ids that were created, in order.
pub(crate) fn created(enqueued: &[Enqueued]) -> Vec<JobId> {
    let id = |one: &Enqueued| match one {
        Enqueued::Created(id) => *id,
        other => panic!("expected a new job, got {other:?}"),
    };
    enqueued.iter().map(id).collect()
}
