//! The templates that are used now, and how a node notices that another one changed what is stored.
//!
//! The store counts changes. Whoever reads or changes templates over the API asks for the count each time; who sends
//! asks at most once a second, so that a burst of messages costs one small read.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use oyez_protocol::Timestamp;
use oyez_store::StoreError;

use super::{
    Templates,
    catalogue::{Catalogue, Entry},
};

/// How old what is sent may be.
const FRESH_MILLIS: i64 = 1_000;

/// What is used now.
pub(super) struct Present {
    /// And how many changes it has seen.
    used: RwLock<(Arc<Catalogue>, u64)>,
    /// When the store was asked the last time by one who sends.
    asked_at: Mutex<Timestamp>,
}

impl Present {
    /// Begins with what is in files.
    pub(super) fn new(files: Catalogue, now: Timestamp) -> Self {
        Self { used: RwLock::new((Arc::new(files), 0)), asked_at: Mutex::new(now) }
    }

    pub(super) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.used.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    fn revision(&self) -> u64 {
        self.used.read().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Takes what was read, unless a later reading was quicker.
    fn replace(&self, catalogue: Catalogue, revision: u64) {
        let mut used = self.used.write().unwrap_or_else(PoisonError::into_inner);
        if revision >= used.1 {
            *used = (Arc::new(catalogue), revision);
        }
    }

    /// Whether it is time to ask the store; true for one caller.
    fn is_stale(&self, now: Timestamp) -> bool {
        let mut asked_at = self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        // Before it: the clock was set back.
        if (0..FRESH_MILLIS).contains(&now.millis_since(*asked_at)) {
            return false;
        }
        *asked_at = now;
        true
    }
}

impl Templates {
    /// Call it before rendering: what another node changed more than a second ago is used then. Should the store not
    /// answer, what is known goes on being used.
    pub async fn keep_up(&self) {
        if !self.shared.present.is_stale(self.shared.clock.now()) {
            return;
        }
        if let Err(error) = self.catch_up().await {
            tracing::warn!(%error, "could not look whether templates were changed");
        }
    }

    /// Reads what is stored if it was changed since.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        if self.shared.store.templates_revision().await? == self.shared.present.revision() {
            return Ok(());
        }
        self.read_stored().await
    }

    /// Reads what is stored.
    pub(super) async fn read_stored(&self) -> Result<(), StoreError> {
        // The count first: a change in between makes what is read newer than its count, and is read once more.
        let revision = self.shared.store.templates_revision().await?;
        let stored = self.shared.store.templates().await?.into_iter().map(Entry::stored);
        let catalogue = Catalogue::new(self.shared.files.iter().cloned().chain(stored).collect());
        self.shared.present.replace(catalogue, revision);
        Ok(())
    }
}
