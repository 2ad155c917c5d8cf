//! Keys of a foreign issuer, read from its JWKS URL, served here on loopback.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{extract::State, http::StatusCode, response::IntoResponse, routing::get};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};

use crate::support::{TestApp, sign};

/// An issuer whose answer a test changes, and whose readers it counts.
#[derive(Clone)]
struct Issuer {
    answer: Arc<Mutex<(u16, String)>>,
    reads: Arc<AtomicUsize>,
    url: String,
}

impl Issuer {
    async fn start(keys: &Value) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            answer: Arc::new(Mutex::new((200, keys.to_string()))),
            reads: Arc::default(),
            url: format!("http://{}/jwks.json", listener.local_addr().unwrap()),
        };
        let router = axum::Router::new().route("/jwks.json", get(Self::read)).with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        issuer
    }

    async fn read(State(issuer): State<Self>) -> impl IntoResponse {
        issuer.reads.fetch_add(1, Ordering::SeqCst);
        let (status, body) = issuer.answer.lock().unwrap().clone();
        (StatusCode::from_u16(status).unwrap(), body)
    }

    fn answers(&self, status: u16, body: impl Into<String>) {
        *self.answer.lock().unwrap() = (status, body.into());
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    async fn app(&self) -> TestApp {
        let url = self.url.clone();
        TestApp::with(move |config| {
            config.auth.secret = None;
            config.auth.jwks_url = Some(url);
        })
        .await
    }
}

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(include_bytes!("keys/rsa.pem")).unwrap()
}

fn ec() -> EncodingKey {
    EncodingKey::from_ec_pem(include_bytes!("keys/ec.pem")).unwrap()
}

fn ed() -> EncodingKey {
    EncodingKey::from_ed_pem(include_bytes!("keys/ed.pem")).unwrap()
}

fn jwk(key: &EncodingKey, algorithm: Algorithm, id: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(id.into());
    serde_json::to_value(jwk).unwrap()
}

fn token(app: &TestApp, key: &EncodingKey, algorithm: Algorithm, id: Option<&str>) -> String {
    let mut header = Header::new(algorithm);
    header.kid = id.map(str::to_owned);
    sign(&header, &json!({"sub": "anna", "exp": app.now() + 100_000}), key)
}

async fn status(app: &TestApp, token: &str) -> u16 {
    app.get("/api/auth/me", token).await.status
}

#[tokio::test]
async fn tokens_of_every_published_key_are_accepted_and_read_once() {
    let keys = json!({"keys": [
        jwk(&rsa(), Algorithm::RS256, "r"), jwk(&ec(), Algorithm::ES256, "e"), jwk(&ed(), Algorithm::EdDSA, "d"),
        {"kty": "something new"}, 7,
    ]});
    let issuer = Issuer::start(&keys).await;
    let app = issuer.app().await;
    assert_eq!(issuer.reads(), 0);
    for (key, algorithm, id) in
        [(rsa(), Algorithm::RS256, "r"), (ec(), Algorithm::ES256, "e"), (ed(), Algorithm::EdDSA, "d")]
    {
        assert_eq!(status(&app, &token(&app, &key, algorithm, Some(id))).await, 200);
        assert_eq!(status(&app, &token(&app, &key, algorithm, None)).await, 200);
    }
    assert_eq!(issuer.reads(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_but_made_up_key_ids_do_not_hammer_the_issuer() {
    let issuer = Issuer::start(&json!({"keys": [jwk(&rsa(), Algorithm::RS256, "old")]})).await;
    let app = issuer.app().await;
    assert_eq!(status(&app, &token(&app, &rsa(), Algorithm::RS256, Some("old"))).await, 200);
    issuer.answers(200, json!({"keys": [jwk(&ec(), Algorithm::ES256, "new")]}).to_string());
    let rotated = token(&app, &ec(), Algorithm::ES256, Some("new"));
    for number in 0..20 {
        let made_up = token(&app, &rsa(), Algorithm::RS256, Some(&format!("made-up-{number}")));
        assert_eq!(status(&app, &made_up).await, 401);
        assert_eq!(status(&app, &rotated).await, 401);
    }
    assert_eq!(issuer.reads(), 1);
    app.hand.advance(30);
    assert_eq!(status(&app, &rotated).await, 200);
    assert_eq!(issuer.reads(), 2);
    assert_eq!(status(&app, &token(&app, &rsa(), Algorithm::RS256, Some("old"))).await, 401);
}

#[tokio::test]
async fn known_keys_stay_good_while_the_issuer_is_down() {
    let issuer = Issuer::start(&json!({"keys": [jwk(&ed(), Algorithm::EdDSA, "d")]})).await;
    let app = issuer.app().await;
    let good = token(&app, &ed(), Algorithm::EdDSA, Some("d"));
    assert_eq!(status(&app, &good).await, 200);
    for (code, body) in [(500, "broken"), (200, "not json"), (200, "{\"keys\":[]}"), (302, "")] {
        issuer.answers(code, body);
        app.hand.advance(3_600);
        assert_eq!(status(&app, &good).await, 200);
        let unknown = token(&app, &ed(), Algorithm::EdDSA, Some("x"));
        assert_eq!(status(&app, &unknown).await, 401);
        assert_eq!(status(&app, &good).await, 200);
    }
    issuer.answers(200, " ".repeat(300 * 1024));
    app.hand.advance(3_600);
    assert_eq!(status(&app, &good).await, 200);
}

#[tokio::test]
async fn shared_secrets_and_encryption_keys_are_not_taken_from_the_network() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    let secret = [7_u8; 32];
    let mut encryption = jwk(&rsa(), Algorithm::RS256, "enc");
    encryption["use"] = json!("enc");
    let keys = json!({"keys": [{"kty": "oct", "kid": "s", "alg": "HS256", "k": BASE64.encode(secret)}, encryption,
        jwk(&ed(), Algorithm::EdDSA, "d")]});
    let issuer = Issuer::start(&keys).await;
    let app = issuer.app().await;
    let hmac = EncodingKey::from_secret(&secret);
    assert_eq!(status(&app, &token(&app, &hmac, Algorithm::HS256, Some("s"))).await, 401);
    assert_eq!(status(&app, &token(&app, &rsa(), Algorithm::RS256, Some("enc"))).await, 401);
    assert_eq!(status(&app, &token(&app, &ed(), Algorithm::EdDSA, Some("d"))).await, 200);
}
