//! Live-only events, and notifications to roles and everyone.

use std::time::Duration;

use crate::stage::{Stage, role, user};

#[tokio::test]
async fn events_reach_their_audience_and_say_how_many() {
    let stage = Stage::new().await;
    let hour = Duration::from_secs(3_600);
    let mut anna = stage.connect("anna").await;
    let mut phone = stage.connect("anna").await;
    let token = stage.token_for("bert", &["admin"], hour);
    let (mut bert, _) = stage.open(&format!("/ws/notifications/?token={token}")).await;
    let (mut board, _) = stage.open(&format!("/ws/dashboard/?token={token}")).await;
    assert_eq!(stage.event("user:anna", "for_anna").await, 2);
    assert_eq!(stage.event("role:admin", "for_admins").await, 1, "by the role the token claims");
    assert_eq!(stage.event("everyone", "for_all").await, 3);
    assert_eq!(stage.event("topic:dashboard", "board_news").await, 1);
    assert_eq!(stage.event("user:nobody", "lost").await, 0);
    for client in [&mut anna, &mut phone] {
        assert_eq!(client.next().await["type"], "for_anna");
        assert_eq!(client.next().await["type"], "for_all");
        client.expect_silence().await;
    }
    assert_eq!(bert.next().await["type"], "for_admins");
    let event = bert.next().await;
    assert_eq!(event["type"], "for_all");
    assert!(event.get("seq").is_none() && event.get("id").is_none());
    assert_eq!(board.next().await["type"], "board_news");
    board.expect_silence().await;
}

#[tokio::test]
async fn a_notification_to_a_role_lands_in_each_inbox_with_its_own_position() {
    let stage = Stage::new().await;
    let hour = Duration::from_secs(3_600);
    stage.publish("user:anna", "hers").await;
    let mut clients = Vec::new();
    for name in ["anna", "bert"] {
        let token = stage.token_for(name, &["reviewer"], hour);
        clients.push(stage.open(&format!("/ws/notifications/?token={token}")).await.0);
    }
    crate::stage::eventually("the tokens' roles are known", async || {
        let standings = stage.store.standings(&[user("anna"), user("bert")]).await.unwrap();
        standings.iter().all(|standing| standing.token_roles == [role("reviewer")])
    })
    .await;
    assert_eq!(stage.publish("role:reviewer", "look").await.recipients, 2);
    let (one, two) = (clients[0].next().await, clients[1].next().await);
    assert_eq!((&one["seq"], &two["seq"]), (&2.into(), &1.into()));
    assert_eq!(one["id"], two["id"]);
    assert_eq!(one["message"], "look");
}

#[tokio::test]
async fn a_role_that_is_given_or_taken_counts_at_once() {
    let stage = Stage::new().await;
    let mut anna = stage.connect("anna").await;
    let mut profile = oyez_store::UserProfile::new(user("anna"));
    profile.roles = Some(vec![role("auditor")]);
    stage.users.put(profile.clone()).await.unwrap();
    assert_eq!(stage.event("role:auditor", "audit").await, 1);
    assert_eq!(anna.next().await["type"], "audit");
    profile.roles = Some(Vec::new());
    stage.users.put(profile).await.unwrap();
    assert_eq!(stage.event("role:auditor", "audit").await, 0);
}
