//! What was submitted already: the same form, sent twice, is carried out once.

use oyez::protocol::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use crate::{
    database::submissions,
    refusal::{self, Refusal},
};

/// The caller's name for one submission; the same name again does nothing and answers the same.
#[derive(Debug, Clone)]
pub struct SubmissionKey(String);

impl SubmissionKey {
    /// Takes a key of 1 to 128 characters.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        refusal::line("Idempotency-Key", text, 128).map(Self)
    }
}

/// What is known of a submission key.
pub(super) enum Seen {
    /// It was carried out and touched this.
    Before(i64),
    /// It is new; remember it with this fingerprint.
    Never { caller: String, key: String, fingerprint: [u8; 32] },
    /// The caller gave none.
    Unnamed,
}

impl Seen {
    /// Looks a key up; `what` is all that the submission says.
    pub(super) async fn check(
        tx: &mut SqliteConnection,
        caller: String,
        key: Option<&SubmissionKey>,
        what: &[&[u8]],
    ) -> Result<Self, Refusal> {
        let Some(SubmissionKey(key)) = key else { return Ok(Self::Unnamed) };
        let mut fingerprint = Sha256::new();
        for part in what {
            // With its length, so that no two lists of parts look alike.
            fingerprint.update(part.len().to_be_bytes());
            fingerprint.update(part);
        }
        let fingerprint: [u8; 32] = fingerprint.finalize().into();
        match submissions::find(tx, &caller, key).await? {
            Some((known, touched)) if known == fingerprint => Ok(Self::Before(touched)),
            Some(_) => Err(Refusal::KeyReused),
            None => Ok(Self::Never { caller, key: key.clone(), fingerprint }),
        }
    }

    /// Remembers it, in the transaction of what it did.
    pub(super) async fn remember(
        &self,
        tx: &mut SqliteConnection,
        touched: i64,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        match self {
            Self::Never { caller, key, fingerprint } => {
                Ok(submissions::insert(tx, caller, key, fingerprint, touched, now).await?)
            }
            Self::Before(_) | Self::Unnamed => Ok(()),
        }
    }
}
