//! Logins of built-in users: passwords, refresh, cookies, and those who try their luck.

use std::sync::{Arc, Mutex};

use oyez::bus::Announcement;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp};

async fn login(app: &TestApp, user: &str, password: &str) -> Answer {
    let body = json!({"username": user, "password": password});
    app.send(app.request(Method::POST, "/api/auth/login").json(&body)).await
}

async fn refresh(app: &TestApp, token: &Value) -> Answer {
    app.send(app.request(Method::POST, "/api/auth/refresh").json(&json!({"refresh": token}))).await
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_logs_in_by_id_or_email_and_uses_the_api() {
    let app = TestApp::start().await;
    app.user_with_password("anna", Some("anna@example.com")).await;
    for body in [
        json!({"username": "anna", "password": PASSWORD}),
        json!({"email": "Anna@Example.com", "password": PASSWORD}),
        json!({"username": "anna@example.com", "password": PASSWORD}),
    ] {
        let request = app.request(Method::POST, "/api/auth/login/").json(&body);
        let answer = app.send(request).await.expect(200);
        let answer = answer.json();
        assert_eq!(answer["user"]["id"], "anna");
        let me = app.get("/api/auth/me", answer["access"].as_str().unwrap()).await.expect(200).json();
        assert_eq!(me["user"]["email"], "anna@example.com");
        assert!(me["session"].is_string());
    }
}

#[tokio::test]
async fn every_failed_login_looks_the_same() {
    let app = TestApp::start().await;
    app.user_with_password("anna", None).await;
    app.user("no-password", &[]).await;
    let mut answers = Vec::new();
    for (user, password) in
        [("anna", "wrong password"), ("nobody", PASSWORD), ("no-password", PASSWORD), ("", "x"), ("anna", "")]
    {
        let answer = login(&app, user, password).await;
        answer.refused(401, "login_failed");
        let mut problem = answer.json();
        problem["request_id"] = Value::Null;
        answers.push(problem);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_disabled_user_learns_it_only_with_the_right_password() {
    let app = TestApp::start().await;
    app.user_with_password("anna", None).await;
    app.users.disable(&"anna".parse().unwrap()).await.unwrap();
    login(&app, "anna", "wrong password").await.refused(401, "login_failed");
    login(&app, "anna", PASSWORD).await.refused(403, "user_disabled");
}

#[tokio::test]
async fn a_login_body_must_name_exactly_one_user() {
    let app = TestApp::start().await;
    for body in [
        json!({"password": "x"}),
        json!({"email": "a@example.com", "username": "a", "password": "x"}),
        json!({"username": "a"}),
        json!({"username": 7, "password": "x"}),
        json!({"username": "a", "password": "x", "remember": true}),
    ] {
        app.send(app.request(Method::POST, "/api/auth/login").json(&body)).await.refused(422, "invalid");
    }
}

#[tokio::test]
async fn guessing_a_password_is_stopped_per_account_and_per_address() {
    let app = TestApp::with(|config| config.auth.login_attempts = 2).await;
    app.user_with_password("anna", None).await;
    for _ in 0..2 {
        login(&app, "anna", "a guess").await.refused(401, "login_failed");
    }
    let stopped = login(&app, "ANNA", PASSWORD).await;
    stopped.refused(429, "too_many_requests");
    assert_eq!(stopped.header("retry-after"), "900");
    assert_eq!(stopped.json()["retry_after"], 900);
    // Five times as many per address, whatever the account. The stopped try counted too.
    for number in 0..7 {
        login(&app, &format!("other-{number}"), "a guess").await.refused(401, "login_failed");
    }
    login(&app, "one-more", "a guess").await.refused(429, "too_many_requests");
    app.hand.advance(900);
    login(&app, "anna", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_success_forgives_the_failures_before_it() {
    let app = TestApp::with(|config| config.auth.login_attempts = 2).await;
    app.user_with_password("anna", None).await;
    for _ in 0..3 {
        login(&app, "anna", "a guess").await.refused(401, "login_failed");
        login(&app, "anna", PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_login() {
    let app = TestApp::start().await;
    app.user_with_password("anna", None).await;
    let revoked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&revoked);
    app.bus.subscribe(Box::new(move |announcement| {
        if let Announcement::Revoked { user, session } = announcement {
            heard.lock().unwrap().push((user.to_string(), session.is_some()));
        }
    }));
    let first = login(&app, "anna", PASSWORD).await.expect(200).json();
    let second = refresh(&app, &first["refresh"]).await.expect(200).json();
    assert_ne!(first["refresh"], second["refresh"]);
    app.get("/api/auth/me", second["access"].as_str().unwrap()).await.expect(200);
    refresh(&app, &first["refresh"]).await.refused(401, "session_revoked");
    assert_eq!(*revoked.lock().unwrap(), [("anna".to_owned(), true)]);
    // Neither side of the theft goes on.
    for token in [&first["access"], &second["access"]] {
        app.get("/api/auth/me", token.as_str().unwrap()).await.refused(401, "session_revoked");
    }
    assert_eq!(refresh(&app, &second["refresh"]).await.status, 401);
    // Another login of the same user is another family.
    login(&app, "anna", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn refresh_tokens_end_and_cannot_be_made_up() {
    let app = TestApp::start().await;
    app.user_with_password("anna", None).await;
    let first = login(&app, "anna", PASSWORD).await.expect(200).json();
    refresh(&app, &json!("made up")).await.refused(401, "token_invalid");
    refresh(&app, &first["access"]).await.refused(401, "token_invalid");
    app.hand.advance(31 * 24 * 3600);
    refresh(&app, &first["refresh"]).await.refused(401, "token_expired");
}

#[tokio::test]
async fn logout_ends_the_session_of_token_cookie_or_refresh_token() {
    let app = TestApp::start().await;
    app.user_with_password("anna", None).await;
    let one = login(&app, "anna", PASSWORD).await.expect(200).json();
    app.post("/api/auth/logout", one["access"].as_str().unwrap(), &json!({})).await.expect(204);
    app.get("/api/auth/me", one["access"].as_str().unwrap()).await.refused(401, "session_revoked");

    let two = login(&app, "anna", PASSWORD).await.expect(200).json();
    let body = json!({"refresh": two["refresh"]});
    app.send(app.request(Method::POST, "/api/auth/logout").json(&body)).await.expect(204);
    refresh(&app, &two["refresh"]).await.refused(401, "token_invalid");

    let three = login(&app, "anna", PASSWORD).await.expect(200);
    let logout = |name: &'static str, value: &'static str| {
        app.request(Method::POST, "/api/auth/logout").header("cookie", cookie(&three)).header(name, value)
    };
    app.send(logout("origin", "https://evil.example")).await.refused(403, "csrf_failed");
    let done = app.send(logout("sec-fetch-site", "same-origin")).await.expect(204);
    assert!(done.header("set-cookie").starts_with("oyez_session=; "));
    assert!(done.header("set-cookie").contains("Max-Age=0"));
    app.send(app.request(Method::POST, "/api/auth/logout")).await.refused(401, "token_missing");
}

#[tokio::test]
async fn the_cookie_is_for_pages_of_this_server_only() {
    let app = TestApp::start().await;
    app.user_with_password("anna", None).await;
    let answer = login(&app, "anna", PASSWORD).await.expect(200);
    let set = answer.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "{set}");
    let cookie = cookie(&answer);
    let read = app.request(Method::GET, "/api/auth/me").header("cookie", &cookie);
    app.send(read).await.expect(200);
    let publish = json!({"to": "user:anna", "message": "hi"});
    let write =
        || app.request(Method::POST, "/api/v1/notifications").header("cookie", &cookie).json(&publish);
    app.send(write()).await.refused(403, "csrf_failed");
    app.send(write().header("sec-fetch-site", "cross-site")).await.refused(403, "csrf_failed");
    app.send(write().header("origin", "http://evil.example")).await.refused(403, "csrf_failed");
    app.send(write().header("sec-fetch-site", "same-origin")).await.expect(202);
    app.send(write().header("origin", format!("http://{}", app.address))).await.expect(202);
    app.send(write().header("x-oyez-csrf", "1")).await.expect(202);
    // The cookie's token is no access token. The other way round is allowed: an embedding application sets the token
    // it issued as the cookie, and is held to the same proof.
    let stolen = cookie.strip_prefix("oyez_session=").unwrap();
    app.get("/api/auth/me", stolen).await.refused(401, "token_invalid");
    let access = format!("oyez_session={}", answer.json()["access"].as_str().unwrap());
    app.send(app.request(Method::GET, "/api/auth/me").header("cookie", &access)).await.expect(200);
    let write = app.request(Method::POST, "/api/v1/notifications").header("cookie", &access).json(&publish);
    app.send(write).await.refused(403, "csrf_failed");
    let parts =
        http::Request::get("/ws/notifications/").header("cookie", &cookie).body(()).unwrap().into_parts().0;
    assert!(app.auth.handshake(&parts).await.unwrap().via_cookie);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_secure() {
    let app = TestApp::start().await;
    app.user_with_password("anna", None).await;
    let body = json!({"username": "anna", "password": PASSWORD});
    let request =
        app.request(Method::POST, "/api/auth/login").header("x-forwarded-proto", "https").json(&body);
    assert!(app.send(request).await.expect(200).header("set-cookie").contains("; Secure"));
}
