//! Webhook endpoints over HTTP: made with a secret that is shown once, changed, tried, given new secrets, removed.

use oyez::auth::Scope;
use serde_json::{Value, json};

use crate::support::TestApp;

const BILLING: &str = "/api/v1/webhooks/billing";

fn endpoint() -> Value {
    json!({"url": "https://app.example.com/hooks", "events": ["delivery.*", "job.failed"]})
}

#[tokio::test]
async fn an_endpoint_is_made_with_a_secret_that_is_never_shown_again() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Admin]).await;
    let made = app.put(BILLING, &key, &endpoint()).await.expect(201).json();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let expected = json!({"name": "billing", "url": "https://app.example.com/hooks",
        "events": ["delivery.*", "job.failed"], "types": null, "disabled": false, "disabled_reason": null,
        "failing_since": null, "last_error": null, "delivered_at": null, "old_secret_until": null,
        "created_at": "2026-11-20T13:00:00.000Z", "updated_at": "2026-11-20T13:00:00.000Z"});
    assert_eq!(app.get(BILLING, &key).await.expect(200).json(), expected);
    assert_eq!(app.get("/api/v1/webhooks", &key).await.expect(200).json()["data"], json!([expected]));
    let mut change = endpoint();
    change["types"] = json!(["invoice_*"]);
    change["disabled"] = true.into();
    let changed = app.put(BILLING, &key, &change).await.expect(200).json();
    assert_eq!((changed.get("secret"), &changed["disabled"]), (None, &json!(true)));
    assert_eq!(changed["types"], json!(["invoice_*"]));
    app.delete(BILLING, &key).await.expect(204);
    app.delete(BILLING, &key).await.refused(404, "not_found");
    app.get(BILLING, &key).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_new_secret_overlaps_with_the_old_one() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Admin]).await;
    let made = app.put(BILLING, &key, &endpoint()).await.expect(201).json();
    let rotate = format!("{BILLING}/rotate");
    let rotated = app.post(&rotate, &key, &json!({"overlap": 3600})).await.expect(200).json();
    assert_ne!(rotated["secret"], made["secret"]);
    assert_eq!(rotated["old_secret_until"], "2026-11-20T14:00:00.000Z");
    assert_eq!(app.get(BILLING, &key).await.json()["old_secret_until"], "2026-11-20T14:00:00.000Z");
    app.hand.advance(3_601);
    assert_eq!(app.get(BILLING, &key).await.json()["old_secret_until"], Value::Null);
    let plain = app.send(app.request(http::Method::POST, &rotate).bearer_auth(&key)).await.expect(200).json();
    assert_eq!(plain["old_secret_until"], "2026-11-21T14:00:01.000Z", "a day, unless somebody says");
    app.post(&rotate, &key, &json!({"overlap": 9_999_999})).await.refused(422, "invalid");
    app.post("/api/v1/webhooks/other/rotate", &key, &json!({})).await.refused(404, "not_found");
}

#[tokio::test]
async fn what_an_endpoint_cannot_be_is_refused_with_a_sentence() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Admin]).await;
    let refused = async |change: fn(&mut Value)| {
        let mut request = endpoint();
        change(&mut request);
        let problem = app.put(BILLING, &key, &request).await.refused(422, "invalid").json();
        (problem["field"].as_str().unwrap_or_default().to_owned(), problem["detail"].to_string())
    };
    let (field, detail) = refused(|request| request["url"] = "https://10.1.2.3/hook".into()).await;
    assert!(field == "url" && detail.contains("private address 10.1.2.3"), "{detail}");
    let (field, _) = refused(|request| request["url"] = "http://app.example.com/".into()).await;
    assert_eq!(field, "url");
    let (field, detail) = refused(|request| request["events"] = json!(["notification"])).await;
    assert!(field == "events" && detail.contains("webhooks.notifications"), "{detail}");
    let (field, detail) = refused(|request| request["events"] = json!(["delivery.lost"])).await;
    assert!(field == "events" && detail.contains("expected some of notification"), "{detail}");
    let (field, _) = refused(|request| request["types"] = json!(["no spaces please"])).await;
    assert_eq!(field, "types");
    let (field, _) = refused(|request| request["event"] = json!([])).await;
    assert_eq!(field, "event");
    app.put("/api/v1/webhooks/No%20Name", &key, &endpoint()).await.refused(422, "invalid");
}

#[tokio::test]
async fn a_test_that_reaches_nobody_says_why() {
    let app = TestApp::with(|config| config.webhooks.allow_private = true).await;
    let key = app.key(&[Scope::Admin]).await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let request = json!({"url": format!("http://{address}/hook"), "events": ["*"]});
    app.put(BILLING, &key, &request).await.expect(201);
    let tested = app.post(&format!("{BILLING}/test"), &key, &json!({})).await.expect(200).json();
    assert_eq!((&tested["delivered"], &tested["status"]), (&json!(false), &Value::Null));
    assert!(tested["error"].as_str().unwrap().to_lowercase().contains("refused"), "{tested}");
    assert_eq!(app.get(BILLING, &key).await.json()["failing_since"], Value::Null, "a test is only a test");
}

#[tokio::test]
async fn endpoints_are_the_business_of_administrators() {
    let app = TestApp::start().await;
    let anna = app.user("anna", &[]).await;
    let users = app.key(&[Scope::Users, Scope::Publish, Scope::Jobs, Scope::Boards]).await;
    for token in [&anna, &users] {
        app.put(BILLING, token, &endpoint()).await.refused(403, "forbidden");
        app.get(BILLING, token).await.refused(403, "forbidden");
        app.get("/api/v1/webhooks", token).await.refused(403, "forbidden");
        app.delete(BILLING, token).await.refused(403, "forbidden");
        app.post(&format!("{BILLING}/test"), token, &json!({})).await.refused(403, "forbidden");
        app.post(&format!("{BILLING}/rotate"), token, &json!({})).await.refused(403, "forbidden");
    }
    let admin = app.user("ada", &["admin"]).await;
    app.put(BILLING, &admin, &endpoint()).await.expect(201);
}
