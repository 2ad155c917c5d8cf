//! Who may come in: the checks that a WebSocket and an event stream have in common, in the order of their price.

use std::{net::IpAddr, sync::atomic::Ordering};

use axum::http::request::Parts;
use oyez_core::access::Person;
use oyez_protocol::{BoardName, ConnectionId, ErrorCode, Seq, TopicName};
use uuid::Uuid;

use super::{Shared, refusal::Refusal, resume::Claim};
use crate::{
    auth::UserPrincipal,
    boards::BoardsError,
    hub::{Attach, Format, Peer, Socket, Stream},
    websocket::handshake::subprotocols,
};

/// The subprotocol that asks for all frames.
pub(super) const FULL_PROTOCOL: &str = "oyez.v1";
/// Events to this topic reach every dashboard.
const DASHBOARD_TOPIC: &str = "dashboard";
/// Boards that one address may name.
const MOST_BOARDS: usize = 20;
/// Asked to come back after so many seconds when there is no room.
const RETRY_SECONDS: u64 = 5;

/// Somebody who may connect, and what they asked for.
pub(super) struct Guest {
    pub(super) id: ConnectionId,
    pub(super) principal: UserPrincipal,
    pub(super) stream: Stream,
    pub(super) full: bool,
    pub(super) claim: Claim,
    boards: Vec<BoardName>,
    topics: Vec<TopicName>,
    address: Option<IpAddr>,
}

/// Judges a request for a live stream. A ticket is used up only when nothing else stands against it.
pub(super) async fn admit(shared: &Shared, stream: Stream, parts: &Parts) -> Result<Guest, Refusal> {
    if shared.draining.load(Ordering::SeqCst) {
        let refusal = Refusal::new(ErrorCode::Unavailable, "the server is going down: try again");
        return Err(refusal.retry_after(1));
    }
    if shared.hub.stats().connections >= shared.options.max_connections {
        let refusal =
            Refusal::new(ErrorCode::TooManyConnections, "too many live connections: try again later");
        return Err(refusal.retry_after(RETRY_SECONDS));
    }
    if !shared.origins.allow(parts) {
        let message =
            "pages of this origin may not connect; the operator can list it in gateway.allowed_origins";
        return Err(Refusal::new(ErrorCode::OriginForbidden, message));
    }
    let wishes = wishes(parts)?;
    let principal = shared.auth.handshake(parts).await?;
    let person = Person { user: &principal.id, roles: &principal.roles };
    let topics = match stream {
        Stream::Notifications => Vec::new(),
        // The dashboard's own topic; it ends with the role that opened it.
        Stream::Dashboard if shared.rules.may_open_dashboard(person) => {
            TopicName::new(DASHBOARD_TOPIC).into_iter().collect()
        }
        Stream::Dashboard if sees_any(shared, person).await? => Vec::new(),
        Stream::Dashboard => {
            let message = "the dashboard is for holders of a dashboard role, or of one that may see a board";
            return Err(Refusal::new(ErrorCode::Forbidden, message));
        }
    };
    for board in &wishes.boards {
        if !shared.boards.may_watch(person, board).await.map_err(|error| unreadable(&error))? {
            return Err(Refusal::new(
                ErrorCode::Forbidden,
                format!("the board {board} is not for your roles"),
            ));
        }
    }
    let full = wishes.full || subprotocols(&parts.headers).any(|name| name == FULL_PROTOCOL);
    Ok(Guest {
        id: ConnectionId(Uuid::now_v7()),
        address: shared.auth.client_address(parts),
        claim: wishes.claim,
        boards: wishes.boards,
        topics,
        principal,
        stream,
        full,
    })
}

async fn sees_any(shared: &Shared, person: Person<'_>) -> Result<bool, Refusal> {
    shared.boards.may_see_any(person).await.map_err(|error| unreadable(&error))
}

fn unreadable(error: &BoardsError) -> Refusal {
    tracing::error!(%error, "could not read boards");
    Refusal::new(ErrorCode::Unavailable, "try again").retry_after(1)
}

struct Wishes {
    full: bool,
    claim: Claim,
    boards: Vec<BoardName>,
}

fn wishes(parts: &Parts) -> Result<Wishes, Refusal> {
    let mut wishes = Wishes { full: false, claim: Claim::default(), boards: Vec::new() };
    let position = |text: &str, name: &str| {
        let message = || format!("{name} must be the seq of an item, such as 17");
        text.parse().map(Seq).map_err(|_| Refusal::new(ErrorCode::Invalid, message()))
    };
    let query = parts.uri.query().unwrap_or_default();
    for (key, value) in form_urlencoded(query) {
        match key {
            "since" if !value.is_empty() => wishes.claim.since = Some(position(value, "since")?),
            "epoch" if !value.is_empty() => wishes.claim.epoch = Some(value.to_owned()),
            "board" if wishes.boards.len() < MOST_BOARDS => {
                let board = BoardName::new(value);
                let board = board.map_err(|error| Refusal::new(ErrorCode::Invalid, error.to_string()))?;
                wishes.boards.push(board);
            }
            "board" => {
                let message = format!("\"board\" may be given {MOST_BOARDS} times at most");
                return Err(Refusal::new(ErrorCode::Invalid, message));
            }
            "frames" => wishes.full = value == "full",
            _ => {}
        }
    }
    // A browser's own reconnect knows better where it was than the address it first used.
    if let Some(last) = parts.headers.get("last-event-id").and_then(|last| last.to_str().ok())
        && !last.is_empty()
    {
        wishes.claim.since = Some(position(last, "Last-Event-ID")?);
    }
    Ok(wishes)
}

/// Names and values of a query. Those read here are numbers and identifiers, which need no unescaping.
fn form_urlencoded(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter_map(|pair| pair.split_once('='))
}

impl Guest {
    /// What the hub takes over.
    pub(super) fn attach(
        &self,
        shared: &Shared,
        socket: Socket,
        format: Format,
        peer: Box<dyn Peer>,
        leftover: Box<[u8]>,
    ) -> Attach {
        Attach {
            id: self.id,
            user: self.principal.id.clone(),
            stream: self.stream,
            format,
            full: self.full,
            session: self.principal.session,
            expires_at: self.principal.expires_at.filter(|_| !shared.options.keep_expired),
            topics: self.topics.clone(),
            boards: self.boards.clone(),
            all_boards: self.full && self.stream == Stream::Dashboard,
            address: self.address,
            peer,
            socket,
            leftover,
        }
    }
}
