//! Boards: what one may hold, how it changes, and who may see it.
//!
//! [`merge_patch`] is RFC 7396, both ways; [`mod@update`] writes what viewers are told of a change.

use std::sync::Arc;

use oyez_protocol::{
    BoardName, RoleName, Timestamp,
    api::{
        boards::{BoardPatchRequest, BoardRequest, RefreshRequest},
        jobs::JobRequest,
    },
};
use serde_json::{Map, Value, value::to_raw_value};

use crate::{job::request::check_json, notification::Invalid};

pub mod merge_patch;
#[cfg(test)]
mod tests;
pub mod update;

pub use update::{Update, update};

/// Largest document, in bytes of JSON.
pub const MAX_STATE_BYTES: usize = 256 * 1024;
/// How deep objects and lists may lie in each other; the document itself is the first level.
pub const MAX_DEPTH: usize = 32;
/// Most roles that a board may name.
pub const MAX_ROLES: usize = 50;

/// A board's document.
pub type State = Map<String, Value>;

/// A board as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// Its name.
    pub name: BoardName,
    /// Counts its changes.
    pub version: u64,
    /// The document.
    pub state: Arc<State>,
    /// Who may see it; `None`: those who may open the dashboard.
    pub roles: Option<Vec<RoleName>>,
    /// The job that brings it up to date.
    pub refresh: Option<RefreshRequest>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it became this version.
    pub updated_at: Timestamp,
}

/// The last that is known of a name. Versions go on counting when a board is deleted and made again, so that nobody
/// takes the new one for the old.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Latest {
    /// The last version; 0: there never was one.
    pub version: u64,
    /// The board; `None`: there is none now.
    pub board: Option<Board>,
}

/// What a caller expects to be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Guard {
    /// Whatever is there.
    #[default]
    Any,
    /// This version (`If-Match: 7`).
    Version(u64),
    /// Any version, but a board (`If-Match: *`).
    Exists,
    /// No board (`If-None-Match: *`).
    Absent,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It is not as the caller expects.
    #[error("{}", mismatch(.present))]
    Mismatch {
        /// Its version; `None`: there is no such board.
        present: Option<u64>,
    },
    /// There is nothing to change.
    #[error("there is no such board: make it with PUT")]
    Missing,
}

fn mismatch(present: &Option<u64>) -> String {
    match present {
        None => "there is no such board, so it has no version".into(),
        Some(version) => {
            format!("the board is at version {version}: read it, and decide again what to change")
        }
    }
}

/// What a change comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The board as it is to be stored.
    Changed(Board),
    /// Nothing changes: it stays at its version.
    Same(Board),
}

/// Replaces a board, or makes it. What the request does not say of roles and refresh stays.
pub fn replaced(
    name: &BoardName,
    latest: &Latest,
    request: &BoardRequest,
    guard: Guard,
    now: Timestamp,
) -> Result<Outcome, Refused> {
    check_guard(latest, guard)?;
    let mut board = latest.board.clone().unwrap_or_else(|| Board {
        name: name.clone(),
        version: latest.version,
        state: Arc::default(),
        roles: None,
        refresh: None,
        created_at: now,
        updated_at: now,
    });
    board.state = Arc::new(request.state.clone());
    settle(&mut board, request.roles.as_ref(), request.refresh.as_ref());
    checked(latest, board, now)
}

/// Changes part of a board: the document is merged (RFC 7396), roles and refresh are replaced where they are named.
pub fn patched(
    latest: &Latest,
    request: &BoardPatchRequest,
    guard: Guard,
    now: Timestamp,
) -> Result<Outcome, Refused> {
    check_guard(latest, guard)?;
    let mut board = latest.board.clone().ok_or(Refused::Missing)?;
    if let Some(patch) = &request.state {
        // Before it is merged, which recurses.
        check_depth(patch)?;
        let mut state = State::clone(&board.state);
        merge_patch::merge(&mut state, patch);
        board.state = Arc::new(state);
    }
    settle(&mut board, request.roles.as_ref(), request.refresh.as_ref());
    checked(latest, board, now)
}

/// Whether a board may be deleted; the version that its end is.
pub fn deleted(latest: &Latest, guard: Guard) -> Result<u64, Refused> {
    check_guard(latest, guard)?;
    if latest.board.is_none() {
        return Err(Refused::Missing);
    }
    Ok(latest.version + 1)
}

/// The job that brings a board up to date; `None`: it names none. While one is unfinished there is no second.
pub fn refresh_job(name: &BoardName, refresh: &RefreshRequest) -> JobRequest {
    let args = || to_raw_value(&serde_json::json!({"board": name})).expect("a name is always JSON");
    JobRequest {
        args: Some(refresh.args.clone().unwrap_or_else(args)),
        queue: refresh.queue.clone(),
        unique_key: Some(format!("board:{name}")),
        ..JobRequest::new(refresh.kind.clone())
    }
}

fn settle(
    board: &mut Board,
    roles: Option<&Option<Vec<RoleName>>>,
    refresh: Option<&Option<RefreshRequest>>,
) {
    if let Some(roles) = roles {
        board.roles = roles.clone().map(|mut roles| {
            roles.sort();
            roles.dedup();
            roles
        });
    }
    if let Some(refresh) = refresh {
        board.refresh = refresh.clone();
    }
}

fn checked(latest: &Latest, mut board: Board, now: Timestamp) -> Result<Outcome, Refused> {
    if latest.board.as_ref() == Some(&board) {
        return Ok(Outcome::Same(board));
    }
    check_depth(&board.state)?;
    check_state_bytes(&board.state)?;
    if let Some(count) = board.roles.as_ref().map(Vec::len).filter(|count| *count > MAX_ROLES) {
        let message = format!("\"roles\" may name {MAX_ROLES} roles at most, not {count}");
        return Err(Invalid::new("roles", message).into());
    }
    if let Some(args) = board.refresh.as_ref().and_then(|refresh| refresh.args.as_ref()) {
        check_json("refresh.args", args.get())?;
    }
    board.version = latest.version + 1;
    board.updated_at = now;
    Ok(Outcome::Changed(board))
}

fn check_guard(latest: &Latest, guard: Guard) -> Result<(), Refused> {
    let present = latest.board.as_ref().map(|board| board.version);
    let holds = match guard {
        Guard::Any => true,
        Guard::Version(named) => present == Some(named),
        Guard::Exists => present.is_some(),
        Guard::Absent => present.is_none(),
    };
    if holds { Ok(()) } else { Err(Refused::Mismatch { present }) }
}

fn check_state_bytes(state: &State) -> Result<(), Invalid> {
    let bytes = text(state).len();
    if bytes <= MAX_STATE_BYTES {
        return Ok(());
    }
    let message = format!(
        "\"state\" may take {MAX_STATE_BYTES} bytes of JSON at most, not {bytes}: a board holds what is looked at \
         together; keep lists short, or use several boards"
    );
    Err(Invalid::new("state", message))
}

fn check_depth(state: &State) -> Result<(), Invalid> {
    fn fits(value: &Value, room: usize) -> bool {
        match value {
            Value::Object(object) => room > 0 && object.values().all(|value| fits(value, room - 1)),
            Value::Array(list) => room > 0 && list.iter().all(|value| fits(value, room - 1)),
            _ => true,
        }
    }
    if state.values().all(|value| fits(value, MAX_DEPTH - 1)) {
        return Ok(());
    }
    let message = format!("\"state\" may have {MAX_DEPTH} levels of objects and lists at most");
    Err(Invalid::new("state", message))
}

/// A document as JSON.
pub fn text(state: &State) -> String {
    serde_json::to_string(state).expect("JSON values with string keys can be written")
}
