//! What is forgotten: ended deliveries in time, and all of a user who is erased.

use oyez_core::{
    delivery::{Medium, Outcome},
    fallback::Policy,
};
use oyez_protocol::api::preferences::PolicyRequest;
use oyez_store::DeliveryFilter;
use serde_json::json;

use super::support::by_mail;
use crate::support::{Fixture, at, draft, draft_at, user};

async fn retain(fixture: &Fixture, before: i64, limit: u32) -> u64 {
    let retain =
        fixture.store.write(move |tx| Box::pin(async move { tx.retain_deliveries(at(before), limit).await }));
    retain.await.unwrap()
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_and_what_goes_on_is_kept() {
    let fixture = Fixture::mailing(json!({"grace": 0}), &["anna"]).await;
    for seconds in [0, 0, 0, 100] {
        fixture.publish(draft_at("user:anna", seconds)).await;
        fixture.send(seconds).await;
    }
    fixture.publish(draft_at("user:anna", 100)).await;
    assert_eq!(retain(&fixture, 50, 2).await, 2);
    assert_eq!(retain(&fixture, 50, 2).await, 1);
    assert_eq!(retain(&fixture, 50, 2).await, 0);
    assert_eq!(fixture.states("anna").await, ["sent", "queued"]);
}

#[tokio::test]
async fn a_digest_is_forgotten_after_what_tells_of_it() {
    let fixture = Fixture::mailing(json!({"default": {"email": "digest"}}), &["anna", "bob"]).await;
    fixture.publish(draft("user:anna")).await;
    fixture.close(3_600).await;
    fixture.send(3_600).await;
    fixture.publish(draft_at("user:bob", 3_600)).await;
    assert_eq!(retain(&fixture, 3_600, 10).await, 0);
    assert_eq!(retain(&fixture, 3_601, 1).await, 1);
    assert_eq!(retain(&fixture, 3_601, 10).await, 2);
    assert_eq!(retain(&fixture, 3_601, 10).await, 0);
    // The next one of the same key.
    fixture.publish(draft_at("user:anna", 4_000)).await;
    assert_eq!(fixture.close(7_600).await.closed, 2);
}

#[tokio::test]
async fn nothing_is_left_of_a_user_who_is_erased() {
    let policy = json!({
        "grace": 0, "rules": [{"types": ["other"], "when": "digest"}],
        "throttle": {"email": {"count": 5, "period": 60}},
    });
    let fixture = Fixture::mailing(policy, &["anna", "bob"]).await;
    fixture.prefer("anna", json!({"default": {"email": "at_once"}})).await;
    fixture.publish(draft("user:anna user:bob")).await;
    fixture.send(0).await;
    fixture.publish(draft("user:anna")).await;
    let leased = fixture.take(0).await.parcels.remove(0);
    fixture
        .publish(oyez_core::notification::Draft { kind: "other".into(), ..draft("user:anna user:bob") })
        .await;
    fixture.publish(draft("user:anna")).await;
    let bounce = fixture.take(0).await.parcels.into_iter().find(|one| one.user.id == user("anna")).unwrap();
    fixture.conclude(&bounce, Outcome::Bounced { error: "550".into() }, 1).await;
    assert!(fixture.store.suppression("anna@example.org").await.unwrap().is_some());

    assert!(fixture.store.erase_user(&user("anna")).await.unwrap());
    assert!(fixture.list(DeliveryFilter::default()).await.iter().all(|row| row.delivery.user == user("bob")));
    assert_eq!(fixture.store.delivery(leased.id).await.unwrap(), None);
    assert!(fixture.conclude(&leased, Outcome::Accepted, 2).await.is_empty());
    assert!(fixture.store.suppression("anna@example.org").await.unwrap().is_none());
    assert!(fixture.store.delivery_attempts(bounce.id).await.unwrap().is_empty());
    assert_eq!(fixture.store.preferences(&user("anna")).await.unwrap(), Default::default());
    let closed = fixture.close(100_000).await;
    assert_eq!((closed.closed, closed.dropped), (1, 0));
    assert_eq!(fixture.store.next_delivery_due_by(Medium::Email).await.unwrap(), Some(at(100_000)));
}

#[tokio::test]
async fn what_a_medium_that_was_taken_down_should_have_carried_is_skipped() {
    let mut fixture = Fixture::mailing(json!({}), &["anna", "bob"]).await;
    fixture.publish(draft("user:anna")).await;
    fixture.publish(draft_at("user:bob", 100)).await;
    fixture.reopen_with(Policy::new(&PolicyRequest::default(), &[]).unwrap()).await;
    let purge =
        |seconds| fixture.store.write(move |tx| Box::pin(async move { tx.purge(at(seconds), 100).await }));
    assert_eq!(purge(300).await.unwrap(), 1);
    assert_eq!(purge(300).await.unwrap(), 0);
    assert_eq!(fixture.states("anna").await, ["skipped: no_medium"]);
    assert_eq!(fixture.states("bob").await, ["waiting"]);
    // Set up again, it carries what is still to come.
    fixture.reopen_with(by_mail(json!({}))).await;
    assert_eq!(fixture.send(400).await, ["bob"]);
}
