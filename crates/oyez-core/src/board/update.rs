//! What viewers of a board are told of a change.

use std::sync::Arc;

use oyez_protocol::{BoardName, frame::server};

use super::{State, merge_patch, text};

/// A frame that brings viewers to a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// For those who have exactly this version.
    Patch {
        /// Which version they must have.
        from_version: u64,
        /// `board_patch`.
        frame: Arc<str>,
    },
    /// For anybody: `board`.
    Whole(Arc<str>),
}

impl Update {
    /// The frame.
    pub fn frame(&self) -> &Arc<str> {
        match self {
            Self::Patch { frame, .. } | Self::Whole(frame) => frame,
        }
    }
}

/// What leads from what a viewer has, if anything, to the board as it is: a patch, unless there is none or the whole is
/// shorter.
pub fn update(name: &BoardName, had: Option<(u64, &State)>, version: u64, state: &State) -> Update {
    let whole = text(state);
    if let Some((from_version, from)) = had
        && let Some(patch) = merge_patch::diff(from, state)
    {
        let patch = text(&patch);
        if patch.len() <= whole.len() {
            let frame = server::board_patch(name, version, from_version, &patch);
            return Update::Patch { from_version, frame: frame.into() };
        }
    }
    Update::Whole(server::board(name, version, Some(&whole)).into())
}
