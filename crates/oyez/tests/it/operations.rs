//! Health, readiness, metrics, counts, connections.

use oyez::auth::Scope;
use reqwest::Method;
use serde_json::json;

use crate::{
    jobs::{claim, enqueue, worker_key},
    support::TestApp,
};

#[tokio::test]
async fn health_and_readiness_need_no_credentials() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/healthz/", "/readyz"] {
        app.send(app.request(Method::GET, path)).await.expect(200);
    }
    app.http.begin_drain();
    app.send(app.request(Method::GET, "/readyz")).await.refused(503, "unavailable");
    app.send(app.request(Method::GET, "/healthz")).await.expect(200);
}

#[tokio::test]
async fn a_server_without_its_store_is_alive_but_not_ready() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Publish]).await;
    let publish = json!({"to": "user:anna", "message": "hi"});
    app.post("/api/v1/notifications", &key, &publish).await.expect(202);
    app.store.close().await;
    app.send(app.request(Method::GET, "/readyz")).await.refused(503, "unavailable");
    app.post("/api/v1/notifications", &key, &publish).await.refused(503, "unavailable");
    app.send(app.request(Method::GET, "/healthz")).await.expect(200);
}

#[tokio::test]
async fn requests_and_publishes_are_counted() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Publish]).await;
    app.post("/api/v1/notifications", &key, &json!({"to": "user:anna", "message": "hi"})).await.expect(202);
    let metrics = app.send(app.request(Method::GET, "/metrics")).await.expect(200);
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    for wanted in [
        r#"oyez_http_requests_total{method="POST",route="/api/v1/notifications",status="202"}"#,
        r#"oyez_http_request_duration_seconds_bucket{method="POST",route="/api/v1/notifications",le="0.001"}"#,
        "oyez_notifications_published_total",
        "oyez_items_landed_total",
        "oyez_connections 0",
    ] {
        assert!(metrics.text.contains(wanted), "{wanted}\n{}", metrics.text);
    }
}

#[tokio::test]
async fn jobs_are_counted_by_queue_and_kind() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let id = enqueue(&app, &key, &json!({"kind": "counted", "queue": "slow"})).await;
    claim(&app, &key, &json!({"queues": ["slow"]})).await;
    let failed = json!({"attempt": 1, "error": "the line was cut"});
    app.post(&format!("/api/v1/jobs/{id}/fail"), &key, &failed).await.expect(200);
    let metrics = app.send(app.request(Method::GET, "/metrics")).await.expect(200);
    for wanted in [
        r#"oyez_jobs_enqueued_total{queue="slow",kind="counted"} 1"#,
        r#"oyez_job_attempts_total{queue="slow",kind="counted",outcome="failed"} 1"#,
        r#"oyez_job_wait_seconds_count{queue="slow",kind="counted"} 1"#,
        r#"oyez_job_run_seconds_count{queue="slow",kind="counted"} 1"#,
    ] {
        assert!(metrics.text.contains(wanted), "{wanted}\n{}", metrics.text);
    }
}

#[tokio::test]
async fn counts_and_connections_are_for_admins() {
    let app = TestApp::start().await;
    let admin = app.user("root", &["admin"]).await;
    let stats = app.get("/api/v1/stats", &admin).await.expect(200).json();
    assert_eq!((&stats["users"], &stats["connections"]), (&json!(1), &json!(0)));
    assert_eq!(stats["server_time"], "2026-11-20T13:00:00.000Z");
    let listed = app.get("/api/v1/connections?user=root", &admin).await.expect(200).json();
    assert_eq!(listed, json!({"data": [], "next_cursor": null}));
    let path = "/api/v1/connections/01930d2e-7c5a-7bbb-8000-000000000001";
    app.delete(path, &admin).await.refused(404, "not_found");
}
