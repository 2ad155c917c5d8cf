//! Users and topics over HTTP.

use oyez::auth::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn a_user_is_made_changed_read_and_erased() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Users]).await;
    let path = "/api/v1/users/anna";
    app.get(path, &key).await.refused(404, "not_found");
    let body = json!({"name": "Anna", "email": "anna@example.com", "roles": ["b", "a"], "locale": "de-CH"});
    let made = app.put(path, &key, &body).await.expect(200).json();
    assert_eq!(made["roles"], json!(["a", "b"]));
    let changed = app.put(path, &key, &json!({"name": "", "roles": []})).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["email"]), (&Value::Null, &json!("anna@example.com")));
    assert_eq!(changed["roles"], json!([]));
    assert_eq!(app.get(path, &key).await.expect(200).json(), changed);
    app.delete(path, &key).await.expect(204);
    app.get(path, &key).await.refused(404, "not_found");
    app.delete(path, &key).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_password_set_by_the_application_opens_a_login() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Users]).await;
    let made = app.put("/api/v1/users/anna", &key, &json!({"password": PASSWORD})).await.expect(200);
    assert_eq!(made.json()["has_password"], true);
    assert!(!made.text.contains(PASSWORD));
    let login = json!({"username": "anna", "password": PASSWORD});
    let done = app.send(app.request(Method::POST, "/api/auth/login").json(&login)).await.expect(200).json();
    let access = done["access"].as_str().unwrap();
    app.get("/api/auth/me", access).await.expect(200);
    // Whoever knew the old password is out.
    app.put("/api/v1/users/anna", &key, &json!({"password": "another good one"})).await.expect(200);
    app.get("/api/auth/me", access).await.refused(401, "session_revoked");
    app.send(app.request(Method::POST, "/api/auth/login").json(&login)).await.refused(401, "login_failed");
    let short = app.put("/api/v1/users/ben", &key, &json!({"password": "short"})).await;
    assert!(!short.refused(422, "invalid").text.contains("\"short\""));
    app.get("/api/v1/users/ben", &key).await.refused(404, "not_found");
}

#[tokio::test]
async fn users_see_themselves_and_nobody_else() {
    let app = TestApp::start().await;
    let anna = app.user("anna", &[]).await;
    app.user("ben", &[]).await;
    app.get("/api/v1/users/anna", &anna).await.expect(200);
    app.get("/api/v1/users/ben", &anna).await.refused(403, "forbidden");
    app.get("/api/v1/users", &anna).await.refused(403, "forbidden");
    app.put("/api/v1/users/anna", &anna, &json!({"roles": ["admin"]})).await.refused(403, "forbidden");
    app.delete("/api/v1/users/anna", &anna).await.refused(403, "forbidden");
}

#[tokio::test]
async fn many_users_come_in_one_call_and_are_listed_in_pages() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Users]).await;
    let users: Vec<Value> =
        ["a", "b", "c"].iter().map(|id| json!({"id": id, "roles": [format!("role-{id}")]})).collect();
    let made = app.put("/api/v1/users", &key, &json!({"users": users})).await.expect(200).json();
    assert_eq!(made["data"].as_array().unwrap().len(), 3);
    let first = app.get("/api/v1/users?limit=2", &key).await.expect(200).json();
    assert_eq!(first["data"][1]["id"], "b");
    let path = format!("/api/v1/users?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = app.get(&path, &key).await.expect(200).json();
    assert_eq!((&second["data"][0]["id"], &second["next_cursor"]), (&json!("c"), &Value::Null));
    let by_role = app.get("/api/v1/users?role=role-b", &key).await.expect(200).json();
    assert_eq!(by_role["data"].as_array().unwrap().len(), 1);
    let bad = json!({"users": [{"id": "d"}, {"id": "e", "email": "not an address"}]});
    app.put("/api/v1/users", &key, &bad).await.refused(422, "invalid");
    app.get("/api/v1/users/d", &key).await.refused(404, "not_found");
    app.put("/api/v1/users", &key, &json!({"users": []})).await.refused(422, "invalid");
}

#[tokio::test]
async fn a_user_is_shut_out_and_let_in_again() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Users]).await;
    let anna = app.user("anna", &[]).await;
    app.post("/api/v1/users/anna/disable", &key, &json!({})).await.expect(204);
    app.get("/api/auth/me", &anna).await.refused(403, "user_disabled");
    assert_eq!(app.get("/api/v1/users/anna", &key).await.expect(200).json()["disabled"], true);
    app.post("/api/v1/users/anna/enable/", &key, &json!({})).await.expect(204);
    app.get("/api/auth/me", &anna).await.expect(200);
    app.post("/api/v1/users/nobody/disable", &key, &json!({})).await.refused(404, "not_found");
}

#[tokio::test]
async fn topics_have_members() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Users]).await;
    let member = |user: &str| format!("/api/v1/topics/business-7/members/{user}");
    for user in ["anna", "ben%2Fx", "anna"] {
        app.put(&member(user), &key, &json!({})).await.expect(204);
    }
    let listed = app.get("/api/v1/topics/business-7/members", &key).await.expect(200).json();
    assert_eq!(listed["data"], json!([{"user_id": "anna"}, {"user_id": "ben/x"}]));
    app.delete(&member("anna"), &key).await.expect(204);
    app.delete(&member("anna"), &key).await.expect(204);
    let listed = app.get("/api/v1/topics/business-7/members/", &key).await.expect(200).json();
    assert_eq!(listed["data"], json!([{"user_id": "ben/x"}]));
    app.put("/api/v1/topics/two%20words/members/anna", &key, &json!({})).await.refused(422, "invalid");
}
