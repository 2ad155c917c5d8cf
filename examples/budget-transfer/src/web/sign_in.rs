//! Signing in and out, with the users and passwords that Oyez keeps.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{AppendHeaders, Html, IntoResponse, Redirect, Response},
};
use minijinja::context;
use oyez::{
    auth::IssuedToken,
    protocol::{ErrorCode, UserId},
};

use super::{Web, caller, cookies, fields::Fields, problem::PageError, templates};
use crate::refusal::Refusal;

/// How long a login lasts, in seconds: a working day.
pub(super) const SESSION_SECONDS: u64 = 12 * 3600;

impl Web {
    /// A token for whoever has this name and password.
    pub(super) async fn log_in(&self, name: &str, password: &str) -> Result<(UserId, IssuedToken), Refusal> {
        let user =
            self.oyez.users().check_password(name.trim(), password).await.map_err(|error| match error {
                oyez::server::Error::Auth(error) if error.code == ErrorCode::TooManyRequests => {
                    Refusal::TooManyLogins
                }
                other => Refusal::Internal(other.into()),
            })?;
        let user = user.ok_or(Refusal::Unauthenticated("wrong name or password"))?;
        let issued = self.oyez.issue_token(&user, &[], Duration::from_secs(SESSION_SECONDS));
        Ok((user, issued.map_err(|error| Refusal::Internal(error.into()))?))
    }
}

/// `GET /login`.
pub(super) async fn form() -> Result<Html<String>, PageError> {
    page("", None)
}

fn page(name: &str, error: Option<&str>) -> Result<Html<String>, PageError> {
    Ok(templates::bare("login.html", context! { name, error })?)
}

/// `POST /login`.
pub(super) async fn sign_in(
    State(web): State<Web>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    if !caller::is_ours(&headers) {
        return Err(Refusal::Forged.into());
    }
    let name = fields.one("name");
    match web.log_in(name, fields.one("password")).await {
        Ok((_, token)) => {
            let cookie = AppendHeaders([cookies::set(token.access.reveal(), web.secure_cookies)]);
            Ok((cookie, Redirect::to("/transfers")).into_response())
        }
        Err(refusal @ (Refusal::Unauthenticated(_) | Refusal::TooManyLogins)) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            Ok((status, page(name, Some(&refusal.to_string()))?).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// `POST /logout`.
pub(super) async fn sign_out(State(web): State<Web>, _form: caller::SignedForm) -> impl IntoResponse {
    (AppendHeaders([cookies::clear(web.secure_cookies)]), Redirect::to("/login"))
}
