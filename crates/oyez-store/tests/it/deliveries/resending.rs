//! Sending again by hand.

use oyez_core::delivery::{NotResendable, Outcome};
use oyez_protocol::{
    DeliveryId, Timestamp,
    api::deliveries::{DeliveryState, ResendRequest, Resent},
    frame::client::MarkAction,
};
use oyez_store::{DeliveryFilter, ResendOutcome};
use serde_json::json;

use super::support::listed;
use crate::support::{Fixture, at, draft};

async fn resend(fixture: &Fixture, request: ResendRequest, now: Timestamp) -> (u64, u64, usize) {
    let resend =
        fixture.store.write(move |tx| Box::pin(async move { tx.resend_deliveries(&request, now).await }));
    let (Resent { queued, left }, changes) = resend.await.unwrap();
    (queued, left, changes.len())
}

async fn resend_one(fixture: &Fixture, id: DeliveryId, now: Timestamp) -> ResendOutcome {
    let resend = fixture.store.write(move |tx| Box::pin(async move { tx.resend_delivery(id, now).await }));
    resend.await.unwrap()
}

#[tokio::test]
async fn it_goes_out_again_seen_or_not_under_another_name() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    let first = fixture.take(300).await.parcels.remove(0);
    assert!(matches!(
        resend_one(&fixture, first.id, at(300)).await,
        ResendOutcome::Refused(NotResendable::Unfinished(DeliveryState::Waiting))
    ));
    fixture.conclude(&first, Outcome::Refused { error: "554".into() }, 301).await;
    fixture.mark("anna", MarkAction::Seen, 302).await;
    let ResendOutcome::Resent(changes) = resend_one(&fixture, first.id, at(303)).await else {
        panic!("it can be sent again")
    };
    assert_eq!((changes.len(), changes[0].delivery.error.as_deref()), (1, None));
    fixture.mark("anna", MarkAction::Read, 304).await;
    let again = fixture.take(304).await.parcels.remove(0);
    assert_eq!(again.message_key, format!("{}.1", first.message_key));
    assert_eq!(again.attempt, 2);
    fixture.conclude(&again, Outcome::Accepted, 305).await;
    assert_eq!(fixture.states("anna").await, ["sent"]);
    let row = fixture.store.delivery(first.id).await.unwrap().unwrap();
    assert_eq!((row.view(3).attempt, row.delivery.attempt), (1, 2));
    let unknown = DeliveryId(uuid::Uuid::now_v7());
    assert!(matches!(resend_one(&fixture, unknown, at(306)).await, ResendOutcome::Unknown));
}

#[tokio::test]
async fn many_are_named_or_found_by_a_filter() {
    let fixture = Fixture::mailing(json!({}), &["anna", "bob", "carl"]).await;
    fixture.publish(draft("user:anna user:bob user:carl")).await;
    let taken = fixture.take(300).await;
    for parcel in &taken.parcels[..2] {
        fixture.conclude(parcel, Outcome::Refused { error: "554".into() }, 301).await;
    }
    let ids: Vec<_> = taken.parcels.iter().map(|parcel| parcel.id).collect();
    let unknown = DeliveryId(uuid::Uuid::now_v7());
    let named =
        ResendRequest { ids: Some(vec![ids[0], ids[0], ids[2], unknown]), ..ResendRequest::default() };
    assert_eq!(resend(&fixture, named, at(302)).await, (1, 2, 1));
    let failed = ResendRequest { status: Some(DeliveryState::Failed), ..ResendRequest::default() };
    assert_eq!(resend(&fixture, failed.clone(), at(302)).await, (1, 0, 1));
    assert_eq!(resend(&fixture, failed, at(302)).await, (0, 0, 0));
    assert_eq!(fixture.send(302).await.len(), 2);
    // A call that began before does not find again what it has sent already.
    let sent = ResendRequest { status: Some(DeliveryState::Sent), ..ResendRequest::default() };
    assert_eq!(resend(&fixture, sent.clone(), at(301)).await, (0, 0, 0));
    assert_eq!(resend(&fixture, sent, at(302)).await, (2, 0, 2));
}

#[tokio::test]
async fn a_digest_is_sent_again_by_its_message_and_tells_the_same() {
    let fixture = Fixture::mailing(json!({"default": {"email": "digest"}}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    fixture.publish(draft("user:anna")).await;
    fixture.close(3_600).await;
    let first = fixture.take(3_600).await.parcels.remove(0);
    fixture.conclude(&first, Outcome::Refused { error: "554".into() }, 3_601).await;
    let rows = fixture.list(DeliveryFilter::default()).await;
    let member = rows.iter().find(|row| row.delivery.id != first.id).unwrap();
    assert!(matches!(
        resend_one(&fixture, member.delivery.id, at(3_602)).await,
        ResendOutcome::Refused(NotResendable::InDigest(id)) if id == first.id
    ));
    // The filter finds the message, and what it lists comes along.
    let failed = ResendRequest { status: Some(DeliveryState::Failed), ..ResendRequest::default() };
    assert_eq!(resend(&fixture, failed, at(3_602)).await, (1, 0, 3));
    assert_eq!(fixture.states("anna").await, ["queued"; 3]);
    let again = fixture.take(3_602).await.parcels.remove(0);
    assert_eq!(listed(&again), [1, 2]);
    fixture.conclude(&again, Outcome::Accepted, 3_603).await;
    assert_eq!(fixture.states("anna").await, ["sent"; 3]);
}
