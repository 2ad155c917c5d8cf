//! `/api/v1/boards`: documents that dashboards show. Users read those that their roles may see; all else takes the scope
//! `boards`.

mod read;

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use oyez_core::board::Guard;
use oyez_protocol::{
    BoardName, ErrorCode,
    api::{
        boards::{BoardChanged, BoardPatchRequest, BoardRequest, BoardSummary, BoardVersion, BoardView},
        jobs::JobAccepted,
    },
};

use super::{
    Http,
    access::Caller,
    body::{Json, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    idempotency, json,
    refusal::{Answer, Refusal},
};
use crate::auth::Scope;

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let (application, viewer) = (Access::Scope(Scope::Boards), Access::BoardsOrViewer);
    let table = table
        .add(
            Endpoint::get("/api/v1/boards", "boards", "List boards")
                .describe("Without their documents.")
                .access(application)
                .paged()
                .answers_page::<BoardSummary>("Boards, by name."),
            read::list,
        )
        .add(
            Endpoint::get("/api/v1/boards/{name}", "boards", "Read a board")
                .describe("The header `ETag` has its version. Live streams send the same as `board` and `board_patch`.")
                .access(viewer)
                .answers::<BoardView>(200, "The board."),
            read::one,
        )
        .add(
            Endpoint::get("/api/v1/boards/{name}/history", "boards", "List a board's last versions")
                .describe(
                    "The newest first: what a sparkline needs. `pointer` (RFC 6901) picks one value of each: \
                     `?pointer=/pending_review`.",
                )
                .access(viewer)
                .query("pointer", "Only the value at this JSON pointer, such as `/pending_review`.")
                .query("cursor", "The `next_cursor` of the page before.")
                .query("limit", "1 to 200, default 50.")
                .answers_page::<BoardVersion>("Versions, the newest first."),
            read::history,
        );
    table
        .add(
            Endpoint::put("/api/v1/boards/{name}", "boards", "Make a board, or replace its document")
                .describe(
                    "Answered when it is on disk; viewers are told at once. `roles` and `refresh` stay when nothing is \
                     said of them. What changes nothing leaves the version as it is.\n\n\
                     `If-Match: <version>` changes it only from that version, `If-Match: *` only when it is there, \
                     `If-None-Match: *` only when it is not; else 412 `version_mismatch` tells the present version.",
                )
                .access(application)
                .idempotent()
                .guarded()
                .body::<BoardRequest>()
                .answers::<BoardChanged>(200, "What became of it; 201 when it was made."),
            put,
        )
        .add(
            Endpoint::patch("/api/v1/boards/{name}", "boards", "Change part of a board")
                .describe(
                    "A merge patch (RFC 7396) of what `GET` shows: `{\"state\": {\"pending\": 7, \"old\": null}}` sets \
                     one key and removes another. Guards are those of `PUT`.",
                )
                .access(application)
                .idempotent()
                .guarded()
                .body::<BoardPatchRequest>()
                .answers::<BoardChanged>(200, "What became of it."),
            patch,
        )
        .add(
            Endpoint::delete("/api/v1/boards/{name}", "boards", "Delete a board")
                .describe("With its history. Viewers are told that it is gone.")
                .access(application)
                .guarded()
                .answers_nothing("It is gone."),
            delete,
        )
        .add(
            Endpoint::post("/api/v1/boards/{name}/refresh", "boards", "Bring a board up to date now")
                .describe(
                    "Asks for the job that the board's `refresh` names, as the schedule `oyez.boards` does every five \
                     minutes. While one is unfinished there is no second: 200 with `created: false`. 409 when it \
                     names none.",
                )
                .access(application)
                .answers::<JobAccepted>(201, "The job.")
                .refuses(&[ErrorCode::Conflict]),
            refresh,
        )
}

async fn put(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<BoardName>,
    headers: HeaderMap,
    Json(mut request): Json<BoardRequest>,
) -> Answer {
    caller.require(Scope::Boards)?;
    let guard = guard(&headers)?;
    let key = idempotency::merge(idempotency::of_header(&headers)?, request.idempotency_key.take())?;
    let idempotency = idempotency::recognise(&format!("boards.put:{name}"), &caller, key, &request)?;
    let changed = state.boards().put(&name, request, guard, idempotency).await?;
    let status = if changed.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(tagged(changed.version, json(status, &changed)))
}

async fn patch(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<BoardName>,
    headers: HeaderMap,
    Json(mut request): Json<BoardPatchRequest>,
) -> Answer {
    caller.require(Scope::Boards)?;
    let guard = guard(&headers)?;
    let key = idempotency::merge(idempotency::of_header(&headers)?, request.idempotency_key.take())?;
    let idempotency = idempotency::recognise(&format!("boards.patch:{name}"), &caller, key, &request)?;
    let changed = state.boards().patch(&name, request, guard, idempotency).await?;
    Ok(tagged(changed.version, json(StatusCode::OK, &changed)))
}

async fn delete(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<BoardName>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    caller.require(Scope::Boards)?;
    state.boards().delete(&name, guard(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn refresh(State(state): State<Http>, caller: Caller, Segments(name): Segments<BoardName>) -> Answer {
    caller.require(Scope::Boards)?;
    let accepted = state.boards().refresh(&name).await?;
    let status = if accepted.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json(status, &accepted))
}

/// An answer that tells a board's version as its entity tag.
fn tagged(version: u64, mut response: Response) -> Response {
    let tag = HeaderValue::try_from(format!("\"{version}\"")).expect("digits and quotes are visible ASCII");
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// What the caller expects to be there, by `If-Match` or `If-None-Match`.
fn guard(headers: &HeaderMap) -> Result<Guard, Refusal> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
        (None, None) => Ok(Guard::Any),
        (Some("*"), None) => Ok(Guard::Exists),
        (None, Some("*")) => Ok(Guard::Absent),
        (Some(tag), None) => {
            let bare = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
            let wrong = |_| {
                let detail =
                    format!("the header \"If-Match\" must be a version, such as \"7\", or *, not {tag:?}");
                Refusal::new(ErrorCode::Invalid, detail)
            };
            bare.parse().map(Guard::Version).map_err(wrong)
        }
        (None, Some(_)) => {
            let detail = "the header \"If-None-Match\" must be *: only when there is no board yet";
            Err(Refusal::new(ErrorCode::Invalid, detail))
        }
        (Some(_), Some(_)) => {
            let detail = "\"If-Match\" and \"If-None-Match\" contradict each other: send one of them";
            Err(Refusal::new(ErrorCode::Invalid, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_read_as_clients_write_it() {
        let of = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            guard(&headers).ok()
        };
        for tag in ["7", "\"7\"", "W/\"7\"", " 7 "] {
            assert_eq!(of("if-match", tag), Some(Guard::Version(7)), "{tag}");
        }
        assert_eq!(of("if-match", "*"), Some(Guard::Exists));
        assert_eq!(of("if-none-match", "*"), Some(Guard::Absent));
        assert_eq!((of("if-match", "seven"), of("if-none-match", "7")), (None, None));
        assert_eq!(of("accept", "*"), Some(Guard::Any));
    }
}
