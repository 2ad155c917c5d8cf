//! Audiences that are written in several transactions: whole, once each, and finished after a crash.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use oyez_core::notification::Landed;
use oyez_protocol::frame::client::{MarkAction, Selection};
use oyez_store::{LandedHook, NotificationState, PublishOutcome, Store, StoreOptions, UserProfile};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::support::{Fixture, Recorder, at, draft, items, published, user, with_key};

/// More than two windows of user numbers.
const MANY: usize = 9_000;

#[tokio::test]
async fn everybody_in_a_large_topic_gets_it_once_and_is_told_of_once() {
    let fixture = Fixture::new().await;
    fixture.fill_topic("t", MANY).await;
    let draft = draft("topic:t user:u5 user:extra everyone");
    let id = draft.id;
    assert_eq!(published(fixture.publish(draft).await), (id, MANY as u64 + 1));
    let told = fixture.landed.items();
    assert_eq!(told.len(), MANY + 1);
    assert!(told.iter().all(|(_, seq)| *seq == 1));
    assert_eq!(told.iter().map(|(user, _)| user).collect::<HashSet<_>>().len(), MANY + 1);
    let status = fixture.store.notification(id).await.unwrap().unwrap();
    assert_eq!((status.state, status.recipients), (NotificationState::Sent, MANY as u64 + 1));
    let standing = fixture.store.standing(&user("u8999")).await.unwrap();
    assert_eq!((standing.head.0, standing.unread, standing.unseen), (1, 1, 1));
}

#[tokio::test]
async fn everyone_leaves_out_who_is_shut_out() {
    let fixture = Fixture::new().await;
    fixture.fill_topic("t", 2_400).await;
    let shut_out = fixture.store.write(|tx| {
        Box::pin(async move {
            tx.put_user(&UserProfile::new(user("gone")), at(0)).await?;
            tx.set_disabled(&user("gone"), true, at(0)).await
        })
    });
    assert!(shut_out.await.unwrap());
    assert_eq!(published(fixture.publish(draft("everyone")).await).1, 2_400);
    assert!(fixture.items("gone").await.is_empty());
}

#[tokio::test]
async fn others_publish_in_between_and_positions_stay_without_gaps() {
    let fixture = Fixture::new().await;
    fixture.fill_topic("t", MANY).await;
    let mut tasks = Vec::new();
    for to in ["topic:t", "user:u0 user:u8999", "topic:t", "user:u0", "user:u8999"] {
        let (store, hook) = (fixture.store.clone(), fixture.landed.hook());
        tasks.push(tokio::spawn(async move { store.publish(draft(to), hook).await.unwrap() }));
    }
    for task in tasks {
        published(task.await.unwrap());
    }
    for (name, count) in [("u0", 4), ("u8999", 4), ("u4500", 2)] {
        let seqs: Vec<u64> = fixture.items(name).await.into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(seqs, (1..=count).collect::<Vec<_>>(), "{name}");
        let told = fixture.landed.items();
        let told: Vec<u64> = told.iter().filter(|(to, _)| *to == user(name)).map(|(_, seq)| *seq).collect();
        assert_eq!(told, seqs, "{name}");
    }
}

/// A copy of the database files as they were right after the first part was committed: what a crash leaves.
async fn crash_after_first_part(fixture: &Fixture) -> (TempDir, Landed) {
    let (sender, first) = oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let from = fixture.directory.path().to_owned();
    // Copied by the hook, because nothing else is written until it returns.
    let hook: LandedHook = Arc::new(move |landed| {
        if let Some(sender) = sender.lock().unwrap().take() {
            let to = TempDir::new().unwrap();
            for name in ["oyez.db", "oyez.db-wal"] {
                std::fs::copy(from.join(name), to.path().join(name)).unwrap();
            }
            sender.send((to, landed.into_iter().next().unwrap())).unwrap();
        }
    });
    published(fixture.store.publish(with_key(draft("topic:t user:new"), "k", 1), hook).await.unwrap());
    first.await.unwrap()
}

#[tokio::test]
async fn a_crash_half_way_is_finished_and_nobody_gets_it_twice() {
    let fixture = Fixture::new().await;
    fixture.fill_topic("t", MANY).await;
    let (directory, first) = crash_after_first_part(&fixture).await;
    assert!(first.recipients.len() < MANY);

    let store = Store::open(&StoreOptions::new(directory.path().join("oyez.db"))).await.unwrap();
    let half = store.notification(first.notification).await.unwrap().unwrap();
    assert_eq!((half.state, half.recipients), (NotificationState::Sending, first.recipients.len() as u64));
    let told = Recorder::default();
    assert_eq!(store.finish_publishes(told.hook()).await.unwrap(), 1);
    let all: HashSet<_> = first
        .recipients
        .iter()
        .map(|(user, _)| user.clone())
        .chain(told.items().into_iter().map(|(user, _)| user))
        .collect();
    assert_eq!(all.len(), MANY + 1);
    assert_eq!(first.recipients.len() + told.items().len(), MANY + 1);
    let whole = store.notification(first.notification).await.unwrap().unwrap();
    assert_eq!((whole.state, whole.recipients), (NotificationState::Sent, MANY as u64 + 1));
    assert_eq!(items(&store, "new").await, [(1, first.notification)]);
    assert_eq!(store.finish_publishes(told.hook()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_publish_sent_again_after_a_crash_is_finished_by_it() {
    let fixture = Fixture::new().await;
    fixture.fill_topic("t", MANY).await;
    let (directory, first) = crash_after_first_part(&fixture).await;
    let store = Store::open(&StoreOptions::new(directory.path().join("oyez.db"))).await.unwrap();
    let again = with_key(draft("topic:t user:new"), "k", 1);
    let outcome = store.publish(again, Recorder::default().hook()).await.unwrap();
    let (id, recipients) = (first.notification, MANY as u64 + 1);
    assert_eq!(outcome, PublishOutcome::Replayed { id, recipients });
    assert_eq!(items(&store, "u8999").await.len(), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_stop_it() {
    let fixture = Fixture::new().await;
    fixture.fill_topic("t", MANY).await;
    let (sender, began) = oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let hook: LandedHook = Arc::new(move |_| {
        if let Some(sender) = sender.lock().unwrap().take() {
            sender.send(()).unwrap();
        }
    });
    let draft = draft("topic:t");
    let id = draft.id;
    let publish = fixture.store.publish(draft, hook);
    tokio::select! {
        _ = publish => panic!("it takes several parts"),
        told = began => told.unwrap(),
    }
    // Marks are changes too: they go in between, so a few of them outlast the rest of the audience.
    for _ in 0..1_000 {
        let mark = fixture.store.write(|tx| {
            Box::pin(async move {
                tx.mark(&user("u0"), MarkAction::Seen, &Selection::All { up_to: None }, at(1)).await
            })
        });
        mark.await.unwrap();
        let status = fixture.store.notification(id).await.unwrap().unwrap();
        if status.state == NotificationState::Sent {
            assert_eq!(status.recipients, MANY as u64);
            return;
        }
    }
    panic!("it was not finished");
}
