//! Whose tokens are accepted: this server's own, and those of the issuers that the configuration names.

use std::{io, path::PathBuf};

use jsonwebtoken::{Algorithm, DecodingKey};
use oyez_core::clock::Clock;

use super::{
    AuthOptions,
    claims::ClaimRules,
    jwks::Jwks,
    jwt::{Issuer, VerifyingKey},
};
use crate::config::{self, ClaimsConfig};

/// Why the configured keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file cannot be read.
    #[error("auth.public_key_file: could not read {path}: {source}")]
    KeyFile {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "auth.public_key_file: {path} holds no public key: expected PEM (\"-----BEGIN PUBLIC KEY-----\") \
         with an RSA, EC P-256 or Ed25519 key"
    )]
    NotAKey {
        /// Which file.
        path: PathBuf,
    },
    /// The key's algorithm is not among those accepted.
    #[error("{setting} needs {algorithm} in auth.algorithms")]
    AlgorithmOff {
        /// Which setting.
        setting: &'static str,
        /// Which algorithm.
        algorithm: &'static str,
    },
    /// Short secrets can be guessed from any token.
    #[error("auth.secret is too short: expected 32 bytes at least, given {0}")]
    ShortSecret(usize),
    /// The HTTP client cannot be made.
    #[error("auth.jwks_url: {0}")]
    Jwks(reqwest::Error),
}

/// This server first, then the configured issuer.
pub(super) fn configured(options: &AuthOptions, clock: &Clock) -> Result<Vec<Issuer>, SetupError> {
    let mut issuers = vec![own(options, "access")];
    let config = &options.config;
    let mut keys = Vec::new();
    let allowed: Vec<Algorithm> = config.algorithms.iter().map(|one| algorithm(*one)).collect();
    let allow = |wanted: Algorithm, setting, name| {
        if allowed.contains(&wanted) {
            Ok(())
        } else {
            Err(SetupError::AlgorithmOff { setting, algorithm: name })
        }
    };
    if let Some(secret) = &config.secret {
        if secret.len() < 32 {
            return Err(SetupError::ShortSecret(secret.len()));
        }
        allow(Algorithm::HS256, "auth.secret", "HS256")?;
        let key = DecodingKey::from_secret(secret.as_bytes());
        keys.push(VerifyingKey { id: None, algorithm: Algorithm::HS256, key });
    }
    if let Some(path) = &config.public_key_file {
        let pem = std::fs::read(path).map_err(|source| SetupError::KeyFile { path: path.clone(), source })?;
        let (wanted, name, key) =
            public_key(&pem).ok_or_else(|| SetupError::NotAKey { path: path.clone() })?;
        allow(wanted, "auth.public_key_file", name)?;
        keys.push(VerifyingKey { id: None, algorithm: wanted, key });
    }
    let jwks = match &config.jwks_url {
        Some(url) => {
            let jwks = Jwks::new(url, &allowed, config.jwks_refresh, clock.clone());
            Some(jwks.map_err(SetupError::Jwks)?)
        }
        None => None,
    };
    if !keys.is_empty() || jwks.is_some() {
        let rules = ClaimRules {
            names: config.claims.clone(),
            issuers: config.issuers.clone(),
            audiences: config.audiences.clone(),
            leeway_seconds: i64::try_from(config.leeway.as_secs()).unwrap_or(i64::MAX),
            token_type: "access",
            sessions: false,
        };
        issuers.push(Issuer { keys, jwks, rules });
    }
    Ok(issuers)
}

/// Reads the tokens in session cookies.
pub(super) fn cookies(options: &AuthOptions) -> Issuer {
    own(options, "session")
}

fn own(options: &AuthOptions, token_type: &'static str) -> Issuer {
    let key = VerifyingKey {
        id: Some(options.key.id().to_owned()),
        algorithm: Algorithm::HS256,
        key: DecodingKey::from_secret(options.key.secret()),
    };
    let rules = ClaimRules {
        names: ClaimsConfig {
            user: vec!["sub".into()],
            roles: "roles".into(),
            name: "name".into(),
            email: "email".into(),
        },
        issuers: Vec::new(),
        audiences: Vec::new(),
        leeway_seconds: 0,
        token_type,
        sessions: true,
    };
    Issuer { keys: vec![key], jwks: None, rules }
}

fn algorithm(configured: config::Algorithm) -> Algorithm {
    match configured {
        config::Algorithm::Hs256 => Algorithm::HS256,
        config::Algorithm::Rs256 => Algorithm::RS256,
        config::Algorithm::Es256 => Algorithm::ES256,
        config::Algorithm::EdDsa => Algorithm::EdDSA,
    }
}

/// The key in a PEM file, with the one algorithm it is used for.
fn public_key(pem: &[u8]) -> Option<(Algorithm, &'static str, DecodingKey)> {
    let rsa = || DecodingKey::from_rsa_pem(pem).ok().map(|key| (Algorithm::RS256, "RS256", key));
    let ec = || DecodingKey::from_ec_pem(pem).ok().map(|key| (Algorithm::ES256, "ES256", key));
    let ed = || DecodingKey::from_ed_pem(pem).ok().map(|key| (Algorithm::EdDSA, "EdDSA", key));
    ed().or_else(ec).or_else(rsa)
}
