//! Publishing over HTTP: who may, what is answered, what is replayed.

use oyez::auth::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;

const PATH: &str = "/api/v1/notifications";

#[tokio::test]
async fn a_notification_lands_and_its_status_and_receipts_follow_the_reader() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Publish]).await;
    let anna = app.user("anna", &["staff"]).await;
    app.user("ben", &["staff"]).await;
    let body = json!({"to": "role:staff", "type": "lunch", "message": "Soup", "data": {"price": 7}});
    let published = app.post(PATH, &key, &body).await.expect(202).json();
    assert_eq!(published["recipients"], 2);
    let id = published["id"].as_str().unwrap();
    let item =
        app.patch(&format!("/api/v1/inbox/{id}"), &anna, &json!({"read": true})).await.expect(200).json();
    assert_eq!((&item["type"], &item["price"]), (&json!("lunch"), &json!(7)));
    let status = app.get(&format!("{PATH}/{id}"), &key).await.expect(200).json();
    assert_eq!((&status["state"], &status["recipients"]), (&json!("sent"), &json!(2)));
    assert_eq!((&status["seen"], &status["read"]), (&json!(1), &json!(1)));
    assert_eq!(status["notification"]["price"], 7);
    let path = format!("{PATH}/{id}/receipts?limit=1");
    let page = app.get(&path, &key).await.expect(200).json();
    assert_eq!(page["data"][0]["user_id"], "anna");
    assert!(page["data"][0]["read_at"].is_string());
    let path = format!("{path}&cursor={}", page["next_cursor"].as_str().unwrap());
    let page = app.get(&path, &key).await.expect(200).json();
    assert_eq!((&page["data"][0]["user_id"], &page["next_cursor"]), (&json!("ben"), &Value::Null));
}

#[tokio::test]
async fn users_publish_to_themselves_and_admins_to_anybody() {
    let app = TestApp::start().await;
    let anna = app.user("anna", &["client"]).await;
    let admin = app.user("root", &["super_admin"]).await;
    let to = |to: Value| json!({"to": to, "message": "hi"});
    app.post(PATH, &anna, &to(json!("user:anna"))).await.expect(202);
    for others in
        [json!("user:ben"), json!("everyone"), json!(["user:anna", "role:client"]), json!("topic:x")]
    {
        app.post(PATH, &anna, &to(others.clone())).await.refused(403, "forbidden");
        let batch = json!({"notifications": [to(json!("user:anna")), to(others.clone())]});
        app.post(&format!("{PATH}/batch"), &anna, &batch).await.refused(403, "forbidden");
        let event = json!({"to": others, "type": "x"});
        app.post("/api/v1/events", &anna, &event).await.refused(403, "forbidden");
        app.post(PATH, &admin, &to(others)).await.expect(202);
    }
    app.get(&format!("{PATH}/01930d2e-7c5a-7bbb-8000-000000000001"), &anna).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_repeated_publish_is_the_same_publish() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Publish]).await;
    let publish = async |header: Option<&str>, body: Value| {
        let mut request = app.request(Method::POST, PATH).bearer_auth(&key).json(&body);
        if let Some(header) = header {
            request = request.header("Idempotency-Key", header);
        }
        app.send(request).await
    };
    let body = json!({"to": "user:anna", "message": "once"});
    let first = publish(Some("order-7"), body.clone()).await.expect(202).json();
    let again = publish(Some("order-7"), body.clone()).await.expect(202).json();
    assert_eq!(first, again);
    let mut with_field = body.clone();
    with_field["idempotency_key"] = json!("order-7");
    assert_eq!(publish(None, with_field.clone()).await.expect(202).json(), first);
    publish(Some("order-7"), json!({"to": "user:anna", "message": "twice"}))
        .await
        .refused(422, "idempotency_mismatch");
    publish(Some("order-8"), with_field).await.refused(422, "invalid");
    publish(Some(&"x".repeat(500)), body.clone()).await.refused(422, "invalid");
    // Another caller's key is another key.
    let other = app.key(&[Scope::Publish]).await;
    let request = app.request(Method::POST, PATH).bearer_auth(&other).header("Idempotency-Key", "order-7");
    let second = app.send(request.json(&body)).await.expect(202).json();
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn a_batch_answers_for_each_notification() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Publish]).await;
    let path = format!("{PATH}/batch");
    let batch = json!({"notifications": [
        {"to": "user:anna", "message": "one"},
        {"to": "user:anna", "message": "two", "data": {"seq": 1}, "type": "x"},
        {"to": ["user:anna", "user:ben"], "message": "three"},
    ]});
    let results = app.post(&path, &key, &batch).await.expect(202).json()["results"].take();
    assert_eq!(results[0]["recipients"], 1);
    assert_eq!(results[1]["error"]["code"], "reserved_key");
    assert_eq!(results[2]["recipients"], 2);
    let request =
        || app.request(Method::POST, &path).bearer_auth(&key).header("Idempotency-Key", "b").json(&batch);
    let first = app.send(request()).await.expect(202).json();
    let again = app.send(request()).await.expect(202).json();
    assert_eq!(first["results"][2], again["results"][2]);
    app.post(&path, &key, &json!({"notifications": []})).await.refused(422, "invalid");
    let many: Vec<Value> = (0..1001).map(|_| json!({"to": "user:a", "message": "x"})).collect();
    app.post(&path, &key, &json!({"notifications": many})).await.refused(422, "invalid");
}

#[tokio::test]
async fn a_waiting_notification_can_be_taken_back_once() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Publish]).await;
    let body = json!({"to": "user:anna", "message": "later", "send_at": "2026-11-21T00:00:00Z"});
    let waiting = app.post(PATH, &key, &body).await.expect(202).json();
    assert_eq!(waiting["recipients"], 0);
    let path = format!("{PATH}/{}", waiting["id"].as_str().unwrap());
    assert_eq!(app.get(&path, &key).await.expect(200).json()["state"], "waiting");
    app.delete(&path, &key).await.expect(204);
    assert_eq!(app.get(&path, &key).await.expect(200).json()["state"], "cancelled");
    let sent = app.post(PATH, &key, &json!({"to": "user:anna", "message": "now"})).await.expect(202).json();
    let path = format!("{PATH}/{}", sent["id"].as_str().unwrap());
    app.delete(&path, &key).await.refused(409, "conflict");
    app.delete(&format!("{PATH}/01930d2e-7c5a-7bbb-8000-000000000001"), &key).await.refused(404, "not_found");
    app.get(&format!("{PATH}/not-an-id"), &key).await.refused(422, "invalid");
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Publish]).await;
    for (body, code, field) in [
        (json!({"to": "user:anna"}), "invalid", json!("message")),
        (json!({"message": "x"}), "invalid", json!("to")),
        (json!({"to": "user:anna", "message": "x", "mesage": "y"}), "invalid", json!("mesage")),
        (json!({"to": "user:anna", "message": ""}), "invalid", json!("message")),
        (json!({"to": "user:anna", "message": "x", "type": "a b"}), "invalid", json!("type")),
        (json!({"to": "user:anna", "message": "x", "url": "javascript:alert(1)"}), "invalid", json!("url")),
        (json!({"to": "anna", "message": "x"}), "invalid", json!("to")),
        (json!({"to": [], "message": "x"}), "invalid", json!("to")),
        (
            json!({"to": "user:a", "message": "x", "type": "t", "data": {"id": 1}}),
            "reserved_key",
            json!("data.id"),
        ),
    ] {
        let refused = app.post(PATH, &key, &body).await;
        assert_eq!(refused.refused(422, code).json()["field"], field, "{body}");
    }
}

#[tokio::test]
async fn an_event_reaches_nobody_when_nobody_is_there() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Publish]).await;
    let event = json!({"to": "user:anna", "type": "typing", "data": {"a": 1}});
    let reached = app.post("/api/v1/events", &key, &event).await.expect(202).json();
    assert_eq!(reached, json!({"reached": 0}));
    app.post("/api/v1/events", &key, &json!({"to": "user:anna"})).await.refused(422, "invalid");
}
