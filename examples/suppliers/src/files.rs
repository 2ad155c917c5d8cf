//! Uploaded files on disk, in one folder beside the database. Their names are ours: random, without a meaning.
//!
//! A file is written before its row, and its row is what makes it a document: a crash in between leaves a file that
//! nobody knows, which the daily clean-up removes.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context;
use oyez::protocol::Timestamp;
use sqlx::SqlitePool;
use tokio::{fs, io::AsyncWriteExt};

use crate::database::documents;

/// A file that no row names is left alone for so long, in seconds: its upload may still be going on.
const YOUNG_SECONDS: u64 = 3600;

/// The folder.
#[derive(Debug, Clone)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// Opens the folder, making it when it is not there; only its owner may look inside.
    pub fn open(folder: PathBuf) -> anyhow::Result<Self> {
        private_directory(&folder)?;
        Ok(Self { folder })
    }

    /// Writes a file, on disk on return; answers its name.
    pub async fn put(&self, bytes: &[u8]) -> anyhow::Result<String> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let mut file = fs::File::create_new(self.path(&name)).await?;
        file.write_all(bytes).await?;
        file.sync_all().await?;
        Ok(name)
    }

    /// Reads a file.
    pub async fn get(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.path(name);
        fs::read(&path).await.with_context(|| format!("could not read {}", path.display()))
    }

    /// Removes a file whose row was not written.
    pub async fn remove(&self, name: &str) {
        if let Err(error) = fs::remove_file(self.path(name)).await {
            tracing::warn!(%error, "a file stays until the clean-up");
        }
    }

    /// Removes the files that no document is in. Returns how many.
    pub async fn clean_up(&self, pool: &SqlitePool, now: Timestamp) -> anyhow::Result<u64> {
        let mut removed = 0;
        let mut entries = fs::read_dir(&self.folder).await?;
        while let Some(entry) = entries.next_entry().await? {
            let written = entry.metadata().await?.modified()?.duration_since(SystemTime::UNIX_EPOCH)?;
            let old = written.as_secs() + YOUNG_SECONDS < now.as_millis().unsigned_abs() / 1000;
            let name = entry.file_name();
            let known = match name.to_str() {
                Some(name) => documents::is_known(pool, name).await?,
                None => false,
            };
            if !known && old {
                fs::remove_file(entry.path()).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, name: &str) -> PathBuf {
        // Names come from our own table; a path in one would lead out of the folder.
        self.folder.join(Path::new(name).file_name().unwrap_or_default())
    }
}

/// Makes a directory that only its owner may look into, unless it is there.
pub(crate) fn private_directory(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("could not make the directory {}", path.display()))
}
