//! What every request goes through, in one layer: request id, panic, time limit, CORS, security headers, measuring.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use oyez_protocol::{ErrorCode, api::problem::Problem};

use super::{
    Http,
    refusal::{Cause, Refusal},
};
use crate::auth::extract::problem_response;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID_BYTES: usize = 64;

/// Goes around every endpoint.
pub(super) async fn edge(State(state): State<Http>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(request.headers(), &state);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = if method == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    {
        preflight(request.headers())
    } else {
        answer(&state, request, next).await
    };
    let cause = response.extensions_mut().remove::<Cause>();
    add_request_id(&mut response, &request_id);
    add_security_headers(response.headers_mut());
    if let Some(origin) = origin {
        state.cors().add(response.headers_mut(), &origin);
    }
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    state.metrics().request(&method, route, response.status(), started.elapsed());
    log(&request_id, &method, route, response.status(), cause);
    response
}

/// The route, never the path or query: those may hold names and tokens.
fn log(request_id: &HeaderValue, method: &Method, route: &str, status: StatusCode, cause: Option<Cause>) {
    let (request_id, status) = (request_id.to_str().unwrap_or_default(), status.as_u16());
    if let Some(Cause(cause)) = cause {
        tracing::error!(request_id, %method, route, status, %cause, "a request failed");
    } else if status >= 500 {
        tracing::warn!(request_id, %method, route, status, "a request failed");
    } else {
        tracing::debug!(request_id, %method, route, status, "answered");
    }
}

async fn answer(state: &Http, request: Request, next: Next) -> Response {
    let running = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(state.request_timeout(), running).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let reason = panic.downcast_ref::<&str>().copied().map(str::to_owned);
            let reason = reason.or_else(|| panic.downcast_ref::<String>().cloned());
            let reason = reason.as_deref().unwrap_or("no reason given");
            Refusal::internal(format!("the handler panicked: {reason}")).into_response()
        }
        Err(_) => {
            Refusal::new(ErrorCode::Unavailable, "the request took too long: try again").into_response()
        }
    }
}

/// The caller's own id when it is sane, else a new one.
fn request_id(headers: &HeaderMap, state: &Http) -> HeaderValue {
    let sane = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
        (1..=MAX_REQUEST_ID_BYTES).contains(&bytes.len()) && bytes.iter().all(allowed)
    };
    headers.get(&REQUEST_ID).filter(sane).cloned().unwrap_or_else(|| state.request_ids().next())
}

/// Makes request ids: unlike any other process's, and cheap.
pub(super) struct RequestIds {
    process: u32,
    count: AtomicU64,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self { process: rand::random(), count: AtomicU64::new(0) }
    }
}

impl RequestIds {
    fn next(&self) -> HeaderValue {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        HeaderValue::from_str(&format!("{:08x}{count:08x}", self.process))
            .unwrap_or_else(|_| HeaderValue::from_static("none"))
    }
}

/// Says the id in the header, and in the body of a problem.
fn add_request_id(response: &mut Response, id: &HeaderValue) {
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.request_id = id.to_str().ok().map(str::to_owned);
        let headers = std::mem::take(response.headers_mut());
        *response = problem_response(problem);
        for (name, value) in &headers {
            if *name != header::CONTENT_LENGTH && !response.headers().contains_key(name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response.extensions_mut().remove::<Problem>();
    }
    response.headers_mut().insert(REQUEST_ID, id.clone());
}

fn add_security_headers(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
}

fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    if asked.contains_key(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        let allowed = HeaderValue::from_static(
            "authorization, content-type, idempotency-key, x-request-id, x-oyez-csrf",
        );
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Which pages of other origins may call the API. They never may with cookies: they need a token.
pub(super) struct Cors {
    any: bool,
    origins: Vec<HeaderValue>,
}

impl Cors {
    pub(super) fn new(origins: &[String]) -> Self {
        let any = origins.iter().any(|origin| origin == "*");
        let bare = origins.iter().map(|origin| origin.trim_end_matches('/'));
        Self { any, origins: bare.filter_map(|origin| HeaderValue::from_str(origin).ok()).collect() }
    }

    fn add(&self, headers: &mut HeaderMap, origin: &HeaderValue) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let allowed = if self.any {
            HeaderValue::from_static("*")
        } else if self.origins.contains(origin) {
            origin.clone()
        } else {
            // Without the permission the browser keeps the answer from the page.
            for name in [
                header::ACCESS_CONTROL_ALLOW_METHODS,
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                header::ACCESS_CONTROL_MAX_AGE,
            ] {
                headers.remove(name);
            }
            return;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        let exposed = HeaderValue::from_static("x-request-id, retry-after");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}
