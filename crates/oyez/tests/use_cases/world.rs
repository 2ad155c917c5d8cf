//! One node without edges: a store in a directory that goes away, a clock that stands still, and an ear on the bus.

use std::time::Duration;

use oyez::{
    bus::{Announcement, Bus},
    caretaker::Caretaker,
    inbox::Inboxes,
    publish::Publisher,
    users::Users,
};
use oyez_core::{
    clock::{Clock, ManualClock},
    notification::Landed,
};
use oyez_protocol::{
    NotificationId, Timestamp, UserId,
    api::publish::{NotificationRequest, Published},
};
use oyez_store::{InboxFilter, InboxStatus, Retention, Store, StoreOptions};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

pub(crate) const START: &str = "2026-11-20T13:00:00.000Z";

pub(crate) struct World {
    _directory: TempDir,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) clock: Clock,
    pub(crate) hand: ManualClock,
    pub(crate) publisher: Publisher,
    pub(crate) inboxes: Inboxes,
    pub(crate) users: Users,
    heard: UnboundedReceiver<String>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions::new(directory.path().join("oyez.db"))).await.unwrap();
        let (clock, hand) = Clock::manual(START.parse().unwrap());
        let bus = Bus::local();
        let (ear, heard) = unbounded_channel();
        bus.subscribe(Box::new(move |announcement| {
            if let Announcement::Event(event) = announcement {
                event.count_reached(2);
            }
            for one in told(announcement) {
                let _ = ear.send(one);
            }
        }));
        let publisher = Publisher::new(store.clone(), bus.clone(), clock.clone());
        let inboxes = Inboxes::new(store.clone(), bus.clone(), clock.clone());
        let users = Users::new(store.clone(), bus.clone(), clock.clone());
        Self { _directory: directory, store, bus, clock, hand, publisher, inboxes, users, heard }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What was announced since the last call, one line each.
    pub(crate) fn heard(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }

    /// The next announcement, when somebody else makes it.
    pub(crate) async fn hears(&mut self) -> String {
        tokio::time::timeout(Duration::from_secs(20), self.heard.recv())
            .await
            .expect("an announcement within 20 s")
            .expect("the bus lives as long as the world")
    }

    pub(crate) async fn publish(&self, body: serde_json::Value) -> Published {
        self.publisher.publish(&request(body), "key:test").await.unwrap()
    }

    /// Publishes something with only an audience.
    pub(crate) async fn tell(&self, to: &str) -> NotificationId {
        self.publish(serde_json::json!({"to": to, "type": "x", "message": "m"})).await.id
    }

    /// The positions in an inbox, oldest first, archived ones too.
    pub(crate) async fn seqs(&self, who: &str) -> Vec<u64> {
        let filter = InboxFilter { status: InboxStatus::All, limit: 1_000, ..InboxFilter::default() };
        let mut items = self.inboxes.page(&user(who), &filter).await.unwrap();
        items.reverse();
        items.iter().map(|item| item.seq.0).collect()
    }

    /// `(unread, unseen)`.
    pub(crate) async fn counts(&self, who: &str) -> (u64, u64) {
        let standing = self.inboxes.counts(&user(who)).await.unwrap();
        (standing.unread, standing.unseen)
    }

    /// Lets a caretaker work until the returned guard stops it.
    pub(crate) fn takes_care(&self, retention: Retention) -> Working {
        let (store, bus, clock) = (self.store.clone(), self.bus.clone(), self.clock.clone());
        let caretaker = Caretaker::new(store, bus, clock, &self.publisher, retention);
        let shutdown = CancellationToken::new();
        Working { worker: tokio::spawn(caretaker.run(shutdown.clone())), shutdown }
    }
}

/// A caretaker at work.
pub(crate) struct Working {
    worker: tokio::task::JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Working {
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.worker).await.expect("it stops").unwrap();
    }
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn request(body: serde_json::Value) -> NotificationRequest {
    serde_json::from_value(body).unwrap()
}

/// A line for each thing that is told.
fn told(announcement: &Announcement) -> Vec<String> {
    let line = match announcement {
        Announcement::Landed(landed) => return landed.iter().map(|one| landed_line(one)).collect(),
        Announcement::Event(event) => format!("event {}", event.text),
        Announcement::InboxChanged { user, change } => format!(
            "inbox {user} unread={} unseen={} changed={} all={}",
            change.unread,
            change.unseen,
            change.changed.len(),
            change.all
        ),
        Announcement::Board(news) => format!("board {} {}", news.board, news.version),
        Announcement::Job(news) => format!("job {:?} {}", news.stage, news.frame),
        Announcement::Available { queue, kind, count } => {
            format!("available {queue} {} {count}", kind.as_ref().map_or("*", |kind| kind.as_str()))
        }
        Announcement::RolesChanged { user, roles } => {
            let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
            format!("roles {user} {}", roles.join(","))
        }
        Announcement::Membership { topic, user, member } => format!("member {topic} {user} {member}"),
        Announcement::Revoked { user, session } => format!("revoked {user} {}", session.is_some()),
    };
    vec![line]
}

fn landed_line(landed: &Landed) -> String {
    let mut recipients: Vec<_> =
        landed.recipients.iter().map(|(user, seq)| format!("{user}:{seq}")).collect();
    recipients.sort();
    format!("landed {} {}", landed.kind, recipients.join(","))
}
