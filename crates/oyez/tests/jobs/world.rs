//! One node without edges, a clock that stands still, and an ear on the bus.

use std::{sync::Arc, time::Duration};

use oyez::{
    Context, Job, JobError,
    bus::{Announcement, Bus},
    jobs::{Jobs, JobsOptions, Wanted},
    publish::Publisher,
    runner::{Done, Runner, RunnerOptions},
};
use oyez_core::{
    clock::{Clock, ManualClock},
    job::{JobRecord, JobState},
};
use oyez_protocol::{
    JobId, JobKind, QueueName, UserId, WorkerName,
    api::jobs::{BackoffRequest, JobRequest},
};
use oyez_store::{Store, StoreOptions, jobs::JobFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

pub(crate) const START: &str = "2026-11-20T13:00:00.000Z";
/// Longer than anything here takes; a test that waits for so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The job most tests use: its handler does what the test says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) number: u64,
}

impl Job for Work {
    const KIND: &'static str = "work";
}

pub(crate) struct World {
    pub(crate) directory: Arc<TempDir>,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) clock: Clock,
    pub(crate) hand: ManualClock,
    pub(crate) publisher: Publisher,
    pub(crate) jobs: Jobs,
    heard: UnboundedReceiver<Value>,
    upkeep: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.upkeep.cancel();
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}, JobsOptions::default()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut StoreOptions), options: JobsOptions) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let (clock, hand) = Clock::manual(START.parse().unwrap());
        let mut store = StoreOptions::new(directory.path().join("oyez.db"));
        change(&mut store);
        Self::on(directory, &store, (clock, hand), options).await
    }

    /// Another node on the same store and by the same clock.
    pub(crate) async fn twin(&self) -> Self {
        let store = StoreOptions::new(self.directory.path().join("oyez.db"));
        let clock = (self.clock.clone(), self.hand.clone());
        Self::on(Arc::clone(&self.directory), &store, clock, JobsOptions::default()).await
    }

    async fn on(
        directory: Arc<TempDir>,
        store: &StoreOptions,
        (clock, hand): (Clock, ManualClock),
        options: JobsOptions,
    ) -> Self {
        let store = Store::open(store).await.unwrap();
        let bus = Bus::local();
        let (ear, heard) = unbounded_channel();
        bus.subscribe(Box::new(move |announcement| {
            let texts = match announcement {
                Announcement::Job(news) => vec![news.frame.to_string()],
                Announcement::Landed(landed) => landed
                    .iter()
                    .map(|one| format!(r#"{{"seq":{},{}"#, one.recipients[0].1, one.tail))
                    .collect(),
                _ => return,
            };
            for text in texts {
                let _ = ear.send(serde_json::from_str(&text).unwrap());
            }
        }));
        let publisher = Publisher::new(store.clone(), bus.clone(), clock.clone());
        let (jobs, work) = Jobs::new(&publisher, store.clone(), bus.clone(), clock.clone(), options);
        let upkeep = CancellationToken::new();
        tokio::spawn(work.run(upkeep.clone()));
        Self { directory, store, bus, clock, hand, publisher, jobs, heard, upkeep }
    }

    /// A runner whose handler of [`Work`] does this, at work until it is stopped.
    pub(crate) fn runs<F, D>(&self, handler: impl Fn(Context, Work) -> F + Send + Sync + 'static) -> Working
    where
        F: Future<Output = Result<D, JobError>> + Send + 'static,
        D: Into<Done>,
    {
        self.runs_with(RunnerOptions::default(), handler)
    }

    pub(crate) fn runs_with<F, D>(
        &self,
        options: RunnerOptions,
        handler: impl Fn(Context, Work) -> F + Send + Sync + 'static,
    ) -> Working
    where
        F: Future<Output = Result<D, JobError>> + Send + 'static,
        D: Into<Done>,
    {
        let (jobs, store, clock) = (self.jobs.clone(), self.store.clone(), self.clock.clone());
        let runner = Runner::new(jobs, store, &self.bus, clock, options);
        runner.handle(handler).unwrap();
        let shutdown = CancellationToken::new();
        let worker = tokio::spawn(runner.clone().run(shutdown.clone()));
        Working { runner, worker, shutdown }
    }

    pub(crate) async fn enqueue(&self, change: impl FnOnce(&mut JobRequest)) -> JobId {
        let mut request = work(0);
        change(&mut request);
        self.jobs.enqueue(&request, "test").await.unwrap().id
    }

    pub(crate) async fn job(&self, id: JobId) -> JobRecord {
        self.jobs.get(id).await.unwrap()
    }

    /// Waits until the job is in a state, by watching it.
    pub(crate) async fn reaches(&self, id: JobId, state: JobState) -> JobRecord {
        let wait = async {
            loop {
                let record = self.job(id).await;
                if record.state == state {
                    return record;
                }
                assert!(!record.state.is_final(), "{:?}: {:?}", record.state, record.error);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, wait).await;
        match reached {
            Ok(record) => record,
            Err(_) => panic!("the job never became {state:?}: {:?}", self.job(id).await),
        }
    }

    /// The next frame about a job, as its owner or a watcher gets it.
    pub(crate) async fn hears(&mut self) -> Value {
        let heard = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("a frame in time").expect("the bus lives as long as the world")
    }

    /// What was heard since the last call.
    pub(crate) fn heard(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }

    /// How the attempts of a job ended.
    pub(crate) async fn outcomes(&self, id: JobId) -> Vec<String> {
        let attempts = self.jobs.attempts(id).await.unwrap();
        attempts.into_iter().map(|attempt| attempt.outcome.unwrap_or_else(|| "running".into())).collect()
    }

    /// How many jobs are in a state, up to a thousand.
    pub(crate) async fn count(&self, state: JobState) -> usize {
        let filter = JobFilter { state: Some(state), ..JobFilter::default() };
        self.jobs.list(&filter, None, 1_000).await.unwrap().len()
    }
}

/// A runner at work.
pub(crate) struct Working {
    pub(crate) runner: Runner,
    worker: tokio::task::JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Working {
    /// Ends gracefully.
    pub(crate) async fn stop(self) {
        self.stop_within(Duration::from_secs(10)).await;
    }

    pub(crate) async fn stop_within(self, grace: Duration) {
        self.runner.stop(grace).await;
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.worker).await.expect("it stops").unwrap();
    }
}

pub(crate) fn work(number: u64) -> JobRequest {
    let mut request = JobRequest::new(JobKind::new(Work::KIND).unwrap());
    request.args = Some(serde_json::value::to_raw_value(&Work { number }).unwrap());
    request
}

/// Tried again at once.
pub(crate) fn at_once() -> BackoffRequest {
    BackoffRequest { first: Some(0.0), factor: None, max: None, jitter: None }
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn queue(name: &str) -> QueueName {
    QueueName::new(name).unwrap()
}

/// Takes jobs of the default queue as a worker behind HTTP would.
pub(crate) fn wanted(worker: &str) -> Wanted {
    Wanted {
        worker: WorkerName::new(worker).unwrap(),
        queues: vec![QueueName::default()],
        kinds: None,
        limit: 10,
    }
}
