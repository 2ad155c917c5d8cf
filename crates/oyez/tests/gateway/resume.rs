//! Coming back: exactly what was missed, or a snapshot that says it is one.

use std::{collections::BTreeMap, sync::Arc};

use oyez_protocol::{NotificationId, Seq};
use serde_json::json;
use tokio::sync::Barrier;

use crate::stage::{Stage, eventually, user};

#[tokio::test]
async fn a_returning_client_gets_exactly_what_it_missed_and_then_what_comes() {
    let stage = Stage::new().await;
    for number in 1..=300 {
        stage.publish("user:anna", &number.to_string()).await;
    }
    let query = format!("&since=120&epoch={}", stage.store.epoch());
    let (mut client, greeting) = stage.connect_with("anna", &query).await;
    assert_eq!((&greeting["resumed"], &greeting["seq"]), (&true.into(), &300.into()));
    stage.publish("user:anna", "301").await;
    let expected: Vec<_> = (121..=301).map(|number| (number, number.to_string())).collect();
    assert_eq!(client.messages(181).await, expected);
    client.expect_silence().await;
}

#[tokio::test]
async fn items_come_back_with_what_the_user_did_with_them() {
    let stage = Stage::new().await;
    let id = stage.publish("user:anna", "one").await.id;
    let mut client = stage.connect("anna").await;
    client.ask(json!({"type": "mark_read", "id": id, "ref": 1})).await;
    let (mut later, _) = stage.connect_with("anna", "&since=0").await;
    let item = later.next().await;
    assert_eq!(item["read_at"], "2026-11-20T12:00:00.000Z");
    assert_eq!((&item["seq"], &item["type"], &item["id"]), (&1.into(), &"note".into(), &json!(id)));
}

#[tokio::test]
async fn a_position_of_another_database_gets_a_snapshot_that_says_so() {
    let stage = Stage::new().await;
    for number in 1..=80 {
        stage.publish("user:anna", &number.to_string()).await;
    }
    for query in ["&since=10&epoch=another", "&since=81"] {
        let (mut client, greeting) = stage.connect_with("anna", query).await;
        assert_eq!(greeting["resumed"], false, "{query}");
        let resync = client.next().await;
        assert_eq!(resync["type"], "resync");
        assert!(resync["reason"].is_string());
        let seqs: Vec<u64> = client.messages(50).await.into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(seqs, (31..=80).collect::<Vec<_>>());
        client.expect_silence().await;
    }
}

#[tokio::test]
async fn a_new_client_gets_nothing_old() {
    let stage = Stage::new().await;
    stage.publish("user:anna", "old").await;
    let mut client = stage.connect("anna").await;
    stage.publish("user:anna", "new").await;
    assert_eq!(client.messages(1).await, [(2, "new".to_owned())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_reconnects_in_a_storm_end_with_what_the_store_has() {
    let stage = Arc::new(Stage::new().await);
    let total = 200;
    let start = Arc::new(Barrier::new(11));
    let mut clients = Vec::new();
    for _ in 0..10 {
        let (stage, start) = (Arc::clone(&stage), Arc::clone(&start));
        clients.push(tokio::spawn(async move {
            let mut have = BTreeMap::new();
            let mut last = 0;
            start.wait().await;
            // Ten lives each, cut off after ever more items; the last one reads to the end.
            for life in 1..=10 {
                let (mut client, greeting) = stage.connect_with("anna", &format!("&since={last}")).await;
                assert_eq!(greeting["resumed"], true);
                let enough = if life == 10 { total } else { last + life };
                while last < enough {
                    for (seq, message) in client.messages(1).await {
                        assert_eq!(seq, last + 1, "no gap and no repetition");
                        last = seq;
                        have.insert(seq, message);
                    }
                }
            }
            have
        }));
    }
    start.wait().await;
    for number in 1..=total {
        stage.publish("user:anna", &format!("message {number}")).await;
    }
    let stored: BTreeMap<u64, String> = stage.stored("anna").await.into_iter().collect();
    assert_eq!(stored.len() as u64, total);
    for client in clients {
        assert_eq!(client.await.unwrap(), stored);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stops_reading_is_paged_from_the_store_and_slows_nobody() {
    let stage = Stage::new().await;
    let mut slow = stage.connect("anna").await;
    let mut quick = stage.connect("anna").await;
    let text = "x".repeat(3_900);
    let mut total = 0;
    while stage.gateway.hub().stats().blocked == 0 || total % 100 != 0 {
        total += 1;
        stage.publish("user:anna", &text).await;
        assert_eq!(quick.messages(1).await[0].0, total);
    }
    for _ in 0..200 {
        total += 1;
        stage.publish("user:anna", &text).await;
    }
    let info = stage.gateway.hub().connections().await;
    assert!(info.iter().all(|info| info.waiting_bytes < 100 * 1024), "{info:?}");
    let seqs: Vec<u64> = slow.messages(total as usize).await.into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(seqs, (1..=total).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_item_whose_announcement_was_lost_arrives_with_the_head_check() {
    let stage = Stage::with(|settings| {
        settings.gateway.head_check_interval = std::time::Duration::from_millis(20);
    })
    .await;
    let mut client = stage.connect("anna").await;
    let request = serde_json::from_value(json!({"to": "user:anna", "message": "unheard"})).unwrap();
    let id = NotificationId(uuid::Uuid::now_v7());
    let draft = oyez_core::notification::draft(&request, id, "test", stage.now()).unwrap();
    stage.store.publish(draft, Arc::new(|_| {})).await.unwrap();
    assert_eq!(client.messages(1).await, [(1, "unheard".to_owned())]);
    eventually("roles are healed, too", async || {
        stage.gateway.hub().users().await.iter().any(|(name, _)| *name == user("anna"))
    })
    .await;
    assert_eq!(stage.store.standing(&user("anna")).await.unwrap().head, Seq(1));
}
