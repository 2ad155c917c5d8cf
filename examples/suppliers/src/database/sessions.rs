//! Rows of browser logins.

use oyez::protocol::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use crate::people::PersonId;

/// Keeps a login.
pub async fn insert(
    pool: &SqlitePool,
    token_hash: &[u8],
    person: PersonId,
    csrf: &str,
    expires_at: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/sessions/insert.sql"))
        .bind(token_hash)
        .bind(person.0)
        .bind(csrf)
        .bind(expires_at.as_millis())
        .execute(pool)
        .await?;
    Ok(())
}

/// Whose login this is and its CSRF proof, while it lasts.
pub async fn get(
    pool: &SqlitePool,
    token_hash: &[u8],
    now: Timestamp,
) -> sqlx::Result<Option<(PersonId, String)>> {
    let row: Option<(i64, String)> = sqlx::query_as(include_str!("../../sql/sessions/get.sql"))
        .bind(token_hash)
        .bind(now.as_millis())
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|(person, csrf)| (PersonId(person), csrf)))
}

/// Ends a login.
pub async fn delete(pool: &SqlitePool, token_hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/sessions/delete.sql")).bind(token_hash).execute(pool).await?;
    Ok(())
}

/// Ends a person's logins but this one.
pub async fn delete_others(
    tx: &mut SqliteConnection,
    person: PersonId,
    token_hash: &[u8],
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/sessions/delete_others.sql"))
        .bind(person.0)
        .bind(token_hash)
        .execute(tx)
        .await?;
    Ok(())
}

/// Drops logins that have run out. Returns how many.
pub async fn purge(pool: &SqlitePool, now: Timestamp) -> sqlx::Result<u64> {
    let purged =
        sqlx::query(include_str!("../../sql/sessions/purge.sql")).bind(now.as_millis()).execute(pool).await?;
    Ok(purged.rows_affected())
}
