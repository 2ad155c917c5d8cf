//! Counts for the dashboard, read in one transaction so that they agree with each other.

use oyez::protocol::Timestamp;
use sqlx::SqlitePool;

use super::{applications::status, time};
use crate::{
    life_cycle::Status,
    statistics::{Counts, MONTHS, MOST_RECENT, Month, Recent},
};

/// All that the board shows.
pub async fn counts(pool: &SqlitePool, now: Timestamp) -> sqlx::Result<Counts> {
    // A month has 31 days at most: the first month of the chart is whole.
    let since = now.plus_seconds(-(MONTHS as i64) * 31 * 24 * 3600).as_millis();
    let mut tx = pool.begin().await?;
    let mut counts = Counts::default();
    let by_status: Vec<(String, i64)> =
        sqlx::query_as(include_str!("../../sql/statistics/by_status.sql")).fetch_all(&mut *tx).await?;
    for (word, count) in by_status {
        let found = status(&word)?;
        if let Some(place) = Status::ALL.iter().position(|one| *one == found) {
            counts.by_status[place] = count.unsigned_abs();
        }
    }
    let suppliers: i64 =
        sqlx::query_scalar(include_str!("../../sql/statistics/suppliers.sql")).fetch_one(&mut *tx).await?;
    counts.suppliers = suppliers.unsigned_abs();
    let recent: Vec<(i64, String, String, String, i64)> =
        sqlx::query_as(include_str!("../../sql/statistics/recent.sql"))
            .bind(MOST_RECENT)
            .fetch_all(&mut *tx)
            .await?;
    for (id, tracking_code, company_name, word, submitted_at) in recent {
        let (status, submitted_at) = (status(&word)?, time(submitted_at));
        counts.recent.push(Recent { id, tracking_code, company_name, status, submitted_at });
    }
    let months: Vec<(String, i64, i64)> = sqlx::query_as(include_str!("../../sql/statistics/months.sql"))
        .bind(since)
        .fetch_all(&mut *tx)
        .await?;
    counts.months = months
        .into_iter()
        .map(|(month, came, approved)| Month {
            month,
            applications: came.unsigned_abs(),
            approved: approved.unsigned_abs(),
        })
        .collect();
    tx.commit().await?;
    Ok(counts)
}
