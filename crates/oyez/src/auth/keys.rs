//! The key this server signs its own tokens with: made at first start, kept in the data directory, mode 0600.

use std::{fmt, path::Path};

use sha2::{Digest, Sha256};

use crate::key_file::{self, KeyFileError, KeyKind};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "signing.key";
const KEY_BYTES: usize = 32;

/// The secret half of everything this server signs. Shows nothing of itself.
#[derive(Clone)]
pub struct SigningKey {
    secret: [u8; KEY_BYTES],
    id: String,
}

const KIND: KeyKind = KeyKind {
    name: "signing key",
    expected: "64 hexadecimal digits",
    cost: "everybody has to sign in again, webhook secrets have to be rotated, and addresses that refused mail get mail \
           once more",
};

impl SigningKey {
    /// Reads the key in `directory`, or makes it. Two processes that start at once end up with the same key.
    pub fn open(directory: &Path) -> Result<Self, KeyFileError> {
        let secret =
            key_file::open(&directory.join(FILE_NAME), KIND, || hex(&rand::random::<[u8; 32]>()), unhex)?;
        Ok(Self::from_secret(secret))
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

    /// A key of its own for another purpose: it says nothing about this one.
    pub(crate) fn for_purpose(&self, purpose: &str) -> [u8; KEY_BYTES] {
        // Hashed twice, as in `derive`.
        let inner = Sha256::new().chain_update(self.secret).chain_update(purpose).finalize();
        Sha256::new().chain_update(self.secret).chain_update(inner).finalize().into()
    }

    /// A secret that only the holder of this key can make from `nonce`, as 43 characters of base64url.
    ///
    /// Lets a repeated request be answered with the same API key although only its hash is stored.
    pub(super) fn derive(&self, purpose: &str, nonce: &str) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.derive_bytes(purpose, nonce))
    }

    /// The same as bytes: for secrets that others hold too, of which the store keeps the nonce alone.
    pub(crate) fn derive_bytes(&self, purpose: &str, nonce: &str) -> [u8; KEY_BYTES] {
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
        outer.finalize().into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.id).finish()
    }
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
    fn the_key_is_made_once_and_a_broken_file_stays() {
        let directory = tempfile::tempdir().unwrap();
        let first = SigningKey::open(directory.path()).unwrap();
        assert_eq!(first.secret, SigningKey::open(directory.path()).unwrap().secret);
        let path = directory.path().join(FILE_NAME);
        std::fs::write(&path, "not a key").unwrap();
        assert!(matches!(SigningKey::open(directory.path()), Err(KeyFileError::NotAKey { .. })));
    }

    #[test]
    fn the_key_is_never_shown() {
        let key = SigningKey::from_secret([7; KEY_BYTES]);
        assert!(!format!("{key:?}").contains("0707"));
        assert_ne!(key.derive("a", "n"), key.derive("a", "m"));
    }
}
