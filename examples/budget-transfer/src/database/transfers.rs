//! Rows of transfers, their lines, and what was already submitted.

use std::collections::HashMap;

use oyez::protocol::{JobId, Timestamp, UserId};
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{books::day, time, unreadable};
use crate::transfer::{Amount, Draft, Line, Side, Transfer, TransferId};

/// A transfer and the job that uploads it, once Oyez has it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The transfer.
    pub transfer: Transfer,
    /// Its job.
    pub job: Option<JobId>,
}

/// Writes a transfer and its lines.
pub async fn insert(
    tx: &mut SqliteConnection,
    owner: &UserId,
    draft: &Draft,
    reference: i64,
    now: Timestamp,
) -> sqlx::Result<TransferId> {
    let id: i64 = sqlx::query_scalar(include_str!("../../sql/transfers/insert.sql"))
        .bind(owner.as_str())
        .bind(&draft.description)
        .bind(&draft.period)
        .bind(draft.date.to_string())
        .bind(&draft.currency)
        .bind(reference)
        .bind(now.as_millis())
        .fetch_one(&mut *tx)
        .await?;
    for (position, line) in (0_i64..).zip(&draft.lines) {
        sqlx::query(include_str!("../../sql/transfers/add_line.sql"))
            .bind(id)
            .bind(position)
            .bind(&line.account)
            .bind(line.side.as_str())
            .bind(line.amount.cents())
            .bind(&line.description)
            .execute(&mut *tx)
            .await?;
    }
    Ok(TransferId(id))
}

/// One transfer.
pub async fn get(connection: &mut SqliteConnection, id: TransferId) -> sqlx::Result<Option<Stored>> {
    let row = sqlx::query(include_str!("../../sql/transfers/get.sql"))
        .bind(id.0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let lines = lines(connection, &[id]).await?.remove(&id).unwrap_or_default();
    read(&row, lines).map(Some)
}

/// An owner's transfers, the newest first.
pub async fn list(
    pool: &SqlitePool,
    owner: &UserId,
    before: Option<TransferId>,
    limit: i64,
) -> sqlx::Result<Vec<Stored>> {
    let mut connection = pool.acquire().await?;
    let rows = sqlx::query(include_str!("../../sql/transfers/list.sql"))
        .bind(owner.as_str())
        .bind(before.map(|id| id.0))
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
    let ids: Vec<TransferId> =
        rows.iter().map(|row| row.try_get("id").map(TransferId)).collect::<sqlx::Result<_>>()?;
    let mut lines = lines(&mut connection, &ids).await?;
    rows.iter().zip(ids).map(|(row, id)| read(row, lines.remove(&id).unwrap_or_default())).collect()
}

/// Keeps which job uploads a transfer.
pub async fn set_job(tx: &mut SqliteConnection, id: TransferId, job: JobId) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/transfers/set_job.sql"))
        .bind(id.0)
        .bind(job.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// What was submitted under a key, as a fingerprint, and the transfer it became.
pub async fn find_submission(
    tx: &mut SqliteConnection,
    owner: &UserId,
    key: &str,
) -> sqlx::Result<Option<(Vec<u8>, TransferId)>> {
    let row: Option<(Vec<u8>, i64)> = sqlx::query_as(include_str!("../../sql/transfers/find_submission.sql"))
        .bind(owner.as_str())
        .bind(key)
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|(fingerprint, id)| (fingerprint, TransferId(id))))
}

/// Remembers a submission.
pub async fn add_submission(
    tx: &mut SqliteConnection,
    owner: &UserId,
    key: &str,
    fingerprint: &[u8],
    id: TransferId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/transfers/add_submission.sql"))
        .bind(owner.as_str())
        .bind(key)
        .bind(fingerprint)
        .bind(id.0)
        .bind(now.as_millis())
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets submissions up to a time.
pub async fn purge_submissions(pool: &SqlitePool, until: Timestamp) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/transfers/purge_submissions.sql"))
        .bind(until.as_millis())
        .execute(pool)
        .await?;
    Ok(())
}

async fn lines(
    connection: &mut SqliteConnection,
    ids: &[TransferId],
) -> sqlx::Result<HashMap<TransferId, Vec<Line>>> {
    let json = serde_json::to_string(ids).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let rows =
        sqlx::query(include_str!("../../sql/transfers/lines.sql")).bind(json).fetch_all(connection).await?;
    let mut lines: HashMap<_, Vec<_>> = HashMap::new();
    for row in &rows {
        let side: &str = row.try_get("side")?;
        let cents: i64 = row.try_get("cents")?;
        let line = Line {
            account: row.try_get("account")?,
            side: Side::parse(side).ok_or_else(|| unreadable("side", side))?,
            amount: Amount::from_cents(cents).ok_or_else(|| unreadable("cents", &cents.to_string()))?,
            description: row.try_get("description")?,
        };
        lines.entry(TransferId(row.try_get("transfer_id")?)).or_default().push(line);
    }
    Ok(lines)
}

fn read(row: &SqliteRow, lines: Vec<Line>) -> sqlx::Result<Stored> {
    let owner: &str = row.try_get("owner")?;
    let job: Option<&str> = row.try_get("job")?;
    let draft = Draft {
        description: row.try_get("description")?,
        period: row.try_get("period")?,
        date: day(row, "date")?,
        currency: row.try_get("currency")?,
        lines,
    };
    let transfer = Transfer {
        id: TransferId(row.try_get("id")?),
        owner: UserId::new(owner).map_err(|_| unreadable("owner", owner))?,
        draft,
        created_at: time(row.try_get("created_at")?),
        reference: row.try_get("reference")?,
    };
    let job = job.map(|text| text.parse().map_err(|_| unreadable("job", text))).transpose()?;
    Ok(Stored { transfer, job })
}
