//! Boards: their present, their past, and what a deletion leaves.

use std::sync::Arc;

use oyez_core::board::{Board, Latest, State};
use oyez_protocol::{BoardName, RoleName, Timestamp};
use oyez_store::Store;
use serde_json::json;

use crate::support::{Fixture, at};

fn name(text: &str) -> BoardName {
    BoardName::new(text).unwrap()
}

fn state(pending: u64) -> State {
    json!({"pending": pending, "text": "ü\"\u{0}"}).as_object().unwrap().clone()
}

fn board(board: &str, version: u64, updated_at: Timestamp) -> Board {
    Board {
        name: name(board),
        version,
        state: Arc::new(state(version)),
        roles: Some(vec![RoleName::new("reviewer").unwrap()]),
        refresh: serde_json::from_str(r#"{"kind":"count","args":{"a":[1]},"queue":"reports"}"#).unwrap(),
        created_at: at(0),
        updated_at,
    }
}

async fn put(store: &Store, board: Board, keep: u32) {
    store.write(move |tx| Box::pin(async move { tx.put_board(&board, keep).await })).await.unwrap();
}

async fn delete(store: &Store, board: &str, version: u64) {
    let board = name(board);
    let deleting =
        store.write(move |tx| Box::pin(async move { tx.delete_board(&board, version, at(9)).await }));
    deleting.await.unwrap();
}

#[tokio::test]
async fn a_board_is_read_back_as_it_was_stored() {
    let mut fixture = Fixture::new().await;
    assert_eq!(fixture.store.board(&name("suppliers")).await.unwrap(), Latest::default());
    let stored = board("suppliers", 1, at(1));
    put(&fixture.store, stored.clone(), 50).await;
    fixture.reopen().await;
    let expected = Latest { version: 1, board: Some(stored) };
    assert_eq!(fixture.store.board(&name("suppliers")).await.unwrap(), expected);
    let read = fixture.store.write(|tx| Box::pin(async { tx.board(&name("suppliers")).await }));
    assert_eq!(read.await.unwrap(), expected);
    let plain = Board { roles: None, refresh: None, ..board("suppliers", 2, at(2)) };
    put(&fixture.store, plain.clone(), 50).await;
    assert_eq!(fixture.store.board(&name("suppliers")).await.unwrap().board, Some(plain));
}

#[tokio::test]
async fn the_last_versions_are_kept_and_no_more() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    for version in 1..=7 {
        put(store, board("suppliers", version, at(version as i64)), 4).await;
        put(store, board("other", version, at(0)), 4).await;
    }
    let history = store.board_history(&name("suppliers"), None, 10).await.unwrap();
    let versions: Vec<_> = history.iter().map(|past| (past.version, past.at, past.state.clone())).collect();
    let expected: Vec<_> =
        (4..=7).rev().map(|version| (version, at(version as i64), state(version))).collect();
    assert_eq!(versions, expected);
    let page = store.board_history(&name("suppliers"), Some(7), 2).await.unwrap();
    assert_eq!(page.iter().map(|past| past.version).collect::<Vec<_>>(), [6, 5]);
    assert_eq!(store.board_at(&name("suppliers"), 5).await.unwrap(), Some(state(5)));
    assert_eq!(store.board_at(&name("suppliers"), 3).await.unwrap(), None);
}

#[tokio::test]
async fn a_deleted_board_leaves_its_version_alone() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    put(store, board("suppliers", 1, at(1)), 50).await;
    delete(store, "suppliers", 2).await;
    assert_eq!(store.board(&name("suppliers")).await.unwrap(), Latest { version: 2, board: None });
    assert!(store.board_history(&name("suppliers"), None, 10).await.unwrap().is_empty());
    assert!(store.boards(None, 10).await.unwrap().is_empty());
    assert!(store.boards_to_refresh().await.unwrap().is_empty());
    let heads = store.board_heads().await.unwrap();
    assert_eq!((heads.len(), heads[0].version, heads[0].exists), (1, 2, false));
    assert_eq!(store.board_head(&name("suppliers")).await.unwrap().as_ref(), heads.first());
    assert_eq!(store.board_head(&name("other")).await.unwrap(), None);
    put(store, board("suppliers", 3, at(3)), 50).await;
    assert_eq!(store.board_history(&name("suppliers"), None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn boards_are_listed_by_name_without_their_documents() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    for board_name in ["c", "a", "b"] {
        put(store, board(board_name, 1, at(1)), 50).await;
    }
    put(store, Board { refresh: None, roles: None, ..board("d", 1, at(1)) }, 50).await;
    let page = store.boards(None, 2).await.unwrap();
    assert_eq!(page.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let page = store.boards(Some(&name("b")), 9).await.unwrap();
    assert_eq!(page.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["c", "d"]);
    let bytes = serde_json::to_string(&state(1)).unwrap().len() as u64;
    assert_eq!((page[0].bytes, page[0].refresh.as_ref().unwrap().as_str()), (bytes, "count"));
    assert_eq!((page[1].refresh.clone(), page[1].roles.clone()), (None, None));
    let refreshed = store.boards_to_refresh().await.unwrap();
    assert_eq!(refreshed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(store.board_heads().await.unwrap().len(), 4);
}
