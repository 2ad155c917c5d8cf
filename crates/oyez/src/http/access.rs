//! Who may call what: users see and change only what is theirs, applications need scopes, and holders of an admin
//! role have the scope `admin`.

use axum::extract::FromRequestParts;
use http::request::Parts;
use oyez_protocol::{Audience, ErrorCode, UserId};

use super::{Http, refusal::Refusal};
use crate::auth::{Principal, Scope};

/// A caller who is known.
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    is_admin: bool,
}

impl FromRequestParts<Http> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Http) -> Result<Self, Refusal> {
        let principal = state.auth().authenticate(parts).await?;
        Ok(Self::known(state, principal))
    }
}

impl Caller {
    /// A caller whose credentials were checked.
    pub(crate) fn known(state: &Http, principal: Principal) -> Self {
        let is_admin = match &principal {
            Principal::User(user) => state.auth().is_admin(user),
            Principal::Application(key) => key.scopes.allow(Scope::Admin),
        };
        Self { principal, is_admin }
    }

    /// Whether the caller has the scope.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        match &self.principal {
            Principal::User(_) => self.is_admin,
            Principal::Application(key) => key.scopes.allow(scope),
        }
    }

    /// Refuses who lacks the scope.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), Refusal> {
        if self.may(scope) { Ok(()) } else { Err(Refusal::missing_scope(scope)) }
    }

    /// Refuses a publish to others by a user without an admin role, and by an application without the scope.
    pub(crate) fn require_publish(&self, to: &[Audience]) -> Result<(), Refusal> {
        match &self.principal {
            Principal::User(user) if !self.is_admin => {
                let themselves = |one: &Audience| matches!(one, Audience::User(id) if *id == user.id);
                if to.iter().all(themselves) {
                    return Ok(());
                }
                let detail = format!(
                    "you may publish to yourself (\"user:{}\"); to others only with an admin role or an API key \
                     with the scope \"publish\"",
                    user.id
                );
                Err(Refusal::new(ErrorCode::Forbidden, detail))
            }
            _ => self.require(Scope::Publish),
        }
    }

    /// Whether the caller is this user.
    pub(crate) fn is_user(&self, id: &UserId) -> bool {
        matches!(&self.principal, Principal::User(user) if user.id == *id)
    }

    /// Keeps the idempotency keys of different callers apart.
    pub(crate) fn scope(&self) -> String {
        match &self.principal {
            Principal::User(user) => format!("user:{}", user.id),
            Principal::Application(key) => format!("key:{}", key.id),
        }
    }
}
