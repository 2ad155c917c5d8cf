//! Reading boards: applications all of them, users those that their roles may see.

use axum::extract::State;
use http::StatusCode;
use oyez_core::{access::Person, board::Board};
use oyez_protocol::{
    BoardName,
    api::{
        boards::{BoardSummary, BoardVersion, BoardView},
        page::Page,
    },
};
use serde::Deserialize;
use serde_json::Value;

use super::tagged;
use crate::{
    auth::{Principal, Scope},
    http::{
        Http,
        access::Caller,
        body::{Query, Segments},
        json,
        paging::{PageQuery, limit, page},
        refusal::{Answer, Refusal},
    },
};

pub(super) async fn list(
    State(state): State<Http>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Answer {
    caller.require(Scope::Boards)?;
    let (limit, after) = (query.limit()?, query.after::<BoardName>()?);
    let boards = state.boards().list(after.as_ref(), limit + 1).await?;
    let shown = boards.into_iter().map(|row| BoardSummary {
        name: row.name,
        version: row.version,
        bytes: row.bytes,
        roles: row.roles,
        refresh: row.refresh,
        updated_at: row.updated_at,
    });
    Ok(json(StatusCode::OK, &page(shown.collect(), limit, |board: &BoardSummary| board.name.to_string())))
}

pub(super) async fn one(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<BoardName>,
) -> Answer {
    let board = visible(&state, &caller, &name).await?;
    let mut refresh = board.refresh;
    if !caller.may(Scope::Boards)
        && let Some(refresh) = &mut refresh
    {
        refresh.args = None;
    }
    let view = BoardView {
        name: board.name,
        version: board.version,
        state: oyez_core::board::State::clone(&board.state),
        roles: board.roles,
        refresh,
        created_at: board.created_at,
        updated_at: board.updated_at,
    };
    Ok(tagged(view.version, json(StatusCode::OK, &view)))
}

#[derive(Deserialize)]
pub(super) struct HistoryQuery {
    #[serde(default)]
    pointer: Option<String>,
    #[serde(default)]
    cursor: Option<u64>,
    #[serde(default)]
    limit: Option<u32>,
}

pub(super) async fn history(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<BoardName>,
    Query(query): Query<HistoryQuery>,
) -> Answer {
    let limit = limit(query.limit)?;
    let pointer = query.pointer.as_deref().filter(|pointer| !pointer.is_empty());
    if pointer.is_some_and(|pointer| !pointer.starts_with('/')) {
        let detail = "\"pointer\" must be a JSON pointer that begins with /, such as /pending_review";
        return Err(Refusal::at("pointer", detail));
    }
    visible(&state, &caller, &name).await?;
    let past = state.boards().history(&name, query.cursor, limit + 1).await?;
    let shown = past.into_iter().map(|past| {
        let mut state = Value::Object(past.state);
        if let Some(pointer) = pointer {
            state = state.pointer_mut(pointer).map(Value::take).unwrap_or_default();
        }
        BoardVersion { version: past.version, at: past.at, state }
    });
    let page: Page<BoardVersion> = page(shown.collect(), limit, |past| past.version.to_string());
    Ok(json(StatusCode::OK, &page))
}

/// The board, if this caller may see it. To others it is as good as none.
async fn visible(state: &Http, caller: &Caller, name: &BoardName) -> Answer<Board> {
    let board = state.boards().get(name).await?;
    let sees = match &caller.principal {
        Principal::User(user) => {
            state.boards().may_see(Person { user: &user.id, roles: &user.roles }, &board)
        }
        Principal::Application(_) => false,
    };
    if sees || caller.may(Scope::Boards) {
        return Ok(board);
    }
    match &caller.principal {
        Principal::Application(_) => Err(Refusal::missing_scope(Scope::Boards)),
        Principal::User(_) => Err(crate::boards::BoardsError::NotFound(name.clone()).into()),
    }
}
