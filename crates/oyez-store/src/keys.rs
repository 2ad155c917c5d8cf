//! API keys: what applications authenticate with. Only hashes are stored.

use oyez_protocol::Timestamp;

use crate::{
    engine::{Row, args, json, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

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
        let args = args![key.id.as_str(), key.name.as_str(), &key.secret_hash, json(&key.scopes), now];
        self.execute(sql!("keys/create"), args).await?;
        Ok(ApiKey {
            id: key.id.clone(),
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            created_at: now,
            revoked_at: None,
        })
    }

    /// Ends a key. Returns whether there was one that lived.
    pub async fn revoke_key(&mut self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.execute(sql!("keys/revoke"), args![id, now]).await? > 0)
    }
}

impl Store {
    /// The key with this secret, unless it was revoked.
    pub async fn key_by_hash(&self, secret_hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("keys/by_hash"), args![secret_hash]).await?;
        row.map(|row| key(&row)).transpose()
    }

    /// All keys, revoked ones too, oldest first.
    pub async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("keys/all"), args![]).await?;
        rows.iter().map(key).collect()
    }
}

fn key(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.text(0)?.into(),
        name: row.text(1)?.into(),
        scopes: row.names(2)?,
        created_at: row.time(3)?,
        revoked_at: row.opt_time(4)?,
    })
}
