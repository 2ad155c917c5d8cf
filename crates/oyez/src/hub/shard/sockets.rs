//! The connections of a shard and how bytes reach them: bounded outboxes, one write per socket and pass.

use std::sync::Arc;

use bytes::Bytes;
use mio::{Registry, Token};
use oyez_protocol::{Timestamp, frame::server};
use slab::Slab;

use crate::hub::{
    HubOptions,
    attach::ConnectionInfo,
    connection::{Connection, NEVER, Phase},
    index::Slot,
    outbox::{Flush, Piece},
    stats::Counters,
    wheel::Wheel,
};

pub(super) struct Sockets {
    pub(super) connections: Slab<Connection>,
    /// Those with something to write in this pass.
    pub(super) dirty: Vec<Slot>,
    /// Those whose socket broke or whose time is over.
    pub(super) dead: Vec<Slot>,
    pub(super) wheel: Wheel,
    pub(super) now: i64,
    pub(super) counters: Arc<Counters>,
    registry: Registry,
    bound: usize,
    write_timeout: i64,
}

impl Sockets {
    pub(super) fn new(
        options: &HubOptions,
        now: Timestamp,
        counters: Arc<Counters>,
        registry: Registry,
    ) -> Self {
        Self {
            connections: Slab::new(),
            dirty: Vec::new(),
            dead: Vec::new(),
            wheel: Wheel::new(now.as_millis()),
            now: now.as_millis(),
            counters,
            registry,
            bound: options.outbox_bytes,
            write_timeout: millis(options.write_timeout),
        }
    }

    pub(super) fn get(&mut self, slot: Slot) -> Option<&mut Connection> {
        self.connections.get_mut(slot as usize)
    }

    pub(super) fn infos(&self) -> Vec<ConnectionInfo> {
        self.connections.iter().map(|(_, connection)| connection.info()).collect()
    }

    /// Queues frames that must arrive.
    pub(super) fn push(&mut self, slot: Slot, piece: Piece) {
        self.make_way(slot, piece.len());
        let Some(connection) = self.connections.get_mut(slot as usize) else { return };
        connection.outbox.push(piece);
        mark_dirty(&mut self.dirty, connection, slot);
    }

    /// Queues live-only events; when the client does not read, the oldest events make room, or these are dropped.
    pub(super) fn push_events(&mut self, slot: Slot, body: Bytes, count: u32) {
        self.make_way(slot, body.len());
        let Some(connection) = self.connections.get_mut(slot as usize) else { return };
        let mut dropped = 0;
        if connection.blocked {
            dropped = connection.outbox.make_room(body.len(), self.bound);
            if connection.outbox.held() + body.len() > self.bound {
                Counters::add(&self.counters.events_dropped, u64::from(dropped + count));
                return;
            }
        }
        Counters::add(&self.counters.events_dropped, u64::from(dropped));
        Counters::add(&self.counters.events, u64::from(count));
        connection.outbox.push(Piece::events(body, count));
        mark_dirty(&mut self.dirty, connection, slot);
    }

    /// Writes early when a pass has gathered as much for one socket as may wait in memory.
    fn make_way(&mut self, slot: Slot, length: usize) {
        let bound = self.bound;
        let Some(connection) = self.get(slot) else { return };
        if !connection.blocked && !connection.outbox.is_empty() && connection.outbox.held() + length > bound {
            self.flush(slot);
        }
    }

    /// Whether the socket is read: not while answers to it wait over the bound.
    pub(super) fn may_read(&mut self, slot: Slot) -> bool {
        let bound = self.bound;
        self.get(slot).is_some_and(|connection| {
            !matches!(connection.phase, Phase::Greeting | Phase::Dead)
                && (!connection.blocked || connection.outbox.held() < bound)
        })
    }

    /// How many bytes a page for this connection may have.
    pub(super) fn page_bytes(&self) -> usize {
        self.bound
    }

    /// Gives a socket a turn in this pass although nothing new waits.
    pub(super) fn touch(&mut self, slot: Slot) {
        if let Some(connection) = self.connections.get_mut(slot as usize)
            && !connection.blocked
        {
            mark_dirty(&mut self.dirty, connection, slot);
        }
    }

    /// A socket says that it can be written again.
    pub(super) fn writable(&mut self, slot: Slot) {
        if let Some(connection) = self.connections.get_mut(slot as usize)
            && connection.blocked
        {
            connection.blocked = false;
            mark_dirty(&mut self.dirty, connection, slot);
        }
    }

    /// Takes a socket's turn in the pass: writes what waits, and then what waited for that. Returns whether nothing
    /// is left.
    pub(super) fn write(&mut self, slot: Slot) -> bool {
        let Some(connection) = self.get(slot) else { return false };
        connection.dirty = false;
        // Until the socket says that it takes more, trying would only cost a system call.
        if connection.blocked || !self.flush(slot) {
            return false;
        }
        let connection = &mut self.connections[slot as usize];
        if connection.phase == Phase::Open
            && let Some(jobs) = connection.held_jobs.take()
        {
            let mut body = Vec::new();
            for frame in jobs.into_frames() {
                connection.format.push_text(&mut body, &frame);
            }
            if !body.is_empty() {
                connection.outbox.push(Piece::kept(body.into()));
                if !self.flush(slot) {
                    return false;
                }
            }
        }
        let connection = &mut self.connections[slot as usize];
        if connection.phase == Phase::Open
            && connection.cursor.is_caught_up()
            && let Some(change) = connection.held_change.take()
        {
            let mut body = Vec::new();
            let change = change.told_at(connection.cursor.position());
            connection.format.push_text(&mut body, &server::inbox(&change));
            connection.outbox.push(Piece::kept(body.into()));
            return self.flush(slot);
        }
        true
    }

    /// Writes what the socket takes. Returns whether nothing is left.
    fn flush(&mut self, slot: Slot) -> bool {
        let now = self.now;
        let (write_timeout, connection) = (self.write_timeout, &mut self.connections[slot as usize]);
        if connection.phase == Phase::Dead {
            return false;
        }
        let Ok((outcome, written)) = connection.outbox.write_to(&mut connection.socket) else {
            self.kill(slot);
            return false;
        };
        Counters::add(&self.counters.bytes_sent, written as u64);
        let was_blocked = std::mem::replace(&mut connection.blocked, outcome == Flush::Blocked);
        match outcome {
            Flush::Drained => {
                if connection.phase == Phase::Open {
                    connection.end_by = NEVER;
                }
                self.farewell(slot);
            }
            Flush::Blocked => {
                if !std::mem::replace(&mut connection.watched, true)
                    && connection.socket.watch_writable(&self.registry, Token(slot as usize)).is_err()
                {
                    self.kill(slot);
                    return false;
                }
                let connection = &mut self.connections[slot as usize];
                if !was_blocked {
                    Counters::add(&self.counters.blocked, 1);
                }
                if connection.phase == Phase::Open && (!was_blocked || written > 0) {
                    connection.end_by = now.saturating_add(write_timeout);
                    self.arm(slot);
                }
            }
        }
        outcome == Flush::Drained
    }

    /// The last byte went out: shuts our side down when we are saying goodbye.
    fn farewell(&mut self, slot: Slot) {
        let connection = &mut self.connections[slot as usize];
        match connection.phase {
            Phase::Closing if !connection.finished => {
                connection.finished = true;
                // The other side reads our goodbye, then ends the connection; a failure means it has.
                if connection.socket.finish().is_err() {
                    self.kill(slot);
                }
            }
            Phase::Ending => self.kill(slot),
            _ => {}
        }
    }

    /// Marks a connection for removal at the end of the pass.
    pub(super) fn kill(&mut self, slot: Slot) {
        if let Some(connection) = self.connections.get_mut(slot as usize)
            && connection.phase != Phase::Dead
        {
            connection.phase = Phase::Dead;
            self.dead.push(slot);
        }
    }

    /// Sees to it that the connection is looked at when its next deadline has passed.
    pub(super) fn arm(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get_mut(slot as usize) else { return };
        if !self.wheel.is_set_before(connection.tick, connection.deadline()) {
            connection.tick = self.wheel.set(slot, connection.deadline());
        }
    }
}

fn mark_dirty(dirty: &mut Vec<Slot>, connection: &mut Connection, slot: Slot) {
    if !std::mem::replace(&mut connection.dirty, true) {
        dirty.push(slot);
    }
}

pub(super) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
