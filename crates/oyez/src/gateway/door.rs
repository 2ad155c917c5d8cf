//! Who may come in: the checks that a WebSocket and an event stream have in common, in the order of their price.

use std::{net::IpAddr, sync::atomic::Ordering};

use axum::http::request::Parts;
use oyez_core::access::Person;
use oyez_protocol::{ConnectionId, ErrorCode, Seq, TopicName};
use uuid::Uuid;

use super::{Shared, refusal::Refusal, resume::Claim};
use crate::{
    auth::UserPrincipal,
    hub::{Attach, Format, Peer, Socket, Stream},
    websocket::handshake::subprotocols,
};

/// The subprotocol that asks for all frames.
pub(super) const FULL_PROTOCOL: &str = "oyez.v1";
/// Events to this topic reach every dashboard.
const DASHBOARD_TOPIC: &str = "dashboard";
/// Asked to come back after so many seconds when there is no room.
const RETRY_SECONDS: u64 = 5;

/// Somebody who may connect, and what they asked for.
pub(super) struct Guest {
    pub(super) id: ConnectionId,
    pub(super) principal: UserPrincipal,
    pub(super) stream: Stream,
    pub(super) full: bool,
    pub(super) claim: Claim,
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
    if stream == Stream::Dashboard && !shared.rules.may_open_dashboard(person) {
        let message = "the dashboard is for holders of a dashboard role";
        return Err(Refusal::new(ErrorCode::Forbidden, message));
    }
    let full = wishes.full || subprotocols(&parts.headers).any(|name| name == FULL_PROTOCOL);
    Ok(Guest {
        id: ConnectionId(Uuid::now_v7()),
        address: shared.auth.client_address(parts),
        claim: wishes.claim,
        principal,
        stream,
        full,
    })
}

struct Wishes {
    full: bool,
    claim: Claim,
}

fn wishes(parts: &Parts) -> Result<Wishes, Refusal> {
    let mut wishes = Wishes { full: false, claim: Claim::default() };
    let position = |text: &str, name: &str| {
        let message = || format!("{name} must be the seq of an item, such as 17");
        text.parse().map(Seq).map_err(|_| Refusal::new(ErrorCode::Invalid, message()))
    };
    let query = parts.uri.query().unwrap_or_default();
    for (key, value) in form_urlencoded(query) {
        match key {
            "since" if !value.is_empty() => wishes.claim.since = Some(position(value, "since")?),
            "epoch" if !value.is_empty() => wishes.claim.epoch = Some(value.to_owned()),
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
            // The dashboard's own topic; it ends with the role that opened it.
            topics: match self.stream {
                Stream::Dashboard => TopicName::new(DASHBOARD_TOPIC).into_iter().collect(),
                Stream::Notifications => Vec::new(),
            },
            address: self.address,
            peer,
            socket,
            leftover,
        }
    }
}
