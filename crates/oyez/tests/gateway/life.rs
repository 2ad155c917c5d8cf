//! How live connections end, and how they are kept from ending.

use std::time::Duration;

use oyez::bus::Announcement;
use oyez_protocol::SessionId;
use serde_json::json;
use uuid::Uuid;

use crate::stage::{Stage, user};

#[tokio::test]
async fn an_expired_token_closes_its_connection_unless_it_is_renewed() {
    let stage = Stage::new().await;
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let path = |token: String| format!("/ws/notifications/?frames=full&token={token}");
    let (mut lazy, _) = stage.open(&path(stage.token_for("anna", &[], minutes(10)))).await;
    let (mut keen, _) = stage.open(&path(stage.token_for("anna", &[], minutes(10)))).await;
    stage.hand.advance(9 * 60 + 30);
    assert_eq!(lazy.next_of("token_expiring").await["expires_in"], 30);
    keen.next_of("token_expiring").await;
    let foreign = keen.ask(json!({"type": "auth", "token": stage.token("bert"), "ref": 1})).await;
    assert_eq!(foreign["code"], "forbidden");
    let fresh = stage.token_for("anna", &[], minutes(60));
    let ack = keen.ask(json!({"type": "auth", "token": fresh, "ref": 2})).await;
    assert!(ack["expires_at"].is_string(), "{ack}");
    stage.hand.advance(60);
    assert_eq!(lazy.close_code().await, 4401);
    keen.expect_silence().await;
}

#[tokio::test]
async fn tokens_may_expire_unnoticed_where_old_clients_never_renew() {
    let stage = Stage::with(|settings| settings.gateway.keep_expired = true).await;
    let mut client = stage.connect("anna").await;
    stage.hand.advance(24 * 3_600);
    stage.publish("user:anna", "still here").await;
    assert_eq!(client.messages(1).await[0].1, "still here");
}

#[tokio::test]
async fn a_disabled_user_is_closed_at_once_and_not_let_in_again() {
    let stage = Stage::new().await;
    let mut client = stage.connect("anna").await;
    let mut other = stage.connect("bert").await;
    stage.publish("user:anna", "makes her known").await;
    stage.users.disable(&user("anna")).await.unwrap();
    assert_eq!(client.close_code().await, 4403);
    other.expect_silence().await;
    let path = format!("/ws/notifications/?token={}", stage.token("anna"));
    match stage.upgrade(&path, &[]).await {
        Ok(mut client) => assert_eq!(client.close_code().await, 4403),
        Err((status, body)) => assert_eq!((status, &body["error"]["code"]), (403, &"user_disabled".into())),
    }
}

#[tokio::test]
async fn ending_another_login_leaves_this_one_alone() {
    let stage = Stage::new().await;
    let mut client = stage.connect("anna").await;
    let session = Some(SessionId(Uuid::from_u128(7)));
    stage.bus.announce(Announcement::Revoked { user: user("anna"), session });
    client.expect_silence().await;
    stage.bus.announce(Announcement::Revoked { user: user("anna"), session: None });
    assert_eq!(client.close_code().await, 4403);
}

#[tokio::test]
async fn a_drain_sends_everybody_away_with_a_time_to_come_back() {
    let stage = Stage::new().await;
    let mut full = stage.connect("anna").await;
    let token = stage.token("bert");
    let (mut plain, _) = stage.open(&format!("/ws/notifications/?token={token}")).await;
    let gateway = stage.gateway.clone();
    let drained = tokio::spawn(async move { gateway.drain(Duration::from_secs(20)).await });
    let goodbye = full.next().await;
    assert_eq!(goodbye["type"], "goodbye");
    assert!(goodbye["retry_after_ms"].as_u64().unwrap() <= 20_100);
    assert_eq!(full.close_code().await, 1001);
    assert_eq!(plain.close_code().await, 1001);
    drop((full, plain));
    drained.await.unwrap();
    let (status, body) =
        stage.upgrade(&format!("/ws/notifications/?token={token}"), &[]).await.err().unwrap();
    assert_eq!((status, &body["error"]["code"]), (503, &"unavailable".into()));
}

#[tokio::test]
async fn silence_after_two_pings_ends_a_connection_and_pongs_keep_it() {
    let stage = Stage::new().await;
    let silent = stage.connect("anna").await;
    let mut alive = stage.connect("bert").await;
    for _ in 0..4 {
        stage.hand.advance(26);
        // Reading answers pings.
        let message = futures_util::StreamExt::next(&mut alive.stream).await.unwrap().unwrap();
        assert!(message.is_ping());
        alive.expect_silence().await;
    }
    stage.connections(1).await;
    alive.expect_silence().await;
    drop(silent);
}

#[tokio::test]
async fn a_client_that_closes_is_answered_and_forgotten() {
    let stage = Stage::new().await;
    let mut client = stage.connect("anna").await;
    stage.connections(1).await;
    client.stream.close(None).await.unwrap();
    while let Some(Ok(_)) = futures_util::StreamExt::next(&mut client.stream).await {}
    drop(stage.connect("bert").await);
    stage.connections(0).await;
    assert_eq!(stage.event("everyone", "nobody").await, 0);
}
