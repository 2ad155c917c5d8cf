//! The key this server signs its own tokens with: made at first start, kept in the data directory, mode 0600.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "signing.key";
const KEY_BYTES: usize = 32;

/// The secret half of everything this server signs. Shows nothing of itself.
#[derive(Clone)]
pub struct SigningKey {
    secret: [u8; KEY_BYTES],
    id: String,
}

/// Why the key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is there, but cannot be read, or it is not there and cannot be made.
    #[error("could not read or make the signing key {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else than a key lies there.
    #[error(
        "{path} is not a signing key: expected 64 hexadecimal digits; remove it to have a new one made \
             (everybody has to sign in again)"
    )]
    NotAKey {
        /// Which file.
        path: PathBuf,
    },
    /// Others on the machine can read it.
    #[error("{path} can be read by others: run `chmod 600 {path}`")]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
}

impl SigningKey {
    /// Reads the key in `directory`, or makes it. Two processes that start at once end up with the same key.
    pub fn open(directory: &Path) -> Result<Self, KeyFileError> {
        let path = directory.join(FILE_NAME);
        let failed = |source| KeyFileError::Io { path: path.clone(), source };
        match read(&path) {
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            read => return read,
        }
        // Written whole under another name and then linked: a reader never sees half a key, and the first link wins.
        let draft = directory.join(format!(".{FILE_NAME}.{:016x}", rand::random::<u64>()));
        let written = write(&draft, &rand::random()).and_then(|()| match fs::hard_link(&draft, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
        let removed = fs::remove_file(&draft);
        written.map_err(failed)?;
        removed.map_err(failed)?;
        read(&path)
    }

    /// A key that lives as long as the process: for tests and embedding without a data directory.
    pub fn ephemeral() -> Self {
        Self::from_secret(rand::random())
    }

    fn from_secret(secret: [u8; KEY_BYTES]) -> Self {
        let digest = Sha256::digest(secret);
        let id = format!("oyez-{}", hex(&digest[..8]));
        Self { secret, id }
    }

    /// Names the key in a token's `kid`; says nothing about the key.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// A secret that only the holder of this key can make from `nonce`, as 43 characters of base64url.
    ///
    /// Lets a repeated request be answered with the same API key although only its hash is stored.
    pub(super) fn derive(&self, purpose: &str, nonce: &str) -> String {
        use base64::Engine as _;
        // The key has a fixed length and the purpose is a constant, so the hash of the three parts is unambiguous;
        // hashed twice, so that its output cannot be extended.
        let mut inner = Sha256::new();
        inner.update(self.secret);
        inner.update(purpose.as_bytes());
        inner.update([0]);
        inner.update(nonce.as_bytes());
        let mut outer = Sha256::new();
        outer.update(self.secret);
        outer.update(inner.finalize());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(outer.finalize())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.id).finish()
    }
}

fn read(path: &Path) -> Result<SigningKey, KeyFileError> {
    let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyFileError::Exposed { path: path.to_owned() });
        }
    }
    let secret = unhex(text.trim()).ok_or_else(|| KeyFileError::NotAKey { path: path.to_owned() })?;
    Ok(SigningKey::from_secret(secret))
}

fn write(path: &Path, secret: &[u8; KEY_BYTES]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(file, "{}", hex(secret))?;
    file.sync_all()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; KEY_BYTES]> {
    if text.len() != KEY_BYTES * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; KEY_BYTES];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let first = SigningKey::open(directory.path()).unwrap();
        let second = SigningKey::open(directory.path()).unwrap();
        assert_eq!(first.secret, second.secret);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let path = directory.path().join(FILE_NAME);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(SigningKey::open(directory.path()), Err(KeyFileError::Exposed { .. })));
        }
    }

    #[test]
    fn processes_that_start_at_once_share_one_key() {
        let directory = tempfile::tempdir().unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| SigningKey::open(directory.path()).unwrap().secret)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_broken_key_file_is_not_replaced_silently() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        write(&path, &[0; KEY_BYTES]).unwrap();
        fs::write(&path, "not a key").unwrap();
        assert!(matches!(SigningKey::open(directory.path()), Err(KeyFileError::NotAKey { .. })));
    }

    #[test]
    fn the_key_is_never_shown() {
        let key = SigningKey::from_secret([7; KEY_BYTES]);
        assert!(!format!("{key:?}").contains("0707"));
        assert_ne!(key.derive("a", "n"), key.derive("a", "m"));
    }
}
