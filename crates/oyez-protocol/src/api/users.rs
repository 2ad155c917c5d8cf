//! `/api/v1/users`: who is known.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{RoleName, UserId},
    time::Timestamp,
};

/// Most users one bulk call may name.
pub const MAX_USERS: usize = 1_000;

/// What the application says about a user. A field that is absent leaves what is stored; an empty text clears it.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// What people call them.
    #[serde(default)]
    pub name: Option<String>,
    /// Where e-mail reaches them; also a login name.
    #[serde(default)]
    pub email: Option<String>,
    /// A BCP 47 tag, such as `de-CH`.
    #[serde(default)]
    pub locale: Option<String>,
    /// An IANA name, such as `Europe/Zurich`.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Replaces the roles that the application set before.
    #[serde(default)]
    pub roles: Option<Vec<RoleName>>,
    /// Lets them log in here with this password.
    #[serde(default)]
    pub password: Option<String>,
}

/// One user of a bulk call.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserEntry {
    /// Who.
    pub id: UserId,
    /// What people call them.
    #[serde(default)]
    pub name: Option<String>,
    /// Where e-mail reaches them; also a login name.
    #[serde(default)]
    pub email: Option<String>,
    /// A BCP 47 tag, such as `de-CH`.
    #[serde(default)]
    pub locale: Option<String>,
    /// An IANA name, such as `Europe/Zurich`.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Replaces the roles that the application set before.
    #[serde(default)]
    pub roles: Option<Vec<RoleName>>,
}

/// `PUT /api/v1/users`: all or none.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UsersRequest {
    /// Up to [`MAX_USERS`].
    pub users: Vec<UserEntry>,
}

/// A known user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Who.
    pub id: UserId,
    /// What people call them.
    pub name: Option<String>,
    /// Where e-mail reaches them.
    pub email: Option<String>,
    /// A BCP 47 tag.
    pub locale: Option<String>,
    /// An IANA name.
    pub time_zone: Option<String>,
    /// All roles, whoever gave them, sorted.
    pub roles: Vec<RoleName>,
    /// Those of them that the user's last token claimed.
    pub token_roles: Vec<RoleName>,
    /// May not use Oyez any more.
    pub disabled: bool,
    /// Can log in here with a password.
    pub has_password: bool,
    /// When they became known.
    pub created_at: Timestamp,
}
