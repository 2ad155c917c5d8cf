//! What users want to be told, for an application that embeds Oyez.

use oyez_protocol::{
    UserId,
    api::preferences::{PreferencesRequest, PreferencesView},
};

use crate::server::{Error, Oyez};

/// What users want to be told when they are away: by which medium each type comes, when it is quiet, when digests come.
#[derive(Clone, Copy)]
pub struct Preferences<'a> {
    oyez: &'a Oyez,
}

impl Oyez {
    /// What users want to be told when they are away.
    pub fn preferences(&self) -> Preferences<'_> {
        Preferences { oyez: self }
    }
}

impl Preferences<'_> {
    /// What a user chose, and what there is to choose from. Somebody nobody knows chose nothing.
    pub async fn get(&self, user: &UserId) -> Result<PreferencesView, Error> {
        Ok(self.oyez.inner.preferences.get(user).await?)
    }

    /// Replaces what a user chose; a user nobody knew becomes known.
    pub async fn put(&self, user: &UserId, request: PreferencesRequest) -> Result<PreferencesView, Error> {
        Ok(self.oyez.inner.preferences.put(user, request).await?)
    }
}
