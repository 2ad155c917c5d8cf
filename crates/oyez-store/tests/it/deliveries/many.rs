//! Large audiences, crashes, and anything in any order: nobody is planned twice, nothing is sent twice or lost.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex},
};

use oyez_core::{
    delivery::{Medium, Outcome},
    notification::Draft,
};
use oyez_protocol::{NotificationId, UserId, api::deliveries::DeliveryState, frame::client::MarkAction};
use oyez_store::{DeliveryFilter, LandedHook, ParcelSubject, Store, StoreOptions, UserProfile};
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::support::by_mail;
use crate::support::{Fixture, at, draft, draft_at, published, user};

/// Many users, known by a publish to them by name that no medium carries.
async fn crowd(fixture: &Fixture, count: usize) {
    let names: Vec<String> = (0..count).map(|number| format!("user:u{number}")).collect();
    for some in names.chunks(2_000) {
        fixture.publish(Draft { media: Some(vec![]), ..draft(&some.join(" ")) }).await;
    }
}

/// Users with an address each.
async fn people(fixture: &Fixture, count: usize) {
    let put = fixture.store.write(move |tx| {
        Box::pin(async move {
            for number in 0..count {
                let email = Some(format!("u{number}@example.org"));
                let profile = UserProfile { email, ..UserProfile::new(user(&format!("u{number}"))) };
                tx.put_user(&profile, at(0)).await?;
            }
            Ok(())
        })
    });
    put.await.unwrap();
}

async fn planned(store: &Store) -> u64 {
    store.delivery_counts().await.unwrap().iter().map(|count| count.count).sum()
}

#[tokio::test]
async fn a_hundred_thousand_are_planned_while_others_publish() {
    const MANY: usize = 100_000;
    let fixture = Fixture::mailing(json!({}), &["anna"]).await;
    crowd(&fixture, MANY).await;
    let (store, hook) = (fixture.store.clone(), fixture.landed.hook());
    let large = tokio::spawn(async move { store.publish(draft("everyone"), hook).await.unwrap() });
    let mut meanwhile = 0;
    while !large.is_finished() {
        published(fixture.publish(draft("user:anna")).await);
        meanwhile += 1;
    }
    assert_eq!(published(large.await.unwrap()).1, MANY as u64 + 1);
    assert!(meanwhile > 10, "others got their turn {meanwhile} times");
    assert_eq!(planned(&fixture.store).await, MANY as u64 + 1 + meanwhile);
    let u5 = DeliveryFilter { user: Some(user("u5")), ..DeliveryFilter::default() };
    assert_eq!(fixture.list(u5).await[0].delivery.due_at, Some(at(300)));
}

/// A copy of the database files as they were right after the first window was committed: what a crash leaves.
async fn crash_after_first_window(fixture: &Fixture, draft: Draft) -> TempDir {
    let copied = Arc::new(Mutex::new(None));
    let (from, to) = (fixture.directory.path().to_owned(), Arc::clone(&copied));
    // Copied by the hook, because nothing else is written until it returns.
    let hook: LandedHook = Arc::new(move |_| {
        to.lock().unwrap().get_or_insert_with(|| {
            let directory = TempDir::new().unwrap();
            for name in ["oyez.db", "oyez.db-wal"] {
                std::fs::copy(from.join(name), directory.path().join(name)).unwrap();
            }
            directory
        });
    });
    fixture.store.publish(draft, hook).await.unwrap();
    copied.lock().unwrap().take().unwrap()
}

#[tokio::test]
async fn a_crash_between_windows_plans_nobody_twice() {
    const MANY: usize = 5_000;
    for policy in [json!({}), json!({"default": {"email": "digest"}})] {
        let fixture = Fixture::mailing(policy.clone(), &[]).await;
        crowd(&fixture, MANY).await;
        let one = Draft { expires_at: Some(at(10_000)), ..draft("everyone") };
        let directory = crash_after_first_window(&fixture, one).await;
        let options = StoreOptions {
            fallback: Arc::new(by_mail(policy)),
            ..StoreOptions::new(directory.path().join("oyez.db"))
        };
        let store = Store::open(&options).await.unwrap();
        let begun = planned(&store).await;
        assert!(begun > 0 && begun < MANY as u64, "{begun}");
        assert_eq!(store.finish_publishes(Arc::new(drop)).await.unwrap(), 1);
        let rows = store.deliveries(&DeliveryFilter::default(), None, 100_000).await.unwrap();
        let users: HashSet<&UserId> = rows.iter().map(|row| &row.delivery.user).collect();
        assert_eq!((rows.len(), users.len()), (MANY, MANY));
        // All as of one moment, with the expiry of the notification.
        assert!(rows.iter().all(|row| row.delivery.created_at == at(0)));
        assert!(rows.iter().all(|row| row.delivery.expires_at == Some(at(10_000))));
        assert_eq!(planned(&fixture.store).await, MANY as u64);
    }
}

/// What may happen to three people and their mail.
#[derive(Debug, Clone)]
enum Step {
    Publish {
        to: usize,
        digest: bool,
    },
    Seen {
        who: usize,
    },
    Close,
    Take {
        end: usize,
    },
    /// Taken, and nothing is heard of it any more.
    Vanish,
    Wait {
        seconds: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_usize, any::<bool>()).prop_map(|(to, digest)| Step::Publish { to, digest }),
        1 => (0..3_usize).prop_map(|who| Step::Seen { who }),
        2 => Just(Step::Close),
        3 => (0..3_usize).prop_map(|end| Step::Take { end }),
        1 => Just(Step::Vanish),
        3 => (1..400_i64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

const NAMES: [&str; 3] = ["anna", "bob", "carl"];

type Item = (NotificationId, UserId);

/// What a mail server accepted, and how often; what a worker that vanished may have sent.
#[derive(Default)]
struct Told {
    accepted: BTreeMap<Item, u32>,
    expected: HashSet<Item>,
}

impl Told {
    fn accept(&mut self, parcel: &oyez_store::Parcel) {
        let items: Vec<NotificationId> = match &parcel.subject {
            ParcelSubject::Notification(item) => vec![item.notification],
            ParcelSubject::Digest { items, .. } => items.iter().map(|item| item.notification).collect(),
        };
        for id in items {
            *self.accepted.entry((id, parcel.user.id.clone())).or_default() += 1;
        }
    }
}

async fn walk(steps: Vec<Step>) {
    let policy = json!({
        "grace": 60, "digest": {"every": 120}, "rules": [{"types": ["digested"], "when": "digest"}],
        "throttle": {"email": {"count": 2, "period": 300}},
        "retry": {"email": {"max_attempts": 100, "backoff": {"first": 5, "max": 50}}},
    });
    let fixture = Fixture::mailing(policy, &NAMES).await;
    let mut told = Told::default();
    let mut now = 0;
    for step in steps {
        match step {
            Step::Publish { to, digest } => {
                let names = if to == 3 { &NAMES[..] } else { &NAMES[to..=to] };
                let audience: Vec<String> = names.iter().map(|name| format!("user:{name}")).collect();
                let kind = if digest { "digested" } else { "plain" };
                let one = Draft { kind: kind.into(), ..draft_at(&audience.join(" "), now) };
                told.expected.extend(names.iter().map(|name| (one.id, user(name))));
                fixture.publish(one).await;
            }
            Step::Seen { who } => {
                fixture.mark(NAMES[who], MarkAction::Seen, now).await;
            }
            Step::Close => {
                fixture.close(now).await;
            }
            Step::Take { end } => {
                for parcel in fixture.take(now).await.parcels {
                    let outcome = match end {
                        0 => Outcome::Accepted,
                        1 => Outcome::Failed { error: "451".into(), retry_after: None },
                        _ => Outcome::GivenBack,
                    };
                    if end == 0 {
                        told.accept(&parcel);
                    }
                    fixture.conclude(&parcel, outcome, now).await;
                }
            }
            Step::Vanish => {
                fixture.take_some(now, 1).await;
            }
            Step::Wait { seconds } => now += seconds,
        }
    }
    // Until there is nothing more to do.
    for _ in 0..500 {
        let Some(due) = fixture.store.next_delivery_due().await.unwrap() else { break };
        now = now.max(due.millis_since(at(0)).div_euclid(1000) + 1);
        fixture.close(now).await;
        for parcel in fixture.take(now).await.parcels {
            told.accept(&parcel);
            fixture.conclude(&parcel, Outcome::Accepted, now).await;
        }
    }
    assert_eq!(fixture.store.next_delivery_due().await.unwrap(), None, "all has ended");
    let rows = fixture.list(DeliveryFilter::default()).await;
    let mut ends: HashMap<Item, DeliveryState> = HashMap::new();
    for row in &rows {
        if let oyez_core::delivery::Subject::Notification { id, .. } = row.delivery.subject {
            let twice = ends.insert((id, row.delivery.user.clone()), row.delivery.state);
            assert_eq!(twice, None, "one delivery for each");
        }
    }
    assert_eq!(ends.keys().cloned().collect::<HashSet<_>>(), told.expected, "none is lost");
    for (item, state) in ends {
        let accepted = told.accepted.get(&item).copied().unwrap_or(0);
        match state {
            DeliveryState::Sent => assert_eq!(accepted, 1, "{item:?} was sent once"),
            DeliveryState::Skipped => assert_eq!(accepted, 0, "{item:?} was seen in time"),
            other => panic!("{item:?} ended as {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn in_any_order_each_is_told_once_or_was_seen(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(walk(steps));
    }
}

#[tokio::test]
async fn many_digests_are_closed_in_steps() {
    const PEOPLE: usize = 1_000;
    let fixture = Fixture::mailing(json!({"default": {"email": "digest"}}), &[]).await;
    people(&fixture, PEOPLE).await;
    for _ in 0..10 {
        fixture.publish(draft("everyone")).await;
    }
    let (mut closed, mut steps) = (0, 0);
    loop {
        let step =
            fixture.store.write(|tx| Box::pin(async move { tx.close_digests(1_000, at(3_600)).await }));
        let step = step.await.unwrap();
        (closed, steps) = (closed + step.closed, steps + 1);
        if !step.more {
            break;
        }
    }
    assert_eq!((closed, fixture.store.next_digest_due().await.unwrap()), (PEOPLE as u64, None));
    assert!(steps > 1, "others get their turn in between");
    assert_eq!(fixture.store.next_delivery_due_by(Medium::Email).await.unwrap(), Some(at(3_600)));
}
