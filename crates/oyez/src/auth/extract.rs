//! Axum extractors: a handler that takes one runs only for a caller who is known.
//!
//! The router's state must give an [`Auth`] (`FromRef`). A refusal is `application/problem+json`.

use axum::{
    extract::{FromRef, FromRequestParts},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header, request::Parts};
use oyez_protocol::{ErrorCode, api::problem::Problem};

use super::{Auth, AuthError, Principal, UserPrincipal};

/// Anybody who is known: a user or an application.
#[derive(Debug, Clone)]
pub struct Caller(pub Principal);

/// A user; applications are refused.
#[derive(Debug, Clone)]
pub struct User(pub UserPrincipal);

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Auth: FromRef<S>,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        Auth::from_ref(state).authenticate(parts).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for User
where
    Auth: FromRef<S>,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        match Auth::from_ref(state).authenticate(parts).await? {
            Principal::User(user) => Ok(Self(user)),
            Principal::Application(_) => {
                let message = "this belongs to a user: send a user's token instead of an API key";
                Err(AuthError::new(ErrorCode::Forbidden, message))
            }
        }
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let mut problem = Self::new(error.code, error.message);
        problem.retry_after = error.retry_after;
        problem
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        problem_response(self.into())
    }
}

/// The answer that carries a problem, with the headers its code calls for. The problem itself goes along as an
/// extension, so that the edge can add the request's id.
pub fn problem_response(problem: Problem) -> Response {
    let status =
        http::StatusCode::from_u16(problem.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == http::StatusCode::UNAUTHORIZED {
        let challenge = match problem.code {
            ErrorCode::TokenMissing | ErrorCode::LoginFailed => "Bearer realm=\"oyez\"",
            _ => "Bearer realm=\"oyez\", error=\"invalid_token\"",
        };
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Some(seconds) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response.extensions_mut().insert(problem);
    response
}
