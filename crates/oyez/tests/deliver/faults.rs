//! What a medium does to the engine, and what happens to a delivery when something dies.

use std::time::Duration;

use oyez::deliver::Sent;
use oyez_core::delivery::{DeliveryState, NotResendable, Outcome};
use oyez_protocol::{DeliveryId, api::deliveries::ResendRequest};
use serde_json::{Value, json};

use crate::{
    recorder::{Recorder, Reply},
    world::{PATIENCE, World},
};
use oyez::deliveries::DeliveriesError;

fn at_once() -> Value {
    json!({"default": {"email": "at_once"}})
}

async fn only(world: &World) -> DeliveryId {
    world.rows("anna").await[0].delivery.id
}

async fn outcomes(world: &World) -> Vec<String> {
    let attempts = world.deliveries.attempts(only(world).await).await.unwrap();
    attempts.into_iter().map(|attempt| attempt.outcome.unwrap_or_else(|| "under way".into())).collect()
}

async fn world(mail: Recorder) -> World {
    let world = World::with(at_once(), mail).await;
    world.user("anna").await;
    world.tell("anna", "note").await;
    world
}

#[tokio::test]
async fn a_failure_is_tried_again_under_the_same_name_until_the_attempts_are_used_up() {
    let world =
        world(Recorder::answering(|_| Reply::Say(Sent::failed("421 busy").answered("421 busy")))).await;
    let working = world.delivers();
    for attempt in 1..=3 {
        world.mail.reaches(attempt).await;
        world
            .reach("anna", |rows| {
                let delivery = &rows[0].delivery;
                delivery.state == DeliveryState::Failed
                    || delivery.attempt as usize == attempt && delivery.due_at > Some(world.clock.now())
            })
            .await;
        world.passes(&working, 120);
    }
    assert_eq!(world.all_ended("anna").await, [(DeliveryState::Failed, None)]);
    working.stop().await;
    assert_eq!(outcomes(&world).await, ["failed"; 3]);
    let notes = world.mail.notes();
    assert_eq!(notes.iter().map(|note| note.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(notes.iter().all(|note| note.key == notes[0].key), "{notes:?}");
    let row = &world.rows("anna").await[0];
    assert_eq!(row.error.as_deref(), Some("421 busy"));
}

#[tokio::test]
async fn who_asks_for_time_gets_it() {
    let asks = |parcel: &oyez::Parcel| match parcel.attempt {
        1 => {
            let retry_after = Some(Duration::from_secs(500));
            Reply::Say(Sent::new(Outcome::Failed { error: "429".into(), retry_after }))
        }
        _ => Reply::Say(Sent::accepted("201")),
    };
    let world = world(Recorder::answering(asks)).await;
    let working = world.delivers();
    world.mail.reaches(1).await;
    world.reach("anna", |rows| rows[0].delivery.state == DeliveryState::Retrying).await;
    let due = world.rows("anna").await[0].delivery.due_at.unwrap();
    assert!(due.millis_since(world.clock.now()) >= 500_000);
    world.passes(&working, 601);
    world.mail.reaches(2).await;
    working.stop().await;
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again_and_can_be_sent_by_hand() {
    let refuses = |parcel: &oyez::Parcel| match parcel.message_key.contains('.') {
        false => Reply::Say(Sent::refused("552 too big")),
        true => Reply::Say(Sent::accepted("250")),
    };
    let world = world(Recorder::answering(refuses)).await;
    let working = world.delivers();
    assert_eq!(world.all_ended("anna").await, [(DeliveryState::Failed, None)]);
    let id = only(&world).await;
    let again = world.deliveries.resend(id).await.unwrap();
    assert_eq!((again.delivery.state, again.error), (DeliveryState::Queued, None));
    assert_eq!(world.all_ended("anna").await, [(DeliveryState::Sent, None)]);
    let unknown = DeliveryId::of_hash([0; 16]);
    let request = ResendRequest { ids: Some(vec![id, unknown]), ..ResendRequest::default() };
    let resent = world.deliveries.resend_all(&request).await.unwrap();
    assert_eq!((resent.queued, resent.left), (1, 1));
    world.mail.reaches(3).await;
    assert!(matches!(world.deliveries.resend(unknown).await, Err(DeliveriesError::NotFound(_))));
    world.all_ended("anna").await;
    working.stop().await;
    world.deliveries.resend(id).await.unwrap();
    let refused = world.deliveries.resend(id).await.unwrap_err();
    assert!(matches!(refused, DeliveriesError::NotResendable(NotResendable::Unfinished(_))), "{refused}");
}

#[tokio::test]
async fn a_medium_that_panics_or_never_answers_costs_its_own_delivery_only() {
    let broken = |parcel: &oyez::Parcel| match parcel.user.id.as_str() {
        "panics" => Reply::Panic,
        "hangs" => Reply::Never,
        _ => Reply::Say(Sent::accepted("250")),
    };
    let mail = Recorder::answering(broken).within(Duration::from_millis(50));
    let policy = json!({"default": {"email": "at_once"}, "retry": {"email": {"max_attempts": 1}}});
    let world = World::with(policy, mail).await;
    for id in ["panics", "hangs", "anna"] {
        world.user(id).await;
        world.tell(id, "note").await;
    }
    let working = world.delivers();
    assert_eq!(world.all_ended("anna").await, [(DeliveryState::Sent, None)]);
    for (id, error) in [("panics", "the medium is broken"), ("hangs", "may have been sent")] {
        assert_eq!(world.all_ended(id).await, [(DeliveryState::Failed, None)]);
        let row = world.rows(id).await.remove(0);
        assert!(row.error.as_deref().unwrap().contains(error), "{row:?}");
    }
    working.stop().await;
}

#[tokio::test]
async fn receivers_that_hang_keep_their_slots_and_stop_nobody_else() {
    let hangs = |parcel: &oyez::Parcel| match parcel.user.id.as_str().starts_with("hangs") {
        true => Reply::Never,
        false => Reply::Say(Sent::accepted("250")),
    };
    let world = World::with(at_once(), Recorder::answering(hangs).at_once(8)).await;
    for number in 0..7 {
        let id = format!("hangs{number}");
        world.user(&id).await;
        world.tell(&id, "note").await;
    }
    let working = world.delivers();
    world.mail.reaches(7).await;
    for number in 0..20 {
        let id = format!("u{number}");
        world.user(&id).await;
        world.tell(&id, "note").await;
    }
    world.mail.reaches(27).await;
    for number in 0..20 {
        assert_eq!(world.all_ended(&format!("u{number}")).await, [(DeliveryState::Sent, None)]);
    }
    working.stop_within(Duration::ZERO).await;
}

#[tokio::test]
async fn only_so_many_are_in_flight_as_the_medium_takes() {
    let mail = Recorder::answering(|_| Reply::Wait(Sent::accepted("250"))).at_once(3);
    let world = World::with(at_once(), mail).await;
    for number in 0..10 {
        let id = format!("u{number}");
        world.user(&id).await;
        world.tell(&id, "note").await;
    }
    let working = world.delivers();
    world.mail.reaches(3).await;
    let waiting = || async {
        let counts = world.deliveries.counts().await.unwrap();
        counts.iter().filter(|count| !count.state.is_final()).map(|count| count.count).sum::<u64>()
    };
    assert_eq!(waiting().await, 10, "what is not in flight waits in the store");
    world.mail.open();
    world.mail.reaches(10).await;
    for number in 0..10 {
        assert_eq!(world.all_ended(&format!("u{number}")).await, [(DeliveryState::Sent, None)]);
    }
    working.stop().await;
    assert!(world.mail.most_at_once() <= 3, "{}", world.mail.most_at_once());
}

#[tokio::test]
async fn a_graceful_end_waits_for_what_is_being_sent_and_takes_nothing_more() {
    let mail = Recorder::answering(|_| Reply::Wait(Sent::accepted("250"))).at_once(1);
    let world = world(mail).await;
    let working = world.delivers();
    world.mail.reaches(1).await;
    world.tell("anna", "second").await;
    let mail = world.mail.clone();
    let opening = async {
        tokio::task::yield_now().await;
        mail.open();
    };
    tokio::join!(working.stop(), opening);
    let states = world.states("anna").await;
    assert_eq!(states, [(DeliveryState::Sent, None), (DeliveryState::Queued, None)]);
    assert_eq!(world.mail.notes().len(), 1);
    let working = world.delivers();
    world.mail.reaches(2).await;
    working.stop().await;
}

#[tokio::test]
async fn what_is_not_sent_by_the_end_of_the_grace_counts_as_lost_and_is_sent_by_the_next() {
    let first = |parcel: &oyez::Parcel| match parcel.attempt {
        1 => Reply::Never,
        _ => Reply::Say(Sent::accepted("250")),
    };
    let world = world(Recorder::answering(first)).await;
    let working = world.delivers();
    world.mail.reaches(1).await;
    working.stop_within(Duration::ZERO).await;
    assert_eq!(outcomes(&world).await, ["lost"]);
    assert_eq!(world.states("anna").await, [(DeliveryState::Retrying, None)]);
    let working = world.delivers();
    world.passes(&working, 60);
    let notes = world.mail.reaches(2).await;
    assert_eq!(notes[0].key, notes[1].key);
    assert_eq!(world.all_ended("anna").await, [(DeliveryState::Sent, None)]);
    working.stop().await;
}

#[tokio::test]
async fn a_process_that_is_alone_need_not_wait_for_the_leases_of_the_one_before() {
    let first = |parcel: &oyez::Parcel| match parcel.attempt {
        1 => Reply::Never,
        _ => Reply::Say(Sent::accepted("250")),
    };
    let world = world(Recorder::answering(first)).await;
    let dying = world.delivers();
    world.mail.reaches(1).await;
    dying.dies();
    assert_eq!(world.deliveries.take_over().await.unwrap(), 1);
    let working = world.delivers();
    world.reach("anna", |rows| rows[0].delivery.state == DeliveryState::Retrying).await;
    assert_eq!(outcomes(&world).await, ["lost"]);
    assert_eq!(world.deliveries.take_over().await.unwrap(), 0);
    working.stop().await;
}

#[tokio::test]
async fn an_engine_that_dies_leaves_a_lease_and_who_finds_it_run_out_sends_again() {
    let first = |parcel: &oyez::Parcel| match parcel.attempt {
        1 => Reply::Never,
        _ => Reply::Say(Sent::accepted("250")),
    };
    let world = world(Recorder::answering(first)).await;
    let dying = world.delivers();
    world.mail.reaches(1).await;
    dying.dies();
    let working = world.delivers();
    world.passes(&working, 10);
    // A lease that lasts keeps others away: the next delivery is sent, this one is not.
    world.user("bert").await;
    world.tell("bert", "note").await;
    world.reach("bert", |rows| !rows.is_empty() && rows[0].delivery.attempt == 1).await;
    assert_eq!(world.mail.notes().iter().filter(|note| note.user == "anna").count(), 1);
    world.passes(&working, 3_600);
    world.reach("anna", |rows| rows[0].delivery.state == DeliveryState::Retrying).await;
    assert_eq!(outcomes(&world).await, ["lost"]);
    world.passes(&working, 60);
    assert_eq!(world.all_ended("anna").await, [(DeliveryState::Sent, None)]);
    let notes: Vec<_> = world.mail.notes().into_iter().filter(|note| note.user == "anna").collect();
    assert_eq!((notes.len(), &notes[0].key), (2, &notes[1].key));
    let stopping = tokio::time::timeout(PATIENCE, working.stop_within(Duration::ZERO)).await;
    stopping.unwrap();
}
