//! A refusal as an answer: problem+json for API clients, a page for people.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::json;

use super::templates::Templates;
use crate::refusal::Refusal;

/// RFC 9457, with a stable `code`.
#[derive(Debug)]
pub(super) struct Problem(Refusal);

impl<E: Into<Refusal>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

fn status(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The cause is for whoever runs the server, once.
fn log(refusal: &Refusal) {
    if let Refusal::Internal(cause) = refusal {
        tracing::error!("{cause:#}");
    }
}

fn retry_after(refusal: &Refusal, response: &mut Response) {
    if let Refusal::TooManyLogins { retry_after_seconds } = refusal {
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
                body["current_status"] = json!(wrong.from.status);
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
        let page = Templates.error_page(status.as_u16(), &refusal.to_string());
        let mut response = (status, Html(page)).into_response();
        retry_after(&refusal, &mut response);
        response
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
