//! JWTs (RFC 7519, RFC 7515 compact): signatures checked against pinned keys, own tokens signed.
//!
//! The key decides the algorithm, never the token: a key is tried only for the one algorithm it was configured
//! for, so a public key can never be used as a shared secret. `none` is no algorithm here.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use oyez_protocol::{ErrorCode, Timestamp};
use serde::Deserialize;

use super::{
    claims::{ClaimRules, Claims, Identity},
    error::AuthError,
    jwks::Jwks,
};

/// Longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A key that verifies one algorithm.
#[derive(Clone)]
pub(super) struct VerifyingKey {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// An issuer: its keys, and how its claims are read.
pub(super) struct Issuer {
    pub(super) keys: Vec<VerifyingKey>,
    pub(super) jwks: Option<Jwks>,
    pub(super) rules: ClaimRules,
}

/// The algorithm and key id that a token's header names.
struct Named {
    algorithm: Algorithm,
    key_id: Option<String>,
}

fn malformed() -> AuthError {
    AuthError::new(ErrorCode::TokenMalformed, "the token is not a JWT: expected three base64url parts")
}

fn invalid(message: &'static str) -> AuthError {
    AuthError::new(ErrorCode::TokenInvalid, message)
}

fn read_header(token: &str) -> Result<Named, AuthError> {
    #[derive(Deserialize)]
    struct Raw {
        alg: String,
        #[serde(default)]
        kid: Option<String>,
        #[serde(default)]
        crit: Option<serde::de::IgnoredAny>,
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed());
    };
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| malformed())?;
    let header: Raw = serde_json::from_slice(&header).map_err(|_| malformed())?;
    let base64url =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if payload.is_empty() || !base64url(payload) || !base64url(signature) {
        return Err(malformed());
    }
    if header.crit.is_some() {
        return Err(invalid("the token's header demands extensions (\"crit\") that are not supported"));
    }
    let algorithm = match header.alg.as_str() {
        "HS256" => Algorithm::HS256,
        "RS256" => Algorithm::RS256,
        "ES256" => Algorithm::ES256,
        "EdDSA" => Algorithm::EdDSA,
        _ => return Err(invalid("the token's \"alg\" must be HS256, RS256, ES256 or EdDSA")),
    };
    Ok(Named { algorithm, key_id: header.kid })
}

/// Checks a token against the issuers in order and reads who it names.
pub(super) async fn verify(issuers: &[Issuer], token: &str, now: Timestamp) -> Result<Identity, AuthError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(AuthError::new(ErrorCode::TokenMalformed, "the token is longer than 8 KiB"));
    }
    let named = read_header(token)?;
    let mut tried = false;
    for issuer in issuers {
        for key in &issuer.keys {
            if key.fits(&named) {
                tried = true;
                if let Some(claims) = key.open(token)? {
                    return issuer.rules.read(&claims, now);
                }
            }
        }
        if let Some(jwks) = &issuer.jwks {
            for key in jwks.keys_for(named.key_id.as_deref(), named.algorithm).await.iter() {
                tried = true;
                if let Some(claims) = key.open(token)? {
                    return issuer.rules.read(&claims, now);
                }
            }
        }
    }
    Err(if tried {
        invalid("the token's signature is wrong")
    } else {
        invalid("no configured key fits the token's \"alg\" and \"kid\"")
    })
}

impl VerifyingKey {
    fn fits(&self, named: &Named) -> bool {
        let same_id = match (&self.id, &named.key_id) {
            (Some(own), Some(named)) => own == named,
            // A key without an id may have signed anything; a token without one may be signed by any key.
            _ => true,
        };
        self.algorithm == named.algorithm && same_id
    }

    /// The claims if this key signed the token; `None` when another key did.
    fn open(&self, token: &str) -> Result<Option<Claims>, AuthError> {
        use jsonwebtoken::errors::ErrorKind;
        match jsonwebtoken::decode::<Claims>(token, &self.key, &signature_only(self.algorithm)) {
            Ok(opened) => Ok(Some(opened.claims)),
            Err(error) => match error.kind() {
                ErrorKind::Json(_) | ErrorKind::Utf8(_) | ErrorKind::Base64(_) => Err(malformed()),
                _ => Ok(None),
            },
        }
    }
}

/// The library checks the signature; times come from our clock and claims from our configuration.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// Signs this server's own tokens.
#[derive(Clone)]
pub(super) struct Signer {
    id: Arc<str>,
    key: EncodingKey,
}

impl Signer {
    pub(super) fn new(id: &str, secret: &[u8]) -> Self {
        Self { id: id.into(), key: EncodingKey::from_secret(secret) }
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, AuthError> {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(self.id.to_string());
        jsonwebtoken::encode(&header, claims, &self.key).map_err(|error| {
            tracing::error!(%error, "could not sign a token");
            AuthError::new(ErrorCode::Internal, "the token could not be signed")
        })
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyingKey").field("id", &self.id).field("algorithm", &self.algorithm).finish()
    }
}
