//! API keys: scopes, secrets that are shown once, and their end.

use oyez::auth::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn a_key_is_made_used_listed_and_revoked() {
    let app = TestApp::start().await;
    let admin = app.key(&[Scope::Admin]).await;
    let body = json!({"name": "shop", "scopes": ["publish"]});
    let made = app.post("/api/v1/keys", &admin, &body).await.expect(201).json();
    let secret = made["key"].as_str().unwrap();
    assert!(secret.starts_with("oyez_sk_") && secret.len() == 51, "{secret}");
    let publish = json!({"to": "user:anna", "message": "hi"});
    app.post("/api/v1/notifications", secret, &publish).await.expect(202);
    let listed = app.get("/api/v1/keys", &admin).await.expect(200);
    assert!(!listed.text.contains(&secret[10..]));
    assert_eq!(listed.json()["data"].as_array().unwrap().len(), 2);
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    app.delete(&path, &admin).await.expect(204);
    app.post("/api/v1/notifications", secret, &publish).await.refused(401, "key_invalid");
    app.delete(&path, &admin).await.refused(404, "not_found");
}

#[tokio::test]
async fn unknown_and_broken_keys_are_told_apart() {
    let app = TestApp::start().await;
    let unknown = format!("oyez_sk_{}", "a".repeat(43));
    app.get("/api/v1/keys", &unknown).await.refused(401, "key_invalid");
    app.get("/api/v1/keys", "oyez_sk_").await.refused(401, "token_malformed");
    app.get("/api/v1/keys", &format!("oyez_sk_{}", "a".repeat(500))).await.refused(401, "token_malformed");
}

#[tokio::test]
async fn each_call_needs_its_scope_and_says_which() {
    let app = TestApp::start().await;
    let publish = app.key(&[Scope::Publish]).await;
    let users = app.key(&[Scope::Users]).await;
    let notification = json!({"to": "user:anna", "message": "hi"});
    let refused = app.post("/api/v1/notifications", &users, &notification).await;
    assert!(refused.refused(403, "forbidden").text.contains(r#"scope \"publish\""#), "{}", refused.text);
    let refused = app.put("/api/v1/users/anna", &publish, &json!({})).await;
    assert!(refused.refused(403, "forbidden").text.contains(r#"scope \"users\""#));
    for path in ["/api/v1/keys", "/api/v1/connections", "/api/v1/stats"] {
        let refused = app.get(path, &publish).await;
        assert!(refused.refused(403, "forbidden").text.contains(r#"scope \"admin\""#));
    }
    app.get("/api/v1/inbox", &publish).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_repeated_create_answers_with_the_same_secret() {
    let app = TestApp::start().await;
    let admin = app.key(&[Scope::Admin]).await;
    let create = |body: Value| {
        let request = app.request(Method::POST, "/api/v1/keys").bearer_auth(&admin);
        app.send(request.header("idempotency-key", "deploy-7").json(&body))
    };
    let body = json!({"name": "shop", "scopes": ["publish"]});
    let first = create(body.clone()).await.expect(201).json();
    let again = create(body).await.expect(201).json();
    assert_eq!(first, again);
    create(json!({"name": "shop", "scopes": ["admin"]})).await.refused(422, "idempotency_mismatch");
    app.delete(&format!("/api/v1/keys/{}", first["id"].as_str().unwrap()), &admin).await.expect(204);
    create(json!({"name": "shop", "scopes": ["publish"]})).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_key_needs_a_name_and_known_scopes() {
    let app = TestApp::start().await;
    let admin = app.key(&[Scope::Admin]).await;
    for (body, field) in [
        (json!({"name": " ", "scopes": ["publish"]}), "name"),
        (json!({"name": "x".repeat(101), "scopes": ["publish"]}), "name"),
        (json!({"name": "x", "scopes": []}), "scopes"),
        (json!({"name": "x", "scopes": ["root"]}), "scopes"),
        (json!({"name": "x"}), "scopes"),
    ] {
        let refused = app.post("/api/v1/keys", &admin, &body).await;
        assert_eq!(refused.refused(422, "invalid").json()["field"], field);
    }
}
