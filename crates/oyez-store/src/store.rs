//! The store itself: how it is opened, checked, copied and closed.

use std::path::{Path, PathBuf};

use oyez_protocol::Epoch;

use crate::error::{OpenError, StoreError};

/// Where a database lies and how it is used.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The database's file; `-wal` and `-shm` files appear beside it.
    pub path: PathBuf,
    /// Connections that read.
    pub readers: u32,
    /// When a commit counts as done.
    pub durability: Durability,
}

/// When a commit counts as done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// When the disk says that it is written.
    #[default]
    Full,
    /// When the system has it: a power cut may lose the last moments, a crash of the process may not.
    Normal,
}

impl StoreOptions {
    /// The usual: four readers, full durability.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), readers: 4, durability: Durability::Full }
    }
}

/// A database that is open. Clones share it.
#[derive(Debug, Clone)]
pub struct Store {}

impl Store {
    /// Opens the database, makes it when there is none, and brings its schema up to date.
    pub async fn open(options: &StoreOptions) -> Result<Self, OpenError> {
        todo!()
    }

    /// Opens a database that must be there already: for commands that work beside a server.
    pub async fn open_existing(options: &StoreOptions) -> Result<Self, OpenError> {
        todo!()
    }

    /// Names this life of the database; a restored backup has another.
    pub fn epoch(&self) -> &Epoch {
        todo!()
    }

    /// Waits for the changes that were accepted, then lets go of the files. Later calls fail with `Closed`.
    pub async fn close(&self) {
        todo!()
    }

    /// Writes a consistent copy to a file that must not exist yet, while others go on. Opened, the copy begins a new epoch.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        todo!()
    }

    /// Whether a read answers and the writer lives.
    pub async fn ping(&self) -> Result<(), StoreError> {
        todo!()
    }
}
