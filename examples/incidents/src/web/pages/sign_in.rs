//! Signing in and out with a browser.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{AppendHeaders, Html, IntoResponse, Redirect, Response},
};
use minijinja::context;
use serde::Deserialize;

use crate::{
    refusal::Refusal,
    web::{
        Web, api,
        caller::{self, SignedForm},
        cookies,
        fields::Fields,
        problem::PageError,
        templates::Templates,
    },
};

#[derive(Debug, Deserialize)]
pub(in crate::web) struct FormQuery {
    #[serde(default)]
    next: String,
}

/// `GET /login`.
pub(in crate::web) async fn form(Query(query): Query<FormQuery>) -> Result<Html<String>, PageError> {
    page(&query.next, "", None)
}

fn page(next: &str, email: &str, error: Option<&str>) -> Result<Html<String>, PageError> {
    Ok(Templates.bare("login.html", context! { next, email, error })?)
}

/// `POST /login`: a session of ours, and Oyez's token beside it, so that the page's live stream is authenticated by
/// cookie.
pub(in crate::web) async fn sign_in(
    State(web): State<Web>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    if !caller::is_ours(&headers) {
        return Err(Refusal::Forged.into());
    }
    let (next, email) = (fields.one("next"), fields.one("email"));
    let person = match web.login.check(email, fields.one("password")).await {
        Ok(person) => person,
        Err(refusal @ (Refusal::Unauthenticated(_) | Refusal::TooManyLogins { .. })) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            return Ok((status, page(next, email, Some(&refusal.to_string()))?).into_response());
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let session = web.login.start(person.id).await?;
    let token = api::issue(&web, &person)?;
    let cookies = AppendHeaders([
        cookies::set(cookies::SESSION, &session.secret, web.secure_cookies),
        cookies::set(cookies::STREAM, token.access.reveal(), web.secure_cookies),
    ]);
    Ok((cookies, Redirect::to(inside(next))).into_response())
}

/// `POST /logout`.
pub(in crate::web) async fn sign_out(
    State(web): State<Web>,
    headers: HeaderMap,
    _form: SignedForm,
) -> Result<Response, PageError> {
    web.login.end(cookies::read(&headers, cookies::SESSION).unwrap_or_default()).await?;
    let cookies = AppendHeaders([
        cookies::clear(cookies::SESSION, web.secure_cookies),
        cookies::clear(cookies::STREAM, web.secure_cookies),
    ]);
    Ok((cookies, Redirect::to("/login")).into_response())
}

/// Only a path of our own is a place to go on to: `//other.example` and `/\other.example` are not.
fn inside(next: &str) -> &str {
    let bytes = next.as_bytes();
    let ours = bytes.first() == Some(&b'/')
        && !matches!(bytes.get(1), Some(b'/' | b'\\'))
        && !next.chars().any(char::is_control);
    if ours { next } else { "/tickets" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_our_own_pages_only() {
        assert_eq!(inside("/tickets/7"), "/tickets/7");
        for foreign in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nb"] {
            assert_eq!(inside(foreign), "/tickets", "{foreign:?}");
        }
    }
}
