//! The pages, rendered on the server; the script in `static/` only keeps them fresh.

mod applicant;
mod application;
mod list;
mod mail;
mod office;
mod sign_in;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{MethodRouter, get},
};
use minijinja::context;

pub(super) use list::ListQuery;

use super::{
    Web,
    fields::Fields,
    problem::{self, PageError},
    templates,
};
use crate::{desk::SubmissionKey, document, refusal::Refusal};

/// The pages' routes.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/", get(landing))
        .route("/apply", get(applicant::form).post(applicant::apply))
        .route("/status", get(applicant::track).post(applicant::visit))
        .route("/status/{code}", get(applicant::show))
        .route("/login", get(sign_in::form).post(sign_in::sign_in))
        .route("/logout", leads_to("/").post(sign_in::sign_out))
        .route("/password", get(sign_in::password_form).post(sign_in::set_password))
        .route("/account", get(sign_in::account))
        .route("/office", get(office::dashboard))
        .route("/office/refresh", leads_to("/office").post(office::refresh))
        .route("/office/applications", get(list::list))
        .route("/office/applications/approve", leads_to("/office/applications").post(list::approve))
        .route("/office/applications/{id}", get(application::show))
        .route("/office/applications/{id}/{step}", get(application::back).post(application::step))
        .route("/office/documents/{id}", get(application::document))
        .route("/office/bulk", get(office::bulk))
        .route("/office/announcements", leads_to("/office/bulk").post(office::announce))
        .route("/office/tasks", get(office::tasks))
        .route("/office/tasks/{name}/{deed}", leads_to("/office/tasks").post(office::steer))
        .route("/mail", get(mail::list))
        .route("/mail/server", leads_to("/mail").post(mail::server))
        .route("/mail/{id}", get(mail::show))
        .route("/mail/{id}/html", get(mail::html))
}

/// Where files come in; the limit leaves room for the form around the file.
pub(super) fn uploads() -> Router<Web> {
    Router::new()
        .route("/status/{code}/documents", get(applicant::back).post(applicant::upload))
        .layer(DefaultBodyLimit::max(document::MOST_BYTES + 64 * 1024))
}

/// An address that forms are sent to, opened by hand or by going back: the page that the form is on.
fn leads_to(page: &'static str) -> MethodRouter<Web> {
    get(move || async move { Redirect::to(page) })
}

/// `GET /`.
async fn landing(axum::extract::State(web): axum::extract::State<Web>) -> Result<Html<String>, PageError> {
    Ok(templates::bare("landing.html", context! { mail => web.sink.is_some() })?)
}

/// The form's own name: sent twice, it is carried out once.
fn key(fields: &Fields) -> Result<SubmissionKey, Refusal> {
    SubmissionKey::new(fields.one("submission"))
}

/// A page that was asked for by a form that was refused: the refusal's status.
fn refused(refusal: &Refusal, page: Html<String>) -> Response {
    let mut response = (problem::status(refusal), page).into_response();
    problem::retry_after(refusal, &mut response);
    response
}

/// Whether a refusal is something that a person can mend on the page they came from.
fn mendable(refusal: &Refusal) -> bool {
    let status = problem::status(refusal);
    matches!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::CONFLICT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::TOO_MANY_REQUESTS
    )
}
