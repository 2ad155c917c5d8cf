//! Logins, and the refresh tokens that carry them on: each token is good once, and a second use ends the login.

use oyez_protocol::{SessionId, Timestamp, UserId};

use crate::{error::StoreError, store::Store, writer::Tx};

/// A login to be stored.
#[derive(Clone)]
pub struct NewSession {
    /// Names it.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// SHA-256 of the first refresh token.
    pub refresh_hash: [u8; 32],
    /// When that token ends, unless it is used before.
    pub expires_at: Timestamp,
}

/// A login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names it.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// When its newest refresh token ends.
    pub expires_at: Timestamp,
    /// When it was ended: by logout, by reuse of a token, or because the user was shut out.
    pub revoked_at: Option<Timestamp>,
}

/// What came of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// The new token is stored, the old one is used up.
    Rotated {
        /// Which login.
        session: SessionId,
        /// Whose.
        user: UserId,
    },
    /// The token was used before: somebody has a copy. The login has been ended.
    Reused {
        /// Which login.
        session: SessionId,
        /// Whose.
        user: UserId,
    },
    /// No such token, or its login has ended.
    Unknown,
    /// Its time is over.
    Expired,
}

impl Tx {
    /// Stores a login; makes the user known.
    pub async fn create_session(&mut self, session: &NewSession, now: Timestamp) -> Result<(), StoreError> {
        todo!()
    }

    /// Uses up a refresh token and stores its successor, or ends the login when it was used before.
    pub async fn rotate_refresh(
        &mut self,
        old_hash: &[u8; 32],
        new_hash: &[u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<RefreshOutcome, StoreError> {
        todo!()
    }

    /// Ends a login. Returns whose it was, or `None` when there was none that lived.
    pub async fn revoke_session(
        &mut self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        todo!()
    }
}

impl Store {
    /// One login, ended ones too until they are cleaned away.
    pub async fn session(&self, session: SessionId) -> Result<Option<Session>, StoreError> {
        todo!()
    }

    /// The login a refresh token belongs to, used up or not: for logout.
    pub async fn session_of_refresh(&self, hash: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        todo!()
    }
}
