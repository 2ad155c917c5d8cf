use std::{sync::Arc, time::Duration};

use oyez::publish::{PublishError, Signals};
use oyez_core::{
    access::{Person, Rules},
    rate::Rate,
};
use oyez_protocol::{ErrorCode, NotificationId, RoleName, TopicName, api::publish::EventRequest};
use oyez_store::{NotificationState, UserProfile};
use serde_json::json;

use crate::world::{World, request, user};

#[tokio::test]
async fn a_publish_lands_in_each_inbox_once_and_is_announced() {
    let mut world = World::new().await;
    let admins =
        UserProfile { roles: Some(vec![RoleName::new("admin").unwrap()]), ..UserProfile::new(user("ann")) };
    world.users.put(admins).await.unwrap();
    world.users.join(&TopicName::new("t1").unwrap(), &user("tim")).await.unwrap();
    world.heard();

    let to = json!(["role:admin", "topic:t1", "user:new", "user:ann"]);
    let published = world.publish(json!({"to": to, "type": "ticket_created", "message": "m"})).await;
    assert_eq!(published.recipients, 3);
    assert_eq!(world.heard(), ["landed ticket_created ann:1,new:1,tim:1"]);
    assert_eq!(world.publish(json!({"to": "everyone", "message": "m"})).await.recipients, 3);
    assert_eq!(world.heard(), ["landed notification ann:2,new:2,tim:2"]);
    assert_eq!(world.publish(json!({"to": "role:nobody", "message": "m"})).await.recipients, 0);
    assert_eq!(world.counts("new").await, (2, 2));
}

#[tokio::test]
async fn what_is_refused_is_neither_stored_nor_announced() {
    let mut world = World::new().await;
    let body = json!({"to": "user:a", "type": "x", "message": "m", "data": {"seq": 1}});
    let refused = world.publisher.publish(&request(body), "key:a").await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ReservedKey);
    assert!(refused.to_string().contains("\"seq\""), "{refused}");
    assert!(world.seqs("a").await.is_empty());
    assert!(world.heard().is_empty());
}

#[tokio::test]
async fn the_same_key_and_body_is_one_publish_and_another_body_is_refused() {
    let mut world = World::new().await;
    let body = json!({"to": "user:a", "message": "m", "idempotency_key": "k1"});
    let first = world.publish(body.clone()).await;
    assert_eq!(world.publish(body.clone()).await, first);
    assert_eq!(world.heard().len(), 1, "announced once");
    assert_eq!(world.seqs("a").await, [1]);

    let other = request(json!({"to": "user:a", "message": "n", "idempotency_key": "k1"}));
    let refused = world.publisher.publish(&other, "key:test").await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::IdempotencyMismatch);
    let elsewhere = world.publisher.publish(&other, "key:other").await.unwrap();
    assert_ne!(elsewhere.id, first.id, "another caller's key is another key");
}

#[tokio::test]
async fn a_batch_answers_one_by_one() {
    let world = World::new().await;
    let batch: Vec<_> = [
        json!({"to": "user:a", "message": "1"}),
        json!({"to": "user:a", "message": ""}),
        json!({"to": ["user:a", "user:b"], "message": "2"}),
        json!({"to": "user:a", "message": "3", "idempotency_key": "k"}),
        json!({"to": "user:a", "message": "3", "idempotency_key": "k"}),
        json!({"to": "user:a", "message": "4", "idempotency_key": "k"}),
    ]
    .map(request)
    .into();
    let results = world.publisher.publish_batch(&batch, "key:test").await.unwrap();
    let recipients: Vec<_> =
        results.iter().map(|result| result.as_ref().ok().map(|one| one.recipients)).collect();
    assert_eq!(recipients, [Some(1), None, Some(2), Some(1), Some(1), None]);
    assert_eq!(results[3].as_ref().unwrap().id, results[4].as_ref().unwrap().id);
    assert_eq!(results[5].as_ref().unwrap_err().code(), ErrorCode::IdempotencyMismatch);
    assert_eq!(world.seqs("a").await, [1, 2, 3]);
    let refused =
        world.publisher.publish_batch(&[request(json!({"to": "user:a", "message": ""}))], "k").await;
    assert_eq!(refused.unwrap()[0].as_ref().unwrap_err().code(), ErrorCode::Invalid);
}

#[tokio::test]
async fn what_waits_can_be_taken_back_and_what_was_sent_cannot() {
    let mut world = World::new().await;
    let later = world.now().plus_seconds(60);
    let waiting = world.publish(json!({"to": "user:a", "message": "m", "send_at": later})).await;
    assert_eq!(waiting.recipients, 0);
    assert_eq!(world.publisher.status(waiting.id).await.unwrap().state, NotificationState::Waiting);
    world.publisher.cancel(waiting.id).await.unwrap();
    assert_eq!(world.publisher.status(waiting.id).await.unwrap().state, NotificationState::Cancelled);
    assert!(world.seqs("a").await.is_empty());
    assert!(world.heard().is_empty());

    let sent = world.tell("user:a").await;
    let refused = world.publisher.cancel(sent).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);
    assert!(refused.to_string().contains("it is sent already"), "{refused}");
    let unknown: NotificationId = "01930000-0000-7000-8000-000000000001".parse().unwrap();
    assert!(
        matches!(world.publisher.cancel(unknown).await, Err(PublishError::NotFound(id)) if id == unknown)
    );
    assert!(matches!(world.publisher.status(unknown).await, Err(PublishError::NotFound(_))));
}

#[tokio::test]
async fn many_publishers_at_once_leave_no_gap_and_are_announced_in_order() {
    let mut world = World::new().await;
    let publishes: Vec<_> = (0..200)
        .map(|n| {
            let publisher = world.publisher.clone();
            let to = if n % 2 == 0 { json!("user:a") } else { json!(["user:a", "user:b"]) };
            tokio::spawn(async move {
                publisher
                    .publish(&request(json!({"to": to, "type": "x", "message": "m"})), "k")
                    .await
                    .unwrap()
            })
        })
        .collect();
    for publish in publishes {
        publish.await.unwrap();
    }
    assert_eq!(world.seqs("a").await, (1..=200).collect::<Vec<_>>());
    assert_eq!(world.seqs("b").await, (1..=100).collect::<Vec<_>>());
    assert_eq!(world.counts("a").await, (200, 200));
    let announced: Vec<u64> = world
        .heard()
        .iter()
        .filter_map(|line| line.split(['a', ',', ' ']).find_map(|part| part.strip_prefix(':')?.parse().ok()))
        .collect();
    assert_eq!(announced, (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_event_reports_how_many_connections_it_reached() {
    let mut world = World::new().await;
    let event: EventRequest = serde_json::from_value(
        json!({"to": "topic:dashboard", "type": "business_created", "data": {"payload": 1}}),
    )
    .unwrap();
    assert_eq!(world.publisher.send_event(&event).await.unwrap().reached, 2);
    assert_eq!(
        world.heard(),
        [r#"event {"type":"business_created","timestamp":"2026-11-20T13:00:00.000Z","payload":1}"#]
    );
}

#[tokio::test]
async fn a_signal_goes_to_members_from_members_and_not_too_often() {
    let mut world = World::new().await;
    let topic = TopicName::new("t1").unwrap();
    let rules = Arc::new(Rules { open_topics: vec!["public-*".into()], ..Rules::default() });
    let rate = Rate::new(2, Duration::from_secs(2));
    let signals = Signals::new(world.store.clone(), world.bus.clone(), world.clock.clone(), rules, rate);
    world.users.join(&topic, &user("ann")).await.unwrap();
    world.heard();
    let (ann, bob) = (user("ann"), user("bob"));
    let (ann, bob) = (Person { user: &ann, roles: &[] }, Person { user: &bob, roles: &[] });
    let none = serde_json::Map::new();

    signals.send(ann, &topic, "typing", &none).await.unwrap();
    assert_eq!(
        world.heard(),
        [r#"event {"type":"typing","timestamp":"2026-11-20T13:00:00.000Z","topic":"t1","actor":"ann"}"#]
    );
    assert_eq!(signals.send(bob, &topic, "typing", &none).await.unwrap_err().code(), ErrorCode::Forbidden);
    signals.send(bob, &TopicName::new("public-1").unwrap(), "typing", &none).await.unwrap();
    assert_eq!(signals.send(ann, &topic, "inbox", &none).await.unwrap_err().code(), ErrorCode::Invalid);
    let refused = signals.send(ann, &topic, "typing", &none).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::TooManyRequests);
    world.hand.advance(1);
    signals.send(ann, &topic, "typing", &none).await.unwrap();
}
