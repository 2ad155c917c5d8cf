//! A refusal as an answer: problem+json for API clients, a page for people.

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Web, cookies, templates};
use crate::refusal::Refusal;

/// RFC 9457, with a stable `code`.
#[derive(Debug)]
pub(super) struct Problem(Refusal);

impl<E: Into<Refusal>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

pub(super) fn status(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The cause is for whoever runs the server, once.
fn log(refusal: &Refusal) {
    if let Refusal::Internal(cause) = refusal {
        tracing::error!("{cause:#}");
    }
}

/// Says when to come back, where that is the refusal.
pub(super) fn retry_after(refusal: &Refusal, response: &mut Response) {
    if let Refusal::TooMany { retry_after_seconds, .. } = refusal {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_seconds));
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
        let Self(refusal) = self;
        log(&refusal);
        let status = status(&refusal);
        let mut body = json!({
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "code": refusal.code(),
            "detail": refusal.to_string(),
        });
        match &refusal {
            Refusal::WrongMove(wrong) => {
                body["current_status"] = json!(wrong.from);
                body["possible_moves"] = json!(wrong.possible);
            }
            Refusal::Invalid { field, .. } => body["field"] = json!(field),
            _ => {}
        }
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM);
        retry_after(&refusal, &mut response);
        response
    }
}

/// A page that says what went wrong and where to go on. [`draw`] draws it: here nobody knows who asked.
#[derive(Debug)]
pub(super) struct PageError(pub(super) Refusal);

impl<E: Into<Refusal>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let Self(refusal) = self;
        log(&refusal);
        let mut response = status(&refusal).into_response();
        response.extensions_mut().insert(Said(refusal.to_string()));
        retry_after(&refusal, &mut response);
        response
    }
}

/// What the page of a refusal says.
#[derive(Debug, Clone)]
struct Said(String);

/// Draws the page of a refusal below the header of whoever asked: somebody who is signed in stays so.
pub(super) async fn draw(State(web): State<Web>, request: Request, next: Next) -> Response {
    const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
    let secret = cookies::read(request.headers(), cookies::SESSION).map(str::to_owned);
    let mut response = next.run(request).await;
    let Some(Said(message)) = response.extensions_mut().remove() else { return response };
    let signed = match secret {
        Some(secret) => web.login.resume(&secret).await.ok(),
        None => None,
    };
    // Who has to set a password first has no page that a header could lead to.
    let signed = signed.filter(|(person, _)| !person.must_set_password);
    let page = templates::error_page(response.status().as_u16(), &message, signed.as_ref());
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HTML);
    Response::from_parts(parts, Body::from(page))
}

/// The answer to a path that nothing is behind.
pub(super) async fn lost(uri: Uri) -> Response {
    let path = uri.path();
    if path == "/api" || path.starts_with("/api/") {
        return Problem(Refusal::NotFound("address")).into_response();
    }
    PageError(Refusal::NotFound("page")).into_response()
}
