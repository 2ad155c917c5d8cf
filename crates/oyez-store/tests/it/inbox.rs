//! Items and marks: idempotent, and counted exactly whatever happens.

use oyez_core::inbox::StoredItem;
use oyez_protocol::{
    NotificationId, Seq,
    frame::{
        client::{MarkAction, Selection},
        server::InboxChange,
    },
};
use oyez_store::{InboxFilter, InboxStatus, Retention, Store};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::support::{Fixture, at, draft, draft_at, user};

async fn mark(
    store: &Store,
    name: &str,
    action: MarkAction,
    selection: Selection,
    second: i64,
) -> InboxChange {
    let user = user(name);
    let change =
        store.write(move |tx| Box::pin(async move { tx.mark(&user, action, &selection, at(second)).await }));
    change.await.unwrap()
}

async fn all_items(store: &Store, name: &str) -> Vec<StoredItem> {
    store.items_after(&user(name), Seq::ZERO, 10_000, usize::MAX).await.unwrap().items
}

/// Unread and unseen, counted again from the items.
fn recount(items: &[StoredItem]) -> (u64, u64) {
    let count = |is: fn(&&StoredItem) -> bool| items.iter().filter(is).count() as u64;
    (
        count(|item| item.times.read_at.is_none() && item.times.archived_at.is_none()),
        count(|item| item.times.seen_at.is_none() && item.times.archived_at.is_none()),
    )
}

async fn three(fixture: &Fixture) -> Vec<NotificationId> {
    let mut ids = Vec::new();
    for _ in 0..3 {
        let draft = draft("user:a");
        ids.push(draft.id);
        fixture.publish(draft).await;
    }
    ids
}

#[tokio::test]
async fn read_means_seen_too_and_marking_twice_changes_nothing() {
    let fixture = Fixture::new().await;
    let ids = three(&fixture).await;
    let one = || Selection::Ids(vec![ids[1]]);
    let read = mark(&fixture.store, "a", MarkAction::Read, one(), 5).await;
    assert_eq!((read.unread, read.unseen, read.all), (2, 2, false));
    let state = &read.changed[0];
    assert_eq!((state.id, state.seen_at, state.read_at), (ids[1], Some(at(5)), Some(at(5))));
    let again = mark(&fixture.store, "a", MarkAction::Read, one(), 9).await;
    assert_eq!((again.unread, again.unseen, again.changed.len()), (2, 2, 0));
    let unread = mark(&fixture.store, "a", MarkAction::Unread, one(), 10).await;
    assert_eq!((unread.unread, unread.unseen), (3, 2));
    assert_eq!((unread.changed[0].seen_at, unread.changed[0].read_at), (Some(at(5)), None));
}

#[tokio::test]
async fn archived_items_leave_the_counts_and_still_replay() {
    let fixture = Fixture::new().await;
    let ids = three(&fixture).await;
    let archived = mark(&fixture.store, "a", MarkAction::Archive, Selection::Ids(ids[..2].to_vec()), 5).await;
    assert_eq!((archived.unread, archived.unseen, archived.changed.len()), (1, 1, 2));
    let read = mark(&fixture.store, "a", MarkAction::Read, Selection::Ids(vec![ids[0]]), 6).await;
    assert_eq!((read.unread, read.unseen), (1, 1));
    let items = all_items(&fixture.store, "a").await;
    assert_eq!(items.len(), 3);
    assert_eq!((items[0].times.archived_at, items[0].times.read_at), (Some(at(5)), Some(at(6))));
}

#[tokio::test]
async fn all_up_to_a_position_leaves_what_came_later() {
    let fixture = Fixture::new().await;
    three(&fixture).await;
    let change = mark(&fixture.store, "a", MarkAction::Seen, Selection::All { up_to: Some(Seq(2)) }, 5).await;
    assert_eq!((change.unread, change.unseen, change.changed.len()), (3, 1, 2));
    let nobody = mark(&fixture.store, "nobody", MarkAction::Read, Selection::All { up_to: None }, 5).await;
    assert_eq!((nobody.unread, nobody.changed.len()), (0, 0));
    let foreign =
        mark(&fixture.store, "a", MarkAction::Read, Selection::Ids(vec![draft("user:b").id]), 5).await;
    assert_eq!((foreign.unread, foreign.changed.len()), (3, 0));
}

#[tokio::test]
async fn a_change_of_thousands_says_all_instead_of_listing() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        let drafts = (0..900).map(|_| draft("user:a")).collect();
        fixture.store.publish_batch(drafts, fixture.landed.hook()).await.unwrap();
    }
    let change = mark(&fixture.store, "a", MarkAction::Read, Selection::All { up_to: None }, 5).await;
    assert_eq!((change.unread, change.unseen, change.changed.len(), change.all), (0, 0, 0, true));
    assert_eq!(recount(&all_items(&fixture.store, "a").await), (0, 0));
}

#[tokio::test]
async fn a_page_ends_at_its_limits_and_holds_one_item_at_least() {
    let fixture = Fixture::new().await;
    three(&fixture).await;
    let page = |after, limit, bytes| {
        let store = &fixture.store;
        async move { store.items_after(&user("a"), Seq(after), limit, bytes).await.unwrap() }
    };
    let seqs = |page: &oyez_core::inbox::Page| page.items.iter().map(|item| item.seq.0).collect::<Vec<_>>();
    assert_eq!(seqs(&page(0, 2, usize::MAX).await), [1, 2]);
    assert_eq!(seqs(&page(1, 9, 1).await), [2]);
    let end = page(3, 9, 1).await;
    assert_eq!((seqs(&end), end.head), (Vec::new(), Seq(3)));
    let unknown = fixture.store.items_after(&user("nobody"), Seq::ZERO, 9, 9).await.unwrap();
    assert_eq!(unknown.head, Seq::ZERO);
}

#[tokio::test]
async fn a_filter_shows_the_newest_first() {
    let fixture = Fixture::new().await;
    let ids = three(&fixture).await;
    let mut other = draft("user:a");
    other.kind = "other".into();
    fixture.publish(other).await;
    mark(&fixture.store, "a", MarkAction::Read, Selection::Ids(vec![ids[0]]), 5).await;
    mark(&fixture.store, "a", MarkAction::Archive, Selection::Ids(vec![ids[1]]), 5).await;
    let seqs = |status, kind: Option<&str>, before: Option<u64>, limit| {
        let filter = InboxFilter { status, kind: kind.map(str::to_owned), before: before.map(Seq), limit };
        let store = &fixture.store;
        async move {
            let page = store.inbox_page(&user("a"), &filter).await.unwrap();
            page.iter().map(|item| item.seq.0).collect::<Vec<_>>()
        }
    };
    assert_eq!(seqs(InboxStatus::All, None, None, 0).await, [4, 3, 2, 1]);
    assert_eq!(seqs(InboxStatus::Active, None, Some(4), 1).await, [3]);
    assert_eq!(seqs(InboxStatus::Unread, None, None, 9).await, [4, 3]);
    assert_eq!(seqs(InboxStatus::Unseen, Some("other"), None, 9).await, [4]);
    assert_eq!(seqs(InboxStatus::Read, None, None, 9).await, [1]);
    assert_eq!(seqs(InboxStatus::Archived, None, None, 9).await, [2]);
    let item = fixture.store.inbox_item(&user("a"), ids[1]).await.unwrap().unwrap();
    assert_eq!((item.seq, item.times.archived_at), (Seq(2), Some(at(5))));
    assert!(fixture.store.inbox_item(&user("b"), ids[1]).await.unwrap().is_none());
}

#[derive(Debug, Clone)]
enum Step {
    Publish { expires: bool },
    Mark { action: MarkAction, chosen: Vec<usize> },
    MarkAll { action: MarkAction, up_to: Option<u64> },
    Expire,
    Retain { most: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    use MarkAction::{Archive, Read, Seen, Unread};
    let action = prop_oneof![Just(Seen), Just(Read), Just(Unread), Just(Archive)];
    prop_oneof![
        4 => any::<bool>().prop_map(|expires| Step::Publish { expires }),
        4 => (action.clone(), prop::collection::vec(0..12_usize, 1..4))
            .prop_map(|(action, chosen)| Step::Mark { action, chosen }),
        2 => (action, prop::option::of(0..12_u64)).prop_map(|(action, up_to)| Step::MarkAll { action, up_to }),
        1 => Just(Step::Expire),
        1 => (1..8_u64).prop_map(|most| Step::Retain { most }),
    ]
}

async fn take(fixture: &Fixture, ids: &mut Vec<NotificationId>, second: i64, step: Step) {
    let store = &fixture.store;
    match step {
        Step::Publish { expires } => {
            let mut draft = draft_at("user:a user:b", second);
            draft.expires_at = expires.then(|| at(second + 5));
            ids.push(draft.id);
            fixture.publish(draft).await;
        }
        Step::Mark { action, chosen } => {
            let chosen = chosen.iter().filter_map(|index| ids.get(*index).copied()).collect();
            mark(store, "a", action, Selection::Ids(chosen), second).await;
        }
        Step::MarkAll { action, up_to } => {
            mark(store, "a", action, Selection::All { up_to: up_to.map(Seq) }, second).await;
        }
        Step::Expire => {
            store.write(move |tx| Box::pin(async move { tx.expire(at(second), 3).await })).await.unwrap();
        }
        Step::Retain { most } => {
            let retention = Retention { max_items: Some(most), max_age: None };
            let retain =
                store.write(move |tx| Box::pin(async move { tx.retain(&retention, at(second), 3).await }));
            retain.await.unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn counts_equal_a_recount_after_any_operations(steps in prop::collection::vec(step(), 1..40)) {
        Runtime::new().unwrap().block_on(async {
            let fixture = Fixture::new().await;
            let mut ids = Vec::new();
            for (second, step) in (0..).zip(steps) {
                take(&fixture, &mut ids, second, step).await;
                let users = [user("a"), user("b")];
                for (name, standing) in ["a", "b"].iter().zip(fixture.store.standings(&users).await.unwrap()) {
                    let items = all_items(&fixture.store, name).await;
                    assert_eq!((standing.unread, standing.unseen), recount(&items), "{name}");
                    let seqs: Vec<u64> = items.iter().map(|item| item.seq.0).collect();
                    let kept: Vec<u64> = (standing.kept_after.0 + 1..=standing.head.0).collect();
                    assert_eq!(seqs, kept, "{name}");
                }
            }
        });
    }
}
