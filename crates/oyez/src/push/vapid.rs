//! Says to push services who we are (RFC 8292): a token signed with a key of our own, which browsers were given when
//! they subscribed.

use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::{
    agreement,
    encoding::{AsBigEndian as _, EcPrivateKeyBin},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oyez_protocol::Timestamp;
use serde_json::json;

use crate::key_file::{self, KeyFileError, KeyKind};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "vapid.key";
const KIND: KeyKind = KeyKind {
    name: "VAPID key",
    expected: "32 bytes in base64url, as web-push libraries write a private key",
    cost: "every browser has to subscribe again",
};
/// How long a token is good; a day is the most that push services take.
const TTL_SECONDS: i64 = 12 * 3_600;
/// A token is used for so long, so that a clock that goes wrong harms nobody.
const USED_SECONDS: i64 = 6 * 3_600;
/// Push services there are tokens for; there are about five in the world.
const MOST_ORIGINS: usize = 256;

/// The key that browsers know us by. Shows nothing of its secret half.
pub struct VapidKey {
    pair: EcdsaKeyPair,
}

impl VapidKey {
    /// Reads the key in `directory`, or makes it. A private key of another web-push library may be put there, so that
    /// browsers need not subscribe again.
    pub fn open(directory: &Path) -> Result<Self, KeyFileError> {
        key_file::open(
            &directory.join(FILE_NAME),
            KIND,
            || URL_SAFE_NO_PAD.encode(new_scalar()),
            |text| Self::from_scalar(&URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?),
        )
    }

    /// A key that lives as long as the process, for tests.
    pub fn ephemeral() -> Self {
        Self::from_scalar(&new_scalar()).expect("a new key is a key")
    }

    fn from_scalar(scalar: &[u8]) -> Option<Self> {
        let key = agreement::PrivateKey::from_private_key(&agreement::ECDH_P256, scalar).ok()?;
        let public = key.compute_public_key().ok()?;
        let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(alg, scalar, public.as_ref()).ok()?;
        Some(Self { pair })
    }

    /// The `applicationServerKey`: an uncompressed point on P-256 in base64url.
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key())
    }

    fn token(&self, claims: &serde_json::Value) -> String {
        let part = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "ES256"})), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.expect("signing fails only when memory runs out");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VapidKey").field(&self.public_key()).finish()
    }
}

fn new_scalar() -> Vec<u8> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let pair = pair.expect("making a key fails only when memory runs out");
    let scalar: Result<EcPrivateKeyBin<'_>, _> = pair.private_key().as_be_bytes();
    scalar.expect("a key on P-256 has 32 bytes").as_ref().to_vec()
}

/// Tokens by push service: signed once, used for hours.
#[derive(Debug)]
pub struct Vapid {
    key: VapidKey,
    subject: Option<String>,
    tokens: Mutex<HashMap<String, (Timestamp, String)>>,
}

impl Vapid {
    /// `subject` is where the operator of a push service may complain: `mailto:…` or `https://…`.
    pub fn new(key: VapidKey, subject: Option<String>) -> Self {
        Self { key, subject, tokens: Mutex::default() }
    }

    /// The key that browsers are to be given.
    pub fn public_key(&self) -> String {
        self.key.public_key()
    }

    /// The header `Authorization` for a push service.
    pub fn authorization(&self, origin: &str, now: Timestamp) -> String {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((signed_at, header)) = tokens.get(origin)
            && (*signed_at..signed_at.plus_seconds(USED_SECONDS)).contains(&now)
        {
            return header.clone();
        }
        let mut claims = json!({"aud": origin, "exp": now.plus_seconds(TTL_SECONDS).as_millis() / 1_000});
        if let Some(subject) = &self.subject {
            claims["sub"] = subject.as_str().into();
        }
        let header = format!("vapid t={}, k={}", self.key.token(&claims), self.key.public_key());
        if tokens.len() >= MOST_ORIGINS {
            tokens.clear();
        }
        tokens.insert(origin.to_owned(), (now, header.clone()));
        header
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};

    use super::*;

    fn claims(header: &str) -> serde_json::Value {
        let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let point = URL_SAFE_NO_PAD.decode(key).unwrap();
        assert_eq!((point.len(), point[0]), (65, 4));
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["https://push.example.net"]);
        validation.validate_exp = false;
        let key = DecodingKey::from_ec_components(&x, &y).unwrap();
        jsonwebtoken::decode(token, &key, &validation).unwrap().claims
    }

    #[test]
    fn a_push_service_can_verify_who_sends() {
        let vapid = Vapid::new(VapidKey::ephemeral(), Some("mailto:ops@example.com".into()));
        let now = Timestamp::from_millis(1_800_000_000_000);
        let header = vapid.authorization("https://push.example.net", now);
        let expected =
            json!({"aud": "https://push.example.net", "exp": 1_800_043_200, "sub": "mailto:ops@example.com"});
        assert_eq!(claims(&header), expected);
        let anonymous = Vapid::new(VapidKey::ephemeral(), None);
        let header = anonymous.authorization("https://push.example.net", now);
        assert_eq!(claims(&header).get("sub"), None);
    }

    #[test]
    fn a_token_is_signed_once_per_push_service_and_renewed_in_time() {
        let vapid = Vapid::new(VapidKey::ephemeral(), None);
        let now = Timestamp::from_millis(1_800_000_000_000);
        let of = |origin: &str, hours: i64| vapid.authorization(origin, now.plus_seconds(hours * 3_600));
        let first = of("https://a.example", 0);
        assert_eq!(of("https://a.example", 5), first);
        assert_ne!(of("https://b.example", 5), first);
        assert_ne!(of("https://a.example", 6), first);
        let renewed = of("https://a.example", 6);
        assert_ne!(of("https://a.example", -24), renewed, "a token from the future is not used");
        for number in 0..2 * MOST_ORIGINS {
            of(&format!("https://{number}.example"), 0);
        }
        assert!(vapid.tokens.lock().unwrap().len() <= MOST_ORIGINS);
    }

    #[test]
    fn the_key_is_kept_and_may_come_from_another_library() {
        let directory = tempfile::tempdir().unwrap();
        let made = VapidKey::open(directory.path()).unwrap().public_key();
        assert_eq!(VapidKey::open(directory.path()).unwrap().public_key(), made);
        // RFC 8291, appendix A: the application server's key pair.
        let private = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
        let public =
            "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
        std::fs::write(directory.path().join(FILE_NAME), private).unwrap();
        let key = VapidKey::open(directory.path()).unwrap();
        assert_eq!(key.public_key(), public);
        assert!(!format!("{key:?}").contains(private));
        std::fs::write(directory.path().join(FILE_NAME), "AAAA").unwrap();
        assert!(matches!(VapidKey::open(directory.path()), Err(KeyFileError::NotAKey { .. })));
    }
}
