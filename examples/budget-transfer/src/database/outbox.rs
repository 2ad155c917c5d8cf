//! Rows of transfers whose job is not yet known to be with Oyez.

use sqlx::{SqliteConnection, SqlitePool};

use crate::transfer::TransferId;

/// Promises a job, in the transaction that stores the transfer.
pub async fn insert(tx: &mut SqliteConnection, transfer: TransferId) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/outbox/insert.sql")).bind(transfer.0).execute(tx).await?;
    Ok(())
}

/// The oldest that wait.
pub async fn next(pool: &SqlitePool, limit: i64) -> sqlx::Result<Vec<TransferId>> {
    let ids: Vec<i64> =
        sqlx::query_scalar(include_str!("../../sql/outbox/next.sql")).bind(limit).fetch_all(pool).await?;
    Ok(ids.into_iter().map(TransferId).collect())
}

/// Forgets one whose job is on Oyez's disk.
pub async fn delete(tx: &mut SqliteConnection, transfer: TransferId) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/outbox/delete.sql")).bind(transfer.0).execute(tx).await?;
    Ok(())
}

/// Sets aside one that Oyez will never take, with the reason, so that it does not hold up the others.
pub async fn refuse(pool: &SqlitePool, transfer: TransferId, reason: &str) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/outbox/refuse.sql"))
        .bind(transfer.0)
        .bind(reason)
        .execute(pool)
        .await?;
    Ok(())
}

/// Why Oyez never took it, when that is so.
pub async fn refusal(pool: &SqlitePool, transfer: TransferId) -> sqlx::Result<Option<String>> {
    let refused: Option<Option<String>> = sqlx::query_scalar(include_str!("../../sql/outbox/refusal.sql"))
        .bind(transfer.0)
        .fetch_optional(pool)
        .await?;
    Ok(refused.flatten())
}
