//! Keys in files: made at first start for their owner alone, the same for processes that start at once, and never
//! replaced silently.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is there, but cannot be read, or it is not there and cannot be made.
    #[error("could not read or make the key file {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else than a key lies there.
    #[error("{path} is not a {}: expected {}; remove it to have a new one made ({})", .kind.name, .kind.expected, .kind.cost)]
    NotAKey {
        /// Which file.
        path: PathBuf,
        /// What should be there.
        kind: KeyKind,
    },
    /// Others on the machine can read it.
    #[error("{path} can be read by others: run `chmod 600 {path}`")]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
}

/// What a key file holds, in words.
#[derive(Debug, Clone, Copy)]
pub struct KeyKind {
    /// What it is.
    pub name: &'static str,
    /// What it looks like.
    pub expected: &'static str,
    /// What a new one costs.
    pub cost: &'static str,
}

/// Reads the key in a file, or makes it. Two processes that start at once end up with the same key.
pub(crate) fn open<T>(
    path: &Path,
    kind: KeyKind,
    make: impl FnOnce() -> String,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, KeyFileError> {
    let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
    let read =
        |text: String| read(text.trim()).ok_or_else(|| KeyFileError::NotAKey { path: path.to_owned(), kind });
    match text(path) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        found => return found.and_then(read),
    }
    // Written whole under another name and then linked: a reader never sees half a key, and the first link wins.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{:016x}", rand::random::<u64>()));
    let written = write(&draft, &make()).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    written.map_err(failed)?;
    removed.map_err(failed)?;
    text(path).and_then(read)
}

fn text(path: &Path) -> Result<String, KeyFileError> {
    let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyFileError::Exposed { path: path.to_owned() });
        }
    }
    Ok(text)
}

fn write(path: &Path, key: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(file, "{key}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: KeyKind = KeyKind { name: "test key", expected: "a number", cost: "nothing is lost" };

    fn open_number(path: &Path) -> Result<u64, KeyFileError> {
        open(path, KIND, || rand::random::<u32>().to_string(), |text| text.parse().ok())
    }

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.key");
        assert_eq!(open_number(&path).unwrap(), open_number(&path).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(open_number(&path), Err(KeyFileError::Exposed { .. })));
        }
    }

    #[test]
    fn processes_that_start_at_once_share_one_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| open_number(&path).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_broken_key_file_is_not_replaced_silently() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.key");
        write(&path, "not a key").unwrap();
        let refused = open_number(&path).unwrap_err().to_string();
        assert!(refused.contains("is not a test key: expected a number; remove it"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "not a key\n");
    }
}
