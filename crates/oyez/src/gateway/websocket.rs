//! Opens WebSockets: over HTTP/1.1 the hub gets the TCP socket itself, over everything else one end of a pair.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{Response, request::Parts},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade::downcast};
use oyez_protocol::ErrorCode;
use tokio::net::TcpStream;

use super::{
    Gateway, Shared,
    door::{FULL_PROTOCOL, Guest, admit},
    greet::greet,
    peer::WebSocketPeer,
    pump,
    refusal::Refusal,
};
use crate::{
    hub::{Format, Socket, Stream},
    websocket::handshake,
};

/// `GET /ws/…`.
pub(super) async fn open(gateway: Gateway, stream: Stream, request: Request) -> Response<Body> {
    let (mut parts, _body) = request.into_parts();
    match upgrade(gateway, stream, &mut parts).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn upgrade(gateway: Gateway, stream: Stream, parts: &mut Parts) -> Result<Response<Body>, Refusal> {
    let on_upgrade = parts.extensions.remove::<OnUpgrade>();
    let upgrade = handshake::check(parts)?;
    let guest = admit(&gateway.shared, stream, parts).await?;
    let Some(on_upgrade) = on_upgrade else {
        return Err(Refusal::new(ErrorCode::Internal, "this connection cannot be upgraded"));
    };
    let subprotocol = upgrade.subprotocols().find(|name| *name == FULL_PROTOCOL);
    let accept = upgrade.accept(subprotocol, gateway.shared.options.compression);
    let deflate = accept.deflate;
    let shared = Arc::clone(&gateway.shared);
    // Ends with the greeting; afterwards the connection is the hub's alone.
    tokio::spawn(async move {
        match on_upgrade.await {
            Ok(upgraded) => hand_over(&shared, &guest, upgraded, deflate).await,
            Err(error) => tracing::debug!(%error, "a client left during its handshake"),
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = accept.status;
    *response.headers_mut() = accept.headers;
    Ok(response)
}

async fn hand_over(shared: &Shared, guest: &Guest, upgraded: Upgraded, deflate: bool) {
    let format = if deflate { Format::Deflate } else { Format::WebSocket };
    match take_socket(upgraded) {
        Ok((socket, leftover)) => {
            let limits = Arc::clone(&shared.limits);
            let peer = WebSocketPeer::new(shared.options.max_frame, deflate, limits);
            shared.hub.attach(guest.attach(shared, socket, format, Box::new(peer), leftover));
            greet(shared, guest).await;
        }
        Err(error) => tracing::warn!(%error, "could not take a connection over"),
    }
}

/// The client's own TCP socket when that is all there is; else one end of a pair that a task pumps.
fn take_socket(upgraded: Upgraded) -> std::io::Result<(Socket, Box<[u8]>)> {
    let bare = downcast::<TokioIo<TcpStream>>(upgraded).map(|parts| (parts.io, parts.read_buf)).or_else(
        |upgraded| upgraded.downcast::<TokioIo<TcpStream>>().map(|parts| (parts.io, parts.read_buf)),
    );
    match bare {
        Ok((io, read)) => {
            // Copied, because the bytes may pin the whole read buffer of the HTTP library.
            Ok((Socket::tcp(io.into_inner().into_std()?)?, read[..].into()))
        }
        Err(upgraded) => Ok((pump::start(upgraded)?, Box::default())),
    }
}
