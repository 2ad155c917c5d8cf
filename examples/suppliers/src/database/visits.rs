//! Rows of browsers that may look at one application.

use oyez::protocol::Timestamp;
use sqlx::SqlitePool;

use crate::application::ApplicationId;

/// Keeps a visit.
pub async fn insert(
    pool: &SqlitePool,
    token_hash: &[u8],
    application: ApplicationId,
    csrf: &str,
    expires_at: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/visits/insert.sql"))
        .bind(token_hash)
        .bind(application.0)
        .bind(csrf)
        .bind(expires_at.as_millis())
        .execute(pool)
        .await?;
    Ok(())
}

/// Which application this visit shows and its CSRF proof, while it lasts.
pub async fn get(
    pool: &SqlitePool,
    token_hash: &[u8],
    now: Timestamp,
) -> sqlx::Result<Option<(ApplicationId, String)>> {
    let row: Option<(i64, String)> = sqlx::query_as(include_str!("../../sql/visits/get.sql"))
        .bind(token_hash)
        .bind(now.as_millis())
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|(application, csrf)| (ApplicationId(application), csrf)))
}

/// Drops visits that have run out. Returns how many.
pub async fn purge(pool: &SqlitePool, now: Timestamp) -> sqlx::Result<u64> {
    let purged =
        sqlx::query(include_str!("../../sql/visits/purge.sql")).bind(now.as_millis()).execute(pool).await?;
    Ok(purged.rows_affected())
}
