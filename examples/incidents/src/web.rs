//! The edge: the JSON API under `/api`, the pages, and Oyez's own routes (the live stream) behind them.
//!
//! It decides nothing: it reads a request, asks [`Desk`] or [`Login`], and writes the answer.

mod api;
mod assets;
mod caller;
mod cookies;
mod fields;
mod pages;
mod problem;
mod templates;
mod views;
mod watch;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::{Redirect, Response},
    routing::get,
};
use oyez::Oyez;

use crate::{
    access, app,
    desk::Desk,
    login::Login,
    people::{Person, Role},
    refusal::Refusal,
};

/// What every handler needs. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    desk: Desk,
    login: Login,
    oyez: Oyez,
    secure_cookies: bool,
}

impl Web {
    /// Joins what the handlers need.
    pub fn new(desk: Desk, login: Login, oyez: Oyez, secure_cookies: bool) -> Self {
        Self { desk, login, oyez, secure_cookies }
    }
}

impl Web {
    /// Adds a person here and in Oyez; for admins.
    async fn add_person(
        &self,
        admin: &Person,
        email: &str,
        name: &str,
        password: &str,
        roles: &[Role],
    ) -> Result<Person, Refusal> {
        access::may_administer(admin)?;
        let person = self.login.add(email, name, password, roles).await?;
        app::introduce(&self.oyez, &person).await?;
        Ok(person)
    }
}

/// All routes. Whatever is not the application's own goes to Oyez: `/ws/…`, `/sse/…`, `/api/v1/…`, `/healthz`. What
/// Oyez does not know either is answered as the application answers.
pub fn router(web: Web) -> Router {
    let lost = Router::new().fallback(problem::lost).layer(middleware::from_fn(guard));
    let oyez = web.oyez.router().fallback_service(lost);
    let own = Router::new()
        .merge(pages::router())
        .merge(api::router())
        .route("/static/{file}", get(assets::file))
        .route("/login", get(pages::sign_in::form).post(pages::sign_in::sign_in))
        .route("/logout", get(|| async { Redirect::to("/") }).post(pages::sign_in::sign_out))
        .layer(DefaultBodyLimit::max(256 * 1024))
        .layer(middleware::from_fn(guard))
        .with_state(web);
    own.fallback_service(oyez)
}

/// Headers that keep a page to itself: no foreign or inline scripts, no frames, no sniffing, nothing cached that is
/// personal.
async fn guard(request: Request, next: Next) -> Response {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                          connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
