//! The HTTP edge: reads a request, asks who is calling, calls a use case, writes the answer. Nothing is decided here
//! but who may call what.
//!
//! One file per resource; `endpoint` is the table that makes routes and the OpenAPI document from one declaration,
//! `edge` is what every request goes through, `refusal` turns every error into a problem.

mod access;
mod boards;
mod body;
mod connections;
mod deliveries;
mod edge;
mod endpoint;
mod idempotency;
mod inbox;
mod jobs;
mod keys;
pub mod metrics;
mod operations;
mod paging;
mod preferences;
mod publish;
mod push;
mod queues;
mod refusal;
mod schedules;
mod session;
mod templates;
mod topics;
mod unsubscribe;
mod users;
mod webhooks;
mod workers;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::http::{HeaderValue, StatusCode, header, request::Parts};
use axum::{
    Router,
    body::Bytes,
    extract::FromRef,
    response::{IntoResponse, Response},
};
use oyez_core::clock::Clock;
use oyez_protocol::ErrorCode;
use oyez_store::Store;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    auth::Auth, boards::Boards, config::HttpConfig, deliveries::Deliveries, hub::Hub, inbox::Inboxes,
    jobs::Jobs, preferences::Preferences, publish::Publisher, push::Push, templates::Templates,
    unsubscribe::Unsubscribe, users::Users, webhooks::Webhooks,
};
use refusal::Refusal;

/// What the HTTP edge is made of.
pub struct HttpOptions {
    /// The `[http]` section.
    pub config: HttpConfig,
    /// Who is calling.
    pub auth: Auth,
    /// Publishing.
    pub publisher: Publisher,
    /// Inboxes.
    pub inboxes: Inboxes,
    /// Jobs, queues and schedules.
    pub jobs: Jobs,
    /// Boards.
    pub boards: Boards,
    /// Deliveries.
    pub deliveries: Deliveries,
    /// Preferences of users.
    pub preferences: Preferences,
    /// The words and looks of messages.
    pub templates: Templates,
    /// Links in mails that end them.
    pub unsubscribe: Unsubscribe,
    /// Users and topics.
    pub users: Users,
    /// Push subscriptions.
    pub push: Push,
    /// Webhook endpoints.
    pub webhooks: Webhooks,
    /// Live connections.
    pub hub: Hub,
    /// For readiness and counts.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The refresh token's life, which is the cookie's too.
    pub session_ttl: Duration,
}

/// The HTTP edge. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    inner: Arc<Inner>,
}

struct Inner {
    options: HttpOptions,
    cors: edge::Cors,
    metrics: metrics::RequestMetrics,
    request_ids: edge::RequestIds,
    openapi: OnceLock<Bytes>,
    draining: CancellationToken,
}

impl FromRef<Http> for Auth {
    fn from_ref(state: &Http) -> Self {
        state.inner.options.auth.clone()
    }
}

impl Http {
    /// Prepares the edge.
    pub fn new(options: HttpOptions) -> Self {
        let inner = Inner {
            cors: edge::Cors::new(&options.config.cors_origins),
            metrics: metrics::RequestMetrics::new(),
            request_ids: edge::RequestIds::default(),
            openapi: OnceLock::new(),
            draining: CancellationToken::new(),
            options,
        };
        Self { inner: Arc::new(inner) }
    }

    /// All endpoints, without an answer to unknown paths: that is the server's, see [`not_found`].
    pub fn router(&self) -> Router {
        let router = table().router();
        router
            .method_not_allowed_fallback(method_not_allowed)
            .layer(axum::middleware::from_fn_with_state(self.clone(), edge::edge))
            .with_state(self.clone())
    }

    /// The answer to unknown paths, with all that goes around an endpoint.
    pub fn fallback(&self) -> Router {
        Router::new()
            .fallback(not_found)
            .layer(axum::middleware::from_fn_with_state(self.clone(), edge::edge))
    }

    /// From now on `/readyz` says no, so that load balancers look elsewhere, and whoever waits for a job is sent away.
    pub fn begin_drain(&self) {
        self.inner.draining.cancel();
    }

    fn is_draining(&self) -> bool {
        self.inner.draining.is_cancelled()
    }

    /// Ends when the drain begins.
    async fn drains(&self) {
        self.inner.draining.cancelled().await;
    }

    fn auth(&self) -> &Auth {
        &self.inner.options.auth
    }

    fn publisher(&self) -> &Publisher {
        &self.inner.options.publisher
    }

    fn inboxes(&self) -> &Inboxes {
        &self.inner.options.inboxes
    }

    fn jobs(&self) -> &Jobs {
        &self.inner.options.jobs
    }

    fn boards(&self) -> &Boards {
        &self.inner.options.boards
    }

    fn deliveries(&self) -> &Deliveries {
        &self.inner.options.deliveries
    }

    fn preferences(&self) -> &Preferences {
        &self.inner.options.preferences
    }

    fn templates(&self) -> &Templates {
        &self.inner.options.templates
    }

    fn unsubscribe(&self) -> &Unsubscribe {
        &self.inner.options.unsubscribe
    }

    fn users(&self) -> &Users {
        &self.inner.options.users
    }

    fn push(&self) -> &Push {
        &self.inner.options.push
    }

    fn webhooks(&self) -> &Webhooks {
        &self.inner.options.webhooks
    }

    fn store(&self) -> &Store {
        &self.inner.options.store
    }

    fn clock(&self) -> &Clock {
        &self.inner.options.clock
    }

    fn body_limit(&self) -> usize {
        self.inner.options.config.body_limit
    }

    fn request_timeout(&self) -> Duration {
        self.inner.options.config.request_timeout
    }

    fn cors(&self) -> &edge::Cors {
        &self.inner.cors
    }

    fn metrics(&self) -> &metrics::RequestMetrics {
        &self.inner.metrics
    }

    fn request_ids(&self) -> &edge::RequestIds {
        &self.inner.request_ids
    }

    fn openapi(&self) -> Bytes {
        let compose = || table().document().to_json().unwrap_or_default().into();
        self.inner.openapi.get_or_init(compose).clone()
    }

    fn cookie_seconds(&self) -> u64 {
        self.inner.options.session_ttl.as_secs()
    }

    fn hub(&self) -> &Hub {
        &self.inner.options.hub
    }

    /// Whether the browser reached us by TLS, here or at a proxy. A caller who lies gets a cookie that their own browser
    /// sends by TLS only.
    fn is_secure(&self, parts: &Parts) -> bool {
        let forwarded = parts.headers.get("x-forwarded-proto");
        self.auth().https() || forwarded.is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
    }
}

/// The OpenAPI document, as JSON for people.
pub fn openapi() -> String {
    table().document().to_pretty_json().unwrap_or_default()
}

fn table() -> endpoint::Endpoints {
    let table = endpoint::Endpoints::default();
    let table = session::endpoints(table);
    let table = publish::endpoints(table);
    let table = inbox::endpoints(table);
    let table = jobs::endpoints(table);
    let table = workers::endpoints(table);
    let table = schedules::endpoints(table);
    let table = queues::endpoints(table);
    let table = boards::endpoints(table);
    let table = templates::endpoints(table);
    let table = unsubscribe::endpoints(table);
    let table = deliveries::endpoints(table);
    let table = users::endpoints(table);
    let table = preferences::endpoints(table);
    let table = push::endpoints(table);
    let table = topics::endpoints(table);
    let table = webhooks::endpoints(table);
    let table = keys::endpoints(table);
    let table = connections::endpoints(table);
    operations::endpoints(table)
}

/// 404 as a problem.
pub async fn not_found() -> Response {
    Refusal::new(ErrorCode::NotFound, "there is nothing at this path; /docs lists what there is")
        .into_response()
}

async fn method_not_allowed() -> Response {
    let detail = "this path does not take this method; the header \"Allow\" lists those it takes";
    Refusal::new(ErrorCode::MethodNotAllowed, detail).into_response()
}

fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => {
            let content_type = HeaderValue::from_static("application/json");
            (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
        }
        Err(error) => Refusal::internal(format!("the answer could not be written: {error}")).into_response(),
    }
}
