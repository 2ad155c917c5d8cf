//! SQLite: one file, one writer, readers beside it that never wait.
//!
//! The log (WAL) is copied into the database by a connection of its own, never inside a commit.
//!
//! The statements write `LIMIT ?1 + 0`: for a bare parameter SQLite plans with its value, and so prepares the statement
//! anew at each call, which takes longer than most of them run.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection as _, Either, Executor, Row as _, SqliteConnection,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow, SqliteSynchronous},
};

use super::{LogSize, Value};
use crate::{
    error::{OpenError, StoreError},
    schema,
    store::{Durability, StoreOptions},
};

/// "OYEZ": marks the file as ours.
const APPLICATION_ID: i64 = 0x4F59_455A;

/// SQLite's page size, which we leave as it is.
const PAGE_BYTES: u64 = 4_096;

/// The file of a log that begins anew is cut to this size, so that the file's size says when a log is long.
const KEPT_LOG_BYTES: u64 = 32 * 1024 * 1024;

/// A database file that was opened and found good.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    options: SqliteConnectOptions,
}

pub(crate) struct Connection {
    sqlx: SqliteConnection,
    /// The file the log is in.
    log: PathBuf,
}
pub(crate) struct Row(SqliteRow);

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sqlite::Connection")
    }
}

impl Database {
    pub(crate) async fn open(options: &StoreOptions, existing: bool) -> Result<Self, OpenError> {
        let path = &options.path;
        let refuse = |error: StoreError| open_error(path, error);
        if !path.exists() {
            if existing {
                return Err(OpenError::Missing { path: path.clone() });
            }
            create_private(path).map_err(refuse)?;
        }
        let synchronous = match options.durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Normal => SqliteSynchronous::Normal,
        };
        let pages = options
            .max_bytes
            .map_or(u32::MAX - 1, |bytes| u32::try_from(bytes / PAGE_BYTES).unwrap_or(u32::MAX - 1).max(1));
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(options.busy_timeout)
            .synchronous(synchronous)
            .foreign_keys(true)
            .pragma("max_page_count", pages.to_string())
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", KEPT_LOG_BYTES.to_string())
            .pragma("temp_store", "memory")
            .row_buffer_size(512)
            .disable_statement_logging();
        let mut connection = Connection::connect(&connect).await.map_err(refuse)?;
        let prepared = connection.prepare(path).await;
        connection.close().await;
        prepared.map(|()| Self { options: connect })
    }

    pub(crate) async fn writer(&self) -> Result<Connection, StoreError> {
        // Negative: kibibytes.
        Connection::connect(&self.options.clone().pragma("cache_size", "-16384")).await
    }

    pub(crate) async fn reader(&self) -> Result<Connection, StoreError> {
        Connection::connect(&self.options.clone().pragma("query_only", "on")).await
    }

    pub(crate) async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if to.exists() {
            return Err(StoreError::Conflict(format!("{} exists already", to.display())));
        }
        // Under another name until it is whole, so that a half copy is never taken for a backup.
        let partial = beside(to, ".partial");
        let io = |error: std::io::Error| StoreError::Io(error.to_string());
        if partial.exists() {
            std::fs::remove_file(&partial).map_err(io)?;
        }
        create_private(&partial)?;
        let copied = self.copy_into(&partial).await;
        if copied.is_err() {
            // The first error is the one to tell.
            std::fs::remove_file(&partial).ok();
        }
        copied?;
        std::fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(io)?;
        std::fs::rename(&partial, to).map_err(io)
    }

    async fn copy_into(&self, partial: &Path) -> Result<(), StoreError> {
        let mut source = Connection::connect(&self.options).await?;
        let target = Value::Text(partial.display().to_string());
        let copied = source.execute("VACUUM INTO ?1", vec![target]).await;
        source.close().await;
        copied?;
        let plain = SqliteConnectOptions::new().filename(partial).disable_statement_logging();
        let mut copy = Connection::connect(&plain).await?;
        let cleared = copy.execute(include_str!("../../sql/sqlite/meta/forget_epoch.sql"), Vec::new()).await;
        copy.close().await;
        cleared.map(|_| ())
    }
}

impl Connection {
    async fn connect(options: &SqliteConnectOptions) -> Result<Self, StoreError> {
        let sqlx = SqliteConnection::connect_with(options).await.map_err(store_error)?;
        Ok(Self { sqlx, log: beside(options.get_filename(), "-wal") })
    }

    /// Checks that the file is ours or empty, then brings its tables up to date. Writes nothing before all is checked.
    async fn prepare(&mut self, path: &Path) -> Result<(), OpenError> {
        let refuse = |error: StoreError| open_error(path, error);
        let found = self.pragma("application_id").await.map_err(refuse)?;
        let tables = self.pragma_of("SELECT count(*) FROM sqlite_schema").await.map_err(refuse)?;
        if tables > 0 && found != APPLICATION_ID {
            let reason = "it is a database of another program".into();
            return Err(OpenError::NotADatabase { path: path.into(), reason });
        }
        let applied = match tables {
            0 => Vec::new(),
            _ => self.applied_migrations().await.map_err(refuse)?,
        };
        let missing = schema::missing(path, &applied)?;
        if !missing.is_empty() {
            self.migrate(path, tables == 0).await?;
        }
        self.run("PRAGMA journal_mode = wal").await.map_err(refuse)
    }

    async fn migrate(&mut self, path: &Path, new: bool) -> Result<(), OpenError> {
        let refuse = |error: StoreError| open_error(path, error);
        self.run("BEGIN IMMEDIATE").await.map_err(refuse)?;
        let migrated = async {
            // Another process may have done it while this one waited.
            let tables = self.pragma_of("SELECT count(*) FROM sqlite_schema").await.map_err(refuse)?;
            let applied = match tables {
                0 => Vec::new(),
                _ => self.applied_migrations().await.map_err(refuse)?,
            };
            if new && tables == 0 {
                let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
                self.run_text(mark).await.map_err(refuse)?;
            }
            for migration in schema::missing(path, &applied)? {
                self.run(migration.sqlite).await.map_err(refuse)?;
                let args = vec![migration.number.into(), migration.name.into(), migration.checksum().into()];
                let record = include_str!("../../sql/sqlite/meta/record_migration.sql");
                self.execute(record, args).await.map_err(refuse)?;
            }
            self.run("COMMIT").await.map_err(refuse)
        }
        .await;
        if migrated.is_err() {
            // The first error is the one to tell.
            self.run("ROLLBACK").await.ok();
        }
        migrated
    }

    async fn applied_migrations(&mut self) -> Result<Vec<schema::Applied>, StoreError> {
        let rows = self.fetch(include_str!("../../sql/sqlite/meta/migrations.sql"), Vec::new()).await?;
        let applied =
            |row: &super::Row| Ok(schema::Applied { number: row.int(0)?, checksum: row.text(1)?.to_owned() });
        rows.iter().map(applied).collect()
    }

    async fn pragma(&mut self, name: &'static str) -> Result<i64, StoreError> {
        match name {
            "application_id" => self.pragma_of("PRAGMA application_id").await,
            _ => Err(StoreError::Fault(format!("no such pragma: {name}"))),
        }
    }

    async fn pragma_of(&mut self, sql: &'static str) -> Result<i64, StoreError> {
        let rows = self.fetch(sql, Vec::new()).await?;
        rows.first().ok_or_else(|| StoreError::Fault("a question without an answer".into()))?.int(0)
    }

    /// Runs statements without arguments that need not be kept prepared.
    async fn run(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.sqlx.execute(sql).await.map(|_| ()).map_err(store_error)
    }

    async fn run_text(&mut self, sql: String) -> Result<(), StoreError> {
        self.sqlx.execute(AssertSqlSafe(sql)).await.map(|_| ()).map_err(store_error)
    }

    pub(crate) async fn execute(&mut self, sql: &'static str, args: Vec<Value>) -> Result<u64, StoreError> {
        let query = sqlx::query_with(sql, arguments(sql, args)?);
        query.execute(&mut self.sqlx).await.map(|done| done.rows_affected()).map_err(store_error)
    }

    pub(crate) async fn fetch(
        &mut self,
        sql: &'static str,
        args: Vec<Value>,
    ) -> Result<Vec<super::Row>, StoreError> {
        let query = sqlx::query_with(sql, arguments(sql, args)?);
        let mut rows = Vec::new();
        let mut answers = self.sqlx.fetch_many(query);
        while let Some(answer) = answers.try_next().await.map_err(store_error)? {
            if let Either::Right(row) = answer {
                rows.push(super::Row::Sqlite(Row(row)));
            }
        }
        Ok(rows)
    }

    pub(crate) async fn checkpoint(&mut self) -> Result<LogSize, StoreError> {
        let rows = self.fetch("PRAGMA wal_checkpoint(PASSIVE)", Vec::new()).await?;
        let Some(row) = rows.first() else { return Ok(LogSize::default()) };
        // -1 when there is no log.
        Ok(LogSize {
            pages: u64::try_from(row.int(1)?).unwrap_or(0),
            copied: u64::try_from(row.int(2)?).unwrap_or(0),
        })
    }

    /// The size of the log's file: at least that of the log, and not much more than [`KEPT_LOG_BYTES`] beyond it.
    pub(crate) fn log_bytes(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |file| file.len())
    }

    /// Copies all of the log, after a copy that somebody else is making, and lets the next transaction begin it anew.
    /// Returns whether nobody was in the way for longer than the busy timeout.
    pub(crate) async fn restart_log(&mut self) -> Result<bool, StoreError> {
        let rows = self.fetch("PRAGMA wal_checkpoint(RESTART)", Vec::new()).await?;
        rows.first().map_or(Ok(true), |row| Ok(row.int(0)? == 0))
    }

    pub(crate) async fn close(self) {
        if let Err(error) = self.sqlx.close().await {
            tracing::warn!(%error, "could not close a connection to the database");
        }
    }
}

impl Row {
    pub(crate) fn int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        self.0.try_get(column).map_err(store_error)
    }

    pub(crate) fn text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        self.0.try_get(column).map_err(store_error)
    }

    pub(crate) fn blob(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        self.0.try_get(column).map_err(store_error)
    }
}

fn arguments(sql: &str, args: Vec<Value>) -> Result<SqliteArguments, StoreError> {
    use sqlx::Arguments;
    let mut arguments = SqliteArguments::default();
    // sqlx binds `?N` by its number, but where a statement of several leaves out a lower number it takes the next
    // argument in line for it, and stops binding at the end of the line. It never comes to the end of this one.
    let statements = sql.bytes().filter(|byte| *byte == b';').count();
    let line = if statements > 1 { (statements + 1) * args.len() } else { args.len() };
    let spare = line - args.len();
    for value in args {
        let added = match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Int(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Blob(bytes) => arguments.add(bytes),
        };
        added.map_err(|error| StoreError::Fault(error.to_string()))?;
    }
    for _ in 0..spare {
        arguments.add(None::<i64>).map_err(|error| StoreError::Fault(error.to_string()))?;
    }
    Ok(arguments)
}

/// Makes an empty file that only this user may read: it will hold hashes of secrets and people's mail.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ()).map_err(|error| match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::DiskFull,
        _ => StoreError::ReadOnly(error.to_string()),
    })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Sorts SQLite's result codes (sqlite.org/rescode.html) by what a caller can do about them.
fn store_error(error: sqlx::Error) -> StoreError {
    let sqlx::Error::Database(database) = &error else {
        return match error {
            sqlx::Error::Io(error) => StoreError::Io(error.to_string()),
            error => StoreError::Fault(error.to_string()),
        };
    };
    let code: i32 = database.code().and_then(|code| code.parse().ok()).unwrap_or(0);
    let message = database.message().to_owned();
    // The low byte is the primary code.
    match code & 0xff {
        5 | 6 => StoreError::Busy,
        8 | 14 => StoreError::ReadOnly(message),
        10 => StoreError::Io(message),
        11 | 26 => StoreError::Corrupt(message),
        13 => StoreError::DiskFull,
        19 => StoreError::Conflict(message),
        _ => StoreError::Fault(message),
    }
}

pub(super) fn open_error(path: &Path, error: StoreError) -> OpenError {
    let path = path.to_owned();
    match error {
        StoreError::Busy => OpenError::Locked { path },
        StoreError::DiskFull => OpenError::DiskFull { path },
        StoreError::ReadOnly(reason) => OpenError::ReadOnly { path, reason },
        // SQLite's words for a file that does not begin like a database.
        StoreError::Corrupt(reason) if reason.contains("not a database") => {
            OpenError::NotADatabase { path, reason }
        }
        StoreError::Corrupt(reason) => OpenError::Corrupt { path, reason },
        source => OpenError::Other { path, source },
    }
}
