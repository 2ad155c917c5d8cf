//! The pages, rendered on the server; the script in `static/` only keeps them fresh.

mod directory;
pub(super) mod sign_in;
mod tickets;

use axum::{Router, response::Redirect, routing::get};

use super::Web;

/// The pages' routes.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/tickets") }))
        .route("/tickets", get(tickets::list).post(tickets::report))
        .route("/tickets/new", get(tickets::report_form))
        .route("/tickets/{id}", get(tickets::show))
        .route("/tickets/{id}/comments", get(tickets::back).post(tickets::comment))
        .route("/tickets/{id}/{step}", get(tickets::back).post(tickets::step))
        .route("/people", get(directory::people).post(directory::add_person))
        .route("/projects", get(directory::projects).post(directory::add_project))
        .route(
            "/projects/{id}/members",
            get(|| async { Redirect::to("/projects") }).post(directory::change_members),
        )
}
