//! API keys `oyez_sk_…`: made, recognised, ended. Only hashes are stored.
//!
//! A key that was recognised is kept in memory for a few seconds, so that a publish costs no look-up; a key revoked by
//! this process is forgotten at once, one revoked by another process when its time here is over.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use oyez_core::clock::Clock;
use oyez_protocol::{ErrorCode, Timestamp};
use oyez_store::{ApiKey, NewKey, Store};
use subtle::ConstantTimeEq as _;

use super::{
    error::AuthError,
    keys::SigningKey,
    principal::{KeyPrincipal, Scope, Scopes},
    secret::{Secret, sha256},
};

/// What every key begins with, so that leaked ones can be found in code and logs.
pub const KEY_PREFIX: &str = "oyez_sk_";
const KEY_BYTES: std::ops::RangeInclusive<usize> = 40..=128;
const CACHED_SECONDS: i64 = 5;
const MAX_CACHED: usize = 10_000;

/// A key right after it was made: the only moment its secret is known.
#[derive(Debug, Clone)]
pub struct CreatedKey {
    /// As it is stored.
    pub key: ApiKey,
    /// The secret.
    pub secret: Secret,
}

/// Recognises API keys.
pub(super) struct ApiKeys {
    store: Store,
    clock: Clock,
    cached: RwLock<HashMap<[u8; 32], Cached>>,
    /// The hash of the key that is stored nowhere.
    control: Option<([u8; 32], Arc<KeyPrincipal>)>,
}

struct Cached {
    key: Arc<KeyPrincipal>,
    until: Timestamp,
}

impl ApiKeys {
    pub(super) fn new(store: Store, clock: Clock, control_key: Option<&Secret>) -> Self {
        let control = control_key.map(|key| {
            let scopes = [Scope::Admin].into_iter().collect();
            let principal = KeyPrincipal { id: "control".into(), name: "command line".into(), scopes };
            (sha256(key.reveal()), Arc::new(principal))
        });
        Self { store, clock, cached: RwLock::default(), control }
    }

    /// Whose key this is.
    pub(super) async fn verify(&self, secret: &str) -> Result<Arc<KeyPrincipal>, AuthError> {
        if !KEY_BYTES.contains(&secret.len()) {
            return Err(AuthError::new(ErrorCode::TokenMalformed, "the API key is not whole"));
        }
        let hash = sha256(secret);
        if let Some((control, principal)) = &self.control
            && bool::from(control.ct_eq(&hash))
        {
            return Ok(Arc::clone(principal));
        }
        let now = self.clock.now();
        if let Some(key) = self.cached(&hash, now) {
            return Ok(key);
        }
        let unknown = || AuthError::new(ErrorCode::KeyInvalid, "the API key is unknown or revoked");
        let stored = self.store.key_by_hash(&hash).await?.ok_or_else(unknown)?;
        let key = Arc::new(principal(&stored));
        let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= MAX_CACHED {
            cached.clear();
        }
        cached.insert(hash, Cached { key: Arc::clone(&key), until: now.plus_seconds(CACHED_SECONDS) });
        Ok(key)
    }

    fn cached(&self, hash: &[u8; 32], now: Timestamp) -> Option<Arc<KeyPrincipal>> {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        let (known, entry) = cached.get_key_value(hash)?;
        let same = bool::from(known.ct_eq(hash));
        (same && now < entry.until).then(|| Arc::clone(&entry.key))
    }

    fn forget(&self, id: &str) {
        let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        cached.retain(|_, entry| entry.key.id != id);
    }

    /// Ends a key, at once in this process. Returns whether there was one.
    pub(super) async fn revoke(&self, id: &str) -> Result<bool, AuthError> {
        let now = self.clock.now();
        let owned = id.to_owned();
        let change = self.store.write(move |tx| Box::pin(async move { tx.revoke_key(&owned, now).await }));
        let revoked = change.await?;
        self.forget(id);
        Ok(revoked)
    }
}

fn principal(key: &ApiKey) -> KeyPrincipal {
    // A scope that a newer version wrote means nothing here, and allows nothing.
    let scopes: Scopes = key.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
    KeyPrincipal { id: key.id.clone(), name: key.name.clone(), scopes }
}

/// What a new key is made from.
pub(super) fn draft(signing: &SigningKey, name: &str, scopes: Scopes, nonce: &str) -> (NewKey, Secret) {
    let secret = format!("{KEY_PREFIX}{}", signing.derive("api key", nonce));
    let id: String = sha256(nonce)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let scopes = scopes.iter().map(|scope| scope.to_string()).collect();
    let key = NewKey { id, name: name.to_owned(), secret_hash: sha256(&secret), scopes };
    (key, Secret::new(secret))
}
