//! Many users at once: everybody who did not see it gets exactly one message, everybody who saw it in time none.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use oyez_core::delivery::{DeliveryState, SkipReason};
use serde_json::json;

use crate::{
    recorder::Recorder,
    world::{World, profile},
};

const USERS: usize = 400;

fn name(number: usize) -> String {
    format!("u{number}")
}

async fn crowd(world: &World) {
    world.users.put_all((0..USERS).map(|number| profile(&name(number))).collect()).await.unwrap();
}

/// How many messages each user got.
fn per_user(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for note in world.mail.notes() {
        *counts.entry(note.user).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_seen_in_time_means_no_mail_and_a_moment_after_means_one() {
    let world = World::with(json!({}), Recorder::new().at_once(16)).await;
    crowd(&world).await;
    let working = world.delivers();
    let all: Vec<usize> = (0..USERS).collect();
    // Single recipients, published at the same time.
    let told = join_all(all.iter().map(|number| world.tell_owned(name(*number)))).await;
    let early = |number: usize| number.is_multiple_of(3);
    join_all(
        all.iter().filter(|number| early(**number)).map(|number| world.sees_owned(*number, told[*number])),
    )
    .await;
    world.hand.advance(300);
    working.deliver.look();
    // Marks that race with the sending: each may win or lose, but never both and never neither.
    let racing = |number: &usize| number % 3 == 1;
    join_all(
        all.iter().filter(|number| racing(number)).map(|number| world.sees_owned(*number, told[*number])),
    )
    .await;
    for number in &all {
        world.all_ended(&name(*number)).await;
    }
    let late = all.iter().filter(|number| *number % 3 == 2);
    join_all(late.map(|number| world.sees_owned(*number, told[*number]))).await;
    world.passes(&working, 3_600);
    working.stop().await;
    let counts = per_user(&world);
    assert!(counts.values().all(|count| *count == 1), "somebody got it twice");
    for number in all {
        let sent = counts.contains_key(&name(number));
        let state = world.states(&name(number)).await;
        let expected = match sent {
            true => [(DeliveryState::Sent, None)],
            false => [(DeliveryState::Skipped, Some(SkipReason::Seen))],
        };
        assert_eq!(state, expected, "{number}");
        match number % 3 {
            0 => assert!(!sent, "{number} saw it in time"),
            2 => assert!(sent, "{number} saw it too late"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_on_one_store_send_each_delivery_once() {
    let world = World::with(json!({"default": {"email": "at_once"}}), Recorder::new().at_once(5)).await;
    crowd(&world).await;
    let (one, two) = (world.delivers(), world.delivers());
    world.publish(json!({"to": "everyone", "type": "note", "message": "m"})).await;
    world.mail.reaches(USERS).await;
    for number in 0..USERS {
        world.all_ended(&name(number)).await;
    }
    one.stop().await;
    two.stop().await;
    let users: BTreeSet<String> = world.mail.notes().into_iter().map(|note| note.user).collect();
    assert_eq!((users.len(), world.mail.notes().len()), (USERS, USERS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digests_under_load_list_everything_once() {
    let policy = json!({"default": {"email": "digest"}, "digest": {"every": 3_600}});
    let world = World::with(policy, Recorder::new().at_once(16)).await;
    crowd(&world).await;
    let working = world.delivers();
    for round in 0..3 {
        let publishes = (0..3).map(|part| {
            world.publish(json!({"to": "everyone", "type": "note", "message": format!("{round}.{part}")}))
        });
        join_all(publishes).await;
        world.passes(&working, 3_600);
    }
    world.passes(&working, 3_600);
    for number in 0..USERS {
        world.all_ended(&name(number)).await;
    }
    working.stop().await;
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for note in world.mail.notes() {
        let messages = note.messages().into_iter().map(str::to_owned);
        told.entry(note.user.clone()).or_default().extend(messages);
    }
    assert_eq!(told.len(), USERS);
    let expected: Vec<String> =
        (0..3).flat_map(|round| (0..3).map(move |part| format!("{round}.{part}"))).collect();
    for (user, mut messages) in told {
        messages.sort();
        assert_eq!(messages, expected, "{user}");
    }
}
