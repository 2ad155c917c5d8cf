//! Publishing to few: order, idempotency, schedules, receipts.

use oyez_protocol::{
    Seq,
    frame::client::{MarkAction, Selection},
};
use oyez_store::{NotificationState, PublishOutcome};

use crate::support::{Fixture, at, draft, draft_at, published, topic, user, with_key};

#[tokio::test]
async fn an_item_lands_with_the_next_position_and_the_exact_tail() {
    let fixture = Fixture::new().await;
    let (first, second) = (draft("user:Zoë"), draft("user:Zoë"));
    let tail = first.tail.clone();
    assert_eq!(published(fixture.publish(first.clone()).await), (first.id, 1));
    published(fixture.publish(second.clone()).await);
    assert_eq!(fixture.items("Zoë").await, [(1, first.id), (2, second.id)]);
    let page = fixture.store.items_after(&user("Zoë"), Seq::ZERO, 1, 1_000).await.unwrap();
    assert_eq!((page.head, &page.items[0].tail), (Seq(2), &tail));
    let told = fixture.landed.all();
    assert_eq!((told[0].notification, told[0].tail.clone()), (first.id, tail));
    assert_eq!(fixture.landed.items(), [(user("Zoë"), 1), (user("Zoë"), 2)]);
}

#[tokio::test]
async fn each_recipient_gets_one_item_however_often_they_are_named() {
    let fixture = Fixture::new().await;
    for name in ["a", "b"] {
        fixture.member("t", name, true).await;
    }
    let draft = draft("user:a topic:t user:a everyone user:c topic:nobody role:nobody");
    assert_eq!(published(fixture.publish(draft).await).1, 3);
    for name in ["a", "b", "c"] {
        assert_eq!(fixture.items(name).await.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn nobody_is_an_audience_too() {
    let fixture = Fixture::new().await;
    let draft = draft("topic:empty");
    let id = draft.id;
    assert_eq!(published(fixture.publish(draft).await), (id, 0));
    let status = fixture.store.notification(id).await.unwrap().unwrap();
    assert_eq!((status.state, status.recipients), (NotificationState::Sent, 0));
    assert!(fixture.landed.all().is_empty());
}

#[tokio::test]
async fn concurrent_publishers_to_one_user_leave_no_gap_and_tell_in_order() {
    let fixture = Fixture::new().await;
    let publishers: Vec<_> = (0..300)
        .map(|number| {
            let (store, hook) = (fixture.store.clone(), fixture.landed.hook());
            let to = if number % 3 == 0 { "user:a user:b" } else { "user:a" };
            tokio::spawn(async move { store.publish(draft(to), hook).await.unwrap() })
        })
        .collect();
    for publisher in publishers {
        published(publisher.await.unwrap());
    }
    let seqs = |items: Vec<(u64, _)>| items.into_iter().map(|(seq, _)| seq).collect::<Vec<_>>();
    assert_eq!(seqs(fixture.items("a").await), (1..=300).collect::<Vec<_>>());
    assert_eq!(seqs(fixture.items("b").await), (1..=100).collect::<Vec<_>>());
    let told = fixture.landed.items();
    let of_a: Vec<u64> = told.iter().filter(|(name, _)| *name == user("a")).map(|(_, seq)| *seq).collect();
    assert_eq!(of_a, (1..=300).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_same_publish_twice_lands_once() {
    let fixture = Fixture::new().await;
    let first = with_key(draft("user:a user:b"), "k", 1);
    let id = first.id;
    published(fixture.publish(first).await);
    let again = fixture.publish(with_key(draft_at("user:a user:b", 60), "k", 1)).await;
    assert_eq!(again, PublishOutcome::Replayed { id, recipients: 2 });
    let other_body = fixture.publish(with_key(draft("user:a"), "k", 2)).await;
    assert_eq!(other_body, PublishOutcome::IdempotencyMismatch);
    assert_eq!(fixture.items("a").await.len(), 1);
    let next_day = fixture.publish(with_key(draft_at("user:a", 86_401), "k", 2)).await;
    published(next_day);
    assert_eq!(fixture.items("a").await.len(), 2);
}

#[tokio::test]
async fn the_same_publish_twice_at_the_same_time_lands_once() {
    let fixture = Fixture::new().await;
    let drafts = (0..10).map(|number| with_key(draft("user:a"), "k", u8::from(number == 9))).collect();
    let outcomes = fixture.store.publish_batch(drafts, fixture.landed.hook()).await.unwrap();
    let (id, _) = published(outcomes[0]);
    for outcome in &outcomes[1..9] {
        assert_eq!(*outcome, PublishOutcome::Replayed { id, recipients: 1 });
    }
    assert_eq!(outcomes[9], PublishOutcome::IdempotencyMismatch);
    assert_eq!(fixture.items("a").await, [(1, id)]);
}

#[tokio::test]
async fn a_batch_answers_each_draft_in_its_order() {
    let fixture = Fixture::new().await;
    fixture.fill_topic("many", 2_300).await;
    let drafts: Vec<_> = (0..1_000)
        .map(
            |number| {
                if number == 500 { draft("topic:many") } else { draft(&format!("user:u{}", number % 7)) }
            },
        )
        .collect();
    let ids: Vec<_> = drafts.iter().map(|draft| draft.id).collect();
    let outcomes = fixture.store.publish_batch(drafts, fixture.landed.hook()).await.unwrap();
    let got: Vec<_> = outcomes.into_iter().map(published).collect();
    assert_eq!(got.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
    assert_eq!(got[500].1, 2_300);
    assert_eq!(fixture.store.stats().await.unwrap().items, 999 + 2_300);
}

#[tokio::test]
async fn a_scheduled_notification_lands_when_it_is_due_and_no_sooner() {
    let fixture = Fixture::new().await;
    let mut later = draft("user:new topic:t");
    later.send_at = Some(at(60));
    let id = later.id;
    assert_eq!(fixture.publish(later).await, PublishOutcome::Scheduled { id });
    assert_eq!(fixture.store.next_due().await.unwrap(), Some(at(60)));
    fixture.member("t", "joined", true).await;
    assert_eq!(fixture.store.publish_due(at(59), 10, fixture.landed.hook()).await.unwrap(), 0);
    assert!(fixture.items("new").await.is_empty());
    assert_eq!(fixture.store.publish_due(at(61), 10, fixture.landed.hook()).await.unwrap(), 1);
    assert_eq!(fixture.items("new").await, [(1, id)]);
    assert_eq!(fixture.items("joined").await, [(1, id)]);
    assert_eq!(fixture.store.publish_due(at(61), 10, fixture.landed.hook()).await.unwrap(), 0);
    assert_eq!(fixture.store.next_due().await.unwrap(), None);
    assert_eq!(fixture.landed.items().len(), 2);
}

#[tokio::test]
async fn what_waits_can_be_taken_back_and_what_landed_cannot() {
    let fixture = Fixture::new().await;
    let mut later = draft("user:a");
    later.send_at = Some(at(60));
    let id = later.id;
    fixture.publish(later).await;
    let cancel = |id| fixture.store.cancel_notification(id, at(1));
    assert_eq!(cancel(id).await.unwrap(), Some(NotificationState::Cancelled));
    assert_eq!(fixture.store.publish_due(at(99), 10, fixture.landed.hook()).await.unwrap(), 0);
    let sent = draft("user:a");
    let sent_id = sent.id;
    fixture.publish(sent).await;
    assert_eq!(cancel(sent_id).await.unwrap(), Some(NotificationState::Sent));
    assert_eq!(cancel(draft("user:a").id).await.unwrap(), None);
}

#[tokio::test]
async fn what_expires_while_it_waits_never_lands() {
    let fixture = Fixture::new().await;
    let mut late = draft("user:a");
    (late.send_at, late.expires_at) = (Some(at(60)), Some(at(90)));
    let id = late.id;
    fixture.publish(late).await;
    assert_eq!(fixture.store.publish_due(at(100), 10, fixture.landed.hook()).await.unwrap(), 1);
    let status = fixture.store.notification(id).await.unwrap().unwrap();
    assert_eq!(status.state, NotificationState::Expired);
    assert!(fixture.items("a").await.is_empty());
}

#[tokio::test]
async fn receipts_say_who_has_seen_and_read_it() {
    let fixture = Fixture::new().await;
    for name in ["a", "b", "c"] {
        fixture.member("t", name, true).await;
    }
    let draft = draft("topic:t user:d");
    let id = draft.id;
    fixture.publish(draft).await;
    for (name, action) in [("a", MarkAction::Read), ("b", MarkAction::Seen)] {
        let mark = fixture.store.write(move |tx| {
            Box::pin(async move { tx.mark(&user(name), action, &Selection::Ids(vec![id]), at(5)).await })
        });
        mark.await.unwrap();
    }
    let status = fixture.store.notification(id).await.unwrap().unwrap();
    assert_eq!((status.recipients, status.seen, status.read), (4, 2, 1));
    assert_eq!(status.audience.iter().map(ToString::to_string).collect::<Vec<_>>(), ["topic:t", "user:d"]);
    let first = fixture.store.receipts(id, None, 2).await.unwrap();
    let rest = fixture.store.receipts(id, Some(&first[1].user), 10).await.unwrap();
    let names: Vec<_> = first.iter().chain(&rest).map(|one| one.user.to_string()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert_eq!((first[0].times.read_at, first[1].times.read_at), (Some(at(5)), None));
    assert!(fixture.store.is_member(&topic("t"), &user("a")).await.unwrap());
}
