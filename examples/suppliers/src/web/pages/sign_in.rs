//! Signing in and out with a browser, setting a password, and a supplier's own page.

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::{AppendHeaders, Html, IntoResponse, Redirect, Response},
};
use minijinja::context;
use serde::Deserialize;

use super::refused;
use crate::{
    people::{Person, Role},
    refusal::Refusal,
    web::{
        Web,
        caller::{OpenForm, Signed, SignedForm},
        cookies,
        problem::PageError,
        templates,
    },
};

#[derive(Debug, Deserialize)]
pub(super) struct FormQuery {
    #[serde(default)]
    next: String,
}

/// `GET /login`.
pub(super) async fn form(Query(query): Query<FormQuery>) -> Result<Html<String>, PageError> {
    page(&query.next, "", None)
}

fn page(next: &str, email: &str, error: Option<&str>) -> Result<Html<String>, PageError> {
    Ok(templates::bare("login.html", context! { next, email, error })?)
}

/// `POST /login`: a session of ours, and Oyez's token beside it, so that the page's live stream is authenticated by
/// cookie.
pub(super) async fn sign_in(
    State(web): State<Web>,
    OpenForm { fields, .. }: OpenForm,
) -> Result<Response, PageError> {
    let (next, email) = (fields.one("next"), fields.one("email"));
    let person = match web.login.check(email, fields.one("password")).await {
        Ok(person) => person,
        Err(refusal @ (Refusal::Unauthenticated(_) | Refusal::TooMany { .. })) => {
            return Ok(refused(&refusal, page(next, email, Some(&refusal.to_string()))?));
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let session = web.login.start(&person).await?;
    let token = web.token_for(&person)?;
    let cookies = AppendHeaders([
        cookies::set(cookies::SESSION, &session.secret, web.secure_cookies),
        cookies::set(cookies::STREAM, token.access.reveal(), web.secure_cookies),
    ]);
    Ok((cookies, Redirect::to(inside(next, &person))).into_response())
}

/// `POST /logout`.
pub(super) async fn sign_out(
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

/// `GET /password`.
pub(super) async fn password_form(Signed { person, csrf }: Signed) -> Result<Html<String>, PageError> {
    password_page(&person, &csrf, None)
}

fn password_page(person: &Person, csrf: &str, error: Option<&str>) -> Result<Html<String>, PageError> {
    Ok(templates::page("password.html", person, csrf, context! { error })?)
}

/// `POST /password`: the browser's token is a new one too, with what its owner may see from now on.
pub(super) async fn set_password(
    State(web): State<Web>,
    headers: HeaderMap,
    SignedForm { person, fields }: SignedForm,
) -> Result<Response, PageError> {
    let (password, again) = (fields.one("password"), fields.one("again"));
    let secret = cookies::read(&headers, cookies::SESSION).unwrap_or_default();
    let differs = || Refusal::Invalid { field: "again", message: "expected the same password twice".into() };
    let set = if password == again {
        web.login.set_password(person.id, secret, password).await
    } else {
        Err(differs())
    };
    match set {
        Ok(()) => {
            let person = web.login.person(person.id).await?;
            // A first session is short; this one is a usual one.
            web.login.end(secret).await?;
            let (session, token) = (web.login.start(&person).await?, web.token_for(&person)?);
            let cookies = AppendHeaders([
                cookies::set(cookies::SESSION, &session.secret, web.secure_cookies),
                cookies::set(cookies::STREAM, token.access.reveal(), web.secure_cookies),
            ]);
            Ok((cookies, Redirect::to(home(&person))).into_response())
        }
        Err(refusal @ Refusal::Invalid { .. }) => {
            let page = password_page(&person, fields.one("csrf"), Some(&refusal.to_string()))?;
            Ok(refused(&refusal, page))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// `GET /account`: what a supplier sees.
pub(super) async fn account(
    State(web): State<Web>,
    Signed { person, csrf }: Signed,
) -> Result<Response, PageError> {
    let Some(id) = person.application else { return Ok(Redirect::to("/office").into_response()) };
    let trail = web.desk.trail(id).await?;
    let told = web.desk.announcements(id).await?;
    let announcements: Vec<_> =
        told.into_iter().map(|(title, body, at)| context! { title, body, at => at.to_string() }).collect();
    let content = context! {
        company => trail.application.form.company_name,
        category => trail.application.form.category.display(),
        code => trail.application.tracking_code.as_str(),
        since => trail.application.decided_at.map(|at| at.to_string()),
        announcements,
    };
    Ok(templates::page("account.html", &person, &csrf, content)?.into_response())
}

fn home(person: &Person) -> &'static str {
    match person.role {
        Role::Supplier => "/account",
        Role::Admin | Role::Reviewer => "/office",
    }
}

/// Only a path of our own is a place to go on to: `//other.example` and `/\other.example` are not.
fn inside<'a>(next: &'a str, person: &Person) -> &'a str {
    let bytes = next.as_bytes();
    let ours = bytes.first() == Some(&b'/')
        && !matches!(bytes.get(1), Some(b'/' | b'\\'))
        && !next.chars().any(char::is_control);
    if ours && person.is_staff() { next } else { home(person) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::PersonId;

    #[test]
    fn a_login_leads_to_our_own_pages_only() {
        let (id, email, name) = (PersonId(1), String::new(), String::new());
        let person =
            Person { id, email, name, role: Role::Reviewer, application: None, must_set_password: false };
        assert_eq!(inside("/office/tasks", &person), "/office/tasks");
        for foreign in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nb"] {
            assert_eq!(inside(foreign, &person), "/office", "{foreign:?}");
        }
        assert_eq!(inside("/office", &Person { role: Role::Supplier, ..person }), "/account");
    }
}
