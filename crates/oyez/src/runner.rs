//! Runs jobs in this process: claims them, gives each handler a thread of its own, keeps their leases, takes over what
//! dead workers left, lets jobs start when their time has come, and keeps the schedules.
//!
//! In reading order: `handler` is what an application writes and `context` what it is given; `claim` takes jobs,
//! `execute` runs them on `threads` and `slots` knows which; `rescue` finds the lost, `leader` decides which node keeps
//! the schedules, and `schedule` does.

mod claim;
mod context;
mod execute;
mod handler;
mod leader;
mod rescue;
mod schedule;
mod slots;
mod threads;

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use oyez_core::clock::Clock;
use oyez_protocol::{JobKind, QueueName, WorkerName, ids::NameError};
use oyez_store::Store;
use tokio_util::sync::CancellationToken;

pub use context::Context;
pub use handler::{Done, Job, JobError};

use crate::{
    bus::{Announcement, Bus},
    jobs::{Jobs, JobsError},
};

/// How jobs are run.
#[derive(Debug, Clone)]
pub struct RunnerOptions {
    /// Attempts at once.
    pub concurrency: usize,
    /// Queues to serve; empty: all.
    pub queues: Vec<QueueName>,
    /// How long an attempt may take when its job does not say.
    pub timeout: Option<Duration>,
    /// A handler that was asked to stop has so long to do so by itself; then it is dropped where it waits, and its
    /// thread counts as lost when it does not even wait.
    pub patience: Duration,
    /// Names this node to the others.
    pub node: String,
    /// No other process has this store: what handlers of an earlier process left behind is taken over at once.
    pub alone: bool,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            concurrency: 100,
            queues: Vec::new(),
            timeout: None,
            patience: Duration::from_secs(30),
            node: "local".into(),
            alone: true,
        }
    }
}

/// What begins the name of each worker that is a server process.
const WORKER_PREFIX: &str = "oyez/";

/// Runs the jobs whose handlers are in this process. Clones are the same runner.
#[derive(Clone)]
pub struct Runner {
    shared: Arc<Shared>,
}

struct Shared {
    jobs: Jobs,
    store: Store,
    clock: Clock,
    options: RunnerOptions,
    worker: WorkerName,
    handlers: handler::Handlers,
    threads: threads::Threads,
    slots: slots::Slots,
    calls: claim::Calls,
    leads: leader::Leads,
    /// No more jobs are taken.
    stopping: CancellationToken,
    /// Attempts under way are given back.
    giving_back: CancellationToken,
}

impl Runner {
    /// A runner without handlers. It works once it is run.
    pub fn new(jobs: Jobs, store: Store, bus: &Bus, clock: Clock, options: RunnerOptions) -> Self {
        let worker = WorkerName::new(&format!("{WORKER_PREFIX}{}:{}", options.node, std::process::id()));
        let fallback = || WorkerName::new("oyez/node").expect("a checked name");
        let shared = Arc::new(Shared {
            jobs,
            store,
            clock,
            worker: worker.unwrap_or_else(|_| fallback()),
            handlers: handler::Handlers::default(),
            threads: threads::Threads::new(),
            slots: slots::Slots::new(options.concurrency),
            calls: claim::Calls::default(),
            leads: leader::Leads::default(),
            stopping: CancellationToken::new(),
            giving_back: CancellationToken::new(),
            options,
        });
        let weak = Arc::downgrade(&shared);
        bus.subscribe(Box::new(move |announcement| {
            if let Announcement::Available { queue, kind, .. } = announcement
                && let Some(shared) = weak.upgrade()
            {
                shared.called(queue, kind.as_ref());
            }
        }));
        Self { shared }
    }

    /// Adds a handler for a kind of job; a later one takes its place. Jobs that wait already are taken at once.
    ///
    /// Each attempt has a thread to itself, so a handler may also block. What it returns ends the attempt:
    /// [`JobError`] says how it may end other than well.
    pub fn handle<J, F, D>(
        &self,
        handler: impl Fn(Context, J) -> F + Send + Sync + 'static,
    ) -> Result<(), NameError>
    where
        J: Job,
        F: Future<Output = Result<D, JobError>> + Send + 'static,
        D: Into<Done>,
    {
        self.shared.handlers.add(JobKind::new(J::KIND)?, handler);
        self.shared.calls.look_everywhere();
        Ok(())
    }

    /// Works until `shutdown`. Call [`Runner::stop`] before that, so that attempts under way end well.
    pub async fn run(self, shutdown: CancellationToken) {
        let shared = &self.shared;
        if shared.options.alone {
            shared.take_over().await;
        }
        tokio::join!(
            shared.claim_jobs(&shutdown),
            shared.keep_leases(&shutdown),
            shared.watch_threads(&shutdown),
            shared.promote_jobs(&shutdown),
            shared.lead(&shutdown),
            shared.rescue_jobs(&shutdown),
            shared.keep_schedules(&shutdown),
        );
    }

    /// Ends gracefully: takes no more jobs, lets handlers go on for `grace`, then gives their attempts back.
    pub async fn stop(&self, grace: Duration) {
        self.shared.stop(grace).await;
    }

    /// Attempts under way, and the threads that are lost to handlers which never gave way.
    pub fn load(&self) -> (usize, usize) {
        (self.shared.slots.attempts().len(), self.shared.slots.lost())
    }
}

/// Why background work of a runner did not get on: logged, then tried again.
fn pause_after(what: &'static str, error: &JobsError, pause: &mut Duration) -> Duration {
    tracing::error!(%error, retry_after_ms = pause.as_millis() as u64, "could not {what}");
    let length = *pause;
    *pause = (length * 2).min(PAUSE.1);
    length
}

/// The first and the longest pause after a failure. Not longer, because a store that is only busy leaves short gaps, and
/// who seldom looks seldom meets one.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Waits, unless it ends first. Returns whether to go on.
async fn rest(length: Duration, shutdown: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => false,
        () = tokio::time::sleep(length) => true,
    }
}

/// Names of queues, each once.
type Queues = BTreeSet<QueueName>;
