//! Passwords and browser sessions of this application's own people.
//!
//! It never issues what opens the live stream: that is Oyez's token (`web::sign_in` asks Oyez for it).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oyez::protocol::Timestamp;
use oyez_core::clock::Clock;
use sha2::{Digest, Sha256};

use crate::{
    database::{Database, people, sessions},
    people::{Person, PersonId, Role},
    refusal::{self, Refusal},
};

/// How long a login lasts, in seconds: a working day.
pub const SESSION_SECONDS: i64 = 12 * 3600;
/// Wrong passwords for one address before it has to wait.
const MOST_FAILURES: u32 = 10;
/// How long failures count, in seconds.
const FAILURE_WINDOW_SECONDS: i64 = 15 * 60;
/// Addresses whose failures are remembered; past it, old ones are dropped.
const MOST_ADDRESSES: usize = 10_000;

/// Checks passwords and keeps sessions. Clones share both.
#[derive(Debug, Clone)]
pub struct Login {
    database: Database,
    clock: Clock,
    failures: Arc<Mutex<HashMap<String, Failures>>>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    since: Timestamp,
}

/// A browser's login: the cookie's secret and the proof its forms carry.
#[derive(Clone)]
pub struct Session {
    /// Goes into the cookie; only its hash is kept.
    pub secret: String,
    /// Goes into every form.
    pub csrf: String,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(…)")
    }
}

impl Login {
    /// Logins of this database's people.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock, failures: Arc::default() }
    }

    /// Who has this address and password.
    pub async fn check(&self, email: &str, password: &str) -> Result<Person, Refusal> {
        let address = email.trim().to_lowercase();
        self.may_try(&address)?;
        let known = people::credentials(self.database.pool(), &address).await?;
        let (person, hash) = known.map_or_else(|| (None, stand_in_hash()), |(id, hash)| (Some(id), hash));
        // The same work whether the address is known or not, so that the time taken tells nothing.
        let right = matches(password, hash).await?;
        let (Some(id), true) = (person, right) else {
            self.failed(address);
            return Err(Refusal::Unauthenticated("wrong e-mail address or password"));
        };
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
        self.person(id).await
    }

    /// Starts a browser's session.
    pub async fn start(&self, person: PersonId) -> Result<Session, Refusal> {
        let session = Session { secret: secret(), csrf: secret() };
        let now = self.clock.now();
        sessions::purge(self.database.pool(), now).await?;
        let expires_at = now.plus_seconds(SESSION_SECONDS);
        sessions::insert(self.database.pool(), &hash(&session.secret), person, &session.csrf, expires_at)
            .await?;
        Ok(session)
    }

    /// Whose session this is, and its CSRF proof.
    pub async fn resume(&self, secret: &str) -> Result<(Person, String), Refusal> {
        let kept = sessions::get(self.database.pool(), &hash(secret), self.clock.now()).await?;
        let (id, csrf) = kept.ok_or(Refusal::Unauthenticated("please sign in"))?;
        Ok((self.person(id).await?, csrf))
    }

    /// Ends a session.
    pub async fn end(&self, secret: &str) -> Result<(), Refusal> {
        Ok(sessions::delete(self.database.pool(), &hash(secret)).await?)
    }

    /// One person.
    pub async fn person(&self, id: PersonId) -> Result<Person, Refusal> {
        let mut connection = self.database.pool().acquire().await?;
        people::get(&mut connection, id).await?.ok_or(Refusal::Unauthenticated("please sign in"))
    }

    /// Adds a person who may sign in.
    pub async fn add(
        &self,
        email: &str,
        name: &str,
        password: &str,
        roles: &[Role],
    ) -> Result<Person, Refusal> {
        let email = refusal::line("email", email, 200)?.to_lowercase();
        let name = refusal::line("name", name, 100)?;
        if !email.contains('@') {
            return Err(Refusal::Invalid { field: "email", message: "expected an e-mail address".into() });
        }
        if !(8..=200).contains(&password.chars().count()) {
            return Err(Refusal::Invalid {
                field: "password",
                message: "expected 8 to 200 characters".into(),
            });
        }
        if roles.is_empty() {
            return Err(Refusal::Invalid { field: "roles", message: "expected at least one role".into() });
        }
        let hash = hash_password(password.to_owned()).await?;
        let mut tx = self.database.write().await?;
        let id = people::insert(&mut tx, &email, &name, &hash, self.clock.now()).await?;
        let id = id.ok_or_else(|| Refusal::Conflict(format!("{email} belongs to somebody already")))?;
        for role in roles {
            people::add_role(&mut tx, id, *role).await?;
        }
        tx.commit().await?;
        self.person(id).await
    }

    fn may_try(&self, address: &str) -> Result<(), Refusal> {
        let now = self.clock.now();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = failures.get(address).copied() else { return Ok(()) };
        let ends = known.since.plus_seconds(FAILURE_WINDOW_SECONDS);
        let left = ends.millis_since(now);
        if left <= 0 {
            failures.remove(address);
            return Ok(());
        }
        if known.count < MOST_FAILURES {
            return Ok(());
        }
        Err(Refusal::TooManyLogins { retry_after_seconds: left.unsigned_abs().div_ceil(1000) })
    }

    fn failed(&self, address: String) {
        let now = self.clock.now();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MOST_ADDRESSES {
            let counts = |one: &Failures| now.millis_since(one.since) < FAILURE_WINDOW_SECONDS * 1000;
            failures.retain(|_, one| counts(one));
        }
        let entry = failures.entry(address).or_insert(Failures { count: 0, since: now });
        entry.count += 1;
    }
}

/// 256 bits that nobody can guess, safe in a cookie and a form.
pub fn secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// argon2id with OWASP's second parameter set: 19 MiB, two passes.
fn argon2() -> Argon2<'static> {
    Argon2::from(Params::new(19_456, 2, 1, None).expect("these parameters are within argon2's limits"))
}

async fn hash_password(password: String) -> Result<String, Refusal> {
    let hashed = tokio::task::spawn_blocking(move || argon2().hash_password(password.as_bytes())).await;
    match hashed {
        Ok(Ok(hash)) => Ok(hash.to_string()),
        Ok(Err(error)) => Err(Refusal::Internal(anyhow::anyhow!("could not hash a password: {error}"))),
        Err(error) => Err(Refusal::Internal(error.into())),
    }
}

async fn matches(password: &str, hash: String) -> Result<bool, Refusal> {
    let password = password.to_owned();
    let checked = tokio::task::spawn_blocking(move || {
        argon2().verify_password(password.as_bytes(), hash.as_str()).is_ok()
    });
    checked.await.map_err(|error| Refusal::Internal(error.into()))
}

/// A hash that no password matches, with the parameters of real ones.
fn stand_in_hash() -> String {
    let nothing = BASE64_URL_SAFE_NO_PAD.encode([0_u8; 32]);
    format!(
        "$argon2id$v=19$m=19456,t=2,p=1$c3RhbmQtaW4tc2FsdA${}",
        nothing.replace('_', "/").replace('-', "+")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn login() -> (tempfile::TempDir, Login, oyez_core::clock::ManualClock) {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(&directory.path().join("incidents.db")).await.unwrap();
        let (clock, hand) = Clock::manual(Timestamp::from_millis(1_790_000_000_000));
        (directory, Login::new(database, clock), hand)
    }

    #[tokio::test]
    async fn the_right_password_opens_and_a_session_ends_by_itself() {
        let (_directory, login, hand) = login().await;
        let added = login.add("Ada@X.example", "Ada", "correct horse", &[Role::Admin]).await.unwrap();
        let person = login.check(" ada@x.EXAMPLE ", "correct horse").await.unwrap();
        assert_eq!(person, added);
        let session = login.start(person.id).await.unwrap();
        assert_eq!(login.resume(&session.secret).await.unwrap(), (person, session.csrf.clone()));
        assert_eq!(login.resume("guess").await.unwrap_err().status(), 401);
        hand.advance(SESSION_SECONDS);
        assert_eq!(login.resume(&session.secret).await.unwrap_err().status(), 401);
    }

    #[tokio::test]
    async fn guessing_is_slowed_down_for_known_and_unknown_addresses_alike() {
        let (_directory, login, hand) = login().await;
        login.add("ada@x.example", "Ada", "correct horse", &[Role::Admin]).await.unwrap();
        for address in ["ada@x.example", "nobody@x.example"] {
            for _ in 0..MOST_FAILURES {
                let wrong = login.check(address, "wrong").await.unwrap_err();
                assert_eq!(wrong.to_string(), "wrong e-mail address or password");
            }
            assert_eq!(login.check(address, "correct horse").await.unwrap_err().status(), 429);
        }
        hand.advance(FAILURE_WINDOW_SECONDS);
        assert!(login.check("ada@x.example", "correct horse").await.is_ok());
    }

    #[tokio::test]
    async fn an_address_belongs_to_one_person() {
        let (_directory, login, _hand) = login().await;
        login.add("ada@x.example", "Ada", "correct horse", &[Role::Admin]).await.unwrap();
        let taken = login.add("ADA@x.example", "Eve", "correct horse", &[Role::Client]).await.unwrap_err();
        assert_eq!(taken.status(), 409);
        assert_eq!(login.add("b@x.example", "B", "short", &[Role::Client]).await.unwrap_err().status(), 422);
        assert_eq!(login.add("b@x.example", "B", "long enough", &[]).await.unwrap_err().status(), 422);
    }
}
