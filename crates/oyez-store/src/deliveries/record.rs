//! Deliveries as they are stored: the statements answer with one JSON array for many, and take one for many.

use std::sync::Arc;

use oyez_core::delivery::{Delivery, DeliveryState, Medium, SkipReason, Subject, Timing};
use oyez_protocol::{DeliveryId, DigestId, NotificationId, Timestamp, UserId, api::deliveries::DeliveryView};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{engine::Row, error::StoreError};

/// A delivery with what became of its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// The delivery.
    pub delivery: Delivery,
    /// When the last attempt began.
    pub attempted_at: Option<Timestamp>,
    /// When the medium took it.
    pub sent_at: Option<Timestamp>,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

impl DeliveryRow {
    /// A delivery that was never tried.
    pub(super) fn new(delivery: Delivery) -> Self {
        Self { delivery, attempted_at: None, sent_at: None, ended_at: None, error: None }
    }

    /// As clients see it; `max_attempts` is the policy's for the medium.
    pub fn view(&self, max_attempts: u16) -> DeliveryView {
        let delivery = &self.delivery;
        let (notification, kind) = match &delivery.subject {
            Subject::Notification { id, kind } => (Some(*id), Some(kind.to_string())),
            Subject::Digest(_) => (None, None),
        };
        DeliveryView {
            id: delivery.id,
            user: delivery.user.clone(),
            medium: delivery.medium,
            notification,
            digest: delivery.digest,
            kind,
            timing: delivery.timing,
            state: delivery.state,
            reason: delivery.reason,
            attempt: delivery.attempt.saturating_sub(delivery.given_back),
            max_attempts,
            due_at: delivery.due_at,
            created_at: delivery.created_at,
            sent_at: self.sent_at,
            expires_at: delivery.expires_at,
            error: self.error.clone(),
        }
    }
}

/// A delivery that changed, as it is now: to be told to those who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryChange {
    /// The delivery.
    pub delivery: DeliveryRow,
}

/// A delivery with what only the store knows of it.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) num: i64,
    /// The user's number.
    pub(super) user: i64,
    pub(super) row: DeliveryRow,
    /// The fingerprint of the address that the last attempt went to.
    pub(super) sent_to: Option<String>,
}

impl Stored {
    pub(super) fn delivery(&self) -> &Delivery {
        &self.row.delivery
    }

    /// The digest whose message it is.
    pub(super) fn message_of(&self) -> Option<DigestId> {
        match self.delivery().subject {
            Subject::Digest(id) => Some(id),
            Subject::Notification { .. } => None,
        }
    }

    pub(super) fn change(self) -> DeliveryChange {
        DeliveryChange { delivery: self.row }
    }

    /// Puts it into a state; what is over has an end and is not looked at any more.
    pub(super) fn enter(&mut self, state: DeliveryState, reason: Option<SkipReason>, now: Timestamp) {
        let delivery = &mut self.row.delivery;
        (delivery.state, delivery.reason) = (state, reason);
        if state.is_final() {
            delivery.due_at = None;
            delivery.lease_until = None;
            self.row.ended_at = Some(now);
        } else {
            self.row.ended_at = None;
        }
    }

    /// Skips it. Whoever is skipped leaves the digest that collected them.
    pub(super) fn skip(&mut self, reason: SkipReason, now: Timestamp) {
        self.enter(DeliveryState::Skipped, Some(reason), now);
        if self.message_of().is_none() {
            self.row.delivery.digest = None;
        }
    }

    /// The columns that change, as `deliveries/change` reads them.
    pub(super) fn changed(&self) -> ChangedColumns<'_> {
        let (row, delivery) = (&self.row, &self.row.delivery);
        let millis = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
        (
            self.num,
            (
                delivery.state.as_str(),
                delivery.reason.map(SkipReason::as_str),
                delivery.digest.map(|id| id.0),
            ),
            (delivery.attempt, delivery.given_back, delivery.resends),
            (millis(delivery.due_at), millis(delivery.lease_until), millis(row.attempted_at)),
            (millis(row.sent_at), millis(row.ended_at)),
            (self.sent_to.as_deref(), row.error.as_deref()),
        )
    }
}

/// The columns of a delivery that change, by position.
pub(super) type ChangedColumns<'a> = (
    i64,
    (&'static str, Option<&'static str>, Option<Uuid>),
    (u32, u32, u32),
    (Option<i64>, Option<i64>, Option<i64>),
    (Option<i64>, Option<i64>),
    (Option<&'a str>, Option<&'a str>),
);

/// The columns of a new delivery, as `deliveries/plan` reads them.
#[derive(Serialize)]
pub(super) struct NewRow<'a>(
    Uuid,
    i64,
    Medium,
    Option<NotificationId>,
    Option<&'a str>,
    Timing,
    DeliveryState,
    Option<DigestId>,
    Option<i64>,
    i64,
    Option<i64>,
);

/// The row of a delivery that is planned for the user with this number.
pub(super) fn new_row(delivery: &Delivery, user: i64) -> NewRow<'_> {
    let (notification, kind) = match &delivery.subject {
        Subject::Notification { id, kind } => (Some(*id), Some(kind.as_ref())),
        Subject::Digest(_) => (None, None),
    };
    NewRow(
        delivery.id.0,
        user,
        delivery.medium,
        notification,
        kind,
        delivery.timing,
        delivery.state,
        delivery.digest,
        delivery.due_at.map(Timestamp::as_millis),
        delivery.created_at.as_millis(),
        delivery.expires_at.map(Timestamp::as_millis),
    )
}

/// The columns of `deliveries/columns`, by position.
#[derive(Deserialize)]
pub(super) struct Columns {
    num: i64,
    id: Uuid,
    user_num: i64,
    user: UserId,
    medium: Medium,
    notification: Option<NotificationId>,
    kind: Option<Arc<str>>,
    timing: Timing,
    state: DeliveryState,
    reason: Option<SkipReason>,
    digest: Option<DigestId>,
    attempt: u32,
    given_back: u32,
    resends: u32,
    due_at: Option<i64>,
    lease_until: Option<i64>,
    created_at: i64,
    expires_at: Option<i64>,
    attempted_at: Option<i64>,
    sent_at: Option<i64>,
    ended_at: Option<i64>,
    sent_to: Option<String>,
    error: Option<String>,
}

/// Reads the answer to a statement that begins with `deliveries/columns`.
pub(super) fn deliveries(row: Option<Row>) -> Result<Vec<Stored>, StoreError> {
    let columns: Vec<Columns> = array(row)?;
    columns.into_iter().map(stored).collect()
}

/// Reads a single column that holds a JSON array.
pub(super) fn array<T: DeserializeOwned>(row: Option<Row>) -> Result<Vec<T>, StoreError> {
    let row = row.ok_or_else(|| StoreError::Fault("a list without an answer".into()))?;
    serde_json::from_str(row.text(0)?)
        .map_err(|error| StoreError::Fault(format!("a delivery cannot be read back: {error}")))
}

pub(super) fn stored(columns: Columns) -> Result<Stored, StoreError> {
    let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
    let subject = match (columns.notification, columns.kind, columns.digest) {
        (Some(id), Some(kind), _) => Subject::Notification { id, kind },
        (None, _, Some(id)) => Subject::Digest(id),
        _ => return Err(StoreError::Fault("a delivery tells of nothing".into())),
    };
    let delivery = Delivery {
        id: DeliveryId(columns.id),
        user: columns.user,
        medium: columns.medium,
        subject,
        timing: columns.timing,
        state: columns.state,
        reason: columns.reason,
        digest: columns.digest,
        attempt: columns.attempt,
        given_back: columns.given_back,
        resends: columns.resends,
        due_at: time(columns.due_at),
        lease_until: time(columns.lease_until),
        created_at: Timestamp::from_millis(columns.created_at),
        expires_at: time(columns.expires_at),
    };
    let row = DeliveryRow {
        delivery,
        attempted_at: time(columns.attempted_at),
        sent_at: time(columns.sent_at),
        ended_at: time(columns.ended_at),
        error: columns.error,
    };
    Ok(Stored { num: columns.num, user: columns.user_num, row, sent_to: columns.sent_to })
}
