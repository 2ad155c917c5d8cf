//! What clients send: bytes to the peer, the peer's actions to the outbox, the index or the gateway.

use std::io::{self, Read};

use mio::event::Event;
use oyez_protocol::BoardName;

use super::Shard;
use crate::hub::{
    Ask, command::Question, connection::Phase, index::Slot, outbox::Piece, peer::Action, stats::Counters,
};

/// Reads in one turn of one connection, so that one that never stops sending does not keep the others waiting.
const READS_PER_TURN: usize = 4;
/// Topics one connection may choose to hear or not to hear.
pub(super) const MOST_CHOICES: usize = 1_000;

impl Shard {
    /// A socket became readable, writable, or both.
    pub(super) fn ready(&mut self, event: &Event) {
        let slot = event.token().0 as Slot;
        if event.is_writable() || event.is_write_closed() {
            self.sockets.writable(slot);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            let Some(connection) = self.sockets.get(slot) else { return };
            connection.readable = true;
            connection.read_closed |= event.is_read_closed() || event.is_error();
            self.read(slot);
        }
    }

    /// Goes on with connections that had more to read than a turn takes.
    pub(super) fn read_on(&mut self) {
        for slot in std::mem::take(&mut self.readable) {
            if let Some(connection) = self.sockets.get(slot) {
                connection.read_later = false;
                self.read(slot);
            }
        }
    }

    pub(super) fn read(&mut self, slot: Slot) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..READS_PER_TURN {
            if !self.sockets.may_read(slot) {
                break;
            }
            let connection = &mut self.sockets.connections[slot as usize];
            if !connection.readable {
                break;
            }
            match connection.socket.read(&mut buffer) {
                Ok(0) => self.sockets.kill(slot),
                Ok(count) => {
                    // Less than asked for: nothing is left, and what comes next is announced.
                    connection.readable = count == buffer.len() || connection.read_closed;
                    connection.unanswered = 0;
                    Counters::add(&self.sockets.counters.bytes_received, count as u64);
                    self.received(slot, &mut buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => connection.readable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.sockets.kill(slot),
            }
        }
        self.buffer = buffer;
        self.read_later(slot);
    }

    /// Sees to it that the next turn goes on reading a socket that may have more.
    pub(super) fn read_later(&mut self, slot: Slot) {
        if !self.sockets.may_read(slot) {
            return;
        }
        let connection = &mut self.sockets.connections[slot as usize];
        if connection.readable && !std::mem::replace(&mut connection.read_later, true) {
            self.readable.push(slot);
        }
    }

    /// Gives bytes to the peer. Of a connection that is ending they are thrown away.
    pub(super) fn received(&mut self, slot: Slot, bytes: &mut [u8]) {
        let connection = &mut self.sockets.connections[slot as usize];
        if connection.phase == Phase::Open {
            connection.peer.received(bytes, self.now, &mut self.actions);
            self.act(slot);
        }
    }

    /// The command that was asked about is answered.
    pub(super) fn peer_answered(&mut self, slot: Slot) {
        let connection = &mut self.sockets.connections[slot as usize];
        connection.peer.answered(self.now, &mut self.actions);
        self.act(slot);
    }

    /// Does what the peer wants. Frames in a row are one piece.
    fn act(&mut self, slot: Slot) {
        let format = self.sockets.connections[slot as usize].format;
        let mut actions = std::mem::take(&mut self.actions);
        let mut own = Vec::new();
        for action in actions.drain(..) {
            match action {
                Action::Frame(text) => format.push_text(&mut own, &text),
                Action::Raw(bytes) => own.extend_from_slice(&bytes),
                Action::Ask(frame) => self.ask(slot, Question::Command(frame)),
                Action::Unsubscribe(topic) => {
                    if let Some(Ok(board)) = BoardName::of_topic(&topic) {
                        self.refuse_board(slot, &board);
                    } else if self.index.choices(slot) < MOST_CHOICES {
                        self.index.unsubscribe(slot, &topic);
                    }
                }
                Action::Close(code, reason) => {
                    self.push_own(slot, &mut own);
                    self.close(slot, code, &reason);
                }
                Action::End => {
                    self.push_own(slot, &mut own);
                    self.end(slot);
                }
            }
        }
        self.push_own(slot, &mut own);
        self.actions = actions;
    }

    fn push_own(&mut self, slot: Slot, own: &mut Vec<u8>) {
        if !own.is_empty() {
            self.sockets.push(slot, Piece::kept(std::mem::take(own).into()));
        }
    }

    pub(super) fn ask(&mut self, slot: Slot, question: Question) {
        let connection = &self.sockets.connections[slot as usize];
        let ask = Ask { connection: connection.id, user: connection.user.clone(), question };
        self.waiting_asks.push_back(ask);
    }

    /// Asks for the next page when the socket has taken all and items are missing.
    pub(super) fn next_page(&mut self, slot: Slot) {
        let Some(connection) = self.sockets.get(slot) else { return };
        if !connection.is_open() || connection.blocked || !connection.outbox.is_empty() {
            return;
        }
        let format = connection.format;
        if let Some(after) = connection.cursor.next_page() {
            Counters::add(&self.sockets.counters.pages, 1);
            let max_bytes = self.sockets.page_bytes();
            self.ask(slot, Question::Page { after, format, max_bytes });
        }
    }
}
