//! Rows of temporary passwords: one per person, used once, within their time.

use oyez::protocol::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::time;
use crate::people::PersonId;

/// How a temporary password stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    /// It opens nothing after this.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// Keeps a new one in place of any older.
pub async fn put(
    tx: &mut SqliteConnection,
    person: PersonId,
    hash: &[u8],
    expires_at: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/credentials/put.sql"))
        .bind(person.0)
        .bind(hash)
        .bind(expires_at.as_millis())
        .execute(tx)
        .await?;
    Ok(())
}

/// Uses it up, if it is the right one and still good. One statement: of two logins at once, one succeeds.
pub async fn use_up(pool: &SqlitePool, person: PersonId, hash: &[u8], now: Timestamp) -> sqlx::Result<bool> {
    let used = sqlx::query(include_str!("../../sql/credentials/use.sql"))
        .bind(person.0)
        .bind(hash)
        .bind(now.as_millis())
        .execute(pool)
        .await?;
    Ok(used.rows_affected() == 1)
}

/// How a person's stands.
pub async fn get(connection: &mut SqliteConnection, person: PersonId) -> sqlx::Result<Option<Credential>> {
    let row: Option<(i64, Option<i64>)> = sqlx::query_as(include_str!("../../sql/credentials/get.sql"))
        .bind(person.0)
        .fetch_optional(connection)
        .await?;
    Ok(row
        .map(|(expires_at, used_at)| Credential { expires_at: time(expires_at), used_at: used_at.map(time) }))
}

/// Forgets a person's.
pub async fn delete(tx: &mut SqliteConnection, person: PersonId) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/credentials/delete.sql")).bind(person.0).execute(tx).await?;
    Ok(())
}

/// Forgets those that have run out. Returns how many.
pub async fn purge(pool: &SqlitePool, now: Timestamp) -> sqlx::Result<u64> {
    let purged = sqlx::query(include_str!("../../sql/credentials/purge.sql"))
        .bind(now.as_millis())
        .execute(pool)
        .await?;
    Ok(purged.rows_affected())
}
