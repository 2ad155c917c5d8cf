//! `/api/v1/connections`: who is connected to this node now, and sending them away.

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{CloseCode, ConnectionId, UserId, api::connections::Connection};
use serde::Deserialize;

use super::{
    Http,
    access::Caller,
    body::{Query, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    paging::{PageQuery, page},
    refusal::{Answer, Refusal},
};
use crate::{
    auth::Scope,
    hub::{ConnectionInfo, Stream},
};

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let admin = Access::Scope(Scope::Admin);
    table
        .add(
            Endpoint::get("/api/v1/connections", "connections", "List live connections")
                .describe("Of this node, by id.")
                .access(admin)
                .query("user", "Only this user's.")
                .paged()
                .answers_page::<Connection>("Connections."),
            list,
        )
        .add(
            Endpoint::delete("/api/v1/connections/{id}", "connections", "End a live connection")
                .describe("With close code 1001; a client that reconnects by itself may come back.")
                .access(admin)
                .answers_nothing("It has ended."),
            disconnect,
        )
}

#[derive(Deserialize)]
struct ListQuery {
    #[serde(default)]
    user: Option<UserId>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

async fn list(State(state): State<Http>, caller: Caller, Query(query): Query<ListQuery>) -> Answer {
    caller.require(Scope::Admin)?;
    let paging = PageQuery { cursor: query.cursor, limit: query.limit };
    let (limit, after) = (paging.limit()?, paging.after::<ConnectionId>()?);
    let mut connections = state.hub().connections().await;
    connections.retain(|one| {
        query.user.as_ref().is_none_or(|user| one.user == *user) && after.is_none_or(|after| one.id > after)
    });
    connections.sort_unstable_by_key(|one| one.id);
    let shown = connections.into_iter().take(limit as usize + 1).map(shown);
    Ok(json(StatusCode::OK, &page(shown.collect(), limit, |one| one.id.to_string())))
}

fn shown(connection: ConnectionInfo) -> Connection {
    Connection {
        id: connection.id,
        user_id: connection.user,
        stream: match connection.stream {
            Stream::Notifications => "notifications".into(),
            Stream::Dashboard => "dashboard".into(),
        },
        transport: connection.transport.into(),
        address: connection.address.map(|address| address.to_string()),
        connected_at: connection.connected_at,
        seq: connection.seq,
        waiting_bytes: connection.waiting_bytes as u64,
    }
}

async fn disconnect(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<ConnectionId>,
) -> Answer<StatusCode> {
    caller.require(Scope::Admin)?;
    if state.hub().disconnect(id, CloseCode::GoingAway, "ended by an administrator").await {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::not_found("connection on this node"))
}
