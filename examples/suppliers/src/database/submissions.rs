//! Rows of what was already submitted.

use oyez::protocol::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

/// What a submission with this key did before: its fingerprint and what it touched.
pub async fn find(
    tx: &mut SqliteConnection,
    caller: &str,
    key: &str,
) -> sqlx::Result<Option<(Vec<u8>, i64)>> {
    sqlx::query_as(include_str!("../../sql/submissions/find.sql"))
        .bind(caller)
        .bind(key)
        .fetch_optional(tx)
        .await
}

/// Remembers a submission, in the transaction of what it did.
pub async fn insert(
    tx: &mut SqliteConnection,
    caller: &str,
    key: &str,
    fingerprint: &[u8],
    touched: i64,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/submissions/insert.sql"))
        .bind(caller)
        .bind(key)
        .bind(fingerprint)
        .bind(touched)
        .bind(now.as_millis())
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets submissions of this time and earlier. Returns how many.
pub async fn purge(pool: &SqlitePool, until: Timestamp) -> sqlx::Result<u64> {
    let purged = sqlx::query(include_str!("../../sql/submissions/purge.sql"))
        .bind(until.as_millis())
        .execute(pool)
        .await?;
    Ok(purged.rows_affected())
}
