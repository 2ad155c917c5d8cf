//! Answers that are kept for a day, so that a request sent again gets the same one. Publishes have their own way, in
//! their own transaction.

use oyez_protocol::Timestamp;

use crate::{
    engine::{Row, args, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// For how long a key is remembered, in seconds.
pub const REMEMBERED_SECONDS: i64 = 24 * 60 * 60;

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// SHA-256 of the request's body.
    pub fingerprint: [u8; 32],
    /// The answer.
    pub response: String,
}

impl Tx {
    /// The answer that was given under this key, for a day, as it is in this transaction.
    pub async fn recall(
        &mut self,
        scope: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Remembered>, StoreError> {
        let args = args![scope, key, now.plus_seconds(-REMEMBERED_SECONDS)];
        let row = self.fetch_one(sql!("idempotency/recall"), args).await?;
        row.as_ref().map(remembered).transpose()
    }

    /// Keeps an answer, in the same transaction as what it tells. `Conflict` when the key is in use.
    pub async fn remember(
        &mut self,
        scope: &str,
        key: &str,
        fingerprint: &[u8; 32],
        response: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let oldest = now.plus_seconds(-REMEMBERED_SECONDS);
        self.execute(sql!("idempotency/forget"), args![scope, key, oldest]).await?;
        let args = args![scope, key, fingerprint, response, now];
        self.execute(sql!("idempotency/remember"), args).await.map(|_| ())
    }
}

impl Store {
    /// The answer that was given under this key, for a day.
    pub async fn recall(
        &self,
        scope: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Remembered>, StoreError> {
        let args = args![scope, key, now.plus_seconds(-REMEMBERED_SECONDS)];
        let row = self.reader().await?.fetch_one(sql!("idempotency/recall"), args).await?;
        row.as_ref().map(remembered).transpose()
    }
}

fn remembered(row: &Row) -> Result<Remembered, StoreError> {
    Ok(Remembered { fingerprint: row.bytes(0)?, response: row.text(1)?.into() })
}
