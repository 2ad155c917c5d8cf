//! The edge: the JSON API under `/api`, the pages, and Oyez's own routes (the live stream) behind them.
//!
//! It decides nothing: it reads a request, asks the use cases, and writes the answer.

mod api;
mod assets;
mod caller;
mod cookies;
mod fields;
mod pages;
mod problem;
mod templates;
mod views;

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use oyez::{
    Oyez,
    protocol::{RoleName, UserId},
};

use crate::{
    app::App,
    application::ApplicationId,
    desk::Desk,
    limits::Limit,
    login::{Login, SESSION_SECONDS, VISIT_SECONDS},
    mails::Mails,
    people::Person,
    refusal::Refusal,
    sink::Sink,
    tasks::Tasks,
};

/// Applications from one place in an hour.
const MOST_APPLICATIONS: u32 = 30;

/// What every handler needs. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    desk: Desk,
    login: Login,
    oyez: Oyez,
    mails: Mails,
    tasks: Tasks,
    sink: Option<Sink>,
    applications: Limit,
    secure_cookies: bool,
}

impl Web {
    /// Joins what the handlers need. With a sink, everybody who reaches this server reads its mail at `/mail`.
    pub fn new(app: &App, sink: Option<Sink>, secure_cookies: bool) -> Self {
        Self {
            desk: app.desk.clone(),
            login: app.login.clone(),
            oyez: app.oyez.clone(),
            mails: app.mails.clone(),
            tasks: app.tasks.clone(),
            sink,
            applications: Limit::new("applications from your network", MOST_APPLICATIONS, 3600),
            secure_cookies,
        }
    }

    /// Oyez's token for a person, with their roles, for as long as a login lasts.
    fn token_for(&self, person: &Person) -> Result<oyez::auth::IssuedToken, Refusal> {
        // Who has to set a password first, sees nothing before.
        let roles = if person.must_set_password { vec![] } else { person.role.names() };
        self.token(&person.user_id(), &roles, SESSION_SECONDS)
    }

    /// Oyez's token for an applicant's status page: their own stream, no roles.
    fn token_for_visit(&self, application: ApplicationId) -> Result<oyez::auth::IssuedToken, Refusal> {
        self.token(&application.user_id(), &[], VISIT_SECONDS)
    }

    fn token(
        &self,
        user: &UserId,
        roles: &[RoleName],
        seconds: i64,
    ) -> Result<oyez::auth::IssuedToken, Refusal> {
        Ok(self.oyez.issue_token(user, roles, Duration::from_secs(seconds.unsigned_abs()))?)
    }
}

/// All routes. Whatever is not the application's own goes to Oyez: `/ws/…`, `/sse/…`, `/api/v1/…`, `/healthz`. What
/// Oyez does not know either is answered as the application answers.
pub fn router(web: Web) -> Router {
    let draw = middleware::from_fn_with_state(web.clone(), problem::draw);
    let lost = Router::new().fallback(problem::lost).layer(draw.clone()).layer(middleware::from_fn(guard));
    let oyez = web.oyez.router().fallback_service(lost);
    let own = Router::new()
        .merge(pages::router())
        .merge(api::router())
        .route("/static/{file}", get(assets::file))
        .layer(DefaultBodyLimit::max(256 * 1024))
        // Outside the limit above: its own is larger.
        .merge(pages::uploads())
        .layer(draw)
        .layer(middleware::from_fn(guard))
        .with_state(web);
    own.fallback_service(oyez)
}

/// Headers that keep a page to itself: no foreign or inline scripts, no sniffing, nothing cached that is personal.
async fn guard(request: Request, next: Next) -> Response {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                          connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; \
                          frame-ancestors 'none'";
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let usual = [
        // A message and a document bring a stricter one.
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in usual {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
