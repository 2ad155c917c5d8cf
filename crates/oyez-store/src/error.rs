//! What can go wrong, in words for people: why a database cannot be opened, and why a read or a change failed.

use std::path::PathBuf;

/// Why a database cannot be opened. Each says what is wrong and what to do; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Only [`crate::Store::open_existing`].
    #[error("there is no database at {path}: start the server once, or name another directory with --data")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A later release of Oyez wrote this database.
    #[error(
        "the database at {path} has schema {found}, this program knows schemas up to {known}: \
         install the newer Oyez that wrote it, or restore a backup made before the upgrade"
    )]
    NewerSchema {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// A migration that was applied is not the one this program carries.
    #[error(
        "the database at {path} was made by a different build: migration {number} ({name}) differs; \
         use the build that made it, or restore a backup"
    )]
    ForeignMigration {
        /// Which file.
        path: PathBuf,
        /// The migration's number.
        number: i64,
        /// The migration's name as this program knows it.
        name: String,
    },
    /// Another process holds the database and does not let go.
    #[error(
        "the database at {path} is locked by another process: stop that process, or wait until it has finished"
    )]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// The file or its directory cannot be written.
    #[error(
        "the database at {path} cannot be written: make the file and its directory writable for this user ({reason})"
    )]
    ReadOnly {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is something else.
    #[error("{path} is not an Oyez database: name another file, or move this one away ({reason})")]
    NotADatabase {
        /// Which file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The file was a database and is damaged.
    #[error("the database at {path} is damaged: restore the last backup ({reason})")]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// No space left.
    #[error("the disk of the database at {path} is full: free some space and start again")]
    DiskFull {
        /// Which file.
        path: PathBuf,
    },
    /// Anything else.
    #[error("could not open the database at {path}")]
    Other {
        /// Which file.
        path: PathBuf,
        /// The cause.
        source: StoreError,
    },
}

/// Why a read or a change failed. A change that failed left nothing behind.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It contradicts what is there: such a name or id exists already.
    #[error("it contradicts what is stored: {0}")]
    Conflict(String),
    /// No such thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Another process held the database too long: try again.
    #[error("the database is locked by another process: try again")]
    Busy,
    /// No space left: nothing was written.
    #[error("the disk of the database is full: free some space")]
    DiskFull,
    /// The database or its directory became read-only.
    #[error("the database cannot be written: make the file and its directory writable ({0})")]
    ReadOnly(String),
    /// The database is damaged.
    #[error("the database is damaged: restore the last backup ({0})")]
    Corrupt(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The system could not read or write.
    #[error("the database could not be read or written: {0}")]
    Io(String),
    /// A fault of this program: wrong SQL, a value that cannot be read back, a change that panicked.
    #[error("a fault in the store: {0}")]
    Fault(String),
}

impl StoreError {
    /// Whether the same call may succeed a little later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Busy | Self::DiskFull | Self::Io(_))
    }
}

impl StoreError {
    /// The stable code a client gets.
    pub fn code(&self) -> oyez_protocol::ErrorCode {
        match self {
            Self::Conflict(_) => oyez_protocol::ErrorCode::Conflict,
            Self::NotFound(_) => oyez_protocol::ErrorCode::NotFound,
            Self::Busy | Self::DiskFull | Self::ReadOnly(_) | Self::Closed | Self::Io(_) => {
                oyez_protocol::ErrorCode::Unavailable
            }
            Self::Corrupt(_) | Self::Fault(_) => oyez_protocol::ErrorCode::Internal,
        }
    }
}
