//! Rows of built documents.

use sqlx::SqlitePool;

use crate::transfer::TransferId;

/// Keeps a transfer's zip.
pub async fn put(pool: &SqlitePool, transfer: TransferId, zip: &[u8]) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/documents/put.sql")).bind(transfer.0).bind(zip).execute(pool).await?;
    Ok(())
}

/// A transfer's zip, once it is built.
pub async fn get(pool: &SqlitePool, transfer: TransferId) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar(include_str!("../../sql/documents/get.sql"))
        .bind(transfer.0)
        .fetch_optional(pool)
        .await
}
