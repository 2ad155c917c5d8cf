//! Which node keeps the schedules and looks for lost jobs: the one that holds a lease in the store.
//!
//! Two that believe to lead for a moment do no harm, only double work: every firing and every rescue is decided by the
//! store.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Shared, rest};
use crate::jobs::plus;

/// The lease's name in the store.
const LEASE: &str = "jobs";
/// How long it lasts without being renewed.
const TERM: Duration = Duration::from_secs(15);

/// Whether this node leads.
#[derive(Default)]
pub(super) struct Leads {
    leads: AtomicBool,
    began: Notify,
}

impl Leads {
    /// Waits until this node leads.
    pub(super) async fn begun(&self) {
        loop {
            let began = self.began.notified();
            if self.leads.load(Ordering::Relaxed) {
                return;
            }
            began.await;
        }
    }
}

impl Shared {
    pub(super) async fn lead(&self, shutdown: &CancellationToken) {
        if self.options.alone {
            // Nobody else is there to be told, and an idle server writes nothing.
            self.leads.leads.store(true, Ordering::Relaxed);
            self.leads.began.notify_waiters();
            return;
        }
        loop {
            let (now, node) = (self.clock.now(), self.options.node.clone());
            let taken = self.store.write(move |tx| {
                Box::pin(async move { tx.take_lease(LEASE, &node, plus(now, TERM), now).await })
            });
            // A failure ends it: the lease runs out for the others as well.
            let leads = taken.await.unwrap_or(false);
            if self.leads.leads.swap(leads, Ordering::Relaxed) != leads {
                tracing::debug!(leads, "leadership changed");
                self.leads.began.notify_waiters();
            }
            if !rest(TERM / 3, shutdown).await {
                break;
            }
        }
        let node = self.options.node.clone();
        // Another node need not wait for its end then; when this fails, it waits.
        let _released =
            self.store.write(move |tx| Box::pin(async move { tx.release_lease(LEASE, &node).await })).await;
    }
}
