//! The data directory: made at first start for its owner only, and used by one server at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

const LOCK: &str = "server.lock";
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
const RUNTIME: &str = "server.json";

/// The data directory of a running server. Dropped, another server may use it.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    // Held for its lock; the kernel lets go of it when the process ends, however it ends.
    _lock: File,
}

/// What a running server tells the commands that are started beside it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Runtime {
    /// Where it listens, such as `http://127.0.0.1:8000`.
    pub url: String,
    /// Its process.
    pub pid: u32,
    /// Good for all scopes, for this start only.
    pub control_key: String,
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It cannot be made or written.
    #[error(
        "could not use the data directory {path}: {source}; name one that this user may write with --data"
    )]
    Io {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another server has it.
    #[error("another server uses the data directory {path}; stop it, or name another directory with --data")]
    InUse {
        /// Which directory.
        path: PathBuf,
    },
}

impl DataDir {
    /// Makes the directory when it is not there, and takes it for this process.
    pub(crate) fn take(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Io { path: path.into(), source };
        make(path).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(path.join(LOCK)).map_err(failed)?;
        // A command that looks whether a server runs holds the lock for an instant.
        for _ in 0..LOCK_TRIES {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path: path.into(), _lock: lock }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Err(DataDirError::InUse { path: path.into() })
    }

    /// Tells commands where this server is. Written whole, so that no reader sees half of it.
    pub(crate) fn announce(&self, runtime: &Runtime) -> io::Result<()> {
        let draft = self.path.join(".server.json.new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&draft)?;
        file.write_all(&serde_json::to_vec(runtime)?)?;
        fs::rename(draft, self.path.join(RUNTIME))
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // Not there when the server never listened; a stale one is recognised by readers.
        let _ = fs::remove_file(self.path.join(RUNTIME));
    }
}

impl Runtime {
    /// What the server in this data directory said; `None` when none runs.
    pub fn read(data_dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(data_dir.join(RUNTIME)).ok()?;
        let lock = File::open(data_dir.join(LOCK)).ok()?;
        // A server that was killed leaves its file, but not its lock.
        if lock.try_lock_shared().is_ok() {
            return None;
        }
        serde_json::from_str(&text).ok()
    }
}

/// Makes a directory and its parents, the last one for its owner only.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_directory_is_made_for_its_owner_and_for_one_server() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("deep/data");
        let taken = DataDir::take(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let refused = DataDir::take(&path).unwrap_err().to_string();
        assert!(refused.contains("another server uses"), "{refused}");
        drop(taken);
        DataDir::take(&path).unwrap();
    }

    #[test]
    fn commands_find_a_live_server_and_no_dead_one() {
        let root = tempfile::tempdir().unwrap();
        let taken = DataDir::take(root.path()).unwrap();
        let runtime = Runtime { url: "http://127.0.0.1:1".into(), pid: 1, control_key: "oyez_sk_x".into() };
        taken.announce(&runtime).unwrap();
        let mode = fs::metadata(root.path().join(RUNTIME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Runtime::read(root.path()).unwrap().url, "http://127.0.0.1:1");
        // As after `kill -9`: the file stays, the lock does not.
        let left = fs::read(root.path().join(RUNTIME)).unwrap();
        drop(taken);
        fs::write(root.path().join(RUNTIME), left).unwrap();
        assert!(Runtime::read(root.path()).is_none());
    }
}
