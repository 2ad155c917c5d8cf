//! Who is calling, once it is known. Plain data: no look-ups, no decisions beyond "has this scope".

use std::{fmt, str::FromStr, sync::Arc};

use oyez_protocol::{RoleName, Timestamp, UserId, ids::SessionId};

/// A caller whose credentials were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A person: sees and changes only what is theirs.
    User(UserPrincipal),
    /// An application with an API key: acts for everybody within its scopes.
    Application(Arc<KeyPrincipal>),
}

/// A user, by token, ticket or cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPrincipal {
    /// Who.
    pub id: UserId,
    /// What the application set and what the token claims, together, sorted.
    pub roles: Vec<RoleName>,
    /// What the token claims; `None`: it makes no claim about roles.
    pub token_roles: Option<Vec<RoleName>>,
    /// The name the token claims.
    pub name: Option<String>,
    /// The e-mail address the token claims.
    pub email: Option<String>,
    /// The login this token belongs to; `None` for tokens that another issuer signed.
    pub session: Option<SessionId>,
    /// When the token ends.
    pub expires_at: Option<Timestamp>,
    /// The browser sent it by itself, so a write needs its CSRF proof.
    pub via_cookie: bool,
}

/// An application, by API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPrincipal {
    /// The key's public id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
}

/// A right an API key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Scope {
    /// Notifications and events.
    Publish = 1,
    /// Jobs, workers and schedules.
    Jobs = 2,
    /// Boards.
    Boards = 4,
    /// Users and topics.
    Users = 8,
    /// Everything, API keys and connections included.
    Admin = 16,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Publish, Self::Jobs, Self::Boards, Self::Users, Self::Admin];

    /// The scope as it is written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Jobs => "jobs",
            Self::Boards => "boards",
            Self::Users => "users",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope: expected publish, jobs, boards, users or admin")]
pub struct ScopeError(String);

impl FromStr for Scope {
    type Err = ScopeError;
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known.ok_or_else(|| ScopeError(text.chars().take(40).collect()))
    }
}

/// A set of scopes; `admin` includes all others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Whether the set allows it.
    pub fn allow(self, scope: Scope) -> bool {
        self.0 & (scope as u8 | Scope::Admin as u8) != 0
    }

    /// The members, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.0 & *scope as u8 != 0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | scope as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_includes_every_scope_and_no_other_does() {
        let admin: Scopes = [Scope::Admin].into_iter().collect();
        assert!(Scope::ALL.into_iter().all(|scope| admin.allow(scope)));
        let publish: Scopes = [Scope::Publish].into_iter().collect();
        assert!(
            publish.allow(Scope::Publish) && !publish.allow(Scope::Users) && !publish.allow(Scope::Admin)
        );
        assert!(!Scopes::default().allow(Scope::Publish));
    }

    #[test]
    fn scopes_read_back_as_they_were_written() {
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert!("root".parse::<Scope>().is_err());
    }
}
