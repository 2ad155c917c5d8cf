//! What a user has: where their stream stands, and the items in it.
//!
//! Plain values that the store reads and the gateway, the hub and the HTTP edge use.

use std::sync::Arc;

use oyez_protocol::{
    NotificationId, RoleName, Seq, TopicName, UserId,
    frame::server::{ItemTimes, push_item},
};

/// Where a user's stream stands, and what they may see: all that a greeting needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whose.
    pub user: UserId,
    /// The newest item's position; 0 when there never was one.
    pub head: Seq,
    /// Items neither read nor archived.
    pub unread: u64,
    /// Items neither seen nor archived.
    pub unseen: u64,
    /// Items up to and including this position are gone by retention.
    pub kept_after: Seq,
    /// The user may not use Oyez any more.
    pub disabled: bool,
    /// Roles the application set.
    pub roles: Vec<RoleName>,
    /// Roles the user's last token claimed.
    pub token_roles: Vec<RoleName>,
    /// Topics the user is a member of.
    pub topics: Vec<TopicName>,
    /// Some of the user's jobs have not ended.
    pub has_jobs: bool,
}

impl Standing {
    /// A user nobody has heard of: nothing in the inbox, no roles, no topics.
    pub fn unknown(user: UserId) -> Self {
        Self {
            user,
            head: Seq::ZERO,
            unread: 0,
            unseen: 0,
            kept_after: Seq::ZERO,
            disabled: false,
            roles: Vec::new(),
            token_roles: Vec::new(),
            topics: Vec::new(),
            has_jobs: false,
        }
    }
}

/// One item as it is stored: its own position and states, and the tail it shares with all recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredItem {
    /// Its position.
    pub seq: Seq,
    /// What it tells.
    pub notification: NotificationId,
    /// What the user did with it.
    pub times: ItemTimes,
    /// The frame from the second key on.
    pub tail: Arc<str>,
}

impl StoredItem {
    /// Appends the item as a JSON object, as replays, `history` and the HTTP inbox show it.
    pub fn push_json(&self, out: &mut String) {
        push_item(out, self.seq, &self.times, &self.tail);
    }
}

/// Appends items as a JSON array, in their order.
pub fn push_items(out: &mut String, items: &[StoredItem]) {
    out.reserve(items.iter().map(|item| item.tail.len() + 64).sum::<usize>() + 2);
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        item.push_json(out);
    }
    out.push(']');
}

/// Items in the order of their positions, read at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The items.
    pub items: Vec<StoredItem>,
    /// The newest item's position at that moment.
    pub head: Seq,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_an_array_of_their_frames() {
        let item = |seq| StoredItem {
            seq: Seq(seq),
            notification: "01930000-0000-7000-8000-000000000001".parse().unwrap(),
            times: ItemTimes::default(),
            tail: r#""type":"x"}"#.into(),
        };
        let mut out = String::new();
        push_items(&mut out, &[item(2), item(1)]);
        assert_eq!(out, r#"[{"seq":2,"type":"x"},{"seq":1,"type":"x"}]"#);
        out.clear();
        push_items(&mut out, &[]);
        assert_eq!(out, "[]");
    }
}
