//! API keys: what applications authenticate with. Only hashes are stored.

use oyez_protocol::Timestamp;

use crate::{error::StoreError, store::Store, writer::Tx};

/// A key to be stored.
#[derive(Clone)]
pub struct NewKey {
    /// Names it, publicly.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// What it may do.
    pub scopes: Vec<String>,
}

/// A key as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it, publicly.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ended.
    pub revoked_at: Option<Timestamp>,
}

impl Tx {
    /// Stores a key. `Conflict` when the id is taken.
    pub async fn create_key(&mut self, key: &NewKey, now: Timestamp) -> Result<ApiKey, StoreError> {
        todo!()
    }

    /// Ends a key. Returns whether there was one that lived.
    pub async fn revoke_key(&mut self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        todo!()
    }
}

impl Store {
    /// The key with this secret, unless it was revoked.
    pub async fn key_by_hash(&self, secret_hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        todo!()
    }

    /// All keys, revoked ones too, oldest first.
    pub async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        todo!()
    }
}
