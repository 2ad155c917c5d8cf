//! What a new server gives its owner: an administrator, an API key, and nothing to guess.

use oyez_protocol::{RoleName, UserId};
use oyez_store::{UserFilter, UserProfile};
use rand::RngExt as _;

use super::{Error, Oyez};
use crate::auth::{Scope, Secret};

/// Letters and digits that cannot be taken for each other.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const PASSWORD_LENGTH: usize = 18;
const ADMIN: &str = "admin";

/// Shown once, at the first start.
#[derive(Debug, Clone)]
pub struct FirstStart {
    /// The administrator's user id.
    pub user: UserId,
    /// Their password.
    pub password: Secret,
    /// An API key that may do everything.
    pub key: Secret,
}

/// A password that nobody guesses: about 100 bits.
pub fn random_password() -> Secret {
    let mut random = rand::rng();
    let letters = (0..PASSWORD_LENGTH).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
    Secret::new(letters.collect::<String>())
}

impl Oyez {
    /// Whether there is neither a user nor an API key, however the database came to be: `oyez migrate` makes one too.
    pub(super) async fn is_unclaimed(&self) -> Result<bool, Error> {
        let store = &self.inner.store;
        let users = store.users(None, 1, &UserFilter::default()).await?;
        Ok(users.is_empty() && store.keys().await?.is_empty())
    }

    /// Makes the administrator and the first key.
    pub(super) async fn introduce(&self) -> Result<FirstStart, Error> {
        let user = UserId::new(ADMIN).expect("a valid id");
        let password = random_password();
        let roles = ["admin", "super_admin"].map(|role| RoleName::new(role).expect("a valid name"));
        let mut profile = UserProfile::new(user.clone());
        profile.name = Some("Administrator".into());
        profile.roles = Some(roles.to_vec());
        self.users().put(profile).await?;
        self.users().set_password(&user, password.reveal()).await?;
        let scopes = [Scope::Admin].into_iter().collect();
        let created = self.inner.auth.create_key("first key", scopes, None).await?;
        Ok(FirstStart { user, password, key: created.secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_never_the_same() {
        let (one, other) = (random_password(), random_password());
        assert_eq!(one.reveal().len(), PASSWORD_LENGTH);
        assert_ne!(one.reveal(), other.reveal());
    }
}
