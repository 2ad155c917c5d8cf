//! Rows of applications, their tracking numbers and their timeline.

use std::collections::HashMap;

use oyez::protocol::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{time, unknown_word};
use crate::{
    application::{Application, ApplicationId, Category, Entry, Form, TrackingCode},
    document::DocumentKind,
    life_cycle::Status,
    people::PersonId,
    statistics::year_and_month,
};

/// Which applications to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<Status>,
    /// Only of this category.
    pub category: Option<Category>,
    /// Only where company, contact, address, register number or tracking code contain this text.
    pub text: Option<String>,
}

impl Filter {
    fn pattern(&self) -> Option<String> {
        let text = self.text.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        let mut pattern = String::from("%");
        for c in text.to_lowercase().chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        Some(pattern)
    }

    fn category(&self) -> Option<&'static str> {
        self.category.map(Category::as_str)
    }
}

/// Takes the next tracking code of the year and writes the application.
pub async fn insert(
    tx: &mut SqliteConnection,
    form: &Form,
    now: Timestamp,
) -> sqlx::Result<(ApplicationId, TrackingCode)> {
    let (year, _) = year_and_month(now);
    let number: i64 = sqlx::query_scalar(include_str!("../../sql/applications/next_number.sql"))
        .bind(year)
        .fetch_one(&mut *tx)
        .await?;
    let code = TrackingCode::new(year, number);
    let words =
        [code.as_str(), &form.company_name, &form.contact_name, &form.email, &form.registration_number];
    let id = sqlx::query_scalar(include_str!("../../sql/applications/insert.sql"))
        .bind(code.as_str())
        .bind(&form.company_name)
        .bind(&form.registration_number)
        .bind(&form.country)
        .bind(form.category.as_str())
        .bind(&form.contact_name)
        .bind(&form.email)
        .bind(&form.phone)
        .bind(&form.website)
        .bind(&form.description)
        .bind(now.as_millis())
        .bind(words.join("\n").to_lowercase())
        .fetch_one(tx)
        .await?;
    Ok((ApplicationId(id), code))
}

/// One application.
pub async fn get(connection: &mut SqliteConnection, id: ApplicationId) -> sqlx::Result<Option<Application>> {
    let row = sqlx::query(include_str!("../../sql/applications/get.sql"))
        .bind(id.0)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The application with this code and address: both must be right.
pub async fn find(
    pool: &SqlitePool,
    code: &TrackingCode,
    email: &str,
) -> sqlx::Result<Option<ApplicationId>> {
    let id: Option<i64> = sqlx::query_scalar(include_str!("../../sql/applications/find.sql"))
        .bind(code.as_str())
        .bind(email)
        .fetch_optional(pool)
        .await?;
    Ok(id.map(ApplicationId))
}

/// Applications, the newest first.
pub async fn list(
    pool: &SqlitePool,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<Application>> {
    let rows = sqlx::query(include_str!("../../sql/applications/list.sql"))
        .bind(filter.status.map(Status::as_str))
        .bind(filter.category())
        .bind(filter.pattern())
        .bind(limit)
        .bind(offset)
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

/// How many applications stand where, of those the filter lets through (its status does not matter).
pub async fn count_by_status(pool: &SqlitePool, filter: &Filter) -> sqlx::Result<HashMap<Status, i64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(include_str!("../../sql/applications/count_by_status.sql"))
        .bind(filter.category())
        .bind(filter.pattern())
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(|(word, count)| Ok((status(&word)?, count))).collect()
}

/// The applications with this status that the filter lets through, the oldest first.
pub async fn ids(
    connection: &mut SqliteConnection,
    status: Status,
    filter: &Filter,
    limit: i64,
) -> sqlx::Result<Vec<ApplicationId>> {
    let ids: Vec<i64> = sqlx::query_scalar(include_str!("../../sql/applications/ids.sql"))
        .bind(status.as_str())
        .bind(filter.category())
        .bind(filter.pattern())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(ids.into_iter().map(ApplicationId).collect())
}

/// Writes where the application stands; what was filled in never changes.
pub async fn update(tx: &mut SqliteConnection, application: &Application) -> sqlx::Result<()> {
    let words: Vec<_> = application.requested.iter().map(|kind| kind.as_str()).collect();
    sqlx::query(include_str!("../../sql/applications/update.sql"))
        .bind(application.id.0)
        .bind(application.status.as_str())
        .bind(application.updated_at.as_millis())
        .bind(application.decided_at.map(Timestamp::as_millis))
        .bind(super::json(&words)?)
        .bind(application.request_note.as_deref())
        .bind(application.rejection_reason.as_deref())
        .execute(tx)
        .await?;
    Ok(())
}

/// Adds a line to the timeline; without a person, the applicant did it.
pub async fn add_entry(
    tx: &mut SqliteConnection,
    application: ApplicationId,
    person: Option<PersonId>,
    kind: &str,
    body: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/applications/add_entry.sql"))
        .bind(application.0)
        .bind(person.map(|person| person.0))
        .bind(kind)
        .bind(body)
        .bind(now.as_millis())
        .execute(tx)
        .await?;
    Ok(())
}

/// An application's timeline, the oldest first.
pub async fn entries(connection: &mut SqliteConnection, id: ApplicationId) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query(include_str!("../../sql/applications/entries.sql"))
        .bind(id.0)
        .fetch_all(connection)
        .await?;
    let entry = |row: &SqliteRow| {
        Ok(Entry {
            id: row.try_get("id")?,
            kind: row.try_get("kind")?,
            person: row.try_get("person")?,
            body: row.try_get("body")?,
            at: time(row.try_get("at")?),
        })
    };
    rows.iter().map(entry).collect()
}

pub(super) fn status(word: &str) -> sqlx::Result<Status> {
    Status::parse(word).ok_or_else(|| unknown_word("status", word))
}

fn read(row: &SqliteRow) -> sqlx::Result<Application> {
    let code: String = row.try_get("tracking_code")?;
    let category: String = row.try_get("category")?;
    let requested: String = row.try_get("requested")?;
    let words: Vec<String> =
        serde_json::from_str(&requested).map_err(|_| unknown_word("requested", &requested))?;
    let kind = |word: &String| DocumentKind::parse(word).ok_or_else(|| unknown_word("requested", word));
    Ok(Application {
        id: ApplicationId(row.try_get("id")?),
        tracking_code: TrackingCode::parse(&code).ok_or_else(|| unknown_word("tracking_code", &code))?,
        form: Form {
            company_name: row.try_get("company_name")?,
            registration_number: row.try_get("registration_number")?,
            country: row.try_get("country")?,
            category: Category::parse(&category).ok_or_else(|| unknown_word("category", &category))?,
            contact_name: row.try_get("contact_name")?,
            email: row.try_get("email")?,
            phone: row.try_get("phone")?,
            website: row.try_get("website")?,
            description: row.try_get("description")?,
        },
        status: status(row.try_get("status")?)?,
        submitted_at: time(row.try_get("submitted_at")?),
        updated_at: time(row.try_get("updated_at")?),
        decided_at: row.try_get::<Option<i64>, _>("decided_at")?.map(time),
        requested: words.iter().map(kind).collect::<sqlx::Result<_>>()?,
        request_note: row.try_get("request_note")?,
        rejection_reason: row.try_get("rejection_reason")?,
    })
}
