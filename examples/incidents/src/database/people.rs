//! Rows of people and their roles.

use oyez::protocol::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::unknown_word;
use crate::people::{Person, PersonId, Role};

/// Writes a person; `None` when the e-mail address is taken.
pub async fn insert(
    tx: &mut SqliteConnection,
    email: &str,
    name: &str,
    password_hash: &str,
    now: Timestamp,
) -> sqlx::Result<Option<PersonId>> {
    let inserted = sqlx::query_scalar(include_str!("../../sql/people/insert.sql"))
        .bind(email)
        .bind(name)
        .bind(password_hash)
        .bind(now.as_millis())
        .fetch_one(tx)
        .await;
    match inserted {
        Ok(id) => Ok(Some(PersonId(id))),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives a person a role; nothing when they hold it.
pub async fn add_role(tx: &mut SqliteConnection, person: PersonId, role: Role) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/people/add_role.sql"))
        .bind(person.0)
        .bind(role.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

/// One person.
pub async fn get(connection: &mut SqliteConnection, id: PersonId) -> sqlx::Result<Option<Person>> {
    let row =
        sqlx::query(include_str!("../../sql/people/get.sql")).bind(id.0).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Everybody, or everybody with a role, by name.
pub async fn list(pool: &SqlitePool, role: Option<Role>) -> sqlx::Result<Vec<Person>> {
    let rows = sqlx::query(include_str!("../../sql/people/list.sql"))
        .bind(role.map(Role::as_str))
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

/// Who signs in with this address, and the hash their password must match.
pub async fn credentials(pool: &SqlitePool, email: &str) -> sqlx::Result<Option<(PersonId, String)>> {
    let row: Option<(i64, String)> = sqlx::query_as(include_str!("../../sql/people/credentials.sql"))
        .bind(email)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|(id, hash)| (PersonId(id), hash)))
}

/// How many people there are.
pub async fn count(pool: &SqlitePool) -> sqlx::Result<i64> {
    sqlx::query_scalar(include_str!("../../sql/people/count.sql")).fetch_one(pool).await
}

fn read(row: &SqliteRow) -> sqlx::Result<Person> {
    let words: Option<String> = row.try_get("roles")?;
    let mut roles = Vec::new();
    for word in words.as_deref().unwrap_or_default().split(',').filter(|word| !word.is_empty()) {
        roles.push(Role::parse(word).ok_or_else(|| unknown_word("role", word))?);
    }
    roles.sort_unstable();
    Ok(Person {
        id: PersonId(row.try_get("id")?),
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        roles,
    })
}
