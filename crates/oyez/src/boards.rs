//! Boards: documents that dashboards show, kept current on every screen.
//!
//! A change decides (core) upon what is there and commits (store) in one transaction, so that a version guard holds;
//! then it is announced (bus). In reading order: `change` is what applications do, `tell` announces, `view` is what
//! viewers ask for, `refresh` has jobs bring boards up to date.

mod change;
mod error;
mod refresh;
mod tell;
mod view;

use std::sync::Arc;

use oyez_core::{
    access::{Person, Rules},
    board::Board,
    clock::Clock,
};
use oyez_protocol::BoardName;
use oyez_store::{BoardRow, PastState, Store};

use crate::{bus::Bus, jobs::Jobs};

pub use error::BoardsError;
pub use tell::Teller;
pub use view::Sight;

/// How boards are treated.
#[derive(Debug, Clone, Copy)]
pub struct BoardsOptions {
    /// How many of its last versions a board keeps, the present one included.
    pub history: u32,
}

impl Default for BoardsOptions {
    fn default() -> Self {
        Self { history: 50 }
    }
}

/// What boards are made of.
pub struct Parts {
    /// How they are treated.
    pub options: BoardsOptions,
    /// Who may see those that name no roles.
    pub rules: Arc<Rules>,
    /// Where they are kept.
    pub store: Store,
    /// Where changes are announced.
    pub bus: Bus,
    /// What brings them up to date.
    pub jobs: Jobs,
    /// The time.
    pub clock: Clock,
}

/// Boards. Cheap to clone.
#[derive(Clone)]
pub struct Boards {
    shared: Arc<Shared>,
}

struct Shared {
    options: BoardsOptions,
    rules: Arc<Rules>,
    store: Store,
    bus: Bus,
    jobs: Jobs,
    clock: Clock,
    untold: tell::Untold,
    steps: view::Steps,
}

impl Boards {
    /// Joins store and bus. Changes are announced by the [`Teller`], which must be run.
    pub fn new(parts: Parts) -> (Self, Teller) {
        let Parts { options, rules, store, bus, jobs, clock } = parts;
        let (untold, steps) = (tell::Untold::default(), view::Steps::default());
        let shared = Shared { options, rules, store, bus, jobs, clock, untold, steps };
        let boards = Self { shared: Arc::new(shared) };
        let teller = Teller::new(boards.clone());
        (boards, teller)
    }

    /// One board.
    pub async fn get(&self, name: &BoardName) -> Result<Board, BoardsError> {
        self.shared.store.board(name).await?.board.ok_or_else(|| BoardsError::NotFound(name.clone()))
    }

    /// Boards by name; the next page begins after the last of this one.
    pub async fn list(&self, after: Option<&BoardName>, limit: u32) -> Result<Vec<BoardRow>, BoardsError> {
        Ok(self.shared.store.boards(after, limit).await?)
    }

    /// The last versions of a board before one, the newest first.
    pub async fn history(
        &self,
        name: &BoardName,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PastState>, BoardsError> {
        let past = self.shared.store.board_history(name, before, limit).await?;
        if past.is_empty() {
            self.get(name).await?;
        }
        Ok(past)
    }

    /// Whether a board is for this user.
    pub fn may_see(&self, person: Person<'_>, board: &Board) -> bool {
        self.shared.rules.may_see_board(person, board.roles.as_deref())
    }
}
