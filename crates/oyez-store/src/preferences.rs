//! What users chose: by which medium each type comes, when it is quiet, when digests come.
//!
//! Stored is what was asked for; the core reads it anew each time, so that what it means may change with the core.

use oyez_core::fallback::Preferences;
use oyez_protocol::{Timestamp, UserId, api::preferences::PreferencesRequest};

use crate::{
    engine::{Row, args, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

impl Tx {
    /// Replaces what a user chose; the user becomes known by it. What chooses nothing leaves nothing behind.
    pub async fn put_preferences(
        &mut self,
        user: &UserId,
        request: &PreferencesRequest,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let num = self.known_user(user, now).await?;
        if *request == PreferencesRequest::default() {
            return self.execute(sql!("preferences/clear"), args![num]).await.map(|_| ());
        }
        let text = serde_json::to_string(request)
            .map_err(|error| StoreError::Fault(format!("preferences cannot be written: {error}")))?;
        self.execute(sql!("preferences/put"), args![num, text, now]).await.map(|_| ())
    }

    /// What a user chose, as it is in this transaction; nothing when they are unknown.
    pub async fn preferences(&mut self, user: &UserId) -> Result<PreferencesRequest, StoreError> {
        let row = self.fetch_one(sql!("preferences/one"), args![user]).await?;
        row.map_or(Ok(PreferencesRequest::default()), |row| request(&row))
    }
}

impl Store {
    /// What a user chose; nothing when they are unknown.
    pub async fn preferences(&self, user: &UserId) -> Result<PreferencesRequest, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("preferences/one"), args![user]).await?;
        row.map_or(Ok(PreferencesRequest::default()), |row| request(&row))
    }
}

fn request(row: &Row) -> Result<PreferencesRequest, StoreError> {
    serde_json::from_str(row.text(0)?)
        .map_err(|_| StoreError::Fault("a user's preferences cannot be read back".into()))
}

/// Reads what was stored. What cannot be read any more, such as a time zone that this machine does not know, must not
/// stop a publish: the operator's rules hold then.
pub(crate) fn stored(text: &str) -> Preferences {
    let request = serde_json::from_str::<PreferencesRequest>(text).map_err(|error| error.to_string());
    let read = request.and_then(|request| Preferences::read(&request).map_err(|invalid| invalid.message));
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, "a user's preferences cannot be read; the operator's rules hold instead");
        Preferences::NONE
    })
}
