//! The page at `/` and the API reference at `/docs`: static files, built into the binary.
//!
//! Each answer carries an ETag of its content and a strict content security policy: scripts and styles only from
//! this server, none inline. It has no state and no private API: the files talk to the public one like anybody else.

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};

/// What the pages may load and who may frame them. The live stream is on the same host, which `'self'` covers.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; \
                                       frame-ancestors 'none'; object-src 'none'";

/// The worker that shows push messages. It lies at the top, so that it may speak for every page of this server.
const SERVICE_WORKER: &str = "/oyez-sw.js";

struct Asset {
    path: &'static str,
    content_type: &'static str,
    body: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! asset {
    ($path:expr, $content_type:expr, $file:literal) => {
        Asset {
            path: $path,
            content_type: $content_type,
            body: include_bytes!(concat!("../console/", $file)),
        }
    };
}

const ASSETS: &[Asset] = &[
    asset!("/", HTML, "index.html"),
    asset!("/docs", HTML, "docs.html"),
    asset!("/favicon.ico", SVG, "bell.svg"),
    asset!(SERVICE_WORKER, SCRIPT, "service-worker.js"),
    asset!("/console/bell.svg", SVG, "bell.svg"),
    asset!("/console/console.css", CSS, "console.css"),
    asset!("/console/docs.css", CSS, "docs.css"),
    asset!("/console/api.js", SCRIPT, "api.js"),
    asset!("/console/docs.js", SCRIPT, "docs.js"),
    asset!("/console/dom.js", SCRIPT, "dom.js"),
    asset!("/console/frames.js", SCRIPT, "frames.js"),
    asset!("/console/inbox.js", SCRIPT, "inbox.js"),
    asset!("/console/inbox-view.js", SCRIPT, "inbox-view.js"),
    asset!("/console/main.js", SCRIPT, "main.js"),
    asset!("/console/push.js", SCRIPT, "push.js"),
    asset!("/console/schema.js", SCRIPT, "schema.js"),
    asset!("/console/send.js", SCRIPT, "send.js"),
    asset!("/console/session.js", SCRIPT, "session.js"),
    asset!("/console/stream.js", SCRIPT, "stream.js"),
    asset!("/console/tabs.js", SCRIPT, "tabs.js"),
];

/// Serves the page at `/`, and what [`docs`] serves.
pub fn router() -> Router {
    serving(|_| true)
}

/// Serves `/docs`, the service worker and the files of both pages, but leaves `/` to the application that embeds Oyez.
pub fn docs() -> Router {
    serving(|path| path == "/docs" || path == SERVICE_WORKER || path.starts_with("/console/"))
}

fn serving(wanted: impl Fn(&str) -> bool) -> Router {
    let mut router = Router::new();
    for asset in ASSETS.iter().filter(|asset| wanted(asset.path)) {
        let etag = etag(asset.body);
        router = router
            .route(asset.path, get(move |headers: HeaderMap| async move { serve(asset, &etag, &headers) }));
    }
    router
}

/// Quoted, as HTTP wants it, and short: it tells one build's file from another's.
fn etag(body: &[u8]) -> HeaderValue {
    let hash = Sha256::digest(body);
    let hex: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hex}\"")).expect("hexadecimal digits and quotes are header text")
}

fn serve(asset: &Asset, etag: &HeaderValue, request: &HeaderMap) -> Response {
    let common = [
        (header::ETAG, etag.clone()),
        // Kept, but asked for again each time: a new binary's page is never mixed with an old one's scripts.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    if is_known(request, etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let guards = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let mut response = (common, guards, asset.body).into_response();
    if asset.path == SERVICE_WORKER {
        // Also where a proxy puts Oyez below a path.
        response.headers_mut().insert("service-worker-allowed", HeaderValue::from_static("/"));
    }
    response
}

fn is_known(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let Some(known) = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    known
        .split(',')
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == "*" || one.as_bytes() == etag.as_bytes())
}

#[cfg(test)]
mod tests;
