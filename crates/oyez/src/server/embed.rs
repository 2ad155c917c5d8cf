//! What an application that embeds Oyez calls: the same use cases as the HTTP edge, without HTTP.

use std::time::Duration;

use oyez_core::notification::Invalid;
use oyez_protocol::{
    RoleName, TopicName, UserId,
    api::publish::{EventReached, EventRequest, NotificationRequest, Published},
};
use oyez_store::{OpenError, StoreError, User, UserProfile};

use crate::{
    auth::{AuthError, IssuedToken, UserPrincipal},
    server::Oyez,
};

/// Why a call of the embedded Oyez failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request is refused; nothing was written.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The caller is refused.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something else is wrong with the settings or the machine.
    #[error("{0}")]
    Start(String),
}

/// Users, as the application knows them.
#[derive(Clone, Copy)]
pub struct Users<'a> {
    oyez: &'a Oyez,
}

/// Topics and their members.
#[derive(Clone, Copy)]
pub struct Topics<'a> {
    oyez: &'a Oyez,
}

impl Oyez {
    /// Says a thing once, durably: on return it is on disk for every recipient.
    ///
    /// An `idempotency_key` makes a repeated call the same call.
    pub async fn publish(&self, request: NotificationRequest) -> Result<Published, Error> {
        let _ = request;
        todo!()
    }

    /// Tells whoever is connected now; nothing is stored.
    pub async fn event(&self, request: EventRequest) -> Result<EventReached, Error> {
        let _ = request;
        todo!()
    }

    /// Users: make, change, shut out, erase.
    pub fn users(&self) -> Users<'_> {
        Users { oyez: self }
    }

    /// Who an access token speaks for: an application's own API can take the tokens that [`Self::issue_token`] gave.
    pub async fn verify_token(&self, token: &str) -> Result<UserPrincipal, Error> {
        let _ = token;
        todo!()
    }

    /// Topics: who is a member.
    pub fn topics(&self) -> Topics<'_> {
        Topics { oyez: self }
    }

    /// Signs an access token for a user, for the page or app that opens the live stream.
    ///
    /// Roles given here are known from the first connection on; roles set by [`Users::put`] count as well.
    pub fn issue_token(
        &self,
        user: &UserId,
        roles: &[RoleName],
        ttl: Duration,
    ) -> Result<IssuedToken, Error> {
        let _ = (user, roles, ttl);
        todo!()
    }
}

impl Users<'_> {
    /// Makes or changes a user. `None` leaves what is stored.
    pub async fn put(&self, profile: UserProfile) -> Result<User, Error> {
        let _ = (profile, self.oyez);
        todo!()
    }

    /// One user.
    pub async fn get(&self, user: &UserId) -> Result<Option<User>, Error> {
        let _ = user;
        todo!()
    }

    /// Sets the password of the built-in login (`POST /api/auth/login`).
    pub async fn set_password(&self, user: &UserId, password: &str) -> Result<(), Error> {
        let _ = (user, password);
        todo!()
    }

    /// Checks a user's id or e-mail and password, without starting a session: for an application's own login form.
    pub async fn check_password(&self, login: &str, password: &str) -> Result<Option<UserId>, Error> {
        let _ = (login, password);
        todo!()
    }

    /// Shuts a user out: live connections end at once.
    pub async fn disable(&self, user: &UserId) -> Result<(), Error> {
        let _ = user;
        todo!()
    }

    /// Lets a user in again.
    pub async fn enable(&self, user: &UserId) -> Result<(), Error> {
        let _ = user;
        todo!()
    }

    /// Erases all that is known of a user, and ends their connections. Returns whether there was anything.
    pub async fn erase(&self, user: &UserId) -> Result<bool, Error> {
        let _ = user;
        todo!()
    }
}

impl Topics<'_> {
    /// Makes a user a member. Returns whether that changed anything.
    pub async fn add(&self, topic: &TopicName, user: &UserId) -> Result<bool, Error> {
        let _ = (topic, user, self.oyez);
        todo!()
    }

    /// Ends a membership. Returns whether that changed anything.
    pub async fn remove(&self, topic: &TopicName, user: &UserId) -> Result<bool, Error> {
        let _ = (topic, user);
        todo!()
    }

    /// Whether a user is a member.
    pub async fn has(&self, topic: &TopicName, user: &UserId) -> Result<bool, Error> {
        let _ = (topic, user);
        todo!()
    }
}
