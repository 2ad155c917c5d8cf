//! Rows of what waits to be told to Oyez.

use oyez::protocol::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::json;
use crate::errand::{Lane, Promise};

/// One waiting errand.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The row.
    pub id: i64,
    /// Whether somebody waits for it.
    pub lane: Lane,
    /// Errands with the same number keep their order.
    pub application: Option<i64>,
    /// The idempotency key, the same every time it is tried.
    pub key: String,
    /// The errand, as JSON.
    pub errand: String,
}

/// Promises an errand, in the transaction of the change it follows from.
pub async fn insert(tx: &mut SqliteConnection, promise: &Promise, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/outbox/insert.sql"))
        .bind(i64::from(promise.lane == Lane::Bulk))
        .bind(promise.application.map(|id| id.0))
        .bind(uuid::Uuid::now_v7().to_string())
        .bind(json(&promise.errand)?)
        .bind(now.as_millis())
        .execute(tx)
        .await?;
    Ok(())
}

/// What waits: single deeds before work on many, each in the order it was promised.
pub async fn next(pool: &SqlitePool, limit: i64) -> sqlx::Result<Vec<Waiting>> {
    let rows: Vec<(i64, i64, Option<i64>, String, String)> =
        sqlx::query_as(include_str!("../../sql/outbox/next.sql")).bind(limit).fetch_all(pool).await?;
    let waiting = |(id, lane, application, key, errand)| {
        let lane = if lane == 0 { Lane::Single } else { Lane::Bulk };
        Waiting { id, lane, application, key, errand }
    };
    Ok(rows.into_iter().map(waiting).collect())
}

/// Forgets those that Oyez has on disk.
pub async fn delete(tx: &mut SqliteConnection, ids: &[i64]) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/outbox/delete.sql")).bind(json(&ids)?).execute(tx).await?;
    Ok(())
}

/// Sets aside one that Oyez will never take, with the reason, so that it does not hold up the others.
pub async fn refuse(pool: &SqlitePool, id: i64, reason: &str) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/outbox/refuse.sql")).bind(id).bind(reason).execute(pool).await?;
    Ok(())
}

/// How many wait, and how many were set aside.
pub async fn count(pool: &SqlitePool) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(include_str!("../../sql/outbox/count.sql")).fetch_one(pool).await
}
