//! The seam to whatever carries messages to people who are away: e-mail, web push, webhooks, and a recording one for
//! tests.

use std::time::Duration;

use futures_util::future::BoxFuture;
use oyez_core::delivery::{self, Outcome};
use oyez_store::Parcel;

/// Sends one parcel by one medium.
///
/// Contract:
///
/// - [`Medium::send`] is called once per attempt, never twice at the same time for one delivery. It says how that
///   attempt ended and nothing more: leases, retries, preferences and throttles are none of its business.
/// - Every attempt of a delivery has the same [`Parcel::message_key`]. A medium puts it where a receiver can tell a
///   repetition (`Message-ID`, the id of a webhook): a crash between "sent" and "written" sends again.
/// - It answers within [`Medium::deadline`]. One that does not is dropped where it waits and counts as failed, though
///   the message may be on its way.
/// - A future that is dropped (the server ends) has sent nothing more from then on. Its attempt counts as lost.
/// - A panic costs the attempt it happens in, and nothing else.
/// - Errors are for operators and are shown to them: no password, token, key or signed URL belongs in one.
pub trait Medium: Send + Sync + 'static {
    /// Which one it is. Of each kind there is one at most.
    fn kind(&self) -> delivery::Medium;

    /// Sends it, or says why not.
    fn send<'a>(&'a self, parcel: &'a Parcel) -> BoxFuture<'a, Sent>;

    /// Parcels in flight at once, at least 1.
    fn concurrency(&self) -> usize;

    /// How long one may take. The lease of an attempt is longer than this.
    fn deadline(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What it means for the delivery.
    pub outcome: Outcome,
    /// What the medium answered, for the record of the attempt: a mail server's reply, an HTTP status.
    pub answer: Option<String>,
}

impl Sent {
    /// An attempt that ended like this, with nothing said.
    pub fn new(outcome: Outcome) -> Self {
        Self { outcome, answer: None }
    }

    /// The medium took it.
    pub fn accepted(answer: impl Into<String>) -> Self {
        Self::new(Outcome::Accepted).answered(answer)
    }

    /// Not now: it is tried again.
    pub fn failed(error: impl Into<String>) -> Self {
        Self::new(Outcome::Failed { error: error.into(), retry_after: None })
    }

    /// Never like this: it is not tried again.
    pub fn refused(error: impl Into<String>) -> Self {
        Self::new(Outcome::Refused { error: error.into() })
    }

    /// Never to this address.
    pub fn bounced(error: impl Into<String>) -> Self {
        Self::new(Outcome::Bounced { error: error.into() })
    }

    /// Notes what the medium answered.
    #[must_use]
    pub fn answered(mut self, answer: impl Into<String>) -> Self {
        self.answer = Some(answer.into());
        self
    }
}
