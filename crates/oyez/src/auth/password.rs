//! Passwords: argon2id hashes, made and checked away from the threads that serve requests.
//!
//! A hash takes tens of milliseconds and 19 MiB on purpose, so only a few run at once and only so many wait.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use oyez_core::account::{MAX_PASSWORD_BYTES, check_password};
use oyez_protocol::ErrorCode;
use tokio::sync::Semaphore;

use super::{error::AuthError, secret::Secret};

/// Callers that may wait for their turn; more are told to come back.
const MAX_WAITING: usize = 64;

/// What an unknown user's password is compared with, so that the answer takes as long as for a known one.
/// The hash of a random text nobody kept, with the default parameters.
const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$MNDUJWKSYQk6Ce1cGBNOcQ$+aZ1Rw2TTvWZcWGLu3M2GDPSk8Xf1nJ6fQcV6u3kC3M";

/// Hashes and checks passwords, a few at a time. Clones share the limit.
#[derive(Debug, Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { permits: Arc::new(Semaphore::new(cores.min(4))), waiting: Arc::default() }
    }
}

impl Passwords {
    /// The hash to store, as a PHC string.
    pub async fn hash(&self, password: Secret) -> Result<String, AuthError> {
        check(&password, &[])?;
        self.run(move || hash_unchecked(&password)).await?
    }

    /// Whether the password belongs to the hash. Without a hash it takes the same time and says no.
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool, AuthError> {
        if password.reveal().len() > MAX_PASSWORD_BYTES {
            return Ok(false);
        }
        self.run(move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(NOBODYS_HASH);
            match PasswordHash::new(hash) {
                Ok(hash) => {
                    Argon2::default().verify_password(password.reveal().as_bytes(), &hash).is_ok() && known
                }
                Err(error) => {
                    tracing::error!(%error, "a stored password hash cannot be read");
                    false
                }
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AuthError> {
        let waiting = Waiting::enter(&self.waiting).ok_or_else(busy)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| busy())?;
        drop(waiting);
        let done = tokio::task::spawn_blocking(move || {
            // Held by the thread, not by the caller: a caller who hangs up does not free a busy core.
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| AuthError::new(ErrorCode::Internal, "the password could not be checked"))
    }
}

/// Hashes on this thread: for command lines.
pub fn hash_now(password: &Secret) -> Result<String, AuthError> {
    check(password, &[])?;
    hash_unchecked(password)
}

/// Whether a new password is good enough; `own` are texts that it must not be.
pub(super) fn check(password: &Secret, own: &[&str]) -> Result<(), AuthError> {
    let checked = check_password(password.reveal(), own);
    checked.map_err(|invalid| AuthError::new(invalid.code, invalid.message))
}

fn hash_unchecked(password: &Secret) -> Result<String, AuthError> {
    let hashed = Argon2::default().hash_password(password.reveal().as_bytes());
    hashed.map(|hash: PasswordHash| hash.to_string()).map_err(|error| {
        tracing::error!(%error, "could not hash a password");
        AuthError::new(ErrorCode::Internal, "the password could not be hashed")
    })
}

fn busy() -> AuthError {
    AuthError {
        retry_after: Some(1),
        ..AuthError::new(ErrorCode::TooManyRequests, "too many people are signing in right now: try again")
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Option<Self> {
        let entered = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(entered)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash(Secret::new("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(Secret::new("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(Secret::new("wrong horse"), Some(hash)).await.unwrap());
        assert!(!passwords.verify(Secret::new("correct horse"), None).await.unwrap());
    }

    #[test]
    fn nobodys_hash_is_a_real_one_and_costs_what_a_real_one_costs() {
        let nobody = PasswordHash::new(NOBODYS_HASH).unwrap();
        let real = hash_now(&Secret::new("correct horse")).unwrap();
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!(nobody.params.to_string(), real.params.to_string());
        assert_eq!(nobody.hash.map(|hash| hash.len()), real.hash.map(|hash| hash.len()));
    }

    #[tokio::test]
    async fn passwords_that_cannot_be_typed_or_would_cost_too_much_are_refused() {
        let passwords = Passwords::default();
        for bad in ["short", &"xy".repeat(200)] {
            assert_eq!(passwords.hash(Secret::new(bad)).await.unwrap_err().code, ErrorCode::Invalid);
        }
        let own = check(&Secret::new("anna-anna"), &["anna-anna"]).unwrap_err();
        assert_eq!(own.code, ErrorCode::Invalid);
    }
}
