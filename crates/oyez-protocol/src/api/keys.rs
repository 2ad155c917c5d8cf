//! `/api/v1/keys`: API keys of applications.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// `POST /api/v1/keys`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// What people call it, 1 to 100 characters.
    #[cfg_attr(feature = "openapi", schema(example = "shop backend"))]
    pub name: String,
    /// What it may do: `publish`, `jobs`, `boards`, `users`, `admin` (everything).
    #[cfg_attr(feature = "openapi", schema(example = json!(["publish"])))]
    pub scopes: Vec<String>,
    /// The same as the `Idempotency-Key` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// A key as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    /// Names it, publicly.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ended.
    pub revoked_at: Option<Timestamp>,
}

/// A key right after it was made.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedKey {
    /// Names it, publicly.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The secret. It is shown this once.
    pub key: String,
}
