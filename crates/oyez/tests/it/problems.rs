//! Every refusal is a problem with a code, a sentence and a request id; every answer carries the same headers.

use oyez::auth::Scope;
use reqwest::Method;
use serde_json::json;

use crate::support::TestApp;

const PATH: &str = "/api/v1/notifications";

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let app = TestApp::start().await;
    for path in ["/nothing", "/api/v1/nothing/", "/api/v2/inbox"] {
        app.send(app.request(Method::GET, path)).await.refused(404, "not_found");
    }
    let refused = app.send(app.request(Method::PUT, PATH)).await;
    refused.refused(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), "POST");
    let refused = app.send(app.request(Method::POST, "/api/v1/users/anna")).await;
    let allow = refused.refused(405, "method_not_allowed").header("allow");
    assert!(["PUT", "GET", "DELETE"].iter().all(|method| allow.contains(method)), "{allow}");
}

#[tokio::test]
async fn a_bad_body_is_told_apart_by_what_is_wrong() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Publish]).await;
    let post = async |content_type: &str, body: Vec<u8>| {
        let request = app.request(Method::POST, PATH).bearer_auth(&key).header("content-type", content_type);
        app.send(request.body(body)).await
    };
    let refused = post("application/json", b"{\n  \"to\": nobody}".to_vec()).await;
    let detail = refused.refused(400, "not_json").json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("line 2 column"), "{detail}");
    post("application/json", Vec::new()).await.refused(400, "not_json");
    post("application/json", b"[]".to_vec()).await.refused(422, "invalid");
    post("application/json", vec![0xff, 0xfe]).await.refused(400, "not_json");
    post("text/plain", b"{}".to_vec()).await.refused(415, "unsupported_media_type");
    post("application/json", vec![b' '; 9 * 1024 * 1024]).await.refused(413, "too_large");
    let deep = format!("{{\"to\":\"user:a\",\"message\":\"x\",\"actor\":{}}}", "[".repeat(100_000));
    post("application/json", deep.into_bytes()).await.refused(400, "not_json");
}

#[tokio::test]
async fn what_does_not_fit_is_told_with_its_field_and_without_the_words_of_rust() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Admin]).await;
    let nobody = "01930d2e-7c5a-7bbb-8000-000000000001";
    let step = json!({"attempt": 1, "name": "a", "status": "nonsense"});
    let step_path = format!("jobs/{nobody}/step");
    for (method, path, body, field, wanted) in [
        (Method::PATCH, "queues/default", json!({"rate": "10/1m"}), json!("rate"), "`count`, `period`"),
        (
            Method::PUT,
            "schedules/sx",
            json!({"cron": "@daily", "job": {"kind": "a"}, "misfire": "all"}),
            json!("misfire"),
            "alone",
        ),
        (Method::PUT, "boards/b", json!([1]), json!(null), "the body is a list: expected an object"),
        (Method::PUT, "boards/b", json!({"state": [1]}), json!("state"), "a list, expected an object"),
        (Method::POST, step_path.as_str(), step, json!("status"), "`processing`"),
        (Method::POST, "deliveries/resend", json!({"ids": ["nope"]}), json!("ids[0]"), nobody),
        (Method::POST, "deliveries/nope/resend", json!({}), json!(null), nobody),
    ] {
        let request = app.request(method, &format!("/api/v1/{path}")).bearer_auth(&key).json(&body);
        let problem = app.send(request).await.refused(422, "invalid").json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(problem["field"] == field && detail.contains(wanted), "{problem}");
        assert!(
            !detail.contains("struct") && !detail.contains("variant") && !detail.contains("UUID"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_sane_request_id_comes_back_and_any_other_is_replaced() {
    let app = TestApp::start().await;
    let with = async |id: &str| {
        let request = app.request(Method::GET, "/healthz").header("x-request-id", id);
        app.send(request).await.expect(200).header("x-request-id").to_owned()
    };
    assert_eq!(with("deploy-7.a:b_c").await, "deploy-7.a:b_c");
    for bad in ["two words", "<script>", &"x".repeat(65)] {
        assert_eq!(with(bad).await.len(), 16);
    }
    assert_ne!(with("\"").await, with("\"").await);
}

#[tokio::test]
async fn answers_carry_security_headers() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/nothing", "/api/v1/inbox"] {
        let answer = app.send(app.request(Method::GET, path)).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn pages_of_configured_origins_may_call_and_others_may_not() {
    let app = TestApp::with(|config| config.http.cors_origins = vec!["https://app.example".into()]).await;
    let from = async |method: Method, origin: &str| {
        let mut request = app.request(method.clone(), PATH).header("origin", origin);
        if method == Method::OPTIONS {
            request = request
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization");
        }
        app.send(request).await
    };
    let allowed = from(Method::OPTIONS, "https://app.example").await.expect(204);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example");
    assert!(allowed.header("access-control-allow-headers").contains("idempotency-key"));
    assert!(allowed.header("access-control-allow-methods").contains("PATCH"));
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    let refused = from(Method::OPTIONS, "https://evil.example").await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
    assert_eq!(refused.header("access-control-allow-methods"), "");
    // The page may read a refusal as well.
    let answer = from(Method::POST, "https://app.example").await;
    answer.refused(401, "token_missing");
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(answer.header("vary"), "Origin");
    let any = TestApp::with(|config| config.http.cors_origins = vec!["*".into()]).await;
    let request = any.request(Method::GET, "/healthz").header("origin", "https://who.example");
    assert_eq!(any.send(request).await.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn head_requests_answer_like_get_without_a_body() {
    let app = TestApp::start().await;
    let answer = app.send(app.request(Method::HEAD, "/healthz")).await.expect(200);
    assert_eq!(answer.text, "");
}

#[tokio::test]
async fn no_refusal_repeats_a_secret() {
    let app = TestApp::start().await;
    let secret = "oyez_sk_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
    for request in [
        app.request(Method::GET, "/api/v1/inbox").bearer_auth(secret),
        app.request(Method::GET, "/api/v1/inbox").header("authorization", format!("Basic {secret}")),
        app.request(Method::GET, &format!("/api/v1/inbox?token={secret}")),
        app.request(Method::POST, "/api/auth/login").json(&json!({"username": "a", "password": secret})),
        app.request(Method::POST, "/api/auth/refresh").json(&json!({"refresh": secret})),
        app.request(Method::POST, "/api/auth/login").json(&json!({"username": "a", "password": [secret]})),
    ] {
        let answer = app.send(request).await;
        assert!(answer.status >= 400);
        assert!(!answer.text.contains(&secret[8..20]), "{}", answer.text);
    }
}
