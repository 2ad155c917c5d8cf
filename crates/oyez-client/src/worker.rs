//! A worker: claims jobs over HTTP and runs their handlers, so many at once, until it is told to stop.
//!
//! [`Worker`] is the loop. Each claimed job gets a task of its own, with a `link` that keeps its lease alive and says
//! how far it is, from the moment it is claimed; `run` brings it to its end. `handler` and `context` are what an
//! application sees, and the same as in a handler inside the server.

mod context;
mod handler;
mod link;
mod run;

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use oyez_protocol::{
    JobKind, QueueName, WorkerName,
    api::workers::{ClaimAnswer, ClaimRequest, MAX_CLAIM},
};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use self::{
    context::Context,
    handler::{Done, Job, JobError},
};
use self::{handler::Handlers, run::Running};
use crate::{
    client::{Call, Client},
    error::Error,
    pause::Pause,
};

/// How long a claim waits for a job at the server.
const WAIT: Duration = Duration::from_secs(25);
/// How long the answer to a claim may be under way.
const UNDER_WAY: Duration = Duration::from_secs(10);

/// Claims jobs of the kinds it has handlers for, and runs them.
pub struct Worker {
    client: Client,
    name: String,
    queues: Vec<String>,
    concurrency: usize,
    prefetch: Option<usize>,
    grace: Duration,
    handlers: Handlers,
    /// What was set up wrongly; told when it runs.
    mistake: Option<Error>,
}

impl Worker {
    /// A worker that people know by a name such as `host-1:4711`. It runs one job at a time, of queue `default`.
    pub fn new(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.into(),
            queues: Vec::new(),
            concurrency: 1,
            prefetch: None,
            grace: Duration::from_secs(30),
            handlers: Handlers::default(),
            mistake: None,
        }
    }

    /// Serves a queue; called several times, several, in that order.
    #[must_use]
    pub fn queue(mut self, name: &str) -> Self {
        self.queues.push(name.into());
        self
    }

    /// How many jobs it runs at once; 1 at least.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs.max(1);
        self
    }

    /// How many more it claims while those run, so that the next one is there when one ends; as many as it runs at once
    /// unless this says. Zero for long jobs that another worker could begin meanwhile.
    #[must_use]
    pub fn prefetch(mut self, jobs: usize) -> Self {
        self.prefetch = Some(jobs);
        self
    }

    /// How long running jobs may take to end once it is told to stop; 30 s unless this says. After that they are given
    /// back, and the attempt does not count.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Runs the jobs of a kind. A handler runs as a task of this runtime: blocking work belongs into
    /// `tokio::task::spawn_blocking`, as everywhere. Its panic, or arguments it cannot read, harm that job only.
    #[must_use]
    pub fn handle<J, F, D>(mut self, handler: impl Fn(Context, J) -> F + Send + Sync + 'static) -> Self
    where
        J: Job,
        F: Future<Output = Result<D, JobError>> + Send + 'static,
        D: Into<Done>,
    {
        match JobKind::new(J::KIND) {
            Ok(kind) => self.handlers.add(kind, handler),
            Err(error) => self.mistake = self.mistake.or_else(|| Some(Error::Setup(error.to_string()))),
        }
        self
    }

    /// Works until `shutdown` completes, then lets what runs end, and gives back what does not. While the server is
    /// away it waits for it. Fails when it was set up wrongly, or the server refuses it for good, as with a key that
    /// was revoked. Dropped, it stops at once, as if its process had been killed.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        if let Some(mistake) = self.mistake.take() {
            return Err(mistake);
        }
        let request = self.request()?;
        let prefetch = self.prefetch.unwrap_or(self.concurrency);
        let most = self.concurrency + prefetch;
        let (soft, hard) = (CancellationToken::new(), CancellationToken::new());
        let running = Running {
            client: self.client.clone(),
            handlers: Arc::new(self.handlers),
            slots: Arc::new(Semaphore::new(self.concurrency)),
            soft: soft.clone(),
            hard: hard.clone(),
        };
        let mut jobs = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        let (mut claim, mut pause): (Option<BoxFuture<'_, _>>, _) = (None, Pause::default());
        let ended = loop {
            // Not for each job that ends: claims that take several are cheaper.
            if claim.is_none() && jobs.len() <= self.concurrency - 1 + prefetch.div_ceil(2) {
                claim = Some(Box::pin(ask(&self.client, &request, most - jobs.len(), Duration::ZERO)));
            }
            tokio::select! {
                biased;
                () = &mut shutdown => break Ok(()),
                Some(ended) = jobs.join_next() => note(ended),
                // Kept while jobs come and go; dropped only when the worker stops, which the server notices.
                answer = async { claim.as_mut().expect("polled only when there is one").await }, if claim.is_some() => {
                    claim = None;
                    match answer {
                        Ok(claimed) => {
                            pause.reset();
                            for job in claimed.jobs {
                                jobs.spawn(running.clone().run(job));
                            }
                        }
                        Err(error) if error.is_temporary() => {
                            let wait = pause.next(error.retry_after());
                            tracing::warn!(%error, ?wait, "no jobs from the server: trying again");
                            claim = Some(Box::pin(ask(&self.client, &request, most - jobs.len(), wait)));
                        }
                        Err(error) => break Err(error),
                    }
                }
            }
        };
        drop(claim);
        soft.cancel();
        let end = async {
            while let Some(ended) = jobs.join_next().await {
                note(ended);
            }
        };
        if tokio::time::timeout(self.grace, end).await.is_err() {
            hard.cancel();
            while let Some(ended) = jobs.join_next().await {
                note(ended);
            }
        }
        ended
    }

    fn request(&self) -> Result<ClaimRequest, Error> {
        let setup = |error: &dyn std::fmt::Display| Error::Setup(error.to_string());
        let kinds = self.handlers.kinds();
        if kinds.is_empty() {
            return Err(Error::Setup("the worker has no handler: add one with Worker::handle".into()));
        }
        let queues = self.queues.iter().map(|name| QueueName::new(name).map_err(|error| setup(&error)));
        Ok(ClaimRequest {
            worker: WorkerName::new(&self.name).map_err(|error| setup(&error))?,
            kinds,
            queues: queues.collect::<Result<_, _>>()?,
            max: None,
            wait: Some(WAIT.as_secs_f64()),
        })
    }
}

/// Asks for jobs, after a wait. One try: what it took when its answer was lost comes back when its lease ends.
async fn ask(
    client: &Client,
    request: &ClaimRequest,
    room: usize,
    wait: Duration,
) -> Result<ClaimAnswer, Error> {
    tokio::time::sleep(wait).await;
    let max = u32::try_from(room).unwrap_or(MAX_CLAIM).clamp(1, MAX_CLAIM);
    let call = Call::post("api/v1/workers/claim", &ClaimRequest { max: Some(max), ..request.clone() })?;
    client.send(&call.with_patience(Duration::ZERO).with_one_try(WAIT + UNDER_WAY)).await
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a job's task ended badly");
    }
}
