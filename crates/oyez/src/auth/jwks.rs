//! A foreign issuer's keys, read from its JWKS URL (RFC 7517) and kept.
//!
//! Fetched when first needed, again when old, and at an unknown key id, but never more often than every 30 s, so that
//! made-up key ids cannot turn this server against the issuer. While the issuer does not answer, the keys that are
//! known stay good.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use oyez_core::clock::Clock;
use oyez_protocol::Timestamp;

use super::jwt::VerifyingKey;

const MAX_BODY_BYTES: usize = 256 * 1024;
const MAX_KEYS: usize = 64;
const RETRY_AFTER_SECONDS: i64 = 30;
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// One issuer's published keys.
#[derive(Clone)]
pub(super) struct Jwks {
    shared: Arc<Shared>,
}

struct Shared {
    url: String,
    algorithms: Vec<Algorithm>,
    refresh_seconds: i64,
    clock: Clock,
    client: reqwest::Client,
    known: RwLock<Known>,
    // One fetch at a time; those who need its keys wait here.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: Arc<[VerifyingKey]>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

#[derive(serde::Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the answer is larger than 256 KiB")]
    TooLarge,
    #[error("the answer is not a JWKS: {0}")]
    NotJwks(#[from] serde_json::Error),
    #[error("no key in it can be used: expected RS256, ES256 or EdDSA signing keys")]
    NoKeys,
}

impl Jwks {
    pub(super) fn new(
        url: &str,
        algorithms: &[Algorithm],
        refresh: Duration,
        clock: Clock,
    ) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(FETCH_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("oyez/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let shared = Shared {
            url: url.to_owned(),
            algorithms: algorithms.to_vec(),
            refresh_seconds: i64::try_from(refresh.as_secs()).unwrap_or(i64::MAX).max(RETRY_AFTER_SECONDS),
            clock,
            client,
            known: RwLock::default(),
            fetching: tokio::sync::Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The keys that may have signed a token with this header. Waits for a fetch only when no key fits.
    pub(super) async fn keys_for(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<VerifyingKey> {
        if !self.shared.algorithms.contains(&algorithm) {
            return Vec::new();
        }
        let (found, old) = self.shared.look(id, algorithm);
        if !found.is_empty() {
            if old && self.shared.may_fetch() {
                let shared = Arc::clone(&self.shared);
                // Ends by itself within the fetch timeout.
                tokio::spawn(async move { shared.fetch_once().await });
            }
            return found;
        }
        self.shared.fetch_once().await;
        self.shared.look(id, algorithm).0
    }
}

impl Shared {
    fn known(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Fitting keys, and whether they are due for another fetch.
    fn look(&self, id: Option<&str>, algorithm: Algorithm) -> (Vec<VerifyingKey>, bool) {
        let known = self.known();
        let fits = |key: &&VerifyingKey| {
            key.algorithm == algorithm && (id.is_none() || key.id.is_none() || key.id.as_deref() == id)
        };
        let found = known.keys.iter().filter(fits).cloned().collect();
        let due = known.fetched_at.is_none_or(|at| self.clock.now() >= at.plus_seconds(self.refresh_seconds));
        (found, due)
    }

    fn may_fetch(&self) -> bool {
        let tried_at = self.known().tried_at;
        tried_at.is_none_or(|at| self.clock.now() >= at.plus_seconds(RETRY_AFTER_SECONDS))
    }

    async fn fetch_once(&self) {
        let _one = self.fetching.lock().await;
        // Whoever waited for another's fetch finds its keys.
        if !self.may_fetch() {
            return;
        }
        let now = self.clock.now();
        let fetched = self.fetch().await;
        let mut known = self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.tried_at = Some(now);
        match fetched {
            Ok(keys) => {
                known.keys = keys.into();
                known.fetched_at = Some(now);
            }
            Err(error) => {
                let error = error.to_string();
                tracing::warn!(url = %self.url, %error, kept = known.keys.len(), "could not read the JWKS");
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<VerifyingKey>, FetchError> {
        let mut answer = self.client.get(&self.url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let set: KeySet = serde_json::from_slice(&body)?;
        // Key by key: one that we cannot read must not hide the others.
        let readable = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<_> = readable.filter_map(|key| verifying_key(&key)).take(MAX_KEYS).collect();
        if keys.is_empty() { Err(FetchError::NoKeys) } else { Ok(keys) }
    }
}

/// The key, if it verifies signatures of an algorithm we take. Shared secrets are never taken from the network.
fn verifying_key(jwk: &Jwk) -> Option<VerifyingKey> {
    if matches!(&jwk.common.public_key_use, Some(use_) if *use_ != PublicKeyUse::Signature) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    let stated = match jwk.common.key_algorithm {
        None => algorithm,
        Some(KeyAlgorithm::RS256) => Algorithm::RS256,
        Some(KeyAlgorithm::ES256) => Algorithm::ES256,
        Some(KeyAlgorithm::EdDSA) => Algorithm::EdDSA,
        Some(_) => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok().filter(|_| stated == algorithm)?;
    Some(VerifyingKey { id: jwk.common.key_id.clone(), algorithm, key })
}
