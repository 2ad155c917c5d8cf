//! Users and topics as the application says they are: profiles, roles, memberships, shutting out and erasing.
//!
//! What changes who may see what is announced, so that live connections follow at once. Passwords, sessions and keys
//! are the business of `auth`.

use oyez_core::{
    access::{OWN_TOPICS, is_own},
    account::check_profile,
    clock::Clock,
    notification::Invalid,
};
use oyez_protocol::{ErrorCode, RoleName, TopicName, UserId};
use oyez_store::{Store, StoreError, User, UserFilter, UserProfile};

use crate::bus::{Announcement, Bus};

/// Most roles one user may hold.
pub const MAX_ROLES: usize = 100;

/// Why a call is refused, or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UsersError {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Nobody knows this user.
    #[error("there is no user {0}")]
    NotFound(UserId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UsersError {
    /// The stable code for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Store(error) => error.code(),
        }
    }
}

/// Users and topics. Cheap to clone.
#[derive(Clone)]
pub struct Users {
    store: Store,
    bus: Bus,
    clock: Clock,
}

impl Users {
    /// Joins store and bus.
    pub fn new(store: Store, bus: Bus, clock: Clock) -> Self {
        Self { store, bus, clock }
    }

    /// Makes or changes a user; `None` in the profile leaves what is stored.
    pub async fn put(&self, profile: UserProfile) -> Result<User, UsersError> {
        let mut users = self.put_all(vec![profile]).await?;
        Ok(users.pop().expect("one user per profile"))
    }

    /// Makes or changes several users: all or none.
    pub async fn put_all(&self, profiles: Vec<UserProfile>) -> Result<Vec<User>, UsersError> {
        for profile in &profiles {
            check(profile)?;
        }
        let now = self.clock.now();
        let sets_roles: Vec<bool> = profiles.iter().map(|profile| profile.roles.is_some()).collect();
        let bus = self.bus.clone();
        let users = self
            .store
            .write_then(
                move |tx| {
                    Box::pin(async move {
                        let mut users = Vec::with_capacity(profiles.len());
                        for profile in &profiles {
                            users.push(tx.put_user(profile, now).await?);
                        }
                        Ok(users)
                    })
                },
                move |users: &Vec<User>| {
                    for (user, _) in users.iter().zip(sets_roles).filter(|(_, sets_roles)| *sets_roles) {
                        bus.announce(roles_changed(user));
                    }
                },
            )
            .await?;
        Ok(users)
    }

    /// Takes over the roles a user's token claims. Says on the bus when that changed anything.
    pub async fn set_token_roles(&self, user: &UserId, roles: Vec<RoleName>) -> Result<(), UsersError> {
        let (owner, now) = (user.clone(), self.clock.now());
        let change = self
            .store
            .write(move |tx| Box::pin(async move { tx.set_token_roles(&owner, &roles, now).await }));
        if change.await?
            && let Some(user) = self.store.user(user).await?
        {
            self.bus.announce(roles_changed(&user));
        }
        Ok(())
    }

    /// Shuts a user out: sessions end, and live connections at once.
    pub async fn disable(&self, user: &UserId) -> Result<(), UsersError> {
        self.set_disabled(user, true).await
    }

    /// Lets a user in again.
    pub async fn enable(&self, user: &UserId) -> Result<(), UsersError> {
        self.set_disabled(user, false).await
    }

    async fn set_disabled(&self, user: &UserId, disabled: bool) -> Result<(), UsersError> {
        let (owner, now) = (user.clone(), self.clock.now());
        let (bus, shut_out) = (self.bus.clone(), user.clone());
        let change = self.store.write_then(
            move |tx| Box::pin(async move { tx.set_disabled(&owner, disabled, now).await }),
            move |_| {
                if disabled {
                    bus.announce(Announcement::Revoked { user: shut_out, session: None });
                }
            },
        );
        match change.await {
            Ok(_) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(UsersError::NotFound(user.clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// Erases all that is known of a user, inbox included, and ends their connections. Returns whether there was such a
    /// user. A call that is interrupted is finished by the next one.
    pub async fn erase(&self, user: &UserId) -> Result<bool, UsersError> {
        let erased = self.store.erase_user(user).await?;
        // Also for a user nobody knew: a connection may have been opened with a token alone.
        self.bus.announce(Announcement::Revoked { user: user.clone(), session: None });
        Ok(erased)
    }

    /// One user.
    pub async fn get(&self, user: &UserId) -> Result<User, UsersError> {
        self.store.user(user).await?.ok_or_else(|| UsersError::NotFound(user.clone()))
    }

    /// Users by id; the next page begins after the last user of this one.
    pub async fn list(
        &self,
        after: Option<&UserId>,
        limit: u32,
        filter: &UserFilter,
    ) -> Result<Vec<User>, UsersError> {
        Ok(self.store.users(after, limit, filter).await?)
    }

    /// Makes a user a member of a topic. Returns whether that changed anything.
    pub async fn join(&self, topic: &TopicName, user: &UserId) -> Result<bool, UsersError> {
        if is_own(topic) {
            return Err(own_topic(topic).into());
        }
        self.set_member(topic, user, true).await
    }

    /// Ends a membership; live subscriptions end with it. Returns whether that changed anything.
    pub async fn leave(&self, topic: &TopicName, user: &UserId) -> Result<bool, UsersError> {
        self.set_member(topic, user, false).await
    }

    async fn set_member(&self, topic: &TopicName, user: &UserId, member: bool) -> Result<bool, UsersError> {
        let (bus, now) = (self.bus.clone(), self.clock.now());
        let (topic, user) = (topic.clone(), user.clone());
        let announcement = Announcement::Membership { topic: topic.clone(), user: user.clone(), member };
        let change = self.store.write_then(
            move |tx| Box::pin(async move { tx.set_member(&topic, &user, member, now).await }),
            move |changed| {
                if *changed {
                    bus.announce(announcement);
                }
            },
        );
        Ok(change.await?)
    }

    /// A topic's members by id; the next page begins after the last of this one.
    pub async fn members(
        &self,
        topic: &TopicName,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, UsersError> {
        Ok(self.store.members(topic, after, limit).await?)
    }

    /// Whether a user is a member of a topic.
    pub async fn is_member(&self, topic: &TopicName, user: &UserId) -> Result<bool, UsersError> {
        Ok(self.store.is_member(topic, user).await?)
    }
}

/// All the user's roles, whoever gave them, sorted.
fn roles_changed(user: &User) -> Announcement {
    let mut roles: Vec<RoleName> = user.roles.iter().chain(&user.token_roles).cloned().collect();
    roles.sort();
    roles.dedup();
    Announcement::RolesChanged { user: user.id.clone(), roles: roles.into() }
}

/// Members would hear what is for admins.
fn own_topic(topic: &TopicName) -> Invalid {
    Invalid {
        code: ErrorCode::Invalid,
        field: "name".into(),
        message: format!(
            "\"name\" is {topic}: topics that begin with \"{OWN_TOPICS}\" have no members; holders of an admin role \
             subscribe to them"
        ),
    }
}

fn check(profile: &UserProfile) -> Result<(), Invalid> {
    check_profile(
        profile.name.as_deref(),
        profile.email.as_deref(),
        profile.locale.as_deref(),
        profile.time_zone.as_deref(),
    )?;
    match profile.roles.as_ref().map(Vec::len) {
        Some(count) if count > MAX_ROLES => Err(Invalid {
            code: ErrorCode::Invalid,
            field: "roles".into(),
            message: format!("\"roles\" may name {MAX_ROLES} roles at most, not {count}"),
        }),
        _ => Ok(()),
    }
}
