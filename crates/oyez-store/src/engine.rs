//! Speaks to a database, whichever it is: statements from files in, plain values out.
//!
//! An engine is a folder of SQL, a folder of migrations and one file of plumbing beside this one. Nothing above this
//! module knows which engine runs, and this module knows nothing of what the statements mean.

mod readers;
mod sqlite;

use oyez_protocol::{Timestamp, UserId};
use uuid::Uuid;

pub(crate) use self::readers::{Reader, Readers};
use crate::{
    error::{OpenError, StoreError},
    store::StoreOptions,
};

/// One statement, or several that run one after the other with the same arguments, in each engine's dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement {
    pub(crate) sqlite: &'static str,
}

/// The statement in `sql/<engine>/<name>.sql`; several names run one after the other.
macro_rules! sql {
    ($($name:literal),+) => {
        $crate::engine::Statement {
            sqlite: concat!(
                $(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/sqlite/", $name, ".sql"))),+
            ),
        }
    };
}
pub(crate) use sql;

/// An argument of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// Which database a store runs on.
#[derive(Debug, Clone)]
pub(crate) enum Engine {
    Sqlite(sqlite::Database),
}

/// One connection: a writer's, or one of the readers'.
#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(sqlite::Connection),
}

/// One row of an answer. Columns are read by position; a column of another type is a fault of the statement.
pub(crate) enum Row {
    Sqlite(sqlite::Row),
}

/// What a checkpoint left: how much of the log is not in the database yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogSize {
    /// Pages in the log.
    pub(crate) pages: u64,
    /// Those of them that are in the database too.
    pub(crate) copied: u64,
}

impl LogSize {
    /// Whether it has so many pages that it should begin anew, and cannot yet.
    pub(crate) fn is_longer_than(self, pages: u64) -> bool {
        self.pages > pages && self.copied < self.pages
    }
}

impl Engine {
    /// Opens, checks and migrates; touches nothing when the database is not fit.
    pub(crate) async fn open(options: &StoreOptions, existing: bool) -> Result<Self, OpenError> {
        sqlite::Database::open(options, existing).await.map(Self::Sqlite)
    }

    /// Says why a store could not be opened.
    pub(crate) fn open_error(&self, options: &StoreOptions, error: StoreError) -> OpenError {
        match self {
            Self::Sqlite(_) => sqlite::open_error(&options.path, error),
        }
    }

    /// A connection that writes.
    pub(crate) async fn writer(&self) -> Result<Connection, StoreError> {
        match self {
            Self::Sqlite(database) => database.writer().await.map(Connection::Sqlite),
        }
    }

    /// A connection that reads only.
    async fn reader(&self) -> Result<Connection, StoreError> {
        match self {
            Self::Sqlite(database) => database.reader().await.map(Connection::Sqlite),
        }
    }

    /// Copies the database as it is at one moment; the copy has no epoch.
    pub(crate) async fn backup(&self, to: &std::path::Path) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(database) => database.backup(to).await,
        }
    }
}

impl Connection {
    /// Runs a statement and counts the rows it changed.
    pub(crate) async fn execute(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(connection) => connection.execute(statement.sqlite, args).await,
        }
    }

    /// Runs a statement and collects its rows.
    pub(crate) async fn fetch(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(connection) => connection.fetch(statement.sqlite, args).await,
        }
    }

    /// Runs a statement that answers with one row or none.
    pub(crate) async fn fetch_one(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(statement, args).await?.into_iter().next())
    }

    /// Copies what is in the log into the database, as far as nobody is in the way; never waits for others.
    pub(crate) async fn checkpoint(&mut self) -> Result<LogSize, StoreError> {
        match self {
            Self::Sqlite(connection) => connection.checkpoint().await,
        }
    }

    /// The size of the log in bytes, or a little more.
    pub(crate) fn log_bytes(&self) -> u64 {
        match self {
            Self::Sqlite(connection) => connection.log_bytes(),
        }
    }

    /// Copies all of the log and lets it begin anew; waits for others, but not for ever. Returns whether it could.
    pub(crate) async fn restart_log(&mut self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(connection) => connection.restart_log().await,
        }
    }

    /// Ends the connection in good order; the last one leaves no log behind.
    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await,
        }
    }
}

impl Row {
    pub(crate) fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| unexpected(column, "a number"))
    }

    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(row) => row.int(column),
        }
    }

    pub(crate) fn count(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|_| unexpected(column, "a count"))
    }

    pub(crate) fn flag(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.opt_text(column)?.ok_or_else(|| unexpected(column, "a text"))
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self {
            Self::Sqlite(row) => row.text(column),
        }
    }

    pub(crate) fn opt_blob(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self {
            Self::Sqlite(row) => row.blob(column),
        }
    }

    pub(crate) fn bytes<const N: usize>(&self, column: usize) -> Result<[u8; N], StoreError> {
        let blob = self.opt_blob(column)?.ok_or_else(|| unexpected(column, "bytes"))?;
        blob.try_into().map_err(|_| unexpected(column, "bytes of this length"))
    }

    pub(crate) fn uuid(&self, column: usize) -> Result<Uuid, StoreError> {
        self.bytes(column).map(Uuid::from_bytes)
    }

    pub(crate) fn opt_uuid(&self, column: usize) -> Result<Option<Uuid>, StoreError> {
        let Some(blob) = self.opt_blob(column)? else { return Ok(None) };
        Uuid::from_slice(blob).map(Some).map_err(|_| unexpected(column, "a UUID"))
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_millis)
    }

    pub(crate) fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_millis))
    }

    pub(crate) fn user(&self, column: usize) -> Result<UserId, StoreError> {
        UserId::new(self.text(column)?).map_err(|_| unexpected(column, "a user id"))
    }

    /// Reads a name that was checked when it was stored.
    pub(crate) fn name<T: std::str::FromStr>(&self, column: usize) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| unexpected(column, "a name"))
    }

    pub(crate) fn opt_name<T: std::str::FromStr>(&self, column: usize) -> Result<Option<T>, StoreError> {
        match self.opt_text(column)? {
            None => Ok(None),
            Some(name) => name.parse().map(Some).map_err(|_| unexpected(column, "a name")),
        }
    }

    /// Reads a JSON array of names that were checked when they were stored.
    pub(crate) fn names<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<Vec<T>, StoreError> {
        match self.opt_text(column)? {
            None => Ok(Vec::new()),
            Some(json) => serde_json::from_str(json).map_err(|_| unexpected(column, "a JSON array of names")),
        }
    }
}

fn unexpected(column: usize, wanted: &str) -> StoreError {
    StoreError::Fault(format!("column {column} of an answer is not {wanted}"))
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        // Counts and positions never come near; a client's wild number is as good as the largest.
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&UserId> for Value {
    fn from(value: &UserId) -> Self {
        Self::Text(value.as_str().into())
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.as_millis())
    }
}

impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Self::Blob(value.as_bytes().to_vec())
    }
}

impl From<&[u8; 32]> for Value {
    fn from(value: &[u8; 32]) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The arguments of a statement.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::engine::Value::from($value)),*] };
}
pub(crate) use args;

/// A list as one argument: the statement reads it with its engine's JSON functions, so that its text stays the same.
pub(crate) fn json<T: serde::Serialize + ?Sized>(list: &T) -> Value {
    Value::Text(serde_json::to_string(list).expect("lists of strings and numbers are always JSON"))
}
