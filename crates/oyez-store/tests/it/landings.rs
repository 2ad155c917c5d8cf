//! Items are read alike wherever they are kept: fresh in their inbox's row, or in their places.

use oyez_core::inbox::StoredItem;
use oyez_protocol::{
    Seq,
    frame::client::{MarkAction, Selection},
};
use oyez_store::{InboxFilter, InboxStatus, Store};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::support::{Fixture, at, draft, options, user};

/// More than are placed together, twice over.
const MANY: u64 = 70;

fn seqs(items: &[StoredItem]) -> Vec<u64> {
    items.iter().map(|item| item.seq.0).collect()
}

async fn page(store: &Store, status: InboxStatus, before: u64, limit: u32) -> Vec<u64> {
    let filter = InboxFilter { status, before: Some(Seq(before)), limit, ..InboxFilter::default() };
    seqs(&store.inbox_page(&user("a"), &filter).await.unwrap())
}

#[tokio::test]
async fn every_page_is_whole_at_every_length_of_the_inbox() {
    let fixture = Fixture::new().await;
    for head in 1..=MANY {
        fixture.publish(draft("user:a user:b")).await;
        let from = head.saturating_sub(40);
        let after = fixture.store.items_after(&user("a"), Seq(from), 30, usize::MAX).await.unwrap();
        assert_eq!(seqs(&after.items), (from + 1..=head.min(from + 30)).collect::<Vec<_>>());
        assert_eq!(after.head, Seq(head));
        let newest: Vec<u64> = (1..=head).rev().take(40).collect();
        for status in [InboxStatus::All, InboxStatus::Active, InboxStatus::Unread, InboxStatus::Unseen] {
            assert_eq!(page(&fixture.store, status, head + 1, 40).await, newest, "{status:?}");
        }
        let older: Vec<u64> = (1..head).rev().take(5).collect();
        assert_eq!(page(&fixture.store, InboxStatus::Active, head, 5).await, older);
        assert!(page(&fixture.store, InboxStatus::Read, head + 1, 40).await.is_empty());
    }
}

#[tokio::test]
async fn a_mark_finds_an_item_that_is_fresh_and_one_that_is_not() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for _ in 0..MANY {
        let draft = draft("user:a");
        ids.push(draft.id);
        fixture.publish(draft).await;
    }
    for id in [ids[0], ids[MANY as usize - 1]] {
        let mark = fixture.store.write(move |tx| {
            Box::pin(
                async move { tx.mark(&user("a"), MarkAction::Read, &Selection::Ids(vec![id]), at(5)).await },
            )
        });
        assert_eq!(mark.await.unwrap().changed.len(), 1);
        let item = fixture.store.inbox_item(&user("a"), id).await.unwrap().unwrap();
        assert_eq!(item.times.read_at, Some(at(5)));
    }
    assert_eq!(page(&fixture.store, InboxStatus::Read, MANY + 1, 40).await, [MANY, 1]);
    let receipts = fixture.store.receipts(ids[0], None, 10).await.unwrap();
    assert_eq!((receipts.len(), receipts[0].times.read_at), (1, Some(at(5))));
}

/// A database as the first version of the tables left it: two users with two items each, one of them read.
async fn earlier(directory: &TempDir) {
    let path = options(directory).path;
    let connect = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&connect).await.unwrap();
    let start = include_str!("../../migrations/sqlite/0001_start.sql");
    let checksum: String = Sha256::digest(start).iter().map(|byte| format!("{byte:02x}")).collect();
    for sql in [
        "PRAGMA application_id = 1331250522".to_owned(),
        start.to_owned(),
        format!("INSERT INTO migrations VALUES (1, 'start', '{checksum}')"),
        "INSERT INTO users (num, id, created_at) VALUES (1, 'a', 0), (2, 'b', 0)".to_owned(),
        "INSERT INTO notifications (num, id, kind, tail, audience, state, created_at, lands_at, recipients)
         VALUES (1, x'00000000000000000000000000000001', 'k', '}', '[]', 'sent', 0, 0, 2),
                (2, x'00000000000000000000000000000002', 'k', '}', '[]', 'sent', 0, 0, 2)"
            .to_owned(),
        "INSERT INTO inboxes (user, head, unread, unseen) VALUES (1, 2, 1, 1), (2, 2, 2, 2)".to_owned(),
        "INSERT INTO items VALUES (1, 1, 1, 7, 7, NULL), (1, 2, 2, NULL, NULL, NULL),
                                  (2, 1, 2, NULL, NULL, NULL), (2, 2, 1, NULL, NULL, NULL)"
            .to_owned(),
    ] {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn items_of_an_earlier_version_are_there_with_their_marks() {
    let directory = TempDir::new().unwrap();
    earlier(&directory).await;
    let store = Store::open(&options(&directory)).await.unwrap();
    let items = store.items_after(&user("a"), Seq::ZERO, 10, usize::MAX).await.unwrap().items;
    assert_eq!(seqs(&items), [1, 2]);
    assert_eq!(items[0].times.read_at.map(|time| time.as_millis()), Some(7));
    let first = items[0].notification;
    let status = store.notification(first).await.unwrap().unwrap();
    assert_eq!((status.recipients, status.read), (2, 1));
    store.publish(draft("user:a user:b"), crate::support::Recorder::default().hook()).await.unwrap();
    for name in ["a", "b"] {
        let items = store.items_after(&user(name), Seq(1), 10, usize::MAX).await.unwrap().items;
        assert_eq!(seqs(&items), [2, 3], "{name}");
    }
    let unread = store.standing(&user("a")).await.unwrap().unread;
    assert_eq!(unread, 2);
}
