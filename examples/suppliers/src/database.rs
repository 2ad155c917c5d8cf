//! The application's own SQLite file: opening, migrating, and one module of rows per aggregate.
//!
//! Oyez keeps its own database beside it. The two never share a transaction; `outbox` bridges them.

pub mod applications;
pub mod bulks;
pub mod credentials;
pub mod documents;
pub mod outbox;
pub mod people;
pub mod sessions;
pub mod statistics;
pub mod submissions;
pub mod visits;

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use oyez::protocol::Timestamp;
use sqlx::{
    SqliteConnection, SqlitePool, SqliteTransaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// In order; a database's `user_version` says how many it has.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/0001_suppliers.sql")];

/// The open database. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Database {
    pool: SqlitePool,
    turns: Arc<Mutex<()>>,
}

/// A transaction that may write. Dropped without a commit, it leaves nothing.
#[derive(Debug)]
pub struct Write {
    tx: SqliteTransaction<'static>,
    // After the transaction: it has ended when the next one gets its turn.
    _turn: OwnedMutexGuard<()>,
}

impl Write {
    /// Makes it last.
    pub async fn commit(self) -> sqlx::Result<()> {
        self.tx.commit().await
    }

    /// Takes all of it back.
    pub async fn rollback(self) -> sqlx::Result<()> {
        self.tx.rollback().await
    }
}

impl Deref for Write {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.tx
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }
}

impl Database {
    /// Opens the file, making and migrating it when needed.
    pub async fn open(path: &Path) -> anyhow::Result<Self> {
        create_private(path).with_context(|| format!("could not open database at {}", path.display()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What a person was told is saved survives a power cut.
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .with_context(|| format!("could not open database at {}", path.display()))?;
        let database = Self { pool, turns: Arc::default() };
        database.migrate().await.with_context(|| format!("could not migrate {}", path.display()))?;
        Ok(database)
    }

    /// For reads.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// A transaction that may write. It takes SQLite's write lock at once, so that what it reads stays true until it
    /// commits: two people cannot move one application at the same time, or take one tracking number.
    ///
    /// Writers take turns in the order they came. SQLite by itself lets whoever asks at the right moment go first, and
    /// a job that writes all the time would be that one.
    pub async fn write(&self) -> sqlx::Result<Write> {
        let turn = Arc::clone(&self.turns).lock_owned().await;
        let tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Write { tx, _turn: turn })
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        let mut tx = self.write().await?;
        let done: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await?;
        let done = usize::try_from(done).context("user_version is negative")?;
        if done > MIGRATIONS.len() {
            bail!("the database was written by a newer version of this application (schema {done})");
        }
        for migration in &MIGRATIONS[done..] {
            sqlx::raw_sql(*migration).execute(&mut *tx).await?;
        }
        let version = format!("PRAGMA user_version = {}", MIGRATIONS.len());
        // A pragma takes no bound value; this one is a constant of ours.
        sqlx::raw_sql(sqlx::AssertSqlSafe(version)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Makes an empty file that only this user may read, unless it is there: it will hold hashes of passwords. SQLite gives the
/// files that it puts beside it the same rights.
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    Ok(())
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A word in the database that no enum of ours knows: the file was changed by hand.
fn unknown_word(column: &'static str, word: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.into(), source: format!("unknown word {word:?}").into() }
}

/// A value as a JSON column keeps it.
fn json(value: &impl serde::Serialize) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}
