//! A store on a real file, and drafts to publish.

use std::sync::{Arc, Mutex};

use oyez_core::{
    fallback::Policy,
    notification::{Draft, Idempotency, Landed},
};
use oyez_protocol::{NotificationId, Seq, Timestamp, TopicName, UserId};
use oyez_store::{Fingerprints, LandedHook, PublishOutcome, Store, StoreOptions};
use tempfile::TempDir;
use uuid::Uuid;

/// A store in a directory that goes with it.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) directory: TempDir,
    pub(crate) landed: Recorder,
    options: StoreOptions,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        Self::open(options(&directory), directory).await
    }

    /// A store that reaches people who are away.
    pub(crate) async fn with_fallback(policy: Policy) -> Self {
        let directory = TempDir::new().unwrap();
        let options = StoreOptions { fallback: Arc::new(policy), ..options(&directory) };
        Self::open(options, directory).await
    }

    async fn open(options: StoreOptions, directory: TempDir) -> Self {
        let store = Store::open(&options).await.unwrap();
        Self { store, directory, landed: Recorder::default(), options }
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen(&mut self) {
        self.store.close().await;
        self.store = Store::open(&self.options).await.unwrap();
    }

    /// Closes the store and opens it again under other rules.
    pub(crate) async fn reopen_with(&mut self, policy: Policy) {
        self.options.fallback = Arc::new(policy);
        self.reopen().await;
    }

    /// Closes the store and opens it again with a key for what stands for addresses.
    pub(crate) async fn reopen_keyed(&mut self, key: [u8; 32]) {
        self.options.fingerprints = Fingerprints::keyed(&key);
        self.reopen().await;
    }

    pub(crate) async fn publish(&self, draft: Draft) -> PublishOutcome {
        self.store.publish(draft, self.landed.hook()).await.unwrap()
    }

    /// The positions and ids in a user's inbox, as a client that resumes from the start gets them.
    pub(crate) async fn items(&self, name: &str) -> Vec<(u64, NotificationId)> {
        items(&self.store, name).await
    }

    pub(crate) async fn member(&self, topic_name: &str, name: &str, member: bool) -> bool {
        let (topic, user) = (topic(topic_name), user(name));
        let change = self
            .store
            .write(move |tx| Box::pin(async move { tx.set_member(&topic, &user, member, at(0)).await }));
        change.await.unwrap()
    }

    /// Makes `count` users `u0`, `u1`, …, members of a topic.
    pub(crate) async fn fill_topic(&self, name: &str, count: usize) {
        let topic = topic(name);
        let change = self.store.write(move |tx| {
            Box::pin(async move {
                for number in 0..count {
                    tx.set_member(&topic, &user(&format!("u{number}")), true, at(0)).await?;
                }
                Ok(())
            })
        });
        change.await.unwrap();
    }
}

pub(crate) async fn items(store: &Store, name: &str) -> Vec<(u64, NotificationId)> {
    let page = store.items_after(&user(name), Seq::ZERO, 10_000, usize::MAX).await.unwrap();
    page.items.iter().map(|item| (item.seq.0, item.notification)).collect()
}

pub(crate) fn options(directory: &TempDir) -> StoreOptions {
    StoreOptions { readers: 2, ..StoreOptions::new(directory.path().join("oyez.db")) }
}

/// Notes what landed, in the order it was told.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Landed>>>);

impl Recorder {
    pub(crate) fn hook(&self) -> LandedHook {
        let all = Arc::clone(&self.0);
        Arc::new(move |landed| all.lock().unwrap().extend(landed))
    }

    pub(crate) fn all(&self) -> Vec<Landed> {
        self.0.lock().unwrap().clone()
    }

    /// Each landing of an item: who, and at which position, in the order told.
    pub(crate) fn items(&self) -> Vec<(UserId, u64)> {
        self.all().into_iter().flat_map(|one| one.recipients).map(|(user, seq)| (user, seq.0)).collect()
    }
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

/// Seconds after the tests' beginning of time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).plus_seconds(seconds)
}

/// A draft to one or several audiences, such as `user:a` or `role:b topic:c`.
pub(crate) fn draft(to: &str) -> Draft {
    draft_at(to, 0)
}

pub(crate) fn draft_at(to: &str, seconds: i64) -> Draft {
    let id = NotificationId(Uuid::now_v7());
    Draft {
        id,
        kind: "ticket_created".into(),
        tail: format!(r#""type":"ticket_created","id":"{id}","message":"Say \"héé\""}}"#).into(),
        audience: to.split(' ').map(|one| one.parse().unwrap()).collect(),
        created_at: at(seconds),
        send_at: None,
        expires_at: None,
        group_key: None,
        media: None,
        idempotency: None,
    }
}

pub(crate) fn with_key(mut draft: Draft, key: &str, body: u8) -> Draft {
    draft.idempotency =
        Some(Idempotency { scope: "key:test".into(), key: key.into(), fingerprint: [body; 32] });
    draft
}

pub(crate) fn published(outcome: PublishOutcome) -> (NotificationId, u64) {
    match outcome {
        PublishOutcome::Published { id, recipients } => (id, recipients),
        other => panic!("expected a publish, got {other:?}"),
    }
}
