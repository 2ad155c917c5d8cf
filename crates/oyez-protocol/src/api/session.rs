//! `/api/auth/…`: logins of built-in users.

use serde::{Deserialize, Serialize};

use super::users::User;
use crate::{ids::SessionId, time::Timestamp};

/// `POST /api/auth/login`: either name, and the password.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The e-mail address.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = "anna@example.com"))]
    pub email: Option<String>,
    /// The user id (an e-mail address is understood too).
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = "anna"))]
    pub username: Option<String>,
    /// The password.
    pub password: String,
}

/// A login that worked. The cookie `oyez_session` is set along with it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginAnswer {
    /// A JWT for the API and for live connections.
    pub access: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Good once, for `POST /api/auth/refresh`.
    pub refresh: String,
    /// Who.
    pub user: User,
}

/// `POST /api/auth/refresh`.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The newest refresh token.
    pub refresh: String,
}

/// A session carried on. The refresh token that was sent is used up.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefreshAnswer {
    /// A JWT for the API and for live connections.
    pub access: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Good once, for the next call.
    pub refresh: String,
}

/// `POST /api/auth/logout`: the session of the caller's token or cookie, or that of a refresh token.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LogoutRequest {
    /// A refresh token of the session.
    #[serde(default)]
    pub refresh: Option<String>,
}

/// `GET /api/auth/me`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// Who.
    pub user: User,
    /// The login; null with a token of another issuer.
    pub session: Option<SessionId>,
    /// When the token or cookie ends.
    pub expires_at: Option<Timestamp>,
    /// May do everything over HTTP, by a role.
    pub is_admin: bool,
}

/// `POST /api/auth/ticket`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ticket {
    /// For `?ticket=` of one connection.
    pub ticket: String,
    /// When it ends if nobody takes it.
    pub expires_at: Timestamp,
}
