//! Push subscriptions: whose they are, how many stay, and who took a message.

use oyez_protocol::PushSubscriptionId;
use oyez_store::{NewPushSubscription, PushSent, PushSubscription};
use uuid::Uuid;

use crate::support::{Fixture, at, user};

fn new(name: &str, endpoint: &str) -> NewPushSubscription {
    NewPushSubscription {
        id: PushSubscriptionId(Uuid::now_v7()),
        user: user(name),
        endpoint: endpoint.into(),
        public_key: [4; 65],
        auth: [9; 16],
        device: Some("Linux".into()),
    }
}

async fn put(fixture: &Fixture, new: NewPushSubscription, seconds: i64) -> PushSubscription {
    let change = fixture
        .store
        .write(move |tx| Box::pin(async move { tx.put_push_subscription(&new, 3, at(seconds)).await }));
    change.await.unwrap()
}

async fn endpoints(fixture: &Fixture, name: &str) -> Vec<String> {
    let all = fixture.store.push_subscriptions(&user(name)).await.unwrap();
    all.into_iter().map(|one| one.endpoint).collect()
}

#[tokio::test]
async fn a_browser_that_subscribes_again_keeps_its_id_and_one_that_changes_hands_belongs_to_the_last() {
    let fixture = Fixture::new().await;
    let first = put(&fixture, new("anna", "https://push/a"), 0).await;
    assert_eq!((first.device.as_deref(), first.created_at, first.sent_at), (Some("Linux"), at(0), None));
    let renewed = put(
        &fixture,
        NewPushSubscription { device: None, auth: [1; 16], ..new("anna", "https://push/a") },
        9,
    );
    let renewed = renewed.await;
    assert_eq!((renewed.id, renewed.auth, renewed.created_at), (first.id, [1; 16], at(9)));
    assert_eq!(renewed.device.as_deref(), Some("Linux"));
    let moved = put(&fixture, NewPushSubscription { device: None, ..new("ben", "https://push/a") }, 10).await;
    assert_eq!((moved.id, moved.device), (first.id, None), "what the former user called it is theirs");
    assert!(endpoints(&fixture, "anna").await.is_empty());
    assert_eq!(endpoints(&fixture, "ben").await, ["https://push/a"]);
}

#[tokio::test]
async fn the_newest_stay_and_a_user_removes_only_their_own() {
    let fixture = Fixture::new().await;
    let other = put(&fixture, new("ben", "https://push/ben"), 0).await;
    for number in 0..5 {
        put(&fixture, new("anna", &format!("https://push/{number}")), number).await;
    }
    assert_eq!(endpoints(&fixture, "anna").await, ["https://push/2", "https://push/3", "https://push/4"]);
    let remove = async |id| {
        let change = fixture
            .store
            .write(move |tx| Box::pin(async move { tx.delete_push_subscription(&user("anna"), id).await }));
        change.await.unwrap()
    };
    assert!(!remove(other.id).await);
    let mine = fixture.store.push_subscriptions(&user("anna")).await.unwrap()[0].id;
    assert!(remove(mine).await);
    assert!(!remove(mine).await);
    assert_eq!((endpoints(&fixture, "anna").await.len(), endpoints(&fixture, "ben").await.len()), (2, 1));
}

#[tokio::test]
async fn who_took_a_message_is_known_until_nobody_is_to_be_tried_again() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(put(&fixture, new("anna", &format!("https://push/{number}")), number).await.id);
    }
    let note = async |took: Vec<_>, gone: Vec<_>, again| {
        let sent = PushSent { message: "m".into(), took, gone, again };
        let change =
            fixture.store.write(move |tx| Box::pin(async move { tx.note_push(&sent, at(60)).await }));
        change.await.unwrap();
    };
    let taken = async |message: &str| -> Vec<bool> {
        let targets = fixture.store.push_targets(&user("anna"), message).await.unwrap();
        targets.iter().map(|target| target.taken).collect()
    };
    assert_eq!(taken("m").await, [false, false, false]);
    note(vec![ids[0]], vec![ids[1]], true).await;
    assert_eq!(taken("m").await, [true, false], "the one that is gone is forgotten");
    assert_eq!(taken("other").await, [false, false]);
    let all = fixture.store.push_subscriptions(&user("anna")).await.unwrap();
    assert_eq!((all[0].sent_at, all[1].sent_at), (Some(at(60)), None));
    note(vec![ids[2]], Vec::new(), false).await;
    assert_eq!(taken("m").await, [false, false], "nothing is left of it");
}

#[tokio::test]
async fn what_is_left_of_a_message_that_never_ended_is_cleaned_away() {
    let fixture = Fixture::new().await;
    let id = put(&fixture, new("anna", "https://push/a"), 0).await.id;
    let sent = PushSent { message: "m".into(), took: vec![id], gone: Vec::new(), again: true };
    let change = fixture.store.write(move |tx| Box::pin(async move { tx.note_push(&sent, at(0)).await }));
    change.await.unwrap();
    let purge = async |days: i64| {
        let change =
            fixture.store.write(move |tx| Box::pin(async move { tx.purge(at(days * 86_400), 10).await }));
        change.await.unwrap()
    };
    assert_eq!(purge(29).await, 0);
    assert_eq!(purge(31).await, 1);
}

#[tokio::test]
async fn an_erased_user_has_no_browser() {
    let fixture = Fixture::new().await;
    put(&fixture, new("anna", "https://push/a"), 0).await;
    put(&fixture, new("ben", "https://push/b"), 0).await;
    assert!(fixture.store.erase_user(&user("anna")).await.unwrap());
    assert!(endpoints(&fixture, "anna").await.is_empty());
    put(&fixture, new("anna", "https://push/c"), 1).await;
    assert_eq!(endpoints(&fixture, "anna").await, ["https://push/c"]);
    assert_eq!(endpoints(&fixture, "ben").await.len(), 1);
}
