//! Who is calling: tokens, tickets, cookies, API keys and passwords become a [`Principal`] or an [`AuthError`].
//!
//! It never decides what a principal may do with a resource (the HTTP and gateway edges do, with
//! [`Principal`]'s roles and scopes), and it never writes a secret to the log or into an error.
//!
//! In reading order: `principal` is the answer; `identify` finds the credentials in a request; `jwt`, `claims` and
//! `jwks` check tokens; `api_keys`, `tickets` and `cookie` the other kinds; `sessions` logs in and out with
//! `password` and `attempts`; [`keys`] signs.

mod address;
mod api_keys;
mod attempts;
mod claims;
pub mod cookie;
mod error;
pub mod extract;
mod identify;
mod issuers;
mod jwks;
mod jwt;
pub mod keys;
pub mod password;
mod principal;
mod secret;
mod sessions;
mod tickets;

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use oyez_core::{clock::Clock, notification::Idempotency};
use oyez_protocol::{ErrorCode, SessionId, Timestamp, UserId};
use oyez_store::{ApiKey, Remembered, Store, StoreError, UserProfile};

use crate::{
    bus::{Announcement, Bus},
    config::AuthConfig,
};

pub use address::client_address;
pub use api_keys::{CreatedKey, KEY_PREFIX};
pub use error::AuthError;
pub use issuers::SetupError;
pub use keys::SigningKey;
pub use password::Passwords;
pub use principal::{KeyPrincipal, Principal, Scope, ScopeError, Scopes, UserPrincipal};
pub use secret::Secret;
pub(crate) use secret::random_token;
pub use sessions::{LoggedIn, Login, Refreshed, issue_token};
pub use tickets::IssuedTicket;

/// Checks and issues credentials. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    inner: Arc<Inner>,
}

/// What [`Auth`] is made of.
#[derive(Debug, Clone)]
pub struct AuthOptions {
    /// The `[auth]` section.
    pub config: AuthConfig,
    /// What signs this server's own tokens.
    pub key: SigningKey,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether people reach this server by TLS, so that cookies are marked `Secure`.
    pub https: bool,
    /// A key that opens everything and is stored nowhere: for commands on this machine. It has the form of an API key.
    pub control_key: Option<Secret>,
}

struct Inner {
    store: Store,
    bus: Bus,
    clock: Clock,
    options: AuthOptions,
    signer: jwt::Signer,
    /// The first is this server itself.
    issuers: Vec<jwt::Issuer>,
    /// How the session cookie's token is read.
    cookies: [jwt::Issuer; 1],
    api_keys: api_keys::ApiKeys,
    passwords: Passwords,
    limits: sessions::LoginLimits,
    /// Users that this process has made sure are known; forgotten as a whole when too many.
    known: Mutex<HashSet<UserId>>,
}

/// A fresh access token.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The JWT.
    pub access: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Auth {
    /// Reads the keys that the configuration names.
    pub fn new(store: Store, bus: Bus, clock: Clock, options: AuthOptions) -> Result<Self, SetupError> {
        let issuers = issuers::configured(&options, &clock)?;
        let inner = Inner {
            signer: jwt::Signer::new(options.key.id(), options.key.secret()),
            issuers,
            cookies: [issuers::cookies(&options)],
            api_keys: api_keys::ApiKeys::new(store.clone(), clock.clone(), options.control_key.as_ref()),
            passwords: Passwords::default(),
            limits: sessions::LoginLimits::new(&options.config),
            known: Mutex::default(),
            store,
            bus,
            clock,
            options,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether people reach this server by TLS, so that cookies are marked `Secure`.
    pub fn https(&self) -> bool {
        self.inner.options.https
    }

    /// Whether the user holds a role that makes them an administrator over HTTP.
    pub fn is_admin(&self, user: &UserPrincipal) -> bool {
        let admin_roles = &self.inner.options.config.admin_roles;
        user.roles.iter().any(|role| admin_roles.iter().any(|admin| admin == role.as_str()))
    }

    /// Hashes passwords, a few at a time.
    pub fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    /// The hash of a user's new password, which must not be too short, too long, or the user's own name.
    pub async fn hash_password(&self, profile: &UserProfile, password: Secret) -> Result<String, AuthError> {
        let own = [Some(profile.id.as_str()), profile.name.as_deref(), profile.email.as_deref()];
        let own: Vec<&str> = own.into_iter().flatten().collect();
        password::check(&password, &own)?;
        self.inner.passwords.hash(password).await
    }

    /// Stores a password hash and ends the user's logins: whoever knew the old password is out. `NotFound` when the
    /// user is unknown.
    pub async fn set_password_hash(&self, user: &UserId, hash: String) -> Result<(), AuthError> {
        let (owner, told) = (user.clone(), user.clone());
        let (bus, now) = (self.inner.bus.clone(), self.inner.clock.now());
        let change = self.inner.store.write_then(
            move |tx| {
                Box::pin(async move {
                    tx.set_password(&owner, Some(&hash)).await?;
                    tx.revoke_sessions(&owner, now).await
                })
            },
            move |ended: &Vec<SessionId>| {
                for session in ended {
                    bus.announce(Announcement::Revoked { user: told.clone(), session: Some(*session) });
                }
            },
        );
        match change.await {
            Err(StoreError::NotFound(what)) => {
                Err(AuthError::new(ErrorCode::NotFound, format!("there is no such {what}")))
            }
            done => Ok(done.map(drop)?),
        }
    }

    /// Where a request comes from.
    pub fn client_address(&self, parts: &http::request::Parts) -> Option<IpAddr> {
        client_address(parts, &self.inner.options.trusted_proxies)
    }

    /// Makes an API key. With `idempotency`, a repeated call answers with the same key, secret included.
    pub async fn create_key(
        &self,
        name: &str,
        scopes: Scopes,
        idempotency: Option<Idempotency>,
    ) -> Result<CreatedKey, AuthError> {
        let now = self.inner.clock.now();
        let replay = |remembered: &Remembered, fingerprint: &[u8; 32]| {
            if remembered.fingerprint == *fingerprint {
                return Ok(remembered.response.clone());
            }
            let message = "the idempotency key was used before, for another body";
            Err(AuthError::new(ErrorCode::IdempotencyMismatch, message))
        };
        let mut nonce = secret::random_token();
        let mut replayed = false;
        if let Some(idempotency) = &idempotency
            && let Some(remembered) =
                self.inner.store.recall(&idempotency.scope, &idempotency.key, now).await?
        {
            nonce = replay(&remembered, &idempotency.fingerprint)?;
            replayed = true;
        }
        let (key, secret) = api_keys::draft(&self.inner.options.key, name, scopes, &nonce);
        if replayed {
            let created = self.inner.store.key_by_hash(&key.secret_hash).await?;
            let revoked =
                || AuthError::new(ErrorCode::Conflict, "the key that this request made was revoked");
            return Ok(CreatedKey { key: created.ok_or_else(revoked)?, secret });
        }
        let write = self.inner.store.write(move |tx| {
            Box::pin(async move {
                if let Some(Idempotency { scope, key: name, fingerprint }) = &idempotency {
                    tx.remember(scope, name, fingerprint, &nonce, now).await?;
                }
                tx.create_key(&key, now).await
            })
        });
        Ok(CreatedKey { key: write.await?, secret })
    }

    /// All API keys, revoked ones too, oldest first.
    pub async fn keys(&self) -> Result<Vec<ApiKey>, AuthError> {
        Ok(self.inner.store.keys().await?)
    }

    /// Ends an API key, in this process at once, in others within seconds. Returns whether there was one.
    pub async fn revoke_key(&self, id: &str) -> Result<bool, AuthError> {
        self.inner.api_keys.revoke(id).await
    }
}
