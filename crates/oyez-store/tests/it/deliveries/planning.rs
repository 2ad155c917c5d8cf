//! What is planned, for whom, and when.

use oyez_core::{delivery::Medium, fallback::Policy, notification::Draft};
use oyez_protocol::api::{deliveries::Timing, preferences::PolicyRequest};
use oyez_store::{DeliveryFilter, PublishOutcome, UserProfile};
use serde_json::json;

use super::support::told;
use crate::support::{Fixture, at, draft, draft_at, user, with_key};

#[tokio::test]
async fn a_notification_waits_its_grace_and_then_goes_out() {
    let fixture = Fixture::mailing(json!({"grace": 300}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    let rows = fixture.list(DeliveryFilter::default()).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((told(&rows[0]).as_str(), rows[0].delivery.timing), ("waiting", Timing::IfUnseen));
    assert_eq!(rows[0].delivery.due_at, Some(at(300)));
    assert_eq!(fixture.store.next_delivery_due().await.unwrap(), Some(at(300)));
    assert!(fixture.send(299).await.is_empty());
    assert_eq!(fixture.send(300).await, ["anna"]);
    assert!(fixture.send(9_999).await.is_empty());
    assert_eq!(fixture.states("anna").await, ["sent"]);
    assert_eq!(fixture.store.next_delivery_due().await.unwrap(), None);
}

#[tokio::test]
async fn without_a_medium_nothing_is_planned() {
    let fixture = Fixture::new().await;
    fixture.person("anna").await;
    fixture.publish(draft("user:anna")).await;
    assert!(fixture.list(DeliveryFilter::default()).await.is_empty());
    assert_eq!(fixture.store.next_delivery_due().await.unwrap(), None);
}

#[tokio::test]
async fn the_publishers_media_are_kept_whenever_and_for_however_many_it_lands() {
    let policy = json!({"rules": [{"types": ["urgent"], "when": "at_once"}]});
    let fixture = Fixture::mailing(policy, &["anna"]).await;
    fixture.member("t", "anna", true).await;
    for to in ["user:anna", "topic:t"] {
        for send_at in [None, Some(at(50))] {
            let none = Draft { media: Some(vec![]), send_at, ..draft(to) };
            let push = Draft { media: Some(vec![Medium::WebPush]), send_at, ..draft(to) };
            let mail = Draft { media: Some(vec![Medium::Email]), send_at, ..draft(to) };
            for one in [none, push, mail] {
                fixture.publish(one).await;
            }
        }
    }
    assert_eq!(fixture.store.publish_due(at(60), 100, fixture.landed.hook()).await.unwrap(), 6);
    assert_eq!(fixture.items("anna").await.len(), 12);
    let mut due: Vec<_> = fixture
        .list(DeliveryFilter::default())
        .await
        .iter()
        .map(|row| row.delivery.due_at.unwrap().millis_since(at(0)) / 1000)
        .collect();
    due.sort_unstable();
    // What was sent later waits from the moment it landed.
    assert_eq!(due, [300, 300, 360, 360]);
}

#[tokio::test]
async fn publishing_again_plans_nothing_again() {
    let fixture = Fixture::mailing(json!({"default": {"email": "digest"}}), &["anna"]).await;
    let first = with_key(draft("user:anna"), "k", 1);
    fixture.publish(first).await;
    let again = fixture.publish(with_key(draft("user:anna"), "k", 1)).await;
    assert!(matches!(again, PublishOutcome::Replayed { .. }));
    assert_eq!(fixture.states("anna").await, ["waiting"]);
    assert_eq!(fixture.store.delivery_counts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_expires_before_it_would_go_out_is_not_planned() {
    let fixture = Fixture::mailing(json!({"grace": 300}), &["anna"]).await;
    for expires in [200, 300, 301] {
        fixture.publish(Draft { expires_at: Some(at(expires)), ..draft("user:anna") }).await;
    }
    assert_eq!(fixture.states("anna").await, ["waiting"]);
}

#[tokio::test]
async fn an_address_that_is_missing_can_be_seen() {
    let fixture = Fixture::mailing(json!({}), &[]).await;
    fixture.publish(draft("user:anna")).await;
    let taken = fixture.take(300).await;
    assert!(taken.parcels.is_empty());
    assert_eq!(taken.changes.len(), 1);
    assert_eq!(fixture.states("anna").await, ["skipped: no_address"]);
}

#[tokio::test]
async fn a_user_without_a_subscription_gets_no_row_for_web_push() {
    let policy = Policy::new(&PolicyRequest::default(), &Medium::ALL).unwrap();
    let fixture = Fixture::with_fallback(policy).await;
    fixture.publish(draft("user:anna")).await;
    let media: Vec<_> =
        fixture.list(DeliveryFilter::default()).await.iter().map(|row| row.delivery.medium).collect();
    assert_eq!(media, [Medium::Email]);
}

#[tokio::test]
async fn each_of_a_batch_gets_their_own() {
    let fixture = Fixture::mailing(json!({}), &["anna", "bob"]).await;
    fixture.member("t", "bob", true).await;
    fixture.prefer("bob", json!({"types": {"ticket_*": {"email": "off"}}})).await;
    let drafts = vec![
        draft("user:anna user:bob user:new"),
        draft("topic:t"),
        Draft { kind: "other".into(), ..draft("topic:t user:anna") },
    ];
    fixture.store.publish_batch(drafts, fixture.landed.hook()).await.unwrap();
    assert_eq!(fixture.states("anna").await.len(), 2);
    assert_eq!(fixture.states("bob").await.len(), 1);
    assert_eq!(fixture.states("new").await.len(), 1);
    let mut names = fixture.send(300).await;
    names.sort();
    assert_eq!(names, ["anna", "anna", "bob"]);
}

#[tokio::test]
async fn a_daily_digest_comes_by_the_users_own_clock() {
    let policy = json!({"default": {"email": "digest"}, "digest": {"at": "08:00"}});
    let fixture = Fixture::mailing(policy, &["anna", "bob"]).await;
    let profile = UserProfile { time_zone: Some("Asia/Tokyo".into()), ..UserProfile::new(user("bob")) };
    fixture.store.write(|tx| Box::pin(async move { tx.put_user(&profile, at(0)).await })).await.unwrap();
    let noon = super::support::clock(12, 0);
    fixture.publish(draft_at("user:anna user:bob", noon)).await;
    // Eight in Tokyo is eleven at night here.
    assert_eq!(fixture.store.next_digest_due().await.unwrap(), Some(at(super::support::clock(23, 0))));
    assert_eq!(fixture.close(super::support::clock(23, 0)).await.closed, 1);
    assert_eq!(fixture.store.next_digest_due().await.unwrap(), Some(at(super::support::clock(32, 0))));
}
