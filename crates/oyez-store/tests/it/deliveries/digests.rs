//! Digests: whatever happens at the same instant, each notification is listed once.

use oyez_core::{delivery::Outcome, notification::Draft};
use oyez_protocol::{api::deliveries::DeliveryState, frame::client::MarkAction};
use oyez_store::{DeliveryFilter, ParcelSubject};
use serde_json::json;

use super::support::{in_state, listed};
use crate::support::{Fixture, at, draft, draft_at, published};

fn hourly() -> serde_json::Value {
    json!({"default": {"email": "digest"}, "digest": {"every": 3600}})
}

#[tokio::test]
async fn what_is_collected_goes_out_as_one_message_that_lists_it() {
    let fixture = Fixture::mailing(hourly(), &["anna"]).await;
    for seconds in [0, 10, 3_599] {
        fixture.publish(draft_at("user:anna", seconds)).await;
    }
    assert!(fixture.send(3_599).await.is_empty());
    assert_eq!(fixture.close(3_599).await.closed, 0);
    let closed = fixture.close(3_600).await;
    assert_eq!((closed.closed, closed.changes.len(), closed.more), (1, 1, false));
    assert_eq!(fixture.states("anna").await, ["queued"; 4]);
    let taken = fixture.take(3_600).await;
    assert_eq!(listed(&taken.parcels[0]), [1, 2, 3]);
    let ParcelSubject::Digest { total, items, .. } = &taken.parcels[0].subject else { panic!("a digest") };
    assert_eq!((*total, items[2].created_at), (3, at(3_599)));
    // The message and the three that it lists.
    assert_eq!(fixture.conclude(&taken.parcels[0], Outcome::Accepted, 3_601).await.len(), 4);
    assert_eq!(fixture.states("anna").await, ["sent"; 4]);
    let sent = fixture.list(DeliveryFilter::default()).await;
    assert!(sent.iter().all(|row| row.sent_at == Some(at(3_601)) && row.ended_at == Some(at(3_601))));
    assert_eq!(fixture.store.next_delivery_due().await.unwrap(), None);
}

#[tokio::test]
async fn many_publishers_in_the_same_instant_lose_nothing_and_double_nothing() {
    let fixture = Fixture::mailing(hourly(), &["anna"]).await;
    let mut publishers = Vec::new();
    for _ in 0..100 {
        let (store, hook) = (fixture.store.clone(), fixture.landed.hook());
        publishers.push(tokio::spawn(async move { store.publish(draft("user:anna"), hook).await.unwrap() }));
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
    assert_eq!(fixture.close(3_600).await.closed, 1);
    let taken = fixture.take(3_600).await;
    assert_eq!(taken.parcels.len(), 1);
    let mut seqs = listed(&taken.parcels[0]);
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn publishers_and_a_closing_at_the_same_instant_lose_nothing_and_double_nothing() {
    let fixture = Fixture::mailing(hourly(), &["anna"]).await;
    let mut tasks = Vec::new();
    for round in 0..60 {
        let (store, hook) = (fixture.store.clone(), fixture.landed.hook());
        let one = draft_at("user:anna", 3_600 * (round / 10));
        tasks.push(tokio::spawn(async move {
            published(store.publish(one, hook).await.unwrap());
        }));
        let store = fixture.store.clone();
        tasks.push(tokio::spawn(async move {
            let close = store.write(move |tx| {
                Box::pin(async move { tx.close_digests(10, at(3_600 * (round / 10))).await })
            });
            drop(close.await.unwrap());
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    fixture.close(100_000).await;
    let taken = fixture.take(100_000).await;
    let mut seqs: Vec<u64> = taken.parcels.iter().flat_map(listed).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=60).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_arrives_while_one_is_sent_opens_the_next() {
    let fixture = Fixture::mailing(hourly(), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    fixture.close(3_600).await;
    fixture.publish(draft_at("user:anna", 3_600)).await;
    let taken = fixture.take(3_600).await;
    fixture.publish(draft_at("user:anna", 3_601)).await;
    assert_eq!(listed(&taken.parcels[0]), [1]);
    fixture.conclude(&taken.parcels[0], Outcome::Accepted, 3_602).await;
    fixture.close(7_200).await;
    let next = fixture.take(7_200).await;
    assert_eq!(listed(&next.parcels[0]), [2, 3]);
}

#[tokio::test]
async fn a_retry_tells_the_same_list_whatever_arrived_meanwhile() {
    let fixture = Fixture::mailing(hourly(), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    fixture.publish(draft("user:anna")).await;
    fixture.close(3_600).await;
    let first = fixture.take(3_600).await.parcels.remove(0);
    let failed = Outcome::Failed { error: "451".into(), retry_after: None };
    fixture.conclude(&first, failed, 3_601).await;
    fixture.publish(draft_at("user:anna", 3_602)).await;
    // Seen too late: the list is fixed.
    assert_eq!(fixture.mark("anna", MarkAction::Seen, 3_603).await.len(), 1);
    fixture.close(4_000).await;
    let second = fixture.take(4_000).await.parcels.remove(0);
    assert_eq!((&second.message_key, second.attempt), (&first.message_key, 2));
    assert_eq!((listed(&first), listed(&second).len()), (vec![1, 2], 2));
}

#[tokio::test]
async fn what_was_seen_is_left_out_and_when_all_was_nothing_is_sent() {
    let fixture = Fixture::mailing(hourly(), &["anna", "bob"]).await;
    fixture.publish(draft("user:anna user:bob")).await;
    fixture.mark("bob", MarkAction::Seen, 1).await;
    fixture.mark("anna", MarkAction::Seen, 1).await;
    fixture.publish(draft_at("user:anna", 2)).await;
    let closed = fixture.close(3_600).await;
    assert_eq!((closed.closed, closed.dropped), (1, 1));
    let taken = fixture.take(3_600).await;
    assert_eq!(taken.parcels.len(), 1);
    assert_eq!(listed(&taken.parcels[0]), [2]);
}

#[tokio::test]
async fn what_expired_or_was_muted_is_left_out_with_its_reason() {
    let fixture = Fixture::mailing(hourly(), &["anna"]).await;
    fixture.publish(Draft { expires_at: Some(at(100)), ..draft("user:anna") }).await;
    fixture.publish(Draft { kind: "chatter".into(), ..draft("user:anna") }).await;
    fixture.publish(draft("user:anna")).await;
    fixture.prefer("anna", json!({"types": {"chatter": {"email": "off"}}})).await;
    let closed = fixture.close(3_600).await;
    assert_eq!((closed.closed, closed.changes.len()), (1, 3));
    assert_eq!(fixture.states("anna").await, ["skipped: expired", "skipped: muted", "queued", "queued"]);
    assert_eq!(listed(&fixture.take(3_600).await.parcels[0]), [3]);
}

#[tokio::test]
async fn one_for_each_group_and_window() {
    let fixture = Fixture::mailing(hourly(), &["anna"]).await;
    for group in [None, Some("a"), Some("b"), Some("a")] {
        fixture.publish(Draft { group_key: group.map(str::to_owned), ..draft("user:anna") }).await;
    }
    assert_eq!(fixture.close(3_600).await.closed, 3);
    let taken = fixture.take(3_600).await;
    let mut lists: Vec<_> = taken.parcels.iter().map(listed).collect();
    lists.sort();
    assert_eq!(lists, [vec![1], vec![2, 4], vec![3]]);
}

#[tokio::test]
async fn a_digest_waits_for_the_end_of_quiet_hours_and_collects_on() {
    let fixture = Fixture::mailing(hourly(), &["anna"]).await;
    fixture.prefer("anna", json!({"quiet_hours": {"from": "08:30", "to": "12:00"}})).await;
    fixture.publish(draft("user:anna")).await;
    let closed = fixture.close(3_600).await;
    assert_eq!((closed.closed, closed.waiting), (0, 1));
    let noon = 4 * 3_600;
    assert_eq!(fixture.store.next_digest_due().await.unwrap(), Some(at(noon)));
    fixture.publish(draft_at("user:anna", 3_700)).await;
    assert_eq!(fixture.close(noon).await.closed, 1);
    assert_eq!(listed(&fixture.take(noon).await.parcels[0]), [1, 2]);
}

#[tokio::test]
async fn what_a_message_lists_follows_it_to_whatever_end() {
    let ends = [
        (Outcome::Refused { error: "554".into() }, DeliveryState::Failed),
        (Outcome::Bounced { error: "550".into() }, DeliveryState::Bounced),
        (Outcome::Delivered, DeliveryState::Delivered),
    ];
    for (outcome, state) in ends {
        let fixture = Fixture::mailing(hourly(), &["anna"]).await;
        fixture.publish(draft("user:anna")).await;
        fixture.publish(draft("user:anna")).await;
        fixture.close(3_600).await;
        let parcel = fixture.take(3_600).await.parcels.remove(0);
        assert_eq!(fixture.conclude(&parcel, outcome, 3_601).await.len(), 3);
        assert_eq!(fixture.list(in_state(state)).await.len(), 3);
    }
}

#[tokio::test]
async fn a_message_that_is_skipped_takes_its_list_along() {
    let fixture = Fixture::mailing(hourly(), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    fixture.close(3_600).await;
    let shut = fixture.store.write(|tx| {
        Box::pin(async move { tx.set_disabled(&crate::support::user("anna"), true, at(1)).await })
    });
    shut.await.unwrap();
    assert_eq!(fixture.take(3_600).await.changes.len(), 2);
    assert_eq!(fixture.states("anna").await, ["skipped: no_user", "skipped: no_user"]);
}

#[tokio::test]
async fn a_long_list_is_cut_and_counted() {
    let fixture = Fixture::mailing(hourly(), &["anna"]).await;
    let drafts = (0..130).map(|_| draft("user:anna")).collect();
    fixture.store.publish_batch(drafts, fixture.landed.hook()).await.unwrap();
    let tail: std::sync::Arc<str> = format!(r#""message":"{}"}}"#, "x".repeat(60_000)).into();
    let large =
        (0..9).map(|_| Draft { tail: tail.clone(), group_key: Some("large".into()), ..draft("user:anna") });
    fixture.store.publish_batch(large.collect(), fixture.landed.hook()).await.unwrap();
    fixture.close(3_600).await;
    let mut sizes: Vec<_> = fixture
        .take(3_600)
        .await
        .parcels
        .iter()
        .map(|parcel| match &parcel.subject {
            ParcelSubject::Digest { items, total, .. } => (*total, items.len()),
            ParcelSubject::Notification(_) => panic!("a digest"),
        })
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [(9, 5), (130, 100)]);
}
