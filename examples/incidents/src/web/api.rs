//! The JSON API for phones, scripts and tests: the same use cases as the pages.
//!
//! Callers send the token of `POST /api/login` as `Authorization: Bearer`; the same token opens the live stream at
//! `/ws/notifications/?token=…`. Creates and moves take an `Idempotency-Key` header.

mod directory;
mod tickets;

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{FromRequest, Request, State, rejection::JsonRejection},
    http::HeaderMap,
    routing::{delete, get, post, put},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Web, caller::ApiCaller, problem::Problem};
use crate::{desk::SubmissionKey, login::SESSION_SECONDS, notice, people::Person, refusal::Refusal};

/// The routes under `/api`.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/api/login", post(login))
        .route("/api/me", get(me))
        .route("/api/tickets", get(tickets::list).post(tickets::report))
        .route("/api/tickets/{id}", get(tickets::show))
        .route("/api/tickets/{id}/comments", post(tickets::comment))
        .route("/api/tickets/{id}/{step}", post(tickets::step))
        .route("/api/projects", get(directory::projects).post(directory::add_project))
        .route("/api/projects/{id}/members/{person}", put(directory::add_member))
        .route("/api/projects/{id}/members/{person}", delete(directory::remove_member))
        .route("/api/people", get(directory::people).post(directory::add_person))
}

/// A JSON body whose mistakes are answered as a [`Problem`].
#[derive(Debug)]
struct Body<T>(T);

impl<T: DeserializeOwned> FromRequest<Web> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Problem> {
        let refused = |error: JsonRejection| Refusal::Invalid { field: "body", message: error.body_text() };
        Ok(Json::from_request(request, web).await.map(|Json(body)| Self(body)).map_err(refused)?)
    }
}

/// The `Idempotency-Key` header.
fn submission_key(headers: &HeaderMap) -> Result<Option<SubmissionKey>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    SubmissionKey::new(value.to_str().unwrap_or_default()).map(Some)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    email: String,
    password: String,
}

#[derive(Debug, Serialize)]
struct LoggedIn {
    token: String,
    expires_at: oyez::protocol::Timestamp,
    user: Person,
}

/// `POST /api/login`: one token for this API and for the live stream.
async fn login(
    State(web): State<Web>,
    Body(credentials): Body<Credentials>,
) -> Result<Json<LoggedIn>, Problem> {
    let user = web.login.check(&credentials.email, &credentials.password).await?;
    let issued = issue(&web, &user)?;
    Ok(Json(LoggedIn { token: issued.access.reveal().to_owned(), expires_at: issued.expires_at, user }))
}

/// `GET /api/me`.
async fn me(ApiCaller(person): ApiCaller) -> Json<Person> {
    Json(person)
}

/// Oyez's token for a person, with their roles, for as long as a login lasts.
pub(super) fn issue(web: &Web, person: &Person) -> Result<oyez::auth::IssuedToken, Refusal> {
    let roles: Vec<_> = person.roles.iter().map(|role| notice::role_name(*role)).collect();
    let ttl = Duration::from_secs(SESSION_SECONDS.unsigned_abs());
    let issued = web.oyez.issue_token(&notice::user_id(person.id), &roles, ttl);
    issued.map_err(|error| Refusal::Internal(error.into()))
}
