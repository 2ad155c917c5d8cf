//! A refusal as an answer: problem+json for API clients, a page for people.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::json;

use super::templates;
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
            Refusal::Invalid { field, .. } => body["field"] = json!(field),
            Refusal::NotBookable(complaints) => body["complaints"] = json!(complaints),
            _ => {}
        }
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM);
        response
    }
}

/// A page that says what went wrong and where to go on.
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
        let status = status(&refusal);
        (status, Html(templates::error_page(status.as_u16(), &refusal.to_string()))).into_response()
    }
}

/// The answer to a path that nothing is behind.
pub(super) async fn lost(uri: Uri) -> Response {
    let path = uri.path();
    if path == "/api" || path.starts_with("/api/") {
        return Problem(Refusal::NotFound("address")).into_response();
    }
    PageError(Refusal::NotFound("page")).into_response()
}
