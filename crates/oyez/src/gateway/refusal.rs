//! Why a live connection is not opened: an HTTP status and `{"error":{"code","message"}}`.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use oyez_protocol::ErrorCode;
use serde::Serialize;

use crate::{auth::AuthError, websocket::handshake};

/// An answer instead of a stream.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: ErrorCode,
    message: String,
    retry_after: Option<u64>,
    // Boxed: a refusal travels in results whose good side is small.
    headers: Box<HeaderMap>,
}

impl Refusal {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, message: message.into(), retry_after: None, headers: Box::default() }
    }

    #[must_use]
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(super) fn into_response(self) -> Response<Body> {
        #[derive(Serialize)]
        struct Envelope<'a> {
            error: Error<'a>,
        }
        #[derive(Serialize)]
        struct Error<'a> {
            code: ErrorCode,
            message: &'a str,
        }
        metrics::counter!("oyez_handshakes_refused_total", "code" => self.code.as_str()).increment(1);
        let body =
            serde_json::to_string(&Envelope { error: Error { code: self.code, message: &self.message } })
                .expect("two strings are JSON");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        *response.headers_mut() = *self.headers;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        let refusal = Self::new(error.code, error.message);
        Self { retry_after: error.retry_after, ..refusal }
    }
}

impl From<handshake::Refusal> for Refusal {
    fn from(refusal: handshake::Refusal) -> Self {
        let code = match refusal.status {
            StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
            _ => ErrorCode::Invalid,
        };
        Self {
            status: refusal.status,
            headers: Box::new(refusal.headers),
            ..Self::new(code, refusal.message)
        }
    }
}
