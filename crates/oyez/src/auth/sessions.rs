//! Logins: a password opens a session, refresh tokens carry it on, logout or the misuse of a token ends it.
//!
//! Every failed login looks the same and takes the same time, whether the user exists or has a password. Only who
//! knows the password of a disabled user learns that it is disabled.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use oyez_protocol::{ErrorCode, RoleName, SessionId, Timestamp, UserId};
use oyez_store::{NewSession, RefreshOutcome, User};
use serde_json::json;

use super::{
    Auth, IssuedToken,
    address::network,
    attempts::Attempts,
    claims::Claims,
    error::AuthError,
    jwt::Signer,
    keys::SigningKey,
    principal::UserPrincipal,
    secret::{Secret, random_token, sha256},
};
use crate::{bus::Announcement, config::AuthConfig};

/// Failures allowed per address for each one allowed per account: an office shares one address.
const ADDRESS_FACTOR: u32 = 5;

/// Longest user id or e-mail address that is looked up, in bytes.
const MAX_LOGIN_BYTES: usize = 320;

/// A try to log in.
#[derive(Debug, Clone)]
pub struct Login {
    /// User id or e-mail address.
    pub login: String,
    /// The password.
    pub password: Secret,
    /// Where it comes from.
    pub address: Option<IpAddr>,
}

/// A login that worked.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// Who.
    pub user: User,
    /// For the API and live connections.
    pub token: IssuedToken,
    /// Good once, for the next token.
    pub refresh: Secret,
    /// For the cookie `oyez_session`.
    pub cookie: Secret,
    /// When the session ends if it is not carried on.
    pub session_expires_at: Timestamp,
}

/// A session carried on.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// For the API and live connections.
    pub token: IssuedToken,
    /// Good once, for the next token.
    pub refresh: Secret,
    /// For the cookie `oyez_session`.
    pub cookie: Secret,
}

/// Counts failed logins.
pub(super) struct LoginLimits {
    counts: Mutex<Counts>,
}

struct Counts {
    accounts: Attempts<[u8; 32]>,
    addresses: Attempts<IpAddr>,
}

impl LoginLimits {
    pub(super) fn new(config: &AuthConfig) -> Self {
        let window = i64::try_from(config.login_window.as_secs()).unwrap_or(i64::MAX);
        let allowed = config.login_attempts;
        let accounts = Attempts::new(allowed, window);
        let addresses = Attempts::new(allowed.saturating_mul(ADDRESS_FACTOR), window);
        Self { counts: Mutex::new(Counts { accounts, addresses }) }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, account: &[u8; 32], address: Option<IpAddr>, now: Timestamp) -> Result<(), AuthError> {
        let mut counts = self.counts();
        // The address first: one that is shut out must not shut accounts out.
        let begun = match address {
            Some(address) => counts.addresses.begin(&address, now),
            None => Ok(()),
        };
        let begun = begun.and_then(|()| counts.accounts.begin(account, now));
        begun.map_err(|seconds| AuthError {
            retry_after: Some(seconds),
            ..AuthError::new(ErrorCode::TooManyRequests, "too many failed logins: wait before the next try")
        })
    }

    fn succeeded(&self, account: &[u8; 32], address: Option<IpAddr>) {
        let mut counts = self.counts();
        counts.accounts.clear(account);
        if let Some(address) = address {
            counts.addresses.take_back(&address);
        }
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn login_failed() -> AuthError {
    AuthError::new(ErrorCode::LoginFailed, "wrong user name or password")
}

impl Auth {
    /// Whose id or e-mail address and password these are; `None` when they do not fit. `UserDisabled` when they do,
    /// but the user was shut out. Counts failures like a login, but opens no session.
    pub async fn check_password(&self, login: Login) -> Result<Option<UserId>, AuthError> {
        let Login { login, password, address } = login;
        let login = login.trim().to_owned();
        let account = sha256(&login.to_lowercase());
        let address = address.map(network);
        self.inner.limits.begin(&account, address, self.inner.clock.now())?;
        let credentials = if login.is_empty() || login.len() > MAX_LOGIN_BYTES {
            None
        } else {
            self.inner.store.credentials(&login).await?
        };
        let hash = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
        let fits = self.inner.passwords.verify(password, hash).await?;
        let Some(credentials) = credentials.filter(|_| fits) else { return Ok(None) };
        self.inner.limits.succeeded(&account, address);
        if credentials.disabled {
            return Err(AuthError::new(ErrorCode::UserDisabled, "this user may not use Oyez any more"));
        }
        Ok(Some(credentials.user))
    }

    /// Opens a session with a password.
    pub async fn login(&self, login: Login) -> Result<LoggedIn, AuthError> {
        let id = self.check_password(login).await?.ok_or_else(login_failed)?;
        let user = self.inner.store.user(&id).await?.ok_or_else(login_failed)?;
        let now = self.inner.clock.now();
        let session = SessionId(uuid::Uuid::new_v4());
        let refresh = random_token();
        let expires_at = now.plus_seconds(seconds(self.inner.options.config.refresh_ttl));
        let new = NewSession { id: session, user: id.clone(), refresh_hash: sha256(&refresh), expires_at };
        let change =
            self.inner.store.write(move |tx| Box::pin(async move { tx.create_session(&new, now).await }));
        change.await?;
        Ok(LoggedIn {
            token: self.session_token(&id, session, now)?,
            cookie: self.cookie_token(&id, session, expires_at)?,
            refresh: Secret::new(refresh),
            session_expires_at: expires_at,
            user,
        })
    }

    /// Carries a session on. A refresh token is good once: used again, somebody has a copy, and the session ends with
    /// all its live connections.
    pub async fn refresh(&self, refresh: &Secret) -> Result<Refreshed, AuthError> {
        let now = self.inner.clock.now();
        let next = random_token();
        let (old_hash, new_hash) = (sha256(refresh.reveal()), sha256(&next));
        let expires_at = now.plus_seconds(seconds(self.inner.options.config.refresh_ttl));
        let bus = self.inner.bus.clone();
        let change = self.inner.store.write_then(
            move |tx| Box::pin(async move { tx.rotate_refresh(&old_hash, &new_hash, now, expires_at).await }),
            move |outcome| {
                if let RefreshOutcome::Reused { session, user } = outcome {
                    bus.announce(Announcement::Revoked { user: user.clone(), session: Some(*session) });
                }
            },
        );
        let (user, session) = match change.await? {
            RefreshOutcome::Rotated { session, user } => (user, session),
            RefreshOutcome::Reused { session, .. } => {
                tracing::warn!(%session, "a refresh token was used twice: the session was ended");
                let message = "the refresh token was used before, so the session was ended: log in again";
                return Err(AuthError::new(ErrorCode::SessionRevoked, message));
            }
            RefreshOutcome::Unknown => {
                let message = "the refresh token is unknown or its session was ended: log in again";
                return Err(AuthError::new(ErrorCode::TokenInvalid, message));
            }
            RefreshOutcome::Expired => {
                let message = "the refresh token has expired: log in again";
                return Err(AuthError::new(ErrorCode::TokenExpired, message));
            }
        };
        if self.inner.store.standing(&user).await?.disabled {
            return Err(AuthError::new(ErrorCode::UserDisabled, "this user may not use Oyez any more"));
        }
        Ok(Refreshed {
            token: self.session_token(&user, session, now)?,
            cookie: self.cookie_token(&user, session, expires_at)?,
            refresh: Secret::new(next),
        })
    }

    /// Ends the session that a caller's token or cookie belongs to, and its live connections.
    /// Returns whether there was one: tokens of other issuers have none.
    pub async fn logout(&self, user: &UserPrincipal) -> Result<bool, AuthError> {
        match user.session {
            Some(session) => self.end_session(session).await,
            None => Ok(false),
        }
    }

    /// Ends the session that a refresh token belongs to.
    pub async fn logout_by_refresh(&self, refresh: &Secret) -> Result<bool, AuthError> {
        match self.inner.store.session_of_refresh(&sha256(refresh.reveal())).await? {
            Some(session) => self.end_session(session.id).await,
            None => Ok(false),
        }
    }

    async fn end_session(&self, session: SessionId) -> Result<bool, AuthError> {
        let now = self.inner.clock.now();
        let bus = self.inner.bus.clone();
        let change = self.inner.store.write_then(
            move |tx| Box::pin(async move { tx.revoke_session(session, now).await }),
            move |user| {
                if let Some(user) = user {
                    bus.announce(Announcement::Revoked { user: user.clone(), session: Some(session) });
                }
            },
        );
        Ok(change.await?.is_some())
    }

    /// Signs an access token of this server for a user, outside any session. Without roles it claims none.
    pub fn issue(&self, user: &UserId, roles: &[RoleName], ttl: Duration) -> Result<IssuedToken, AuthError> {
        access_token(&self.inner.signer, user, roles, ttl, self.inner.clock.now())
    }

    fn session_token(
        &self,
        user: &UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<IssuedToken, AuthError> {
        let mut claims = own_claims(user, "access", now);
        claims.insert("sid".into(), session.to_string().into());
        self.sign(claims, now.plus_seconds(seconds(self.inner.options.config.access_ttl)))
    }

    fn cookie_token(
        &self,
        user: &UserId,
        session: SessionId,
        expires_at: Timestamp,
    ) -> Result<Secret, AuthError> {
        let mut claims = own_claims(user, "session", self.inner.clock.now());
        claims.insert("sid".into(), session.to_string().into());
        Ok(self.sign(claims, expires_at)?.access)
    }

    fn sign(&self, claims: Claims, expires_at: Timestamp) -> Result<IssuedToken, AuthError> {
        sign(&self.inner.signer, claims, expires_at)
    }
}

/// Signs an access token with a server's key, without the server: what `oyez token` does. Without roles it claims none.
pub fn issue_token(
    key: &SigningKey,
    user: &UserId,
    roles: &[RoleName],
    ttl: Duration,
    now: Timestamp,
) -> Result<IssuedToken, AuthError> {
    access_token(&Signer::new(key.id(), key.secret()), user, roles, ttl, now)
}

fn access_token(
    signer: &Signer,
    user: &UserId,
    roles: &[RoleName],
    ttl: Duration,
    now: Timestamp,
) -> Result<IssuedToken, AuthError> {
    let mut claims = own_claims(user, "access", now);
    if !roles.is_empty() {
        claims.insert("roles".into(), roles.iter().map(RoleName::as_str).collect());
    }
    sign(signer, claims, now.plus_seconds(seconds(ttl)))
}

fn sign(signer: &Signer, mut claims: Claims, expires_at: Timestamp) -> Result<IssuedToken, AuthError> {
    // Whole seconds, as every reader of JWTs expects; the answer says what the token says.
    let exp = expires_at.as_millis().div_euclid(1000);
    claims.insert("exp".into(), exp.into());
    let access = Secret::new(signer.sign(&claims)?);
    Ok(IssuedToken { access, expires_at: Timestamp::from_millis(exp.saturating_mul(1000)) })
}

fn own_claims(user: &UserId, token_type: &str, now: Timestamp) -> Claims {
    let claims = json!({
        "iss": "oyez",
        "sub": user,
        "iat": now.as_millis().div_euclid(1000),
        "token_type": token_type,
    });
    match claims {
        serde_json::Value::Object(claims) => claims,
        _ => Claims::new(),
    }
}
