//! A store with e-mail set up, people with addresses, and a worker that takes and concludes.

use oyez_core::{
    delivery::{Medium, Outcome},
    fallback::Policy,
};
use oyez_protocol::{
    Timestamp,
    api::{
        deliveries::DeliveryState,
        preferences::{PolicyRequest, PreferencesRequest},
    },
    frame::client::{MarkAction, Selection},
};
use oyez_store::{
    Closed, DeliveryChange, DeliveryFilter, DeliveryRow, Ended, Parcel, ParcelSubject, Taken, UserProfile,
};
use serde_json::Value;

use crate::support::{Fixture, at, user};

/// The operator's rules, with e-mail set up.
pub(super) fn by_mail(request: Value) -> Policy {
    let request: PolicyRequest = serde_json::from_value(request).unwrap();
    Policy::new(&request, &[Medium::Email]).unwrap()
}

impl Fixture {
    /// A store whose operator set up e-mail, and people whom it reaches.
    pub(super) async fn mailing(request: Value, names: &[&str]) -> Self {
        let fixture = Self::with_fallback(by_mail(request)).await;
        for name in names {
            fixture.person(name).await;
        }
        fixture
    }

    pub(super) async fn person(&self, name: &str) {
        let profile = UserProfile {
            name: Some(name.to_uppercase()),
            email: Some(format!("{name}@example.org")),
            ..UserProfile::new(user(name))
        };
        let put = self.store.write(|tx| Box::pin(async move { tx.put_user(&profile, at(0)).await }));
        put.await.unwrap();
    }

    pub(super) async fn prefer(&self, name: &str, request: Value) {
        let (user, request) = (user(name), serde_json::from_value::<PreferencesRequest>(request).unwrap());
        let put =
            self.store.write(|tx| Box::pin(async move { tx.put_preferences(&user, &request, at(0)).await }));
        put.await.unwrap();
    }

    /// What is due by mail, leased for a minute.
    pub(super) async fn take(&self, seconds: i64) -> Taken {
        self.take_some(seconds, 1_000).await
    }

    pub(super) async fn take_some(&self, seconds: i64, limit: u32) -> Taken {
        let take = self.store.write(move |tx| {
            Box::pin(async move {
                tx.take_deliveries(Medium::Email, limit, at(seconds + 60), at(seconds), 0.5).await
            })
        });
        take.await.unwrap()
    }

    pub(super) async fn close(&self, seconds: i64) -> Closed {
        let close =
            self.store.write(move |tx| Box::pin(async move { tx.close_digests(1_000, at(seconds)).await }));
        close.await.unwrap()
    }

    pub(super) async fn conclude(
        &self,
        parcel: &Parcel,
        outcome: Outcome,
        seconds: i64,
    ) -> Vec<DeliveryChange> {
        let ended = Ended {
            id: parcel.id,
            attempt: parcel.attempt,
            outcome,
            answer: Some("250 2.0.0 OK".into()),
            started_at: parcel.started_at,
        };
        let conclude = self.store.write(move |tx| {
            Box::pin(async move { tx.conclude_deliveries(&[ended], at(seconds), 0.5).await })
        });
        conclude.await.unwrap()
    }

    /// Takes what is due and has the mail server accept it. Returns whom it went to.
    pub(super) async fn send(&self, seconds: i64) -> Vec<String> {
        let taken = self.take(seconds).await;
        for parcel in &taken.parcels {
            self.conclude(parcel, Outcome::Accepted, seconds).await;
        }
        taken.parcels.iter().map(|parcel| parcel.user.id.to_string()).collect()
    }

    /// A user marks everything; returns what was skipped by it.
    pub(super) async fn mark(&self, name: &str, action: MarkAction, seconds: i64) -> Vec<DeliveryChange> {
        let user = user(name);
        let mark = self.store.write(move |tx| {
            Box::pin(async move {
                tx.mark(&user, action, &Selection::All { up_to: None }, at(seconds)).await?;
                Ok(tx.skipped_deliveries())
            })
        });
        mark.await.unwrap()
    }

    pub(super) async fn list(&self, filter: DeliveryFilter) -> Vec<DeliveryRow> {
        self.store.deliveries(&filter, None, 10_000).await.unwrap()
    }

    /// How the deliveries of a user stand, the oldest first: state and reason.
    pub(super) async fn states(&self, name: &str) -> Vec<String> {
        let filter = DeliveryFilter { user: Some(user(name)), ..DeliveryFilter::default() };
        let mut rows = self.list(filter).await;
        rows.reverse();
        rows.iter().map(told).collect()
    }
}

/// State and reason, such as `skipped: seen`.
pub(super) fn told(row: &DeliveryRow) -> String {
    let delivery = &row.delivery;
    match delivery.reason {
        Some(reason) => format!("{}: {}", delivery.state.as_str(), reason.as_str()),
        None => delivery.state.as_str().into(),
    }
}

pub(super) fn in_state(state: DeliveryState) -> DeliveryFilter {
    DeliveryFilter { states: vec![state], ..DeliveryFilter::default() }
}

/// The messages that a parcel tells of, by `seq`.
pub(super) fn listed(parcel: &Parcel) -> Vec<u64> {
    match &parcel.subject {
        ParcelSubject::Notification(item) => vec![item.seq.0],
        ParcelSubject::Digest { items, .. } => items.iter().map(|item| item.seq.0).collect(),
    }
}

/// A time of day in UTC five days after the beginning, in seconds after it.
pub(super) fn clock(hour: i64, minute: i64) -> i64 {
    let midnight: Timestamp = "2027-01-20T00:00:00Z".parse().unwrap();
    midnight.millis_since(at(0)) / 1000 + hour * 3_600 + minute * 60
}
