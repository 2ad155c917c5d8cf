//! A node without edges and a clock that stands still.

use std::{sync::Arc, time::Duration};

use oyez::{
    auth::SigningKey,
    bus::Bus,
    outbound::{Outbound, OutboundOptions},
    publish::Publisher,
    push::{
        Push, PushSetup,
        vapid::{Vapid, VapidKey},
    },
    webhooks::{Parts, Webhooks},
};
use oyez_core::{
    clock::{Clock, ManualClock},
    delivery::{Medium, Timing},
};
use oyez_protocol::{DeliveryId, NotificationId, RoleName, Seq, UserId, WebhookName};
use oyez_store::{Parcel, ParcelItem, ParcelSubject, Store, StoreOptions, UserProfile};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const START: &str = "2026-11-20T13:00:00.000Z";
/// How long an endpoint may fail.
pub(crate) const DISABLE_AFTER: Duration = Duration::from_secs(5 * 86_400);

pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) hand: ManualClock,
    pub(crate) setup: Arc<PushSetup>,
    pub(crate) push: Push,
    pub(crate) webhooks: Webhooks,
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn endpoint(name: &str) -> WebhookName {
    WebhookName::new(name).unwrap()
}

fn outbound(allow_private: bool) -> Outbound {
    let options = OutboundOptions { allow_private, timeout: Duration::from_secs(20), max_answer: 1_024 };
    Outbound::new(options).unwrap()
}

fn webhooks(
    store: &Store,
    clock: &Clock,
    directory: &TempDir,
    publisher: Publisher,
    allow_private: bool,
) -> Webhooks {
    Webhooks::new(Parts {
        store: store.clone(),
        clock: clock.clone(),
        key: SigningKey::open(directory.path()).unwrap(),
        outbound: outbound(allow_private),
        publisher,
        admin_roles: vec![RoleName::new("admin").unwrap()],
        disable_after: DISABLE_AFTER,
        notifications: true,
    })
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::reaching(true).await
    }

    /// A node that reaches private addresses, or not.
    pub(crate) async fn reaching(allow_private: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(START.parse().unwrap());
        let store = Store::open(&StoreOptions::new(directory.path().join("oyez.db"))).await.unwrap();
        let publisher = Publisher::new(store.clone(), Bus::local(), clock.clone());
        let vapid = Vapid::new(VapidKey::ephemeral(), Some("mailto:ops@example.com".into()));
        let setup = Arc::new(PushSetup { vapid, outbound: outbound(allow_private) });
        let push = Push::new(store.clone(), clock.clone(), Some(Arc::clone(&setup)));
        let webhooks = webhooks(&store, &clock, &directory, publisher, allow_private);
        Self { directory, store, clock, hand, setup, push, webhooks }
    }

    /// The same endpoints after a restart, with the key file that is there now.
    pub(crate) fn restarted(&self, allow_private: bool) -> Webhooks {
        let publisher = Publisher::new(self.store.clone(), Bus::local(), self.clock.clone());
        webhooks(&self.store, &self.clock, &self.directory, publisher, allow_private)
    }

    /// A user with these roles.
    pub(crate) async fn user(&self, name: &str, roles: &[&str]) -> oyez_store::User {
        let roles = roles.iter().map(|role| RoleName::new(role).unwrap()).collect();
        let profile = UserProfile { roles: Some(roles), ..UserProfile::new(user(name)) };
        let now = self.clock.now();
        let put = self.store.write(move |tx| Box::pin(async move { tx.put_user(&profile, now).await }));
        put.await.unwrap()
    }

    /// What a medium is given to send of a notification with these fields.
    pub(crate) async fn parcel(&self, medium: Medium, name: &str, number: u128, fields: &Value) -> Parcel {
        let now = self.clock.now();
        let notification = NotificationId(uuid::Uuid::from_u128(number));
        let mut tail = serde_json::json!({"type": "ticket_created", "id": notification});
        tail.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let item = ParcelItem {
            notification,
            seq: Seq(7),
            kind: "ticket_created".into(),
            tail: tail.to_string().trim_start_matches('{').into(),
            created_at: now,
        };
        let id = DeliveryId(uuid::Uuid::from_u128(number));
        Parcel {
            id,
            message_key: id.to_string(),
            attempt: 1,
            medium,
            user: self.user(name, &[]).await,
            address: None,
            subject: ParcelSubject::Notification(item),
            timing: Timing::IfUnseen,
            created_at: now,
            started_at: now,
            expires_at: None,
        }
    }
}
