//! Opens event streams: the same frames as a WebSocket, one way, for `EventSource` and `curl -N`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, Response, header},
};
use bytes::Bytes;
use oyez_protocol::ErrorCode;

use super::{Gateway, door::admit, greet::greet, peer::Listener, pump, refusal::Refusal};
use crate::hub::{Format, Stream};

/// Asks the client to come back soon when the stream breaks.
const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n\n");

/// `GET /sse/…`.
pub(super) async fn open(gateway: Gateway, stream: Stream, request: Request) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    if parts.method != Method::GET {
        return Refusal::new(ErrorCode::MethodNotAllowed, "an event stream is opened with GET")
            .into_response();
    }
    let guest = match admit(&gateway.shared, stream, &parts).await {
        Ok(guest) => guest,
        Err(refusal) => return refusal.into_response(),
    };
    let (socket, body) = match pump::body(RETRY) {
        Ok(pair) => pair,
        Err(error) => {
            tracing::error!(%error, "could not open an event stream");
            return Refusal::new(ErrorCode::Unavailable, "try again").into_response();
        }
    };
    let shared = Arc::clone(&gateway.shared);
    let attach = guest.attach(&shared, socket, Format::EventStream, Box::new(Listener), Box::default());
    shared.hub.attach(attach);
    // Ends with the greeting.
    tokio::spawn(async move { greet(&shared, &guest).await });
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that buffer answers are asked not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
