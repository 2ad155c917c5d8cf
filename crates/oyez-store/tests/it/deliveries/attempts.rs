//! How attempts end: retried, given up, lost, refused, and fenced.

use std::time::Duration;

use oyez_core::delivery::{Outcome, Report};
use oyez_protocol::api::deliveries::DeliveryState;
use oyez_store::{Parcel, deliveries::Ended};
use serde_json::json;

use crate::support::{Fixture, at, draft};

fn failed() -> Outcome {
    Outcome::Failed { error: "421 4.3.2 try later".into(), retry_after: None }
}

async fn one_taken(policy: serde_json::Value) -> (Fixture, Parcel) {
    let fixture = Fixture::mailing(policy, &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    let parcel = fixture.take(300).await.parcels.remove(0);
    (fixture, parcel)
}

#[tokio::test]
async fn three_attempts_and_then_it_has_failed() {
    let (fixture, mut parcel) = one_taken(json!({})).await;
    let key = parcel.message_key.clone();
    let mut now = 300;
    for attempt in 1..=3 {
        assert_eq!((parcel.attempt, &parcel.message_key), (attempt, &key));
        let changes = fixture.conclude(&parcel, failed(), now).await;
        assert_eq!(changes[0].delivery.error.as_deref(), Some("421 4.3.2 try later"));
        if attempt == 3 {
            break;
        }
        let due = fixture.store.next_delivery_due().await.unwrap().unwrap();
        assert!(due > at(now));
        now = due.millis_since(at(0)) / 1000;
        parcel = fixture.take(now).await.parcels.remove(0);
    }
    assert_eq!(fixture.states("anna").await, ["failed"]);
    assert!(fixture.send(1_000_000).await.is_empty());
    let attempts = fixture.store.delivery_attempts(parcel.id).await.unwrap();
    let outcomes: Vec<_> = attempts.iter().map(|one| one.outcome.as_deref().unwrap()).collect();
    assert_eq!(outcomes, ["failed", "failed", "failed"]);
    assert_eq!((attempts[0].started_at, attempts[0].ended_at), (at(300), Some(at(300))));
    assert_eq!(attempts[0].answer.as_deref(), Some("250 2.0.0 OK"));
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let (fixture, parcel) = one_taken(json!({})).await;
    let busy = Outcome::Failed { error: "451".into(), retry_after: Some(Duration::from_secs(600)) };
    fixture.conclude(&parcel, busy, 300).await;
    assert_eq!(fixture.store.next_delivery_due().await.unwrap(), Some(at(900)));
    assert_eq!(fixture.send(900).await, ["anna"]);
}

#[tokio::test]
async fn a_lease_that_ran_out_counts_as_a_lost_attempt() {
    let (fixture, parcel) = one_taken(json!({})).await;
    let taken = fixture.take(360).await;
    assert!(taken.parcels.is_empty());
    assert_eq!(taken.changes[0].delivery.delivery.state, DeliveryState::Retrying);
    let attempts = fixture.store.delivery_attempts(parcel.id).await.unwrap();
    assert_eq!(attempts[0].outcome.as_deref(), Some("lost"));
    assert_eq!((attempts[0].started_at, attempts[0].ended_at), (at(300), Some(at(360))));
    // The worker that was lost comes back: its word does not count any more.
    assert!(fixture.conclude(&parcel, Outcome::Accepted, 361).await.is_empty());
    let again = fixture.take(1_000).await.parcels.remove(0);
    assert_eq!((again.attempt, again.message_key), (2, parcel.message_key.clone()));
    assert!(fixture.conclude(&parcel, Outcome::Accepted, 1_001).await.is_empty());
    assert_eq!(fixture.states("anna").await, ["retrying"]);
}

#[tokio::test]
async fn the_end_of_an_attempt_that_is_over_does_not_count_for_the_next_one() {
    let (fixture, first) = one_taken(json!({"retry": {"email": {"backoff": {"first": 0}}}})).await;
    fixture.take(400).await;
    let second = fixture.take(401).await.parcels.remove(0);
    assert_eq!((first.attempt, second.attempt), (1, 2));
    // Both are told together, the one that is over last.
    let end = |parcel: &Parcel, outcome| Ended {
        id: parcel.id,
        attempt: parcel.attempt,
        outcome,
        answer: None,
        started_at: parcel.started_at,
    };
    let ended = [end(&second, Outcome::Accepted), end(&first, failed())];
    let conclude = fixture
        .store
        .write(move |tx| Box::pin(async move { tx.conclude_deliveries(&ended, at(402), 0.5).await }));
    assert_eq!(conclude.await.unwrap().len(), 1);
    assert_eq!(fixture.states("anna").await, ["sent"]);
}

#[tokio::test]
async fn a_worker_that_is_late_but_not_replaced_is_believed() {
    let (fixture, parcel) = one_taken(json!({})).await;
    assert_eq!(fixture.conclude(&parcel, Outcome::Accepted, 900).await.len(), 1);
    // Told twice, it counts once.
    assert!(fixture.conclude(&parcel, Outcome::Accepted, 901).await.is_empty());
    assert_eq!(fixture.store.delivery_attempts(parcel.id).await.unwrap().len(), 1);
    assert_eq!(fixture.states("anna").await, ["sent"]);
}

#[tokio::test]
async fn lost_three_times_it_has_failed() {
    let (fixture, _) = one_taken(json!({"retry": {"email": {"backoff": {"first": 0}}}})).await;
    for round in 1..=4 {
        fixture.take(300 + round * 100).await;
        fixture.take(301 + round * 100).await;
    }
    assert_eq!(fixture.states("anna").await, ["failed"]);
}

#[tokio::test]
async fn an_attempt_that_is_given_back_does_not_count() {
    let (fixture, parcel) = one_taken(json!({"retry": {"email": {"max_attempts": 1}}})).await;
    fixture.conclude(&parcel, Outcome::GivenBack, 301).await;
    assert_eq!(fixture.states("anna").await, ["queued"]);
    assert_eq!(fixture.send(301).await, ["anna"]);
    assert_eq!(fixture.states("anna").await, ["sent"]);
}

#[tokio::test]
async fn an_address_that_refused_gets_nothing_more_until_it_is_lifted() {
    let (fixture, parcel) = one_taken(json!({})).await;
    let bounced = Outcome::Bounced { error: "550 5.1.1 no such user".into() };
    fixture.conclude(&parcel, bounced, 301).await;
    fixture.publish(draft("user:anna")).await;
    assert!(fixture.send(400).await.is_empty());
    assert_eq!(fixture.states("anna").await, ["bounced", "skipped: suppressed"]);

    let found = fixture.store.suppression("ANNA@example.org").await.unwrap().unwrap();
    assert_eq!((found.error.as_str(), found.created_at), ("550 5.1.1 no such user", at(301)));
    assert!(!found.fingerprint.contains("anna"));
    let all = fixture.store.suppressions(None, 10).await.unwrap();
    assert_eq!(all, std::slice::from_ref(&found));
    assert!(fixture.store.suppressions(Some(&found.fingerprint), 10).await.unwrap().is_empty());
    for lifted in [true, false] {
        let lift =
            fixture.store.write(|tx| Box::pin(async move { tx.lift_suppression("anna@example.org").await }));
        assert_eq!(lift.await.unwrap(), lifted);
    }
    fixture.publish(draft("user:anna")).await;
    assert_eq!(fixture.send(400).await, ["anna"]);
}

#[tokio::test]
async fn addresses_that_refused_before_there_was_a_key_go_on_getting_nothing() {
    let (mut fixture, parcel) = one_taken(json!({})).await;
    fixture.person("bob").await;
    fixture.publish(draft("user:bob")).await;
    let bounced = || Outcome::Bounced { error: "550 5.1.1 no such user".into() };
    fixture.conclude(&parcel, bounced(), 301).await;
    let before = fixture.store.suppressions(None, 10).await.unwrap();
    let under_way = fixture.take(400).await.parcels.remove(0);
    fixture.reopen_keyed([7; 32]).await;
    let after = fixture.store.suppressions(None, 10).await.unwrap();
    assert!(after.len() == 1 && after[0].fingerprint.ends_with("@example.org"), "{after:?}");
    assert_ne!(after[0].fingerprint, before[0].fingerprint);
    assert_eq!((&after[0].error, after[0].created_at), (&before[0].error, before[0].created_at));
    // An attempt that began without the key.
    fixture.conclude(&under_way, bounced(), 401).await;
    assert_eq!(fixture.store.suppressions(None, 10).await.unwrap().len(), 2);
    fixture.publish(draft("user:anna")).await;
    assert!(fixture.send(800).await.is_empty());
    assert_eq!(fixture.states("anna").await, ["bounced", "skipped: suppressed"]);
    fixture.reopen().await;
    assert!(fixture.store.suppression("bob@example.org").await.unwrap().is_some());
    assert!(fixture.store.suppression("anna@example.org").await.unwrap().is_some());
    fixture.reopen_keyed([8; 32]).await;
    assert!(
        fixture.store.suppression("anna@example.org").await.unwrap().is_none(),
        "another key knows nobody"
    );
}

#[tokio::test]
async fn what_the_medium_says_later_is_written() {
    let (fixture, parcel) = one_taken(json!({})).await;
    fixture.conclude(&parcel, Outcome::Accepted, 301).await;
    let settle = |report, seconds| {
        fixture.store.write(move |tx| {
            Box::pin(async move { tx.settle_delivery(parcel.id, report, at(seconds)).await })
        })
    };
    assert_eq!(settle(Report::Arrived, 302).await.unwrap().len(), 1);
    assert_eq!(fixture.states("anna").await, ["delivered"]);
    assert!(settle(Report::Arrived, 303).await.unwrap().is_empty());
    assert_eq!(settle(Report::CameBack, 304).await.unwrap().len(), 1);
    assert_eq!(fixture.states("anna").await, ["bounced"]);
    assert!(fixture.store.suppression("anna@example.org").await.unwrap().is_some());
}
