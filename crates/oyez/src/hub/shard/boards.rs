//! Boards on their way to those who watch them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use oyez_core::board::Update;
use oyez_protocol::{BoardName, CloseCode, RoleName, frame::server};

use super::{Shard, read::MOST_CHOICES};
use crate::hub::{
    command::{BoardMoved, BoardReply, Question},
    encoding::Text,
    index::Slot,
    outbox::Piece,
    stats::Counters,
    watched::{From, Step},
};

/// What a shard knows of boards: where they are and who may see them, not what they say.
#[derive(Default)]
pub(super) struct Boards {
    known: HashMap<BoardName, Known>,
    watchers: HashMap<BoardName, BTreeSet<Slot>>,
    /// Connections that watch all that their users may see.
    all: BTreeSet<Slot>,
}

struct Known {
    version: u64,
    exists: bool,
    roles: Arc<[RoleName]>,
}

impl Known {
    fn is_for(&self, roles: &[RoleName]) -> bool {
        self.exists && roles.iter().any(|role| self.roles.contains(role))
    }
}

impl Boards {
    /// Whether there is a board for a holder of these roles.
    pub(super) fn any_for(&self, roles: &[RoleName]) -> bool {
        self.known.values().any(|known| known.is_for(roles))
    }

    fn forget(&mut self, slot: Slot) {
        self.all.remove(&slot);
        self.watchers.retain(|_, watchers| {
            watchers.remove(&slot);
            !watchers.is_empty()
        });
    }
}

impl Shard {
    /// A greeted connection begins to watch.
    pub(super) fn watch_boards(&mut self, slot: Slot) {
        let Some(watched) = &self.sockets.connections[slot as usize].boards else { return };
        if watched.watches_all() {
            self.boards.all.insert(slot);
        }
        for name in watched.names() {
            self.boards.watchers.entry(name).or_default().insert(slot);
        }
        self.recheck_boards(slot, true);
    }

    /// A connection ends.
    pub(super) fn forget_boards(&mut self, slot: Slot) {
        if self.sockets.connections[slot as usize].boards.take().is_some() {
            self.boards.forget(slot);
        }
    }

    /// The client subscribed to a board.
    pub(super) fn choose_board(&mut self, slot: Slot, name: &BoardName) {
        let connection = &mut self.sockets.connections[slot as usize];
        let head = self.boards.known.get(name).filter(|known| known.exists).map_or(0, |known| known.version);
        let watched = connection.boards.get_or_insert_default();
        if watched.choices() >= MOST_CHOICES {
            return self.close(slot, CloseCode::Policy, "subscribed to too many boards");
        }
        watched.choose(name, head);
        self.boards.watchers.entry(name.clone()).or_default().insert(slot);
        self.sockets.touch(slot);
    }

    /// The client unsubscribed from a board.
    pub(super) fn refuse_board(&mut self, slot: Slot, name: &BoardName) {
        let Some(watched) = &mut self.sockets.connections[slot as usize].boards else { return };
        if watched.choices() < MOST_CHOICES {
            watched.refuse(name);
        }
    }

    /// The user's roles changed, or the connection is new: what they may see appears, what they may not goes away.
    /// `dashboard`: they may see boards that are not there yet.
    pub(super) fn recheck_boards(&mut self, slot: Slot, dashboard: bool) {
        let connection = &mut self.sockets.connections[slot as usize];
        let Some(watched) = &mut connection.boards else { return };
        let roles = self.index.roles(&connection.user);
        let mut gone = Vec::new();
        for (name, known) in &self.boards.known {
            if known.is_for(roles) {
                if watched.allow(name, known.version) {
                    self.boards.watchers.entry(name.clone()).or_default().insert(slot);
                }
            } else if let Some(version) = watched.take_away(name, known.version, !known.exists && dashboard) {
                gone.push(server::board(name, version, None));
            }
        }
        if !dashboard {
            for name in watched.names() {
                if !self.boards.known.contains_key(&name) {
                    watched.take_away(&name, 0, false);
                }
            }
        }
        self.frames(slot, &gone);
        self.sockets.touch(slot);
    }

    pub(super) fn board_moved(&mut self, moved: &BoardMoved) {
        let BoardMoved { board, version, exists, roles, update } = moved;
        let before = self.boards.known.get(board);
        if before.is_some_and(|known| known.version > *version) {
            return;
        }
        let access_changed = before.is_none_or(|known| known.exists != *exists || known.roles != *roles);
        let known = Known { version: *version, exists: *exists, roles: Arc::clone(roles) };
        self.boards.known.insert(board.clone(), known);
        if access_changed {
            self.recheck_watchers(board);
        }
        if !exists {
            return;
        }
        let from = match update {
            Some(Update::Patch { from_version, .. }) => From::Version(*from_version),
            Some(Update::Whole(_)) => From::Any,
            None => From::Nowhere,
        };
        let mut text = update.as_ref().map(|update| Text::new(Arc::clone(update.frame())));
        for &slot in self.boards.watchers.get(board).into_iter().flatten() {
            let connection = &mut self.sockets.connections[slot as usize];
            let ready = connection.is_open() && !connection.blocked;
            let Some(watched) = &mut connection.boards else { continue };
            match (watched.moved(board, *version, from, ready), &mut text) {
                (Step::Send, Some(text)) => {
                    let body = text.form(connection.format).clone();
                    self.sockets.push(slot, Piece::kept(body));
                }
                (Step::Later, _) => {
                    Counters::add(&self.sockets.counters.conflated, 1);
                    self.sockets.touch(slot);
                }
                _ => {}
            }
        }
    }

    /// A board appeared, went, or is for others than before.
    fn recheck_watchers(&mut self, board: &BoardName) {
        let Some(known) = self.boards.known.get(board) else { return };
        let watchers = self.boards.watchers.entry(board.clone()).or_default();
        let concerned: Vec<Slot> = watchers.union(&self.boards.all).copied().collect();
        let mut gone = Vec::new();
        for slot in concerned {
            let connection = &mut self.sockets.connections[slot as usize];
            let open = connection.is_open();
            let Some(watched) = connection.boards.as_mut().filter(|_| open) else { continue };
            if known.is_for(self.index.roles(&connection.user)) {
                watched.allow(board, known.version);
                watchers.insert(slot);
            } else if let Some(version) = watched.take_away(board, known.version, !known.exists) {
                gone.push((slot, version));
            }
        }
        for (slot, version) in gone {
            self.frames(slot, &[server::board(board, version, None)]);
        }
    }

    /// Asks for the next board that the connection is behind of, when its socket has taken all.
    pub(super) fn next_board(&mut self, slot: Slot) {
        let Some(connection) = self.sockets.get(slot) else { return };
        if !connection.is_open() || connection.blocked || !connection.outbox.is_empty() {
            return;
        }
        let Some((name, has, turn)) = connection.boards.as_mut().and_then(|watched| watched.next()) else {
            return;
        };
        let format = connection.format;
        let roles = self.index.roles(&self.sockets.connections[slot as usize].user).to_vec();
        self.ask(slot, Question::Board { name, has, turn, roles, format });
    }

    /// What was asked for.
    pub(super) fn board_came(&mut self, slot: Slot, turn: u32, reply: BoardReply) {
        let connection = &mut self.sockets.connections[slot as usize];
        let Some(watched) = &mut connection.boards else { return };
        let Some(name) = watched.answered(turn) else { return };
        match reply {
            BoardReply::Board { has, version, body } => {
                if watched.came(&name, has, version) && connection.is_open() {
                    self.sockets.push(slot, Piece::kept(body));
                }
            }
            BoardReply::Nothing { has } => {
                // Its end, or the new roles, will be announced; who has something is told now.
                if let Some(version) = watched.take_away(&name, has, true)
                    && connection.is_open()
                {
                    self.frames(slot, &[server::board(&name, version, None)]);
                }
            }
            BoardReply::Failed => {}
        }
        self.sockets.touch(slot);
    }
}
