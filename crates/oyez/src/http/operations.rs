//! Health, metrics, counts, and the OpenAPI document.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use oyez_protocol::{ErrorCode, api::stats::Stats};

use super::{
    Http,
    access::Caller,
    endpoint::{Access, Endpoint, Endpoints},
    json,
    refusal::{Answer, Refusal},
};
use crate::auth::Scope;

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    table
        .add(
            Endpoint::get("/healthz", "operations", "Ask whether the process lives")
                .answers_text("text/plain", "It does."),
            healthz,
        )
        .add(
            Endpoint::get("/readyz", "operations", "Ask whether requests can be served")
                .describe("The storage reads and writes, and the server is not on its way down.")
                .answers_text("text/plain", "They can."),
            readyz,
        )
        .add(
            Endpoint::get("/metrics", "operations", "Read the metrics")
                .describe("In the text format of Prometheus.")
                .answers_text("text/plain; version=0.0.4", "All metrics of this node."),
            metrics,
        )
        .add(
            Endpoint::get("/api/v1/stats", "operations", "Count what there is")
                .access(Access::Scope(Scope::Admin))
                .answers::<Stats>(200, "Counts of this moment."),
            stats,
        )
        .add(
            Endpoint::get("/openapi.json", "operations", "Read this document")
                .answers_text("application/json", "OpenAPI 3.1."),
            openapi,
        )
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(state): State<Http>) -> Answer<&'static str> {
    if state.is_draining() {
        return Err(Refusal::new(ErrorCode::Unavailable, "the server is going down"));
    }
    match state.store().ping().await {
        Ok(()) => Ok("ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            Err(Refusal::new(ErrorCode::Unavailable, "the storage does not answer"))
        }
    }
}

async fn metrics(State(state): State<Http>) -> Answer {
    state.hub().report_metrics();
    let Some(text) = state.metrics().render() else {
        return Err(Refusal::new(
            ErrorCode::NotFound,
            "the application that embeds Oyez shows the metrics itself",
        ));
    };
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

async fn stats(State(state): State<Http>, caller: Caller) -> Answer {
    caller.require(Scope::Admin)?;
    let counts = state.store().stats().await?;
    let mut deliveries = BTreeMap::<String, BTreeMap<String, u64>>::new();
    for count in state.deliveries().counts().await? {
        let states = deliveries.entry(count.medium.to_string()).or_default();
        states.insert(count.state.as_str().to_owned(), count.count);
    }
    let stats = Stats {
        version: env!("CARGO_PKG_VERSION").into(),
        server_time: state.clock().now(),
        epoch: state.store().epoch().clone(),
        connections: state.hub().stats().connections,
        users: counts.users,
        items: counts.items,
        notifications: counts.notifications,
        waiting: counts.waiting,
        sending: counts.sending,
        sessions: counts.sessions,
        keys: counts.keys,
        database_bytes: counts.database_bytes,
        queued_changes: counts.queued_changes,
        deliveries,
    };
    Ok(json(StatusCode::OK, &stats))
}

async fn openapi(State(state): State<Http>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], state.openapi()).into_response()
}
