//! Where one connection stands in its user's inbox: a position, not a queue.
//!
//! Pure decisions: what is announced is sent, dropped, or left to be read from the store later. Whatever the order,
//! repetition or loss of announcements, the items sent are `start + 1, start + 2, …` without gap or repetition.

use oyez_protocol::Seq;

/// The position of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The last item handed to the socket.
    sent: Seq,
    /// The newest item known to exist.
    known: Seq,
    state: State,
}

/// What to do with an item that was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Hand it to the socket now.
    Send,
    /// It is news, and will come with a page.
    Later,
    /// Nothing: it was sent, or is known to be missing already.
    Old,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not an inbox stream: items are none of its business.
    Off,
    /// Registered before the store is read: what is announced meanwhile only raises `known`.
    Starting,
    /// Announced items follow `sent`, or a page will be asked for.
    Following,
    /// A page is being read.
    Paging,
}

impl Cursor {
    /// A stream without items.
    pub(super) fn off() -> Self {
        Self { sent: Seq::ZERO, known: Seq::ZERO, state: State::Off }
    }

    /// A stream whose position is not known yet.
    pub(super) fn starting() -> Self {
        Self { state: State::Starting, ..Self::off() }
    }

    /// The stream goes on right after `position`; the store holds items up to `head`.
    pub(super) fn start(&mut self, position: Seq, head: Seq) {
        if self.state == State::Starting {
            self.state = State::Following;
            self.sent = position;
            self.known = self.known.max(head).max(position);
        }
    }

    /// An item was announced. `room`: whether the socket takes it.
    pub(super) fn landed(&mut self, seq: Seq, room: bool) -> Verdict {
        if self.state == State::Off || seq <= self.known {
            return Verdict::Old;
        }
        let follows = self.state == State::Following && self.known == self.sent && seq == self.sent.next();
        self.known = seq;
        if follows && room {
            self.sent = seq;
            return Verdict::Send;
        }
        Verdict::Later
    }

    /// Items up to `head` exist: a head check, or a page, says so.
    pub(super) fn learn(&mut self, head: Seq) {
        if self.state != State::Off {
            self.known = self.known.max(head);
        }
    }

    /// The last item handed to the socket.
    pub(super) fn position(&self) -> Seq {
        self.sent
    }

    /// Whether nothing that is known to exist is missing.
    pub(super) fn is_caught_up(&self) -> bool {
        self.state == State::Off || (self.state == State::Following && self.sent >= self.known)
    }

    /// Where the next page starts, if one is wanted now; it counts as asked for from here on.
    pub(super) fn next_page(&mut self) -> Option<Seq> {
        let wanted = self.state == State::Following && self.sent < self.known;
        wanted.then(|| {
            self.state = State::Paging;
            self.sent
        })
    }

    /// A page was handed to the socket: it ends at `last`, and the newest item is `head`.
    pub(super) fn paged(&mut self, last: Seq, head: Seq) {
        if self.state == State::Paging {
            self.state = State::Following;
            self.sent = self.sent.max(last);
            self.known = self.known.max(head).max(self.sent);
        }
    }

    /// The page could not be read; it may be asked for again.
    pub(super) fn page_failed(&mut self) {
        self.paged(self.sent, self.known);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn following(position: u64) -> Cursor {
        let mut cursor = Cursor::starting();
        cursor.start(Seq(position), Seq(position));
        cursor
    }

    #[test]
    fn the_next_item_is_sent_and_an_old_one_dropped() {
        let mut cursor = following(5);
        assert_eq!(cursor.landed(Seq(6), true), Verdict::Send);
        assert_eq!(cursor.landed(Seq(6), true), Verdict::Old);
        assert_eq!(cursor.landed(Seq(3), true), Verdict::Old);
        assert!(cursor.is_caught_up());
    }

    #[test]
    fn a_gap_or_a_full_socket_is_read_from_the_store() {
        let mut cursor = following(5);
        assert_eq!(cursor.landed(Seq(8), true), Verdict::Later);
        assert_eq!(cursor.next_page(), Some(Seq(5)));
        assert_eq!(cursor.next_page(), None, "one page at a time");
        assert_eq!(cursor.landed(Seq(9), true), Verdict::Later, "it comes with a later page");
        cursor.paged(Seq(8), Seq(8));
        assert_eq!(cursor.next_page(), Some(Seq(8)));
        cursor.paged(Seq(9), Seq(9));
        assert!(cursor.is_caught_up());
        assert_eq!(cursor.landed(Seq(10), false), Verdict::Later, "the socket is full");
        assert_eq!(cursor.next_page(), Some(Seq(9)));
    }

    #[test]
    fn what_is_announced_before_the_start_is_neither_missed_nor_doubled() {
        let mut cursor = Cursor::starting();
        assert_eq!(cursor.landed(Seq(7), true), Verdict::Later);
        assert_eq!(cursor.landed(Seq(8), true), Verdict::Later);
        assert_eq!(cursor.next_page(), None);
        cursor.start(Seq(6), Seq(7));
        assert_eq!(cursor.next_page(), Some(Seq(6)));
    }

    #[test]
    fn a_stream_without_items_ignores_them() {
        let mut cursor = Cursor::off();
        cursor.start(Seq(1), Seq(9));
        cursor.learn(Seq(9));
        assert_eq!(cursor.landed(Seq(1), true), Verdict::Old);
        assert_eq!(cursor.next_page(), None);
        assert!(cursor.is_caught_up());
    }

    proptest! {
        // Announcements are lost, repeated and reordered; sockets fill; heads are checked at the end.
        #[test]
        fn every_item_is_sent_once_and_in_order_whatever_happens(
            start in 0u64..5,
            steps in proptest::collection::vec((0u8..4, 1u64..30, any::<bool>()), 0..200),
        ) {
            let head = 30;
            let mut cursor = following(start);
            let mut sent = Vec::new();
            let mut page = None;
            for (kind, seq, room) in steps {
                match kind {
                    0 | 1 => if cursor.landed(Seq(seq), room) == Verdict::Send { sent.push(seq) },
                    2 => page = page.or_else(|| cursor.next_page()),
                    _ => if let Some(Seq(after)) = page.take() {
                        let last = (after + 3).min(seq.max(after));
                        sent.extend(after + 1..=last);
                        cursor.paged(Seq(last), Seq(seq));
                    },
                }
            }
            cursor.learn(Seq(head));
            if let Some(Seq(after)) = page.or_else(|| cursor.next_page()) {
                sent.extend(after + 1..=head);
                cursor.paged(Seq(head), Seq(head));
            }
            prop_assert!(cursor.is_caught_up());
            prop_assert_eq!(sent, (start + 1..=head).collect::<Vec<_>>());
        }
    }
}
