//! What operators hear live.

use serde_json::json;

use crate::{
    recorder::{Recorder, Reply},
    world::World,
};
use oyez::deliver::Sent;

#[tokio::test]
async fn every_change_is_told_with_what_it_is_now() {
    let refuses = |_: &oyez::Parcel| Reply::Say(Sent::refused("x".repeat(1_000)));
    let mut world = World::with(json!({"default": {"email": "at_once"}}), Recorder::answering(refuses)).await;
    world.user("anna").await;
    let working = world.delivers();
    let notification = world.tell("anna", "note").await;
    let event = world.hears().await;
    assert_eq!((&event["type"], &event["count"]), (&json!("delivery_updated"), &json!(1)));
    let told = &event["deliveries"][0];
    assert_eq!(told["notification"], notification.to_string());
    assert_eq!(
        (&told["user"], &told["medium"], &told["type"]),
        (&json!("anna"), &json!("email"), &json!("note"))
    );
    assert_eq!((&told["state"], &told["attempt"]), (&json!("failed"), &json!(1)));
    assert_eq!(told["error"].as_str().unwrap().len(), 200, "a server's essay is for the API");
    working.stop().await;
}

#[tokio::test]
async fn a_delivery_that_ends_because_it_was_seen_is_told() {
    let mut world = World::new().await;
    world.user("anna").await;
    let notification = world.tell("anna", "note").await;
    world.sees("anna", notification).await;
    let told = &world.hears().await["deliveries"][0];
    assert_eq!((&told["state"], &told["reason"]), (&json!("skipped"), &json!("seen")));
}

#[tokio::test]
async fn what_many_saw_is_told_in_one_event_with_the_first_hundred() {
    let mut world = World::with(json!({"default": {"email": "at_once"}}), Recorder::new()).await;
    for number in 0..150 {
        let id = oyez_store::UserProfile::new(crate::world::user(&format!("u{number}")));
        world.users.put(id).await.unwrap();
    }
    // Nobody has an address: all are skipped in one transaction, or in few.
    world.publish(json!({"to": "everyone", "type": "note", "message": "m"})).await;
    let working = world.delivers();
    let mut count = 0;
    while count < 150 {
        let event = world.hears().await;
        let listed = event["deliveries"].as_array().unwrap();
        let in_event = usize::try_from(event["count"].as_u64().unwrap()).unwrap();
        assert_eq!(listed.len(), in_event.min(100));
        assert!(listed.iter().all(|told| told["reason"] == "no_address"));
        count += in_event;
    }
    assert_eq!(count, 150);
    working.stop().await;
}
