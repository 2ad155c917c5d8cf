//! The work nobody asks for: notifications whose time has come, publishes a crash cut short, and cleaning up.
//!
//! Each step is small, so that publishers go in between. A step that fails is logged and tried again; only a bug
//! (a panic) ends the caretaker, and with it the server.

use std::{future::Future, sync::Arc, time::Duration};

use oyez_core::clock::Clock;
use oyez_protocol::{UserId, frame::server::InboxChange};
use oyez_store::{LandedHook, Retention, Store, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Announcement, Bus},
    publish::Publisher,
};

/// Notifications or items one step deals with.
const STEP: u32 = 500;
/// The clock may be set, and another process may schedule: look again at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How often publishes that a failure cut short are gone on with.
const UNFINISHED: Duration = Duration::from_secs(30);
/// The first and the longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// What the caretaker keeps to.
#[derive(Debug, Clone, Copy)]
pub struct Chores {
    /// How long and how many items are kept.
    pub retention: Retention,
    /// How often outdated items and leftovers are looked for.
    pub cleanup_interval: Duration,
}

/// The background worker of a node.
pub struct Caretaker {
    store: Store,
    bus: Bus,
    clock: Clock,
    chores: Chores,
    landed: LandedHook,
    waiting: Arc<Notify>,
}

impl Caretaker {
    /// A caretaker that waits to be run.
    pub fn new(store: Store, bus: Bus, clock: Clock, publisher: &Publisher, chores: Chores) -> Self {
        Self { store, bus, clock, chores, landed: publisher.landed_hook(), waiting: publisher.waiting() }
    }

    /// Works until `shutdown`; a step that has begun is finished first.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::join!(
            self.finish_publishes(&shutdown),
            self.send_what_is_due(&shutdown),
            self.archive_what_expired(&shutdown),
            self.clean_up(&shutdown),
        );
    }

    /// Audiences that are half-written: at the start because the process ended, later because a write failed. Those that
    /// are being written by somebody else at this moment just get done sooner.
    async fn finish_publishes(&self, shutdown: &CancellationToken) {
        self.every(UNFINISHED, shutdown, "finish publishes", async || {
            self.store.finish_publishes(Arc::clone(&self.landed)).await
        })
        .await;
    }

    /// Sleeps until the next notification is due, or a new one begins to wait.
    async fn send_what_is_due(&self, shutdown: &CancellationToken) {
        let mut pause = PAUSE.0;
        loop {
            let sleep = match self.send_due_step().await {
                Ok(sleep) => {
                    pause = PAUSE.0;
                    sleep
                }
                Err(error) => {
                    if rest_after("send what is due", &error, &mut pause, shutdown).await.is_stopped() {
                        return;
                    }
                    continue;
                }
            };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.waiting.notified() => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    /// Sends what is due and says how long to sleep. Only reads while nothing is due.
    async fn send_due_step(&self) -> Result<Duration, StoreError> {
        let Some(next) = self.store.next_due().await? else { return Ok(LOOK_AGAIN) };
        let now = self.clock.now();
        if next > now {
            let millis = u64::try_from(next.millis_since(now)).unwrap_or(0);
            return Ok(Duration::from_millis(millis).min(LOOK_AGAIN));
        }
        let sent = self.store.publish_due(now, STEP, Arc::clone(&self.landed)).await?;
        // What is due and was not sent will not be sent by asking at once.
        Ok(if sent == 0 { LOOK_AGAIN } else { Duration::ZERO })
    }

    async fn archive_what_expired(&self, shutdown: &CancellationToken) {
        self.every(LOOK_AGAIN, shutdown, "archive what expired", async || {
            let now = self.clock.now();
            self.change(move |tx| Box::pin(async move { tx.expire(now, STEP).await })).await
        })
        .await;
    }

    async fn clean_up(&self, shutdown: &CancellationToken) {
        let retention = self.chores.retention;
        self.every(self.chores.cleanup_interval, shutdown, "clean up", async || {
            let now = self.clock.now();
            let removed = match retention.max_age.is_some() || retention.max_items.is_some() {
                true => {
                    self.change(move |tx| Box::pin(async move { tx.retain(&retention, now, STEP).await }))
                        .await?
                }
                false => 0,
            };
            let purged =
                self.store.write(move |tx| Box::pin(async move { tx.purge(now, STEP).await })).await?;
            Ok(removed + purged)
        })
        .await;
    }

    /// Changes inboxes and tells their owners. Returns how many.
    async fn change<F>(&self, change: F) -> Result<u64, StoreError>
    where
        F: for<'t> FnOnce(
                &'t mut oyez_store::Tx,
            ) -> futures_util::future::BoxFuture<
                't,
                Result<Vec<(UserId, InboxChange)>, StoreError>,
            > + Send
            + 'static,
    {
        let bus = self.bus.clone();
        let changes = self.store.write_then(change, move |changes: &Vec<(UserId, InboxChange)>| {
            for (user, change) in changes {
                let change = Arc::new(change.clone());
                bus.announce(Announcement::InboxChanged { user: user.clone(), change });
            }
        });
        Ok(changes.await?.len() as u64)
    }

    /// Repeats a step while it finds something to do, then sleeps for `interval`.
    async fn every<F>(
        &self,
        interval: Duration,
        shutdown: &CancellationToken,
        what: &'static str,
        step: impl Fn() -> F,
    ) where
        F: Future<Output = Result<u64, StoreError>>,
    {
        let mut pause = PAUSE.0;
        loop {
            match step().await {
                Ok(0) => {
                    pause = PAUSE.0;
                    if rest(interval, shutdown).await.is_stopped() {
                        return;
                    }
                }
                Ok(_) => {
                    pause = PAUSE.0;
                    if shutdown.is_cancelled() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    if rest_after(what, &error, &mut pause, shutdown).await.is_stopped() {
                        return;
                    }
                }
            }
        }
    }
}

/// How a rest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Over,
    Stopped,
}

impl Rest {
    fn is_stopped(self) -> bool {
        self == Self::Stopped
    }
}

async fn rest(length: Duration, shutdown: &CancellationToken) -> Rest {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => Rest::Stopped,
        () = tokio::time::sleep(length) => Rest::Over,
    }
}

/// Says what failed and rests, longer each time.
async fn rest_after(
    what: &'static str,
    error: &StoreError,
    pause: &mut Duration,
    shutdown: &CancellationToken,
) -> Rest {
    if !shutdown.is_cancelled() {
        tracing::error!(%error, retry_after_ms = pause.as_millis() as u64, "could not {what}");
    }
    let length = *pause;
    *pause = (*pause * 2).min(PAUSE.1);
    rest(length, shutdown).await
}
