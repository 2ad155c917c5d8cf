//! Items that go by themselves.

use std::time::Duration;

use oyez_protocol::{Seq, UserId, frame::server::InboxChange};
use oyez_store::{NotificationState, Retention, Store};

use crate::support::{Fixture, at, draft, draft_at, user};

async fn expire(store: &Store, second: i64, limit: u32) -> Vec<(UserId, InboxChange)> {
    store.write(move |tx| Box::pin(async move { tx.expire(at(second), limit).await })).await.unwrap()
}

/// Runs until nothing is left to delete.
async fn retain(store: &Store, retention: Retention, second: i64, limit: u32) -> usize {
    let mut steps = 0;
    loop {
        let step =
            store.write(move |tx| Box::pin(async move { tx.retain(&retention, at(second), limit).await }));
        if step.await.unwrap().is_empty() {
            return steps;
        }
        steps += 1;
    }
}

#[tokio::test]
async fn an_expired_notification_is_archived_in_small_steps() {
    let fixture = Fixture::new().await;
    fixture.fill_topic("t", 10).await;
    let mut draft = draft("topic:t");
    draft.expires_at = Some(at(60));
    let id = draft.id;
    fixture.publish(draft).await;
    assert!(expire(&fixture.store, 59, 4).await.is_empty());
    let mut touched = Vec::new();
    loop {
        let step = expire(&fixture.store, 60, 4).await;
        assert!(step.len() <= 4);
        if step.is_empty() {
            break;
        }
        touched.extend(step);
    }
    assert_eq!(touched.len(), 10);
    let (_, change) = &touched[0];
    assert_eq!((change.unread, change.unseen, change.changed[0].archived_at), (0, 0, Some(at(60))));
    assert_eq!(fixture.store.notification(id).await.unwrap().unwrap().state, NotificationState::Expired);
    assert_eq!(fixture.items("u3").await, [(1, id)]);
}

#[tokio::test]
async fn only_the_newest_items_stay_and_positions_go_on() {
    let fixture = Fixture::new().await;
    let mut first = None;
    for _ in 0..10 {
        let draft = draft("user:a");
        first = first.or(Some(draft.id));
        fixture.publish(draft).await;
    }
    fixture.publish(draft("user:b")).await;
    let retention = Retention { max_items: Some(3), max_age: None };
    assert_eq!(retain(&fixture.store, retention, 5, 2).await, 4);
    let seqs: Vec<u64> = fixture.items("a").await.into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(seqs, [8, 9, 10]);
    let standing = fixture.store.standing(&user("a")).await.unwrap();
    assert_eq!((standing.kept_after, standing.head, standing.unread), (Seq(7), Seq(10), 3));
    assert!(fixture.store.notification(first.unwrap()).await.unwrap().is_none());
    fixture.publish(draft("user:a")).await;
    assert_eq!(fixture.items("a").await.last().unwrap().0, 11);
    assert_eq!(fixture.items("b").await.len(), 1);
    assert_eq!(fixture.store.stats().await.unwrap().items, 5);
}

#[tokio::test]
async fn old_items_go_and_younger_ones_stay() {
    let fixture = Fixture::new().await;
    fixture.fill_topic("t", 20).await;
    for second in [0, 10, 100] {
        fixture.publish(draft_at("topic:t user:a", second)).await;
    }
    fixture.publish(draft_at("topic:nobody", 0)).await;
    let retention = Retention { max_age: Some(Duration::from_secs(60)), max_items: None };
    assert!(retain(&fixture.store, retention, 120, 7).await > 1);
    for name in ["a", "u0", "u19"] {
        let seqs: Vec<u64> = fixture.items(name).await.into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(seqs, [3], "{name}");
        assert_eq!(fixture.store.standing(&user(name)).await.unwrap().unread, 1);
    }
    assert_eq!(fixture.store.stats().await.unwrap().notifications, 1);
    assert_eq!(retain(&fixture.store, Retention::default(), 9_999, 7).await, 0);
}
