//! Inbox changes that a connection could not be told yet, merged into the latest.

use std::collections::HashMap;

use oyez_protocol::{
    NotificationId,
    frame::server::{InboxChange, ItemState},
};

/// Most item states a merged change lists; with more, it says that everything may have changed.
const MOST_CHANGED: usize = 1_000;

/// The latest counts, and each changed item's latest state.
#[derive(Debug, Default)]
pub(super) struct Conflated {
    unread: u64,
    unseen: u64,
    changed: Vec<ItemState>,
    place: HashMap<NotificationId, usize>,
    all: bool,
}

impl Conflated {
    /// Takes a later change in.
    pub(super) fn merge(&mut self, change: &InboxChange) {
        (self.unread, self.unseen) = (change.unread, change.unseen);
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

    /// An item arrived after the change: the counts that will be told must include it.
    pub(super) fn landed(&mut self) {
        self.unread += 1;
        self.unseen += 1;
    }

    /// One change that says it all.
    pub(super) fn into_change(self) -> InboxChange {
        InboxChange { unread: self.unread, unseen: self.unseen, changed: self.changed, all: self.all }
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
        InboxChange { unread, unseen: 0, changed: ids.map(state).collect(), all: false }
    }

    #[test]
    fn the_latest_counts_and_the_latest_state_of_each_item_win() {
        let mut merged = Conflated::default();
        merged.merge(&change(9, 0..3, Some(Timestamp::from_millis(1))));
        merged.merge(&change(8, 2..4, None));
        merged.landed();
        let merged = merged.into_change();
        assert_eq!((merged.unread, merged.unseen, merged.changed.len(), merged.all), (9, 1, 4, false));
        assert_eq!(merged.changed[2].read_at, None);
    }

    #[test]
    fn too_many_items_become_all() {
        let mut merged = Conflated::default();
        merged.merge(&change(0, 0..1000, None));
        merged.merge(&change(0, 1000..1001, None));
        let merged = merged.into_change();
        assert!(merged.all && merged.changed.is_empty());
    }
}
