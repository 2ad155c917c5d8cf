//! Passwords, temporary passwords, browser sessions, and visits to a status page.
//!
//! It never issues what opens the live stream: that is Oyez's token (`web` asks Oyez for it).

use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oyez::protocol::Timestamp;
use oyez_core::clock::Clock;
use sha2::{Digest, Sha256};

use crate::{
    application::{ApplicationId, TrackingCode, email},
    database::{Database, applications, credentials, people, people::NewPerson, sessions, visits},
    limits::Limit,
    people::{Person, PersonId, Role},
    refusal::{self, Refusal},
};

/// How long a login lasts, in seconds: a working day.
pub const SESSION_SECONDS: i64 = 12 * 3600;
/// How long somebody with a temporary password has to set their own.
const FIRST_SESSION_SECONDS: i64 = 30 * 60;
/// How long a status page stays open.
pub const VISIT_SECONDS: i64 = 2 * 3600;
/// How long a temporary password waits for its owner.
pub const TEMPORARY_SECONDS: i64 = 72 * 3600;
/// Wrong passwords for one address, or wrong codes for one place or code, in [`WINDOW_SECONDS`].
const MOST_FAILURES: u32 = 10;
const WINDOW_SECONDS: i64 = 15 * 60;

/// Checks passwords and codes, and keeps sessions and visits. Clones share the counts of failures.
#[derive(Debug, Clone)]
pub struct Login {
    database: Database,
    clock: Clock,
    failed_logins: Limit,
    failed_codes: Limit,
}

/// A browser's login or visit: the cookie's secret and the proof its forms carry.
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
        let failed_logins = Limit::new("failed logins for this address", MOST_FAILURES, WINDOW_SECONDS);
        let failed_codes = Limit::new("wrong tracking codes or addresses", MOST_FAILURES, WINDOW_SECONDS);
        Self { database, clock, failed_logins, failed_codes }
    }

    /// Who has this address and password. A temporary password is used up by this.
    pub async fn check(&self, email: &str, password: &str) -> Result<Person, Refusal> {
        let now = self.clock.now();
        let address = email.trim().to_lowercase();
        self.failed_logins.check(&address, now)?;
        let pool = self.database.pool();
        let known = people::password_hash(pool, &address).await?;
        let (person, kept) = known.map_or((None, None), |(id, hash)| (Some(id), hash));
        let without_password = person.filter(|_| kept.is_none());
        // The same work whether the address is known or not, so that the time taken tells nothing.
        let mut right = matches(password, kept.unwrap_or_else(stand_in_hash)).await?;
        if let Some(person) = without_password {
            right = credentials::use_up(pool, person, &hash(password.trim()), now).await?;
        }
        let (Some(id), true) = (person, right) else {
            self.failed_logins.count(&address, now);
            return Err(Refusal::Unauthenticated("wrong e-mail address or password"));
        };
        self.failed_logins.forgive(&address);
        self.person(id).await
    }

    /// The same for somebody of the office; a supplier's temporary password is not used up by it.
    pub async fn check_staff(&self, email: &str, password: &str) -> Result<Person, Refusal> {
        const WRONG: Refusal = Refusal::Unauthenticated("wrong e-mail address or password");
        let known = people::password_hash(self.database.pool(), email.trim()).await?;
        if let Some((id, None)) = known {
            tracing::debug!(person = id.0, "somebody without a password tried the API");
            matches(password, stand_in_hash()).await?;
            return Err(WRONG);
        }
        let person = self.check(email, password).await?;
        if person.is_staff() { Ok(person) } else { Err(WRONG) }
    }

    /// Starts a browser's session. One that can only set a password is short.
    pub async fn start(&self, person: &Person) -> Result<Session, Refusal> {
        let session = Session { secret: secret(), csrf: secret() };
        let seconds = if person.must_set_password { FIRST_SESSION_SECONDS } else { SESSION_SECONDS };
        let expires_at = self.clock.now().plus_seconds(seconds);
        let pool = self.database.pool();
        sessions::insert(pool, &hash(&session.secret), person.id, &session.csrf, expires_at).await?;
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

    /// Sets a person's password; their other sessions end, and so does what is left of a temporary password.
    pub async fn set_password(&self, person: PersonId, session: &str, password: &str) -> Result<(), Refusal> {
        let kept = hash_password(checked(password)?.to_owned()).await?;
        let mut tx = self.database.write().await?;
        people::set_password_hash(&mut tx, person, &kept).await?;
        credentials::delete(&mut tx, person).await?;
        sessions::delete_others(&mut tx, person, &hash(session)).await?;
        Ok(tx.commit().await?)
    }

    /// One person.
    pub async fn person(&self, id: PersonId) -> Result<Person, Refusal> {
        let mut connection = self.database.pool().acquire().await?;
        people::get(&mut connection, id).await?.ok_or(Refusal::Unauthenticated("please sign in"))
    }

    /// Adds somebody who works in the office.
    pub async fn add_staff(
        &self,
        address: &str,
        name: &str,
        password: &str,
        role: Role,
    ) -> Result<Person, Refusal> {
        let address = email(address)?;
        let name = refusal::line("name", name, 100)?;
        let kept = hash_password(checked(password)?.to_owned()).await?;
        let mut tx = self.database.write().await?;
        let new =
            NewPerson { email: &address, name: &name, role, password_hash: Some(&kept), application: None };
        let id = people::insert(&mut tx, &new, self.clock.now()).await?;
        let id = id.ok_or_else(|| Refusal::Conflict(format!("{address} belongs to somebody already")))?;
        tx.commit().await?;
        self.person(id).await
    }

    /// Opens the status page of the application with this code and address. Whatever is wrong, the answer is the same,
    /// and neither a place nor a code can be tried often.
    pub async fn visit(&self, place: &str, code: &str, address: &str) -> Result<ApplicationId, Refusal> {
        const WRONG: Refusal = Refusal::Unauthenticated("no application has this tracking code and address");
        let now = self.clock.now();
        let (place, code) = (format!("from {place}"), TrackingCode::parse(code));
        let named = code.as_ref().map_or_else(|| "no code".to_owned(), |code| format!("for {code}"));
        self.failed_codes.check(&place, now)?;
        self.failed_codes.check(&named, now)?;
        let found = match &code {
            Some(code) => applications::find(self.database.pool(), code, address.trim()).await?,
            None => None,
        };
        let Some(found) = found else {
            self.failed_codes.count(&place, now);
            if code.is_some() {
                self.failed_codes.count(&named, now);
            }
            return Err(WRONG);
        };
        Ok(found)
    }

    /// Starts a browser's visit to an application.
    pub async fn start_visit(&self, application: ApplicationId) -> Result<Session, Refusal> {
        let visit = Session { secret: secret(), csrf: secret() };
        let expires_at = self.clock.now().plus_seconds(VISIT_SECONDS);
        let pool = self.database.pool();
        visits::insert(pool, &hash(&visit.secret), application, &visit.csrf, expires_at).await?;
        Ok(visit)
    }

    /// Which application this visit shows, and its CSRF proof.
    pub async fn resume_visit(&self, secret: &str) -> Result<(ApplicationId, String), Refusal> {
        let kept = visits::get(self.database.pool(), &hash(secret), self.clock.now()).await?;
        kept.ok_or(Refusal::Unauthenticated("please give your tracking code"))
    }
}

/// A new temporary password: 100 bits, in letters and digits that nobody takes for each other.
pub fn temporary_password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyzT23456789";
    let mut password = String::new();
    for (place, byte) in rand::random::<[u8; 20]>().into_iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    password
}

/// 256 bits that nobody can guess, safe in a cookie and a form.
pub fn secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What is kept of a secret that nobody can guess; such a secret needs no slow hash.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// When a temporary password that is made now runs out.
pub fn temporary_until(now: Timestamp) -> Timestamp {
    now.plus_seconds(TEMPORARY_SECONDS)
}

fn checked(password: &str) -> Result<&str, Refusal> {
    if (10..=200).contains(&password.chars().count()) {
        return Ok(password);
    }
    Err(Refusal::Invalid { field: "password", message: "expected 10 to 200 characters".into() })
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
mod tests;
