//! Who is calling: tokens, tickets, cookies, API keys and passwords become a [`Principal`] or an [`AuthError`].
//!
//! It never decides what a principal may do with a resource (the HTTP and gateway edges do, with
//! [`Principal`]'s roles and scopes), and it never writes a secret to the log or into an error.

mod error;
mod principal;
mod secret;

use std::sync::Arc;

use oyez_protocol::{ErrorCode, RoleName, Timestamp, UserId};

pub use error::AuthError;
pub use principal::{KeyPrincipal, Principal, Scope, ScopeError, Scopes, UserPrincipal};
pub use secret::Secret;

/// Checks and issues credentials. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Auth {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {}

/// A fresh access token.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The JWT.
    pub access: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Auth {
    /// Who opens a live connection. First match wins: `Authorization: Bearer`, `Sec-WebSocket-Protocol:
    /// oyez.v1, bearer.<jwt>`, cookie `oyez_session`, `?ticket=`, `?token=`.
    ///
    /// A ticket is used up by this call.
    pub async fn handshake(&self, parts: &http::request::Parts) -> Result<UserPrincipal, AuthError> {
        let _ = (parts, &self.inner);
        Err(AuthError::new(ErrorCode::TokenMissing, "no credentials"))
    }

    /// Who a JWT belongs to: the `auth` frame on a live connection.
    pub async fn verify_token(&self, token: &str) -> Result<UserPrincipal, AuthError> {
        let _ = token;
        Err(AuthError::new(ErrorCode::TokenMissing, "no credentials"))
    }

    /// Signs an access token of this server for a user, outside any session.
    pub fn issue(
        &self,
        user: &UserId,
        roles: &[RoleName],
        ttl: std::time::Duration,
    ) -> Result<IssuedToken, AuthError> {
        let _ = (user, roles, ttl);
        Err(AuthError::new(ErrorCode::Internal, "cannot sign"))
    }
}
