//! Rows of people who may sign in.

use oyez::protocol::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::unknown_word;
use crate::{
    application::ApplicationId,
    people::{Person, PersonId, Role},
};

/// A person about to be written.
#[derive(Debug)]
pub struct NewPerson<'a> {
    /// What they sign in with.
    pub email: &'a str,
    /// As others read it.
    pub name: &'a str,
    /// What they are.
    pub role: Role,
    /// None: they get a temporary one first.
    pub password_hash: Option<&'a str>,
    /// A supplier's own.
    pub application: Option<ApplicationId>,
}

/// Writes a person; `None` when the address is taken.
pub async fn insert(
    tx: &mut SqliteConnection,
    person: &NewPerson<'_>,
    now: Timestamp,
) -> sqlx::Result<Option<PersonId>> {
    let inserted = sqlx::query_scalar(include_str!("../../sql/people/insert.sql"))
        .bind(person.email)
        .bind(person.name)
        .bind(person.role.as_str())
        .bind(person.password_hash)
        .bind(person.application.map(|application| application.0))
        .bind(now.as_millis())
        .fetch_one(tx)
        .await;
    match inserted {
        Ok(id) => Ok(Some(PersonId(id))),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        Err(error) => Err(error),
    }
}

/// One person.
pub async fn get(connection: &mut SqliteConnection, id: PersonId) -> sqlx::Result<Option<Person>> {
    let row =
        sqlx::query(include_str!("../../sql/people/get.sql")).bind(id.0).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// The supplier that an application became.
pub async fn of_application(
    connection: &mut SqliteConnection,
    application: ApplicationId,
) -> sqlx::Result<Option<Person>> {
    let row = sqlx::query(include_str!("../../sql/people/of_application.sql"))
        .bind(application.0)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Everybody who works in the office.
pub async fn staff(pool: &SqlitePool) -> sqlx::Result<Vec<Person>> {
    let rows = sqlx::query(include_str!("../../sql/people/list.sql")).fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

/// Who has this address, and the hash of their password if they have set one.
pub async fn password_hash(
    pool: &SqlitePool,
    email: &str,
) -> sqlx::Result<Option<(PersonId, Option<String>)>> {
    let row: Option<(i64, Option<String>)> =
        sqlx::query_as(include_str!("../../sql/people/hash.sql")).bind(email).fetch_optional(pool).await?;
    Ok(row.map(|(id, hash)| (PersonId(id), hash)))
}

/// Sets the hash of a password.
pub async fn set_password_hash(tx: &mut SqliteConnection, id: PersonId, hash: &str) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/people/set_hash.sql")).bind(id.0).bind(hash).execute(tx).await?;
    Ok(())
}

/// How many people there are.
pub async fn count(pool: &SqlitePool) -> sqlx::Result<i64> {
    sqlx::query_scalar(include_str!("../../sql/people/count.sql")).fetch_one(pool).await
}

/// The applications that became suppliers.
pub async fn suppliers(connection: &mut SqliteConnection) -> sqlx::Result<Vec<ApplicationId>> {
    let ids: Vec<i64> =
        sqlx::query_scalar(include_str!("../../sql/people/suppliers.sql")).fetch_all(connection).await?;
    Ok(ids.into_iter().map(ApplicationId).collect())
}

fn read(row: &SqliteRow) -> sqlx::Result<Person> {
    let role: String = row.try_get("role")?;
    Ok(Person {
        id: PersonId(row.try_get("id")?),
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        role: Role::parse(&role).ok_or_else(|| unknown_word("role", &role))?,
        application: row.try_get::<Option<i64>, _>("application_id")?.map(ApplicationId),
        must_set_password: row.try_get("must_set_password")?,
    })
}
