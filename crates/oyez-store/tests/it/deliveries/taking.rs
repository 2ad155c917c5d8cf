//! What is decided when a delivery is due.

use oyez_core::delivery::{Medium, Outcome};
use oyez_protocol::api::deliveries::SkipReason;
use oyez_store::ParcelSubject;
use serde_json::json;

use super::support::clock;
use crate::support::{Fixture, at, draft, draft_at, user};

#[tokio::test]
async fn a_parcel_has_all_that_a_medium_needs() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    let draft = draft("user:anna");
    let (id, tail) = (draft.id, draft.tail.to_string());
    fixture.publish(draft).await;
    let taken = fixture.take(300).await;
    let parcel = &taken.parcels[0];
    assert_eq!(parcel.address.as_deref(), Some("anna@example.org"));
    assert_eq!((parcel.user.name.as_deref(), parcel.attempt), (Some("ANNA"), 1));
    assert_eq!(parcel.message_key, parcel.id.to_string());
    assert_eq!((parcel.created_at, parcel.started_at), (at(0), at(300)));
    let ParcelSubject::Notification(item) = &parcel.subject else { panic!("a notification") };
    assert_eq!((item.notification, item.seq.0, &*item.kind), (id, 1, "ticket_created"));
    assert_eq!(item.to_json(), format!("{{\"seq\":1,{tail}"));
    serde_json::from_str::<serde_json::Value>(&item.to_json()).unwrap();
}

#[tokio::test]
async fn what_is_taken_is_not_taken_again_while_the_lease_lasts() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    assert_eq!(fixture.take(300).await.parcels.len(), 1);
    assert!(fixture.take(359).await.parcels.is_empty());
    assert_eq!(fixture.store.next_delivery_due().await.unwrap(), Some(at(360)));
}

#[tokio::test]
async fn the_oldest_goes_first_and_no_more_than_asked_for() {
    let fixture = Fixture::mailing(json!({}), &["anna", "bob", "carl"]).await;
    for (name, seconds) in [("bob", 1), ("anna", 2), ("carl", 0)] {
        fixture.publish(draft_at(&format!("user:{name}"), seconds)).await;
    }
    let first = fixture.take_some(400, 2).await;
    let names: Vec<_> = first.parcels.iter().map(|one| one.user.id.as_str()).collect();
    assert_eq!((names, first.more), (vec!["carl", "bob"], true));
    let rest = fixture.take_some(400, 2).await;
    assert_eq!((rest.parcels.len(), rest.more), (1, false));
}

#[tokio::test]
async fn another_medium_is_left_alone() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    let take = fixture.store.write(|tx| {
        Box::pin(async move { tx.take_deliveries(Medium::Webhook, 10, at(360), at(300), 0.5).await })
    });
    assert!(take.await.unwrap().parcels.is_empty());
    assert_eq!(fixture.store.next_delivery_due_by(Medium::Webhook).await.unwrap(), None);
    assert_eq!(fixture.store.next_delivery_due_by(Medium::Email).await.unwrap(), Some(at(300)));
}

#[tokio::test]
async fn quiet_hours_put_it_off_until_the_morning() {
    let fixture = Fixture::mailing(json!({"grace": 0}), &["anna"]).await;
    fixture.prefer("anna", json!({"quiet_hours": {"from": "22:00", "to": "07:00"}})).await;
    let night = clock(23, 30);
    fixture.publish(draft_at("user:anna", night)).await;
    let taken = fixture.take(night).await;
    assert!(taken.parcels.is_empty());
    assert_eq!(fixture.states("anna").await, ["waiting"]);
    let morning = clock(31, 0);
    assert_eq!(fixture.store.next_delivery_due().await.unwrap(), Some(at(morning)));
    assert!(fixture.send(morning - 1).await.is_empty());
    assert_eq!(fixture.send(morning).await, ["anna"]);
}

#[tokio::test]
async fn what_was_muted_meanwhile_is_not_sent() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    fixture.prefer("anna", json!({"default": {"email": "off"}})).await;
    let changes = fixture.take(300).await.changes;
    assert_eq!(changes[0].delivery.delivery.reason, Some(SkipReason::Muted));
    assert_eq!(changes[0].delivery.ended_at, Some(at(300)));
}

#[tokio::test]
async fn nothing_goes_to_somebody_who_was_shut_out() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    let shut =
        fixture.store.write(|tx| Box::pin(async move { tx.set_disabled(&user("anna"), true, at(1)).await }));
    shut.await.unwrap();
    assert!(fixture.take(300).await.parcels.is_empty());
    assert_eq!(fixture.states("anna").await, ["skipped: no_user"]);
}

#[tokio::test]
async fn a_throttle_lets_through_what_it_allows_and_the_rest_later_or_never() {
    for (over, states) in
        [("wait", ["sent", "sent", "waiting"]), ("skip", ["sent", "sent", "skipped: throttled"])]
    {
        let throttle = json!({"email": {"count": 2, "period": 60, "over": over}});
        let fixture = Fixture::mailing(json!({"grace": 0, "throttle": throttle}), &["anna", "bob"]).await;
        for _ in 0..3 {
            fixture.publish(draft("user:anna")).await;
        }
        fixture.publish(draft("user:bob")).await;
        assert_eq!(fixture.send(0).await, ["anna", "anna", "bob"], "{over}");
        assert_eq!(fixture.states("anna").await, states);
        let later = fixture.send(30).await;
        assert_eq!(later.len(), usize::from(over == "wait"));
        assert!(fixture.send(3_600).await.is_empty());
    }
}

#[tokio::test]
async fn a_throttle_is_remembered_from_one_batch_to_the_next() {
    let throttle = json!({"email": {"count": 1, "period": 60, "over": "skip"}});
    let mut fixture = Fixture::mailing(json!({"grace": 0, "throttle": throttle}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    assert_eq!(fixture.send(0).await, ["anna"]);
    fixture.reopen().await;
    fixture.publish(draft_at("user:anna", 59)).await;
    assert!(fixture.send(59).await.is_empty());
    fixture.publish(draft_at("user:anna", 60)).await;
    assert_eq!(fixture.send(60).await, ["anna"]);
    // A full bucket needs no row.
    let purge = fixture.store.write(|tx| Box::pin(async move { tx.purge(at(10_000), 100).await }));
    assert_eq!(purge.await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_too_much_is_collected_and_nothing_overtakes_it() {
    let throttle = json!({"email": {"count": 1, "period": 60}});
    let fixture = Fixture::mailing(json!({"grace": 0, "throttle": throttle}), &["anna"]).await;
    for _ in 0..4 {
        fixture.publish(draft("user:anna")).await;
    }
    assert_eq!(fixture.send(0).await, ["anna"]);
    assert_eq!(fixture.states("anna").await, ["sent", "waiting", "waiting", "waiting"]);
    // A token is there again, but what waits comes first.
    fixture.publish(draft_at("user:anna", 60)).await;
    assert!(fixture.send(60).await.is_empty());
    assert_eq!(fixture.close(60).await.closed, 1);
    let taken = fixture.take(60).await;
    assert_eq!(super::support::listed(&taken.parcels[0]), [2, 3, 4, 5]);
    fixture.conclude(&taken.parcels[0], Outcome::Accepted, 60).await;
    assert!(fixture.send(7_200).await.is_empty());
    assert_eq!(fixture.close(7_200).await.closed, 0);
}

#[tokio::test]
async fn whoever_sleeps_is_woken_when_something_is_due_sooner() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    let store = fixture.store.clone();
    let woken = tokio::spawn(async move { store.delivery_due_before(at(1_000)).await });
    fixture.publish(draft("user:anna")).await;
    woken.await.unwrap();
    // What was planned between the look and the wait counts too.
    fixture.publish(draft("user:anna")).await;
    fixture.store.delivery_due_before(at(301)).await;
}
