//! Hearing what became of deliveries, for code in this process.

use std::sync::Arc;

use oyez_protocol::api::deliveries::DeliveryView;
use tokio::sync::broadcast::{self, Receiver, Sender};

use super::Deliveries;

/// Commits whose changes wait for a listener; one that falls behind further is told that it missed some.
const MOST_WAITING: usize = 256;

/// What deliveries changed into, in one commit of this node.
pub type Changes = Arc<[DeliveryView]>;

/// Those who listen.
pub(super) struct Watchers(Sender<Changes>);

impl Default for Watchers {
    fn default() -> Self {
        Self(broadcast::channel(MOST_WAITING).0)
    }
}

impl Watchers {
    /// Hands on what changed. Made only if somebody listens.
    pub(super) fn tell(&self, changes: impl FnOnce() -> Changes) {
        if self.0.receiver_count() > 0 {
            // The last listener may have left meanwhile.
            drop(self.0.send(changes()));
        }
    }
}

impl Deliveries {
    /// Every change from now on, in order, a commit at a time.
    ///
    /// A hint, as everything that is live: changes of other nodes are not among them, and a listener that is too slow
    /// is told that it missed some. What a delivery is now, [`Deliveries::get`] says.
    pub fn watch(&self) -> Receiver<Changes> {
        self.shared.watchers.0.subscribe()
    }
}
