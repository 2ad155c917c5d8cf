//! Boards over HTTP: replaced, patched, guarded, kept from those they are not for, and brought up to date.

use oyez::auth::Scope;
use serde_json::{Value, json};

use crate::{
    jobs::{claim, worker_key},
    support::TestApp,
};

const BOARD: &str = "/api/v1/boards/suppliers";

async fn key(app: &TestApp) -> String {
    app.key(&[Scope::Boards]).await
}

#[tokio::test]
async fn a_board_is_made_replaced_patched_and_deleted() {
    let app = TestApp::start().await;
    let key = key(&app).await;
    app.get(BOARD, &key).await.refused(404, "not_found");
    app.patch(BOARD, &key, &json!({"state": {}})).await.refused(404, "not_found");
    let made = app.put(BOARD, &key, &json!({"state": {"pending": 1, "old": true}})).await.expect(201);
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(made.json(), json!({"name": "suppliers", "version": 1, "created": true, "changed": true}));
    let same = app.put(BOARD, &key, &json!({"state": {"old": true, "pending": 1}})).await.expect(200).json();
    assert_eq!((&same["version"], &same["changed"]), (&json!(1), &json!(false)));
    app.hand.advance(60);
    let change =
        json!({"state": {"pending": 2, "old": null, "deep": {"a": [1, null]}}, "roles": ["reviewer"]});
    assert_eq!(app.patch(BOARD, &key, &change).await.expect(200).json()["version"], 2);
    let read = app.get(BOARD, &key).await.expect(200);
    assert_eq!(read.header("etag"), "\"2\"");
    let expected = json!({"name": "suppliers", "version": 2, "state": {"pending": 2, "deep": {"a": [1, null]}},
        "roles": ["reviewer"], "refresh": null, "created_at": "2026-11-20T13:00:00.000Z",
        "updated_at": "2026-11-20T13:01:00.000Z"});
    assert_eq!(read.json(), expected);
    let listed = app.get("/api/v1/boards", &key).await.expect(200).json();
    assert_eq!((&listed["data"][0]["name"], &listed["data"][0]["version"]), (&json!("suppliers"), &json!(2)));
    app.delete(BOARD, &key).await.expect(204);
    app.delete(BOARD, &key).await.refused(404, "not_found");
    let again = app.put(BOARD, &key, &json!({"state": {}})).await.expect(201).json();
    assert_eq!(again["version"], 4, "nobody takes the new board for the old one");
    assert_eq!(app.get(BOARD, &key).await.json()["roles"], Value::Null);
}

#[tokio::test]
async fn a_guard_keeps_two_writers_from_undoing_each_other() {
    let app = TestApp::start().await;
    let key = key(&app).await;
    let guarded = async |method: http::Method, name: &str, value: &str, state: Value| {
        let request = app.request(method, BOARD).bearer_auth(&key).header(name, value);
        app.send(request.json(&json!({"state": state}))).await
    };
    let put = http::Method::PUT;
    guarded(put.clone(), "if-match", "*", json!({})).await.refused(412, "version_mismatch");
    guarded(put.clone(), "if-none-match", "*", json!({"n": 1})).await.expect(201);
    let refused = guarded(put.clone(), "if-none-match", "*", json!({"n": 2})).await;
    assert_eq!(refused.refused(412, "version_mismatch").json()["version"], 1);
    guarded(http::Method::PATCH, "if-match", "\"1\"", json!({"n": 2})).await.expect(200);
    let refused = guarded(http::Method::PATCH, "if-match", "1", json!({"n": 3})).await;
    refused.refused(412, "version_mismatch");
    assert_eq!((refused.header("etag"), &refused.json()["version"]), ("\"2\"", &json!(2)));
    assert!(refused.json()["detail"].as_str().unwrap().starts_with("the board is at version 2"));
    guarded(put, "if-match", "seven", json!({})).await.refused(422, "invalid");
    let deletion = app.request(http::Method::DELETE, BOARD).bearer_auth(&key).header("if-match", "1");
    app.send(deletion).await.refused(412, "version_mismatch");
}

#[tokio::test]
async fn what_a_board_cannot_hold_is_refused_with_a_sentence() {
    let app = TestApp::start().await;
    let key = key(&app).await;
    let refused = |body: Value| {
        let (app, key) = (&app, &key);
        async move { app.put(BOARD, key, &body).await.refused(422, "invalid").json() }
    };
    let large = refused(json!({"state": {"text": "x".repeat(300_000)}})).await;
    assert!(large["detail"].as_str().unwrap().contains("262144 bytes"), "{large}");
    assert_eq!(large["field"], "state");
    let list = refused(json!({"state": [1]})).await;
    assert!(list["detail"].as_str().unwrap().contains("expected an object"), "{list}");
    refused(json!({"state": {}, "role": "admin"})).await;
    app.put("/api/v1/boards/No%20Name", &key, &json!({"state": {}})).await.refused(422, "invalid");
}

#[tokio::test]
async fn the_same_request_again_changes_nothing() {
    let app = TestApp::start().await;
    let key = key(&app).await;
    let body = |n: u64| json!({"state": {"n": n}, "idempotency_key": "once"});
    let first = app.put(BOARD, &key, &body(1)).await.expect(201).json();
    app.put(BOARD, &key, &json!({"state": {"n": 2}})).await.expect(200);
    assert_eq!(app.put(BOARD, &key, &body(1)).await.expect(201).json(), first);
    app.put(BOARD, &key, &body(3)).await.refused(422, "idempotency_mismatch");
    assert_eq!(app.get(BOARD, &key).await.json()["state"]["n"], 2);
}

#[tokio::test]
async fn the_last_versions_make_a_sparkline() {
    let app = TestApp::with(|config| config.boards.history = 4).await;
    let key = key(&app).await;
    for n in 1..=6 {
        app.put(BOARD, &key, &json!({"state": {"counts": {"pending": n * 10}}})).await;
        app.hand.advance(60);
    }
    let path = format!("{BOARD}/history?pointer=/counts/pending");
    let answer = app.get(&path, &key).await.expect(200).json();
    let values = |answer: &Value| -> Vec<u64> {
        answer["data"].as_array().unwrap().iter().map(|past| past["state"].as_u64().unwrap()).collect()
    };
    assert_eq!((values(&answer), &answer["next_cursor"]), (vec![60, 50, 40, 30], &Value::Null));
    assert_eq!(answer["data"][0]["at"], "2026-11-20T13:05:00.000Z");
    let page = app.get(&format!("{path}&limit=3"), &key).await.json();
    let rest =
        app.get(&format!("{path}&cursor={}", page["next_cursor"].as_str().unwrap()), &key).await.json();
    assert_eq!((values(&page), values(&rest)), (vec![60, 50, 40], vec![30]));
    let whole = app.get(&format!("{BOARD}/history?limit=1"), &key).await.json();
    assert_eq!(whole["data"][0]["state"], json!({"counts": {"pending": 60}}));
    let nothing = app.get(&format!("{BOARD}/history?pointer=/nothing&limit=1"), &key).await.json();
    assert_eq!(nothing["data"][0]["state"], Value::Null);
    app.get(&format!("{BOARD}/history?pointer=nothing"), &key).await.refused(422, "invalid");
    app.get("/api/v1/boards/other/history", &key).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_board_is_for_its_roles_and_changed_by_applications() {
    let app = TestApp::start().await;
    let key = key(&app).await;
    let refresh = json!({"kind": "count", "args": {"secret": 1}});
    let body = json!({"state": {"n": 1}, "roles": ["reviewer"], "refresh": refresh});
    app.put(BOARD, &key, &body).await.expect(201);
    app.put("/api/v1/boards/all", &key, &json!({"state": {}})).await.expect(201);
    let reviewer = app.user("rita", &["reviewer"]).await;
    let client = app.user("carl", &[]).await;
    let other = app.key(&[Scope::Publish]).await;
    let seen = app.get(BOARD, &reviewer).await.expect(200).json();
    assert_eq!((&seen["state"]["n"], &seen["refresh"]), (&json!(1), &json!({"kind": "count"})));
    app.get(&format!("{BOARD}/history"), &reviewer).await.expect(200);
    app.get("/api/v1/boards/all", &reviewer).await.refused(404, "not_found");
    app.get(BOARD, &client).await.refused(404, "not_found");
    app.get(&format!("{BOARD}/history"), &client).await.refused(404, "not_found");
    app.get(BOARD, &other).await.refused(403, "forbidden");
    for token in [&reviewer, &client, &other] {
        app.put(BOARD, token, &json!({"state": {}})).await.refused(403, "forbidden");
        app.patch(BOARD, token, &json!({})).await.refused(403, "forbidden");
        app.delete(BOARD, token).await.refused(403, "forbidden");
        app.get("/api/v1/boards", token).await.refused(403, "forbidden");
        app.post(&format!("{BOARD}/refresh"), token, &json!({})).await.refused(403, "forbidden");
    }
    let admin = app.user("anna", &["admin"]).await;
    app.get("/api/v1/boards/all", &admin).await.expect(200);
    app.get(BOARD, &admin).await.expect(200);
}

#[tokio::test]
async fn a_board_is_brought_up_to_date_by_one_job_at_a_time() {
    let app = TestApp::start().await;
    let (key, worker) = (key(&app).await, worker_key(&app).await);
    let refresh = format!("{BOARD}/refresh");
    app.put(BOARD, &key, &json!({"state": {}})).await.expect(201);
    app.post(&refresh, &key, &json!({})).await.refused(409, "conflict");
    app.patch(BOARD, &key, &json!({"refresh": {"kind": "count", "queue": "reports"}})).await.expect(200);
    let job = app.post(&refresh, &key, &json!({})).await.expect(201).json();
    let again = app.post(&refresh, &key, &json!({})).await.expect(200).json();
    assert_eq!((&again["id"], &again["created"]), (&job["id"], &json!(false)));
    let claimed = claim(&app, &worker, &json!({"queues": ["reports"]})).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!((&claimed[0]["kind"], &claimed[0]["args"]), (&json!("count"), &json!({"board": "suppliers"})));
}
