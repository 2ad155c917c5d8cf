//! Who is let in, and what the others are told.

use std::time::Duration;

use serde_json::Value;

use crate::stage::{Stage, user};

#[tokio::test]
async fn the_greeting_says_who_where_and_how_much() {
    let stage = Stage::new().await;
    stage.publish("user:anna", "one").await;
    stage.publish("user:anna", "two").await;
    let (mut client, greeting) = stage.connect_with("anna", "").await;
    let fields: Vec<&str> = greeting.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "type",
            "message",
            "user_id",
            "connection_id",
            "epoch",
            "seq",
            "resumed",
            "unread",
            "unseen",
            "ping_interval",
            "server_time"
        ]
    );
    assert_eq!(greeting["message"], "WebSocket connected successfully");
    assert_eq!(greeting["user_id"], "anna");
    assert_eq!(greeting["epoch"], stage.store.epoch().to_string());
    assert_eq!((&greeting["seq"], &greeting["resumed"]), (&2.into(), &false.into()));
    assert_eq!((&greeting["unread"], &greeting["unseen"]), (&2.into(), &2.into()));
    assert_eq!(greeting["ping_interval"], 25);
    assert_eq!(greeting["server_time"], "2026-11-20T12:00:00.000Z");
    client.expect_silence().await;
}

#[tokio::test]
async fn the_dashboard_is_for_its_roles_by_token_or_by_the_application() {
    let stage = Stage::new().await;
    let hour = Duration::from_secs(3_600);
    let path = |token: String| format!("/ws/dashboard?token={token}");
    let admin = stage.token_for("anna", &["admin"], hour);
    let (_client, greeting) = stage.open(&path(admin)).await;
    assert_eq!(greeting["message"], "Connected to dashboard updates");
    assert!(greeting["seq"].is_u64() && greeting["resumed"] == false);
    let (status, body) = stage.upgrade(&path(stage.token("bert")), &[]).await.err().unwrap();
    assert_eq!((status, &body["error"]["code"]), (403, &"forbidden".into()));
    let mut profile = oyez_store::UserProfile::new(user("bert"));
    profile.roles = Some(vec![crate::stage::role("super_admin")]);
    stage.users.put(profile).await.unwrap();
    let _let_in = stage.open(&path(stage.token("bert"))).await;
}

#[tokio::test]
async fn who_may_not_connect_is_told_why_at_the_handshake() {
    let stage = Stage::new().await;
    let expired = stage.token_for("anna", &[], Duration::from_secs(60));
    stage.hand.advance(3_600);
    let refused = |path: String| {
        let stage = &stage;
        async move {
            let (status, body) = stage.upgrade(&path, &[]).await.err().unwrap();
            assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
            (status, body["error"]["code"].as_str().unwrap().to_owned())
        }
    };
    let path = "/ws/notifications/";
    assert_eq!(refused(path.into()).await, (401, "token_missing".into()));
    assert_eq!(refused(format!("{path}?token=nonsense")).await, (401, "token_malformed".into()));
    assert_eq!(refused(format!("{path}?token={expired}")).await, (401, "token_expired".into()));
    let good = stage.token("anna");
    assert_eq!(refused(format!("{path}?since=x&token={good}")).await, (422, "invalid".into()));
    let forged = format!("{}x", good);
    assert_eq!(refused(format!("{path}?token={forged}")).await.0, 401);
}

#[tokio::test]
async fn pages_of_a_foreign_origin_are_refused_before_anything_is_used_up() {
    let stage =
        Stage::with(|settings| settings.gateway.allowed_origins = vec!["https://app.example".into()]).await;
    let path = format!("/ws/notifications/?token={}", stage.token("anna"));
    let (status, body) = stage.upgrade(&path, &[("origin", "https://evil.example")]).await.err().unwrap();
    assert_eq!((status, &body["error"]["code"]), (403, &"origin_forbidden".into()));
    let own = format!("http://{}", stage.address);
    for origin in ["https://app.example", own.as_str()] {
        assert!(stage.upgrade(&path, &[("origin", origin)]).await.is_ok(), "{origin}");
    }
}

#[tokio::test]
async fn the_token_may_come_as_a_subprotocol_which_asks_for_full_frames() {
    let stage = Stage::new().await;
    let offered = format!("oyez.v1, bearer.{}", stage.token("anna"));
    let headers = [("sec-websocket-protocol", offered.as_str())];
    let mut client = stage.upgrade("/ws/notifications/", &headers).await.ok().unwrap();
    assert_eq!(client.subprotocol.as_deref(), Some("oyez.v1"));
    client.next().await;
    stage.publish("user:anna", "one").await;
    client.next().await;
    client.send(serde_json::json!({"type": "mark_read", "all": true})).await;
    assert_eq!(client.next_of("inbox").await["unread"], 0);
}

#[tokio::test]
async fn a_user_over_the_limit_replaces_their_oldest_connection() {
    let stage = Stage::with(|settings| settings.hub.max_connections_per_user = 2).await;
    let mut first = stage.connect("anna").await;
    let mut second = stage.connect("anna").await;
    let mut third = stage.connect("anna").await;
    assert_eq!(first.close_code().await, 4409);
    second.expect_silence().await;
    third.expect_silence().await;
}

#[tokio::test]
async fn a_full_house_asks_to_come_back_later() {
    let stage = Stage::with(|settings| settings.gateway.max_connections = 1).await;
    let _only = stage.connect("anna").await;
    let path = format!("/ws/notifications/?token={}", stage.token("bert"));
    let (status, body) = stage.upgrade(&path, &[]).await.err().unwrap();
    assert_eq!((status, &body["error"]["code"]), (429, &"too_many_connections".into()));
}

#[tokio::test]
async fn a_request_that_is_no_websocket_is_told_what_would_be_one() {
    let stage = Stage::new().await;
    let url = format!("http://{}/ws/notifications/?token={}", stage.address, stage.token("anna"));
    let response = reqwest::get(url).await.unwrap();
    assert_eq!(response.status(), 426);
    assert_eq!(response.headers()["upgrade"], "websocket");
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert!(body["error"]["message"].as_str().unwrap().contains("Upgrade: websocket"));
}
