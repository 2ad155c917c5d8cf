use std::time::Duration;

use oyez_store::{NotificationState, Retention};
use serde_json::json;

use crate::world::{World, user};

const KEEP_ALL: Retention = Retention { max_age: None, max_items: None };

#[tokio::test]
async fn a_notification_lands_when_its_time_has_come_and_not_before() {
    let mut world = World::new().await;
    let care = world.takes_care(KEEP_ALL);
    let later = world.now().plus_seconds(60);
    let id = world.publish(json!({"to": "user:a", "type": "x", "message": "m", "send_at": later})).await.id;
    // Whoever begins to wait wakes the caretaker; this one is not due, the other is.
    let sooner = world.now().plus_seconds(1);
    world.publish(json!({"to": "user:a", "type": "y", "message": "m", "send_at": sooner})).await;
    world.hand.advance(1);
    world.publisher.waiting().notify_one();
    assert_eq!(world.hears().await, "landed y a:1");
    assert_eq!(world.publisher.status(id).await.unwrap().state, NotificationState::Waiting);

    world.hand.advance(59);
    world.publisher.waiting().notify_one();
    assert_eq!(world.hears().await, "landed x a:2");
    assert_eq!(world.publisher.status(id).await.unwrap().state, NotificationState::Sent);
    care.stop().await;
}

#[tokio::test]
async fn what_expires_while_it_waits_is_never_sent() {
    let mut world = World::new().await;
    let body = json!({"to": "user:a", "message": "m", "send_at": world.now().plus_seconds(1),
        "expires_at": world.now().plus_seconds(2)});
    let id = world.publish(body).await.id;
    world
        .publish(json!({"to": "user:a", "type": "y", "message": "m", "send_at": world.now().plus_seconds(5)}))
        .await;
    world.hand.advance(10);
    let care = world.takes_care(KEEP_ALL);
    assert_eq!(world.hears().await, "landed y a:1");
    care.stop().await;
    assert_eq!(world.publisher.status(id).await.unwrap().state, NotificationState::Expired);
    assert_eq!(world.seqs("a").await, [1]);
}

#[tokio::test]
async fn an_item_that_expired_is_archived_and_its_owner_told() {
    let mut world = World::new().await;
    let body =
        json!({"to": ["user:a", "user:b"], "message": "m", "expires_at": world.now().plus_seconds(60)});
    world.publish(body).await;
    world.tell("user:a").await;
    world.heard();
    world.hand.advance(60);
    let care = world.takes_care(KEEP_ALL);
    let mut lines = [world.hears().await, world.hears().await];
    lines.sort();
    assert!(lines[0].starts_with("inbox a unread=1 unseen=1"), "{lines:?}");
    assert!(lines[1].starts_with("inbox b unread=0 unseen=0"), "{lines:?}");
    care.stop().await;
    assert_eq!(world.counts("a").await, (1, 1));
}

#[tokio::test]
async fn items_that_are_too_old_go_and_the_counts_stay_exact() {
    let mut world = World::new().await;
    world.tell("user:a").await;
    world.hand.advance(3_600);
    world.tell("user:a").await;
    world.heard();
    let care = world.takes_care(Retention { max_age: Some(Duration::from_secs(1_800)), max_items: None });
    let line = world.hears().await;
    assert!(line.starts_with("inbox a unread=1 unseen=1"), "{line}");
    care.stop().await;
    assert_eq!(world.seqs("a").await, [2]);
    assert_eq!(world.inboxes.counts(&user("a")).await.unwrap().kept_after.0, 1);
}

#[tokio::test]
async fn a_caretaker_without_work_stops_when_told() {
    let world = World::new().await;
    let care = world.takes_care(KEEP_ALL);
    care.stop().await;
}
