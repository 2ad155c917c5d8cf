//! Logins, and the refresh tokens that carry them on: each token is good once, and a second use ends the login.

use oyez_protocol::{SessionId, Timestamp, UserId};

use crate::{
    engine::{Row, args, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

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
        let user = self.known_user(&session.user, now).await?;
        let args = args![session.id.0, user, now, session.expires_at, &session.refresh_hash];
        self.execute(sql!("sessions/create", "sessions/add_token"), args).await.map(|_| ())
    }

    /// Uses up a refresh token and stores its successor, or ends the login when it was used before.
    pub async fn rotate_refresh(
        &mut self,
        old_hash: &[u8; 32],
        new_hash: &[u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<RefreshOutcome, StoreError> {
        let Some(row) = self.fetch_one(sql!("sessions/token"), args![old_hash]).await? else {
            return Ok(RefreshOutcome::Unknown);
        };
        let (session, user) = (SessionId(row.uuid(0)?), row.user(1)?);
        let (expired, used, ended) =
            (row.time(2)? <= now, row.opt_time(3)?.is_some(), row.opt_time(4)?.is_some());
        if used && !ended {
            self.execute(sql!("sessions/revoke"), args![session.0, now]).await?;
        }
        Ok(match (used, ended, expired) {
            (_, true, _) => RefreshOutcome::Unknown,
            (true, false, _) => RefreshOutcome::Reused { session, user },
            (false, false, true) => RefreshOutcome::Expired,
            (false, false, false) => {
                self.execute(sql!("sessions/use_token"), args![old_hash, now]).await?;
                // Twin of the arguments of `create`, which it shares a file with.
                let args = args![session.0, (), (), expires_at, new_hash];
                self.execute(sql!("sessions/prolong", "sessions/add_token"), args).await?;
                RefreshOutcome::Rotated { session, user }
            }
        })
    }

    /// Ends a login. Returns whose it was, or `None` when there was none that lived.
    pub async fn revoke_session(
        &mut self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        if self.execute(sql!("sessions/revoke"), args![session.0, now]).await? == 0 {
            return Ok(None);
        }
        let row = self.fetch_one(sql!("sessions/columns", "sessions/one"), args![session.0]).await?;
        row.map(|row| row.user(1)).transpose()
    }

    /// Ends all logins of a user, as a new password does. Returns which lived.
    pub async fn revoke_sessions(
        &mut self,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let rows = self.fetch(sql!("sessions/revoke_all"), args![user, now]).await?;
        rows.iter().map(|row| row.uuid(0).map(SessionId)).collect()
    }
}

impl Store {
    /// One login, ended ones too until they are cleaned away.
    pub async fn session(&self, session: SessionId) -> Result<Option<Session>, StoreError> {
        let statement = sql!("sessions/columns", "sessions/one");
        let row = self.reader().await?.fetch_one(statement, args![session.0]).await?;
        row.map(|row| read(&row)).transpose()
    }

    /// The login a refresh token belongs to, used up or not: for logout.
    pub async fn session_of_refresh(&self, hash: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        let statement = sql!("sessions/columns", "sessions/of_token");
        let row = self.reader().await?.fetch_one(statement, args![hash]).await?;
        row.map(|row| read(&row)).transpose()
    }
}

fn read(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        id: SessionId(row.uuid(0)?),
        user: row.user(1)?,
        created_at: row.time(2)?,
        expires_at: row.time(3)?,
        revoked_at: row.opt_time(4)?,
    })
}
