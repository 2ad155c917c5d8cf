//! What the console and the API show.

use oyez_core::delivery::{Medium, Outcome};
use oyez_protocol::{DeliveryId, api::deliveries::DeliveryState};
use oyez_store::{DeliveryCount, DeliveryFilter};
use serde_json::json;

use crate::support::{Fixture, at, draft, user};

#[tokio::test]
async fn a_list_shows_what_its_filter_names_newest_first() {
    let fixture = Fixture::mailing(json!({"grace": 0}), &["anna", "bob"]).await;
    let first = draft("user:anna user:bob");
    let first_id = first.id;
    fixture.publish(first).await;
    fixture.send(0).await;
    fixture.publish(oyez_core::notification::Draft { kind: "other".into(), ..draft("user:anna") }).await;

    let all = DeliveryFilter::default;
    let filters = [
        (all(), 3),
        (DeliveryFilter { states: vec![DeliveryState::Sent], ..all() }, 2),
        (DeliveryFilter { states: vec![DeliveryState::Sent, DeliveryState::Queued], ..all() }, 3),
        (DeliveryFilter { medium: Some(Medium::Email), ..all() }, 3),
        (DeliveryFilter { medium: Some(Medium::Webhook), ..all() }, 0),
        (DeliveryFilter { user: Some(user("anna")), ..all() }, 2),
        (DeliveryFilter { user: Some(user("anna")), states: vec![DeliveryState::Queued], ..all() }, 1),
        (DeliveryFilter { user: Some(user("nobody")), ..all() }, 0),
        (DeliveryFilter { notification: Some(first_id), ..all() }, 2),
        (DeliveryFilter { notification: Some(first_id), user: Some(user("bob")), ..all() }, 1),
        (DeliveryFilter { kind: Some("other".into()), ..all() }, 1),
        (DeliveryFilter { kind: Some("other".into()), states: vec![DeliveryState::Sent], ..all() }, 0),
    ];
    for (filter, count) in filters {
        let rows = fixture.list(filter.clone()).await;
        assert_eq!(rows.len(), count, "{filter:?}");
        // Page by page, they are the same.
        let mut paged = Vec::new();
        let mut before = None;
        loop {
            let page = fixture.store.deliveries(&filter, before, 1).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.delivery.id);
            paged.extend(page);
        }
        assert_eq!(paged, rows, "{filter:?}");
    }
    let gone = Some(DeliveryId(uuid::Uuid::now_v7()));
    assert!(fixture.store.deliveries(&all(), gone, 10).await.unwrap().is_empty());
    let counts = fixture.store.delivery_counts().await.unwrap();
    let count = |state, count| DeliveryCount { medium: Medium::Email, state, count };
    assert!(counts.contains(&count(DeliveryState::Sent, 2)));
    assert!(counts.contains(&count(DeliveryState::Queued, 1)));
}

#[tokio::test]
async fn an_attempt_that_is_made_now_is_shown() {
    let fixture = Fixture::mailing(json!({"grace": 0}), &["anna"]).await;
    fixture.publish(draft("user:anna")).await;
    let parcel = fixture.take(5).await.parcels.remove(0);
    let attempts = fixture.store.delivery_attempts(parcel.id).await.unwrap();
    assert_eq!((attempts.len(), attempts[0].started_at, attempts[0].ended_at), (1, at(5), None));
    fixture.conclude(&parcel, Outcome::Accepted, 6).await;
    let row = fixture.store.delivery(parcel.id).await.unwrap().unwrap();
    let view = row.view(3);
    assert_eq!((view.state, view.attempt, view.max_attempts), (DeliveryState::Sent, 1, 3));
    assert_eq!((view.sent_at, view.kind.as_deref()), (Some(at(6)), Some("ticket_created")));
}
