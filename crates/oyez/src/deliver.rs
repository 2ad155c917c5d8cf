//! Delivers what people who are away have not seen: takes deliveries whose time has come, has a medium send each, and
//! writes how that ended.
//!
//! In reading order: `medium` is the seam to whatever sends; `due` knows when there is something to do, and rings;
//! `lane` takes and sends, one for each medium; `ends` writes what came of it, many ends in one transaction; `meters`
//! counts. [`email`], `web_push` and `webhook` are media.
//!
//! Nothing is lost when this process dies: what was taken has a lease, and whoever finds it run out sends again, under
//! the same name. Only then can a message go out twice.

mod due;
pub mod email;
mod ends;
mod lane;
mod medium;
mod meters;
mod web_push;
mod webhook;

use std::{sync::Arc, time::Duration};

use oyez_core::{clock::Clock, delivery};
use oyez_store::{Ended, StoreError};
use tokio::sync::{Notify, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::deliveries::Deliveries;

pub use medium::{Medium, Sent};
pub use web_push::WebPush;
pub use webhook::Webhook;

/// Ends that wait to be written; beyond, those who sent wait, and take nothing new.
const MOST_ENDS: usize = 1_024;
/// How long an end may take to be written when the server stops.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);
/// The first and the longest pause after a failure of the store.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Sends deliveries. Clones are the same engine.
#[derive(Clone)]
pub struct Deliver {
    shared: Arc<Shared>,
}

/// The worker behind [`Deliver`].
pub struct Engine {
    shared: Arc<Shared>,
    ends: mpsc::Receiver<ends::Handed>,
}

struct Shared {
    deliveries: Deliveries,
    clock: Clock,
    lanes: Vec<lane::Lane>,
    /// Rings when the next thing may be due at another moment than was thought.
    recheck: Notify,
    /// Rings when digests may be due.
    digests: Notify,
    ends: mpsc::Sender<ends::Handed>,
    /// What is being sent.
    sending: TaskTracker,
    /// Nothing more is taken.
    stopping: CancellationToken,
    /// What is being sent is given up.
    giving_up: CancellationToken,
}

impl Deliver {
    /// An engine that sends by these media, once its [`Engine`] is run. Of two media of a kind the first one counts.
    pub fn new(deliveries: Deliveries, clock: Clock, media: &[Arc<dyn Medium>]) -> (Self, Engine) {
        let (handed, ends) = mpsc::channel(MOST_ENDS);
        // Also those that are not set up: what was planned when they were is ended, with that reason.
        let lanes = delivery::Medium::ALL.map(|kind| {
            let medium = media.iter().find(|medium| medium.kind() == kind).cloned();
            lane::Lane::new(kind, medium)
        });
        let shared = Arc::new(Shared {
            deliveries,
            clock,
            lanes: lanes.into(),
            recheck: Notify::new(),
            digests: Notify::new(),
            ends: handed,
            sending: TaskTracker::new(),
            stopping: CancellationToken::new(),
            giving_up: CancellationToken::new(),
        });
        (Self { shared: Arc::clone(&shared) }, Engine { shared, ends })
    }

    /// Looks at once for what is due, whatever was thought about when the next thing would be.
    pub fn look(&self) {
        self.shared.ring();
    }

    /// Ends gracefully: takes nothing more, gives back what was taken and not begun, lets what is being sent go on for
    /// `grace`. What is not done by then counts as lost: it may have been sent.
    pub async fn stop(&self, grace: Duration) {
        let shared = &self.shared;
        shared.stopping.cancel();
        shared.sending.close();
        let under_way = shared.sending.len();
        if under_way > 0 {
            tracing::info!(under_way, "waiting for deliveries to be sent");
        }
        let _all_sent = tokio::time::timeout(grace, shared.sending.wait()).await;
        shared.giving_up.cancel();
        let last_words = async {
            shared.sending.wait().await;
            shared.settle().await;
        };
        if tokio::time::timeout(SETTLES_WITHIN, last_words).await.is_err() {
            tracing::error!(
                "the store did not take how the last deliveries ended; their leases will run out"
            );
        }
    }
}

impl Engine {
    /// Works until `shutdown`. Call [`Deliver::stop`] before that, so that what is being sent ends well.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { shared, ends } = self;
        let lanes = shared.lanes.iter().map(|lane| lane.run(&shared, &shutdown));
        tokio::join!(
            futures_util::future::join_all(lanes),
            shared.watch_the_clock(&shutdown),
            shared.close_digests(&shutdown),
            shared.count(&shutdown),
            ends::run(&shared, ends, &shutdown),
        );
    }
}

impl Shared {
    /// Has everybody look for what is due.
    fn ring(&self) {
        self.ring_lanes();
        self.digests.notify_one();
    }

    fn ring_lanes(&self) {
        for lane in &self.lanes {
            lane.bell.notify_one();
        }
    }

    /// Hands over how an attempt ended; waits while too many ends wait to be written.
    async fn end(&self, ended: Ended) {
        // Closed: the server ends, and the lease runs out.
        drop(self.ends.send(ends::Handed::Ended(ended)).await);
    }

    /// Waits until the ends that were handed over are on disk.
    async fn settle(&self) {
        let (answer, settled) = tokio::sync::oneshot::channel();
        if self.ends.send(ends::Handed::Settle(answer)).await.is_ok() {
            // Dropped unanswered only when the server ends.
            let _ = settled.await;
        }
    }
}

/// Says what failed, and how long to rest: longer each time.
fn pause_after(what: &'static str, error: &StoreError, pause: &mut Duration) -> Duration {
    tracing::error!(%error, retry_after_ms = pause.as_millis() as u64, "could not {what}");
    let length = *pause;
    *pause = (length * 2).min(PAUSE.1);
    length
}

/// Waits, unless it ends first. Returns whether to go on.
async fn rest(length: Duration, shutdown: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => false,
        () = tokio::time::sleep(length) => true,
    }
}
