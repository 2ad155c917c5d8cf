//! Rows of tickets, their developers, their timeline, and what was already submitted.

use std::collections::HashMap;

use oyez::protocol::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{time, unknown_word};
use crate::{
    life_cycle::Status,
    people::{Mention, PersonId},
    ticket::{Category, Entry, Priority, Project, ProjectId, Ticket, TicketId},
};

/// A ticket about to be written.
#[derive(Debug)]
pub struct NewTicket<'a> {
    /// Where.
    pub project: ProjectId,
    /// One line.
    pub title: &'a str,
    /// The whole story.
    pub description: &'a str,
    /// How much it hurts.
    pub priority: Priority,
    /// What kind.
    pub category: Category,
    /// Who reports it.
    pub created_by: PersonId,
    /// What its open pages listen to.
    pub watch_topic: &'a str,
}

/// Which tickets to list.
#[derive(Debug, Clone, Copy)]
pub struct TicketFilter {
    /// Only those of this person; `None`: all.
    pub of: Option<PersonId>,
    /// With `of`: also those the person works on, not only those they created.
    pub worked_on: bool,
    /// Only with this status.
    pub status: Option<Status>,
    /// Only with a smaller number.
    pub before: Option<TicketId>,
    /// How many at most.
    pub limit: i64,
}

/// Writes a new ticket.
pub async fn insert(
    tx: &mut SqliteConnection,
    ticket: &NewTicket<'_>,
    now: Timestamp,
) -> sqlx::Result<TicketId> {
    sqlx::query_scalar(include_str!("../../sql/tickets/insert.sql"))
        .bind(ticket.project.0)
        .bind(ticket.title)
        .bind(ticket.description)
        .bind(ticket.priority.as_str())
        .bind(ticket.category.as_str())
        .bind(ticket.created_by.0)
        .bind(now.as_millis())
        .bind(ticket.priority.resolution_due_at(now).as_millis())
        .bind(ticket.watch_topic)
        .fetch_one(tx)
        .await
        .map(TicketId)
}

/// One ticket with its developers.
pub async fn get(connection: &mut SqliteConnection, id: TicketId) -> sqlx::Result<Option<Ticket>> {
    let row = sqlx::query(include_str!("../../sql/tickets/get.sql"))
        .bind(id.0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut ticket = read(&row)?;
    ticket.assigned_to = developers(connection, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(Some(ticket))
}

/// Tickets, the newest first.
pub async fn list(pool: &SqlitePool, filter: TicketFilter) -> sqlx::Result<Vec<Ticket>> {
    let mut connection = pool.acquire().await?;
    let rows = sqlx::query(include_str!("../../sql/tickets/list.sql"))
        .bind(filter.of.map(|person| person.0))
        .bind(filter.worked_on)
        .bind(filter.status.map(Status::as_str))
        .bind(filter.before.map(|id| id.0))
        .bind(filter.limit)
        .fetch_all(&mut *connection)
        .await?;
    let mut tickets = rows.iter().map(read).collect::<sqlx::Result<Vec<_>>>()?;
    let ids: Vec<TicketId> = tickets.iter().map(|ticket| ticket.id).collect();
    let mut assigned = developers(&mut connection, &ids).await?;
    for ticket in &mut tickets {
        ticket.assigned_to = assigned.remove(&ticket.id).unwrap_or_default();
    }
    Ok(tickets)
}

/// How many tickets stand where, of those the filter lets through (its status, position and limit do not matter).
pub async fn count_by_status(pool: &SqlitePool, filter: TicketFilter) -> sqlx::Result<HashMap<Status, i64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(include_str!("../../sql/tickets/count_by_status.sql"))
        .bind(filter.of.map(|person| person.0))
        .bind(filter.worked_on)
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(|(word, count)| Ok((status(&word)?, count))).collect()
}

/// Writes where the ticket stands and since when; its text never changes.
pub async fn update(tx: &mut SqliteConnection, ticket: &Ticket) -> sqlx::Result<()> {
    let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    sqlx::query(include_str!("../../sql/tickets/update.sql"))
        .bind(ticket.id.0)
        .bind(ticket.status.as_str())
        .bind(millis(ticket.opened_at))
        .bind(millis(ticket.started_at))
        .bind(millis(ticket.resolved_at))
        .bind(millis(ticket.closed_at))
        .bind(ticket.rejection_comment.as_deref())
        .execute(tx)
        .await?;
    Ok(())
}

/// Replaces who works on a ticket.
pub async fn set_developers(
    tx: &mut SqliteConnection,
    id: TicketId,
    developers: &[Mention],
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/tickets/clear_developers.sql")).bind(id.0).execute(&mut *tx).await?;
    for (position, developer) in (0_i64..).zip(developers) {
        sqlx::query(include_str!("../../sql/tickets/add_developer.sql"))
            .bind(id.0)
            .bind(developer.id.0)
            .bind(position)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Adds a line to the timeline.
pub async fn add_entry(
    tx: &mut SqliteConnection,
    ticket: TicketId,
    author: PersonId,
    kind: &str,
    body: &str,
    now: Timestamp,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(include_str!("../../sql/tickets/add_entry.sql"))
        .bind(ticket.0)
        .bind(author.0)
        .bind(kind)
        .bind(body)
        .bind(now.as_millis())
        .fetch_one(tx)
        .await
}

/// A ticket's timeline, the oldest first.
pub async fn entries(connection: &mut SqliteConnection, ticket: TicketId) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query(include_str!("../../sql/tickets/entries.sql"))
        .bind(ticket.0)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Entry {
                id: row.try_get("id")?,
                kind: row.try_get("kind")?,
                author: Mention {
                    id: PersonId(row.try_get("author_id")?),
                    name: row.try_get("author_name")?,
                },
                body: row.try_get("body")?,
                at: time(row.try_get("at")?),
            })
        })
        .collect()
}

/// What a submission with this key did before: its fingerprint and the ticket it touched.
pub async fn find_submission(
    tx: &mut SqliteConnection,
    person: PersonId,
    key: &str,
) -> sqlx::Result<Option<(Vec<u8>, TicketId)>> {
    let row: Option<(Vec<u8>, i64)> = sqlx::query_as(include_str!("../../sql/tickets/find_submission.sql"))
        .bind(person.0)
        .bind(key)
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|(fingerprint, ticket)| (fingerprint, TicketId(ticket))))
}

/// Remembers a submission, in the transaction of what it did.
pub async fn add_submission(
    tx: &mut SqliteConnection,
    person: PersonId,
    key: &str,
    fingerprint: &[u8],
    ticket: TicketId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/tickets/add_submission.sql"))
        .bind(person.0)
        .bind(key)
        .bind(fingerprint)
        .bind(ticket.0)
        .bind(now.as_millis())
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets submissions of this time and earlier.
pub async fn purge_submissions(pool: &SqlitePool, until: Timestamp) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/tickets/purge_submissions.sql"))
        .bind(until.as_millis())
        .execute(pool)
        .await?;
    Ok(())
}

async fn developers(
    connection: &mut SqliteConnection,
    ids: &[TicketId],
) -> sqlx::Result<HashMap<TicketId, Vec<Mention>>> {
    let ids = serde_json::to_string(ids).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let rows: Vec<(i64, i64, String)> = sqlx::query_as(include_str!("../../sql/tickets/developers.sql"))
        .bind(ids)
        .fetch_all(connection)
        .await?;
    let mut assigned: HashMap<TicketId, Vec<Mention>> = HashMap::new();
    for (ticket, id, name) in rows {
        assigned.entry(TicketId(ticket)).or_default().push(Mention { id: PersonId(id), name });
    }
    Ok(assigned)
}

fn status(word: &str) -> sqlx::Result<Status> {
    Status::parse(word).ok_or_else(|| unknown_word("status", word))
}

fn read(row: &SqliteRow) -> sqlx::Result<Ticket> {
    let priority: String = row.try_get("priority")?;
    let category: String = row.try_get("category")?;
    let optional_time = |column: &str| -> sqlx::Result<Option<Timestamp>> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(time))
    };
    Ok(Ticket {
        id: TicketId(row.try_get("id")?),
        project: Project { id: ProjectId(row.try_get("project_id")?), name: row.try_get("project_name")? },
        title: row.try_get("title")?,
        description: row.try_get("description")?,
        priority: Priority::parse(&priority).ok_or_else(|| unknown_word("priority", &priority))?,
        category: Category::parse(&category).ok_or_else(|| unknown_word("category", &category))?,
        status: status(row.try_get("status")?)?,
        created_by: Mention {
            id: PersonId(row.try_get("created_by")?),
            name: row.try_get("created_by_name")?,
        },
        assigned_to: Vec::new(),
        created_at: time(row.try_get("created_at")?),
        resolution_due_at: time(row.try_get("resolution_due_at")?),
        opened_at: optional_time("opened_at")?,
        started_at: optional_time("started_at")?,
        resolved_at: optional_time("resolved_at")?,
        closed_at: optional_time("closed_at")?,
        rejection_comment: row.try_get("rejection_comment")?,
        watch_topic: row.try_get("watch_topic")?,
    })
}
