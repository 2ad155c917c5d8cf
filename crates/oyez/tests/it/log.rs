//! The log at its most talkative, while secrets of every kind pass by.

use std::{
    io,
    sync::{Arc, Mutex},
};

use oyez::auth::Scope;
use reqwest::Method;
use serde_json::json;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::support::{PASSWORD, SECRET, TestApp, foreign_token};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_reaches_the_log() {
    let lines = Lines::default();
    let filter = EnvFilter::new("debug,oyez=trace,oyez_store=trace");
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines.clone()).finish();
    // The whole process logs here, other tests too: their secrets are as good.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let app = TestApp::start().await;
    app.user_with_password("anna", None).await;
    let key = app.key(&[Scope::Admin]).await;
    let login = json!({"username": "anna", "password": PASSWORD});
    let done = app.send(app.request(Method::POST, "/api/auth/login").json(&login)).await.expect(200);
    let cookie = done.header("set-cookie").split(';').next().unwrap().to_owned();
    let done = done.json();
    let (access, refresh) = (done["access"].as_str().unwrap(), done["refresh"].as_str().unwrap());
    let foreign = foreign_token(&json!({"sub": "ben", "exp": app.now() + 60}));
    let ticket = app.post("/api/auth/ticket", access, &json!({})).await.expect(200).json();
    let ticket = ticket["ticket"].as_str().unwrap();
    app.get("/api/v1/keys", &key).await.expect(200);
    for token in [access, &foreign] {
        app.get("/api/v1/inbox", token).await.expect(200);
        app.get("/api/v1/inbox", &token[..token.len() - 3]).await.refused(401, "token_invalid");
        app.send(app.request(Method::GET, &format!("/ws/notifications/?token={token}"))).await;
        app.send(app.request(Method::GET, &format!("/nothing?token={token}")))
            .await
            .refused(404, "not_found");
    }
    app.send(app.request(Method::GET, &format!("/ws/notifications/?ticket={ticket}"))).await;
    app.send(app.request(Method::GET, "/api/auth/me").header("cookie", &cookie)).await.expect(200);
    for _ in 0..2 {
        let body = json!({"refresh": refresh});
        app.send(app.request(Method::POST, "/api/auth/refresh").json(&body)).await;
    }
    app.store.close().await;
    app.get("/api/v1/inbox", &foreign).await.refused(503, "unavailable");
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("a refresh token was used twice") && log.contains("answered"), "{log}");
    let signature = |token: &str| token.rsplit('.').next().unwrap()[..20].to_owned();
    for (name, secret) in [
        ("password", PASSWORD.to_owned()),
        ("shared secret", SECRET.to_owned()),
        ("API key", key["oyez_sk_".len()..].to_owned()),
        ("refresh token", refresh.to_owned()),
        ("ticket", ticket.to_owned()),
        ("access token", signature(access)),
        ("foreign token", signature(&foreign)),
        ("cookie", signature(&cookie)),
    ] {
        let place = log.find(&secret);
        let around = place.map(|place| &log[place.saturating_sub(200)..(place + 60).min(log.len())]);
        assert!(around.is_none(), "{name}: {around:?}");
    }
}
