//! Rows of projects and who belongs to them.

use oyez::protocol::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use crate::{
    people::{Mention, PersonId},
    ticket::{Project, ProjectId},
};

/// Writes a project; `None` when the name is taken.
pub async fn insert(
    tx: &mut SqliteConnection,
    name: &str,
    now: Timestamp,
) -> sqlx::Result<Option<ProjectId>> {
    let inserted = sqlx::query_scalar(include_str!("../../sql/projects/insert.sql"))
        .bind(name)
        .bind(now.as_millis())
        .fetch_one(tx)
        .await;
    match inserted {
        Ok(id) => Ok(Some(ProjectId(id))),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        Err(error) => Err(error),
    }
}

/// All projects, or those one person belongs to, by name.
pub async fn list(pool: &SqlitePool, member: Option<PersonId>) -> sqlx::Result<Vec<Project>> {
    let rows: Vec<(i64, String)> = sqlx::query_as(include_str!("../../sql/projects/list.sql"))
        .bind(member.map(|person| person.0))
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(|(id, name)| Project { id: ProjectId(id), name }).collect())
}

/// One project.
pub async fn get(connection: &mut SqliteConnection, id: ProjectId) -> sqlx::Result<Option<Project>> {
    let row: Option<(i64, String)> = sqlx::query_as(include_str!("../../sql/projects/get.sql"))
        .bind(id.0)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(id, name)| Project { id: ProjectId(id), name }))
}

/// Whether the person belongs to the project.
pub async fn is_member(
    connection: &mut SqliteConnection,
    id: ProjectId,
    person: PersonId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(include_str!("../../sql/projects/is_member.sql"))
        .bind(id.0)
        .bind(person.0)
        .fetch_one(connection)
        .await
}

/// Lets a person report incidents in the project.
pub async fn add_member(tx: &mut SqliteConnection, id: ProjectId, person: PersonId) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/projects/add_member.sql"))
        .bind(id.0)
        .bind(person.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Takes a person out of the project. Their tickets stay.
pub async fn remove_member(tx: &mut SqliteConnection, id: ProjectId, person: PersonId) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/projects/remove_member.sql"))
        .bind(id.0)
        .bind(person.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Every project's members, by name.
pub async fn members(pool: &SqlitePool) -> sqlx::Result<Vec<(ProjectId, Mention)>> {
    let rows: Vec<(i64, i64, String)> =
        sqlx::query_as(include_str!("../../sql/projects/members.sql")).fetch_all(pool).await?;
    Ok(rows
        .into_iter()
        .map(|(project, id, name)| (ProjectId(project), Mention { id: PersonId(id), name }))
        .collect())
}
