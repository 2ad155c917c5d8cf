//! One medium's lane: takes as many deliveries as can be sent at once, and sends them.
//!
//! Back-pressure: a parcel holds its slot until its end was handed over to be written, so that a slow disk, like a slow
//! receiver, lets deliveries wait in the store and not in memory.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use oyez_core::delivery::{self, Outcome};
use oyez_store::{Ended, Parcel, StoreError};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Medium, PAUSE, Sent, Shared, meters::Meters, pause_after, rest};
use crate::jobs::plus;

/// Deliveries looked at in one transaction at most, so that publishers go in between.
const MOST_AT_ONCE: usize = 200;
/// How long a free slot waits for others.
const GATHER: Duration = Duration::from_millis(2);

pub(super) struct Lane {
    kind: delivery::Medium,
    medium: Option<Arc<dyn Medium>>,
    /// One for each parcel in flight.
    slots: Arc<Semaphore>,
    /// Rings when something may be due.
    pub(super) bell: Notify,
    pub(super) meters: Arc<Meters>,
}

impl Lane {
    pub(super) fn new(kind: delivery::Medium, medium: Option<Arc<dyn Medium>>) -> Self {
        let slots = medium.as_ref().map_or(MOST_AT_ONCE, |medium| medium.concurrency().max(1));
        let slots = Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS)));
        Self { kind, medium, slots, bell: Notify::new(), meters: Arc::new(Meters::new(kind)) }
    }

    /// Takes and sends until it is stopped.
    pub(super) async fn run(&self, shared: &Arc<Shared>, shutdown: &CancellationToken) {
        let mut pause = PAUSE.0;
        // What was due while no process lived.
        self.bell.notify_one();
        while rings(&self.bell, &shared.stopping, shutdown).await {
            // What it takes at the last moment is given back before the end.
            match shared.sending.track_future(self.work(shared, shutdown)).await {
                Ok(()) => pause = PAUSE.0,
                Err(error) => {
                    if !rest(pause_after("take deliveries", &error, &mut pause), shutdown).await {
                        return;
                    }
                    self.bell.notify_one();
                }
            }
        }
    }

    /// Sends all that is due now.
    async fn work(&self, shared: &Arc<Shared>, shutdown: &CancellationToken) -> Result<(), StoreError> {
        // A look costs publishers nothing, a transaction does.
        let next = shared.deliveries.next_due_by(self.kind).await?;
        let mut more = next.is_some_and(|next| next <= shared.clock.now());
        while more {
            let Some(mut room) = self.room(shared, shutdown).await else { return Ok(()) };
            let limit = u32::try_from(room.num_permits()).unwrap_or(u32::MAX);
            let lease_until = plus(shared.clock.now(), self.lease());
            let taken = shared.deliveries.take(self.kind, limit, lease_until).await?;
            more = taken.more;
            for parcel in taken.parcels {
                let slot = room.split(1).filter(|_| !shared.stopping.is_cancelled());
                match (&self.medium, slot) {
                    (Some(medium), Some(slot)) => self.start(shared, Arc::clone(medium), parcel, slot),
                    // It ends; or the rules know a medium that is not here.
                    _ => shared.end(ended(&parcel, Sent::new(Outcome::GivenBack))).await,
                }
            }
            // When the next one is due is another moment now.
            shared.recheck.notify_one();
        }
        Ok(())
    }

    /// Waits until a slot is free, a moment longer for a good part of them so that few transactions take many, and takes
    /// all that are. Receivers that hang keep their slots, and nobody waits for those.
    async fn room(&self, shared: &Arc<Shared>, shutdown: &CancellationToken) -> Option<OwnedSemaphorePermit> {
        let free = || Arc::clone(&self.slots);
        let mut room = tokio::select! {
            biased;
            () = shared.stopping.cancelled() => return None,
            () = shutdown.cancelled() => return None,
            room = free().acquire_owned() => room.ok()?,
        };
        let all = self.medium.as_ref().map_or(MOST_AT_ONCE, |medium| medium.concurrency().max(1));
        let part = u32::try_from(all.div_ceil(4).min(MOST_AT_ONCE)).unwrap_or(1);
        let more = free().acquire_many_owned(part - 1);
        if let Ok(Ok(more)) = tokio::time::timeout(GATHER, more).await {
            room.merge(more);
        }
        while room.num_permits() < MOST_AT_ONCE
            && let Ok(one) = free().try_acquire_owned()
        {
            room.merge(one);
        }
        Some(room)
    }

    /// Longer than a medium may take, and long enough for a slow disk to write how it ended.
    fn lease(&self) -> Duration {
        let deadline = self.medium.as_ref().map_or(Duration::ZERO, |medium| medium.deadline());
        deadline + (deadline / 2).max(Duration::from_secs(1))
    }

    fn start(
        &self,
        shared: &Arc<Shared>,
        medium: Arc<dyn Medium>,
        parcel: Parcel,
        slot: OwnedSemaphorePermit,
    ) {
        let (shared, meters) = (Arc::clone(shared), Arc::clone(&self.meters));
        let tracker = shared.sending.clone();
        drop(tracker.spawn(async move {
            let began = Instant::now();
            meters.began(&parcel, shared.clock.now());
            let sent = tokio::select! {
                biased;
                sent = send(&*medium, &parcel) => sent,
                () = shared.giving_up.cancelled() => Sent::new(Outcome::Lost),
            };
            meters.sent(&sent.outcome, began.elapsed());
            shared.end(ended(&parcel, sent)).await;
            drop(slot);
        }));
    }
}

fn ended(parcel: &Parcel, sent: Sent) -> Ended {
    let Sent { outcome, answer } = sent;
    Ended { id: parcel.id, attempt: parcel.attempt, outcome, answer, started_at: parcel.started_at }
}

/// Sends one parcel. Whatever the medium does costs this attempt only.
async fn send(medium: &dyn Medium, parcel: &Parcel) -> Sent {
    let deadline = medium.deadline();
    // Called inside, so that a panic before the first wait is caught as well.
    let sending = AssertUnwindSafe(async { medium.send(parcel).await }).catch_unwind();
    match tokio::time::timeout(deadline, sending).await {
        Ok(Ok(sent)) => sent,
        Ok(Err(panic)) => {
            let text = panic_text(&*panic);
            tracing::error!(delivery = %parcel.id, medium = %medium.kind(), "a medium panicked: {text}");
            Sent::failed(format!("the medium failed: {text}"))
        }
        Err(_) => {
            let seconds = deadline.as_secs_f64();
            Sent::failed(format!("no answer within {seconds} s: the message may have been sent"))
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a text")
}

/// Waits for a bell. Returns whether it rang.
pub(super) async fn rings(bell: &Notify, stopping: &CancellationToken, shutdown: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = stopping.cancelled() => false,
        () = shutdown.cancelled() => false,
        () = bell.notified() => true,
    }
}
