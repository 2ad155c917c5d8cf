//! Seen in time means nothing is sent; seen a moment after means one message. The same for what expired or is gone.

use std::time::Duration;

use oyez_core::{delivery::Outcome, notification::Draft};
use oyez_protocol::frame::client::{MarkAction, Selection};
use oyez_store::Retention;
use serde_json::json;

use super::support::told;
use crate::support::{Fixture, at, draft, draft_at, user};

#[tokio::test]
async fn seen_before_it_is_due_means_nothing_is_sent() {
    for action in [MarkAction::Seen, MarkAction::Read, MarkAction::Archive] {
        let fixture = Fixture::mailing(json!({}), &["anna", "bob"]).await;
        fixture.publish(draft("user:anna user:bob")).await;
        let skipped = fixture.mark("anna", action, 299).await;
        assert_eq!(skipped.iter().map(|one| told(&one.delivery)).collect::<Vec<_>>(), ["skipped: seen"]);
        assert_eq!(fixture.send(300).await, ["bob"], "{action:?}");
        assert_eq!(fixture.states("anna").await, ["skipped: seen"]);
    }
}

#[tokio::test]
async fn unread_again_skips_nothing_and_brings_nothing_back() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    assert_eq!(fixture.mark("anna", MarkAction::Read, 1).await.len(), 1);
    assert!(fixture.mark("anna", MarkAction::Unread, 2).await.is_empty());
    fixture.publish(draft("user:anna")).await;
    assert!(fixture.mark("anna", MarkAction::Unread, 3).await.is_empty());
    assert_eq!(fixture.states("anna").await, ["skipped: seen", "waiting"]);
}

#[tokio::test]
async fn seen_a_moment_after_it_was_taken_means_one_message() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    let taken = fixture.take(300).await;
    assert!(fixture.mark("anna", MarkAction::Seen, 300).await.is_empty());
    assert_eq!(fixture.conclude(&taken.parcels[0], Outcome::Accepted, 301).await.len(), 1);
    assert_eq!(fixture.states("anna").await, ["sent"]);
    assert!(fixture.send(10_000).await.is_empty());
}

#[tokio::test]
async fn seen_between_two_attempts_means_no_second_one() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    let taken = fixture.take(300).await;
    let failed = Outcome::Failed { error: "421 4.3.2 closing".into(), retry_after: None };
    fixture.conclude(&taken.parcels[0], failed, 301).await;
    assert_eq!(fixture.states("anna").await, ["retrying"]);
    assert_eq!(fixture.mark("anna", MarkAction::Seen, 302).await.len(), 1);
    assert!(fixture.send(10_000).await.is_empty());
}

#[tokio::test]
async fn marks_end_only_what_they_mark() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    let (first, second) = (draft("user:anna"), draft("user:anna"));
    let first_id = first.id;
    fixture.publish(first).await;
    fixture.publish(second).await;
    fixture.publish(draft("user:anna")).await;
    let selections = [Selection::Ids(vec![first_id]), Selection::All { up_to: Some(oyez_protocol::Seq(2)) }];
    let mut left = Vec::new();
    for selection in selections {
        let mark = fixture.store.write(move |tx| {
            Box::pin(async move {
                tx.mark(&user("anna"), MarkAction::Seen, &selection, at(1)).await?;
                Ok(tx.skipped_deliveries().len())
            })
        });
        left.push(mark.await.unwrap());
    }
    assert_eq!(left, [1, 1]);
    assert_eq!(fixture.states("anna").await, ["skipped: seen", "skipped: seen", "waiting"]);
}

#[tokio::test]
async fn what_goes_out_at_once_goes_out_seen_or_not() {
    let policy = json!({"rules": [{"types": ["*"], "when": "at_once"}]});
    let fixture = Fixture::mailing(policy, &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    assert_eq!(fixture.states("anna").await, ["queued"]);
    assert!(fixture.mark("anna", MarkAction::Read, 0).await.is_empty());
    assert_eq!(fixture.send(0).await, ["anna"]);
}

#[tokio::test]
async fn what_expired_is_not_sent() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture.publish(Draft { expires_at: Some(at(400)), ..draft("user:anna") }).await;
    let taken = fixture.take(300).await;
    let failed = Outcome::Failed { error: "451".into(), retry_after: Some(Duration::from_secs(500)) };
    fixture.conclude(&taken.parcels[0], failed, 301).await;
    let expire = fixture.store.write(|tx| {
        Box::pin(async move {
            tx.expire(at(400), 100).await?;
            Ok(tx.skipped_deliveries().len())
        })
    });
    assert_eq!(expire.await.unwrap(), 1);
    assert_eq!(fixture.states("anna").await, ["skipped: expired"]);
}

#[tokio::test]
async fn what_retention_takes_away_is_not_sent() {
    let fixture = Fixture::mailing(json!({"grace": 100_000}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    fixture.publish(draft_at("user:anna", 5_000)).await;
    let retention = Retention { max_age: Some(Duration::from_secs(3_600)), max_items: None };
    let retain = fixture.store.write(move |tx| {
        Box::pin(async move {
            tx.retain(&retention, at(5_000), 100).await?;
            Ok(tx.skipped_deliveries().len())
        })
    });
    assert_eq!(retain.await.unwrap(), 1);
    assert_eq!(fixture.states("anna").await, ["skipped: withdrawn", "waiting"]);
    assert_eq!(fixture.send(200_000).await, ["anna"]);
}

#[tokio::test]
async fn a_change_that_fails_skips_nothing() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    let failed = fixture.store.write(|tx| {
        Box::pin(async move {
            tx.mark(&user("anna"), MarkAction::Seen, &Selection::All { up_to: None }, at(1)).await?;
            Err::<(), _>(oyez_store::StoreError::NotFound("anything"))
        })
    });
    failed.await.unwrap_err();
    assert_eq!(fixture.send(300).await, ["anna"]);
}

#[tokio::test]
async fn seen_and_sent_never_both_happen_however_close_they_come() {
    let fixture = Fixture::mailing(json!({}), &[]).await;
    for round in 0..40 {
        fixture.person(&format!("p{round}")).await;
        fixture.publish(draft(&format!("user:p{round}"))).await;
    }
    let sent = async {
        let mut sent = Vec::new();
        for _ in 0..40 {
            let taken = fixture.take_some(300, 1).await;
            for parcel in taken.parcels {
                sent.push(parcel.user.id.to_string());
                fixture.conclude(&parcel, Outcome::Accepted, 300).await;
            }
        }
        sent
    };
    let seen = async {
        let mut skipped = Vec::new();
        for round in (0..40).rev() {
            let changes = fixture.mark(&format!("p{round}"), MarkAction::Seen, 300).await;
            skipped.extend(changes.iter().map(|one| one.delivery.delivery.user.to_string()));
        }
        skipped
    };
    let (mut all, skipped) = tokio::join!(sent, seen);
    all.extend(skipped);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 40, "each was either sent or seen in time");
}
