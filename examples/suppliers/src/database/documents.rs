//! Rows of documents; the files themselves lie beside the database (see `files`).

use oyez::protocol::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{time, unknown_word};
use crate::{
    application::ApplicationId,
    document::{Document, DocumentId, DocumentKind},
    people::PersonId,
};

/// A document about to be written.
#[derive(Debug)]
pub struct NewDocument<'a> {
    /// Whose.
    pub application: ApplicationId,
    /// What it shows.
    pub kind: DocumentKind,
    /// Its name, safe.
    pub name: &'a str,
    /// The file's name on disk.
    pub file: &'a str,
    /// What it is.
    pub media_type: &'a str,
    /// How large.
    pub bytes: i64,
}

/// Writes a document.
pub async fn insert(
    tx: &mut SqliteConnection,
    document: &NewDocument<'_>,
    now: Timestamp,
) -> sqlx::Result<DocumentId> {
    let id = sqlx::query_scalar(include_str!("../../sql/documents/insert.sql"))
        .bind(document.application.0)
        .bind(document.kind.as_str())
        .bind(document.name)
        .bind(document.file)
        .bind(document.media_type)
        .bind(document.bytes)
        .bind(now.as_millis())
        .fetch_one(tx)
        .await?;
    Ok(DocumentId(id))
}

/// One document.
pub async fn get(connection: &mut SqliteConnection, id: DocumentId) -> sqlx::Result<Option<Document>> {
    let row = sqlx::query(include_str!("../../sql/documents/get.sql"))
        .bind(id.0)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// An application's documents, the oldest first.
pub async fn list(
    connection: &mut SqliteConnection,
    application: ApplicationId,
) -> sqlx::Result<Vec<Document>> {
    let rows = sqlx::query(include_str!("../../sql/documents/list.sql"))
        .bind(application.0)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// How many documents an application has.
pub async fn count(connection: &mut SqliteConnection, application: ApplicationId) -> sqlx::Result<i64> {
    sqlx::query_scalar(include_str!("../../sql/documents/count.sql"))
        .bind(application.0)
        .fetch_one(connection)
        .await
}

/// Marks a document as found good. Returns whether that changed anything.
pub async fn verify(
    tx: &mut SqliteConnection,
    id: DocumentId,
    by: PersonId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query(include_str!("../../sql/documents/verify.sql"))
        .bind(id.0)
        .bind(now.as_millis())
        .bind(by.0)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether any document is in this file.
pub async fn is_known(pool: &SqlitePool, file: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(include_str!("../../sql/documents/is_known.sql")).bind(file).fetch_one(pool).await
}

fn read(row: &SqliteRow) -> sqlx::Result<Document> {
    let kind: String = row.try_get("kind")?;
    Ok(Document {
        id: DocumentId(row.try_get("id")?),
        application: ApplicationId(row.try_get("application_id")?),
        kind: DocumentKind::parse(&kind).ok_or_else(|| unknown_word("kind", &kind))?,
        name: row.try_get("name")?,
        file: row.try_get("file")?,
        media_type: row.try_get("media_type")?,
        bytes: row.try_get("bytes")?,
        uploaded_at: time(row.try_get("uploaded_at")?),
        verified_at: row.try_get::<Option<i64>, _>("verified_at")?.map(time),
        verified_by: row.try_get("verifier")?,
    })
}
