//! What is collected, and told in one message.

use oyez_core::delivery::{DeliveryState, SkipReason};
use oyez_protocol::api::deliveries::ResendRequest;
use serde_json::json;

use crate::{
    recorder::{Recorder, Reply},
    world::World,
};
use oyez::deliver::Sent;

const SENT: (DeliveryState, Option<SkipReason>) = (DeliveryState::Sent, None);

fn hourly() -> serde_json::Value {
    json!({"default": {"email": "digest"}, "digest": {"every": 3_600}})
}

#[tokio::test]
async fn a_digest_lists_what_was_not_seen_oldest_first_and_goes_out_once() {
    let world = World::with(hourly(), Recorder::new()).await;
    world.user("anna").await;
    let working = world.delivers();
    world.tell("anna", "one").await;
    world.passes(&working, 1_800);
    let seen = world.tell("anna", "two").await;
    world.tell("anna", "three").await;
    world.sees("anna", seen).await;
    world.passes(&working, 1_799);
    world.passes(&working, 1);
    let notes = world.mail.reaches(1).await;
    assert!(notes[0].is_digest);
    assert_eq!(notes[0].messages(), ["one", "three"]);
    let states = world.all_ended("anna").await;
    let seen = (DeliveryState::Skipped, Some(SkipReason::Seen));
    assert_eq!(states, [SENT, seen, SENT, SENT], "the last one is the message itself");
    world.tell("anna", "four").await;
    world.passes(&working, 3_600);
    assert_eq!(world.mail.reaches(2).await[1].messages(), ["four"]);
    working.stop().await;
    assert_eq!(world.mail.notes().len(), 2);
}

#[tokio::test]
async fn a_digest_of_which_all_was_seen_is_dropped() {
    let world = World::with(hourly(), Recorder::new()).await;
    world.user("anna").await;
    let working = world.delivers();
    let one = world.tell("anna", "one").await;
    world.sees("anna", one).await;
    world.passes(&working, 3_600);
    world.tell("anna", "two").await;
    world.passes(&working, 3_600);
    assert_eq!(world.mail.reaches(1).await[0].messages(), ["two"]);
    working.stop().await;
    assert_eq!(world.mail.notes().len(), 1);
}

#[tokio::test]
async fn a_digest_whose_message_fails_first_lists_the_same_again_and_nothing_that_came_later() {
    let once = |parcel: &oyez::Parcel| match parcel.attempt {
        1 => Reply::Say(Sent::failed("451 later")),
        _ => Reply::Say(Sent::accepted("250")),
    };
    let world = World::with(hourly(), Recorder::answering(once)).await;
    world.user("anna").await;
    let working = world.delivers();
    world.tell("anna", "one").await;
    world.passes(&working, 3_600);
    world.mail.reaches(1).await;
    world.tell("anna", "later").await;
    world.reach("anna", |rows| rows.iter().any(|row| row.delivery.state == DeliveryState::Retrying)).await;
    world.passes(&working, 60);
    let notes = world.mail.reaches(2).await;
    assert_eq!((notes[1].messages(), notes[1].attempt), (vec!["one"], 2));
    assert_eq!(notes[0].key, notes[1].key, "it is the same message");
    world.passes(&working, 3_600);
    assert_eq!(world.mail.reaches(3).await[2].messages(), ["later"]);
    working.stop().await;
}

#[tokio::test]
async fn a_burst_beyond_the_throttle_becomes_one_message() {
    let policy = json!({
        "default": {"email": "at_once"},
        "throttle": {"email": {"count": 2, "period": 600.0}},
    });
    let world = World::with(policy, Recorder::new()).await;
    world.user("anna").await;
    for number in 0..20 {
        world.tell("anna", &format!("n{number}")).await;
    }
    let working = world.delivers();
    world.mail.reaches(2).await;
    world.reach("anna", |rows| rows.iter().filter(|row| row.delivery.digest.is_some()).count() == 18).await;
    world.passes(&working, 600);
    let notes = world.mail.reaches(3).await;
    world.all_ended("anna").await;
    working.stop().await;
    assert_eq!(world.mail.notes().len(), 3);
    let told: Vec<&str> = notes.iter().flat_map(|note| note.messages()).collect();
    assert_eq!(told.len(), 20, "nothing is lost and nothing told twice: {told:?}");
}

#[tokio::test]
async fn a_failed_digest_is_sent_again_by_its_message_with_all_that_it_lists() {
    let refuses = |parcel: &oyez::Parcel| match parcel.message_key.contains('.') {
        false => Reply::Say(Sent::refused("554 no")),
        true => Reply::Say(Sent::accepted("250")),
    };
    let world = World::with(hourly(), Recorder::answering(refuses)).await;
    world.user("anna").await;
    let working = world.delivers();
    world.tell("anna", "one").await;
    world.hand.advance(1);
    world.tell("anna", "two").await;
    world.passes(&working, 3_600);
    world.mail.reaches(1).await;
    let failed = world.all_ended("anna").await;
    assert!(failed.iter().all(|state| *state == (DeliveryState::Failed, None)), "{failed:?}");
    let rows = world.rows("anna").await;
    assert!(world.deliveries.resend(rows[0].delivery.id).await.is_err(), "a digest lists it");
    let request = ResendRequest { status: Some(DeliveryState::Failed), ..ResendRequest::default() };
    assert_eq!(world.deliveries.resend_all(&request).await.unwrap().queued, 1);
    let notes = world.mail.reaches(2).await;
    assert_eq!(notes[1].messages(), ["one", "two"]);
    assert_ne!(notes[0].key, notes[1].key, "by hand it is another message");
    assert_eq!(world.all_ended("anna").await, [SENT, SENT, SENT]);
    working.stop().await;
}
