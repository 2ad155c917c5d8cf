//! What viewers see of boards: the way from what they have to what is there.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use oyez_core::{
    access::Person,
    board::{Update, update},
};
use oyez_protocol::BoardName;
use oyez_store::BoardHead;

use super::{Boards, BoardsError};

/// What brings one viewer up to date.
#[derive(Debug, Clone)]
pub enum Sight {
    /// The board at this version.
    Board {
        /// Which version.
        version: u64,
        /// What leads there.
        update: Update,
    },
    /// There is no such board, or it is not for this viewer.
    Nothing,
}

/// Steps that were found lately: those who come back together, or fell behind together, need the same one. What leads
/// from one version to another never changes.
#[derive(Default)]
pub(super) struct Steps(Mutex<HashMap<(BoardName, u64), (u64, Update)>>);

impl Steps {
    /// So many are kept; then all are forgotten.
    const MOST: usize = 64;

    fn find(&self, name: &BoardName, from: u64, to: u64) -> Option<Update> {
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps
            .get(&(name.clone(), from))
            .filter(|(version, _)| *version == to)
            .map(|(_, update)| update.clone())
    }

    fn keep(&self, name: &BoardName, from: u64, to: u64, update: &Update) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if steps.len() >= Self::MOST {
            steps.clear();
        }
        steps.insert((name.clone(), from), (to, update.clone()));
    }
}

impl Boards {
    /// What leads from the version a viewer has (0: none) to the board as it is: a patch while that version is kept,
    /// else the whole.
    pub async fn sight(&self, person: Person<'_>, name: &BoardName, has: u64) -> Result<Sight, BoardsError> {
        let head = self.shared.store.board_head(name).await?;
        let Some(head) = head.filter(|head| head.exists && self.sees(person, head)) else {
            return Ok(Sight::Nothing);
        };
        if let Some(update) = self.shared.steps.find(name, has, head.version) {
            return Ok(Sight::Board { version: head.version, update });
        }
        let latest = self.shared.store.board(name).await?;
        let Some(board) = latest.board.filter(|board| self.may_see(person, board)) else {
            return Ok(Sight::Nothing);
        };
        let had = match has {
            0 => None,
            has => self.shared.store.board_at(name, has).await?,
        };
        let had = had.as_ref().map(|state| (has, state));
        let update = update(name, had, board.version, &board.state);
        self.shared.steps.keep(name, has, board.version, &update);
        Ok(Sight::Board { version: board.version, update })
    }

    fn sees(&self, person: Person<'_>, head: &BoardHead) -> bool {
        self.shared.rules.may_see_board(person, head.roles.as_deref())
    }

    /// Whether any board is for this user.
    pub async fn may_see_any(&self, person: Person<'_>) -> Result<bool, BoardsError> {
        let heads = self.shared.store.board_heads().await?;
        Ok(heads.iter().any(|head| head.exists && self.sees(person, head)))
    }

    /// Whether a board may be watched: one that is not there yet is for those who may open the dashboard.
    pub async fn may_watch(&self, person: Person<'_>, name: &BoardName) -> Result<bool, BoardsError> {
        let head = self.shared.store.board_head(name).await?;
        let roles = head.as_ref().and_then(|head| head.roles.as_deref());
        Ok(self.shared.rules.may_see_board(person, roles))
    }

    /// Where each board is, deleted ones too: heals what an announcement failed to tell.
    pub async fn heads(&self) -> Result<Vec<BoardHead>, BoardsError> {
        Ok(self.shared.store.board_heads().await?)
    }
}
