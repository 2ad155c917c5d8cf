//! Start and end of the process: signals, graceful and hard shutdown, and background work that may not die silently.
//!
//! It knows no other part of Oyez; the server gives it futures.

mod limits;

use std::{future::Future, io};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use limits::{FileLimit, raise_file_limit};

/// Says when to end: first gracefully, then at once. Clones say the same.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Shutdown {
    /// A shutdown that only [`Shutdown::begin`] and [`Shutdown::now`] cause.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends gracefully at SIGTERM or SIGINT, and at once at the second of them.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let told = shutdown.clone();
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                if told.soft.is_cancelled() {
                    tracing::warn!(signal = name, "stopping at once");
                    return told.now();
                }
                tracing::info!(signal = name, "shutting down gracefully; send it again to stop at once");
                told.begin();
            }
        });
        Ok(shutdown)
    }

    /// Begins the graceful end.
    pub fn begin(&self) {
        self.soft.cancel();
    }

    /// Ends at once.
    pub fn now(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// Waits for the graceful end to begin.
    pub async fn begun(&self) {
        self.soft.cancelled().await;
    }

    /// Waits for the hard end.
    pub async fn forced(&self) {
        self.hard.cancelled().await;
    }

    /// Whether the end has begun: readiness turns negative then.
    pub fn is_begun(&self) -> bool {
        self.soft.is_cancelled()
    }
}

/// Background work of a server. A worker that ends before it was told to is a fault that [`Workers::failed`] reports.
#[derive(Debug)]
pub struct Workers {
    tracker: TaskTracker,
    stop: CancellationToken,
    // One slot: the first failure ends the server, later ones are only logged.
    failures: mpsc::Sender<String>,
    failed: tokio::sync::Mutex<mpsc::Receiver<String>>,
}

impl Default for Workers {
    fn default() -> Self {
        let (failures, failed) = mpsc::channel(1);
        let failed = tokio::sync::Mutex::new(failed);
        Self { tracker: TaskTracker::new(), stop: CancellationToken::new(), failures, failed }
    }
}

impl Workers {
    /// Cancelled when the workers should end.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a worker. It runs until it is told to stop; ending earlier, or a panic, is reported.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let task: JoinHandle<()> = tokio::spawn(work);
        let (stop, failures) = (self.stop.clone(), self.failures.clone());
        self.tracker.spawn(async move {
            let ended = task.await;
            if stop.is_cancelled() && ended.is_ok() {
                return;
            }
            let reason = match ended {
                Err(error) if error.is_panic() => "panicked",
                _ => "ended",
            };
            let message = format!("the background worker `{name}` {reason}");
            tracing::error!("{message}");
            // Full: another worker failed before, and that one ends the server.
            let _ = failures.try_send(message);
        });
    }

    /// Waits for the first worker that fails.
    pub async fn failed(&self) -> String {
        self.failed.lock().await.recv().await.unwrap_or_else(|| "the workers are gone".into())
    }

    /// Tells all workers to stop, and waits for them.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_panics_is_reported_by_name() {
        let workers = Workers::default();
        workers.spawn("steady", {
            let stop = workers.stop_token();
            async move { stop.cancelled().await }
        });
        workers.spawn("broken", async { panic!("boom") });
        assert_eq!(workers.failed().await, "the background worker `broken` panicked");
        workers.stop().await;
    }

    #[tokio::test]
    async fn a_worker_that_just_ends_is_reported_too() {
        let workers = Workers::default();
        workers.spawn("short", async {});
        assert_eq!(workers.failed().await, "the background worker `short` ended");
    }

    #[tokio::test]
    async fn the_graceful_end_begins_before_the_hard_one() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.is_begun());
        shutdown.begin();
        shutdown.begun().await;
        assert!(shutdown.is_begun());
        shutdown.now();
        shutdown.forced().await;
    }
}
