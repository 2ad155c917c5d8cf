//! Tickets: a user's right to open one connection within a minute, for clients that can only set a URL.

use oyez_protocol::{ErrorCode, SessionId, Timestamp, UserId};
use oyez_store::{NewTicket, TicketGrant};

use super::{
    Auth,
    claims::Identity,
    error::AuthError,
    principal::UserPrincipal,
    secret::{Secret, random_token, sha256},
};

/// A fresh ticket.
#[derive(Debug, Clone)]
pub struct IssuedTicket {
    /// For `?ticket=`.
    pub ticket: Secret,
    /// When it ends if nobody takes it.
    pub expires_at: Timestamp,
}

impl Auth {
    /// Makes a ticket for one connection of this user.
    pub async fn issue_ticket(&self, user: &UserPrincipal) -> Result<IssuedTicket, AuthError> {
        let grant =
            TicketGrant { user: user.id.clone(), session: user.session, roles: user.token_roles.clone() };
        self.issue_ticket_with(grant).await
    }

    /// Makes a ticket for one connection of a user whom an application vouches for.
    pub async fn issue_ticket_for(&self, user: &UserId) -> Result<IssuedTicket, AuthError> {
        self.issue_ticket_with(TicketGrant { user: user.clone(), session: None, roles: None }).await
    }

    async fn issue_ticket_with(&self, grant: TicketGrant) -> Result<IssuedTicket, AuthError> {
        let now = self.inner.clock.now();
        let ttl = i64::try_from(self.inner.options.config.ticket_ttl.as_secs()).unwrap_or(i64::MAX);
        let expires_at = now.plus_seconds(ttl);
        let text = random_token();
        let ticket = NewTicket { hash: sha256(&text), expires_at, grant };
        let change =
            self.inner.store.write(move |tx| Box::pin(async move { tx.create_ticket(&ticket, now).await }));
        change.await?;
        Ok(IssuedTicket { ticket: Secret::new(text), expires_at })
    }

    pub(super) async fn take_ticket(&self, ticket: &str) -> Result<(Identity, Option<SessionId>), AuthError> {
        let now = self.inner.clock.now();
        let hash = sha256(ticket);
        let change =
            self.inner.store.write(move |tx| Box::pin(async move { tx.take_ticket(&hash, now).await }));
        let unknown = || AuthError::new(ErrorCode::TicketInvalid, "the ticket is unknown, used or too old");
        let grant = change.await?.ok_or_else(unknown)?;
        // The connection lives as long as a token made at this moment would.
        let ttl = i64::try_from(self.inner.options.config.access_ttl.as_secs()).unwrap_or(i64::MAX);
        let identity = Identity {
            user: grant.user,
            roles: grant.roles,
            name: None,
            email: None,
            session: grant.session,
            expires_at: now.plus_seconds(ttl),
        };
        Ok((identity, grant.session))
    }
}
