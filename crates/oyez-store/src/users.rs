//! Who is known: profiles, roles, passwords, and their end.

use oyez_protocol::{RoleName, Timestamp, UserId};

use crate::{error::StoreError, store::Store, writer::Tx};

/// What the application says about a user. `None` leaves what is stored; an empty text clears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserProfile {
    /// Who.
    pub id: UserId,
    /// What people call them.
    pub name: Option<String>,
    /// Where e-mail reaches them; also a login name.
    pub email: Option<String>,
    /// A BCP 47 tag, such as `de-CH`.
    pub locale: Option<String>,
    /// An IANA name, such as `Europe/Zurich`.
    pub time_zone: Option<String>,
    /// Roles the application sets; replaces the earlier ones.
    pub roles: Option<Vec<RoleName>>,
}

impl UserProfile {
    /// A profile that says nothing but who it is.
    pub fn new(id: UserId) -> Self {
        Self { id, name: None, email: None, locale: None, time_zone: None, roles: None }
    }
}

/// A known user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// What people call them.
    pub name: Option<String>,
    /// Where e-mail reaches them.
    pub email: Option<String>,
    /// A BCP 47 tag.
    pub locale: Option<String>,
    /// An IANA name.
    pub time_zone: Option<String>,
    /// Roles the application set, sorted.
    pub roles: Vec<RoleName>,
    /// Roles the user's last token claimed, sorted.
    pub token_roles: Vec<RoleName>,
    /// May not use Oyez any more.
    pub disabled: bool,
    /// Can log in with a password.
    pub has_password: bool,
    /// When they became known.
    pub created_at: Timestamp,
}

/// What a login is checked against.
#[derive(Clone)]
pub struct Credentials {
    /// Who.
    pub user: UserId,
    /// Argon2 hash in PHC form.
    pub password_hash: String,
    /// May not log in any more.
    pub disabled: bool,
}

/// Which users a list shows.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Only holders of this role, whoever gave it.
    pub role: Option<RoleName>,
    /// Only disabled ones, or only others.
    pub disabled: Option<bool>,
    /// Only users whose id, name or e-mail contains this, in any case.
    pub search: Option<String>,
}

impl Tx {
    /// Makes or changes a user.
    pub async fn put_user(&mut self, profile: &UserProfile, now: Timestamp) -> Result<User, StoreError> {
        todo!()
    }

    /// Sets a user's password hash; `None` takes the password away. `NotFound` when the user is unknown.
    pub async fn set_password(&mut self, user: &UserId, hash: Option<&str>) -> Result<(), StoreError> {
        todo!()
    }

    /// Shuts a user out, which ends all sessions, or lets them in again. Returns whether that changed anything;
    /// `NotFound` when the user is unknown.
    pub async fn set_disabled(
        &mut self,
        user: &UserId,
        disabled: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        todo!()
    }

    /// Replaces the roles that came with tokens; makes the user known. Returns whether that changed anything.
    pub async fn set_token_roles(
        &mut self,
        user: &UserId,
        roles: &[RoleName],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        todo!()
    }
}

impl Store {
    /// Removes all that is known of a user: profile, items, sessions, tickets, memberships, receipts. A large inbox
    /// goes in small steps; interrupted, the next call goes on. Returns whether there was such a user.
    pub async fn erase_user(&self, user: &UserId) -> Result<bool, StoreError> {
        todo!()
    }

    /// One user.
    pub async fn user(&self, user: &UserId) -> Result<Option<User>, StoreError> {
        todo!()
    }

    /// Finds by id, else by e-mail in any case (when one user alone has it), who can log in with a password.
    pub async fn credentials(&self, login: &str) -> Result<Option<Credentials>, StoreError> {
        todo!()
    }

    /// Users by id; the next page begins after the last user of this one.
    pub async fn users(
        &self,
        after: Option<&UserId>,
        limit: u32,
        filter: &UserFilter,
    ) -> Result<Vec<User>, StoreError> {
        todo!()
    }
}
