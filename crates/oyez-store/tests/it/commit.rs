//! Changes that share a commit: isolated from each other's failures, announced in commit order.

use std::sync::{Arc, Mutex};

use oyez_core::notification::Draft;
use oyez_store::{NewKey, StoreError, UserProfile};

use crate::support::{Fixture, at, draft, published, user};

fn key(id: &str, secret: u8) -> NewKey {
    NewKey { id: id.into(), name: "test".into(), secret_hash: [secret; 32], scopes: vec!["publish".into()] }
}

#[tokio::test]
async fn a_change_that_fails_takes_back_only_what_it_did_itself() {
    let fixture = Fixture::new().await;
    let changes: Vec<_> = (0..60u8)
        .map(|number| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                store
                    .write(move |tx| {
                        Box::pin(async move {
                            tx.put_user(&UserProfile::new(user(&format!("u{number}"))), at(0)).await?;
                            // Every third contradicts what is there.
                            let id = if number % 3 == 0 { "same".into() } else { format!("k{number}") };
                            tx.create_key(&key(&id, number), at(0)).await.map(|_| ())
                        })
                    })
                    .await
            })
        })
        .collect();
    let publishes: Vec<_> = (0..20)
        .map(|_| {
            let (store, hook) = (fixture.store.clone(), fixture.landed.hook());
            tokio::spawn(async move { store.publish(draft("user:p"), hook).await })
        })
        .collect();
    let mut failed = 0;
    for change in changes {
        match change.await.unwrap() {
            Ok(()) => {}
            Err(StoreError::Conflict(_)) => failed += 1,
            Err(other) => panic!("{other}"),
        }
    }
    for publish in publishes {
        published(publish.await.unwrap().unwrap());
    }
    assert_eq!(failed, 19);
    let stats = fixture.store.stats().await.unwrap();
    // One of the twenty that wanted the same key got it; the user of "p" came with the publish.
    assert_eq!((stats.keys, stats.users, stats.items), (41, 42, 20));
}

#[tokio::test]
async fn a_draft_that_fails_harms_no_other() {
    let fixture = Fixture::new().await;
    let first = draft("user:a");
    let mut same_id = draft("user:b");
    same_id.id = first.id;
    let (store, hook) = (&fixture.store, || fixture.landed.hook());
    let (one, two, three) = tokio::join!(
        store.publish(first, hook()),
        store.publish(same_id, hook()),
        store.publish(draft("user:a"), hook())
    );
    published(one.unwrap());
    assert!(matches!(two, Err(StoreError::Conflict(_))), "{two:?}");
    published(three.unwrap());
    assert_eq!(fixture.items("a").await.len(), 2);
    assert!(fixture.items("b").await.is_empty());
}

#[tokio::test]
async fn a_change_that_panics_is_an_error_and_the_writer_lives() {
    let fixture = Fixture::new().await;
    let panics = fixture.store.write::<(), _>(|_| Box::pin(async { panic!("on purpose") })).await;
    assert!(matches!(panics, Err(StoreError::Fault(_))));
    published(fixture.publish(draft("user:a")).await);
    fixture.store.ping().await.unwrap();
}

#[tokio::test]
async fn hooks_run_in_commit_order_also_when_the_caller_is_gone() {
    let fixture = Fixture::new().await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for number in 0..200 {
        let (store, order) = (fixture.store.clone(), Arc::clone(&order));
        let task = tokio::spawn(async move {
            let change = store.write_then(
                |tx| Box::pin(async move { tx.put_user(&UserProfile::new(user("a")), at(0)).await }),
                move |_| order.lock().unwrap().push(number),
            );
            // Every other caller leaves as soon as the change is accepted.
            if number % 2 == 0 {
                drop(tokio::time::timeout(std::time::Duration::ZERO, change).await);
            } else {
                drop(change.await);
            }
        });
        tasks.push(task);
    }
    for task in tasks {
        task.await.unwrap();
    }
    fixture.store.close().await;
    let order = order.lock().unwrap();
    assert!((1..200).step_by(2).all(|number| order.contains(&number)));
}

#[tokio::test]
async fn a_closed_store_refuses_and_keeps_what_it_accepted() {
    let mut fixture = Fixture::new().await;
    let accepted: Vec<_> = (0..50)
        .map(|_| {
            let (store, hook) = (fixture.store.clone(), fixture.landed.hook());
            tokio::spawn(async move { store.publish(draft("user:a"), hook).await })
        })
        .collect();
    tokio::task::yield_now().await;
    fixture.store.close().await;
    let mut done = 0;
    for one in accepted {
        match one.await.unwrap() {
            Ok(_) => done += 1,
            Err(StoreError::Closed) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let refused = fixture.store.publish(draft("user:a"), fixture.landed.hook()).await;
    assert!(matches!(refused, Err(StoreError::Closed)));
    assert!(matches!(fixture.store.ping().await, Err(StoreError::Closed)));
    fixture.reopen().await;
    assert_eq!(fixture.items("a").await.len(), done);
}

/// After a crash a start reads all of the log: 32 MiB of it at once must not make it grow without end.
#[tokio::test]
async fn the_log_stays_short_however_fast_it_is_written() {
    let world = Fixture::new().await;
    let text: Arc<str> = "x".repeat(256 * 1024).into();
    for _ in 0..5 {
        let drafts = (0..130).map(|_| Draft { tail: Arc::clone(&text), ..draft("user:anna") }).collect();
        world.store.publish_batch(drafts, world.landed.hook()).await.unwrap();
    }
    let log = std::fs::metadata(world.directory.path().join("oyez.db-wal")).unwrap().len();
    assert!(log < 125 * 1024 * 1024, "{log} bytes of log");
    assert_eq!(world.items("anna").await.len(), 650);
}
