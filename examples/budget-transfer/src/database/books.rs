//! Rows of accounts and periods.

use std::collections::BTreeMap;

use jiff::civil::Date;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::unreadable;
use crate::books::{Account, Books, Period};

/// What may be booked on now.
pub async fn read(connection: &mut SqliteConnection) -> sqlx::Result<Books> {
    let accounts: Vec<(String, String)> =
        sqlx::query_as(include_str!("../../sql/books/accounts.sql")).fetch_all(&mut *connection).await?;
    let periods = sqlx::query(include_str!("../../sql/books/periods.sql")).fetch_all(connection).await?;
    let mut books = Books::default();
    for (code, name) in accounts {
        books.accounts.insert(code.clone(), Account { code, name });
    }
    let periods: sqlx::Result<BTreeMap<_, _>> =
        periods.iter().map(period).map(|period| period.map(|period| (period.name.clone(), period))).collect();
    books.periods = periods?;
    Ok(books)
}

/// Adds an account, or renames it.
pub async fn put_account(connection: &mut SqliteConnection, account: &Account) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/books/put_account.sql"))
        .bind(&account.code)
        .bind(&account.name)
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds a period, or changes it: closes it, opens it.
pub async fn put_period(connection: &mut SqliteConnection, period: &Period) -> sqlx::Result<()> {
    sqlx::query(include_str!("../../sql/books/put_period.sql"))
        .bind(&period.name)
        .bind(period.first.to_string())
        .bind(period.last.to_string())
        .bind(period.open)
        .execute(connection)
        .await?;
    Ok(())
}

fn period(row: &SqliteRow) -> sqlx::Result<Period> {
    Ok(Period {
        name: row.try_get("name")?,
        first: day(row, "first_day")?,
        last: day(row, "last_day")?,
        open: row.try_get("open")?,
    })
}

/// A date's column.
pub(super) fn day(row: &SqliteRow, column: &'static str) -> sqlx::Result<Date> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| unreadable(column, text))
}
