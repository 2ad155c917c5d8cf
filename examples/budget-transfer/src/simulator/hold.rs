//! Keeps a call waiting at a chosen moment, so that a test can end the caller exactly there.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::Deed;

/// Where a call can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It arrived; nothing is done yet.
    Before,
    /// It is done; the answer is not sent yet.
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Free,
    Holding,
}

/// The one call that is held, or will be.
#[derive(Debug, Clone)]
pub struct Held {
    armed: Arc<Mutex<Option<(Deed, Moment)>>>,
    stand: watch::Sender<Stand>,
}

impl Default for Held {
    fn default() -> Self {
        Self { armed: Arc::default(), stand: watch::Sender::new(Stand::Free) }
    }
}

impl Held {
    pub(super) fn arm(&self, deed: Deed, moment: Moment) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some((deed, moment));
    }

    /// Waits here when this is the chosen moment; only the first call that comes by is held.
    pub(super) async fn pass(&self, deed: Deed, moment: Moment) {
        {
            let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
            if *armed != Some((deed, moment)) {
                return;
            }
            *armed = None;
        }
        self.stand.send_replace(Stand::Holding);
        let mut stand = self.stand.subscribe();
        // The sender lives as long as this simulator.
        drop(stand.wait_for(|stand| *stand == Stand::Free).await);
    }

    pub(super) async fn is_holding(&self) {
        drop(self.stand.subscribe().wait_for(|stand| *stand == Stand::Holding).await);
    }

    pub(super) fn let_go(&self) {
        self.stand.send_replace(Stand::Free);
    }
}
