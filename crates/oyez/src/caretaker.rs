//! The work nobody asks for: notifications whose time has come, publishes a crash cut short, and cleaning up.
//!
//! What must happen at its moment, the caretaker does by itself; what is merely due now and then, the schedules that
//! come with Oyez have it do ([`Chores`]), so that operators see, pause and plan it. Each step is small, so that
//! publishers go in between. A step that fails is logged and tried again; only a bug (a panic) ends the caretaker, and
//! with it the server.

use std::{future::Future, sync::Arc, time::Duration};

use oyez_core::clock::Clock;
use oyez_protocol::{UserId, frame::server::InboxChange};
use oyez_store::{DeliveryChange, LandedHook, Retention, Store, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Announcement, Bus},
    deliveries::Deliveries,
    publish::Publisher,
};

/// Notifications or items one step deals with.
const STEP: u32 = 500;
/// The clock may be set, and another process may schedule: look again at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// The first and the longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// The background worker of a node.
pub struct Caretaker {
    chores: Chores,
    waiting: Arc<Notify>,
}

/// Work that schedules ask for. Clones do the same.
#[derive(Clone)]
pub struct Chores {
    store: Store,
    bus: Bus,
    clock: Clock,
    retention: Retention,
    landed: LandedHook,
    deliveries: Option<Deliveries>,
}

impl Caretaker {
    /// A caretaker that waits to be run, and keeps inboxes as `retention` says.
    pub fn new(store: Store, bus: Bus, clock: Clock, publisher: &Publisher, retention: Retention) -> Self {
        let chores =
            Chores { store, bus, clock, retention, landed: publisher.landed_hook(), deliveries: None };
        Self { chores, waiting: publisher.waiting() }
    }

    /// Says live which deliveries end with items that expire or are removed, too.
    #[must_use]
    pub fn telling(mut self, deliveries: Deliveries) -> Self {
        self.chores.deliveries = Some(deliveries);
        self
    }

    /// What schedules may ask for.
    pub fn chores(&self) -> Chores {
        self.chores.clone()
    }

    /// Works until `shutdown`; a step that has begun is finished first.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::join!(
            self.finish_what_was_begun(&shutdown),
            self.send_what_is_due(&shutdown),
            self.archive_what_expired(&shutdown),
        );
    }

    /// What the process was at when it ended the last time: it need not wait for a schedule.
    async fn finish_what_was_begun(&self, shutdown: &CancellationToken) {
        let mut pause = PAUSE.0;
        loop {
            let begun = async {
                self.chores.look_after_pending().await?;
                while self.chores.clean_up_step().await? > 0 && !shutdown.is_cancelled() {}
                Ok(())
            };
            let Err(error) = begun.await else { return };
            if rest_after("finish what was begun", &error, &mut pause, shutdown).await.is_stopped() {
                return;
            }
        }
    }

    /// Sleeps until the next notification is due, or a new one begins to wait.
    async fn send_what_is_due(&self, shutdown: &CancellationToken) {
        let mut pause = PAUSE.0;
        loop {
            let sleep = match self.chores.send_due_step().await {
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

    async fn archive_what_expired(&self, shutdown: &CancellationToken) {
        let chores = &self.chores;
        every(LOOK_AGAIN, shutdown, "archive what expired", async || {
            let now = chores.clock.now();
            chores.change(move |tx| Box::pin(async move { tx.expire(now, STEP).await })).await
        })
        .await;
    }
}

impl Chores {
    /// Sends what is due, and goes on with audiences that are half-written because a process ended or a write failed.
    /// Those that are being written by somebody else at this moment just get done sooner. Returns how many
    /// notifications it dealt with.
    pub async fn look_after_pending(&self) -> Result<u64, StoreError> {
        let mut total = self.store.finish_publishes(Arc::clone(&self.landed)).await?;
        loop {
            let sent = self.store.publish_due(self.clock.now(), STEP, Arc::clone(&self.landed)).await?;
            total += sent;
            if sent < u64::from(STEP) {
                return Ok(total);
            }
        }
    }

    /// One step of cleaning: items that are too old or too many, and what expired of keys, tickets and logins. Returns
    /// how many it removed; zero: it is clean.
    pub async fn clean_up_step(&self) -> Result<u64, StoreError> {
        let (now, retention) = (self.clock.now(), self.retention);
        let removed = match retention.max_age.is_some() || retention.max_items.is_some() {
            true => {
                self.change(move |tx| Box::pin(async move { tx.retain(&retention, now, STEP).await })).await?
            }
            false => 0,
        };
        let purged = self.store.write(move |tx| Box::pin(async move { tx.purge(now, STEP).await })).await?;
        Ok(removed + purged)
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
        let (bus, deliveries) = (self.bus.clone(), self.deliveries.clone());
        let changes = self.store.write_then(
            move |tx| {
                Box::pin(async move {
                    let changes = change(tx).await?;
                    Ok((changes, tx.skipped_deliveries()))
                })
            },
            move |(changes, skipped): &(Vec<(UserId, InboxChange)>, Vec<DeliveryChange>)| {
                if let Some(deliveries) = deliveries {
                    deliveries.tell(skipped);
                }
                for (user, change) in changes {
                    let change = Arc::new(change.clone());
                    bus.announce(Announcement::InboxChanged { user: user.clone(), change });
                }
            },
        );
        Ok(changes.await?.0.len() as u64)
    }
}

/// Repeats a step while it finds something to do, then sleeps for `interval`.
async fn every<F>(interval: Duration, shutdown: &CancellationToken, what: &'static str, step: impl Fn() -> F)
where
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
