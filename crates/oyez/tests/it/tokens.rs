//! Tokens of every kind and in every state, over HTTP and at the handshake.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use oyez_protocol::ErrorCode;
use serde_json::{Value, json};

use crate::support::{SECRET, TestApp, foreign_token, sign};

const RSA: &[u8] = include_bytes!("keys/rsa.pem");
const EC: &[u8] = include_bytes!("keys/ec.pem");
const ED: &[u8] = include_bytes!("keys/ed.pem");

fn public_key(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/keys").join(format!("{name}.pub.pem"))
}

fn claims(app: &TestApp) -> Value {
    json!({"sub": "anna", "exp": app.now() + 600})
}

fn handshake(headers: &[(&str, &str)], uri: &str) -> http::request::Parts {
    let mut request = http::Request::get(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn a_django_simplejwt_token_works_unchanged() {
    let app = TestApp::start().await;
    let token = foreign_token(&json!({
        "token_type": "access", "exp": app.now() + 300, "iat": app.now(), "jti": "1f0c", "user_id": 42,
    }));
    let me = app.get("/api/auth/me", &token).await.expect(200).json();
    assert_eq!(me["user"]["id"], "42");
    assert_eq!(me["session"], Value::Null);
    let refresh = foreign_token(&json!({"token_type": "refresh", "exp": app.now() + 300, "user_id": 42}));
    app.get("/api/auth/me", &refresh).await.refused(401, "token_invalid");
}

#[tokio::test]
async fn each_bad_token_has_its_own_code() {
    let app = TestApp::start().await;
    let path = "/api/v1/inbox";
    let missing = app.send(app.request(reqwest::Method::GET, path)).await;
    missing.refused(401, "token_missing");
    assert_eq!(missing.header("www-authenticate"), "Bearer realm=\"oyez\"");
    for malformed in ["x", "a.b", "a.b.c", "a.b.c.d", "....", "e30.e30.e30", &"x".repeat(9_000)] {
        let refused = app.get(path, malformed).await;
        refused.refused(401, "token_malformed");
        assert!(refused.header("www-authenticate").contains("invalid_token"));
    }
    let expired = foreign_token(&json!({"sub": "anna", "exp": app.now() - 60}));
    app.get(path, &expired).await.refused(401, "token_expired");
    let early = foreign_token(&json!({"sub": "anna", "exp": app.now() + 60, "nbf": app.now() + 30}));
    app.get(path, &early).await.refused(401, "token_invalid");
    let other_secret = EncodingKey::from_secret(b"another secret, also of 32 bytes or more");
    let forged = sign(&Header::new(Algorithm::HS256), &claims(&app), &other_secret);
    app.get(path, &forged).await.refused(401, "token_invalid");
    let endless = foreign_token(&json!({"sub": "anna"}));
    app.get(path, &endless).await.refused(401, "token_invalid");
    let nobody = foreign_token(&json!({"exp": app.now() + 60}));
    app.get(path, &nobody).await.refused(401, "token_invalid");
    let basic = app.send(app.request(reqwest::Method::GET, path).basic_auth("anna", Some("x"))).await;
    basic.refused(401, "token_malformed");
}

#[tokio::test]
async fn a_token_without_signature_or_with_anothers_payload_is_refused() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    let app = TestApp::start().await;
    let good = foreign_token(&claims(&app));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    let payload = BASE64.encode(json!({"sub": "admin", "exp": app.now() + 600}).to_string());
    let none = BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#);
    for token in [
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}"),
        format!("{header}.{payload}."),
    ] {
        app.get("/api/auth/me", &token).await.refused(401, "token_invalid");
    }
}

#[tokio::test]
async fn each_kind_of_key_verifies_its_own_algorithm_only() {
    let (rsa, ec, ed) = (
        EncodingKey::from_rsa_pem(RSA).unwrap(),
        EncodingKey::from_ec_pem(EC).unwrap(),
        EncodingKey::from_ed_pem(ED).unwrap(),
    );
    let signers =
        [("rsa", Algorithm::RS256, &rsa), ("ec", Algorithm::ES256, &ec), ("ed", Algorithm::EdDSA, &ed)];
    for (name, algorithm, key) in signers {
        let app = TestApp::with(|config| {
            config.auth.secret = None;
            config.auth.public_key_file = Some(public_key(name));
        })
        .await;
        let good = sign(&Header::new(algorithm), &claims(&app), key);
        assert_eq!(app.get("/api/auth/me", &good).await.expect(200).json()["user"]["id"], "anna");
        for (_, other, key) in signers.iter().filter(|(other, ..)| *other != name) {
            let wrong = sign(&Header::new(*other), &claims(&app), key);
            app.get("/api/auth/me", &wrong).await.refused(401, "token_invalid");
        }
        // The public key, taken for a shared secret.
        let pem = std::fs::read(public_key(name)).unwrap();
        let confused = sign(&Header::new(Algorithm::HS256), &claims(&app), &EncodingKey::from_secret(&pem));
        app.get("/api/auth/me", &confused).await.refused(401, "token_invalid");
        for other in [Algorithm::RS512, Algorithm::PS256] {
            if name == "rsa" {
                let wrong = sign(&Header::new(other), &claims(&app), key);
                app.get("/api/auth/me", &wrong).await.refused(401, "token_invalid");
            }
        }
    }
}

#[tokio::test]
async fn own_tokens_and_foreign_ones_work_side_by_side() {
    let app = TestApp::with(|config| config.auth.public_key_file = Some(public_key("ec"))).await;
    let own = app.user("own", &[]).await;
    let ec = EncodingKey::from_ec_pem(EC).unwrap();
    let foreign = sign(&Header::new(Algorithm::ES256), &json!({"sub": "ec", "exp": app.now() + 60}), &ec);
    let shared = foreign_token(&json!({"sub": "shared", "exp": app.now() + 60}));
    for (token, id) in [(own, "own"), (foreign, "ec"), (shared, "shared")] {
        assert_eq!(app.get("/api/auth/me", &token).await.expect(200).json()["user"]["id"], id);
    }
}

#[tokio::test]
async fn issuer_and_audience_are_checked_when_configured() {
    let app = TestApp::with(|config| {
        config.auth.issuers = vec!["https://login.example".into()];
        config.auth.audiences = vec!["oyez".into()];
    })
    .await;
    let with = |iss: &str, aud: Value| {
        foreign_token(&json!({"sub": "anna", "exp": app.now() + 60, "iss": iss, "aud": aud}))
    };
    app.get("/api/auth/me", &with("https://login.example", json!("oyez"))).await.expect(200);
    app.get("/api/auth/me", &with("https://login.example", json!(["x", "oyez"]))).await.expect(200);
    for bad in [with("https://evil.example", json!("oyez")), with("https://login.example", json!("other"))] {
        app.get("/api/auth/me", &bad).await.refused(401, "token_invalid");
    }
    let own = app.user("own", &[]).await;
    app.get("/api/auth/me", &own).await.expect(200);
}

#[tokio::test]
async fn roles_of_a_token_are_remembered_and_count_with_those_of_the_application() {
    let app = TestApp::start().await;
    app.user("anna", &["client"]).await;
    let token = foreign_token(&json!({"sub": "anna", "exp": app.now() + 60, "roles": "auditor, admin"}));
    let me = app.get("/api/auth/me", &token).await.expect(200).json();
    assert_eq!(me["user"]["roles"], json!(["admin", "auditor", "client"]));
    assert_eq!(me["is_admin"], true);
    let fewer = foreign_token(&json!({"sub": "anna", "exp": app.now() + 60, "roles": []}));
    let me = app.get("/api/auth/me", &fewer).await.expect(200).json();
    assert_eq!(me["user"]["roles"], json!(["client"]));
}

#[tokio::test]
async fn a_first_token_makes_its_user_known() {
    let app = TestApp::start().await;
    let token = foreign_token(
        &json!({"sub": "new", "exp": app.now() + 60, "name": "Nora", "email": "nora@example.com"}),
    );
    let me = app.get("/api/auth/me", &token).await.expect(200).json();
    assert_eq!(me["user"]["name"], "Nora");
    assert_eq!(me["user"]["email"], "nora@example.com");
}

#[tokio::test]
async fn the_handshake_takes_the_first_credentials_it_finds() {
    let app = TestApp::start().await;
    let token = |user: &str| foreign_token(&json!({"sub": user, "exp": app.now() + 60}));
    let (header, protocol, query) = (token("header"), token("protocol"), token("query"));
    let authorization = format!("Bearer {header}");
    let offered = format!("oyez.v1, bearer.{protocol}");
    let uri = format!("/ws/notifications/?since=3&token={query}");
    let who = async |headers: &[(&str, &str)]| {
        app.auth.handshake(&handshake(headers, &uri)).await.unwrap().id.to_string()
    };
    assert_eq!(
        who(&[("authorization", &authorization), ("sec-websocket-protocol", &offered)]).await,
        "header"
    );
    assert_eq!(who(&[("sec-websocket-protocol", &offered)]).await, "protocol");
    assert_eq!(who(&[]).await, "query");
    // A bad first one is not passed over in favour of a good later one.
    let bad = app.auth.handshake(&handshake(&[("authorization", "Bearer x")], &uri)).await.unwrap_err();
    assert_eq!(bad.code, ErrorCode::TokenMalformed);
    let none = app.auth.handshake(&handshake(&[], "/ws/notifications/")).await.unwrap_err();
    assert_eq!(none.code, ErrorCode::TokenMissing);
    let key = app.key(&[oyez::auth::Scope::Admin]).await;
    let key = format!("Bearer {key}");
    let refused = app.auth.handshake(&handshake(&[("authorization", &key)], "/ws/notifications/")).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Forbidden);
}

#[tokio::test]
async fn a_disabled_user_is_refused_with_a_good_token() {
    let app = TestApp::start().await;
    let token = app.user("anna", &[]).await;
    app.users.disable(&"anna".parse().unwrap()).await.unwrap();
    app.get("/api/v1/inbox", &token).await.refused(403, "user_disabled");
    app.users.enable(&"anna".parse().unwrap()).await.unwrap();
    app.get("/api/v1/inbox", &token).await.expect(200);
}

#[tokio::test]
async fn a_token_is_good_until_its_second_and_not_longer() {
    let app = TestApp::with(|config| config.auth.leeway = std::time::Duration::from_secs(5)).await;
    let token = foreign_token(&json!({"sub": "anna", "exp": app.now() + 60}));
    app.hand.advance(64);
    app.get("/api/auth/me", &token).await.expect(200);
    app.hand.advance(1);
    app.get("/api/auth/me", &token).await.refused(401, "token_expired");
}

#[test]
fn the_secret_of_these_tests_is_long_enough() {
    assert!(SECRET.len() >= 32);
}
