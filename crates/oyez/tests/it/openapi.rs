//! The OpenAPI document: served, whole, and true.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::support::TestApp;

async fn document(app: &TestApp) -> Value {
    app.send(app.request(Method::GET, "/openapi.json")).await.expect(200).json()
}

fn operations(document: &Value) -> Vec<(String, Method, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods
            .map(move |(method, operation)| (path.clone(), method.to_uppercase().parse().unwrap(), operation))
    });
    each.collect()
}

#[tokio::test]
async fn every_documented_call_exists_and_refuses_strangers_as_documented() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    assert_eq!(document["openapi"], "3.1.0");
    for (path, method, operation) in operations(&document) {
        let concrete = path
            .replace("{id}", "01930d2e-7c5a-7bbb-8000-000000000001")
            .replace("{name}", "topic")
            .replace("{user}", "anna")
            .replace("{type}", "note")
            .replace("{medium}", "email");
        for concrete in [concrete.clone(), format!("{concrete}/")] {
            let answer = app.send(app.request(method.clone(), &concrete)).await;
            // A link that was made up leads nowhere, and says so in other words than a path that is not there.
            let is_made_up = path.contains("{token}")
                && answer.code() == "not_found"
                && !answer.text.contains("nothing at this path");
            assert!(
                is_made_up || ![404, 405].contains(&answer.status),
                "{method} {concrete}: {}",
                answer.text
            );
            if operation.get("security").is_some() {
                answer.refused(401, "token_missing");
            }
            let documented = operation["responses"].as_object().unwrap();
            assert!(
                documented.contains_key(&answer.status.to_string()),
                "{method} {path}: {}",
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn every_call_of_the_contract_is_documented() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let documented: BTreeSet<String> =
        operations(&document).iter().map(|(path, method, _)| format!("{method} {path}")).collect();
    let contract = "
        POST /api/auth/login
        POST /api/auth/refresh
        POST /api/auth/logout
        GET /api/auth/me
        POST /api/auth/ticket
        POST /api/v1/notifications
        POST /api/v1/notifications/batch
        GET /api/v1/notifications/{id}
        DELETE /api/v1/notifications/{id}
        GET /api/v1/notifications/{id}/receipts
        POST /api/v1/events
        GET /api/v1/inbox
        GET /api/v1/inbox/counts
        GET /api/v1/inbox/changes
        PATCH /api/v1/inbox/{id}
        POST /api/v1/inbox/mark
        POST /api/v1/jobs
        POST /api/v1/jobs/batch
        POST /api/v1/jobs/track
        GET /api/v1/jobs
        GET /api/v1/jobs/{id}
        GET /api/v1/jobs/{id}/steps
        GET /api/v1/jobs/{id}/attempts
        GET /api/v1/jobs/{id}/watch
        POST /api/v1/jobs/{id}/cancel
        POST /api/v1/jobs/{id}/retry
        POST /api/v1/jobs/cancel
        POST /api/v1/jobs/retry
        POST /api/v1/workers/claim
        GET /api/v1/workers
        POST /api/v1/jobs/{id}/progress
        POST /api/v1/jobs/{id}/step
        POST /api/v1/jobs/{id}/heartbeat
        POST /api/v1/jobs/{id}/complete
        POST /api/v1/jobs/{id}/fail
        POST /api/v1/jobs/{id}/snooze
        GET /api/v1/boards
        PUT /api/v1/boards/{name}
        PATCH /api/v1/boards/{name}
        GET /api/v1/boards/{name}
        DELETE /api/v1/boards/{name}
        GET /api/v1/boards/{name}/history
        POST /api/v1/boards/{name}/refresh
        GET /api/v1/schedules
        PUT /api/v1/schedules/{name}
        GET /api/v1/schedules/{name}
        DELETE /api/v1/schedules/{name}
        POST /api/v1/schedules/{name}/run
        POST /api/v1/schedules/{name}/pause
        GET /api/v1/queues
        GET /api/v1/queues/{name}
        PATCH /api/v1/queues/{name}
        GET /api/v1/deliveries
        GET /api/v1/deliveries/{id}
        GET /api/v1/deliveries/{id}/attempts
        POST /api/v1/deliveries/{id}/resend
        POST /api/v1/deliveries/resend
        GET /api/v1/templates
        GET /api/v1/templates/{type}/{medium}
        PUT /api/v1/templates/{type}/{medium}
        DELETE /api/v1/templates/{type}/{medium}
        POST /api/v1/templates/{type}/{medium}/preview
        GET /unsubscribe/{token}
        POST /unsubscribe/{token}
        GET /api/v1/users/{id}/preferences
        PUT /api/v1/users/{id}/preferences
        PUT /api/v1/users
        GET /api/v1/users
        PUT /api/v1/users/{id}
        GET /api/v1/users/{id}
        DELETE /api/v1/users/{id}
        POST /api/v1/users/{id}/disable
        POST /api/v1/users/{id}/enable
        POST /api/v1/users/{id}/ticket
        GET /api/v1/topics/{name}/members
        PUT /api/v1/topics/{name}/members/{user}
        DELETE /api/v1/topics/{name}/members/{user}
        GET /api/v1/push/key
        DELETE /api/v1/users/{id}/push-subscriptions/{subscription}
        PUT /api/v1/webhooks/{name}
        GET /api/v1/webhooks
        GET /api/v1/webhooks/{name}
        DELETE /api/v1/webhooks/{name}
        POST /api/v1/webhooks/{name}/test
        POST /api/v1/webhooks/{name}/rotate
        GET /api/v1/users/{id}/push-subscriptions
        POST /api/v1/users/{id}/push-subscriptions
        GET /api/v1/inbox/{id}
        GET /api/v1/keys
        POST /api/v1/keys
        DELETE /api/v1/keys/{id}
        GET /api/v1/connections
        DELETE /api/v1/connections/{id}
        GET /api/v1/stats
        GET /healthz
        GET /readyz
        GET /metrics
        GET /openapi.json";
    let contract: BTreeSet<String> =
        contract.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    assert_eq!(documented, contract);
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    found.push(reference.clone());
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let app = TestApp::start().await;
    let document = document(&app).await;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn every_operation_is_described_and_named_once() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{method} {path}");
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{method} {path}");
    }
}
