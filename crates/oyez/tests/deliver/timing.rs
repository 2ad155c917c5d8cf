//! When a delivery goes out, and when it does not.

use oyez_core::delivery::{DeliveryState, Outcome, SkipReason};
use oyez_protocol::frame::client::{MarkAction, Selection};
use serde_json::json;

use crate::{
    recorder::{Recorder, Reply},
    world::{World, user},
};
use oyez::deliver::Sent;

const SEEN: (DeliveryState, Option<SkipReason>) = (DeliveryState::Skipped, Some(SkipReason::Seen));
const SENT: (DeliveryState, Option<SkipReason>) = (DeliveryState::Sent, None);

fn skipped(reason: SkipReason) -> (DeliveryState, Option<SkipReason>) {
    (DeliveryState::Skipped, Some(reason))
}

#[tokio::test]
async fn what_is_seen_in_time_is_not_sent_and_what_is_seen_a_moment_after_is_sent_once() {
    let world = World::new().await;
    for id in ["early", "late"] {
        world.user(id).await;
    }
    let working = world.delivers();
    let (early, late) = (world.tell("early", "note").await, world.tell("late", "note").await);
    world.passes(&working, 299);
    world.sees("early", early).await;
    assert_eq!(world.states("early").await, [SEEN]);
    world.passes(&working, 1);
    assert_eq!(world.all_ended("late").await, [SENT]);
    world.sees("late", late).await;
    world.passes(&working, 3_600);
    working.stop().await;
    let notes = world.mail.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!((notes[0].user.as_str(), notes[0].messages()), ("late", vec!["note"]));
    assert_eq!(world.states("late").await, [SENT]);
    assert_eq!(world.states("early").await, [SEEN]);
}

#[tokio::test]
async fn to_read_or_archive_it_is_to_see_it() {
    let world = World::new().await;
    world.user("anna").await;
    let (one, two) = (world.tell("anna", "note").await, world.tell("anna", "note").await);
    for (action, id) in [(MarkAction::Read, one), (MarkAction::Archive, two)] {
        world.inboxes.mark(&user("anna"), action, Selection::Ids(vec![id])).await.unwrap();
    }
    assert_eq!(world.states("anna").await, [SEEN, SEEN]);
}

#[tokio::test]
async fn rules_and_preferences_say_what_goes_at_once_later_or_never() {
    let policy = json!({"rules": [
        {"types": ["urgent"], "when": "at_once"},
        {"types": ["alarm"], "when": "at_once", "critical": true},
        {"types": ["quiet_*"], "when": "off"},
    ]});
    let world = World::with(policy, Recorder::new()).await;
    world.user("anna").await;
    world.user("bert").await;
    world.prefers("bert", json!({"default": {"email": "off"}})).await;
    let working = world.delivers();
    for id in ["anna", "bert"] {
        for kind in ["urgent", "alarm", "quiet_thing", "other"] {
            world.tell(id, kind).await;
        }
    }
    world.mail.reaches(3).await;
    let anna = world.reach("anna", |rows| rows[..2].iter().all(|row| row.delivery.state.is_final())).await;
    assert_eq!(anna, [SENT, SENT, (DeliveryState::Waiting, None)]);
    assert_eq!(world.all_ended("bert").await, [SENT], "what is critical cannot be muted");
    working.stop().await;
    assert_eq!(world.mail.notes().iter().filter(|note| note.user == "bert").count(), 1);
}

#[tokio::test]
async fn the_publisher_may_name_the_media() {
    let world = World::with(json!({"default": {"email": "off"}}), Recorder::new()).await;
    world.user("anna").await;
    let body =
        |media: serde_json::Value| json!({"to": "user:anna", "type": "x", "message": "m", "media": media});
    world.publish(body(json!(["email"]))).await;
    world.publish(body(json!(["web_push"]))).await;
    world.tell("anna", "x").await;
    assert_eq!(world.states("anna").await, [(DeliveryState::Waiting, None)], "only the first wants e-mail");
}

#[tokio::test]
async fn nothing_goes_out_in_quiet_hours_but_what_is_critical() {
    let policy = json!({"rules": [
        {"types": ["note"], "when": "at_once"},
        {"types": ["alarm"], "when": "at_once", "critical": true},
    ]});
    let world = World::with(policy, Recorder::new()).await;
    world.user("anna").await;
    // It is 14:00 in Zurich.
    let hours = json!({"from": "13:30", "to": "18:00", "time_zone": "Europe/Zurich"});
    world.prefers("anna", json!({"quiet_hours": hours})).await;
    let working = world.delivers();
    world.tell("anna", "note").await;
    world.tell("anna", "alarm").await;
    assert_eq!(world.mail.reaches(1).await[0].kinds, ["alarm"]);
    let waits = world.reach("anna", |rows| rows[0].delivery.due_at > Some(world.clock.now())).await;
    assert_eq!(waits[0], (DeliveryState::Waiting, None));
    let due = world.rows("anna").await[0].delivery.due_at.unwrap();
    assert_eq!(due.to_string(), "2026-11-20T17:00:00.000Z");
    world.passes(&working, 4 * 3_600 - 1);
    world.passes(&working, 1);
    assert_eq!(world.all_ended("anna").await, [SENT, SENT]);
    working.stop().await;
}

#[tokio::test]
async fn a_throttle_lets_the_rest_wait_or_leaves_it_out() {
    for (over, expected) in [("wait", [SENT, SENT]), ("skip", [SENT, skipped(SkipReason::Throttled)])] {
        let policy = json!({
            "default": {"email": "at_once"},
            "throttle": {"email": {"count": 1, "period": 600.0, "over": over}},
        });
        let world = World::with(policy, Recorder::new()).await;
        world.user("anna").await;
        world.tell("anna", "one").await;
        world.tell("anna", "two").await;
        let working = world.delivers();
        world.mail.reaches(1).await;
        world
            .reach("anna", |rows| {
                let now = Some(world.clock.now());
                rows.iter().all(|row| row.delivery.state.is_final() || row.delivery.due_at > now)
            })
            .await;
        assert_eq!(world.mail.notes().len(), 1, "{over}");
        world.passes(&working, 600);
        assert_eq!(world.all_ended("anna").await, expected, "{over}");
        working.stop().await;
    }
}

#[tokio::test]
async fn what_nobody_can_get_any_more_is_skipped_with_the_reason() {
    let world = World::new().await;
    world.users.put(oyez_store::UserProfile::new(user("nameless"))).await.unwrap();
    world.user("shut").await;
    world.user("muted").await;
    world.user("expires").await;
    for id in ["nameless", "shut", "muted"] {
        world.tell(id, "note").await;
    }
    let expires_at = world.clock.now().plus_seconds(301).to_string();
    world
        .publish(json!({"to": "user:expires", "type": "note", "message": "m", "expires_at": expires_at}))
        .await;
    world.users.disable(&user("shut")).await.unwrap();
    world.prefers("muted", json!({"types": {"note": {"email": "off"}}})).await;
    world.hand.advance(302);
    let working = world.delivers();
    assert_eq!(world.all_ended("nameless").await, [skipped(SkipReason::NoAddress)]);
    assert_eq!(world.all_ended("shut").await, [skipped(SkipReason::NoUser)]);
    assert_eq!(world.all_ended("muted").await, [skipped(SkipReason::Muted)]);
    assert_eq!(world.all_ended("expires").await, [skipped(SkipReason::Expired)]);
    working.stop().await;
    assert_eq!(world.mail.notes(), []);
}

#[tokio::test]
async fn an_address_that_refused_once_gets_nothing_more() {
    let bounces = |_: &oyez::Parcel| Reply::Say(Sent::bounced("550 no such mailbox"));
    let policy = json!({"default": {"email": "at_once"}});
    let world = World::with(policy, Recorder::answering(bounces)).await;
    world.user("anna").await;
    let working = world.delivers();
    world.tell("anna", "one").await;
    assert_eq!(world.all_ended("anna").await, [(DeliveryState::Bounced, None)]);
    world.tell("anna", "two").await;
    let states = world.all_ended("anna").await;
    assert_eq!(states[1], skipped(SkipReason::Suppressed));
    working.stop().await;
    assert_eq!(world.mail.notes().len(), 1);
    let attempts = world.deliveries.attempts(world.rows("anna").await[0].delivery.id).await.unwrap();
    assert_eq!(attempts[0].outcome.as_deref(), Some(Outcome::Bounced { error: String::new() }.as_str()));
}
