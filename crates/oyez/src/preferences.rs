//! What users want to be told when they are away: by which medium each type comes, when it is quiet, when digests come.

use std::sync::Arc;

use oyez_core::{
    clock::Clock,
    fallback::{self, Policy},
    notification::Invalid,
};
use oyez_protocol::{
    ErrorCode, UserId,
    api::preferences::{PreferencesRequest, PreferencesView},
};
use oyez_store::{Store, StoreError};

/// Why a call is refused, or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PreferencesError {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PreferencesError {
    /// The stable code for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::Store(error) => error.code(),
        }
    }
}

/// Preferences of users. Cheap to clone.
#[derive(Clone)]
pub struct Preferences {
    store: Store,
    clock: Clock,
    policy: Arc<Policy>,
}

impl Preferences {
    /// Joins the store and the operator's rules.
    pub fn new(store: Store, clock: Clock, policy: Arc<Policy>) -> Self {
        Self { store, clock, policy }
    }

    /// What a user chose, and what there is to choose from. Somebody nobody knows chose nothing.
    pub async fn get(&self, user: &UserId) -> Result<PreferencesView, PreferencesError> {
        let preferences = self.store.preferences(user).await?;
        Ok(self.view(preferences))
    }

    /// Replaces what a user chose; a user nobody knew becomes known. What is planned already follows where a type was
    /// muted, and where hours are quiet.
    pub async fn put(
        &self,
        user: &UserId,
        request: PreferencesRequest,
    ) -> Result<PreferencesView, PreferencesError> {
        fallback::Preferences::check(&request, &self.policy)?;
        let (owner, chosen, now) = (user.clone(), request.clone(), self.clock.now());
        self.store
            .write(move |tx| Box::pin(async move { tx.put_preferences(&owner, &chosen, now).await }))
            .await?;
        Ok(self.view(request))
    }

    fn view(&self, preferences: PreferencesRequest) -> PreferencesView {
        PreferencesView { preferences, media: self.policy.media(), critical: self.policy.critical() }
    }
}
