//! Inbox changes that a connection could not be told yet, merged into the latest.

use std::collections::HashMap;

use oyez_protocol::{
    NotificationId, Seq,
    frame::server::{InboxChange, ItemState},
};

/// Most item states a merged change lists; with more, it says that everything may have changed.
const MOST_CHANGED: usize = 1_000;

/// The latest counts, and each changed item's latest state.
#[derive(Debug, Default)]
pub(super) struct Conflated {
    seq: Seq,
    unread: u64,
    unseen: u64,
    changed: Vec<ItemState>,
    place: HashMap<NotificationId, usize>,
    all: bool,
}

impl Conflated {
    /// Takes another change in. One that was announced late does not bring back older counts.
    pub(super) fn merge(&mut self, change: &InboxChange) {
        if change.seq >= self.seq {
            (self.seq, self.unread, self.unseen) = (change.seq, change.unread, change.unseen);
        }
        self.all |= change.all;
        for state in &change.changed {
            if let Some(&place) = self.place.get(&state.id) {
                self.changed[place] = state.clone();
            } else if self.changed.len() < MOST_CHANGED {
                self.place.insert(state.id, self.changed.len());
                self.changed.push(state.clone());
            } else {
                self.all = true;
            }
        }
        if self.all {
            (self.changed, self.place) = (Vec::new(), HashMap::new());
        }
    }

    /// One change that says it all to a client that has the items up to `position`.
    pub(super) fn told_at(self, position: Seq) -> InboxChange {
        let Self { seq, unread, unseen, changed, all, .. } = self;
        told_at(InboxChange { seq, unread, unseen, changed, all }, position)
    }
}

/// The change as it is for a client that has the items up to `position` already: those that landed after the change
/// are neither read nor seen, or a later change says so.
pub(super) fn told_at(change: InboxChange, position: Seq) -> InboxChange {
    let after = position.0.saturating_sub(change.seq.0);
    InboxChange {
        seq: change.seq.max(position),
        unread: change.unread + after,
        unseen: change.unseen + after,
        ..change
    }
}

#[cfg(test)]
mod tests {
    use oyez_protocol::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn change(unread: u64, ids: std::ops::Range<u128>, read: Option<Timestamp>) -> InboxChange {
        let state = |id| ItemState {
            id: NotificationId(Uuid::from_u128(id)),
            seen_at: None,
            read_at: read,
            archived_at: None,
        };
        let changed = ids.map(state).collect();
        InboxChange { seq: Seq(20 - unread), unread, unseen: 0, changed, all: false }
    }

    #[test]
    fn the_latest_counts_and_the_latest_state_of_each_item_win() {
        let mut merged = Conflated::default();
        merged.merge(&change(9, 0..3, Some(Timestamp::from_millis(1))));
        merged.merge(&change(8, 2..4, None));
        let merged = merged.told_at(Seq(12));
        assert_eq!((merged.unread, merged.unseen, merged.changed.len(), merged.all), (8, 0, 4, false));
        assert_eq!(merged.changed[2].read_at, None);
    }

    #[test]
    fn items_that_landed_after_the_change_count_on_top() {
        let mut merged = Conflated::default();
        merged.merge(&change(8, 0..1, None));
        let merged = merged.told_at(Seq(15));
        assert_eq!((merged.seq, merged.unread, merged.unseen), (Seq(15), 11, 3));
    }

    #[test]
    fn a_change_that_is_announced_late_does_not_bring_back_its_counts() {
        let mut merged = Conflated::default();
        merged.merge(&change(8, 0..1, None));
        merged.merge(&change(9, 1..2, None));
        let merged = merged.told_at(Seq(12));
        assert_eq!((merged.unread, merged.changed.len()), (8, 2));
    }

    #[test]
    fn too_many_items_become_all() {
        let mut merged = Conflated::default();
        merged.merge(&change(0, 0..1000, None));
        merged.merge(&change(0, 1000..1001, None));
        let merged = merged.told_at(Seq(20));
        assert!(merged.all && merged.changed.is_empty());
    }
}
