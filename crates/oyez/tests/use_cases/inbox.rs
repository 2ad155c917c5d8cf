use std::sync::Arc;

use oyez::inbox::{InboxError, ItemPatch};
use oyez_protocol::{
    ErrorCode, NotificationId, Seq,
    frame::{
        client::{MarkAction, Selection},
        server::InboxChange,
    },
};
use oyez_store::Retention;

use crate::world::{World, user};

async fn mark(world: &World, action: MarkAction, id: NotificationId) -> Arc<InboxChange> {
    world.inboxes.mark(&user("a"), action, Selection::Ids(vec![id])).await.unwrap()
}

#[tokio::test]
async fn a_mark_is_announced_with_exact_counts_and_only_when_it_changed_something() {
    let mut world = World::new().await;
    let first = world.tell("user:a").await;
    world.tell("user:a").await;
    world.heard();

    let change = mark(&world, MarkAction::Read, first).await;
    assert_eq!((change.unread, change.unseen, change.changed.len()), (1, 1, 1));
    assert_eq!(change.changed[0].read_at, Some(world.now()));
    assert_eq!(world.heard(), ["inbox a unread=1 unseen=1 changed=1 all=false"]);

    world.hand.advance(5);
    let again = mark(&world, MarkAction::Read, first).await;
    assert_eq!((again.unread, again.unseen, again.changed.len()), (1, 1, 0));
    assert!(world.heard().is_empty(), "nothing changed");

    let unread = mark(&world, MarkAction::Unread, first).await;
    assert_eq!((unread.unread, unread.unseen), (2, 1), "unread, but seen");
    let all =
        world.inboxes.mark(&user("a"), MarkAction::Archive, Selection::All { up_to: None }).await.unwrap();
    assert_eq!((all.unread, all.unseen), (0, 0));
    assert_eq!(world.counts("a").await, (0, 0));
}

#[tokio::test]
async fn nobody_marks_or_reads_what_is_not_theirs() {
    let mut world = World::new().await;
    let item = world.tell("user:a").await;
    world.heard();
    let change = world.inboxes.mark(&user("b"), MarkAction::Read, Selection::Ids(vec![item])).await.unwrap();
    assert!(change.changed.is_empty());
    let patch = ItemPatch { read: Some(true), ..ItemPatch::default() };
    let refused = world.inboxes.patch(&user("b"), item, patch).await.unwrap_err();
    assert!(matches!(refused, InboxError::NotFound(id) if id == item));
    assert!(matches!(world.inboxes.item(&user("b"), item).await, Err(InboxError::NotFound(_))));
    assert!(world.heard().is_empty());
    assert_eq!(world.counts("a").await, (1, 1));
}

#[tokio::test]
async fn a_patch_changes_all_it_names_at_once() {
    let mut world = World::new().await;
    let item = world.tell("user:a").await;
    world.heard();
    let patch = ItemPatch { seen: Some(true), read: Some(true), archived: Some(true) };
    let after = world.inboxes.patch(&user("a"), item, patch).await.unwrap();
    let now = Some(world.now());
    assert_eq!((after.times.seen_at, after.times.read_at, after.times.archived_at), (now, now, now));
    assert_eq!(world.heard(), ["inbox a unread=0 unseen=0 changed=1 all=false"]);

    for patch in [
        ItemPatch { seen: Some(false), ..ItemPatch::default() },
        ItemPatch { archived: Some(false), ..ItemPatch::default() },
    ] {
        let refused = world.inboxes.patch(&user("a"), item, patch).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Invalid);
    }
    let untouched = world.inboxes.patch(&user("a"), item, ItemPatch::default()).await.unwrap();
    assert_eq!(untouched, after);
}

#[tokio::test]
async fn changes_go_on_where_the_client_stopped() {
    let world = World::new().await;
    for _ in 0..5 {
        world.tell("user:a").await;
    }
    let seqs =
        |changes: &oyez::inbox::Changes| changes.page.items.iter().map(|item| item.seq.0).collect::<Vec<_>>();
    let first = world.inboxes.changes(&user("a"), Seq(1), 2).await.unwrap();
    assert_eq!((seqs(&first), first.has_more, first.reset), (vec![2, 3], true, false));
    let rest = world.inboxes.changes(&user("a"), Seq(3), 10).await.unwrap();
    assert_eq!((seqs(&rest), rest.has_more, rest.page.head), (vec![4, 5], false, Seq(5)));
    let none = world.inboxes.changes(&user("a"), Seq(5), 10).await.unwrap();
    assert_eq!((seqs(&none), none.has_more, none.reset), (vec![], false, false));
    let foreign = world.inboxes.changes(&user("a"), Seq(99), 10).await.unwrap();
    assert_eq!((seqs(&foreign), foreign.reset), (vec![1, 2, 3, 4, 5], true));
}

#[tokio::test]
async fn changes_after_what_retention_took_begin_anew() {
    let mut world = World::new().await;
    for _ in 0..5 {
        world.tell("user:a").await;
    }
    world.heard();
    let care = world.takes_care(Retention { max_age: None, max_items: Some(2) });
    let line = world.hears().await;
    assert!(line.starts_with("inbox a unread=2 unseen=2"), "{line}");
    care.stop().await;
    let changes = world.inboxes.changes(&user("a"), Seq(1), 10).await.unwrap();
    let seqs: Vec<_> = changes.page.items.iter().map(|item| item.seq.0).collect();
    assert_eq!((seqs, changes.reset), (vec![4, 5], true));
    let changes = world.inboxes.changes(&user("a"), Seq(3), 10).await.unwrap();
    assert!(!changes.reset, "4 follows 3");
}
