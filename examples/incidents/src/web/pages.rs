//! The pages, rendered on the server; the script in `static/` only keeps them fresh.

mod directory;
pub(super) mod sign_in;
mod tickets;

use axum::{
    Router,
    response::Redirect,
    routing::{get, post},
};

use super::Web;

/// The pages' routes.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/tickets") }))
        .route("/tickets", get(tickets::list).post(tickets::report))
        .route("/tickets/new", get(tickets::report_form))
        .route("/tickets/{id}", get(tickets::show))
        .route("/tickets/{id}/comments", post(tickets::comment))
        .route("/tickets/{id}/{step}", post(tickets::step))
        .route("/people", get(directory::people).post(directory::add_person))
        .route("/projects", get(directory::projects).post(directory::add_project))
        .route("/projects/{id}/members", post(directory::change_members))
}
