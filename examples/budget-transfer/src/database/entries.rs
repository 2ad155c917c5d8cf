//! Rows of an upload's story.

use oyez::protocol::Timestamp;
use serde::Serialize;
use sqlx::SqlitePool;

use super::time;
use crate::transfer::{Step, TransferId};

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// In which step.
    pub step_number: i64,
    /// When.
    pub at: Timestamp,
    /// What, in a sentence.
    pub text: String,
    /// Oracle's log, when there is one to read.
    pub log: Option<String>,
}

/// Adds to a transfer's story.
pub async fn insert(
    pool: &SqlitePool,
    transfer: TransferId,
    step: Step,
    now: Timestamp,
    text: &str,
    log: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/entries/insert.sql"))
        .bind(transfer.0)
        .bind(step.number())
        .bind(now.as_millis())
        .bind(text)
        .bind(log)
        .execute(pool)
        .await?;
    Ok(())
}

/// A transfer's story, from its beginning.
pub async fn list(pool: &SqlitePool, transfer: TransferId) -> sqlx::Result<Vec<Entry>> {
    let rows: Vec<(i64, i64, String, Option<String>)> =
        sqlx::query_as(include_str!("../../sql/entries/list.sql")).bind(transfer.0).fetch_all(pool).await?;
    Ok(rows
        .into_iter()
        .map(|(step_number, at, text, log)| Entry { step_number, at: time(at), text, log })
        .collect())
}
