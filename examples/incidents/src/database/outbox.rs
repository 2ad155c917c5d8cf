//! Rows of notifications that wait to be handed to Oyez.

use oyez::protocol::{Timestamp, api::publish::NotificationRequest};
use sqlx::{SqliteConnection, SqlitePool};

/// One waiting notification.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The row.
    pub id: i64,
    /// The idempotency key it is published with, every time it is tried.
    pub key: String,
    /// The notification, as JSON.
    pub request: String,
}

/// Promises a notification, in the transaction of the change it tells of.
pub async fn insert(
    tx: &mut SqliteConnection,
    request: &NotificationRequest,
    now: Timestamp,
) -> sqlx::Result<()> {
    let json = serde_json::to_string(request).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query(include_str!("../../sql/outbox/insert.sql"))
        .bind(uuid::Uuid::now_v7().to_string())
        .bind(json)
        .bind(now.as_millis())
        .execute(tx)
        .await?;
    Ok(())
}

/// The oldest that wait, in the order they were promised.
pub async fn next(pool: &SqlitePool, limit: i64) -> sqlx::Result<Vec<Waiting>> {
    let rows: Vec<(i64, String, String)> =
        sqlx::query_as(include_str!("../../sql/outbox/next.sql")).bind(limit).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(id, key, request)| Waiting { id, key, request }).collect())
}

/// Forgets one that Oyez has on disk.
pub async fn delete(pool: &SqlitePool, id: i64) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/outbox/delete.sql")).bind(id).execute(pool).await?;
    Ok(())
}

/// Sets aside one that Oyez will never take, with the reason, so that it does not hold up the others.
pub async fn refuse(pool: &SqlitePool, id: i64, reason: &str) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/outbox/refuse.sql")).bind(id).bind(reason).execute(pool).await?;
    Ok(())
}

/// How many wait.
pub async fn count_waiting(pool: &SqlitePool) -> sqlx::Result<i64> {
    sqlx::query_scalar(include_str!("../../sql/outbox/count_waiting.sql")).fetch_one(pool).await
}
