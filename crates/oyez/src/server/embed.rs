//! What an application that embeds Oyez calls: the same use cases as the HTTP edge, without HTTP.

mod boards;
mod deliveries;
mod jobs;
mod preferences;
mod push;
mod templates;
mod webhooks;

use std::time::Duration;

use oyez_protocol::{
    ErrorCode, RoleName, TopicName, UserId,
    api::publish::{EventReached, EventRequest, NotificationRequest, Published},
};
use oyez_store::{User, UserFilter, UserProfile};

use super::{Error, Oyez};
use crate::{
    auth::{IssuedToken, Login, Secret, UserPrincipal},
    users::UsersError,
};

pub use boards::Boards;
pub use deliveries::Deliveries;
pub use jobs::Jobs;
pub use preferences::Preferences;
pub use push::PushSubscriptions;
pub use templates::Templates;
pub use webhooks::Webhooks;

/// Keeps the idempotency keys of the embedding application apart from those of API keys.
const CALLER: &str = "embedded";

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
        Ok(self.inner.publisher.publish(&request, CALLER).await?)
    }

    /// Tells whoever is connected now; nothing is stored.
    pub async fn event(&self, request: EventRequest) -> Result<EventReached, Error> {
        Ok(self.inner.publisher.send_event(&request).await?)
    }

    /// Users: make, change, shut out, erase.
    pub fn users(&self) -> Users<'_> {
        Users { oyez: self }
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
        Ok(self.inner.auth.issue(user, roles, ttl)?)
    }

    /// Who an access token speaks for: an application's own API can take the tokens that [`Self::issue_token`] gave.
    pub async fn verify_token(&self, token: &str) -> Result<UserPrincipal, Error> {
        Ok(self.inner.auth.verify_token(token).await?)
    }
}

impl Users<'_> {
    /// Makes or changes a user. `None` leaves what is stored.
    pub async fn put(&self, profile: UserProfile) -> Result<User, Error> {
        Ok(self.oyez.inner.users.put(profile).await?)
    }

    /// One user.
    pub async fn get(&self, user: &UserId) -> Result<Option<User>, Error> {
        match self.oyez.inner.users.get(user).await {
            Ok(user) => Ok(Some(user)),
            Err(UsersError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Users by id; the next page begins after the last user of this one.
    pub async fn list(
        &self,
        after: Option<&UserId>,
        limit: u32,
        filter: &UserFilter,
    ) -> Result<Vec<User>, Error> {
        Ok(self.oyez.inner.users.list(after, limit, filter).await?)
    }

    /// Sets the password of the built-in login (`POST /api/auth/login`), and ends the logins with the old one.
    pub async fn set_password(&self, user: &UserId, password: &str) -> Result<(), Error> {
        let auth = &self.oyez.inner.auth;
        let hash = auth.passwords().hash(Secret::new(password)).await?;
        match auth.set_password_hash(user, hash).await {
            Err(error) if error.code == ErrorCode::NotFound => Err(Error::UnknownUser(user.clone())),
            other => Ok(other?),
        }
    }

    /// Checks a user's id or e-mail and password, without starting a session: for an application's own login form.
    ///
    /// Failed attempts are limited per account, as at the built-in login.
    pub async fn check_password(&self, login: &str, password: &str) -> Result<Option<UserId>, Error> {
        let login = Login { login: login.to_owned(), password: Secret::new(password), address: None };
        Ok(self.oyez.inner.auth.check_password(login).await?)
    }

    /// Shuts a user out: live connections end at once.
    pub async fn disable(&self, user: &UserId) -> Result<(), Error> {
        Ok(self.oyez.inner.users.disable(user).await?)
    }

    /// Lets a user in again.
    pub async fn enable(&self, user: &UserId) -> Result<(), Error> {
        Ok(self.oyez.inner.users.enable(user).await?)
    }

    /// Erases all that is known of a user, and ends their connections. Returns whether there was anything.
    pub async fn erase(&self, user: &UserId) -> Result<bool, Error> {
        Ok(self.oyez.inner.users.erase(user).await?)
    }
}

impl Topics<'_> {
    /// Makes a user a member. Returns whether that changed anything.
    pub async fn add(&self, topic: &TopicName, user: &UserId) -> Result<bool, Error> {
        Ok(self.oyez.inner.users.join(topic, user).await?)
    }

    /// Ends a membership. Returns whether that changed anything.
    pub async fn remove(&self, topic: &TopicName, user: &UserId) -> Result<bool, Error> {
        Ok(self.oyez.inner.users.leave(topic, user).await?)
    }

    /// Whether a user is a member.
    pub async fn has(&self, topic: &TopicName, user: &UserId) -> Result<bool, Error> {
        Ok(self.oyez.inner.users.is_member(topic, user).await?)
    }

    /// A topic's members by id; the next page begins after the last of this one.
    pub async fn members(
        &self,
        topic: &TopicName,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, Error> {
        Ok(self.oyez.inner.users.members(topic, after, limit).await?)
    }
}
