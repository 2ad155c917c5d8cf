//! One connection as its shard keeps it: a socket, a cursor, and what waits to be written.

use std::net::IpAddr;

use oyez_protocol::{ConnectionId, SessionId, Timestamp, UserId};

use super::{
    attach::{ConnectionInfo, Socket, Stream},
    conflate::Conflated,
    cursor::Cursor,
    encoding::Format,
    held_jobs::HeldJobs,
    outbox::Outbox,
    peer::Peer,
    watched::Watched,
    wheel::Tick,
};

/// A moment that never comes.
pub(super) const NEVER: i64 = i64::MAX;

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Registered; the greeting is being composed. Nothing is read or sent.
    Greeting,
    /// Both ways.
    Open,
    /// We said goodbye: what waits is written, what comes is thrown away.
    Closing,
    /// The other side said goodbye: what waits is written.
    Ending,
    /// Broken or over: removed at the end of the pass.
    Dead,
}

pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) user: UserId,
    pub(super) session: Option<SessionId>,
    pub(super) socket: Socket,
    pub(super) peer: Box<dyn Peer>,
    pub(super) outbox: Outbox,
    pub(super) cursor: Cursor,
    /// Inbox changes that wait until the connection has caught up.
    pub(super) held_change: Option<Box<Conflated>>,
    /// The latest frames of jobs that wait until the socket takes them.
    pub(super) held_jobs: Option<Box<HeldJobs>>,
    /// The boards it watches, and how far it is told of them.
    pub(super) boards: Option<Box<Watched>>,
    /// Read before the connection was ours; taken once it is greeted.
    pub(super) leftover: Box<[u8]>,
    pub(super) format: Format,
    pub(super) stream: Stream,
    pub(super) phase: Phase,
    pub(super) full: bool,
    /// In the list of sockets to be written in this pass.
    pub(super) dirty: bool,
    /// The socket was full at the last write.
    pub(super) blocked: bool,
    /// The socket says when it becomes writable.
    pub(super) watched: bool,
    /// The socket may have bytes for us.
    pub(super) readable: bool,
    /// In the list of sockets to be read on.
    pub(super) read_later: bool,
    /// The other side sends no more.
    pub(super) read_closed: bool,
    /// Our side was shut down.
    pub(super) finished: bool,
    pub(super) notice_sent: bool,
    /// Keep-alives since the other side was last heard.
    pub(super) unanswered: u8,
    /// Version of what was known of the user when the connection came.
    pub(super) index_version: u32,
    pub(super) ping_at: i64,
    pub(super) expires_at: i64,
    /// Ends the connection: no greeting, no progress, no answer to our goodbye.
    pub(super) end_by: i64,
    /// Where its entry in the wheel lies.
    pub(super) tick: Tick,
    pub(super) connected_at: Timestamp,
    pub(super) address: Option<IpAddr>,
}

/// Notice given to full clients before their token ends.
pub(super) const EXPIRY_NOTICE_MILLIS: i64 = 60_000;

impl Connection {
    /// The next moment at which something is due.
    pub(super) fn deadline(&self) -> i64 {
        if matches!(self.phase, Phase::Closing | Phase::Ending | Phase::Greeting) {
            return self.end_by;
        }
        let expiry = if self.full && !self.notice_sent && self.expires_at != NEVER {
            self.expires_at - EXPIRY_NOTICE_MILLIS
        } else {
            self.expires_at
        };
        self.ping_at.min(expiry).min(self.end_by)
    }

    /// Whether frames may be handed to it.
    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    pub(super) fn info(&self) -> ConnectionInfo {
        ConnectionInfo {
            id: self.id,
            user: self.user.clone(),
            stream: self.stream,
            transport: if self.format == Format::EventStream { "sse" } else { "websocket" },
            address: self.address,
            connected_at: self.connected_at,
            seq: self.cursor.position(),
            waiting_bytes: self.outbox.held(),
        }
    }
}
