//! Wakes whoever sleeps until the next delivery is due, when a commit brought one that is due sooner.

use std::sync::atomic::{AtomicI64, Ordering};

use oyez_protocol::Timestamp;
use tokio::sync::Notify;

/// For one sleeper; costs a commit two atomic numbers.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// The earliest time that was committed since the sleeper looked last, in milliseconds.
    earliest: AtomicI64,
    /// What the sleeper is woken for.
    before: AtomicI64,
    notify: Notify,
}

impl Default for Alarm {
    fn default() -> Self {
        Self { earliest: AtomicI64::new(i64::MAX), before: AtomicI64::new(i64::MIN), notify: Notify::new() }
    }
}

impl Alarm {
    /// Something that is due then is committed.
    pub(crate) fn ring(&self, due: Timestamp) {
        self.earliest.fetch_min(due.as_millis(), Ordering::SeqCst);
        if due.as_millis() < self.before.load(Ordering::SeqCst) {
            self.notify.notify_one();
        }
    }

    /// Until something that is due before a time was committed, since the last call.
    pub(crate) async fn wait(&self, before: Timestamp) {
        // Written before the question is asked: what is committed in between rings.
        self.before.store(before.as_millis(), Ordering::SeqCst);
        loop {
            if self.earliest.swap(i64::MAX, Ordering::SeqCst) < before.as_millis() {
                return;
            }
            self.notify.notified().await;
        }
    }
}
