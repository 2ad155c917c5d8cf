//! Rows of work on many applications or suppliers at once.

use oyez::protocol::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{json, time, unknown_word};
use crate::{application::ApplicationId, people::PersonId};

/// Which work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BulkKind {
    /// Approve applications.
    Approve,
    /// Tell suppliers something.
    Announce,
}

impl BulkKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Announce => "announce",
        }
    }
}

/// Work on many.
#[derive(Debug, Clone, Serialize)]
pub struct Bulk {
    /// Which.
    pub id: i64,
    /// What is done.
    pub kind: BulkKind,
    /// In one line.
    pub title: String,
    /// An announcement's text.
    pub body: String,
    /// Whom or what it concerns.
    pub targets: Vec<ApplicationId>,
    /// Who asked for it.
    pub author: String,
    /// Who asked for it.
    pub created_by: PersonId,
    /// When.
    pub created_at: Timestamp,
    /// How many targets are behind it.
    pub done: i64,
    /// Which of those were left out, and why.
    pub left_out: Vec<LeftOut>,
    /// When all was done.
    pub finished_at: Option<Timestamp>,
}

/// One that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which.
    pub tracking_code: String,
    /// Why.
    pub reason: String,
}

/// Work about to be written.
#[derive(Debug)]
pub struct NewBulk<'a> {
    /// What is done.
    pub kind: BulkKind,
    /// In one line.
    pub title: &'a str,
    /// An announcement's text.
    pub body: &'a str,
    /// Whom or what it concerns.
    pub targets: &'a [ApplicationId],
    /// Who asks for it.
    pub created_by: PersonId,
}

/// Writes it.
pub async fn insert(tx: &mut SqliteConnection, bulk: &NewBulk<'_>, now: Timestamp) -> sqlx::Result<i64> {
    sqlx::query_scalar(include_str!("../../sql/bulks/insert.sql"))
        .bind(bulk.kind.as_str())
        .bind(bulk.title)
        .bind(bulk.body)
        .bind(json(&bulk.targets)?)
        .bind(bulk.created_by.0)
        .bind(now.as_millis())
        .fetch_one(tx)
        .await
}

/// One.
pub async fn get(pool: &SqlitePool, id: i64) -> sqlx::Result<Option<Bulk>> {
    let row = sqlx::query(include_str!("../../sql/bulks/get.sql")).bind(id).fetch_optional(pool).await?;
    row.as_ref().map(read).transpose()
}

/// The newest.
pub async fn list(pool: &SqlitePool, limit: i64) -> sqlx::Result<Vec<Bulk>> {
    let rows = sqlx::query(include_str!("../../sql/bulks/list.sql")).bind(limit).fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

/// What a supplier was told, the newest first: title, text, time.
pub async fn told(
    pool: &SqlitePool,
    supplier: ApplicationId,
    limit: i64,
) -> sqlx::Result<Vec<(String, String, Timestamp)>> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(include_str!("../../sql/bulks/for_suppliers.sql"))
        .bind(supplier.0)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(|(title, body, at)| (title, body, time(at))).collect())
}

/// Writes how far it is.
pub async fn progress(
    connection: &mut SqliteConnection,
    id: i64,
    done: usize,
    left_out: &[LeftOut],
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/bulks/progress.sql"))
        .bind(id)
        .bind(i64::try_from(done).unwrap_or(i64::MAX))
        .bind(json(&left_out)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes that it is done.
pub async fn finish(pool: &SqlitePool, id: i64, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/bulks/finish.sql"))
        .bind(id)
        .bind(now.as_millis())
        .execute(pool)
        .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> sqlx::Result<Bulk> {
    let kind: String = row.try_get("kind")?;
    let targets: String = row.try_get("targets")?;
    let left_out: String = row.try_get("left_out")?;
    let known = [BulkKind::Approve, BulkKind::Announce].into_iter().find(|one| one.as_str() == kind);
    Ok(Bulk {
        id: row.try_get("id")?,
        kind: known.ok_or_else(|| unknown_word("kind", &kind))?,
        title: row.try_get("title")?,
        body: row.try_get("body")?,
        targets: serde_json::from_str(&targets).map_err(|_| unknown_word("targets", &targets))?,
        author: row.try_get("author")?,
        created_by: PersonId(row.try_get("created_by")?),
        created_at: time(row.try_get("created_at")?),
        done: row.try_get("done")?,
        left_out: serde_json::from_str(&left_out).map_err(|_| unknown_word("left_out", &left_out))?,
        finished_at: row.try_get::<Option<i64>, _>("finished_at")?.map(time),
    })
}
