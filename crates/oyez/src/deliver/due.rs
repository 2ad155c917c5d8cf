//! Knows when there is something to do: one look at the next moment for all media, and a ring when it has come.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{PAUSE, Shared, lane::rings, pause_after, rest};
use crate::jobs::plus;

/// The clock may be set, and another process may plan: look again at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// What is committed within this time is looked at together.
const GATHER: Duration = Duration::from_millis(5);
/// Digests closed in one transaction, so that publishers go in between.
const DIGESTS_AT_ONCE: u32 = 200;

impl Shared {
    /// Sleeps until the next delivery or digest is due, or one is committed that is earlier.
    pub(super) async fn watch_the_clock(&self, shutdown: &CancellationToken) {
        let mut pause = PAUSE.0;
        loop {
            let now = self.clock.now();
            let sleep = match self.deliveries.next_due().await {
                Ok(next) => {
                    pause = PAUSE.0;
                    let until = next.map(|next| u64::try_from(next.millis_since(now)).unwrap_or(0));
                    if until == Some(0) {
                        // Those who look ring back when they are through.
                        self.ring();
                    }
                    let until = until.filter(|until| *until > 0).map(Duration::from_millis);
                    until.map_or(LOOK_AGAIN, |until| until.min(LOOK_AGAIN))
                }
                Err(error) => pause_after("ask what is due", &error, &mut pause),
            };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.stopping.cancelled() => return,
                () = self.recheck.notified() => {}
                () = self.deliveries.due_before(plus(now, sleep)) => if !rest(GATHER, shutdown).await { return },
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    /// Closes digests whose time has come; their messages are deliveries like others.
    pub(super) async fn close_digests(&self, shutdown: &CancellationToken) {
        let mut pause = PAUSE.0;
        self.digests.notify_one();
        while rings(&self.digests, &self.stopping, shutdown).await {
            // A look costs publishers nothing, a transaction does.
            let mut more = match self.deliveries.next_digest_due().await {
                Ok(next) => next.is_some_and(|next| next <= self.clock.now()),
                Err(_) => true,
            };
            while more && !self.stopping.is_cancelled() {
                match self.deliveries.close_digests(DIGESTS_AT_ONCE).await {
                    Ok(closed) => {
                        (pause, more) = (PAUSE.0, closed.more);
                        if closed.closed > 0 {
                            self.ring_lanes();
                        }
                    }
                    Err(error) => {
                        if !rest(pause_after("close digests", &error, &mut pause), shutdown).await {
                            return;
                        }
                    }
                }
            }
        }
    }
}
