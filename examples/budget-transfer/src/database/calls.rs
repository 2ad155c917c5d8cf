//! Rows of calls that Oracle must get once.

use std::time::Duration;

use oyez::protocol::Timestamp;
use sqlx::{Row, SqlitePool};

use super::{time, unreadable};
use crate::transfer::{Step, TransferId};

/// The call that counts for a step.
#[derive(Debug, Clone)]
pub struct StandingCall {
    /// The row.
    pub id: i64,
    /// When it was about to be made.
    pub intended_at: Timestamp,
    /// What it came to, once that is known.
    pub answer: Option<String>,
    /// Whether the step is done with it.
    pub done: bool,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The step is done.
    Done,
    /// Oracle tried and could not.
    Failed,
    /// Oracle never got it.
    NotMade,
}

/// The call that counts for this step, if one was ever intended and neither failed nor got lost.
pub async fn standing(
    pool: &SqlitePool,
    transfer: TransferId,
    step: Step,
) -> sqlx::Result<Option<StandingCall>> {
    let row = sqlx::query(include_str!("../../sql/calls/standing.sql"))
        .bind(transfer.0)
        .bind(step.number())
        .fetch_optional(pool)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(StandingCall {
        id: row.try_get("id")?,
        intended_at: time(row.try_get("intended_at")?),
        answer: row.try_get("answer")?,
        done: row.try_get::<Option<bool>, _>("done")?.unwrap_or(false),
    }))
}

/// Writes down that a call is about to be made. On return it is on disk. Fails when one stands for the step already.
pub async fn intend(
    pool: &SqlitePool,
    transfer: TransferId,
    step: Step,
    now: Timestamp,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(include_str!("../../sql/calls/intend.sql"))
        .bind(transfer.0)
        .bind(step.number())
        .bind(now.as_millis())
        .fetch_one(pool)
        .await
}

/// Keeps what a call came to.
pub async fn answer(pool: &SqlitePool, call: i64, answer: &str) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/calls/answer.sql")).bind(call).bind(answer).execute(pool).await?;
    Ok(())
}

/// Keeps how a call ended.
pub async fn end(pool: &SqlitePool, call: i64, ended: Ended) -> sqlx::Result<()> {
    let word = match ended {
        Ended::Done => "done",
        Ended::Failed => "failed",
        Ended::NotMade => "not_made",
    };
    sqlx::query(include_str!("../../sql/calls/end.sql")).bind(call).bind(word).execute(pool).await?;
    Ok(())
}

/// Adds to the time for which a call was looked for in vain; answers the sum.
pub async fn miss(pool: &SqlitePool, call: i64, time: Duration) -> sqlx::Result<Duration> {
    let sum: i64 = sqlx::query_scalar(include_str!("../../sql/calls/miss.sql"))
        .bind(call)
        .bind(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
        .fetch_one(pool)
        .await?;
    Ok(Duration::from_millis(sum.max(0).unsigned_abs()))
}

/// The answers of this step's calls that failed: requests that a lost one must not be taken for.
pub async fn failed(pool: &SqlitePool, transfer: TransferId, step: Step) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(include_str!("../../sql/calls/failed.sql"))
        .bind(transfer.0)
        .bind(step.number())
        .fetch_all(pool)
        .await
}

/// The answers of this step's calls since a time, for all transfers: requests that need not be looked at to find a lost
/// one.
pub async fn known(pool: &SqlitePool, step: Step, since: Timestamp) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(include_str!("../../sql/calls/known.sql"))
        .bind(step.number())
        .bind(since.as_millis())
        .fetch_all(pool)
        .await
}

/// The call whose fate is not known, and its step.
pub async fn unknown(pool: &SqlitePool, transfer: TransferId) -> sqlx::Result<Option<(i64, Step)>> {
    let row: Option<(i64, i64)> = sqlx::query_as(include_str!("../../sql/calls/unknown.sql"))
        .bind(transfer.0)
        .fetch_optional(pool)
        .await?;
    row.map(|(id, number)| {
        let step = Step::of_number(number).ok_or_else(|| unreadable("step", &number.to_string()))?;
        Ok((id, step))
    })
    .transpose()
}

/// How many of a transfer's calls are done: one for each step after the first.
pub async fn count_done(pool: &SqlitePool, transfer: TransferId) -> sqlx::Result<u32> {
    sqlx::query_scalar(include_str!("../../sql/calls/count_done.sql")).bind(transfer.0).fetch_one(pool).await
}
