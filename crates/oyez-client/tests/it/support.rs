//! A whole server on port 0, and jobs for it.

use std::time::Duration;

use oyez::{Config, lifecycle::Shutdown, server::Server};
use oyez_client::{
    Client, Job, Worker,
    protocol::{
        JobId,
        api::jobs::{BackoffRequest, JobRequest, JobState, JobView},
    },
};
use serde::{Deserialize, Serialize};
use tokio::{sync::oneshot, task::JoinHandle};

/// Long enough for anything that should happen.
const LONG: Duration = Duration::from_secs(30);

/// A server with its key; it ends with the test.
pub(crate) struct Fixture {
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) key: String,
    shutdown: Shutdown,
    _directory: tempfile::TempDir,
}

/// Work that carries a number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) number: u64,
}

impl Job for Count {
    const KIND: &'static str = "count";
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with_lease(Duration::from_secs(15)).await
    }

    pub(crate) async fn with_lease(lease: Duration) -> Self {
        Self::with(|config| config.jobs.lease = lease).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
        config.listen = "127.0.0.1:0".into();
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        let key = server.first_start().await.unwrap().unwrap().key.reveal().to_owned();
        let url = server.url().to_owned();
        let client = Client::new(&url, &key).unwrap();
        let shutdown = Shutdown::new();
        tokio::spawn(server.run(shutdown.clone()));
        Self { client, url, key, shutdown, _directory: directory }
    }

    pub(crate) async fn enqueue(&self, request: &JobRequest) -> JobId {
        let accepted = self.client.enqueue(request).await.unwrap();
        assert!(accepted.created);
        accepted.id
    }

    /// Waits until a job is as it should be.
    pub(crate) async fn until(&self, id: JobId, is_so: impl Fn(&JobView) -> bool) -> JobView {
        let mut last = None;
        let wait = async {
            loop {
                let job = self.client.job(id).await.unwrap();
                if is_so(&job) {
                    return job;
                }
                last = Some(job);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(LONG, wait).await {
            Ok(job) => job,
            Err(_) => panic!("the job did not come to that: {last:#?}"),
        }
    }

    pub(crate) async fn until_state(&self, id: JobId, state: JobState) -> JobView {
        self.until(id, |job| job.state == state).await
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.shutdown.now();
    }
}

/// A job that carries a number and is tried again at once.
pub(crate) fn count(number: u64) -> JobRequest {
    let mut request = oyez_client::request(&Count { number }).unwrap();
    request.backoff = Some(BackoffRequest { first: Some(0.0), factor: None, max: None, jitter: None });
    request
}

/// A worker that runs until it is told to stop.
pub(crate) struct Working {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), oyez_client::Error>>,
}

pub(crate) fn start(worker: Worker) -> Working {
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(worker.run(async move {
        // Dropped means stop too.
        drop(stopped.await);
    }));
    Working { stop, task }
}

impl Working {
    /// Tells it to stop and waits for that.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        tokio::time::timeout(LONG, self.task).await.expect("it should stop").unwrap().unwrap();
    }

    /// Ends it as if its process had been killed.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(self) -> Result<(), oyez_client::Error> {
        tokio::time::timeout(LONG, self.task).await.expect("it should end").unwrap()
    }
}
