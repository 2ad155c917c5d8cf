//! A connection's life: attached, greeted, kept alive, sent away, buried.

use std::time::Duration;

use oyez_core::drain;
use oyez_protocol::{CloseCode, ConnectionId, SessionId, Timestamp, UserId, frame::server};
use tokio::sync::oneshot;

use super::{Shard, read::MOST_CHOICES, sockets::millis};
use crate::hub::{
    attach::{Attach, Greeting, Stream},
    command::{Answer, Effect, Reply},
    connection::{Connection, EXPIRY_NOTICE_MILLIS, NEVER, Phase},
    cursor::Cursor,
    encoding::Format,
    index::{Grant, Slot},
    outbox::{Outbox, Piece},
    stats::Counters,
    watched::Watched,
};

/// How long the other side may take to answer our goodbye.
const GOODBYE_MILLIS: i64 = 3_000;
/// Keep-alives that may go unanswered.
const MOST_UNANSWERED: u8 = 2;

impl Shard {
    pub(super) fn attach(&mut self, attach: Attach) {
        let Attach { id, stream, mut socket, .. } = attach;
        let entry = self.sockets.connections.vacant_entry();
        let slot = entry.key() as Slot;
        if let Err(error) = socket.register(self.poll.registry(), mio::Token(entry.key())) {
            tracing::warn!(%error, connection = %id, "a connection could not be watched and was dropped");
            return;
        }
        let watches = attach.all_boards || !attach.boards.is_empty();
        let notifications = stream == Stream::Notifications;
        self.index.add(&attach.user, slot, notifications);
        let user = self.index.shared_name(&attach.user);
        let now = self.now.as_millis();
        entry.insert(Connection {
            id,
            session: attach.session,
            socket,
            peer: attach.peer,
            outbox: Outbox::default(),
            cursor: if notifications { Cursor::starting() } else { Cursor::off() },
            held_change: None,
            held_jobs: None,
            boards: watches.then(|| Box::new(Watched::new(attach.all_boards, &attach.boards))),
            leftover: attach.leftover,
            format: attach.format,
            stream,
            phase: Phase::Greeting,
            full: attach.full,
            dirty: false,
            blocked: false,
            watched: false,
            readable: false,
            read_later: false,
            read_closed: false,
            finished: false,
            notice_sent: false,
            unanswered: 0,
            index_version: self.index.version(&user),
            ping_at: NEVER,
            expires_at: attach.expires_at.map_or(NEVER, Timestamp::as_millis),
            end_by: now.saturating_add(millis(self.options.greeting_timeout)),
            tick: 0,
            connected_at: self.now,
            address: attach.address,
            user: user.clone(),
        });
        for topic in &attach.topics {
            self.index.subscribe(slot, topic, Grant::Role);
        }
        self.by_id.insert(id, slot);
        Counters::add(&self.sockets.counters.opened, 1);
        Counters::add(&self.sockets.counters.connections, 1);
        self.sockets.arm(slot);
        self.make_room(&user);
        if self.draining.is_some() {
            self.send_away(slot, Duration::from_secs(1));
        } else if attach.session.is_some_and(|session| self.is_revoked(&user, session)) {
            self.close(slot, CloseCode::Forbidden, "access was revoked");
        }
    }

    /// Over the limit, the user's oldest connections make way for the newest.
    fn make_room(&mut self, user: &UserId) {
        let connections = self.index.connections(user);
        if connections.len() <= self.options.max_connections_per_user {
            return;
        }
        let live = |slot: &&Slot| {
            matches!(self.sockets.connections[**slot as usize].phase, Phase::Open | Phase::Greeting)
        };
        let live: Vec<Slot> = connections.iter().filter(live).copied().collect();
        let over = live.len().saturating_sub(self.options.max_connections_per_user);
        for &slot in &live[..over] {
            self.close(slot, CloseCode::Replaced, "a newer connection of this user took the place");
        }
    }

    fn is_revoked(&self, user: &UserId, session: SessionId) -> bool {
        self.revoked.iter().any(|(_, other, revoked)| *revoked == session && other == user)
    }

    /// The gateway's word arrived.
    pub(super) fn answered(&mut self, id: ConnectionId, reply: Reply) {
        let Some(&slot) = self.by_id.get(&id) else { return };
        match reply {
            Reply::Greeting(greeting) => self.greet(slot, &greeting),
            Reply::Page { body, count, first, last, head } => {
                let connection = &mut self.sockets.connections[slot as usize];
                let expected = connection.cursor.position().next();
                connection.cursor.paged(last, head);
                if !connection.is_open() {
                    return;
                }
                if count > 0 && first > expected && connection.full {
                    self.frames(slot, &[server::resync("older items are gone by retention")]);
                }
                if count > 0 {
                    Counters::add(&self.sockets.counters.items, u64::from(count));
                    self.sockets.push(slot, Piece::kept(body));
                } else {
                    self.sockets.touch(slot);
                }
            }
            Reply::PageFailed => {
                self.sockets.connections[slot as usize].cursor.page_failed();
                self.sockets.touch(slot);
            }
            Reply::Answer(Answer { frames, effect }) => {
                self.apply(slot, effect);
                if self.sockets.connections[slot as usize].is_open() {
                    self.frames(slot, &frames);
                    self.peer_answered(slot);
                }
            }
            Reply::Board(turn, reply) => self.board_came(slot, turn, reply),
            Reply::Close(code, reason) => self.close(slot, code, &reason),
        }
    }

    fn greet(&mut self, slot: Slot, greeting: &Greeting) {
        let now = self.now.as_millis();
        let interval = millis(self.options.ping_interval);
        let connection = &mut self.sockets.connections[slot as usize];
        let (user, version) = (connection.user.clone(), connection.index_version);
        if connection.phase != Phase::Greeting {
            return;
        }
        connection.phase = Phase::Open;
        connection.cursor.start(greeting.position, greeting.head);
        // Spread, so that ten thousand who came at once are not pinged at once.
        let spread =
            i64::from(u16::from_le_bytes([connection.id.0.as_bytes()[14], connection.id.0.as_bytes()[15]]));
        connection.ping_at = now.saturating_add(interval / 2 + interval.saturating_mul(spread) / 2 / 65_536);
        connection.end_by = NEVER;
        let mut leftover = std::mem::take(&mut connection.leftover);
        let readable = connection.readable;
        self.index.read(&user, version, &greeting.roles, &greeting.topics);
        self.frames(slot, &greeting.frames);
        self.watch_boards(slot);
        self.sockets.arm(slot);
        if !leftover.is_empty() {
            self.received(slot, &mut leftover);
        }
        if readable {
            self.read_later(slot);
        }
    }

    fn apply(&mut self, slot: Slot, effect: Effect) {
        let connection = &mut self.sockets.connections[slot as usize];
        match effect {
            Effect::None => {}
            Effect::Subscribed(topic, grant) => {
                if self.index.choices(slot) < MOST_CHOICES {
                    self.index.subscribe(slot, &topic, grant);
                } else {
                    self.close(slot, CloseCode::Policy, "subscribed to too many topics");
                }
            }
            Effect::Watches(board) => self.choose_board(slot, &board),
            Effect::Renewed { expires_at, session } => {
                connection.expires_at = expires_at.map_or(NEVER, Timestamp::as_millis);
                connection.session = session;
                connection.notice_sent = false;
                let user = connection.user.clone();
                self.sockets.arm(slot);
                if session.is_some_and(|session| self.is_revoked(&user, session)) {
                    self.close(slot, CloseCode::Forbidden, "access was revoked");
                }
            }
        }
    }

    /// Queues frames of this connection alone.
    pub(super) fn frames(&mut self, slot: Slot, frames: &[String]) {
        let format = self.sockets.connections[slot as usize].format;
        let mut body = Vec::with_capacity(frames.iter().map(|frame| frame.len() + 16).sum());
        for frame in frames {
            format.push_text(&mut body, frame);
        }
        if !body.is_empty() {
            self.sockets.push(slot, Piece::kept(body.into()));
        }
    }

    /// Says goodbye: what waits is written, then the close, then the other side may take a moment to answer.
    pub(super) fn close(&mut self, slot: Slot, code: CloseCode, reason: &str) {
        let connection = &mut self.sockets.connections[slot as usize];
        if !matches!(connection.phase, Phase::Open | Phase::Greeting) {
            return;
        }
        connection.phase = Phase::Closing;
        connection.end_by = self.now.as_millis() + GOODBYE_MILLIS;
        (connection.held_change, connection.held_jobs) = (None, None);
        self.forget_boards(slot);
        let connection = &mut self.sockets.connections[slot as usize];
        if let Some(frame) = connection.format.close(code, reason) {
            self.sockets.push(slot, Piece::kept(frame));
        }
        self.sockets.touch(slot);
        self.sockets.arm(slot);
    }

    /// The other side said goodbye.
    pub(super) fn end(&mut self, slot: Slot) {
        let connection = &mut self.sockets.connections[slot as usize];
        if matches!(connection.phase, Phase::Open | Phase::Greeting) {
            connection.phase = Phase::Ending;
            connection.end_by = self.now.as_millis() + GOODBYE_MILLIS;
            self.sockets.touch(slot);
            self.sockets.arm(slot);
        }
    }

    /// Looks at everything that became due.
    pub(super) fn pass_deadlines(&mut self) {
        self.sockets.now = self.now.as_millis();
        let mut due = std::mem::take(&mut self.due);
        if self.sockets.wheel.advance(self.now.as_millis(), &mut due) {
            let all: Vec<Slot> = self.sockets.connections.iter().map(|(slot, _)| slot as Slot).collect();
            for slot in all {
                self.rearm(slot);
            }
        }
        for (slot, tick) in due.drain(..) {
            // An entry that was set anew, or whose connection is gone.
            if self.sockets.get(slot).is_some_and(|connection| connection.tick == tick) {
                self.look(slot);
            }
        }
        self.due = due;
        while self.revoked.front().is_some_and(|(until, ..)| *until < self.sockets.now) {
            self.revoked.pop_front();
        }
    }

    /// The clock was set back: every moment of ours is counted from the present again.
    fn rearm(&mut self, slot: Slot) {
        let now = self.now.as_millis();
        let connection = &mut self.sockets.connections[slot as usize];
        if connection.ping_at != NEVER {
            connection.ping_at = now.saturating_add(millis(self.options.ping_interval));
        }
        if connection.end_by != NEVER {
            connection.end_by = now.saturating_add(millis(self.options.write_timeout));
        }
        connection.tick = self.sockets.wheel.set(slot, connection.deadline());
    }

    fn look(&mut self, slot: Slot) {
        let now = self.now.as_millis();
        let connection = &mut self.sockets.connections[slot as usize];
        connection.tick = 0;
        if now >= connection.end_by {
            if matches!(connection.phase, Phase::Open | Phase::Greeting) {
                Counters::add(&self.sockets.counters.timed_out, 1);
            }
            self.sockets.kill(slot);
            return;
        }
        if connection.is_open() {
            if now >= connection.expires_at {
                self.close(slot, CloseCode::TokenExpired, "the token expired");
                return;
            }
            self.notice_expiry(slot);
            self.keep_alive(slot);
        }
        self.sockets.arm(slot);
    }

    fn notice_expiry(&mut self, slot: Slot) {
        let now = self.now.as_millis();
        let connection = &mut self.sockets.connections[slot as usize];
        if !connection.full || connection.notice_sent || connection.expires_at == NEVER {
            return;
        }
        let left = connection.expires_at - now;
        if left <= EXPIRY_NOTICE_MILLIS {
            connection.notice_sent = true;
            let seconds = u64::try_from((left + 999) / 1000).unwrap_or(0);
            self.frames(slot, &[server::token_expiring(seconds)]);
        }
    }

    fn keep_alive(&mut self, slot: Slot) {
        let now = self.now.as_millis();
        let connection = &mut self.sockets.connections[slot as usize];
        if now < connection.ping_at {
            return;
        }
        if connection.format.answers_keep_alive() && connection.unanswered >= MOST_UNANSWERED {
            Counters::add(&self.sockets.counters.timed_out, 1);
            self.sockets.kill(slot);
            return;
        }
        connection.unanswered = connection.unanswered.saturating_add(1);
        connection.ping_at = now.saturating_add(millis(self.options.ping_interval).max(1));
        // Into a full socket a ping would only wait behind what shows that we are here.
        if !connection.blocked {
            let ping = connection.format.keep_alive();
            self.sockets.push(slot, Piece::kept(ping));
        }
    }

    /// Sends everybody away.
    pub(super) fn drain(&mut self, grace: Duration, answer: oneshot::Sender<Vec<()>>) {
        self.draining.get_or_insert_default().push(answer);
        let all: Vec<Slot> = self.sockets.connections.iter().map(|(slot, _)| slot as Slot).collect();
        for slot in all {
            self.send_away(slot, grace);
        }
    }

    fn send_away(&mut self, slot: Slot, grace: Duration) {
        let connection = &self.sockets.connections[slot as usize];
        let (format, open, full) = (connection.format, connection.is_open(), connection.full);
        let wait = drain::retry_after_ms(self.sent_away, grace);
        if open && full {
            self.frames(slot, &[server::goodbye("the server restarts", wait)]);
        }
        if open && format == Format::EventStream {
            // Also understood by clients that never heard of `goodbye`.
            self.sockets.push(slot, Piece::kept(format!("retry: {wait}\n\n").into()));
        }
        self.sent_away += 1;
        self.close(slot, CloseCode::GoingAway, "the server restarts: come back");
    }

    /// Removes the dead, and tells whoever waits for the last to go.
    pub(super) fn bury(&mut self) {
        while let Some(slot) = self.sockets.dead.pop() {
            self.forget_boards(slot);
            let mut connection = self.sockets.connections.remove(slot as usize);
            // The socket is closed in any case.
            let _unwatched = connection.socket.deregister(self.poll.registry());
            self.index.remove(&connection.user, slot);
            self.by_id.remove(&connection.id);
            Counters::add(&self.sockets.counters.closed, 1);
            self.sockets.counters.connections.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        }
        if self.by_id.is_empty()
            && let Some(waiting) = &mut self.draining
        {
            for answer in waiting.drain(..) {
                drop(answer.send(Vec::new()));
            }
        }
    }
}
