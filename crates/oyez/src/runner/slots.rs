//! Which attempts this process has under way, and how many more it may take.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use oyez_protocol::JobId;
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

/// Threads that may be lost in loops before no more jobs are taken.
const MOST_LOST: usize = 64;

/// The attempts under way.
pub(super) struct Slots {
    room: usize,
    inner: Mutex<Inner>,
    emptied: Notify,
}

#[derive(Default)]
struct Inner {
    taken: HashMap<JobId, Slot>,
    /// Threads whose attempt was given up, and which did not come back.
    lost: usize,
}

/// One attempt.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) attempt: u32,
    /// By then its handler has given way, or never will.
    pub(super) gives_way_by: Option<Instant>,
    /// Somebody asked the job to stop.
    pub(super) asked: CancellationToken,
    /// Ends the handler because the attempt is not ours any more.
    pub(super) fence: CancellationToken,
    /// Its outcome is known and is being handed on.
    pub(super) ended: bool,
}

impl Slots {
    pub(super) fn new(room: usize) -> Self {
        Self { room, inner: Mutex::default(), emptied: Notify::new() }
    }

    /// How many more attempts may begin.
    pub(super) fn free(&self) -> usize {
        let inner = self.lock();
        if inner.lost >= MOST_LOST { 0 } else { self.room.saturating_sub(inner.taken.len()) }
    }

    pub(super) fn lost(&self) -> usize {
        self.lock().lost
    }

    pub(super) fn begin(&self, job: JobId, slot: Slot) {
        self.lock().taken.insert(job, slot);
    }

    /// The attempt's outcome is known. `false`: it was given up before, and its thread has come back.
    pub(super) fn ending(&self, job: JobId, attempt: u32) -> bool {
        let mut inner = self.lock();
        match inner.taken.get_mut(&job).filter(|slot| slot.attempt == attempt) {
            Some(slot) => {
                slot.ended = true;
                true
            }
            None => {
                inner.lost = inner.lost.saturating_sub(1);
                false
            }
        }
    }

    /// The attempt is over.
    pub(super) fn end(&self, job: JobId, attempt: u32) {
        let mut inner = self.lock();
        if inner.taken.get(&job).is_some_and(|slot| slot.attempt == attempt) {
            inner.taken.remove(&job);
        }
        if inner.taken.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// Gives up on attempts that should have given way by `now`: their threads count as lost. One that was asked to
    /// stop has `patience` from the first look that finds it so.
    pub(super) fn give_up(&self, now: Instant, patience: Duration) -> Vec<(JobId, Slot)> {
        for slot in self.lock().taken.values_mut().filter(|slot| slot.asked.is_cancelled()) {
            // A later look is not earlier than the first one.
            let by = now + patience;
            slot.gives_way_by = Some(slot.gives_way_by.map_or(by, |set| set.min(by)));
        }
        self.abandon(|slot| slot.gives_way_by.is_some_and(|by| by <= now))
    }

    /// Gives up on all.
    pub(super) fn give_up_all(&self) -> Vec<(JobId, Slot)> {
        self.abandon(|_| true)
    }

    fn abandon(&self, given_up: impl Fn(&Slot) -> bool) -> Vec<(JobId, Slot)> {
        let mut inner = self.lock();
        let stuck: Vec<_> = inner.taken.extract_if(|_, slot| !slot.ended && given_up(slot)).collect();
        inner.lost += stuck.len();
        stuck
    }

    pub(super) fn attempts(&self) -> Vec<(JobId, u32)> {
        self.lock().taken.iter().map(|(job, slot)| (*job, slot.attempt)).collect()
    }

    /// Ends the handler of an attempt that is not ours any more; it has until `gives_way_by` to give way.
    pub(super) fn fence(&self, job: JobId, attempt: u32, gives_way_by: Instant) {
        if let Some(slot) = self.lock().taken.get_mut(&job).filter(|slot| slot.attempt == attempt) {
            slot.fence.cancel();
            slot.gives_way_by = Some(slot.gives_way_by.map_or(gives_way_by, |set| set.min(gives_way_by)));
        }
    }

    /// Resolves when nothing is under way.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().taken.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
