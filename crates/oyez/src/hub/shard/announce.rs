//! Announcements become bytes in outboxes: encoded once, whoever they are for.

use std::sync::Arc;

use bytes::Bytes;
use oyez_core::{access::Rights, event::LiveEvent, inbox::Standing, notification::Landed};
use oyez_protocol::{
    CloseCode, JobId, UserId,
    frame::server::{self, InboxChange},
};

use super::{REMEMBER_REVOKED_MILLIS, Shard};
use crate::hub::{
    attach::{Reading, Stream},
    command::{JobFrame, Notice},
    connection::Phase,
    cursor::Verdict,
    encoding::{Format, Item, Text},
    index::{Grant, Slot},
    outbox::Piece,
    stats::Counters,
};

/// Largest buffer of events in a row; less where a connection may hold less, so that a new one finds room in it.
const MOST_RUN_BYTES: usize = 32 * 1024;

/// After this long the store knows all that a connection's token claims.
const SETTLED_MILLIS: i64 = 60_000;

/// Events in a row for the very same audience: they are put into one buffer that all its connections share.
#[derive(Default)]
pub(super) struct Run {
    events: Vec<Arc<LiveEvent>>,
    bytes: usize,
}

impl Shard {
    /// Adds an event to the run, or tells the run and starts another.
    pub(super) fn gather(&mut self, run: &mut Run, event: Arc<LiveEvent>) {
        let same = run.events.first().is_none_or(|first| {
            first.audience == event.audience
                && first.except == event.except
                && run.bytes + event.text.len() <= MOST_RUN_BYTES.min(self.options.outbox_bytes / 4)
        });
        if !same {
            self.tell(run);
        }
        run.bytes += event.text.len();
        run.events.push(event);
    }

    /// Hands the run's events to the connections of their audience.
    pub(super) fn tell(&mut self, run: &mut Run) {
        let Some(first) = run.events.first() else { return };
        let mut targets = std::mem::take(&mut self.targets);
        self.index.audience(&first.audience, first.except.as_ref(), &mut targets);
        let connections = &self.sockets.connections;
        targets.retain(|slot| connections[*slot as usize].is_open());
        if !targets.is_empty() {
            let mut forms: [Option<Bytes>; Format::COUNT] = Default::default();
            let count = run.events.len() as u32;
            for slot in &targets {
                let format = self.sockets.connections[*slot as usize].format;
                let body = forms[format.index()].get_or_insert_with(|| together(&run.events, format));
                self.sockets.push_events(*slot, body.clone(), count);
            }
        }
        for event in run.events.drain(..) {
            event.count_reached(targets.len() as u64);
        }
        run.bytes = 0;
        self.targets = targets;
    }

    pub(super) fn announce(&mut self, notice: Notice) {
        match notice {
            Notice::Landed(landed) => self.landed(&landed),
            // Gathered before; kept so that a run of one is no special case.
            Notice::Event(event) => {
                let mut run = Run::default();
                self.gather(&mut run, event);
                self.tell(&mut run);
            }
            Notice::InboxChanged { user, change } => self.inbox_changed(&user, &change),
            Notice::JobMoved { user, job, frame } => self.job_moved(&user, job, &frame),
            Notice::BoardMoved(moved) => self.board_moved(&moved),
            Notice::RolesChanged { user, roles, rights } => {
                self.index.announce_roles(&user, &roles);
                self.lose(&user, rights);
                for slot in self.index.connections(&user).to_vec() {
                    self.recheck_boards(slot, rights.dashboard);
                }
            }
            Notice::Membership { topic, user, member } => self.index.announce_member(&topic, &user, member),
            Notice::Revoked { user, session } => {
                let slots = self.index.connections(&user).to_vec();
                for slot in slots {
                    let held = self.sockets.connections[slot as usize].session;
                    if session.is_none() || held == session {
                        self.close(slot, CloseCode::Forbidden, "access was revoked");
                    }
                }
                if let Some(session) = session {
                    let until = self.sockets.now + REMEMBER_REVOKED_MILLIS;
                    self.revoked.push_back((until, user, session));
                }
            }
        }
    }

    /// Ends what the user's roles do not allow any more.
    fn lose(&mut self, user: &UserId, rights: Rights) {
        if !rights.dashboard {
            self.lost_dashboard(user);
        }
        if !rights.own_topics {
            self.index.revoke(user, Grant::Admin, None);
        }
    }

    /// The user's roles do not allow the dashboard any more; a board that is for them keeps it open for that.
    fn lost_dashboard(&mut self, user: &UserId) {
        let slots = self.index.connections(user).to_vec();
        let sees_a_board = self.boards.any_for(self.index.roles(user));
        for slot in slots {
            if !sees_a_board && self.sockets.connections[slot as usize].stream == Stream::Dashboard {
                self.close(slot, CloseCode::Forbidden, "your roles do not allow the dashboard any more");
            }
        }
        self.index.revoke(user, Grant::Role, None);
    }

    fn landed(&mut self, landed: &Landed) {
        let mut item = Item::new(&landed.kind, &landed.tail);
        let mut sent = 0;
        for (user, seq) in &landed.recipients {
            for &slot in self.index.streams(user) {
                let connection = &mut self.sockets.connections[slot as usize];
                let verdict = connection.cursor.landed(*seq, !connection.blocked);
                if verdict == Verdict::Send && connection.is_open() {
                    let piece = item.piece(*seq, connection.format);
                    self.sockets.push(slot, piece);
                    sent += 1;
                } else if verdict == Verdict::Later {
                    // A gap while the socket is idle: nothing else would ask for the page.
                    self.sockets.touch(slot);
                }
            }
        }
        Counters::add(&self.sockets.counters.items, sent);
    }

    fn inbox_changed(&mut self, user: &UserId, change: &Arc<InboxChange>) {
        let mut text = None;
        for &slot in self.index.connections(user) {
            let connection = &mut self.sockets.connections[slot as usize];
            if !connection.full {
                continue;
            }
            // Items the counts include may not have been announced here yet.
            connection.cursor.learn(change.seq);
            let position = connection.cursor.position();
            let direct = connection.is_open()
                && !connection.blocked
                && connection.cursor.is_caught_up()
                && connection.held_change.is_none();
            if direct && position <= change.seq {
                let format = connection.format;
                let text = text.get_or_insert_with(|| Text::new(server::inbox(change).into()));
                let piece = Piece::kept(text.form(format).clone());
                self.sockets.push(slot, piece);
            } else {
                // It is told once the connection has caught up, so that the counts fit the items it has.
                if connection.held_change.is_some() {
                    Counters::add(&self.sockets.counters.conflated, 1);
                }
                connection.held_change.get_or_insert_default().merge(change);
                // It may be told in this pass, or a page is missing that nothing else would ask for.
                self.sockets.touch(slot);
            }
        }
    }

    fn job_moved(&mut self, user: &UserId, job: JobId, frame: &JobFrame) {
        let mut text = match frame {
            JobFrame::Now(text) | JobFrame::End(Some(text)) => Some(Text::new(Arc::clone(text))),
            JobFrame::End(None) => None,
        };
        let bound = self.options.outbox_bytes;
        for &slot in self.index.streams(user) {
            let connection = &mut self.sockets.connections[slot as usize];
            if !matches!(connection.phase, Phase::Open | Phase::Greeting) {
                continue;
            }
            if connection.is_open() && !connection.blocked && connection.held_jobs.is_none() {
                let Some(text) = &mut text else { continue };
                let body = text.form(connection.format).clone();
                match frame {
                    JobFrame::Now(_) => self.sockets.push_events(slot, body, 1),
                    JobFrame::End(_) => self.sockets.push(slot, Piece::kept(body)),
                }
            } else {
                // It is told once the greeting, or what waits already, has gone out.
                let held = connection.held_jobs.get_or_insert_default();
                let given_up = held.take_in(job, frame, bound);
                Counters::add(&self.sockets.counters.conflated, given_up);
                self.sockets.touch(slot);
            }
        }
    }

    /// What the store says about connected users.
    pub(super) fn readings(&mut self, readings: &[Reading]) {
        for Reading { standing, version, rights } in readings {
            let user = &standing.user;
            let is_news = self.index.version(user) == *version;
            self.index.read(user, *version, &all_roles(standing), &standing.topics);
            // The store learns the roles that a token claims right after the greeting.
            let settled = |slot: &Slot| {
                let since = self.sockets.connections[*slot as usize].connected_at;
                self.now.millis_since(since) > SETTLED_MILLIS
            };
            if is_news && self.index.connections(user).iter().all(settled) {
                self.lose(user, *rights);
            }
            let slots = self.index.connections(user).to_vec();
            for slot in slots {
                self.recheck_boards(slot, rights.dashboard);
                if standing.disabled {
                    self.close(slot, CloseCode::Forbidden, "this user is disabled");
                    continue;
                }
                let connection = &mut self.sockets.connections[slot as usize];
                if connection.stream == Stream::Notifications {
                    connection.cursor.learn(standing.head);
                    self.sockets.touch(slot);
                }
            }
        }
    }
}

/// Roles the application set and roles the token claimed, each once.
fn all_roles(standing: &Standing) -> Vec<oyez_protocol::RoleName> {
    let mut roles: Vec<_> = standing.roles.iter().chain(&standing.token_roles).cloned().collect();
    roles.sort();
    roles.dedup();
    roles
}

fn together(events: &[Arc<LiveEvent>], format: Format) -> Bytes {
    if let [event] = events {
        return Text::new(Arc::clone(&event.text)).form(format).clone();
    }
    let mut body = Vec::with_capacity(events.iter().map(|event| event.text.len() + 64).sum());
    for event in events {
        match format {
            Format::Deflate => body.extend_from_slice(Text::new(Arc::clone(&event.text)).form(format)),
            _ => format.push_text(&mut body, &event.text),
        }
    }
    body.into()
}
