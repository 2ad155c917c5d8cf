//! Where a stream begins: right after what the client has, or with a snapshot, never silently in between.

use oyez_core::inbox::Standing;
use oyez_protocol::{Epoch, Seq};

/// Items a snapshot goes back.
const SNAPSHOT_ITEMS: u64 = 50;

/// What a client says it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claim {
    /// The last item it received.
    pub(super) since: Option<Seq>,
    /// The epoch in which that position counts, when it says so.
    pub(super) epoch: Option<String>,
}

/// How a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// With what comes next: the client asked for nothing older.
    Live,
    /// Right after the client's position.
    Resumed(Seq),
    /// With the newest items, because the client's position means nothing here.
    Snapshot {
        /// Items follow from right after this position.
        after: Seq,
        /// Why, for people.
        reason: &'static str,
    },
}

/// Decides from what the client claims and what the store has.
pub(super) fn start(claim: &Claim, epoch: &Epoch, standing: &Standing) -> Start {
    let Some(since) = claim.since else { return Start::Live };
    let snapshot = |reason| {
        let after = Seq(standing.head.0.saturating_sub(SNAPSHOT_ITEMS)).max(standing.kept_after);
        Start::Snapshot { after, reason }
    };
    if claim.epoch.as_deref().is_some_and(|theirs| theirs != &*epoch.0) {
        snapshot("the database was replaced: positions count anew")
    } else if since > standing.head {
        snapshot("the position lies after the newest item")
    } else if since < standing.kept_after {
        snapshot("the position is older than what is kept")
    } else {
        Start::Resumed(since)
    }
}

#[cfg(test)]
mod tests {
    use oyez_protocol::UserId;

    use super::*;

    fn begin(since: Option<u64>, epoch: Option<&str>, head: u64, kept_after: u64) -> Start {
        let mut standing = Standing::unknown(UserId::new("u").unwrap());
        (standing.head, standing.kept_after) = (Seq(head), Seq(kept_after));
        let claim = Claim { since: since.map(Seq), epoch: epoch.map(Into::into) };
        start(&claim, &Epoch("e".into()), &standing)
    }

    #[test]
    fn a_position_that_is_kept_is_resumed_exactly() {
        assert_eq!(begin(None, None, 100, 0), Start::Live);
        assert_eq!(begin(None, Some("x"), 100, 0), Start::Live);
        for since in [0, 40, 100] {
            assert_eq!(begin(Some(since), Some("e"), 100, 0), Start::Resumed(Seq(since)));
            assert_eq!(begin(Some(since), None, 100, 0), Start::Resumed(Seq(since)));
        }
        assert_eq!(begin(Some(30), None, 100, 30), Start::Resumed(Seq(30)));
    }

    #[test]
    fn a_position_that_means_nothing_gets_the_newest_items() {
        let after = |start| match start {
            Start::Snapshot { after, .. } => after,
            other => panic!("{other:?}"),
        };
        assert_eq!(after(begin(Some(40), Some("other"), 100, 0)), Seq(50));
        assert_eq!(after(begin(Some(101), None, 100, 0)), Seq(50));
        assert_eq!(after(begin(Some(10), None, 100, 30)), Seq(50));
        assert_eq!(after(begin(Some(10), None, 100, 90)), Seq(90), "no older than what is kept");
        assert_eq!(after(begin(Some(7), Some("other"), 3, 0)), Seq(0));
    }
}
