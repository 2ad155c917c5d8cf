//! One node without edges: a store in a directory that goes away, a clock that stands still, an engine at work, and an
//! ear on the bus.

use std::{sync::Arc, time::Duration};

use oyez::{
    bus::{Announcement, Bus},
    deliver::Deliver,
    deliveries::{self, Deliveries},
    inbox::Inboxes,
    preferences::Preferences,
    publish::Publisher,
    users::Users,
};
use oyez_core::{
    clock::{Clock, ManualClock},
    delivery::{DeliveryState, SkipReason},
    fallback::Policy,
};
use oyez_protocol::{
    NotificationId, UserId,
    api::preferences::PolicyRequest,
    frame::client::{MarkAction, Selection},
};
use oyez_store::{DeliveryFilter, DeliveryRow, Store, StoreOptions, UserProfile};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::recorder::Recorder;

/// A Friday afternoon in UTC.
pub(crate) const START: &str = "2026-11-20T13:00:00.000Z";
/// Longer than anything here takes; a test that waits for so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    _directory: TempDir,
    pub(crate) clock: Clock,
    pub(crate) hand: ManualClock,
    pub(crate) publisher: Publisher,
    pub(crate) inboxes: Inboxes,
    pub(crate) users: Users,
    pub(crate) preferences: Preferences,
    pub(crate) deliveries: Deliveries,
    pub(crate) mail: Recorder,
    heard: UnboundedReceiver<Value>,
}

/// An engine at work.
pub(crate) struct Working {
    pub(crate) deliver: Deliver,
    engine: tokio::task::JoinHandle<()>,
    shutdown: CancellationToken,
}

impl World {
    /// E-mail goes out if it is not seen within five minutes.
    pub(crate) async fn new() -> Self {
        Self::with(json!({}), Recorder::new()).await
    }

    pub(crate) async fn with(policy: Value, mail: Recorder) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let request: PolicyRequest = serde_json::from_value(policy).unwrap();
        let kind = oyez::deliver::Medium::kind(&mail);
        let policy = Arc::new(Policy::new(&request, &[kind]).unwrap());
        let mut options = StoreOptions::new(directory.path().join("oyez.db"));
        options.fallback = Arc::clone(&policy);
        let store = Store::open(&options).await.unwrap();
        let (clock, hand) = Clock::manual(START.parse().unwrap());
        let bus = Bus::local();
        let (ear, heard) = unbounded_channel();
        bus.subscribe(Box::new(move |announcement| {
            if let Announcement::Event(event) = announcement {
                let _ = ear.send(serde_json::from_str(&event.text).unwrap());
            }
        }));
        let publisher = Publisher::new(store.clone(), bus.clone(), clock.clone());
        let users = Users::new(store.clone(), bus.clone(), clock.clone());
        let preferences = Preferences::new(store.clone(), clock.clone(), Arc::clone(&policy));
        let parts =
            deliveries::Parts { store: store.clone(), bus: bus.clone(), clock: clock.clone(), policy };
        let deliveries = Deliveries::new(parts);
        let inboxes = Inboxes::new(store.clone(), bus.clone(), clock.clone()).telling(deliveries.clone());
        Self {
            _directory: directory,
            clock,
            hand,
            publisher,
            inboxes,
            users,
            preferences,
            deliveries,
            mail,
            heard,
        }
    }

    /// Lets an engine work.
    pub(crate) fn delivers(&self) -> Working {
        let media = vec![Arc::new(self.mail.clone()) as Arc<dyn oyez::deliver::Medium>];
        let (deliver, engine) = Deliver::new(self.deliveries.clone(), self.clock.clone(), &media);
        let shutdown = CancellationToken::new();
        Working { deliver, engine: tokio::spawn(engine.run(shutdown.clone())), shutdown }
    }

    /// Somebody with an e-mail address.
    pub(crate) async fn user(&self, id: &str) {
        self.users.put(profile(id)).await.unwrap();
    }

    pub(crate) async fn prefers(&self, id: &str, preferences: Value) {
        self.preferences.put(&user(id), serde_json::from_value(preferences).unwrap()).await.unwrap();
    }

    pub(crate) async fn publish(&self, body: Value) -> NotificationId {
        let request = serde_json::from_value(body).unwrap();
        self.publisher.publish(&request, "test").await.unwrap().id
    }

    /// A notification of this type to one user.
    pub(crate) async fn tell(&self, id: &str, kind: &str) -> NotificationId {
        self.publish(json!({"to": format!("user:{id}"), "type": kind, "message": kind})).await
    }

    /// [`World::tell`] of a note, for many at once.
    pub(crate) async fn tell_owned(&self, id: String) -> NotificationId {
        self.tell(&id, "note").await
    }

    /// [`World::sees`], for many at once.
    pub(crate) async fn sees_owned(&self, number: usize, notification: NotificationId) {
        self.sees(&format!("u{number}"), notification).await;
    }

    pub(crate) async fn sees(&self, id: &str, notification: NotificationId) {
        let selection = Selection::Ids(vec![notification]);
        self.inboxes.mark(&user(id), MarkAction::Seen, selection).await.unwrap();
    }

    /// All deliveries to a user, oldest first.
    pub(crate) async fn rows(&self, id: &str) -> Vec<DeliveryRow> {
        let filter = DeliveryFilter { user: Some(user(id)), ..DeliveryFilter::default() };
        let mut rows = self.deliveries.list(&filter, None, 1_000).await.unwrap();
        rows.reverse();
        rows
    }

    /// The states of all deliveries to a user, oldest first.
    pub(crate) async fn states(&self, id: &str) -> Vec<(DeliveryState, Option<SkipReason>)> {
        let rows = self.rows(id).await;
        rows.iter().map(|row| (row.delivery.state, row.delivery.reason)).collect()
    }

    /// Waits until all deliveries to a user have ended.
    pub(crate) async fn all_ended(&self, id: &str) -> Vec<(DeliveryState, Option<SkipReason>)> {
        self.reach(id, |rows| rows.iter().all(|row| row.delivery.state.is_final())).await
    }

    /// Waits until the deliveries to a user are as the test wants.
    pub(crate) async fn reach(
        &self,
        id: &str,
        wanted: impl Fn(&[DeliveryRow]) -> bool,
    ) -> Vec<(DeliveryState, Option<SkipReason>)> {
        let wait = async {
            while !wanted(&self.rows(id).await) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("it never came to that: {:#?}", self.rows(id).await);
        }
        self.states(id).await
    }

    /// Moves the clock on, and has the engine look.
    pub(crate) fn passes(&self, working: &Working, seconds: i64) {
        self.hand.advance(seconds);
        working.deliver.look();
    }

    /// The next live event about deliveries.
    pub(crate) async fn hears(&mut self) -> Value {
        let heard = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("an event in time").expect("the bus lives as long as the world")
    }
}

impl Working {
    /// Ends gracefully.
    pub(crate) async fn stop(self) {
        self.stop_within(Duration::from_secs(10)).await;
    }

    /// Ends as a crash would end it: nothing is written any more.
    pub(crate) fn dies(self) {
        self.engine.abort();
    }

    pub(crate) async fn stop_within(self, grace: Duration) {
        self.deliver.stop(grace).await;
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.engine).await.expect("it stops").unwrap();
    }
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn profile(id: &str) -> UserProfile {
    UserProfile { email: Some(format!("{id}@example.org")), ..UserProfile::new(user(id)) }
}
