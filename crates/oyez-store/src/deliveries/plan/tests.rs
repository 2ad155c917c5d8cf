use std::{path::PathBuf, sync::Arc};

use oyez_core::{
    delivery::Medium,
    fallback::Policy,
    notification::{Draft, Landed},
};
use oyez_protocol::{
    NotificationId, Timestamp, UserId,
    api::preferences::PolicyRequest,
    frame::client::{MarkAction, Selection},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Store, StoreOptions};

fn draft(to: &str) -> Draft {
    Draft {
        id: NotificationId(Uuid::now_v7()),
        kind: "ticket_created".into(),
        tail: r#""type":"ticket_created"}"#.into(),
        audience: to.split(' ').map(|one| one.parse().unwrap()).collect(),
        created_at: Timestamp::from_millis(1_800_000_000_000),
        send_at: None,
        expires_at: None,
        group_key: None,
        media: None,
        idempotency: None,
    }
}

async fn store(directory: &tempfile::TempDir, media: &[Medium], policy: Value) -> Store {
    let policy: PolicyRequest = serde_json::from_value(policy).unwrap();
    let path: PathBuf = directory.path().join("oyez.db");
    let fallback = Arc::new(Policy::new(&policy, media).unwrap());
    let store = Store::open(&StoreOptions { fallback, ..StoreOptions::new(path) }).await.unwrap();
    statements(&store, vec![draft("user:anna user:bob user:carl")]).await;
    store
}

/// How many statements it takes to land drafts together.
async fn statements(store: &Store, drafts: Vec<Draft>) -> u32 {
    let count = store.write(|tx| {
        Box::pin(async move {
            let before = tx.statements;
            let _: Vec<Option<Landed>> = tx.land(&drafts.iter().collect::<Vec<_>>()).await?;
            Ok(tx.statements - before)
        })
    });
    count.await.unwrap()
}

async fn statements_of_a_mark(store: &Store) -> u32 {
    let count = store.write(|tx| {
        Box::pin(async move {
            let before = tx.statements;
            let (user, now) = (UserId::new("anna").unwrap(), Timestamp::from_millis(1_800_000_001_000));
            tx.mark(&user, MarkAction::Seen, &Selection::All { up_to: None }, now).await?;
            Ok(tx.statements - before)
        })
    });
    count.await.unwrap()
}

#[tokio::test]
async fn without_a_medium_a_publish_and_a_mark_run_no_statement_more() {
    let directory = tempfile::TempDir::new().unwrap();
    let store = store(&directory, &[], json!({})).await;
    // What is known is looked up, then all is written.
    assert_eq!(statements(&store, vec![draft("user:anna")]).await, 2);
    assert_eq!(statements(&store, vec![draft("user:anna"), draft("user:bob user:carl")]).await, 2);
    // The inbox, its fresh items placed, its items, their times, its counts.
    assert_eq!(statements_of_a_mark(&store).await, 5);
}

#[tokio::test]
async fn with_a_medium_the_number_of_statements_does_not_grow_with_what_lands() {
    let directory = tempfile::TempDir::new().unwrap();
    let store = store(&directory, &[Medium::Email], json!({})).await;
    // What the recipients chose, and what is planned.
    let many = (0..100).map(|_| draft("user:anna user:bob user:carl")).collect();
    assert_eq!(statements(&store, vec![draft("user:anna")]).await, 4);
    assert_eq!(statements(&store, many).await, 4);
    let unasked = Draft { media: Some(vec![Medium::Webhook]), ..draft("user:anna") };
    assert_eq!(statements(&store, vec![unasked]).await, 2, "nobody asked for mail");
}

#[tokio::test]
async fn digests_cost_the_same_number_of_statements_for_one_and_for_many() {
    let directory = tempfile::TempDir::new().unwrap();
    let store = store(&directory, &[Medium::Email], json!({"default": {"email": "digest"}})).await;
    let group = |name: &str| Draft { group_key: Some(name.into()), ..draft("user:anna user:bob user:carl") };
    // Which digests there are; those that are new are opened.
    assert_eq!(statements(&store, vec![group("a")]).await, 6);
    assert_eq!(statements(&store, ["b", "c", "d", "b"].map(group).to_vec()).await, 6);
    assert_eq!(statements(&store, ["a", "b", "c"].map(group).to_vec()).await, 5, "all are open");
}
