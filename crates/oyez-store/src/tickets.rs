//! Tickets: good for one handshake, for clients that can only put something into a URL.

use oyez_protocol::{RoleName, SessionId, Timestamp, UserId};

use crate::{
    engine::{args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// A ticket to be stored.
#[derive(Clone)]
pub struct NewTicket {
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// When it ends if nobody takes it.
    pub expires_at: Timestamp,
    /// What it stands for.
    pub grant: TicketGrant,
}

/// What a ticket stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketGrant {
    /// Who.
    pub user: UserId,
    /// The login it was made under.
    pub session: Option<SessionId>,
    /// Roles of the token it was made with; `None` when that claimed none.
    pub roles: Option<Vec<RoleName>>,
}

impl Tx {
    /// Stores a ticket; makes the user known.
    pub async fn create_ticket(&mut self, ticket: &NewTicket, now: Timestamp) -> Result<(), StoreError> {
        let user = self.known_user(&ticket.grant.user, now).await?;
        let session = ticket.grant.session.map(|session| session.0);
        let roles = ticket.grant.roles.as_ref().map(json);
        let args = args![&ticket.hash, user, session, roles, ticket.expires_at];
        self.execute(sql!("tickets/create"), args).await.map(|_| ())
    }

    /// Takes a ticket, once. `None` when it is unknown, taken or too old.
    pub async fn take_ticket(
        &mut self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<TicketGrant>, StoreError> {
        let Some(row) = self.fetch_one(sql!("tickets/find"), args![hash]).await? else { return Ok(None) };
        self.execute(sql!("tickets/take"), args![hash]).await?;
        if row.time(3)? <= now {
            return Ok(None);
        }
        Ok(Some(TicketGrant {
            user: row.user(0)?,
            session: row.opt_uuid(1)?.map(SessionId),
            roles: row.opt_text(2)?.is_some().then(|| row.names(2)).transpose()?,
        }))
    }
}
