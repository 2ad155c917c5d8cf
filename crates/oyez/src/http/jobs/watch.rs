//! Follows one job as server-sent events, up to its end.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, State},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use oyez_protocol::{JobId, Timestamp};

use super::{
    super::{
        Http,
        access::Caller,
        body::Segments,
        refusal::{Answer, Refusal},
    },
    read::visible,
};
use crate::{auth::Principal, jobs::Watch};

/// A comment goes out after this long without a frame, so that proxies keep the connection and a dead one is found.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// The last event's id: who comes back with it has seen the end.
const END: &str = "end";

/// Who may watch. `EventSource` can set no headers, so the query's credentials of a live stream are taken too.
pub(super) struct Watcher(Caller);

impl FromRequestParts<Http> for Watcher {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Http) -> Result<Self, Refusal> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Caller::from_request_parts(parts, state).await.map(Self);
        }
        let user = state.auth().handshake(parts).await?;
        Ok(Self(Caller::known(state, Principal::User(user))))
    }
}

struct Follower {
    state: Http,
    watch: Watch,
    /// When the caller's token ends: then so does the stream.
    expires_at: Option<Timestamp>,
    over: bool,
}

pub(super) async fn watch(
    State(state): State<Http>,
    Watcher(caller): Watcher,
    headers: HeaderMap,
    Segments(id): Segments<JobId>,
) -> Answer {
    visible(&state, &caller, id).await?;
    if headers.get("last-event-id").is_some_and(|last| last == END) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watch = state.jobs().watch(id).await?;
    let expires_at = match &caller.principal {
        Principal::User(user) => user.expires_at,
        Principal::Application(_) => None,
    };
    let follower = Follower { state, watch, expires_at, over: false };
    let events = stream::unfold(follower, |mut follower| async move {
        let text = follower.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), follower))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that buffer answers are asked not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

impl Follower {
    /// What is sent next; none ends the stream.
    async fn next(&mut self) -> Option<String> {
        let expired = self.expires_at.is_some_and(|at| at <= self.state.clock().now());
        if self.over || expired {
            return None;
        }
        tokio::select! {
            () = self.state.drains() => None,
            next = tokio::time::timeout(KEEP_ALIVE, self.watch.next()) => match next {
                Err(_) => Some(":\n\n".into()),
                Ok(Ok(Some(frame))) => {
                    let text = event(&frame);
                    self.over = text.starts_with("id: ");
                    Some(text)
                }
                // After the end, or when the job is gone: who comes back learns which.
                Ok(Ok(None) | Err(_)) => None,
            },
        }
    }
}

fn event(frame: &Arc<str>) -> String {
    let kind = frame.strip_prefix(r#"{"type":""#).and_then(|rest| rest.split('"').next());
    let kind = kind.unwrap_or("message");
    let ends = ["_completed", "_failed", "_cancelled"].iter().any(|end| kind.ends_with(end));
    let id = if ends { format!("id: {END}\n") } else { String::new() };
    format!("{id}event: {kind}\ndata: {frame}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_has_an_id_and_no_other_frame_has() {
        let progress = event(&r#"{"type":"x_failed_progress","percent":3}"#.into());
        assert_eq!(
            progress,
            "event: x_failed_progress\ndata: {\"type\":\"x_failed_progress\",\"percent\":3}\n\n"
        );
        let end = event(&r#"{"type":"x_completed"}"#.into());
        assert_eq!(end, "id: end\nevent: x_completed\ndata: {\"type\":\"x_completed\"}\n\n");
    }
}
