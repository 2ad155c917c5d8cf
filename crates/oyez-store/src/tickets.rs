//! Tickets: good for one handshake, for clients that can only put something into a URL.

use oyez_protocol::{RoleName, SessionId, Timestamp, UserId};

use crate::{error::StoreError, writer::Tx};

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
        todo!()
    }

    /// Takes a ticket, once. `None` when it is unknown, taken or too old.
    pub async fn take_ticket(
        &mut self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<TicketGrant>, StoreError> {
        todo!()
    }
}
