//! The boards that one connection watches: of each only the version it was sent, never what it was not.
//!
//! What changed is sent at once to a connection that has the version before and whose socket takes it. Any other is
//! told later, in one step from what it has to what is there then, one board after the other.

use oyez_protocol::BoardName;

/// What to do with a change of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The connection has it, or does not watch the board.
    Old,
    /// The frame goes out.
    Send,
    /// It is asked for when there is room.
    Later,
}

/// From which version a frame leads to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// A patch: from this one.
    Version(u64),
    /// The whole: from any.
    Any,
    /// There is no frame.
    Nowhere,
}

/// What a connection watches.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// It watches every board that its user may see.
    all: bool,
    entries: Vec<Entry>,
    /// The board that was asked for and has not come.
    asking: Option<BoardName>,
    /// Counts what was asked for: an answer to an earlier question counts no more.
    turn: u32,
}

#[derive(Debug)]
struct Entry {
    name: BoardName,
    /// What it was sent; 0: nothing, or that there is none.
    sent: u64,
    /// What there is; 0: no such board.
    head: u64,
    /// The client said that it wants it, or does not want it.
    wanted: Option<bool>,
}

impl Watched {
    /// Watches these, and with `all` whatever its user may see.
    pub(super) fn new(all: bool, chosen: &[BoardName]) -> Self {
        let entry = |name: &BoardName| Entry { name: name.clone(), sent: 0, head: 0, wanted: Some(true) };
        Self { all, entries: chosen.iter().map(entry).collect(), asking: None, turn: 0 }
    }

    /// Whether it watches every board that its user may see.
    pub(super) fn watches_all(&self) -> bool {
        self.all
    }

    /// How many boards were chosen, or refused, by the client.
    pub(super) fn choices(&self) -> usize {
        self.entries.iter().filter(|entry| entry.wanted.is_some()).count()
    }

    /// The boards it watches now.
    pub(super) fn names(&self) -> Vec<BoardName> {
        let watched = self.entries.iter().filter(|entry| entry.wanted != Some(false));
        watched.map(|entry| entry.name.clone()).collect()
    }

    /// The client wants a board; it is sent anew.
    pub(super) fn choose(&mut self, name: &BoardName, head: u64) {
        let entry = self.entry(name);
        *entry = Entry { name: name.clone(), sent: 0, head, wanted: Some(true) };
    }

    /// The client does not want a board any more.
    pub(super) fn refuse(&mut self, name: &BoardName) {
        if self.all {
            self.entry(name).wanted = Some(false);
        } else {
            self.entries.retain(|entry| entry.name != *name);
        }
    }

    /// The user may see a board that is at `head`. Returns whether it is watched now and was not before.
    pub(super) fn allow(&mut self, name: &BoardName, head: u64) -> bool {
        if let Some(entry) = self.find(name) {
            entry.head = entry.head.max(head);
            return false;
        }
        if self.all {
            self.entries.push(Entry { name: name.clone(), sent: 0, head, wanted: None });
        }
        self.all
    }

    /// The user may not see a board, or it is gone with `version`. Returns what the client must be told: the version
    /// that ended, if it has seen anything. With `keep` a chosen one is watched on, in case it is made again.
    pub(super) fn take_away(&mut self, name: &BoardName, version: u64, keep: bool) -> Option<u64> {
        // What was asked for before may not arrive any more.
        self.asking.take_if(|asked| asked == name);
        let entry = self.find(name)?;
        let had = entry.sent;
        (entry.sent, entry.head) = (0, 0);
        let stays = entry.wanted == Some(false) || keep && entry.wanted.is_some();
        if !stays {
            self.entries.retain(|entry| entry.name != *name);
        }
        (had > 0).then(|| version.max(had))
    }

    /// A board is at `version`, and a frame leads there. `ready`: the socket takes it.
    pub(super) fn moved(&mut self, name: &BoardName, version: u64, from: From, ready: bool) -> Step {
        let asking = self.asking.is_some();
        let Some(entry) = self.find(name) else { return Step::Old };
        if entry.wanted == Some(false) || version <= entry.sent {
            return Step::Old;
        }
        entry.head = entry.head.max(version);
        let leads = match from {
            From::Version(from) => from == entry.sent,
            From::Any => true,
            From::Nowhere => false,
        };
        // What was asked for may lead to a version before this one.
        if ready && leads && !asking && version == entry.head {
            entry.sent = version;
            return Step::Send;
        }
        Step::Later
    }

    /// The next board to ask for, the version that the client has of it, and the number of the question.
    pub(super) fn next(&mut self) -> Option<(BoardName, u64, u32)> {
        if self.asking.is_some() {
            return None;
        }
        let behind = |entry: &&Entry| entry.wanted != Some(false) && entry.sent < entry.head;
        let found = self.entries.iter().find(behind).map(|entry| (entry.name.clone(), entry.sent));
        let (name, has) = found?;
        self.asking = Some(name.clone());
        self.turn = self.turn.wrapping_add(1);
        Some((name, has, self.turn))
    }

    /// A question is answered. Returns what was asked for, unless that counts no more.
    pub(super) fn answered(&mut self, turn: u32) -> Option<BoardName> {
        if turn == self.turn { self.asking.take() } else { None }
    }

    /// What was asked for leads from `has` to `version`. Returns whether it is still wanted.
    pub(super) fn came(&mut self, name: &BoardName, has: u64, version: u64) -> bool {
        let Some(entry) = self.find(name) else { return false };
        if entry.wanted == Some(false) || entry.sent != has {
            return false;
        }
        // Nothing newer than what it has: what was announced was wrong.
        entry.head = if version > has { entry.head.max(version) } else { version };
        entry.sent = version;
        version > has
    }

    fn find(&mut self, name: &BoardName) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.name == *name)
    }

    fn entry(&mut self, name: &BoardName) -> &mut Entry {
        let place = self.entries.iter().position(|entry| entry.name == *name).unwrap_or_else(|| {
            self.entries.push(Entry { name: name.clone(), sent: 0, head: 0, wanted: None });
            self.entries.len() - 1
        });
        &mut self.entries[place]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> BoardName {
        BoardName::new(text).unwrap()
    }

    #[test]
    fn the_next_version_is_sent_and_a_gap_is_asked_for() {
        let mut watched = Watched::new(true, &[]);
        assert!(watched.allow(&name("a"), 3));
        assert_eq!(watched.next(), Some((name("a"), 0, 1)));
        assert_eq!(
            watched.moved(&name("a"), 4, From::Version(3), true),
            Step::Later,
            "it is being asked for"
        );
        assert_eq!((watched.answered(7), watched.answered(1)), (None, Some(name("a"))));
        assert!(watched.came(&name("a"), 0, 4));
        assert_eq!(watched.next(), None);
        assert_eq!(watched.moved(&name("a"), 5, From::Version(4), true), Step::Send);
        assert_eq!(watched.moved(&name("a"), 5, From::Version(4), true), Step::Old);
        assert_eq!(watched.moved(&name("a"), 7, From::Version(6), true), Step::Later, "a gap");
        assert_eq!(watched.next(), Some((name("a"), 5, 2)));
        assert!(watched.answered(2).is_some() && watched.came(&name("a"), 5, 7));
        assert_eq!(
            watched.moved(&name("a"), 9, From::Any, true),
            Step::Send,
            "the whole leads from anywhere"
        );
        assert_eq!(watched.moved(&name("a"), 10, From::Version(9), false), Step::Later, "the socket is full");
    }

    #[test]
    fn what_was_taken_away_is_told_once_and_may_come_back() {
        let mut watched = Watched::new(true, &[name("mine")]);
        watched.allow(&name("a"), 1);
        watched.next();
        assert!(watched.answered(1).is_some() && watched.came(&name("a"), 0, 1));
        assert_eq!(watched.take_away(&name("a"), 2, true), Some(2));
        assert_eq!(watched.take_away(&name("a"), 2, true), None);
        assert_eq!(watched.take_away(&name("mine"), 9, true), None, "it has seen nothing of it");
        assert_eq!(watched.names(), [name("mine")]);
        assert!(watched.allow(&name("a"), 3));
        assert_eq!(watched.next(), Some((name("a"), 0, 2)));
        watched.take_away(&name("a"), 4, true);
        assert_eq!(watched.answered(2), None, "asked before it was taken away");
    }

    #[test]
    fn what_a_client_refuses_stays_away() {
        let mut watched = Watched::new(true, &[]);
        watched.allow(&name("a"), 1);
        watched.refuse(&name("a"));
        assert!(!watched.allow(&name("a"), 2));
        assert_eq!((watched.next(), watched.moved(&name("a"), 3, From::Any, true)), (None, Step::Old));
        watched.choose(&name("a"), 3);
        assert_eq!(watched.next(), Some((name("a"), 0, 1)));
    }

    proptest! {
        // Announcements are lost and repeated, sockets fill, answers come late; heads are checked at the end.
        #[test]
        fn versions_only_grow_and_the_last_one_arrives(
            steps in proptest::collection::vec((0u8..4, 1u64..30, any::<bool>()), 0..200),
        ) {
            let (board, head) = (name("b"), 30);
            let mut watched = Watched::new(true, &[]);
            watched.allow(&board, 1);
            let (mut sent, mut asked, mut present) = (0, None, 1);
            for (kind, version, flag) in steps {
                present = present.max(version);
                match kind {
                    0 | 1 => {
                        let from = if flag { From::Version(version - 1) } else { From::Any };
                        if watched.moved(&board, version, from, flag || kind == 0) == Step::Send {
                            prop_assert!(version > sent && (from == From::Any || sent == version - 1));
                            sent = version;
                        }
                    }
                    2 => asked = asked.or_else(|| watched.next()),
                    _ => if let Some((_, has, turn)) = asked.take()
                        && watched.answered(turn).is_some()
                        && watched.came(&board, has, present) {
                        prop_assert!(has == sent && present > sent);
                        sent = present;
                    },
                }
            }
            watched.moved(&board, head, From::Nowhere, true);
            if let Some((_, has, turn)) = asked.or_else(|| watched.next())
                && watched.answered(turn).is_some()
                && watched.came(&board, has, head) {
                sent = head;
            }
            prop_assert_eq!((sent, watched.next()), (head, None));
        }
    }
}
