//! What users chose, as it is kept.

use oyez_protocol::api::preferences::PreferencesRequest;
use serde_json::json;

use crate::support::{Fixture, draft, user};

#[tokio::test]
async fn what_was_chosen_is_kept_as_it_was_asked_for_until_it_is_replaced() {
    let mut fixture = Fixture::mailing(json!({}), &[]).await;
    assert_eq!(fixture.store.preferences(&user("anna")).await.unwrap(), PreferencesRequest::default());
    let wish = json!({
        "default": {"email": "off"}, "types": {"ticket_*": {"email": "digest"}},
        "quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "Europe/Zurich"}, "digest": {"at": "08:00"},
    });
    fixture.prefer("anna", wish.clone()).await;
    fixture.reopen().await;
    let kept = fixture.store.preferences(&user("anna")).await.unwrap();
    assert_eq!(serde_json::to_value(&kept).unwrap(), wish);
    let in_change = fixture.store.write(|tx| Box::pin(async move { tx.preferences(&user("anna")).await }));
    assert_eq!(in_change.await.unwrap(), kept);
    fixture.prefer("anna", json!({})).await;
    assert_eq!(fixture.store.preferences(&user("anna")).await.unwrap(), PreferencesRequest::default());
}

#[tokio::test]
async fn what_cannot_be_read_any_more_stops_no_publish() {
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    fixture
        .prefer("anna", json!({"quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "Mars/Base"}}))
        .await;
    fixture.publish(draft("user:anna")).await;
    assert_eq!(fixture.send(300).await, ["anna"]);
    assert_eq!(fixture.store.next_delivery_due().await.unwrap(), None);
}
